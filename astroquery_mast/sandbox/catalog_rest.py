"""Catalogs.MAST: Pan-STARRS at ``/api/v0.1/panstarrs/<release>/<table>``.

Conditions are ``column=value`` or ``column.op=value``; several values of one parameter are alternatives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from .answers import Dataset, Window, encode
from .archive.catalog_panstarrs import TABLES, PanstarrsColumn, SurveyTable
from .archive.catalog_table import Found
from .archive.catalogs import survey_table
from .archive.search import Clause
from .packaged import Columns, packaged
from .reading import json_object, natural, real
from .reply import Refusal, Reply
from .requestlog import RequestRecord
from .rows import Distance, catalog_rows

FORMATS = ("json", "csv", "votable")
_TABLES = packaged("services")["panstarrs"]
MEDIA_TYPES: Mapping[str, str] = _TABLES["media types"]
#: Parameters that are not columns.
OPTIONS = frozenset(_TABLES["options"])
OPERATORS: Mapping[str, str] = _TABLES["operators"]
DIRECTIONS = frozenset({"asc", "desc"})
#: Maximum radius in degrees.
LARGEST_RADIUS = 0.5
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE, LONGEST_NUMBER = 5_000, 50_001, 9
DISTANCE = PanstarrsColumn("distance", "DOUBLE", "Distance from the requested position", "deg")
_DEGREES = Distance("distance", 3600.0)


class _RestError(Refusal):
    """A request that is refused."""

    def reply(self) -> Reply:
        """Return status and message as JSON."""
        return Reply.json({"status": self.status, "message": str(self)}, self.status)


def catalog_answer(record: RequestRecord) -> Reply:
    """Answer a request for rows or column descriptions."""
    release, table, wants_metadata, suffix = _address(record.path)
    source = survey_table(release, table)
    if wants_metadata:
        return Reply.json([column.metadata(place) for place, column in enumerate(source.columns, 1)])
    query = _Query(source, _parameters_of(record))
    return _rows(query, suffix or _format(query, record))


def _address(path: str) -> tuple[str, str, bool, str]:
    """Return release, table, whether metadata are requested, and the format in the path, or an empty string."""
    release, _, rest = path.removeprefix(packaged("endpoints")["catalogs"]["prefix"]).lower().partition("/")
    rest, _, suffix = rest.partition(".")
    table, _, last = rest.partition("/")
    if release not in TABLES:
        raise _RestError(f"There is no data release '{release}' of Pan-STARRS.", 404)
    if table not in TABLES[release] or last not in {"", "metadata"}:
        raise _RestError(f"Data release '{release}' has no table '{rest}'.", 404)
    if suffix not in {"", *FORMATS}:
        raise _RestError(f"There is no format '{suffix}'.", 404)
    return release, table, last == "metadata", suffix


def _parameters_of(record: RequestRecord) -> dict[str, list[object]]:
    """Return all parameters of a request with their values, from the URL, the form, and the JSON body."""
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
    return json_object(record.body, _RestError)


def _format(query: _Query, record: RequestRecord) -> str:
    asked = query.option("format") or MEDIA_TYPES.get(record.headers.get("accept", ""), "json")
    if asked not in FORMATS:
        raise _RestError(f"There is no format '{asked}'.")
    return asked


def _rows(query: _Query, form: str) -> Reply:
    if form == "json":
        return Reply.json(_answer(query))
    rows = query.rows()
    columns: Columns = tuple((column.name, column.kind) for column in query.columns)
    body, content_type = encode(Dataset(columns, rows), Window(1, max(len(rows), 1)), form)
    return Reply(headers=(("Content-Type", content_type),), body=body)


def _answer(query: _Query) -> dict[str, object]:
    rows = query.rows()
    cells = [[column.written(cell) for column, cell in zip(query.columns, row, strict=True)] for row in rows]
    answer: dict[str, object] = {}
    if query.flag("include_info"):
        answer["info"] = [column.info() for column in query.columns]
    names = [column.name for column in query.columns]
    flat = query.flag("flatten_response")
    answer["data"] = cells if flat else [dict(zip(names, row, strict=True)) for row in cells]
    return answer


class _Query:
    """A query of a table, with the values of each parameter."""

    def __init__(self, source: SurveyTable, parameters: Mapping[str, Sequence[object]]) -> None:
        self._source = source
        self._known = {column.name.lower(): column for column in source.columns}
        self._options = {name.lower(): values for name, values in parameters.items() if name.lower() in OPTIONS}
        self._conditions = {name: values for name, values in parameters.items() if name.lower() not in OPTIONS}

    def option(self, name: str) -> str | None:
        """Return the last value of an option as text, or None if it is not given."""
        values = self._options.get(name, ())
        return str(values[-1]).strip().lower() if values else None

    def flag(self, name: str) -> bool:
        """Return an option that is on by default."""
        return self.option(name) not in {"false", "0", "no"}

    @cached_property
    def columns(self) -> tuple[PanstarrsColumn, ...]:
        """The columns of the response, in the requested order; all of them by default."""
        asked = [name for value in self._options.get("columns", ()) for name in str(value).strip("[] ").split(",")]
        if not asked:
            return (*self._source.columns, DISTANCE) if self._position else self._source.columns
        return tuple(dict.fromkeys(self._column(name) for name in asked))

    def _column(self, name: str) -> PanstarrsColumn:
        key = name.strip(" '\"").lower()
        if key == DISTANCE.name and self._position:
            return DISTANCE
        if key not in self._known:
            raise _RestError(f"There is no column '{name}'.")
        return self._known[key]

    @cached_property
    def _position(self) -> tuple[float, float, float] | None:
        given = [name for name in ("ra", "dec", "radius") if name in self._options]
        if not given:
            return None
        if len(given) < 3:
            raise _RestError("A position needs ra, dec and radius.")
        ra, dec, radius = (_float(name, self._options[name][-1]) for name in given)
        if not -90 <= dec <= 90:
            raise _RestError(f"dec must be between -90 and 90, not {dec}.")
        if not 0 <= radius <= LARGEST_RADIUS:
            raise _RestError(f"radius must be between 0 and {LARGEST_RADIUS} degrees, not {radius}.")
        return ra, dec, radius

    def rows(self) -> list[tuple[object, ...]]:
        """Return the rows of the requested page, in the requested order."""
        table, found = self._source.table, self._found()
        for column, descending in reversed(list(self._order())):
            values = found.distance if column is DISTANCE else table.values(column.name)[found.keys]
            found = found.sorted_by(values, descending=descending)
        columns = tuple((column.name, column.kind) for column in self.columns)
        distance = _DEGREES if self._position else None
        return list(catalog_rows(table, found, columns, distance)[self._window()])

    def _found(self) -> Found:
        """Return the rows that match the position and the conditions, in the order of the table."""
        table = self._source.table
        found = table.everything()
        if self._position is not None:
            found = table.within(*self._position)
            found = found.sorted_by(found.keys)
        if self._conditions:
            found = found.only(table.matching(Clause.all_of(list(self._clauses()))))
        return found

    def _clauses(self) -> Iterator[Clause]:
        for name, values in self._conditions.items():
            column_name, _, operator = name.partition(".")
            column = self._column(column_name)
            sign = OPERATORS.get(operator.lower() or "eq")
            if sign is None:
                raise _RestError(f"There is no operator '{operator}' for '{column_name}'.")
            around = "%" if operator.lower() == "contains" else ""
            yield Clause.any_of([_clause(column, sign, value, around) for value in values])

    def _order(self) -> Iterator[tuple[PanstarrsColumn, bool]]:
        for value in self._options.get("sort_by", ()):
            direction, dot, name = str(value).partition(".")
            if not dot:
                direction, name = "asc", direction
            if direction.lower() not in DIRECTIONS:
                raise _RestError(f"The order '{value}' must be 'asc' or 'desc', a period, and a column.")
            yield self._column(name), direction.lower() == "desc"

    def _window(self) -> slice:
        size = self._count("pagesize", DEFAULT_PAGE_SIZE)
        if size > LARGEST_PAGE_SIZE:
            raise _RestError(f"pagesize must not be larger than {LARGEST_PAGE_SIZE}.")
        first = (self._count("page", 1) - 1) * size
        return slice(first, first + size)

    def _count(self, name: str, default: int) -> int:
        text = self.option(name) or str(default)
        found = natural(text, LONGEST_NUMBER)
        if not found:
            raise _RestError(f"{name} must be a positive integer, not '{text}'.")
        return found


def _clause(column: PanstarrsColumn, sign: str, value: object, around: str) -> Clause:
    left = f'"{column.name}"'
    if sign == "LIKE":
        return Clause.compared(left, sign, f"{around}{value}{around}")
    if column.kind == "string":
        return Clause(f"{left} {sign} ? COLLATE NOCASE", (str(value),))
    # A number of 19 digits would lose precision as a float.
    text = str(value).strip()
    exact: float = int(text) if text.lstrip("-").isdigit() and len(text) < 19 else _float(column.name, value)
    return Clause.compared(left, sign, exact)


def _float(name: str, value: object) -> float:
    number = real(value)
    if number is None:
        raise _RestError(f"The value of '{name}' must be a number, not '{value}'.")
    return number
