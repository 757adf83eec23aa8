"""The mission searches over HTTP: ``/search/<mission>/api/v0.1/...`` and ``/search/util/api/v0.1/column_list``.

In: a `RequestRecord`. Out: a `Reply`: JSON in the manner of FastAPI, or a file. The condition of a column is text such
as ``"STIS,ACS"``, ``"!COS"``, ``">0"``, ``"1000..2000"`` or ``"*GAL*"``, or a number: alternatives are OR-ed, negations
AND-ed; null passes neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

from .archive.geometry import separation, unit_vectors
from .archive.mission import COMPUTED, MissionColumn, MissionTable, Value, padded
from .archive.mission_holdings import MISSIONS, RETRIEVING, MissionHoldings
from .archive.search import Clause, RowSearch, folded, without_zeros
from .downloads import Downloads
from .mission_request import MissionError, SearchRequest, decoded, search_request, text_list, unprocessable
from .reply import Reply, compact_json
from .requestlog import RequestRecord

__all__ = ["Missions", "condition", "mission_endpoint", "search"]

_PATH = re.compile(r"/search/([a-z_]+)/api/v0\.1/(\w+)/?$")
_ENDPOINTS = {
    "search": "mission_search",
    "post_list_products": "mission_products",
    "list_products": "mission_products",
    "retrieve_product": "retrieve_product",
}
_METHODS = {"search": "POST", "post_list_products": "POST", "list_products": "GET"}
#: The search whose product lists are wrapped in a list once more.
NESTED = "roman"


def mission_endpoint(path: str) -> str | None:
    """Return the name under which requests of ``path`` are logged, None if the path is no mission search's."""
    parts = _PATH.match(path)
    if parts is None:
        return None
    if parts[1] == "util":
        return "mission_columns" if parts[2] == "column_list" else None
    return _ENDPOINTS.get(parts[2]) if parts[1] in MISSIONS else None


class Missions:
    """Answer the mission searches."""

    def __init__(self, holdings: MissionHoldings, downloads: Downloads) -> None:
        self._holdings = holdings
        self._downloads = downloads

    def docs(self, _record: RequestRecord) -> Reply:
        """The page that links to the interface of each mission."""
        links = "".join(f'<li><a href="/search/{name}/api/v0.1/docs">{name}</a></li>' for name in MISSIONS)
        page = f"<!DOCTYPE html><html><body><h1>MAST search</h1><ul>{links}</ul></body></html>"
        return Reply(200, (("Content-Type", "text/html; charset=utf-8"),), page.encode())

    def search(self, record: RequestRecord) -> Reply:
        """Answer a search."""
        mission = _mission(record)
        return Reply.json(search(self._holdings.table(mission), search_request(record.body)))

    def columns(self, record: RequestRecord) -> Reply:
        """List the columns of a mission."""
        name = _required(record, "mission").lower()
        if name not in MISSIONS:
            raise MissionError(f"There is no mission {name!r}; known are {', '.join(MISSIONS)}.", 404)
        return Reply.json([column.entry() for column in self._holdings.table(name).columns if column.listed])

    def products(self, record: RequestRecord) -> Reply:
        """List the files of datasets; datasets that are unknown have none."""
        mission = _mission(record)
        if record.method == "POST":
            datasets = text_list(decoded(record.body), "dataset_ids")
        else:
            _required(record, "dataset_ids")
            datasets = tuple(name.strip() for text in record.values("dataset_ids") for name in text.split(","))
        found = [
            product.entry() for name in dict.fromkeys(datasets) for product in self._holdings.products(mission, name)
        ]
        return Reply.json({"products": [found] if mission == NESTED else found})

    def retrieve(self, record: RequestRecord) -> Reply:
        """Hand out a file by the name under which the product list has it."""
        mission = _mission(record)
        name = _required(record, "product_name")
        uri = self._holdings.named(mission, name) if mission in RETRIEVING else None
        if uri is None:
            raise MissionError(f"Product {name} was not found.", 404)
        reply = self._downloads.send(record, uri)
        if reply.status != 401:
            return reply
        body = compact_json({"detail": "Unauthorized: this file is available to its proposers only."})
        return replace(reply, headers=(("Content-Type", "application/json"),), body=body)


def _mission(record: RequestRecord) -> str:
    """Return the mission in the path."""
    parts = _PATH.match(record.path)
    mission, action = ("", "") if parts is None else parts.groups()
    if record.method not in (_METHODS.get(action, record.method), "HEAD"):
        raise MissionError("Method Not Allowed", 405)
    return mission


def _required(record: RequestRecord, name: str) -> str:
    value = record.value(name)
    if not value:
        raise unprocessable("missing", ["query", name], "Field required", None)
    return value


#: Columns that belong to a row and the position for which it was found.
SEPARATION, POSITION, KEY = COMPUTED
#: The search whose answers describe every column; those of the others leave some out.
COMPLETE = "hst"

_COMPARED = re.compile(r"(>=|<=|>|<)\s*(.*)$")
_DATE = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?(?:[T ](\d\d)(:\d\d)?(:\d\d)?(\.\d+)?)?$")
_WORDS = {"true": 1.0, "false": 0.0}
_WILD = str.maketrans({"?": "[?]", "[": "[[]"})


def condition(column: MissionColumn, value: object) -> Clause | None:
    """Return the condition of a column; None for blank text, which is no condition."""
    if not isinstance(value, str | int | float):
        raise MissionError(f"The condition of {column.name} must be text or a number, not {value!r}.")
    terms = [term.strip() for term in str(value).split(",") if term.strip()]
    if not terms:
        return None
    wanted = [_term(column, term) for term in terms if not term.startswith("!")]
    unwanted = [_term(column, term[1:].strip()).negated() for term in terms if term.startswith("!")]
    alternatives = [Clause.any_of(wanted)] if wanted else []
    return Clause.all_of([Clause(f'"{column.name}" IS NOT NULL'), *alternatives, *unwanted])


def _term(column: MissionColumn, term: str) -> Clause:
    left, text = f'"{column.name}"', f'folded("{column.name}")'
    if column.qual_type in {"integer", "float", "ra", "dec", "boolean"}:
        return _comparison(left, term, partial(_number, column))
    if column.qual_type == "datetime":
        return _date(column, term)
    if "*" in term:
        return Clause.compared(text, "GLOB", term.casefold().translate(_WILD))
    if column.qual_type == "substring" and not _COMPARED.match(term):
        return Clause(f"instr({text}, ?) > 0", (term.casefold(),))
    return _comparison(text, term, str.casefold)


def _comparison(left: str, term: str, read: Callable[[str], object]) -> Clause:
    """A comparison, a range that holds its ends, or equality."""
    compared = _COMPARED.match(term)
    if compared:
        return Clause.compared(left, compared[1], read(compared[2]))
    first, dots, last = term.partition("..")
    if dots:
        return Clause(f"{left} BETWEEN ? AND ?", (read(first.strip()), read(last.strip())))
    return Clause.compared(left, "=", read(term))


def _number(column: MissionColumn, text: str) -> float:
    if column.qual_type == "boolean" and text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    try:
        number = float(text)
    except ValueError as err:
        raise MissionError(f"{column.name} is a number; {text!r} is none.") from err
    if not math.isfinite(number):
        raise MissionError(f"{column.name} cannot be {text!r}.")
    return number


def _date(column: MissionColumn, term: str) -> Clause:
    """Dates: a bare one means the whole of its year, month, day, and so on; in comparisons it means its beginning."""
    if _COMPARED.match(term) or ".." in term:
        return _comparison(f'without_zeros("{column.name}")', term, partial(_moment, column))
    _moment(column, term)
    beginning = term.replace(" ", "T")
    return Clause(f'substr("{column.name}", 1, {len(beginning)}) = ?', (beginning,))


def _moment(column: MissionColumn, text: str) -> str | None:
    """ISO date and time, completed, so that the order of texts is that of times."""
    parts = _DATE.match(text)
    if parts is None:
        raise MissionError(f"{column.name} is a date; {text!r} is none.")
    year, month, day, hour, minute, second, fraction = parts.groups()
    whole = f"{year}{month or '-01'}{day or '-01'}T{hour or '00'}{minute or ':00'}{second or ':00'}"
    try:
        datetime.fromisoformat(whole)
    except ValueError as err:
        raise MissionError(f"{column.name} is a date; {text!r} is none.") from err
    return without_zeros(whole + (fraction or ""))


@dataclass(frozen=True, slots=True)
class _Hit:
    """A row that was found, and the position (number, separation in arcmin) for which it was."""

    row: int
    target: int | None = None
    separation: float | None = None


def search(table: MissionTable, request: SearchRequest) -> dict[str, object]:
    """Return the answer to a search; ``totalResults`` is missing when the request says ``skip_count``."""
    selected = _selected(table, request)
    order = _order(table, request)
    hits = _sorted(table, request, _hits(table, request), order)
    answer: dict[str, object] = {"messages": [], "search_params": _echo(request, selected, order)}
    if not request.skip_count or request.count_only:
        answer["totalResults"] = len(hits)
    if request.count_only:
        return answer | {"info": [], "results": []}
    window = hits[request.offset : request.offset + request.limit]
    results = [_result(table, request, hit, selected) for hit in window]
    return answer | {"info": _info(table, request, selected), "results": results}


def _column(table: MissionTable, name: str) -> MissionColumn:
    column = table.by_name.get(name)
    if column is None:
        raise MissionError(f"Invalid column name '{name}'.")
    return column


def _selected(table: MissionTable, request: SearchRequest) -> list[MissionColumn]:
    """Columns of the answer; the separation only makes sense with a position."""
    if request.select_cols is None:
        chosen = [column for column in table.columns if column.default]
    else:
        chosen = [_column(table, name) for name in dict.fromkeys((*table.always, *request.select_cols))]
    return [column for column in chosen if request.target or column.name not in COMPUTED]


def _order(table: MissionTable, request: SearchRequest) -> list[tuple[str, bool]]:
    """Columns to sort by, and whether each one goes down."""
    names = request.sort_by
    if names is None:
        target = next((name for name in ("sci_targname", "targprop", "targname") if name in table.by_name), None)
        names = tuple(name for name in (SEPARATION if request.target else None, target, table.dataset) if name)
    for name in names:
        _column(table, name)
        if name == SEPARATION and not request.target:
            raise MissionError("Sorting by ang_sep needs a target.")
    down = (*request.sort_desc, *[False] * len(names))
    return list(zip(names, down, strict=False))


def _clauses(table: MissionTable, request: SearchRequest) -> tuple[list[Clause], list[Clause]]:
    """Conditions on columns of the table, and those on the separation."""
    clauses: tuple[list[Clause], list[Clause]] = ([], [])
    for name, value in (pair for item in request.conditions for pair in item.items()):
        column = _column(table, name)
        if not column.queryable:
            raise MissionError(f"Column '{name}' cannot be searched.")
        if name == SEPARATION and not request.target:
            raise MissionError("A condition on ang_sep needs a target.")
        clause = condition(column, value)
        if clause is not None:
            clauses[name == SEPARATION].append(clause)
    return clauses


def _hits(table: MissionTable, request: SearchRequest) -> list[_Hit]:
    """Rows that meet every condition; with positions, those near one, position after position."""
    clauses, near = _clauses(table, request)
    passing = table.search.matching(Clause.all_of(clauses))
    if not request.target:
        return [_Hit(index) for index in passing]
    hits = []
    for number, position in enumerate(request.positions):
        away = np.degrees(separation(table.vectors[passing], unit_vectors(*position))) * 60.0
        places = np.flatnonzero(away <= request.arcminutes)
        hits += [_Hit(passing[place], number, float(away[place])) for place in places]
    if not near:
        return hits
    separations = RowSearch([SEPARATION], lambda: [(hit.separation,) for hit in hits])
    return [hits[index] for index in separations.matching(Clause.all_of(near))]


def _cell(table: MissionTable, request: SearchRequest, hit: _Hit, name: str) -> Value:
    row = table.rows[hit.row]
    if name not in COMPUTED:
        return row[name]
    if hit.target is None:
        return None
    position = request.target[hit.target]
    return {SEPARATION: hit.separation, POSITION: position, KEY: f"{position}{row[table.dataset]}"}[name]


def _sorted(table: MissionTable, request: SearchRequest, hits: list[_Hit], order: list[tuple[str, bool]]) -> list[_Hit]:
    """The hits of each position in order, nulls first as the archive's database has them; or all by position."""

    def key(name: str, hit: _Hit) -> tuple[bool, Any]:
        value = folded(_cell(table, request, hit, name))
        return value is not None, 0 if value is None else value

    # The last key first: each sort leaves rows that it finds equal as they are.
    for name, down in reversed(order):
        hits = sorted(hits, key=partial(key, name), reverse=down)
    by_position = order[0][0] == POSITION if order else False
    return hits if by_position else sorted(hits, key=lambda hit: hit.target or 0)


def _result(table: MissionTable, request: SearchRequest, hit: _Hit, selected: list[MissionColumn]) -> dict[str, Value]:
    result = {column.name: padded(column, _cell(table, request, hit, column.name)) for column in selected}
    if request.target:
        # These two come whether or not they were asked for, and always last.
        for name in (POSITION, SEPARATION):
            result.pop(name, None)
            result[name] = _cell(table, request, hit, name)
    return result


def _info(table: MissionTable, request: SearchRequest, selected: list[MissionColumn]) -> list[dict[str, object]]:
    """Names and types of the columns, in an order of their own.

    HST describes the searched position first and claims no type for the separation. The other searches leave both out
    although the rows have them, and name the search key although the rows do not.
    """
    if table.mission == COMPLETE:
        found = [{"name": POSITION, "type": "VARCHAR(255)", "sortable": True}] if request.target else []
        types = ((column.name, "NULL" if column.name == SEPARATION else column.sql) for column in selected)
        return [*found, *({"name": name, "type": sql, "sortable": True} for name, sql in types if name != POSITION)]
    named = [column for column in selected if column.name not in COMPUTED]
    listed = sorted([*named, table.by_name[KEY]], key=lambda column: column.name.casefold())
    return [{"name": column.name, "type": column.sql} for column in listed]


def _echo(request: SearchRequest, selected: list[MissionColumn], order: list[tuple[str, bool]]) -> dict[str, object]:
    asked = {item.name: getattr(request, item.name) for item in fields(request) if item.name != "positions"}
    return asked | {
        "sort_by": [name for name, _ in order],
        "sort_desc": [down for _, down in order],
        "select_cols": [column.name for column in selected],
    }
