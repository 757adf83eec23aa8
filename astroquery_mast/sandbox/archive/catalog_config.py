"""How the portal describes the columns of catalogues.

In: nothing. Out: `CATALOG_CONFIG`, what ``columnsconfig`` answers for the TESS input catalogue and for Disk Detective.
As at MAST, hardly a column has a type here: clients learn which columns are numbers from the ``All`` services.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .catalog_table import names_in
from .catalog_tic import COLUMN_NAMES

__all__ = ["CATALOG_CONFIG"]

Properties = dict[str, object]

# Name, label, unit where there is one.
_TIC = """
ID TIC number
HIP Hipparcos number
TYC Tycho name
UCAC UCAC4 name
TWOMASS 2MASS name
SDSS SDSS number
ALLWISE AllWISE name
GAIA Gaia DR2 number
APASS APASS number
KIC KIC number
objID MAST object number
duplicate_id TIC number of the twin
version Version
objType Type of object
typeSrc Where the type is from
POSflag Where the position is from
PMflag Where the proper motion is from
PARflag Where the parallax is from
SPFlag Where the stellar properties are from
TESSflag How the TESS magnitude was made
TWOMflag 2MASS flags
lumclass Luminosity class
disposition Disposition
numcont Contaminants
contratio Contamination
priority Priority
prox Nearest 2MASS source
ra RA [deg]
dec Dec [deg]
pmRA Proper motion in RA [mas/year]
pmDEC Proper motion in Dec [mas/year]
plx Parallax [mas]
d Distance [parsec]
gallong Galactic longitude [deg]
gallat Galactic latitude [deg]
eclong Ecliptic longitude [deg]
eclat Ecliptic latitude [deg]
Teff Effective temperature [K]
logg Surface gravity [cgs]
MH Metallicity [dex]
rad Radius [solar units]
mass Mass [solar units]
rho Density [solar units]
lum Luminosity [solar units]
ebv E(B-V)
dstArcSec Distance from the position [arcsec]
"""
_NAMES_OF_THINGS = frozenset(names_in("ID HIP TYC UCAC TWOMASS SDSS ALLWISE GAIA APASS KIC objID TWOMflag SPFlag"))
_REMOVED = ("cx", "cy", "cz", "htmID")
_TICK: Properties = {"text": "selected", "type": "boolean", "add": True, "hidden": True}

_VOTES = ("classifiers", "good", "multi", "oval", "empty", "extended", "shift")
_COUNTS = (*_VOTES, "P_nDetections", *(f"{survey}_contamination" for survey in "AGPT"))
_FACETS = (
    *("state", "ra", "dec", "glon", "glat"),
    *(f"w{n}{kind}" for n in range(1, 5) for kind in ("mpro", "sigmpro")),
    *(f"{band}_{kind}_2mass" for band in "jhk" for kind in ("m", "msig")),
)
_LINKS = ("previewURL", "sedURL")


def _labelled(table: str) -> Iterator[tuple[str, str, str]]:
    for line in table.strip().splitlines():
        name, _, words = line.partition(" ")
        label, _, unit = words.partition(" [")
        yield name, label, unit.rstrip("]")


def _tic() -> dict[str, Properties]:
    known = {name: (label, unit) for name, label, unit in _labelled(_TIC)}
    config: dict[str, Properties] = {name: {"remove": True} for name in _REMOVED}
    for name in (*COLUMN_NAMES, "dstArcSec"):
        label, unit = known.get(name, ("", ""))
        if name.startswith("e_") and name[2:] in known:
            label, unit = f"{known[name[2:]][0]} error", known[name[2:]][1]
        elif "mag" in name and name not in {"VmagFlag", "BmagFlag"}:
            label = f"{name.removeprefix('e_').removesuffix('mag')} magnitude{' error' * name.startswith('e_')}"
        properties: Properties = {"text": label or name}
        if unit:
            properties["vot.unit"] = unit
        if name in _NAMES_OF_THINGS:
            properties |= {"autoFacetRule": "never", "excludeFromCharts": True}
        config[name] = properties
    return config | {"_selected_": dict(_TICK)}


def _disk_detective() -> dict[str, Properties]:
    config: dict[str, Properties] = {name: {"defaultFacet": True} for name in _FACETS}
    config |= {name: {"defaultFacet": True, "treatNumeric": True} for name in _COUNTS}
    config |= {name: {"autoFacetRule": "never", "hidden": True} for name in _LINKS}
    config |= {name: {"remove": True} for name in ("SciTeamComment", "SciTeamFollowUp", "thumbNail")}
    config["ra"]["text"], config["dec"]["text"] = "RA", "Dec"
    config["ZooniverseURL"] = {"visible": False}
    config["dstArcSec"] = {"text": "Distance from the position"}
    return config | {"_selected_": dict(_TICK)}


#: Id to column to properties.
CATALOG_CONFIG: Mapping[str, Mapping[str, Properties]] = {
    "Mast.Catalogs.Tess.Cone": _tic(),
    "Mast.Catalogs.Dd.Cone": _disk_detective(),
}
