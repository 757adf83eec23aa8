"""Tests against the real archive wait as long as users do, and use the token of whoever runs them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_waiting() -> None:
    """Wait between polls, as the archive asks."""


@pytest.fixture(autouse=True)
def nobody_logged_in() -> None:
    """Leave the environment's token in place."""
