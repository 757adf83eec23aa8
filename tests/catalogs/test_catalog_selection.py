"""The selection of columns, order and pages of a catalog query."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.query.selection import Selection, SortKey, arranged
from astroquery_mast.tables.columns import snapshot


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        (None, []),
        ("distance", ["asc.distance"]),
        ("desc.ra", ["desc.ra"]),
        ("ra.desc", ["desc.ra"]),
        (("asc", "distance"), ["asc.distance"]),
        (("ra", "desc"), ["desc.ra"]),
        ([("desc", "distance")], ["desc.distance"]),
        ([("ra", "desc")], ["desc.ra"]),
        ([("ra", "DESC"), "dec"], ["desc.ra", "asc.dec"]),
        (["ra", "dec"], ["asc.ra", "asc.dec"]),
        (("ra", "dec"), ["asc.ra", "asc.dec"]),
    ],
    ids=repr,
)
def test_every_form_of_sort_by(sort_by: Any, expected: list[str]) -> None:
    """The direction may precede or follow the column, in text, a pair or a list."""
    assert [str(key) for key in Selection.of(None, sort_by, None, None).order] == expected


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((None, [("ra", "down")], None, None), "'asc' or 'desc'"),
        ((None, 3, None, None), "sort_by must be one or more column names, got 3"),
        ((None, [], None, None), "sort_by is empty"),
        ((None, [3], None, None), "sort_by contains 3"),
        (([], None, None, None), "columns is empty"),
        (([1], None, None, None), "columns has 1"),
        ((5, None, None, None), "columns=5"),
        (("ra,,dec", None, None, None), "columns has ''"),
        ((None, None, 0, None), "pagesize must be an integer >= 1, got 0"),
        ((None, None, None, -1), "page must be an integer >= 1, got -1"),
        ((None, None, True, None), "pagesize must be an integer >= 1, got True"),
        ((None, None, "9", None), "pagesize must be an integer >= 1, got '9'"),
    ],
    ids=repr,
)
def test_an_invalid_selection_raises(arguments: tuple[Any, ...], text: str) -> None:
    """An invalid selection raises an error that names the argument."""
    with pytest.raises(InvalidQueryError, match=text):
        Selection.of(*arguments)


def test_column_names_are_case_insensitive() -> None:
    """Column names are case-insensitive, and an unknown one raises an error with a suggestion."""
    columns = snapshot()["Mast.Catalogs.Tess.Cone"]
    selection = Selection.of("id, tmag", "desc.TEFF", np.int64(5), 2).spelled(columns)
    assert selection == Selection(("ID", "Tmag"), (SortKey("Teff", True),), 5, 2)
    assert selection.named == selection.needed == ("ID", "Tmag", "Teff")
    assert Selection.of(None, "Tmag", None, None).needed == ()
    with pytest.raises(InvalidQueryError, match=r"columns: column 'Tmagg' not found. Did you mean 'Tmag', 'e_Tmag'"):
        Selection.of(["Tmagg"], None, None, None).spelled(columns)


def table() -> Table:
    """Return a table with missing values."""
    return Table(
        {
            "name": MaskedColumn(["b", "a", "c", "a"], mask=[False, False, True, False]),
            "mag": MaskedColumn([3.0, np.nan, 1.0, 2.0], unit="mag"),
            "n": MaskedColumn([-999, 5, 1, 4], mask=[True, False, False, False]),
        },
        masked=True,
    )


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        ("mag", [2, 3, 0, 1]),
        ("desc.mag", [0, 3, 2, 1]),
        ("n", [2, 3, 1, 0]),
        ("desc.N", [1, 3, 2, 0]),
        (["name", "mag"], [3, 1, 0, 2]),
        (["name", "desc.n"], [1, 3, 0, 2]),
    ],
    ids=repr,
)
def test_rows_are_sorted_and_missing_values_come_last(sort_by: Any, expected: list[int]) -> None:
    """Missing values come last in either direction, whatever value is under the mask."""
    plain, made = table(), arranged(table(), Selection.of(None, sort_by, None, None))
    assert [list(map(str, row)) for row in made] == [list(map(str, plain[index])) for index in expected]
    assert made["mag"].unit == "mag"


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=20), st.booleans())
def test_sorting_is_stable(values: list[int | None], descending: bool) -> None:
    """The order is a stable sort of the values, followed by the missing ones."""
    column = MaskedColumn([value or 0 for value in values], mask=[value is None for value in values], dtype=int)
    given_table = Table({"v": column, "row": np.arange(len(values))}, masked=True)
    made = arranged(given_table, Selection(order=(SortKey("v", descending),)))
    present = [index for index, value in enumerate(values) if value is not None]
    present.sort(key=lambda index: -values[index] if descending else values[index])  # type: ignore[operator]
    assert made["row"].tolist() == present + [index for index, value in enumerate(values) if value is None]


def test_columns_stay_in_the_order_of_the_catalog() -> None:
    """Selected columns keep the order of the catalog; rows may be sorted by a column that is not selected."""
    made = arranged(table(), Selection.of(["N", "name"], "mag", None, None))
    assert made.colnames == ["name", "n"]
    assert made["n"].tolist() == [1, 4, None, 5]


def test_an_unknown_column_raises() -> None:
    """A column that is not in the result raises an error with a suggestion."""
    with pytest.raises(InvalidQueryError, match=r"sort_by: column 'magg' not found. Did you mean 'mag'"):
        arranged(table(), Selection.of(None, "magg", None, None))
