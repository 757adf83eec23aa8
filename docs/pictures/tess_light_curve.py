import matplotlib.pyplot as plt

from astroquery_mast import Observations, readers
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    found = Observations.query_criteria(target_name="100100827", provenance_name="SPOC")
    products = Observations.get_product_list(found[:1], verbose=False)
    row = products[products["productSubGroupDescription"] == "LC"][0]
    curve = readers.read_light_curve(row, as_time_series=True)

days = curve.time.jd - curve.meta["BJDREFI"]
fig, ax = plt.subplots(figsize=(9, 4), layout="constrained")
ax.plot(days, curve["flux"].value, ".", markersize=2, color="tab:blue")
ax.set(
    title=f"{curve.meta['LABEL']}, sector {curve.meta['SECTOR']} ({curve.meta['AUTHOR']})",
    xlabel=f"BJD - {curve.meta['BJDREFI']} (d, {curve.time.scale.upper()})",
    ylabel=f"{curve.meta['FLUX_ORIGIN']} ({curve['flux'].unit})",
)
