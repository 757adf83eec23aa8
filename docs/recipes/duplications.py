"""
Has my target been observed, or is it planned already?
======================================================

Before you propose JWST observations, check whether the same field, instrument mode, and
filters have been observed or approved. ``Programs.find_duplications`` compares each of
your targets with the observations near it, and grades them.
"""

from astropy.table import Table
from matplotlib import pyplot as plt

from astroquery_mast import Programs
from astroquery_mast.display import plot_footprints

proposal = Table(
    {
        "target": ["M51", "M101"],
        "ra": [202.4696, 210.8023],
        "dec": [47.1953, 54.3489],
        "instrument": ["NIRCam imaging", "NIRCam imaging"],
        "filters": ["F200W", "F444W"],
        "exptime": [1000.0, 1000.0],
    }
)
found = Programs.find_duplications(proposal)
serious = found[found["grade"] != "unlikely"]
columns = "target", "proposal_id", "filters", "planned", "grade"
print(serious[columns][:8])

# %%
# ``reason`` explains each grade:

print(serious["reason"][0])

# %%
# ``query_planned`` lists planned observations without a comparison:

planned = Programs.query_planned("M101", radius="5 arcmin", instrument="NIRCAM")
print(len(planned), "planned observations in program", *set(planned["proposal_id"]))

# %%
# Plot their footprints. Dashed outlines are approximate, because the roll angle of the
# telescope is not known yet:

plot_footprints(planned, by="filters")
plt.show()

# %%
# The grades do not replace STScI's duplication policy. Check each candidate in its APT
# file: see :doc:`/programs`.
