"""Queries of a table in parts, given by its name, columns and conditions, or by a user's query.

In: ADQL as text.  Out: a `Scan`, which writes the queries for parts of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..exceptions import InvalidArgumentError

_TABLES = re.compile(r'\b(?:FROM|JOIN)\s+((?:\w+|"[^"]+")(?:\.(?:\w+|"[^"]+"))*)', re.IGNORECASE)
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_COMMENTS = re.compile(r"""('(?:[^']|'')*'|"[^"]*")|--[^\n]*""")
_TOP = re.compile(r"\A\s*SELECT\s+(?:ALL\s+|DISTINCT\s+)?TOP\s+(\d+)", re.IGNORECASE)
_INNER = re.compile(r"\([^()]*\)")
# A query of columns of one table, with text and parentheses hidden.
_PLAIN = re.compile(
    r"SELECT\s+(?:ALL\s+)?(?P<columns>\*|[\w.,\s]+?)\s+FROM\s+(?P<source>[\w.]+(?:\s+(?:AS\s+)?(?!WHERE\b)\w+)?)"
    r"(?:\s+WHERE\s+(?P<where>.+))?",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(r"(?:[A-Za-z_]\w*\.)?[A-Za-z_]\w*")
_NOT_PLAIN = re.compile(r"\b(DISTINCT|GROUP|HAVING|UNION|INTERSECT|EXCEPT|JOIN)\b", re.IGNORECASE)
_ORDERED = re.compile(r"\b(ORDER\s+BY|OFFSET)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Scan:
    """The rows of a table that match conditions, or the rows of a query.

    Parameters
    ----------
    source : str
        The name of a table, or a query in parentheses with an alias, as written after ``FROM``.
    columns : sequence of str
        The columns to return, as written after ``SELECT``; all columns if empty.
    conditions : sequence of str
        The conditions on rows, as written after ``WHERE``, which are all required.
    key : str, optional
        The column that defines the order of pages.
    position : tuple of str, optional
        The columns with right ascension and declination, in degrees.
    """

    source: str
    columns: Sequence[str] = ()
    conditions: Sequence[str] = ()
    key: str | None = None
    position: tuple[str, str] | None = None

    def adql(self, *conditions: str, select: str = "", top: int | None = None, order: str | None = None) -> str:
        """Return the query for the rows that also match further conditions."""
        every = [f"({each})" for each in (*self.conditions, *conditions)]
        parts = [
            f"SELECT TOP {top}" if top is not None else "SELECT",
            select or ", ".join(self.columns) or "*",
            f"FROM {self.source}",
            f"WHERE {' AND '.join(every)}" if every else "",
            f"ORDER BY {order}" if order else "",
        ]
        return " ".join(filter(None, parts))

    @property
    def tables(self) -> list[str]:
        """The names of the tables in the query."""
        return [name.replace('"', "") for name in _TABLES.findall(f"FROM {self.source}")]


def scan_of(adql: str, key: str | None = None) -> Scan:
    """Return the scan of a user's query; raise an error if the query cannot be fetched in pages."""
    text = _without_comments(adql).strip().rstrip(";").strip()
    flat = _STRINGS.sub(_hidden, text)
    while (shorter := _INNER.sub(_hidden, flat)) != flat:
        flat = shorter
    if found := _ORDERED.search(flat):
        raise InvalidArgumentError(
            f"A query with {' '.join(found[0].upper().split())} cannot be fetched in pages. Remove it and "
            "sort the table afterwards, or set limit= to a number of rows that fits in one response."
        )
    if found := _TOP.search(flat):
        raise InvalidArgumentError(
            f"TOP {found[1]} cannot be used with pages, because each page may return different rows. Remove "
            f"it and set limit={found[1]}."
        )
    return _plain_scan(text, flat, key) or Scan(f"({text}) AS q", key=key)


def _plain_scan(text: str, flat: str, key: str | None) -> Scan | None:
    """The scan of a query of columns of one table, else None; not every service supports such a query as a subquery."""
    found = None if _NOT_PLAIN.search(flat) else _PLAIN.fullmatch(flat)
    if found is None:
        return None
    columns = [each.strip() for each in found["columns"].split(",") if found["columns"] != "*"]
    if not all(map(_COLUMN.fullmatch, columns)):
        return None
    conditions = (text[slice(*found.span("where"))],) if found["where"] else ()
    return Scan(text[slice(*found.span("source"))], columns, conditions, key)


def _hidden(found: re.Match[str]) -> str:
    """A placeholder of the same length as the match."""
    return "$" * len(found[0])


def top_of(adql: str) -> int | None:
    """Return the maximum number of rows in the TOP clause of a query, or None."""
    found = _TOP.search(_without_comments(adql))
    return int(found[1]) if found else None


def _without_comments(adql: str) -> str:
    """A query without comments; ``--`` in text is kept."""
    return _COMMENTS.sub(r"\1", adql)
