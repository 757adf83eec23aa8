from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
from astropy.io import fits
from astropy.visualization import simple_norm
from astropy.wcs import WCS

from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox

with Sandbox(), TemporaryDirectory() as folder:
    images = Observations.query_criteria(obs_id="j97c01040")
    products = Observations.get_product_list(images)
    drizzled = Observations.filter_products(products, extension="_drc.fits")
    manifest = Observations.download_products(drizzled, download_dir=folder)
    with fits.open(manifest["Local Path"][0]) as hdus:
        image, wcs = hdus["SCI"].data, WCS(hdus["SCI"].header)

axes = plt.subplot(projection=wcs)
norm = simple_norm(image, "asinh", percent=99.5, asinh_a=0.05)
axes.imshow(image, norm=norm, cmap="magma", origin="lower")
axes.set_xlabel("Right ascension")
axes.set_ylabel("Declination")
