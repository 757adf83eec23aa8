"""When products become public: products do not tell, the observations that they belong to do.

In: products, and the observations of which they were listed. Out: the products with the column ``t_obs_release``, from
which a refusal can name the day. Pure. Products flow, after "listing".
"""

from __future__ import annotations

import numpy as np
from astropy.table import MaskedColumn, Table

__all__ = ["add_release_dates"]

_RELEASE = "t_obs_release"
# The observation by which a product was found; the one that owns it may be another.
_FOUND_BY = ("parent_obsid", "obsID")


def add_release_dates(products: Table, observations: Table) -> Table:
    """Return products with the release dates of their observations."""
    key = next((name for name in _FOUND_BY if name in products.colnames), None)
    if key is None or _RELEASE in products.colnames or not {"obsid", _RELEASE} <= set(observations.colnames):
        return products
    obsids, dates = (np.ma.asarray(observations[name]).tolist() for name in ("obsid", _RELEASE))
    known = {str(obsid): float(date) for obsid, date in zip(obsids, dates, strict=True) if date is not None}
    found = [known.get(str(obsid), np.nan) for obsid in np.ma.asarray(products[key]).tolist()]
    dated = products.copy(copy_data=False)
    dated[_RELEASE] = MaskedColumn(found, mask=np.isnan(found), dtype=float, unit="d")
    return dated
