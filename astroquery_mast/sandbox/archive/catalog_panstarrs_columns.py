"""The columns of the Pan-STARRS tables: names, types, units and a few words about each.

In: nothing. Out: `COLUMNS`, a tuple of `PanstarrsColumn` per table, in the order of the survey's database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["COLUMNS", "PanstarrsColumn"]

#: Type in the database to the type and the size (bytes) that the metadata give.
_TYPES: Mapping[str, tuple[str, int]] = {
    "REAL": ("float", 4),
    "DOUBLE": ("double", 8),
    "SMALLINT": ("short", 2),
    "INTEGER": ("int", 4),
    "BIGINT": ("long", 8),
    "TINYINT": ("unsignedByte", 1),
    "STRING": ("char", 32),
}
# Errors of positions are doubles in the database and floats everywhere else.
_NARROW = frozenset({"raMeanErr", "decMeanErr", "posMeanChisq"})
_MEASURED = frozenset({"REAL", "SMALLINT"})
_BANDS = "grizy"


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
            "default_value": "-999" if self.stored in _MEASURED else "NULL",
            "type": self.type,
        }


_IDENTITY = """
objName STRING | Name made of the position, after the rules of the IAU
objAltName1 STRING | Another name
objAltName2 STRING | Another name
objAltName3 STRING | Another name
objID BIGINT | Number of the object
uniquePspsOBid BIGINT | Number of the row in the object table
ippObjID BIGINT | Number that the image pipeline gave the object
surveyID TINYINT | Number of the survey
htmID BIGINT | Cell of the hierarchical triangular mesh
zoneID INTEGER | Strip of declination
tessID TINYINT | Number of the tessellation
projectionID SMALLINT | Number of the projection cell
skyCellID TINYINT | Number of the sky cell in its projection
randomID DOUBLE | Random number between 0 and 1
batchID BIGINT | Batch in which the row was loaded
dvoRegionID INTEGER | Region of the calibration database
processingVersion TINYINT | Version of the processing
objInfoFlag INTEGER | Bits that tell about the object
qualityFlag TINYINT | Bits that tell how real the object is
raStack DOUBLE | Right ascension from the stacks
decStack DOUBLE | Declination from the stacks
raStackErr REAL | Uncertainty of raStack
decStackErr REAL | Uncertainty of decStack
raMean DOUBLE deg | Right ascension, mean of the detections
decMean DOUBLE deg | Declination, mean of the detections
raMeanErr DOUBLE deg | Uncertainty of raMean
decMeanErr DOUBLE deg | Uncertainty of decMean
epochMean DOUBLE | Mean date of the detections (MJD)
posMeanChisq DOUBLE | Reduced chi square of the mean position
cx DOUBLE | Unit vector towards the object, first component
cy DOUBLE | Unit vector towards the object, second component
cz DOUBLE | Unit vector towards the object, third component
lambda DOUBLE | Longitude in the ecliptic frame
beta DOUBLE | Latitude in the ecliptic frame
l DOUBLE | Longitude in the galactic frame
b DOUBLE | Latitude in the galactic frame
nStackObjectRows SMALLINT | How many rows the stack table has
nStackDetections SMALLINT | How many stacks show the object
nDetections SMALLINT | How many single exposures show the object
ng SMALLINT | How many of them through g
nr SMALLINT | How many of them through r
ni SMALLINT | How many of them through i
nz SMALLINT | How many of them through z
ny SMALLINT | How many of them through y
"""

_DETECTION = """
objName STRING | Name made of the position, after the rules of the IAU
objID BIGINT | Number of the object
uniquePspsP2id BIGINT | Number of the row
detectID BIGINT | Number of the detection
ippObjID BIGINT | Number that the image pipeline gave the object
ippDetectID BIGINT | Number that the image pipeline gave the detection
filterID TINYINT | Number of the filter
filterType STRING | Name of the filter
surveyID TINYINT | Number of the survey
imageID BIGINT | Number of the exposure
dvoRegionID INTEGER | Region of the calibration database
obsTime DOUBLE d | Middle of the exposure (MJD)
xPos REAL pixel | Column on the detector
yPos REAL pixel | Row on the detector
expTime REAL s | Exposure time
airMass REAL | Air mass
psfFlux REAL Jy | Flux of a point source
psfFluxErr REAL Jy | Uncertainty of psfFlux
psfQfPerfect REAL | Share of good pixels in the profile
apFlux REAL Jy | Flux in an aperture
apFluxErr REAL Jy | Uncertainty of apFlux
kronFlux REAL Jy | Flux in the Kron radius
kronFluxErr REAL Jy | Uncertainty of kronFlux
ra DOUBLE deg | Right ascension
dec DOUBLE deg | Declination
zp REAL mag | Zero point of the exposure
infoFlag BIGINT | Bits that tell about the detection
processingVersion TINYINT | Version of the processing
"""


def _parsed(table: str) -> Iterator[PanstarrsColumn]:
    for line in table.strip().splitlines():
        head, _, description = line.partition(" | ")
        name, stored, *unit = head.split()
        yield PanstarrsColumn(name, stored, description, "".join(unit))


def _mean(band: str) -> Iterator[PanstarrsColumn]:
    yield PanstarrsColumn(f"{band}QfPerfect", "REAL", f"Largest share of good pixels in a profile, {band}")
    for kind, word in (("PSF", "point-source"), ("Kron", "Kron"), ("Ap", "aperture")):
        name = f"{band}Mean{kind}Mag"
        yield PanstarrsColumn(name, "REAL", f"Mean {word} magnitude of the {band} detections", "mag")
        yield PanstarrsColumn(f"{name}Err", "REAL", f"Uncertainty of {name}", "mag")
        yield PanstarrsColumn(f"{name}Std", "REAL", f"Scatter of the magnitudes in {name}", "mag")
        yield PanstarrsColumn(f"{name}Npt", "SMALLINT", f"How many magnitudes are in {name}")
        if kind == "PSF":
            yield PanstarrsColumn(f"{name}Min", "REAL", f"Brightest of the magnitudes in {name}", "mag")
            yield PanstarrsColumn(f"{name}Max", "REAL", f"Faintest of the magnitudes in {name}", "mag")
    yield PanstarrsColumn(f"{band}Flags", "INTEGER", f"Bits that tell about the {band} detections")


def _stack(band: str) -> Iterator[PanstarrsColumn]:
    for kind, word in (("PSF", "Point-source"), ("Ap", "Aperture"), ("Kron", "Kron")):
        name = f"{band}{kind}Mag"
        yield PanstarrsColumn(name, "REAL", f"{word} magnitude in the {band} stack", "mag")
        yield PanstarrsColumn(f"{name}Err", "REAL", f"Uncertainty of {name}", "mag")
    yield PanstarrsColumn(f"{band}infoFlag", "BIGINT", f"Bits that tell about the {band} stack")
    yield PanstarrsColumn(f"{band}nFrames", "INTEGER", f"How many exposures are in the {band} stack")
    yield PanstarrsColumn(f"{band}psfQfPerfect", "REAL", f"Share of good pixels in the profile, {band} stack")


def _forced(band: str) -> Iterator[PanstarrsColumn]:
    yield PanstarrsColumn(f"{band}nTotal", "SMALLINT", f"How many {band} exposures were measured")
    yield PanstarrsColumn(f"{band}nIncPSFFlux", "SMALLINT", f"How many of them are in {band}FPSFFlux")
    for kind, word in (("PSF", "point-source"), ("Ap", "aperture"), ("Kron", "Kron")):
        name = f"{band}F{kind}Flux"
        yield PanstarrsColumn(name, "REAL", f"Forced {word} flux through {band}", "Jy")
        yield PanstarrsColumn(f"{name}Err", "REAL", f"Uncertainty of {name}", "Jy")


_OBJECT = tuple(_parsed(_IDENTITY))
_BEST = tuple(
    PanstarrsColumn(f"{word}Detection", "TINYINT", f"Whether this is the {word} row of the object")
    for word in ("primary", "best")
)

#: The columns of each table.
COLUMNS: Mapping[str, tuple[PanstarrsColumn, ...]] = {
    "mean": (*_OBJECT, *(column for band in _BANDS for column in _mean(band))),
    "stack": (*_OBJECT, *_BEST, *(column for band in _BANDS for column in _stack(band))),
    "forced_mean": (*_OBJECT, *(column for band in _BANDS for column in _forced(band))),
    "detection": tuple(_parsed(_DETECTION)),
}
