"""The mission searches over HTTP: ``/search/<mission>/api/v0.1/...`` and ``/search/util/api/v0.1/column_list``.

A condition on a column is a number, or text such as ``"STIS,ACS"``, ``"!COS"``, ``">0"``, ``"1000..2000"`` or
``"*GAL*"``: alternatives are combined by OR, negations by AND; nulls match neither.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from operator import itemgetter
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

_PATH = re.compile(r"/search/([a-z_]+)/api/v0\.1/(\w+)/?$")
_ENDPOINTS = {
    "search": "mission_search",
    "post_list_products": "mission_products",
    "list_products": "mission_products",
    "retrieve_product": "retrieve_product",
}
_METHODS = {"search": "POST", "post_list_products": "POST", "list_products": "GET"}
#: The search that returns its product lists in an additional list.
NESTED = "roman"


def mission_endpoint(path: str) -> str | None:
    """Return the name under which requests of ``path`` are logged, or None if it is not a mission search."""
    parts = _PATH.match(path)
    if parts is None:
        return None
    if parts[1] == "util":
        return "mission_columns" if parts[2] == "column_list" else None
    return _ENDPOINTS.get(parts[2]) if parts[1] in MISSIONS else None


class Missions:
    """Answer requests for mission searches."""

    def __init__(self, holdings: MissionHoldings, downloads: Downloads) -> None:
        self._holdings = holdings
        self._downloads = downloads

    def docs(self, _record: RequestRecord) -> Reply:
        """Return the page that links to the interface of each mission."""
        links = "".join(f'<li><a href="/search/{name}/api/v0.1/docs">{name}</a></li>' for name in MISSIONS)
        page = f"<!DOCTYPE html><html><body><h1>MAST search</h1><ul>{links}</ul></body></html>"
        return Reply(200, (("Content-Type", "text/html; charset=utf-8"),), page.encode())

    def search(self, record: RequestRecord) -> Reply:
        """Answer a search."""
        mission = _mission(record)
        return Reply.json(Search(self._holdings.table(mission), search_request(record.body)).answer())

    def columns(self, record: RequestRecord) -> Reply:
        """List the columns of a mission."""
        name = _required(record, "mission").lower()
        if name not in MISSIONS:
            raise MissionError(f"Unknown mission {name!r}. Known missions: {', '.join(MISSIONS)}.", 404)
        return Reply.json([column.entry() for column in self._holdings.table(name).columns if column.listed])

    def products(self, record: RequestRecord) -> Reply:
        """List the files of datasets; unknown datasets have none."""
        mission = _mission(record)
        names = dict.fromkeys(_datasets(record))
        found = [product.entry() for name in names for product in self._holdings.products(mission, name)]
        return Reply.json({"products": [found] if mission == NESTED else found})

    def retrieve(self, record: RequestRecord) -> Reply:
        """Send a file by its name in the product list."""
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


def _datasets(record: RequestRecord) -> tuple[str, ...]:
    if record.method == "POST":
        return text_list(decoded(record.body), "dataset_ids")
    _required(record, "dataset_ids")
    return tuple(name.strip() for text in record.values("dataset_ids") for name in text.split(","))


def _required(record: RequestRecord, name: str) -> str:
    value = record.value(name)
    if not value:
        raise unprocessable("missing", ["query", name], "Field required", None)
    return value


#: Columns that depend on both a row and the searched position.
SEPARATION, POSITION, KEY = COMPUTED
#: The search whose responses describe every column; the other searches omit some.
COMPLETE = "hst"

#: Target name columns, by which rows are sorted by default.
_TARGETS = ("sci_targname", "targprop", "targname")

_COMPARED = re.compile(r"(>=|<=|>|<)\s*(.*)$")
_DATE = re.compile(r"(\d{4})(-\d\d)?(-\d\d)?(?:([T ]\d\d)(:\d\d)?(:\d\d)?(\.\d+)?)?$")
_BEGINNING = ("", "-01", "-01", "T00", ":00", ":00", "")
_WORDS = {"true": 1.0, "false": 0.0}
_WILD = str.maketrans({"?": "[?]", "[": "[[]"})


def condition(column: MissionColumn, value: object) -> Clause:
    """Return the condition on a column; blank text matches all rows."""
    if not isinstance(value, str | int | float):
        raise MissionError(f"The condition of {column.name} must be text or a number, not {value!r}.")
    wanted, needed = [], []
    for term in filter(None, map(str.strip, str(value).split(","))):
        if term.startswith("!"):
            needed.append(_term(column, term[1:].strip()).negated())
        else:
            wanted.append(_term(column, term))
    if wanted:
        needed.append(Clause.any_of(wanted))
    if needed:
        needed.append(Clause(f'"{column.name}" IS NOT NULL'))
    return Clause.all_of(needed)


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
    """Return a comparison, an inclusive range, or an equality."""
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
        raise MissionError(f"{column.name} must be a number, not {text!r}.") from err
    if not math.isfinite(number):
        raise MissionError(f"{column.name} cannot be {text!r}.")
    return number


def _date(column: MissionColumn, term: str) -> Clause:
    """Return a condition on dates: a bare date matches its entire year, month, day, etc.; a compared one its start."""
    if _COMPARED.match(term) or ".." in term:
        return _comparison(f'without_zeros("{column.name}")', term, partial(_moment, column))
    _moment(column, term)
    beginning = term.replace(" ", "T")
    return Clause(f'substr("{column.name}", 1, {len(beginning)}) = ?', (beginning,))


def _moment(column: MissionColumn, text: str) -> str | None:
    """Complete an ISO date and time, so that text sorts by time."""
    parts = _DATE.match(text)
    given = [] if parts is None else zip(parts.groups(), _BEGINNING, strict=True)
    whole = "".join(part or default for part, default in given).replace(" ", "T")
    try:
        datetime.fromisoformat(whole)
    except ValueError as err:
        raise MissionError(f"{column.name} must be a date, not {text!r}.") from err
    return without_zeros(whole)


#: A matching row, the index of the position it was found at, and the computed columns of both.
Hit = tuple[int, Mapping[str, Value]]


def _at_separation(hits: list[Hit], near: list[Clause]) -> list[Hit]:
    """Return the hits whose separation matches the conditions."""
    separations = RowSearch([SEPARATION], ((row[SEPARATION],) for _, row in hits))
    return [hits[index] for index in separations.matching(Clause.all_of(near))]


def _rank(name: str, hit: Hit) -> tuple[bool, Any]:
    value = folded(hit[1].get(name))
    return value is not None, 0 if value is None else value


class Search:
    """A search of the table of a mission."""

    def __init__(self, table: MissionTable, request: SearchRequest) -> None:
        self._table = table
        self._request = request
        self._selected = self._columns()
        self._order = self._keys()

    def answer(self) -> dict[str, object]:
        """Return the response; ``totalResults`` is omitted if the request sets ``skip_count``."""
        request = self._request
        hits = self._sorted(self._hits())
        answer: dict[str, object] = {"messages": [], "search_params": self._echo()}
        if not request.skip_count or request.count_only:
            answer["totalResults"] = len(hits)
        if request.count_only:
            return answer | {"info": [], "results": []}
        window = hits[request.offset : request.offset + request.limit]
        return answer | {"info": self._info(), "results": [self._result(row) for _, row in window]}

    def _column(self, name: str, use: str = "") -> MissionColumn:
        column = self._table.by_name.get(name)
        if column is None:
            raise MissionError(f"Invalid column name '{name}'.")
        if use and name == SEPARATION and not self._request.target:
            raise MissionError(f"{use} ang_sep needs a target.")
        return column

    def _columns(self) -> list[MissionColumn]:
        """Return the columns of the response; the separation requires a position."""
        request, table = self._request, self._table
        names = table.defaults if request.select_cols is None else (*table.always, *request.select_cols)
        hidden = () if request.target else COMPUTED
        return [self._column(name) for name in dict.fromkeys(names) if name not in hidden]

    def _keys(self) -> list[tuple[str, bool]]:
        """Return the columns to sort by, and whether each one is in descending order."""
        names = self._request.sort_by
        if names is None:
            usual = [SEPARATION] if self._request.target else []
            usual += [name for name in _TARGETS if name in self._table.by_name][:1]
            names = (*usual, self._table.dataset)
        for name in names:
            self._column(name, "Sorting by")
        return list(zip(names, chain(self._request.sort_desc, repeat(False)), strict=False))

    def _clauses(self) -> tuple[list[Clause], list[Clause]]:
        """Return the conditions on columns of the table, and those on the separation."""
        clauses: tuple[list[Clause], list[Clause]] = ([], [])
        for name, value in (pair for item in self._request.conditions for pair in item.items()):
            column = self._column(name, "A condition on")
            if not column.queryable:
                raise MissionError(f"Column '{name}' cannot be searched.")
            clauses[name == SEPARATION].append(condition(column, value))
        return clauses

    def _hits(self) -> list[Hit]:
        """Return the rows that match all conditions; with positions, those near each position in turn."""
        clauses, near = self._clauses()
        passing = self._table.search.matching(Clause.all_of(clauses))
        if not self._request.target:
            return [(0, self._table.rows[index]) for index in passing]
        hits = [hit for number in range(len(self._request.target)) for hit in self._near(number, passing)]
        return _at_separation(hits, near) if near else hits

    def _near(self, number: int, passing: list[int]) -> Iterator[Hit]:
        table, position = self._table, self._request.target[number]
        here = unit_vectors(*self._request.positions[number])
        away = np.degrees(separation(table.vectors[passing], here)) * 60.0
        for place in np.flatnonzero(away <= self._request.arcminutes):
            row = table.rows[passing[place]]
            computed: dict[str, Value] = {
                SEPARATION: float(away[place]),
                POSITION: position,
                KEY: f"{position}{row[table.dataset]}",
            }
            yield number, {**row, **computed}

    def _sorted(self, hits: list[Hit]) -> list[Hit]:
        """Sort the hits of each position, nulls first as in the archive's database, or all hits by position."""
        # Sort by the last key first: sorting is stable.
        for name, down in reversed(self._order):
            hits = sorted(hits, key=partial(_rank, name), reverse=down)
        by_position = [name for name, _ in self._order[:1]] == [POSITION]
        return hits if by_position else sorted(hits, key=itemgetter(0))

    def _result(self, row: Mapping[str, Value]) -> dict[str, Value]:
        result = {column.name: padded(column, row[column.name]) for column in self._selected}
        if self._request.target:
            # These two are always returned, in the last place.
            for name in (POSITION, SEPARATION):
                result.pop(name, None)
                result[name] = row[name]
        return result

    def _info(self) -> list[dict[str, object]]:
        """Return the names and types of the columns, in an order of their own.

        HST lists the searched position first; the other searches list a search key that the rows do not have.
        """
        if self._table.mission == COMPLETE:
            return self._complete_info()
        named = [column for column in self._selected if column.name not in COMPUTED]
        listed = sorted([*named, self._table.by_name[KEY]], key=MissionColumn.folded_name)
        return [{"name": column.name, "type": column.sql} for column in listed]

    def _complete_info(self) -> list[dict[str, object]]:
        searched = [self._table.by_name[POSITION]] if self._request.target else []
        others = [column for column in self._selected if column.name != POSITION]
        return [{"name": column.name, "type": column.sql, "sortable": True} for column in (*searched, *others)]

    def _echo(self) -> dict[str, object]:
        asked = {item.name: getattr(self._request, item.name) for item in fields(self._request)}
        del asked["positions"]
        return asked | {
            "sort_by": [name for name, _ in self._order],
            "sort_desc": [down for _, down in self._order],
            "select_cols": [column.name for column in self._selected],
        }
