"""Read the responses of the mission search API: search results, product lists, and lists mailed to subscribers.

In: the JSON of a search, whose declared columns may differ from those of its rows; the JSON of a product list, which
declares no columns; or the list that MAST mails to subscribers, as the path of a JSON file or as its records.
Out: `~astroquery_mast.tables.mashup.Page` objects; a table of rows with the columns in MAST's order, or of products in
the order of the datasets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from astropy.table import Table
from astroquery import log

from ..exceptions import InvalidQueryError, InvalidResponseError, presentable
from ..query.request import ApiRequest
from ..tables.columns import Column, Columns, Kind, snapshot
from ..tables.mashup import Page, Paging, fields_of
from ..tables.rows import decoded
from ..tables.table import RequestInfo, TableBuilder, TwoNamedMeta
from .conditions import stores_booleans_as_integers

# The separation from the target.  MAST gives its unit only in the label, "Ang Sep (')".
ANG_SEP = Column("ang_sep", "Ang Sep", "float", unit="arcmin", description="Angular Separation")
_ORIGIN = "MAST subscription"

# The key of the product columns in the package's own column lists.
_PRODUCTS = "Mission products"


def read_answer(body: bytes, service: str) -> Page:
    """Read the response of a search."""
    document = decoded(body, service)
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        raise InvalidResponseError(f"{service} returned no list of results.", service=service)
    declared = _declared(document.get("info"), service)
    names = list(declared)
    rows = [_row(row, names, service) for row in document["results"]]
    for name in dict.fromkeys(chain.from_iterable(rows)):
        declared.setdefault(name, "")
    for message in document.get("messages") or []:
        log.warning("%s: %s", service, presentable(message))
    return Page(service, "COMPLETE", tuple(declared.items()), rows, _paging(document, len(rows), service), document)


def _declared(info: object, service: str) -> dict[str, str]:
    """Return the declared columns and their types; a type that MAST does not know is empty."""
    declared = fields_of(info, [], service)
    return {name: "" if type_name.lower() == "null" else type_name for name, type_name in declared}


def _row(row: object, names: Sequence[str], service: str) -> Mapping[str, Any]:
    """Return one row as a mapping; some services send rows as lists in the order of the columns."""
    if isinstance(row, dict) and row:
        return row
    if isinstance(row, list) and row and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    raise InvalidResponseError(f"{service} returned a malformed row: {row!r:.80}.", service=service)


def _paging(document: Mapping[str, Any], received: int, service: str) -> Paging | None:
    """Return the number of rows; None if the response does not give it."""
    total = document.get("totalResults")
    skipped = _echoed_query(document).get("skip_count")
    if total is None or skipped:
        return None
    try:
        number = int(total)
    except (TypeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"{service} returned an invalid row count: {total!r}.", service=service) from err
    if number < 0:
        raise InvalidResponseError(f"{service} returned an invalid row count: {number}.", service=service)
    return Paging(page=1, pages=1, rows=received, total=number)


def _echoed_query(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the query as MAST repeats it; empty if the response does not."""
    echoed = document.get("search_params")
    return echoed if isinstance(echoed, Mapping) else {}


def total_rows(page: Page) -> int:
    """Return the total number of rows of a query."""
    if page.paging is None:
        raise InvalidResponseError(f"{page.service} did not return the number of rows.", service=page.service)
    return page.paging.total


def page_bounds(page: Page, limit: int, offset: int) -> tuple[int, int]:
    """Return the limit and the offset of a page, as applied by MAST."""
    echoed = _echoed_query(page.document or {})
    most, before = echoed.get("limit"), echoed.get("offset")
    most = most if type(most) is int and 0 < most < limit else limit
    return most, before if type(before) is int and before >= 0 else offset


def may_have_more(page: Page, limit: int, offset: int) -> bool:
    """Return whether there may be more rows after those of a page."""
    most, before = page_bounds(page, limit, offset)
    if len(page.rows) < most:
        return False
    return page.paging is None or page.paging.total > before + len(page.rows)


class SearchMeta(TwoNamedMeta):
    """The ``meta`` of a table, with the query as MAST interpreted it.

    ``meta["search"]`` holds the query as JSON text, which can be written to files of every format.
    ``meta["search_params"]`` is the same query as a dictionary, as in ``astroquery.mast``.  It is not stored, because
    FITS files cannot hold dictionaries.
    """

    def __missing__(self, key: str) -> Any:
        """Return the query as a dictionary."""
        if key == "search_params" and "search" in self:
            return json.loads(self["search"][0])
        raise KeyError(key)


class SearchTable:
    """Builds the table of a search, page by page."""

    def __init__(self, query: RequestInfo, columns: Columns) -> None:
        self._columns = {ANG_SEP.name: ANG_SEP, **columns}
        self._builder = TableBuilder(query, self._columns)
        self._fields: tuple[tuple[str, str], ...] = ()
        self._empty: Page | None = None
        self._present: set[str] = set()
        self._echoed: Mapping[str, Any] | None = None

    def add(self, page: Page) -> None:
        """Add a page."""
        if self._echoed is None:
            self._echoed = _echoed_query(page.document or {})
        if not page.rows:
            self._empty = self._empty or page
            return
        if not self._fields:
            self._fields = self._typed(page.fields)
        names = {name for row in page.rows for name in row}
        if not names <= dict(self._fields).keys():
            raise InvalidResponseError(f"{page.service} returned pages with different columns.", service=page.service)
        self._present |= names
        self._builder.add(replace(page, fields=self._fields))

    def table(self) -> Table:
        """Return the table of all pages.  Call it only once."""
        if not self._fields:
            self._builder.add(self._without_rows())
        table = self._builder.table()
        absent = [name for name, _ in self._fields if name not in self._present and name in table.colnames]
        if absent:
            # MAST may declare columns that no row has.
            table.remove_columns(absent)
        for column in table.itercols():
            if column.description:
                column.meta["description"] = column.description
        table.meta = SearchMeta(table.meta, search=[json.dumps(dict(self._echoed or {}))])
        return table

    def _typed(self, fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Return the columns, with missing types taken from MAST's list of columns."""
        return tuple((name, type_name or self._type_of(name)) for name, type_name in fields)

    def _type_of(self, name: str) -> str:
        known = self._columns.get(name)
        if known is None:
            return ""
        return "integer" if known.kind is Kind.BOOLEAN and stores_booleans_as_integers(known) else known.type_name

    def _without_rows(self) -> Page:
        """Return a page without rows, with the columns that the result would have."""
        page = self._empty or Page("MAST search", "COMPLETE")
        fields = page.fields
        if not fields:
            # No columns are declared: use the requested ones, or all columns of the mission.
            fields = tuple((str(name), "") for name in (self._echoed or {}).get("select_cols") or self._columns)
        return replace(page, fields=self._typed(fields), document={"fields": []})


# -- products ----------------------------------------------------------------------------------------------------


def read_products(body: bytes, service: str) -> Page:
    """Read the response of a product list."""
    document = decoded(body, service)
    products = document.get("products") if isinstance(document, dict) else None
    if not isinstance(products, list):
        raise InvalidResponseError(f"{service} returned no list of products.", service=service)
    # Some missions send a list of lists.
    rows = [row for each in products for row in (each if isinstance(each, list) else [each])]
    return _records_page(rows, service)


def _records_page(records: Iterable[object], service: str) -> Page:
    """Return records as a page."""
    rows = list(records)
    names: dict[str, None] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidResponseError(f"{service} returned a malformed product: {row!r:.80}.", service=service)
        names.update(dict.fromkeys(map(str, row)))
    return Page(service, "COMPLETE", tuple((name, "") for name in names), rows)  # type: ignore[arg-type]


def products_table(query: RequestInfo, pages: Sequence[Page], datasets: Sequence[str] = ()) -> Table:
    """Return a table of the products of all pages."""
    names = dict.fromkeys(name for page in pages for name, _ in page.fields) or dict.fromkeys(snapshot()[_PRODUCTS])
    rows = _in_order(list(chain.from_iterable(page.rows for page in pages)), datasets)
    fields = tuple((name, _type_of(name, rows)) for name in names)
    builder = TableBuilder(query, snapshot()[_PRODUCTS])
    oldest = min((page.time for page in pages if page.time is not None), default=None)
    builder.add(replace(pages[0], fields=fields, rows=rows, time=oldest))
    return builder.table()


def _type_of(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the known type of a column without values; empty otherwise, because the values determine the type."""
    known = snapshot()[_PRODUCTS]
    told = name not in known or any(row.get(name) is not None for row in rows)
    return "" if told else known[name].type_name


def _in_order(rows: list[Mapping[str, Any]], datasets: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the rows in the order of the requested datasets; unchanged if a row does not name one of them."""
    places = {name.casefold(): place for place, name in enumerate(datasets)}
    owners = [str(row.get("dataset") or row.get("fileset") or "").strip().casefold() for row in rows]
    if not places.keys() >= set(owners):
        return rows
    return [rows[index] for index in sorted(range(len(rows)), key=lambda index: places[owners[index]])]


# -- subscriptions -------------------------------------------------------------------------------------------------


def as_subscription(given: object) -> Table | None:
    """Return the file list of a subscription as a table; None if ``given`` is not such a list."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.lower().endswith(".json")):
        return _subscription_table(_read_json(Path(given)), f"JSON file {os.fspath(given)}")
    if isinstance(given, Mapping):
        raise InvalidQueryError("Expected a list of dictionaries, got a dictionary.")
    if isinstance(given, list | tuple) and given and any(isinstance(record, Mapping) for record in given):
        return _subscription_table(given, "the list")
    return None


def _read_json(path: Path) -> object:
    """Return the contents of a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as err:
        raise InvalidQueryError(f"Cannot read the list of products {path}: {err}") from err
    except (ValueError, RecursionError) as err:
        raise InvalidQueryError(f"Failed to decode JSON file at {path}: {err}") from err


def _subscription_table(records: object, where: str) -> Table:
    """Return records as a table of products; raise if they are not product rows."""
    if not isinstance(records, Iterable) or isinstance(records, str | Mapping):
        raise InvalidQueryError(f"Expected a list of product rows in {where}, got a {type(records).__name__}.")
    rows = list(records)
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise InvalidQueryError(f"Expected a list of product rows in {where}, got {wrong!r:.80}.")
    if not rows:
        raise InvalidQueryError(f"No products found in {where}.")
    if not any("filename" in row for row in rows):
        raise InvalidQueryError(f"The records in {where} have no 'filename', so they are not products.")
    return products_table(ApiRequest(_ORIGIN, ""), [_records_page(rows, _ORIGIN)])
