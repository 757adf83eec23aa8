"""Answer a mission search: conditions, positions, order, a window of rows, and the envelope around them.

In: a `MissionTable` and a `SearchRequest`. Out: the decoded JSON answer of ``POST /search/<mission>/api/v0.1/search``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .archive.geometry import separation, unit_vectors
from .archive.mission import MissionColumn, MissionTable, Value, padded
from .missionconditions import Test, condition, folded
from .missionrequest import MissionError, SearchRequest

__all__ = ["search"]

#: Columns that belong to a row and the position for which it was found.
SEPARATION, POSITION, KEY = "ang_sep", "search_pos", "search_key"
#: The search whose answers describe every column; those of the others leave some out.
COMPLETE = "hst"


@dataclass(frozen=True, slots=True)
class _Hit:
    """A row that was found, and the position (number, separation in arcmin) for which it was."""

    row: int
    target: int | None = None
    separation: float | None = None


def search(table: MissionTable, request: SearchRequest) -> dict[str, object]:
    """Return the answer to a search."""
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
    return [column for column in chosen if request.target or column.name not in {SEPARATION, POSITION, KEY}]


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


def _tests(table: MissionTable, request: SearchRequest) -> dict[str, list[Test]]:
    tests: dict[str, list[Test]] = {}
    for name, value in (pair for item in request.conditions for pair in item.items()):
        column = _column(table, name)
        if not column.queryable:
            raise MissionError(f"Column '{name}' cannot be searched.")
        if name == SEPARATION and not request.target:
            raise MissionError("A condition on ang_sep needs a target.")
        test = condition(column, value)
        if test is not None:
            tests.setdefault(name, []).append(test)
    return tests


def _hits(table: MissionTable, request: SearchRequest) -> list[_Hit]:
    """Rows that meet every condition; with positions, those near one, position after position."""
    tests = _tests(table, request)
    near = tests.pop(SEPARATION, [])
    passing = [
        index
        for index, row in enumerate(table.rows)
        if all(test(row[name]) for name, several in tests.items() for test in several)
    ]
    if not request.target:
        return [_Hit(index) for index in passing]
    hits = []
    for number, position in enumerate(request.positions):
        away = np.degrees(separation(table.vectors[passing], unit_vectors(*position))) * 60.0
        for place in np.flatnonzero(away <= request.arcminutes):
            hit = _Hit(passing[place], number, float(away[place]))
            if all(test(hit.separation) for test in near):
                hits.append(hit)
    return hits


def _cell(table: MissionTable, request: SearchRequest, hit: _Hit, name: str) -> Value:
    row = table.rows[hit.row]
    if name not in {SEPARATION, POSITION, KEY}:
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
    named = [column for column in selected if column.name not in {SEPARATION, POSITION, KEY}]
    listed = sorted([*named, table.by_name[KEY]], key=lambda column: column.name.casefold())
    return [{"name": column.name, "type": column.sql} for column in listed]


def _echo(request: SearchRequest, selected: list[MissionColumn], order: list[tuple[str, bool]]) -> dict[str, object]:
    return {
        "target": list(request.target),
        "radius": request.radius,
        "radius_units": request.radius_units,
        "offset": request.offset,
        "limit": request.limit,
        "sort_by": [name for name, _ in order],
        "sort_desc": [down for _, down in order],
        "skip_count": request.skip_count,
        "count_only": request.count_only,
        "select_cols": [column.name for column in selected],
        "search_key": request.search_key,
        "user_fields": request.user_fields,
        "conditions": [dict(item) for item in request.conditions],
    }
