"""
How deep has a field been observed?
===================================

``plot_depth`` adds up the exposure times of all observations at each position. Select
one calibration level first, because a mosaic contains the exposures that it was made
from.
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
# The values of the pixels are in the image of the axes:

seconds = ax.images[0].get_array()
print(f"The deepest pixel has {seconds.max():.0f} s")

# %%
# With ``by="filters"`` there is a panel for each filter: :doc:`/pictures`.
