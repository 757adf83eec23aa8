"""The JWST Engineering Database of the real archive."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u

from astroquery_mast import EngineeringClass

pytestmark = pytest.mark.remote_data

Engineering = EngineeringClass()


def test_mnemonics_are_listed() -> None:
    """The mnemonics are listed, including the position of the fine steering mirror."""
    table = Engineering.list_mnemonics()
    assert len(table) > 100
    row = Engineering.get_mnemonic_info("so_zfxposns")[0]
    assert row["unit"] == "rad"


def test_days_are_joined_without_losing_samples() -> None:
    """Two days together have the samples of each day, except for samples exactly at midnight."""
    name, (first, middle, last) = "SE_ZIMIRICEA", ("2022-07-12", "2022-07-13", "2022-07-14")
    whole = Engineering.query_mnemonics(name, first, last, verbose=False)
    halves = [Engineering.query_mnemonics(name, *ends, verbose=False) for ends in ((first, middle), (middle, last))]
    at_midnight = int(np.count_nonzero(halves[0].time == halves[0].time[-1])) if halves[0].time[-1] == middle else 0
    assert len(whole) == sum(map(len, halves)) - at_midnight
    assert (np.diff(whole.time.mjd) >= 0).all()
    assert whole[name].unit == u.A


def test_samples_around_the_time_range_are_returned_on_request() -> None:
    """MAST adds a sample before and after the time range, which are returned only on request."""
    span = "2022-07-12T06:00:00", "2022-07-12T06:10:00"
    inside = Engineering.query_mnemonics("SE_ZIMIRICEA", *span, verbose=False)
    wider = Engineering.query_mnemonics("SE_ZIMIRICEA", *span, brackets=True, verbose=False)
    assert len(wider) == len(inside) + 2
    assert wider.time[0].isot < span[0] <= inside.time[0].isot
    assert inside.time[-1].isot <= f"{span[1]}.000000"
    assert wider.time[-1].isot > span[1]


def test_messages_are_text_with_commas() -> None:
    """Messages of onboard scripts are text, including commas."""
    log = Engineering.query_mnemonics("ICTM_EVENT_MSG", "2022-07-12", "2022-07-12T12:00", verbose=False)
    assert log["ICTM_EVENT_MSG"].dtype.kind == "U"
    assert any("," in message for message in log["ICTM_EVENT_MSG"])
