"""Clients that keep their answers in a folder of the test."""

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
    """Give what makes a client of a class, whose folder is that of the test."""

    def made(client: type[MastClass]) -> MastClass:
        found = client()
        found.cache_location = tmp_path
        return found

    return made


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Give each kind of service."""
    return KINDS[request.param]


@pytest.fixture
def keeping(mast_sandbox: Sandbox, kind: Kind, in_folder: Maker) -> Iterator[MastClass]:
    """Give a client of this kind that keeps its answers."""
    with conf.set_temp("cache", True):
        yield in_folder(kind.client)


@pytest.fixture
def observations(mast_sandbox: Sandbox, in_folder: Maker) -> Iterator[MastClass]:
    """Give a client of observations that keeps its answers."""
    with conf.set_temp("cache", True):
        yield in_folder(ObservationsClass)
