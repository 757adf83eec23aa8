"""Which columns there are, and which values they have."""

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
    """Return what was asked."""
    return [str((record.mashup or {})["service"]) for record in sandbox.requests.of("invoke")]


def test_values_of_the_whole_archive_are_its_own_counts(mast_sandbox: Sandbox) -> None:
    """One request, to the service of histograms, and each count is that of a query."""
    found = counts("obs_collection")
    assert services(mast_sandbox) == ["Mast.Caom.All"]
    assert sorted(found) == Observations.list_missions()
    assert found["GALEX"] == Observations.query_criteria_count(obs_collection="GALEX")


def test_values_of_a_part_are_counted(mast_sandbox: Sandbox) -> None:
    """The archive is asked for one column of the observations that meet the criteria."""
    found = counts("instrument_name", obs_collection="JWST")
    assert services(mast_sandbox) == ["Mast.Caom.Filtered"] * 2
    assert mast_sandbox.requests[-1].mashup["params"]["columns"] == "instrument_name"
    assert sum(found.values()) == Observations.query_criteria_count(obs_collection="JWST")
    for name, count in list(found.items())[:3]:
        assert count == Observations.query_criteria_count(obs_collection="JWST", instrument_name=name)


def test_a_cell_with_several_values_counts_for_each(mast_sandbox: Sandbox) -> None:
    """Filters are listed one by one, as a criterion finds them, with and without criteria."""
    for criteria in ({}, {"obs_collection": "HST"}):
        found = counts("filters", **criteria)
        assert not any(";" in name for name in found)
        assert found["F606W"] == Observations.query_criteria_count(filters="F606W", **criteria)


def test_values_are_of_the_kind_of_the_column(mast_sandbox: Sandbox) -> None:
    """Levels are whole numbers, and yes or no is yes or no."""
    assert set(counts("calib_level")) == {-1, 1, 2, 3, 4}
    assert set(counts("calib_level", obs_collection="JWST")) <= {-1, 1, 2, 3, 4}
    assert set(counts("mtFlag", obs_collection="JWST")) == {True, False}


def test_the_spelling_of_the_column_does_not_matter(mast_sandbox: Sandbox) -> None:
    """As for criteria."""
    assert counts("INSTRUMENT_Name") == counts("instrument_name")
    assert counts("TARGET_name", proposal_id="10452") == {"M51": 126}


def test_values_around_a_position(mast_sandbox: Sandbox) -> None:
    """A position is enough to make a part of the archive, by name or coordinates."""
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
def test_values_in_a_region_are_those_of_the_rows_in_it(
    mast_sandbox: Sandbox, place: dict[str, Any], column: str
) -> None:
    """The same as if the table were fetched and counted, also from several pages; one column is asked for."""
    with conf.set_temp("pagesize", 100):
        table = Observations.query_criteria(**place, intentType="science")
        mast_sandbox.requests.clear()
        found = counts(column, **place, intentType="science")
    asked = [str(record.mashup["params"]["columns"]).split(",") for record in mast_sandbox.requests.of("invoke")[1:]]
    assert len(asked) > 1
    assert all(set(each) == {column, "s_ra", "s_dec", "s_region"} for each in asked)
    assert found == Counter(table[column].compressed().tolist())
    assert sum(found.values()) == len(table)


def test_values_in_an_empty_region_are_none_and_the_cut_is_told(mast_sandbox: Sandbox) -> None:
    """Rows that the archive has in the circle around the region are not counted."""
    sliver = "POLYGON 202.1 47.0 202.9 47.4 202.9 47.4001 202.1 47.0001"
    with pytest.warns(NoResultsWarning, match=r"0 of \d+ rows have a position in"):
        table = Observations.list_values("instrument_name", region=sliver, overlap="center", obs_collection="HST")
    assert len(table) == 0


def test_pages_are_counted_together(mast_sandbox: Sandbox) -> None:
    """More than a page of cells makes one list."""
    whole = counts("target_name", obs_collection="GALEX")
    mast_sandbox.requests.clear()
    with conf.set_temp("pagesize", 100):
        assert counts("target_name", obs_collection="GALEX") == whole
    assert len(mast_sandbox.requests.of("invoke")) == 4


def test_a_continuous_column_has_a_range_and_no_list(mast_sandbox: Sandbox) -> None:
    """The error names the range that the archive knows, and what to do."""
    with pytest.raises(InvalidQueryError, match=r"'t_exptime' is continuous, from 0 to 100000 sec.*\[minimum, max"):
        Observations.list_values("t_exptime")
    with pytest.raises(InvalidQueryError, match=r"'s_ra' is continuous and has no list of values"):
        Observations.list_values("s_ra", obs_collection="HST")
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    with pytest.raises(InvalidQueryError, match=r"'t_exptime' is continuous and has no list of values"):
        Observations.list_values("t_exptime")


def test_a_column_that_the_archive_does_not_list_needs_criteria(mast_sandbox: Sandbox) -> None:
    """Names of targets are too many for a histogram."""
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
def test_what_makes_no_sense_is_refused(
    mast_sandbox: Sandbox, arguments: tuple[str], criteria: dict[str, Any], words: str
) -> None:
    """Before any query is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        Observations.list_values(*arguments, **criteria)
    assert services(mast_sandbox) == []


def test_too_many_observations_are_not_counted_here(mast_sandbox: Sandbox) -> None:
    """The limit is told, and what to do; only the count was asked for."""
    with conf.set_temp("server_row_limit", 100), pytest.raises(InvalidQueryError, match=r"248 observations.*most 100"):
        Observations.list_values("target_name", obs_collection="GALEX")
    assert len(services(mast_sandbox)) == 1


def test_no_observations_have_no_values(mast_sandbox: Sandbox) -> None:
    """An empty table, with the usual warning and its hints."""
    with pytest.warns(NoResultsWarning, match="did you mean 'MIRI/IMAGE'"):
        table = Observations.list_values("filters", instrument_name="MIRI")
    assert len(table) == 0


def test_a_failure_is_a_failure(mast_sandbox: Sandbox) -> None:
    """Values that the archive cannot tell now are no empty list."""
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    with pytest.raises(ServerError, match="Out of order"):
        Observations.list_values("obs_collection")
    mast_sandbox.faults.add("invoke", Fault.answer({"status": "COMPLETE", "data": []}))
    with pytest.raises(RemoteServiceError):
        Observations.list_values("obs_collection")


def test_the_table_tells_where_it_is_from(mast_sandbox: Sandbox) -> None:
    """Service, request, time and rows, as every table of the package."""
    table = Observations.list_values("filters", obs_collection="JWST")
    assert table.meta["service"] == ["Mast.Caom.Filtered"]
    assert "JWST" in table.meta["request"][0]
    assert table.meta["rows"] == [len(table)]
    assert len(table.meta["time"]) == 1


def test_rows_without_a_value_are_not_counted_as_a_value(mast_sandbox: Sandbox) -> None:
    """A null among the archive's counts is no mission."""

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
def test_what_is_no_name_of_a_column_is_refused(mast_sandbox: Sandbox, name: Any) -> None:
    """Without asking the archive."""
    with pytest.raises(InvalidQueryError, match="The column name must be a string, got"):
        Observations.list_values(name)
    assert len(mast_sandbox.requests) == 0


def test_columns_are_listed_with_their_extent(mast_sandbox: Sandbox) -> None:
    """Numbers of values for discrete columns, ranges for continuous ones, and a mask elsewhere."""
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


def test_columns_are_listed_even_if_the_archive_cannot_count(
    mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The names are known anyway; that the rest is not is said."""
    mast_sandbox.faults.add("invoke", Fault.error("Out of order."))
    table = Observations.list_columns()
    assert "t_min" in table["name"]
    assert table["values"].mask.all()
    assert table["min"].mask.all()
    assert "Out of order" in caplog.text
