"""The columns of a TAP table that identify its rows, and those with their positions.

In: the properties of its columns.  Out: the names of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from astropy.table import Table

from ..tables.columns import Kind, kind_of, plain_cells

_MAIN = "meta.main"
_RECORD = "meta.record"


def column_properties(listed: Table) -> list[dict[str, str]]:
    """Return the properties of each column, without ADQL quotation marks; missing ones are empty."""
    names = listed.colnames
    texts = [["" if cell is None else str(cell).strip(' "') for cell in plain_cells(listed[name])] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*texts, strict=True)]


def main_position(rows: Sequence[Mapping[str, str]]) -> tuple[str, str] | None:
    """Return the right ascension and declination columns, or None."""
    found = [_with_ucd(rows, f"pos.eq.{axis}") for axis in ("ra", "dec")]
    return (found[0], found[1]) if all(found) else None


def main_key(rows: Sequence[Mapping[str, str]]) -> str | None:
    """Return the column that identifies the rows and keeps them in order, or None.

    It is the main identifier, or else the indexed column that is most likely to have different values in all rows.
    """
    identifier = _with_ucd(rows, "meta.id")
    ranks = {row["column_name"]: rank for row in rows if (rank := _rank(row, identifier)) is not None}
    return min(ranks, key=ranks.__getitem__) if ranks else None


def _rank(row: Mapping[str, str], identifier: str) -> tuple[int, bool, bool] | None:
    """Return how suitable a column is as the key, where lower is better; None if it is not suitable."""
    name, kind = row["column_name"], kind_of(row["datatype"].rpartition(":")[2])
    indexed, integer = row.get("indexed") in {"1", "True"}, kind is Kind.INTEGER
    likely = 0 if name == identifier or _RECORD in row["ucd"].lower() else 1 if name.lower().endswith("id") else 2
    usable = integer or (kind is Kind.TEXT and likely < 2)
    return (likely, not indexed, not integer) if usable and (indexed or not likely) else None


def _with_ucd(rows: Sequence[Mapping[str, str]], word: str) -> str:
    """Return the main column with a UCD, or the only one; empty if there is no such column."""
    found = {
        row["column_name"]: _MAIN in row["ucd"].lower() for row in rows if row["ucd"].lower().split(";")[0] == word
    }
    main = [name for name, is_main in found.items() if is_main]
    return next(iter(main or found), "") if main or len(found) == 1 else ""
