"""Match many positions to many footprints; positions may have proper motions and may come in chunks.

In: the shapes and times of observations; chunks of positions.  Out: pairs of row numbers, or the first observation of
each position.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Row, Table
from astropy.time import Time

from ..exceptions import InputWarning, InvalidArgumentError
from ..tables.dataframes import as_astropy
from ..tables.result_table import ResultTable
from ..tables.rows import Array, Floats, RowNumbers
from ..warn import warn_user
from .outlines import Outlines, outlines_of
from .pair_distances import PairDistances
from .point_chunks import PointChunk, point_chunks
from .position import as_radius
from .positions import filled_with_nan
from .region_filter import footprint_texts, shapes_of
from .shapes import Shape
from .sphere import TOUCHING
from .zones import near_pairs

WHICH = ("all", "first")
# Number of unreadable footprints that a warning quotes.
_SHOWN = 3


@dataclass(frozen=True)
class FootprintMatch:
    """Footprints prepared for matching chunks of positions."""

    outlines: Outlines
    test: PairDistances
    # Observation time of each part, MJD; NaN if unknown.
    times: Floats
    # Largest distance of a matching position from a footprint, in radians.
    limit: float

    @classmethod
    def of(cls, shapes: Sequence[Sequence[Shape]], times: Floats, margin: float) -> FootprintMatch:
        """Prepare the footprints.  The margin is in degrees."""
        nowhere = np.full(len(shapes), np.nan)
        outlines = outlines_of(shapes, nowhere, nowhere)
        limit = float(np.radians(margin)) + TOUCHING
        return cls(outlines, PairDistances.of(outlines), times[outlines.owner], limit)

    def all_pairs(self, chunk: PointChunk) -> tuple[RowNumbers, RowNumbers]:
        """Return the pairs of a row of the chunk and an observation, sorted and without duplicates."""
        # Sorting one number per pair is faster than sorting two.
        span = int(self.outlines.owner.max(initial=0)) + 1
        keys = np.concatenate([np.empty(0, dtype=np.int64), *(a * span + b for a, b in self._pairs(chunk))])
        keys.sort()
        if not np.diff(self.outlines.owner).all():
            keys = keys[np.diff(keys, prepend=-1) > 0]
        places, rows = np.divmod(keys, span)
        return chunk.rows[places], rows

    def first_pairs(self, chunk: PointChunk) -> tuple[RowNumbers, RowNumbers]:
        """Return the rows of the chunk that are in a footprint, and the first observation of each."""
        none = np.iinfo(np.int64).max
        first = np.full(len(chunk.rows), none)
        for places, rows in self._pairs(chunk):
            np.minimum.at(first, places, rows)
        matched = np.flatnonzero(first < none)
        return chunk.rows[matched], first[matched]

    def _pairs(self, chunk: PointChunk) -> Iterator[tuple[RowNumbers, RowNumbers]]:
        """Yield blocks of pairs of a position and an observation; pairs repeat if several shapes contain a position."""
        reach = np.full(len(chunk.vectors), self.limit)
        known = self.times[np.isfinite(self.times)]
        if len(known):
            reach = reach + chunk.farthest(float(known.min()), float(known.max()))
        for parts, places in near_pairs(self.outlines, chunk.vectors, np.minimum(reach, np.pi)):
            distances = self.test.within(parts, chunk.moved(places, self.times[parts]), self.limit)
            met = np.flatnonzero(distances < np.inf)
            yield places[met], self.outlines.owner[parts[met]]


@dataclass(frozen=True)
class FootprintMatches:
    """The user's observations, and the tables of their matches."""

    match: FootprintMatch
    which: str
    number: int
    # Number of observations without a time, and sentences about footprints that were left out.
    without_time: int
    left_out: tuple[str, ...]

    @classmethod
    def of(cls, observations: Any, margin: Any, which: str) -> FootprintMatches:
        """Read the footprints and times of observations."""
        if which not in WHICH:
            raise InvalidArgumentError(f"which must be {' or '.join(map(repr, WHICH))}, got {which!r}.")
        distance = float(as_radius(margin, u.arcsec, "margin").deg)
        observations = as_astropy(observations)
        problems: dict[int, str] = {}
        shapes = shapes_of(footprint_texts(observations), problems=problems)
        times = _times(observations, len(shapes))
        match = FootprintMatch.of(shapes, times, distance)
        return cls(match, which, len(shapes), int(np.isnan(times).sum()), tuple(_left_out(shapes, problems)))

    def table(self, points: Any, ra_column: str | None, dec_column: str | None) -> Table:
        """Return the pairs of all positions."""
        chunks, parts = _ChunkCounts(), [np.empty((2, 0), dtype=np.int64)]
        for chunk in point_chunks(points, ra_column, dec_column):
            parts.append(np.stack(self._pairs(chunk)))
            chunks.add(chunk)
        return self._table(np.concatenate(parts, axis=1), self._report_left_out(chunks), chunks.size)

    def tables(self, points: Any, ra_column: str | None, dec_column: str | None) -> Iterator[Table]:
        """Yield the pairs of each chunk; warn at the end of all rows that were left out."""
        every = _ChunkCounts()
        for chunk in point_chunks(points, ra_column, dec_column):
            alone = _ChunkCounts()
            for chunks in (every, alone):
                chunks.add(chunk)
            yield self._table(np.stack(self._pairs(chunk)), self._left_out_sentences(alone), chunk.size)
        self._report_left_out(every)

    def _pairs(self, chunk: PointChunk) -> tuple[RowNumbers, RowNumbers]:
        return self.match.all_pairs(chunk) if self.which == "all" else self.match.first_pairs(chunk)

    def _table(self, pairs: Array, left_out: list[str], points: int) -> Table:
        """Return the table of pairs."""
        meta = {"points": points, "observations": self.number, "left_out": left_out}
        table = ResultTable([pairs[0], pairs[1]], names=("point", "observation"), meta=meta)
        for name, what in (("point", "positions"), ("observation", "observations")):
            table[name].description = f"Row number in the input {what}, from 0"
        return table

    def _report_left_out(self, chunks: _ChunkCounts) -> list[str]:
        """Return the sentences about rows that were left out, and warn of them."""
        sentences = self._left_out_sentences(chunks)
        if sentences:
            warn_user(" ".join(sentences), InputWarning)
        return sentences

    def _left_out_sentences(self, chunks: _ChunkCounts) -> list[str]:
        """Return the sentences about rows that were left out."""
        sentences = list(self.left_out)
        if chunks.unplaced:
            sentences.append(f"{chunks.unplaced} of {chunks.size} points have no position.")
        if chunks.moving and self.without_time:
            sentences.append(
                f"{self.without_time} of {self.number} observations have no t_min. Proper motions were not "
                "applied for them."
            )
        return sentences


@dataclass
class _ChunkCounts:
    """Counts over the chunks so far."""

    size: int = 0
    unplaced: int = 0
    moving: bool = False

    def add(self, chunk: PointChunk) -> None:
        """Count another chunk."""
        self.size += chunk.size
        self.unplaced += chunk.size - len(chunk.rows)
        self.moving |= chunk.velocity is not None


def _times(observations: Any, number: int) -> Floats:
    """Return the start times of observations, MJD; NaN if unknown."""
    if not isinstance(observations, Table | Row) or "t_min" not in observations.colnames:
        return np.full(number, np.nan)
    column = observations["t_min"] if isinstance(observations, Table) else np.ma.array([observations["t_min"]])
    if isinstance(column, Time):
        column = column.utc.mjd
    return filled_with_nan(column.to_value(u.day) if isinstance(column, u.Quantity) else np.ma.asarray(column))


def _left_out(shapes: Sequence[Sequence[Shape]], problems: Mapping[int, str]) -> Iterator[str]:
    """Yield sentences about missing and unreadable footprints."""
    missing = sum(not parts for row, parts in enumerate(shapes) if row not in problems)
    if missing:
        yield f"{missing} of {len(shapes)} observations have no footprint."
    if problems:
        shown = " ".join(f"Row {row}: {problem}" for row, problem in islice(problems.items(), _SHOWN))
        yield (
            f"{len(problems)} of {len(shapes)} footprints, or parts of them, cannot be parsed and are skipped. {shown}"
        )
