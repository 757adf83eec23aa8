"""The holdings of the TAP services, from what the archive has: the same rows as by Mashup and by the other services."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..archive.catalog_table import CatalogTable
from ..archive.catalogs import catalog
from ..packaged import COLUMNS_CONFIG, OBSERVATION_COLUMNS, packaged
from .engine import Engine
from .tables import Column, Holding, Key, Table

if TYPE_CHECKING:
    from ..archive import Archive

_KINDS = {"string": "char", "float": "double", "int": "int", "boolean": "boolean"}
_ERROR = re.compile(r"(?:e_|eneg_|epos_)(.+)|(.+?)(?:_error|_mad|_sigma|err)", re.IGNORECASE)
#: Numbers above this do not fit into VOTable's int.
_LARGEST_INT = 2**31 - 1


def caom(archive: Archive) -> Holding:
    """Return the observations, as views on the archive's own tables."""
    described = packaged("vo")
    tables = [_view(name, **entry) for name, entry in described["caom"].items()]
    keys = tuple(Key(*line) for line in described["keys"])
    return Holding(
        "caom",
        "Observations of all missions, by the Common Archive Observation Model",
        (_obspointing(), *tables),
        keys,
        shapes=("CIRCLE", "POLYGON"),
        attached=archive.path,
    )


def _obspointing() -> Table:
    ucds, config = packaged("vo")["obspointing"], COLUMNS_CONFIG["Mast.Caom.Cone"]
    lines = []
    for name, kind in (*OBSERVATION_COLUMNS, ("objID", "int")):
        said = config.get(name, {})
        datatype = str(said.get("vot.datatype", ""))
        unit = str(said.get("vot.unit", "")) if name != "s_region" else ""
        # The columns claim what ObsCore asks for, and hold nanometers as everywhere else at MAST.
        unit = "m" if name in {"em_min", "em_max"} else unit
        words = (unit, ucds.get(name.lower(), ""), str(said.get("vot.description", "")))
        lines.append((name.lower(), name, datatype if datatype in _SIZES else _KINDS[kind], *words))
    return _view("dbo.obspointing", "Observations, in the columns of the portal", "observation", tuple(lines))


_SIZES = frozenset({"char", "int", "long", "float", "double"})


def _view(name: str, description: str, source: str = "", columns: tuple[Any, ...] = (), **options: Any) -> Table:
    source = options.get("from", source)
    listed = []
    for column, expression, kind, *_ in columns:
        written = f"{expression} COLLATE NOCASE" if kind == "char" else expression
        listed.append(f'{written} AS "{column}"')
    fields = (
        Column(column, kind, unit=unit, ucd=ucd, description=told, principal=bool(ucd))
        for column, _, kind, unit, ucd, told in columns
    )
    sql = f"SELECT {', '.join(listed)} FROM archive.{source}"
    return Table(name, description, tuple(fields), view=sql, utype=options.get("utype", ""))


def tic(_archive: Archive) -> Holding:
    """Return the TESS input catalog under its old name."""
    return Holding("tic", "TESS Input Catalog", (_tic("dbo.CatalogRecord"),))


def mast_catalogs(_archive: Archive) -> Holding:
    """Return the service of many catalogs, told apart by their schemas."""
    return Holding("mast_catalogs", "Catalogs of MAST", (_tic("tic_v82.source"),))


def _tic(name: str) -> Table:
    words = {column: str(said.get("text", "")) for column, said in COLUMNS_CONFIG["Mast.Catalogs.Tess.Cone"].items()}
    return table_of(name, "TESS Input Catalog, version 8.2", catalog("tic"), ("ID", "ra", "dec"), words)


def table_of(name: str, description: str, held: CatalogTable, main: tuple[str, ...], words: Mapping[str, str]) -> Table:
    """Return a catalog as a table; ``main`` are its identifier and its position, ``words`` describe columns."""
    columns = (_column(column, held.values(column), words.get(column, ""), main) for column, _ in held.columns)
    names = [column for column, _ in held.columns]
    return Table(name, description, tuple(columns), partial(held.rows, slice(None), names))


def _column(name: str, values: Any, told: str, main: tuple[str, ...]) -> Column:
    unit, ucd = described(name)
    identifier, *position = main
    if name in position:
        unit, ucd = "deg", ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")[position.index(name)]
    elif name == identifier:
        unit, ucd = "", "meta.id;meta.main"
    return Column(
        name.lower(),
        _datatype(values),
        unit=unit,
        ucd=ucd,
        description=told or name,
        indexed=name in main,
        principal=name in main or bool(ucd),
    )


def described(name: str) -> tuple[str, str]:
    """Return unit and UCD of a column of a catalog, by the rules of names."""
    error = _ERROR.fullmatch(name)
    base = (error[1] or error[2]) if error else name
    for pattern, unit, ucd in packaged("vo")["rules"]:
        if re.fullmatch(pattern, base, re.IGNORECASE):
            return unit, f"stat.error;{ucd}" if error else ucd
    return "", ""


def _datatype(values: Any) -> str:
    if values.dtype.kind in "iub":
        largest = np.max(np.ma.filled(values, 0), initial=0)
        return "boolean" if values.dtype.kind == "b" else "long" if largest > _LARGEST_INT else "int"
    return "double" if values.dtype.kind == "f" else "char"


#: What makes the holding of each service.
MAKERS: dict[str, Callable[[Archive], Holding]] = {
    "caom": caom,
    "mast_catalogs": mast_catalogs,
    "tic": tic,
}


def engine(archive: Archive, name: str) -> Engine:
    """Return what answers the queries of a service, made once for an archive; `KeyError` for an unknown name."""
    maker = MAKERS[name]
    made: Engine = archive.kept.get(("tap", name), lambda: Engine(maker(archive)))
    return made
