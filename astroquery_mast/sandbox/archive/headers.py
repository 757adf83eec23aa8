"""Header keywords of each mission.

In: a `File` and the unit. Out: cards. Keywords are those of the missions' pipelines (HST: TELESCOP,
ROOTNAME, FILTER1 and so on; JWST: the FITS names of its data model; TESS: those of the SPOC exporter).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from astropy.io import fits
from astropy.time import Time

from .layout import LIGHT_CURVE_ROWS, PIXEL_ROWS, Unit
from .pixelgrid import PixelGrid
from .products import File

Cards = list[tuple[str, object, str]]
# Barycentric date that TESS times are counted from; Kepler's is 2454833.
_TIME_ZERO = {"TESS": 2457000, "Kepler": 2454833, "K2": 2454833}
_TRANSLITERATION = str.maketrans({"\u03c0": "pi", "\u03c9": "omega", "\u03b2": "beta", "\u03b1": "alpha"})
# Size of a pixel, arcsec; the columns of a target pixel file that hold images; the star's pixel in them, from 1.
_PIXEL_SIZE = {"TESS": 21.0, "Kepler": 3.98, "K2": 3.98}
_IMAGE_COLUMNS = range(4, 9)
_STAR = 6.0
_TEXT_LENGTH = 60
_COMMENT_COLUMN = 30


def ascii_text(text: str | None) -> str:
    """Text as a FITS header can hold it: plain letters instead of accents and Greek ones."""
    plain = unicodedata.normalize("NFKD", (text or "").translate(_TRANSLITERATION))
    return "".join(letter for letter in plain if " " <= letter <= "~")[:_TEXT_LENGTH]


def _header(cards: Cards) -> fits.Header:
    """Cards with comments cut to the 80 columns that a card has."""
    header = fits.Header()
    for key, value, comment in cards:
        used = max(len(fits.Card(key, value).image.rstrip()), _COMMENT_COLUMN)
        header.append(fits.Card(key, value, comment[: max(80 - used - len(" / "), 0)]), end=True)
    return header


def primary(file: File) -> fits.Header:
    """Keywords of the primary unit."""
    cards = [*_common(file), *_MISSION.get(_telescope(file), _plain)(file)]
    return _header(cards)


def _telescope(file: File) -> str:
    owner = file.owner
    if owner.obs_collection == "HLSP":
        return {"Photometer": "TESS", "NIRCAM/IMAGE": "JWST"}.get(str(owner.instrument_name), "HST")
    return "HST" if owner.obs_collection == "HLA" else owner.obs_collection


def _common(file: File) -> Iterator[tuple[str, object, str]]:
    owner = file.owner
    yield "FILENAME", ascii_text(file.name), "name of file"
    yield "TELESCOP", _telescope(file), "telescope used to acquire data"
    yield "ORIGIN", "astroquery_mast sandbox", "synthetic data, not an observation"
    yield "TARGNAME", ascii_text(owner.target_name), "proposer's target name"
    if owner.s_ra is not None and owner.s_dec is not None:
        yield "RA_TARG", owner.s_ra, "[deg] right ascension (ICRS)"
        yield "DEC_TARG", owner.s_dec, "[deg] declination (ICRS)"
    if owner.t_min is not None:
        yield "DATE-OBS", Time(round(owner.t_min, 6), format="mjd").isot, "start of observation"
        yield "MJD-OBS", round(owner.t_min, 6), "[d] start of observation"


def _hst(file: File) -> Cards:
    owner = file.owner
    instrument, _, detector = str(owner.instrument_name).partition("/")
    start, end = owner.t_min or 0.0, owner.t_max or 0.0
    names = (owner.filters or "N/A").split(";")
    first, second = (names * 2)[:2] if len(names) > 1 else (names[0], "CLEAR2L")
    cards: Cards = [
        ("INSTRUME", instrument, "instrument"),
        ("DETECTOR", detector, "detector in use"),
        ("ROOTNAME", ascii_text(owner.obs_id.lower()), "rootname of the observation set"),
        ("IMAGETYP", "EXT" if owner.intentType == "science" else str(owner.target_name), "type of exposure"),
        ("PROPOSID", int(owner.proposal_id or 0), "programme number"),
        ("PR_INV_L", ascii_text(owner.proposal_pi), "last name of principal investigator"),
        ("LINENUM", "01.001", "line of the programme"),
        ("EXPTIME", round(owner.t_exptime or 0.0, 3), "[s] exposure time"),
        ("EXPSTART", start, "[d] start (MJD)"),
        ("EXPEND", end, "[d] end (MJD)"),
        ("CAL_VER", "sandbox", "pipeline version"),
        ("PHOTFLAM", 3.1e-19, "inverse sensitivity"),
        ("PHOTPLAM", round(10.0 * _wavelength(file), 1), "[Angstrom] pivot wavelength"),
    ]
    if instrument == "ACS":
        cards += [("FILTER1", first, "element in wheel 1"), ("FILTER2", second, "element in wheel 2")]
    else:
        cards += [("FILTER" if instrument == "WFC3" else "OPT_ELEM", owner.filters or "N/A", "element in use")]
    return cards


def _wavelength(file: File) -> float:
    return ((file.owner.em_min or 500.0) + (file.owner.em_max or 700.0)) / 2


def _jwst(file: File) -> Cards:
    owner = file.owner
    instrument, _, mode = str(owner.instrument_name).partition("/")
    names = (owner.filters or "CLEAR").split(";")
    return [
        ("INSTRUME", instrument, "instrument"),
        ("EXP_TYPE", f"{instrument[:3]}_{mode}", "type of exposure"),
        ("DETECTOR", owner.obs_id.rpartition("_")[2].upper() if owner.calib_level < 3 else "MULTIPLE", "detector"),
        ("FILTER", names[0], "filter"),
        (
            "PUPIL" if instrument == "NIRCAM" else "GRATING",
            names[-1] if len(names) > 1 else "CLEAR",
            "pupil or grating",
        ),
        ("PROGRAM", str(owner.proposal_id or "").zfill(5), "programme number"),
        ("PI_NAME", ascii_text(owner.proposal_pi), "principal investigator"),
        ("TITLE", ascii_text(owner.obs_title), "programme title"),
        ("TARGPROP", ascii_text(owner.target_name), "proposer's target name"),
        ("EFFEXPTM", round(owner.t_exptime or 0.0, 3), "[s] effective exposure time"),
        ("EXPSTART", owner.t_min or 0.0, "[d] start (MJD)"),
        ("EXPEND", owner.t_max or 0.0, "[d] end (MJD)"),
        ("CAL_VER", "1.18.0", "calibration software version"),
        ("DATAMODL", "ImageModel", "type of data model"),
    ]


def _tess(file: File) -> Cards:
    owner = file.owner
    target = str(owner.target_name)
    creator = (
        "TargetPixelExporterPipelineModule"
        if file.kind.layout == "target_pixels"
        else "LightCurveExporterPipelineModule"
    )
    cards: Cards = [
        ("INSTRUME", "TESS Photometer", "detector type"),
        ("CREATOR", f"sandbox {creator}", "program that made this file"),
        ("PROCVER", "sandbox", "version of the program"),
        ("SECTOR", owner.sequence_number or 0, "observing sector"),
        ("CAMERA", 1 + hash_digit(owner.obs_id, 4), "camera"),
        ("CCD", 1 + hash_digit(owner.obs_id[::-1], 4), "detector"),
        ("RA_OBJ", owner.s_ra or 0.0, "[deg] right ascension"),
        ("DEC_OBJ", owner.s_dec or 0.0, "[deg] declination"),
        ("TESSMAG", 9.5, "[mag] TESS magnitude"),
        ("TEFF", 5600.0, "[K] effective temperature"),
    ]
    if target.isdigit():
        cards += [("OBJECT", f"TIC {target}", "star"), ("TICID", int(target), "number in the TESS input catalogue")]
    return cards


def hash_digit(text: str, count: int) -> int:
    """A number below ``count`` that depends on the text only."""
    return sum(text.encode()) % count


def _kepler(file: File) -> Cards:
    owner = file.owner
    number = int("".join(letter for letter in str(owner.target_name) if letter.isdigit())[:9] or 0)
    return [
        ("INSTRUME", "Kepler Photometer", "detector type"),
        ("CREATOR", "sandbox FluxExporter2PipelineModule", "program that made this file"),
        ("OBJECT", f"KIC {number}", "star"),
        ("KEPLERID", number, "number in the Kepler input catalogue"),
        ("MISSION", owner.obs_collection, "mission"),
        ("CHANNEL", 1 + number % 84, "detector channel"),
        ("QUARTER" if owner.obs_collection == "Kepler" else "CAMPAIGN", owner.sequence_number or 0, "period"),
        ("OBSMODE", "long cadence", "observing mode"),
        ("RA_OBJ", owner.s_ra or 0.0, "[deg] right ascension"),
        ("DEC_OBJ", owner.s_dec or 0.0, "[deg] declination"),
    ]


def _plain(file: File) -> Cards:
    return [
        ("INSTRUME", ascii_text(file.owner.instrument_name), "instrument"),
        ("FILTER", ascii_text(file.owner.filters), "filter"),
        ("EXPTIME", round(file.owner.t_exptime or 0.0, 3), "[s] exposure time"),
    ]


_MISSION = {"HST": _hst, "JWST": _jwst, "TESS": _tess, "Kepler": _kepler, "K2": _kepler}


def extension(file: File, unit: Unit) -> fits.Header:
    """Keywords of an extension, apart from its world coordinates."""
    cards: Cards = []
    if unit.name in {"SCI", "ERR"} and unit.dtype and "/" in str(file.owner.instrument_name):
        cards.append(("BUNIT", "MJy/sr" if _telescope(file) == "JWST" else "ELECTRONS/S", "brightness unit"))
    if unit.name in {"LIGHTCURVE", "PIXELS"}:
        cards += _time_series(file, unit)
    return _header(cards)


def _time_series(file: File, unit: Unit) -> Cards:
    telescope = _telescope(file)
    zero = _TIME_ZERO[telescope]
    start = round((file.owner.t_min or 0.0) + 2400000.5 - zero, 6)
    end = round((file.owner.t_max or 0.0) + 2400000.5 - zero, 6)
    rows = {"PIXELS": PIXEL_ROWS}.get(unit.name, LIGHT_CURVE_ROWS)
    object_name = next(
        str(value) for key, value, _ in (*_MISSION[telescope](file), ("OBJECT", "", "")) if key == "OBJECT"
    )
    cards: Cards = [
        ("TELESCOP", telescope, "telescope"),
        ("OBJECT", object_name, "star"),
        ("EXPOSURE", round((end - start) * 0.79, 6), "[d] time on source"),
        ("TIMEREF", "SOLARSYSTEM", "barycentric correction applied to times"),
        ("TASSIGN", "SPACECRAFT", "where time is assigned"),
        ("TIMESYS", "TDB", "time system"),
        ("BJDREFI", zero, "integer part of the reference date"),
        ("BJDREFF", 0.0, "fraction of the reference date"),
        ("TIMEUNIT", "d", "unit of TIME, TSTART and TSTOP"),
        ("TSTART", start, "start in TIMEUNIT"),
        ("TSTOP", end, "end in TIMEUNIT"),
        ("TIMEDEL", round((end - start) / rows, 8), "[d] time between rows"),
        ("NUM_FRM", 60, "frames per time stamp"),
    ]
    if unit.name == "PIXELS":
        for number in _IMAGE_COLUMNS:
            cards += _column_coordinates(file, number)
    return cards


def _stamp_corner(file: File) -> tuple[int, int]:
    """Column and row on the detector of a stamp's first pixel."""
    return 1000 + hash_digit(file.owner.obs_id, 900), 512


def _column_coordinates(file: File, number: int) -> Cards:
    """World coordinates of the images in a column of a table, and where they are on the detector."""
    degrees = round(_PIXEL_SIZE[_telescope(file)] / 3600.0, 12)
    column, row = _stamp_corner(file)
    keywords: dict[str, object] = {
        "WCAX{}": 2,
        "1CTYP{}": "RA---TAN",
        "2CTYP{}": "DEC--TAN",
        "1CRPX{}": _STAR,
        "2CRPX{}": _STAR,
        "1CRVL{}": file.owner.s_ra or 0.0,
        "2CRVL{}": file.owner.s_dec or 0.0,
        "1CUNI{}": "deg",
        "2CUNI{}": "deg",
        "1CDLT{}": -degrees,
        "2CDLT{}": degrees,
        "11PC{}": 1.0,
        "22PC{}": 1.0,
        "1CRP{}P": 1,
        "2CRP{}P": 1,
        "1CRV{}P": column,
        "2CRV{}P": row,
    }
    return [(keyword.format(number), value, "") for keyword, value in keywords.items()]


def _stamp_coordinates(file: File) -> Cards:
    """World coordinates of the aperture of a star, and where it is on the detector."""
    degrees = round(_PIXEL_SIZE[_telescope(file)] / 3600.0, 12)
    column, row = _stamp_corner(file)
    return [
        ("WCSAXES", 2, "number of axes"),
        ("RADESYS", "ICRS", "reference frame"),
        ("CTYPE1", "RA---TAN", "projection"),
        ("CTYPE2", "DEC--TAN", "projection"),
        ("CUNIT1", "deg", "unit"),
        ("CUNIT2", "deg", "unit"),
        ("CRPIX1", _STAR, "the star's pixel"),
        ("CRPIX2", _STAR, "the star's pixel"),
        ("CRVAL1", file.owner.s_ra or 0.0, "[deg] right ascension there"),
        ("CRVAL2", file.owner.s_dec or 0.0, "[deg] declination there"),
        ("CDELT1", -degrees, "[deg] per pixel"),
        ("CDELT2", degrees, "[deg] per pixel"),
        ("CRPIX1P", 1, "first pixel"),
        ("CRPIX2P", 1, "first pixel"),
        ("CRVAL1P", column, "column of the first pixel"),
        ("CRVAL2P", row, "row of the first pixel"),
    ]


def world_coordinates(file: File, unit: Unit, grid: PixelGrid) -> fits.Header:
    """World coordinates of an image: RA---TAN and DEC--TAN, and wavelength for a cube."""
    if unit.name == "APERTURE":
        return _header(_stamp_coordinates(file))
    cards: Cards = [
        ("WCSAXES", len(unit.shape), "number of axes"),
        ("RADESYS", "ICRS", "reference frame"),
        ("CTYPE1", "RA---TAN", "projection"),
        ("CTYPE2", "DEC--TAN", "projection"),
        ("CUNIT1", "deg", "unit"),
        ("CUNIT2", "deg", "unit"),
        ("CRPIX1", grid.crpix[0], "reference pixel"),
        ("CRPIX2", grid.crpix[1], "reference pixel"),
        ("CRVAL1", grid.ra, "[deg] right ascension there"),
        ("CRVAL2", grid.dec, "[deg] declination there"),
    ]
    if len(unit.shape) > 2:
        return _header([*cards, *_further_axes(file, unit), *_matrix("PC", grid)])
    kind = "PC" if _telescope(file) == "JWST" else "CD"
    return _header([*cards, *_matrix(kind, grid)])


def _matrix(kind: str, grid: PixelGrid) -> Cards:
    (a, b), (c, d) = grid.cd
    if kind == "CD":
        names = ("CD1_1", "CD1_2", "CD2_1", "CD2_2")
        return [(name, value, "[deg] per pixel") for name, value in zip(names, (a, b, c, d), strict=True)]
    scale = round(grid.scale, 14)
    elements = {"PC1_1": a, "PC1_2": b, "PC2_1": c, "PC2_2": d}
    matrix: Cards = [(name, round(value / scale, 12), "rotation") for name, value in elements.items()]
    return [*matrix, ("CDELT1", scale, "[deg] per pixel"), ("CDELT2", scale, "[deg] per pixel")]


def _further_axes(file: File, unit: Unit) -> Cards:
    """Wavelength of a cube; groups and integrations of a ramp have no physical unit."""
    if file.kind.layout == "cube":
        shortest, longest = (file.owner.em_min or 1000.0) * 1e-9, (file.owner.em_max or 2000.0) * 1e-9
        step = round((longest - shortest) / unit.shape[0], 14)
        return [
            ("CTYPE3", "WAVE", "vacuum wavelength"),
            ("CUNIT3", "m", "unit"),
            ("CRPIX3", 1.0, "reference pixel"),
            ("CRVAL3", round(shortest, 14), "[m] wavelength there"),
            ("CDELT3", step, "[m] per pixel"),
        ]
    cards: Cards = []
    for axis in range(3, len(unit.shape) + 1):
        cards += [
            (f"CTYPE{axis}", "", "index"),
            (f"CRPIX{axis}", 1.0, ""),
            (f"CRVAL{axis}", 1.0, ""),
            (f"CDELT{axis}", 1.0, ""),
        ]
    return cards
