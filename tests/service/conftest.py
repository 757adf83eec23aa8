"""Clients that cache their responses in a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept_answers import KINDS, Kind

from astroquery_mast import MastClass, ObservationsClass, conf
from astroquery_mast.sandbox import Sandbox

Maker = Callable[[type[MastClass]], MastClass]


@pytest.fixture
def in_folder(tmp_path: Path) -> Maker:
    """Return a function that creates a client of a class, whose cache folder is that of the test."""

    def made(client: type[MastClass]) -> MastClass:
        found = client()
        found.cache_location = tmp_path
        return found

    return made


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Return each kind of service."""
    return KINDS[request.param]


@pytest.fixture
def keeping(mast_sandbox: Sandbox, kind: Kind, in_folder: Maker) -> Iterator[MastClass]:
    """Return a client of this kind that caches its responses."""
    with conf.set_temp("cache", True):
        yield in_folder(kind.client)


@pytest.fixture
def observations(mast_sandbox: Sandbox, in_folder: Maker) -> Iterator[MastClass]:
    """Return a client of observations that caches its responses."""
    with conf.set_temp("cache", True):
        yield in_folder(ObservationsClass)
