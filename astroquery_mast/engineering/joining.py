"""Days of telemetry, and how they are put together so that no sample is lost and none is doubled.  Pure.

In: a span of time, and the samples of its parts.  Out: the parts to be asked for, and the samples of the span.

The archive adds to each answer the sample before the span and the one after it, wherever they are.  A sample therefore
is told by its moment, and not by its place in an answer: each part has the samples from its start, included, to the
start of the next one, excluded; the last part also has those at its very end.  Within a part each line of the answer
is one sample, also if two are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..tables.rows import Array
from .samples import Samples, join_samples
from .spans import DAY, TimeSpan, in_whole_seconds


@dataclass(frozen=True)
class SpanPart:
    """A part of a span, and what is asked of the archive for it."""

    span: TimeSpan
    asked: TimeSpan
    first: bool
    last: bool

    def own_samples(self, samples: Samples) -> Samples:
        """Return the samples of this part; at the ends of the whole span also the one before and the one after it."""
        begin = int(np.searchsorted(samples.times, self.span.start, "left"))
        end = int(np.searchsorted(samples.times, self.span.end, "right" if self.last else "left"))
        return samples[max(0, begin - self.first) : end + self.last].copy()


def parts_of(span: TimeSpan, cuts: Sequence[np.datetime64]) -> list[SpanPart]:
    """Return the parts into which some moments within a span cut it, in order."""
    ends = [span.start, *cuts, span.end]
    parts = [TimeSpan(*each) for each in pairwise(ends)]
    return [SpanPart(part, in_whole_seconds(part), part.start == span.start, part.end == span.end) for part in parts]


def day_parts(span: TimeSpan, whole_before: np.datetime64 | None = None) -> list[SpanPart]:
    """Return a span day by day; of days that end before some moment all is asked for."""
    midnight = (span.start.astype("datetime64[D]") + DAY).astype("datetime64[us]")
    midnights = np.arange(midnight, span.end, DAY)
    parts = parts_of(span, list(midnights))
    return parts if whole_before is None else [_of_whole_day(part, whole_before) for part in parts]


def _of_whole_day(part: SpanPart, before: np.datetime64) -> SpanPart:
    """The same part, for which the whole day is asked for if that ends before some moment."""
    day = part.span.start.astype("datetime64[D]")
    asked = TimeSpan(day.astype("datetime64[us]"), (day + DAY).astype("datetime64[us]"))
    return SpanPart(part.span, asked, part.first, part.last) if asked.end <= before else part


def within_span(samples: Samples, span: TimeSpan, *, brackets: bool = False, changes_only: bool = False) -> Samples:
    """Return the samples of a span, both ends included; on request also the one before and the one after it."""
    begin = int(np.searchsorted(samples.times, span.start, "left"))
    end = int(np.searchsorted(samples.times, span.end, "right"))
    if not changes_only:
        return samples[max(0, begin - brackets) : end + brackets]
    inside = without_repetitions(samples[begin:end])
    if not brackets:
        return inside
    return join_samples([samples[max(0, begin - 1) : begin], inside, samples[end : end + 1]])


# -- changes ---------------------------------------------------------------------------------------------------------


def without_repetitions(samples: Samples, ends: int = 1) -> Samples:
    """Return the first samples, each that differs from the one before it, and the last ones.

    The last one tells until when the value before it held.  To do this to the parts of a span, and then to all of them,
    gives the same as to do it once.
    """
    if len(samples) <= 2 * ends:
        return samples
    kept = changed(samples)
    kept[:ends] = kept[-ends:] = True
    return samples if kept.all() else samples[kept]


def changed(samples: Samples) -> Array:
    """Tell of each sample whether it differs from the one before it; the first does."""
    differs = np.ones(len(samples), dtype=bool)
    now, before = samples.values[1:], samples.values[:-1]
    differs[1:] = now != before
    if samples.values.dtype.kind == "f":
        differs[1:] &= ~(np.isnan(now) & np.isnan(before))
    if samples.mask is not None:
        hidden, was_hidden = samples.mask[1:], samples.mask[:-1]
        differs[1:] = (differs[1:] & ~hidden & ~was_hidden) | (hidden != was_hidden)
    return differs
