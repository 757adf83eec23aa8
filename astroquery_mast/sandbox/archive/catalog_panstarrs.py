"""Pan-STARRS: mean, stacked, single-epoch and forced photometry north of -30.5 degrees.

In: the sky. Out: a catalog for each table of a data release, and what its ``metadata`` says of each column. Unknown
values are -999, as in the survey's database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_sky import STAR, Sky, sky
from .catalog_table import CatalogTable, ecliptic, galactic, panstarrs_names, texts
from .geometry import unit_vectors
from .packaged import packaged

__all__ = ["TABLES", "PanstarrsColumn", "SurveyTable", "panstarrs"]

#: The tables of each data release; only the second one has single detections.
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
Values = dict[str, NDArray[Any]]


#: Type in the database to the type and the size (bytes) that the metadata give.
_TYPES: Mapping[str, tuple[str, int]] = packaged("panstarrs")["types"]
# Errors of positions are doubles in the database and floats everywhere else.
_NARROW = frozenset({"raMeanErr", "decMeanErr", "posMeanChisq"})
_MEASURED_TYPES = frozenset({"REAL", "SMALLINT"})


@dataclass(frozen=True)
class PanstarrsColumn:
    """A column."""

    name: str
    stored: str
    description: str
    unit: str = ""

    @property
    def type(self) -> str:
        """The type as the service names it."""
        return "float" if self.name in _NARROW else _TYPES[self.stored][0]

    @property
    def kind(self) -> str:
        """``string``, ``int`` or ``float``."""
        if self.stored == "STRING":
            return "string"
        return "float" if self.stored in {"REAL", "DOUBLE"} else "int"

    def info(self) -> dict[str, str]:
        """Return the record of the column beside the rows of an answer."""
        stored = "STRING" if self.kind == "string" else "NUMBER"
        return {"name": self.name, "type": self.type, "db_type": stored, "description": self.description}

    def metadata(self, place: int) -> dict[str, str]:
        """Return the record of the column in ``metadata.json``; every value is text, ``NULL`` if there is none."""
        size = str(4 if self.name in _NARROW else _TYPES[self.stored][1])
        return {
            "name": self.name,
            "db_type": self.stored,
            "column_name": self.name,
            "description": self.description,
            "unit": self.unit or "NULL",
            "ucd": "NULL",
            "utype": "NULL",
            "datatype": self.type,
            "size": size,
            "principal": "NULL",
            "indexed": "NULL",
            "std": "NULL",
            "column_index": str(place),
            "arraysize": f"{size}*" if self.stored == "STRING" else size,
            "search_priority": str(place),
            "default_value": "-999" if self.stored in _MEASURED_TYPES else "NULL",
            "type": self.type,
        }


def _listed(table: str) -> Iterator[PanstarrsColumn]:
    lists = packaged("panstarrs")
    if table == "detection":
        yield from (PanstarrsColumn(*line) for line in lists[table])
        return
    yield from (PanstarrsColumn(*line) for line in lists["object"] + (lists["best"] if table == "stack" else ()))
    for band in _LIMITS:
        yield from (PanstarrsColumn(*(word.format(band) for word in line)) for line in lists[table])


#: The columns of each table, in the order of the survey's database.
COLUMNS: Mapping[str, tuple[PanstarrsColumn, ...]] = {
    table: tuple(_listed(table)) for table in ("mean", "stack", "forced_mean", "detection")
}


@dataclass(frozen=True)
class SurveyTable:
    """A catalog and what is known of its columns."""

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
        every = np.repeat(np.arange(len(sources)), _DETECTIONS_PER_SOURCE)
        values = {name: column[every] for name, column in _place(sources).items()} | _detections(sources, every)
    else:
        values = _place(sources) | _MEASURED[table](sources)
    position = values.pop("_ra"), values.pop("_dec")
    count = len(position[0])
    listed = COLUMNS[table]
    columns = {column.name: (column.kind, values.get(column.name, _unknown(column, count))) for column in listed}
    return SurveyTable(CatalogTable(columns, position), listed)


def _unknown(column: PanstarrsColumn, count: int) -> NDArray[Any]:
    # Text is never null there either: alternative names are the number -999, too.
    return texts([str(UNKNOWN)] * count) if column.kind == "string" else np.full(count, UNKNOWN)


def _place(sources: Sky) -> Values:
    ra, dec = sources.at(_EPOCH)
    zone = (dec + 90.0) * _ZONES_PER_DEGREE
    # The number of an object is made of its zone, its right ascension, and its place in the zone.
    numbers = np.floor(zone).astype(np.int64) * 10**13 + (ra * 1e6).astype(np.int64) * 10**4
    numbers += ((zone % 1.0) * 1e4).astype(np.int64)
    x, y, z = unit_vectors(ra, dec).T
    longitude, latitude = galactic(ra, dec, 8)
    ecl_lon, ecl_lat = ecliptic(ra, dec, 8)
    bright = sources.bands["Pr"] < 20.0
    return {
        "_ra": ra,
        "_dec": dec,
        "objName": panstarrs_names(ra, dec),
        "objID": numbers,
        "uniquePspsOBid": sources.numbers("PS1 OB", 10**15, 9 * 10**15),
        "ippObjID": sources.numbers("PS1 IPP", 10**14, 10**15),
        "surveyID": np.zeros(len(sources), dtype=int),
        "htmID": sources.numbers("PS1 HTM", 2**43, 2**44),
        "zoneID": np.floor(zone).astype(np.int64),
        "tessID": np.full(len(sources), 1),
        "projectionID": (1000 + zone / 15).astype(int),
        "skyCellID": (100 * sources.dice("sky cell")).astype(int),
        "randomID": np.round(sources.dice("PS1 random"), 12),
        "batchID": (3_000_000 + zone).astype(int),
        "dvoRegionID": (20_000 + zone).astype(int),
        "processingVersion": np.full(len(sources), 3),
        "objInfoFlag": np.where(sources.kind == STAR, 436_469_760, 444_858_368),
        "qualityFlag": np.where(bright, 60, 52),
        "raStack": np.round(ra + 2e-6 * (sources.dice("raStack") - 0.5), 8),
        "decStack": np.round(dec + 2e-6 * (sources.dice("decStack") - 0.5), 8),
        "raMean": ra,
        "decMean": dec,
        **{name: np.round(0.002 + 0.02 * sources.dice(name), 5) for name in _POSITION_ERRORS},
        "epochMean": np.round(55_900.0 + 400.0 * sources.dice("epochMean"), 6),
        "posMeanChisq": np.round(0.5 + 2.0 * sources.dice("posMeanChisq"), 5),
        "cx": np.round(x, 12),
        "cy": np.round(y, 12),
        "cz": np.round(z, 12),
        "lambda": ecl_lon,
        "beta": ecl_lat,
        "l": longitude,
        "b": latitude,
        **_visits(sources),
    }


_POSITION_ERRORS = ("raStackErr", "decStackErr", "raMeanErr", "decMeanErr")


def _visits(sources: Sky) -> Values:
    """How often each band has seen a source; faint ones less often."""
    visits = {}
    for band, limit in _LIMITS.items():
        share = np.clip((limit - sources.bands[f"P{band}"]) / 2.0, 0.0, 1.0)
        visits[f"n{band}"] = np.round(share * (8 + 10 * sources.dice("PS1 visits", band))).astype(int)
    total = np.asarray(sum(visits.values()))
    stacked = np.asarray(sum((number > 0).astype(int) for number in visits.values()))
    return {"nStackObjectRows": np.minimum(stacked, 1), "nStackDetections": stacked, "nDetections": total} | visits


def _mean(sources: Sky) -> Values:
    values: Values = {}
    for band, seen in _bands(sources):
        magnitude = np.round(sources.bands[f"P{band}"], 4)
        error = _error(sources, band)
        offset = np.where(sources.kind == STAR, 0.03, -0.4)
        for kind, brightness in (("PSF", magnitude), ("Kron", np.round(magnitude + offset, 4)), ("Ap", magnitude)):
            name = f"{band}Mean{kind}Mag"
            spread = np.round(1.5 * error + 0.005, 5)
            number = np.maximum(seen - (kind != "PSF"), 0)
            values |= {name: brightness, f"{name}Err": error, f"{name}Std": spread, f"{name}Npt": number}
        values[f"{band}MeanPSFMagMin"] = np.round(magnitude - 3 * error, 4)
        values[f"{band}MeanPSFMagMax"] = np.round(magnitude + 3 * error, 4)
        values[f"{band}QfPerfect"] = np.round(1.0 - 0.05 * sources.dice("quality", band), 5)
        values |= _without_unseen(values, band, seen)
        values[f"{band}Flags"] = np.where(seen > 0, 115_000, 0)
    return values


def _stack(sources: Sky) -> Values:
    values: Values = {"primaryDetection": np.ones(len(sources), dtype=int), "bestDetection": np.ones(len(sources), int)}
    for band, seen in _bands(sources):
        magnitude, error = np.round(sources.bands[f"P{band}"], 4), _error(sources, band)
        for kind, offset in (("PSF", 0.0), ("Ap", 0.01), ("Kron", 0.03)):
            values |= {f"{band}{kind}Mag": np.round(magnitude + offset, 4), f"{band}{kind}MagErr": error}
        values[f"{band}psfQfPerfect"] = np.round(1.0 - 0.05 * sources.dice("stack quality", band), 5)
        values |= _without_unseen(values, band, seen)
        values |= {f"{band}infoFlag": np.where(seen > 0, 83_890_176, 0), f"{band}nFrames": seen}
    return values


def _forced(sources: Sky) -> Values:
    values: Values = {}
    for band, seen in _bands(sources):
        flux = 10.0 ** (0.4 * (_JANSKY_ZERO - sources.bands[f"P{band}"]))
        error = flux * _error(sources, band) / 1.0857
        for kind, share in (("PSF", 1.0), ("Ap", 0.99), ("Kron", 0.97)):
            name = f"{band}F{kind}"
            values |= {f"{name}Flux": _significant(share * flux), f"{name}FluxErr": _significant(error)}
        values |= _without_unseen(values, band, seen)
        values |= {f"{band}nTotal": seen, f"{band}nIncPSFFlux": seen}
    return values


_MEASURED: Mapping[str, Callable[[Sky], Values]] = {"mean": _mean, "stack": _stack, "forced_mean": _forced}


def _bands(sources: Sky) -> list[tuple[str, NDArray[np.int64]]]:
    visits = _visits(sources)
    return [(band, visits[f"n{band}"]) for band in _LIMITS]


def _error(sources: Sky, band: str) -> NDArray[np.float64]:
    faint = 10.0 ** (0.35 * (sources.bands[f"P{band}"] - _LIMITS[band]))
    return np.round(0.001 + 0.12 * faint, 6)


def _without_unseen(values: Mapping[str, NDArray[Any]], band: str, seen: NDArray[np.int64]) -> Values:
    measured = (name for name in values if name[0] == band and not name.endswith("Npt"))
    return {name: np.where(seen > 0, values[name], UNKNOWN) for name in measured}


def _significant(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to six digits, whatever the size."""
    digits = 10.0 ** (5 - np.floor(np.log10(np.maximum(values, 1e-30))))
    return np.asarray(np.round(values * digits) / digits)


def _detections(sources: Sky, every: NDArray[np.intp]) -> Values:
    """Single exposures: each source a few times, one band after the other."""
    count = len(every)
    turn = np.arange(count) % _DETECTIONS_PER_SOURCE
    filters = np.array(list(_LIMITS))[turn % len(_LIMITS)]
    brightness = np.choose(turn % len(_LIMITS), [sources.bands[f"P{band}"][every] for band in _LIMITS])
    scatter = sources.dice("detection")[every] - 0.5
    flux = _significant(10.0 ** (0.4 * (_JANSKY_ZERO - brightness - 0.02 * scatter)))
    numbers = 150_000_000_000_000_000 + 1_000 * np.arange(count)
    return {
        "uniquePspsP2id": numbers,
        "detectID": numbers,
        "ippDetectID": np.arange(count) + 1,
        "filterID": turn % len(_LIMITS) + 1,
        "filterType": filters.astype(object),
        "imageID": 1_000_000 + turn,
        "obsTime": np.round(55_300.0 + 300.0 * turn + 200.0 * sources.dice("obsTime")[every], 6),
        "xPos": np.round(4800.0 * sources.dice("xPos")[every], 3),
        "yPos": np.round(4800.0 * sources.dice("yPos")[every], 3),
        "expTime": np.full(count, 43),
        "airMass": np.round(1.0 + 0.5 * sources.dice("airMass")[every], 4),
        "psfFlux": flux,
        "psfFluxErr": _significant(0.005 * flux),
        "psfQfPerfect": np.round(1.0 - 0.05 * sources.dice("single quality")[every], 5),
        "apFlux": _significant(1.01 * flux),
        "apFluxErr": _significant(0.006 * flux),
        "kronFlux": _significant(0.98 * flux),
        "kronFluxErr": _significant(0.008 * flux),
        "ra": np.round(sources.ra[every], 8),
        "dec": np.round(sources.dec[every], 8),
        "zp": np.round(24.0 + 0.5 * turn, 3),
        "infoFlag": np.full(count, 33_554_501),
    }
