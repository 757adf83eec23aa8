"""Where to look: what the public methods of all clients make of ``coordinates``, ``object_name`` and ``radius``.

In: what users write. Out: a `~astroquery_mast.sky.position.Cone`. Names are resolved on the way.
"""

from __future__ import annotations

from typing import Any

from ..exceptions import InvalidQueryError
from ..sky.position import DEFAULT_RADIUS, Cone, cone_around
from .core import MastClass
from .deadline import Deadline
from .resolver import warn_unused_resolver

__all__ = ["PositionQueries", "refuse_two_positions"]


class PositionQueries(MastClass):
    """A client that looks around positions; see `MastClass` for parameters."""

    def _cone(
        self, coordinates: Any, object_name: Any, radius: Any, resolver: str | None, deadline: Deadline
    ) -> Cone | None:
        """Return the cone to look in, or None if no position is given."""
        refuse_two_positions(coordinates, object_name)
        if object_name is not None:
            return cone_around(self._resolver.one(object_name, resolver=resolver, deadline=deadline), radius)
        if coordinates is not None:
            return cone_around(self._located(coordinates, deadline, resolver), radius)
        warn_unused_resolver(resolver)
        if radius is not DEFAULT_RADIUS:
            raise InvalidQueryError(f"radius={radius!r} needs a position: give coordinates or object_name as well.")
        return None


def refuse_two_positions(coordinates: Any, object_name: Any) -> None:
    """Raise `InvalidQueryError` if both coordinates and the name of an object are given."""
    if coordinates is not None and object_name is not None:
        raise InvalidQueryError("Only one of object_name and coordinates may be specified.")
