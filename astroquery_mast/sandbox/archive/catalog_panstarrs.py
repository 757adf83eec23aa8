"""Pan-STARRS: mean, stacked, single-epoch and forced photometry north of -30.5 degrees; unknown values are -999."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..packaged import packaged
from .catalog_sky import STAR, Sky, sky
from .catalog_table import CatalogTable, ColumnRules, Values, ecliptic, galactic, panstarrs_names
from .geometry import unit_vectors

#: The tables of each data release; only the second one includes single detections.
TABLES: Mapping[str, tuple[str, ...]] = {
    "dr1": ("mean", "stack", "forced_mean"),
    "dr2": ("mean", "stack", "detection", "forced_mean"),
}
UNKNOWN = -999
_SOUTHERN_LIMIT, _EPOCH = -30.5, 2012.5
_LIMITS = {"g": 22.0, "r": 21.8, "i": 21.5, "z": 20.9, "y": 19.7}
_ZONES_PER_DEGREE = 120.0
_JANSKY_ZERO = 8.9
_DETECTIONS_PER_SOURCE = 4
#: Database types, with the type and the size (bytes) given in the metadata.
_TYPES: Mapping[str, tuple[str, int]] = packaged("panstarrs")["types"]
# Position errors are doubles in the database and floats everywhere else.
_NARROW = frozenset({"raMeanErr", "decMeanErr", "posMeanChisq"})
_MEASURED_TYPES = frozenset({"REAL", "SMALLINT"})


@dataclass(frozen=True)
class PanstarrsColumn:
    """A column of a table."""

    name: str
    stored: str
    description: str
    unit: str = ""
    rule: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def type(self) -> str:
        """The type as named by the service."""
        return "float" if self.name in _NARROW else _TYPES[self.stored][0]

    @property
    def kind(self) -> str:
        """``string``, ``int`` or ``float``."""
        if self.stored == "STRING":
            return "string"
        return "float" if self.stored in {"REAL", "DOUBLE"} else "int"

    def written(self, cell: object) -> object:
        """Return a cell as in JSON; long integers are text, because JavaScript would round them."""
        return str(cell) if self.type == "long" else cell

    def info(self) -> dict[str, str]:
        """Return the description of the column in a response."""
        stored = "STRING" if self.kind == "string" else "NUMBER"
        return {"name": self.name, "type": self.type, "db_type": stored, "description": self.description}

    def metadata(self, place: int) -> dict[str, str]:
        """Return the description of the column in ``metadata.json``; all values are text, missing ones are ``NULL``."""
        size = str(4 if self.name in _NARROW else _TYPES[self.stored][1])
        nothing: Mapping[str, str] = packaged("panstarrs")["metadata"]
        return {
            **nothing,
            "name": self.name,
            "db_type": self.stored,
            "column_name": self.name,
            "description": self.description,
            "unit": self.unit or "NULL",
            "datatype": self.type,
            "size": size,
            "column_index": str(place),
            "arraysize": f"{size}*" if self.stored == "STRING" else size,
            "search_priority": str(place),
            "default_value": "-999" if self.stored in _MEASURED_TYPES else "NULL",
            "type": self.type,
        }


def _listed(table: str) -> tuple[PanstarrsColumn, ...]:
    lists = packaged("panstarrs")
    lines = lists[table]
    if table != "detection":
        shared = lists["object"] + (lists["best"] if table == "stack" else ())
        lines = shared + tuple(_of_band(line, band) for band in _LIMITS for line in lines)
    return tuple(PanstarrsColumn(*line) for line in lines)


def _of_band(value: Any, band: str) -> Any:
    """Insert the band into text, including the text of rules."""
    if isinstance(value, str):
        return value.format(band)
    if isinstance(value, tuple):
        return tuple(_of_band(item, band) for item in value)
    return {key: _of_band(item, band) for key, item in value.items()} if isinstance(value, dict) else value


#: The columns of each table, in the order of the survey's database.
COLUMNS: Mapping[str, tuple[PanstarrsColumn, ...]] = {
    table: _listed(table) for table in ("mean", "stack", "forced_mean", "detection")
}


@dataclass(frozen=True)
class SurveyTable:
    """A catalog and the descriptions of its columns."""

    table: CatalogTable
    columns: tuple[PanstarrsColumn, ...]


def panstarrs(release: str, table: str) -> SurveyTable:
    """Return a table of a data release."""
    if table not in TABLES[release]:
        raise KeyError(table)
    everything = sky()
    covered = (everything.dec > _SOUTHERN_LIMIT) & (everything.bands["Pr"] < _LIMITS["r"])
    sources = everything.where(covered & (everything.bands["Pr"] > 9.0))
    if table == "detection":
        sources = sources.where(sources.bands["Pr"] < 15.5)
        sources = sources.where(np.repeat(np.arange(len(sources)), _DETECTIONS_PER_SOURCE))
        given = _place(sources) | _detections(sources)
    else:
        given = _place(sources) | _visits(sources) | _brightness(sources)
    lines = [(column.name, column.kind, column.rule) for column in COLUMNS[table]]
    columns = ColumnRules(sources, given, UNKNOWN).columns(lines)
    return SurveyTable(CatalogTable(columns, (given["_ra"], given["_dec"])), COLUMNS[table])


def _place(sources: Sky) -> Values:
    ra, dec = sources.at(_EPOCH)
    zone = (dec + 90.0) * _ZONES_PER_DEGREE
    # An object id is composed of its zone, its right ascension, and its position within the zone.
    numbers = np.floor(zone).astype(np.int64) * 10**13 + (ra * 1e6).astype(np.int64) * 10**4
    numbers += ((zone % 1.0) * 1e4).astype(np.int64)
    vectors = np.round(unit_vectors(ra, dec), 12)
    return {
        "_ra": ra,
        "_dec": dec,
        "star": sources.kind == STAR,
        "objName": panstarrs_names(ra, dec),
        "objID": numbers,
        "zone": zone,
        "projectionID": (1000 + zone / 15).astype(int),
        "raStack": np.round(ra + 2e-6 * (sources.dice("raStack") - 0.5), 8),
        "decStack": np.round(dec + 2e-6 * (sources.dice("decStack") - 0.5), 8),
        **dict(zip(("cx", "cy", "cz"), vectors.T, strict=True)),
        **dict(zip(("lambda", "beta"), ecliptic(ra, dec, 8), strict=True)),
        **dict(zip(("l", "b"), galactic(ra, dec, 8), strict=True)),
    }


def _visits(sources: Sky) -> Values:
    """Return the number of detections per band; faint sources have fewer."""
    visits = {}
    for band, limit in _LIMITS.items():
        share = np.clip((limit - sources.bands[f"P{band}"]) / 2.0, 0.0, 1.0)
        visits[f"n{band}"] = np.round(share * (8 + 10 * sources.dice("PS1 visits", band))).astype(int)
    seen = {f"{band} seen": visits[f"n{band}"] > 0 for band in _LIMITS}
    stacked = np.asarray(sum(flag.astype(int) for flag in seen.values()))
    total = np.asarray(sum(visits.values()))
    sums = {"nStackObjectRows": np.minimum(stacked, 1), "nStackDetections": stacked, "nDetections": total}
    return visits | seen | sums


def _brightness(sources: Sky) -> Values:
    """Return the values from which the magnitudes and fluxes of each band are derived."""
    values: Values = {}
    for band, limit in _LIMITS.items():
        exact = sources.bands[f"P{band}"]
        magnitude = np.round(exact, 4)
        error = np.round(0.001 + 0.12 * 10.0 ** (0.35 * (exact - limit)), 6)
        flux = 10.0 ** (0.4 * (_JANSKY_ZERO - exact))
        values |= {
            f"{band} magnitude": magnitude,
            f"{band} error": error,
            f"{band} Kron": magnitude + np.where(sources.kind == STAR, 0.03, -0.4),
            f"{band} brightest": magnitude - 3 * error,
            f"{band} faintest": magnitude + 3 * error,
            f"{band} flux": flux,
            f"{band} flux error": flux * error / 1.0857,
        }
    return values


def _detections(sources: Sky) -> Values:
    """Return single exposures: a few per source, cycling through the bands."""
    every = np.arange(len(sources))
    turn = every % _DETECTIONS_PER_SOURCE
    band = turn % len(_LIMITS)
    brightness = np.choose(band, [sources.bands[f"P{name}"] for name in _LIMITS])
    scatter = sources.dice("detection") - 0.5
    return {
        "uniquePspsP2id": 150_000_000_000_000_000 + 1_000 * every,
        "ippDetectID": every + 1,
        "band": band,
        "filterType": np.array(list(_LIMITS), dtype=object)[band],
        "turn": turn,
        "obsTime": np.round(55_300.0 + 300.0 * turn + 200.0 * sources.dice("obsTime"), 6),
        "flux": 10.0 ** (0.4 * (_JANSKY_ZERO - brightness - 0.02 * scatter)),
    }
