"""
Which of my sources are in which footprints?
============================================

Which sources in your table has a telescope observed? Query the observations once, then
match both tables on your own computer. This takes seconds for 60,000 sources and 40,000
footprints.
"""

import numpy as np
from astropy.table import Table
from matplotlib import pyplot as plt

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints
from astroquery_mast.footprints import match_footprints

random = np.random.default_rng(51)
sources = Table(
    {
        "ra": 202.47 + 0.08 * random.uniform(-1, 1, 500),
        "dec": 47.2 + 0.05 * random.uniform(-1, 1, 500),
    }
)
observations = Observations.query_criteria(
    object_name="M51", radius="6 arcmin", obs_collection="JWST", calib_level=3
)
pairs = match_footprints(sources, observations)
pairs["obs_id"] = observations["obs_id"][pairs["observation"]]
print(len(pairs), "pairs")
pairs[:4].pprint(max_width=-1)

# %%
# Sources without a match have not been observed:

observed = np.isin(np.arange(len(sources)), pairs["point"])
print(observed.sum(), "of", len(sources), "sources are in at least one footprint")

# %%
ax = plot_footprints(observations)
sky = ax.get_transform("icrs")
colors = np.where(observed, "black", "darkgray")
ax.scatter(sources["ra"], sources["dec"], s=4, c=colors, transform=sky)
plt.show()

# %%
# The footprints are in the column ``s_region`` of any table of observations. You can
# add a margin or proper motions: see :doc:`/footprints`.
