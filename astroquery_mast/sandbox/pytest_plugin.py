"""The fixture ``mast_sandbox`` for anybody's tests: a running MAST in a box, fresh for every test.

Everything heavy is imported inside the fixtures, so that test suites which do not use them pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import Sandbox


@pytest.fixture(scope="session")
def _mast_sandbox_server() -> Iterator[Sandbox]:
    """Serve one sandbox for the whole session."""
    from .server import Sandbox  # noqa: PLC0415

    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def mast_sandbox(_mast_sandbox_server: Sandbox) -> Iterator[Sandbox]:
    """A `~astroquery_mast.sandbox.Sandbox` without faults and with an empty log, to which the configuration points.

    Nobody is logged in at its start; login, cloud and settings are afterwards what they were before.
    An exception inside the sandbox fails the test that caused it.
    """
    from ..config import fresh_state  # noqa: PLC0415

    sandbox = _mast_sandbox_server
    sandbox.reset()
    with sandbox.in_use(), fresh_state():
        yield sandbox
    sandbox.reset()
