"""Many targets → the cones that are asked for, each once, and the answers back to the targets.

In: positions and radii.  Out: distinct `~astroquery_mast.sky.position.Cone` values, the targets of each, and for the
table of all answers which of its rows belong to which target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import Angle

from ..exceptions import InvalidArgumentError
from ..sky.position import Cone, as_radius
from ..sky.positions import Positions

__all__ = ["Targets", "as_radii", "distinct", "targets_of"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def distinct(*columns: npt.NDArray[Any]) -> tuple[Rows, Rows]:
    """Return which rows of some columns are the first of their kind, and of which kind each row is."""
    _, first, kind = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[np.ravel(kind)]


def as_radii(radius: Any, number: int) -> Floats:
    """Return the radii of many cones in degrees."""
    if isinstance(radius, str) or np.ndim(radius) == 0:
        return np.full(number, float(as_radius(radius).deg))
    try:
        degrees = np.asarray(Angle(radius, u.deg, dtype=float).to_value(u.deg))
    except (ValueError, TypeError, u.UnitsError) as err:
        raise InvalidArgumentError(f"radius={radius!r} cannot be read as angles: {err}") from err
    if degrees.shape != (number,):
        raise InvalidArgumentError(f"radius holds {degrees.size} angles for {number} targets; give one, or as many.")
    wrong = degrees[~((degrees >= 0) & (degrees <= 180))]
    if wrong.size:
        raise InvalidArgumentError(f"radius holds {wrong[0]} degrees; it must be between 0 and 180.")
    return degrees


@dataclass(frozen=True)
class Targets:
    """What is asked for, and for whom."""

    positions: Positions
    cones: Sequence[Cone]
    rows: Rows
    cone_of: Rows

    def distributed(self, found: Mapping[int, Rows]) -> tuple[Rows, Rows]:
        """Return the rows of the table of all answers, target by target."""
        nothing = np.empty(0, dtype=np.int64)
        parts = [found.get(int(cone), nothing) for cone in self.cone_of]
        return np.concatenate([nothing, *parts]), np.repeat(self.rows, [len(part) for part in parts])

    def beside(self, found: Mapping[int, Rows], values: Mapping[int, Floats]) -> Floats:
        """Return values that belong to the rows of the answers, in the order of `distributed`."""
        parts = [
            values[cone] if cone in values else np.full(len(found[cone]), np.nan) for cone in self._answered(found)
        ]
        return np.concatenate([np.empty(0), *parts])

    def _answered(self, found: Mapping[int, Rows]) -> list[int]:
        """The cone of each target that has an answer."""
        return [cone for cone in self.cone_of.tolist() if cone in found]

    def of_cones(self, reasons: Mapping[int, str]) -> dict[int, str]:
        """Return target → reason, from cone → reason."""
        pairs = zip(self.rows.tolist(), self.cone_of.tolist(), strict=True)
        return {row: reasons[cone] for row, cone in pairs if cone in reasons}

    def without_rows(self, found: Mapping[int, Rows]) -> list[int]:
        """Return the targets whose answer came and was empty."""
        pairs = zip(self.rows.tolist(), self.cone_of.tolist(), strict=True)
        return [row for row, cone in pairs if cone in found and not len(found[cone])]

    def names(self) -> npt.NDArray[np.str_]:
        """Return the name of each target, empty where it has none."""
        return np.array([self.positions.names.get(row, "") for row in range(len(self.positions))], dtype=np.str_)


def targets_of(positions: Positions, radii: Floats) -> Targets:
    """Return the cones around positions."""
    rows = positions.known
    if not len(rows):
        return Targets(positions, (), rows, rows)
    columns = [values[rows] for values in (positions.ra, positions.dec, radii)]
    first, cone_of = distinct(*columns)
    ra, dec, radius = ([float(value) for value in column[first]] for column in columns)
    cones = [Cone(*numbers) for numbers in zip(ra, dec, radius, strict=True)]
    return Targets(positions, cones, rows, cone_of)
