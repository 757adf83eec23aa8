"""Days of telemetry, combined so that no sample is lost or duplicated; pure functions.

In: a span of time, and the samples of its parts.  Out: the parts to request, and the samples of the span.

MAST adds to each response the sample before the span and the sample after it, however far away they are.  Samples are
therefore assigned by their time, not by their position in a response.  Each part has the samples from its start
(inclusive) to the start of the next part (exclusive); the last part includes its end.  Within a part, each line of the
response is one sample, even if two are equal.
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
    """A part of a span, and the span to request for it."""

    span: TimeSpan
    requested: TimeSpan
    first: bool
    last: bool

    def own_samples(self, samples: Samples) -> Samples:
        """Return the samples of this part; at the ends of the entire span, also the one before or after it."""
        begin = int(np.searchsorted(samples.times, self.span.start, "left"))
        end = int(np.searchsorted(samples.times, self.span.end, "right" if self.last else "left"))
        return samples[max(0, begin - self.first) : end + self.last].copy()


def parts_of(span: TimeSpan, cuts: Sequence[np.datetime64]) -> list[SpanPart]:
    """Return the parts into which times within a span divide it, in order."""
    ends = [span.start, *cuts, span.end]
    parts = [TimeSpan(*each) for each in pairwise(ends)]
    return [SpanPart(part, in_whole_seconds(part), part.start == span.start, part.end == span.end) for part in parts]


def day_parts(span: TimeSpan, whole_before: np.datetime64 | None = None) -> list[SpanPart]:
    """Return a span divided into days; days that end before ``whole_before`` are requested completely."""
    midnight = (span.start.astype("datetime64[D]") + DAY).astype("datetime64[us]")
    midnights = np.arange(midnight, span.end, DAY)
    parts = parts_of(span, list(midnights))
    return parts if whole_before is None else [_complete_day(part, whole_before) for part in parts]


def _complete_day(part: SpanPart, before: np.datetime64) -> SpanPart:
    """Return the same part, with the request for the complete day if that ends before the given time."""
    day = part.span.start.astype("datetime64[D]")
    requested = TimeSpan(day.astype("datetime64[us]"), (day + DAY).astype("datetime64[us]"))
    return SpanPart(part.span, requested, part.first, part.last) if requested.end <= before else part


def within_span(samples: Samples, span: TimeSpan, *, brackets: bool = False, changes_only: bool = False) -> Samples:
    """Return the samples of a span, both ends included; with ``brackets`` also the one before and the one after it."""
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
    """Return the samples that differ from the one before, and ``ends`` samples at the beginning and at the end.

    The last sample shows how long the value before it was valid.  Applying this to the parts of a span, and then to
    their combination, gives the same result as applying it once.
    """
    if len(samples) <= 2 * ends:
        return samples
    kept = changed(samples)
    kept[:ends] = kept[-ends:] = True
    return samples if kept.all() else samples[kept]


def changed(samples: Samples) -> Array:
    """Return for each sample whether it differs from the one before it; the first one does."""
    differs = np.ones(len(samples), dtype=bool)
    now, before = samples.values[1:], samples.values[:-1]
    differs[1:] = now != before
    if samples.values.dtype.kind == "f":
        differs[1:] &= ~(np.isnan(now) & np.isnan(before))
    if samples.mask is not None:
        hidden, was_hidden = samples.mask[1:], samples.mask[:-1]
        differs[1:] = (differs[1:] & ~hidden & ~was_hidden) | (hidden != was_hidden)
    return differs
