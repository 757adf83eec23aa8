"""All rows of a query, in pages if they exceed the limit of a response, each row once, with a check of their number.

In: a `Scan`, which is a table with conditions, or the query of a user.  Out: tables, one per page; their total number
of rows is the number that the service has counted.

Pages are ordered by a *key*, a column that should be indexed: each page begins where the previous one ended.  The last
rows of a full page that share a key are requested again with the next page, because the page may have ended among them.
Without a key, the sky is divided into boxes until each box has few enough rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy.table import Table, vstack

from ..exceptions import IncompleteResultError, InvalidArgumentError
from ..query.adql import identifier, number_text, quoted
from ..query.scan import Scan
from ..service.parallel import progress_bar
from ..service.retrying import Deadline
from ..tables.columns import find_name, no_such
from .discovery import Discovery
from .main_columns import column_properties, main_key, main_position
from .tap import ROW_CAP, TapService

_ADVICE = "Specify a column with unique values (key=), or narrow the query."
# Boxes of this size are not divided further (degrees).
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Pager:
    """The requests for the pages of a scan.

    Parameters
    ----------
    tap : TapService
        The service.
    discovery : Discovery
            The columns of its tables.
    until : callable
            Returns the deadline of the next request: that of the call, or a new one for each page.
    size : int
        Rows of a page.
    run_async : bool, optional
            Whether pages are requested as jobs.  By default they are if there are two or more.
    verbose : bool
            Whether to show a progress bar on a terminal.
    """

    tap: TapService
    discovery: Discovery
    until: Callable[[], Deadline]
    size: int = ROW_CAP
    run_async: bool | None = None
    verbose: bool = False

    def count(self, scan: Scan, *conditions: str) -> int:
        """Return the number of rows, as counted by the service."""
        (found,) = self._single_row(scan.adql(*conditions, select="COUNT(*) AS number_of_rows"))
        return int(found)

    def everything(self, scan: Scan, limit: int | None = None) -> Table:
        """Return all rows as one table, up to a limit; ``meta["overflow"]`` is True if there are more."""
        total = self.count(scan)
        wanted = total if limit is None else min(limit, total)
        with progress_bar(wanted, "Rows", "row", shown=self.verbose) as bar:
            pages = []
            for page in self.pages(scan, total, limit):
                pages.append(page)
                bar.update(len(page))
        table = pages[0] if len(pages) == 1 else vstack(pages, join_type="exact", metadata_conflicts="silent")
        table.meta = {**pages[0].meta, "adql": scan.adql(), "overflow": wanted < total, "pages": len(pages)}
        return table

    def pages(self, scan: Scan, total: int | None = None, limit: int | None = None) -> Iterator[Table]:
        """Yield all rows, up to a limit, page by page; their number is verified at the end."""
        total = self.count(scan) if total is None else total
        wanted = total if limit is None else min(limit, total)
        received = least = 0
        full = False
        for page in self._parts(scan, wanted, total):
            cut, full = page.meta["overflow"], page.meta["overflow"] and len(page) >= self.size
            least = len(page) if cut and len(page) < min(self.size, wanted) else least
            part = page[: wanted - received] if len(page) > wanted - received else page
            received += len(part)
            yield part
            if received == wanted:
                return
        message = f"{self.tap.what} counted {wanted} rows but returned {received}: {_why_fewer(least, full=full)}."
        raise IncompleteResultError(message, service=self.tap.what)

    def _parts(self, scan: Scan, wanted: int, total: int) -> Iterator[Table]:
        """Yield the rows in parts, whose total may exceed the number that is wanted."""
        if wanted <= self.size:
            yield self._page(scan.adql(top=wanted if wanted < total else None), several=False)
            return
        scan = self._with_key(scan)
        if scan.key is not None:
            yield from self._by_key(scan, scan.key)
        elif scan.position is not None:
            yield from self._by_position(scan, *scan.position)
        else:
            raise InvalidArgumentError(
                f"Cannot split {wanted} rows into pages of {self.size}: no suitable column. {_ADVICE}"
            )

    def _page(self, adql: str, *, several: bool = True) -> Table:
        """Return one page, which is the only one unless ``several`` is set."""
        run_async = True if several and self.run_async is None else self.run_async
        return self.tap.rows(adql, self.until(), maxrec=self.size, run_async=run_async)

    def _single_row(self, adql: str) -> list[Any]:
        """Return the only row of a result."""
        # The result is small, so a job is only needed if the query takes long.
        table = self.tap.rows(adql, self.until(), run_async=self.run_async and None)
        if len(table) != 1:
            raise IncompleteResultError(f"{self.tap.what} returned {len(table)} rows instead of one.")
        return list(table[0])

    # -- along a key -------------------------------------------------------------------------------------------------

    def _by_key(self, scan: Scan, key: str) -> Iterator[Table]:
        """Yield the rows ordered by a key; rows without a key come last."""
        named = [each.rpartition(".")[2].strip('"') for each in scan.columns]
        added = bool(named) and find_name(key.strip('"'), named) is None
        extended = replace(scan, columns=(*scan.columns, key)) if added else scan
        condition, more = f"{key} IS NOT NULL", True
        while more:
            page = self._page(extended.adql(condition, top=self.size, order=key))
            name, keys = self._keys(page, key)
            more = page.meta["overflow"] or len(page) >= self.size
            if more:
                page = page[: _complete_groups(keys, key)]
                written = quoted(str(keys[-1])) if keys.dtype.kind == "U" else number_text(keys[-1])
                condition = f"{key} >= {written}"
            if added:
                page.remove_column(name)
            yield page
        yield self._page(scan.adql(f"{key} IS NULL"))

    def _keys(self, page: Table, key: str) -> tuple[str, Any]:
        """Return the name of the key in a page, and its values, whose order is checked."""
        name = find_name(key.strip('"'), page.colnames)
        if name is None:
            raise no_such(f"key={key!r} is not a column of the query.", key, page.colnames)
        keys = np.asarray(page[name])
        if keys.dtype.kind in "iuf" and np.any(keys[1:] < keys[:-1]):
            what = self.tap.what
            raise IncompleteResultError(f"{what} returned rows that are not sorted by {key}.", service=what)
        return name, keys

    # -- over the sky ------------------------------------------------------------------------------------------------

    def _by_position(self, scan: Scan, ra: str, dec: str) -> Iterator[Table]:
        """Yield the rows box by box; rows without a position come last."""
        names = {"ra_low": f"MIN({ra})", "ra_high": f"MAX({ra})", "dec_low": f"MIN({dec})", "dec_high": f"MAX({dec})"}
        found = self._single_row(scan.adql(select=", ".join(f"{value} AS {name}" for name, value in names.items())))
        low_ra, high_ra, low_dec, high_dec = (0.0 if each is np.ma.masked else float(each) for each in found)
        placed = replace(scan, conditions=(*scan.conditions, f"{ra} IS NOT NULL", f"{dec} IS NOT NULL"))
        boxes = [(_Box({ra: (low_ra, high_ra), dec: (low_dec, high_dec)}), self.count(placed))]
        while boxes:
            box, number = boxes.pop()
            if number > self.size:
                first, second = box.halves(number)
                counted = self.count(placed, *first.conditions)
                boxes += [(second, number - counted), (first, counted)]
            elif number:
                yield self._page(placed.adql(*box.conditions))
        yield self._page(scan.adql(f"{ra} IS NULL OR {dec} IS NULL"))

    # -- the choice of a key or position -----------------------------------------------------------------------------

    def _with_key(self, scan: Scan) -> Scan:
        """Return the scan with a key or else a position, according to the columns that the service lists."""
        if scan.key is not None or scan.position is not None:
            return scan
        tables = [self.discovery.columns(self.tap, table, self.until()) for table in scan.tables]
        rows = [row for table in tables for row in column_properties(table)]
        if scan.source.startswith("("):
            output = self._page(scan.adql(top=0), several=False).colnames
            rows = [row for row in rows if find_name(row["column_name"], output)]
        return _with_best_key(scan, rows)


@dataclass(frozen=True)
class _Box:
    """A part of the sky: the range of each column in degrees, and the limits that separate it from other parts."""

    sides: Mapping[str, tuple[float, float]]
    cuts: Mapping[str, float] = field(default_factory=dict)

    @property
    def conditions(self) -> list[str]:
        """The conditions for the columns."""
        return [f"{end} {value!r}" for end, value in self.cuts.items()]

    def halves(self, number: int) -> list[_Box]:
        """Divide the box across its longer side; the number of rows is for the message if the box is too small."""
        longer, (low, high) = max(self.sides.items(), key=lambda side: side[1][1] - side[1][0])
        if high - low < _SMALLEST:
            raise InvalidArgumentError(f"{number} rows have the same position. {_ADVICE}")
        middle = (low + high) / 2
        return [
            _Box({**self.sides, longer: (low, middle)}, {**self.cuts, f"{longer} <": middle}),
            _Box({**self.sides, longer: (middle, high)}, {**self.cuts, f"{longer} >=": middle}),
        ]


def _complete_groups(keys: Any, key: str) -> int:
    """Return the number of rows before those with the last key, which may continue on the next page."""
    if keys.dtype.kind == "U":  # Databases ignore case and trailing blanks.
        keys = np.array([each.casefold().rstrip() for each in keys])
    number = int(np.flatnonzero(keys == keys[-1])[0])
    if not number:
        raise InvalidArgumentError(f"More rows than fit in a page have the same {key} ({keys[-1]}). {_ADVICE}")
    return number


def _with_best_key(scan: Scan, rows: Sequence[Mapping[str, str]]) -> Scan:
    """Return the scan with the best key among some columns, or else a position."""
    key, position = main_key(rows), main_position(rows)
    if key is not None:
        return replace(scan, key=identifier(key))
    return scan if position is None else replace(scan, position=(identifier(position[0]), identifier(position[1])))


def _why_fewer(least: int, *, full: bool) -> str:
    """Return the reason for missing rows: the service truncates pages, or the last page is full."""
    if full:
        return "more rows than fit in a page have no value in the column used for paging. Specify another one (key=)"
    if least:
        return f"it returns at most {least} rows per request. Set maxrec={least}"
    return "they may have changed in the meantime. Run the query again"
