import matplotlib.pyplot as plt

from astroquery_mast import Observations, readers
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    found = Observations.query_criteria(target_name="100100827", provenance_name="SPOC")
    products = Observations.get_product_list(found[:1], verbose=False)
    row = products[products["productSubGroupDescription"] == "LC"][0]
    curve = readers.read_light_curve(row, as_time_series=True)

meta = curve.meta
days = curve.time.jd - meta["BJDREFI"]
fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.plot(days, curve["flux"].value, ".", markersize=2)
ax.set_title(f"{meta['LABEL']}, sector {meta['SECTOR']} ({meta['AUTHOR']})")
ax.set_xlabel(f"BJD - {meta['BJDREFI']} (d, TDB)")
ax.set_ylabel(f"{meta['FLUX_ORIGIN']} ({curve['flux'].unit})")
