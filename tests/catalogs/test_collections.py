"""What the package reads from a service's description of a table: names, types, times, position and identifier."""

from __future__ import annotations

from typing import Any

import pytest
from astropy.table import MaskedColumn, Table

from astroquery_mast.catalogs.collections import _column
from astroquery_mast.query.adql import adql_clauses
from astroquery_mast.vo.main_columns import column_properties, main_key, main_position

NAMES = ("column_name", "datatype", "unit", "ucd", "description", "indexed")


def described(*rows: tuple[Any, ...]) -> list[dict[str, str]]:
    """Return the properties of columns; None is a missing property."""
    filled = [(*row, *[None] * (len(NAMES) - len(row))) for row in rows]
    columns = [
        MaskedColumn(["" if cell is None else str(cell) for cell in cells], mask=[cell is None for cell in cells])
        for cells in zip(*filled, strict=True)
    ]
    return column_properties(Table(columns, names=NAMES, masked=True))


@pytest.mark.parametrize(
    ("row", "is_time", "continuous"),
    [
        (("tmag", "float", "mag"), False, True),
        (("id", "BIGINT"), False, False),
        (("start", "timestamp"), True, False),
        (("start", "datetime2(7)"), True, False),
        (("start", "char", None, "time.start;obs.exposure"), True, False),
        (("length", "char", None, "time.duration"), False, False),
        (("name", "char", None, "meta.id"), False, False),
        (("t_min", "double", "d"), True, True),
        (("epochmjd", "double", "d"), True, True),
        (("epoch", "double", "d", "time.epoch", "Modified Julian Date"), True, True),
        (("period", "double", "d", "time.period"), False, True),
        (("epoch", "double", "yr", "time.epoch"), False, True),
    ],
    ids=str,
)
def test_columns_are_classified_by_their_description(row: tuple[Any, ...], is_time: bool, continuous: bool) -> None:
    """Times are distinguished from durations and from other numbers."""
    (described_row,) = described(row)
    column = _column(described_row)
    assert (column.name, column.is_time, column.continuous) == (row[0], is_time, continuous)


def test_quotation_marks_are_removed_from_names() -> None:
    """Some services list names in quotation marks, which are written only in queries."""
    column = _column(described(('"order"', "int"))[0])
    assert adql_clauses({"ORDER": 3}, {column.name: column}).texts == ('"order" = 3',)


@pytest.mark.parametrize(
    ("rows", "position"),
    [
        (
            [("ra", "double", "deg", "pos.eq.ra;meta.main"), ("dec", "double", "deg", "pos.eq.dec;meta.main")],
            ("ra", "dec"),
        ),
        ([("a", "double", "deg", "POS.EQ.RA"), ("d", "double", "deg", "pos.eq.dec")], ("a", "d")),
        ([("ra", "double", "deg", "pos.eq.ra"), ("dec", "double", "deg")], None),
        (
            [
                *(("ra2", "double", "deg", "pos.eq.ra"), ("dec2", "double", "deg", "pos.eq.dec")),
                *(("ra", "double", "deg", "pos.eq.ra;meta.main"), ("dec", "double", "deg", "pos.eq.dec;meta.main")),
            ],
            ("ra", "dec"),
        ),
        (
            [
                *(("ra2", "double", "deg", "pos.eq.ra"), ("ra3", "double", "deg", "pos.eq.ra")),
                ("dec", "double", "deg", "pos.eq.dec"),
            ],
            None,
        ),
        (
            [("e_ra", "double", "deg", "stat.error;pos.eq.ra"), ("e_dec", "double", "deg", "stat.error;pos.eq.dec")],
            None,
        ),
    ],
)
def test_the_position_is_that_of_the_main_columns(rows: list[Any], position: tuple[str, str] | None) -> None:
    """The position columns are the main ones, or the only ones; ambiguous ones are not used."""
    assert main_position(described(*rows)) == position


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        ([("name", "char", None, "meta.id"), ("id", "long", None, "meta.id;meta.main")], "id"),
        ([("tmag", "float", "mag", None, None, "1"), ("objid", "long", None, None, None, "1")], "objid"),
        ([("tmag", "float", "mag"), ("number", "int", None, None, None, "0")], None),
        ([("band", "int", None, None, None, "1"), ("source", "char", None, "meta.id")], "source"),
        ([("band", "int", None, None, None, "1"), ("objID", "char", None, None, None, "True")], "objID"),
        ([("band", "int", None, None, None, "1"), ("row", "adql:BIGINT", None, "meta.record")], "row"),
        ([("a", "int", None, "meta.id"), ("b", "int", None, "meta.id"), ("c", "int", None, None, None, "1")], "c"),
        ([("objid", "double", None, "meta.id;meta.main", None, "1")], None),
    ],
)
def test_the_key_is_the_main_or_an_indexed_identifier(rows: list[Any], key: str | None) -> None:
    """A column of real numbers is never the key."""
    assert main_key(described(*rows)) == key
