"""The answers to many questions → one table, and which of its rows are the answer to which question.

In: pages, question by question.  Out: an `~astropy.table.Table`, and a range of its rows for each question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table, vstack

from ..tables.columns import PORTAL_COLUMNS, Columns
from ..tables.mashup import Page
from ..tables.rows import RowNumbers
from ..tables.table import RequestInfo, TableBuilder, TwoNamedMeta


class TargetMeta(TwoNamedMeta):
    """The ``meta`` of a table about many targets, with those that have no row in it.

    The targets for which nothing was found are in the list ``meta["nomatch"]``, because FITS files have no names of
    more than eight letters; in memory it is also called ``meta["unmatched"]``.
    """

    def __missing__(self, key: str) -> Any:
        """Return the list under its longer name."""
        if key == "unmatched" and "nomatch" in self:
            return self["nomatch"]
        raise KeyError(key)

    def note(self, *, failed: Iterable[str], unmatched: Iterable[int] | None = None) -> None:
        """Note the targets without a row."""
        self["failed"] = [" ".join(line.split()).encode("ascii", "backslashreplace").decode() for line in failed]
        if unmatched is not None:
            self["nomatch"] = list(unmatched)


@dataclass
class AskedTargets:
    """What was asked in many requests, as far as they are all the same: what goes into a table's ``meta``.

    It is read when the table is made, so that what is known only when all was asked can be filled in until then.
    """

    request: RequestInfo
    targets: int
    requests: int
    without: tuple[str, ...] = ()
    groups: int = 0

    @property
    def service(self) -> str:
        """The service."""
        return self.request.service

    def payload(self) -> dict[str, object]:
        """Return what the requests have in common, and their number."""
        payload = self._common(self.request.payload())
        params = payload.get("params")
        if isinstance(params, dict):
            payload["params"] = self._common(params)
        groups = {"groups": self.groups} if self.groups else {}
        return {**payload, "targets": self.targets, "requests": self.requests, **groups}

    def _common(self, values: dict[str, object]) -> dict[str, object]:
        """Those in which the requests do not differ."""
        return {name: value for name, value in values.items() if name not in self.without}


@dataclass
class _SameColumns:
    """The answers that have the same columns."""

    builder: TableBuilder
    rows: int = 0


@dataclass
class AnswerCollector:
    """Collects answers, whose columns may differ, in one table."""

    question: RequestInfo
    columns: Columns
    _kinds: dict[tuple[tuple[str, str], ...], _SameColumns] = field(default_factory=dict)
    _places: dict[int, list[tuple[_SameColumns, int, int]]] = field(default_factory=dict)
    _empty: Page | None = None

    def add(self, key: int, pages: Sequence[Page]) -> None:
        """Take a complete answer, or a part of one."""
        places = self._places.setdefault(key, [])
        for page in pages:
            if not len(page.rows):
                # Its columns are of interest only if nothing else comes; its types say nothing.
                self._empty = page if self._empty is None or not self._empty.fields else self._empty
                continue
            fields = tuple(column for column in page.fields if column[0] not in PORTAL_COLUMNS)
            alike = self._kinds.get(fields)
            if alike is None:
                alike = self._kinds[fields] = _SameColumns(TableBuilder(self.question, self.columns))
            alike.builder.add(page)
            places.append((alike, alike.rows, alike.rows + len(page.rows)))
            alike.rows += len(page.rows)

    def table(self) -> tuple[Table, dict[int, RowNumbers]]:
        """Return everything that was added; to be called once, because the rows are handed over."""
        if not self._kinds and self._empty is not None:
            builder = TableBuilder(self.question, self.columns)
            builder.add(self._empty)
            self._kinds[()] = _SameColumns(builder)
        kinds = list(self._kinds.values())
        starts = np.cumsum([0, *(alike.rows for alike in kinds)])
        first_row = {id(alike): int(start) for alike, start in zip(kinds, starts, strict=False)}
        found = {
            key: _joined([(first_row[id(alike)] + first, first_row[id(alike)] + last) for alike, first, last in places])
            for key, places in self._places.items()
        }
        return _stacked([alike.builder.table() for alike in kinds], int(starts[-1])), found


def _joined(ranges: Sequence[tuple[int, int]]) -> RowNumbers:
    """The numbers in some ranges."""
    return np.concatenate([np.arange(0), *(np.arange(first, last) for first, last in ranges)]).astype(np.int64)


def _stacked(tables: Sequence[Table], rows: int) -> Table:
    """The tables, whose columns differ, in one."""
    if len(tables) < 2:
        return tables[0] if tables else Table(masked=True)
    stacked = Table(vstack(tables, metadata_conflicts="silent"), masked=True, copy=False)
    # One call is one entry, as for a single question.
    stacked.meta.update({name: values[:1] for name, values in tables[0].meta.items()}, rows=[rows])
    return stacked


def with_leading_columns(
    table: Table, rows: RowNumbers, columns: dict[str, tuple[npt.NDArray[Any], Any, str]]
) -> Table:
    """Return some rows of a table behind new columns."""
    whole = len(rows) == len(table) and bool((rows == np.arange(len(table))).all())
    taken = table if whole else table[rows]
    for name in set(columns) & set(taken.colnames):
        taken.rename_column(name, f"catalog_{name}")
    front = [
        MaskedColumn(values, name=name, unit=unit, description=description)
        for name, (values, unit, description) in columns.items()
    ]
    taken.add_columns(front, indexes=[0] * len(front))
    return taken
