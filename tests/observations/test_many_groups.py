"""Neighboring targets share a request, and each gets what it would be answered alone."""

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
    """Positions in the field of M51."""
    dice = np.random.default_rng(3)
    x, y = dice.normal(scale=scale, size=(2, count))
    return SkyCoord(202.47 + x / np.cos(np.radians(47.195)), 47.195 + y, unit="deg")


def parameters(record: RequestRecord) -> dict[str, Any]:
    """What a service was asked."""
    assert record.mashup is not None
    asked = record.mashup["params"]
    assert isinstance(asked, dict)
    return asked


def radius_of(record: RequestRecord) -> float:
    """The radius of the cone that was asked for."""
    asked = parameters(record)
    return float(asked["radius"] if "radius" in asked else asked["position"].split(",")[2])


def is_large(record: RequestRecord) -> bool:
    """Whether a request is one for several targets."""
    return radius_of(record) > 0.02


def equal(one: Table, other: Table) -> None:
    """Compare two tables target by target and row for row, except for the digits of the distances."""
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


def test_two_hundred_positions_in_a_field_are_some_dozens_of_requests(mast_sandbox: Sandbox) -> None:
    """Each has the rows of a query for it alone, and a third of the requests is enough."""
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
def test_criteria_names_and_columns_go_with_groups(mast_sandbox: Sandbox, columns: Any) -> None:
    """Filters hold, columns that were needed on the way are gone, and a name may be given for each position."""
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
    """A galaxy and its companion are in one cone."""
    names = ["M51", "M 51", "M101", "NGC 5194"]
    found = Observations.query_object(names, radius="0.05 deg")
    assert found.colnames[:2] == ["input_row", "target"]
    assert set(found["target"]) == set(names)
    equal(found, Observations.query_object(names, radius="0.05 deg", merge_nearby=False))


def test_columns_are_not_asked_for_without_need(mast_sandbox: Sandbox) -> None:
    """Where nothing is grouped the archive sends no outlines."""
    apart = SkyCoord([202.47, 210.8], [47.195, 54.35], unit="deg")
    Observations.query_region(apart, radius=RADIUS, columns="filters")
    assert {parameters(each)["columns"] for each in mast_sandbox.requests.of("invoke")} == {"filters,obsid"}


def test_payloads_are_those_that_are_sent_first(mast_sandbox: Sandbox) -> None:
    """One for each group and for each that is alone; as many as targets without groups."""
    positions = places(20)
    (payload,) = Observations.query_region(positions, radius=RADIUS, get_query_payload=True)
    assert len(mast_sandbox.requests) == 0
    Observations.query_region(positions, radius=RADIUS)
    sent = mast_sandbox.requests.of("invoke")[0].mashup
    assert sent is not None
    assert sent["params"] == payload["params"]
    assert len(Observations.query_region(positions, radius=RADIUS, get_query_payload=True, merge_nearby=False)) == 20


def shorter(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that lacks a row, and does not say so."""
    return {**answer, "data": answer["data"][:-1]}


def without_outlines(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that has no column with outlines."""
    fields = [field for field in answer["fields"] if field["name"] != "s_region"]
    return {**answer, "fields": fields}


def with_a_gap(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in which the footprint of one row is missing."""
    return {**answer, "data": [{**answer["data"][0], "s_region": None}, *answer["data"][1:]]}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.error("out of memory"),
        Fault.status(400),
        Fault.reset(),
        Fault.garbage(),
        Fault.edit(shorter),
        Fault.edit(without_outlines),
        Fault.edit(with_a_gap),
    ],
    ids=lambda fault: fault.name,
)
def test_a_group_that_fails_is_asked_for_one_by_one(mast_sandbox: Sandbox, fault: Fault) -> None:
    """However its answer is of no use, nothing is lost."""
    mast_sandbox.faults.add("invoke", fault, times=None, where=is_large)
    positions = places(12)
    with conf.set_temp("max_attempts", 2):
        found = Observations.query_region(positions, radius=RADIUS)
    assert sum(not is_large(each) for each in mast_sandbox.requests.of("invoke")) == 12
    assert found.meta["failed"] == []
    equal(found, Observations.query_region(positions, radius=RADIUS, merge_nearby=False))


def test_an_answer_at_the_archives_limit_is_not_believed(mast_sandbox: Sandbox) -> None:
    """As many rows as it can send may not be all."""
    positions = places(12)
    whole = Observations.query_region(positions, radius=RADIUS)
    most = int(np.bincount(whole["input_row"]).max())
    mast_sandbox.requests.clear()
    with conf.set_temp("server_row_limit", most + 1):
        found = Observations.query_region(positions, radius=RADIUS)
    assert len(mast_sandbox.requests.of("invoke")) == 13
    equal(found, whole)


def test_a_group_may_have_half_of_the_time(mast_sandbox: Sandbox) -> None:
    """One that takes too long leaves time for its members."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None, where=is_large)
    found = Observations.query_region(places(12), radius=RADIUS, timeout=2)
    assert sorted(map(is_large, mast_sandbox.requests.of("invoke"))) == [False] * 12 + [True]
    assert found.meta["failed"] == []
    assert set(found["input_row"]) == set(range(12))


def edge_case(answer: dict[str, Any], ra: float) -> dict[str, Any]:
    """An answer with a single row, the side of whose footprint is at some right ascension."""
    region = f"POLYGON ICRS {ra!r} -0.01 {ra + 0.02!r} -0.01 {ra + 0.02!r} 0.01 {ra!r} 0.01"
    return {**answer, "data": [{**answer["data"][0], "s_region": region, "distance": None}]}


@pytest.mark.parametrize(("gap", "asked"), [(4.0, [0]), (5.05, [0, 1]), (8.0, [0])], ids=str)
def test_what_is_right_at_the_edge_is_left_to_the_archive(mast_sandbox: Sandbox, gap: float, asked: list[int]) -> None:
    """The answer for the group holds a row whose edge is a bit farther than the radius from one of the two."""
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
def test_positions_count_for_every_target(mast_sandbox: Sandbox, merge_nearby: bool) -> None:
    """overlap="center" keeps for each target what it keeps for a single one, however they are asked for."""
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


def test_positions_are_counted_as_they_are_listed(mast_sandbox: Sandbox) -> None:
    """Counts of positions are the lengths of the lists, zero and masked ones among them."""
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


def test_a_region_is_for_one_question(mast_sandbox: Sandbox) -> None:
    """Many targets and a region are two places."""
    for ask in (Observations.query_region, Observations.query_region_count):
        with pytest.raises(InvalidQueryError, match="Only one of"):
            ask(places(3), region="CIRCLE 1 2 3")
    assert len(mast_sandbox.requests) == 0


def test_members_that_fail_are_listed_and_all_failures_are_an_error(mast_sandbox: Sandbox) -> None:
    """Who was decided from the group needs no answer; without a group everybody does."""
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
def test_groups_come_in_pages_and_by_any_executor(
    mast_sandbox: Sandbox, kind: Callable[[int], ThreadPoolExecutor] | None
) -> None:
    """Pages of fifty rows are put together before they are divided."""
    positions = places(12)
    whole = Observations.query_region(positions, radius=RADIUS)
    executor = None if kind is None else kind(2)
    paged = Observations.query_region(positions, radius=RADIUS, pagesize=50, executor=executor)
    equal(whole, paged)
    if executor is not None:
        executor.shutdown()


def test_nothing_found_for_a_group_is_nothing_for_its_members(mast_sandbox: Sandbox) -> None:
    """One request tells that two places are empty."""
    with pytest.warns(NoResultsWarning):
        found = Observations.query_region(SkyCoord([100.0, 100.001], [-80.0, -80.0], unit="deg"), radius=RADIUS)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    assert found.meta["unmatched"] == [0, 1]
    assert found.colnames[:2] == ["input_row", "intentType"]
