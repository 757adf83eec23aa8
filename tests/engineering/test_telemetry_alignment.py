"""Samples of one mnemonic at the times of another agree with a search for each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.engineering.alignment import aligned, check_alignment
from astroquery_mast.engineering.samples import Samples
from astroquery_mast.exceptions import InvalidArgumentError

SECONDS = st.lists(st.integers(0, 40)).map(sorted)


def samples_at(seconds: list[int]) -> Samples:
    """Return samples with distinct values."""
    times = np.array(seconds, dtype="datetime64[s]").astype("datetime64[us]")
    return Samples(times, np.arange(len(seconds)))


def cells(found: Samples) -> list[int | None]:
    """Return the values, None where they are masked."""
    return np.ma.MaskedArray(found.values, mask=False if found.mask is None else found.mask).tolist()


@given(SECONDS, SECONDS)
def test_the_previous_sample_is_the_last_one_not_later(seconds: list[int], moments: list[int]) -> None:
    """A sample at the same time counts, and of several at one time the last one."""
    base = samples_at(moments).times
    found = aligned(samples_at(seconds), base, "previous")
    assert cells(found) == [
        max((number for number, second in enumerate(seconds) if second <= moment), default=None) for moment in moments
    ]
    assert found.times.tolist() == base.tolist()


@given(SECONDS, SECONDS)
def test_the_nearest_sample_has_the_smallest_distance(seconds: list[int], moments: list[int]) -> None:
    """Of two samples at the same distance, the earlier one is used; without samples, all values are masked."""
    found = aligned(samples_at(seconds), samples_at(moments).times, "nearest")
    for moment, number in zip(moments, cells(found), strict=True):
        if not seconds:
            assert number is None
            continue
        assert number is not None
        nearest = min(abs(second - moment) for second in seconds)
        assert seconds[number] == min(second for second in seconds if abs(second - moment) == nearest)


def test_masks_are_kept() -> None:
    """A masked sample is masked wherever it is used."""
    source = Samples(np.array([10, 20], dtype="datetime64[us]"), np.array([1, 2]), np.array([False, True]))
    found = aligned(source, np.array([5, 10, 25], dtype="datetime64[us]"), "previous")
    assert cells(found) == [None, 1, None]


@pytest.mark.parametrize("align", ["linear", "", True, 1, ["previous"]])
def test_invalid_alignments_raise(align: object) -> None:
    """The error lists the valid alignments."""
    with pytest.raises(InvalidArgumentError, match="'previous' or 'nearest'"):
        check_alignment(align)
