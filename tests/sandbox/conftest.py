"""A shared sandbox, reset before every test of this folder, and a plain `requests` session to talk to it."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Sandbox

Invoke = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A running sandbox."""
    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


@pytest.fixture(autouse=True)
def _fresh_box(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reset the sandbox before and after each test that uses it, which raises exceptions inside it."""
    if "box" not in request.fixturenames:
        yield
        return
    sandbox: Sandbox = request.getfixturevalue("box")
    sandbox.reset()
    yield
    sandbox.reset()


@pytest.fixture(scope="session")
def web() -> Iterator[requests.Session]:
    """A session that ignores proxies and credentials of the computer."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="session")
def invoke(box: Sandbox, web: requests.Session) -> Invoke:
    """Post a Mashup request and return the decoded response."""

    def post(service: str, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        request = {"service": service, "params": params or {}, "format": "json", **options}
        answer = web.post(f"{box.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=30)
        assert answer.status_code == 200
        decoded: dict[str, Any] = answer.json()
        return decoded

    return post


CasJobsCall = Callable[..., requests.Response]
#: The result of a quick query: the header, and rows of text, in which None is null.
Quick = Callable[..., tuple[list[str], list[list[str | None]]]]


@pytest.fixture(scope="session")
def casjobs(box: Sandbox, web: requests.Session) -> CasJobsCall:
    """Call an operation of CasJobs; the form contains the login of the first account by default."""

    def call(operation: str, method: str = "POST", where: Sandbox | None = None, **form: object) -> requests.Response:
        sandbox = where or box
        login = {"wsid": sandbox.casjobs_wsid, "pw": sandbox.casjobs_password}
        if operation == "GetJobs":
            login = {f"owner_{name}": value for name, value in login.items()}
        sent = {name: str(value) for name, value in {**login, **form}.items()}
        address = f"{sandbox.url}/ps1casjobs/services/jobs.asmx/{operation}"
        return web.request(method, address, timeout=60, **{"data" if method == "POST" else "params": sent})

    return call


@pytest.fixture(scope="session")
def quick(casjobs: CasJobsCall) -> Quick:
    """Run a quick query and parse its result."""

    def run(sql: str, context: str = "MYDB", **options: Any) -> tuple[list[str], list[list[str | None]]]:
        answer = casjobs("ExecuteQuickJob", qry=sql, context=context, taskname="test", isSystem="false", **options)
        assert answer.status_code == 200, answer.text
        header, *lines = (ElementTree.fromstring(answer.content).text or "").splitlines()
        rows = [[None if cell == "null" else cell for cell in line] for line in csv.reader(lines)]
        return header.split(","), rows

    return run


@pytest.fixture(scope="session")
def casjobs_refusal(casjobs: CasJobsCall) -> Callable[..., str]:
    """Run a quick query that must fail, and return the message before the trace."""

    def told(sql: str, context: str = "MYDB", **options: Any) -> str:
        answer = casjobs("ExecuteQuickJob", qry=sql, context=context, taskname="test", isSystem="false", **options)
        assert answer.status_code == 500
        found = re.match(r"System.Exception: *(.*?) *--->", answer.text, re.DOTALL)
        assert found, answer.text
        return html.unescape(found[1])

    return told
