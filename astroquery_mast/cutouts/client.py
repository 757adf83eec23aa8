"""Cutouts of large images: TESS full-frame images (`Tesscut`), deep fields (`Zcut`), Hubble mosaics (`Hapcut`).

In: a position and a size.  Out: the surveys that cover the position, and cutouts in memory or on disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from ..query.types import AngleLike, CoordinatesLike, SizeLike

__all__ = ["Hapcut", "HapcutClass", "Tesscut", "TesscutClass", "Zcut", "ZcutClass"]


class ZcutClass(MastClass):
    """Return or download cutouts of deep fields.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import ZcutClass
    >>> ZcutClass().get_surveys("189.49206 62.20615")
    ['candels_gn_60mas', 'candels_gn_30mas', 'goods_north']
    """

    _starting_points = ("get_surveys", "get_cutouts")

    @property
    def _cutouts(self) -> CutoutService:
        """The service that does the work."""
        return CutoutService(self._service, "zcut", "Zcut")

    def get_surveys(
        self, coordinates: CoordinatesLike, *, radius: AngleLike = "0d", timeout: float | u.Quantity | None = None
    ) -> list[str]:
        """Return the deep field surveys that cover a position.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position of the center.  Text that is not a position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0
            The search radius; a number is in degrees.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of str
            The names of the surveys.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no survey covers the position.

        Examples
        --------
        >>> from astroquery_mast import Zcut
        >>> Zcut.get_surveys("189.49206 62.20615")
        ['candels_gn_60mas', 'candels_gn_30mas', 'goods_north']
        """
        return _surveys_around(self._cutouts, coordinates, as_radius(radius), self._service.deadline(timeout))

    def download_cutouts(
        self,
        coordinates: CoordinatesLike,
        *,
        size: SizeLike = 5,
        survey: str | None = None,
        cutout_format: str = "fits",
        path: str | os.PathLike[str] = ".",
        inflate: bool = True,
        verbose: bool = False,
        timeout: float | u.Quantity | None = None,
        **img_params: str | float | bool | Iterable[float],
    ) -> Table:
        """Download cutouts as FITS files or as JPG or PNG images.

        An existing file of the same name is replaced once its new version is complete.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position of the center.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        survey : str, optional
            The survey.  Defaults to all surveys that cover the position.
        cutout_format : {"fits", "jpg", "png"}, default "fits"
            The format of the cutouts.
        path : path-like, default "."
            The folder to write to; it is created as needed.
        inflate : bool, default True
            Whether to unpack the zip file that contains the cutouts, and to remove it.
        verbose : bool, default False
            Whether to show a progress bar on a terminal and to log the outcome.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  By default, each request may take
            ``conf.timeout``, and a transfer may take as long as it makes progress.
        **img_params : str, number, list, or bool
            For images: ``stretch`` (``"asinh"``, ``"sinh"``, ``"sqrt"``, ``"log"`` or ``"linear"``);
            ``minmax_percent`` and ``minmax_value``, the range to show as ``[low, high]``; and ``invert`` (True or
            False); see https://astrocut.readthedocs.io.  ``units`` of the size, ``"px"`` or ``"d"``, is accepted, too.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            One row for each file: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size`` (bytes), ``SHA256`` and
            more.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no survey covers the position.
        `~astroquery.exceptions.InputWarning`
            If image parameters are specified for FITS files.

        Examples
        --------
        >>> from astroquery_mast import Zcut
        >>> manifest = Zcut.download_cutouts(
        ...     "189.49206 62.20615", size=5, survey="candels_gn_60mas"
        ... )
        >>> print(manifest["Local Path"][0], manifest["Status"][0])
        candels_gn_60mas_189.492060_62.206150_5.0pix-x-5.0pix_astrocut.fits COMPLETE
        """
        cutout_size = as_size(size)
        refuse_other_units(cutout_size, img_params.pop("units", None))
        params = {**cutout_size.params(), **_survey_param(survey), **_format_params(cutout_format, img_params)}
        return self._cutouts.save_around(coordinates, params, path, timeout, inflate=inflate, verbose=verbose)

    def get_cutouts(
        self,
        coordinates: CoordinatesLike,
        *,
        size: SizeLike = 5,
        survey: str | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[fits.HDUList]:
        """Return cutouts in memory.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position of the center.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        survey : str, optional
            The survey.  Defaults to all surveys that cover the position.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `~astropy.io.fits.HDUList`
            The cutouts; the attribute ``filename`` of each is the name given by the service.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If no survey covers the position.

        Examples
        --------
        >>> from astroquery_mast import Zcut
        >>> cutouts = Zcut.get_cutouts("189.49206 62.20615", size=5, survey="candels_gn_60mas")
        >>> cutouts[0][1].data.shape
        (5, 5)
        """
        return self._cutouts.open_around(coordinates, {**as_size(size).params(), **_survey_param(survey)}, timeout)


def _survey_param(survey: Any) -> dict[str, object]:
    """Return the parameter for a survey, if any."""
    if survey is None:
        return {}
    if not isinstance(survey, str) or not survey.strip():
        raise InvalidArgumentError(f"survey must be the name of one survey, or None for all, got {survey!r}.")
    return {"survey": survey}


def _format_params(cutout_format: str, given: Mapping[str, Any]) -> dict[str, object]:
    """Return the parameters of the format and, for images, of the stretch and range."""
    file_format = as_format(cutout_format)
    pictures = image_params(given)
    if pictures and file_format == "fits":
        have = "has" if len(pictures) == 1 else "have"
        warn_user(f"{', '.join(pictures)} {have} no effect on FITS cutouts. Use cutout_format='jpg'.", InputWarning)
        pictures = {}
    return {"cutout_format": file_format, **pictures}


def _surveys_around(cutouts: CutoutService, coordinates: Any, radius: u.Quantity, deadline: Deadline) -> list[str]:
    """Return the surveys that cover a position; warn if there are none."""
    cone = cutouts.around(coordinates, None, radius, None, deadline)
    query = cutouts.query("survey", cone.params())
    found = surveys(cutouts.document(query, deadline), query.service)
    if not found:
        warn_user(NO_SURVEY, NoResultsWarning)
    return found


class HapcutClass(MastClass):
    """Return or download cutouts of Hubble mosaics, the Hubble Advanced Products (HAP).

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import HapcutClass
    >>> cutouts = HapcutClass().get_cutouts("M51", size=8)
    >>> cutouts[0]["SCI"].data.shape
    (8, 8)
    """

    _starting_points = ("get_cutouts", "download_cutouts")

    @property
    def _cutouts(self) -> CutoutService:
        """The service that does the work."""
        return CutoutService(self._service, "hapcut", "Hapcut", posts_json=True)

    def download_cutouts(
        self,
        coordinates: CoordinatesLike,
        *,
        size: SizeLike = 5,
        path: str | os.PathLike[str] = ".",
        inflate: bool = True,
        verbose: bool = False,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Download cutouts as FITS files, one for each filter of each mosaic.

        An existing file of the same name is replaced once its new version is complete.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position of the center.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        path : path-like, default "."
            The folder to write to; it is created as needed.
        inflate : bool, default True
            Whether to unpack the zip file that contains the cutouts, and to remove it.
        verbose : bool, default False
            Whether to show a progress bar on a terminal and to log the outcome.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  By default, each request may take
            ``conf.timeout``, and a transfer may take as long as it makes progress.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            One row for each file: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size`` (bytes), ``SHA256`` and
            more.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Hapcut
        >>> manifest = Hapcut.download_cutouts("M51", size=8)
        >>> print(manifest["Local Path"][0], manifest["Status"][0])
        hst_cutout_skycell-p2204x21y10-ra202d4696-decn47d1953_acs_wfc_f435w.fits COMPLETE
        """
        return self._cutouts.save_around(
            coordinates, as_size(size).params(), path, timeout, inflate=inflate, verbose=verbose
        )

    def get_cutouts(
        self, coordinates: CoordinatesLike, *, size: SizeLike = 5, timeout: float | u.Quantity | None = None
    ) -> list[fits.HDUList]:
        """Return cutouts in memory, one for each filter of each mosaic.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position of the center.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `~astropy.io.fits.HDUList`
            The cutouts, with the extensions ``SCI`` and ``WHT``; the attribute ``filename`` of each is the name given
            by the service.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Hapcut
        >>> cutouts = Hapcut.get_cutouts("M51", size=8)
        >>> cutouts[0]["SCI"].data.shape
        (8, 8)
        """
        return self._cutouts.open_around(coordinates, as_size(size).params(), timeout)


Tesscut = TesscutClass()
Zcut = ZcutClass()
Hapcut = HapcutClass()
