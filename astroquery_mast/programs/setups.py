"""Instruments of JWST: their modes, the size of their fields, and the passbands of their filters.

In: the names of instruments and filters, as users or MAST write them.  Out: modes, fields of view and passbands, and
comparisons of them.  The values, and their sources, are in ``setups.json``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any

from ..exceptions import InvalidArgumentError
from ..query.values import as_unicode, is_missing
from ..tables.columns import no_such

_SEPARATORS = re.compile(r"[;,+/\s]+")
_NAME = re.compile(r"[/\s_]+")
# Two passbands overlap if they share at least this fraction of the narrower one.
_OVERLAP = 0.1
Passband = tuple[float, float]


@cache
def known_setups() -> Mapping[str, Any]:
    """Return the tables of modes, passbands and names."""
    text = resources.files(__package__).joinpath("setups.json").read_text("utf-8")
    tables: Mapping[str, Any] = json.loads(text)
    return tables


def elements_of(filters: Any) -> frozenset[str]:
    """Return the optical elements in a cell of ``filters``, which are separated by ``;``."""
    return frozenset() if is_missing(filters) else frozenset(filter(None, _SEPARATORS.split(str(filters).upper())))


def effective_elements(filters: Any) -> frozenset[str]:
    """Return the elements that block part of the light, without empty positions and masks."""
    return elements_of(filters) - frozenset(known_setups()["open"])


def family_of(instrument: str) -> str:
    """Return the kind of observation of a mode; empty if the mode is unknown."""
    mode = known_setups()["modes"].get(instrument)
    return "" if mode is None else str(mode[0])


def field_of(instrument: str) -> tuple[float, float]:
    """Return the radii of the smallest circle around the field of an instrument and of the largest one in it (arcsec).

    For an instrument without a mode, or an unknown mode, these are the largest and the smallest of all its modes.
    """
    modes: Mapping[str, Sequence[Any]] = known_setups()["modes"]
    own = [instrument] if instrument in modes else modes_of(instrument.partition("/")[0])
    sizes = [modes[name] for name in own or modes]
    return max(math.hypot(*size[1:]) / 2 for size in sizes), min(min(size[1:]) / 2 for size in sizes)


# -- user input ------------------------------------------------------------------------------------------------------


def as_instrument(given: Any) -> str:
    """Return an instrument, with or without a mode, with MAST's name: ``"NIRCam imaging"`` is ``NIRCAM/IMAGE``."""
    text = as_unicode(given)
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(f"instrument must be a name such as 'NIRCAM' or 'NIRCAM/IMAGE', got {given!r}.")
    name, *mode = filter(None, _NAME.split(text.strip().upper()))
    names = {each.partition("/")[0] for each in known_setups()["modes"]}
    if name not in names:
        raise no_such(f"instrument={given!r} is not a JWST instrument.", name, sorted(names), listed=True)
    return _with_mode(name, mode, text) if mode else str(name)


def _with_mode(name: str, words: Sequence[str], text: str) -> str:
    """Return an instrument with the mode that some words describe."""
    called = known_setups()["words"]
    known = modes_of(name)
    for word in ("".join(words), *words):
        for mode in (word, called.get(word)):
            if f"{name}/{mode}" in known:
                return f"{name}/{mode}"
    raise no_such(f"instrument={text!r} is not a mode of {name}.", text.upper(), known, listed=True)


def modes_of(instrument: str) -> list[str]:
    """Return an instrument that has a mode, or the instrument with each of its modes."""
    modes: Iterable[str] = known_setups()["modes"]
    return [instrument] if "/" in instrument else sorted(each for each in modes if each.startswith(f"{instrument}/"))


def as_filters(given: Any, instrument: str | None) -> list[frozenset[str]]:
    """Return filters, or combinations of optical elements, any of which may match: ``["F200W", "F290LP;G395H"]``."""
    members = [given] if isinstance(as_unicode(given), str) else given
    if not isinstance(members, Iterable):
        raise InvalidArgumentError(f"filters must be a filter such as 'F200W', or a list of filters, got {given!r}.")
    found = [_combination(member, instrument) for member in members]
    if not found:
        raise InvalidArgumentError("filters is empty. Omit it for all filters.")
    return found


def _combination(given: Any, instrument: str | None) -> frozenset[str]:
    """Return the elements of one combination."""
    text = as_unicode(given)
    tokens = elements_of(text) if isinstance(text, str) else frozenset()
    if not tokens:
        raise InvalidArgumentError(
            f"filters contains {given!r}, which is not a filter such as 'F200W' or 'F290LP;G395H'."
        )
    known = set(chain(known_setups()["open"], *_tables(instrument)))
    unknown = min(tokens - known, default=None)
    if unknown is not None:
        owner = (instrument or "JWST").partition("/")[0]
        raise no_such(f"filters: {unknown!r} is not a filter of {owner}.", unknown, sorted(known))
    return tokens


def _tables(instrument: str | None) -> list[Mapping[str, Sequence[float]]]:
    """Return the passbands of an instrument, or of all instruments."""
    passbands: Mapping[str, Mapping[str, Sequence[float]]] = known_setups()["passbands"]
    name = (instrument or "").partition("/")[0].upper()
    return [passbands[name]] if name in passbands else list(passbands.values())


# -- passbands -------------------------------------------------------------------------------------------------------


def passband(elements: frozenset[str], instrument: str | None, limits: Passband | None = None) -> Passband | None:
    """Return the wavelengths that all elements of a combination transmit, from minimum to maximum, in micrometers.

    If an element is unknown, MAST's own ``limits`` are returned, which may be None.
    """
    bands = [_known_band(element, instrument) for element in elements - frozenset(known_setups()["open"])]
    known = list(filter(None, bands))
    if not bands or len(known) < len(bands):
        return limits
    lows, highs = zip(*known, strict=True)
    low, high = max(lows), min(highs)
    return (low, high) if low < high else limits


def _known_band(token: str, instrument: str | None) -> Passband | None:
    found = next((table[token] for table in _tables(instrument) if token in table), None)
    return None if found is None else (float(found[0]), float(found[1]))


def overlap(one: Passband, other: Passband) -> float:
    """Return the fraction of the narrower of two passbands that is in the other one."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    narrower = min(one[1] - one[0], other[1] - other[0])
    return max(0.0, shared) / narrower if narrower > 0 else float(shared >= 0)


def overlaps_enough(part: float) -> bool:
    """Return whether a fraction counts as an overlap."""
    return part >= _OVERLAP
