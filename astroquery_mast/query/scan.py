"""What is asked of a table in parts: its name, columns and conditions, or a query that somebody wrote, read this far.

In: ADQL as text.  Out: a `Scan`, from which the queries for parts of the rows are made.
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
# A query of columns of one table, as far as it can be told when text and what is in parentheses is hidden.
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
    """The rows of a table that meet conditions, or those of a query.

    Parameters
    ----------
    source : str
        The name of a table, or a query in parentheses with a name, as it stands after ``FROM``.
    columns : sequence of str
        The columns wanted, as they stand after ``SELECT``; all if there are none.
    conditions : sequence of str
        What the rows must meet, as it stands after ``WHERE``; all of it.
    key : str, optional
        The column along which pages follow each other.
    position : tuple of str, optional
        The columns of right ascension and declination, in degrees.
    """

    source: str
    columns: Sequence[str] = ()
    conditions: Sequence[str] = ()
    key: str | None = None
    position: tuple[str, str] | None = None

    def adql(self, *conditions: str, select: str = "", top: int | None = None, order: str | None = None) -> str:
        """Return the query for those of the rows that meet further conditions."""
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
        """The names of the tables that the rows come from."""
        return [name.replace('"', "") for name in _TABLES.findall(f"FROM {self.source}")]


def scan_of(adql: str, key: str | None = None) -> Scan:
    """Return the scan of a query that somebody wrote; raise if its pages could not be told apart."""
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
    """The scan of a query of columns of one table, which not every service takes as a part of another; else None."""
    found = None if _NOT_PLAIN.search(flat) else _PLAIN.fullmatch(flat)
    if found is None:
        return None
    columns = [each.strip() for each in found["columns"].split(",") if found["columns"] != "*"]
    if not all(map(_COLUMN.fullmatch, columns)):
        return None
    conditions = (text[slice(*found.span("where"))],) if found["where"] else ()
    return Scan(text[slice(*found.span("source"))], columns, conditions, key)


def _hidden(found: re.Match[str]) -> str:
    """As much text as was found, without a meaning."""
    return "$" * len(found[0])


def top_of(adql: str) -> int | None:
    """Return the number of rows that a query itself asks for at most."""
    found = _TOP.search(_without_comments(adql))
    return int(found[1]) if found else None


def _without_comments(adql: str) -> str:
    """A query without comments, of which a line may begin or consist; "--" in text stays."""
    return _COMMENTS.sub(r"\1", adql)
