"""The places in the sky that the archive's telescopes have looked at.

In: nothing. Out: `FIELDS`, by name: position, kind, classification and other names of each target. Positions are those of the CDS name
resolver, rounded; programmes (`hst`, `jwst` and so on) point at them and `names` resolves them.
"""

# ruff: noqa: E501 - one target per line, so that the table can be read as a table

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A target or survey field."""

    name: str
    ra: float
    dec: float
    look: str
    classification: str
    object_type: str
    extent: float = 0.0
    aliases: tuple[str, ...] = ()


_SPIRAL, _ELLIPTICAL = "GALAXY;SPIRAL", "GALAXY;ELLIPTICAL"
_DEEP = "UNIDENTIFIED;BLANK SKY;HIGH LATITUDE FIELD"
_LENS = "CLUSTER OF GALAXIES;RICH CLUSTER;GRAVITATIONAL LENS"
_NEBULA = "ISM;H II REGION"
_EXOPLANET = "STAR;EXTRA-SOLAR PLANETARY SYSTEM"

# fmt: off
_TABLE = (
    Field("M51", 202.469575, 47.195258, "spiral", _SPIRAL, "GinPair", 0.228, ("M  51", "NGC 5194", "Whirlpool Galaxy", "Messier 51", "M51a")),
    Field("M101", 210.802429, 54.34875, "spiral", _SPIRAL, "GinPair", 0.36466667, ("M 101", "NGC 5457", "Pinwheel Galaxy", "Messier 101")),
    Field("M31", 10.684708, 41.26875, "spiral", _SPIRAL, "AGN", 3.331667, ("M  31", "NGC 224", "Andromeda Galaxy", "Messier 31")),
    Field("M33", 23.462069, 30.660175, "spiral", _SPIRAL, "GinGroup", 1.035, ("M  33", "NGC 598", "Triangulum Galaxy")),
    Field("M81", 148.888221, 69.065295, "spiral", _SPIRAL, "Seyfert2", 0.361667, ("M  81", "NGC 3031", "Bode's Galaxy")),
    Field("M82", 148.968459, 69.679703, "spiral", "GALAXY;IRREGULAR;STARBURST", "AGN", 0.178, ("M  82", "NGC 3034", "Cigar Galaxy")),
    Field("M83", 204.253958, -29.865417, "spiral", _SPIRAL, "AGN", 0.215, ("M  83", "NGC 5236")),
    Field("M87", 187.705931, 12.391123, "elliptical", _ELLIPTICAL, "AGN", 0.138, ("M  87", "NGC 4486", "Virgo A", "3C 274")),
    Field("M104", 189.997633, -11.623054, "elliptical", "GALAXY;SPIRAL;LINER", "LINER", 0.145, ("M 104", "NGC 4594", "Sombrero Galaxy")),
    Field("NGC1300", 49.920815, -19.411114, "spiral", "GALAXY;BARRED SPIRAL", "EmG", 0.103, ("NGC  1300",)),
    Field("NGC628", 24.173946, 15.783662, "spiral", _SPIRAL, "LINER", 0.175, ("M  74", "NGC 628", "Messier 74")),
    Field("NGC1365", 53.401548, -36.140404, "spiral", "GALAXY;SEYFERT;BARRED SPIRAL", "Seyfert1.8", 0.187, ("NGC  1365",)),
    Field("NGC7319", 339.014800, 33.975880, "spiral", "GALAXY;INTERACTING GALAXY;SEYFERT", "Seyfert2", 0.03, ("NGC  7319",)),
    Field("STEPHANS-QUINTET", 338.989583, 33.959722, "spiral", "GALAXY;INTERACTING GALAXY;GROUP", "CompactG", 0.05, ("HCG  92", "Stephan's Quintet")),
    Field("LMC-30DOR", 84.676667, -69.100833, "nebula", _NEBULA + ";STAR CLUSTER", "Assoc*", 0.2, ("NAME 30 Dor Nebula", "30 Doradus", "Tarantula Nebula", "NGC 2070")),
    Field("NGC346", 14.770833, -72.175556, "cluster", "STELLAR CLUSTER;OPEN CLUSTER;SMC", "Cl*", 0.1, ("NGC   346",)),
    Field("HUDF", 53.162500, -27.791389, "deep", _DEEP, "reg", 0.06, ("NAME HUDF", "Hubble Ultra Deep Field", "UDF")),
    Field("GOODS-S", 53.122751, -27.805089, "deep", _DEEP, "reg", 0.27, ("NAME GOODS Southern Field", "GOODS South", "CDFS")),
    Field("GOODS-N", 189.228621, 62.238661, "deep", _DEEP, "reg", 0.27, ("NAME GOODS Northern Field", "GOODS North", "HDF-N")),
    Field("EGS", 214.825, 52.825, "deep", _DEEP, "reg", 0.5, ("NAME Extended Groth Strip", "AEGIS")),
    Field("COSMOS", 150.116321, 2.205834, "deep", _DEEP, "reg", 1.4, ("NAME COSMOS Field", "COSMOS")),
    Field("UDS", 34.406250, -5.20, "deep", _DEEP, "reg", 0.4, ("NAME UKIDSS-UDS",)),
    Field("ABELL-2744", 3.586250, -30.400175, "deep", _LENS, "ClG", 0.1, ("ACO  2744", "Abell 2744", "Pandora's Cluster")),
    Field("SMACS-0723", 110.826750, -73.454583, "deep", _LENS, "ClG", 0.06, ("SMACS J0723.3-7327", "SMACS 0723", "SMACSJ0723.3-7327")),
    Field("MACS-0416", 64.034917, -24.072417, "deep", _LENS, "ClG", 0.06, ("MACS J0416.1-2403", "MACS 0416")),
    Field("COMA", 194.952917, 27.980556, "elliptical", "CLUSTER OF GALAXIES;RICH CLUSTER", "ClG", 1.2, ("ACO  1656", "Coma Cluster")),
    Field("NGC3324", 159.329167, -58.633333, "nebula", _NEBULA, "Cl*", 0.2, ("NGC  3324", "Cosmic Cliffs", "Carina Cosmic Cliffs")),
    Field("CARINA", 161.265, -59.684, "nebula", _NEBULA, "HII", 2.0, ("NGC  3372", "Carina Nebula", "Eta Carinae Nebula")),
    Field("ORION", 83.822083, -5.391111, "nebula", _NEBULA, "HII", 1.1, ("M  42", "Orion Nebula", "NGC 1976", "Messier 42", "Trapezium")),
    Field("M16", 274.70, -13.806667, "nebula", _NEBULA + ";DARK CLOUD", "OpenCluster", 0.3, ("M  16", "Eagle Nebula", "Pillars of Creation", "NGC 6611")),
    Field("M8", 270.904, -24.387, "nebula", _NEBULA, "OpenCluster", 0.4, ("M   8", "Lagoon Nebula", "NGC 6523")),
    Field("NGC3132", 151.757083, -40.436389, "nebula", "ISM;PLANETARY NEBULA", "PlanetaryNeb", 0.02, ("NGC  3132", "Southern Ring Nebula")),
    Field("NGC6302", 258.435417, -37.103194, "nebula", "ISM;PLANETARY NEBULA", "PlanetaryNeb", 0.03, ("NGC  6302", "Butterfly Nebula")),
    Field("CRAB", 83.6324, 22.0174, "nebula", "ISM;SUPERNOVA REMNANT;PULSAR", "SNRemnant", 0.11666667, ("M   1", "Crab Nebula", "NGC 1952", "Messier 1")),
    Field("CAS-A", 350.85, 58.815, "nebula", "ISM;SUPERNOVA REMNANT", "SNRemnant", 0.083, ("NAME Cassiopeia A", "3C 461", "Cas A")),
    Field("NGC104", 6.022329, -72.081444, "cluster", "STELLAR CLUSTER;GLOBULAR CLUSTER", "GlobCluster", 0.73, ("NGC   104", "47 Tuc", "47 Tucanae")),
    Field("OMEGA-CEN", 201.697012, -47.479473, "cluster", "STELLAR CLUSTER;GLOBULAR CLUSTER", "GlobCluster", 0.9, ("NGC  5139", "omega Cen", "\u03c9 Cen")),
    Field("M4", 245.896750, -26.525750, "cluster", "STELLAR CLUSTER;GLOBULAR CLUSTER", "GlobCluster", 0.43, ("M   4", "NGC 6121")),
    Field("WESTERLUND-2", 155.996250, -57.764, "cluster", "STELLAR CLUSTER;OPEN CLUSTER", "OpenCluster", 0.03, ("Cl Westerlund 2",)),
    Field("EV-LAC", 341.707214, 44.333993, "star", "STAR;M V-IV;CORONA;FLARE STAR", "Eruptive*", 0.0, ("V* EV Lac", "EV Lac", "GJ 873")),
    Field("PROXIMA-CEN", 217.428942, -62.679484, "star", "STAR;M V-IV;FLARE STAR", "Eruptive*", 0.0, ("NAME Proxima Centauri", "Proxima Cen", "GJ 551", "alf Cen C")),
    Field("\u03b1-CEN", 219.902058, -60.833993, "star", "STAR;G V-IV;CORONA", "SB*", 0.0, ("* alf Cen", "alpha Cen", "\u03b1 Cen", "Rigil Kentaurus")),
    Field("GJ1214", 258.831450, 4.960624, "star", _EXOPLANET + ";M V-IV", "HighPM*", 0.0, ("G 139-21", "GJ 1214", "GJ  1214")),
    Field("PI-MEN", 84.291187, -80.469125, "star", _EXOPLANET + ";F3-F9", "HighPM*", 0.0, ("* pi. Men", "pi Men", "pi Mensae", "\u03c0 Men", "HD 39091")),
    Field("WASP-39", 217.326652, -3.444510, "star", _EXOPLANET + ";G V-IV", "Star", 0.0, ("WASP-39", "Bocaprins")),
    Field("WASP-96", 1.046560, -47.360638, "star", _EXOPLANET + ";G V-IV", "Star", 0.0, ("WASP-96",)),
    Field("WASP-18", 24.354283, -45.677905, "star", _EXOPLANET + ";F3-F9", "Star", 0.0, ("WASP-18", "HD 10069")),
    Field("WASP-121", 107.600234, -39.097267, "star", _EXOPLANET + ";F3-F9", "Star", 0.0, ("WASP-121",)),
    Field("TRAPPIST-1", 346.622391, -5.041270, "star", _EXOPLANET + ";M V-IV", "LowMass*", 0.0, ("TRAPPIST-1", "2MUCD 12171")),
    Field("HD209458", 330.795022, 18.884319, "star", _EXOPLANET + ";G V-IV", "HighPM*", 0.0, ("HD 209458",)),
    Field("HD189733", 300.182137, 22.710858, "star", _EXOPLANET + ";K V-IV", "BYDraV*", 0.0, ("HD 189733",)),
    Field("L98-59", 124.531756, -68.313001, "star", _EXOPLANET + ";M V-IV", "HighPM*", 0.0, ("L   98-59", "L 98-59")),
    Field("TOI-700", 97.096833, -65.578611, "star", _EXOPLANET + ";M V-IV", "HighPM*", 0.0, ("TOI-700",)),
    Field("AU-MIC", 311.289719, -31.340898, "star", "STAR;M V-IV;T TAURI STAR", "BYDraV*", 0.0, ("HD 197481", "AU Mic")),
    Field("BETA-PIC", 86.821200, -51.066511, "star", "STAR;CIRCUMSTELLAR MATTER;A0-A3 V-IV", "PulsV*delSct", 0.0, ("* bet Pic", "\u03b2 Pic", "beta Pic")),
    Field("BARNARD", 269.452077, 4.693365, "star", "STAR;M V-IV;HIGH PROPER MOTION", "BYDraV*", 0.0, ("NAME Barnard's star", "Barnard's Star", "GJ 699")),
    Field("KELT-9", 307.859808, 39.938850, "star", _EXOPLANET + ";B9-A", "Star", 0.0, ("HD 195689", "KELT-9")),
    Field("3C273", 187.277916, 2.052388, "star", "GALAXY;QUASAR", "QSO", 0.0, ("3C 273",)),
    Field("PKS0405", 61.951792, -12.193528, "star", "GALAXY;QUASAR", "QSO", 0.0, ("PKS 0405-12", "PKS 0405-123")),
    Field("MRK421", 166.113808, 38.208833, "star", "GALAXY;BL LAC", "BLLac", 0.0, ("Mrk 421",)),
    Field("NGC6552", 270.027083, 66.615278, "spiral", "GALAXY;SEYFERT;SPIRAL", "Seyfert2", 0.015, ("NGC  6552",)),
    Field("JWST-NEP", 260.7, 65.82, "deep", _DEEP, "reg", 0.2, ("NAME NEP TDF", "North Ecliptic Pole")),
    Field("NEPTUNE", 353.40, -4.25, "star", "SOLAR SYSTEM;PLANET NEPTUNE", "Planet"),
    Field("JUPITER", 5.60, 1.05, "star", "SOLAR SYSTEM;PLANET JUPITER", "Planet"),
    Field("TITAN", 331.1, -13.1, "star", "SOLAR SYSTEM;SATELLITE TITAN", "Moon"),
)
# fmt: on

#: Every field by its name.
FIELDS: dict[str, Field] = {field.name: field for field in _TABLE}

#: Names of targets that move across the sky; no name resolver knows where they are.
MOVING = frozenset({"NEPTUNE", "JUPITER", "TITAN"})

#: TIC number of every star that TESS has light curves of, in the order they are catalogued.
TIC_NUMBERS: dict[str, int] = {
    "PI-MEN": 261136679,
    "WASP-39": 181949561,
    "WASP-18": 100100827,
    "WASP-121": 22529346,
    "WASP-96": 160148385,
    "TRAPPIST-1": 278892590,
    "HD209458": 420814525,
    "HD189733": 256364928,
    "L98-59": 307210830,
    "TOI-700": 150428135,
    "AU-MIC": 441420236,
    "BETA-PIC": 270577175,
    "BARNARD": 325554331,
    "KELT-9": 16740101,
    "GJ1214": 467929202,
    "PROXIMA-CEN": 388857263,
    "EV-LAC": 154101678,
}
