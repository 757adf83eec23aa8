"""The lists of columns and values of observations."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError, NoResultsWarning

from astroquery_mast import Observations, conf
from astroquery_mast.exceptions import RemoteServiceError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox

M51 = "202.47 47.20"


def counts(*arguments: Any, **criteria: Any) -> dict[Any, int]:
    """Return the values and their counts."""
    table = Observations.list_values(*arguments, **criteria)
    assert table.colnames == ["value", "count"]
    assert list(table["count"]) == sorted(table["count"], reverse=True)
    return dict(zip(table["value"].tolist(), table["count"].tolist(), strict=True))


def services(sandbox: Sandbox) -> list[str]:
    """Return the services of all requests."""
    return [str((record.mashup or {})["service"]) for record in sandbox.requests.of("invoke")]


def test_values_of_all_observations_have_the_counts_of_mast(mast_sandbox: Sandbox) -> None:
    """Values of all observations need one request, and each count is that of a query."""
    found = counts("obs_collection")
    assert services(mast_sandbox) == ["Mast.Caom.All"]
    assert sorted(found) == Observations.list_missions()
    assert found["GALEX"] == Observations.query_criteria_count(obs_collection="GALEX")


def test_values_of_matching_observations_are_counted(mast_sandbox: Sandbox) -> None:
    """With criteria, only the column of the matching observations is requested and counted."""
    found = counts("instrument_name", obs_collection="JWST")
    assert services(mast_sandbox) == ["Mast.Caom.Filtered"] * 2
    assert mast_sandbox.requests[-1].mashup["params"]["columns"] == "instrument_name"
    assert sum(found.values()) == Observations.query_criteria_count(obs_collection="JWST")
    for name, count in list(found.items())[:3]:
        assert count == Observations.query_criteria_count(obs_collection="JWST", instrument_name=name)


def test_a_cell_with_several_values_counts_for_each(mast_sandbox: Sandbox) -> None:
    """A cell with several values counts for each of them, with and without criteria."""
    for criteria in ({}, {"obs_collection": "HST"}):
        found = counts("filters", **criteria)
        assert not any(";" in name for name in found)
        assert found["F606W"] == Observations.query_criteria_count(filters="F606W", **criteria)


def test_values_have_the_type_of_the_column(mast_sandbox: Sandbox) -> None:
    """Values have the type of the column: integers or booleans."""
    assert set(counts("calib_level")) == {-1, 1, 2, 3, 4}
    assert set(counts("calib_level", obs_collection="JWST")) <= {-1, 1, 2, 3, 4}
    assert set(counts("mtFlag", obs_collection="JWST")) == {True, False}


def test_the_column_name_is_case_insensitive(mast_sandbox: Sandbox) -> None:
    """The column name is case-insensitive."""
    assert counts("INSTRUMENT_Name") == counts("instrument_name")
    assert counts("TARGET_name", proposal_id="10452") == {"M51": 126}


def test_values_around_a_position(mast_sandbox: Sandbox) -> None:
    """Values can be counted around a position or an object."""
    found = counts("obs_collection", coordinates=M51, radius=0.1)
    table = Observations.query_region(M51, radius=0.1)
    assert sum(found.values()) == len(table)
    assert set(found) == set(table["obs_collection"])
    assert counts("obs_collection", object_name="M51", radius=0.1) == counts(
        "obs_collection", object_name="M51", radius="6 arcmin"
    )


RING = "POLYGON 202.40 47.15 202.55 47.15 202.55 47.25 202.40 47.25"


@pytest.mark.parametrize(
    "place",
    [
        {"region": RING},
        {"region": RING, "overlap": "center"},
        {"region": RING, "obs_collection": "HST", "calib_level": [2, 3]},
        {"coordinates": M51, "radius": "3 arcmin", "overlap": "center"},
    ],
)
@pytest.mark.parametrize("column", ["instrument_name", "calib_level", "s_region"])
def test_values_in_a_region_are_those_of_a_query(mast_sandbox: Sandbox, place: dict[str, Any], column: str) -> None:
    """Values in a region are those of the rows that a query returns, with one requested column."""
    with conf.set_temp("pagesize", 100):
        table = Observations.query_criteria(**place, intentType="science")
        mast_sandbox.requests.clear()
        found = counts(column, **place, intentType="science")
    asked = [str(record.mashup["params"]["columns"]).split(",") for record in mast_sandbox.requests.of("invoke")[1:]]
    assert len(asked) > 1
    assert all(set(each) == {column, "s_ra", "s_dec", "s_region"} for each in asked)
    assert found == Counter(table[column].compressed().tolist())
    assert sum(found.values()) == len(table)


def test_rows_outside_the_region_are_not_counted(mast_sandbox: Sandbox) -> None:
    """Rows outside the region are not counted, and the warning says how many were removed."""
    sliver = "POLYGON 202.1 47.0 202.9 47.4 202.9 47.4001 202.1 47.0001"
    with pytest.warns(NoResultsWarning, match=r"0 of \d+ rows have a position in"):
        table = Observations.list_values("instrument_name", region=sliver, overlap="center", obs_collection="HST")
    assert len(table) == 0


def test_pages_are_counted_together(mast_sandbox: Sandbox) -> None:
    """The counts of several pages are combined."""
    whole = counts("target_name", obs_collection="GALEX")
    mast_sandbox.requests.clear()
    with conf.set_temp("pagesize", 100):
        assert counts("target_name", obs_collection="GALEX") == whole
    assert len(mast_sandbox.requests.of("invoke")) == 4


def test_a_continuous_column_is_refused_with_its_range(mast_sandbox: Sandbox) -> None:
    """A continuous column raises an error with the range of its values."""
    with pytest.raises(InvalidQueryError, match=r"'t_exptime' is continuous, from 0 to 100000 sec.*\[minimum, max"):
        Observations.list_values("t_exptime")
    with pytest.raises(InvalidQueryError, match=r"'s_ra' is continuous and has no list of values"):
        Observations.list_values("s_ra", obs_collection="HST")
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    with pytest.raises(InvalidQueryError, match=r"'t_exptime' is continuous and has no list of values"):
        Observations.list_values("t_exptime")


def test_an_unlisted_column_requires_criteria(mast_sandbox: Sandbox) -> None:
    """A column whose values MAST does not list requires criteria."""
    with pytest.raises(InvalidQueryError, match="MAST does not list the values of 'target_name'"):
        Observations.list_values("target_name")


@pytest.mark.parametrize(
    ("arguments", "criteria", "words"),
    [
        (("instrument",), {}, "Column 'instrument' not found. Did you mean 'instrument_name' or"),
        (("instrument_name",), {"mission": "HST"}, "'mission' does not exist"),
        (("instrument_name",), {"radius": 1}, "Specify coordinates or object_name as well"),
        (("instrument_name",), {"coordinates": ["1 2", "3 4"]}, "one position"),
        (("instrument_name",), {"overlap": "center"}, "requires coordinates, object_name or region"),
        (("instrument_name",), {"overlap": "centre"}, "overlap must be 'footprint' or 'center', got 'centre'"),
        (("instrument_name",), {"coordinates": M51, "region": "CIRCLE 1 2 3"}, "Only one of"),
        (("instrument_name",), {"coordinates": M51, "object_name": "M51"}, "Only one of"),
    ],
)
def test_invalid_arguments_are_refused(
    mast_sandbox: Sandbox, arguments: tuple[str], criteria: dict[str, Any], words: str
) -> None:
    """Invalid arguments raise an error before any query is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        Observations.list_values(*arguments, **criteria)
    assert services(mast_sandbox) == []


def test_too_many_observations_are_refused(mast_sandbox: Sandbox) -> None:
    """More observations than the row limit raise an error, after requesting only their number."""
    with conf.set_temp("server_row_limit", 100), pytest.raises(InvalidQueryError, match=r"248 observations.*most 100"):
        Observations.list_values("target_name", obs_collection="GALEX")
    assert len(services(mast_sandbox)) == 1


def test_an_empty_result_has_no_values(mast_sandbox: Sandbox) -> None:
    """Without matching observations, the table is empty and a warning gives suggestions."""
    with pytest.warns(NoResultsWarning, match="did you mean 'MIRI/IMAGE'"):
        table = Observations.list_values("filters", instrument_name="MIRI")
    assert len(table) == 0


def test_a_failing_service_is_an_error(mast_sandbox: Sandbox) -> None:
    """A failing service raises an error instead of returning an empty table."""
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    with pytest.raises(ServerError, match="Out of order"):
        Observations.list_values("obs_collection")
    mast_sandbox.faults.add("invoke", Fault.answer({"status": "COMPLETE", "data": []}))
    with pytest.raises(RemoteServiceError):
        Observations.list_values("obs_collection")


def test_meta_has_the_request(mast_sandbox: Sandbox) -> None:
    """``meta`` has service, request, time and rows."""
    table = Observations.list_values("filters", obs_collection="JWST")
    assert table.meta["service"] == ["Mast.Caom.Filtered"]
    assert "JWST" in table.meta["request"][0]
    assert table.meta["rows"] == [len(table)]
    assert len(table.meta["time"]) == 1


def test_null_is_not_a_value(mast_sandbox: Sandbox) -> None:
    """A null in MAST's counts is not a value."""

    def with_null(answer: dict[str, Any]) -> dict[str, Any]:
        for column in answer["data"]["Tables"][0]["Columns"]:
            if column["dataIndex"] == "obs_collection":
                column["ExtendedProperties"]["histObj"]["hist"].append({"key": None, "count": 7})
        return answer

    expected = Observations.list_missions()
    mast_sandbox.faults.add("invoke", Fault.edit(with_null), times=2)
    assert Observations.list_missions() == expected
    assert sorted(counts("obs_collection")) == expected


@pytest.mark.parametrize("name", [5, None, ["obs_id"]])
def test_an_invalid_column_name_is_refused(mast_sandbox: Sandbox, name: Any) -> None:
    """A column name that is not a string raises an error before any request is sent."""
    with pytest.raises(InvalidQueryError, match="The column name must be a string, got"):
        Observations.list_values(name)
    assert len(mast_sandbox.requests) == 0


def test_columns_are_listed_with_their_ranges(mast_sandbox: Sandbox) -> None:
    """Columns are listed with their numbers of values or ranges, masked where these do not apply."""
    table = Observations.list_columns()
    assert table.colnames == ["name", "kind", "unit", "description", "values", "min", "max"]
    rows = {row["name"]: row for row in table}
    assert rows["obs_collection"]["values"] == len(Observations.list_missions())
    assert rows["filters"]["values"] == len(Observations.list_values("filters"))
    assert rows["t_exptime"]["max"] == 100000
    assert rows["t_exptime"]["unit"] == "sec"
    assert table["values"].mask[list(rows).index("t_exptime")]
    assert table["min"].mask[list(rows).index("filters")]
    assert "_selected_" not in rows
    assert "objID1" not in rows
    assert all(table["description"][table["name"] == "t_min"])


def test_columns_are_listed_even_if_the_counts_fail(mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """If MAST's counts fail, columns are listed without ranges, and a warning is logged."""
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    table = Observations.list_columns()
    assert "t_min" in table["name"]
    assert table["values"].mask.all()
    assert table["min"].mask.all()
    assert "Out of order" in caplog.text
