"""Neighboring targets share a request, and each gets the rows of a request of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning

from astroquery_mast import Observations, conf
from astroquery_mast.exceptions import ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

RADIUS = 5 * u.arcsec
ARCSEC = 1 / 3600


def places(count: int, scale: float = 0.05) -> SkyCoord:
    """Return positions in the field of M51."""
    dice = np.random.default_rng(3)
    x, y = dice.normal(scale=scale, size=(2, count))
    return SkyCoord(202.47 + x / np.cos(np.radians(47.195)), 47.195 + y, unit="deg")


def parameters(record: RequestRecord) -> dict[str, Any]:
    """Return the parameters of a request."""
    assert record.mashup is not None
    asked = record.mashup["params"]
    assert isinstance(asked, dict)
    return asked


def radius_of(record: RequestRecord) -> float:
    """Return the radius of the requested cone."""
    asked = parameters(record)
    return float(asked["radius"] if "radius" in asked else asked["position"].split(",")[2])


def is_large(record: RequestRecord) -> bool:
    """Return whether a request is for several targets."""
    return radius_of(record) > 0.02


def equal(one: Table, other: Table) -> None:
    """Check that two tables have the same rows for each target, except for the last digits of the distances."""
    assert one.colnames == other.colnames
    for table in (one, other):
        table.sort(["input_row", "obsid"])
    for name in one.colnames:
        assert one[name].dtype.kind == other[name].dtype.kind
        assert one[name].unit == other[name].unit
        if name == "distance":
            np.testing.assert_allclose(one[name], other[name], rtol=1e-3, atol=1e-5)
        else:
            assert one[name].tolist() == other[name].tolist()
    assert one.meta["failed"] == other.meta["failed"]
    assert one.meta["unmatched"] == other.meta["unmatched"]


def test_two_hundred_positions_in_a_field_need_a_third_of_the_requests(mast_sandbox: Sandbox) -> None:
    """Each position gets the rows of its own query, with a third of the requests."""
    positions = places(200)
    found = Observations.query_region(positions, radius=RADIUS)
    sent = mast_sandbox.requests.of("invoke")
    assert sum(map(is_large, sent)) == 1
    assert len(sent) < 70
    (asked,) = map(json.loads, found.meta["request"])
    assert (asked["targets"], asked["requests"], asked["groups"]) == (200, len(sent), 1)
    assert asked["params"] == {}
    assert found["distance"].dtype == np.float64
    assert "computed here, from s_region" in found["distance"].description
    mast_sandbox.requests.clear()
    single = Observations.query_region(positions, radius=RADIUS, merge_nearby=False)
    assert len(mast_sandbox.requests.of("invoke")) == 200
    assert "s_region" not in single["distance"].description
    assert len(found) > 10_000
    equal(found, single)


@pytest.mark.parametrize("columns", [None, "obs_collection,t_exptime", ["s_region"], ["distance", "obsid"]], ids=str)
def test_shared_requests_support_criteria_and_columns(mast_sandbox: Sandbox, columns: Any) -> None:
    """Shared requests support criteria and column selection; columns needed only for dividing are dropped."""
    options: dict[str, Any] = {"radius": "20 arcsec", "obs_collection": ["HST", "JWST"], "columns": columns}
    found = Observations.query_criteria(coordinates=places(30), **options)
    sent = mast_sandbox.requests.of("invoke")
    assert len(sent) < 30
    if columns is not None:
        assert parameters(sent[0])["columns"].split(",")[-4:] != ["s_ra", "s_dec"]
        assert {"s_ra", "s_dec", "s_region", "distance"} <= set(parameters(sent[0])["columns"].split(","))
    equal(found, Observations.query_criteria(coordinates=places(30), merge_nearby=False, **options))
    if columns == "obs_collection,t_exptime":
        assert found.colnames == ["input_row", "obs_collection", "t_exptime", "obsid"]


def test_names_of_neighbors_share_a_request(mast_sandbox: Sandbox) -> None:
    """Nearby objects given by name share a request."""
    names = ["M51", "M 51", "M101", "NGC 5194"]
    found = Observations.query_object(names, radius="0.05 deg")
    assert found.colnames[:2] == ["input_row", "target"]
    assert set(found["target"]) == set(names)
    equal(found, Observations.query_object(names, radius="0.05 deg", merge_nearby=False))


def test_footprints_are_only_requested_if_needed(mast_sandbox: Sandbox) -> None:
    """Without shared requests, footprints are not requested."""
    apart = SkyCoord([202.47, 210.8], [47.195, 54.35], unit="deg")
    Observations.query_region(apart, radius=RADIUS, columns="filters")
    assert {parameters(each)["columns"] for each in mast_sandbox.requests.of("invoke")} == {"filters,obsid"}


def test_payloads_are_the_first_requests(mast_sandbox: Sandbox) -> None:
    """``get_query_payload`` returns the requests that are sent first: one per group, or one per target."""
    positions = places(20)
    (payload,) = Observations.query_region(positions, radius=RADIUS, get_query_payload=True)
    assert len(mast_sandbox.requests) == 0
    Observations.query_region(positions, radius=RADIUS)
    sent = mast_sandbox.requests.of("invoke")[0].mashup
    assert sent is not None
    assert sent["params"] == payload["params"]
    assert len(Observations.query_region(positions, radius=RADIUS, get_query_payload=True, merge_nearby=False)) == 20


def without_last_row(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a response that lacks a row without saying so."""
    return {**answer, "data": answer["data"][:-1]}


def without_footprints(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a response without the column ``s_region``."""
    fields = [field for field in answer["fields"] if field["name"] != "s_region"]
    return {**answer, "fields": fields}


def with_missing_footprint(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a response in which one footprint is missing."""
    return {**answer, "data": [{**answer["data"][0], "s_region": None}, *answer["data"][1:]]}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.error("out of memory"),
        Fault.status(400),
        Fault.reset(),
        Fault.garbage(),
        Fault.edit(without_last_row),
        Fault.edit(without_footprints),
        Fault.edit(with_missing_footprint),
    ],
    ids=lambda fault: fault.name,
)
def test_a_failed_group_is_queried_one_by_one(mast_sandbox: Sandbox, fault: Fault) -> None:
    """If a shared request fails or its response is unusable, each target gets its own request, without losing rows."""
    mast_sandbox.faults.add("invoke", fault, times=None, where=is_large)
    positions = places(12)
    with conf.set_temp("max_attempts", 2):
        found = Observations.query_region(positions, radius=RADIUS)
    assert sum(not is_large(each) for each in mast_sandbox.requests.of("invoke")) == 12
    assert found.meta["failed"] == []
    equal(found, Observations.query_region(positions, radius=RADIUS, merge_nearby=False))


def test_a_shared_response_at_the_row_limit_is_not_used(mast_sandbox: Sandbox) -> None:
    """A shared response that reaches the row limit may be truncated, so it is not used."""
    positions = places(12)
    whole = Observations.query_region(positions, radius=RADIUS)
    most = int(np.bincount(whole["input_row"]).max())
    mast_sandbox.requests.clear()
    with conf.set_temp("server_row_limit", most + 1):
        found = Observations.query_region(positions, radius=RADIUS)
    assert len(mast_sandbox.requests.of("invoke")) == 13
    equal(found, whole)


def test_a_shared_request_takes_at_most_half_of_the_time(mast_sandbox: Sandbox) -> None:
    """A slow shared request leaves half of the time for requests of its members."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None, where=is_large)
    found = Observations.query_region(places(12), radius=RADIUS, timeout=2)
    assert sorted(map(is_large, mast_sandbox.requests.of("invoke"))) == [False] * 12 + [True]
    assert found.meta["failed"] == []
    assert set(found["input_row"]) == set(range(12))


def edge_case(answer: dict[str, Any], ra: float) -> dict[str, Any]:
    """Return a response with a single row, whose footprint has a side at a given right ascension."""
    region = f"POLYGON ICRS {ra!r} -0.01 {ra + 0.02!r} -0.01 {ra + 0.02!r} 0.01 {ra!r} 0.01"
    return {**answer, "data": [{**answer["data"][0], "s_region": region, "distance": None}]}


@pytest.mark.parametrize(("gap", "asked"), [(4.0, [0]), (5.05, [0, 1]), (8.0, [0])], ids=str)
def test_a_footprint_close_to_the_radius_is_left_to_mast(mast_sandbox: Sandbox, gap: float, asked: list[int]) -> None:
    """A footprint edge close to the radius of a target makes that target get its own request."""
    places = SkyCoord([10.0, 10.0 - 30 * ARCSEC], [0.0, 0.0], unit="deg")

    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        rows = answer["data"] or [dict.fromkeys((field["name"] for field in answer["fields"]), None)]
        paging = {**answer["paging"], "rows": 1, "rowsTotal": 1, "rowsFiltered": 1}
        return edge_case({**answer, "data": rows, "paging": paging}, 10.0 + gap * ARCSEC)

    mast_sandbox.faults.add("invoke", Fault.edit(edit))
    options: dict[str, Any] = {"radius": RADIUS, "columns": "filters"}
    if gap < 5:
        found = Observations.query_region(places, **options)
        assert found["input_row"].tolist() == [0]
    else:
        with pytest.warns(NoResultsWarning):
            Observations.query_region(places, **options)
    sent = mast_sandbox.requests.of("invoke")
    assert len(sent) == len(asked)
    assert [radius_of(each) for each in sent[1:]] == [5 * ARCSEC] * (len(asked) - 1)


@pytest.mark.parametrize("merge_nearby", [True, False])
def test_overlap_center_selects_rows_for_each_target(mast_sandbox: Sandbox, merge_nearby: bool) -> None:
    """``overlap="center"`` selects the same rows for each target, with or without shared requests."""
    positions = places(12, scale=0.02)
    options: dict[str, Any] = {"radius": "1 arcmin", "overlap": "center"}
    found = Observations.query_region(positions, merge_nearby=merge_nearby, **options)
    assert len(mast_sandbox.requests.of("invoke")) == (1 if merge_nearby else 12)
    assert found.meta["cut"] == ["Rows outside the circle around their target were removed"]
    touched = Observations.query_region(positions, radius="1 arcmin", merge_nearby=False)
    centers = SkyCoord(touched["s_ra"], touched["s_dec"], unit="deg")
    near = touched[centers.separation(positions[touched["input_row"]]) <= 1 * u.arcmin]
    assert 0 < len(near) < len(touched)
    near.meta["unmatched"] = found.meta["unmatched"]
    equal(found, near)
    few = Observations.query_criteria(
        coordinates=positions, obs_collection="HST", columns="filters", merge_nearby=merge_nearby, **options
    )
    assert few.colnames == ["input_row", "filters", "obsid"]
    assert sorted(few["obsid"]) == sorted(found[found["obs_collection"] == "HST"]["obsid"])


def test_counts_equal_the_numbers_of_rows(mast_sandbox: Sandbox) -> None:
    """Counts with ``overlap="center"`` equal the numbers of rows, including zeros and masked counts."""
    near = places(6, scale=0.01)
    positions = SkyCoord([*near.ra.deg, 100.0, np.nan], [*near.dec.deg, -80.0, 0.0], unit="deg")
    options: dict[str, Any] = {"radius": "1 arcmin", "overlap": "center"}
    with pytest.warns(InputWarning, match="row 7"):
        counts = Observations.query_region_count(positions, **options)
    assert len(mast_sandbox.requests.of("invoke")) == 2
    with pytest.warns(InputWarning):
        listed = Observations.query_region(positions, **options)
    assert counts.colnames == ["input_row", "count"]
    assert counts["count"].tolist() == [*(int((listed["input_row"] == row).sum()) for row in range(7)), None]
    assert counts["count"][0] == Observations.query_region_count(positions[0], **options)
    named = Observations.query_object_count(["M51"], **options)
    assert named["count"].tolist() == [Observations.query_object_count("M51", **options)]
    assert json.loads(counts.meta["request"][0])["groups"] == 1
    assert len(Observations.query_region_count(positions[:6], get_query_payload=True, **options)) == 1
    hst = Observations.query_criteria_count(coordinates=positions[:6], obs_collection="HST", **options)
    assert hst["count"].tolist() == [
        int(((listed["input_row"] == row) & (listed["obs_collection"] == "HST")).sum()) for row in range(6)
    ]


def test_many_targets_and_a_region_are_refused(mast_sandbox: Sandbox) -> None:
    """Many targets cannot be combined with a region."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match="Only one of"):
            ask(places(3), region="CIRCLE 1 2 3")
    assert len(mast_sandbox.requests) == 0


def test_failed_targets_are_listed_unless_all_fail(mast_sandbox: Sandbox) -> None:
    """Failed targets are listed in ``meta``; an error is raised if all targets fail."""
    positions = places(12)
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None, where=lambda r: not is_large(r))
    with pytest.warns(InputWarning, match="deadlock"):
        found = Observations.query_region(positions, radius=RADIUS)
    assert 0 < len(found.meta["failed"]) < 12
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("invoke", Fault.error("deadlock"), times=None)
    for merge_nearby in (True, False):
        with pytest.raises(ServerError, match="deadlock"):
            Observations.query_region(positions, radius=RADIUS, merge_nearby=merge_nearby)


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, None], ids=str)
def test_shared_responses_can_have_pages_and_any_executor(
    mast_sandbox: Sandbox, kind: Callable[[int], ThreadPoolExecutor] | None
) -> None:
    """The pages of a shared response are combined before it is divided, with any executor."""
    positions = places(12)
    whole = Observations.query_region(positions, radius=RADIUS)
    executor = None if kind is None else kind(2)
    paged = Observations.query_region(positions, radius=RADIUS, pagesize=50, executor=executor)
    equal(whole, paged)
    if executor is not None:
        executor.shutdown()


def test_an_empty_shared_response_is_empty_for_all_targets(mast_sandbox: Sandbox) -> None:
    """An empty shared response means that all of its targets have no matches."""
    with pytest.warns(NoResultsWarning):
        found = Observations.query_region(SkyCoord([100.0, 100.001], [-80.0, -80.0], unit="deg"), radius=RADIUS)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    assert found.meta["unmatched"] == [0, 1]
    assert found.colnames[:2] == ["input_row", "intentType"]
