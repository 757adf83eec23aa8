"""A logged-in CasJobs client on the sandbox, and sandboxes with a short time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests
from casjobs_users import InterruptingAdapter, Where, logged_in

from astroquery_mast import CasJobsClass
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def casjobs(mast_sandbox: Sandbox) -> CasJobsClass:
    """Yield a client that is logged in; the log of requests starts after the login."""
    client = logged_in(mast_sandbox)
    mast_sandbox.requests.clear()
    return client


@pytest.fixture
def operation() -> Callable[[str], Where]:
    """Return a function that returns a condition for the requests of one operation."""
    return lambda name: lambda record: record.path.endswith(f"/{name}")


@pytest.fixture
def operations(mast_sandbox: Sandbox) -> Callable[[], list[str]]:
    """Return a function that lists the operations that were called since the login."""
    return lambda: [record.path.rpartition("/")[2] for record in mast_sandbox.requests.of("casjobs")]


@pytest.fixture
def hasty() -> Iterator[Sandbox]:
    """Yield a sandbox whose quick queue only has time for small queries."""
    with ExitStack() as stack:
        yield stack.enter_context(Sandbox(casjobs_quick_seconds=0.01))


@pytest.fixture
def interrupted() -> Callable[..., requests.Session]:
    """Return a function that creates a session with Ctrl-C during an operation."""

    def made(operation: str, *, arrives: bool = False) -> requests.Session:
        session = requests.Session()
        session.mount("http://", InterruptingAdapter(f"/{operation}", arrives=arrives))
        return session

    return made
