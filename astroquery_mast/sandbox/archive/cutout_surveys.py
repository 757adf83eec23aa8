"""Deep-field surveys that can be cut: GOODS and CANDELS.

In: a position. Out: the surveys that cover it, and their cutouts: a FITS file per survey with an image per filter, or a
picture per filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .cutout_frame import Frame
from .cutout_images import MADE, Looks, fits_bytes, picture, pixels, unit
from .fields import FIELDS
from .packaged import packaged


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
        """Where it lies; north is up."""
        at = FIELDS[self.field]
        return Frame(at.ra, at.dec, round(self.pixel / 3600.0, 14), 0.0, round(self.width * 3600.0 / self.pixel))


SURVEYS = tuple(Survey(*line) for line in packaged("surveys")["cutouts"])


def surveys_at(ra: float, dec: float, radius: float = 0.0) -> list[Survey]:
    """Surveys whose mosaic a cone (degrees) reaches."""
    return [survey for survey in SURVEYS if survey.frame.near(ra, dec, radius)]


def survey_fits(
    survey: Survey, at: tuple[float, float], shape: tuple[int, int], size: str
) -> Iterator[tuple[str, bytes]]:
    """The FITS file of a survey's cutout."""
    grid, corner = survey.frame.cutout(*at, shape)
    units = []
    for band in survey.bands:
        file = survey.file.format(band)
        data = pixels(survey.frame, grid, corner, band, file)
        first = band.upper() if band != "f814w" else "CLEAR1L"
        second = "CLEAR2L" if band != "f814w" else "F814W"
        names = [("FILTER1", first, "wheel 1"), ("FILTER2", second, "wheel 2")]
        if survey.instrument == "WFC3":
            names = [("FILTER", band.upper(), "filter")]
        cards = [
            ("TELESCOP", "HST", "telescope"),
            ("INSTRUME", survey.instrument, "instrument"),
            ("DETECTOR", survey.detector, "detector"),
            *names,
            ("ORIG_FLE", f"{file}.fits", ""),
        ]
        units.append(unit(data, grid, "CUTOUT", [*cards]))
    primary = [
        ("ORIGIN", "STScI/MAST", "institution that this file imitates"),
        ("DATE", MADE, "file creation date"),
        ("PROCVER", "sandbox", "software version"),
        ("RA_OBJ", at[0], "[deg] right ascension"),
        ("DEC_OBJ", at[1], "[deg] declination"),
    ]
    yield f"{survey.name}_{_place(at)}_{size}_astrocut.fits", fits_bytes(units, [*primary])


def survey_pictures(
    survey: Survey, at: tuple[float, float], shape: tuple[int, int], size: str, kind: str, looks: Looks
) -> Iterator[tuple[str, bytes]]:
    """Pictures of a survey's cutout; as `survey_fits`, with ``kind`` (``jpg`` or ``png``) and ``looks``."""
    grid, corner = survey.frame.cutout(*at, shape)
    for band in survey.bands:
        file = survey.file.format(band)
        data = pixels(survey.frame, grid, corner, band, file)
        yield f"{file}_{_place(at)}_{size}_astrocut.{kind}", picture(data, kind, looks)


def _place(at: tuple[float, float]) -> str:
    return f"{at[0]:.6f}_{at[1]:.6f}"
