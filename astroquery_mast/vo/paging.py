"""All rows of a query, beyond those that a service sends at once: in pages, counted, each row once.

In: a `Scan`, which is a table with conditions or a query that somebody wrote.  Out: tables, one per page, whose rows
together are as many as the service counted.

Pages follow each other along a *key*, a column that is best indexed: the next page begins where the last one ended.  A
page that is full may have ended among rows that share a key, so that those come with the next page.  Where there is no
key the sky is cut into boxes until each has few enough rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from astropy.table import Row, Table, vstack

from ..exceptions import IncompleteResultError, InvalidArgumentError
from ..query.adql import identifier, number_text, quoted
from ..query.scan import Scan
from ..service.parallel import progress_bar
from ..service.retrying import Deadline
from ..tables.columns import find_name, no_such
from .discovery import Discovery
from .tap import ROW_CAP, TapService

_POSITION = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
_MAIN_ID = re.compile(r"meta\.id;meta\.main|meta\.record")
_WHOLE = re.compile("int|long|short")
_ADVICE = "Specify a column with unique values (key=), or narrow the query."
# A box that is as small as this is not cut any further (degrees).
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Pager:
    """How the pages of a scan are requested.

    Parameters
    ----------
    tap : TapService
        The service.
    discovery : Discovery
        What knows the columns of its tables.
    until : callable
        Gives the deadline of what is asked now: that of the call, or one of its own for each page.
    size : int
        Rows of a page.
    run_async : bool, optional
        Whether pages are requested as jobs; they are, if there are several, unless this is False.
    verbose : bool
        Whether to show on a terminal how far it is.
    """

    tap: TapService
    discovery: Discovery
    until: Callable[[], Deadline]
    size: int = ROW_CAP
    run_async: bool | None = None
    verbose: bool = False

    def count(self, scan: Scan, *conditions: str) -> int:
        """Have the service count the rows."""
        (found,) = self._one(scan.adql(*conditions, select="COUNT(*) AS number_of_rows"))
        return int(found)

    def everything(self, scan: Scan, limit: int | None = None) -> Table:
        """Return all rows as one table, or as many as a limit lets through; ``meta["overflow"]`` if there are more."""
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
        """Give all rows, or as many as a limit lets through, page by page; the number is proven at the end."""
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
        told = f"{self.tap.what} counted {wanted} rows but returned {received}: {_why_fewer(least, full=full)}."
        raise IncompleteResultError(told, service=self.tap.what)

    def _parts(self, scan: Scan, wanted: int, total: int) -> Iterator[Table]:
        """The rows in parts, which may be more than are wanted."""
        if wanted <= self.size:
            yield self._page(scan.adql(top=wanted if wanted < total else None), several=False)
            return
        scan = self._with_key(scan)
        if scan.key is not None:
            yield from self._along(scan, scan.key)
        elif scan.position is not None:
            yield from self._over_the_sky(scan, *scan.position)
        else:
            raise InvalidArgumentError(
                f"Cannot split {wanted} rows into pages of {self.size}: no suitable column. {_ADVICE}"
            )

    def _page(self, adql: str, *, several: bool = True) -> Table:
        """One page, of several or of one."""
        run_async = True if several and self.run_async is None else self.run_async
        return self.tap.rows(adql, self.until(), maxrec=self.size, run_async=run_async)

    def _one(self, adql: str) -> list[Any]:
        """The only row of an answer."""
        # Small, even if it takes long: no job unless it does.
        table = self.tap.rows(adql, self.until(), run_async=self.run_async and None)
        if len(table) != 1:
            raise IncompleteResultError(f"{self.tap.what} returned {len(table)} rows instead of one.")
        return list(table[0])

    # -- along a key -------------------------------------------------------------------------------------------------

    def _along(self, scan: Scan, key: str) -> Iterator[Table]:
        """The rows in the order of a key; those without one at the end."""
        named = [each.rpartition(".")[2].strip('"') for each in scan.columns]
        added = bool(named) and find_name(key.strip('"'), named) is None
        asked = replace(scan, columns=(*scan.columns, key)) if added else scan
        condition, more = f"{key} IS NOT NULL", True
        while more:
            page = self._page(asked.adql(condition, top=self.size, order=key))
            name, keys = self._keys(page, key)
            more = page.meta["overflow"] or len(page) >= self.size
            if more:
                page = page[: _whole_groups(keys, key)]
                written = quoted(str(keys[-1])) if keys.dtype.kind == "U" else number_text(keys[-1])
                condition = f"{key} >= {written}"
            if added:
                page.remove_column(name)
            yield page
        yield self._page(scan.adql(f"{key} IS NULL"))

    def _keys(self, page: Table, key: str) -> tuple[str, Any]:
        """The name of the key in a page, and its values, in order."""
        name = find_name(key.strip('"'), page.colnames)
        if name is None:
            raise no_such(f"key={key!r} is not a column of the query.", key, page.colnames)
        keys = np.asarray(page[name])
        if keys.dtype.kind in "iuf" and np.any(keys[1:] < keys[:-1]):
            what = self.tap.what
            raise IncompleteResultError(f"{what} returned rows that are not sorted by {key}.", service=what)
        return name, keys

    # -- over the sky ------------------------------------------------------------------------------------------------

    def _over_the_sky(self, scan: Scan, ra: str, dec: str) -> Iterator[Table]:
        """The rows box by box; those without a position at the end."""
        names = {"ra_low": f"MIN({ra})", "ra_high": f"MAX({ra})", "dec_low": f"MIN({dec})", "dec_high": f"MAX({dec})"}
        found = self._one(scan.adql(select=", ".join(f"{value} AS {name}" for name, value in names.items())))
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

    # -- what to fetch by ----------------------------------------------------------------------------------------------

    def _with_key(self, scan: Scan) -> Scan:
        """The scan with a key or else a position, from what the service says of its columns."""
        if scan.key is not None or scan.position is not None:
            return scan
        rows = [row for table in scan.tables for row in self.discovery.columns(self.tap, table, self.until())]
        if scan.source.startswith("("):
            output = self._page(scan.adql(top=0), several=False).colnames
            rows = [row for row in rows if find_name(row["column_name"], output)]
        return _fetched_by(scan, rows)


@dataclass(frozen=True)
class _Box:
    """A part of the sky: the range of each column in degrees, and where it was cut off from the rest."""

    sides: Mapping[str, tuple[float, float]]
    cuts: Mapping[str, float] = field(default_factory=dict)

    @property
    def conditions(self) -> list[str]:
        """The conditions on the columns."""
        return [f"{end} {value!r}" for end, value in self.cuts.items()]

    def halves(self, number: int) -> list[_Box]:
        """Cut it across its longer side; it is said how many rows it has if it is too small for that."""
        longer, (low, high) = max(self.sides.items(), key=lambda side: side[1][1] - side[1][0])
        if high - low < _SMALLEST:
            raise InvalidArgumentError(f"{number} rows have the same position. {_ADVICE}")
        middle = (low + high) / 2
        return [
            _Box({**self.sides, longer: (low, middle)}, {**self.cuts, f"{longer} <": middle}),
            _Box({**self.sides, longer: (middle, high)}, {**self.cuts, f"{longer} >=": middle}),
        ]


def _whole_groups(keys: Any, key: str) -> int:
    """How many rows are before those that share the last key, of which there may be more."""
    if keys.dtype.kind == "U":  # Databases take text for the same whatever its case, and the blanks at its end.
        keys = np.array([each.casefold().rstrip() for each in keys])
    number = int(np.flatnonzero(keys == keys[-1])[0])
    if not number:
        raise InvalidArgumentError(f"More rows than fit in a page have the same {key} ({keys[-1]}). {_ADVICE}")
    return number


def _fetched_by(scan: Scan, rows: Sequence[Row]) -> Scan:
    """The scan with the best key among some columns, or else a position."""
    keys = sorted((rank, str(row["column_name"])) for row in rows if (rank := _rank(row)) is not None)
    if keys:
        return replace(scan, key=identifier(keys[0][1]))
    named = {str(row["ucd"]): identifier(str(row["column_name"])) for row in rows}
    ra, dec = map(named.get, _POSITION)
    return replace(scan, position=(ra, dec)) if ra and dec else scan


def _rank(row: Row) -> tuple[bool, int, bool] | None:
    """How good a column is to fetch pages by, lower is better; None if it is not."""
    ucd, datatype, name = (str(row[each]).lower() for each in ("ucd", "datatype", "column_name"))
    indexed, whole = str(row["indexed"]) == "1", bool(_WHOLE.search(datatype))
    kind = 0 if _MAIN_ID.search(ucd) else 1 if name.endswith("id") else 2
    usable = whole or ("char" in datatype and kind < 2)
    return (not indexed, kind, not whole) if usable and (indexed or not kind) else None


def _why_fewer(least: int, *, full: bool) -> str:
    """Why there are fewer rows than were counted: a page was cut below its size, or the last one is full."""
    if full:
        return "more rows than fit in a page have no value in the column used for paging. Specify another one (key=)"
    if least:
        return f"it returns at most {least} rows per request. Set maxrec={least}"
    return "they may have changed in the meantime. Run the query again"
