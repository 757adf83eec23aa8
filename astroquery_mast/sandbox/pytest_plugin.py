"""The pytest fixture ``mast_sandbox``: a running mock MAST server, reset before every test.

Heavy imports are made inside the fixtures, so that test suites that do not use them are not slowed down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import Sandbox


@pytest.fixture(scope="session")
def _mast_sandbox_server() -> Iterator[Sandbox]:
    """Serve one sandbox for the entire session."""
    from .server import Sandbox  # noqa: PLC0415

    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def mast_sandbox(_mast_sandbox_server: Sandbox) -> Iterator[Sandbox]:
    """A `~astroquery_mast.sandbox.Sandbox` without faults and with an empty log, used by the configuration.

    You start logged out. Login, cloud access, and settings are restored after the test.
    An exception inside the sandbox fails the test that caused it.
    """
    from ..config import fresh_state  # noqa: PLC0415

    sandbox = _mast_sandbox_server
    sandbox.reset()
    with sandbox.in_use(), fresh_state():
        yield sandbox
    sandbox.reset()
