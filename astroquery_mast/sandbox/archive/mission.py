"""Tables of the mission searches: columns (``mission_columns.json``), rows, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np

from ..packaged import packaged
from .geometry import Vectors, unit_vectors
from .search import RowSearch

Value = str | int | float | bool | None
Row = Mapping[str, Value]

#: Columns that depend on both a row and the searched position, and are not stored.
COMPUTED = ("ang_sep", "search_pos", "search_key")
#: Kinds of columns, by letter: ``qual_type`` and ``datatype`` in the column list, type in results.
_KINDS = {
    "s": ("string", "char", "VARCHAR"),
    "c": ("string", "char", "VARCHAR"),
    "p": ("string", "char", "VARCHAR(255)"),
    "n": ("float", "float", "NULL"),
    "u": ("substring", "char", "VARCHAR"),
    "i": ("integer", "long", "INTEGER"),
    "f": ("float", "float", "FLOAT"),
    "b": ("boolean", "long", "INTEGER"),
    "B": ("boolean", "char", "BOOLEAN"),
    "t": ("datetime", "char", "DATETIME"),
    "r": ("ra", "double", "FLOAT"),
    "d": ("dec", "double", "FLOAT"),
}
_YES_NO = {True: "yes", False: "no"}
_DAY_ZERO = datetime(1858, 11, 17, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MissionColumn:
    """A column of a mission search; ``listed`` is false if it is missing from the column list, which is incomplete."""

    name: str
    label: str
    description: str
    qual_type: str
    datatype: str
    sql: str
    default: bool = False
    indexed: bool = False
    queryable: bool = True
    listed: bool = True
    width: int = 0

    def folded_name(self) -> str:
        """Return the name for sorting without regard to case."""
        return self.name.casefold()

    def entry(self) -> dict[str, str]:
        """Return the entry in the column list, with trailing blanks in the description, as in the archive."""
        return {
            "field_name": self.label,
            "description": f"{self.description}    ",
            "column_name": self.name,
            "queryable": _YES_NO[self.queryable],
            "qual_type": self.qual_type,
            "default_output": _YES_NO[self.default],
            "indexed": _YES_NO[self.indexed],
            "datatype": self.datatype,
        }


@dataclass(frozen=True)
class MissionTable:
    """All data of a mission search."""

    mission: str
    dataset: str
    position: tuple[str, str]
    columns: tuple[MissionColumn, ...]
    rows: list[Row]
    always: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> dict[str, MissionColumn]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def defaults(self) -> tuple[str, ...]:
        """Names of the columns that are returned by default."""
        return tuple(column.name for column in self.columns if column.default)

    @cached_property
    def search(self) -> RowSearch:
        """Search by conditions on the rows."""
        names = [name for name in self.by_name if name not in COMPUTED]
        return RowSearch(names, ([row[name] for name in names] for row in self.rows))

    @cached_property
    def vectors(self) -> Vectors:
        """Unit vectors of the rows; rows without a position are NaN and match no cone."""
        positions = [[row[name] for name in self.position] for row in self.rows]
        return unit_vectors(*np.array(positions, dtype=float).reshape(-1, 2).T)


@dataclass(frozen=True, slots=True)
class MissionProduct:
    """A file of a dataset: ``uri`` is the argument of ``retrieve_product``, ``file`` is its ``mast:`` URI."""

    dataset: str
    filename: str
    uri: str
    file: str
    size: int | None
    suffix: str
    instrument: str
    filters: str | None
    access: str = "PUBLIC"
    category: str = "CALIBRATED"
    kind: str = "science"
    owner: str = ""
    pipeline: str = "CAL"

    def entry(self) -> dict[str, Value]:
        """Return the row of the product list."""
        return {
            "product_key": f"{self.dataset}_{self.filename}",
            "access": self.access,
            "dataset": self.dataset,
            "instrument_name": self.instrument,
            "filters": self.filters,
            "filename": self.filename,
            "uri": self.uri,
            "authz_primary_identifier": self.owner or self.dataset,
            "authz_secondary_identifier": self.pipeline,
            "file_suffix": self.suffix,
            "category": self.category,
            "size": self.size,
            "type": self.kind,
        }


def columns(table: Iterable[Sequence[Any]]) -> tuple[MissionColumn, ...]:
    """Return the columns of a compact list."""
    made = []
    for name, kind, flags, label, description, *_ in table:
        qual_type, datatype, sql = _KINDS[kind[0]]
        made.append(
            MissionColumn(
                name,
                label,
                description,
                qual_type,
                datatype,
                sql,
                default="d" in flags,
                indexed="i" in flags,
                queryable="n" not in flags,
                listed="h" not in flags,
                width=int(kind[1:] or 0),
            )
        )
    return tuple(made)


def search_columns(name: str) -> tuple[MissionColumn, ...]:
    """Return the columns of a mission search, from the packaged lists."""
    return columns(packaged("mission_columns")[name])


def copied(name: str, observation: Mapping[str, Any]) -> dict[str, Value]:
    """Return a row of a mission search, with columns derived from an observation by rules; null without a rule."""
    return {
        line[0]: _copy(line[5], observation) if len(line) > 5 else None for line in packaged("mission_columns")[name]
    }


#: Operations of a rule on the value it is ``of``, in the order of their application; ``*`` is the default case.
_CHANGES: Mapping[str, Callable[[Any, Any], Value]] = {
    "text": lambda value, _: str(value or ""),
    "before": lambda value, mark: value.partition(mark)[0],
    "after": lambda value, mark: value.partition(mark)[2],
    "part": lambda value, ends: value[slice(*ends)],
    "upper": lambda value, _: value and value.upper(),
    "number": lambda value, _: int(value),
    "cases": lambda value, cases: cases.get(str(value), cases["*"]),
    "moment": lambda value, digits: moment(value, digits=digits),
}


def _copy(rule: Mapping[str, Any], observation: Mapping[str, Any]) -> Value:
    value: Value = rule["is"] if "is" in rule else observation[rule["of"]]
    for word, change in _CHANGES.items():
        if word in rule:
            value = change(value, rule[word])
    return value


def padded(column: MissionColumn, value: Value) -> Value:
    """Return text padded with blanks as in a fixed-width column, and other values unchanged."""
    return value.ljust(column.width) if isinstance(value, str) and column.width else value


def moment(mjd: float | None, *, digits: int = 6) -> str | None:
    """Return the date and time of an MJD in the format of the searches: ISO, without a time zone."""
    if mjd is None:
        return None
    # Dates are cataloged to about a millisecond; further digits would only show rounding errors of a double.
    date = _DAY_ZERO + timedelta(milliseconds=round(mjd * 86_400_000.0))
    whole = date.strftime("%Y-%m-%dT%H:%M:%S")
    return whole if digits == 0 else f"{whole}.{date.microsecond:06d}".ljust(20 + digits, "0")


@dataclass(frozen=True, slots=True)
class MissionFile:
    """A file that is known only to a mission search, and the function that renders it."""

    product: MissionProduct
    render: Callable[[], bytes]
