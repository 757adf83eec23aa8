from astroquery_mast import Observations
from astroquery_mast.display import plot_depth
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    center = Observations.resolve_object("M51")
    hubble = Observations.query_criteria(
        object_name="M51",
        radius="6 arcmin",
        obs_collection="HST",
        calib_level=3,
        filters=["F555W", "F658N", "F814W"],
    )
plot_depth(hubble, by="filters", coordinates=center, radius="6 arcmin")
