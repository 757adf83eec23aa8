"""
How do I get all NIRCam mosaics of a JWST program, each once?
=============================================================

A program has thousands of files, and many of them belong to several observations. Query
the combined observations (``calib_level=3``), and keep only the mosaics, whose names
end in ``_i2d.fits``.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import quicklook

observations = Observations.query_criteria(
    obs_collection="JWST",
    proposal_id=1783,
    instrument_name="NIRCAM*",
    calib_level=3,
)
products = Observations.get_product_list(observations)
mosaics = Observations.filter_products(
    products, productSubGroupDescription="I2D", calib_level=3, extension="fits"
)
print(len(products), "files,", len(mosaics), "mosaics")
print(mosaics["productFilename", "filters", "size"][:6])

# %%
# A file that belongs to several observations is listed only once. Download the mosaics.
# ``flat=True`` puts all files into one folder:

manifest = Observations.download_products(
    mosaics[:2], download_dir="program1783", flat=True
)
print(manifest)

# %%
# Display one of them:

quicklook(manifest[0])
plt.show()

# %%
# See :doc:`/products` for product filters, and :doc:`/reading` for working with images.
