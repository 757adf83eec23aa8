"""
Which exposures is a Hubble mosaic made of?
===========================================

``Observations.get_members`` returns the exposures of a combined image, as a table of
observations. You can list their files and download them.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints

mosaic = Observations.query_criteria(obs_id="j97c01040")
exposures = Observations.get_members(mosaic)
exposures["obs_id", "exptype", "filters", "t_exptime"].pprint(max_width=-1)
print(f"The exposures add up to {exposures['t_exptime'].sum():.0f} s,")
print(f"and the mosaic has {mosaic['t_exptime'][0]:.0f} s")

# %%
# The footprints show the dithers:

plot_footprints(exposures, by="obs_id")
plt.show()

# %%
# Download the calibrated exposures, which were corrected for charge transfer efficiency
# (``_flc.fits``), for example to drizzle them again:

manifest = Observations.download_products(
    exposures, extension="_flc.fits", download_dir="drizzle", flat=True
)
manifest["Local Path", "Status"].pprint(max_width=-1)

# %%
# The opposite direction, from an exposure to its mosaics, is
# ``Observations.get_parents``. It works for JWST as well: :doc:`/members`.
