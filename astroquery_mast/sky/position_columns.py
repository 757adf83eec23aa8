"""Which columns of a table are right ascension and declination, and what they are in degrees.

In: names and columns, of a user's table or of an answer of the archive.  Out: the names of a pair of columns, or none;
arrays of degrees, NaN where a cell holds no angle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from ..exceptions import InvalidArgumentError
from ..query.values import as_unicode
from ..tables.columns import no_such
from ..tables.rows import Floats

# The names under which tables of the field have positions, letters and digits only: MAST, VizieR, SIMBAD, Gaia, SDSS,
# SExtractor.  The first pair that is there counts.
PAIRS = (
    ("ra", "dec"),
    ("sra", "sdec"),
    ("rad", "decd"),
    ("radeg", "decdeg"),
    ("radeg", "dedeg"),
    ("raicrs", "deicrs"),
    ("raicrs", "decicrs"),
    ("raj2000", "dej2000"),
    ("raj2000", "decj2000"),
    ("ra2000", "dec2000"),
    ("ra2000", "de2000"),
    ("rightascension", "declination"),
    ("alphaj2000", "deltaj2000"),
    ("ramean", "decmean"),
    ("rastack", "decstack"),
    ("matchra", "matchdec"),
    ("targra", "targdec"),
    ("scira", "scidec"),
)
_NO_LETTERS = re.compile(r"[^a-z0-9]")
_MAIN = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
# Text without a unit: numbers alone are degrees, whatever has parts is hours for a right ascension.
_PLAIN = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")


def folded(name: str) -> str:
    """Return a name without what differs between spellings: case, underscores, blanks."""
    return _NO_LETTERS.sub("", name.lower())


def pair_among(names: Iterable[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the first pair of columns that is there."""
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(folded(name), []).append(name)
    for ra, dec in pairs:
        if ra in spelled and dec in spelled:
            (first, *more), (second, *others) = spelled[ra], spelled[dec]
            return None if more or others else (first, second)
    return None


def position_columns(
    names: Sequence[str],
    *,
    ucds: Mapping[str, str] | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
) -> tuple[str, str] | None:
    """Return the columns of a user's table that hold the positions."""
    if ra_column is not None or dec_column is not None:
        return _named("ra_column", ra_column, names), _named("dec_column", dec_column, names)
    main = [[name for name, words in (ucds or {}).items() if word in words] for word in _MAIN.values()]
    if all(len(found) == 1 for found in main):
        return main[0][0], main[1][0]
    return pair_among(names, PAIRS)


def _named(keyword: str, name: str | None, names: Sequence[str]) -> str:
    """The column that the user named, if it is there."""
    if name in names:
        return str(name)
    if name is None:
        raise InvalidArgumentError(f"{keyword} is missing: name both columns of the positions, or neither.")
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{keyword}={name!r}: the name of a column is needed.")
    raise no_such(f"{keyword}={name!r} is not a column of the table.", name, names)


def degrees(column: Any, what: str) -> tuple[Floats, dict[int, str]]:
    """Return the angles in a column."""
    unit = _unit(column, what)
    values = np.ma.asarray(getattr(column, "value", column))
    if values.ndim != 1:
        raise InvalidArgumentError(f"The {what} has cells of shape {values.shape[1:]}: one number in each is needed.")
    if values.dtype.kind in "iuf":
        plain = np.ma.MaskedArray(values, dtype=np.float64).filled(np.nan)
        return (plain if unit in {None, u.deg} else np.asarray(u.Quantity(plain, unit).to_value(u.deg))), {}
    usual = u.hourangle if what == "right ascension" else u.deg
    return _of_texts(values.tolist(), unit, usual, what)


def _unit(column: Any, what: str) -> u.UnitBase | None:
    """The unit of a column, None if it has none; ``"h:m:s"`` and the like are ways of writing, and no units."""
    unit = getattr(column, "unit", None)
    if unit is None or isinstance(unit, u.UnrecognizedUnit) or unit == u.dimensionless_unscaled:
        return None
    if unit == u.hour and what == "right ascension":
        return u.hourangle
    if not unit.is_equivalent(u.deg):
        raise InvalidArgumentError(f"The {what} is in {unit}, which is no angle.")
    return unit


def _of_texts(
    cells: Sequence[Any], unit: u.UnitBase | None, usual: u.UnitBase, what: str
) -> tuple[Floats, dict[int, str]]:
    """The angles in cells of text."""
    found = np.full(len(cells), np.nan)
    problems: dict[int, str] = {}
    for row, cell in enumerate(cells):
        text = as_unicode(cell)
        if text is None or not str(text).strip():
            continue
        try:
            if unit is None and _PLAIN.fullmatch(str(text)):
                found[row] = float(str(text))
            else:
                found[row] = Angle(str(text), unit or usual).deg
        except (ValueError, TypeError, u.UnitsError):
            problems[row] = f"{text!r} is no {what}"
    return found, problems
