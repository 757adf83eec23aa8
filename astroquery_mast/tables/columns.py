"""Metadata of the columns of MAST's tables: names, types, units, descriptions.

In: the configuration of a service's columns, from MAST or from the snapshot in the package.  Out: frozen `Column`
objects.  This module has the only map from MAST's type names to those of the package.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from .result_table import ResultTable

E = TypeVar("E", bound=InvalidArgumentError)
# The maximum number of names in a message.
_SHOWN = 5


def find_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that equals a given name, or else the first that differs only in case."""
    names = known if isinstance(known, list | tuple | dict) else list(known)
    if name in names:
        return name
    lowered = name.lower()
    return next((each for each in names if each.lower() == lowered), None)


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known names that are most similar to a given name, ignoring case, the best first."""
    spellings: dict[str, list[str]] = {}
    for candidate in known:
        spellings.setdefault(candidate.lower(), []).append(candidate)
    matches = difflib.get_close_matches(name.lower(), spellings, n=count)
    return [spelling for match in matches for spelling in spellings[match]][:count]


def did_you_mean(name: str, known: Iterable[str], near: Sequence[str] = (), *, listed: bool = False) -> str:
    """Return a sentence that suggests similar names, and lists all if ``listed``, or if none is similar."""
    names = list(known)
    meant = list(near or closest(name, names))
    every = f"Available: {', '.join(names)}." if names else "None are available."
    if not meant:
        return every
    hint = f"Did you mean {alternatives(meant)}?"
    return f"{hint} {every}" if listed else hint


def alternatives(names: Sequence[str]) -> str:
    """Return quoted names, joined by commas and "or"."""
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last


def few_names(names: Sequence[object]) -> str:
    """Return the first few names or other values, for a message."""
    return ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


def no_such(
    said: str,
    name: str,
    known: Iterable[str],
    *,
    near: Sequence[str] = (),
    listed: bool = False,
    error: type[E] = InvalidArgumentError,
) -> E:
    """Return the error for a name that does not exist, with a sentence that suggests similar names."""
    return error(f"{said} {did_you_mean(name, known, near, listed=listed)}")


def known_name(name: str, known: Iterable[str], said: str, *, listed: bool = False) -> str:
    """Return the known spelling of a name; raise an error that suggests similar names if it is unknown."""
    names = list(known)
    found = find_name(name, names)
    if found is None:
        raise no_such(said, name, names, listed=listed)
    return found


# Empty columns that the MAST Portal adds for its own use, and which are dropped from tables.
PORTAL_COLUMNS = frozenset({"_selected_"})
_SNAPSHOTS = ("columns.json", "catalog_columns.json", "jwst_columns.json")
# The entry of the snapshot with patterns of names: positions of matches, magnitudes by camera and filter.
_PATTERNS = "*"


class Kind(Enum):
    """The kind of values in a column; the enum's value is its name in metadata tables, as in ``astroquery.mast``."""

    TEXT = "string"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    BYTE = "byte"


# The type names in responses, in configurations and lists of columns, and in the underlying catalogs (SQL Server,
# VOTable).
_KINDS = {
    Kind.TEXT: (
        "char varchar nchar nvarchar text ntext string str unicodechar date datetime datetime2 datetimeoffset "
        "timestamp time uniqueidentifier xml substring"
    ),
    Kind.FLOAT: "double float real decimal numeric money float32 float64 ra dec",
    Kind.INTEGER: "int integer short long number bigint smallint tinyint int16 int32 int64 serial",
    Kind.BOOLEAN: "boolean bool binary bit",
    Kind.BYTE: "unsignedbyte ubyte uint8",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}

# Spellings of units in MAST's configurations that astropy does not support.
_UNITS = {
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "MJD": "d",
    "degrees": "deg",
    "magnitude": "mag",
    "Angstroms": "Angstrom",
}


def kind_of(type_name: str) -> Kind | None:
    """Return the kind for a type name of MAST, or None if it is unknown."""
    return _KIND_OF.get(type_name.split("(", maxsplit=1)[0].strip().lower())


def unit_of(text: str) -> u.UnitBase | None:
    """Return the unit for a text in a configuration, or None if astropy does not know it."""
    text = text.strip()
    if not text:
        return None
    unit = u.Unit(_UNITS.get(text, text), parse_strict="silent")
    return None if isinstance(unit, u.UnrecognizedUnit) else unit


@dataclass(frozen=True)
class Column:
    """One column of a service."""

    name: str
    label: str = ""
    type_name: str = ""
    unit: str = ""
    vo_unit: str = ""
    description: str = ""
    example: str = ""
    separator: str = ""
    continuous: bool = False
    is_time: bool = False
    hidden: bool = False

    @property
    def kind(self) -> Kind | None:
        """The kind of values, None if MAST does not specify it."""
        return kind_of(self.type_name)

    @property
    def kind_name(self) -> str:
        """The kind of values as named in metadata tables, or else MAST's type name."""
        return self.kind.value if self.kind else self.type_name

    @property
    def shown(self) -> bool:
        """Whether to show the column to users: it is neither hidden nor for the portal's own use."""
        return not self.hidden and self.name not in PORTAL_COLUMNS

    @property
    def unit_text(self) -> str:
        """The unit, as MAST writes it."""
        return self.unit or self.vo_unit

    @property
    def about(self) -> str:
        """The description, or else the label."""
        return self.description or self.label

    @property
    def astropy_unit(self) -> u.UnitBase | None:
        """The unit, or None; text and boolean columns never have one."""
        if self.kind in {Kind.TEXT, Kind.BOOLEAN}:
            return None
        return unit_of(self.vo_unit) or unit_of(self.unit)


Columns = Mapping[str, Column]
# The columns of a metadata table.
_METADATA: Mapping[str, Callable[[Column], str]] = {
    "Column Name": lambda column: column.name,
    "Column Label": lambda column: column.label,
    "Data Type": lambda column: column.kind_name,
    "Units": lambda column: column.unit_text,
    "Description": lambda column: column.description,
    "Examples/Valid Values": lambda column: column.example,
}


def columns_of(config: Mapping[str, object]) -> dict[str, Column]:
    """Return the columns in a configuration."""
    return {name: _column(name, entry) for name, entry in config.items() if isinstance(entry, Mapping)}


def _column(name: str, entry: Mapping[str, object]) -> Column:
    """One column from its properties, for which MAST has two sets of names, its own and those with ``vot.``."""

    def text(key: str) -> str:
        value = entry.get(key)
        return value if isinstance(value, str) else ""

    filtered_as = text("vot.datatype") or text("type")
    return Column(
        name=name,
        label=text("text") or name,
        type_name=text("type") or text("vot.datatype"),
        unit=text("unit"),
        vo_unit=text("vot.unit"),
        description=text("vot.description"),
        example=text("example"),
        separator=text("separator"),
        # Integers are filtered by value, as in the portal.
        continuous=kind_of(filtered_as) is Kind.FLOAT or bool(entry.get("treatNumeric")),
        is_time=bool(entry.get("isMjd")),
        hidden=bool(entry.get("remove")),
    )


@cache
def snapshot() -> Mapping[str, Columns]:
    """Return the columns in the package, which need no request: configuration id → column name → `Column`."""
    folder = resources.files("astroquery_mast.tables")
    texts = [folder.joinpath(name).read_text("utf-8") for name in _SNAPSHOTS]
    return {config_id: columns_of(config) for text in texts for config_id, config in json.loads(text).items()}


def find_column(name: str, columns: Columns) -> Column | None:
    """Return a column by its name, ignoring case, or None."""
    found = find_name(name, columns)
    return None if found is None else columns[found]


def described_column(name: str, columns: Columns) -> Column | None:
    """Return the metadata of a column in a response, by its name, or by a pattern for columns of many services."""
    if name in columns:
        return columns[name]
    return next((column for pattern, column in snapshot()[_PATTERNS].items() if fnmatchcase(name, pattern)), None)


def plain_cells(column: Any) -> list[Any]:
    """Return the cells of a column as Python values, None for masked ones."""
    return list(np.ma.asarray(column).tolist())


def plain_floats(column: Any) -> npt.NDArray[np.float64]:
    """Return a numeric column as floats, NaN for masked values."""
    return np.asarray(np.ma.MaskedArray(column, dtype=np.float64).filled(np.nan))


def shown_columns(columns: Columns) -> list[Column]:
    """Return the columns to show to users."""
    return [column for column in columns.values() if column.shown]


def metadata_table(columns: Columns) -> Table:
    """Return the columns as a table for users."""
    shown = shown_columns(columns)
    parts = {title: [text(column) for column in shown] for title, text in _METADATA.items()}
    return ResultTable({title: texts for title, texts in parts.items() if any(texts)})
