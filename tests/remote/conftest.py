"""Tests against the real archive wait as long as users do, and use the token of whoever runs them.

``REMOTE_TESTS_AT=sandbox`` sends them to a sandbox instead, to see that they run; those that ask for what only the real
archive has are marked ``real_only`` and left out then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

AT_SANDBOX = os.environ.get("REMOTE_TESTS_AT") == "sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of these tests."""
    config.addinivalue_line("markers", "real_only: asks for what the sandbox does not have")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what a sandbox cannot answer."""
    for item in items:
        if AT_SANDBOX and item.get_closest_marker("real_only"):
            item.add_marker(pytest.mark.skip(reason="asks for what the sandbox does not have"))


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Wait between polls, as the archive asks."""


@pytest.fixture(autouse=True)
def nobody_logged_in() -> None:
    """Leave the environment's token in place."""


@pytest.fixture(scope="session", autouse=True)
def archive() -> Iterator[None]:
    """Serve a sandbox in place of the archive, if that is wanted."""
    if not AT_SANDBOX:
        yield
        return
    from astroquery_mast.sandbox import Sandbox

    with Sandbox():
        yield
