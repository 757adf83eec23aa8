"""The mission searches over HTTP: envelope, columns, positions, order, windows, and refusals."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
import requests
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Fault, Sandbox

M51 = "202.469575 47.195258"
M101 = "210.802429 54.34875"
MISSIONS = ("hst", "jwst", "roman", "roman_spectra", "roman_cgi", "classy", "ullyses", "iue", "all_missions")
RECORDED = resources.files("astroquery.mast.tests") / "data"


def ask(box: Sandbox, web: requests.Session, mission: str = "hst", **request: Any) -> requests.Response:
    """Post a search."""
    return web.post(f"{box.url}/search/{mission}/api/v0.1/search", json=request, timeout=30)


def found(box: Sandbox, web: requests.Session, mission: str = "hst", **request: Any) -> dict[str, Any]:
    """Return the decoded response of a successful search."""
    answer = ask(box, web, mission, **request)
    assert answer.status_code == 200, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def values(box: Sandbox, web: requests.Session, column: str, mission: str = "hst", **request: Any) -> list[Any]:
    """Return one column of the result."""
    return [row[column] for row in found(box, web, mission, select_cols=[column], **request)["results"]]


def columns(box: Sandbox, web: requests.Session, mission: str) -> list[dict[str, str]]:
    """Return the column list of a mission."""
    answer = web.get(f"{box.url}/search/util/api/v0.1/column_list", params={"mission": mission}, timeout=30)
    assert answer.status_code == 200
    listed: list[dict[str, str]] = answer.json()
    return listed


def recorded(name: str) -> Any:
    """Return a recorded response of the real service from the tests of astroquery."""
    return json.loads((RECORDED / name).read_text("utf-8"))


@pytest.mark.usefixtures("recorded_lately")
def test_response_matches_a_recorded_one(box: Sandbox, web: requests.Session) -> None:
    """Envelope, echo, default columns, and row keys are those of a real response, in the same order."""
    real = recorded("mission_results.json")
    mine = found(box, web, target=[M51], radius=3, radius_units="arcminutes", limit=10)
    assert set(mine) == set(real)
    assert list(mine["search_params"]) == list(real["search_params"])
    assert mine["search_params"]["select_cols"] == real["search_params"]["select_cols"]
    assert mine["search_params"]["sort_by"] == real["search_params"]["sort_by"]
    assert list(mine["results"][0]) == list(real["results"][0])
    assert mine["info"] == real["info"]
    assert (len(mine["results"]), mine["totalResults"] > 10) == (10, True)


@pytest.mark.usefixtures("recorded_lately")
def test_count_only_matches_a_recorded_one(box: Sandbox, web: requests.Session) -> None:
    """A count has no rows and no column types."""
    real = recorded("mission_count_only.json")
    mine = found(box, web, count_only=True)
    assert {name: value for name, value in mine.items() if name != "totalResults"} == {
        name: value for name, value in real.items() if name != "totalResults"
    }
    assert mine["totalResults"] == len(found(box, web)["results"])


def test_column_list_is_that_of_hst(box: Sandbox, web: requests.Session) -> None:
    """HST has the columns of the real list, with the same types, in the same order."""
    real = recorded("mission_columns.json")
    mine = columns(box, web, "hst")
    kept = ("column_name", "queryable", "qual_type", "default_output", "indexed")
    assert [[column[name] for name in kept] for column in mine] == [[column[name] for name in kept] for column in real]
    assert all(set(column) == set(real[0]) for column in mine)


@pytest.mark.parametrize("mission", MISSIONS)
def test_every_listed_column_can_be_selected(box: Sandbox, web: requests.Session, mission: str) -> None:
    """Each mission returns rows with all columns of its list if they are selected."""
    names = [column["column_name"] for column in columns(box, web, mission)]
    answer = found(box, web, mission, select_cols=names, limit=3)
    expected = set(names) - {"search_pos", "search_key", "ang_sep"}
    assert answer["totalResults"] >= 3
    assert all(set(row) == expected for row in answer["results"])


@pytest.mark.parametrize("mission", MISSIONS)
def test_default_columns_are_those_of_the_list(box: Sandbox, web: requests.Session, mission: str) -> None:
    """By default the columns marked as default output are returned; HST has one that is not in its list."""
    default = {column["column_name"] for column in columns(box, web, mission) if column["default_output"] == "yes"}
    row = found(box, web, mission, limit=1)["results"][0]
    assert set(row) - {"sci_hslanum"} == default - {"ang_sep"}


def test_info_leaves_columns_out_and_has_its_own_order(box: Sandbox, web: requests.Session) -> None:
    """Except for HST the types are in a different order than the columns, without those of the position."""
    answer = found(box, web, "jwst", target=[M51], limit=1)
    listed = [column["name"] for column in answer["info"]]
    row = list(answer["results"][0])
    assert [name for name in listed if name in row] != [name for name in row if name in listed]
    assert set(row) - set(listed) == {"ang_sep", "search_pos"}
    assert set(listed) - set(row) == {"search_key"}


def test_separation_is_in_arcminutes(box: Sandbox, web: requests.Session) -> None:
    """ang_sep is the separation from the target in arcmin, and does not exceed the radius."""
    rows = found(box, web, target=[M51], radius=120.0, radius_units="arcseconds")["results"]
    center = SkyCoord(M51, unit="deg")
    assert rows
    for row in rows:
        away = SkyCoord(row["sci_ra"], row["sci_dec"], unit="deg").separation(center).arcmin
        assert row["ang_sep"] == pytest.approx(away, abs=1e-6)
        assert row["ang_sep"] <= 2.0
    assert [row["ang_sep"] for row in rows] == sorted(row["ang_sep"] for row in rows)


def test_units_of_the_radius(box: Sandbox, web: requests.Session) -> None:
    """The same radius in different units returns the same result."""
    totals = {
        found(box, web, target=[M51], radius=radius, radius_units=unit, count_only=True)["totalResults"]
        for radius, unit in ((3.0, "arcminutes"), (180.0, "arcseconds"), (0.05, "degrees"))
    }
    assert len(totals) == 1


def test_rows_of_several_targets(box: Sandbox, web: requests.Session) -> None:
    """The rows are grouped by target, and a dataset can appear once per target."""
    targets = [M101, M51, "202.4700 47.1950"]
    both = found(box, web, target=targets, select_cols=["search_key", "sci_data_set_name"])
    positions = [row["search_pos"] for row in both["results"]]
    assert list(dict.fromkeys(positions)) == targets
    for target in targets:
        alone = found(box, web, target=[target], select_cols=["search_key", "sci_data_set_name"])["results"]
        assert [row for row in both["results"] if row["search_pos"] == target] == alone
    assert all(row["search_key"] == row["search_pos"] + row["sci_data_set_name"] for row in both["results"])


def test_text_columns_are_padded(box: Sandbox, web: requests.Session) -> None:
    """CHAR columns are padded with blanks, which conditions ignore."""
    assert set(values(box, web, "sci_instrume", conditions=[{"sci_instrume": "ACS"}])) == {"ACS   "}


def test_integers_in_float_columns(box: Sandbox, web: requests.Session) -> None:
    """A column declared as FLOAT has integers and nulls."""
    answer = found(box, web, select_cols=["sci_central_wavelength"])
    assert [column["type"] for column in answer["info"]] == ["FLOAT"]
    assert {int, type(None)} == {type(row["sci_central_wavelength"]) for row in answer["results"]}


def test_dates_of_both_missions(box: Sandbox, web: requests.Session) -> None:
    """HST dates have six decimals of a second, JWST dates have seven."""
    assert len(values(box, web, "sci_start_time", limit=1)[0].partition(".")[2]) == 6
    assert len(values(box, web, "date_obs", "jwst", limit=1)[0].partition(".")[2]) == 7


def test_jwst_always_names_its_file_sets(box: Sandbox, web: requests.Session) -> None:
    """For any selection of columns, JWST adds id and name of the file set."""
    rows = found(box, web, "jwst", select_cols=["program"], limit=2)["results"]
    assert all(list(row) == ["ArchiveFileID", "fileSetName", "program"] for row in rows)


def test_ullyses_omits_its_dataset_by_default(box: Sandbox, web: requests.Session) -> None:
    """By default ULLYSES omits the column with the dataset."""
    assert "observation_id" not in found(box, web, "ullyses", limit=1)["results"][0]
    assert values(box, web, "observation_id", "ullyses", limit=1)[0].startswith("ullyses_")


@pytest.mark.parametrize("down", [False, True])
def test_sorting(box: Sandbox, web: requests.Session, down: bool) -> None:
    """Rows are sorted in both directions, and nulls are the smallest values."""
    dates = values(box, web, "sci_start_time", sort_by=["sci_start_time"], sort_desc=[down])
    assert dates == sorted(dates, reverse=down)
    previews = values(box, web, "sci_hlsp", sort_by=["sci_hlsp"], sort_desc=[down])
    assert previews == sorted(previews, key=lambda value: -1 if value is None else value, reverse=down)


def test_sorting_by_several_columns(box: Sandbox, web: requests.Session) -> None:
    """Rows that are equal in the first column are sorted by the second one."""
    request = {"sort_by": ["sci_pep_id", "sci_start_time"], "sort_desc": [True, False]}
    rows = found(box, web, select_cols=["sci_pep_id", "sci_start_time"], **request)["results"]
    pairs = [(-row["sci_pep_id"], row["sci_start_time"]) for row in rows]
    assert pairs == sorted(pairs)


@settings(max_examples=25, deadline=None)
@given(offset=st.integers(0, 1600), limit=st.integers(0, 400))
def test_windows(box: Sandbox, web: requests.Session, offset: int, limit: int) -> None:
    """Limit and offset select a part of the same order; the total is unchanged."""
    answer = found(box, web, "jwst", select_cols=["fileSetName"], offset=offset, limit=limit)
    everything = found(box, web, "jwst", select_cols=["fileSetName"])
    assert answer["results"] == everything["results"][offset : offset + limit]
    assert answer["totalResults"] == everything["totalResults"] == len(everything["results"])


def test_skipped_count(box: Sandbox, web: requests.Session) -> None:
    """skip_count omits only the total."""
    counted, skipped = (found(box, web, limit=2, skip_count=skip) for skip in (False, True))
    assert "totalResults" not in skipped
    assert skipped["results"] == counted["results"]


@pytest.mark.parametrize(
    "request_",
    [
        {"conditions": [{"nope": 1}]},
        {"select_cols": ["nope"]},
        {"sort_by": ["nope"]},
        {"sort_by": ["ang_sep"]},
        {"conditions": [{"ang_sep": "<1"}]},
        {"conditions": [{"search_pos": M51}]},
        {"conditions": [{"sci_actual_duration": "long"}]},
        {"conditions": [{"sci_start_time": "2012-13-01"}]},
        {"conditions": [{"sci_pep_id": None}]},
        {"target": ["M51"]},
        {"target": ["10 95"]},
        {"target": [M51], "radius": 31},
        {"target": [M51], "radius": -1},
        {"target": [M51] * 101},
    ],
)
def test_invalid_values(box: Sandbox, web: requests.Session, request_: dict[str, Any]) -> None:
    """Invalid searches are refused with status 400 and a message."""
    answer = ask(box, web, **request_)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("request_", "loc"),
    [
        ({"limit": "many"}, ["body", "limit"]),
        ({"limit": 1.5}, ["body", "limit"]),
        ({"offset": -1}, ["body", "offset"]),
        ({"radius": "far"}, ["body", "radius"]),
        ({"radius_units": "parsec"}, ["body", "radius_units"]),
        ({"target": M51}, ["body", "target"]),
        ({"target": [1.0]}, ["body", "target", 0]),
        ({"select_cols": "sci_ra"}, ["body", "select_cols"]),
        ({"sort_desc": ["yes"]}, ["body", "sort_desc", 0]),
        ({"conditions": {"sci_ra": 1}}, ["body", "conditions"]),
        ({"conditions": ["sci_ra"]}, ["body", "conditions", 0]),
        ({"skip_count": "no"}, ["body", "skip_count"]),
    ],
)
def test_malformed_bodies(box: Sandbox, web: requests.Session, request_: dict[str, Any], loc: list[object]) -> None:
    """A malformed body is refused with status 422 and the location of the error."""
    answer = ask(box, web, **request_)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == loc
    assert {"msg", "type"} <= set(answer.json()["detail"][0])


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"request=%7B%7D"])
def test_bodies_that_are_not_json_objects(box: Sandbox, web: requests.Session, body: bytes) -> None:
    """Anything but a JSON object is refused with status 422."""
    answer = web.post(f"{box.url}/search/hst/api/v0.1/search", data=body, timeout=30)
    assert answer.status_code == 422


def test_unknown_paths(box: Sandbox, web: requests.Session) -> None:
    """Unknown missions and actions are 404, a wrong method is 405, a missing mission is 422."""
    base = f"{box.url}/search"
    assert web.post(f"{base}/galex/api/v0.1/search", json={}, timeout=30).status_code == 404
    assert web.post(f"{base}/HST/api/v0.1/search", json={}, timeout=30).status_code == 404
    assert web.get(f"{base}/hst/api/v0.1/nothing", timeout=30).status_code == 404
    assert web.get(f"{base}/hst/api/v0.1/search", timeout=30).status_code == 405
    assert web.get(f"{base}/util/api/v0.1/column_list", timeout=30).status_code == 422
    assert web.get(f"{base}/util/api/v0.1/column_list", params={"mission": "x"}, timeout=30).status_code == 404


def test_endpoints_for_faults_and_the_log(box: Sandbox, web: requests.Session) -> None:
    """Searches and column lists are separate endpoints for faults and in the log."""
    box.faults.add("mission_search", Fault.status(503))
    assert ask(box, web).status_code == 503
    columns(box, web, "hst")
    assert [len(box.requests.of(name)) for name in ("mission_search", "mission_columns", "other")] == [1, 1, 0]


def test_datasets_are_the_archives_observations(box: Sandbox, web: requests.Session) -> None:
    """HST and JWST datasets are observations of the archive, with their rights."""
    known = {
        str(row["obs_id"]).upper(): row
        for row in box.archive.query("SELECT * FROM observation WHERE obs_collection = 'HST' AND calib_level > 0")
    }
    rows = found(box, web, select_cols=["sci_data_set_name", "sci_ra", "sci_status"])["results"]
    assert len({row["sci_data_set_name"] for row in rows}) == len(rows)
    for row in rows:
        assert known[row["sci_data_set_name"]]["s_ra"] == row["sci_ra"]
        assert (known[row["sci_data_set_name"]]["dataRights"] == "PUBLIC") == (row["sci_status"] == "PUBLIC")


def test_all_sandboxes_return_the_same(box: Sandbox, web: requests.Session) -> None:
    """A second sandbox returns the same bytes."""
    other = Sandbox().serve()
    try:
        for mission in MISSIONS:
            assert ask(other, web, mission).content == ask(box, web, mission).content
    finally:
        other.stop()
