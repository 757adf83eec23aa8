from astroquery_mast import Observations
from astroquery_mast.display import quicklook
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    images = Observations.query_criteria(obs_id="j97c01040")
    products = Observations.get_product_list(images)
    drizzled = Observations.filter_products(
        products,
        extension="_drc.fits",
    )
    quicklook(drizzled[0])
