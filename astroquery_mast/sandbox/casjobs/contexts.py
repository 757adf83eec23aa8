"""The catalog databases in which queries run: their tables, views, and functions, and the files that store them.

In: the name of a context. Out: its tables, each in its own database that is filled on first use.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import chain, product
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..archive.archive import Database
from ..archive.catalog_hsc import MATCH_COLUMNS
from ..archive.catalog_table import CatalogTable
from ..archive.catalogs import catalog, hubble, survey_table
from ..caching import Cache
from ..packaged import Columns, packaged
from .relations import Relation, SqlColumn, SqlError, TableFunction
from .sqltypes import BIGINT, FLOAT, SqlType

Rows = Callable[[], Iterable[Sequence[Any]]]
INT, SMALLINT, TINYINT, REAL = (SqlType(name) for name in ("int", "smallint", "tinyint", "real"))
_files: Cache[Database] = Cache()


@dataclass(frozen=True)
class ContextTable(Relation):
    """A table or view of a context, and the function that returns its rows."""

    rows: Rows = field(default=tuple, compare=False)
    is_view: bool = False
    indexed: tuple[str, ...] = ()

    def file(self) -> Path:
        """Return the file of a database that contains only this table."""
        return _files.get(self.key, lambda: Database(self._store)).path

    def _store(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute(create_table(self))
        marks = ", ".join("?" * len(self.columns))
        connection.executemany(f'INSERT INTO "{self.key}" VALUES ({marks})', map(tuple, self.rows()))
        for name in self.indexed:
            connection.execute(f'CREATE INDEX "{self.key}.{name}" ON "{self.key}" ("{name.lower()}")')
        connection.execute("COMMIT")


def create_table(table: Relation, scope: str = "") -> str:
    """Return the SQLite statement that creates a table."""
    declared = (
        f'"{quoted(column.name.lower())}" {"TEXT" if column.type is None else column.type.affinity}'
        for column in table.columns
    )
    return f'CREATE {scope} TABLE "{table.key}" ({", ".join(declared)})'


def quoted(name: str) -> str:
    """Return a name as written between quotation marks."""
    return name.replace('"', '""')


@dataclass(frozen=True)
class ConeFunction(TableFunction):
    """A function that returns the sources around a position, nearest first."""

    call: Callable[..., str] = field(default=str, compare=False)


@dataclass(frozen=True)
class Context:
    """A catalog database; the keys are names in lower case."""

    name: str
    tables: Mapping[str, ContextTable]
    functions: Mapping[str, ConeFunction]


def context(name: str) -> Context:
    """Return a context by its name (not case-sensitive); `SqlError` if it does not exist."""
    for known in CONTEXTS:
        if known.lower() == name.lower():
            return _made(known)
    raise SqlError(f"The context '{name}' does not exist.")


@cache
def _made(name: str) -> Context:
    tables, functions = CONTEXTS[name]()
    keyed = (replace(table, key=f"{name}_{table.name}".lower()) for table in tables)
    cones = (replace(function, key=f"{name}_{function.name}".lower()) for function in functions)
    return Context(
        name,
        {table.name.lower(): table for table in keyed},
        {function.name.lower(): function for function in cones},
    )


Content = tuple[Iterable[ContextTable], Iterable[ConeFunction]]


def _panstarrs(release: str) -> Content:
    objects = [column[0] for column in packaged("panstarrs")["object"]]
    best = [column[0] for column in packaged("panstarrs")["best"]]
    keys = ["objID", "uniquePspsOBid"]
    bands = {table: _survey_names(release, table, {*objects}) for table in ("mean", "stack", "forced_mean")}
    tables = [
        _survey("ObjectThin", release, "mean", objects),
        _survey("MeanObject", release, "mean", [*keys, *bands["mean"]]),
        _survey("MeanObjectView", release, "mean", [*objects, *bands["mean"]], is_view=True),
        _survey("StackObjectThin", release, "stack", [*keys, *bands["stack"]]),
        _survey("StackObjectView", release, "stack", [*objects, *bands["stack"]], is_view=True),
        _survey("ForcedMeanObject", release, "forced_mean", [*keys, *bands["forced_mean"]]),
        _survey("ForcedMeanObjectView", release, "forced_mean", [*objects, *bands["forced_mean"]], is_view=True),
        ContextTable(
            "", "Filter", (SqlColumn("filterID", TINYINT), SqlColumn("filterType", SqlType("nvarchar", (1,)))),
            lambda: enumerate("grizy", 1),
        ),
    ]  # fmt: skip
    assert set(best) <= set(bands["stack"])
    if release == "dr2":
        names = _survey_names(release, "detection", set())
        single = _survey("Detection", release, "detection", names)
        tables.append(replace(single, rows=lambda: _light_curves(names, single.rows())))
    return tables, _cones(lambda: survey_table(release, "mean").table, "objID")


def _survey_names(release: str, table: str, left_out: set[str]) -> list[str]:
    return [column.name for column in survey_table(release, table).columns if column.name not in left_out]


#: One star in this many is variable; number of its epochs per band, and its period in days.
_VARIABLE, _EPOCHS, _PERIOD = 25, 12, 0.5423
_DETECTIONS_PER_SOURCE = 4
_SERIAL = ("uniquePspsP2id", "detectID", "ippDetectID", "imageID")


def _light_curves(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Return detections, with additional ones for some stars that vary like RR Lyrae stars."""
    every = iter(rows)
    for source, seen in enumerate(zip(*[every] * _DETECTIONS_PER_SOURCE, strict=True)):
        star, constant = divmod(source, _VARIABLE)
        if constant:
            yield from seen
        else:
            known = [dict(zip(names, row, strict=True)) for row in seen]
            for row in chain(known, _more_detections(star, known)):
                yield tuple(_varied(row)[name] for name in names)


def _more_detections(star: int, known: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Generate detections in all bands at several epochs, as bright as the known ones; y has the brightness of z."""
    for (band, letter), epoch in product(enumerate("grizy", 1), range(_EPOCHS)):
        like = known[min(band, len(known)) - 1]
        serial = 10**9 + (star * 5 + band) * _EPOCHS + epoch
        time = round(known[0]["obsTime"] + 31.0 * epoch + 0.0123 * band + 0.17 * epoch * epoch, 7)
        numbers = {name: like[name] + serial for name in _SERIAL}
        yield like | numbers | {"filterID": band, "filterType": letter, "obsTime": time}


def _varied(row: dict[str, Any]) -> dict[str, Any]:
    """Return a detection of a variable star at its time: it brightens suddenly and fades slowly."""
    light = 0.7 + 0.6 * math.exp(-3.0 * (row["obsTime"] / _PERIOD % 1.0))
    return row | {name: float(f"{row[name] * light:.6g}") for name in ("psfFlux", "apFlux", "kronFlux")}


_STORED = {
    "REAL": REAL,
    "DOUBLE": FLOAT,
    "SMALLINT": SMALLINT,
    "INTEGER": INT,
    "BIGINT": BIGINT,
    "TINYINT": TINYINT,
    "STRING": SqlType("nvarchar", (32,)),
}


def _survey(name: str, release: str, table: str, names: list[str], *, is_view: bool = False) -> ContextTable:
    survey = survey_table(release, table)
    stored = {column.name: column.stored for column in survey.columns}
    columns = tuple(SqlColumn(each, _STORED[stored[each]], nullable=False) for each in names)
    rows = partial(survey.table.rows, slice(None), names)
    return ContextTable("", name, columns, rows, is_view, ("objID",))


def _cones(table: Callable[[], CatalogTable], key: str) -> tuple[ConeFunction, ...]:
    """Return the functions for all sources, and for the nearest one, within a radius in arcminutes."""
    columns = (SqlColumn(key, BIGINT), SqlColumn("distance", FLOAT))

    def nearby(most: int | None, ra: float | None, dec: float | None, radius: float | None) -> str:
        if ra is None or dec is None or radius is None or not -90.0 <= dec <= 90.0 or radius < 0:
            return "[]"
        held = table()
        found = held.within(ra, dec, radius / 60.0).first(len(held) if most is None else most)
        numbers = [int(str(cell)) for cell in held.cells(key, found.keys)]
        return json.dumps(list(zip(numbers, (found.distance / 60.0).tolist(), strict=True)))

    calls = {"fGetNearbyObjEq": partial(nearby, None), "fGetNearestObjEq": partial(nearby, 1)}
    return tuple(ConeFunction("", name, columns, 3, call) for name, call in calls.items())


def _hubble(version: int) -> Content:
    rows = hubble(version)
    cone = partial(rows.cone, rows.table.everything(), images=1, most=len(rows.table))
    columns, matches = cone(aperture=True)
    leading = len(packaged("columns")["hsc"])
    names = [name for name, _ in columns]
    filters = [name for name in names[leading:] if f"{name}_N" in names]
    tables = (
        _listed("SumMagAper2CatView", columns, lambda: matches, is_view=True),
        _listed("SumMagAutoCatView", columns, lambda: cone(aperture=False)[1], is_view=True),
        _listed("SumPropMagAper2Cat", columns[:leading], lambda: (match[:leading] for match in matches)),
        ContextTable(
            "", "SumMagAper2Cat", _BY_FILTER, lambda: _by_filter(names, filters, matches), False, ("MatchID",)
        ),
        _listed(
            "DetailedCatalog",
            MATCH_COLUMNS,
            lambda: chain.from_iterable(map(rows.detections, rows.match_ids.tolist())),
        ),
    )
    return tables, ()


_BY_FILTER = (
    SqlColumn("MatchID", BIGINT, nullable=False),
    SqlColumn("Filter", SqlType("nvarchar", (16,)), nullable=False),
    SqlColumn("MagMed", REAL),
    SqlColumn("MagMAD", REAL),
    SqlColumn("n", INT),
)


def _by_filter(
    names: Sequence[str], filters: Sequence[str], matches: Iterable[Sequence[Any]]
) -> Iterator[Sequence[Any]]:
    """Generate the magnitudes of a wide table, one per row."""
    for match in matches:
        for name in filters:
            place = names.index(name)
            if match[place] is not None:
                yield match[0], name, *match[place : place + 3]


_SEARCHED = frozenset({"Distance", "_selected_"})
#: Columns of the Hubble Source Catalog with ids beyond 32 bits, and columns of double precision.
_LONG = frozenset({"MatchID", "CatID", "SourceID", "ImageID"})
_DOUBLE = frozenset({"MatchRA", "MatchDec", "SourceRA", "SourceDec", "StartMJD", "StopMJD", "D"})


def _listed(name: str, columns: Columns, rows: Rows, *, is_view: bool = False) -> ContextTable:
    kept = [place for place, (column, _) in enumerate(columns) if column not in _SEARCHED]
    described = tuple(SqlColumn(columns[place][0], _measured(*columns[place])) for place in kept)
    return ContextTable("", name, described, lambda: map(itemgetter(*kept), rows()), is_view, ("MatchID",))


def _measured(name: str, kind: str) -> SqlType:
    if kind == "string":
        return SqlType("nvarchar", (128,))
    if kind == "int":
        return BIGINT if name in _LONG else INT
    return FLOAT if name in _DOUBLE else REAL


def _plain_catalogs(names: Mapping[str, str], key: str, cones: bool) -> Content:
    tables = (_of_catalog(name, catalog(source), key) for name, source in names.items())
    first = next(iter(names.values()))
    return tables, _cones(lambda: catalog(first), key) if cones else ()


def _of_catalog(name: str, held: CatalogTable, key: str) -> ContextTable:
    names = [column for column, _ in held.columns]
    columns = tuple(SqlColumn(each, _of_values(held.values(each), kind)) for each, kind in held.columns)
    rows = partial(held.rows, slice(None), names)
    return ContextTable("", name, columns, rows, False, (key,))


def _of_values(values: Any, kind: str) -> SqlType:
    if values.dtype.kind == "b":
        return SqlType("bit")
    if values.dtype.kind in "iu":
        return BIGINT if kind == "string" else INT
    return FLOAT if values.dtype.kind == "f" else SqlType("nvarchar", (64,))


#: The contexts, and the functions that create their content.
CONTEXTS: Mapping[str, Callable[[], Content]] = {
    "GAIA_DR1": partial(_plain_catalogs, {"gaia_source": "gaiadr1", "tgas_source": "tgas"}, "source_id", False),
    "GALEX_GR6Plus7": partial(_plain_catalogs, {"PhotoObjAll": "galex"}, "objID", True),
    "HSCv2": partial(_hubble, 2),
    "HSCv3": partial(_hubble, 3),
    "PanSTARRS_DR1": partial(_panstarrs, "dr1"),
    "PanSTARRS_DR2": partial(_panstarrs, "dr2"),
}
