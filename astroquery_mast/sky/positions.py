"""Convert tables, arrays and lists of positions to one form.

In: positions or names of any supported type.  Out: frozen `Positions`: right ascension and declination in degrees
(ICRS), one row per input row.  Rows without a valid position do not affect the others: they are listed with the reason.
This module also finds the columns of right ascension and declination in tables of users and in responses, and converts
them to degrees.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import Angle, BaseCoordinateFrame, SkyCoord
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..query.conditions import NUMBER
from ..query.values import as_unicode
from ..tables.columns import no_such, plain_cells, plain_floats
from ..tables.dataframes import as_astropy
from ..tables.rows import Floats
from .position import as_coordinate, in_icrs, looks_like_coordinates, tic_hint, two_numbers

NO_POSITION = "there is no position"
_NO_NAME = "there is no name"
_SKY = SkyCoord | BaseCoordinateFrame
_LISTS = (list, tuple, np.ndarray)
# Types that are iterable but not lists of positions.
_WHOLE = Table | Row | SkyCoord | BaseCoordinateFrame | Mapping
# Names of position columns in tables of MAST, VizieR, SIMBAD, Gaia, SDSS and SExtractor, letters and digits only.  The
# first pair that the table has is used.
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


@dataclass(frozen=True)
class Positions:
    """Positions in the order of the input."""

    ra: Floats
    dec: Floats
    problems: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ra)

    @property
    def known(self) -> npt.NDArray[np.int64]:
        """The row numbers of valid positions."""
        return np.flatnonzero(np.isfinite(self.ra) & np.isfinite(self.dec)).astype(np.int64)

    def resolved(self, found: Mapping[str, tuple[float, float]], reasons: Mapping[str, str]) -> Positions:
        """Return the same rows with the resolved positions of names filled in."""
        ra, dec, problems = self.ra.copy(), self.dec.copy(), dict(self.problems)
        for row, name in self.names.items():
            if name in found:
                ra[row], dec[row] = found[name]
            else:
                problems[row] = reasons.get(name, NO_POSITION)
        return _checked(replace(self, ra=ra, dec=dec, problems=problems))

    def failures(self, reasons: Mapping[int, str] | None = None) -> list[str]:
        """Return a line for each row that could not be queried, or whose query failed."""
        every = {**self.problems, **(reasons or {})}
        return [f"row {row}{self._named(row)}: {every[row]}" for row in sorted(every)]

    def _named(self, row: int) -> str:
        return f" ({self.names[row]})" if row in self.names else ""


def as_positions(given: Any, *, ra_column: str | None = None, dec_column: str | None = None) -> Positions:
    """Convert the input to positions; `Positions` are returned unchanged."""
    if isinstance(given, Positions):
        return given
    if isinstance(given, Row):
        given = Table(given, masked=True)
    if not isinstance(given, _WHOLE):
        given = as_astropy(given)
    if isinstance(given, Table):
        positions = _of_table(given, ra_column, dec_column)
    elif ra_column is not None or dec_column is not None:
        raise InvalidArgumentError("ra_column and dec_column require a Table.")
    else:
        positions = _without_columns(given)
    if not len(positions):
        raise InvalidArgumentError("No positions specified: coordinates is empty.")
    return _checked(positions)


def _without_columns(given: Any) -> Positions:
    """Return the positions in an input other than a table."""
    if isinstance(given, _SKY):
        return _of_sky(given)
    if isinstance(given, _LISTS):
        return _of_list(list(given))
    raise InvalidArgumentError(f"Positions must be a SkyCoord, a Table or a list, got a {type(given).__name__}.")


def as_targets(given: Any) -> Positions:
    """Convert targets to positions and names: position objects, strings, names, and lists of these.

    A comma in a string separates two targets, or the two numbers of one target.
    """
    if not isinstance(given, str | _WHOLE):
        given = as_astropy(given)
    if isinstance(given, _WHOLE) or not isinstance(given, Iterable):
        return as_positions(given)
    parts = [_of_member(member) for member in _members(given)]
    if not any(map(len, parts)):
        raise InvalidArgumentError("No targets were provided: coordinates is empty.")
    return _checked(join_positions(parts))


def _members(given: Iterable[Any]) -> list[Any]:
    """Return the targets in a list, or a string as the only one."""
    members = [given] if isinstance(given, str) else list(given)
    # One position as two strings of a number, which code for ``astroquery.mast`` may pass.
    return [" ".join(members)] if len(members) == 2 and all(map(_is_number, members)) else members


def join_positions(parts: Sequence[Positions]) -> Positions:
    """Concatenate the rows of all parts."""
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    return Positions(
        np.concatenate([np.empty(0), *(part.ra for part in parts)]),
        np.concatenate([np.empty(0), *(part.dec for part in parts)]),
        {start + row: why for start, part in zip(starts, parts, strict=False) for row, why in part.problems.items()},
        {start + row: name for start, part in zip(starts, parts, strict=False) for row, name in part.names.items()},
    )


def _of_member(member: Any) -> Positions:
    """Return the positions and names in an item of a list, which may hold several."""
    if isinstance(member, str):
        return _of_list(_texts(member))
    return as_positions(member if isinstance(member, _WHOLE) else [member])


def _texts(text: str) -> list[str]:
    """Return the targets in a string."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > 1 and not all(map(looks_like_coordinates, parts)) and looks_like_coordinates(text):
        return [text]
    return parts


def _is_number(member: object) -> bool:
    """Return whether the item is a string with a number."""
    return isinstance(member, str) and NUMBER.fullmatch(member.strip()) is not None


def as_names(given: Any) -> Positions:
    """Convert the input to object names, which are resolved later."""
    if isinstance(given, Table):
        raise InvalidArgumentError(
            "Object names must be a list or a column, got a table. Pass the column with the names."
        )
    names: dict[int, str] = {}
    problems: dict[int, str] = {}
    cells = plain_cells(given.ravel()) if isinstance(given, np.ndarray) else list(given)
    for row, cell in enumerate(cells):
        text = as_unicode(cell)
        if _is_missing(text):
            problems[row] = _NO_NAME
        elif isinstance(text, str):
            names[row] = text
        else:
            raise InvalidArgumentError(f"Object names must be strings, got {text!r}.{tic_hint(text)}")
    if not cells:
        raise InvalidArgumentError("No object names specified: the list is empty.")
    nowhere = np.full(len(cells), np.nan)
    return Positions(nowhere, nowhere.copy(), problems, names)


def _is_missing(cell: object) -> bool:
    """Return whether a cell is empty: None, masked, or a blank string."""
    return cell is None or cell is np.ma.masked or (isinstance(cell, str) and not cell.strip())


def _checked(positions: Positions) -> Positions:
    """Return positions with right ascensions from 0 to 360, and with a problem for each row without a position."""
    ra, dec = positions.ra, positions.dec
    outside = np.flatnonzero(np.abs(dec) > 90)
    problems = {int(row): f"the declination {dec[row]:g} is not between -90 and 90 degrees" for row in outside}
    known = np.isfinite(ra) & np.isfinite(dec)
    known[outside] = False
    waiting = set(positions.names) | set(positions.problems) | set(problems)
    problems |= {int(row): NO_POSITION for row in np.flatnonzero(~known) if int(row) not in waiting}
    ra, dec = np.where(known, ra, np.nan), np.where(known, dec, np.nan)
    turned = (ra < 0) | (ra >= 360)
    # The remainder of a tiny negative number rounds to 360.
    ra[turned] = ra[turned] % 360.0 % 360.0
    return replace(positions, ra=ra, dec=dec, problems={**problems, **positions.problems})


def _of_sky(given: SkyCoord | BaseCoordinateFrame) -> Positions:
    """Return the positions in a SkyCoord or frame object."""
    if isinstance(given, BaseCoordinateFrame) and not given.has_data:
        raise InvalidArgumentError(f"The coordinate frame has no data: {given!r}.")
    with np.errstate(invalid="ignore"):  # NaN is reported as a problem later
        positions = in_icrs(SkyCoord(given).ravel())
    return Positions(filled_with_nan(positions.ra.deg), filled_with_nan(positions.dec.deg))


def filled_with_nan(values: Any) -> Floats:
    """Return plain numbers, with NaN for masked values."""
    if hasattr(values, "filled"):
        values = values.filled(np.nan)
    return np.array(values, dtype=np.float64)


def _of_table(table: Table, ra_column: str | None, dec_column: str | None) -> Positions:
    """Return the positions in a table."""
    ready = sky_column(table, ra_column, dec_column)
    if ready is not None:
        return _of_sky(ready)
    ra_name, dec_name = position_columns(table, ra_column, dec_column)
    ra, wrong_ra = degrees(table[ra_name], "right ascension")
    dec, wrong_dec = degrees(table[dec_name], "declination")
    return Positions(ra, dec, {**wrong_ra, **wrong_dec})


def sky_column(table: Table, ra_column: str | None, dec_column: str | None) -> Any:
    """Return the column of SkyCoord objects; None if the positions are in two columns."""
    ready = [name for name in table.colnames if isinstance(table[name], _SKY)]
    if dec_column is not None:
        return None
    if ra_column is None and len(ready) == 1:
        return table[ready[0]]
    return table[ra_column] if ra_column in ready else None


def position_columns(table: Table, ra_column: str | None, dec_column: str | None) -> tuple[str, str]:
    """Return the names of the columns with right ascension and declination."""
    ready = [name for name in table.colnames if isinstance(table[name], _SKY)]
    plain = [name for name in table.colnames if name not in ready]
    ucds = {name: str(getattr(table[name].info, "meta", None) or {}) for name in plain}
    names = _pair_named(plain, ucds, ra_column, dec_column)
    if names is None:
        what = f"several columns of positions, {', '.join(ready)}" if ready else f"the columns {', '.join(plain)}"
        raise InvalidArgumentError(
            f"Cannot identify the columns with the positions: the table has {what}. Rename two of them to "
            "'ra' and 'dec', or pass a SkyCoord. (crossmatch and match_footprints accept ra_column= and "
            "dec_column=.)"
        )
    return names


def _of_list(items: Sequence[Any]) -> Positions:
    """Return the positions and names in a list."""
    ra, dec = np.full(len(items), np.nan), np.full(len(items), np.nan)
    problems: dict[int, str] = {}
    names: dict[int, str] = {}
    _refuse_pair(items)
    for row, item in enumerate(items):
        if _is_missing(item):
            continue
        if not isinstance(item, str) and not (isinstance(item, _SKY) and item.isscalar):
            raise InvalidArgumentError(f"coordinates[{row}] = {item!r} is not a position. Use a SkyCoord or a string.")
        try:
            place = _place_of(item)
        except InvalidArgumentError as err:
            problems[row] = str(err)
            continue
        if place is None:
            names[row] = str(item)
        else:
            ra[row], dec[row] = place
    return Positions(ra, dec, problems, names)


def _refuse_pair(items: Sequence[Any]) -> None:
    """Raise for a list of two numbers, which may be meant as one position."""
    if len(items) == 2 and all(isinstance(item, Real) for item in items):
        raise InvalidArgumentError(
            f"coordinates={items!r} is ambiguous. For one position, use SkyCoord({items[0]}, {items[1]}, "
            f"unit='deg') or '{items[0]} {items[1]}'."
        )


def _place_of(item: str | SkyCoord | BaseCoordinateFrame) -> tuple[float, float] | None:
    """Return the position of an item in degrees; None if it is a name."""
    if isinstance(item, str):
        # Two plain numbers are in degrees, as in `as_coordinate`; no SkyCoord object is needed for these.
        plain = two_numbers(item)
        if plain is not None and abs(plain[0]) <= 360 and math.isfinite(plain[1]):
            return plain
        if not looks_like_coordinates(item):
            return None
    place = as_coordinate(item)
    return float(place.ra.deg), float(place.dec.deg)


# -- columns of a table ----------------------------------------------------------------------------------------------


def folded(name: str) -> str:
    """Return a column name as lowercase letters and digits only, to compare different spellings."""
    return _NO_LETTERS.sub("", name.lower())


def pair_among(names: Iterable[str], pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the first of the pairs whose columns exist; None if it is missing or ambiguous."""
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(folded(name), []).append(name)
    for ra, dec in pairs:
        if ra in spelled and dec in spelled:
            (first, *more), (second, *others) = spelled[ra], spelled[dec]
            return None if more or others else (first, second)
    return None


def _pair_named(
    names: Sequence[str], ucds: Mapping[str, str], ra_column: str | None, dec_column: str | None
) -> tuple[str, str] | None:
    """Return the position columns: those named by the user, or else identified by UCD or by name."""
    if ra_column is not None or dec_column is not None:
        return _named("ra_column", ra_column, names), _named("dec_column", dec_column, names)
    main = [[name for name, words in ucds.items() if word in words] for word in _MAIN.values()]
    if all(len(found) == 1 for found in main):
        return main[0][0], main[1][0]
    return pair_among(names, PAIRS)


def _named(keyword: str, name: str | None, names: Sequence[str]) -> str:
    """Return the column named by the user; raise if the table does not have it."""
    if name in names:
        return str(name)
    if name is None:
        raise InvalidArgumentError(f"{keyword} is missing. Specify both ra_column and dec_column, or neither.")
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{keyword} must be the name of a column, got {name!r}.")
    raise no_such(f"{keyword}={name!r} is not a column of the table.", name, names)


def degrees(column: Any, what: str) -> tuple[Floats, dict[int, str]]:
    """Return the angles in a column in degrees, and the problems by row."""
    unit = _unit(column, what)
    values = np.ma.asarray(getattr(column, "value", column))
    if values.ndim != 1:
        raise InvalidArgumentError(f"The {what} must have one number per row, got cells of shape {values.shape[1:]}.")
    if values.dtype.kind in "iuf":
        plain = plain_floats(values)
        return (plain if unit in {None, u.deg} else np.asarray(u.Quantity(plain, unit).to_value(u.deg))), {}
    usual = u.hourangle if what == "right ascension" else u.deg
    return _of_texts(values.tolist(), unit, usual, what)


def _unit(column: Any, what: str) -> u.UnitBase | None:
    """Return the unit of a column, or None; ``"h:m:s"`` and similar strings describe a notation, not a unit."""
    unit = getattr(column, "unit", None)
    if unit is None or isinstance(unit, u.UnrecognizedUnit) or unit == u.dimensionless_unscaled:
        return None
    if unit == u.hour and what == "right ascension":
        return u.hourangle
    if not unit.is_equivalent(u.deg):
        raise InvalidArgumentError(f"The unit of the {what} is {unit}, which is not an angle.")
    return unit


def _of_texts(
    cells: Sequence[Any], unit: u.UnitBase | None, usual: u.UnitBase, what: str
) -> tuple[Floats, dict[int, str]]:
    """Return the angles in a column of strings in degrees, and the problems by row."""
    found = np.full(len(cells), np.nan)
    problems: dict[int, str] = {}
    for row, cell in enumerate(cells):
        text = as_unicode(cell)
        if text is None or not str(text).strip():
            continue
        try:
            found[row] = _degrees_of(str(text), unit, usual)
        except (ValueError, TypeError, u.UnitsError):
            problems[row] = f"{text!r} is not a {what}"
    return found, problems


def _degrees_of(text: str, unit: u.UnitBase | None, usual: u.UnitBase) -> float:
    """Return an angle in degrees; without a unit, plain numbers are in degrees, sexagesimal ones in the usual unit."""
    return float(text if unit is None and _is_number(text) else Angle(text, unit or usual).deg)
