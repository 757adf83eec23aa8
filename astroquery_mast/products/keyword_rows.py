"""Files of JWST as the services for header keywords list them, as products.

In: a table of files with the archive's names of columns. Out: the same table with the columns by which products are
filtered and planned; any other table as it is.
"""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from .file_names import column_as_text
from .plan import EXCLUSIVE

_MARKS = frozenset({"dataURI", "filename", "fileSize"})
# What stands for what in tables of products.
_CALLED = {"size": "fileSize", "t_obs_release": "publicReleaseDate_mjd", "proposal_id": "program"}
_RESTRICTED, _PUBLIC = "isRestricted", "PUBLIC"
_YES = frozenset({"true", "t", "1"})


def files_as_products(table: Table) -> Table:
    """Return files with the columns of products; ``obs_id`` is that of observations, which is part of their names."""
    if not set(table.colnames) >= _MARKS or "productFilename" in table.colnames:
        return table
    products = table.copy(copy_data=False)
    names = column_as_text(table, "filename")
    products["productFilename"] = np.array(names, dtype=np.str_)
    products["obs_collection"] = "JWST"
    products["obs_id"] = np.array(list(map(_observation_of, names)), dtype=np.str_)
    for name, own in _CALLED.items():
        if own in table.colnames and name not in table.colnames:
            products[name] = table[own]
    if _RESTRICTED in table.colnames:
        products["dataRights"] = list(map(_rights, column_as_text(table, _RESTRICTED)))
    return products


def _observation_of(name: str) -> str:
    """The ``obs_id`` in the name of a file: all of it but the suffix."""
    return name.rpartition("_")[0] or name


def _rights(restricted: str) -> str:
    """The word of products for what says whether a file is restricted."""
    return EXCLUSIVE if restricted.lower() in _YES else _PUBLIC
