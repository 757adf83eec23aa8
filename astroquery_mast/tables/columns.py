"""The columns of the archive's tables: what they are called, what they hold, how they are filtered.

In: the configuration of a service's columns, as the archive serves it or as the package carries it.  Out: frozen
`Column` objects.  The only map from the archive's type names to ours is here.
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
# So many names are in a message at most.
_SHOWN = 5


def find_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a given one stands for: the same, or else the first that differs in case only."""
    names = known if isinstance(known, list | tuple | dict) else list(known)
    if name in names:
        return name
    lowered = name.lower()
    return next((each for each in names if each.lower() == lowered), None)


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known names that are most like a given one, the best first, whatever the case."""
    spellings: dict[str, list[str]] = {}
    for candidate in known:
        spellings.setdefault(candidate.lower(), []).append(candidate)
    matches = difflib.get_close_matches(name.lower(), spellings, n=count)
    return [spelling for match in matches for spelling in spellings[match]][:count]


def did_you_mean(name: str, known: Iterable[str], near: Sequence[str] = (), *, listed: bool = False) -> str:
    """Return a sentence with the names that may have been meant; with all that exist if none is like it, or listed."""
    names = list(known)
    meant = list(near or closest(name, names))
    every = f"Available: {', '.join(names)}." if names else "None are available."
    if not meant:
        return every
    hint = f"Did you mean {alternatives(meant)}?"
    return f"{hint} {every}" if listed else hint


def alternatives(names: Sequence[str]) -> str:
    """Return names as alternatives, in words."""
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last


def few_names(names: Sequence[object]) -> str:
    """Return the first few of many names, or of other things, for a message."""
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
    """Return the error for a name that does not exist: a sentence that says so, and the names that may be meant."""
    return error(f"{said} {did_you_mean(name, known, near, listed=listed)}")


def known_name(name: str, known: Iterable[str], said: str, *, listed: bool = False) -> str:
    """Return the known name that a given one stands for; raise, with a sentence and what may be meant, if none is."""
    names = list(known)
    found = find_name(name, names)
    if found is None:
        raise no_such(said, name, names, listed=listed)
    return found


# Columns that the portal adds for itself; they hold nothing and are dropped from tables.
PORTAL_COLUMNS = frozenset({"_selected_"})
_SNAPSHOTS = ("columns.json", "catalog_columns.json", "jwst_columns.json")
# Under this name the snapshot has patterns instead of names: positions of matches, magnitudes by camera and filter.
_PATTERNS = "*"


class Kind(Enum):
    """What a column holds; the value is the word used in tables of metadata, as in ``astroquery.mast``."""

    TEXT = "string"
    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    BYTE = "byte"


# Type names seen in answers, in configurations and lists of columns, and in the catalogs behind them (SQL Server,
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

# Spellings of units in the archive's configurations that are not astropy's.
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
    """Return what a type name of the archive stands for."""
    return _KIND_OF.get(type_name.split("(", maxsplit=1)[0].strip().lower())


def unit_of(text: str) -> u.UnitBase | None:
    """Return the unit that a configuration names, or None if it names none that astropy knows."""
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
        """What it holds, None if the archive does not say."""
        return kind_of(self.type_name)

    @property
    def kind_name(self) -> str:
        """What it holds, in the word of tables of metadata, or else in that of the archive."""
        return self.kind.value if self.kind else self.type_name

    @property
    def shown(self) -> bool:
        """Whether it is one for users: neither hidden nor the portal's own."""
        return not self.hidden and self.name not in PORTAL_COLUMNS

    @property
    def unit_text(self) -> str:
        """Its unit, as the archive writes it."""
        return self.unit or self.vo_unit

    @property
    def about(self) -> str:
        """What it holds, in words."""
        return self.description or self.label

    @property
    def astropy_unit(self) -> u.UnitBase | None:
        """Its unit, None if it has none; text and yes-or-no columns never have one."""
        if self.kind in {Kind.TEXT, Kind.BOOLEAN}:
            return None
        return unit_of(self.vo_unit) or unit_of(self.unit)


Columns = Mapping[str, Column]
# What a table of metadata tells of a column.
_METADATA: Mapping[str, Callable[[Column], str]] = {
    "Column Name": lambda column: column.name,
    "Column Label": lambda column: column.label,
    "Data Type": lambda column: column.kind_name,
    "Units": lambda column: column.unit_text,
    "Description": lambda column: column.description,
    "Examples/Valid Values": lambda column: column.example,
}


def columns_of(config: Mapping[str, object]) -> dict[str, Column]:
    """Read a configuration of columns."""
    return {name: _column(name, entry) for name, entry in config.items() if isinstance(entry, Mapping)}


def _column(name: str, entry: Mapping[str, object]) -> Column:
    """One column from its properties; the archive has two vocabularies, its own and ``vot.``, for the same things."""

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
        # Integers are filtered by value, as the portal does.
        continuous=kind_of(filtered_as) is Kind.FLOAT or bool(entry.get("treatNumeric")),
        is_time=bool(entry.get("isMjd")),
        hidden=bool(entry.get("remove")),
    )


@cache
def snapshot() -> Mapping[str, Columns]:
    """Return the columns that the package knows without asking: configuration id → column name → `Column`."""
    folder = resources.files("astroquery_mast.tables")
    texts = [folder.joinpath(name).read_text("utf-8") for name in _SNAPSHOTS]
    return {config_id: columns_of(config) for text in texts for config_id, config in json.loads(text).items()}


def find_column(name: str, columns: Columns) -> Column | None:
    """Return the column of that name, whatever the case, or None."""
    found = find_name(name, columns)
    return None if found is None else columns[found]


def described_column(name: str, columns: Columns) -> Column | None:
    """Return what is known of a column of an answer: by its own name, or by a pattern for columns of many services."""
    if name in columns:
        return columns[name]
    return next((column for pattern, column in snapshot()[_PATTERNS].items() if fnmatchcase(name, pattern)), None)


def plain_cells(column: Any) -> list[Any]:
    """Return the cells of a column as values of Python's own, None for masked ones."""
    return list(np.ma.asarray(column).tolist())


def plain_floats(column: Any) -> npt.NDArray[np.float64]:
    """Return a column of numbers as floating-point numbers, NaN where they are masked."""
    return np.asarray(np.ma.MaskedArray(column, dtype=np.float64).filled(np.nan))


def shown_columns(columns: Columns) -> list[Column]:
    """Return the columns that are for users."""
    return [column for column in columns.values() if column.shown]


def metadata_table(columns: Columns) -> Table:
    """Return the columns as a table for the reader."""
    shown = shown_columns(columns)
    parts = {title: [text(column) for column in shown] for title, text in _METADATA.items()}
    return ResultTable({title: texts for title, texts in parts.items() if any(texts)})
