"""Tests of the real archive use the usual waiting times and the token in the environment.

With ``REMOTE_TESTS_AT=sandbox`` they run on a sandbox instead, to check that they work.  Tests that need what only the
real archive has are marked ``real_only`` and skipped in this case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

AT_SANDBOX = os.environ.get("REMOTE_TESTS_AT") == "sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of these tests."""
    config.addinivalue_line("markers", "real_only: needs what the sandbox does not have")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that a sandbox does not support."""
    for item in items:
        if AT_SANDBOX and item.get_closest_marker("real_only"):
            item.add_marker(pytest.mark.skip(reason="needs what the sandbox does not have"))


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Keep the usual waiting times between polls."""


@pytest.fixture(autouse=True)
def nobody_logged_in() -> None:
    """Keep the token in the environment."""


@pytest.fixture(scope="session", autouse=True)
def archive() -> Iterator[None]:
    """Run a sandbox in place of the archive if requested."""
    if not AT_SANDBOX:
        yield
        return
    from astroquery_mast.sandbox import Sandbox

    with Sandbox():
        yield
