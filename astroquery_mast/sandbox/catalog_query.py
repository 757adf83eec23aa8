"""A query of Catalogs.MAST, read and answered: `CatalogQuery`.

In: parameters, each with the values it was given, and a table. Out: the rows of the page asked for, or `RestError`.
Conditions are ``column=value`` or ``column.op=value``; several values of one parameter are alternatives, different
parameters must all hold.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from .archive.catalog_panstarrs import SurveyTable
from .archive.catalog_panstarrs_columns import PanstarrsColumn
from .catalog_rows import CatalogRows, Distance
from .filters import Clause
from .requestlog import RequestRecord

__all__ = ["CatalogQuery", "RestError", "parameters_of"]

Values = Mapping[str, Sequence[object]]

#: What is not a column.
OPTIONS = frozenset(
    {
        *("ra", "dec", "radius", "columns", "sort_by", "page", "pagesize", "format"),
        *("flatten_response", "include_info", "raw"),
    }
)
OPERATORS: Mapping[str, str] = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "min": ">=",
    "lt": "<",
    "lte": "<=",
    "max": "<=",
    "like": "LIKE",
    "contains": "LIKE",
}
DIRECTIONS = frozenset({"asc", "desc"})
#: Degrees.
LARGEST_RADIUS = 0.5
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 5_000, 50_001
DISTANCE = PanstarrsColumn("distance", "DOUBLE", "Distance from the position asked for", "deg")
_DEGREES = Distance("distance", 3600.0)


class RestError(Exception):
    """A request that makes no sense; the text is the message of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def parameters_of(record: RequestRecord) -> dict[str, list[object]]:
    """Return every parameter of a request with its values, from wherever it was put."""
    found: dict[str, list[object]] = {}
    for source in (record.query, record.form):
        for name, values in source.items():
            found.setdefault(name, []).extend(values)
    for name, value in _posted(record).items():
        found.setdefault(name, []).extend(value if isinstance(value, list) else [value])
    return found


def _posted(record: RequestRecord) -> dict[str, object]:
    if not record.body or not record.headers.get("content-type", "").startswith("application/json"):
        return {}
    try:
        posted = json.loads(record.body)
    except ValueError as error:
        raise RestError("The body of the request is no JSON.") from error
    if not isinstance(posted, dict):
        raise RestError("The body of the request must be a JSON object.")
    return posted


class CatalogQuery:
    """A query of a table."""

    def __init__(self, source: SurveyTable, parameters: Values) -> None:
        self._source = source
        self._known = {column.name.lower(): column for column in source.columns}
        self._options = {name.lower(): values for name, values in parameters.items() if name.lower() in OPTIONS}
        self._conditions = {name: values for name, values in parameters.items() if name.lower() not in OPTIONS}

    def option(self, name: str) -> str | None:
        """Return the last value of an option as text, None without one."""
        values = self._options.get(name, ())
        return str(values[-1]).strip().lower() if values else None

    def flag(self, name: str) -> bool:
        """Return an option that is on unless it is switched off."""
        return self.option(name) not in {"false", "0", "no"}

    @cached_property
    def columns(self) -> tuple[PanstarrsColumn, ...]:
        """The columns of the answer, in the order asked for; all of them where none are."""
        asked = [name for value in self._options.get("columns", ()) for name in str(value).strip("[] ").split(",")]
        if not asked:
            return (*self._source.columns, DISTANCE) if self._position else self._source.columns
        return tuple(dict.fromkeys(self._column(name) for name in asked))

    def _column(self, name: str) -> PanstarrsColumn:
        key = name.strip(" '\"").lower()
        if key == DISTANCE.name and self._position:
            return DISTANCE
        if key not in self._known:
            raise RestError(f"There is no column '{name}'.")
        return self._known[key]

    @cached_property
    def _position(self) -> tuple[float, float, float] | None:
        given = [name for name in ("ra", "dec", "radius") if name in self._options]
        if not given:
            return None
        if len(given) < 3:
            raise RestError("A position needs ra, dec and radius.")
        ra, dec, radius = (self._float(name, self._options[name][-1]) for name in ("ra", "dec", "radius"))
        if not -90 <= dec <= 90:
            raise RestError(f"dec must be between -90 and 90, not {dec}.")
        if not 0 <= radius <= LARGEST_RADIUS:
            raise RestError(f"radius must be between 0 and {LARGEST_RADIUS} degrees, not {radius}.")
        return ra, dec, radius

    def rows(self) -> list[tuple[object, ...]]:
        """Return the rows of the page asked for, in the order asked for."""
        table = self._source.table
        found = table.everything() if self._position is None else table.within(*self._position)
        if self._conditions:
            condition = Clause.all_of(list(self._clauses()))
            found = found.only(table.matching(condition.sql, condition.parameters))
        if self._position is not None:  # without sort_by the rows come in the order of the table
            found = found.sorted_by(found.keys)
        for column, descending in reversed(list(self._order())):
            values = found.distance if column is DISTANCE else table.values(column.name)[found.keys]
            found = found.sorted_by(values, descending=descending)
        columns = tuple((column.name, column.kind) for column in self.columns)
        distance = _DEGREES if self._position else None
        return list(CatalogRows(table, found, columns, distance)[self._window()])

    def _clauses(self) -> Iterator[Clause]:
        for name, values in self._conditions.items():
            column_name, _, operator = name.partition(".")
            column = self._column(column_name)
            sign = OPERATORS.get(operator.lower() or "eq")
            if sign is None:
                raise RestError(f"There is no operator '{operator}' for '{column_name}'.")
            contains = operator.lower() == "contains"
            yield Clause.any_of([self._clause(column, sign, value, contains=contains) for value in values])

    def _clause(self, column: PanstarrsColumn, sign: str, value: object, *, contains: bool) -> Clause:
        if sign == "LIKE":
            return Clause(f'"{column.name}" LIKE ?', (f"%{value}%" if contains else str(value),))
        if column.kind == "string":
            return Clause(f'"{column.name}" {sign} ? COLLATE NOCASE', (str(value),))
        # A number of 19 digits must not pass through a float.
        text = str(value).strip()
        exact: float = int(text) if text.lstrip("-").isdigit() and len(text) < 19 else self._float(column.name, value)
        return Clause(f'"{column.name}" {sign} ?', (exact,))

    def _order(self) -> Iterator[tuple[PanstarrsColumn, bool]]:
        for value in self._options.get("sort_by", ()):
            direction, dot, name = str(value).partition(".")
            if not dot:
                direction, name = "asc", direction
            if direction.lower() not in DIRECTIONS:
                raise RestError(f"The order '{value}' must be 'asc' or 'desc', a full stop, and a column.")
            yield self._column(name), direction.lower() == "desc"

    def _window(self) -> slice:
        size = self._count("pagesize", DEFAULT_PAGE_SIZE)
        if size > LARGEST_PAGE_SIZE:
            raise RestError(f"pagesize must not be larger than {LARGEST_PAGE_SIZE}.")
        first = (self._count("page", 1) - 1) * size
        return slice(first, first + size)

    def _count(self, name: str, default: int) -> int:
        text = self.option(name) or str(default)
        if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) < 1:
            raise RestError(f"{name} must be a positive integer, not '{text}'.")
        return int(text)

    def _float(self, name: str, value: object) -> float:
        try:
            number = float(str(value))
        except ValueError as error:
            raise RestError(f"The value of '{name}' must be a number, not '{value}'.") from error
        if not math.isfinite(number):
            raise RestError(f"The value of '{name}' must be a number, not '{value}'.")
        return number
