"""Targets that share cones, and the table of results with different columns."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import CorruptDataWarning, InvalidArgumentError, InvalidResponseError
from astroquery_mast.query.request import MashupRequest
from astroquery_mast.sky.positions import as_names, as_positions
from astroquery_mast.tables.columns import Column
from astroquery_mast.tables.mashup import Page
from astroquery_mast.tables.rows import Rows
from astroquery_mast.targets.batch import AnswerCollector, AskedTargets, with_leading_columns
from astroquery_mast.targets.targets import as_radii, targets_of, unique_rows

REQUEST = MashupRequest("Mast.Caom.Cone", {"ra": 1.0, "dec": 2.0, "radius": 0.1, "exclude_hla": True})
FIELDS = (("obsid", "string"), ("t_exptime", "float"), ("_selected_", "boolean"))


def page(number: int, fields: tuple[tuple[str, str], ...] = FIELDS, start: int = 0) -> Page:
    """Return a page with some rows."""
    rows = [{name: start + row for name, _ in fields} for row in range(number)]
    return Page("Mast.Caom.Cone", "COMPLETE", fields, rows, document={"fields": []})


def test_equal_targets_share_a_cone() -> None:
    """Equal positions share a cone unless their radii differ; rows without a position have none."""
    table = Table({"ra": [1.0, 2.0, 1.0, np.nan, 1.0], "dec": [0.0, 0.0, 0.0, 0.0, 0.0]})
    targets = targets_of(as_positions(table), np.array([0.1, 0.1, 0.1, 0.1, 0.2]))
    assert [(cone.ra, cone.radius) for cone in targets.cones] == [(1.0, 0.1), (2.0, 0.1), (1.0, 0.2)]
    assert targets.rows.tolist() == [0, 1, 2, 4]
    rows, inputs = targets.expand_to_input({0: np.array([5, 6]), 2: np.array([7])})
    assert list(zip(rows.tolist(), inputs.tolist(), strict=True)) == [(5, 0), (6, 0), (5, 2), (6, 2), (7, 4)]
    assert targets.without_rows({0: np.array([], dtype=int), 1: np.array([3])}) == [0, 2]
    assert targets.of_cones({0: "late"}) == {0: "late", 2: "late"}


def test_targets_without_any_position_have_no_cones() -> None:
    """Names that are not resolved have no cone."""
    assert targets_of(as_names(["M101"]), np.array([0.1])).cones == ()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_unique_rows(pairs: list[tuple[int, int]]) -> None:
    """Each row has the index of the first row that is equal to it."""
    one, other = np.array(pairs, dtype=float).T
    first, kind = unique_rows(one, other)
    assert first.tolist() == [pairs.index(pair) for pair in dict.fromkeys(pairs)]
    assert [pairs[first[each]] for each in kind] == pairs


def test_radii_are_one_or_as_many_as_targets() -> None:
    """One radius applies to all targets, or each has its own."""
    assert as_radii("6 arcmin", 3).tolist() == pytest.approx([0.1] * 3)
    assert as_radii([6, 12] * u.arcmin, 2).tolist() == pytest.approx([0.1, 0.2])
    assert as_radii([0.1, 0.2], 2).tolist() == [0.1, 0.2]
    for bad in ([0.1], [0.1, -1], [0.1, np.nan], [1, 2] * u.s, ["wide", "narrow"], -1, None):
        with pytest.raises(InvalidArgumentError, match="radius"):
            as_radii(bad, 2)


def test_results_in_pages_are_one_table() -> None:
    """The rows of each result are known, and meta has one request."""
    blocks = AnswerCollector(AskedTargets(REQUEST, 3, 2, ("ra", "dec", "radius")), {})
    blocks.add(0, [page(2), page(1, start=2)])
    blocks.add(1, [page(0)])
    blocks.add(2, [page(1, start=9)])
    table, found = blocks.table()
    assert table["obsid"].tolist() == ["0", "1", "2", "9"]
    assert {key: rows.tolist() for key, rows in found.items()} == {0: [0, 1, 2], 1: [], 2: [3]}
    (asked,) = map(json.loads, table.meta["request"])
    assert asked["params"] == {"exclude_hla": True}
    assert (asked["targets"], asked["requests"], table.meta["rows"]) == (3, 2, [4])


def test_missing_columns_are_masked() -> None:
    """A column that some results do not have is masked there, like the filters of the Hubble Source Catalog."""
    blocks = AnswerCollector(REQUEST, {})
    blocks.add(0, [page(1, (("MatchID", "int"), ("A_F606W", "float")))])
    blocks.add(1, [page(2, (("MatchID", "int"), ("W3_F160W", "float")))])
    blocks.add(2, [page(1, (("MatchID", "int"), ("A_F606W", "float")), start=5)])
    table, found = blocks.table()
    assert table.colnames == ["MatchID", "A_F606W", "W3_F160W"]
    assert {key: table["MatchID"][rows].tolist() for key, rows in found.items()} == {0: [0], 1: [0, 1], 2: [5]}
    assert table["W3_F160W"].mask.tolist() == [True, True, False, False]
    assert table.meta["rows"] == [4]


def test_columns_of_different_types() -> None:
    """A column that is text in one result is text in all, with a warning; results without values do not count."""
    blocks = AnswerCollector(REQUEST, {"x": Column("x", type_name="float", unit="deg")})
    blocks.add(0, [Page("s", "COMPLETE", (("x", "float"), ("n", "int")), [{"x": 1.5, "n": 1}])])
    blocks.add(1, [Page("s", "COMPLETE", (("x", "string"), ("n", "float")), [{"x": "west", "n": 2.5}])])
    with pytest.warns(CorruptDataWarning, match="Column 'x' is text in some of the results and not in others"):
        table, found = blocks.table()
    assert table["x"].tolist() == ["1.5", "west"]
    assert table["n"].tolist() == [1.0, 2.5]
    assert found[1].tolist() == [1]
    blocks = AnswerCollector(REQUEST, {"x": Column("x", type_name="float", unit="deg")})
    blocks.add(0, [Page("s", "COMPLETE", (("x", "float"),), [{"x": 1.5}])])
    blocks.add(1, [Page("s", "COMPLETE", (("x", "string"),), [{"x": None}])])
    table, _ = blocks.table()
    assert table["x"].tolist() == [1.5, None]
    assert table["x"].unit == "deg"


def test_an_unreadable_result_adds_nothing() -> None:
    """An unreadable page adds neither columns nor rows to the table."""
    good = page(2)
    blocks = AnswerCollector(REQUEST, {})
    with pytest.raises(InvalidResponseError):
        blocks.add(0, [good, Page("s", "COMPLETE", (("y", "int"),), Rows([b"7"], "s"))])  # type: ignore[list-item]
    assert blocks.table()[1] == {}
    blocks = AnswerCollector(REQUEST, {})
    with pytest.raises(InvalidResponseError):
        blocks.add(0, [Page("s", "COMPLETE", (("y", "int"),), Rows([b"7"], "s"))])  # type: ignore[list-item]
    blocks.add(1, [page(1)])
    table, found = blocks.table()
    assert (table.colnames, found[1].tolist(), 0 in found) == (["obsid", "t_exptime"], [0], False)


def test_empty_results_have_columns() -> None:
    """A table without rows has MAST's columns."""
    blocks = AnswerCollector(REQUEST, {})
    blocks.add(0, [page(0)])
    assert blocks.table()[0].colnames == ["obsid", "t_exptime"]
    assert len(AnswerCollector(REQUEST, {}).table()[0].colnames) == 0


def test_rows_without_columns_raise() -> None:
    """A page with rows but without columns raises an error."""
    with pytest.raises(InvalidResponseError):
        AnswerCollector(REQUEST, {}).add(0, [Page("x", "COMPLETE", (), [{}])])


def test_new_columns_are_in_front() -> None:
    """A catalog column with the name of a new column is renamed."""
    table = Table({"separation": [1.0, 2.0], "x": [3, 4]}, masked=True)
    columns: dict[str, Any] = {
        "input_row": (np.array([0, 1, 1]), None, "a"),
        "separation": (np.zeros(3), u.arcsec, "b"),
    }
    made = with_leading_columns(table, np.array([0, 1, 0]), columns)
    assert made.colnames == ["input_row", "separation", "catalog_separation", "x"]
    assert made["x"].tolist() == [3, 4, 3]
    assert made["separation"].quantity.unit == u.arcsec
