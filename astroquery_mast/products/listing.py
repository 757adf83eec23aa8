"""Product lists of observations: identifiers from all forms of input, and requests in batches.

In: observations and products in any form, and a callable that requests the products of some observations.
Out: identifiers; products in one table; all responses, in a stable order.
The first step of the product flow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, TypeGuard, TypeVar
from urllib.parse import unquote

import numpy as np
import requests
from astropy.table import Row, Table, TableMergeError, vstack
from astroquery import log

from ..exceptions import (
    InvalidArgumentError,
    InvalidCriterionError,
    InvalidQueryError,
    MastError,
    QueryTimeoutError,
    ServerError,
    TooManyRowsError,
)
from ..query.request import from_one
from ..query.values import as_unicode, in_batches, is_integer, is_missing
from ..service.parallel import map_or_stop, progress_bar
from ..service.retrying import Deadline, connection_dropped
from ..tables.columns import closest, few_names, no_such, plain_cells
from ..tables.dataframes import as_astropy
from ..tables.rows import EXACT

T = TypeVar("T")

# Full-frame images, each of which is listed with a very large number of files; Tesscut returns cutouts instead.
_FULL_FRAME = ("TESS FFI", "TICA FFI")
_EMPTY = "Observation list is empty, no associated products."
# The smallest number of observations for which a separate request is faster.
_SMALLEST_BATCH = 250
_OBSID = re.compile(r"([0-9]+)(?:\.0*)?")
_MAX_LISTED = 12
# The calib_level of planned observations.
_PLANNED = -1
# The arguments of methods with filters: an unknown filter may be a misspelled argument.
ARGUMENTS = (
    *("download_dir", "flat", "cache", "curl_flag", "mrp_only", "extension", "cloud_only", "force_on_prem", "verbose"),
    *("path_template", "overwrite", "dry_run", "bundle", "max_workers", "executor", "timeout", "on_error", "mission"),
)
_SCHEME = "mast:"


def as_obsids(observations: object) -> list[str]:
    """Return the product group identifiers (``obsid``) of observations."""
    matches = {text: _OBSID.fullmatch(text) for text in identifiers(observations, _table_cells, "obsid")}
    wrong = [text for text, match in matches.items() if match is None]
    if wrong:
        raise _no_obsid(wrong)
    obsids = list(dict.fromkeys(match[1] for match in matches.values() if match))
    if not obsids:
        raise InvalidQueryError(_EMPTY)
    return obsids


def _no_obsid(wrong: Sequence[str]) -> InvalidArgumentError:
    """Return the error for texts that are not obsids."""
    if "://" in wrong[0]:
        return InvalidArgumentError(f"{few_names(wrong)} is a URL, not a dataURI. Use download_file for a URL.")
    return InvalidArgumentError(
        f"{few_names(wrong)} is not an obsid (a number such as '2003738726'). It looks like an obs_id. Use "
        "the column 'obsid' of the observations: query_criteria(obs_id=...)['obsid']."
    )


def identifiers(given: object, of_table: Callable[[Table], list[object]], what: str) -> list[str]:
    """Return identifiers given in any form."""
    if given is None:
        raise InvalidArgumentError(f"None is not valid here. Pass a table, or its column '{what}'.")
    cells = _split_texts(single_cells(given, of_table))
    missing = [row for row, cell in enumerate(cells) if is_missing(cell)]
    if missing:
        raise InvalidArgumentError(f"Missing {what} in row(s) {few_names(missing)}. Remove these rows.")
    return [text for text in (_identifier(cell, what) for cell in cells) if text]


def _identifier(cell: object, what: str) -> str:
    """Return an identifier as text; it may be an integer, or a float from pandas."""
    if isinstance(cell, str):
        return cell.strip()
    if is_integer(cell) or (isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT):
        return str(int(cell))
    raise InvalidArgumentError(
        f"Unsupported data type for `{what}s`: {cell!r:.80} is a {type(cell).__name__}, not a string."
    )


def as_table(rows: object) -> Table | None:
    """Return a table, a row or a list of rows as a table; None for anything else."""
    if not isinstance(rows, Table | Row):
        rows = as_astropy(rows)
    if isinstance(rows, Table | Row):
        return _whole(rows)
    return _table_of_rows(rows) if _are_rows(rows) else None


def _whole(rows: Table | Row) -> Table:
    """Return a table, or a row as a table."""
    return rows if isinstance(rows, Table) else Table(rows, masked=True)


def _table_of_rows(rows: Sequence[Row]) -> Table:
    """Return rows of one or several tables as one table."""
    table = rows[0].table
    if all(row.table is table for row in rows):
        return table[[row.index for row in rows]]
    return vstack(list(map(_whole, rows)), metadata_conflicts="silent")


def _are_rows(given: object) -> TypeGuard[Sequence[Row]]:
    """Return whether this is a list of rows of tables."""
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(each, Row) for each in given)


def uri_at(address: str, *services: str) -> str:
    """Return the URI in the address of a file at a download service; any other text is returned unchanged."""
    service = next((each for each in services if address.startswith(each)), None)
    return address if service is None else unquote(address.removeprefix(service))


def as_product_table(given: object, marks: Collection[str], service: str) -> object:
    """Return products given as dataURIs, as addresses at a service or as a list of tables and rows, as one table."""
    if isinstance(given, Table | Row):
        return given
    members = as_astropy(list(given) if isinstance(given, Iterator) else given)
    if uris := _data_uris(members, service):
        return _products_at(uris, marks)
    return _products_in(members, marks) if isinstance(members, list | tuple) else members


def _products_in(members: Sequence[object], marks: Collection[str]) -> object:
    """Return the products in a list as one table, or the list if it has no products."""
    are_products = [isinstance(each, Table | Row) and not set(marks).isdisjoint(each.colnames) for each in members]
    if not any(are_products):
        return members
    if not all(are_products):
        index = are_products.index(False)
        raise InvalidArgumentError(
            f"Products and observations cannot be mixed: item {index} is not a product. Download them in "
            "separate calls."
        )
    return _stacked(members)


def _stacked(members: Sequence[Table | Row]) -> Table:
    """Return tables and rows of products as one table."""
    rows = as_table(members)
    if rows is not None:
        return rows
    try:
        return vstack([Table(as_table(each)) for each in members], metadata_conflicts="silent")
    except TableMergeError as err:
        raise InvalidArgumentError(f"Cannot combine these product tables: {err}") from err


def _data_uris(given: object, service: str) -> list[str]:
    """Return the dataURIs given instead of products; empty for anything else."""
    members = [uri_at(each, service) if isinstance(each, str) else each for each in _members(given)]
    uris = [each.strip() for each in members if _is_data_uri(each)]
    if uris:
        _check_others(uris, [each for each in members if not _is_data_uri(each)])
    return uris


def _check_others(uris: Sequence[str], others: Sequence[object]) -> None:
    """Raise if some values are not dataURIs; warn if they are only missing, as in a column dataURL."""
    wrong = next((each for each in others if not is_missing(each)), None)
    if wrong is not None:
        raise InvalidArgumentError(
            f"dataURIs cannot be mixed with other values: {uris[0]!r} is a dataURI, {wrong!r} is not."
        )
    if others:
        log.warning("%d of %d dataURIs are missing and are skipped.", len(others), len(uris) + len(others))


def _is_data_uri(member: object) -> TypeGuard[str]:
    """Return whether a value is the URI of a file at MAST."""
    return isinstance(member, str) and member.strip().startswith(_SCHEME)


def _members(given: object) -> list[object]:
    """Return the members of a list or an array, None for masked ones; anything else as the only member."""
    if isinstance(given, np.ndarray) and given.dtype.kind in "UO":
        return plain_cells(given.ravel())
    return list(given) if isinstance(given, list | tuple | set | frozenset) else [given]


def _products_at(uris: Sequence[str], marks: Collection[str]) -> Table:
    """Return a product table for dataURIs; raise for clients whose products have no dataURI."""
    if "dataURI" not in marks:
        raise InvalidArgumentError(
            f"{uris[0]!r} is a dataURI, not a dataset. Use download_file to download one file. For several "
            "files, pass a table of products from get_product_list."
        )
    return products_of(uris)


def products_of(uris: Iterable[str]) -> Table:
    """Return a product table for dataURIs.

    The collection is the first part of the URI, and the observation is the start of the file name, as in
    ``mast:HST/product/j97c01010_drc.fits``.  For an address, the collection is the server.
    """
    rows = []
    for uri in dict.fromkeys(uris):
        collection, _, path = uri.rpartition("//")[2].removeprefix(_SCHEME).partition("/")
        name = path.rpartition("/")[2] or uri
        stem = name.partition(".")[0]
        rows.append((uri, collection, stem.rpartition("_")[0] or stem, name))
    return Table(rows=rows, names=("dataURI", "obs_collection", "obs_id", "productFilename"))


def _split_texts(cells: list[object]) -> list[object]:
    """Split texts that have several identifiers separated by commas."""
    if not any(isinstance(cell, str | bytes) for cell in cells):
        return cells
    return [part for cell in map(as_unicode, cells) for part in (cell.split(",") if isinstance(cell, str) else [cell])]


def single_cells(given: object, of_table: Callable[[Table], list[object]]) -> list[object]:
    """Return single identifiers or URIs unchanged, None for masked ones."""
    if not isinstance(given, Table | Row | str | bytes):
        given = as_astropy(given)
    if isinstance(given, Table | Row):
        return of_table(_whole(given))
    if isinstance(given, np.ndarray):  # including columns
        return plain_cells(given.ravel())
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        return [given]
    # A fast path for strings and integers: most members are, and there may be a million of them.
    single = (str, int)
    return [c for member in given for c in ((member,) if type(member) in single else single_cells(member, of_table))]


def _table_cells(table: Table) -> list[object]:
    """Return the obsids of a table of observations."""
    if "obsid" not in table.colnames:
        raise InvalidArgumentError(
            "Column 'obsid' not found: this is not a table of observations. Its columns are "
            f"{', '.join(table.colnames)}."
        )
    return plain_cells(_without_full_frames(table)["obsid"])


def _without_full_frames(table: Table) -> Table:
    """Return the observations except full-frame images, whose products take too long to list."""
    if not {"target_name", "obs_id"} <= set(table.colnames):
        return table
    full_frame = np.array([name in _FULL_FRAME for name in plain_cells(table["target_name"])], dtype=bool)
    if not full_frame.any():
        return table
    log.warning(
        "TESS full-frame images are skipped, because each has a very large number of products: %s. Use "
        "Tesscut to get cutouts.",
        few_names([str(name) for name in table["obs_id"][full_frame]]),
    )
    return table[~full_frame]


def hints_of_planned(observations: object) -> list[str]:
    """Return a hint for messages if a table has planned observations, which have no products yet."""
    table = as_table(observations)
    if table is None or "calib_level" not in table.colnames or "dataURI" in table.colnames:
        return []
    planned = int(np.ma.filled(np.ma.asarray(table["calib_level"]) == _PLANNED, False).sum())
    if not planned:
        return []
    which = "The observation is" if len(table) == 1 else f"{planned} of {len(table)} observations are"
    return [f"{which} planned (calib_level {_PLANNED}). There are no files yet."]


def values_of(products: Table, name: str, wanted: Any = None) -> str:
    """Return a sentence about the values of a column, for a filter that matches none of them."""
    if name not in products.colnames:
        return f"{name} alone matches no products."
    cells = np.ma.asarray(products[name]).compressed()
    values = sorted(set(cells.tolist()), key=str)
    if cells.dtype.kind in "iuf" and len(values) > _MAX_LISTED:
        return f"{name} ranges from {cells.min()} to {cells.max()}."
    listed = f"{', '.join(map(repr, values[:_MAX_LISTED]))}{', ...' if len(values) > _MAX_LISTED else ''}"
    said = f"{name} is always {listed}." if len(values) == 1 else f"The values of {name} are {listed}."
    return f"{said}{_list_advice(wanted, values)}"


def _list_advice(wanted: Any, values: Sequence[Any]) -> str:
    """Return advice for a text that may be meant as several values."""
    parts = [part.strip() for part in wanted.split(",")] if isinstance(wanted, str) else []
    return f" Use a list for several values: {parts}." if len(parts) > 1 and set(parts) & set(values) else ""


def product_column(table: Table, name: str) -> Any:
    """Return a column by name; raise an error that suggests similar names if there is no such column."""
    if name in table.colnames:
        return table[name]
    if "obsid" in table.colnames and "dataURI" not in table.colnames:
        raise InvalidCriterionError(
            f"Column '{name}' not found: this is a table of observations. Call get_product_list(observations) first."
        )
    said = f"Column '{name}' not found in product table."
    near = closest(name, [*ARGUMENTS, *table.colnames])
    raise no_such(said, name, table.colnames, near=near, error=InvalidCriterionError)


def readme_first(products: Table) -> Table:
    """Return products with the readme files of HLSPs before the other files of each observation."""
    owner = next((name for name in ("parent_obsid", "obsID") if name in products.colnames), None)
    if owner is None or not {"obs_collection", "productFilename"} <= set(products.colnames):
        return products
    cells = zip(*(plain_cells(products[name]) for name in ("obs_collection", "productFilename")), strict=True)
    described = np.array([kind == "HLSP" and "readme" in str(name).lower() for kind, name in cells], dtype=bool)
    if not described.any():
        return products
    owners = np.array([str(cell) for cell in plain_cells(products[owner])])
    block = np.cumsum(np.concatenate(([0], owners[1:] != owners[:-1])))
    return products[np.lexsort((~described, block))]


def unique_products(products: Table, key: str = "dataURI") -> Table:
    """Return the first row of each file: a file can belong to several observations, and is listed with each.

    Rows without a key are all kept.
    """
    array = np.ma.asarray(product_column(products, key))
    missing = np.ma.getmaskarray(array)
    seen: set[object] = set()
    first = np.ones(len(products), dtype=bool)
    for row, cell in enumerate(array.data.tolist()):
        if missing[row] or cell is None:
            continue
        first[row] = cell not in seen
        seen.add(cell)
    return products[first]


def ask_in_batches(
    obsids: Sequence[str],
    ask: Callable[[Sequence[str]], T],
    *,
    batch_size: int = 500,
    max_workers: int = 1,
    verbose: bool = True,
    deadline: Deadline | None = None,
) -> Iterator[T]:
    """Request many observations in batches, several at a time; closing the generator stops the call."""
    most = from_one("batch_size", batch_size)
    shared = math.ceil(len(obsids) / max(max_workers, 1))
    size = min(most, max(shared, _SMALLEST_BATCH))
    batches = in_batches(obsids, size)
    with progress_bar(len(obsids), "Listing products", "obs", shown=verbose and len(batches) > 1) as bar:
        whole = Deadline() if deadline is None else deadline
        workers = min(max_workers, len(batches))
        with closing(map_or_stop(whole, lambda batch: _ask_in_halves(batch, ask), batches, workers)) as parts:
            for batch, some in zip(batches, parts, strict=True):
                yield from some
                bar.update(len(batch))


def _ask_in_halves(batch: Sequence[str], ask: Callable[[Sequence[str]], T]) -> list[T]:
    """Return the responses for a batch, which is split into halves if it is too large for MAST."""
    try:
        return [ask(batch)]
    except MastError as err:
        if len(batch) == 1 or not is_too_much(err):
            raise
        log.info("%s Splitting the request for %d observations into two.", err, len(batch))
    middle = len(batch) // 2
    return [*_ask_in_halves(batch[:middle], ask), *_ask_in_halves(batch[middle:], ask)]


def is_too_much(err: MastError) -> bool:
    """Return whether a smaller request may succeed."""
    if isinstance(err, ServerError):
        silent = isinstance(err.__cause__, requests.exceptions.ReadTimeout)
        return silent or connection_dropped(err) or err.status not in {None, 429}
    return isinstance(err, QueryTimeoutError | TooManyRowsError) or err.status == 413
