from astroquery_mast import Observations
from astroquery_mast.display import plot_previews
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    observations = Observations.query_object("M51", radius="6 arcmin")
    plot_previews(observations[::17])
