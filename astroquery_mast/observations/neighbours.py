"""Many cones → the fewer, larger cones that are asked for, where neighbours are close enough to share one.

In: distinct `~astroquery_mast.sky.position.Cone` values.  Out: a `Group` for each request: a cone that holds all of
its members.  Step of the flow between the targets and the requests; what the members get of the answer is decided in
`~astroquery_mast.observations.groups_answer`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..sky.position import Cone
from ..sky.sphere import Array, longitude_latitude, separation, unit_vectors

__all__ = ["FOOTPRINT", "LARGEST", "Group", "alone", "grouped", "is_cheaper"]

FOOTPRINT = 0.05
"""How far a typical footprint reaches beyond the circle that it touches, in degrees: the 3 arcmin of the imagers of
HST (https://hst-docs.stsci.edu) and of NIRCam (https://jwst-docs.stsci.edu), with which most observations are made."""
LARGEST = 0.5
"""Largest radius of the cone of a group, in degrees: the archive answers for it in seconds, also in crowded fields."""
# By how much the cone is larger than needed: an arcsecond (in degrees) and a thousandth of its radius, for distances
# that the archive computes in another way.
_MARGIN, _SHARE = 1 / 3600, 1e-3
# Positions that differ by more in a coordinate of their unit vectors do not fit into one.
_WIDEST = 2 * math.sin(math.radians(LARGEST))
# Keeps the split of targets at one place in the middle (unit vectors; far below any gap).
_TINY = 1e-15


@dataclass(frozen=True)
class Group:
    """Cones that are asked for in one."""

    cone: Cone
    members: npt.NDArray[np.int64]

    @property
    def shared(self) -> bool:
        """Whether it stands for several."""
        return len(self.members) > 1


def is_cheaper(reach: float, radii: Array) -> bool:
    """Tell whether a large cone makes the archive send no more than its members do together.

    What is sent for a cone of radius r grows as (r + f)², f being `FOOTPRINT`.  So n members of radius r (root mean
    square) may share a cone of radius R if (R + f)² ≤ n (r + f)².
    """
    typical = float(np.sqrt(np.mean(radii**2)))
    return reach <= LARGEST and (reach + FOOTPRINT) ** 2 <= len(radii) * (typical + FOOTPRINT) ** 2


def alone(cones: Sequence[Cone]) -> list[Group]:
    """Return a group for each cone."""
    return [Group(cone, np.array([place], dtype=np.int64)) for place, cone in enumerate(cones)]


def grouped(cones: Sequence[Cone]) -> list[Group]:
    """Return the requests to make for some cones."""
    radii = np.array([cone.radius for cone in cones], dtype=float)
    points = unit_vectors([cone.ra for cone in cones], [cone.dec for cone in cones])
    waiting = [np.flatnonzero(radii <= LARGEST)]
    groups = [Group(cones[place], np.array([place])) for place in np.flatnonzero(radii > LARGEST).tolist()]
    while waiting:
        members = waiting.pop()
        if len(members) < 2:
            groups += [Group(cones[place], members) for place in members.tolist()]
            continue
        own = points[members]
        low, high = own.min(axis=0), own.max(axis=0)
        extent = high - low
        if extent.max() <= _WIDEST:
            cone = _around(own, radii[members], (low + high) / 2)
            if is_cheaper(cone.radius, radii[members]):
                groups.append(Group(cone, np.sort(members)))
                continue
        waiting += _divided(members, own[:, np.argmax(extent)])
    return sorted(groups, key=lambda group: int(group.members[0]))


def _around(points: Array, radii: Array, middle: Array) -> Cone:
    """The cone around some others, with its centre in a given direction."""
    centre = middle / np.linalg.norm(middle)
    reach = float((np.degrees(separation(points, centre)) + radii).max())
    ra, dec = longitude_latitude(middle)
    return Cone(float(ra), float(dec), reach * (1 + _SHARE) + _MARGIN)


def _divided(members: Array, along: Array) -> list[Array]:
    """Members in two parts, by their coordinate on some axis."""
    order = np.argsort(along, kind="stable")
    after = np.arange(1, len(order))
    gaps = np.diff(along[order]) + _TINY
    cut = int(np.argmax(gaps * np.minimum(after, len(order) - after))) + 1
    return [members[order[:cut]], members[order[cut:]]]
