"""
How do I query more than 100,000 rows, or join tables?
======================================================

MAST's databases accept queries in ADQL, the astronomical dialect of SQL. One query
returns at most 100,000 rows. With ``limit=None``, the package retrieves all rows in
several queries, and checks their number.
"""

import numpy as np
from matplotlib import pyplot as plt

from astroquery_mast import VO

everything = VO.query_tap(
    "SELECT obsid, obs_collection, s_ra, s_dec, t_min FROM dbo.obspointing",
    limit=None,
    maxrec=2000,
)
print(len(everything), "rows in", everything.meta["pages"], "queries")

# %%
# ``maxrec`` is the number of rows per query. It defaults to the limit of the service,
# and is small here to show the paging. Plot the observations on the sky:

figure, ax = plt.subplots(figsize=(9, 4.5), subplot_kw={"projection": "mollweide"})
for collection in ("HST", "JWST", "TESS", "Kepler", "GALEX"):
    rows = everything[everything["obs_collection"] == collection]
    longitude = np.radians(180 - rows["s_ra"])
    ax.plot(longitude, np.radians(rows["s_dec"]), ".", markersize=3, label=collection)
ax.set_xticks(np.radians([-120, -60, 0, 60, 120]), ["20h", "16h", "12h", "8h", "4h"])
ax.grid(alpha=0.4)
ax.legend(loc="lower left", bbox_to_anchor=(0.97, 0), markerscale=3)
plt.show()

# %%
# With a join, the database does the work. How large are the files of each type in
# program 10452?

sizes = VO.query_tap(
    """
    SELECT a.producttype AS kind, COUNT(*) AS files,
           SUM(a.contentlength) AS bytes
    FROM dbo.obspointing AS o
    JOIN dbo.caomartifact AS a ON a.planetid = o.objid
    WHERE o.obs_collection = 'HST' AND o.proposal_id = '10452'
    GROUP BY a.producttype
    ORDER BY bytes DESC
    """
)
print(sizes)

# %%
# See :doc:`/vo` for lists of tables and columns and for long queries, and
# :doc:`/vo_recipes` for more examples.
