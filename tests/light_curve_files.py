"""Small light curves with known values in FITS files, in the format of each pipeline."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

#: The number of cadences, the one without a time, and the one that is excluded because of a flag.
COUNT, WITHOUT_TIME, FLAGGED = 20, 7, 3
_FLUX = np.linspace(0.99, 1.01, COUNT)
#: The first time in the time system of each mission.
STARTS = {"TESS": 1325.25, "Kepler": 1800.5}
_ZEROS = {"TESS": 2457000, "Kepler": 2454833}
_FORMATS = {"f8": "D", "f4": "E", "i4": "J", "U1": "1A"}


def _times(mission: str) -> Any:
    times = STARTS[mission] + np.arange(COUNT) / 48
    times[WITHOUT_TIME] = np.nan
    return times


def _flags(bit: int = 8) -> Any:
    flags = np.zeros(COUNT, dtype="i4")
    flags[FLAGGED] = bit
    flags[10] = 64
    return flags


def _flux(scale: float = 1.0, kind: str = "f4") -> Any:
    flux = (scale * _FLUX).astype(kind)
    flux[5] = np.nan
    return flux


def table(
    columns: Mapping[str, tuple[Any, str]], header: Mapping[str, Any] | None = None, name: str = "LIGHTCURVE"
) -> fits.BinTableHDU:
    """Return a table of columns with their units."""
    made = [
        fits.Column(key, _FORMATS[np.asarray(values).dtype.str[1:]], unit=unit or None, array=values)
        for key, (values, unit) in columns.items()
    ]
    hdu = fits.BinTableHDU.from_columns(made, name=name)
    hdu.header.update({"EXTVER": 1, **(header or {})})
    return hdu


def _file(primary: Mapping[str, Any], *hdus: fits.BinTableHDU) -> fits.HDUList:
    first = fits.PrimaryHDU()
    for key, value in primary.items():
        first.header[key] = value
    return fits.HDUList([first, *hdus])


def _reference(mission: str) -> dict[str, Any]:
    return {"BJDREFI": _ZEROS[mission], "BJDREFF": 0.0, "TIMESYS": "TDB", "TIMEUNIT": "d", "TIMEDEL": 1 / 48}


_TIC = {"TELESCOP": "TESS", "OBJECT": "TIC 42", "TICID": 42, "SECTOR": 5, "CAMERA": 2, "CCD": 3, "RA_OBJ": 10.5}
_KIC = {"TELESCOP": "Kepler", "MISSION": "Kepler", "OBJECT": "KIC 43", "KEPLERID": 43, "QUARTER": 4}
_EPIC = {**_KIC, "MISSION": "K2", "OBJECT": "EPIC 44", "KEPLERID": 44, "CAMPAIGN": 6}


def _pipeline(mission: str, quality: str) -> dict[str, tuple[Any, str]]:
    return {
        "TIME": (_times(mission), f"BJD - {_ZEROS[mission]}, days"),
        "TIMECORR": (np.full(COUNT, 0.002, "f4"), "d"),
        "CADENCENO": (np.arange(COUNT, dtype="i4") + 100, ""),
        "SAP_FLUX": (_flux(900), "e-/s"),
        "SAP_FLUX_ERR": (np.full(COUNT, 2.0, "f4"), "e-/s"),
        "PDCSAP_FLUX": (_flux(1000), "e-/s"),
        "PDCSAP_FLUX_ERR": (np.full(COUNT, 3.0, "f4"), "e-/s"),
        quality: (_flags(), ""),
        "MOM_CENTR1": (np.full(COUNT, 12.5), "pixels"),
        "MOM_CENTR2": (np.full(COUNT, 13.5), "pixels"),
    }


def spoc() -> fits.HDUList:
    """TESS, SPOC."""
    creator = {"ORIGIN": "NASA/Ames", "CREATOR": "1 LightCurveExporterPipelineModule"}
    frames = {"FRAMETIM": 2.0, "NUM_FRM": 60}
    return _file({**_TIC, **creator}, table(_pipeline("TESS", "QUALITY"), {**_reference("TESS"), **frames}))


def tess_spoc() -> fits.HDUList:
    """TESS-SPOC, from full-frame images."""
    hdus = spoc()
    hdus[0].header["HLSPID"] = "tess-spoc"
    return hdus


def kepler() -> fits.HDUList:
    """Kepler."""
    creator = {"ORIGIN": "NASA/Ames", "CREATOR": "2 FluxExporter2PipelineModule", "CHANNEL": fits.card.Undefined()}
    return _file({**_KIC, **creator}, table(_pipeline("Kepler", "SAP_QUALITY"), _reference("Kepler")))


def k2() -> fits.HDUList:
    """K2."""
    creator = {"ORIGIN": "NASA/Ames", "CREATOR": "3 FluxExporter2PipelineModule"}
    return _file({**_EPIC, **creator}, table(_pipeline("Kepler", "SAP_QUALITY"), _reference("Kepler")))


def _quick(sector: int, prefix: str) -> fits.HDUList:
    columns = {
        "TIME": (_times("TESS"), "BJD-2457000, days"),
        "CADENCENO": (np.arange(COUNT, dtype="i4"), ""),
        "SAP_FLUX": (_flux(), ""),
        f"{prefix}_FLUX": (_flux(2), ""),
        f"{prefix}_FLUX_ERR": (np.full(COUNT, 0.25, "f4"), ""),
        "QUALITY": (_flags(), ""),
    }
    return _file({**_TIC, "SECTOR": sector, "ORIGIN": "MIT/QLP"}, table(columns, _reference("TESS")))


def qlp() -> fits.HDUList:
    """QLP of the first years."""
    return _quick(5, "KSPSAP")


def later_qlp() -> fits.HDUList:
    """QLP since sector 56."""
    return _quick(60, "DET")


def tglc() -> fits.HDUList:
    """TGLC."""
    columns = {
        "time": (_times("TESS"), "BJD - 2457000, days"),
        "psf_flux": (_flux(500), ""),
        "aperture_flux": (_flux(400), ""),
        "background": (_flux(30), ""),
        "cadence_num": (np.arange(COUNT, dtype="i4"), ""),
        "cal_psf_flux": (_flux(), ""),
        "cal_aper_flux": (_flux(), ""),
        "TESS_flags": (_flags(), ""),
        "TGLC_flags": (_flags(1), ""),
    }
    return _file({**_TIC, "ORIGIN": "UCSB/TGLC"}, table(columns))


def eleanor() -> fits.HDUList:
    """ELEANOR, in which the error is that of the raw flux."""
    columns = {
        "TIME": (_times("TESS"), ""),
        "BARYCORR": (np.full(COUNT, 0.003), ""),
        "FFIINDEX": (np.arange(COUNT, dtype="f8"), ""),
        "RAW_FLUX": (_flux(500, "f8"), ""),
        "FLUX_ERR": (np.full(COUNT, 5.0), ""),
        "CORR_FLUX": (_flux(250, "f8"), ""),
        "QUALITY": (_flags(), ""),
        "X_CENTROID": (np.full(COUNT, 4.5), ""),
        "Y_CENTROID": (np.full(COUNT, 5.5), ""),
        "FLUX_BKG": (_flux(3, "f8"), ""),
    }
    primary = {"TELESCOP": "TESS", "TIC_ID": 42, "SECTOR": 5, "LITE": True, "PCORIGIN": "GSFC"}
    return _file(primary, table(columns))


def pathos() -> fits.HDUList:
    """PATHOS."""
    columns = {
        "TIME": (_times("TESS"), "d"),
        "SKY_LOCAL": (_flux(3), ""),
        **{f"AP{n}_FLUX_{kind}": (_flux(n), "") for n in (1, 4) for kind in ("RAW", "COR")},
        **{f"PSF_FLUX_{kind}": (_flux(), "") for kind in ("RAW", "COR")},
        "DQUALITY": (_flags(), ""),
    }
    return _file(_TIC, table(columns, {"TIMESYS": "TDB"}))


def tasoc() -> fits.HDUList:
    """TASOC."""
    columns = {
        "TIME": (_times("TESS"), "BJD - 2457000, days"),
        "FLUX_RAW": (_flux(1000, "f8"), "e-/s"),
        "FLUX_CORR": (_flux(1, "f8"), "ppm"),
        "FLUX_CORR_ERR": (np.full(COUNT, 0.5), "ppm"),
        "QUALITY": (_flags(), ""),
    }
    return _file({**_TIC, "ORIGIN": "TASOC/Aarhus"}, table(columns, _reference("TESS")))


def cdips() -> fits.HDUList:
    """CDIPS: magnitudes in three apertures, and letters as flags."""
    good = np.full(COUNT, "G")
    good[FLAGGED] = "X"
    columns = {
        "TMID_BJD": (_times("TESS"), "d"),
        **{f"IRM{n}": (_flux(n, "f8"), "mag") for n in (1, 2, 3)},
        **{f"IRE{n}": (np.full(COUNT, 0.01 * n), "mag") for n in (1, 2, 3)},
        **{f"TFA{n}": (_flux(n, "f8"), "mag") for n in (1, 2, 3)},
        **{f"IRQ{n}": (good, "") for n in (1, 2, 3)},
        "CCDTEMP": (np.full(COUNT, -80.0), "degcelcius"),
    }
    return _file({**_TIC, "ORIGIN": "cdips-pipeline"}, table(columns))


def k2sff() -> fits.HDUList:
    """K2SFF: the table of the best aperture is first."""
    columns = {
        "T": (_times("Kepler"), "BJD - 2454833"),
        "FRAW": (_flux(kind="f8"), ""),
        "FCOR": (_flux(2, "f8"), ""),
        "ARCLENGTH": (np.zeros(COUNT), ""),
        "MOVING": (np.zeros(COUNT), ""),
        "CADENCENO": (np.arange(COUNT, dtype="i4"), ""),
    }
    others = {**columns, "FCOR": (_flux(5, "f8"), "")}
    return _file(_EPIC, table(columns, name="BESTAPER"), table(others, name="CIRC_APER0"))


def everest() -> fits.HDUList:
    """EVEREST."""
    columns = {
        "CADN": (np.arange(COUNT, dtype="i4"), ""),
        "FLUX": (_flux(1000), "e-/s"),
        "FRAW": (_flux(900), "e-/s"),
        "FRAW_ERR": (np.full(COUNT, 2.0, "f4"), "e-/s"),
        "QUALITY": (_flags(), ""),
        "TIME": (_times("Kepler"), "BJD - 2454833"),
    }
    return _file({**_EPIC, "COMMENT": "EVEREST INFO"}, table(columns, name="ARRAYS"))


def kepseismic() -> fits.HDUList:
    """KEPSEISMIC."""
    columns = {"TIME": (_times("Kepler") + 54833, "d"), "FLUX": (_flux(), "ppm")}
    return _file({**_KIC, "ORIGIN": "CEA & SSI"}, table(columns, {"TIMESYS": "TDB"}))


def k2sc() -> fits.HDUList:
    """K2SC, for which lightkurve has no reader."""
    columns = {
        "time": (_times("Kepler"), "BJD - 2454833"),
        "cadence": (np.arange(COUNT, dtype="i4"), ""),
        "quality": (_flags(), ""),
        "flux": (_flux(1000, "f8"), "e-/s"),
        "error": (np.full(COUNT, 2.0), "e-/s"),
        "trtime": (np.zeros(COUNT), "e-/s"),
    }
    return _file({**_EPIC, "CREATOR": "K2SC"}, table(columns, name="PDCSAP"), table(columns, name="SAP"))


#: The pipelines for which lightkurve has a reader.
BY_LIGHTKURVE: tuple[Callable[[], fits.HDUList], ...] = (
    spoc,
    tess_spoc,
    kepler,
    k2,
    qlp,
    later_qlp,
    tglc,
    eleanor,
    pathos,
    tasoc,
    cdips,
    k2sff,
    everest,
    kepseismic,
)
EVERY = (*BY_LIGHTKURVE, k2sc)
#: The pipelines whose flags are bits.
WITH_BITS = tuple(make for make in EVERY if make not in {k2sff, kepseismic, tasoc, cdips})


def written(hdus: fits.HDUList, folder: Path, name: str = "x_lc.fits") -> Path:
    """Write a file, and return its path."""
    path = folder / name
    hdus.writeto(path)
    return path


def content(hdus: fits.HDUList) -> bytes:
    """Return the bytes of a file."""
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()
