"""Parser of the parameters of Mashup services; errors of SQL Server are reported in its words.

Filters: OR within one filter, AND between filters; text is not case-sensitive; numbers may be given as text; a
``separator`` matches one token of a multi-valued column; ``freeText`` is a LIKE pattern.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from .answers import Dataset
from .archive.search import Clause
from .packaged import Columns, packaged
from .reading import natural, real
from .reply import ServiceError

Params = Mapping[str, object]

#: Ids are declared as text in every response although they are numbers.
ID_COLUMNS = frozenset(packaged("services")["ids"])
#: Number of bits of the largest integer of SQLite, and of SQL Server's bigint.
LARGEST_BITS = 63
#: Number of digits that always fit into a bigint.
LONGEST_ID = 18
COUNT_COLUMNS: Columns = (("Column1", "string"),)
#: Requested instead of columns to count the rows.
COUNT = "COUNT_BIG(*)"
EVERYTHING = frozenset({"*", "c.*", "r.*"})
#: Prefix of the name of a column.
_ALIAS = re.compile(r"^\s*(c\.)?(r\.)?")


def number(params: Params, name: str, default: float | None = None) -> float:
    """Return a parameter as a float; without a default it is required."""
    value = params.get(name, default)
    if value is None:
        raise ServiceError(f"The parameter '{name}' is missing.")
    return finite(name, value)


def natural_number(params: Params, name: str, default: int) -> int:
    """Return a parameter as a non-negative integer."""
    value = number(params, name, default)
    if value < 0 or not value.is_integer():
        raise ServiceError(f"The parameter '{name}' must be a non-negative integer, not '{params.get(name)}'.")
    return int(value)


def finite(name: str, value: object) -> float:
    """Return the value of the parameter ``name`` as a finite float."""
    parsed = real(value)
    if parsed is None:
        raise ServiceError(f"The parameter '{name}' is not a number: '{value}'.")
    return parsed


def identifier(text: str) -> int:
    """Return a numeric database id, written in digits."""
    found = natural(text, LONGEST_ID)
    if found is None:
        raise ServiceError(f"Error converting data type varchar to bigint: '{text}'.")
    return found


def is_true(value: object) -> bool:
    """Return whether the value of a parameter is true."""
    return str(value).strip().lower() in ("true", "1")


def check_cone(dec: float, radius: float, largest: float = math.inf) -> None:
    """Refuse an invalid cone, and one wider than ``largest`` degrees."""
    if not -90 <= dec <= 90:
        raise ServiceError(f"Dec must be between -90 and 90 degrees, not {dec}.")
    if radius < 0:
        raise ServiceError(f"Radius must not be negative, but is {radius}.")
    if radius > largest:
        raise ServiceError(f"Radius must not be larger than {largest:g} degrees, but is {radius}.")


def requested_columns(params: Params, known: Columns, default: str | None = None) -> Columns | None:
    """Return the requested columns, in the order of the service, or None if a count is requested."""
    given = params.get("columns", default)
    asked = given.strip() if isinstance(given, str) else ""
    if not asked:
        raise ServiceError("The parameter 'columns' is missing.")
    if asked.replace(" ", "").upper() == COUNT:
        return None
    if asked in EVERYTHING:
        return known
    wanted = {column_named(_ALIAS.sub("", name), known) for name in asked.split(",")}
    return tuple(column for column in known if column in wanted)


def count_dataset(count: object) -> Dataset:
    """Return the response to a count: a number in a column that is declared as text."""
    return Dataset(COUNT_COLUMNS, [(count,)])


def column_named(name: object, columns: Columns) -> tuple[str, str]:
    """Return the column ``name`` (not case-sensitive) as (name, type)."""
    wanted = str(name).strip().lower()
    for column, kind in columns:
        if column.lower() == wanted:
            return column, kind
    raise ServiceError(f"Invalid column name '{name}'.")


def where(filters: object, columns: Columns) -> Clause:
    """Return the condition of a list of filter objects."""
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
    alternatives = list(_alternatives(name, kind, values, entry.get("separator")))
    if entry.get("freeText") not in (None, ""):
        alternatives.append(Clause.compared(f'"{name}"', "LIKE", str(entry["freeText"])))
    if not alternatives:
        raise ServiceError("Incorrect syntax near ')'.")
    return Clause.any_of(alternatives)


def _alternatives(name: str, kind: str, values: Sequence[object], separator: object) -> Iterator[Clause]:
    yield from (_range(name, kind, value) for value in values if isinstance(value, Mapping))
    discrete = [value for value in values if not isinstance(value, Mapping) and value is not None]
    if discrete:
        yield _equal(name, kind, discrete, separator)
    elif None in values:
        yield Clause("0")  # nothing equals NULL


def _range(name: str, kind: str, limits: Mapping[str, object]) -> Clause:
    if unknown := set(limits) - {"min", "max"}:
        raise ServiceError(f"The range of '{name}' has an unknown limit '{min(unknown)}'.")
    if not _is_number(name, kind):
        raise ServiceError(f"Error converting data type varchar to float: '{name}' has no range.")
    bounds = [("<=", limits.get("max")), (">=", limits.get("min"))]
    given = [(sign, _comparable(bound)) for sign, bound in bounds if bound is not None]
    # A range without limits still excludes nulls, like any comparison.
    tests = [Clause.compared(f'"{name}"', sign, bound) for sign, bound in given]
    return Clause.all_of([Clause(f'"{name}" IS NOT NULL'), *tests])


def _equal(name: str, kind: str, values: Sequence[object], separator: object) -> Clause:
    if kind == "boolean":
        return Clause.among(f'"{name}"', map(_flag, values))
    if _is_number(name, kind):
        return Clause.among(f'"{name}"', map(_comparable, values))
    # No stored text contains NUL, at which SQLite's text functions would stop reading.
    texts = [text for text in map(_text, values) if "\0" not in text]
    if name == "proposal_id":  # public scripts pad program numbers to five digits, which MAST accepts
        texts += [text.lstrip("0") for text in texts]
    if not isinstance(separator, str) or not separator:
        return Clause.among(f'"{name}" COLLATE NOCASE', texts)
    tokens = json.dumps([f"{separator}{text}{separator}" for text in texts])
    inside = f'instr(lower(? || "{name}" || ?), lower(token.value)) > 0'
    return Clause(
        f"EXISTS (SELECT 1 FROM json_each(?) AS token WHERE {inside})",
        (tokens, separator, separator),
    )


def _is_number(name: str, kind: str) -> bool:
    return kind in ("int", "float") or name in ID_COLUMNS


def _text(value: object) -> str:
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ServiceError("Incorrect syntax near ','.")


def _comparable(value: object) -> int | float:
    number = _parsed(str(value).strip()) if isinstance(value, str) else value
    if not isinstance(number, (int, float)):
        raise ServiceError(f"Error converting data type varchar to numeric: '{value}'.")
    too_large = isinstance(number, int) and number.bit_length() > LARGEST_BITS
    if too_large or not math.isfinite(number):
        raise ServiceError(f"Arithmetic overflow error converting expression to data type numeric: '{value}'.")
    return number


def _parsed(text: str) -> int | float | None:
    for convert in (int, float):  # ids of 19 digits would lose precision as floats
        with suppress(ValueError):
            return convert(text)
    return None


def _flag(value: object) -> int:
    flag = {"true": 1, "1": 1, "false": 0, "0": 0}.get(str(value).strip().lower())
    if flag is None:
        raise ServiceError(f"Conversion failed when converting the varchar value '{value}' to data type bit.")
    return flag
