"""When samples are taken. In: numbers of samples, spans of time. Out: times in microseconds since 1970 (UTC).

Each time depends on the number of the sample alone, so that any two requests agree on the samples that they share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

#: Sample 0 of every mnemonic is taken within the first step after 2017-01-01T00:00:00; no leap second came since then.
ORIGIN = 1_483_228_800_000_000
#: Samples that are made at a time.
PIECE = 65_536
#: Samples that a search for the one before or after a time looks at first.
FEW = 64


class Samples(NamedTuple):
    """Numbers and times of samples in the order of time."""

    numbers: Integers
    times: Integers

    def where(self, chosen: NDArray[np.bool_]) -> Samples:
        """Return those that are chosen."""
        return self if chosen.all() else Samples(self.numbers[chosen], self.times[chosen])


def scatter(numbers: Integers, seed: int) -> Reals:
    """Return for each number a value in [0, 1) that looks random and is the same everywhere (SplitMix64)."""
    mixed = numbers.astype(np.uint64)
    mixed += np.uint64(seed << 32)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


@dataclass(frozen=True)
class SampleClock:
    """The times of one mnemonic; all of them in microseconds.

    ``jitter`` is the part of a step by which a sample may be late, ``tick`` what times are multiples of. Of ``kept``
    samples one is there, at random. Sample 1 of each ``repeats`` is a copy of the one before it. A ``gap`` (every,
    length) has no samples, nor has the time outside of ``begins`` to ``ends``.
    """

    step: int
    phase: int
    seed: int
    begins: int
    ends: int
    jitter: float = 0.0
    tick: int = 1000
    kept: int = 1
    repeats: int = 0
    gap: tuple[int, int] | None = None

    def samples(self, start: int, end: int) -> Iterator[Samples]:
        """Give the samples from ``start`` to ``end``, both inclusive, in pieces."""
        first, stop = self._below(max(start, self.begins)) + 1, self._above(min(end, self.ends))
        for begin in range(first, stop, PIECE):
            found = self._block(begin, min(begin + PIECE, stop))
            yield found.where((found.times >= start) & (found.times <= end))

    def last_before(self, time: int) -> Samples:
        """Return the last sample before ``time``; none if there is none."""
        stop, size = self._above(min(time, self.ends)), FEW
        lowest = self._below(self.begins)
        while stop > lowest:
            start = max(stop - size, lowest)
            found = self._block(start, stop)
            found = found.where(found.times < time)
            if len(found.times):
                return Samples(found.numbers[-1:], found.times[-1:])
            stop, size = start, min(4 * size, PIECE)
        return _NOTHING

    def first_after(self, time: int) -> Samples:
        """Return the first sample after ``time``; none if there is none."""
        start, size = self._below(max(time, self.begins)), FEW
        highest = self._above(self.ends)
        while start < highest:
            stop = min(start + size, highest)
            found = self._block(start, stop)
            found = found.where(found.times > time)
            if len(found.times):
                return Samples(found.numbers[:1], found.times[:1])
            start, size = stop, min(4 * size, PIECE)
        return _NOTHING

    def _below(self, time: int) -> int:
        """Return the number of a sample that is taken before ``time``, as are all before it."""
        return (time - ORIGIN - self.phase) // self.step - 1

    def _above(self, time: int) -> int:
        """Return the number of a sample that is taken after ``time``, as are all after it."""
        return (time - ORIGIN - self.phase) // self.step + 2

    def _block(self, start: int, stop: int) -> Samples:
        numbers = np.arange(start, stop, dtype=np.int64)
        if self.repeats:
            numbers -= numbers % self.repeats == 1
        times = numbers * self.step + (ORIGIN + self.phase)
        if self.jitter:
            late = scatter(numbers, self.seed) * (self.jitter * self.step / self.tick)
            times += late.astype(np.int64) * self.tick
        found = Samples(numbers, times)
        found = found.where((times >= self.begins) & (times < self.ends))
        if self.gap:
            every, length = self.gap
            found = found.where((found.times - ORIGIN) % every >= length)
        return found.where(scatter(found.numbers, self.seed + 1) * self.kept < 1.0) if self.kept > 1 else found


_NOTHING = Samples(np.empty(0, np.int64), np.empty(0, np.int64))
