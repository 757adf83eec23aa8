"""Moving targets: planets, moons, comets and asteroids, which are searched by name because they have no fixed position.

In: the name of a target, as users write it.  Out: whether it moves, and whether a ``target_name`` refers to it.
"""

from __future__ import annotations

import re
from functools import cache

from .setups import known_setups

# Designations of comets and asteroids: 67P, 1P/Halley, C/2017 K2, (1) Ceres, 2015 TG387, 2003 UB313.
_COMET = re.compile(r"\d{1,3}[PDI](?:\b|/).*|[CPDXAI]/\d{4} ?[A-Z]{1,2}\d*.*", re.IGNORECASE)
_ASTEROID = re.compile(r"\(\d+\).*|(?:19|20)\d\d[ _-]?[A-HJ-Y][A-HJ-Z]\d{0,4}", re.IGNORECASE)
_NUMBER = re.compile(r"^\(?\d+\)?[\s_-]+(?=[A-Za-z])")
_BETWEEN = re.compile(r"[\s_/()-]+")


@cache
def _names() -> frozenset[str]:
    return frozenset(name.upper() for name in known_setups()["moving"])


def is_moving(name: str) -> bool:
    """Return whether a name is that of an object in the solar system."""
    text = name.strip()
    return _plain(text) in _names() or bool(_COMET.fullmatch(text) or _ASTEROID.fullmatch(text))


def _plain(name: str) -> str:
    """Return a name without the number of a minor planet: ``1 Ceres`` becomes ``CERES``."""
    return _NUMBER.sub("", name.strip()).upper()


def pattern_of(name: str) -> str:
    """Return the pattern with which MAST finds all names that may refer to a target."""
    return f"*{'*'.join(_words(_plain(name)))}*"


def is_named(name: str, target_name: str) -> bool:
    """Return whether a target name refers to a named object: ``IO-ECLIPSE`` refers to Io, and ``IOTA-CEN`` does not."""
    wanted, words = _words(_plain(name)), _words(target_name.upper())
    return any(_follows(words[start:], wanted) for start in range(len(words) - len(wanted) + 1))


def _words(name: str) -> list[str]:
    return [word for word in _BETWEEN.split(name) if word]


def _follows(words: list[str], wanted: list[str]) -> bool:
    """Return whether some words begin with others; a number may follow a name directly, as in ``TITAN1``."""
    pairs = zip(words, wanted, strict=False)
    return all(re.fullmatch(rf"{re.escape(want)}\d*", word) is not None for word, want in pairs)
