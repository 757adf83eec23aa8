"""Disk Detective: stars with more light at 22 micrometers than a star has, and how volunteers classified them.

In: the sky. Out: a catalog whose classifications may be filtered but are in no answer, as at MAST.
"""

from __future__ import annotations

import numpy as np

from .catalog_gaia import gaia_numbers
from .catalog_sky import STAR, Array, Sky, sky
from .catalog_table import CatalogTable, ColumnRules, Values, galactic, texts, wise_names
from .packaged import packaged

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
# Errors of APASS.
_ERRORS = ("A_Verr", "A_B_Verr", "A_Berr", "A_gErr", "A_rErr", "A_iErr")
_VOTES = ("good", "multi", "oval", "empty", "extended", "shift")
_CHOSEN, _FAINTEST_K = 0.35, 12.0
_STATES = np.array(["complete", "complete", "complete", "inactive", "active", "disabled"], dtype=object)
_SUBJECTS = "https://talk.diskdetective.org/#/subjects/"
_SEDS = "http://mastweb.stsci.edu/CasOutPut/DD/"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Where Pan-STARRS saturates, its errors are not known: this number stands for them.
_UNKNOWN, _SATURATED = -999.0, 14.0


def disk_detective() -> CatalogTable:
    """Return the catalog."""
    everything = sky()
    chosen = (everything.kind == STAR) & (everything.bands["K"] < _FAINTEST_K) & (everything.bands["K"] > 3.0)
    sources = everything.where(chosen & (everything.dice("disk") < _CHOSEN))
    given = _names(sources) | _votes(sources) | _infrared(sources) | _optical(sources)
    columns = ColumnRules(sources, given).columns(packaged("columns")["diskdetective"])
    return CatalogTable(columns, (given["ra"], given["dec"]), hidden=CLASSIFICATION)


def _names(sources: Sky) -> Values:
    ra, dec = (np.round(angle, 7) for angle in sources.at(2010.5))
    numbers = sources.numbers("SED", 100_000, 999_999).tolist()
    subjects = [f"AWI{_base36(number)}" for number in sources.numbers("subject", 36**4, 36**5).tolist()]
    return {
        "designation": wise_names(ra, dec),
        "ZooniverseID": texts(subjects),
        "ra": ra,
        "dec": dec,
        **dict(zip(("glon", "glat"), galactic(ra, dec, 7), strict=True)),
        **dict.fromkeys(("G_source_id", "G_objid"), gaia_numbers(sources)),
        "previewURL": texts(f"{_SEDS}seds_{number % 16}/{number}_thumb.png" for number in numbers),
        "sedURL": texts(f"{_SEDS}seds_{number % 16}/{number}.png" for number in numbers),
        "ZooniverseURL": texts(f"{_SUBJECTS}{subject}" for subject in subjects),
    }


def _base36(number: int) -> str:
    text = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        text = _LETTERS[digit] + text
    return text


def _votes(sources: Sky) -> Values:
    state = _STATES[(6 * sources.dice("state")).astype(int)]
    classifiers = np.where(state == "inactive", 0, 5 + (25 * sources.dice("classifiers")).astype(int))
    votes = {vote: np.round(classifiers * sources.dice("vote", vote) ** 2).astype(int) for vote in _VOTES}
    fractions = {f"{vote}Fraction": np.round(votes[vote] / np.maximum(classifiers, 1), 4) for vote in _VOTES}
    return {"state": state, "classifiers": classifiers} | votes | fractions


def _infrared(sources: Sky) -> Values:
    bands = sources.bands
    # The disk: nothing at 3 micrometers, up to four magnitudes at 22.
    excess = 0.5 + 3.5 * sources.dice("excess")
    wise = {"w1": bands["W1"], "w2": bands["W2"] - 0.02 * excess, "w3": bands["W3"] - 0.4 * excess}
    wise["w4"] = bands["W4"] - excess
    values = wise | {f"{name}sigmpro": _error(sources, magnitude, name) for name, magnitude in wise.items()}
    values |= {f"{band}_msig_2mass": _error(sources, bands[band.upper()], band) for band in "jhk"}
    j, h, k = (np.round(bands[band], 3) for band in "JHK")
    return values | {"j_h": j - h, "h_k": h - k}


def _error(sources: Sky, magnitude: Array, name: str) -> Array:
    return np.round(0.018 + 0.004 * np.maximum(magnitude - 8.0, 0.0) + 0.02 * sources.dice("DD error", name), 3)


def _optical(sources: Sky) -> Values:
    bands = sources.bands
    known = (bands["V"] > 7.0) & (bands["V"] < 17.0)
    values: Values = {name: np.where(known, _error(sources, bands["V"], name), np.nan) for name in _ERRORS}
    for band in "giryz":
        error = np.round(0.001 + 0.02 * sources.dice("P error", band), 6)
        values[f"P_{band}MeanPSFMagErr"] = np.where(bands[f"P{band}"] < _SATURATED, _UNKNOWN, error)
    return values | {
        "in APASS": known,
        "B-V": bands["B"] - bands["V"],
        "near": sources.plx > 5.0,
        "measured": sources.plx > 0,
    }
