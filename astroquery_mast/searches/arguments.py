"""Write the arguments of a query as readable JSON values, and read them back.

In: what users pass to queries: numbers, text, lists, quantities, times, positions, regions, arrays and tables.  Out:
JSON values, and the same objects again.  Anything else, and any token, raises an error that names the argument.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import BaseCoordinateFrame, SkyCoord
from astropy.coordinates.errors import ConvertError
from astropy.io.fits import Header, VerifyError
from astropy.table import Row, Table
from astropy.time import ScaleValueError, Time, TimeDelta
from astropy.wcs import WCS

from ..exceptions import InvalidArgumentError, SavedSearchError, without_secrets
from ..tables.dataframes import as_astropy

# Nanoseconds; the time columns at MAST have fewer digits.
_DIGITS = 9
# Decimal places of degrees; far smaller than any pixel.
_DEGREES = 14
_KINDS = "biufUSM"
_LOGIN_IN_ADDRESS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_UNREADABLE = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    RecursionError,
    ImportError,
    OSError,
    OverflowError,
    ScaleValueError,
    VerifyError,
)

Written = Any
"""A JSON value."""


def write_argument(name: str, value: Any) -> Written:
    """Return an argument as a JSON value."""
    try:
        return _written(name, value)
    except (TypeError, ValueError, AttributeError, KeyError, NotImplementedError, RecursionError, ConvertError) as err:
        raise InvalidArgumentError(f"'{name}' cannot be saved: {err}") from err


def read_argument(written: Written) -> Any:
    """Return the argument from the JSON value that `write_argument` returned."""
    try:
        return _read(written)
    except SavedSearchError:
        raise
    except _UNREADABLE as err:
        raise SavedSearchError(f"Cannot read {written!r:.80} as an argument of a query: {err}") from err


# -- writing -----------------------------------------------------------------------------------------------------------


def _written(name: str, value: Any) -> Written:
    """Return the JSON value of an argument."""
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, str | bytes):
        return _text(name, value)
    if isinstance(value, int | np.integer) and not isinstance(value, np.timedelta64):
        return int(value)
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return _written_object(name, as_astropy(value))


def _written_object(name: str, value: Any) -> Written:
    """Return the JSON value of an object, from the writer for the first matching class."""
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(name, value)
    write_packaged = _PACKAGED.get(type(value).__module__.partition(".")[0])
    if write_packaged is None:
        kind_name = type(value).__name__
        raise InvalidArgumentError(f"'{name}' cannot be saved: values of type {kind_name} cannot be written as text.")
    return write_packaged(name, value)


def _text(name: str, value: str | bytes) -> str:
    """Return a text, unless it contains a token or a password."""
    text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    if without_secrets(text) != text or _LOGIN_IN_ADDRESS.search(text):
        raise InvalidArgumentError(f"'{name}' contains a token or a password, which cannot be saved.")
    text.encode("utf-8")
    return text


def _number(value: float) -> Written:
    """Return a number; infinity and NaN, which JSON does not have, as text in a dictionary."""
    return value if math.isfinite(value) else {"float": str(value)}


def _list(name: str, value: Sequence[Any]) -> list[Written]:
    return [_written(name, member) for member in value]


def _mapping(name: str, value: Mapping[Any, Any]) -> Written:
    if not all(isinstance(key, str) for key in value):
        raise InvalidArgumentError(f"'{name}' cannot be saved: the keys of a dictionary must be strings.")
    return {"dict": {_text(name, key): _written(name, member) for key, member in value.items()}}


def _array(name: str, value: Any) -> Written:
    """Return an array of numbers, booleans, texts or dates; a masked array with its mask."""
    if value.dtype.kind not in _KINDS:
        raise InvalidArgumentError(f"'{name}' cannot be saved: arrays of type {value.dtype} cannot be written.")
    plain = np.ma.asarray(value)
    kind = plain.dtype.str
    cells = plain.filled().astype(str) if plain.dtype.kind == "M" else plain.filled()
    written: dict[str, Written] = {"array": _written(name, cells.tolist()), "dtype": kind}
    if isinstance(value, np.ma.MaskedArray):
        written["mask"] = np.ma.getmaskarray(value).tolist()
    return written


def _quantity(name: str, value: u.Quantity) -> Written:
    unit = value.unit.to_string()
    if u.Unit(unit) != value.unit:
        raise InvalidArgumentError(f"'{name}' cannot be saved: its unit cannot be written as text.")
    return {"quantity": _written(name, value.value.tolist()), "unit": unit}


def _time(name: str, value: Time) -> Written:
    if np.any(value.mask):
        raise InvalidArgumentError(f"'{name}' contains masked times. Remove them.")
    written = Time(value.unmasked, precision=_DIGITS).isot
    return {"time": written.tolist() if value.shape else str(written), "scale": value.scale}


def _day(_name: str, value: date) -> Written:
    return {"datetime" if isinstance(value, datetime) else "date": value.isoformat()}


def _position(name: str, value: SkyCoord | BaseCoordinateFrame) -> Written:
    position = SkyCoord(value).icrs
    cells = [np.asarray(each.to_value(u.deg), dtype=float) for each in (position.ra, position.dec)]
    if not all(np.isfinite(each).all() for each in cells):
        raise InvalidArgumentError(f"'{name}' has positions that are not finite.")
    return {"icrs": [_written(name, each.tolist()) for each in cells], "unit": "deg"}


def _table(name: str, value: Table | Row) -> Written:
    """Return a table as lines of ECSV, without its ``meta``."""
    table = Table(value) if isinstance(value, Row) else value
    plain = table.copy()
    plain.meta.clear()
    stream = io.StringIO()
    plain.write(stream, format="ascii.ecsv")
    return {"row" if isinstance(value, Row) else "table": _text(name, stream.getvalue()).splitlines()}


def _wcs(name: str, value: WCS) -> Written:
    header = value.to_header(relax=True)
    shape = None if value.array_shape is None else [int(each) for each in value.array_shape]
    return {"wcs": _text(name, header.tostring(sep="\n", endcard=False, padding=False)).splitlines(), "shape": shape}


def _region(name: str, value: Any) -> Written:
    """Return the shape or shapes of the ``regions`` package."""
    if hasattr(value, "regions"):
        return _list(name, value.regions)
    if hasattr(value, "to_sky"):
        raise InvalidArgumentError(f"'{name}' is a pixel region. Convert it with to_sky to save it.")
    lines = _text(name, value.serialize(format="ds9", precision=_DEGREES)).splitlines()
    return {"regions": [line for line in lines if not line.startswith(("#", "global"))]}


def _moc(name: str, value: Any) -> Written:
    return {"moc": _text(name, value.to_string(format="ascii"))}


_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[str, Any], Written]], ...] = (
    (tuple, lambda name, value: {"tuple": _list(name, value)}),
    ((list, range), _list),
    ((set, frozenset), lambda name, value: {"set": _list(name, sorted(value, key=str))}),
    (Mapping, _mapping),
    ((Table, Row), _table),
    ((SkyCoord, BaseCoordinateFrame), _position),
    (TimeDelta, lambda name, value: _quantity(name, value.to(u.s))),
    (Time, _time),
    (u.Quantity, _quantity),
    ((np.ndarray, np.datetime64), lambda name, value: _array(name, np.asanyarray(value))),
    (date, _day),
    (WCS, _wcs),
)
_PACKAGED: Mapping[str, Callable[[str, Any], Written]] = {"regions": _region, "mocpy": _moc}


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(written: Written) -> Any:
    """Return the argument from its JSON value."""
    if isinstance(written, list):
        return [_read(member) for member in written]
    if not isinstance(written, Mapping):
        return written
    form = next((form for form in _READERS if form in written), None)
    if form is None:
        raise SavedSearchError(
            f"{written!r:.80} is not a valid argument of a saved search. Expected one of {', '.join(_READERS)}."
        )
    return _READERS[form](written[form], written)


def _read_array(cells: Any, written: Mapping[str, Any]) -> Any:
    array = np.array(_read(cells), dtype=np.dtype(str(written["dtype"])))
    mask = written.get("mask")
    return array if mask is None else np.ma.MaskedArray(array, mask=mask)


def _read_table(lines: Sequence[str], _written: Mapping[str, Any]) -> Table:
    return Table.read("\n".join(lines), format="ascii.ecsv")


def _read_wcs(lines: Sequence[str], written: Mapping[str, Any]) -> WCS:
    wcs = WCS(Header.fromstring("\n".join(lines), sep="\n"))
    wcs.array_shape = written["shape"]
    return wcs


def _read_regions(lines: Sequence[str], _written: Mapping[str, Any]) -> Any:
    from regions import Regions  # noqa: PLC0415 - an optional dependency

    (region,) = Regions.parse("\n".join(lines), format="ds9")
    return region


def _read_moc(text: str, _written: Mapping[str, Any]) -> Any:
    from mocpy import MOC  # noqa: PLC0415 - an optional dependency

    return MOC.from_string(text, format="ascii")


def _read_position(cells: Sequence[Any], _written: Mapping[str, Any]) -> SkyCoord:
    ra, dec = cells
    return SkyCoord(ra, dec, unit="deg")


_READERS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "float": lambda text, _: float(text),
    "tuple": lambda members, _: tuple(map(_read, members)),
    "set": lambda members, _: set(map(_read, members)),
    "dict": lambda members, _: {key: _read(member) for key, member in members.items()},
    "table": _read_table,
    "row": lambda lines, written: _read_table(lines, written)[0],
    "icrs": _read_position,
    "time": lambda text, written: Time(text, format="isot", scale=written["scale"]),
    "quantity": lambda cells, written: u.Quantity(_read(cells), written["unit"]),
    "array": _read_array,
    "datetime": lambda text, _: datetime.fromisoformat(text),
    "date": lambda text, _: date.fromisoformat(text),
    "wcs": _read_wcs,
    "regions": _read_regions,
    "moc": _read_moc,
}
