"""Cutouts of large images: TESS full-frame images (`Tesscut`), deep fields (`Zcut`), Hubble's mosaics (`Hapcut`).

In: a position and a size.  Out: the surveys that have it, and its cutouts in memory or on disk.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from ..exceptions import InputWarning, InvalidArgumentError, NoResultsWarning
from ..service.core import MastClass
from ..service.retrying import Deadline
from ..sky.position import as_radius
from ..warn import warn_user
from .protocol import NO_SURVEY, as_format, as_size, image_params, refuse_other_units, surveys
from .service import CutoutService
from .tess import TesscutClass

__all__ = ["Hapcut", "HapcutClass", "Tesscut", "TesscutClass", "Zcut", "ZcutClass"]


class ZcutClass(MastClass):
    """Cutouts of the deep fields; see `MastClass` for parameters."""

    _starting_points = ("get_surveys", "get_cutouts")

    @property
    def _cutouts(self) -> CutoutService:
        """The service that does the work."""
        return CutoutService(self._service, "zcut", "Zcut")

    def get_surveys(
        self, coordinates: Any, *, radius: Any = "0d", timeout: float | u.Quantity | None = None
    ) -> list[str]:
        """Return the deep field surveys that have a position.

        Parameters
        ----------
        coordinates : str, `~astropy.coordinates.SkyCoord` or frame object
            Where to look; text that is not a position is taken as the name of an object.
        radius : str, float, or `~astropy.units.Quantity`
            How far around; a plain number is in degrees.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        list of str
            Their names.

        Raises
        ------
        InvalidQueryError
            If the position or the radius cannot be read.
        RemoteServiceError
            If the service fails.
        """
        return _surveys_around(self._cutouts, coordinates, as_radius(radius), self._service.deadline(timeout))

    def download_cutouts(
        self,
        coordinates: Any,
        *,
        size: Any = 5,
        survey: str | None = None,
        cutout_format: str = "fits",
        path: str | os.PathLike[str] = ".",
        inflate: bool = True,
        verbose: bool = False,
        timeout: float | u.Quantity | None = None,
        **img_params: Any,
    ) -> Table:
        """Download cutouts as FITS files or as pictures.

        A file is whole or absent, and replaces one of the same name.

        Parameters
        ----------
        coordinates
            As `get_surveys`.
        size : int, `~astropy.units.Quantity`, or sequence of two
            In pixels (plain numbers) or as an angle; two are ``(ny, nx)``, one is both.
        survey : str, optional
            The survey; all that have the position if not given.
        cutout_format : str
            ``"fits"``, ``"jpg"`` or ``"png"``.
        path : path-like
            The folder for the files, made if need be.
        inflate : bool
            Whether to unpack the zip file in which cutouts come, and to remove it.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take.  If not given, the request may take ``conf.timeout``, and the transfer of
            its answer as long as there is progress.
        **img_params : object
            For pictures: ``stretch`` (``"asinh"``, ``"sinh"``, ``"sqrt"``, ``"log"``, ``"linear"``),
            ``minmax_percent`` and ``minmax_value`` (the range to be shown, ``[low, high]``), ``invert`` (True or
            False); see https://astrocut.readthedocs.io.  ``units`` of the size, ``"px"`` or ``"d"``, may be given too.

        Returns
        -------
        `~astropy.table.Table`
            A row for each file: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size``, ``SHA256`` and more.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be applied, or the service refuses the request.
        RemoteServiceError
            If the service fails.
        TimeoutError
            If the time was not enough.
        """
        asked = as_size(size)
        refuse_other_units(asked, img_params.pop("units", None))
        params = {**asked.params(), **_of_survey(survey), **_of_pictures(cutout_format, img_params)}
        return self._cutouts.save_around(coordinates, params, path, timeout, inflate=inflate, verbose=verbose)

    def get_cutouts(
        self,
        coordinates: Any,
        *,
        size: Any = 5,
        survey: str | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[fits.HDUList]:
        """Return cutouts in memory.

        Parameters
        ----------
        coordinates, size, survey
            As `download_cutouts`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        list of `~astropy.io.fits.HDUList`
            The attribute ``filename`` is the name that the service gives each.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be applied, or the service refuses the request.
        RemoteServiceError
            If the service fails.
        TimeoutError
            If the time was not enough.
        """
        return self._cutouts.open_around(coordinates, {**as_size(size).params(), **_of_survey(survey)}, timeout)


def _of_survey(survey: Any) -> dict[str, object]:
    """The parameter that names a survey, if there is one."""
    if survey is None:
        return {}
    if not isinstance(survey, str) or not survey.strip():
        raise InvalidArgumentError(f"survey={survey!r}: the name of one survey is needed, or None for all.")
    return {"survey": survey}


def _of_pictures(cutout_format: str, given: Mapping[str, Any]) -> dict[str, object]:
    """The parameters of the format and, for pictures, of how they are drawn."""
    asked = as_format(cutout_format)
    pictures = image_params(given)
    if pictures and asked == "fits":
        warn_user(f"{', '.join(pictures)}: no effect on FITS files; cutout_format='jpg'?", InputWarning)
        pictures = {}
    return {"cutout_format": asked, **pictures}


def _surveys_around(cutouts: CutoutService, coordinates: Any, radius: u.Quantity, deadline: Deadline) -> list[str]:
    """The surveys that have a position, with a warning if there are none."""
    cone = cutouts.around(coordinates, None, radius, None, deadline)
    question = cutouts.question("survey", cone.params())
    found = surveys(cutouts.document(question, deadline), question.service)
    if not found:
        warn_user(NO_SURVEY, NoResultsWarning)
    return found


class HapcutClass(MastClass):
    """Cutouts of Hubble's mosaics, the Hubble Advanced Products; see `MastClass` for parameters."""

    _starting_points = ("get_cutouts", "download_cutouts")

    @property
    def _cutouts(self) -> CutoutService:
        """The service that does the work."""
        return CutoutService(self._service, "hapcut", "Hapcut", posts_json=True)

    def download_cutouts(
        self,
        coordinates: Any,
        *,
        size: Any = 5,
        path: str | os.PathLike[str] = ".",
        inflate: bool = True,
        verbose: bool = False,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Download cutouts as FITS files, one for each filter of each mosaic.

        A file is whole or absent, and replaces one of the same name.

        Parameters
        ----------
        coordinates : str, `~astropy.coordinates.SkyCoord` or frame object
            Where to look; text that is not a position is taken as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two
            In pixels (plain numbers) or as an angle; two are ``(ny, nx)``, one is both.
        path : path-like
            The folder for the files, made if need be.
        inflate : bool
            Whether to unpack the zip file in which cutouts come, and to remove it.
        verbose : bool
            Whether to show a bar on a terminal, and to log the outcome.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take.  If not given, the request may take ``conf.timeout``, and the transfer of
            its answer as long as there is progress.

        Returns
        -------
        `~astropy.table.Table`
            A row for each file: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size``, ``SHA256`` and more.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be applied, or the service refuses the request.
        RemoteServiceError
            If the service fails.
        TimeoutError
            If the time was not enough.
        """
        return self._cutouts.save_around(
            coordinates, as_size(size).params(), path, timeout, inflate=inflate, verbose=verbose
        )

    def get_cutouts(
        self, coordinates: Any, *, size: Any = 5, timeout: float | u.Quantity | None = None
    ) -> list[fits.HDUList]:
        """Return cutouts in memory, one for each filter of each mosaic.

        Parameters
        ----------
        coordinates, size
            As `download_cutouts`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        list of `~astropy.io.fits.HDUList`
            Each with the extensions ``SCI`` and ``WHT``; the attribute ``filename`` is the name that the service gives
            it.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be applied, or the service refuses the request.
        RemoteServiceError
            If the service fails.
        TimeoutError
            If the time was not enough.
        """
        return self._cutouts.open_around(coordinates, as_size(size).params(), timeout)


Tesscut = TesscutClass()
Zcut = ZcutClass()
Hapcut = HapcutClass()
