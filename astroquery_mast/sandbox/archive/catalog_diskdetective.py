"""Disk Detective: stars with more light at 22 micrometers than a star has, and how volunteers classified them.

In: the sky. Out: a catalog whose classifications may be filtered but are in no answer, as at MAST.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalog_gaia import gaia_numbers
from .catalog_sky import STAR, Array, Sky, sky
from .catalog_table import CatalogTable, galactic, texts, wise_names, words

#: Columns that tell how a subject was classified: they can be filtered and are not returned.
CLASSIFICATION = (
    "flags",
    *(f"{vote}Fraction" for vote in ("good", "multi", "oval", "empty", "extended", "shift")),
    "classifiers",
    *("good", "multi", "oval", "empty", "extended", "shift"),
    "state",
    "T_id",
    "T_plx",
    "T_PMflag",
    "T_PARflag",
    "T_contamination",
)
_VOTES = ("good", "multi", "oval", "empty", "extended", "shift")
_CHOSEN, _FAINTEST_K = 0.35, 12.0
_STATES = np.array(["complete", "complete", "complete", "inactive", "active", "disabled"], dtype=object)
_SUBJECTS = "https://talk.diskdetective.org/#/subjects/"
_SEDS = "http://mastweb.stsci.edu/CasOutPut/DD/"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Where Pan-STARRS saturates, its errors are not known: this number stands for them.
_UNKNOWN, _SATURATED = -999.0, 14.0
Values = dict[str, NDArray[Any]]


def disk_detective() -> CatalogTable:
    """Return the catalog."""
    everything = sky()
    chosen = (everything.kind == STAR) & (everything.bands["K"] < _FAINTEST_K) & (everything.bands["K"] > 3.0)
    sources = everything.where(chosen & (everything.dice("disk") < _CHOSEN))
    values = _place(sources) | _classification(sources) | _infrared(sources) | _optical(sources) | _links(sources)
    columns = {name: (_kind(name, column), column) for name, column in values.items()}
    return CatalogTable(columns, (values["ra"], values["dec"]), hidden=CLASSIFICATION)


def _kind(name: str, column: NDArray[Any]) -> str:
    if name in {"A_objid", "G_source_id", "G_objid", "T_id"} or column.dtype == object:
        return "string"
    return "float" if column.dtype.kind == "f" else "int"


def _place(sources: Sky) -> Values:
    ra, dec = (np.round(angle, 7) for angle in sources.at(2010.5))
    glon, glat = galactic(ra, dec, 7)
    subjects = sources.numbers("subject", 36**4, 36**5)
    return {
        "designation": wise_names(ra, dec),
        "ZooniverseID": texts(f"AWI{_base36(number)}" for number in subjects.tolist()),
        "ra": ra,
        "dec": dec,
        "glon": glon,
        "glat": glat,
    }


def _base36(number: int) -> str:
    text = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        text = _LETTERS[digit] + text
    return text


def _classification(sources: Sky) -> Values:
    state = _STATES[(6 * sources.dice("state")).astype(int)]
    classifiers = np.where(state == "inactive", 0, 5 + (25 * sources.dice("classifiers")).astype(int))
    votes = {vote: np.round(classifiers * sources.dice("vote", vote) ** 2).astype(int) for vote in _VOTES}
    fractions = {f"{vote}Fraction": np.round(votes[vote] / np.maximum(classifiers, 1), 4) for vote in _VOTES}
    return {
        "flags": words(sources.dice("flags") < 0.03, "4.2, 4.4"),
        **fractions,
        "classifiers": classifiers,
        **votes,
        "state": state,
        "T_id": sources.numbers("DD T_id", 1_000_000, 400_000_000),
        "T_plx": sources.plx,
        "T_PMflag": words(sources.plx > 5.0, "ucac4", "tycho2"),
        "T_PARflag": words(sources.plx > 5.0, "hip", "tgas"),
        "T_contamination": (8 * sources.dice("contamination", "T") ** 2).astype(int),
    }


def _infrared(sources: Sky) -> Values:
    bands = sources.bands
    # The disk: nothing at 3 micrometers, up to four magnitudes at 22.
    excess = 0.5 + 3.5 * sources.dice("excess")
    wise = {1: bands["W1"], 2: bands["W2"] - 0.02 * excess, 3: bands["W3"] - 0.4 * excess, 4: bands["W4"] - excess}
    values: Values = {}
    for number, magnitude in wise.items():
        values[f"w{number}mpro"] = np.round(magnitude, 3)
        values[f"w{number}sigmpro"] = _error(sources, magnitude, f"w{number}")
    for band in "jhk":
        values[f"{band}_m_2mass"] = np.round(bands[band.upper()], 3)
        values[f"{band}_msig_2mass"] = _error(sources, bands[band.upper()], band)
    values["j_h"] = values["j_m_2mass"] - values["h_m_2mass"]
    values["h_k"] = values["h_m_2mass"] - values["k_m_2mass"]
    return values


def _error(sources: Sky, magnitude: Array, name: str) -> Array:
    return np.round(0.018 + 0.004 * np.maximum(magnitude - 8.0, 0.0) + 0.02 * sources.dice("DD error", name), 3)


def _optical(sources: Sky) -> Values:
    bands = sources.bands
    known = (bands["V"] > 7.0) & (bands["V"] < 17.0)
    pairs = {"A_V": ("V", "mag"), "A_B_V": ("", ""), "A_B": ("B", "mag"), "A_g": ("Pg", "Mag")}
    pairs |= {"A_r": ("Pr", "Mag"), "A_i": ("Pi", "Mag")}
    values: Values = {}
    for name, (band, suffix) in pairs.items():
        magnitude = bands[band] if band else bands["B"] - bands["V"]
        values[name + suffix] = np.where(known, np.round(magnitude, 3), np.nan)
    for name, (_, suffix) in pairs.items():
        column = f"{name}{'Err' if suffix == 'Mag' else 'err'}"
        values[column] = np.where(known, _error(sources, bands["V"], column), np.nan)
    values["A_objid"] = np.ma.masked_array(sources.numbers("APASS", 1_000_000, 60_000_000), ~known)
    values |= _neighborhood(sources, "A", known) | _gaia(sources)
    for band in "giryz":
        magnitude = bands[f"P{band}"]
        error = np.where(magnitude < _SATURATED, _UNKNOWN, np.round(0.001 + 0.02 * sources.dice("P error", band), 6))
        values |= {f"P_{band}MeanPSFMag": np.round(magnitude, 4), f"P_{band}MeanPSFMagErr": error}
    values["P_nDetections"] = np.round(20 + 60 * sources.dice("P detections")).astype(int)
    return values | _neighborhood(sources, "P", known | True)


def _neighborhood(sources: Sky, survey: str, known: NDArray[np.bool_]) -> Values:
    away = np.round(1.2 * sources.dice("away", survey) ** 2, 9)
    others = (30 * sources.dice("contamination", survey) ** 3).astype(int)
    return {
        f"{survey}_dstArcSec": np.where(known, away, np.nan),
        f"{survey}_contamination": np.ma.masked_array(others, ~known),
    }


def _gaia(sources: Sky) -> Values:
    numbers = gaia_numbers(sources)
    measured = sources.plx > 0
    motions = {"parallax": sources.plx, "pmra": sources.pm_ra, "pmdec": sources.pm_dec}
    values: Values = {"G_source_id": numbers, "G_phot_g_mean_mag": np.round(sources.g_mag, 6)}
    for name, column in motions.items():
        error = np.round(0.02 + 0.1 * sources.dice("G error", name), 6)
        values |= {
            f"G_{name}": np.where(measured, column, np.nan),
            f"G_{name}_error": np.where(measured, error, np.nan),
        }
    everywhere = np.ones(len(sources), dtype=bool)
    return values | {"G_objid": numbers} | _neighborhood(sources, "G", everywhere)


def _links(sources: Sky) -> Values:
    numbers = sources.numbers("SED", 100_000, 999_999).tolist()
    names = [_base36(number) for number in sources.numbers("subject", 36**4, 36**5).tolist()]
    return {
        "previewURL": texts(f"{_SEDS}seds_{number % 16}/{number}_thumb.png" for number in numbers),
        "sedURL": texts(f"{_SEDS}seds_{number % 16}/{number}.png" for number in numbers),
        "ZooniverseURL": texts(f"{_SUBJECTS}AWI{name}" for name in names),
    }
