"""Products in the forms in which users hold them, made into one table.

In: tables, rows of tables, lists and generators of both.  Out: a table of products; everything else as it is, for it
may be observations.  Pure.  Products flow, before "listing".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from astropy.table import Row, Table, TableMergeError, vstack

from ..exceptions import InvalidArgumentError
from .listing import as_table

__all__ = ["as_product_table"]

_SCHEME = "mast:"


def as_product_table(given: object, marks: Collection[str]) -> object:
    """Return products that were given in several pieces as one table."""
    members = list(given) if isinstance(given, Iterator) else given
    _refuse_uris(members)
    if isinstance(members, Table | Row) or not isinstance(members, list | tuple):
        return members
    are_products = [isinstance(each, Table | Row) and not set(marks).isdisjoint(each.colnames) for each in members]
    if not any(are_products):
        return members
    if not all(are_products):
        index = are_products.index(False)
        raise InvalidArgumentError(
            f"Some of what was given are products, and number {index} is not: download products, and the products of "
            "observations, one after the other."
        )
    rows = as_table(members)
    try:
        return (
            vstack([Table(as_table(each)) for each in members], metadata_conflicts="silent") if rows is None else rows
        )
    except TableMergeError as err:
        raise InvalidArgumentError(f"These tables of products do not fit together: {err}") from err


def _refuse_uris(given: object) -> None:
    """Raise if these are names of files, and not products that have them."""
    if isinstance(given, np.ndarray) and given.dtype.kind in "UO":
        given = list(given.ravel().tolist())
    texts = given if isinstance(given, list | tuple | set | frozenset) else [given]
    uri = next((text for text in texts if isinstance(text, str) and text.strip().startswith(_SCHEME)), None)
    if uri is not None:
        raise InvalidArgumentError(
            f"{str(uri)!r} is a dataURI, and no obsid or dataset: download_file fetches the file of one. For many "
            "files give a table of products, as get_product_list returns it."
        )
