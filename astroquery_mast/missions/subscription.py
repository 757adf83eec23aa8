"""The lists of files that MAST mails to subscribers, as product tables.

In: the JSON file of such a mail, or the records in it.  Out: a product table.  Products flow, first step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from astropy.table import Table

from ..exceptions import InvalidQueryError
from ..query.request import ApiRequest
from .product_list import products_table, records_page

__all__ = ["as_subscription"]

_ORIGIN = "MAST subscription"


def as_subscription(given: object) -> Table | None:
    """Return the list of files of a subscription as a table."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.lower().endswith(".json")):
        return _table(_read(Path(given)), f"JSON file {os.fspath(given)}")
    if isinstance(given, Mapping):
        raise InvalidQueryError("A dictionary is no list of products: give a list of dictionaries.")
    if isinstance(given, list | tuple) and given and any(isinstance(record, Mapping) for record in given):
        return _table(given, "the list")
    return None


def _read(path: Path) -> object:
    """What is in a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as err:
        raise InvalidQueryError(f"The list of products {path} cannot be read: {err}") from err
    except (ValueError, RecursionError) as err:
        raise InvalidQueryError(f"Failed to decode JSON file at {path}: {err}") from err


def _table(records: object, where: str) -> Table:
    """The table of records, which must all be such."""
    if not isinstance(records, Iterable) or isinstance(records, str | Mapping):
        raise InvalidQueryError(f"Expected a list of product rows in {where}, and not a {type(records).__name__}.")
    rows = list(records)
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise InvalidQueryError(f"Expected a list of product rows in {where}; {wrong!r:.80} is none.")
    if not rows:
        raise InvalidQueryError(f"There are no products in {where}.")
    if not any("filename" in row for row in rows):
        raise InvalidQueryError(f"The records in {where} have no 'filename', so that they are no products.")
    return products_table(ApiRequest(_ORIGIN, ""), [records_page(rows, _ORIGIN)])
