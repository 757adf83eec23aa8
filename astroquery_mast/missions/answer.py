"""What a mission's search API answers: rows of a search, products of datasets.

In: the JSON of a search, whose list of columns may lack some that its rows have, and have some that they lack; that of
a list of products, in which columns are not declared; or the list that MAST mails to subscribers, as the path of a
JSON file or the records in it.  Out: `~astroquery_mast.tables.mashup.Page` objects; a table of rows in the archive's
order of columns, or of products in the order of the datasets.
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
from .conditions import has_numbers_for_truths

# The separation from the target: the archive names its unit only in the label, "Ang Sep (')".
ANG_SEP = Column("ang_sep", "Ang Sep", "float", unit="arcmin", description="Angular Separation")
_ORIGIN = "MAST subscription"

# The name under which the package knows the columns of products.
_PRODUCTS = "Mission products"


def read_answer(body: bytes, service: str) -> Page:
    """Read an answer."""
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
    """The declared columns and their types, the latter empty where the archive does not know them either."""
    declared = fields_of(info, [], service)
    return {name: "" if type_name.lower() == "null" else type_name for name, type_name in declared}


def _row(row: object, names: Sequence[str], service: str) -> Mapping[str, Any]:
    """One row, which other services of the same kind send as a list in the order of the columns."""
    if isinstance(row, dict) and row:
        return row
    if isinstance(row, list) and row and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    raise InvalidResponseError(f"{service} returned a malformed row: {row!r:.80}.", service=service)


def _paging(document: Mapping[str, Any], received: int, service: str) -> Paging | None:
    """How many rows there are; None where the archive does not say."""
    total = document.get("totalResults")
    skipped = _searched(document).get("skip_count")
    if total is None or skipped:
        return None
    try:
        number = int(total)
    except (TypeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"{service} returned an invalid row count: {total!r}.", service=service) from err
    if number < 0:
        raise InvalidResponseError(f"{service} returned an invalid row count: {number}.", service=service)
    return Paging(page=1, pages=1, rows=received, total=number)


def _searched(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question as the archive has understood it; empty where it does not say."""
    echoed = document.get("search_params")
    return echoed if isinstance(echoed, Mapping) else {}


def announced(page: Page) -> int:
    """Return how many rows the archive has for a question."""
    if page.paging is None:
        raise InvalidResponseError(f"{page.service} did not return the number of rows.", service=page.service)
    return page.paging.total


def bounds(page: Page, limit: int, offset: int) -> tuple[int, int]:
    """Return the part of the answer that a page is: its largest size, and how many rows are before it."""
    echoed = _searched(page.document or {})
    most, before = echoed.get("limit"), echoed.get("offset")
    most = most if type(most) is int and 0 < most < limit else limit
    return most, before if type(before) is int and before >= 0 else offset


def may_have_more(page: Page, limit: int, offset: int) -> bool:
    """Return whether the archive may have rows after those of a page."""
    most, before = bounds(page, limit, offset)
    if len(page.rows) < most:
        return False
    return page.paging is None or page.paging.total > before + len(page.rows)


class SearchMeta(TwoNamedMeta):
    """The ``meta`` of a table, with the question as the archive has understood it.

    It is in ``meta["search"]``, as the text of a JSON object, which files of every format take.  ``astroquery.mast``
    has it as a dictionary in ``meta["search_params"]``, which FITS files drop: under that name the text is read.
    """

    def __missing__(self, key: str) -> Any:
        """Return the question as a dictionary."""
        if key == "search_params" and "search" in self:
            return json.loads(self["search"][0])
        raise KeyError(key)


class SearchTable:
    """Builds the table of a search, page by page."""

    def __init__(self, question: RequestInfo, columns: Columns) -> None:
        self._columns = {ANG_SEP.name: ANG_SEP, **columns}
        self._builder = TableBuilder(question, self._columns)
        self._fields: tuple[tuple[str, str], ...] = ()
        self._empty: Page | None = None
        self._present: set[str] = set()
        self._echoed: Mapping[str, Any] | None = None

    def add(self, page: Page) -> None:
        """Take a page."""
        if self._echoed is None:
            self._echoed = _searched(page.document or {})
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
        """Return the table of all pages; to be called once."""
        if not self._fields:
            self._builder.add(self._without_rows())
        table = self._builder.table()
        absent = [name for name, _ in self._fields if name not in self._present and name in table.colnames]
        if absent:
            # Declared, but in no row: as the archive's own list of columns goes.
            table.remove_columns(absent)
        for column in table.itercols():
            if column.description:
                column.meta["description"] = column.description
        table.meta = SearchMeta(table.meta, search=[json.dumps(dict(self._echoed or {}))])
        return table

    def _typed(self, fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """The columns, with the type of the archive's list where the answer has none."""
        return tuple((name, type_name or self._type_of(name)) for name, type_name in fields)

    def _type_of(self, name: str) -> str:
        known = self._columns.get(name)
        if known is None:
            return ""
        return "integer" if known.kind is Kind.BOOLEAN and has_numbers_for_truths(known) else known.type_name

    def _without_rows(self) -> Page:
        """A page that has the columns which the answer would have had."""
        page = self._empty or Page("MAST search", "COMPLETE")
        fields = page.fields
        if not fields:
            # Nothing is declared: then what was asked for is all there is to know.
            fields = tuple((str(name), "") for name in (self._echoed or {}).get("select_cols") or self._columns)
        return replace(page, fields=self._typed(fields), document={"fields": []})


# -- products ----------------------------------------------------------------------------------------------------


def read_products(body: bytes, service: str) -> Page:
    """Read an answer."""
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


def products_table(question: RequestInfo, pages: Sequence[Page], datasets: Sequence[str] = ()) -> Table:
    """Return the products of all pages."""
    names = dict.fromkeys(name for page in pages for name, _ in page.fields) or dict.fromkeys(snapshot()[_PRODUCTS])
    rows = _in_order(list(chain.from_iterable(page.rows for page in pages)), datasets)
    fields = tuple((name, _type_of(name, rows)) for name in names)
    builder = TableBuilder(question, snapshot()[_PRODUCTS])
    oldest = min((page.time for page in pages if page.time is not None), default=None)
    builder.add(replace(pages[0], fields=fields, rows=rows, time=oldest))
    return builder.table()


def _type_of(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The type of a column: the usual one only where no value tells."""
    known = snapshot()[_PRODUCTS]
    told = name not in known or any(row.get(name) is not None for row in rows)
    return "" if told else known[name].type_name


def _in_order(rows: list[Mapping[str, Any]], datasets: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows, in the order of the datasets that were asked for; as they came if they do not tell theirs."""
    places = {name.casefold(): place for place, name in enumerate(datasets)}
    owners = [str(row.get("dataset") or row.get("fileset") or "").strip().casefold() for row in rows]
    if not places.keys() >= set(owners):
        return rows
    return [rows[index] for index in sorted(range(len(rows)), key=lambda index: places[owners[index]])]


# -- subscriptions -------------------------------------------------------------------------------------------------


def as_subscription(given: object) -> Table | None:
    """Return the list of files of a subscription as a table."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.lower().endswith(".json")):
        return _subscription_table(_read_json(Path(given)), f"JSON file {os.fspath(given)}")
    if isinstance(given, Mapping):
        raise InvalidQueryError("Expected a list of dictionaries, got a dictionary.")
    if isinstance(given, list | tuple) and given and any(isinstance(record, Mapping) for record in given):
        return _subscription_table(given, "the list")
    return None


def _read_json(path: Path) -> object:
    """What is in a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as err:
        raise InvalidQueryError(f"Cannot read the list of products {path}: {err}") from err
    except (ValueError, RecursionError) as err:
        raise InvalidQueryError(f"Failed to decode JSON file at {path}: {err}") from err


def _subscription_table(records: object, where: str) -> Table:
    """The table of records, which must all be such."""
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
