"""Planned observations: all of them, no others, and masked cells cause no problems."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astroquery_mast import Observations, Programs
from astroquery_mast.exceptions import (
    InputWarning,
    InvalidQueryError,
    InvalidResponseError,
    MaxResultsWarning,
    NoResultsWarning,
    ResolverError,
    ServerError,
)
from astroquery_mast.programs.fields import FieldSearch
from astroquery_mast.programs.planned import CAVEAT, PlannedTable
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.sky.position import Cone

M101 = SkyCoord(210.802429, 54.34875, unit="deg")


def all_planned() -> Table:
    """Return all planned observations from an ordinary query."""
    return Observations.query_criteria(obs_collection="JWST", calib_level=-1)


def ids(table: Table) -> list[str]:
    """Return the sorted identifiers of the observations in a table."""
    return sorted(table["obsid"].tolist())


def test_only_unexecuted_observations_are_returned(mast_sandbox: Sandbox) -> None:
    """Only the planned observations among hundreds of executed ones are returned."""
    planned = Programs.query_planned("M51")
    assert set(planned["calib_level"].tolist()) == {-1}
    assert set(planned["proposal_id"].tolist()) == {"9202"}


def test_without_a_position_all_planned_observations_are_returned(mast_sandbox: Sandbox) -> None:
    """The result is the same as that of a query by criteria."""
    assert ids(Programs.query_planned()) == ids(all_planned())


def test_observations_without_a_footprint_are_found_by_position(mast_sandbox: Sandbox) -> None:
    """MAST only finds footprints; here all observations with positions in the circle are found."""
    by_archive = Observations.query_criteria(coordinates=M101, radius="3 arcmin", obs_collection="JWST", calib_level=-1)
    planned = Programs.query_planned(M101, radius="3 arcmin")
    every = all_planned()
    near = SkyCoord(every["s_ra"], every["s_dec"]).separation(M101) < 3 * u.arcmin
    assert set(ids(planned)) == set(ids(by_archive)) | set(ids(every[near]))
    assert len(planned) > len(by_archive)
    bare = planned["s_region"].mask
    separation = SkyCoord(planned["s_ra"], planned["s_dec"]).separation(M101).arcsec
    assert planned["distance"][bare].tolist() == pytest.approx(separation[bare].tolist(), abs=1e-6)


def test_a_mosaic_is_found_anywhere_in_its_area(mast_sandbox: Sandbox) -> None:
    """The approximate footprint counts, not the distance of the center."""
    every = all_planned()
    mosaic = every[every["target_name"] == "COSMOS"][0]
    corner = SkyCoord(*map(float, mosaic["s_region"].split()[2:4]), unit="deg")
    inside = corner.directional_offset_by(
        corner.position_angle(SkyCoord(mosaic["s_ra"], mosaic["s_dec"], unit="deg")), 20 * u.arcsec
    )
    assert mosaic["obsid"] in Programs.query_planned(inside, radius="1 arcsec")["obsid"].tolist()


@pytest.mark.parametrize(("name", "expected"), [("Io", {"IO"}), ("neptune", {"NEPTUNE"}), ("NEPTUNE", {"NEPTUNE"})])
def test_solar_system_targets_are_found_by_name(mast_sandbox: Sandbox, name: str, expected: set[str]) -> None:
    """They have no position and are not resolved; their distance is masked."""
    planned = Programs.query_planned(object_name=name)
    assert set(planned["target_name"].tolist()) == expected
    assert not mast_sandbox.requests.of("resolver")
    assert "distance" not in planned.colnames or planned["distance"].mask.all()


def test_many_targets_give_one_table(mast_sandbox: Sandbox) -> None:
    """Fixed and moving targets are in the order of the input, each with its row and name."""
    names = ["Io", "M101", "M42", "Neptune"]
    planned = Programs.query_planned(object_name=names)
    assert planned["input_row"].tolist() == sorted(planned["input_row"].tolist())
    assert set(zip(planned["input_row"].tolist(), planned["target"].tolist(), strict=True)) == {
        (0, "Io"),
        (1, "M101"),
        (3, "Neptune"),
    }
    assert planned.meta["nomatch"] == [2]
    for name in ("M101", "Io"):
        assert ids(planned[planned["target"] == name]) == ids(Programs.query_planned(object_name=name))


def test_moving_targets_in_a_table_need_no_position(mast_sandbox: Sandbox) -> None:
    """A row without a position is searched by its name."""
    table = Table({"name": ["M101", "Io"], "ra": [M101.ra.deg, 0.0], "dec": [M101.dec.deg, 0.0]}, masked=True)
    table["ra"].mask = table["dec"].mask = [False, True]
    planned = Programs.query_planned(table)
    assert set(planned["input_row"].tolist()) == {0, 1}
    assert planned.meta["failed"] == []


def test_many_targets_are_matched_with_one_request(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request for all targets gives the same rows, distances and metadata as one for each."""
    names = ["Io", "M101", "M42", "Neptune", "COSMOS", "M51", "M101"]
    apart = Programs.query_planned(object_name=names, radius="4 arcmin")
    monkeypatch.setattr("astroquery_mast.programs.fields.MANY", 1)
    mast_sandbox.requests.clear()
    together = Programs.query_planned(object_name=names, radius="4 arcmin")
    assert len(mast_sandbox.requests.of("invoke")) == 1
    key = ["input_row", "obsid"]
    apart, together = (Table(table[np.lexsort((table["obsid"], table["input_row"]))]) for table in (apart, together))
    for name in (*key, "target"):
        assert together[name].tolist() == apart[name].tolist()
    assert together["distance"].mask.tolist() == apart["distance"].mask.tolist()
    assert np.ma.allclose(together["distance"], apart["distance"], atol=2e-3)
    assert together.meta["nomatch"] == apart.meta["nomatch"] == [2]


def test_a_catalog_of_thousands_needs_one_request(mast_sandbox: Sandbox) -> None:
    """The sources cover the sky, and only those in planned fields have rows."""
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    ra[::5000], dec[::5000] = M101.ra.deg, M101.dec.deg
    planned = Programs.query_planned(SkyCoord(ra, dec, unit="deg"), radius="1 arcsec")
    assert len(mast_sandbox.requests.of("invoke")) == 1
    assert {0, 5000, 10000, 15000} <= set(planned["input_row"].tolist())
    alone = ids(Programs.query_planned(M101, radius="1 arcsec"))
    assert ids(planned[planned["input_row"] == 5000]) == alone


def test_a_table_of_names_is_accepted(mast_sandbox: Sandbox) -> None:
    """Names are resolved if the table has no columns of positions."""
    planned = Programs.query_planned(Table({"Target": ["M101", "Io"]}))
    assert set(zip(planned["input_row"].tolist(), planned["target"].tolist(), strict=True)) == {(0, "M101"), (1, "Io")}


def test_both_requests_of_a_target_are_required(mast_sandbox: Sandbox) -> None:
    """If the request for observations without a footprint fails, so does the call, or this target among several."""

    def is_box(record: RequestRecord) -> bool:
        return record.mashup is not None and "s_dec" in str(record.mashup["params"])

    mast_sandbox.faults.add("invoke", Fault.status(500), times=None, where=is_box)
    with pytest.raises(ServerError):
        Programs.query_planned("M101")
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add(
        "invoke", Fault.status(500), times=None, where=lambda r: is_box(r) and "54." in str(r.mashup)
    )
    with pytest.warns(InputWarning, match="1 of 2 targets failed"):
        planned = Programs.query_planned(object_name=["M101", "M51"])
    assert set(planned["input_row"].tolist()) == {1}


def test_an_observation_found_twice_has_one_row(mast_sandbox: Sandbox) -> None:
    """An observation found by its footprint and by its position is returned once."""

    def without_footprints(document: dict[str, Any]) -> dict[str, Any]:
        for row in document.get("data", ()):
            row["s_region"] = None
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(without_footprints), times=None)
    planned = Programs.query_planned("M101")
    assert len(set(planned["obsid"].tolist())) == len(planned)


def test_failed_targets_are_recorded(mast_sandbox: Sandbox) -> None:
    """The other targets are returned, with one warning."""
    with pytest.warns(InputWarning, match="1 of 2 targets failed.*Nowhere"):
        planned = Programs.query_planned(object_name=["M101", "Nowhere 7"])
    assert set(planned["input_row"].tolist()) == {0}
    with pytest.raises(ResolverError):
        Programs.query_planned("Nowhere 7")


def test_instruments_and_filters_restrict_the_result(mast_sandbox: Sandbox) -> None:
    """Modes and combinations of elements must match completely."""
    every = all_planned()

    def expected(instrument: str, *elements: str) -> list[str]:
        kept = [
            row["obsid"]
            for row in every
            if row["instrument_name"].startswith(instrument) and set(elements) <= set(str(row["filters"]).split(";"))
        ]
        return sorted(kept)

    assert ids(Programs.query_planned(instrument="NIRCAM")) == expected("NIRCAM")
    assert ids(Programs.query_planned(instrument="NIRSpec IFU")) == expected("NIRSPEC/IFU")
    assert ids(Programs.query_planned(filters="F290LP;G395H")) == expected("", "F290LP", "G395H")
    assert ids(Programs.query_planned(filters="G395H", instrument="NIRSPEC/MSA")) == expected("NIRSPEC/MSA", "G395H")
    both = Programs.query_planned(instrument=["MIRI", "NIRISS"])
    assert ids(both) == sorted(expected("MIRI") + expected("NIRISS"))
    either = Programs.query_planned(filters=["F115W", "F200W"], instrument="NIRISS")
    assert ids(either) == sorted(expected("NIRISS", "F115W") + expected("NIRISS", "F200W"))
    with pytest.warns(MaxResultsWarning, match="more than these 3 rows"):
        assert len(Programs.query_planned(limit=3)) == 3


def test_further_criteria_are_those_of_observations(mast_sandbox: Sandbox) -> None:
    """The program is one of them; HST has planned observations as well."""
    assert set(Programs.query_planned(proposal_id=9301)["target_name"].tolist()) == {"NEPTUNE"}
    assert set(Programs.query_planned(mission="HST")["obs_collection"].tolist()) == {"HST"}
    assert set(Programs.query_planned("Neptune", mission="HST", filters="F845M")["filters"].tolist()) == {"F845M"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"calib_level": 3},
        {"obs_collection": "HST"},
        {"mission": "TESS"},
        {"instrument": "ACS"},
        {"filters": "F814W"},
        {"filters": []},
        {"radius": "1 deg"},
        {"nonsense": 5},
        {"coordinates": "M51", "object_name": "M51"},
        {"coordinates": "M51", "region": "CIRCLE 1 2 3"},
        {"region": "CIRCLE 1 2 3", "radius": 1},
        {"coordinates": M101, "radius": -1},
        {"max_workers": 0},
        {"limit": -1},
    ],
)
def test_invalid_arguments_raise_before_a_request(mast_sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    """No observations are requested."""
    with pytest.raises(InvalidQueryError):
        Programs.query_planned(**wrong)
    assert not mast_sandbox.requests.of("invoke")


def test_a_region_is_matched_exactly(mast_sandbox: Sandbox) -> None:
    """Observations in the enclosing circle but outside of the region are left out."""
    region = f"CIRCLE {M101.ra.deg} {M101.dec.deg} 0.01"
    assert ids(Programs.query_planned(region=region)) == ids(Programs.query_planned(M101, radius=0.01))


def masked_levels(document: dict[str, Any]) -> dict[str, Any]:
    """Mask the calibration levels and dates in a response, as MAST sometimes does."""
    for row in document.get("data", ()):
        row.update(
            calib_level=None, t_obs_release=None, t_min=None, t_exptime=None, mtFlag=None, filters=row["filters"]
        )
    return document


def test_masked_cells_do_not_affect_the_result(mast_sandbox: Sandbox) -> None:
    """With masked levels, dates and flags, the same observations are returned."""
    whole = ids(Programs.query_planned(M101))
    mast_sandbox.faults.add("invoke", Fault.edit(masked_levels), times=None)
    planned = Programs.query_planned(M101)
    assert ids(planned) == whole
    assert planned["calib_level"].mask.all()
    assert set(Programs.query_planned(object_name=["Io", "M101"])["input_row"].tolist()) == {0, 1}


def test_executed_observations_in_a_response_are_removed(mast_sandbox: Sandbox) -> None:
    """A row with another calibration level is left out."""

    def one_is_made(document: dict[str, Any]) -> dict[str, Any]:
        document["data"][0]["calib_level"] = 3
        return document

    whole = len(Programs.query_planned(proposal_id=9301))
    mast_sandbox.faults.add("invoke", Fault.edit(one_is_made))
    assert len(Programs.query_planned(proposal_id=9301)) == whole - 1


def test_the_caveat_is_displayed_with_the_table(mast_sandbox: Sandbox) -> None:
    """The caveat is in the metadata, in a terminal, in a notebook, and in parts and copies of the table."""
    planned = Programs.query_planned("Io")
    assert planned.meta["caveat"] == [CAVEAT]
    for shown in (repr(planned), str(planned), planned[:1]._repr_html_(), str(planned["obs_id", "t_min"])):
        assert shown.count(CAVEAT) == 1
    for again in (pickle.loads(pickle.dumps(planned)), planned.copy(), vstack([planned, planned])):
        assert isinstance(again, PlannedTable)
        assert CAVEAT in str(again)


def test_an_empty_result_causes_a_warning(mast_sandbox: Sandbox) -> None:
    """The empty table has its columns."""
    with pytest.warns(NoResultsWarning, match="No planned observations found"):
        planned = Programs.query_planned("M42")
    assert (len(planned), "s_region" in planned.colnames) == (0, True)
    with pytest.warns(NoResultsWarning, match="but all together match none"):
        Programs.query_planned(proposal_id=1783)


@pytest.mark.parametrize("fault", [Fault.garbage(), Fault.status(500), Fault.truncate_json()])
def test_transient_faults_are_retried_and_persistent_ones_raise(mast_sandbox: Sandbox, fault: Fault) -> None:
    """A transient fault is recovered; a persistent one raises a service error."""
    mast_sandbox.faults.add("invoke", fault)
    whole = len(Programs.query_planned("M101"))
    assert whole
    mast_sandbox.faults.add("invoke", fault, times=None)
    with pytest.raises((ServerError, InvalidResponseError)):
        Programs.query_planned("M101")


@pytest.mark.parametrize("lacking", ["calib_level", "s_region", "target_name"])
def test_a_missing_column_raises_an_error_of_the_package(mast_sandbox: Sandbox, lacking: str) -> None:
    """No KeyError."""

    def without(document: dict[str, Any]) -> dict[str, Any]:
        document["fields"] = [field for field in document["fields"] if field["name"] != lacking]
        for row in document["data"]:
            row.pop(lacking, None)
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(without), times=None)
    with pytest.raises(InvalidResponseError):
        Programs.query_planned(object_name=["Io", "M101"])


@given(st.floats(0, 359.99), st.floats(-90, 90), st.floats(1e-4, 60), st.floats(0, 360), st.floats(0, 1))
def test_the_box_contains_the_circle(ra: float, dec: float, radius: float, angle: float, part: float) -> None:
    """Every position in a circle is in the box that is requested, including across 0h and at the poles."""
    point = SkyCoord(ra, dec, unit="deg").directional_offset_by(angle * u.deg, part * radius * u.deg)
    request = FieldSearch(Programs._service)._box({"obs_collection": "JWST"}, Cone(ra, dec, radius))
    filters = request.payload()["params"]["filters"]  # type: ignore[index]
    ranges = {each["paramName"]: each["values"] for each in filters}
    for name, value in (("s_ra", point.ra.deg), ("s_dec", point.dec.deg)):
        if name in ranges:
            assert any(each["min"] - 1e-9 <= value <= each["max"] + 1e-9 for each in ranges[name])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.floats(0, 360), st.floats(-90, 90), st.floats(1e-3, 2.0))
def test_no_observation_without_a_footprint_is_missed(
    mast_sandbox: Sandbox, ra: float, dec: float, radius: float
) -> None:
    """The same is true across 0h and at the poles, with observations moved to these positions."""
    every = all_planned()
    bare = every[every["s_region"].mask]
    row = bare[int(ra) % len(bare)]
    center = SkyCoord(row["s_ra"], row["s_dec"], unit="deg").directional_offset_by(dec * u.deg, 0.9 * radius * u.deg)
    planned = Programs.query_planned(center, radius=radius)
    near = SkyCoord(bare["s_ra"], bare["s_dec"]).separation(center).deg <= radius
    assert set(np.asarray(bare["obsid"])[near]) <= set(planned["obsid"].tolist())
    assert row["obsid"] in planned["obsid"].tolist()
