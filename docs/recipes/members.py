"""
Which exposures is a Hubble mosaic made of?
===========================================

``Observations.get_members`` returns the exposures of a combined image as a table of
observations, whose files you can list and download.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints

mosaic = Observations.query_criteria(obs_id="j97c01040")
exposures = Observations.get_members(mosaic)
print(exposures["obs_id", "exptype", "filters", "t_exptime"])
print(f"Sum of the exposures: {exposures['t_exptime'].sum():.0f} s")
print(f"Exposure time of the mosaic: {mosaic['t_exptime'][0]:.0f} s")

# %%
# Plot the footprints to see the dithers:

plot_footprints(exposures, by="obs_id")
plt.show()

# %%
# Download the calibrated exposures with CTE correction (``_flc.fits``), for example to
# drizzle them again:

manifest = Observations.download_products(
    exposures, extension="_flc.fits", download_dir="drizzle", flat=True
)
print(manifest)

# %%
# ``Observations.get_parents`` does the opposite, and finds the mosaics of an exposure.
# Both work for JWST too: see :doc:`/members`.
