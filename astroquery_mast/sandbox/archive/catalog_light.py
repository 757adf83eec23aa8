"""How bright a source is in every band, and what kind of star it is.

In: a Gaia magnitude and a color. Out: magnitudes from the far ultraviolet to 22 micrometers, all consistent with one
another, and the physics of a star. First step of every catalog: what one survey says of a star fits what the next
one says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .packaged import packaged

Array = NDArray[np.float64]

# The main sequence: color (BP - RP), effective temperature (K), absolute G magnitude, radius and mass (solar), after
# the tables that E. Mamajek keeps at the University of Rochester, rounded.
_SEQUENCE = np.array(packaged("instruments")["main_sequence"]).T

# Gaia DR2 documentation, section 5.3.7: G minus a magnitude as a polynomial of BP - RP; they hold between 0 and 3.
_FROM_GAIA: Mapping[str, tuple[float, ...]] = {
    "V": (-0.01760, -0.006860, -0.1732),
    "g": (0.13518, -0.46245, -0.25171, 0.021349),
    "r": (-0.12879, 0.24662, -0.027464, -0.049465),
    "i": (-0.29676, 0.64728, -0.10141),
    "J": (-0.01883, 1.394, -0.07893),
    "H": (-0.1621, 1.968, -0.1328),
    "K": (-0.1885, 2.092, -0.1345),
}
# Stassun et al. 2019 (AJ 158, 138), equation 1: T - G.
_TESS = (0.0324473, -0.633923, 0.0891337, -0.00522555)

#: Central wavelength (nm) of the bands that stand for the spectrum between them, and AB minus Vega magnitude of each.
SPECTRUM: Mapping[str, tuple[float, float]] = {
    "FUV": (153.0, 0.0),
    "NUV": (227.0, 0.0),
    "u": (355.0, 0.0),
    "g": (475.0, 0.0),
    "r": (620.0, 0.0),
    "i": (760.0, 0.0),
    "z": (905.0, 0.0),
    "J": (1235.0, 0.91),
    "H": (1660.0, 1.39),
    "K": (2160.0, 1.85),
}


def magnitudes(g_mag: Array, color: Array, extended: NDArray[np.bool_]) -> dict[str, Array]:
    """Magnitudes of sources in every band, from Gaia G and BP - RP; young stars make ``extended`` ones bright in UV.

    ``G BP RP T`` (Gaia and TESS), ``B V`` (Johnson), ``u g r i z`` (SDSS), ``J H K`` (2MASS), ``W1 ... W4`` (WISE),
    ``FUV NUV`` (GALEX) and ``Pg Pr Pi Pz Py`` (Pan-STARRS).
    """
    x = np.clip(color, -0.2, 3.0)
    bands = {band: g_mag - _polynomial(terms, x) for band, terms in _FROM_GAIA.items()}
    red = g_mag - (0.62 * x - 0.07 * x**2)
    bands |= {"G": g_mag, "RP": red, "BP": red + x, "T": g_mag + _polynomial(_TESS, x)}
    bands["B"] = bands["V"] + np.minimum(0.8 * x, 1.75)
    bands["u"] = bands["g"] + 0.95 + 0.55 * x
    bands["z"] = bands["i"] - 0.12 * x
    bands["W1"] = bands["K"] - 0.04 - 0.02 * x
    bands["W2"] = bands["W1"] + 0.03 - 0.03 * x
    bands["W3"] = bands["W2"] - 0.04 * x
    bands["W4"] = bands["W3"] - 0.05
    bands["NUV"] = g_mag + np.where(extended, 1.6, 0.6 + 5.2 * np.maximum(x, 0.0))
    bands["FUV"] = bands["NUV"] + np.where(extended, 0.5, 0.4 + 3.5 * np.maximum(x, 0.0))
    # Tonry et al. 2012 (ApJ 750, 99), table 6, from SDSS to Pan-STARRS.
    slope = bands["g"] - bands["r"]
    offsets = {"g": (-0.012, -0.139), "r": (0.000, -0.007), "i": (0.004, -0.014), "z": (-0.013, 0.039)}
    bands |= {f"P{band}": bands[band] + zero + rise * slope for band, (zero, rise) in offsets.items()}
    bands["Py"] = bands["z"] + 0.031 - 0.106 * slope
    return bands


def _polynomial(terms: tuple[float, ...], x: Array) -> Array:
    return np.asarray(sum(term * x**power for power, term in enumerate(terms)))


def physics(color: Array, giant: NDArray[np.bool_]) -> dict[str, Array]:
    """``Teff`` (K), ``M_G``, ``rad``, ``mass``, ``lum``, ``rho`` (solar) and ``logg`` (cgs) of stars of a BP - RP."""
    sequence, *values = _SEQUENCE
    teff, absolute, radius, mass = (np.interp(color, sequence, each) for each in values)
    absolute = np.where(giant, 0.6, absolute)
    radius = np.where(giant, 10.0 + 6.0 * np.maximum(color - 1.1, 0.0), radius)
    mass = np.where(giant, 1.3, mass)
    return {
        "Teff": teff,
        "M_G": absolute,
        "rad": radius,
        "mass": mass,
        "lum": radius**2 * (teff / 5772.0) ** 4,
        "logg": 4.438 + np.log10(mass / radius**2),
        "rho": mass / radius**3,
    }


def color_of(teff: Any) -> Array:
    """BP - RP of a main-sequence star of an effective temperature (K)."""
    return np.asarray(np.interp(teff, _SEQUENCE[1][::-1], _SEQUENCE[0][::-1]))


def at_wavelength(bands: Mapping[str, Array], wavelength: float) -> Array:
    """AB magnitudes at a wavelength (nm) between two bands of `SPECTRUM`."""
    names = list(SPECTRUM)
    centers = [SPECTRUM[name][0] for name in names]
    place = float(np.interp(wavelength, centers, np.arange(len(centers))))
    below = min(int(place), len(names) - 2)
    first, second = (bands[name] + SPECTRUM[name][1] for name in names[below : below + 2])
    return np.asarray(first + (place - below) * (second - first))
