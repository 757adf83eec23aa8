from astroquery_mast import Observations
from astroquery_mast.display import quicklook
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    images = Observations.query_criteria(
        object_name="M51",
        radius="0.1 deg",
        obs_collection="HST",
        instrument_name="ACS/WFC",
        filters="F814W",
        calib_level=3,
    )
    products = Observations.get_product_list(images[0])
    drizzled = Observations.filter_products(products, extension="_drc.fits")
    quicklook(drizzled[0])
