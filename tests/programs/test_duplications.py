"""Duplications: the four tests, the grade that results from them, and the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Row, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations, Programs
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, InvalidResponseError, NoResultsWarning
from astroquery_mast.programs.comparison import (
    NO,
    POSSIBLE,
    YES,
    ProposedSetup,
    compare_depth,
    compare_field,
    compare_mode,
    compare_passband,
    compare_planned_field,
)
from astroquery_mast.programs.duplications import GRADES
from astroquery_mast.programs.setups import field_of
from astroquery_mast.sandbox import Fault, Sandbox

QUESTIONS = ["same_field", "same_mode", "same_passband", "same_depth"]
VALUES: dict[str, Any] = {
    "instrument_name": "NIRCAM/IMAGE",
    "filters": "F200W",
    "t_exptime": 1000.0,
    "em_min": 1755.0,
    "em_max": 2227.0,
}


def row(**values: Any) -> Row:
    """Return an observation, in which None is masked."""
    table = Table(masked=True)
    for name, value in {**VALUES, **values}.items():
        table[name] = [VALUES[name] if value is None else value]
        table[name].mask = value is None
    return table[0]


# -- tests for duplications ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "theirs", "verdict"),
    [
        ("NIRCAM/IMAGE", "NIRCAM/IMAGE", YES),
        ("NIRISS/IMAGE", "NIRCAM/IMAGE", POSSIBLE),
        ("NIRCAM/GRISM", "NIRSPEC/MSA", POSSIBLE),
        ("NIRCAM/GRISM", "NIRISS/WFSS", POSSIBLE),
        ("NIRCAM", "NIRCAM/IMAGE", POSSIBLE),
        ("NIRISS", "NIRCAM/IMAGE", POSSIBLE),
        ("MIRI/IMAGE", "NIRCAM/IMAGE", NO),
        ("MIRI/IFU", "NIRSPEC/IFU", NO),
        ("NIRCAM/IMAGE", "NIRSPEC/IFU", NO),
        ("NIRCAM/IMAGE", None, POSSIBLE),
        (None, "NIRCAM/IMAGE", ""),
    ],
)
def test_compare_mode(own: str | None, theirs: str | None, verdict: str) -> None:
    """NIRCam and NIRISS have similar imaging modes, and near-infrared spectrographs similar spectroscopic ones."""
    answer = compare_mode(row(instrument_name=theirs), ProposedSetup.of(own, None, None))
    assert answer.verdict == verdict
    assert answer.reason.startswith("mode: ") == bool(verdict)


@pytest.mark.parametrize(
    ("own", "theirs", "verdict"),
    [
        ("F200W", {"filters": "F200W"}, YES),
        ("F200W", {"filters": "CLEAR;F200W"}, YES),
        ("F200W", {"filters": "F210M"}, POSSIBLE),
        ("F200W", {"filters": "F150W2;F164N"}, NO),
        ("F200W", {"filters": "F444W"}, NO),
        (["F444W", "F200W"], {"filters": "F200W"}, YES),
        ("F200W", {"filters": "F070LP;G140M", "instrument_name": "NIRSPEC/MSA"}, NO),
        ("F290LP;G395H", {"filters": "F290LP;G395M", "instrument_name": "NIRSPEC/MSA"}, POSSIBLE),
        ("F290LP;G395H", {"filters": "G395H;F290LP", "instrument_name": "NIRSPEC/MSA"}, YES),
        ("F200W", {"filters": None}, POSSIBLE),
        ("F200W", {"filters": None, "em_min": 4000.0, "em_max": 5000.0}, NO),
        ("F200W", {"filters": None, "em_min": None}, POSSIBLE),
        ("F200W", {"filters": "F999X", "em_min": 0.0}, POSSIBLE),
        (None, {}, ""),
    ],
)
def test_compare_passband(own: Any, theirs: dict[str, Any], verdict: str) -> None:
    """An unknown filter is compared by MAST's wavelengths; without these, the verdict is "possible"."""
    answer = compare_passband(row(**theirs), ProposedSetup.of(None, own, None))
    assert answer.verdict == verdict, answer.reason


@pytest.mark.parametrize(
    ("own", "theirs", "verdict"),
    [
        (1000, 1000, YES),
        (1000, 500, YES),
        (1000, 300, POSSIBLE),
        (1000, 200, NO),
        (1000, None, POSSIBLE),
        (None, 1, ""),
    ],
)
def test_compare_depth(own: float | None, theirs: float | None, verdict: str) -> None:
    """A masked exposure time gives the verdict "possible"."""
    answer = compare_depth(row(t_exptime=None if theirs is None else float(theirs)), ProposedSetup.of(None, None, own))
    assert answer.verdict == verdict


def test_an_exposure_time_may_have_a_unit() -> None:
    """An exposure time in hours is converted to seconds."""
    assert ProposedSetup.of(None, None, 2 * u.hour).seconds == 7200


@given(st.floats(0, 1000), st.none() | st.floats(0, 1000), st.sampled_from(["NIRCAM/IMAGE", "MIRI/IFU", "OTHER"]))
def test_a_smaller_distance_is_at_least_as_likely(away: float, distance: float | None, instrument: str) -> None:
    """The same is true for executed and planned observations; a distant observation has another field."""
    order = {YES: 0, POSSIBLE: 1, NO: 2}
    reach = field_of(instrument)[0]
    for compare in (compare_field, compare_planned_field):
        here = order[compare(away, distance, reach, instrument).verdict]
        nearer = order[compare(away / 2, None if distance is None else distance / 2, reach, instrument).verdict]
        assert nearer <= here
        far = compare(1000 + away, 1000.0 if distance is not None else None, reach, instrument)
        assert far.verdict == NO


def test_planned_fields_for_any_roll() -> None:
    """A position near the center is in the field at any roll; one in the footprint, or within reach, possibly."""
    outer, inner = field_of("MIRI/IMAGE")
    assert compare_planned_field(inner - 1, 50.0, 10.0, "MIRI/IMAGE").verdict == YES
    assert "any roll" in compare_planned_field(inner - 1, None, 10.0, "MIRI/IMAGE").reason
    assert "some rolls" in compare_planned_field(outer - 1, 30.0, 10.0, "MIRI/IMAGE").reason
    assert "approximate footprint" in compare_planned_field(300.0, 0.0, 10.0, "MIRI/IMAGE").reason
    assert compare_planned_field(outer + 9, None, 10.0, "MIRI/IMAGE").verdict == POSSIBLE
    assert compare_planned_field(outer + 11, 11.0, 10.0, "MIRI/IMAGE").verdict == NO


# -- the search ------------------------------------------------------------------------------------------------------


def test_the_most_likely_duplications_come_first(mast_sandbox: Sandbox) -> None:
    """The same filter of the same camera in the same field is a duplication."""
    found = Programs.find_duplications("M51", instrument="NIRCAM/IMAGE", filters="F200W", exptime=1000)
    order = [(GRADES.index(each["grade"]), [each[name] for name in QUESTIONS].count("no")) for each in found]
    assert order == sorted(order)
    first = found[0]
    assert [first[name] for name in QUESTIONS] == ["yes"] * 4
    assert first["filters"] == "F200W"
    assert first["reason"].startswith("field: the target is in its footprint; mode: both NIRCAM/IMAGE; passband: both")
    assert set(found["grade"].tolist()) == set(GRADES)


def test_the_grade_follows_from_the_tests(mast_sandbox: Sandbox) -> None:
    """All "yes" is a duplication, any "no" is unlikely, others are possible; tests that do not apply are ignored."""
    for keywords in (
        {},
        {"instrument": "NIRISS"},
        {"filters": "F200W"},
        {"instrument": "NIRCAM/IMAGE", "exptime": 1e5},
    ):
        found = Programs.find_duplications(["M51", "M101"], **keywords)
        tested = {"same_field", *(["same_mode"] * ("instrument" in keywords))}
        tested |= {*(["same_passband"] * ("filters" in keywords)), *(["same_depth"] * ("exptime" in keywords))}
        for name in QUESTIONS:
            assert found[name].mask.tolist() == [name not in tested] * len(found)
        for each in found:
            answers = {each[name] for name in tested}
            grade = "unlikely" if "no" in answers else "possible" if "possible" in answers else "duplication"
            assert each["grade"] == grade


def test_executed_and_planned_observations_are_included(mast_sandbox: Sandbox) -> None:
    """Planned observations are marked, and can be selected with planned_only."""
    found = Programs.find_duplications("M51")
    assert set(found["planned"].tolist()) == {True, False}
    alone = Programs.find_duplications("M51", planned_only=True)
    assert alone["planned"].all()
    assert set(alone["obsid"].tolist()) == set(found["obsid"][found["planned"]].tolist())


def test_planned_observations_without_a_footprint_are_found(mast_sandbox: Sandbox) -> None:
    """All observations whose field may overlap at any roll are found."""
    every = Observations.query_criteria(obs_collection="JWST", calib_level=-1, target_name="M101")
    center = SkyCoord(every["s_ra"][0], every["s_dec"][0], unit="deg")
    found = Programs.find_duplications(center, instrument="NIRCAM/IMAGE", planned_only=True)
    reach = 2 * field_of("NIRCAM/IMAGE")[0]
    near = SkyCoord(every["s_ra"], every["s_dec"]).separation(center).arcsec <= reach
    assert set(every["obsid"][near].tolist()) <= set(found["obsid"].tolist())
    assert set(found["same_field"][found["separation"] < 60 * u.arcsec].tolist()) == {"yes"}


def test_exposures_are_represented_by_their_product(mast_sandbox: Sandbox) -> None:
    """Single exposures of a product of level 3 are left out."""
    found = Programs.find_duplications("M51", instrument="MIRI/IMAGE", filters="F770W")
    assert set(found["calib_level"][found["filters"] == "F770W"].tolist()) == {3}


def test_solar_system_targets_are_compared_by_name(mast_sandbox: Sandbox) -> None:
    """Their field is the target, and their separation is masked."""
    found = Programs.find_duplications("Neptune", instrument="NIRCAM/IMAGE", filters="F210M")
    assert set(found["target_name"].tolist()) == {"NEPTUNE"}
    assert (found["grade"][0], found["filters"][0]) == ("duplication", "F210M")
    assert found["separation"].mask.all()
    assert set(found["planned"].tolist()) == {True, False}


def test_a_moving_target_does_not_have_the_field(mast_sandbox: Sandbox) -> None:
    """An observation of Neptune does not duplicate one of the stars behind it."""
    neptune = Observations.query_criteria(obs_collection="JWST", target_name="NEPTUNE", calib_level=3)[0]
    place = SkyCoord(neptune["s_ra"], neptune["s_dec"], unit="deg")
    found = Programs.find_duplications(place)
    moving = found["target_name"] == "NEPTUNE"
    assert moving.any()
    assert set(found["same_field"][moving].tolist()) == {"no"}


def test_a_table_of_targets_may_have_setups(mast_sandbox: Sandbox) -> None:
    """Each row is compared with its own proposed setup."""
    proposal = Table(
        {
            "target": ["M101", "Io", "M51"],
            "ra": [210.802, 0.0, 202.47],
            "dec": [54.349, 0.0, 47.19],
            "instrument": ["NIRISS imaging", "NIRSpec IFU", "MIRI imaging"],
            "filters": ["F200W", "F290LP;G395H", "F770W"],
            "exptime": [0.5, 0.1, 1.0] * u.hour,
        },
        masked=True,
    )
    proposal["ra"].mask = proposal["dec"].mask = [False, True, False]
    found = Programs.find_duplications(proposal)
    best = [found[found["input_row"] == number][0] for number in range(3)]
    assert [each["target"] for each in best] == ["M101", "Io", "M51"]
    assert [each["instrument_name"] for each in best] == ["NIRCAM/IMAGE", "NIRSPEC/IFU", "MIRI/IMAGE"]
    assert [each["filters"] for each in best] == ["F200W", "F290LP;G395H", "F770W"]
    alone = Programs.find_duplications(proposal[2], instrument="NIRCAM/IMAGE", filters="F200W", exptime=1000)
    assert alone["same_mode"][0] == "yes"


def test_all_rows_have_links(mast_sandbox: Sandbox) -> None:
    """The links lead to the program, its visits, and its proposal."""
    found = Programs.find_duplications("M51", planned_only=True)[0]
    for name in ("program_url", "visits_url", "apt_url", "pdf_url"):
        assert requests.get(found[name], timeout=5).status_code == 200
        assert found["proposal_id"] in found[name]


def test_the_table_has_a_caveat(mast_sandbox: Sandbox) -> None:
    """The caveat and the source of the passbands are in the metadata."""
    found = Programs.find_duplications("M51")
    assert "approximate" in found.meta["caveat"][0]
    assert "jwst-docs.stsci.edu" in found.meta["source"][0]
    assert "approximate" in str(found)


def test_failed_targets_are_recorded(mast_sandbox: Sandbox) -> None:
    """The other targets are compared; an empty result is a table without rows, with a warning."""
    with pytest.warns(InputWarning, match="Nowhere"):
        found = Programs.find_duplications(["M51", "Nowhere 7"])
    assert set(found["input_row"].tolist()) == {0}
    with pytest.warns(NoResultsWarning, match="No executed or planned JWST observation is close enough to be a"):
        nothing = Programs.find_duplications("10 -80", instrument="MIRI")
    assert (len(nothing), nothing.colnames[:4]) == (0, ["input_row", "target", "grade", "reason"])
    with pytest.warns(NoResultsWarning, match="No executed or planned JWST observation is close enough to be a"):
        assert len(Programs.find_duplications("Sedna")) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"instrument": "ACS"},
        {"filters": "F814W"},
        {"filters": "F200W", "instrument": "MIRI"},
        {"exptime": 0},
        {"exptime": "long"},
        {"exptime": 5 * u.m},
        {"radius": -1},
        {"targets": []},
        {"targets": None},
        {"targets": 5},
        {"targets": Table({"instrument": ["ACS"], "ra": [1.0], "dec": [2.0]})},
    ],
)
def test_invalid_arguments_raise_before_a_request(mast_sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    """No observations are requested."""
    with pytest.raises(InvalidQueryError):
        Programs.find_duplications(**{"targets": "M51", **wrong})
    assert not mast_sandbox.requests.of("invoke")


def test_masked_cells_give_no_verdict(mast_sandbox: Sandbox) -> None:
    """With all optional cells masked, no exception is raised, and no verdict is invented."""

    def bare(document: dict[str, Any]) -> dict[str, Any]:
        names = ("calib_level", "instrument_name", "filters", "t_exptime", "em_min", "em_max", "mtFlag", "proposal_id")
        for each in document.get("data", ()):
            each.update(dict.fromkeys((*names, "t_min", "t_obs_release", "s_region", "target_name")))
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(bare), times=None)
    found = Programs.find_duplications("M51", instrument="NIRCAM/IMAGE", filters="F200W", exptime=100)
    assert set(found["same_mode"].tolist()) == set(found["same_depth"].tolist()) == {"possible"}
    assert found["program_url"].mask.all()
    assert np.isfinite(found["separation"]).all()


def test_a_missing_column_raises_an_error_of_the_package(mast_sandbox: Sandbox) -> None:
    """No KeyError."""

    def without(document: dict[str, Any]) -> dict[str, Any]:
        document["fields"] = [field for field in document["fields"] if field["name"] != "t_exptime"]
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(without), times=None)
    with pytest.raises(InvalidResponseError):
        Programs.find_duplications("M51", exptime=100)
