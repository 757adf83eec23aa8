"""A crossmatch with all planned observations: by footprint and for any roll, with masked cells, and one request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astroquery_mast import Observations, Programs
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, RemoteServiceError
from astroquery_mast.programs.planned_match import ANY_ROLL, FOOTPRINT, SOME_ROLLS
from astroquery_mast.programs.setups import field_of
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sky.outlines import outlines_of
from astroquery_mast.sky.region_filter import shapes_of
from astroquery_mast.sky.sphere import unit_vectors

NOWHERE = SkyCoord(10.0, -45.0, unit="deg")


def planned() -> Table:
    """Return all planned science observations of fixed targets."""
    every = Observations.query_criteria(obs_collection="JWST", calib_level=-1, intentType="science")
    return every[[flag is not True and flag != "true" for flag in every["mtFlag"].tolist()]]


def pairs(positions: Any, **options: Any) -> Table:
    """Return the pairs of positions and observations."""
    return Programs.crossmatch_planned(positions, verbose=False, **options)


def test_many_positions_need_one_request(mast_sandbox: Sandbox) -> None:
    """Ten thousand positions are matched."""
    rng = np.random.default_rng(5)
    around = SkyCoord(rng.normal(210.8, 0.2, 10_000), rng.normal(54.35, 0.2, 10_000), unit="deg")
    found = pairs(around)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    assert len(set(found["input_row"].tolist())) + len(found.meta["unmatched"]) == 10_000


def test_a_corner_of_a_mosaic_is_found_by_its_footprint(mast_sandbox: Sandbox) -> None:
    """Its center is far away, and the roll of the telescope does not matter."""
    mosaic = planned()
    mosaic = mosaic[mosaic["target_name"] == "COSMOS"][0]
    corner = SkyCoord(*map(float, mosaic["s_region"].split()[2:4]), unit="deg")
    center = SkyCoord(mosaic["s_ra"], mosaic["s_dec"], unit="deg")
    inside = corner.directional_offset_by(corner.position_angle(center), 20 * u.arcsec)
    found = pairs(inside.reshape(1), radius=0)
    row = found[found["obsid"] == mosaic["obsid"]][0]
    assert row["coverage"] == FOOTPRINT
    assert row["separation"] == pytest.approx(inside.separation(center).arcsec)


def test_observations_without_a_footprint_are_found_by_position(mast_sandbox: Sandbox) -> None:
    """Observations with masked cells are matched and raise no error."""
    every = planned()
    bare = every[every["s_region"].mask & ~every["s_ra"].mask][0]
    center = SkyCoord(bare["s_ra"], bare["s_dec"], unit="deg")
    outer, inner = field_of(str(bare["instrument_name"]))
    near, far = (center.directional_offset_by(1 * u.rad, reach * u.arcsec) for reach in (inner * 0.9, outer * 0.98))
    found = pairs(SkyCoord([near, far]), radius=0)
    mine = found[found["obsid"] == bare["obsid"]]
    assert mine["input_row", "coverage"].as_array().tolist() == [(0, ANY_ROLL), (1, SOME_ROLLS)]
    assert found["t_min"].mask.any()


def test_moving_targets_are_not_matched(mast_sandbox: Sandbox) -> None:
    """The position of a moving target in the table is only valid at one time."""
    every = Observations.query_criteria(obs_collection="JWST", calib_level=-1)
    moving = every[[str(flag).lower() == "true" for flag in every["mtFlag"]]]
    moving = moving[~moving["s_ra"].mask]
    assert len(moving)
    fixed = planned()["s_ra", "s_dec"][:1]
    positions = SkyCoord([*moving["s_ra"], *fixed["s_ra"]], [*moving["s_dec"], *fixed["s_dec"]], unit="deg")
    found = pairs(positions)
    assert len(found)
    assert not set(found["obsid"].tolist()) & set(moving["obsid"].tolist())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(0, 60), best=st.booleans())
def test_pairs_agree_with_a_complete_comparison(mast_sandbox: Sandbox, seed: int, radius: float, best: bool) -> None:
    """Each position is compared with each observation, by footprint and by the distance from its center."""
    rng, every = np.random.default_rng(seed), planned()
    chosen = every[rng.integers(0, len(every), 12)]
    ra, dec = (np.ma.filled(chosen[name], 30.0) for name in ("s_ra", "s_dec"))
    mine = SkyCoord(ra, dec, unit="deg").directional_offset_by(
        rng.uniform(0, 360, 12) * u.deg, rng.uniform(0, 400, 12) * u.arcsec
    )
    expected = set()
    for row, observation in enumerate(every):
        outlines = outlines_of(
            shapes_of([observation["s_region"]]), *([np.ma.filled(observation[n], np.nan)] for n in ("s_ra", "s_dec"))
        )
        outer = field_of(str(observation["instrument_name"]))[0]
        center = SkyCoord(*(np.ma.filled(observation[n], np.nan) for n in ("s_ra", "s_dec")), unit="deg")
        for place, position in enumerate(mine):
            away = position.separation(center).arcsec
            point = unit_vectors(position.ra.deg, position.dec.deg)
            drawn = np.degrees(outlines.distances(point).min(initial=np.inf)) * 3600
            if min(drawn, away - outer if np.isfinite(away) else np.inf) <= radius:
                expected.add((place, str(every["obsid"][row])))
    if not expected:
        return
    found = pairs(mine, radius=radius * u.arcsec, best=best)
    got = set(zip(found["input_row"].tolist(), found["obsid"].tolist(), strict=True))
    assert got <= expected if best else got == expected
    assert {place for place, _ in got} == {place for place, _ in expected}
    if best:
        assert len(found) == len(set(found["input_row"].tolist()))


def test_instruments_and_filters_restrict_the_pairs(mast_sandbox: Sandbox) -> None:
    """Only matching observations count, with their programs."""
    every = planned()
    positions = SkyCoord(every["s_ra"].filled(0), every["s_dec"].filled(0), unit="deg")
    found = pairs(positions, instrument="NIRCAM", filters="F444W")
    assert len(found)
    assert all("NIRCAM" in name for name in found["instrument_name"])
    assert all("F444W" in name for name in found["filters"])
    assert not found["proposal_id"].mask.any()


def test_positions_without_a_match_are_listed(mast_sandbox: Sandbox) -> None:
    """Invalid positions are listed as well, and the caveat is displayed with the table."""
    table = Table({"RA": [210.802429, 10.0, np.nan], "Dec": [54.34875, -45.0, 0.0]})
    with pytest.warns(InputWarning, match="row 2"):
        found = pairs(table)
    assert set(found["input_row"].tolist()) == {0}
    assert found.meta["unmatched"] == [1]
    assert len(found.meta["failed"]) == 1
    assert "roll" in found.meta["caveat"][0]
    assert found.meta["caveat"][0] in str(found)


def test_no_planned_observations_cause_one_warning(mast_sandbox: Sandbox) -> None:
    """The table keeps its columns."""
    with pytest.warns(NoResultsWarning, match="No planned observations found"):
        found = pairs(NOWHERE.reshape(1))
    assert len(found) == 0
    assert {"input_row", "separation", "coverage", "proposal_id"} <= set(found.colnames)


@pytest.mark.parametrize(
    "options",
    [
        {"radius": "far"},
        {"instrument": "NICMOS"},
        {"calib_level": 3},
        {"mission": "TESS"},
        {"filters": []},
        {"ra_column": "x"},
    ],
)
def test_invalid_arguments_raise(mast_sandbox: Sandbox, options: dict[str, Any]) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidQueryError):
        pairs(NOWHERE.reshape(1), **options)
    assert not mast_sandbox.requests.of("invoke")


@pytest.mark.parametrize("fault", [Fault.garbage(), Fault.status(500), Fault.error("no")])
def test_a_failure_raises_a_service_error(mast_sandbox: Sandbox, fault: Fault) -> None:
    """No exception of Python is raised."""
    mast_sandbox.faults.add("invoke", fault, times=None)
    with pytest.raises((RemoteServiceError, InvalidQueryError)):
        pairs(NOWHERE.reshape(1))


def test_missing_columns_raise_a_service_error(mast_sandbox: Sandbox) -> None:
    """The error says which column is missing."""

    def shorten(answer: dict[str, Any]) -> dict[str, Any]:
        kept = [field for field in answer["fields"] if field["name"] not in {"s_region", "mtFlag"}]
        rows = [{field["name"]: row.get(field["name"]) for field in kept} for row in answer["data"]]
        return {**answer, "fields": kept, "data": rows}

    mast_sandbox.faults.add("invoke", Fault.edit(shorten), times=None)
    with pytest.raises(RemoteServiceError):
        pairs(NOWHERE.reshape(1))
