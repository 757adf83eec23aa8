from tempfile import TemporaryDirectory

from astropy.io import fits
from astropy.wcs import WCS

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints
from astroquery_mast.sandbox import Sandbox

with Sandbox(), TemporaryDirectory() as folder:
    webb = Observations.query_criteria(
        object_name="M51",
        radius="6 arcmin",
        obs_collection="JWST",
    )
    hubble = Observations.query_criteria(obs_id="j97c01040")
    products = Observations.get_product_list(hubble)
    drizzled = Observations.filter_products(products, extension="_drc.fits")
    manifest = Observations.download_products(drizzled, download_dir=folder)
    with fits.open(manifest["Local Path"][0]) as hdus:
        image, wcs = hdus["SCI"].data, WCS(hdus["SCI"].header)
plot_footprints(webb, by="t_exptime", image=image, wcs=wcs)
