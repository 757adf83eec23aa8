"""Layouts of light curves in FITS files, by pipeline.

In: an open file.  Out: a `LightCurveLayout` with the roles of the columns.

The layouts are described in the TESS Science Data Products Description Document (EXP-TESS-ARC-ICD-0014), in the Kepler
Archive Manual (KDMC-10008), and on the pages of the collections at https://archive.stsci.edu/hlsp.  The default flux
columns are those of lightkurve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from astropy.io import fits


@dataclass(frozen=True)
class LightCurveLayout:
    """The columns of a light curve by role; names are in lower case."""

    author: str
    mission: str
    flux: str
    error: str = "flux_err"
    quality: str | None = "quality"
    time: str = "time"
    cadence: str = "cadenceno"
    centroids: tuple[str, str] = ("mom_centr1", "mom_centr2")
    hdu: int | str = 1
    #: Units of columns for which the file has none.
    units: Mapping[str, str] = field(default_factory=dict)
    #: Zero point of the times (JD) if the header does not define it.
    zero: float | None = None
    normalized: bool | None = None
    #: Whether lightkurve has a reader for this layout.
    in_lightkurve: bool = True

    @property
    def has_bits(self) -> bool:
        """Whether the quality flags are bits, which can be selected by a mask."""
        return self.quality is not None and self.author != "CDIPS"


_SECOND = "electron / s"
_TESS = LightCurveLayout("SPOC", "TESS", "pdcsap_flux", "pdcsap_flux_err")
_KEPLER = LightCurveLayout("Kepler", "Kepler", "pdcsap_flux", "pdcsap_flux_err", "sap_quality")
_QLP = LightCurveLayout("QLP", "TESS", "sap_flux", "kspsap_flux_err", normalized=True)
_PATHOS = LightCurveLayout("PATHOS", "TESS", "psf_flux_cor", quality="dquality", normalized=True)
_TASOC = LightCurveLayout("TASOC", "TESS", "flux_corr", "flux_corr_err", quality=None, normalized=True)
_CDIPS = LightCurveLayout("CDIPS", "TESS", "irm1", "ire1", "irq1", time="tmid_bjd")
_ELEANOR = LightCurveLayout(
    "ELEANOR",
    "TESS",
    "corr_flux",
    cadence="ffiindex",
    centroids=("x_centroid", "y_centroid"),
    units=dict.fromkeys(("raw_flux", "corr_flux", "pca_flux", "psf_flux", "flux_err"), _SECOND)
    | dict.fromkeys(("x_centroid", "y_centroid", "x_com", "y_com"), "pix")
    | {"flux_bkg": "%", "barycorr": "d"},
    normalized=False,
)
_TGLC = LightCurveLayout(
    "TGLC",
    "TESS",
    "cal_psf_flux",
    quality="tess_flags",
    cadence="cadence_num",
    units=dict.fromkeys(("psf_flux", "aperture_flux", "background"), _SECOND),
    normalized=True,
)
_K2SFF = LightCurveLayout("K2SFF", "Kepler", "fcor", quality=None, hdu="BESTAPER")
_K2SC = LightCurveLayout("K2SC", "Kepler", "flux", "error", cadence="cadence", in_lightkurve=False)
_EVEREST = LightCurveLayout("EVEREST", "Kepler", "flux", cadence="cadn")
_KEPSEISMIC = LightCurveLayout("KEPSEISMIC", "Kepler", "flux", quality=None, zero=2400000.5, normalized=True)

_PATHOS_COLUMNS = {"psf_flux_raw", "psf_flux_cor", "ap4_flux_raw", "ap4_flux_cor", "sky_local"}
# Rules to identify a layout, from the primary header and the column names of the first extension.
_Rule = Callable[[fits.Header, set[str]], bool]
_RULES: tuple[tuple[_Rule, LightCurveLayout], ...] = (
    (lambda header, _: "mit/qlp" in _text(header, "ORIGIN"), _QLP),
    (lambda header, _: "LITE" in header and "PCORIGIN" in header, _ELEANOR),
    (lambda _, columns: columns >= _PATHOS_COLUMNS, _PATHOS),
    (lambda header, _: _text(header, "ORIGIN") == "tasoc/aarhus", _TASOC),
    (lambda header, _: "cdips" in _text(header, "ORIGIN"), _CDIPS),
    (lambda header, _: "k2sc" in _text(header, "CREATOR"), _K2SC),
    (lambda _, columns: columns >= {"fcor", "arclength"}, _K2SFF),
    (lambda header, _: "everest" in _text(header, "COMMENT"), _EVEREST),
    (lambda header, _: _text(header, "ORIGIN") == "cea & ssi", _KEPSEISMIC),
    (lambda header, _: _text(header, "ORIGIN") == "ucsb/tglc", _TGLC),
    (lambda header, columns: _text(header, "TELESCOP") == "tess" and columns >= {"time", "pdcsap_flux"}, _TESS),
    (lambda header, columns: _text(header, "TELESCOP") == "kepler" and "pdcsap_flux" in columns, _KEPLER),
)
_QUALITIES = ("quality", "sap_quality")
_TELESCOPES = {"tess": "TESS", "kepler": "Kepler", "k2": "Kepler"}
_TIMES = ("time", "t", "btjd", "bkjd", "bjd", "jd", "mjd")
_FLUXES = ("flux", "pdcsap_flux", "sap_flux", "flux_corr", "corr_flux", "cal_flux", "raw_flux", "mag", "magnitude")


def light_curve_layout(hdus: fits.HDUList, flux_column: str | None = None) -> LightCurveLayout | None:
    """Return the layout of a file for a flux column; None if the file is not a light curve."""
    tables = [hdu for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)]
    if not tables or is_target_pixels(hdus):
        return None
    columns = names_in(tables[0])
    for rule, layout in _RULES:
        if rule(hdus[0].header, columns):
            return _adapted_layout(layout, hdus, flux_column)
    for number, hdu in enumerate(hdus):
        found = _generic_layout(hdus[0].header, hdu, flux_column)
        if found is not None:
            return replace(found, hdu=number)
    return None


def is_target_pixels(hdus: fits.HDUList) -> bool:
    """Return whether a file is a target pixel file."""
    return "targetpixel" in _text(hdus[0].header, "CREATOR") or any(
        hdu.name in {"PIXELS", "TARGETTABLES"} for hdu in hdus
    )


def _adapted_layout(layout: LightCurveLayout, hdus: fits.HDUList, flux_column: str | None) -> LightCurveLayout:
    """Adapt a layout to a file: the author, the time column, and the columns that belong to the flux column."""
    flux = (flux_column or layout.flux).lower()
    layout = replace(layout, author=_author(layout, hdus[0].header))
    if layout.author == "CDIPS":
        return _with_aperture(flux)
    if layout.time not in names_in(hdus[layout.hdu]):
        # Older Kepler files, and K2SFF.
        layout = replace(layout, time="t")
    if layout.author == "QLP":
        return replace(layout, flux=flux, error="det_flux_err" if sector_of(hdus) >= DETRENDED else layout.error)
    if "ELEANOR" in layout.author or flux == layout.flux:
        return replace(layout, flux=flux)
    return replace(layout, flux=flux, error=f"{flux}_err")


def _author(layout: LightCurveLayout, header: fits.Header) -> str:
    """Return the pipeline, which differs between files of the same layout."""
    if layout.author == "SPOC" and "tess-spoc" in f"{_text(header, 'HLSPID')} {_text(header, 'FILENAME')}":
        return "TESS-SPOC"
    if layout.author == "ELEANOR" and "TVERSION" in header and "eleanor" in _text(header, "GITHUB"):
        return "GSFC-ELEANOR-LITE"
    return layout.author


def names_in(table: Any) -> set[str]:
    """Return the column names of a table in lower case."""
    return {name.lower() for name in table.columns.names}


#: From this sector on, the columns of detrended fluxes of QLP start with DET_.
DETRENDED = 56


def _with_aperture(flux: str) -> LightCurveLayout:
    """Return the layout of CDIPS for a flux: flags differ by aperture, and detrended fluxes have no errors."""
    kind, aperture = flux[:-1], flux[-1:]
    errors = {"irm": f"ire{aperture}", "ifl": f"ife{aperture}"}
    return replace(_CDIPS, flux=flux, error=errors.get(kind, ""), quality=f"irq{aperture}")


def sector_of(hdus: fits.HDUList) -> int:
    """Return the sector from the header, or 0."""
    for hdu in hdus[:2]:
        sector = hdu.header.get("SECTOR")
        if isinstance(sector, int):
            return sector
    return 0


def _generic_layout(header: fits.Header, hdu: Any, flux_column: str | None) -> LightCurveLayout | None:
    """Return the layout of an unknown table from its column names; None if it is not a light curve."""
    if not isinstance(hdu, fits.BinTableHDU):
        return None
    columns = names_in(hdu)
    time, flux, quality = (_first(names, columns) for names in (_TIMES, _FLUXES, _QUALITIES))
    flux = flux_column.lower() if flux_column else flux
    if time is None or flux is None:
        return None
    mission = _TELESCOPES.get(_text(header, "TELESCOP"), "")
    author = str(header.get("HLSPID") or header.get("ORIGIN") or "unknown")
    quality = quality if mission else None
    return LightCurveLayout(author, mission, flux, f"{flux}_err", quality, time, in_lightkurve=False)


def _first(names: tuple[str, ...], columns: set[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _text(header: fits.Header, key: str) -> str:
    """Return the value of a keyword in lower case."""
    return " ".join(str(header.get(key, "")).lower().split())
