"""High-level science products (HLSP): the observations of one target, in some or all collections.

In: collection names, and a target or a position.  Out: a table of observations.  A target matches by the name that a
collection gives it, or else by a position so close that it must be the same star.  Its neighbors are left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from astroquery import log
from astroquery.exceptions import ResolverError

from ...exceptions import InvalidArgumentError, InvalidResponseError
from ...products.file_names import column_as_text, rows_where
from ...query.values import is_integer
from ...service.mast_service import MastService
from ...service.retrying import Deadline
from ...sky.position import as_radius
from ...sky.radii import DEFAULT_RADIUS
from ...tables.columns import find_name, plain_floats
from ...tables.mashup import reading
from ...warn import warn_no_results
from ..search import CAOM_CONE, CAOM_FILTERED, ObservationSearch, Place, QueryArguments
from .collections import COLLECTION, HlspCollections, collection_names
from .facts import telescopes_in

# Names of stars in input catalogs, and the telescope of each catalog.
_STAR = re.compile(r"(TIC|KIC|EPIC)[\s-]*0*(\d+)", re.IGNORECASE)
_CATALOGS = {"TIC": "TESS", "KIC": "KEPLER", "EPIC": "K2"}
_NUMBERED = re.compile(r"(?:TIC|KIC|EPIC|kplr|ktwo)?[\s-]*\d+", re.IGNORECASE)
# The target names that collections use for a star.
_SPELLINGS = {
    "TIC": ("{0}", "TIC {0}", "TIC{0}", "TIC-{0}"),
    "KIC": ("{0}", "KIC {0}", "KIC{0}", "kplr{0:09d}"),
    "EPIC": ("{0}", "EPIC {0}", "EPIC{0}", "ktwo{0:09d}"),
}
# Separation within which a target is the same star, unless its proper motion is high; and the one within which
# neighbors are suggested.
_SAME = 3 * u.arcsec
_NEAR = 3 * u.arcmin
_MOST_NEAR = 3
# Columns that identify a target.
_READ = ("obs_id", "target_name", "provenance_name", "s_ra", "s_dec")
# Columns with parameters of their own.
_OWN = {"obs_collection", "provenance_name", "target_name"}


@dataclass(frozen=True)
class HlspQuery:
    """A query as the user wrote it; the fields are parameters of `ObservationsClass.query_hlsp`."""

    name: Any = None
    author: Any = None
    target: Any = None
    coordinates: Any = None
    radius: Any = DEFAULT_RADIUS
    criteria: Mapping[str, Any] = field(default_factory=dict)
    cache: bool | None = None
    names: list[str] = field(init=False)
    """The requested collections; an empty list means all collections."""

    def __post_init__(self) -> None:
        """Raise for contradictory arguments, or if nothing restricts the query."""
        given, argument = (self.author, "author") if self.name is None else (self.name, "name")
        object.__setattr__(self, "names", collection_names(given, argument))
        self._refuse_contradictions()
        if not (self.names or self.criteria or self.target is not None or self.coordinates is not None):
            raise InvalidArgumentError(
                "Specify the name of a collection, a target, or coordinates. list_hlsp() lists the names."
            )

    def _refuse_contradictions(self) -> None:
        """Raise for arguments that cannot be combined."""
        if self.name is not None and self.author is not None:
            raise InvalidArgumentError("name and author both mean the collection. Use one of them.")
        if self.target is not None and self.coordinates is not None:
            raise InvalidArgumentError(
                "target and coordinates cannot be combined. Use target for an exact match, or coordinates and radius."
            )
        if self.radius is not DEFAULT_RADIUS and self.coordinates is None and self.target is None:
            raise InvalidArgumentError(f"radius={self.radius!r} requires coordinates or a target.")
        own = _OWN & {each.lower() for each in self.criteria}
        if own:
            raise InvalidArgumentError(f"{min(own)} cannot be used as a criterion here. Use name and target instead.")

    def arguments(self, place: Place, **criteria: Any) -> QueryArguments:
        """Return the arguments of the observation search."""
        named = {"provenance_name": self.names} if self.names else {}
        return QueryArguments(
            place, {"obs_collection": COLLECTION, **named, **self.criteria, **criteria}, cache=self.cache
        )


class HlspSearch:
    """Queries MAST for the collections of high-level science products and their observations."""

    def __init__(self, service: MastService, search: ObservationSearch) -> None:
        self._service = service
        self._search = search
        self.collections = HlspCollections(service, search)

    # -- observations ------------------------------------------------------------------------------------------------

    def table(self, query: HlspQuery, timeout: float | u.Quantity | None) -> Table:
        """Return the observations; warn if there are no matches."""
        deadline = self._service.deadline(timeout)
        if query.target is None:
            hints: list[str] = []
            table = self._rows(query.arguments(Place(query.coordinates, radius=query.radius)), deadline)
        else:
            table, hints = self._of_target(query, deadline)
        self._check_names(query.names, table, deadline)
        if not len(table):
            warn_no_results([*hints, *self.collections.elsewhere(query.names)])
        return table

    def _rows(self, arguments: QueryArguments, deadline: Deadline) -> Table:
        """Return the matching observations, without a warning if there are no matches."""
        query = self._search.query(arguments, deadline)
        table = self._service.table(self._search.request(query), deadline=deadline, columns_id=CAOM_CONE)
        for name in _READ:
            if name not in table.colnames:
                raise InvalidResponseError(f"{CAOM_FILTERED} returned no column '{name}'.", service=CAOM_FILTERED)
        return query.finished(table)

    def _check_names(self, names: Iterable[str], table: Table, deadline: Deadline) -> None:
        """Raise if a collection has no rows because the MAST search does not include it."""
        found = column_as_text(table, "provenance_name")
        for name in names:
            if find_name(name, found) is None:
                arguments = QueryArguments(Place(), {"obs_collection": COLLECTION, "provenance_name": name})
                request = self._search.count_request(self._search.query(arguments, deadline))
                if not self._service.count(request, deadline):
                    raise self.collections.not_in_search(name, deadline)

    def _of_target(self, query: HlspQuery, deadline: Deadline) -> tuple[Table, list[str]]:
        """Return the observations of a target, and hints for the case that there are none."""
        target = _Target.of(query.target)
        radius = _SAME if query.radius is DEFAULT_RADIUS else as_radius(query.radius)
        named = self._rows(query.arguments(Place(), target_name=target.spellings), deadline)
        named = rows_where(named, target.is_meant, "obs_id")
        done = set(map(str.upper, column_as_text(named, "provenance_name")))
        if target.object_name is None or (query.names and done >= set(map(str.upper, query.names))):
            return named, [target.advice]
        try:
            center = self._service.resolver.one(target.object_name, deadline=deadline)
        except ResolverError as err:
            return named, [f"No target of this name was found, and {_lowered(err)}"]
        rows = self._rows(query.arguments(Place(center, radius=radius, overlap="center")), deadline)
        table = _joined(named, _nearest(target.among(rows, done), center), center)
        return table, [] if len(table) else self._neighbors(query, center, deadline)

    def _neighbors(self, query: HlspQuery, center: SkyCoord, deadline: Deadline) -> list[str]:
        """Return a hint that lists the targets near one that has no observations."""
        rows = self._rows(query.arguments(Place(center, radius=_NEAR)), deadline)
        near = list(dict.fromkeys(_by_separation(rows, center)))[:_MOST_NEAR]
        if not near:
            return [f"Nothing was found within {_NEAR} of '{query.target}' either."]
        said = ", ".join(f"'{name}' ({collection}) at {arcsec:.1f} arcsec" for name, collection, arcsec in near)
        return [f"The nearest targets to '{query.target}' are {said}. Use coordinates and radius to find all of them."]


@dataclass(frozen=True)
class _Target:
    """A target as the user names it, and the names that collections and the name resolver may use."""

    spellings: list[str]
    object_name: str | None
    telescope: str | None = None
    advice: str = ""

    @classmethod
    def of(cls, given: Any) -> _Target:
        """Return the target for a name or the number of a star."""
        if is_integer(given):
            return cls.of(str(given))
        if not isinstance(given, str) or not given.strip():
            raise InvalidArgumentError(
                f"target must be one name, such as 'TIC 261136679', got {given!r}. For many targets, use "
                "query_criteria with a list as target_name."
            )
        name = " ".join(given.split())
        star = _STAR.fullmatch(name)
        if star is not None:
            catalog, number = star[1].upper(), int(star[2])
            spelled = [form.format(number) for form in _SPELLINGS[catalog]]
            return cls(spelled, f"{catalog} {number}", _CATALOGS[catalog])
        if name.isdecimal():
            advice = f"A number only matches target_name. Use 'TIC {name}' to find the star by its position as well."
            return cls([name], None, advice=advice)
        return cls(
            list(dict.fromkeys([name, name.replace(" ", "-"), name.replace(" ", ""), name.replace("-", " ")])), name
        )

    def is_meant(self, obs_id: str) -> bool:
        """Return whether an observation named by number is of this star, not of the same number in another catalog."""
        telescopes = set(telescopes_in(obs_id)) & set(_CATALOGS.values())
        return self.telescope is None or not telescopes or self.telescope in telescopes

    def among(self, rows: Table, done: Collection[str]) -> Table:
        """Return the rows that may be of this target, from collections that are not done yet.

        A row whose name is another number in the same catalog is another star, however close.
        """

        def may_be(collection: str, name: str, obs_id: str) -> bool:
            other = _NUMBERED.fullmatch(name) is not None and self.telescope in telescopes_in(obs_id)
            return collection.upper() not in done and not other

        return rows_where(rows, may_be, "provenance_name", "target_name", "obs_id")


def _lowered(err: Exception) -> str:
    """Return an error message as the second half of a sentence."""
    text = str(err)
    return f"{text[:1].lower()}{text[1:]}"


def _separations(rows: Table, center: SkyCoord) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the separations of rows from a position (arcsec)."""
    with reading(CAOM_FILTERED):
        places = SkyCoord(plain_floats(rows["s_ra"]), plain_floats(rows["s_dec"]), unit="deg")
        return np.asarray(places.separation(center).arcsec)


def _by_separation(rows: Table, center: SkyCoord) -> Iterator[tuple[str, str, float]]:
    """Yield target name, collection and separation (arcsec) of rows, nearest first."""
    distances = _separations(rows, center)
    names, collections = column_as_text(rows, "target_name"), column_as_text(rows, "provenance_name")
    for row in np.argsort(distances, kind="stable"):
        yield names[row], collections[row], round(float(distances[row]), 1)


def _nearest(rows: Table, center: SkyCoord) -> Table:
    """Return the rows of the nearest target in each collection."""
    chosen: dict[str, str] = {}
    for name, collection, _ in _by_separation(rows, center):
        chosen.setdefault(collection, name)
    return rows_where(rows, lambda name, collection: chosen[collection] == name, "target_name", "provenance_name")


def _joined(named: Table, others: Table, center: SkyCoord) -> Table:
    """Return rows found by name and rows found by position as one table, with the columns of the first.

    ``meta["matched"]`` lists what was found by position.
    """
    if not len(others):
        return named
    near = dict.fromkeys(
        f"{collection} {name} at {arcsec:.1f} arcsec" for name, collection, arcsec in _by_separation(others, center)
    )
    log.debug("Found by position: %s.", ", ".join(near))
    others = others[[name for name in named.colnames if name in others.colnames]]
    table = vstack([named, others], metadata_conflicts="silent") if len(named) else others
    table.meta = {**named.meta, "rows": [len(table)], "matched": list(near)}
    return table
