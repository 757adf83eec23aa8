"""Changes as a table, as text, as an Atom feed, and as an exit code.

In: the changes between two snapshots, and the current table.  Out: `Changes`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from astropy.table import MaskedColumn, Table, vstack

from ..exceptions import InvalidArgumentError, presentable
from ..products.manifest import masked_column
from ..query.values import is_integer, is_missing
from ..tables.result_table import ResultTable
from ..tables.table import now_iso
from .comparison import Change, ChangeKind, Snapshot, iso_of
from .snapshots import is_plain

DEFAULT_LISTED = 100
"""The number of changes of one type that texts and feeds list individually."""
_ATOM = "http://www.w3.org/2005/Atom"
_OWN = ("change", "reason")
_NO_XML = re.compile("[\ufffe\uffff]")
# The namespace that gives the same change the same identifier wherever it is written.
_NAMESPACE = uuid.UUID("6f0c1c0e-6f7a-4c46-9a3a-6d2f0a6f6b14")


class Changes(ResultTable):
    """The changes of a saved search: a table with one row for each change, with the row of the search.

    ``change`` is ``NEW``, ``PUBLIC NOW``, ``CALIBRATION LEVEL UP``, ``REPROCESSED`` or ``GONE``, and ``reason``
    explains it.  A row of the search with two changes is listed twice.  The other columns are those of the search.  For
    rows that are gone, only the columns that identify and compare rows are known, and the others are masked.
    ``get_product_list`` and ``download_products`` take the rows like those of the search.

    ``meta["search"]`` is the name of the search, ``meta["since"]`` and ``meta["until"]`` are the times that are
    compared (``since`` is empty at the first run), ``meta["found"]`` is the number of rows that the search finds now,
    and ``meta["key"]`` lists the columns that identify a row.

    Examples
    --------
    >>> from astroquery_mast import read_notification
    >>> changes = read_notification(
    ...     [{"mission": "jwst", "filename": "jw01189001001_02101_00001_nrs1_cal.fits"}]
    ... )
    >>> len(changes)
    1
    """

    @property
    def exit_code(self) -> int:
        """The exit code for a script (int): 1 if there are changes and 0 if not.

        Examples
        --------
        >>> from astroquery_mast import read_notification
        >>> read_notification(
        ...     [{"mission": "jwst", "filename": "jw01189001001_02101_00001_nrs1_cal.fits"}]
        ... ).exit_code
        1
        """
        return int(len(self) > 0)

    def as_text(self, *, limit: int | None = DEFAULT_LISTED) -> str:
        """Return the changes as text.

        Parameters
        ----------
        limit : int or None, optional
            The largest number of rows of a type of change to list; for more, one sentence summarizes them.  None lists
            all rows.

        Returns
        -------
        str
            A headline, and a paragraph for each type of change.

        Raises
        ------
        InvalidQueryError
            If ``limit`` is not a number.

        Examples
        --------
        >>> from astroquery_mast import read_notification
        >>> mailed = [
        ...     {
        ...         "mission": "jwst",
        ...         "filename": "jw01189001001_02101_00001_nrs1_cal.fits",
        ...         "event_type": "New",
        ...     }
        ... ]
        >>> print(read_notification(mailed).as_text())
        MAST notification: 1 change
        <BLANKLINE>
        NEW (1)
          jwst jw01189001001_02101_00001_nrs1_cal.fits
        """
        lines = [self._headline()]
        for kind, rows, mass in self._by_kind(limit):
            lines += ["", f"{kind} ({len(rows)})"]
            lines += [f"  {mass}"] if mass else [f"  {self._line(row)}" for row in rows]
        return "\n".join(lines)

    def as_atom(self, *, limit: int | None = DEFAULT_LISTED) -> str:
        """Return the changes as an Atom feed (RFC 4287), for feed readers.

        Parameters
        ----------
        limit : int or None, optional
            The largest number of rows of a type of change to list; for more, one entry summarizes them.  None lists all
            rows.

        Returns
        -------
        str
            The feed as XML.  The identifiers of the feed and its entries do not change when it is written again.

        Raises
        ------
        InvalidQueryError
            If ``limit`` is not a number.

        Examples
        --------
        >>> from astroquery_mast import read_notification
        >>> mailed = [
        ...     {
        ...         "mission": "jwst",
        ...         "filename": "jw01189001001_02101_00001_nrs1_cal.fits",
        ...         "event_type": "New",
        ...     }
        ... ]
        >>> print(read_notification(mailed).as_atom())
        <feed xmlns="http://www.w3.org/2005/Atom">
          <title>MAST notification</title>
        ...
            <title>NEW: jwst jw01189001001_02101_00001_nrs1_cal.fits</title>
        ...
        </feed>
        <BLANKLINE>
        """
        feed_id = uuid.uuid5(_NAMESPACE, str(self.meta.get("id", self.meta.get("search", ""))))
        updated = self.meta.get("until") or f"{now_iso()}Z"
        feed = ET.Element("feed", xmlns=_ATOM)
        _add(feed, "title", self._title())
        _add(feed, "id", feed_id.urn)
        _add(feed, "updated", updated)
        _add(ET.SubElement(feed, "author"), "name", "astroquery_mast")
        for title, content in self._entries(limit):
            entry = ET.SubElement(feed, "entry")
            _add(entry, "title", title)
            _add(entry, "id", uuid.uuid5(feed_id, f"{self.meta.get('since', '')} {title} {content}").urn)
            _add(entry, "updated", updated)
            _add(entry, "content", content)
        ET.indent(feed)
        return ET.tostring(feed, encoding="unicode", xml_declaration=False) + "\n"

    def _title(self) -> str:
        return presentable(self.meta.get("search", "saved search"))

    def _headline(self) -> str:
        """Return a headline with the title and the number of changes."""
        number = f"{len(self) or 'no'} {'change' if len(self) == 1 else 'changes'}"
        since, until = self.meta.get("since"), self.meta.get("until")
        if until and not since:
            return f"{self._title()}: first run, {self.meta.get('found', 0)} rows found; later runs list the changes"
        return f"{self._title()}: {number}{f' since {since}' if since else ''}"

    def _by_kind(self, limit: int | None) -> Iterator[tuple[str, list[Any], str]]:
        """Yield each type of change, its rows, and a summary if there are more rows than ``limit``."""
        if limit is not None and not is_integer(limit, 0):
            raise InvalidArgumentError(f"limit must be an integer, or None for all, got {limit!r}.")
        rows: dict[str, list[Any]] = {str(kind): [] for kind in ChangeKind}
        for row in self:
            rows.setdefault(str(row["change"]), []).append(row)
        for kind, found in rows.items():
            if found:
                yield kind, found, "" if limit is None or len(found) <= limit else self._sentence(len(found))

    def _sentence(self, number: int) -> str:
        """Return a summary of many changes, which may be due to a change at MAST itself."""
        of = f"{number} of {self.meta['found']} rows" if "found" in self.meta else f"{number} rows"
        return f"{of}. So many changes at once may mean that MAST was reindexed. Use limit=None to list all."

    def _entries(self, limit: int | None) -> Iterator[tuple[str, str]]:
        """Yield the title and content of each entry of a feed."""
        for kind, rows, mass in self._by_kind(limit):
            if mass:
                yield f"{kind}: {len(rows)} rows", mass
            else:
                yield from ((f"{kind}: {self._named(row)}", _cell(row, "reason") or kind) for row in rows)

    def _line(self, row: Any) -> str:
        reason = _cell(row, "reason")
        return f"{self._named(row)}: {reason}" if reason else self._named(row)

    def _named(self, row: Any) -> str:
        """Return the name of a row of the search."""
        cells = [_cell(row, name) for name in self.meta.get("key", ()) if name in self.colnames]
        return " ".join(filter(None, cells)) or f"row {row.index}"


def _cell(row: Any, name: str) -> str:
    """Return a cell as text; an empty string if it is masked."""
    value = row[name]
    return "" if is_missing(value) else presentable(value)


def _add(parent: ET.Element, name: str, text: str) -> None:
    """Add an element with text, replacing characters that XML does not allow."""
    ET.SubElement(parent, name).text = _NO_XML.sub("\ufffd", presentable(text))


# -- made from a comparison --------------------------------------------------------------------------------------------


def changes_table(changes: Sequence[Change], before: Snapshot | None, after: Snapshot, now: Table) -> Changes:
    """Return changes with the rows of the current table; rows that are gone have cells of the earlier snapshot."""
    rows = _rows_of(changes, before, now)
    result = Changes({"change": np.array([str(change.kind) for change in changes], dtype="U" if changes else "U20")})
    named = [name for name in after.key or _key(before) if name in rows.colnames]
    _add_columns(result, rows, named)
    result["reason"] = masked_column([change.reason for change in changes], "U")
    _add_columns(result, rows, [name for name in rows.colnames if name not in named])
    since = "" if before is None else iso_of(before.time)
    result.meta.update(since=since, until=iso_of(after.time), found=len(now), key=list(map(_free, named)))
    return result


def _key(snapshot: Snapshot | None) -> tuple[str, ...]:
    return () if snapshot is None else snapshot.key


def _rows_of(changes: Sequence[Change], before: Snapshot | None, now: Table) -> Table:
    """Return the rows of the changes: current rows first, followed by those that are gone."""
    rows = now[[change.after for change in changes if change.after is not None]]
    lost = [change.before for change in changes if change.after is None and change.before is not None]
    if before is None or not lost:
        return rows
    gone = _gone(before, lost, now)
    return vstack([rows, gone], metadata_conflicts="silent") if len(rows) else gone


def _add_columns(result: Changes, rows: Table, names: Sequence[str]) -> None:
    """Add columns of the search."""
    for name in names:
        result[_free(name)] = rows[name]


def _gone(before: Snapshot, lost: Sequence[int], now: Table) -> Table:
    """Return the rows that are gone, with the columns of the current table and those that it no longer has.

    Columns of objects, such as times, are left out; they are masked when the rows are stacked with others.
    """
    columns = {name: _gone_column(now[name], before, lost, name) for name in now.colnames if is_plain(now[name])}
    others = [name for name in before.columns if name not in now.colnames]
    return Table(columns | {name: _text_column(_cells(before, lost, name)) for name in others})


def _free(name: str) -> str:
    """Return a column name that does not clash with the columns added here."""
    return f"{name}_" if name in _OWN else name


def _gone_column(like: Any, before: Snapshot, rows: Sequence[int], name: str) -> MaskedColumn:
    """Return a column of the rows that are gone, in the type of the current table; masked where unknown."""
    known = _cells(before, rows, name)
    if like.dtype.kind == "U":
        return _text_column(known)
    column = MaskedColumn(np.zeros(len(rows), dtype=like.dtype), mask=True, unit=like.unit)
    for place, cell in enumerate(known):
        with suppress(TypeError, ValueError, OverflowError):  # unknown, or of another type now
            column[place] = np.ma.masked if cell is None else cell
    return column


def _text_column(cells: Sequence[Any]) -> MaskedColumn:
    return masked_column([None if cell is None else str(cell) for cell in cells], "U")


def _cells(before: Snapshot, rows: Sequence[int], name: str) -> list[Any]:
    """Return the cells of a column of a snapshot; None for each if it lacks the column."""
    if name not in before.columns:
        return [None] * len(rows)
    place = before.columns.index(name)
    return [before.rows[row][place] for row in rows]
