"""Filters of a Mashup request to SQL: a list of filter objects in, a WHERE clause and its parameters out.

The rules are those of MAST's filtered services: OR inside a filter, AND between filters; text matches whatever its
case; numbers may be given as text; a ``separator`` matches one token of a multi-valued column; ``freeText`` is a LIKE
pattern. What SQL Server would refuse is refused in its words. Values reach SQLite as parameters only, one JSON list
per filter, so that a filter may hold any number of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from .dataset import Columns, ServiceError

__all__ = ["Clause", "column_named", "where"]

#: Ids are declared as text in every answer although they are numbers.
ID_COLUMNS = frozenset({"obsid", "objID", "objID1", "obsID", "parent_obsid"}) | frozenset(
    {"ID", "SDSS", "duplicate_id", "A_objid", "G_source_id", "G_objid", "T_id"}
)
#: Integers of SQLite, and of SQL Server's bigint.
LARGEST_BITS = 63


@dataclass(frozen=True)
class Clause:
    """A condition in SQL and the parameters for its question marks."""

    sql: str
    parameters: tuple[object, ...] = ()

    @classmethod
    def any_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that holds where one of ``clauses`` does."""
        return cls._joined(" OR ", clauses)

    @classmethod
    def all_of(cls, clauses: Sequence[Clause]) -> Clause:
        """Return a clause that holds where all of ``clauses`` do; with none of them, everywhere."""
        return cls._joined(" AND ", clauses) if clauses else cls("1")

    @classmethod
    def _joined(cls, word: str, clauses: Sequence[Clause]) -> Clause:
        sql = word.join(clause.sql for clause in clauses)
        return cls(f"({sql})", tuple(value for clause in clauses for value in clause.parameters))


def column_named(name: object, columns: Columns) -> tuple[str, str]:
    """Return the column called ``name``, whatever its case, as (name, type)."""
    wanted = str(name).strip().lower()
    for column, kind in columns:
        if column.lower() == wanted:
            return column, kind
    raise ServiceError(f"Invalid column name '{name}'.")


def where(filters: object, columns: Columns) -> Clause:
    """Return the condition that a list of filter objects stands for."""
    if not isinstance(filters, list):
        raise ServiceError("The parameter 'filters' must be a list of filters.")
    return Clause.all_of([_condition(entry, columns) for entry in filters])


def _condition(entry: object, columns: Columns) -> Clause:
    if not isinstance(entry, Mapping) or "paramName" not in entry:
        raise ServiceError("Each filter needs a 'paramName'.")
    name, kind = column_named(entry["paramName"], columns)
    values = entry.get("values")
    if not isinstance(values, list):
        raise ServiceError(f"The filter of '{name}' needs a list of 'values'.")
    ranges = [value for value in values if isinstance(value, Mapping)]
    discrete = [value for value in values if not isinstance(value, Mapping) and value is not None]
    alternatives = [_range(name, kind, limits) for limits in ranges]
    if discrete:
        alternatives.append(_equal(name, kind, discrete, entry.get("separator")))
    elif None in values:
        alternatives.append(Clause("0"))  # nothing equals NULL
    pattern = entry.get("freeText")
    if pattern not in (None, ""):
        alternatives.append(Clause(f'"{name}" LIKE ?', (str(pattern),)))
    if not alternatives:
        raise ServiceError("Incorrect syntax near ')'.")
    return Clause.any_of(alternatives)


def _range(name: str, kind: str, limits: Mapping[str, object]) -> Clause:
    if unknown := set(limits) - {"min", "max"}:
        raise ServiceError(f"The range of '{name}' has no '{min(unknown)}'.")
    if not _is_number(name, kind):
        raise ServiceError(f"Error converting data type varchar to float: '{name}' has no range.")
    bounds = [("<=", limits.get("max")), (">=", limits.get("min"))]
    given = [(sign, _number(bound)) for sign, bound in bounds if bound is not None]
    # An open range on both sides still excludes null, as any comparison does.
    tests = [Clause(f'"{name}" {sign} ?', (bound,)) for sign, bound in given]
    return Clause.all_of([Clause(f'"{name}" IS NOT NULL'), *tests])


def _equal(name: str, kind: str, values: Sequence[object], separator: object) -> Clause:
    if kind == "boolean":
        return _within(f'"{name}"', map(_flag, values))
    if _is_number(name, kind):
        return _within(f'"{name}"', map(_number, values))
    # No stored text holds NUL, and SQLite's text functions would stop reading at one.
    texts = [text for text in map(_text, values) if "\0" not in text]
    if not isinstance(separator, str) or not separator:
        return _within(f'"{name}" COLLATE NOCASE', texts)
    tokens = json.dumps([f"{separator}{text}{separator}" for text in texts])
    inside = f'instr(lower(? || "{name}" || ?), lower(token.value)) > 0'
    return Clause(
        f"EXISTS (SELECT 1 FROM json_each(?) AS token WHERE {inside})",
        (tokens, separator, separator),
    )


def _within(left: str, values: Iterable[object]) -> Clause:
    return Clause(f"{left} IN (SELECT value FROM json_each(?))", (json.dumps(list(values)),))


def _is_number(name: str, kind: str) -> bool:
    return kind in ("int", "float") or name in ID_COLUMNS


def _text(value: object) -> str:
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ServiceError("Incorrect syntax near ','.")


def _number(value: object) -> int | float:
    number = _parsed(str(value).strip()) if isinstance(value, str) else value
    if not isinstance(number, (int, float)):
        raise ServiceError(f"Error converting data type varchar to numeric: '{value}'.")
    too_large = isinstance(number, int) and number.bit_length() > LARGEST_BITS
    if too_large or not math.isfinite(number):
        raise ServiceError(f"Arithmetic overflow error converting expression to data type numeric: '{value}'.")
    return number


def _parsed(text: str) -> int | float | None:
    for convert in (int, float):  # an id of 19 digits must not pass through a float
        with suppress(ValueError):
            return convert(text)
    return None


def _flag(value: object) -> int:
    flag = {"true": 1, "1": 1, "false": 0, "0": 0}.get(str(value).strip().lower())
    if flag is None:
        raise ServiceError(f"Conversion failed when converting the varchar value '{value}' to data type bit.")
    return flag
