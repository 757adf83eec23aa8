"""
How deep has a field been observed?
===================================

``plot_depth`` adds up the exposure times of all observations at each position. Select a
single calibration level, so that exposures are not counted again in their mosaics.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_depth

hubble = Observations.query_criteria(
    object_name="M51",
    radius="6 arcmin",
    obs_collection="HST",
    project="HST",
    calib_level=3,
    instrument_name=["ACS/WFC", "WFC3/UVIS"],
)
center = Observations.resolve_object("M51")
ax = plot_depth(hubble, coordinates=center, radius="6 arcmin")
plt.show()

# %%
# The axes contain the map as an image, from which you can get the values:

seconds = ax.images[0].get_array()
print(f"The deepest pixel has {seconds.max():.0f} s")

# %%
# With ``by="filters"``, there is a panel for each filter: see :doc:`/pictures`.
