"""Samples of one mnemonic at the times of another; pure functions.

In: samples, and times.  Out: for each time the sample before it, or the nearest one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..exceptions import InvalidArgumentError
from ..tables.columns import alternatives
from ..tables.rows import Array
from .samples import Samples


def _previous(times: Array, moments: Array) -> Array:
    """Return the index of the last sample at or before each time; -1 if there is none."""
    return np.searchsorted(times, moments, "right") - 1


def _nearest(times: Array, moments: Array) -> Array:
    """Return the index of the sample nearest to each time, the earlier of two; there must be at least one sample."""
    before = _previous(times, moments)
    after = np.minimum(before + 1, len(times) - 1)
    before = np.maximum(before, 0)
    return np.where(abs(moments - times[before]) <= abs(times[after] - moments), before, after)


_ALIGNMENTS: Mapping[str, Callable[[Array, Array], Array]] = {"previous": _previous, "nearest": _nearest}


def check_alignment(align: object) -> None:
    """Raise unless this is None or the name of an alignment."""
    if align is not None and not (isinstance(align, str) and align in _ALIGNMENTS):
        raise InvalidArgumentError(f"align must be {alternatives([*_ALIGNMENTS])}, or None, got {align!r}.")


def aligned(samples: Samples, moments: Array, align: str) -> Samples:
    """Return a sample for each time, masked where there is none."""
    if not len(samples):
        empty = np.zeros(len(moments), dtype=samples.values.dtype)
        return Samples(moments, empty, np.ones(len(moments), dtype=bool), samples.types)
    rows = _ALIGNMENTS[align](samples.times, moments)
    found = samples[np.maximum(rows, 0)]
    missing = rows < 0
    mask = missing if found.mask is None else found.mask | missing
    return Samples(moments, found.values, mask if mask.any() else None, samples.types)
