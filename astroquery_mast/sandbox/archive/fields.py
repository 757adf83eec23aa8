"""The fields observed by the archive's telescopes, and the names that resolve to them.

Positions are those of the CDS name resolver, rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ..packaged import packaged
from .observation import dice


@dataclass(frozen=True, slots=True)
class Field:
    """A target or survey field."""

    name: str
    ra: float
    dec: float
    look: str
    classification: str
    object_type: str
    extent: float = 0.0
    aliases: tuple[str, ...] = ()


#: All fields by name.
FIELDS: dict[str, Field] = {line[0]: Field(*line) for line in packaged("targets")["fields"]}

#: All fields, and targets outside all surveys, which are not in the catalogs.
TARGETS: dict[str, Field] = {**FIELDS, **{line[0]: Field(*line) for line in packaged("targets")["apart"]}}

#: Names of moving targets, which name resolvers do not know.
MOVING = frozenset(packaged("targets")["moving"])

#: TIC id of each star with TESS light curves, in catalog order.
TIC_NUMBERS: dict[str, int] = packaged("targets")["tic"]
_STARS = {number: name for name, number in TIC_NUMBERS.items()}


_TIC = re.compile(r"tic(\d+)$")
# The search radius in TIC entries: 1.2 arcsec, in degrees.
_TIC_RADIUS = 0.000333


def _key(name: str) -> str:
    """Return a name without case, spaces, and punctuation; ``Messier`` becomes ``M``."""
    text = re.sub(r"[\s_'\u2019.*-]+", "", name.casefold())
    text = re.sub(r"^(name|messier(?=\d))", lambda word: "m" if word[0] == "messier" else "", text)
    return re.sub(r"^(m|ngc|tic)0+(?=\d)", r"\1", text)


@cache
def _known() -> dict[str, Field]:
    fields = [field for field in TARGETS.values() if field.name not in MOVING]
    return {_key(name): field for field in fields for name in (field.name, *field.aliases)}


def resolve(name: str) -> list[dict[str, object]]:
    """Return the entries of a name in the resolvers."""
    key = _key(name)
    tic = _TIC.match(key)
    if tic is None:
        field = _known().get(key)
        return [] if field is None else _entries(field)
    number = int(tic[1])
    if number not in _STARS:
        return []
    target = FIELDS[_STARS[number]]
    entry: dict[str, object] = {"resolver": "TIC", "searchRadius": _TIC_RADIUS, "canonicalName": f"TIC {number}"}
    return [entry | {"ra": target.ra, "decl": target.dec}, *_entries(target)]


def _entries(field: Field) -> list[dict[str, object]]:
    simbad: dict[str, object] = {
        "resolver": "SIMBAD",
        "searchRadius": -1.0,
        "canonicalName": field.aliases[0] if field.aliases else field.name,
        "ra": field.ra,
        "decl": field.dec,
    }
    if field.extent:
        simbad |= {"radius": field.extent / 2, "majorAxis": field.extent, "minorAxis": round(field.extent * 0.8, 6)}
    simbad["objectType"] = field.object_type
    if field.look == "star":
        return [simbad]
    # The position in NED differs by about an arcsecond.
    rng = dice("NED", field.name)
    ned: dict[str, object] = {
        "resolver": "NED",
        "searchRadius": -1.0,
        "canonicalName": field.name,
        "ra": round(field.ra + rng.uniform(-3e-4, 3e-4), 5),
        "decl": round(field.dec + rng.uniform(-3e-4, 3e-4), 5),
        "objectType": "G" if "GALAXY" in field.classification else "Neb",
    }
    return [simbad, ned]
