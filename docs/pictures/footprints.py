from astroquery_mast import Observations
from astroquery_mast.footprints import plot_footprints
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    images = Observations.query_criteria(object_name="M51", radius="0.1 deg", obs_collection=["HST", "JWST"])
plot_footprints(images)
