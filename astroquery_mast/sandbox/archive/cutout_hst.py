"""HST images for cutouts: advanced products on an all-sky grid, and the surveys GOODS and CANDELS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..packaged import cards, packaged
from .cutout_images import Frame, Looks, fits_bytes, picture, pixels, unit
from .fields import FIELDS

if TYPE_CHECKING:
    from .archive import Archive

#: Size of a projection cell in degrees, and number of sky cells along its sides.
_BAND, _STEP, _ACROSS = 5.0, 4.5, 21
_PIXEL = {"ACS/WFC": 0.04, "WFC3/UVIS": 0.04, "WFC3/IR": 0.12}


def sky_cell(ra: float, dec: float) -> tuple[str, float, float]:
    """Return name and center (degrees) of the sky cell of a position."""
    band, north = divmod(min(dec + 90.0, 179.999), _BAND)
    turn, east = divmod(ra % 360.0, _STEP)
    x, y = int(east * _ACROSS / _STEP), int(north * _ACROSS / _BAND)
    middle = ((turn + (x + 0.5) / _ACROSS) * _STEP, band * _BAND - 90.0 + (y + 0.5) * _BAND / _ACROSS)
    name = f"skycell-p{int(band) * 80 + int(turn):04d}x{x + 1:02d}y{y + 1:02d}"
    return name, round(middle[0], 10), round(middle[1], 10)


def sky_cell_cutouts(
    archive: Archive, at: tuple[float, float], shape_at: dict[float, tuple[int, int]]
) -> Iterator[tuple[str, bytes]]:
    """Generate the cutouts at a position, with their file names."""
    name, *middle = sky_cell(*at)
    place = f"ra{_number(at[0])}-dec{'s' if at[1] < 0 else 'n'}{_number(abs(at[1]))}"
    for camera, band, seconds in _images(archive, at):
        pixel = _PIXEL[camera]
        frame = Frame(middle[0], middle[1], round(pixel / 3600.0, 14), 0.0, round(0.3 * 3600.0 / pixel))
        instrument = camera.replace("/", "_").lower()
        file = f"hst_cutout_{name}-{place}_{instrument}_{band.lower()}.fits"
        yield file, _file(frame, at, shape_at[pixel], (camera, band, seconds))


#: Pixel sizes in arcsec.
PIXELS = tuple(sorted(set(_PIXEL.values())))


def _number(value: float) -> str:
    return f"{value:.4f}".replace(".", "d")


def _images(archive: Archive, at: tuple[float, float]) -> list[tuple[str, str, float]]:
    """Return camera, filter, and exposure time (seconds) of the public images that cover a position."""
    near = sorted(archive.within(*at, 0.0))
    sql = (
        "SELECT instrument_name, filters, SUM(t_exptime) AS seconds FROM observation WHERE obs_collection = 'HST' "
        "AND project = 'HST' AND calib_level = 3 AND dataproduct_type = 'image' AND dataRights = 'PUBLIC' "
        f"AND COALESCE(mtFlag, 0) = 0 AND objID IN ({', '.join('?' * len(near))}) "
        "GROUP BY instrument_name, filters ORDER BY instrument_name, filters"
    )
    total: dict[tuple[str, str], float] = {}
    for row in archive.query(sql, near):
        camera = row["instrument_name"]
        bands = [name for name in row["filters"].split(";") if not name.startswith("CLEAR")]
        if camera in _PIXEL and bands:
            key = (camera, bands[0])
            total[key] = total.get(key, 0.0) + row["seconds"]
    return [(camera, band, round(seconds, 3)) for (camera, band), seconds in sorted(total.items())]


def _file(frame: Frame, at: tuple[float, float], shape: tuple[int, int], image: tuple[str, str, float]) -> bytes:
    camera, band, seconds = image
    instrument, _, detector = camera.partition("/")
    grid, corner = frame.cutout(*at, shape)
    data = pixels(frame, grid, corner, band, f"{camera} {band}")
    facts: dict[str, object] = {"instrument": instrument, "detector": detector, "filter": band}
    facts |= {"seconds": seconds, "ra": at[0], "dec": at[1]}
    units = [
        unit(data, grid, "SCI", [("BUNIT", "ELECTRONS/S", "brightness unit"), *cards("camera", facts)]),
        unit(np.full(shape, seconds), grid, "WHT", [("BUNIT", "S", "exposure time"), *cards("camera", facts)]),
    ]
    return fits_bytes(units, cards("HAP cutout", facts))


@dataclass(frozen=True)
class Survey:
    """A mosaic in several filters."""

    name: str
    field: str
    file: str
    instrument: str
    detector: str
    bands: tuple[str, ...]
    pixel: float
    width: float = 0.28

    @cached_property
    def frame(self) -> Frame:
        """The frame of the mosaic, north up."""
        at = FIELDS[self.field]
        return Frame(at.ra, at.dec, round(self.pixel / 3600.0, 14), 0.0, round(self.width * 3600.0 / self.pixel))


SURVEYS = tuple(Survey(*line) for line in packaged("surveys")["cutouts"])


def surveys_at(ra: float, dec: float, radius: float = 0.0) -> list[Survey]:
    """Return the surveys whose mosaic intersects a cone (degrees)."""
    return [survey for survey in SURVEYS if survey.frame.near(ra, dec, radius)]


def survey_fits(
    survey: Survey, at: tuple[float, float], shape: tuple[int, int], size: str
) -> Iterator[tuple[str, bytes]]:
    """Generate the FITS file of a survey cutout."""
    grid, corner = survey.frame.cutout(*at, shape)
    units = []
    for band in survey.bands:
        file = survey.file.format(band)
        data = pixels(survey.frame, grid, corner, band, file)
        facts = {"instrument": survey.instrument, "detector": survey.detector, "file": f"{file}.fits"}
        facts |= _elements(survey, band)
        units.append(unit(data, grid, "CUTOUT", cards("survey image", facts)))
    primary = cards("survey cutout", {"ra": at[0], "dec": at[1]})
    yield f"{survey.name}_{_place(at)}_{size}_astrocut.fits", fits_bytes(units, primary)


def _elements(survey: Survey, band: str) -> dict[str, Any]:
    """Return the optical elements: a single filter, or one in each of two wheels."""
    if survey.instrument == "WFC3":
        return {"first": None, "second": None, "filter": band.upper()}
    first, second = ("CLEAR1L", "F814W") if band == "f814w" else (band.upper(), "CLEAR2L")
    return {"first": first, "second": second, "filter": None}


def survey_pictures(
    survey: Survey, at: tuple[float, float], shape: tuple[int, int], size: str, kind: str, looks: Looks
) -> Iterator[tuple[str, bytes]]:
    """Generate the pictures of a survey cutout; as `survey_fits`, with ``kind`` (``jpg`` or ``png``) and ``looks``."""
    grid, corner = survey.frame.cutout(*at, shape)
    for band in survey.bands:
        file = survey.file.format(band)
        data = pixels(survey.frame, grid, corner, band, file)
        yield f"{file}_{_place(at)}_{size}_astrocut.{kind}", picture(data, kind, looks)


def _place(at: tuple[float, float]) -> str:
    return f"{at[0]:.6f}_{at[1]:.6f}"
