"""Instrument setups of JWST observations, as header keywords."""

from __future__ import annotations

from collections.abc import Mapping

from ..packaged import packaged

_FACTS = packaged("jwst_keywords")


def exposure_type(configuration: str) -> str:
    """Return ``EXP_TYPE`` for an instrument and its mode."""
    instrument, _, mode = configuration.partition("/")
    return f"{_FACTS['prefixes'][instrument]}_{_FACTS['modes'].get(configuration, mode)}"


def is_reference(target: str | None) -> bool:
    """Return whether a target is a reference for the point spread functions of others."""
    return target in _FACTS["references"]


def setup(configuration: str, filters: str | None, target: str | None) -> dict[str, str | None]:
    """Return the setup of an instrument: exposure type, optical elements, subarray, mask, and reference flag."""
    instrument = configuration.partition("/")[0]
    first, *others = str(filters or "").split(";")
    found: dict[str, str | None] = {
        "exp_type": exposure_type(configuration),
        "filter": first or None,
        "subarray": _of(_FACTS["subarrays"], configuration, first) or "FULL",
        "coronmsk": _of(_FACTS["masks"], configuration, first),
        "is_psf": "t" if is_reference(target) else "f",
    }
    if others and instrument in _FACTS["second"]:
        found[_FACTS["second"][instrument]] = others[-1]
    return found


def _of(table: Mapping[str, str], *names: str) -> str | None:
    return next((table[name] for name in names if name in table), None)
