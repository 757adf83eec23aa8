"""
How do I match thousands of positions with Gaia?
================================================

``Catalogs.crossmatch`` sends a table of positions to MAST, a thousand per request, and
returns the matches with their separations. This recipe uses random positions. Use your
own table, with the columns ``ra`` and ``dec`` in degrees.
"""

import numpy as np
from astropy.table import Table
from matplotlib import pyplot as plt

from astroquery_mast import Catalogs

random = np.random.default_rng(101)
mine = Table(
    {
        "name": [f"star {number}" for number in range(5000)],
        "ra": 210.80 + 0.33 * random.uniform(-1, 1, 5000),
        "dec": 54.35 + 0.19 * random.uniform(-1, 1, 5000),
    }
)
matches = Catalogs.crossmatch(mine, "Gaia", radius="20 arcsec", best=True)

# %%
# ``input_row`` is the row number in your table. Use it to combine both tables:

matches["name"] = mine["name"][matches["input_row"]]
matches["separation"].format = ".2f"
columns = "name", "separation", "designation", "phot_g_mean_mag", "bp_rp", "parallax"
print(matches[columns][:5])
print(len(matches.meta["unmatched"]), "of", len(mine), "positions have no match")

# %%
# With the parallaxes, you can plot a color-magnitude diagram:

distance_modulus = 5 * np.log10(100 / matches["parallax"])
plt.scatter(matches["bp_rp"], matches["phot_g_mean_mag"] - distance_modulus, s=4)
plt.gca().invert_yaxis()
plt.xlabel("BP - RP (mag)")
plt.ylabel("Absolute G magnitude (mag)")
plt.show()

# %%
# See :doc:`/crossmatch` for other catalogs, such as the TESS Input Catalog and 2MASS.
