"""Cross-matches at MAST: positions → requests with chunks of them, and responses → the input position of each match.

In: positions, a service and a radius; then the columns of a response.  Out: `UploadChunk` values, which make their
request and can be split in half; then `Matches`.  The uploaded table has the format of
https://mast.stsci.edu/api/v0/_services.html: the fields and rows of a JSON response.

Responses are verified: separations are computed here.  A match is assigned to an input position by the uploaded columns
that MAST repeats, if they are consistent, or otherwise by the position of the match on the sky.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from astropy.coordinates import angular_separation
from astropy.table import Table

from ..exceptions import InvalidResponseError
from ..query.request import MashupRequest, from_one
from ..sky.positions import PAIRS, folded, pair_among
from ..tables.columns import plain_floats
from ..tables.rows import Floats, RowNumbers

# Columns with the positions of matches: those that MAST adds for a cross-match, then the catalog's own.
_MATCHED = (("matchra", "matchdec"), ("sra", "sdec"), *PAIRS)
# The largest offset of a repeated position from the uploaded one, and the same if no other one is near, because it may
# be rounded to three decimals (degrees).
_REPEATED, _ROUNDED = 0.1 / 3600, 2.6 / 3600
# How far outside the radius a match may be because of rounding: a fraction of the radius, plus degrees.
_SLACK_PART, _SLACK = 1e-3, 0.01 / 3600
# A match outside twice the radius plus this (degrees) cannot be explained by the way MAST computes separations.
_FAR = 1 / 3600
# Columns in which two rows for the same catalog entry may differ.
_OF_THE_PAIR = ("distance", "dst", "separation", "searchid", "inputrow", "inputra", "inputdec")
# The number of candidates to compare at a time, which need some megabytes of memory.
_BLOCK = 1_000_000
# The uploaded columns.  No catalog has columns with these names, so they can be recognized in the response.
ROW, RA, DEC = "input_row", "input_ra", "input_dec"
CHUNK = 1000
"""The default number of positions in a request; see ``docs/crossmatch.rst`` for measurements."""
_FIELDS = [{"name": ROW, "type": "int"}, {"name": RA, "type": "float"}, {"name": DEC, "type": "float"}]


# -- requests --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class UploadChunk:
    """Some of the positions of a cross-match."""

    service: str
    radius: float
    rows: npt.NDArray[np.int64]
    ra: npt.NDArray[np.float64]
    dec: npt.NDArray[np.float64]
    pagesize: int = 50000
    cache: bool | None = None

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.rows)

    @property
    def question(self) -> MashupRequest:
        """The request without its table."""
        params = {"raColumn": RA, "decColumn": DEC, "radius": self.radius}
        return MashupRequest(self.service, params, pagesize=self.pagesize, cache=self.cache)

    @property
    def request(self) -> MashupRequest:
        """The request to send."""
        cells = zip(self.rows.tolist(), self.ra.tolist(), self.dec.tolist(), strict=True)
        data = {"fields": _FIELDS, "data": [{ROW: row, RA: ra, DEC: dec} for row, ra, dec in cells]}
        return replace(self.question, properties={"data": data})

    def halves(self) -> list[UploadChunk]:
        """Return two chunks with half of the positions each; empty if there is only one position."""
        middle = len(self) // 2
        return [self._part(slice(None, middle)), self._part(slice(middle, None))] if middle else []

    def _part(self, part: slice) -> UploadChunk:
        return replace(self, rows=self.rows[part], ra=self.ra[part], dec=self.dec[part])


def upload_chunks(
    service: str,
    rows: npt.NDArray[np.int64],
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    *,
    radius: float,
    chunk_size: int | None = None,
    workers: int = 1,
    pagesize: int = 50000,
    cache: bool | None = None,
) -> Sequence[UploadChunk]:
    """Return the requests of a cross-match."""
    if chunk_size is None:
        # With fewer than a hundred positions, the overhead of a request dominates.
        chunk_size = min(CHUNK, max(100, -(-len(rows) // max(1, workers))))
    size = from_one("chunk_size", chunk_size)
    whole = UploadChunk(service, radius, rows, ra, dec, pagesize, cache)
    return [whole._part(slice(start, start + size)) for start in range(0, len(rows), size)]


# -- matches ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Matches:
    """The rows of a response that are matches, their input positions, and the separations (arcsec)."""

    rows: RowNumbers
    inputs: RowNumbers
    separation: Floats
    beyond: int = 0


def separations(ra: Floats, dec: Floats, other_ra: Floats, other_dec: Floats) -> Floats:
    """Return the angles between positions, all in degrees."""
    turned = map(np.radians, (ra, dec, other_ra, other_dec))
    with np.errstate(invalid="ignore"):  # the separation of a position that is not finite is NaN
        return np.asarray(np.degrees(angular_separation(*turned)))


def expanded(starts: RowNumbers, counts: RowNumbers) -> tuple[RowNumbers, RowNumbers]:
    """Expand runs of consecutive integers: return the run of each integer, and the integers."""
    run = np.repeat(np.arange(len(counts)), counts)
    return run, np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[run]


def pairs_within(
    ra: Floats, dec: Floats, other_ra: Floats, other_dec: Floats, radius: float
) -> tuple[RowNumbers, RowNumbers]:
    """Return all pairs of positions that are no further apart than a radius (all in degrees)."""
    # Only positions in the same strip of declination are compared.  This needs a sort, but no tree of another package.
    order = np.argsort(other_dec, kind="stable")
    strip = other_dec[order]
    margin = radius + 1e-9
    first, last = np.searchsorted(strip, dec - margin), np.searchsorted(strip, dec + margin, side="right")
    ends = np.cumsum(last - first)
    found: list[tuple[RowNumbers, RowNumbers]] = []
    start = 0
    while start < len(ra):
        done = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        one, place = expanded(first[start:stop], (last - first)[start:stop])
        one, other = one + start, order[place]
        near = separations(ra[one], dec[one], other_ra[other], other_dec[other]) <= radius
        found.append((one[near], other[near]))
        start = stop
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def uploaded_columns(names: Sequence[str]) -> list[str]:
    """Return the columns of a response that repeat the upload; their names may have a prefix or suffix."""
    return [name for name in names if any(part in folded(name) for part in map(folded, (ROW, RA, DEC)))]


def assign_matches(
    answer: Table,
    ra: Floats,
    dec: Floats,
    radius: float,
    *,
    numbers: RowNumbers | None = None,
    extended: bool,
    service: str,
) -> Matches:
    """Return which rows of a response match which positions."""
    if not len(answer):
        nothing = np.empty(0, dtype=np.int64)
        return Matches(nothing, nothing, np.empty(0))
    names = pair_among(_numbers(answer), _MATCHED)
    matched = None if names is None else _values(answer, names)
    limit = radius * (1 + _SLACK_PART) + _SLACK
    rows = np.arange(len(answer))
    for inputs, sure in _possible_inputs(answer, ra, dec, numbers, names):
        apart = _separations_of(matched, rows, inputs, ra, dec)
        beyond = apart > limit  # False if the separation is not known
        if extended or not bool(beyond.any()):
            return _sorted(rows, inputs, apart)
        if sure and 2 * int((apart > 2 * limit + _FAR).sum()) <= len(rows):
            return _sorted(rows[~beyond], inputs[~beyond], apart[~beyond], int(beyond.sum()))
    if matched is None or extended:
        raise InvalidResponseError(
            f"{service} returned matches that cannot be assigned to the input positions.", service=service
        )
    return _matched_on_sky(answer, matched, ra, dec, limit, service)


def _matched_on_sky(
    answer: Table, matched: tuple[Floats, Floats], ra: Floats, dec: Floats, limit: float, service: str
) -> Matches:
    """Assign matches by their own positions, if the response does not identify the input positions."""
    once = _entries(answer)
    near, inputs = pairs_within(matched[0][once], matched[1][once], ra, dec, 2 * limit + _FAR)
    if 2 * len(np.unique(near)) < len(once):
        raise InvalidResponseError(
            f"{service} returned matches that are not near any of the input positions.", service=service
        )
    apart = _separations_of(matched, once[near], inputs, ra, dec)
    within = apart <= limit
    beyond = len(once) - len(np.unique(near[within]))
    return _sorted(once[near[within]], inputs[within], apart[within], beyond)


def nearest_of(found: Matches) -> Matches:
    """Return only the nearest match of each position; of equally near ones, the first.

    Matches without a known position come last.
    """
    first = np.flatnonzero(np.diff(found.inputs, prepend=-1))
    return replace(found, rows=found.rows[first], inputs=found.inputs[first], separation=found.separation[first])


def _sorted(rows: RowNumbers, inputs: RowNumbers, apart: Floats, beyond: int = 0) -> Matches:
    """Sort matches by input position and separation; unknown separations come last."""
    order = np.lexsort((apart, inputs))
    return Matches(rows[order], inputs[order], apart[order] * 3600, beyond)


def _possible_inputs(
    answer: Table, ra: Floats, dec: Floats, numbers: RowNumbers | None, matched: tuple[str, str] | None
) -> Iterator[tuple[RowNumbers, bool]]:
    """Yield possible input positions of all rows, and whether these are certain."""
    repeated = _repeated(answer)
    numbered = _matched_by_number(answer, numbers, len(ra))
    if numbered is not None and (repeated is None or _agree(repeated, ra[numbered], dec[numbered])):
        yield numbered, repeated is not None
    # Columns "ra" and "dec" in addition to those of the match may be the uploaded ones under another name.
    renamed = pair_among(_numbers(answer), PAIRS[:1])
    other = None if renamed in {None, matched} else _values(answer, renamed)
    for places, sure in ((repeated, True), (other, False)):
        placed = None if places is None else _matched_by_position(places, ra, dec)
        if placed is not None:
            yield placed, sure
    if len(ra) == 1:
        yield np.zeros(len(answer), dtype=np.int64), True


def _separations_of(
    matched: tuple[Floats, Floats] | None, rows: RowNumbers, inputs: RowNumbers, ra: Floats, dec: Floats
) -> Floats:
    """Return the separations of matches in degrees, NaN where unknown."""
    if matched is None:
        return np.full(len(rows), np.nan)
    return separations(matched[0][rows], matched[1][rows], ra[inputs], dec[inputs])


def _numbers(answer: Table) -> list[str]:
    """Return the numeric columns that do not repeat the upload."""
    repeated = uploaded_columns(answer.colnames)
    return [name for name in answer.colnames if name not in repeated and answer[name].dtype.kind in "iuf"]


def _values(answer: Table, names: Iterable[str]) -> tuple[Floats, Floats]:
    """Return two columns as numbers, NaN where masked."""
    first, second = (plain_floats(answer[name]) for name in names)
    return first, second


def _matched_by_number(answer: Table, numbers: RowNumbers | None, uploaded: int) -> RowNumbers | None:
    """Assign rows by the repeated number of the input row; None unless all rows have a valid one."""
    name = _repeating(answer, ROW)
    if name is None:
        return None
    numbers = np.arange(uploaded) if numbers is None else numbers
    repeated = plain_floats(answer[name])
    inputs = np.searchsorted(numbers, repeated).clip(max=len(numbers) - 1)
    return inputs.astype(np.int64) if bool((numbers[inputs] == repeated).all()) else None


def _agree(repeated: tuple[Floats, Floats], ra: Floats, dec: Floats) -> bool:
    """Return whether the repeated positions are those that were uploaded."""
    return bool((separations(*repeated, ra, dec) <= _REPEATED).all())


def _matched_by_position(repeated: tuple[Floats, Floats], ra: Floats, dec: Floats) -> RowNumbers | None:
    """Assign rows by the repeated positions; None unless each of them is one of those uploaded.

    A rounded position is assigned to the nearest one if all others are at least three times as far away.
    """
    for reach in (_REPEATED, 3 * _ROUNDED):
        rows, inputs = pairs_within(*repeated, ra, dec, reach)
        if len(np.unique(rows)) < len(repeated[0]):
            continue
        apart = separations(repeated[0][rows], repeated[1][rows], ra[inputs], dec[inputs])
        order = np.lexsort((apart, rows))
        rows, inputs, apart = rows[order], inputs[order], apart[order]
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        following = np.append(np.where(np.diff(rows) == 0, apart[1:], np.inf), np.inf)[first]
        nearest = apart[first]
        certain = (nearest <= _REPEATED) | ((nearest <= _ROUNDED) & (following >= 3 * nearest))
        return inputs[first] if bool(certain.all()) else None
    return None


def _repeated(answer: Table) -> tuple[Floats, Floats] | None:
    """Return the uploaded positions as repeated in the response, or None."""
    ra, dec = _repeating(answer, RA), _repeating(answer, DEC)
    return None if ra is None or dec is None else _values(answer, (ra, dec))


def _repeating(answer: Table, uploaded: str) -> str | None:
    """Return the numeric column that repeats an uploaded one; None if there is no such column, or several."""
    names = [name for name in answer.colnames if folded(uploaded) in folded(name)]
    return names[0] if len(names) == 1 and answer[names[0]].dtype.kind in "iuf" else None


def _entries(answer: Table) -> RowNumbers:
    """Return the rows of a response that are the first for their catalog entry."""
    own = [name for name in answer.colnames if not any(part in folded(name) for part in _OF_THE_PAIR)]
    kind = np.zeros(len(answer), dtype=np.int64)
    first = np.arange(1)
    for name in own:
        values = np.ma.MaskedArray(answer[name])
        _, code = np.unique(values.filled(), return_inverse=True)
        _, first, kind = np.unique(kind * (len(answer) + 1) + np.ravel(code), return_index=True, return_inverse=True)
    return np.sort(first).astype(np.int64)
