"""Cutouts of TESS full-frame images, as target pixel files: `TesscutClass`.

In: a fixed or moving target, a size, sectors.  Out: the sectors in which it was observed; cutouts in memory or on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument

from ..exceptions import InputWarning, InvalidQueryError, NoResultsWarning
from ..query.request import ApiRequest
from ..service.core import MastClass
from ..service.resolver import warn_unused_resolver
from ..service.retrying import Deadline
from ..sky.position import as_radius
from ..tables.table import TableBuilder
from ..warn import warn_user
from .files import as_folder
from .protocol import (
    NO_SECTOR,
    SECTOR_COLUMNS,
    CutoutSize,
    CutoutTarget,
    as_sectors,
    as_size,
    message_of,
    moving_target_named,
    one_target,
    sector_page,
)
from .service import CutoutService, as_workers

if TYPE_CHECKING:
    from ..query.types import AngleLike, CoordinatesLike, SizeLike

F = TypeVar("F", bound=Callable[..., Any])

_TICA = (
    "Tesscut no longer supports products other than those of SPOC, such as TICA (TESS Image CAlibrator). "
    "Omit the argument 'product'."
)


def _with_deprecated_arguments(method: F) -> F:
    """Let a method of `TesscutClass` accept deprecated arguments."""
    # A single decorator for both, because with nested ones the warning would refer to a line of astropy.
    names, since = (("objectname", "product"), ("object_name", None)), ("0.4.12", "0.4.11")
    return cast("F", deprecated_renamed_argument(*names, since=since, message=(None, _TICA))(method))


def _only_spoc(product: Any) -> None:
    """Raise for any product but SPOC."""
    if str(product).upper() != "SPOC":
        raise InvalidQueryError(f"Input product must be SPOC. {product!r} is no longer available.")


@dataclass(frozen=True)
class GivenTarget:
    """The target as passed by the user; see `TesscutClass.get_sectors`."""

    coordinates: Any
    object_name: str | None
    moving: bool
    mt_type: str | None
    resolver: str | None


class TessService(CutoutService):
    """The cutout service of TESS, with sectors and moving targets."""

    def sectors(self, given: GivenTarget, radius: Any, timeout: float | u.Quantity | None) -> Table:
        """Return the sectors in which a target was observed."""
        around = float(as_radius(radius).deg)
        deadline = self.service.deadline(timeout)
        target = self._target(given, deadline)
        if given.moving and around:
            warn_user("radius has no effect on a moving target.", InputWarning)
        return self._sectors(target, deadline, around)

    def save(
        self,
        given: GivenTarget,
        size: Any,
        sector: Any,
        path: str | os.PathLike[str],
        max_workers: int | None,
        timeout: float | u.Quantity | None,
        *,
        inflate: bool,
        verbose: bool,
    ) -> Table:
        """Download the cutouts of a target; see `TesscutClass.download_cutouts`."""
        cutout_size, sectors, folder, workers = (
            as_size(size),
            as_sectors(sector),
            as_folder(path),
            as_workers(max_workers),
        )
        deadline = self.service.deadline(timeout)
        queries = self._by_sector(self._target(given, deadline), cutout_size, sectors, deadline)
        limit = None if timeout is None else deadline
        return self.save_all(queries, folder, limit, inflate=inflate, verbose=verbose, max_workers=workers)

    def open(
        self, given: GivenTarget, size: Any, sector: Any, max_workers: int | None, timeout: float | u.Quantity | None
    ) -> list[fits.HDUList]:
        """Return the cutouts of a target in memory."""
        cutout_size, sectors, workers = as_size(size), as_sectors(sector), as_workers(max_workers)
        deadline = self.service.deadline(timeout)
        return self.open_all(
            self._by_sector(self._target(given, deadline), cutout_size, sectors, deadline), deadline, workers
        )

    def _target(self, given: GivenTarget, deadline: Deadline) -> CutoutTarget:
        """Return the target of the queries."""
        one_target(given.coordinates, given.object_name, moving=bool(given.moving))
        if given.moving:
            warn_unused_resolver(given.resolver)
            return moving_target_named(given.object_name, given.mt_type)
        if given.mt_type is not None:
            warn_user("mt_type has no effect without moving_target=True.", InputWarning)
        return CutoutTarget.at(self.around(given.coordinates, given.object_name, 0, given.resolver, deadline))

    def _sectors(self, target: CutoutTarget, deadline: Deadline, radius: float = 0.0) -> Table:
        """Return the sectors of a target; warn if there are none."""
        params = target.params if target.moves else {**target.params, "radius": radius}
        query = self.query(f"{target.prefix}sector", params)
        builder = TableBuilder(query, SECTOR_COLUMNS)
        document = self.document(query, deadline)
        builder.add(sector_page(document, query.service))
        table = builder.table()
        if not len(table):
            message = message_of(document, query.service)
            warn_user(f"{NO_SECTOR} {message or ''}".rstrip(), NoResultsWarning)
        return table

    def _by_sector(
        self, target: CutoutTarget, size: CutoutSize, sectors: tuple[int, ...] | None, deadline: Deadline
    ) -> list[ApiRequest]:
        """Return a query for each sector, because one query for all of them may take the service too long."""
        if sectors is None:
            found = self._sectors(target, deadline)["sector"].tolist()
            sectors = tuple(sorted({number for number in found if number is not None}))
        path = f"{target.prefix}astrocut"
        return [
            self.query(path, {**size.params(), "sector": number, **target.params}, f" for sector {number}")
            for number in sectors
        ]


class TesscutClass(MastClass):
    """Return or download cutouts of TESS full-frame images, as target pixel files.

    Specify the target by ``coordinates`` or ``object_name``, or, if it moves, by ``object_name`` and
    ``moving_target=True``.

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
    >>> from astroquery_mast import TesscutClass
    >>> TesscutClass().get_sectors(object_name="HD 209458")["sector"].tolist()
    [14, 14, 17]
    """

    _starting_points = ("get_sectors", "get_cutouts")

    @property
    def _cutouts(self) -> TessService:
        """The service that does the work."""
        return TessService(self._service, "tesscut", "TESScut")

    @_with_deprecated_arguments
    def get_sectors(
        self,
        *,
        coordinates: CoordinatesLike | None = None,
        radius: AngleLike = 0 * u.deg,
        product: str = "SPOC",
        object_name: str | None = None,
        moving_target: bool = False,
        mt_type: str | None = None,
        resolver: str | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the sectors in which TESS observed a target.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position of the target.  Text that is not a position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0 deg
            The search radius; a number is in degrees.  It is ignored for a moving target.
        product : str, default "SPOC"
            Deprecated; only ``"SPOC"`` is accepted.
        object_name : str, optional
            The name of the target, instead of ``coordinates``: also an entry of the TESS Input Catalog such as ``"TIC
            141914082"``; for a moving target, its name or number in JPL Horizons.
        moving_target : bool, default False
            Whether the target moves, like a planet, an asteroid or a comet.
        mt_type : {"majorbody", "smallbody"}, optional
            The type of a moving target.  By default, the service tries both, in this order.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each sector, camera and CCD: ``sectorName``, ``sector``, ``camera`` and ``ccd``.

        Raises
        ------
        InvalidQueryError
            If the target is missing, ambiguous or not valid, or another argument is not valid.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If the target was not observed.
        `~astroquery.exceptions.InputWarning`
            If an argument has no effect.

        Examples
        --------
        >>> from astroquery_mast import Tesscut
        >>> sectors = Tesscut.get_sectors(object_name="HD 209458")
        >>> sectors.pprint()
          sectorName   sector camera ccd
        -------------- ------ ------ ---
        tess-s0014-1-4     14      1   4
        tess-s0014-2-2     14      2   2
        tess-s0017-2-2     17      2   2
        """
        _only_spoc(product)
        given = GivenTarget(coordinates, object_name, moving_target, mt_type, resolver)
        return self._cutouts.sectors(given, radius, timeout)

    @_with_deprecated_arguments
    def download_cutouts(
        self,
        *,
        coordinates: CoordinatesLike | None = None,
        size: SizeLike = 5,
        sector: int | Iterable[int] | None = None,
        product: str = "SPOC",
        path: str | os.PathLike[str] = ".",
        inflate: bool = True,
        object_name: str | None = None,
        moving_target: bool = False,
        mt_type: str | None = None,
        resolver: str | None = None,
        verbose: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Download cutouts: a target pixel file for each sector, camera and CCD.

        An existing file of the same name is replaced once its new version is complete.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position of the target.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        sector : int or sequence of int, optional
            The sectors.  Defaults to all sectors in which the target was observed.  Each sector is one request.
        product : str, default "SPOC"
            Deprecated; only ``"SPOC"`` is accepted.
        path : path-like, default "."
            The folder to write to; it is created as needed.
        inflate : bool, default True
            Whether to unpack the zip file that contains the cutouts, and to remove it.
        object_name : str, optional
            The name of the target, instead of ``coordinates``: also an entry of the TESS Input Catalog such as ``"TIC
            141914082"``; for a moving target, its name or number in JPL Horizons.
        moving_target : bool, default False
            Whether the target moves, like a planet, an asteroid or a comet.
        mt_type : {"majorbody", "smallbody"}, optional
            The type of a moving target.  By default, the service tries both, in this order.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        verbose : bool, default False
            Whether to show a progress bar on a terminal and to log the outcome.
        max_workers : int, optional
            The number of sectors to request at a time, at most 10.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  By default, each request may take
            ``conf.timeout``, and a transfer may take as long as it makes progress.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest`
            One row for each file: ``Local Path``, ``Status``, ``Message``, ``URL``, ``Size`` (bytes), ``SHA256`` and
            more.  A sector that failed while others succeeded is a row with the status ``"ERROR"``.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails for all sectors.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If the target was not observed.
        `~astroquery.exceptions.InputWarning`
            If an argument has no effect.

        Examples
        --------
        >>> from astroquery_mast import Tesscut
        >>> manifest = Tesscut.download_cutouts(object_name="HD 209458", size=5, sector=17)
        >>> print(manifest["Local Path"][0], manifest["Status"][0])
        tess-s0017-2-2_330.795022_18.884319_5x5_astrocut.fits COMPLETE
        """
        _only_spoc(product)
        given = GivenTarget(coordinates, object_name, moving_target, mt_type, resolver)
        return self._cutouts.save(given, size, sector, path, max_workers, timeout, inflate=inflate, verbose=verbose)

    @_with_deprecated_arguments
    def get_cutouts(
        self,
        *,
        coordinates: CoordinatesLike | None = None,
        size: SizeLike = 5,
        product: str = "SPOC",
        sector: int | Iterable[int] | None = None,
        object_name: str | None = None,
        moving_target: bool = False,
        mt_type: str | None = None,
        resolver: str | None = None,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[fits.HDUList]:
        """Return cutouts in memory: a target pixel file for each sector, camera and CCD.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position of the target.  Text that is not a position is resolved as the name of an object.
        size : int, `~astropy.units.Quantity`, or sequence of two, default 5
            The size of the cutout, in pixels (numbers) or as an angle; two values are ``(ny, nx)``.
        product : str, default "SPOC"
            Deprecated; only ``"SPOC"`` is accepted.
        sector : int or sequence of int, optional
            The sectors.  Defaults to all sectors in which the target was observed.  Each sector is one request.
        object_name : str, optional
            The name of the target, instead of ``coordinates``: also an entry of the TESS Input Catalog such as ``"TIC
            141914082"``; for a moving target, its name or number in JPL Horizons.
        moving_target : bool, default False
            Whether the target moves, like a planet, an asteroid or a comet.
        mt_type : {"majorbody", "smallbody"}, optional
            The type of a moving target.  By default, the service tries both, in this order.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        max_workers : int, optional
            The number of sectors to request at a time, at most 10.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `~astropy.io.fits.HDUList`
            The cutouts, in the order of the sectors; the attribute ``filename`` of each is the name given by the
            service.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the request.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails for one of the sectors.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If the target was not observed.
        `~astroquery.exceptions.InputWarning`
            If an argument has no effect.

        Examples
        --------
        >>> from astroquery_mast import Tesscut
        >>> cutouts = Tesscut.get_cutouts(object_name="HD 209458", size=5, sector=17)
        >>> cutouts[0]["PIXELS"].data["FLUX"].shape
        (30, 5, 5)
        """
        _only_spoc(product)
        given = GivenTarget(coordinates, object_name, moving_target, mt_type, resolver)
        return self._cutouts.open(given, size, sector, max_workers, timeout)
