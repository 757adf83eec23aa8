"""Past days are cached on request, and retrieved once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.timeseries import TimeSeries
from astroquery import cache_conf

from astroquery_mast import EngineeringClass, conf
from astroquery_mast.engineering import spans
from astroquery_mast.sandbox import Sandbox

HOURS = ("2022-07-11T20:00:00", "2022-07-13T04:30:00")


def same(one: TimeSeries, other: TimeSeries) -> bool:
    """Return whether two results are equal."""
    return one.colnames == other.colnames and all(
        np.array_equal(np.asarray(one[name]), np.asarray(other[name]))
        if name != "time"
        else (one.time == other.time).all()
        for name in one.colnames
    )


def requested_files(sandbox: Sandbox) -> int:
    """Return the number of files requested since the last call."""
    number = len(sandbox.requests.of("download"))
    sandbox.requests.clear()
    return number


@pytest.mark.parametrize("name", ["SE_ZIMIRICEA", "SC_ZCMDCNTA", "ICTM_EVENT_MSG", "IMIR_HK_ACE_STATUS"])
def test_a_day_is_retrieved_once(engineering: EngineeringClass, mast_sandbox: Sandbox, name: str) -> None:
    """Other spans of the same days are taken from the cache, with the same result as without it."""
    fetched = engineering.query_mnemonics(name, *HOURS, cache=True)
    assert requested_files(mast_sandbox) == 3
    assert same(fetched, engineering.query_mnemonics(name, *HOURS, cache=False))
    requested_files(mast_sandbox)
    assert same(fetched, engineering.query_mnemonics(name, *HOURS, cache=True))
    part = "2022-07-12T10:00:00", "2022-07-12T11:00:00"
    kept = engineering.query_mnemonics(name, *part, cache=True, brackets=True)
    assert requested_files(mast_sandbox) == 0
    assert same(kept, engineering.query_mnemonics(name, *part, cache=False, brackets=True))


def test_the_setting_enables_the_cache(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The cache is off by default, and the argument of a call takes precedence."""
    for _ in range(2):
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
    assert requested_files(mast_sandbox) == 6
    with conf.set_temp("cache", True):
        for _ in range(2):
            engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
        assert requested_files(mast_sandbox) == 3
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=False)
        assert requested_files(mast_sandbox) == 3
        with cache_conf.set_temp("cache_active", False):
            engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
        assert requested_files(mast_sandbox) == 3


def test_cached_days_expire(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Days expire like all cached results."""
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    with cache_conf.set_temp("cache_timeout", 0):
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert requested_files(mast_sandbox) == 6
    engineering.clear_cache()
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert requested_files(mast_sandbox) == 3


def test_recent_days_are_not_cached(
    engineering: EngineeringClass, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their telemetry may be incomplete, so that only the wanted parts are requested, and not complete days."""
    monkeypatch.setattr(spans, "current_time", lambda: np.datetime64("2022-07-19T12:00:00", "us"))
    for _ in range(2):
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    names = [str(record.value("uri"))[-35:-4] for record in mast_sandbox.requests.of("download")]
    assert sorted(names) == [
        "20220711T000000-20220712T000000",
        "20220712T000000-20220713T000000",
        "20220712T000000-20220713T000000",
        "20220713T000000-20220713T043000",
        "20220713T000000-20220713T043000",
    ]


def test_each_mnemonic_is_cached_separately(engineering: EngineeringClass) -> None:
    """The same is true for each server; the list of mnemonics is cached in the same folder."""
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    current = engineering.query_mnemonics("SE_ZIMIRFPEA", *HOURS, cache=True)
    assert current.colnames == ["time", "SE_ZIMIRFPEA"]
    assert same(current, engineering.query_mnemonics("SE_ZIMIRFPEA", *HOURS))


@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
def test_a_damaged_file_is_replaced(engineering: EngineeringClass, mast_sandbox: Sandbox, damage: str) -> None:
    """The day is retrieved and cached again."""
    whole = engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    for path in Path(engineering.cache_location).glob("*.zip"):
        body = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": body[: len(body) // 2], "other": b"no archive"}[damage])
    requested_files(mast_sandbox)
    assert same(whole, engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True))
    assert requested_files(mast_sandbox) == 3
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert requested_files(mast_sandbox) == 0


def test_the_iterator_uses_the_cache(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The iterator over days and the query share the cached days."""
    days = list(engineering.query_mnemonics_iter("SE_ZIMIRICEA", *HOURS, cache=True))
    assert requested_files(mast_sandbox) == 3
    whole = engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert requested_files(mast_sandbox) == 0
    assert sum(map(len, days)) == len(whole)


def test_the_list_of_mnemonics_is_cached(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Another session does not request the list again."""
    with conf.set_temp("cache", True):
        engineering.list_mnemonics("bus")
        other = EngineeringClass()
        other.cache_location = engineering.cache_location
        assert len(other.list_mnemonics("bus")) == 1
    assert len(mast_sandbox.requests.of("viz")) == 1
