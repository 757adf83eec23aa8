"""Queries with too many rows for one response, split into parts without losing or repeating rows."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from astroquery_mast.query.filters import OPEN_END
from astroquery_mast.query.request import COUNT_COLUMNS, MashupRequest
from astroquery_mast.service.row_ranges import (
    SPLIT_COLUMNS,
    Interval,
    as_filtered,
    as_parts,
    counting,
    counting_entries,
    limits_itself,
    pieces_for,
    restricted_to,
    spans_of,
)

NUMBERS = st.floats(-OPEN_END, OPEN_END, allow_nan=False) | st.sampled_from([-OPEN_END, OPEN_END, 0.0, 59000.0])
CORES = st.sampled_from([*SPLIT_COLUMNS.values()])


def filtered(*filters: dict[str, Any], **params: Any) -> MashupRequest:
    """Return a filtered query."""
    return MashupRequest("Mast.Caom.Filtered", {"columns": "*", "filters": list(filters), **params})


def on_time(*ranges: tuple[float, float]) -> dict[str, Any]:
    """Return a filter for times."""
    return {"paramName": "T_min", "values": [{"min": low, "max": high} for low, high in ranges]}


@st.composite
def spans(draw: st.DrawFn) -> Interval:
    """Draw a range."""
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    return Interval(low, high)


@given(spans(), st.integers(1, 40), CORES)
def test_the_parts_of_a_range_cover_it_and_are_disjoint(span: Interval, pieces: int, core: Interval) -> None:
    """Each part begins at the number that follows the end of the previous part."""
    parts = span.divided(pieces, core)
    assert (parts[0].low, parts[-1].high) == (span.low, span.high)
    for before, after in itertools.pairwise(parts):
        assert after.low == math.nextafter(before.high, math.inf)
    assert all(part.low <= part.high for part in parts)


@given(spans(), CORES, NUMBERS)
def test_a_number_is_in_exactly_one_part(span: Interval, core: Interval, number: float) -> None:
    """A number in the range is in exactly one of its parts."""
    assume(span.low <= number <= span.high)
    assert sum(part.low <= number <= part.high for part in span.divided(7, core)) == 1


@given(spans(), CORES)
def test_a_range_can_be_divided_into_single_values(span: Interval, core: Interval) -> None:
    """Following any part leads to a single value after few divisions, so that splitting ends."""
    for follow in (0, -1, 1):
        left, steps = span, 0
        while not left.is_single_value(core):
            parts = left.divided(4, core)
            assert len(parts) > 1
            left = parts[min(follow, len(parts) - 1)]
            steps += 1
            # The ends of an open range are divided in steps of twice the size, up to 1e30.
            assert steps < 150


def test_many_rows_with_the_value_zero_need_few_divisions() -> None:
    """Floating-point numbers are ever denser towards zero, but the division ends earlier."""
    left, steps, core = Interval(0.0, 1.0), 0, SPLIT_COLUMNS["t_min"]
    while not left.is_single_value(core):
        left, steps = left.divided(8, core)[0], steps + 1
    assert steps < 40


def test_a_single_value_cannot_be_divided() -> None:
    """A single value is its only part."""
    assert Interval(3.0, 3.0).divided(5, SPLIT_COLUMNS["t_min"]) == [Interval(3.0, 3.0)]


def test_a_query_without_a_filter_has_an_open_range() -> None:
    """A column without a filter has a range with two open ends."""
    assert spans_of(filtered(), "t_min") == [Interval(-OPEN_END, OPEN_END)]


def test_overlapping_ranges_of_a_filter_are_merged() -> None:
    """Overlapping ranges would count their common rows twice; the case of the column does not matter."""
    asked = filtered(on_time((5, 7), (1, 3), (2, 4), (4, 4.5)))
    assert spans_of(asked, "t_min") == [Interval(1, 4.5), Interval(5, 7)]


@pytest.mark.parametrize(
    "filter_",
    [
        {"paramName": "obsid", "values": ["1", "2"]},
        {"paramName": "obsid", "values": []},
        {"paramName": "obsid", "values": [{"min": 1}]},
        {"paramName": "obsid", "values": [{"min": 1, "max": 2}], "freeText": "3%"},
    ],
    ids=str,
)
def test_a_filter_without_ranges_has_no_range(filter_: dict[str, Any]) -> None:
    """Such a column is not used for splitting."""
    assert spans_of(filtered(filter_), "obsid") == []
    assert spans_of(filtered(on_time((1, 2)), on_time((3, 4))), "t_min") == []


def test_a_part_has_its_range_and_all_other_filters() -> None:
    """The filter of the column is replaced by that of the part; nothing else changes."""
    other = {"paramName": "obs_collection", "separator": ";", "values": ["HST"]}
    whole = filtered(on_time((1, 9)), other, position="1, 2, 3")
    part = restricted_to(whole, "t_min", [Interval(1, 2), Interval(math.nextafter(2, 3), 4), Interval(6, 7)])
    values = [{"min": 1, "max": 4}, {"min": 6, "max": 7}]
    assert part.params["filters"] == [other, {"paramName": "t_min", "values": values}]
    assert {name: part.params[name] for name in ("columns", "position")} == {"columns": "*", "position": "1, 2, 3"}
    assert whole.params["filters"] == [on_time((1, 9)), other]


def test_a_count_differs_only_in_columns_and_page() -> None:
    """Only the columns and the page differ, and the cache is not used."""
    asked = counting(replace(filtered(on_time((1, 2))).at_page(7), cache=True))
    assert asked.cache is False
    assert asked.params == {"columns": COUNT_COLUMNS, "filters": [on_time((1, 2))]}
    assert asked.page == 1


def test_a_cone_becomes_a_filtered_query_by_position() -> None:
    """The cone search service does not support filters."""
    cone = MashupRequest("Mast.Caom.Cone", {"ra": 1.5, "dec": -2.0, "radius": 0.25}, pagesize=7)
    found = as_filtered(cone)
    assert found is not None
    assert found.service == "Mast.Caom.Filtered.Position"
    assert found.params == {"columns": "*", "filters": [], "position": "1.5, -2.0, 0.25"}
    assert found.pagesize == 7


@pytest.mark.parametrize(
    "asked",
    [
        MashupRequest("Mast.Caom.Products", {"obsid": "1"}),
        MashupRequest("Mast.Caom.Cone", {"ra": 1, "dec": 2, "radius": 3, "exclude_hla": True}),
        MashupRequest("Mast.Caom.Cone", {"ra": 1, "dec": 2}),
        MashupRequest("Mast.Caom.Cone", {}),
        counting(filtered()),
    ],
    ids=lambda asked: asked.service,
)
def test_queries_without_filters_are_not_split(asked: MashupRequest) -> None:
    """Other services, cones with additional or missing parameters, and counts are not split."""
    assert as_filtered(asked) is None


@pytest.mark.parametrize(
    ("service", "counter"),
    [
        ("Mast.Catalogs.Tic.Cone", "Mast.Catalogs.Filtered.Tic.Position"),
        ("Mast.Catalogs.CTL.Cone", "Mast.Catalogs.Filtered.CTL.Position"),
        ("Mast.Catalogs.Filtered.Tic.Rows", "Mast.Catalogs.Filtered.Tic"),
        ("Mast.Catalogs.Filtered.Ctl.Position.Rows", "Mast.Catalogs.Filtered.Ctl.Position"),
        ("Mast.Catalogs.Filtered.Tic", "Mast.Catalogs.Filtered.Tic"),
    ],
)
def test_tic_entries_are_counted_by_the_right_service(service: str, counter: str) -> None:
    """The count is sent to the service without fast rows, since that with fast rows does not support counts."""
    place = {"ra": 1.5, "dec": -2.0, "radius": 0.25}
    given = place if service.endswith("Cone") else {**place, "columns": "ID", "filters": [on_time((1, 2))]}
    found = counting_entries(MashupRequest(service, given, page=3))
    assert found is not None
    assert (found.service, found.page, found.cache) == (counter, 1, False)
    assert found.params == {"filters": [], **given, "columns": COUNT_COLUMNS}


@pytest.mark.parametrize("service", ["Mast.Catalogs.GaiaDR3.Cone", "Mast.Caom.Products", "Mast.Tic.Crossmatch"])
def test_other_entries_are_not_counted(service: str) -> None:
    """No service counts other entries."""
    assert counting_entries(MashupRequest(service, {"ra": 1, "dec": 2, "radius": 3})) is None


@pytest.mark.parametrize(
    ("params", "ends"),
    [
        ({"nr": 50}, True),
        ({"maxrecords": "50"}, True),
        ({"nr": 51}, False),
        ({"nr": "all"}, False),
        ({"columns": COUNT_COLUMNS}, True),
        ({"columns": "*"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_query_can_limit_its_own_response(params: dict[str, Any], ends: bool) -> None:
    """A count has one row, and a limit of fifty rows returns fifty."""
    assert limits_itself(MashupRequest("Mast.Hsc.Db.v3", params), 50) is ends


@given(st.lists(st.integers(0, 10), min_size=1, max_size=30), st.integers(10, 40))
def test_parts_are_as_few_as_the_limit_allows(rows: list[int], limit: int) -> None:
    """Neighboring ranges are combined up to the limit, and all rows are in a part."""
    counts = [(Interval(number, math.nextafter(number + 1, 0)), count) for number, count in enumerate(rows)]
    parts = as_parts(filtered(), "t_min", counts, limit)
    assert sum(part.rows for part in parts) == sum(rows)
    assert all(0 < part.rows <= limit for part in parts)
    for before, after in itertools.pairwise(parts):
        assert before.rows + after.rows > limit or after.rows > limit - before.rows
    covered = [span for part in parts for span in spans_of(part.request, "t_min")]
    assert all(sum(span.low <= n <= span.high for span in covered) == 1 for n, count in enumerate(rows) if count)


@given(st.integers(2, 10**9), st.integers(1, 10**6))
def test_the_number_of_pieces_is_limited(rows: int, limit: int) -> None:
    """There are at least two pieces, to make progress, and not thousands, each of which needs a count."""
    assert 2 <= pieces_for(rows, limit) <= 32
