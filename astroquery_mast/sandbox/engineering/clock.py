"""Sample times. In: sample numbers, time intervals. Out: times in microseconds since 1970 (UTC).

Each time depends only on the sample number, so that overlapping requests return the same samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

#: Sample 0 of every mnemonic is taken within the first step after 2017-01-01T00:00:00, after the last leap second.
ORIGIN = 1_483_228_800_000_000
#: Number of samples computed at a time.
PIECE = 65_536
#: Number of samples first examined in a search for the one before or after a time.
FEW = 64


class Samples(NamedTuple):
    """Numbers and times of samples in time order."""

    numbers: Integers
    times: Integers

    def where(self, chosen: NDArray[np.bool_]) -> Samples:
        """Return the selected samples."""
        return self if chosen.all() else Samples(self.numbers[chosen], self.times[chosen])


def scatter(numbers: Integers, seed: int) -> Reals:
    """Return a pseudorandom value in [0, 1) for each number, reproducible everywhere (SplitMix64)."""
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
    """The times of one mnemonic, in microseconds.

    ``jitter`` is the maximum delay of a sample as a fraction of a step, ``tick`` is the time resolution. Only one
    in ``kept`` samples exists, selected at random. Sample 1 of each ``repeats`` is a copy of the one before it. There
    are no samples in a ``gap`` (period, length), or outside ``begins`` to ``ends``.
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
        """Generate the samples from ``start`` to ``end``, both inclusive, in pieces."""
        first, stop = self._below(max(start, self.begins)) + 1, self._above(min(end, self.ends))
        for begin in range(first, stop, PIECE):
            found = self._block(begin, min(begin + PIECE, stop))
            yield found.where((found.times >= start) & (found.times <= end))

    def last_before(self, time: int) -> Samples:
        """Return the last sample before ``time``, or no samples."""
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
        """Return the first sample after ``time``, or no samples."""
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
        """Return a sample number such that it and all lower numbers are before ``time``."""
        return (time - ORIGIN - self.phase) // self.step - 1

    def _above(self, time: int) -> int:
        """Return a sample number such that it and all higher numbers are after ``time``."""
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
