from astroquery_mast import Observations
from astroquery_mast.display import plot_depth
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    hubble = Observations.query_criteria(
        object_name="M51", radius="6 arcmin", obs_collection="HST", calib_level=3, dataproduct_type="image"
    )
plot_depth(hubble, by="filters", coordinates="202.4696 47.1952", radius="6 arcmin")
