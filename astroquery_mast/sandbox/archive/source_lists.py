"""Source catalogs as written by the pipelines of JWST and HST (HAP) and by others; white-light curves of JWST.

In: a file and the observation that owns it.  Out: its text in ECSV format.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, QTable, Table

from .pixelgrid import Array, PixelGrid, grids
from .products import File, dimensions
from .scene import Sources, generator, sources

#: Maximum number of sources (the brightest ones) in each catalog, so that it does not exceed its cataloged length.
_MOST = {"CAT": 110, "POINT-CAT": 240, "SEGMENT-CAT": 180, None: 300}
#: Position error in pixels; AB magnitude of brightness 1, which is a microjansky; noise in microjanskys.
_JITTER, _ZERO_POINT, _NOISE = 0.05, 23.9, 0.01


def source_list(file: File) -> str:
    """Return the text of a source catalog, or of a white-light curve."""
    if file.kind.group == "WHTLT":
        return _written(_white_light(file))
    found, grid = _measured(file)
    makers = {"CAT": _jwst, "POINT-CAT": _point, "SEGMENT-CAT": _segment, None: _contributed}
    return _written(makers[file.kind.group](found, grid, generator("catalog", file.uri)))


def _white_light(file: File) -> Table:
    """Return the flux integrated over wavelength for each integration of a time series."""
    days = np.round(np.linspace(*file.owner.span, 400), 8)
    rng = generator("white light", file.uri)
    transit = 0.004 * (np.abs(np.linspace(-2, 2, 400)) < 0.6)
    flux = _digits(2.5 * (1 - transit + 2e-4 * rng.standard_normal(400)), 7)
    return Table({"MJD_UTC": Column(days, unit="d"), "whitelight_flux": Column(flux, unit="Jy")})


def _written(table: Table) -> str:
    """Return a table as text."""
    written = io.StringIO()
    table.write(written, format="ascii.ecsv")
    return written.getvalue()


def _measured(file: File) -> tuple[Sources, PixelGrid | None]:
    """Return the brightest sources in an image at their measured positions, from bottom to top."""
    frame, _ = dimensions(file.owner)
    made = grids(file.owner, [frame])
    nothing = np.empty(0)
    if not made:
        return Sources(nothing, nothing, nothing, nothing), None
    every = sources(made[0], sum(file.owner.band()) / 2, file.owner.target_name)
    chosen = np.argsort(-every.flux, kind="stable")[: _MOST[file.kind.group]]
    chosen = chosen[np.argsort(every.y[chosen], kind="stable")]
    rng = generator("centroids", file.owner.obs_id)
    x, y = (axis[chosen] + _JITTER * rng.standard_normal(len(chosen)) for axis in (every.x, every.y))
    return Sources(np.round(x, 3), np.round(y, 3), every.flux[chosen], every.width[chosen]), made[0]


def _places(found: Sources, grid: PixelGrid | None) -> tuple[Array, Array]:
    """Return right ascension and declination of sources in degrees."""
    ra, dec = (found.x, found.y) if grid is None else grid.positions(found.x, found.y)
    return np.round(ra % 360.0, 7), np.round(dec, 7)


def _digits(values: Array, digits: int = 5) -> Array:
    """Return numbers rounded to significant digits, so that their text is short."""
    return np.array([float(f"{value:.{digits}g}") for value in values])


def _magnitudes(flux: Array) -> tuple[Array, Array]:
    """Return AB magnitudes and their errors."""
    return np.round(_ZERO_POINT - 2.5 * np.log10(flux), 4), np.round(1.0857 * _NOISE / flux, 5)


def _neighbors(found: Sources) -> tuple[Any, Array]:
    """Return the label of the nearest source, and its distance in pixels."""
    if len(found.x) < 2:
        return np.zeros(len(found.x), dtype=int), np.zeros(len(found.x))
    apart = np.hypot(found.x[:, None] - found.x, found.y[:, None] - found.y)
    np.fill_diagonal(apart, np.inf)
    return apart.argmin(axis=1) + 1, np.round(apart.min(axis=1), 3)


def _jwst(found: Sources, grid: PixelGrid | None, rng: np.random.Generator) -> Table:
    """Return a catalog as written by the step ``source_catalog`` of the JWST pipeline."""
    table = QTable()
    table["label"] = np.arange(1, len(found.x) + 1)
    table["xcentroid"], table["ycentroid"] = found.x * u.pix, found.y * u.pix
    table["sky_centroid"] = SkyCoord(*_places(found, grid), unit="deg")
    jansky, error = found.flux * 1e-6, np.full(len(found.x), _NOISE * 1e-6)
    for part in (30, 50, 70):
        table[f"aper{part}_flux"] = _digits(jansky * part / 100) * u.Jy
        table[f"aper{part}_flux_err"] = error * u.Jy
    table["aper_total_flux"], table["aper_total_flux_err"] = _digits(jansky) * u.Jy, error * u.Jy
    table["aper_total_abmag"], table["aper_total_abmag_err"] = _magnitudes(found.flux)
    table["CI_50_30"] = np.round(5 / 3 + 0.02 * rng.standard_normal(len(found.x)) + 0.2 * (found.width > 0), 4)
    table["is_extended"] = found.width > 0
    neighbor, away = _neighbors(found)
    table["nn_label"], table["nn_dist"] = neighbor, away * u.pix
    table["isophotal_flux"] = _digits(jansky * 0.96) * u.Jy
    table["isophotal_abmag"] = _magnitudes(found.flux * 0.96)[0]
    size = np.round(1.1 + found.width, 3)
    table["semimajor_sigma"], table["semiminor_sigma"] = size * u.pix, np.round(0.8 * size, 3) * u.pix
    return table


def _hubble(names: tuple[str, str], found: Sources, grid: PixelGrid | None) -> Table:
    """Return the leading columns of both catalogs of an HAP image."""
    ra, dec = _places(found, grid)
    columns = [
        Column(found.x, names[0], unit="pix"),
        Column(found.y, names[1], unit="pix"),
        Column(ra, "RA", unit="deg"),
        Column(dec, "DEC", unit="deg"),
        Column(np.arange(1, len(ra) + 1), "ID"),
    ]
    for number, part in ((1, 0.6), (2, 0.85)):
        magnitude, error = _magnitudes(found.flux * part)
        columns += [
            Column(magnitude, f"MagAp{number}", unit="mag(AB)"),
            Column(error, f"MagErrAp{number}", unit="mag(AB)"),
        ]
    return Table(columns)


def _point(found: Sources, grid: PixelGrid | None, rng: np.random.Generator) -> Table:
    """Return a point source catalog."""
    table = _hubble(("X-Center", "Y-Center"), found, grid)
    table["CI"] = Column(np.round(1.3 + 0.05 * rng.standard_normal(len(table)), 3), unit="mag(AB)")
    table["Flags"] = np.where(found.width > 0, 1, 0)
    return table


def _segment(found: Sources, grid: PixelGrid | None, rng: np.random.Generator) -> Table:
    """Return a segment catalog."""
    table = _hubble(("X-Centroid", "Y-Centroid"), found, grid)
    table["Flags"] = np.where(found.width > 0, 1, 0)
    table["Area"] = Column(np.round(9 + 12 * found.width**2).astype(int), unit="pix2")
    table["Ellipticity"] = np.round(rng.uniform(0, 0.6, len(table)), 3)
    return table


def _contributed(found: Sources, grid: PixelGrid | None, rng: np.random.Generator) -> Table:
    """Return the catalog of a high-level science product."""
    ra, dec = _places(found, grid)
    magnitude, error = _magnitudes(found.flux * np.exp(0.02 * rng.standard_normal(len(ra))))
    columns = {"id": np.arange(1, len(ra) + 1), "ra": Column(ra, unit="deg"), "dec": Column(dec, unit="deg")}
    return Table({**columns, "mag": Column(magnitude, unit="mag(AB)"), "mag_err": Column(error, unit="mag(AB)")})
