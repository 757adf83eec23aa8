"""Days of telemetry are joined without lost or duplicate samples, for random samples, spans and divisions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.engineering.joining import (
    changed,
    day_parts,
    parts_of,
    within_span,
    without_repetitions,
)
from astroquery_mast.engineering.samples import Samples, join_samples
from astroquery_mast.engineering.spans import TimeSpan, is_whole_day, merged_spans

EPOCH = np.datetime64("2022-07-12T00:00:00", "us")
SECOND, DAY = 1_000_000, 86_400_000_000
# A time is a day and a time of that day, which is often at or near a boundary between parts.
MOMENTS = st.builds(
    lambda day, offset: day * DAY + offset,
    st.integers(0, 4),
    st.one_of(st.sampled_from([0, 1, -1, SECOND, SECOND - 1, DAY // 2, DAY // 2 + 500_000]), st.integers(0, DAY - 1)),
)
SPANS = st.tuples(MOMENTS, MOMENTS).filter(lambda ends: ends[0] != ends[1]).map(sorted)


def at(microseconds: int) -> np.datetime64:
    """Return a time."""
    return EPOCH + np.timedelta64(microseconds, "us")


def archive_of(moments: Sequence[int], repeats: int = 0) -> Samples:
    """Return all samples of the archive, with distinct values, or with a few different ones."""
    times = np.array([at(moment) for moment in sorted(moments)], dtype="datetime64[us]")
    numbers = np.arange(len(times))
    return Samples(times, numbers // repeats if repeats else numbers)


def response(archive: Samples, requested: TimeSpan) -> Samples:
    """Return the response of MAST: the samples of a span, with the one before it and the one after it."""
    inside = (archive.times >= requested.start) & (archive.times <= requested.end)
    rows = np.flatnonzero(inside)
    before = np.flatnonzero(archive.times < requested.start)[-1:]
    after = np.flatnonzero(archive.times > requested.end)[:1]
    return archive[np.concatenate([before, rows, after])]


def expected(archive: Samples, span: TimeSpan, *, brackets: bool) -> list[int]:
    """Return the indices of the samples that a user expects."""
    inside = (archive.times >= span.start) & (archive.times <= span.end)
    before = np.flatnonzero(archive.times < span.start)[-1:] if brackets else []
    after = np.flatnonzero(archive.times > span.end)[:1] if brackets else []
    return [*map(int, before), *np.flatnonzero(inside).tolist(), *map(int, after)]


@given(st.lists(MOMENTS), SPANS, st.lists(MOMENTS), st.booleans())
def test_no_sample_is_lost_or_duplicated_for_any_division(
    moments: list[int], ends: list[int], cuts: list[int], brackets: bool
) -> None:
    """The samples may have equal times, be exactly at a boundary, or be missing in a part."""
    archive, span = archive_of(moments), TimeSpan(at(ends[0]), at(ends[1]))
    inner = [at(cut) for cut in sorted(set(cuts)) if ends[0] < cut < ends[1]]
    parts = parts_of(span, inner)
    joined = join_samples([part.own_samples(response(archive, part.requested)) for part in parts])
    found = within_span(joined, span, brackets=brackets)
    assert found.values.tolist() == expected(archive, span, brackets=brackets)


@given(st.lists(MOMENTS), SPANS, st.booleans(), st.none() | MOMENTS)
def test_no_sample_is_lost_or_duplicated_between_days(
    moments: list[int], ends: list[int], brackets: bool, whole_before: int | None
) -> None:
    """The requests may be for parts of days, or for complete days up to some time."""
    archive, span = archive_of(moments), TimeSpan(at(ends[0]), at(ends[1]))
    limit = None if whole_before is None else at(whole_before)
    parts = day_parts(span, limit)
    joined = join_samples([part.own_samples(response(archive, part.requested)) for part in parts])
    found = within_span(joined, span, brackets=brackets)
    assert found.values.tolist() == expected(archive, span, brackets=brackets)
    for part in parts:
        assert part.requested.start <= part.span.start < part.span.end <= part.requested.end
        midnight = part.span.start.astype("datetime64[D]") + np.timedelta64(1, "D")
        assert limit is None or midnight > limit or is_whole_day(part.requested)
        for moment in (part.requested.start, part.requested.end):
            assert moment == moment.astype("datetime64[s]")


@given(st.lists(MOMENTS), SPANS, st.booleans(), st.integers(1, 4))
def test_changes_are_the_same_for_parts_and_the_entire_span(
    moments: list[int], ends: list[int], brackets: bool, repeats: int
) -> None:
    """Removing repetitions day by day before the parts are joined gives the same result."""
    archive, span = archive_of(moments, repeats), TimeSpan(at(ends[0]), at(ends[1]))
    parts = [part.own_samples(response(archive, part.requested)) for part in day_parts(span)]
    early = join_samples([without_repetitions(part, 2) for part in parts])
    found = within_span(early, span, brackets=brackets, changes_only=True)
    whole = within_span(join_samples(parts), span, brackets=brackets, changes_only=True)
    assert found.times.tolist() == whole.times.tolist()
    assert found.values.tolist() == whole.values.tolist()


@given(st.lists(st.sampled_from([0.0, 1.0, np.nan]) | st.none()))
def test_changes_include_the_first_and_the_last_sample(values: list[float | None]) -> None:
    """Repeated NaN, and repeated masked values, are not changes."""
    mask = np.array([value is None for value in values], dtype=bool)
    numbers = np.array([-1.0 if value is None else value for value in values])
    times = EPOCH + np.arange(len(values)).astype("timedelta64[s]")
    spoken = [repr(value) for value in values]
    wanted = [
        number for number, value in enumerate(spoken) if number in {0, len(values) - 1} or value != spoken[number - 1]
    ]
    for given_mask in (mask, mask if mask.any() else None):
        found = without_repetitions(Samples(times, numbers, given_mask))
        assert found.times.tolist() == times[wanted].tolist()


def test_changes_of_text_and_booleans() -> None:
    """Text and booleans are compared like numbers."""
    for values in (np.array(["ON", "ON", "OFF"]), np.array([True, True, False])):
        assert changed(Samples(EPOCH + np.arange(3), values)).tolist() == [True, False, True]


def test_complete_days_have_fixed_file_names() -> None:
    """Their requests are the same for all spans that include them."""
    long = TimeSpan(at(DAY // 3), at(3 * DAY + 5))
    names = [part.requested.file_name("SE_ZBUSVLT") for part in day_parts(long)]
    assert names[1:3] == [
        "SE_ZBUSVLT-20220713T000000-20220714T000000.csv",
        "SE_ZBUSVLT-20220714T000000-20220715T000000.csv",
    ]
    assert names[0] == "SE_ZBUSVLT-20220712T080000-20220713T000000.csv"
    assert names[3] == "SE_ZBUSVLT-20220715T000000-20220715T000001.csv"


@given(st.lists(SPANS, min_size=1), st.integers(0, DAY))
def test_spans_close_to_each_other_are_merged(ends: list[list[int]], gap: int) -> None:
    """Each given span is in one of the merged ones, which are separated by more than the gap."""
    spans = [TimeSpan(at(start), at(end)) for start, end in ends]
    merged = merged_spans(spans, np.timedelta64(gap, "us"))
    for span in spans:
        assert sum(each.start <= span.start and span.end <= each.end for each in merged) == 1
    for before, after in itertools.pairwise(merged):
        assert after.start - before.end > np.timedelta64(gap, "us")
    edges = {span.start for span in spans} | {span.end for span in spans}
    assert {each.start for each in merged} | {each.end for each in merged} <= edges


@pytest.mark.parametrize("days", [1, 2])
def test_a_span_of_complete_days_has_no_empty_part(days: int) -> None:
    """The last sample, exactly at midnight, belongs to the last day."""
    parts = day_parts(TimeSpan(at(0), at(days * DAY)))
    assert len(parts) == days
    midnight = archive_of([days * DAY])
    assert len(parts[-1].own_samples(midnight)) == 1
