"""Functions of T-SQL that SQLite does not support; mathematical functions are shared with ADQL."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from statistics import stdev, variance
from typing import Any

from sqlglot import exp

from ..vo.functions import install
from .sqltypes import CasJobsSql, Cell, ConversionError, SqlType, printed_number, sql_type


class Functions:
    """The functions of one connection, and their last error message."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._message = ""
        install(connection)
        for name, (count, function) in _FUNCTIONS.items():
            connection.create_function(name, count, function, deterministic=name != "tsql_now")
        connection.create_function("tsql_cast", -1, self._cast, deterministic=True)
        connection.create_function("tsql_divisor", 1, self._divisor, deterministic=True)
        connection.create_aggregate("tsql_stdev", 1, _Stdev)  # type: ignore[arg-type]
        connection.create_aggregate("tsql_var", 1, _Variance)  # type: ignore[arg-type]

    def _cast(self, value: Cell, kind: str, style: int = 0) -> Cell:
        given: Any = type(value)
        short = _shortcut(kind, style, given)
        if short is not None:
            return short(value)
        try:
            return _converted(value, kind, style)
        except ConversionError as error:
            self._message = str(error)
            raise

    def _divisor(self, value: float | None) -> float | None:
        if value == 0:
            self._message = "Divide by zero error encountered."
            raise ZeroDivisionError(self._message)
        return value

    def take_message(self) -> str:
        """Return the message of the last error, and reset it."""
        message, self._message = self._message, ""
        return message


#: Number of characters that is greater than that of any number.
_LONGEST_NUMBER = 30


@cache
def _shortcut(kind: str, style: int, given: Any) -> Callable[[Any], Cell] | None:
    """Return a fast conversion from a Python type to an SQL type, or None if the general conversion is needed."""
    target = _parsed(kind)
    if given is type(None):
        return lambda value: None
    if given is str and style == 0 and target.name == "nvarchar":
        length = target.length
        return (lambda text: text) if length == -1 else lambda text: text[:length]
    long = target.length == -1 or (target.length or 0) >= _LONGEST_NUMBER
    return printed_number if given is float and long else None


@cache
def _parsed(kind: str) -> SqlType:
    found = sql_type(exp.DataType.build(kind, dialect=CasJobsSql))
    if found is None:
        raise ValueError(kind)
    return found


def _converted(value: Cell, kind: str, style: int = 0) -> Cell:
    target = _parsed(kind)
    if style in _DIGITS:
        value = _with_digits(target, value, _DIGITS[style])
    return target.convert(_written(target, value, style) if target.is_text and value is not None else value)


def _written(target: SqlType, value: Cell, style: int) -> str:
    """Return a value as text in a style; a CAST truncates long text, which only columns refuse."""
    if isinstance(value, bytes):
        value = SqlType(target.name).convert(value)
    if isinstance(value, str) and style in _STYLES and _ISO.match(value):
        value = _STYLES[style](value)
    text = _text(value)
    return text if target.length in (None, -1) else text[: target.length]


# Prefix of the hexadecimal digits of bytes in the styles of CONVERT.
_DIGITS: Mapping[int, str] = {1: "0x", 2: ""}


def _with_digits(target: SqlType, value: Cell, beginning: str) -> Cell:
    """Convert bytes to hexadecimal digits, or digits to bytes; return other values unchanged."""
    if target.is_text and isinstance(value, bytes):
        return f"{beginning}{value.hex().upper()}"
    if target.name.endswith("binary") and isinstance(value, str):
        try:
            return bytes.fromhex(value.removeprefix(beginning))
        except ValueError:
            raise ConversionError(f"Error converting data type varchar to {target.name}.") from None
    return value


_ISO = re.compile(r"\d{4}-\d\d-\d\d( \d\d:|$)")
#: Formats of dates in the styles of CONVERT.
_STYLES: Mapping[int, Callable[[str], str]] = {
    23: lambda text: text[:10],
    112: lambda text: text[:10].replace("-", ""),
    120: lambda text: text[:19],
    121: lambda text: text,
    126: lambda text: text.replace(" ", "T"),
}


def _try_cast(value: Cell, kind: str) -> Cell:
    try:
        return _converted(value, kind)
    except ConversionError:
        return None


def _text(value: Cell) -> str:
    return value if isinstance(value, str) else printed_number(value)


def _of_known(function: Callable[..., Cell]) -> Callable[..., Cell]:
    """Return a function that is null if any argument is null."""
    return lambda *values: None if None in values else function(*values)


def _replace(text: Cell, old: Cell, new: Cell) -> Cell:
    if not old:
        return text
    return re.sub(re.escape(_text(old)), _text(new).replace("\\", r"\\"), _text(text), flags=re.IGNORECASE)


def _substring(text: Cell, start: int, length: int) -> Cell:
    first = start - 1
    return _text(text)[max(first, 0) : max(first + length, 0)]


def _charindex(part: Cell, text: Cell, start: int = 1) -> Cell:
    return _text(text).lower().find(_text(part).lower(), max(start - 1, 0)) + 1


@cache
def like_pattern(like: str, *, exact: bool) -> re.Pattern[str]:
    """Return the pattern of a LIKE expression with character sets in brackets."""
    parts = re.findall(r"\[\^[^\]]+\]|\[[^\]^][^\]]*\]|.", like, re.DOTALL)
    written = [{"%": ".*", "_": "."}.get(part) or (_set(part) if len(part) > 1 else re.escape(part)) for part in parts]
    try:
        return re.compile("".join(written), re.DOTALL if exact else re.DOTALL | re.IGNORECASE)
    except re.error:  # an empty character range, such as [z-a]
        return re.compile("(?!)")


def _set(part: str) -> str:
    """Return a character set in the syntax of Python."""
    beginning = "[^" if part[1] == "^" else "["
    # A hyphen is a range only between two characters; others are escaped, as Python warns of '--' in a set.
    members = re.findall(r".-.|.", part[len(beginning) : -1], re.DOTALL)
    return f"{beginning}{''.join('-'.join(map(re.escape, each[::2])) for each in members)}]"


def _like(text: Cell, like: Cell, exact: int) -> Cell:
    return int(like_pattern(str(like), exact=bool(exact)).fullmatch(_text(text)) is not None)


def _isnumeric(value: Cell) -> Cell:
    return int(
        re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", _text("" if value is None else value)) is not None
    )


def _log(value: float, base: float) -> Cell:
    return None if value <= 0 or base <= 0 or base == 1 else math.log(value) / math.log(base)


class _Sample:
    """The numbers of a group."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self._values.append(value)


class _Stdev(_Sample):
    """The standard deviation of a group."""

    def finalize(self) -> float | None:
        return stdev(self._values) if len(self._values) > 1 else None


class _Variance(_Sample):
    """The variance of a group."""

    def finalize(self) -> float | None:
        return variance(self._values) if len(self._values) > 1 else None


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "tsql_try_cast": (2, _try_cast),
    "tsql_replace": (3, _of_known(_replace)),
    "tsql_substring": (3, _of_known(_substring)),
    "tsql_left": (2, _of_known(lambda text, count: _text(text)[:count])),
    "tsql_right": (2, _of_known(lambda text, count: _text(text)[-count:] if count else "")),
    "tsql_len": (1, _of_known(lambda text: len(_text(text).rstrip(" ")))),
    "tsql_datalength": (1, _of_known(lambda text: 2 * len(_text(text)))),
    "tsql_charindex": (-1, _of_known(_charindex)),
    "tsql_concat": (-1, lambda *values: "".join("" if value is None else _text(value) for value in values)),
    "tsql_isnumeric": (1, _isnumeric),
    "tsql_like": (3, _of_known(_like)),
    "tsql_str": (-1, _of_known(lambda value, width=10, digits=0: f"{value:{width}.{digits}f}")),
    "tsql_square": (1, _of_known(lambda value: float(value) * value)),
    "tsql_replicate": (2, _of_known(lambda text, count: _text(text) * count)),
    "tsql_truncated": (1, _of_known(int)),
    "tsql_log": (2, _of_known(_log)),
    "tsql_now": (0, lambda: datetime.now().isoformat(" ", "milliseconds")),
}
