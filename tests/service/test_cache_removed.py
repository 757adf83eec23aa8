"""When cached responses are removed: they expire, are cleared, or are replaced."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astroquery import cache_conf
from kept_answers import GALEX, Kind, asked, kept

from astroquery_mast import MastClass, ObservationsClass
from astroquery_mast.sandbox import Sandbox


def test_cached_responses_expire(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """After astroquery's cache_timeout, the request is sent again; never if that is -1."""
    observations.query_criteria(**GALEX)
    (path,) = kept(observations)
    old = time.time() - 1000
    os.utime(path, (old, old))
    with cache_conf.set_temp("cache_timeout", -1):
        observations.query_criteria(**GALEX)
    with cache_conf.set_temp("cache_timeout", 1100):
        observations.query_criteria(**GALEX)
    assert asked(mast_sandbox) == 1
    with cache_conf.set_temp("cache_timeout", 900):
        observations.query_criteria(**GALEX)
        assert asked(mast_sandbox) == 1
        observations.query_criteria(**GALEX)
    assert asked(mast_sandbox) == 0
    assert kept(observations) == [path]


def test_expired_responses_are_removed(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """Caching a response removes expired ones, and partial files of killed processes; other files are not removed."""
    observations.query_criteria(**GALEX)
    (path,) = kept(observations)
    folder = path.parent
    left, foreign = folder / "tmp1234.mast.part", folder / "mine.pickle"
    for each in left, foreign:
        each.write_bytes(b"x")
    for each in path, left, foreign:
        os.utime(each, (1e9, 1e9))
    observations.query_criteria(obs_collection="FUSE")
    assert len(kept(observations)) == 2
    assert foreign.exists()
    assert not path.exists()


def test_clear_cache_removes_all_responses(mast_sandbox: Sandbox, kind: Kind, keeping: MastClass) -> None:
    """The responses that astroquery caches in the same folder are removed, too."""
    folder = Path(keeping.cache_location)
    (folder / "other.pickle").write_bytes(b"x")
    (folder / "mine.txt").write_bytes(b"x")
    kind.ask(keeping)
    keeping.clear_cache()
    assert [path.name for path in kept(keeping)] == ["mine.txt"]
    kind.ask(keeping)
    assert asked(mast_sandbox) == 2


def test_clearcache_replaces_the_cached_response(
    mast_sandbox: Sandbox, in_folder: Callable[[type[MastClass]], Any]
) -> None:
    """The property that bypasses MAST's cache bypasses this one, too."""
    client = in_folder(MastClass)
    for clear in (False, True, False):
        client.service_request("Mast.Missions.List", {}, cache=True, clearcache=clear)
    assert asked(mast_sandbox) == 2
    assert len(kept(client)) == 1
