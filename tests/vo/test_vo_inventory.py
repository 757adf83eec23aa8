"""DataScope: results received so far are returned, however the call ends."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from astroquery_mast import VO
from astroquery_mast.exceptions import (
    IncompleteResultError,
    InvalidArgumentError,
    MaxResultsWarning,
    NoResultsWarning,
    QueryTimeoutError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import retrying

PLACE = "202.4696 47.1952"


def at_poll(mast_sandbox: Sandbox, number: int, fault: Fault) -> None:
    """Add a fault for a poll and all later ones."""
    later = {"where": lambda _record: len(mast_sandbox.requests.of("invoke")) >= number}
    mast_sandbox.faults.add("invoke", fault, times=None, **later)


def test_the_call_waits_for_all_resources(mast_sandbox: Sandbox) -> None:
    """The same request is sent until the result is complete."""
    found = VO.inventory(PLACE, "6 arcmin")
    assert found.meta["complete"]
    assert {"ConeSearch", "SimpleImageAccess"} <= set(found["capabilityClass"])
    sent = mast_sandbox.requests.of("invoke")
    assert len(sent) == 4
    assert len({(record.mashup or {})["cacheBreaker"] for record in sent}) == 1


def test_wrong_counts_in_partial_results_are_ignored(mast_sandbox: Sandbox) -> None:
    """Only the complete result must have the announced number of rows."""

    def lose_a_row(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "data": answer["data"][1:]} if answer.get("data") else answer

    def is_part(_record: Any) -> bool:
        return len(mast_sandbox.requests.of("invoke")) < 4

    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), times=None, where=is_part)
    assert VO.inventory(PLACE, "6 arcmin").meta["complete"]
    mast_sandbox.faults.add("invoke", Fault.edit(lose_a_row), times=None)
    with pytest.raises(IncompleteResultError):
        VO.inventory(PLACE, "6 arcmin")


def test_a_timeout_returns_the_resources_received(mast_sandbox: Sandbox) -> None:
    """The result has a warning and a flag in its metadata."""
    VO.inventory(PLACE, "6 arcmin")  # lets the sandbox create its catalogs
    mast_sandbox.requests.clear()
    at_poll(mast_sandbox, 4, Fault.delay(30))
    with pytest.warns(MaxResultsWarning, match=r"more than these \d+ resources: Timeout limit of 2 s"):
        found = VO.inventory(PLACE, "6 arcmin", timeout=2)
    assert not found.meta["complete"]
    assert 0 < len(found) < 16


def test_ctrl_c_returns_the_resources_received(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a warning; an interrupt before the first result is raised."""
    stop_after = {"polls": 3}

    def pause(_seconds: float, _stopped: threading.Event) -> None:
        if len(mast_sandbox.requests.of("invoke")) >= stop_after["polls"]:
            raise KeyboardInterrupt

    monkeypatch.setattr(retrying, "pause", pause)
    with pytest.warns(MaxResultsWarning, match="interrupted"):
        found = VO.inventory(PLACE, "6 arcmin")
    assert len(found) > 0
    mast_sandbox.reset()
    stop_after["polls"] = 1
    with pytest.raises(KeyboardInterrupt):
        VO.inventory(PLACE, "6 arcmin")


def test_a_later_failure_returns_the_resources_received(mast_sandbox: Sandbox) -> None:
    """If a service fails later, the last partial result is returned; if it never responds, the error is raised."""
    at_poll(mast_sandbox, 4, Fault.status(500))
    with pytest.warns(MaxResultsWarning, match="HTTP 500"):
        assert len(VO.inventory(PLACE, "6 arcmin")) > 0
    mast_sandbox.reset()
    at_poll(mast_sandbox, 1, Fault.status(500))
    with pytest.raises(ServerError):
        VO.inventory(PLACE, "6 arcmin")
    mast_sandbox.reset()
    at_poll(mast_sandbox, 1, Fault.executing())
    with pytest.raises(QueryTimeoutError):
        VO.inventory(PLACE, "6 arcmin", timeout=0.2)


def test_the_number_of_resources_is_logged(mast_sandbox: Sandbox, caplog: Any) -> None:
    """With verbose, each partial result with more rows is logged."""
    VO.inventory(PLACE, "6 arcmin", verbose=True)
    messages = [record.getMessage() for record in caplog.records if "so far" in record.getMessage()]
    assert len(messages) == 3


def test_an_empty_result_causes_a_warning(mast_sandbox: Sandbox) -> None:
    """The warning is the same as for other queries."""
    with pytest.warns(NoResultsWarning):
        assert len(VO.inventory("100 60", "1 arcsec")) == 0


def test_an_invalid_position_is_not_sent(mast_sandbox: Sandbox) -> None:
    """Invalid input raises an error before a request, and the payload can be inspected."""
    with pytest.raises(InvalidArgumentError):
        VO.inventory(None, "6 arcmin")
    with pytest.raises(InvalidArgumentError):
        VO.inventory(PLACE, "6 arcmin", timeout=-1)
    payload = VO.inventory(PLACE, "6 arcmin", get_query_payload=True)
    assert isinstance(payload, dict)
    assert payload["service"] == "Vo.Hesarc.DatascopeListable"
    assert payload["params"] == {"ra": 202.4696, "dec": 47.1952, "radius": 0.1}
    assert len(mast_sandbox.requests) == 0
