"""The cutout services over HTTP: ``/tesscut``, ``/zcut`` and ``/hapcut``.

In: a `RequestRecord`. Out: a `Reply`: a ZIP with a file per detector, survey or filter, JSON lists of sectors or
surveys, or ``{"msg": ...}`` with status 200 where there is nothing to cut.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .cutoutrequest import Arguments
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.cutout_asteroids import Asteroid
    from .archive.cutout_sectors import Detector

__all__ = ["PATHS", "Cutouts"]

_BASE = "/api/v0.1/"
#: Paths, and the names under which their requests are logged.
PATHS: Mapping[str, str] = {
    f"/{service}{_BASE}{path}": service
    for service, paths in (
        ("tesscut", ("sector", "astrocut", "moving_target/sector", "moving_target/astrocut")),
        ("zcut", ("survey", "astrocut")),
        ("hapcut", ("astrocut",)),
    )
    for path in paths
}
#: Largest side of a cutout; full-frame images are cut many times over.
MOST_TESS_PIXELS, MOST_IMAGE_PIXELS = 100, 1200
#: Size of a TESS pixel in radii that are given in pixels, degrees.
TESS_PIXEL = 21.0 / 3600.0
FORMATS = ("fits", "jpg", "png")
BODIES = ("majorbody", "smallbody")
#: ZIP entries carry a date; a fixed one keeps the bytes the same.
DATE = (2025, 1, 1, 0, 0, 0)

NO_SECTOR = "No TESS data was found at the requested position."
NO_SURVEY = "No survey covers the requested position."
NO_IMAGE = "No Hubble advanced products were found at the requested position."
NO_BODY = "No moving target of that name was found."


class Cutouts:
    """Cut images; what is needed for it is imported with the first cut, for it takes a while."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def tesscut(self, record: RequestRecord) -> Reply:
        """List sectors or cut full-frame images, around a place or along the way of a minor planet."""
        wanted = Arguments(record)
        path = record.path.partition(_BASE)[2]
        answers = {
            "sector": self._sectors,
            "astrocut": self._place,
            "moving_target/sector": self._track_sectors,
            "moving_target/astrocut": self._track,
        }
        return answers[path](wanted)

    def _sectors(self, wanted: Arguments) -> Reply:
        from .archive.cutout_sectors import detectors_at  # noqa: PLC0415

        found = detectors_at(self._archive, *wanted.place(), wanted.radius("0d", TESS_PIXEL))
        return Reply.json({"results": [_listed(detector) for detector in found]})

    def _place(self, wanted: Arguments) -> Reply:
        from .archive.cutout_sectors import SCALE, detectors_at  # noqa: PLC0415
        from .archive.cutout_tess import place_cutout  # noqa: PLC0415

        at, sector = wanted.place(), wanted.whole("sector")
        shape = wanted.size().shape(SCALE, MOST_TESS_PIXELS)
        found = [one for one in detectors_at(self._archive, *at) if sector in (None, one.sector)]
        files = [place_cutout(self._archive, detector, at, shape) for detector in found]
        return (
            _packed(files, f"astrocut_{at[0]}_{at[1]}.zip", deflated=True) if files else Reply.json({"msg": NO_SECTOR})
        )

    def _body(self, wanted: Arguments) -> Asteroid | None:
        """The minor planet that is asked for. Planets and moons are known to the real service alone."""
        from .archive.cutout_asteroids import asteroid  # noqa: PLC0415

        name = wanted.required("obj_id")
        kind = wanted.choice("obj_type", "smallbody", BODIES)
        return asteroid(name) if kind == "smallbody" else None

    def _track_sectors(self, wanted: Arguments) -> Reply:
        from .archive.cutout_asteroids import crossed  # noqa: PLC0415

        body = self._body(wanted)
        if body is None:
            return Reply.json({"results": [], "msg": NO_BODY})
        # This list alone has zeros before the number of the sector.
        found = [_listed(one) | {"sector": f"{one.sector:04d}"} for one in crossed(self._archive, body)]
        return Reply.json({"results": found})

    def _track(self, wanted: Arguments) -> Reply:
        from .archive.cutout_asteroids import crossed  # noqa: PLC0415
        from .archive.cutout_sectors import SCALE  # noqa: PLC0415
        from .archive.cutout_tess import track_cutout  # noqa: PLC0415

        sector, shape = wanted.whole("sector"), wanted.size().shape(SCALE, MOST_TESS_PIXELS)
        body = self._body(wanted)
        if body is None:
            return Reply.json({"msg": NO_BODY})
        found = [one for one in crossed(self._archive, body) if sector in (None, one.sector)]
        files = [track_cutout(self._archive, detector, body, shape) for detector in found]
        return _packed(files, f"astrocut_{body.name}.zip", deflated=True) if files else Reply.json({"msg": NO_SECTOR})

    def zcut(self, record: RequestRecord) -> Reply:
        """List the surveys of a place, or cut them."""
        from .archive.cutout_surveys import surveys_at  # noqa: PLC0415

        wanted = Arguments(record)
        at = wanted.place()
        if record.path.endswith("/survey"):
            radius = wanted.radius("0.2d", 0.03 / 3600.0)
            return Reply.json({"surveys": [survey.name for survey in surveys_at(*at, radius)]})
        files = self._surveys(wanted, at)
        return _packed(files, f"zcut_{at[0]}_{at[1]}.zip", deflated=False) if files else Reply.json({"msg": NO_SURVEY})

    def _surveys(self, wanted: Arguments, at: tuple[float, float]) -> list[tuple[str, bytes]]:
        from .archive import cutout_surveys  # noqa: PLC0415
        from .archive.cutout_images import STRETCHES, Looks  # noqa: PLC0415

        kind, size, chosen = wanted.choice("cutout_format", "fits", FORMATS), wanted.size(), wanted.text("survey")
        looks = Looks(
            stretch=wanted.choice("stretch", "asinh", tuple(STRETCHES)),
            percent=wanted.pair("minmax_percent"),
            values=wanted.pair("minmax_value"),
            invert=wanted.flag("invert"),
        )
        files: list[tuple[str, bytes]] = []
        for survey in cutout_surveys.surveys_at(*at):
            if chosen not in (None, survey.name):
                continue
            shape = size.shape(survey.frame.scale, MOST_IMAGE_PIXELS)
            if kind == "fits":
                files += cutout_surveys.survey_fits(survey, at, shape, size.text)
            else:
                files += cutout_surveys.survey_pictures(survey, at, shape, size.text, kind, looks)
        return files

    def hapcut(self, record: RequestRecord) -> Reply:
        """Cut the Hubble advanced products of a place."""
        from .archive.cutout_skycells import PIXELS, sky_cell_cutouts  # noqa: PLC0415

        wanted = Arguments(record, takes_json=True)
        at, size = wanted.place(), wanted.size()
        shapes = {pixel: size.shape(pixel / 3600.0, MOST_IMAGE_PIXELS) for pixel in PIXELS}
        files = list(sky_cell_cutouts(self._archive, at, shapes))
        if not files:
            return Reply.json({"results": [], "msg": NO_IMAGE})
        return _packed(files, f"hapcut_{at[0]}_{at[1]}.zip", deflated=True)


def _listed(detector: Detector) -> dict[str, str]:
    return {
        "sectorName": detector.name,
        "sector": str(detector.sector),
        "camera": str(detector.camera),
        "ccd": str(detector.ccd),
    }


def _packed(files: Iterable[tuple[str, bytes]], name: str, *, deflated: bool) -> Reply:
    content = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(content, "w", method) as archive:
        for path, data in files:
            entry = zipfile.ZipInfo(path, DATE)
            entry.compress_type = method
            archive.writestr(entry, data)
    headers = (("Content-Type", "application/zip"), ("Content-Disposition", f"attachment; filename={name}"))
    return Reply(200, headers, content.getvalue())
