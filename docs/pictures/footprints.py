from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    center = Observations.resolve_object("M51")
    observations = Observations.query_object("M51", radius="6 arcmin")
images = observations[observations["obs_collection"] != "GALEX"]
plot_footprints(images, coordinates=center, radius="6 arcmin")
