"""Header keywords of each mission, as written by its pipeline: the facts that fill the tables of `cards`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from astropy.io import fits
from astropy.time import Time

from ..packaged import Cards, cards, packaged
from .hlsp import collection_description
from .jwst_setup import setup
from .observation import hash_digit
from .pixelgrid import PixelGrid, grid_facts
from .products import File, Revision, Unit
from .spectra import extension_facts

Facts = dict[str, object]
_TRANSLITERATION = str.maketrans({"\u03c0": "pi", "\u03c9": "omega", "\u03b2": "beta", "\u03b1": "alpha"})
# Pixel size in arcsec; image columns of a target pixel file; pixel of the star in them, counted from 1.
_PIXEL_SIZE = {"TESS": 21.0, "Kepler": 3.98, "K2": 3.98}
_IMAGE_COLUMNS = range(4, 9)
# Integration and readout time of a frame of each telescope, in seconds.
_FRAMES = {"TESS": (1.98, 0.02), "Kepler": (6.019802903270, 0.518948526144)}
_LONG_CADENCE = 270
#: Values of ORIGIN, by which readers recognize the files of pipelines.
_ORIGINS = {"QLP": "MIT/QLP", "TGLC": "UCSB/TGLC", "SPOC": "NASA/Ames", "TESS-SPOC": "NASA/Ames"}
_STAR = 6.0
_TEXT_LENGTH = 60
_COMMENT_COLUMN = 30


def ascii_text(text: str | None) -> str:
    """Return text allowed in a FITS header: plain letters instead of accented and Greek ones."""
    plain = unicodedata.normalize("NFKD", (text or "").translate(_TRANSLITERATION))
    return "".join(letter for letter in plain if " " <= letter <= "~")[:_TEXT_LENGTH]


def _header(listed: Cards) -> fits.Header:
    """Return the cards, with comments truncated to the 80 columns of a card."""
    header = fits.Header()
    for key, value, comment in listed:
        used = max(len(fits.Card(key, value).image.rstrip()), _COMMENT_COLUMN)
        header.append(fits.Card(key, value, comment[: max(80 - used - len(" / "), 0)]), end=True)
    return header


def primary(file: File) -> fits.Header:
    """Return the keywords of the primary unit."""
    table, facts = _mission(file)
    header = _header([*cards("common", facts), *cards(table, facts), *_contributed(file)])
    _revise(header, file.revision)
    return header


def _revise(header: fits.Header, revision: Revision) -> None:
    """Record in a header that a file was reprocessed."""
    told = {"CAL_VER": revision.version, "CRDS_CTX": revision.context}
    for key, value in told.items():
        if value is not None:
            header[key] = value
    if revision.day is not None:
        header["DATE"] = (Time(revision.day, format="mjd").isot, "date of file creation")
        header["REVISION"] = (revision.number, "number of reprocessings")


def _contributed(file: File) -> Cards:
    """Return the header cards about the collection of HLSP files; there are none for other files."""
    name = file.owner.provenance_name
    told = collection_description(name) if file.owner.obs_collection == "HLSP" else {}
    if not told:
        return []
    spelling = "misspelled title" if told.get("misspelled") else "title"
    facts: Facts = dict.fromkeys(("title", "misspelled title", "doi", "reference"))
    license_ = packaged("hlsp")["license"]
    facts |= {"id": name, "target": ascii_text(file.owner.target_name), **told, "title": None}
    facts |= {spelling: told["title"], "license": license_["name"], "license url": license_["url"]}
    return cards("HLSP", facts)


def _telescope(file: File) -> str:
    owner = file.owner
    if owner.obs_collection == "HLSP":
        return {"Photometer": "TESS", "NIRCAM/IMAGE": "JWST"}.get(str(owner.instrument_name), "HST")
    return "HST" if owner.obs_collection == "HLA" else owner.obs_collection


def _on_board(file: File) -> str:
    """Return the telescope; that of K2 is Kepler."""
    telescope = _telescope(file)
    return "Kepler" if telescope == "K2" else telescope


def _mission(file: File) -> tuple[str, Facts]:
    """Return the table of a file's mission, and the facts for it."""
    table, further = _MISSIONS.get(_telescope(file), ("others", _no_facts))
    return table, _common(file) | further(file)


def _common(file: File) -> Facts:
    owner = file.owner
    start, end = owner.span
    (ra, dec), (instrument, mode) = owner.place, owner.configuration
    dated = owner.t_min is not None
    return {
        "file": ascii_text(file.name),
        "telescope": _on_board(file),
        "origin": _ORIGINS.get(str(owner.provenance_name), "astroquery_mast sandbox"),
        "target": ascii_text(owner.target_name),
        "ra": owner.s_ra,
        "dec": owner.s_dec,
        "star ra": ra,
        "star dec": dec,
        "date": Time(round(start, 6), format="mjd").isot if dated else None,
        "mjd": round(start, 6) if dated else None,
        "start": start,
        "end": end,
        "seconds": round(owner.seconds, 3),
        "instrument": instrument,
        "mode": mode,
        "configuration": ascii_text(owner.instrument_name),
        "filters": ascii_text(owner.filters),
        "investigator": ascii_text(owner.proposal_pi),
        "title": ascii_text(owner.obs_title),
        "program": str(owner.proposal_id or "").zfill(5),
        "period": owner.sequence_number or 0,
    }


def _no_facts(_file: File) -> Facts:
    return {}


def _hst(file: File) -> Facts:
    owner = file.owner
    instrument, _ = owner.configuration
    element = owner.filters or "N/A"
    facts: Facts = {
        "rootname": ascii_text(owner.obs_id.lower()),
        "purpose": "EXT" if owner.intentType == "science" else str(owner.target_name),
        "number": int(owner.proposal_id or 0),
        "angstrom": round(5.0 * sum(owner.band()), 1),
        "extracted": "COMPLETE" if file.kind.group in {"X1D", "X1DSUM"} else None,
        **dict.fromkeys(("wheel 1", "wheel 2", "filter", "element")),
    }
    if instrument == "ACS":
        wheels = (*element.split(";"), "CLEAR2L")
        return facts | {"wheel 1": wheels[0], "wheel 2": wheels[1]}
    return facts | {"filter" if instrument == "WFC3" else "element": element}


def _jwst(file: File) -> Facts:
    instrument, _ = file.owner.configuration
    first, *others = (file.owner.filters or "CLEAR").split(";")
    told = setup(str(file.owner.instrument_name), file.owner.filters, file.owner.target_name)
    return {
        "exposure type": told["exp_type"],
        "reference": told["is_psf"] == "t",
        "subarray": told["subarray"],
        "mask": told["coronmsk"],
        "detector": file.owner.obs_id.rpartition("_")[2].upper() if file.owner.calib_level < 3 else "MULTIPLE",
        "first": first,
        **dict.fromkeys(("pupil", "grating")),
        "pupil" if instrument == "NIRCAM" else "grating": (others or ["CLEAR"])[-1],
    }


def _tess(file: File) -> Facts:
    owner = file.owner
    target = str(owner.target_name)
    kind = "TargetPixel" if file.kind.layout == "target_pixels" else "LightCurve"
    return {
        "creator": f"sandbox {kind}ExporterPipelineModule",
        "camera": 1 + hash_digit(owner.obs_id, 4),
        "ccd": 1 + hash_digit(owner.obs_id[::-1], 4),
        "object": f"TIC {target}" if target.isdigit() else None,
        "number": int(target) if target.isdigit() else None,
    }


def _kepler(file: File) -> Facts:
    number = int(re.sub(r"\D", "", str(file.owner.target_name))[:9] or 0)
    is_kepler = file.owner.obs_collection == "Kepler"
    return {
        "origin": "NASA/Ames",
        "mission": file.owner.obs_collection,
        "object": f"{'KIC' if is_kepler else 'EPIC'} {number}",
        "number": number,
        "channel": 1 + number % 84,
        **dict.fromkeys(("quarter", "campaign")),
        "quarter" if is_kepler else "campaign": file.owner.sequence_number or 0,
    }


_MISSIONS: Mapping[str, tuple[str, Callable[[File], Facts]]] = {
    "HST": ("HST", _hst),
    "JWST": ("JWST", _jwst),
    "TESS": ("TESS", _tess),
    "Kepler": ("Kepler", _kepler),
    "K2": ("Kepler", _kepler),
}


def extension(file: File, unit: Unit) -> fits.Header:
    """Return the keywords of an extension, without its world coordinates."""
    found: Cards = []
    if unit.name in {"SCI", "ERR"} and unit.dtype and "/" in str(file.owner.instrument_name):
        found.append(("BUNIT", "MJy/sr" if _telescope(file) == "JWST" else "ELECTRONS/S", "brightness unit"))
    if unit.name in {"SCI", "EXTRACT1D"}:
        found += cards("spectrum", extension_facts(file, unit))
    if unit.name in {"LIGHTCURVE", "PIXELS"}:
        found += _time_series(file, unit)
    return _header(found)


def _time_series(file: File, unit: Unit) -> Cards:
    begin, finish = (round(day, 6) for day in file.days)
    integration, readout = _FRAMES[_on_board(file)]
    frame = round(integration + readout, 12)
    facts = {
        "telescope": _on_board(file),
        "object": _mission(file)[1]["object"] or "",
        "days": round((finish - begin) * 0.79, 6),
        "zero": file.time_zero,
        "begin": begin,
        "finish": finish,
        "step": round((finish - begin) / unit.shape[0], 8),
        "integration": integration,
        "readout": readout,
        "frame": frame,
        "frames": _LONG_CADENCE if _on_board(file) == "Kepler" else round(file.owner.seconds / frame),
    }
    found = cards("time series", facts)
    if unit.name == "PIXELS":
        for number in _IMAGE_COLUMNS:
            found += cards("image column", _stamp(file), number)
    return found


def _stamp(file: File) -> Mapping[str, object]:
    """Return the world coordinates of the pixels around a star, and detector column and row of the first pixel."""
    ra, dec = file.owner.place
    degrees = round(_PIXEL_SIZE[_telescope(file)] / 3600.0, 12)
    return {
        "pixel": _STAR,
        "star ra": ra,
        "star dec": dec,
        "west": -degrees,
        "scale": degrees,
        "column": 1000 + hash_digit(file.owner.obs_id, 900),
        "row": 512,
    }


def world_coordinates(file: File, unit: Unit, grid: PixelGrid) -> fits.Header:
    """Return the world coordinates of an image: RA---TAN and DEC--TAN, and wavelength for a cube."""
    if unit.name == "APERTURE":
        return _header(cards("stamp", _stamp(file)))
    facts = {"axes": len(unit.shape), **grid_facts(grid)}
    further = _further_axes(file, unit) if len(unit.shape) > 2 else []
    matrix = "PC" if further or _telescope(file) == "JWST" else "CD"
    return _header([*cards("image", facts), *further, *cards(matrix, facts)])


def _further_axes(file: File, unit: Unit) -> Cards:
    """Return the wavelength axis of a cube, or the group and integration axes of a ramp, which have no unit."""
    if file.kind.layout == "cube":
        shortest, longest = (limit * 1e-9 for limit in file.owner.band(1000.0, 2000.0))
        step = round((longest - shortest) / unit.shape[0], 14)
        return cards("wavelength", {"shortest": round(shortest, 14), "step": step})
    return [card for axis in range(3, len(unit.shape) + 1) for card in cards("index axis", {}, axis)]
