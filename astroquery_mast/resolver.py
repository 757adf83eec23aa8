"""Names in, positions out: the archive's name resolver (SANTA), asked for many names at a time.

See https://mastresolver.stsci.edu/Santa-war/ for what it knows.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery import log

from .auth import LOOPBACK
from .config import Endpoints, conf
from .deadline import Deadline
from .exceptions import InputWarning, InvalidQueryError, MastError, ResolverError, UnreadableAnswerError
from .namecache import KNOWN_NAMES
from .pacing import in_order
from .query.position import as_coordinate, looks_like_coordinates
from .wire import Wire

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
            Its name; the answer is remembered for an hour.  Two numbers, ``"210.8, 54.3"``, are a position, for which
            nobody is asked.
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
        asked = _checked(name)
        address = self._endpoints.resolver
        ask = partial(self._entries, [asked], chosen, False, deadline)
        # A resolver on this computer is a sandbox: whoever uses it wants to see every request, and every fault.
        local = urlsplit(address).hostname in LOOPBACK
        entries = ask() if local else KNOWN_NAMES.get((address, _folded(asked), chosen), ask)
        # All entries are its own, however it is spelled.
        return self._position(name, entries, chosen)

    def all_of_one(self, name: str, *, deadline: Deadline) -> dict[str, SkyCoord]:
        """Return the positions that every source has for one object: source → position."""
        entries = self._entries([_checked(name)], None, True, deadline)
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
            Their names, or positions as `one` takes them.
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
        chosen = _chosen(resolver)
        if chosen and resolve_all:
            warnings.warn("resolver is ignored: resolve_all asks every source.", InputWarning, stacklevel=3)
            chosen = None
        positions: dict[str, Any] = {}
        for name, own in self._batches(names, chosen, resolve_all, deadline, batch_size):
            try:
                if isinstance(own, MastError):
                    raise own
                if isinstance(own, SkyCoord):
                    positions[name] = own
                    continue
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

    def positions(
        self, names: Iterable[str], *, deadline: Deadline, resolver: str | None = None, batch_size: int = 30
    ) -> tuple[dict[str, tuple[float, float]], dict[str, MastError | ResolverError]]:
        """Return the positions of a great many objects, as numbers, and why the others have none.

        Parameters
        ----------
        names, deadline, resolver, batch_size
            As `many`.

        Returns
        -------
        dict
            Name → right ascension and declination in degrees.
        dict
            Name → the error that `one` would have raised for it.
        """
        chosen = _chosen(resolver)
        found: dict[str, tuple[float, float]] = {}
        errors: dict[str, MastError | ResolverError] = {}
        for name, own in self._batches(names, chosen, False, deadline, batch_size):
            if isinstance(own, MastError):
                errors[name] = own
                continue
            try:
                if isinstance(own, SkyCoord):
                    found[name] = float(own.ra.deg), float(own.dec.deg)
                else:
                    found[name] = _degrees(own[0]) if own and chosen is None else self._degrees_by(name, own, chosen)
            except (MastError, ResolverError) as err:
                errors[name] = err
        return found, errors

    def _batches(
        self, names: Iterable[str], resolver: str | None, every: bool, deadline: Deadline, batch_size: int
    ) -> Iterator[tuple[str, list[Entry] | SkyCoord | MastError]]:
        """Each name, once, and what the resolver has for it, or why it could not be asked, or where it says it is."""
        distinct = list(dict.fromkeys(_checked(name) for name in names))
        asked = [name for name in distinct if every or not _is_position(name)]
        size = max(1, batch_size)
        batches = [asked[start : start + size] for start in range(0, len(asked), size)]

        def ask(batch: list[str]) -> list[Entry] | MastError:
            """What is known of some names, or why nothing is: one batch that fails stops no other."""
            try:
                return self._entries(batch, resolver, every, deadline)
            except MastError as err:
                return err

        found: dict[str, list[Entry] | MastError] = {}
        for batch, entries in zip(batches, in_order(ask, batches, int(conf.max_workers)), strict=True):
            found.update(_by_name(batch, entries))
        yield from ((name, found[name] if name in found else as_coordinate(name)) for name in distinct)

    def _entries(self, names: list[str], resolver: str | None, every: bool, deadline: Deadline) -> list[Entry]:
        """What the resolver has for some names; what is a position already is not asked for."""
        given = [_position_entry(name, resolver) for name in names if _is_position(name)]
        names = [name for name in names if not _is_position(name)] if given else names
        if not names:
            return given
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
        return [*given, *(entry for entry in entries or [] if isinstance(entry, dict))]

    def _degrees_by(self, name: str, entries: list[Entry], resolver: str | None) -> tuple[float, float]:
        """The position of a name by one of the resolvers, as numbers."""
        position = self._position(name, entries, resolver)
        return float(position.ra.deg), float(position.dec.deg)

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


def _is_position(name: str) -> bool:
    """Whether a name is a position in numbers; ``"1820-30"`` and ``"J0613-0200"`` are names."""
    return name.strip()[0] in "+-.0123456789" and bool(set(" ,") & set(name.strip())) and looks_like_coordinates(name)


def _position_entry(name: str, resolver: str | None) -> Entry:
    """What a resolver would say of a position."""
    position = as_coordinate(name)
    source = resolver or "position"
    return {"searchString": name, "resolver": source, "ra": float(position.ra.deg), "decl": float(position.dec.deg)}


def _by_name(batch: list[str], entries: list[Entry] | MastError) -> Mapping[str, list[Entry] | MastError]:
    """What came for each name of a batch."""
    if isinstance(entries, MastError) or len(batch) == 1:
        # The entries for one name are all its own, however it is spelled.
        return dict.fromkeys(batch, entries)
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(_folded(str(entry.get("searchString", ""))), []).append(entry)
    return {name: by_name.get(_folded(name), []) for name in batch}


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


def _degrees(entry: Entry) -> tuple[float, float]:
    """The position of an entry."""
    try:
        return float(entry["ra"]), float(entry["decl"])
    except (KeyError, TypeError, ValueError) as err:
        raise UnreadableAnswerError(f"The {SERVICE} sent an entry without a position.", service=SERVICE) from err


def _coordinate(entry: Entry) -> SkyCoord:
    return SkyCoord(*_degrees(entry), unit="deg")


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
