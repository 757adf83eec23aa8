"""
How do I look at many observations at once?
===========================================

Most observations have a preview, a small JPEG image. ``plot_previews`` draws them as a
contact sheet.
"""

from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_previews, write_previews

observations = Observations.query_criteria(
    object_name="M51", radius="6 arcmin", obs_collection=["HST", "JWST"], calib_level=3
)
plot_previews(observations[::7])
plt.show()

# %%
# For hundreds of observations, write an HTML page. It works in any browser, and shows
# each preview in full size:

page = write_previews(observations, "m51.html")
print(page, f"{page.stat().st_size / 1e6:.1f} MB")

# %%
# See :doc:`/pictures` for other plots.
