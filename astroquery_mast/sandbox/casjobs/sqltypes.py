"""Types of SQL Server: names and sizes, conversion, and printing of values by CasJobs.

In SQLite numbers are numbers (bit is 0 or 1), text is text, dates are text such as ``2012-05-01 12:30:00.1234567``.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
from sqlglot.tokenizer_core import TokenType

Cell = int | float | str | bytes | None

_INTEGERS: Mapping[str, tuple[int, int]] = {
    "bit": (0, 1),
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_TEXTS = frozenset({"char", "varchar", "nchar", "nvarchar", "text", "ntext"})
_MOMENTS: Mapping[str, int] = {"date": 0, "datetime": 3, "smalldatetime": 0, "datetime2": 7}
_NUMBERS = frozenset({*_INTEGERS, "real", "float", "decimal"})
_BINARIES = frozenset({"binary", "varbinary"})
_SIZED = frozenset({*_BINARIES, "decimal", "datetime2"})
_OTHERS = frozenset({*_NUMBERS, *_MOMENTS, *_BINARIES})
#: Maximum number of bits of a single-precision mantissa.
_SINGLE = 24
#: Type names of the parser that differ from those of SQL Server.
_NAMES = {
    "integer": "int",
    "double": "float",
    "float": "real",
    "numeric": "decimal",
    "bool": "bit",
    "boolean": "bit",
    "utinyint": "tinyint",
}
_LARGEST = -1
#: Default length of text in SQL Server.
_LENGTHS = {"definition": 1, "cast": 30}
_DAY = r"(\d{4}-\d{1,2}-\d{1,2}|\d{8}|\d{1,2}/\d{1,2}/\d{4})"
_CLOCK = r"(\d{1,2}:\d{2}(?::\d{2})?)(?:\.(\d+))?(?: *([AP]M))?"
_MOMENT = re.compile(rf"{_DAY}(?:[T ]+{_CLOCK})?Z?", re.IGNORECASE)


class CasJobsSql(TSQL):
    """T-SQL, in which ``real`` and ``float`` are different types."""

    class Tokenizer(TSQL.Tokenizer):
        """Tokenizer of the dialect."""

        KEYWORDS: ClassVar = {**TSQL.Tokenizer.KEYWORDS, "FLOAT": TokenType.DOUBLE, "REAL": TokenType.FLOAT}


class ConversionError(Exception):
    """A value that cannot be converted, in the words of SQL Server."""


@dataclass(frozen=True)
class SqlType:
    """A type such as ``nvarchar(20)``; the size is the length of text (-1 for max), or precision and scale."""

    name: str
    size: tuple[int, ...] = ()

    @cached_property
    def is_text(self) -> bool:
        """Whether values are text."""
        return self.name in _TEXTS

    @property
    def is_moment(self) -> bool:
        """Whether values are dates."""
        return self.name in _MOMENTS

    @property
    def is_number(self) -> bool:
        """Whether values are numbers."""
        return self.name in _NUMBERS

    @property
    def is_integer(self) -> bool:
        """Whether values are integers."""
        return self.name in _INTEGERS

    @cached_property
    def length(self) -> int | None:
        """Maximum length of text, -1 if unlimited; None for other types."""
        return None if not self.is_text else self.size[0] if self.size else _LARGEST

    @property
    def affinity(self) -> str:
        """Column type in SQLite; text comparison is not case-sensitive, as in SQL Server."""
        if self.is_text:
            return "TEXT COLLATE NOCASE"
        if self.name in _BINARIES:
            return "BLOB"
        return "TEXT" if self.is_moment else "INTEGER" if self.is_integer else "REAL"

    def __str__(self) -> str:
        size = ",".join("max" if number == _LARGEST else str(number) for number in self.size)
        return f"{self.name}({size})" if size else self.name

    def convert(self, value: Cell) -> Cell:
        """Return a value converted to this type; `ConversionError` if that is impossible."""
        return None if value is None else _CONVERTERS[self._family](self, value)

    def convert_all(self, values: Sequence[Cell]) -> Sequence[Cell]:
        """Return many values converted to this type, with a fast path for common types."""
        kinds = set(map(type, values))
        alike = kinds == {str} or kinds <= {int, float}
        try:
            fast = _BULK[self._family](self, values) if alike and self._family in _BULK else None
        except (TypeError, ValueError):
            fast = None
        return [self.convert(value) for value in values] if fast is None else fast

    def printed(self, values: Iterable[Cell], null: str, quote: Callable[[str], str]) -> list[str]:
        """Return values as printed by CasJobs; ``null`` represents null, ``quote`` adds quotation marks to text."""
        if self.is_text:
            return [null if value is None else quote(str(value)) for value in values]
        written = _PRINTERS.get(self._family, str)
        return [null if value is None else written(value) for value in values]

    @cached_property
    def _family(self) -> str:
        if self.is_integer:
            return "integer"
        if self.name in _BINARIES:
            return "binary"
        return "text" if self.is_text else "moment" if self.is_moment else self.name


def _to_integer(kind: SqlType, value: Cell) -> Cell:
    low, high = _INTEGERS[kind.name]
    if isinstance(value, str):
        stripped = value.strip()
        if kind.name == "bit" and stripped.lower() in {"true", "false"}:
            return int(stripped.lower() == "true")
        if not re.fullmatch(r"[+-]?\d+", stripped or "0"):
            raise ConversionError(
                f"Conversion failed when converting the varchar value '{value}' to data type {kind.name}."
            )
        number = int(stripped or "0")
    else:
        number = _to_integral(kind, value)
    if kind.name == "bit":
        return int(number != 0)
    if not low <= number <= high:
        raise ConversionError(f"Arithmetic overflow error converting expression to data type {kind.name}.")
    return number


def _to_integral(kind: SqlType, value: Any) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConversionError(f"Arithmetic overflow error converting expression to data type {kind.name}.")
    return math.ceil(value) if 0 < value < 1 and kind.name == "bit" else int(value)


def _to_float(kind: SqlType, value: Cell) -> Cell:
    try:
        number = float(_without_underscores([value or 0])[0])
    except ValueError:
        raise ConversionError(f"Error converting data type varchar to {kind.name}.") from None
    if not math.isfinite(number):  # SQL Server has neither NaN nor infinity
        raise ConversionError(f"Error converting data type varchar to {kind.name}.")
    return number


def _to_real(kind: SqlType, value: Cell) -> Cell:
    number = _to_float(kind, value)
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        raise ConversionError("Arithmetic overflow error converting expression to data type real.") from None


def _to_decimal(kind: SqlType, value: Cell) -> Cell:
    precision, scale = (*kind.size, *(18, 0)[len(kind.size) :])[:2]
    try:
        number = Decimal(str(_without_underscores([value])[0]).strip() or "0")
    except (InvalidOperation, ValueError):
        raise ConversionError("Error converting data type varchar to numeric.") from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** (precision - scale):
        raise ConversionError("Arithmetic overflow error converting expression to data type numeric.")
    return float(round(number, scale))


def _to_binary(kind: SqlType, value: Cell) -> Cell:
    """Return the bytes of text in Unicode; numbers are not supported here, unlike in SQL Server."""
    if not isinstance(value, (str, bytes)):
        raise ConversionError(f"Explicit conversion to data type {kind.name} is not allowed.")
    return value if isinstance(value, bytes) else value.encode("utf-16-le", "surrogatepass")


def _to_text(kind: SqlType, value: Cell) -> Cell:
    if isinstance(value, bytes):
        value = value.decode("utf-16-le", "surrogatepass") if kind.name.startswith("n") else value.decode("cp1252")
    text = value if isinstance(value, str) else printed_number(value)
    if kind.length not in (None, _LARGEST) and len(text) > int(kind.length or 0):
        raise ConversionError("String or binary data would be truncated.")
    # Characters outside the code page of the database become question marks, unless the type is Unicode.
    if text.isascii() or kind.name.startswith("n"):
        return text
    return text.encode("cp1252", "replace").decode("cp1252")


def _to_moment(kind: SqlType, value: Cell) -> Cell:
    found = _MOMENT.fullmatch(str(value).strip())
    if found is None:
        raise ConversionError("Conversion failed when converting date and/or time from character string.")
    day, clock, fraction, half = found.groups()
    try:
        moment = datetime.strptime(f"{_day(day)} {_clock(clock, half)}", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise ConversionError(
            f"The conversion of a varchar data type to a {kind.name} data type resulted in an out-of-range value."
        ) from None
    if kind.name == "date":
        return f"{moment:%Y-%m-%d}"
    return f"{moment.isoformat(' ')}{_fraction(kind, fraction or '')}"


def _day(text: str) -> str:
    if "/" in text:
        month, day, year = text.split("/")
        return f"{year}-{month}-{day}"
    return text if "-" in text else f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _clock(text: str | None, half: str | None) -> str:
    whole = (text or "00:00") + (":00" if (text or "0:0").count(":") == 1 else "")
    if not half:
        return whole
    hour, _, rest = whole.partition(":")
    return f"{int(hour) % 12 + 12 * (half.upper() == 'PM')}:{rest}"


def _fraction(kind: SqlType, digits: str) -> str:
    """Return the decimals of a second; datetime has a resolution of 1/300 s."""
    count = kind.size[0] if kind.name == "datetime2" and kind.size else _MOMENTS[kind.name]
    kept = digits.ljust(7, "0")[:7]
    if kind.name == "datetime":
        ticks = min(round(int(kept) * 3e-5), 299)
        kept = f"{round(ticks * 10 / 3):03d}"
    return f".{kept[:count]}" if count else ""


_CONVERTERS: Mapping[str, Callable[[SqlType, Cell], Cell]] = {
    "integer": _to_integer,
    "float": _to_float,
    "real": _to_real,
    "decimal": _to_decimal,
    "text": _to_text,
    "binary": _to_binary,
    "moment": _to_moment,
}


def _without_underscores(values: Sequence[Any]) -> Sequence[Any]:
    """Refuse text that only Python accepts as a number, such as ``1_000``."""
    if any(type(value) is str for value in values[:1]) and "_" in "".join(values):
        raise ValueError("_")
    return values


def _bulk_integers(kind: SqlType, values: Sequence[Any]) -> Sequence[Cell] | None:
    low, high = _INTEGERS[kind.name]
    numbers = list(map(int, _without_underscores(values)))
    plain = kind.name != "bit" and float not in set(map(type, values))
    return numbers if plain and low <= min(numbers, default=0) and max(numbers, default=0) <= high else None


def _bulk_floats(_kind: SqlType, values: Sequence[Any]) -> Sequence[Cell] | None:
    numbers = list(map(float, _without_underscores(values)))
    return numbers if all(map(math.isfinite, numbers)) else None


def _bulk_reals(_kind: SqlType, values: Sequence[Any]) -> Sequence[Cell] | None:
    numbers = np.array(list(map(float, _without_underscores(values))))
    fits = np.isfinite(numbers).all() and (np.abs(numbers) < np.finfo("f4").max).all()
    singles: list[Cell] = numbers.astype("f4").astype(float).tolist()
    return singles if fits else None


def _bulk_texts(kind: SqlType, values: Sequence[Any]) -> Sequence[Cell] | None:
    if not kind.name.startswith("n") or any(type(value) is not str for value in values[:1]):
        return None
    short = kind.length in (None, _LARGEST) or max(map(len, values), default=0) <= int(kind.length or 0)
    return values if short else None


_BULK: Mapping[str, Callable[[SqlType, Sequence[Any]], Sequence[Cell] | None]] = {
    "integer": _bulk_integers,
    "float": _bulk_floats,
    "real": _bulk_reals,
    "text": _bulk_texts,
}


def printed_number(value: Any) -> str:
    """Return a number as written by .NET."""
    return _printed_float(value) if isinstance(value, float) else str(value)


def _printed_float(value: Any) -> str:
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text.upper() if "e" in text else text


def _printed_real(value: Any) -> str:
    """Return the shortest digits that distinguish a single-precision number from its neighbors."""
    return _printed_float(str(np.float32(value)))


def _printed_moment(value: Any) -> str:
    """Return a date as printed by .NET with US settings, without fractions of a second."""
    moment = datetime.fromisoformat(str(value).partition(".")[0])
    half = "PM" if moment.hour > 11 else "AM"
    return f"{moment.month}/{moment.day}/{moment.year} {(moment.hour + 11) % 12 + 1}:{moment:%M:%S} {half}"


_PRINTERS: Mapping[str, Callable[[Any], str]] = {
    "float": _printed_float,
    "decimal": _printed_float,
    "real": _printed_real,
    "moment": _printed_moment,
    "binary": lambda value: f"0x{value.hex().upper()}",
}

BIGINT, FLOAT, NVARCHAR = SqlType("bigint"), SqlType("float"), SqlType("nvarchar", (_LARGEST,))


def sql_type(written: exp.DataType, where: str = "definition") -> SqlType | None:
    """Return the type written in a query, or None if the service does not support it.

    Text without a length has one character in a ``'definition'`` and up to 30 in a ``'cast'``.
    """
    name = str(written.this.value).lower()
    name = _NAMES.get(name, name)
    size = tuple(_size(parameter.name) for parameter in written.expressions)
    if name == "float":
        return SqlType("real" if size and size[0] <= _SINGLE else name)
    if name in _TEXTS:
        unsized = name in {"text", "ntext"}
        return SqlType(name, () if unsized else size or (_LENGTHS.get(where, _LARGEST),))
    return SqlType(name, size if name in _SIZED else ()) if name in _OTHERS else None


def _size(text: str) -> int:
    return int(text) if text.isdecimal() else _LARGEST


def type_of_values(values: Iterable[Cell]) -> SqlType:
    """Return the type of values that do not come from a column."""
    kinds = {type(value) for value in values} - {type(None)}
    return BIGINT if kinds == {int} else FLOAT if kinds and kinds <= {int, float} else NVARCHAR
