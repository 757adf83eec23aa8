"""The holdings of the TAP services, with the same rows as Mashup and the other services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..archive.catalog_hsc import MATCH_COLUMNS
from ..archive.catalog_table import CatalogTable
from ..archive.catalogs import catalog, hubble, survey_table
from ..archive.mission import COMPUTED, MissionTable
from ..archive.mission_holdings import MissionHoldings
from ..packaged import COLUMNS_CONFIG, OBSERVATION_COLUMNS, Columns, packaged
from .engine import Engine
from .registry import REGISTRIES, registry
from .tables import Column, Holding, Key, Row, Table

if TYPE_CHECKING:
    from ..archive import Archive

_KINDS = {"string": "char", "float": "double", "int": "int", "boolean": "boolean"}
_ERROR = re.compile(r"(?:e_|eneg_|epos_)(.+)|(.+?)(?:_error|_mad|_sigma|err)", re.IGNORECASE)
#: Larger numbers do not fit into VOTable's int.
_LARGEST_INT = 2**31 - 1


def caom(archive: Archive, _address: str) -> Holding:
    """Return the observations, as views on the tables of the archive."""
    described = packaged("vo")
    tables = [_view(name, **entry) for name, entry in described["caom"].items()]
    keys = tuple(Key(*line) for line in described["keys"])
    return Holding(
        "caom",
        "Observations of all missions in the Common Archive Observation Model",
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
        # The columns claim the unit required by ObsCore, but contain nanometers, as everywhere at MAST.
        unit = "m" if name in {"em_min", "em_max"} else unit
        words = (unit, ucds.get(name.lower(), ""), str(said.get("vot.description", "")))
        lines.append((name.lower(), name, datatype if datatype in _SIZES else _KINDS[kind], *words))
    return _view("dbo.obspointing", "Observations with the columns of the portal", "observation", tuple(lines))


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


def tic(_archive: Archive, _address: str) -> Holding:
    """Return the TESS Input Catalog under its old name."""
    return Holding("tic", "TESS Input Catalog", (_tic("dbo.CatalogRecord"),))


def mast_catalogs(_archive: Archive, _address: str) -> Holding:
    """Return the service with several catalogs, each in its own schema."""
    names = {
        "mean": "mean_object",
        "stack": "stack_object",
        "forced_mean": "forced_mean_object",
        "detection": "detection",
    }
    surveys = (_survey(f"ps1_dr2.{name}", "dr2", table) for table, name in names.items())
    return Holding("mast_catalogs", "Catalogs of MAST", (_tic("tic_v82.source"), *surveys))


def _tic(name: str) -> Table:
    words = {column: str(said.get("text", "")) for column, said in COLUMNS_CONFIG["Mast.Catalogs.Tess.Cone"].items()}
    return _table_of(name, "TESS Input Catalog, version 8.2", catalog("tic"), ("ID", "ra", "dec"), words)


def gaia(_archive: Archive, _address: str) -> Holding:
    """Return the third data release of Gaia."""
    source = _table_of("dbo.gaia_source", "Sources of Gaia DR3", catalog("gaiadr3"), ("source_id", "ra", "dec"), {})
    return Holding("gaiadr3", "Gaia Data Release 3", (source,))


def panstarrs(release: str, _archive: Archive, _address: str) -> Holding:
    """Return a data release of Pan-STARRS."""
    names = {"mean": "MeanObjectView", "stack": "StackObjectView", "forced_mean": "ForcedMeanObjectView"}
    names |= {"detection": "Detection"} if release == "dr2" else {}
    tables = (_survey(f"dbo.{name}", release, table) for table, name in names.items())
    return Holding(f"ps1{release}", f"Pan-STARRS 1, {release.upper()}", (*tables, _filters()))


def _filters() -> Table:
    columns = (Column("filterid", "short", description="Number"), Column("filtertype", description="Letter"))
    return Table("dbo.Filter", "The filters of the camera", columns, lambda: enumerate("grizy", 1))


def _survey(name: str, release: str, table: str) -> Table:
    survey = survey_table(release, table)
    main = _PANSTARRS_MAIN[table]
    columns = (
        _named(column.name, _NARROWED.get(column.type, column.type), column.description, main, column.unit)
        for column in survey.columns
    )
    names = [column.name for column in survey.columns]
    return Table(
        name, f"Pan-STARRS {release.upper()}: {table}", tuple(columns), partial(survey.table.rows, slice(None), names)
    )


_NARROWED = {"string": "char", "unsignedByte": "short"}
_PANSTARRS_MAIN = {
    "mean": ("objID", "raMean", "decMean"),
    "stack": ("objID", "raMean", "decMean"),
    "forced_mean": ("objID", "raMean", "decMean"),
    "detection": ("objID", "ra", "dec"),
}


def hubble_catalog(version: int, _archive: Archive, _address: str) -> Holding:
    """Return a version of the Hubble Source Catalog: matches with two kinds of magnitudes, and their detections."""
    rows = hubble(version)
    cone = partial(rows.cone, rows.table.everything(), images=1, most=len(rows.table))
    columns, matches = cone(aperture=True)
    main = ("MatchID", "MatchRA", "MatchDec")
    tables = (
        _listed("dbo.SumMagAper2CatView", columns, lambda: matches, main),
        _listed("dbo.SumMagAutoCatView", columns, lambda: cone(aperture=False)[1], main),
        _listed(
            "dbo.DetailedCatalog",
            MATCH_COLUMNS,
            lambda: chain.from_iterable(map(rows.detections, rows.match_ids.tolist())),
            ("CatID", "SourceRA", "SourceDec"),
        ),
    )
    return Holding({2: "hscv2", 3: "hsc"}[version], f"Hubble Source Catalog, version {version}", tables)


#: Columns that belong to a search, not to the catalog.
_SEARCHED = frozenset({"Distance", "_selected_"})


def _listed(name: str, columns: Columns, rows: Callable[[], Iterable[Row]], main: tuple[str, ...]) -> Table:
    kept = [place for place, (column, _) in enumerate(columns) if column not in _SEARCHED]
    described = (_measured(*columns[place], main) for place in kept)
    return Table(name, "Hubble Source Catalog", tuple(described), lambda: map(itemgetter(*kept), rows()), apart=True)


def _measured(name: str, kind: str, main: tuple[str, ...]) -> Column:
    """Return a column of the Hubble Source Catalog, whose positions are floats and whose ids are long."""
    column = _named(name, _KINDS[kind], "", main)
    return replace(column, datatype="long") if column.ucd == "meta.id;meta.main" else column


def mission(service: str, table: str, name: str, archive: Archive, _address: str) -> Holding:
    """Return the table of a mission search; only ULLYSES cannot be searched by position."""
    held = MissionHoldings(archive).table(name)
    position, shapes = ((), ()) if name == "ullyses" else (held.position, ("CIRCLE",))
    known = [column for column in held.columns if column.name not in COMPUTED]
    described = (
        replace(
            _named(column.name, column.datatype, column.description, (held.dataset, *position)),
            xtype={"DATETIME": "timestamp"}.get(column.sql, ""),
        )
        for column in known
    )
    rows = partial(_mission_rows, held, [column.name for column in known])
    made = Table(table, f"Observations of {name.upper()}", tuple(described), rows)
    return Holding(service, f"Mission search of {name.upper()}", (made,), shapes=shapes)


def _mission_rows(held: MissionTable, names: list[str]) -> Iterator[Row]:
    return (tuple(row[name] for name in names) for row in held.rows)


def _table_of(
    name: str, description: str, held: CatalogTable, main: tuple[str, ...], words: Mapping[str, str]
) -> Table:
    """Return a catalog as a table; ``main`` are its identifier and position columns, ``words`` describe columns."""
    names = [column for column, _ in held.columns]
    columns = (_named(column, _datatype(held.values(column)), words.get(column, ""), main) for column in names)
    return Table(name, description, tuple(columns), partial(held.rows, slice(None), names), apart=True)


def _named(name: str, datatype: str, told: str, main: tuple[str, ...], unit: str = "") -> Column:
    """Return a column of a catalog; its properties mostly follow from its name."""
    known, ucd = described(name)
    identifier, *position = main
    if name in position:
        known, ucd = "deg", ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")[position.index(name)]
    elif name == identifier:
        known, ucd = "", "meta.id;meta.main"
    return Column(
        name.lower(),
        datatype,
        unit=unit or known,
        ucd=ucd,
        description=told or name,
        indexed=name in main,
        principal=name in main or bool(ucd),
    )


def described(name: str) -> tuple[str, str]:
    """Return unit and UCD of a catalog column, according to rules for names."""
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


Maker = Callable[["Archive", str], Holding]
#: Functions that create the holding of each service, from an archive and the address of the sandbox
#: (``http://host:port``); names with an underscore are services of other archives.
MAKERS: dict[str, Maker] = {
    "caom": caom,
    "classy": partial(mission, "classy", "dbo.targets", "classy"),
    "gaiadr3": gaia,
    "hsc": partial(hubble_catalog, 3),
    "hscv2": partial(hubble_catalog, 2),
    "mast_catalogs": mast_catalogs,
    "missionmast": partial(mission, "missionmast", "dbo.hst_science_missionmast", "hst"),
    "ps1dr1": partial(panstarrs, "dr1"),
    "ps1dr2": partial(panstarrs, "dr2"),
    **{name: partial(registry, name) for name in REGISTRIES},
    "tic": tic,
    "ullyses": partial(mission, "ullyses", "dbo.sciencemetadata", "ullyses"),
}
#: Services whose rows contain the address; the holdings of the others are shared by all sandboxes of an archive.
ADDRESSED = frozenset(REGISTRIES)


#: The service with the optional big table.
_BIG = "mast_catalogs"


def engine(archive: Archive, name: str, address: str = "", big: int = 0) -> Engine:
    """Return the query engine of a service, created once per archive; `KeyError` for an unknown name.

    ``big`` is the number of rows of the big table.
    """
    maker = MAKERS[name]
    rows = big if name == _BIG else 0
    key = ("tap", name, address if name in ADDRESSED else "", rows)
    made: Engine = archive.kept.get(key, lambda: Engine(_enlarged(maker(archive, address), rows)))
    return made


def _enlarged(holding: Holding, rows: int) -> Holding:
    """Return a holding with an additional table of ``rows`` simulated sources, all over the sky."""
    if not rows:
        return holding
    main, sources = ("id", "ra", "dec"), partial(_sources, rows)
    columns = (_named(name, kind, told, main) for name, kind, told in _BIG_COLUMNS)
    table = Table("big.source", f"{rows} simulated sources", tuple(columns), sources, apart=True)
    return replace(holding, tables=(*holding.tables, table))


#: Number of sources generated at a time.
_PIECE = 20_000
_BIG_COLUMNS = (
    ("id", "long", "Number of the source"),
    ("ra", "double", "Right ascension"),
    ("dec", "double", "Declination"),
    ("mag", "float", "Magnitude"),
    ("name", "char", "Name of the source"),
)


def _sources(count: int) -> Iterator[Row]:
    """Generate evenly spaced sources along a spiral from pole to pole; their ids have gaps."""
    for start in range(0, count, _PIECE):
        every = np.arange(start, min(start + _PIECE, count))
        ra = np.round(every * 137.50776405 % 360.0, 8)
        dec = np.round(np.degrees(np.arcsin((2.0 * every + 1.0) / count - 1.0)), 8)
        mag = np.round(10.0 + 12.0 * (every * 0.7548776662 % 1.0), 3)
        numbers = 7 * every + 1000
        names = np.char.add("S", numbers.astype(str))
        yield from zip(*(column.tolist() for column in (numbers, ra, dec, mag, names)), strict=True)
