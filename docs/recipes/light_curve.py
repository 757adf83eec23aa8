"""
How do I read and fold a light curve?
=====================================

``readers.read_light_curve`` returns a light curve with times and units. Cadences with a
serious quality flag are removed. The result is a ``LightCurve`` if lightkurve is
installed, and otherwise an astropy ``TimeSeries``. This recipe works with both.
"""

import numpy as np
from astropy import units as u
from matplotlib import pyplot as plt

from astroquery_mast import Observations, readers

observations = Observations.query_criteria(
    target_name="100100827", obs_collection="TESS", provenance_name="SPOC"
)
products = Observations.get_product_list(observations[:1])
files = Observations.filter_products(products, productSubGroupDescription="LC")
curve = readers.read_light_curve(files[0])
curve["time", "flux", "flux_err"][:3].pprint(max_width=-1)

# %%
# TIC 100100827 is WASP-18, whose planet transits every 0.94 days. Fold the light curve
# with this period, and use the deepest point as the epoch:

middle = curve["time"][np.nanargmin(curve["flux"])]
folded = curve.fold(period=0.94145 * u.day, epoch_time=middle)

figure, (top, bottom) = plt.subplots(2, figsize=(8, 6), layout="constrained")
top.plot(
    (curve["time"] - middle).to_value(u.day), curve["flux"].value, ".", markersize=2
)
top.set_xlabel("Time (d)")
bottom.plot(folded["time"].to_value(u.hour), folded["flux"].value, ".", markersize=2)
bottom.set_xlabel("Time from mid-transit (h)")
for ax in (top, bottom):
    ax.set_ylabel(f"Flux ({curve['flux'].unit})")
plt.show()

# %%
# See :doc:`/reading_light_curves` for other missions, several sectors, and quality
# flags.
