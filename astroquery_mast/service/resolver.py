"""Name resolution by MAST's name resolver (SANTA), for many names at a time.

In: text, bytes, or a list, an array or a column of them, as users give names.  Out: positions.  The resolver returns
JSON with an `Entry` for each name and source.
See https://mastresolver.stsci.edu/Santa-war/ for its sources.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import numpy as np
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery import log

from ..config import Endpoints, count_setting
from ..exceptions import (
    InputWarning,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    ResolverError,
    ServerError,
    UnresolvedNameError,
)
from ..query.values import as_unicode, in_batches, is_missing
from ..sky.position import as_coordinate, is_place, tic_hint
from ..tables.rows import decoded
from ..warn import warn_user
from .connections import LOOPBACK
from .http import HttpClient
from .name_cache import KNOWN_NAMES
from .parallel import map_in_threads
from .retrying import Deadline

SERVICE = "MAST name resolver"

_RESOLVERS = ("NED", "SIMBAD")
# Prefixes of names that are entries of catalogs at MAST, and the resolver's source for each.
_CATALOGS = {"TIC": "TIC", "KIC": "KEPLER", "EPIC": "K2"}
# The largest separation between the positions of a resolver and a catalog without a warning.
_TOLERANCE = 1 * u.arcsec
# The source of a position that is its own name.
_GIVEN = "position"
# The maximum number of names that a warning lists.
_SHOWN = 10

Entry: TypeAlias = Mapping[str, Any]
# The result for one name: entries, the position if the name is a position itself, or an error.
Found: TypeAlias = list[Entry] | SkyCoord | MastError
Errors: TypeAlias = dict[str, MastError | ResolverError]

Made = TypeVar("Made")


class Resolver:
    """Resolves the names of objects."""

    def __init__(self, wire: HttpClient, endpoints: Endpoints) -> None:
        self._wire = wire
        self._endpoints = endpoints

    def one(self, name: str, *, deadline: Deadline, resolver: str | None = None) -> SkyCoord:
        """Return the position of one object."""
        chosen = checked_resolver(resolver)
        asked = checked_name(name)
        address = self._endpoints.resolver

        def ask() -> list[Entry]:
            """The entries of the name; unusable ones raise an error, so that they are not cached."""
            return with_place(self._entries([asked], chosen, False, deadline))

        # A resolver on this computer is a sandbox, whose users expect to see every request and every fault.
        local = urlsplit(address).hostname in LOOPBACK
        entries = ask() if local else KNOWN_NAMES.get((address, case_folded_name(asked), chosen), ask)
        # All entries belong to this name, even if the spelling differs.
        return self._position(name, entries, chosen)

    def all_of_one(self, name: str, *, deadline: Deadline) -> dict[str, SkyCoord]:
        """Return the positions of one object from all sources: source → position."""
        entries = with_place(self._entries([checked_name(name)], None, True, deadline))
        if not entries:
            raise UnresolvedNameError(f'Could not resolve "{name}" to a sky position.{tic_hint(name)}')
        return by_source(entries)

    def many(
        self,
        names: Iterable[str],
        *,
        deadline: Deadline,
        resolver: str | None = None,
        resolve_all: bool = False,
        batch_size: int = 30,
    ) -> dict[str, Any]:
        """Return the positions of several objects."""
        chosen = checked_resolver(resolver)
        if chosen and resolve_all:
            warn_user(
                "The resolver parameter is ignored when resolve_all is True: all resolvers are queried.", InputWarning
            )
            chosen = None
        given, missing = valid_names(names)
        found = self._batches(given, chosen, resolve_all, deadline, batch_size)
        if resolve_all:
            positions, errors = _read_each(found, self._every_source)
        else:
            places, errors = _read_each(found, partial(self._degrees, resolver=chosen))
            positions = _coordinates(places)
        if not positions:
            _raise_first(errors.values())
        _warn_of(errors, missing, len(given) + missing)
        if not positions:
            raise UnresolvedNameError("Could not resolve any of the given object names to sky positions.")
        return positions

    def positions(
        self, names: Iterable[str], *, deadline: Deadline, resolver: str | None = None, batch_size: int = 30
    ) -> tuple[dict[str, tuple[float, float]], Errors]:
        """Return the positions of many objects in degrees, and the errors of those without a position."""
        chosen = checked_resolver(resolver)
        found = self._batches(names, chosen, False, deadline, batch_size)
        return _read_each(found, partial(self._degrees, resolver=chosen))

    def _batches(
        self, names: Iterable[str], resolver: str | None, every: bool, deadline: Deadline, batch_size: int
    ) -> Iterator[tuple[str, Found]]:
        """Each distinct name with its result: entries, an error, or the position that the name itself gives."""
        distinct = list(dict.fromkeys(map(checked_name, names)))
        batches = in_batches([name for name in distinct if not is_place(name)], max(1, batch_size))

        def ask(batch: list[str]) -> list[Entry] | MastError:
            """The entries of a batch of names, or the error, since a failed batch does not stop the others."""
            try:
                return self._entries(batch, resolver, every, deadline)
            except MastError as err:
                return err

        found: dict[str, list[Entry] | MastError] = {}
        for batch, entries in zip(batches, map_in_threads(ask, batches, count_setting("max_workers")), strict=True):
            found.update(dict.fromkeys(batch, entries) if isinstance(entries, MastError) else by_name(batch, entries))
        yield from ((name, found[name] if name in found else _place(name)) for name in distinct)

    def _entries(self, names: list[str], resolver: str | None, every: bool, deadline: Deadline) -> list[Entry]:
        """The entries of names; those that are positions themselves are not sent to the resolver."""
        given = [_position_entry(name, resolver) for name in names if is_place(name)]
        names = [name for name in names if not is_place(name)]
        if not names:
            return given
        params = [("outputFormat", "json"), ("resolveAll", str(every).lower())]
        params += [("resolver", source) for source in _sources(resolver, names)]
        params += [("name", name) for name in names]
        entries = self._wire.request(
            "GET", self._endpoints.resolver, params=params, deadline=deadline, service=SERVICE, read=_read
        )
        return [*given, *entries]

    def _every_source(self, name: str, own: list[Entry] | SkyCoord) -> dict[str, SkyCoord]:
        """The positions of a name from all sources."""
        if isinstance(own, SkyCoord):
            return {_GIVEN: own}
        return by_source(own) if own else {_GIVEN: self._position(name, own, None)}

    def _degrees(self, name: str, own: list[Entry] | SkyCoord, resolver: str | None) -> tuple[float, float]:
        """The position of a name in degrees, since one SkyCoord of many positions is much faster to create."""
        if isinstance(own, list) and own and resolver is None:
            return place_of(own[0])
        position = own if isinstance(own, SkyCoord) else self._position(name, own, resolver)
        return float(position.ra.deg), float(position.dec.deg)

    def _position(self, name: str, entries: list[Entry], resolver: str | None) -> SkyCoord:
        """The position of a name from its entries."""
        if resolver is None:
            if not entries:
                raise UnresolvedNameError(f'Could not resolve "{name}" to a sky position.{tic_hint(name)}')
            log.debug('"%s" resolved by %s as %s', name, entries[0].get("resolver"), entries[0].get("canonicalName"))
            return coordinate_of(entries[0])
        sources = {str(entry.get("resolver")): entry for entry in reversed(entries)}
        if resolver not in sources:
            raise UnresolvedNameError(
                f'Could not resolve "{name}" to a sky position using resolver "{resolver}". Try another '
                "resolver, or omit it to use the first one that knows the name."
            )
        position = coordinate_of(sources[resolver])
        _compare_with_catalog(name, position, sources, resolver)
        return position


def _read_each(found: Iterable[tuple[str, Found]], read: Callable[[str, Any], Made]) -> tuple[dict[str, Made], Errors]:
    """Apply ``read`` to the result for each name; return what it returns, and the errors of the other names."""
    results: dict[str, Made] = {}
    errors: Errors = {}
    for name, own in found:
        if isinstance(own, MastError):
            errors[name] = own
            continue
        try:
            results[name] = read(name, own)
        except (MastError, ResolverError) as err:
            errors[name] = err
    return results, errors


def _coordinates(places: Mapping[str, tuple[float, float]]) -> dict[str, SkyCoord]:
    """Return positions as SkyCoord objects, created together, which is much faster."""
    if not places:
        return {}
    ra, dec = np.transpose(list(places.values()))
    return dict(zip(places, SkyCoord(ra, dec, unit="deg"), strict=True))


def _sources(resolver: str | None, names: list[str]) -> list[str]:
    """The sources to query: the chosen one and the catalogs of the names; empty for all if none is chosen."""
    if resolver is None:
        return []
    return [resolver, *(catalog for prefix, catalog in _CATALOGS.items() if any(map(_is_of(prefix), names)))]


def _raise_first(errors: Iterable[Exception]) -> None:
    """Raise the first error of the service, if any."""
    for error in errors:
        if isinstance(error, MastError):
            raise error


def _read(response: requests.Response) -> list[Entry]:
    """The entries in a response; an unreadable response is requested again."""
    return read_entries(response.content)


def _warn_of(errors: Mapping[str, Exception], missing: int, number: int) -> None:
    """Warn once about the names without a position."""
    if not errors and not missing:
        return
    reasons = ["One is missing." if missing == 1 else f"{missing} are missing."] if missing else []
    reasons += _reasons(dict(list(errors.items())[:_SHOWN]))
    if len(errors) > _SHOWN:
        reasons.append(f"... and {len(errors) - _SHOWN} more.")
    text = f"{len(errors) + missing} of {number} object names have no position: {' '.join(reasons)}"
    warn_user(text, InputWarning)


def _reasons(errors: Mapping[str, Exception]) -> list[str]:
    """Why names have no position; an error of the service is given once for all its names."""
    reasons = [str(error) for error in errors.values() if not isinstance(error, MastError)]
    failed: dict[str, list[str]] = {}
    for name, error in errors.items():
        if isinstance(error, MastError):
            failed.setdefault(str(error), []).append(f'"{name}"')
    return reasons + [f"{', '.join(names)}: {reason}" for reason, names in failed.items()]


def _place(name: str) -> SkyCoord | MastError:
    """The position that a name gives, or the error if it is not a valid position."""
    try:
        return as_coordinate(name)
    except MastError as err:
        return err


def _position_entry(name: str, resolver: str | None) -> Entry:
    """The entry of a name that is a position, as a resolver would return it."""
    position = as_coordinate(name)
    source = resolver or _GIVEN
    return {"searchString": name, "resolver": source, "ra": float(position.ra.deg), "decl": float(position.dec.deg)}


def checked_resolver(resolver: object) -> str | None:
    """Return the name of a resolver in MAST's spelling."""
    if resolver is None:
        return None
    if not isinstance(resolver, str):
        raise InvalidQueryError(f'resolver must be "NED" or "SIMBAD", got {resolver!r}.')
    if resolver.upper() not in _RESOLVERS:
        raise UnresolvedNameError(f'Invalid resolver {resolver!r}. Must be "NED" or "SIMBAD".')
    return resolver.upper()


def warn_unused_resolver(resolver: object) -> None:
    """Check the resolver of a call that has no name to resolve, and warn that it has no effect."""
    if checked_resolver(resolver) is not None:
        warn_user(
            "Resolver is only used when resolving object names and will be ignored: object_name is not specified.",
            InputWarning,
        )


def _is_of(prefix: str) -> Any:
    """A function that tests whether a name is an entry of a catalog, e.g. ``TIC 1234``."""
    return lambda name: case_folded_name(name).startswith(f"{prefix.lower()} ")


def _compare_with_catalog(name: str, position: SkyCoord, sources: Mapping[str, Entry], resolver: str) -> None:
    """Warn if a resolver and the catalog that the name belongs to disagree about the position."""
    for prefix, catalog in _CATALOGS.items():
        if catalog in sources and _is_of(prefix)(name):
            apart = position.separation(coordinate_of(sources[catalog]))
            if apart > _TOLERANCE:
                warn_user(
                    f"Resolver {resolver} returned coordinates that differ from MAST {catalog} catalog by more than "
                    f'1 arcsec: by {apart.arcsec:.1f} arcsec for "{name}".',
                    InputWarning,
                )


# -- input -------------------------------------------------------------------------------------------------------------


def checked_name(name: object) -> str:
    """Return a name as text; raise `InvalidArgumentError` for anything that is not a name."""
    text = as_unicode(name)
    if not isinstance(text, str):
        raise InvalidArgumentError(f"All object names must be strings, got {name!r}.{tic_hint(name)}")
    if not text.strip():
        raise InvalidArgumentError("An object name is empty.")
    return str(text)


def valid_names(names: Iterable[object]) -> tuple[list[str], int]:
    """Return the names in a list, and the number of missing ones."""
    if isinstance(names, Mapping) or not isinstance(names, Iterable):
        raise InvalidArgumentError(f"All object names must be strings, got {names!r:.80}.{tic_hint(names)}")
    cells = [as_unicode(cell) for cell in names]
    given = [checked_name(cell) for cell in cells if not _is_missing(cell)]
    if cells and not given:
        raise InvalidArgumentError(f"None of the {len(cells)} object names is valid (all are empty or masked).")
    return given, len(cells) - len(given)


def _is_missing(cell: object) -> bool:
    return is_missing(cell) or (isinstance(cell, str) and not cell.strip())


def case_folded_name(name: str) -> str:
    """Return a name as the resolver repeats it: in lower case, with single blanks."""
    return " ".join(name.lower().split())


# -- responses ---------------------------------------------------------------------------------------------------------


def read_entries(body: bytes) -> list[Entry]:
    """Return the entries in the body of a response."""
    document = decoded(body, f"The {SERVICE}")
    entries = document.get("resolvedCoordinate") if isinstance(document, dict) else ""
    if not isinstance(entries, list | None):
        raise InvalidResponseError(f"The {SERVICE} returned no list of positions.", service=SERVICE)
    if not entries:
        _check_without_entries(document)
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _check_without_entries(document: Mapping[str, Any]) -> None:
    """Raise an error if the response reports one."""
    if "error" in str(document.get("status")).lower():
        message = document.get("msg") or document["status"]
        raise ServerError(f"The {SERVICE} reported an error: {message}", service=SERVICE, status=200)


def place_of(entry: Entry) -> tuple[float, float]:
    """Return the position of an entry in degrees; raise `InvalidResponseError` if it has none."""
    try:
        ra, dec = float(entry["ra"]), float(entry["decl"])
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        raise InvalidResponseError(f"The {SERVICE} returned an entry without a position.", service=SERVICE) from err
    if not (math.isfinite(ra) and abs(dec) <= 90):
        raise InvalidResponseError(f"The {SERVICE} returned an invalid position: {ra}, {dec}.", service=SERVICE)
    return ra, dec


def coordinate_of(entry: Entry) -> SkyCoord:
    """Return the position of an entry; see `place_of`."""
    return SkyCoord(*place_of(entry), unit="deg")


def by_source(entries: Sequence[Entry]) -> dict[str, SkyCoord]:
    """Return the positions in the entries of a name: source → position."""
    return {str(entry.get("resolver")): coordinate_of(entry) for entry in entries}


def with_place(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of one name that have a position."""
    usable: list[Entry] = []
    problems: list[InvalidResponseError] = []
    for entry in entries:
        try:
            place_of(entry)
        except InvalidResponseError as err:
            problems.append(err)
        else:
            usable.append(entry)
    if problems and not usable:
        raise problems[0]
    return usable


def by_name(names: Sequence[str], entries: Sequence[Entry]) -> dict[str, list[Entry] | InvalidResponseError]:
    """Return the entries of each of several names."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(case_folded_name(str(entry.get("searchString", ""))), []).append(entry)
    # All entries belong to a single name, even if the spelling differs.
    own = [entries] if len(names) == 1 else [found.get(case_folded_name(name), []) for name in names]
    return {name: _with_place_or_error(each) for name, each in zip(names, own, strict=True)}


def _with_place_or_error(entries: Sequence[Entry]) -> list[Entry] | InvalidResponseError:
    try:
        return with_place(entries)
    except InvalidResponseError as err:
        return err
