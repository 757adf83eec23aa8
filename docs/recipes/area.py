"""
What has Hubble observed in this area?
======================================

Pass the corners of the area as ``region``. The search returns every observation whose
footprint overlaps the area, even if its center is outside.
"""

from astropy.coordinates import SkyCoord
from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints

area = SkyCoord(
    ["13h29m42s", "13h30m04s", "13h30m04s", "13h29m42s"],
    ["47d11m00s", "47d11m00s", "47d15m00s", "47d15m00s"],
)
hubble = Observations.query_criteria(
    region=area, obs_collection="HST", project="HST", calib_level=3
)
for rows in hubble.group_by("instrument_name").groups:
    seconds = rows["t_exptime"].sum()
    print(f"{rows['instrument_name'][0]}: {len(rows)} observations, {seconds:.0f} s")

# %%
# Draw the footprints, and the area on top of them:

ax = plot_footprints(hubble)
corners = [*range(len(area)), 0]
sky = ax.get_transform("icrs")
ax.plot(area.ra[corners], area.dec[corners], "k--", transform=sky)
plt.show()

# %%
# A region can also be text, the WCS of an image, a MOC, or the footprint of another
# observation: see :doc:`/footprints`.
