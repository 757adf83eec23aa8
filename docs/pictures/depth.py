from astroquery_mast import Observations
from astroquery_mast.display import plot_depth
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    webb = Observations.query_criteria(
        object_name="M51",
        radius="6 arcmin",
        obs_collection="JWST",
        calib_level=3,
    )
plot_depth(webb)
