"""
When do exclusive data become public?
=====================================

Recent data are available only to the team of the proposal, for JWST usually for 12
months. This is the exclusive-access (proprietary) period. The column ``t_obs_release``
has the date on which it ends.
"""

from astropy import units as u
from astropy.time import Time
from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_timeline

exclusive = Observations.query_criteria(
    object_name="M51",
    radius="6 arcmin",
    dataRights="EXCLUSIVE_ACCESS",
    calib_level=(2, None),
)
programs = exclusive.group_by(["obs_collection", "proposal_id"])
for rows in programs.groups:
    mission, program = rows["obs_collection", "proposal_id"][0]
    release = Time(rows["t_obs_release"].max(), format="mjd")
    print(f"{mission} {program}: {len(rows)} observations, until", release.iso[:10])

# %%
# Plot a timeline. Filled triangles are release dates in the future:

plot_timeline(exclusive, by="proposal_id")
plt.show()

# %%
# To find data that become public within two years, give a range of dates:

criteria = {"obs_collection": "JWST", "dataRights": "EXCLUSIVE_ACCESS"}
now = Time.now()
soon = Observations.query_criteria_count(
    t_obs_release=[now, now + 2 * u.yr], **criteria
)
total = Observations.query_criteria_count(**criteria)
print(f"{soon} of {total} exclusive observations become public within two years")

# %%
# If you are on the team, log in to download the data: see :doc:`/tokens`. For more
# about timelines, see :doc:`/pictures`.
