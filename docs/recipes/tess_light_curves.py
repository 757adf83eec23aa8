"""
How do I get the TESS light curves of a list of TIC numbers?
============================================================

The target name of a TESS observation is its TIC number. Pass all numbers in one query,
and keep only the light curves among the products.
"""

import numpy as np
from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_timeline

tic = [261136679, 307210830, 100100827]
observations = Observations.query_criteria(
    obs_collection="TESS",
    provenance_name="SPOC",
    target_name=[str(number) for number in tic],
    t_exptime=[110, 130],
)
for number in tic:
    rows = observations[observations["target_name"] == str(number)]
    print("TIC", number, "sectors", *sorted(rows["sequence_number"]))

# %%
# ``t_exptime`` selects the 2-minute cadence. A timeline shows when each star was
# observed:

ax = plot_timeline(observations, by="target_name")
ax.set_xlim(np.datetime64("2018-07-01"), np.datetime64("2019-12-01"))
plt.show()

# %%
# Download the light curves, without target pixel files and other products:

products = Observations.get_product_list(observations)
curves = Observations.filter_products(products, productSubGroupDescription="LC")
print(len(curves), "light curves")
manifest = Observations.download_products(curves[:4], download_dir="tess", flat=True)
print(manifest)

# %%
# To read and plot a light curve, see :doc:`light_curve`. For light curves from other
# pipelines, such as QLP and TGLC, see :doc:`/hlsp`.
