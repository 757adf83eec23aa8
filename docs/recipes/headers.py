"""
How do I read the headers of many files without downloading them?
=================================================================

``Observations.get_headers`` reads the headers of remote FITS files, several files at a
time, and skips the data. It returns a single table.
"""

import numpy as np
from matplotlib import pyplot as plt

from astroquery_mast import Observations

exposures = Observations.query_criteria(
    obs_collection="JWST",
    proposal_id=1783,
    instrument_name="NIRCAM*",
    calib_level=2,
    filters="F115W",
)
products = Observations.get_product_list(exposures)
calibrated = Observations.filter_products(
    products, productSubGroupDescription="CAL", extension="_nrca1_cal.fits"
)
headers = Observations.get_headers(
    calibrated,
    extensions=[0, "SCI"],
    keywords=["FILTER", "EFFEXPTM", "CAL_VER", "CRVAL*"],
)
print(headers["file", "hdu", "FILTER", "CAL_VER", "CRVAL1"][:6])

# %%
# There is a row for each HDU. Keywords that a header does not have are masked. The
# extension ``SCI`` has, for example, the pointings of the exposures:

science = headers[headers["EXTNAME"] == "SCI"]
first_visit = science[: len(science) // 2]
north = (first_visit["CRVAL2"] - first_visit["CRVAL2"][0]) * 3600
east = (first_visit["CRVAL1"] - first_visit["CRVAL1"][0]) * 3600
plt.plot(east * np.cos(np.radians(47.2)), north, "o--")
plt.xlabel("East (arcsec)")
plt.ylabel("North (arcsec)")
plt.title("Dithers of the first visit")
plt.gca().invert_xaxis()
plt.gca().set_aspect("equal", adjustable="datalim")
plt.show()

# %%
# To open a single file without downloading it, use ``Observations.read_product``: see
# :doc:`/downloads`.
