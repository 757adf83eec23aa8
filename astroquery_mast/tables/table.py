"""Build the table of a response, with typed columns that are masked exactly where MAST has no value.

In: pages.  Out: an `~astropy.table.Table`.  MAST's declared types and its JSON values may disagree: identifiers that
are declared as text arrive as numbers, and floats as integers.  A column gets its declared type if all values can be
converted to it.  Otherwise it gets a wider type, with a warning; values are never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial, reduce
from operator import itemgetter
from typing import Any, Protocol, Self

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.utils.metadata import merge

from ..exceptions import CorruptDataWarning, InvalidResponseError
from ..warn import warn_user
from .columns import PORTAL_COLUMNS, Columns, Kind, described_column, kind_of
from .mashup import Page, reading
from .result_table import ResultTable
from .rows import (
    Array,
    ColumnBlock,
    Rows,
    TypeMismatch,
    converted,
    fits,
    guessed,
    joined,
    widen_type,
    without_null_words,
)

# Properties of a request that are not kept in the table, since it may be written to a file.
_SECRET = frozenset({"mast_token"})
# The format of times in the keyword services of JWST: milliseconds since 1970 (UTC).
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,14})(?:[+-]\d{4})?\)/")
_SHORTEST = np.dtype("U9").itemsize
# The minimum number of rows of a page for joining its blocks at once, which saves memory.
_LARGE = 10_000


class RequestInfo(Protocol):
    """The properties of a query that are stored in its table."""

    @property
    def service(self) -> str:
        """The name of the service."""

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary."""


class TwoNamedMeta(dict[str, Any]):
    """The ``meta`` of a table with an additional key that is never written to files.

    FITS keywords have up to eight characters, and their values cannot be dictionaries.  Subclasses return the value of
    the additional key in ``__missing__``, and raise `KeyError` for all other keys.
    """

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, including the additional one."""
        try:
            return self[key]
        except KeyError:
            return default

    def copy(self) -> Self:
        """Return a copy of the same class, which slices of a table use."""
        return type(self)(self)


class TableBuilder:
    """Builds the table of one response page by page, so that pages need not stay in memory."""

    def __init__(self, request: RequestInfo, columns: Columns) -> None:
        self._request = request
        self._columns = columns
        self._fields: tuple[tuple[str, str], ...] = ()
        self._kinds: dict[str, Kind] = {}
        self._chunks: dict[str, list[ColumnBlock]] = {}
        self._rows = 0
        self._times: list[str | None] = []
        self._doubted: set[str] = set()
        self._words: dict[str, list[str]] = {}

    def add(self, page: Page) -> None:
        """Add the rows of a page."""
        fields = _fields_of(page)
        if not self._chunks:
            self._begin(fields)
        elif fields != self._fields:
            raise InvalidResponseError(f"The pages of {page.service} differ in their columns.", service=page.service)
        with reading(page.service):
            if isinstance(page.rows, Rows):
                self._add_blocks(page.rows)
            else:
                self._add_rows(page.rows)
        self._rows += len(page.rows)
        self._times.append(page.time)

    def _begin(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Set the columns to those of the first page."""
        self._fields = fields
        self._kinds = {name: kind for name, type_name in fields if (kind := kind_of(type_name)) is not None}
        self._chunks = {name: [] for name, _ in fields}

    def _add_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are already decoded."""
        cells = _by_column(rows, [name for name, _ in self._fields])
        for (name, type_name), values in zip(self._fields, cells, strict=True):
            self._chunks[name].append(self._chunk(name, type_name, values))

    def _add_blocks(self, rows: Rows) -> None:
        """Add rows that are decoded block by block."""
        fitting = self._fitting_blocks(rows)
        for name, type_name in self._fields:
            if name in fitting:
                blocks = fitting.pop(name)
                # Joining the blocks of a large page now frees their memory for the next page.
                self._chunks[name].extend([joined(blocks)] if len(rows) >= _LARGE else blocks)
            else:
                # Read the column again, at once, because its type is determined for the complete page.
                (values,) = (column for (column,) in rows.cells([name], len(rows)))
                self._chunks[name].append(self._chunk(name, type_name, values))

    def _fitting_blocks(self, rows: Rows) -> dict[str, list[ColumnBlock]]:
        """The blocks of the columns that have their declared types in all blocks."""
        names = [name for name, _ in self._fields]
        fitting: dict[str, list[ColumnBlock]] = {name: [] for name in self._kinds if name not in self._doubted}
        for block in rows.cells(names):
            for name, values in zip(names, block, strict=True):
                if name not in fitting:
                    continue
                try:
                    fitting[name].append(converted(values, self._kinds[name]))
                except TypeMismatch:
                    del fitting[name]
        return fitting

    def table(self) -> Table:
        """Return the table of all pages; call this only once, because it consumes the rows."""
        self._warn_of_null_words()
        made = []
        with reading(self._request.service):
            for name, _ in self._fields:
                values, mask = joined(self._chunks.pop(name))
                made.append(self._column(name, _with_iso_dates(values), mask))
        return ResultTable(made, masked=True, copy=False, meta=table_meta(self._request, self._rows, self._times))

    def _chunk(self, name: str, type_name: str, values: Sequence[Any]) -> ColumnBlock:
        """The values of one column on one page, as an array and its mask."""
        kind = self._kinds.get(name)
        if kind is None and type_name:
            self._doubt(name, f"has the unknown type '{type_name}'; it is kept as text.")
            kind = Kind.TEXT
        if kind is None:
            kind = guessed(values)
        with suppress(TypeMismatch):
            return converted(values, kind)
        numbers, words = without_null_words(values, kind)
        try:
            made = converted(numbers, kind)
        except TypeMismatch as misfit:
            odd = next((value for value in numbers if not fits(value, kind)), None)
            what = f"is declared as {type_name}, but contains {misfit}, such as {odd!r}; it gets a wider type."
            self._doubt(name, what)
            return widen_type(values, kind)
        self._words.setdefault(name, []).extend(words)
        return made

    def _warn_of_null_words(self) -> None:
        """Warn once about all cells with a word for null in numeric columns."""
        told = [f"{len(words)} of '{name}' ({words[0]!r})" for name, words in self._words.items() if words]
        if told:
            warn_user(
                f"Text that means a missing value is masked in numeric columns: {', '.join(told)}.", CorruptDataWarning
            )

    def _doubt(self, name: str, what: str) -> None:
        """Warn about a column, once for all pages."""
        if name not in self._doubted:
            self._doubted.add(name)
            warn_user(f"Column '{name}' {what}", CorruptDataWarning)

    def _column(self, name: str, values: Array, mask: Array | None) -> MaskedColumn:
        known = described_column(name, self._columns)
        unit = known.astropy_unit if known is not None and values.dtype.kind in "iuf" else None
        # Units that astropy does not know are omitted, since tables with them cannot be written and read back.
        description = known.about if known is not None else None
        return MaskedColumn(values, name=name, mask=mask, unit=unit, description=description, copy=False)


def _with_iso_dates(values: Array) -> Array:
    """The values of a column, in ISO 8601 (UTC) if all of them are times in milliseconds."""
    # Numbers are shorter than the shortest of these texts.
    if values.itemsize < _SHORTEST or not next(filter(None, values), "").startswith("/Date("):
        return values
    told = np.flatnonzero(values != "")
    cells = values[told].tolist()
    if not all(map(_MILLISECONDS.fullmatch, cells)):
        return values
    numbers = np.array([_MILLISECONDS.sub(r"\1", cell) for cell in cells], dtype=np.int64)
    texts = np.datetime_as_string(numbers.astype("datetime64[ms]"))
    dates = np.zeros(len(values), dtype=texts.dtype)
    dates[told] = texts
    return dates


def _fields_of(page: Page) -> tuple[tuple[str, str], ...]:
    """The columns of a page to keep, with their types."""
    fields = tuple((name, kind) for name, kind in page.fields if name not in PORTAL_COLUMNS)
    if not fields and (page.rows or page.document is None or "fields" not in page.document):
        raise InvalidResponseError(
            f"The response of {page.service} does not contain a table. Use service_request_async.", service=page.service
        )
    return fields


def table_meta(request: RequestInfo, rows: int, times: Iterable[str | None]) -> dict[str, list[Any]]:
    """Return the metadata of a table: the service, the request, the time, and the number of rows."""
    asked = {name: value for name, value in request.payload().items() if name not in _SECRET}
    return {
        "service": [request.service],
        "request": [json.dumps(asked)],
        "time": [min((time for time in times if time is not None), default=now_iso())],
        "rows": [rows],
    }


def now_iso() -> str:
    """Return the current UTC time in the format of table metadata, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "")


def _by_column(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterable[Sequence[Any]]:
    """The cells of each column, with null for missing keys."""
    if not rows:
        return [()] * len(names)
    try:
        # Iterate over the rows once instead of once per column, because they are far apart in memory.
        cells = list(map(itemgetter(*names), rows))
    except KeyError:
        return [[row.get(name) for row in rows] for name in names]
    return [cells] if len(names) == 1 else zip(*cells, strict=True)


def stack_tables(tables: Sequence[Table]) -> Table:
    """Return stacked tables, with missing columns masked, and columns of different kinds as text.

    If a column is text in only some of the tables, a warning says so.
    """
    if len(tables) < 2:
        return tables[0] if tables else ResultTable(masked=True)
    names = dict.fromkeys(name for table in tables for name in table.colnames)
    meta = reduce(partial(merge, metadata_conflicts="silent"), [table.meta for table in tables])
    return ResultTable([_stacked_column(name, tables) for name in names], masked=True, copy=False, meta=meta)


def _stacked_column(name: str, tables: Sequence[Table]) -> MaskedColumn:
    """Return a column of several tables, of a type that fits all parts; masked for tables that do not have it."""
    having = [table[name] for table in tables if name in table.colnames]
    values, mask = joined([_part_of_column(table, name, having[0].dtype) for table in tables])
    if values.dtype.kind == "U" and any(map(_has_no_text, having)):
        warn_user(
            f"Column '{name}' is text in some of the results and not in others. It is returned as text.",
            CorruptDataWarning,
        )
    unit = having[0].unit if values.dtype.kind in "iuf" else None
    return MaskedColumn(values, name, mask=mask, unit=unit, description=having[0].description, copy=False)


def _part_of_column(table: Table, name: str, otherwise: np.dtype[Any]) -> ColumnBlock:
    """Return the values and the mask of a column of a table; all are masked if the table does not have it."""
    if name not in table.colnames:
        return np.zeros(len(table), otherwise), np.ones(len(table), dtype=bool)
    return np.asarray(table[name]), np.ma.getmaskarray(table[name])


def _has_no_text(column: Column) -> bool:
    """Return whether a column has values that are not text."""
    return column.dtype.kind != "U" and not np.ma.getmaskarray(column).all()
