"""`MastClass.status`: which services respond, within a timeout, whatever they do."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests
from astropy import units as u
from astropy.table import Table

from astroquery_mast import Mast, MastClass, Observations, conf
from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.sandbox import Fault, Sandbox

# The endpoint of the sandbox for each service.
ENDPOINTS = {
    "queries (Mashup)": "invoke",
    "downloads": "download",
    "login": "whoami",
    "name resolver": "resolver",
    "mission search": "mission_columns",
    "Pan-STARRS catalogs": "catalogs",
    "viewer API": "viz",
    "TESScut": "tesscut",
    "Zcut": "zcut",
    "HAPcut": "hapcut",
    "TAP": "vo_tap",
    "VO registry": "vo_registry",
    "VO images": "vo_sia",
    "VO spectra": "vo_ssa",
    "VO cone search": "vo_cone",
    "CasJobs": "casjobs",
    "program pages": "program",
    "HLA spectra": "hla",
    "cloud": "cloud",
}
# For services whose response is a web page or only a header, a maintenance page looks like any other.
PAGES = {"program pages", "HLA spectra"}
ENOUGH = 60


def statuses(table: Table) -> dict[str, str]:
    """Return service → status."""
    return dict(zip(table["service"].tolist(), table["status"].tolist(), strict=True))


def all_with(sandbox: Sandbox, fault: Fault) -> None:
    """Let every service fail in the same way."""
    for endpoint in ENDPOINTS.values():
        sandbox.faults.add(endpoint, fault, times=None)


def test_all_services_of_a_healthy_archive_are_ok(mast_sandbox: Sandbox) -> None:
    """Each service gets one small request, and is ok."""
    table = Observations.status(timeout=ENOUGH)
    assert statuses(table) == dict.fromkeys(ENDPOINTS, "ok")
    assert Counter(each.endpoint for each in mast_sandbox.requests) == Counter(ENDPOINTS.values())
    assert set(table["message"].tolist()) == {""}
    assert not table["time"].mask.any()
    assert table["time"].unit == u.ms
    assert table.meta == {"server": mast_sandbox.url, "timeout": ENOUGH}


FAULTS = {
    "an error": Fault.status(503),
    "a server that asks for a pause": Fault.status(429, retry_after=600),
    "a broken connection": Fault.reset(),
    "a firewall": Fault.answer(b"<html>Request unsuccessful.</html>", status=403, content_type="text/html"),
}


# Every service with one fault, and some services with all; a bucket without permission to list it is ok, too.
TOLD = [(service, "an error") for service in ENDPOINTS]
TOLD += [(service, name) for service in ("queries (Mashup)", "downloads", "CasJobs", "HLA spectra") for name in FAULTS]


@pytest.mark.parametrize(("service", "name"), sorted(set(TOLD)))
def test_only_the_failing_service_is_reported(mast_sandbox: Sandbox, service: str, name: str) -> None:
    """Only the failing service has a failure; it gets one request, and the message gives the reason."""
    mast_sandbox.faults.add(ENDPOINTS[service], FAULTS[name], times=None)
    table = Observations.status(timeout=ENOUGH)
    assert statuses(table) == {**dict.fromkeys(ENDPOINTS, "ok"), service: "failed"}
    (message,) = table["message"][table["service"] == service].tolist()
    assert message.startswith(service)
    assert "Tried" not in message
    assert len(mast_sandbox.requests.of(ENDPOINTS[service])) == 1


def test_a_web_page_instead_of_data_is_a_failure(mast_sandbox: Sandbox) -> None:
    """A maintenance page with status 200 is a failure."""
    all_with(mast_sandbox, Fault.garbage())
    found = statuses(Observations.status(timeout=ENOUGH))
    assert found == {service: "ok" if service in PAGES else "failed" for service in ENDPOINTS}


def test_an_error_of_the_database_is_a_failure(mast_sandbox: Sandbox) -> None:
    """A response of Mashup with status 200 may contain an error."""
    mast_sandbox.faults.add("invoke", Fault.error("The database is down"))
    table = Observations.status(timeout=ENOUGH)
    assert statuses(table)["queries (Mashup)"] == "failed"
    assert "The database is down" in table["message"][0]


def test_a_busy_service_is_ok(mast_sandbox: Sandbox) -> None:
    """A service that is still executing the query responds."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    assert statuses(Observations.status(timeout=ENOUGH))["queries (Mashup)"] == "ok"


def test_silent_services_time_out_together(mast_sandbox: Sandbox) -> None:
    """Services without a response share one timeout, and no error is raised."""
    all_with(mast_sandbox, Fault.delay(600))
    table = Observations.status(timeout=0.3)
    assert statuses(table) == dict.fromkeys(ENDPOINTS, "timed out")
    assert table["time"].mask.all()
    assert set(table["message"].tolist()) == {"No response within 0.3 s."}


class Stuck(requests.Session):
    """A session that blocks where the deadline has no effect, as in a DNS lookup."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.ended: list[str] = []

    def request(self, method: Any, url: Any, *args: Any, **keywords: Any) -> requests.Response:
        """Wait until the end of the test."""
        self.go_on.wait(600)
        self.ended.append(str(url))
        raise requests.exceptions.ConnectionError("too late")


def test_blocked_requests_are_not_waited_for() -> None:
    """The table is returned in time, while the blocked requests are still running."""
    session = Stuck()
    try:
        table = MastClass(session=session).status(timeout=0.2)
        assert session.ended == []
    finally:
        session.go_on.set()
    assert set(table["status"].tolist()) == {"timed out"}


def test_no_token_is_sent(mast_sandbox: Sandbox) -> None:
    """The requests of a user who is logged in are anonymous."""
    Mast.login(mast_sandbox.token)
    before = len(mast_sandbox.requests)
    Mast.status(timeout=ENOUGH)
    assert len(mast_sandbox.requests) == before + len(ENDPOINTS)
    assert not any("authorization" in each.headers for each in mast_sandbox.requests[before:])


def test_requested_pauses_do_not_affect_the_status(mast_sandbox: Sandbox) -> None:
    """The status does not wait for pauses of other calls, and does not make other calls pause."""
    all_with(mast_sandbox, Fault.status(429, retry_after=600))
    Observations.status(timeout=ENOUGH)
    mast_sandbox.faults.clear()
    assert Observations.query_criteria_count(proposal_id=10452, timeout=ENOUGH) == 126
    assert set(statuses(Observations.status(timeout=ENOUGH)).values()) == {"ok"}


def test_addresses_without_a_server_are_failures(mast_sandbox: Sandbox) -> None:
    """The row describes the failure if no server listens, or the address is not valid."""
    with conf.set_temp("casjobs_server", "http://127.0.0.1:9"), conf.set_temp("gsss_server", "nonsense"):
        table = Observations.status(timeout=ENOUGH)
    found = statuses(table)
    assert {service for service, status in found.items() if status != "ok"} == {"CasJobs", "VO cone search"}
    assert "could not be reached" in table["message"][table["service"] == "CasJobs"][0]


@pytest.mark.parametrize("timeout", [0, -1, "soon", [1, 2]])
def test_an_invalid_timeout_raises(mast_sandbox: Sandbox, timeout: Any) -> None:
    """The timeout is checked before anything is sent."""
    with pytest.raises(InvalidArgumentError, match="timeout"):
        Observations.status(timeout=timeout)
    assert not mast_sandbox.requests


@pytest.mark.parametrize("given", [None, 30, 30 * u.s, "0.5 min"])
def test_the_timeout_may_be_given_in_any_form(mast_sandbox: Sandbox, given: Any) -> None:
    """The default is five seconds; a quantity or text is valid, too."""
    assert Observations.status(timeout=given).meta["timeout"] == (5 if given is None else 30)


def test_every_client_has_the_status(mast_sandbox: Sandbox) -> None:
    """All clients have the method."""
    from astroquery_mast import VO, CasJobs, Catalogs, JwstFiles, MastMissions, Tesscut

    methods: list[Callable[..., Table]] = [each.status for each in (VO, CasJobs, Catalogs, JwstFiles, MastMissions)]
    assert all(len(method(timeout=ENOUGH)) == len(ENDPOINTS) for method in [*methods, Tesscut.status])
