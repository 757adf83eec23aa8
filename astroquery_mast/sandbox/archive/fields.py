"""The places in the sky that the archive's telescopes have looked at.

Out: `FIELDS`, by name: position, kind, classification and other names of each target. Positions are those of the CDS
name resolver, rounded; programs (`hst`, `jwst` and so on) point at them and `names` resolves them.
"""

from __future__ import annotations

from dataclasses import dataclass

from .packaged import packaged


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


#: Every field by its name.
FIELDS: dict[str, Field] = {line[0]: Field(*line) for line in packaged("targets")["fields"]}

#: Names of targets that move across the sky; no name resolver knows where they are.
MOVING = frozenset(packaged("targets")["moving"])

#: TIC number of every star that TESS has light curves of, in the order they are cataloged.
TIC_NUMBERS: dict[str, int] = packaged("targets")["tic"]
