"""The fixture ``mast_sandbox`` for anybody's tests: a running MAST in a box, fresh for every test.

Everything heavy is imported inside the fixtures, so that test suites which do not use them pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import Sandbox


@pytest.fixture(scope="session")
def _mast_sandbox_server() -> Iterator[Sandbox]:
    """Serve one sandbox for the whole session."""
    from .server import Sandbox  # noqa: PLC0415

    sandbox = Sandbox().start()
    yield sandbox
    sandbox.stop()


@contextmanager
def _as_before() -> Iterator[None]:
    """Put back the login that clients share, the settings, and whether files come from the cloud."""
    # Imported here: the sandbox is written from the protocol and shares nothing else with the client.
    from .. import Observations, conf  # noqa: PLC0415
    from ..service.token import SHARED  # noqa: PLC0415

    settings = {name: getattr(conf, name) for name in conf}
    cloud, Observations._cloud.enabled = Observations._cloud.enabled, False
    try:
        with SHARED.set_aside():
            yield
    finally:
        Observations._cloud.enabled = cloud
        for name, value in settings.items():
            if getattr(conf, name) != value:
                setattr(conf, name, value)


@pytest.fixture
def mast_sandbox(_mast_sandbox_server: Sandbox) -> Iterator[Sandbox]:
    """A `~astroquery_mast.sandbox.Sandbox` without faults and with an empty log, to which the configuration points.

    Nobody is logged in at its start; login, cloud and settings are afterwards what they were before.
    An exception inside the sandbox fails the test that caused it.
    """
    sandbox = _mast_sandbox_server
    sandbox.reset()
    with sandbox.in_use(), _as_before():
        yield sandbox
    sandbox.reset()
