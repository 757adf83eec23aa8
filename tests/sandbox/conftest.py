"""One sandbox for the tests of this folder, fresh before every test, and plain `requests` to talk to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from astroquery_mast.sandbox import Sandbox

Invoke = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A running sandbox."""
    sandbox = Sandbox().start()
    yield sandbox
    sandbox.stop()


@pytest.fixture(autouse=True)
def _fresh_box(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clear log and faults around each test that uses the sandbox, and raise what went wrong inside it."""
    if "box" not in request.fixturenames:
        yield
        return
    sandbox: Sandbox = request.getfixturevalue("box")
    sandbox.reset()
    yield
    sandbox.reset()


@pytest.fixture(scope="session")
def web() -> Iterator[requests.Session]:
    """A session that ignores proxies and credentials of the machine it runs on."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="session")
def invoke(box: Sandbox, web: requests.Session) -> Invoke:
    """Post one Mashup request and return the decoded answer."""

    def post(service: str, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        request = {"service": service, "params": params or {}, "format": "json", **options}
        answer = web.post(f"{box.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=30)
        assert answer.status_code == 200
        decoded: dict[str, Any] = answer.json()
        return decoded

    return post
