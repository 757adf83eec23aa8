"""The cutout services over HTTP: ``/tesscut``, ``/zcut`` and ``/hapcut``."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .archive.cutout_hst import PIXELS, sky_cell_cutouts, survey_fits, survey_pictures, surveys_at
from .archive.cutout_images import STRETCHES, Looks
from .archive.cutout_sectors import SCALE, Asteroid, Detector, asteroid, crossed, detectors_at
from .archive.cutout_tess import place_cutout, track_cutout
from .downloads import zipped
from .reading import json_object
from .reply import Refusal, Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

#: Degrees per unit of an angle.
ANGLES = {"d": 1.0, "m": 1.0 / 60.0, "s": 1.0 / 3600.0}
#: Names of the units in file names.
UNIT_NAMES = {"px": "pix", "d": "deg", "m": "arcmin", "s": "arcsec"}
_ANGLE = re.compile(r"\s*([^\s a-z]*(?:e[+-]?\d+)?)\s*([a-z]*)\s*$", re.IGNORECASE)
_PAIR = re.compile(r"[^\s,\[\]()]+")
_TRUE = frozenset({"true", "1", "yes"})


class CutoutError(Refusal):
    """A request that is refused with status 400 and this message."""


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and rows of a cutout, in pixels (``px``) or in angles (``d``, ``m``, ``s``)."""

    x: float
    y: float
    units: str

    def shape(self, scale: float, most: int) -> tuple[int, int]:
        """Return rows and columns for the given pixel size (degrees)."""
        factor = 1.0 if self.units == "px" else ANGLES[self.units] / scale
        rows, columns = (max(round(length * factor), 1) for length in (self.y, self.x))
        if max(rows, columns) > most:
            raise CutoutError(f"A cutout may have at most {most} x {most} pixels, not {columns} x {rows}.")
        return rows, columns

    @property
    def text(self) -> str:
        """The size as written in file names, e.g. ``100.0pix-x-100.0pix``."""
        name = UNIT_NAMES[self.units]
        return f"{self.x}{name}-x-{self.y}{name}"


class Arguments:
    """The arguments of a request."""

    def __init__(self, record: RequestRecord, *, takes_json: bool = False) -> None:
        self._record = record
        posted = record.method == "POST" and "json" in record.headers.get("content-type", "")
        self._json = json_object(record.body, CutoutError) if posted and takes_json else {}

    def text(self, name: str) -> str | None:
        """Return an argument, or None if it is missing or blank."""
        value = self._json.get(name)
        found = self._record.value(name) if value is None else str(value)
        return found.strip() or None if found is not None else None

    def required(self, name: str) -> str:
        """Return a required argument."""
        found = self.text(name)
        if found is None:
            raise CutoutError(f"Parameter {name} is missing.")
        return found

    def _number(self, name: str, text: str) -> float:
        try:
            number = float(text)
        except ValueError as err:
            raise CutoutError(f"Parameter {name} must be a number, not {text!r}.") from err
        if not math.isfinite(number):
            raise CutoutError(f"Parameter {name} cannot be {text!r}.")
        return number

    def place(self) -> tuple[float, float]:
        """Return ``ra`` and ``dec`` in degrees."""
        ra, dec = (self._number(name, self.required(name)) for name in ("ra", "dec"))
        if not (-360.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
            raise CutoutError(f"Invalid position: {ra:g} {dec:g}.")
        return ra % 360.0, dec

    def size(self) -> Size:
        """Return ``x``, ``y`` and ``units``; five pixels by default."""
        units = self.choice("units", "px", tuple(UNIT_NAMES))
        x, y = (self._number(name, self.text(name) or "5") for name in ("x", "y"))
        if min(x, y) <= 0.0:
            raise CutoutError("A cutout must have a positive size.")
        return Size(x, y, units)

    def radius(self, default: str, pixel: float) -> float:
        """Return ``radius`` in degrees; ``pixel`` is the pixel size in degrees, for radii in pixels."""
        text = self.text("radius") or default
        parts = _ANGLE.match(text)
        unit = parts[2].lower() or "d" if parts else ""
        if parts is None or unit not in UNIT_NAMES:
            raise CutoutError(f"Parameter radius must end in one of {', '.join(UNIT_NAMES)}: {text!r}.")
        radius = self._number("radius", parts[1]) * (pixel if unit == "px" else ANGLES[unit])
        if not 0.0 <= radius <= 180.0:
            raise CutoutError(f"The radius cannot be {text!r}.")
        return radius

    def integer(self, name: str) -> int | None:
        """Return an integer, or None if the argument is missing."""
        text = self.text(name)
        if text is None:
            return None
        number = self._number(name, text)
        if not number.is_integer():
            raise CutoutError(f"Parameter {name} must be an integer, not {text!r}.")
        return int(number)

    def pair(self, name: str) -> tuple[float, float] | None:
        """Return two numbers, the smaller one first, or None if the argument is missing."""
        text = self.text(name)
        if text is None:
            return None
        numbers = [self._number(name, word) for word in _PAIR.findall(text)]
        if len(numbers) != 2 or numbers[0] >= numbers[1]:
            raise CutoutError(f"Parameter {name} must be a smaller and a larger number, not {text!r}.")
        return numbers[0], numbers[1]

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """Return an argument that must be one of ``known``."""
        found = (self.text(name) or default).lower()
        if found not in known:
            raise CutoutError(f"Parameter {name} must be one of {', '.join(known)}, not {found!r}.")
        return found

    def flag(self, name: str) -> bool:
        """Return whether an argument is true."""
        return (self.text(name) or "").lower() in _TRUE


#: Maximum side length of a cutout in pixels: of TESS full-frame images, and of other images.
MOST_TESS_PIXELS, MOST_IMAGE_PIXELS = 100, 1200
#: Size of a TESS pixel in degrees, for radii given in pixels.
TESS_PIXEL = 21.0 / 3600.0
FORMATS = ("fits", "jpg", "png")
BODIES = ("majorbody", "smallbody")
#: ZIP entries carry a date; a fixed one makes the bytes reproducible.
DATE = (2025, 1, 1, 0, 0, 0)

NO_SECTOR = "No TESS data was found at the requested position."
NO_SURVEY = "No survey covers the requested position."
NO_IMAGE = "No Hubble advanced products were found at the requested position."
NO_BODY = "No moving target of that name was found."


class Cutouts:
    """Answer cutout requests."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def answer(self, record: RequestRecord) -> Reply:
        """Answer a request to one of the services."""
        answers = {
            "/tesscut/api/v0.1/sector": self._sectors,
            "/tesscut/api/v0.1/astrocut": self._place,
            "/tesscut/api/v0.1/moving_target/sector": self._track_sectors,
            "/tesscut/api/v0.1/moving_target/astrocut": self._track,
            "/zcut/api/v0.1/survey": self._surveys,
            "/zcut/api/v0.1/astrocut": self._zcut,
            "/hapcut/api/v0.1/astrocut": self._hapcut,
        }
        return answers[record.path](Arguments(record, takes_json=record.endpoint == "hapcut"))

    def _sectors(self, wanted: Arguments) -> Reply:
        found = detectors_at(self._archive, *wanted.place(), wanted.radius("0d", TESS_PIXEL))
        return Reply.json({"results": [_listed(detector) for detector in found]})

    def _place(self, wanted: Arguments) -> Reply:
        at, sector = wanted.place(), wanted.integer("sector")
        shape = wanted.size().shape(SCALE, MOST_TESS_PIXELS)
        found = [one for one in detectors_at(self._archive, *at) if sector in (None, one.sector)]
        files = [place_cutout(self._archive, detector, at, shape) for detector in found]
        return _packed(files, f"astrocut_{at[0]}_{at[1]}.zip", NO_SECTOR)

    def _body(self, wanted: Arguments) -> Asteroid | None:
        """Return the requested minor planet. Only the real service knows planets and moons."""
        name = wanted.required("obj_id")
        kind = wanted.choice("obj_type", "smallbody", BODIES)
        return asteroid(name) if kind == "smallbody" else None

    def _track_sectors(self, wanted: Arguments) -> Reply:
        body = self._body(wanted)
        if body is None:
            return Reply.json({"results": [], "msg": NO_BODY})
        # Only in this list do sector numbers have leading zeros.
        found = [_listed(one) | {"sector": f"{one.sector:04d}"} for one in crossed(self._archive, body)]
        return Reply.json({"results": found})

    def _track(self, wanted: Arguments) -> Reply:
        sector, shape = wanted.integer("sector"), wanted.size().shape(SCALE, MOST_TESS_PIXELS)
        body = self._body(wanted)
        if body is None:
            return Reply.json({"msg": NO_BODY})
        found = [one for one in crossed(self._archive, body) if sector in (None, one.sector)]
        files = [track_cutout(self._archive, detector, body, shape) for detector in found]
        return _packed(files, f"astrocut_{body.name}.zip", NO_SECTOR)

    def _surveys(self, wanted: Arguments) -> Reply:
        found = surveys_at(*wanted.place(), wanted.radius("0.2d", 0.03 / 3600.0))
        return Reply.json({"surveys": [survey.name for survey in found]})

    def _zcut(self, wanted: Arguments) -> Reply:
        at = wanted.place()
        kind, size, chosen = wanted.choice("cutout_format", "fits", FORMATS), wanted.size(), wanted.text("survey")
        looks = Looks(
            stretch=wanted.choice("stretch", "asinh", tuple(STRETCHES)),
            percent=wanted.pair("minmax_percent"),
            values=wanted.pair("minmax_value"),
            invert=wanted.flag("invert"),
        )
        files: list[tuple[str, bytes]] = []
        for survey in surveys_at(*at):
            if chosen not in (None, survey.name):
                continue
            shape = size.shape(survey.frame.scale, MOST_IMAGE_PIXELS)
            if kind == "fits":
                files += survey_fits(survey, at, shape, size.text)
            else:
                files += survey_pictures(survey, at, shape, size.text, kind, looks)
        return _packed(files, f"zcut_{at[0]}_{at[1]}.zip", NO_SURVEY, deflated=False)

    def _hapcut(self, wanted: Arguments) -> Reply:
        at, size = wanted.place(), wanted.size()
        shapes = {pixel: size.shape(pixel / 3600.0, MOST_IMAGE_PIXELS) for pixel in PIXELS}
        files = list(sky_cell_cutouts(self._archive, at, shapes))
        if not files:
            return Reply.json({"results": [], "msg": NO_IMAGE})
        return _packed(files, f"hapcut_{at[0]}_{at[1]}.zip", NO_IMAGE)


def _listed(detector: Detector) -> dict[str, str]:
    return {
        "sectorName": detector.name,
        "sector": str(detector.sector),
        "camera": str(detector.camera),
        "ccd": str(detector.ccd),
    }


def _packed(files: Sequence[tuple[str, bytes]], name: str, missing: str, *, deflated: bool = True) -> Reply:
    """Return a ZIP of the files, or the message ``missing`` if there are none."""
    if not files:
        return Reply.json({"msg": missing})
    content = zipped(files, zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED, DATE)
    return Reply.file(content, name, "application/zip")
