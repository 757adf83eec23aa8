"""Conditions in ADQL, and whole queries: what is asked of one table of a TAP service.

In: keywords and the columns of a table.  Out: clauses, and the text of a query.  A query holds names of that list of
columns, numbers that are formatted here, and quoted text; nothing that a user writes is copied into it as it is.

Two things ADQL cannot say: ``LIKE`` takes ``_`` for any character and has no way to escape it, and brackets mean a
class of characters to some databases.  Such patterns are asked in a wider form, and a `TextTest` cuts exactly.
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
# What LIKE takes for something else than itself, in one database or another.
_TOO_WIDE = re.compile(r"[_\[\]\\]")
_SIGNED = re.compile(r"[<>]=?\s*[\w.+-]")
_REGULAR = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DELIMITED = re.compile(r'"(?:[^"]|"")+"')
# A moment that equals a date is in the same second.
_SECOND = timedelta(seconds=1)
_DAY_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
# Numbers up to here are written without a point where they are whole.
_EXACT = 2.0**53
# Reserved words of ADQL 2.0 and 2.1; a column of such a name stands in quotation marks.
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


# -- words of the language -----------------------------------------------------------------------------------------


def identifier(name: str) -> str:
    """Return the name of a column, in quotation marks where it needs them; some services list it with them."""
    if (_REGULAR.fullmatch(name) and name.upper() not in _RESERVED) or _DELIMITED.fullmatch(name):
        return name
    return f'"{_printable(name).replace(chr(34), chr(34) * 2)}"'


def table_identifier(name: str) -> str:
    """Return the name of a table, with that of its schema."""
    if name.count('"') % 2 == 0 and '"' in name:
        return ".".join(identifier(part) for part in re.findall(r'"(?:[^"]|"")+"|[^."]+', name))
    return ".".join(map(identifier, name.split(".")))


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return f"'{_printable(text).replace(chr(39), chr(39) * 2)}'"


def _printable(text: str) -> str:
    """A text without what may end a line or a string somewhere on its way."""
    if not text.isprintable():
        raise InvalidCriterionError(f"{text!r} contains non-printable characters, which are not allowed in a query.")
    return text


def number_text(value: float) -> str:
    """Return a finite number as a literal."""
    whole = isinstance(value, int | np.integer) or (abs(value) < _EXACT and float(value).is_integer())
    return str(int(value)) if whole else repr(float(value))


# -- criteria ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextTest:
    """What remains to be tested of a condition on text, here, in the rows that the service has sent."""

    condition: Condition

    @property
    def column(self) -> str:
        """The column that is looked at."""
        return self.condition.column.name

    def of(self, table: Table) -> Array:
        """Tell which rows meet the condition; the case of letters is the database's affair."""
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
    """What rows must meet: clauses, all of which must hold, and what is tested here."""

    texts: tuple[str, ...] = ()
    tests: tuple[TextTest, ...] = ()


def adql_clauses(criteria: Mapping[str, Any], columns: Columns, arguments: Sequence[str] = ()) -> Clauses:
    """Return the clauses that criteria stand for."""
    texts: list[str] = []
    tests: list[TextTest] = []
    for name, value in criteria.items():
        column = find_column(name, columns)
        if column is None:
            raise unknown_filter(name, columns, arguments)
        condition = _condition(name, value, column)
        _tell_of_signs(condition)
        tests += [TextTest(condition)] if _is_too_wide(condition) else []
        texts += [text] if (text := _written(condition)) else []
    return Clauses(tuple(texts), tuple(tests))


def _condition(name: str, value: Any, column: Column) -> Condition:
    """What is asked of a column; moments are read as Modified Julian Dates, and yes and no as 1 and 0."""
    if holds_dates(column):
        read = read_condition(name, value, replace(column, type_name="double", continuous=True), nested=True)
        return replace(read, column=column)
    if isinstance(value, bool | np.bool_) and column.kind in {Kind.INTEGER, Kind.BYTE}:
        value = int(value)
    return read_condition(name, value, column, nested=True)


def _tell_of_signs(condition: Condition) -> None:
    """Warn if text is compared with what looks like a comparison, which columns of text do not have."""
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
    """Tell whether a column holds moments as the database has them, and not as numbers."""
    return column.is_time and column.kind is Kind.TEXT


def _is_too_wide(condition: Condition) -> bool:
    """Whether a pattern of a condition finds more than it should where it is sent."""
    return any(_widened(each) for each in chain.from_iterable((*condition.alternatives, *condition.excluded)))


def _written(condition: Condition) -> str:
    """Write a condition as a clause; empty where all of it is left to a test."""
    excluded = [each for each in condition.excluded if not any(map(_widened, each))]
    parts = [f"NOT ({_all_of(condition, each)})" for each in excluded]
    return " AND ".join([*filter(None, [_any_of(condition)]), *parts])


def _any_of(condition: Condition) -> str:
    """Write the alternatives of a condition; values that are to be equalled stand together."""
    plain = [each for each in condition.alternatives if _is_plain(condition, each)]
    values = dict.fromkeys(_literal(condition, each) for (each,) in plain)
    others = [_all_of(condition, each) for each in condition.alternatives if each not in plain]
    parts = [*_equal(identifier(condition.column.name), list(values)), *others]
    return f"({' OR '.join(parts)})" if len(parts) > 1 else "".join(parts)


def _is_plain(condition: Condition, comparisons: Sequence[Comparison]) -> bool:
    """Whether an alternative is one value."""
    return [each.operator for each in comparisons] == ["eq"] and not holds_dates(condition.column)


def _equal(name: str, values: Sequence[str]) -> list[str]:
    """Write that a column has one of some values."""
    if len(values) < 2:
        return [f"{name} = {value}" for value in values]
    return [f"{name} IN ({', '.join(values)})"]


def _all_of(condition: Condition, comparisons: Sequence[Comparison]) -> str:
    """Write comparisons, all of which must hold."""
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
    """Write what a column is compared with."""
    column, operand = condition.column, comparison.operand
    if holds_dates(column):
        return _date_text(_moment(condition.name, operand))
    if column.kind is Kind.BOOLEAN:
        return str(int(operand == "True"))
    if holds_numbers(column):
        return number_text(_whole(condition.name, operand) if isinstance(operand, str) else operand)
    return quoted(str(operand))


def _whole(name: str, text: str) -> int:
    """The integer that a text is; one with wildcards is none."""
    try:
        return int(text)
    except ValueError as err:
        raise InvalidCriterionError(f"'{name}' is a numeric column and cannot be compared with {text!r}.") from err


def _moment(name: str, day: float) -> datetime:
    """A Modified Julian Date as a moment, to the millisecond that a column of dates can hold."""
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
    """Whether a comparison is with text that may have wildcards."""
    return comparison.operator in _PATTERNS


def _pattern(comparison: Comparison) -> str:
    """The text with wildcards that a comparison is with."""
    return f"*{comparison.operand}*" if comparison.operator == "contains" else str(comparison.operand)


def _like(comparison: Comparison) -> str:
    """The same as LIKE takes it, or wider."""
    return _TOO_WIDE.sub("_", _WILDCARDS.sub("%", _pattern(comparison)))


def _widened(comparison: Comparison) -> bool:
    return _is_pattern(comparison) and bool(_TOO_WIDE.search(_pattern(comparison)))


# -- places --------------------------------------------------------------------------------------------------------


def circle_text(ra: float, dec: float, radius: float) -> str:
    """Return a circle, degrees."""
    return f"CIRCLE('ICRS', {', '.join(map(number_text, (ra, dec, radius)))})"


def polygon_text(vertices: Iterable[tuple[float, float]]) -> str:
    """Return a polygon, degrees."""
    return f"POLYGON('ICRS', {', '.join(map(number_text, chain.from_iterable(vertices)))})"


def within_text(position: tuple[str, str], shape: str) -> str:
    """Return the clause that a position, named by its two columns, is in a shape."""
    return f"CONTAINS(POINT('ICRS', {', '.join(position)}), {shape}) = 1"


# -- queries -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AdqlQuery:
    """What is asked of one table."""

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
        """Where rows come from, and what they must meet."""
        where = f" WHERE {' AND '.join(self.clauses)}" if self.clauses else ""
        return f"FROM {table_identifier(self.table)}{where}"

    def _order(self) -> str:
        """In which order rows come."""
        keys = (f"{identifier(key.column)} {'DESC' if key.descending else 'ASC'}" for key in self.order)
        return f"ORDER BY {', '.join(keys)}" if self.order else ""
