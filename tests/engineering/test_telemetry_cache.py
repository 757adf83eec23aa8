"""Days that are past are kept on disk, for those who ask for it, and fetched once."""

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
    """Tell whether two results are equal."""
    return one.colnames == other.colnames and all(
        np.array_equal(np.asarray(one[name]), np.asarray(other[name]))
        if name != "time"
        else (one.time == other.time).all()
        for name in one.colnames
    )


def asked(sandbox: Sandbox) -> int:
    """Return how many files were requested, and forget it."""
    number = len(sandbox.requests.of("download"))
    sandbox.requests.clear()
    return number


@pytest.mark.parametrize("name", ["SE_ZIMIRICEA", "SC_ZCMDCNTA", "ICTM_EVENT_MSG", "IMIR_HK_ACE_STATUS"])
def test_a_day_is_fetched_once(engineering: EngineeringClass, mast_sandbox: Sandbox, name: str) -> None:
    """Any other span of the same days is cut out of what is kept, with the same result as without it."""
    fetched = engineering.query_mnemonics(name, *HOURS, cache=True)
    assert asked(mast_sandbox) == 3
    assert same(fetched, engineering.query_mnemonics(name, *HOURS, cache=False))
    asked(mast_sandbox)
    assert same(fetched, engineering.query_mnemonics(name, *HOURS, cache=True))
    part = "2022-07-12T10:00:00", "2022-07-12T11:00:00"
    kept = engineering.query_mnemonics(name, *part, cache=True, brackets=True)
    assert asked(mast_sandbox) == 0
    assert same(kept, engineering.query_mnemonics(name, *part, cache=False, brackets=True))


def test_the_setting_switches_it_on(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """It is off by default, and each call may say otherwise."""
    for _ in range(2):
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
    assert asked(mast_sandbox) == 6
    with conf.set_temp("cache", True):
        for _ in range(2):
            engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
        assert asked(mast_sandbox) == 3
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=False)
        assert asked(mast_sandbox) == 3
        with cache_conf.set_temp("cache_active", False):
            engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS)
        assert asked(mast_sandbox) == 3


def test_kept_days_expire(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """As all answers that are kept do."""
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    with cache_conf.set_temp("cache_timeout", 0):
        engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert asked(mast_sandbox) == 6
    engineering.clear_cache()
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert asked(mast_sandbox) == 3


def test_the_last_days_are_not_kept(
    engineering: EngineeringClass, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their telemetry may still be arriving; the parts that are wanted are asked for, and no whole days."""
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


def test_each_mnemonic_has_days_of_its_own(engineering: EngineeringClass) -> None:
    """So has each server; the list of mnemonics is kept in the same folder."""
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    current = engineering.query_mnemonics("SE_ZIMIRFPEA", *HOURS, cache=True)
    assert current.colnames == ["time", "SE_ZIMIRFPEA"]
    assert same(current, engineering.query_mnemonics("SE_ZIMIRFPEA", *HOURS))


@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
def test_a_damaged_file_counts_as_none(engineering: EngineeringClass, mast_sandbox: Sandbox, damage: str) -> None:
    """The day is fetched again, and kept again."""
    whole = engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    for path in Path(engineering.cache_location).glob("*.zip"):
        body = path.read_bytes()
        path.write_bytes({"empty": b"", "cut": body[: len(body) // 2], "other": b"no archive"}[damage])
    asked(mast_sandbox)
    assert same(whole, engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True))
    assert asked(mast_sandbox) == 3
    engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert asked(mast_sandbox) == 0


def test_days_one_by_one_are_kept_as_well(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The loop over days and the query share them."""
    days = list(engineering.query_mnemonics_iter("SE_ZIMIRICEA", *HOURS, cache=True))
    assert asked(mast_sandbox) == 3
    whole = engineering.query_mnemonics("SE_ZIMIRICEA", *HOURS, cache=True)
    assert asked(mast_sandbox) == 0
    assert sum(map(len, days)) == len(whole)


def test_the_list_of_mnemonics_is_kept_on_disk(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Another session then need not ask for it."""
    with conf.set_temp("cache", True):
        engineering.list_mnemonics("bus")
        other = EngineeringClass()
        other.cache_location = engineering.cache_location
        assert len(other.list_mnemonics("bus")) == 1
    assert len(mast_sandbox.requests.of("viz")) == 1
