"""DataScope: results that grow from poll to poll."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import requests
from astropy.table import Table

from astroquery_mast.sandbox.vo import datascope

CONE = {"ra": 202.4691, "dec": 47.1997, "radius": 0.1}
SERVICE = "Vo.Hesarc.DatascopeListable"


def test_the_result_grows_from_poll_to_poll(invoke: Callable[..., Any]) -> None:
    """The first response has no rows, each later one has more, and the last one is complete."""
    answers = [invoke(SERVICE, CONE, cacheBreaker="a") for _ in range(4)]
    assert [answer["status"] for answer in answers] == ["EXECUTING"] * 3 + ["COMPLETE"]
    assert "fields" not in answers[0]
    sizes = [len(answer["data"]) for answer in answers[1:]]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    assert [answer["percent complete"] for answer in answers] == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_another_cache_breaker_starts_a_new_query(invoke: Callable[..., Any]) -> None:
    """A client that changes it for each poll never gets a complete result."""
    assert {invoke(SERVICE, CONE, cacheBreaker=f"b{poll}")["percent complete"] for poll in range(6)} == {0}


def test_a_query_without_polls_is_dropped(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten minutes without a poll the query starts again."""
    for _ in range(3):
        invoke(SERVICE, CONE, cacheBreaker="c")
    monkeypatch.setattr(datascope, "_PATIENCE", -1.0)
    assert invoke(SERVICE, CONE, cacheBreaker="c")["percent complete"] == 0


def test_each_resource_has_the_stated_hits(invoke: Callable[..., Any], web: requests.Session) -> None:
    """The URL of a resource returns a VOTable from a service of its kind."""
    for _ in range(4):
        answer = invoke(SERVICE, CONE, cacheBreaker="d")
    rows = {row["capabilityClass"]: row for row in answer["data"]}
    assert set(rows) == {"ConeSearch", "SimpleImageAccess", "SimpleSpectralAccess"}
    for kind, row in rows.items():
        assert row["shortName"] in row["tableURL"]
        table = Table.read(io.BytesIO(web.get(row["tableURL"], timeout=30).content), format="votable")
        assert len(table) == row["hits"] or (kind == "SimpleImageAccess" and len(table) >= row["hits"])


def test_an_invalid_cone_is_refused(invoke: Callable[..., Any]) -> None:
    """An invalid cone is an error in the first response."""
    assert invoke(SERVICE, {"ra": 1, "dec": 100})["status"] == "ERROR"
    assert invoke(SERVICE, {"dec": 10})["status"] == "ERROR"
