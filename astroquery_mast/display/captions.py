"""Titles of plots of data products: target, mission, instrument, filter, date and exposure time from the headers.

In: a header, or the metadata of an object returned by a reader.  Out: strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astropy import units as u

from ..sky.picture import drawn_text

# Header keywords of HST, JWST, TESS, Kepler and HLSPs; the first keyword in the header is used.
_TARGET = ("OBJECT", "TARGNAME", "TARGPROP", "TARGET", "TARG_ID")
_TELESCOPE = ("TELESCOP", "MISSION", "OBSERVAT")
_INSTRUMENT, _DETECTOR = ("INSTRUME",), ("DETECTOR", "CHANNEL")
_FILTERS = ("FILTER", "FILTER1", "FILTER2", "FILTNAM1", "FILTNAM2", "PUPIL", "OPT_ELEM", "GRATING", "BAND")
_DATE, _EXPOSURE = ("DATE-OBS", "DATE_OBS"), ("EXPTIME", "EFFEXPTM", "XPOSURE", "TEXPTIME")
_PERIODS = ("SECTOR", "QUARTER", "CAMPAIGN")
_WHEELS_OPEN = ("CLEAR", "N/A", "NONE", "MIRROR", "UNKNOWN", "NULL")


def flat_metadata(meta: Any) -> dict[str, Any]:
    """Return metadata with uppercase names, including those of a nested header, over which they take precedence."""
    if not isinstance(meta, Mapping) and not hasattr(meta, "keys"):
        return {}
    inner = flat_metadata(meta.get("header")) if "header" in meta else {}
    own = {str(name).upper(): meta[name] for name in meta if name and not isinstance(meta[name], Mapping)}
    return inner | own


def caption(meta: Any, otherwise: str = "") -> str:
    """Return the title of a plot in at most two lines: the target, and how it was observed."""
    facts = flat_metadata(meta)
    target = _fact(facts, _TARGET)
    how = ", ".join(filter(None, [_setup(facts), _period(facts), _day(facts), _exposure(facts)]))
    return "\n".join(drawn_text(line) for line in (target or otherwise, how) if line)


def _fact(facts: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first value that is not empty, as a string."""
    texts = (str(facts[name]).strip() for name in names if facts.get(name) is not None)
    return next((text for text in texts if text and text.upper() not in _WHEELS_OPEN), "")


def _setup(facts: Mapping[str, Any]) -> str:
    """Return the telescope, the instrument with its detector, and the filters."""
    instrument, detector = _fact(facts, _INSTRUMENT), _fact(facts, _DETECTOR)
    if detector and detector.upper() not in {"MULTIPLE", instrument.upper()} and not detector.isdigit():
        instrument = f"{instrument}/{detector}".strip("/")
    telescope = _fact(facts, _TELESCOPE)
    named = dict.fromkeys(str(facts[name]).strip() for name in _FILTERS if facts.get(name) is not None)
    filters = [name for name in named if name and not name.upper().startswith(_WHEELS_OPEN)]
    if instrument.upper().startswith(telescope.upper()):
        telescope = ""
    return " ".join(filter(None, [telescope, instrument, "+".join(filters)]))


def _period(facts: Mapping[str, Any]) -> str:
    """Return the sector, quarter or campaign."""
    return next((f"{name.lower()} {facts[name]}" for name in _PERIODS if facts.get(name) is not None), "")


def _day(facts: Mapping[str, Any]) -> str:
    """Return the day of the observation."""
    return _fact(facts, _DATE).partition("T")[0]


def _exposure(facts: Mapping[str, Any]) -> str:
    """Return the exposure time, which is in seconds in image headers."""
    text = _fact(facts, _EXPOSURE)
    try:
        seconds = float(text)
    except ValueError:
        return ""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.3g} s" if seconds > 0 else ""


def unit_label(words: str, unit: u.UnitBase | None) -> str:
    """Return the label of an axis: the quantity and its unit."""
    text = "" if unit is None else drawn_text(unit.to_string("unicode"))
    return f"{words} ({text})" if text else words
