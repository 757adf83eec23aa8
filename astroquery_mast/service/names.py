"""Names of objects: as users give them, and what the archive's name resolver says of them.

In: text, bytes, or a list, an array or a column of them; the JSON of the resolver, an entry for each name and source.
Out: names that the resolver can be asked for; entries that have a position, sorted by name or source.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from astropy.coordinates import SkyCoord

from ..exceptions import InvalidArgumentError, InvalidResponseError, ServerError
from ..query.values import as_unicode, is_missing
from ..sky.position import looks_like_coordinates
from ..tables.rows import decoded

SERVICE = "MAST name resolver"

Entry = Mapping[str, Any]


# -- as they are given -------------------------------------------------------------------------------------------------


def checked_name(name: object) -> str:
    """Return a name that can be asked for; raise `InvalidArgumentError` for anything else."""
    text = as_unicode(name)
    if not isinstance(text, str):
        raise InvalidArgumentError(f"Object names must be text, not {name!r}.")
    if not text.strip():
        raise InvalidArgumentError("An object name is empty.")
    return str(text)


def valid_names(names: Iterable[object]) -> tuple[list[str], int]:
    """Return the names in a list, and how many of its members are missing."""
    if isinstance(names, Mapping) or not isinstance(names, Iterable):
        raise InvalidArgumentError(f"A name of an object, or several, are needed, and not {names!r:.80}.")
    cells = [as_unicode(cell) for cell in names]
    given = [checked_name(cell) for cell in cells if not _is_missing(cell)]
    if cells and not given:
        raise InvalidArgumentError(f"Of the {len(cells)} object names that were given none is a name.")
    return given, len(cells) - len(given)


def _is_missing(cell: object) -> bool:
    return is_missing(cell) or (isinstance(cell, str) and not cell.strip())


def case_folded_name(name: str) -> str:
    """Return a name as the resolver repeats it: lower case, single blanks."""
    return " ".join(name.lower().split())


def is_place(name: str) -> bool:
    """Tell whether a name is a position in numbers; ``"1820-30"`` and ``"J0613-0200"`` are names."""
    return name.strip()[0] in "+-.0123456789" and bool(set(" ,") & set(name.strip())) and looks_like_coordinates(name)


# -- as they are answered ----------------------------------------------------------------------------------------------


def read_entries(body: bytes) -> list[Entry]:
    """Read an answer."""
    document = decoded(body, f"The {SERVICE}")
    entries = document.get("resolvedCoordinate") if isinstance(document, dict) else ""
    if not isinstance(entries, list | None):
        raise InvalidResponseError(f"The {SERVICE} sent no list of positions.", service=SERVICE)
    if not entries and "error" in str(document.get("status")).lower():
        message = document.get("msg") or document["status"]
        raise ServerError(f"The {SERVICE} reported an error: {message}", service=SERVICE, status=200)
    return [entry for entry in entries or [] if isinstance(entry, dict)]


def place_of(entry: Entry) -> tuple[float, float]:
    """Return the position of an entry in degrees; raise `InvalidResponseError` if it has none."""
    try:
        ra, dec = float(entry["ra"]), float(entry["decl"])
    except (KeyError, TypeError, ValueError) as err:
        raise InvalidResponseError(f"The {SERVICE} sent an entry without a position.", service=SERVICE) from err
    if not (math.isfinite(ra) and abs(dec) <= 90):
        raise InvalidResponseError(f"The {SERVICE} sent an impossible position: {ra}, {dec}.", service=SERVICE)
    return ra, dec


def coordinate_of(entry: Entry) -> SkyCoord:
    """Return the position of an entry; see `place_of`."""
    return SkyCoord(*place_of(entry), unit="deg")


def by_source(entries: Sequence[Entry]) -> dict[str, SkyCoord]:
    """Return the positions that the sources have for a name: source → position."""
    return {str(entry.get("resolver")): coordinate_of(entry) for entry in entries}


def with_place(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries of one name that have a position."""
    usable: list[Entry] = []
    problem: InvalidResponseError | None = None
    for entry in entries:
        try:
            place_of(entry)
        except InvalidResponseError as err:
            problem = problem or err
        else:
            usable.append(entry)
    if problem is not None and not usable:
        raise problem
    return usable


def by_name(names: Sequence[str], entries: Sequence[Entry]) -> dict[str, list[Entry] | InvalidResponseError]:
    """Return what came for each of several names."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(case_folded_name(str(entry.get("searchString", ""))), []).append(entry)
    # The entries for one name are all its own, however it is spelled.
    own = [entries] if len(names) == 1 else [found.get(case_folded_name(name), []) for name in names]
    return {name: _with_place_or_error(each) for name, each in zip(names, own, strict=True)}


def _with_place_or_error(entries: Sequence[Entry]) -> list[Entry] | InvalidResponseError:
    try:
        return with_place(entries)
    except InvalidResponseError as err:
        return err
