"""ADQL conditions and queries for one table of a TAP service.

In: keywords and the columns of a table.  Out: clauses, and the text of a query.  A query consists of names of known
columns, numbers that are formatted here, and quoted text; no user input is copied into it unchanged.

``LIKE`` has two limitations: ``_`` matches any character and cannot be escaped, and some databases read brackets as a
class of characters.  Such patterns are sent in a wider form, and a `TextTest` then selects the exact rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from astropy.table import Table

from ..exceptions import InputWarning, InvalidCriterionError
from ..tables.columns import Column, Columns, Kind, find_column, find_name, plain_cells
from ..tables.rows import Array
from ..warn import warn_user
from .conditions import Comparison, Condition, holds_numbers, read_condition
from .selection import SortKey, unknown_filter
from .values import wildcard_test

_SYMBOLS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "="}
_PATTERNS = frozenset({"pattern", "like", "contains"})
_WILDCARDS = re.compile(r"[*%]+")
# Characters that have a special meaning in LIKE, in one database or another.
_TOO_WIDE = re.compile(r"[_\[\]\\]")
_SIGNED = re.compile(r"[<>]=?\s*[\w.+-]")
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DELIMITED = re.compile(r'"(?:[^"]|"")+"')
# A time equals a date if it is in the same second.
_SECOND = timedelta(seconds=1)
_DAY_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
# Integral numbers below this are written without a decimal point.
_EXACT = 2.0**53
# Reserved words of ADQL 2.0 and 2.1; a column with such a name must be quoted.
_WORDS = """
    ABS ABSOLUTE ACOS ACTION ADD ALL ALLOCATE ALTER AND ANY ARE AREA AS ASC ASIN ASSERTION AT ATAN ATAN2 AUTHORIZATION
    AVG BEGIN BETWEEN BIGINT BIT BIT_LENGTH BOTH BOX BY CASCADE CASCADED CASE CAST CATALOG CEILING CENTROID CHAR
    CHARACTER CHARACTER_LENGTH CHAR_LENGTH CHECK CIRCLE CLOSE COALESCE COLLATE COLLATION COLUMN COMMIT CONNECT
    CONNECTION CONSTRAINT CONSTRAINTS CONTAINS CONTINUE CONVERT COORD1 COORD2 COORDSYS CORRESPONDING COS COT COUNT
    CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATE DAY DEALLOCATE DECIMAL
    DECLARE DEFAULT DEFERRABLE DEFERRED DEGREES DELETE DESC DESCRIBE DESCRIPTOR DIAGNOSTICS DISCONNECT DISTANCE DISTINCT
    DOMAIN DOUBLE DROP ELSE END END-EXEC ESCAPE EXCEPT EXCEPTION EXEC EXECUTE EXISTS EXP EXTERNAL EXTRACT FALSE FETCH
    FIRST FLOAT FLOOR FOR FOREIGN FOUND FROM FULL GET GLOBAL GO GOTO GRANT GROUP HAVING HOUR IDENTITY ILIKE IMMEDIATE IN
    IN_UNIT INDICATOR INITIALLY INNER INPUT INSENSITIVE INSERT INT INTEGER INTERSECT INTERSECTS INTERVAL INTO IS
    ISOLATION JOIN KEY LANGUAGE LAST LEADING LEFT LEVEL LIKE LOCAL LOG LOG10 LOWER MATCH MAX MIN MINUTE MOD MODULE MONTH
    NAMES NATIONAL NATURAL NCHAR NEXT NO NOT NULL NULLIF NUMERIC OCTET_LENGTH OF OFFSET ON ONLY OPEN OPTION OR ORDER
    OUTER OUTPUT OVERLAPS PAD PARTIAL PI POINT POLYGON POSITION POWER PRECISION PREPARE PRESERVE PRIMARY PRIOR
    PRIVILEGES PROCEDURE PUBLIC RADIANS RAND READ REAL REFERENCES REGION RELATIVE RESTRICT REVOKE RIGHT ROLLBACK ROUND
    ROWS SCHEMA SCROLL SECOND SECTION SELECT SESSION SESSION_USER SET SIGN SIN SIZE SMALLINT SOME SPACE SQL SQLCODE
    SQLERROR SQLSTATE SQRT SUBSTRING SUM SYSTEM_USER TABLE TAN TEMPORARY THEN TIME TIMESTAMP TIMEZONE_HOUR
    TIMEZONE_MINUTE TO TOP TRAILING TRANSACTION TRANSLATE TRANSLATION TRIM TRUE TRUNCATE UNION UNIQUE UNKNOWN UPDATE
    UPPER USAGE USER USING VALUE VALUES VARCHAR VARYING VIEW WHEN WHENEVER WHERE WITH WORK WRITE YEAR ZONE
"""
_RESERVED = frozenset(_WORDS.split())


# -- names and literals --------------------------------------------------------------------------------------------


def identifier(name: str) -> str:
    """Return the name of a column, quoted if necessary; some services list names that are already quoted."""
    if (_REGULAR.fullmatch(name) and name.upper() not in _RESERVED) or _DELIMITED.fullmatch(name):
        return name
    return f'"{_printable(name).replace(chr(34), chr(34) * 2)}"'


def table_identifier(name: str) -> str:
    """Return the name of a table, including its schema."""
    if name.count('"') % 2 == 0 and '"' in name:
        return ".".join(identifier(part) for part in re.findall(r'"(?:[^"]|"")+"|[^."]+', name))
    return ".".join(map(identifier, name.split(".")))


def quoted(text: str) -> str:
    """Return text as a string literal."""
    return f"'{_printable(text).replace(chr(39), chr(39) * 2)}'"


def _printable(text: str) -> str:
    """The text, after checking that it has no characters that could end a line or a string."""
    if not text.isprintable():
        raise InvalidCriterionError(f"{text!r} contains non-printable characters, which are not allowed in a query.")
    return text


def number_text(value: float) -> str:
    """Return a finite number as a numeric literal."""
    whole = isinstance(value, int | np.integer) or (abs(value) < _EXACT and float(value).is_integer())
    return str(int(value)) if whole else repr(float(value))


# -- criteria ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextTest:
    """A condition on text that must still be applied to the rows that the service returned."""

    condition: Condition

    @property
    def column(self) -> str:
        """The name of the column."""
        return self.condition.column.name

    def of(self, table: Table) -> Array:
        """Return which rows match the condition, ignoring case, for which the rules of the database apply."""
        cells = plain_cells(table[find_name(self.column, table.colnames) or self.column])
        met = {text: self._meets(str(text).casefold()) for text in set(cells) if text is not None}
        return np.array([met.get(cell, False) for cell in cells], dtype=bool)

    def _meets(self, text: str) -> bool:
        wanted, excluded = self.condition.alternatives, self.condition.excluded
        return (not wanted or _meets_any(text, wanted)) and not _meets_any(text, excluded)


def _meets_any(text: str, several: Iterable[Sequence[Comparison]]) -> bool:
    return any(_test(comparison)(text) for (comparison,) in several)


def _test(comparison: Comparison) -> Any:
    operand = str(comparison.operand).casefold()
    return wildcard_test(_pattern(comparison).casefold(), "*%") if _is_pattern(comparison) else operand.__eq__


@dataclass(frozen=True)
class Clauses:
    """The conditions on rows: ADQL clauses, which are all required, and tests of the returned rows."""

    texts: tuple[str, ...] = ()
    tests: tuple[TextTest, ...] = ()


def adql_clauses(criteria: Mapping[str, Any], columns: Columns, arguments: Sequence[str] = ()) -> Clauses:
    """Return the clauses for criteria."""
    texts: list[str] = []
    tests: list[TextTest] = []
    for name, value in criteria.items():
        column = find_column(name, columns)
        if column is None:
            raise unknown_filter(name, columns, arguments)
        condition = _condition(name, value, column)
        _warn_of_comparisons(condition)
        tests += [TextTest(condition)] if _is_too_wide(condition) else []
        texts += [text] if (text := _written(condition)) else []
    return Clauses(tuple(texts), tuple(tests))


def _condition(name: str, value: Any, column: Column) -> Condition:
    """The condition on a column; times are read as Modified Julian Dates, and truth values as 1 and 0."""
    if holds_dates(column):
        read = read_condition(name, value, replace(column, type_name="double", continuous=True), nested=True)
        return replace(read, column=column)
    if isinstance(value, bool | np.bool_) and column.kind in {Kind.INTEGER, Kind.BYTE}:
        value = int(value)
    return read_condition(name, value, column, nested=True)


def _warn_of_comparisons(condition: Condition) -> None:
    """Warn if a criterion on a text column looks like a comparison, which text columns do not support."""
    column = condition.column
    if holds_numbers(column) or holds_dates(column):
        return
    operands = (str(each.operand) for each in chain.from_iterable((*condition.alternatives, *condition.excluded)))
    signed = next(filter(_SIGNED.match, operands), None)
    if signed is not None:
        warn_user(
            f"'{condition.name}' is a text column: {signed!r} is matched as text, not as a comparison. For "
            "dates stored as text, use a pattern such as '2005-01*', or VO.query_tap.",
            InputWarning,
        )


def holds_dates(column: Column) -> bool:
    """Return whether a column contains times in the format of the database, and not as numbers."""
    return column.is_time and column.kind is Kind.TEXT


def _is_too_wide(condition: Condition) -> bool:
    """Whether a pattern of a condition matches too many rows in the database."""
    return any(_widened(each) for each in chain.from_iterable((*condition.alternatives, *condition.excluded)))


def _written(condition: Condition) -> str:
    """Write a condition as a clause; empty if only a test applies it."""
    excluded = [each for each in condition.excluded if not any(map(_widened, each))]
    parts = [f"NOT ({_all_of(condition, each)})" for each in excluded]
    return " AND ".join([*filter(None, [_any_of(condition)]), *parts])


def _any_of(condition: Condition) -> str:
    """Write the alternatives of a condition; exact values are combined."""
    plain = [each for each in condition.alternatives if _is_plain(condition, each)]
    values = dict.fromkeys(_literal(condition, each) for (each,) in plain)
    others = [_all_of(condition, each) for each in condition.alternatives if each not in plain]
    parts = [*_equal(identifier(condition.column.name), list(values)), *others]
    return f"({' OR '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _is_plain(condition: Condition, comparisons: Sequence[Comparison]) -> bool:
    """Whether an alternative is a single exact value."""
    return [each.operator for each in comparisons] == ["eq"] and not holds_dates(condition.column)


def _equal(name: str, values: Sequence[str]) -> list[str]:
    """Write the clause that a column has one of several values."""
    if len(values) < 2:
        return [f"{name} = {value}" for value in values]
    return [f"{name} IN ({', '.join(values)})"]


def _all_of(condition: Condition, comparisons: Sequence[Comparison]) -> str:
    """Write comparisons that are all required."""
    name = identifier(condition.column.name)
    if [each.operator for each in comparisons] == ["gte", "lte"]:
        low, high = (_literal(condition, each) for each in comparisons)
        return f"{name} BETWEEN {low} AND {high}"
    return " AND ".join(_compared(condition, each) for each in comparisons)


def _compared(condition: Condition, comparison: Comparison) -> str:
    """Write one comparison."""
    name, column = identifier(condition.column.name), condition.column
    if _is_pattern(comparison):
        if holds_numbers(column) or column.kind is Kind.BOOLEAN:
            raise InvalidCriterionError(
                f"'{condition.name}' is not a text column: the pattern {comparison.operand!r} cannot be "
                "used. Patterns work on text columns only."
            )
        return f"{name} LIKE {quoted(_like(comparison))}"
    if holds_dates(column) and comparison.operator == "eq":
        moment = _moment(condition.name, comparison.operand)
        return f"{name} >= {_date_text(moment)} AND {name} < {_date_text(moment + _SECOND)}"
    return f"{name} {_SYMBOLS[comparison.operator]} {_literal(condition, comparison)}"


def _literal(condition: Condition, comparison: Comparison) -> str:
    """Write the operand of a comparison."""
    column, operand = condition.column, comparison.operand
    if holds_dates(column):
        return _date_text(_moment(condition.name, operand))
    if column.kind is Kind.BOOLEAN:
        return str(int(operand == "True"))
    if holds_numbers(column):
        return number_text(_integer_of(condition.name, operand) if isinstance(operand, str) else operand)
    return quoted(str(operand))


def _integer_of(name: str, text: str) -> int:
    """The integer in a text; text with wildcards raises an error."""
    try:
        return int(text)
    except ValueError as err:
        raise InvalidCriterionError(f"'{name}' is a numeric column and cannot be compared with {text!r}.") from err


def _moment(name: str, day: float) -> datetime:
    """A Modified Julian Date as a datetime, to the millisecond, which is the precision of date columns."""
    try:
        return _DAY_ZERO + timedelta(milliseconds=round(day * 86_400_000))
    except OverflowError as err:
        raise InvalidCriterionError(
            f"'{name}' has the Modified Julian Date {day}, which cannot be converted to a calendar date."
        ) from err


def _date_text(moment: datetime) -> str:
    return quoted(moment.isoformat(" ", "milliseconds").removesuffix("+00:00").removesuffix(".000"))


# -- patterns ------------------------------------------------------------------------------------------------------


def _is_pattern(comparison: Comparison) -> bool:
    """Whether a comparison has text that may contain wildcards."""
    return comparison.operator in _PATTERNS


def _pattern(comparison: Comparison) -> str:
    """The text with wildcards of a comparison."""
    return f"*{comparison.operand}*" if comparison.operator == "contains" else str(comparison.operand)


def _like(comparison: Comparison) -> str:
    """The pattern in the syntax of LIKE, which may match more."""
    return _TOO_WIDE.sub("_", _WILDCARDS.sub("%", _pattern(comparison)))


def _widened(comparison: Comparison) -> bool:
    return _is_pattern(comparison) and bool(_TOO_WIDE.search(_pattern(comparison)))


# -- regions -------------------------------------------------------------------------------------------------------


def circle_text(ra: float, dec: float, radius: float) -> str:
    """Return a circle in ADQL, from values in degrees."""
    return f"CIRCLE('ICRS', {', '.join(map(number_text, (ra, dec, radius)))})"


def polygon_text(vertices: Iterable[tuple[float, float]]) -> str:
    """Return a polygon in ADQL, from vertices in degrees."""
    return f"POLYGON('ICRS', {', '.join(map(number_text, chain.from_iterable(vertices)))})"


def within_text(position: tuple[str, str], shape: str) -> str:
    """Return the clause that a position, given by its two columns, is in a shape."""
    return f"CONTAINS(POINT('ICRS', {', '.join(position)}), {shape}) = 1"


# -- queries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AdqlQuery:
    """A query of one table."""

    table: str
    columns: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def text(self) -> str:
        """The query for the rows."""
        parts = [
            "SELECT",
            f"TOP {self.limit}" if self.limit is not None else "",
            ", ".join(map(identifier, self.columns)) or "*",
            self._source(),
            self._order(),
            f"OFFSET {self.offset}" if self.offset else "",
        ]
        return " ".join(filter(None, parts))

    @property
    def count_text(self) -> str:
        """The query for the number of rows, which has neither order nor limit."""
        return f"SELECT COUNT(*) AS count_all {self._source()}"

    def _source(self) -> str:
        """The FROM and WHERE clauses."""
        where = f" WHERE {' AND '.join(self.clauses)}" if self.clauses else ""
        return f"FROM {table_identifier(self.table)}{where}"

    def _order(self) -> str:
        """The ORDER BY clause."""
        keys = (f"{identifier(key.column)} {'DESC' if key.descending else 'ASC'}" for key in self.order)
        return f"ORDER BY {', '.join(keys)}" if self.order else ""
