"""How light curves are laid out in FITS files, by the pipeline that wrote them.

In: an open file.  Out: a `Layout`, which says what each column is; the flags that make a cadence useless.

The layouts are those of the data products documents: TESS Science Data Products Description Document
(EXP-TESS-ARC-ICD-0014), Kepler Archive Manual (KDMC-10008), and the pages of the collections at
https://archive.stsci.edu/hlsp.  The choice of the column that is the flux is that of lightkurve.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from astropy.io import fits

from ..exceptions import InvalidArgumentError

#: First days of the missions' own counts, BTJD and BKJD (JD).
TIME_ZERO = {"TESS": 2457000.0, "Kepler": 2454833.0}

# Bits of the quality flags that are filtered out.  TESS: EXP-TESS-ARC-ICD-0014, table 28; Kepler and K2: Kepler Archive
# Manual, table 2-3.  The choice of bits, and its names, are those of lightkurve's TessQualityFlags and
# KeplerQualityFlags.
_TESS_DEFAULT = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 512 | 16384
_KEPLER_DEFAULT = 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576
BITMASKS: Mapping[str, Mapping[str, int]] = {
    "TESS": {
        "none": 0,
        "default": _TESS_DEFAULT,
        "hard": _TESS_DEFAULT | 64 | 1024 | 2048 | 4096,
        "hardest": 65535,
    },
    "Kepler": {
        "none": 0,
        "default": _KEPLER_DEFAULT,
        "hard": _KEPLER_DEFAULT | 1024 | 128 | 8192 | 524288,
        "hardest": 2096639,
    },
}


@dataclass(frozen=True)
class Layout:
    """What the columns of a light curve are; names in lower case."""

    author: str
    mission: str
    flux: str
    error: str = "flux_err"
    quality: str | None = "quality"
    time: str = "time"
    cadence: str = "cadenceno"
    centroids: tuple[str, str] = ("mom_centr1", "mom_centr2")
    hdu: int | str = 1
    #: Units of columns in files that say none.
    units: Mapping[str, str] = field(default_factory=dict)
    #: Day from which times are counted if the header does not say it (JD).
    zero: float | None = None
    normalized: bool | None = None
    #: Whether lightkurve has a reader for it, and whether that takes a bitmask.
    in_lightkurve: bool = True

    @property
    def has_bits(self) -> bool:
        """Whether the quality flags are bits, of which a mask can be made."""
        return self.quality is not None and self.author != "CDIPS"


_SECOND = "electron / s"
_TESS = Layout("SPOC", "TESS", "pdcsap_flux", "pdcsap_flux_err")
_KEPLER = Layout("Kepler", "Kepler", "pdcsap_flux", "pdcsap_flux_err", "sap_quality")
_QLP = Layout("QLP", "TESS", "sap_flux", "kspsap_flux_err", normalized=True)
_PATHOS = Layout("PATHOS", "TESS", "psf_flux_cor", quality="dquality", normalized=True)
_TASOC = Layout("TASOC", "TESS", "flux_corr", "flux_corr_err", quality=None, normalized=True)
_CDIPS = Layout("CDIPS", "TESS", "irm1", "ire1", "irq1", time="tmid_bjd")
_ELEANOR = Layout(
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
_TGLC = Layout(
    "TGLC",
    "TESS",
    "cal_psf_flux",
    quality="tess_flags",
    cadence="cadence_num",
    units=dict.fromkeys(("psf_flux", "aperture_flux", "background"), _SECOND),
    normalized=True,
)
_K2SFF = Layout("K2SFF", "Kepler", "fcor", quality=None, hdu="BESTAPER")
_K2SC = Layout("K2SC", "Kepler", "flux", "error", cadence="cadence", in_lightkurve=False)
_EVEREST = Layout("EVEREST", "Kepler", "flux", cadence="cadn")
_KEPSEISMIC = Layout("KEPSEISMIC", "Kepler", "flux", quality=None, zero=2400000.5, normalized=True)

_PATHOS_COLUMNS = {"psf_flux_raw", "psf_flux_cor", "ap4_flux_raw", "ap4_flux_cor", "sky_local"}
# By what files are recognized: the primary header, and the names of the columns of the first extension.
_Rule = Callable[[fits.Header, set[str]], bool]
_RULES: tuple[tuple[_Rule, Layout], ...] = (
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
_TIMES = ("time", "t", "btjd", "bkjd", "bjd", "jd", "mjd")
_FLUXES = ("flux", "pdcsap_flux", "sap_flux", "flux_corr", "corr_flux", "cal_flux", "raw_flux", "mag", "magnitude")


def layout_of(hdus: fits.HDUList, flux_column: str | None = None) -> Layout | None:
    """Return the layout of a file, with the columns that fit the flux that was chosen; None if it is none."""
    tables = [hdu for hdu in hdus[1:] if isinstance(hdu, fits.BinTableHDU)]
    if not tables or is_target_pixels(hdus):
        return None
    columns = names_in(tables[0])
    for rule, layout in _RULES:
        if rule(hdus[0].header, columns):
            return _told(layout, hdus, flux_column)
    for number, hdu in enumerate(hdus):
        found = _unknown(hdus[0].header, hdu, flux_column)
        if found is not None:
            return replace(found, hdu=number)
    return None


def is_target_pixels(hdus: fits.HDUList) -> bool:
    """Tell whether a file holds the pixels around a star, cadence by cadence."""
    return "targetpixel" in _text(hdus[0].header, "CREATOR") or any(
        hdu.name in {"PIXELS", "TARGETTABLES"} for hdu in hdus
    )


def _told(layout: Layout, hdus: fits.HDUList, flux_column: str | None) -> Layout:
    """A layout with what differs from file to file: the author of the same pipeline, columns that go with the flux."""
    flux = (flux_column or layout.flux).lower()
    if layout is _TESS and "tess-spoc" in f"{_text(hdus[0].header, 'HLSPID')} {_text(hdus[0].header, 'FILENAME')}":
        layout = replace(layout, author="TESS-SPOC")
    if layout is _ELEANOR and "TVERSION" in hdus[0].header and "eleanor" in _text(hdus[0].header, "GITHUB"):
        layout = replace(layout, author="GSFC-ELEANOR-LITE")
    if layout is _QLP and sector_of(hdus) >= _DETRENDED:
        layout = replace(layout, error="det_flux_err")
    if layout is _CDIPS:
        return _with_aperture(flux)
    if layout.time not in names_in(hdus[layout.hdu]):
        # Older files of Kepler, and those of K2SFF.
        layout = replace(layout, time="t")
    if layout.author == "QLP" or "ELEANOR" in layout.author:
        return replace(layout, flux=flux)
    return replace(layout, flux=flux, error=layout.error if flux == layout.flux else f"{flux}_err")


def names_in(table: Any) -> set[str]:
    """Return the columns of a table in lower case."""
    return {name.lower() for name in table.columns.names}


# From this sector on the columns of QLP's detrended fluxes are called DET_.
_DETRENDED = 56


def _with_aperture(flux: str) -> Layout:
    """CDIPS has a flux for each of three apertures, with flags of its own, and errors of what is not detrended."""
    kind, aperture = flux[:-1], flux[-1:]
    errors = {"irm": f"ire{aperture}", "ifl": f"ife{aperture}"}
    return replace(_CDIPS, flux=flux, error=errors.get(kind, ""), quality=f"irq{aperture}")


def sector_of(hdus: fits.HDUList) -> int:
    """Return the sector that the header says; 0 if it says none."""
    for hdu in hdus[:2]:
        sector = hdu.header.get("SECTOR")
        if isinstance(sector, int):
            return sector
    return 0


def _unknown(header: fits.Header, hdu: Any, flux_column: str | None) -> Layout | None:
    """The layout of a table of which only the names of columns are known; None if it is no light curve."""
    if not isinstance(hdu, fits.BinTableHDU):
        return None
    columns = [name.lower() for name in hdu.columns.names]
    times = [name for name in _TIMES if name in columns]
    fluxes = [flux_column.lower()] if flux_column else [name for name in _FLUXES if name in columns]
    if not times or not fluxes:
        return None
    quality = next((name for name in ("quality", "sap_quality") if name in columns), None)
    telescope = {"tess": "TESS", "kepler": "Kepler", "k2": "Kepler"}.get(_text(header, "TELESCOP"))
    author = str(header.get("HLSPID") or header.get("ORIGIN") or "unknown")
    return Layout(
        author,
        telescope or "",
        fluxes[0],
        f"{fluxes[0]}_err",
        quality if telescope else None,
        times[0],
        in_lightkurve=False,
    )


def bitmask_for(layout: Layout, choice: str | int, sector: int) -> int:
    """Return the bits of the flags that make a cadence useless; see `check_bitmask` for the choices."""
    if not layout.has_bits:
        if choice not in {"default", "none"} or (choice == "none" and layout.quality is not None):
            raise InvalidArgumentError(
                f"{layout.author} light curves have no quality bits: quality_bitmask must be 'default'."
            )
        return 0
    if isinstance(choice, int):
        return choice
    further = 0
    if layout.author == "QLP" and choice in {"hard", "hardest"}:
        # Points of low precision.
        further = 2**30 if sector >= _DETRENDED else 2**12
    if "ELEANOR" in layout.author and choice == "hardest":
        further = 2**17 | 2**18
    return BITMASKS[layout.mission][choice] | further


def check_bitmask(choice: Any) -> str | int:
    """Return a choice of flags, one of the four names or bits; others raise."""
    if isinstance(choice, str) and choice in BITMASKS["TESS"]:
        return choice
    if hasattr(choice, "__index__") and not isinstance(choice, bool) and int(choice) >= 0:
        return int(choice)
    names = ", ".join(map(repr, BITMASKS["TESS"]))
    raise InvalidArgumentError(f"quality_bitmask must be one of {names}, or an integer of 0 or more, not {choice!r}.")


# -- from when times are counted -------------------------------------------------------------------------------------

_IN_UNIT = re.compile(r"\b[BH]?JD(?:_TDB)?\s*-\s*(\d{6,7}(?:\.\d+)?)", re.IGNORECASE)
_REFERENCES = (("BJDREF", 0.0), ("MJDREF", 2400000.5), ("JDREF", 0.0))
_NAMED = {"btjd": 2457000.0, "bkjd": 2454833.0, "bjd": 0.0, "jd": 0.0, "mjd": 2400000.5}


def time_reference(hdus: fits.HDUList, table: Any, layout: Layout) -> tuple[float, float]:
    """Return the Julian date from which times are counted, as its integer part and a fraction.

    It is what the header says, else what the unit of the column says, else what the pipeline always uses.
    """
    if layout.zero is None:
        for header in (table.header, hdus[0].header):
            for key, base in _REFERENCES:
                parts = [header.get(f"{key}{part}") for part in ("I", "F", "")]
                if any(isinstance(part, int | float) for part in parts):
                    whole, fraction, both = (part if isinstance(part, int | float) else 0.0 for part in parts)
                    return float(whole) + base, float(fraction) + float(both if not whole else 0.0)
    column = next(column for column in table.columns if column.name.lower() == layout.time)
    said = _IN_UNIT.search(str(column.unit or ""))
    if said and layout.zero is None:
        return float(said[1]), 0.0
    known = layout.zero or TIME_ZERO.get(layout.mission)
    known = _NAMED.get(layout.time) if known is None else known
    if known is None:
        raise InvalidArgumentError(
            "The file does not say from when its times are counted: neither BJDREFI, MJDREF or JDREF in its headers, "
            f"nor the unit of its column {column.name}."
        )
    return known, 0.0


def _text(header: fits.Header, key: str) -> str:
    """What a header says, in lower case."""
    return " ".join(str(header.get(key, "")).lower().split())
