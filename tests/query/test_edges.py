"""Edge cases of criteria: other units, 0h, dates, and the last digits of identifiers."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time, TimeDelta

from astroquery_mast import Catalogs, MastMissions, Observations
from astroquery_mast.exceptions import InputWarning, InvalidCriterionError
from astroquery_mast.missions.conditions import build_conditions
from astroquery_mast.missions.search import columns_of_mission
from astroquery_mast.products.filters import cells_of, condition_mask, read_filter
from astroquery_mast.query.conditions import NUMERIC_KINDS, Condition, read_condition
from astroquery_mast.query.values import turned_ranges
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import Column, snapshot

RA = Column("s_ra", type_name="double", unit="deg", vo_unit="deg", continuous=True)
TIME = Column("t_min", type_name="double", unit="MJD", vo_unit="d", continuous=True, is_time=True)
MEASURED = sorted(
    {
        (column.astropy_unit.to_string(), column.continuous)
        for columns in snapshot().values()
        for column in columns.values()
        if column.kind in NUMERIC_KINDS and column.astropy_unit is not None and not column.is_time
    }
)
_LISTED = json.loads((resources.files("astroquery.mast.tests") / "data" / "mission_columns.json").read_bytes())
MISSION_UNITS = {
    column.astropy_unit.to_string()
    for column in columns_of_mission(_LISTED, "hst").values()
    if column.astropy_unit is not None and not column.is_time
}
CATALOGED = np.random.default_rng(7).lognormal(0, 6, 50) * np.random.default_rng(8).choice([-1, 1], 50)
CATALOGED[::5] = np.round(CATALOGED[::5], 3)


def holds(condition: Condition, value: float) -> bool:
    """Return whether a value matches a condition, as MAST compares."""
    tests = {"eq": value.__eq__, "gte": value.__ge__, "lte": value.__le__, "gt": value.__gt__, "lt": value.__lt__}
    return any(all(tests[each.operator](each.operand) for each in every) for every in condition.alternatives)


@pytest.mark.filterwarnings("ignore:.*is continuous:astroquery.exceptions.InputWarning")
@pytest.mark.parametrize(("unit", "continuous"), MEASURED)
def test_a_value_in_another_unit_matches_its_row(unit: str, continuous: bool) -> None:
    """Every value in the catalog, in every unit, is in the range that ends at it."""
    column = Column("x", type_name="double", unit=unit, vo_unit=unit, continuous=continuous)
    own = u.Unit(unit)
    others = [*own.find_equivalent_units(), own.decompose(), u.Unit(1000 * own), u.Unit(own / 3600)]
    for other in others:
        for value in CATALOGED.tolist():
            written = (value * u.Unit(unit)).to(other)
            for given in ((None, written), (written, None), ("gte", written), {"max": written}):
                assert holds(read_condition("x", given, column), value), (value, other, given)
            if continuous:
                assert holds(read_condition("x", written, column), value), (value, other)


def admits(text: object, value: float) -> bool:
    """Return whether a value matches the condition that a mission is sent."""
    low, dots, high = str(text).partition("..")
    if dots:
        return float(low) <= value <= float(high)
    if low[:2] in {">=", "<="}:
        return value >= float(low[2:]) if low[0] == ">" else value <= float(low[2:])
    return value == float(low)


@pytest.mark.filterwarnings("ignore:.*is continuous:astroquery.exceptions.InputWarning")
@pytest.mark.parametrize("unit", sorted({*MISSION_UNITS, *(unit for unit, _ in MEASURED)}))
def test_a_value_of_a_mission_in_another_unit_matches_its_row(unit: str) -> None:
    """The same holds for missions, which are sent text, for a single value, an end of a range, and several values."""
    columns = {"x": Column("x", type_name="float", unit=unit, vo_unit=unit, continuous=True)}
    own = u.Unit(unit)
    for other in [*own.find_equivalent_units(), own.decompose(), u.Unit(1000 * own), u.Unit(own / 3600)]:
        for value in CATALOGED.tolist():
            written = (value * own).to(other)
            for given in ((None, written), (written, None), written, [written], (written, written)):
                (sent,) = build_conditions({"x": given}, columns)
                assert admits(sent["x"], value), (value, other, given, sent)


def test_a_size_in_another_unit_matches_its_product() -> None:
    """The local filter of products matches a quantity with the number that it was converted from."""
    sizes = Table({"size": np.random.default_rng(3).integers(1, 2**40, 300)})
    cells = cells_of("size", sizes["size"])
    for number, size in enumerate(sizes["size"].tolist()):
        for unit in (u.kB, u.Mbit, u.GB, u.Unit("MiB")):
            assert condition_mask(read_filter((size * u.byte).to(unit), cells), cells)[number], (size, unit)


@pytest.mark.parametrize(
    ("collection", "edge", "written"),
    [("TESS", 1000, 1 * u.micron), ("TESS", 1000, 10000 * u.AA), ("K2", 890, 0.89 * u.micron)],
)
def test_one_micron_matches_rows_that_end_at_1000_nm(
    mast_sandbox: Sandbox, collection: str, edge: float, written: u.Quantity
) -> None:
    """Rows at the edge of a range match, whatever the unit of the edge."""
    count = Observations.query_criteria_count
    number = count(obs_collection=collection, em_max=[None, edge * u.nm])
    assert count(obs_collection=collection, em_max=[None, written]) == number > 0


def test_strict_ends_exclude_the_edge(mast_sandbox: Sandbox) -> None:
    """``("lt", 1 micron)`` excludes rows that end at 1000 nm, as ``("lt", 1000 nm)`` does."""
    count = Observations.query_criteria_count
    assert count(obs_collection="TESS", em_max=("lt", 1 * u.micron)) == count(
        obs_collection="TESS", em_max=("lt", 1000 * u.nm)
    )


# -- right ascension -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        [-2, 2],
        [358, 362],
        [358, 2],
        [[0, 2], [358, 360]],
        "358..362",
        "-2..2",
        {"min": -2, "max": 2},
        [-120, 120] * u.arcmin,
        (-2 * u.deg, 2 * u.deg),
        ("358", "2"),
    ],
    ids=str,
)
def test_a_range_of_right_ascension_across_0h_has_both_sides(mast_sandbox: Sandbox, given: Any) -> None:
    """However a range across 0h is written, the rows on both sides of it match."""
    assert Observations.query_criteria_count(s_ra=given) == 43


def test_missions_and_catalogs_with_a_range_across_0h(mast_sandbox: Sandbox) -> None:
    """A mission is sent both sides; a service that supports only one range raises an error."""
    sent = MastMissions(mission="hst").query_criteria(sci_ra=(-2, 2), get_query_payload=True)
    assert sent["conditions"] == [{"sci_ra": "358.0..360.0,0.0..2.0"}]
    with pytest.raises(InvalidCriterionError, match="2 ranges"):
        Catalogs.query_criteria("Panstarrs", raMean=[-2, 2], coordinates="0 0", radius=0.1)


@pytest.mark.parametrize(
    ("low", "high", "ranges"),
    [
        (10, 20, [(10, 20)]),
        (-10, -5, [(350, 355)]),
        (-400, 400, [(0, 360)]),
        (0, 360, [(0, 360)]),
        (350, 370, [(350, 360), (0, 10)]),
        (350, 10, [(350, 360), (0, 10)]),
    ],
)
def test_ranges_of_right_ascension(low: float, high: float, ranges: list[tuple[float, float]]) -> None:
    """A range beyond 0h or 24h is normalized; one on another axis is not changed."""
    assert turned_ranges(low, high, RA) == ranges
    assert turned_ranges(low, high, Column("s_dec", unit="deg")) == [(low, high)]


# -- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "2022-07-01..2022-08-01",
        " 2022-07-01 .. 2022-08-01 ",
        ["2022-07-01", "2022-08-01"],
        [" 2022-07-01 ", "2022-08-01"],
        ["2022-07-01T00:00:00+00:00", "2022-08-01T02:00:00+02:00"],
        [datetime(2022, 7, 1, tzinfo=UTC).isoformat(), datetime(2022, 8, 1, tzinfo=UTC).isoformat()],
        Time(["2022-07-01", "2022-08-01"]),
    ],
    ids=str,
)
def test_dates_in_different_formats_are_equivalent(mast_sandbox: Sandbox, given: Any) -> None:
    """Dates with blanks, with a UTC offset, or as one text with dots are equivalent."""
    assert Observations.query_criteria_count(t_min=given) == 197


@pytest.mark.parametrize("given", [[2022, 2023], [2022.5, 2023.5], np.array([2022, 2023]), ["2022", "2023"]], ids=str)
def test_years_as_days_warn(given: Any) -> None:
    """Numbers that look like years cause a warning, because they are Modified Julian Dates in 1864."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_condition("t_min", given, TIME)
    told = [str(each.message) for each in caught if each.category is InputWarning]
    assert len(told) == 2
    assert "For the year, use '2022-01-01'" in told[0]


@pytest.mark.parametrize(
    "span", [timedelta(minutes=5), TimeDelta(300, format="sec"), np.timedelta64(5, "m"), 5 * u.min], ids=repr
)
def test_durations_of_all_types_are_accepted(span: Any) -> None:
    """Exposure times can be compared with durations of Python, numpy and astropy."""
    column = Column("t_exptime", type_name="double", unit="s", vo_unit="s", continuous=True)
    (comparison,) = read_condition("t_exptime", (None, span), column).alternatives[0]
    assert comparison.operand == 300


def test_an_array_of_two_quantities_is_a_range_of_a_mission(mast_sandbox: Sandbox) -> None:
    """``[5, 10] * u.min`` is a range, as for the other clients."""
    search = MastMissions(mission="hst").query_criteria
    assert search(sci_actual_duration=[5, 10] * u.min, count_only=True) == 58
    assert search(sci_actual_duration=(5 * u.min, 10 * u.min), count_only=True) == 58
    both = Time(["2005-01-01", "2006-01-01"])
    assert search(sci_start_time=both, count_only=True) == search(sci_start_time=tuple(both), count_only=True) == 92


# -- identifiers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        float(4623036865373793408),
        [1, float(4623036865373793408)],
        np.float32(261136679),
        np.array([261136679], dtype=np.float32),
        np.array([4623036865373793408, np.nan])[:1],
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["GAIA", "ID", "KIC"])
def test_an_identifier_that_lost_digits_raises(name: str, value: Any) -> None:
    """A float that cannot represent an identifier would match another star, and raises an error with the reason."""
    with pytest.raises(InvalidCriterionError, match="which cannot represent such a large integer exactly"):
        Catalogs.query_criteria("TIC", **{name: value}, get_query_payload=True)


def test_a_float_with_all_digits_is_an_integer(mast_sandbox: Sandbox) -> None:
    """An identifier that pandas converted without loss matches its star."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Catalogs.query_criteria("TIC", ID=261136679.0)["ID"].tolist() == ["261136679"]


@pytest.mark.parametrize("value", [float(2**60), np.float32(2**26)])
def test_missions_and_product_filters_check_lost_digits(mast_sandbox: Sandbox, value: Any) -> None:
    """The same holds for the other services and for local filters."""
    with pytest.raises(InvalidCriterionError, match="which cannot represent such a large integer exactly"):
        MastMissions(mission="hst").query_criteria(sci_pep_id=value, get_query_payload=True)
    cells = cells_of("obsID", Table({"obsID": ["123"]})["obsID"])
    if isinstance(value, float):
        with pytest.raises(InvalidCriterionError, match="which cannot represent such a large integer exactly"):
            read_filter(value, cells)
