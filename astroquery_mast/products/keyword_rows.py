"""Conversion of JWST files, as listed by the services for header keywords, to products.

In: a table of files with MAST's column names. Out: the same table with the columns that filters and plans need; any
other table unchanged.
"""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from .file_names import column_as_text
from .plan import EXCLUSIVE

_MARKS = frozenset({"dataURI", "filename", "fileSize"})
# Column of product tables → column of file tables.
_RENAMED = {"size": "fileSize", "t_obs_release": "publicReleaseDate_mjd", "proposal_id": "program"}
_RESTRICTED, _PUBLIC = "isRestricted", "PUBLIC"
_YES = frozenset({"true", "t", "1"})


def files_as_products(table: Table) -> Table:
    """Return files with the columns of products; ``obs_id`` is taken from the file names."""
    if not set(table.colnames) >= _MARKS or "productFilename" in table.colnames:
        return table
    products = table.copy(copy_data=False)
    names = column_as_text(table, "filename")
    products["productFilename"] = np.array(names, dtype=np.str_)
    products["obs_collection"] = "JWST"
    products["obs_id"] = np.array(list(map(_observation_of, names)), dtype=np.str_)
    for name, own in _RENAMED.items():
        if own in table.colnames and name not in table.colnames:
            products[name] = table[own]
    if _RESTRICTED in table.colnames:
        products["dataRights"] = list(map(_rights, column_as_text(table, _RESTRICTED)))
    return products


def _observation_of(name: str) -> str:
    """Return the ``obs_id`` in a file name: everything before the suffix."""
    return name.rpartition("_")[0] or name


def _rights(restricted: str) -> str:
    """Return the ``dataRights`` of products for a value of ``isRestricted``."""
    return EXCLUSIVE if restricted.lower() in _YES else _PUBLIC
