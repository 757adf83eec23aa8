"""Tables of values and counts, from MAST's histograms or from a column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.observations.values import column_table, counted, ranges_of, value_table
from astroquery_mast.tables.columns import Column

TEXT = Column("filters", label="Filters", type_name="char", separator=";")
LEVEL = Column("calib_level", type_name="int")
FLAG = Column("mtFlag", type_name="boolean")


def answer(*columns: dict[str, Any]) -> dict[str, Any]:
    """Return the response of a service for histograms."""
    return {"data": {"Tables": [{"Columns": list(columns)}]}}


def test_cells_with_several_values_are_split() -> None:
    """Cells with several values are split; values are ordered by count, and equal counts by value."""
    found = counted([("F606W;CLEAR", 2), ("F435W", 5), ("CLEAR; F814W", 3), ("", 9), (";", 4)], TEXT)
    assert list(found.items()) == [("CLEAR", 5), ("F435W", 5), ("F814W", 3), ("F606W", 2)]


def test_values_have_the_type_of_the_column() -> None:
    """Text is converted to the numbers or booleans of the column, and otherwise kept."""
    assert counted([("3", 1), ("-1", 4), ("n/a", 2)], LEVEL) == {-1: 4, "n/a": 2, 3: 1}
    assert counted([("True", 1), ("false", 4)], FLAG) == {False: 4, True: 1}
    assert value_table(counted([("3", 1), ("-1", 4)], LEVEL), LEVEL)["value"].dtype.kind == "i"
    assert value_table(counted([("3", 1), ("n/a", 4)], LEVEL), LEVEL)["value"].dtype.kind == "U"
    assert value_table(counted([("True", 1)], FLAG), FLAG)["value"].dtype.kind == "b"


@pytest.mark.parametrize(("column", "kind"), [(TEXT, "U"), (LEVEL, "i"), (FLAG, "b")])
def test_no_values_are_an_empty_table(column: Column, kind: str) -> None:
    """Without values, the table has both columns with the right types."""
    table = value_table({}, column)
    assert table.colnames == ["value", "count"]
    assert (len(table), table["value"].dtype.kind, table["count"].dtype.kind) == (0, kind, "i")


@given(st.dictionaries(st.text("ab;", max_size=5), st.integers(1, 9)))
def test_counts_are_kept(cells: dict[str, int]) -> None:
    """The table has one row per token, and the counts add up."""
    found = value_table(counted(cells.items(), TEXT), TEXT)
    tokens = [token for cell, number in cells.items() for token in cell.split(";") * number if token]
    assert sum(found["count"].tolist()) == len(tokens)
    assert set(found["value"]) == set(tokens)
    assert list(found["count"]) == sorted(found["count"], reverse=True)


def test_ranges_are_those_of_numeric_histograms() -> None:
    """Only numeric histograms with finite limits give ranges."""
    numeric = {"hist": {"hist": [{"key": 1.5, "count": 3}]}, "min": 1.5, "max": "7", "type": "numeric"}
    found = ranges_of(
        answer(
            {"dataIndex": "t_min", "ExtendedProperties": {"histObj": numeric}},
            {"dataIndex": "s_ra", "ExtendedProperties": {"histObj": {**numeric, "max": "Infinity"}}},
            {"dataIndex": "filters", "ExtendedProperties": {"histObj": {"hist": [{"key": "a", "count": 1}]}}},
            {"dataIndex": "obs_id", "ignoreValue": ""},
            {"dataIndex": "em_min", "ExtendedProperties": None},
        )
    )
    assert found == {"t_min": (1.5, 7.0)}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": {"Tables": []}},
        {"data": {"Tables": [{"Columns": [3]}]}},
        answer({"ExtendedProperties": {"histObj": {"type": "numeric"}}}),
        answer({"dataIndex": "x", "ExtendedProperties": {"histObj": {"type": "numeric", "min": None, "max": 1}}}),
    ],
    ids=str,
)
def test_an_invalid_response_raises_remote_service_error(document: dict[str, Any]) -> None:
    """A response in another form raises RemoteServiceError instead of KeyError."""
    with pytest.raises(InvalidResponseError):
        ranges_of(document)


def test_unknown_ranges_are_masked() -> None:
    """A column has a number of values, a range, or masked cells."""
    columns = {
        "filters": TEXT,
        "t_min": Column("t_min", type_name="double", unit="MJD", description="Start"),
        "obs_id": Column("obs_id", label="Observation", type_name="char"),
        "secret": Column("secret", hidden=True),
        "_selected_": Column("_selected_"),
    }
    table = column_table(columns, {"filters": {"a": 1, "b": 2}}, {"t_min": (1.0, 2.0)})
    assert table["name"].tolist() == ["filters", "t_min", "obs_id"]
    assert table["kind"].tolist() == ["string", "float", "string"]
    assert table["unit"].tolist() == ["", "MJD", ""]
    assert table["description"].tolist() == ["Filters", "Start", "Observation"]
    assert table["values"].tolist() == [2, None, None]
    assert table["min"].tolist() == [None, 1.0, None]
    assert table["max"].tolist() == [None, 2.0, None]
    assert np.issubdtype(table["values"].dtype, np.integer)
