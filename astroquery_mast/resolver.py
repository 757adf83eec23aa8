"""Names in, positions out: the archive's name resolver (SANTA), asked for many names at a time.

See https://mastresolver.stsci.edu/Santa-war/ for what it knows.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery import log

from .config import Endpoints, conf
from .exceptions import InputWarning, InvalidQueryError, ResolverError, UnreadableAnswerError
from .wire import Deadline, Wire, in_order

__all__ = ["Resolver"]

SERVICE = "MAST name resolver"
_RESOLVERS = ("NED", "SIMBAD")
# Names with these prefixes are entries of a catalogue at MAST, and the resolver has its own source for each.
_CATALOGUES = {"TIC": "TIC", "KIC": "KEPLER", "EPIC": "K2"}
# How far a resolver's position may be from the catalogue's before the user is told.
_TOLERANCE = 1 * u.arcsec

Entry = Mapping[str, Any]


def _folded(name: str) -> str:
    """A name as the resolver repeats it: lower case, single blanks."""
    return " ".join(name.lower().split())


class Resolver:
    """Resolves names of objects.

    Parameters
    ----------
    wire : Wire
        The conversation with the archive.
    endpoints : Endpoints
        The addresses.
    """

    def __init__(self, wire: Wire, endpoints: Endpoints) -> None:
        self._wire = wire
        self._endpoints = endpoints

    def one(self, name: str, *, deadline: Deadline, resolver: str | None = None) -> SkyCoord:
        """Return the position of one object.

        Parameters
        ----------
        name : str
            Its name.
        deadline : Deadline
            When to give up.
        resolver : str, optional
            As `many`.

        Returns
        -------
        `~astropy.coordinates.SkyCoord`

        Raises
        ------
        ResolverError
            If the name has no position.
        """
        chosen = _chosen(resolver)
        entries = self._entries([_checked(name)], chosen, False, deadline)
        return self._position(name, _of(name, entries, 1), chosen)

    def all_of_one(self, name: str, *, deadline: Deadline) -> dict[str, SkyCoord]:
        """Return the positions that every source has for one object: source → position."""
        entries = _of(name, self._entries([_checked(name)], None, True, deadline), 1)
        if not entries:
            raise ResolverError(f'Could not resolve "{name}" to a sky position.')
        return {str(entry.get("resolver")): _coordinate(entry) for entry in entries}

    def many(
        self,
        names: Iterable[str],
        *,
        deadline: Deadline,
        resolver: str | None = None,
        resolve_all: bool = False,
        batch_size: int = 30,
    ) -> dict[str, Any]:
        """Return the positions of several objects.

        Parameters
        ----------
        names : iterable of str
            Their names.
        deadline : Deadline
            When to give up.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows the name first if not given.
        resolve_all : bool
            Whether to give the positions of every source.
        batch_size : int
            How many names go into one request.

        Returns
        -------
        dict
            Name → `~astropy.coordinates.SkyCoord`, or name → source → position with ``resolve_all``.  Names without a
            position are left out, each with a warning.

        Raises
        ------
        ResolverError
            If none of the names has a position.
        """
        asked = [_checked(name) for name in names]
        chosen = _chosen(resolver)
        if chosen and resolve_all:
            warnings.warn("resolver is ignored: resolve_all asks every source.", InputWarning, stacklevel=3)
            chosen = None
        distinct = list(dict.fromkeys(asked))
        batches = [distinct[start : start + batch_size] for start in range(0, len(distinct), max(1, batch_size))]
        found = in_order(
            lambda batch: self._entries(batch, chosen, resolve_all, deadline), batches, int(conf.max_workers)
        )
        entries = [entry for part in found for entry in part]
        positions: dict[str, Any] = {}
        for name in distinct:
            own = _of(name, entries, len(distinct))
            try:
                positions[name] = (
                    {str(entry.get("resolver")): _coordinate(entry) for entry in own}
                    if resolve_all and own
                    else self._position(name, own, chosen)
                )
            except ResolverError as err:
                warnings.warn(str(err), InputWarning, stacklevel=3)
        if not positions:
            raise ResolverError("Could not resolve any of the given object names to sky positions.")
        return positions

    def _entries(self, names: list[str], resolver: str | None, every: bool, deadline: Deadline) -> list[Entry]:
        """What the resolver has for some names."""
        params: list[tuple[str, str]] = [("outputFormat", "json"), ("resolveAll", str(every).lower())]
        if resolver:
            sources = [resolver, *(_CATALOGUES[prefix] for prefix in _CATALOGUES if any(map(_is_of(prefix), names)))]
            params += [("resolver", source) for source in sources]
        params += [("name", name) for name in names]
        response = self._wire.request(
            "GET", self._endpoints.resolver, params=params, deadline=deadline, service=SERVICE
        )
        try:
            entries = json.loads(response.content).get("resolvedCoordinate")
        except (ValueError, AttributeError) as err:
            raise UnreadableAnswerError(f"The {SERVICE} sent something else than JSON.", service=SERVICE) from err
        return [entry for entry in entries or [] if isinstance(entry, dict)]

    def _position(self, name: str, entries: list[Entry], resolver: str | None) -> SkyCoord:
        """The position of a name among what was found for it."""
        if resolver is None:
            if not entries:
                raise ResolverError(f'Could not resolve "{name}" to a sky position.')
            log.debug('"%s" resolved by %s as %s', name, entries[0].get("resolver"), entries[0].get("canonicalName"))
            return _coordinate(entries[0])
        by_source = {str(entry.get("resolver")): entry for entry in reversed(entries)}
        if resolver not in by_source:
            raise ResolverError(
                f'Could not resolve "{name}" to a sky position using resolver "{resolver}". Try another one, or leave '
                "it out to take the first that knows the name."
            )
        position = _coordinate(by_source[resolver])
        _compare_with_catalogue(name, position, by_source)
        return position


def _checked(name: object) -> str:
    """A name that can be asked for."""
    if not isinstance(name, str):
        raise InvalidQueryError(f"Object names must be text, not {name!r}.")
    if not name.strip():
        raise InvalidQueryError("An object name is empty.")
    return name


def _chosen(resolver: str | None) -> str | None:
    """The resolver asked for, checked."""
    if resolver is None:
        return None
    if resolver.upper() not in _RESOLVERS:
        raise ResolverError(f'Invalid resolver {resolver!r}: there are "NED" and "SIMBAD".')
    return resolver.upper()


def _is_of(prefix: str) -> Any:
    """A test whether a name is an entry of a catalogue, e.g. ``TIC 1234``."""
    return lambda name: _folded(name).startswith(f"{prefix.lower()} ")


def _of(name: str, entries: list[Entry], asked: int) -> list[Entry]:
    """The entries for one name.  If only one name was asked for, they are all its own, however it is spelled."""
    if asked == 1:
        return entries
    folded = _folded(name)
    return [entry for entry in entries if _folded(str(entry.get("searchString", ""))) == folded]


def _coordinate(entry: Entry) -> SkyCoord:
    try:
        return SkyCoord(float(entry["ra"]), float(entry["decl"]), unit="deg")
    except (KeyError, TypeError, ValueError) as err:
        raise UnreadableAnswerError(f"The {SERVICE} sent an entry without a position.", service=SERVICE) from err


def _compare_with_catalogue(name: str, position: SkyCoord, by_source: Mapping[str, Entry]) -> None:
    """Warn if a resolver and the catalogue that the name belongs to disagree about the position."""
    for prefix, catalogue in _CATALOGUES.items():
        if catalogue in by_source and _is_of(prefix)(name):
            apart = position.separation(_coordinate(by_source[catalogue]))
            if apart > _TOLERANCE:
                warnings.warn(
                    f'"{name}" is {apart.arcsec:.1f} arcsec from its position in the {catalogue} catalogue.',
                    InputWarning,
                    stacklevel=4,
                )
