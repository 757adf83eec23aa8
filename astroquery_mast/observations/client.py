"""`ObservationsClass`: observations by position, by name and by criteria, and their files."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import requests
from astropy import units as u
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument

from ..config import PROCESS_STATES
from ..deferred import deferred
from ..query.one_answer import OneAnswer
from ..sky.radii import DEFAULT_MATCH_RADIUS, DEFAULT_RADIUS
from .associations.methods import MemberMethods
from .criteria_methods import CriteriaMethods
from .hlsp.methods import HlspMethods
from .product_methods import ObservationProductMethods, cloud_state

if TYPE_CHECKING:
    from ..query import known_catalogs
    from ..query.types import AngleLike, CoordinatesLike, CriterionLike, PositionsLike, RadiusLike, RegionLike, SortLike
    from ..service import mast_service, parallel
    from ..service.mast_service import Asked
    from . import search, suggestions, values
    from .many import ManyObservations
else:
    known_catalogs, mast_service, parallel, search, suggestions, values = deferred(
        __package__, "..query.known_catalogs ..service.mast_service ..service.parallel .search .suggestions .values"
    )

__all__ = ["Observations", "ObservationsClass"]


F = TypeVar("F", bound=Callable[..., Any])

_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")


def _explained(method: F) -> F:
    """Add advice to the `TypeError` of a positional query method that is called with wrong arguments."""
    signature = inspect.signature(method)

    @wraps(method)
    def call(*args: Any, **keywords: Any) -> Any:
        try:
            signature.bind(*args, **keywords)
        except TypeError:
            advice = suggestions.call_advice(method.__name__, args[1:], keywords, list(signature.parameters)[1:])
        else:
            return method(*args, **keywords)
        try:
            return method(*args, **keywords)
        except TypeError as err:  # Python's own message
            raise TypeError(f"{err}. {advice}".removesuffix(". ")) from None

    return cast("F", call)


class ObservationsClass(HlspMethods, ObservationProductMethods):
    """Search the observations of all missions in MAST, and download their files.

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
    >>> from astroquery_mast import Observations
    >>> table = Observations.query_criteria(proposal_id=10452, calib_level=3)
    >>> len(table)
    30
    """

    _starting_points = ("query_criteria", "list_missions", "help")

    get_members = MemberMethods.get_members
    get_parents = MemberMethods.get_parents
    gather_association = MemberMethods.gather_association
    criteria = CriteriaMethods.criteria
    help = CriteriaMethods.help

    @cached_property
    def _search(self) -> search.ObservationSearch:
        """The search for observations."""
        return search.ObservationSearch(self._service)

    @cached_property
    def _values(self) -> values.ObservationValues:
        """The lists of columns and values."""
        return values.ObservationValues(self._service, self._search)

    def _search_for(self, place: search.Place) -> search.ObservationSearch | ManyObservations:
        """Return the search for one target or for many."""
        if not place.many:
            return self._search
        from .many import ManyObservations  # noqa: PLC0415 - only many targets need it

        return ManyObservations(self._service, self._search)

    # -- by position -------------------------------------------------------------------------------------------

    @_explained
    def query_region(
        self,
        coordinates: PositionsLike | None = None,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: SortLike | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
    ) -> Table | Asked:
        """Return the observations whose footprint overlaps a circle, or another region, on the sky.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        columns : str or iterable of str, optional
            The columns to return, in this order; ``obsid`` is always included.  By default, all columns are returned.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        merge_nearby : bool, default True
            For many targets, whether nearby targets share one request for a larger circle, where each row can be
            assigned to its targets with certainty.  With False, each target has its own request.
        limit : int, optional
            The largest number of rows to return; for many targets, the largest number for each target.  A warning is
            issued if there are more rows.  Fewer pages are then retrieved, unless the rows are sorted or cut to a
            region.  By default, all rows are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort by, or pairs such as ``("desc", "t_min")``; for many targets, the rows of each target
            are sorted.  All rows are retrieved and sorted locally, because MAST does not sort them.  Rows without a
            value come last.
        sort_desc : bool or iterable of bool, optional
            Whether to sort in descending order: one value for all columns, or one for each.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation, or the request.  ``distance`` is the separation of the footprint from the
            position, or from the center of the circle around the region (arcsec, 0 inside).  For many targets, the
            first column is ``input_row``, the row of the target in the input; ``meta["failed"]`` lists the targets
            without a response, and ``meta["unmatched"]`` (in files ``nomatch``) the targets without observations.

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
            If nothing is found.
        `~astroquery.exceptions.MaxResultsWarning`
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.query_region(
        ...     "202.4696 47.1952", radius="10 arcsec", limit=None, sort_by="t_min"
        ... )
        >>> print(table["obs_id", "instrument_name", "distance"][:2])
          obs_id  instrument_name distance
                                   arcsec
        --------- --------------- --------
        j70101010 ACS/WFC              0.0
        j70101aaq ACS/WFC              0.0
        2 rows x 3 columns
        """
        place = search.Place(coordinates, radius=radius, region=region, overlap=overlap)
        arguments = search.QueryArguments(
            place, None, columns, pagesize, page, cache, merge_nearby, limit, sort_by, sort_desc
        )
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(place).table(arguments, options)

    def query_region_async(
        self,
        coordinates: CoordinatesLike,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[requests.Response]:
        """Return the HTTP responses of `query_region`.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

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

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> responses = Observations.query_region_async(
        ...     "202.4696 47.1952", radius="10 arcsec", pagesize=5, page=1
        ... )
        >>> [response.status_code for response in responses]
        [200]
        """
        place = search.Place(coordinates, radius=radius)
        return self._search.responses(search.QueryArguments(place, pagesize=pagesize, page=page), timeout)

    def query_region_count(
        self,
        coordinates: PositionsLike | None = None,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
    ) -> int | Table | Asked:
        """Return the number of observations that `query_region` finds.

        MAST counts the observations in a circle.  With ``region``, or with ``overlap="center"``, the positions and
        footprints of all rows are retrieved (three columns) and counted locally.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize, page : int, optional
            Ignored; accepted because ``astroquery.mast`` accepts them.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            The number; or for many targets a table with ``input_row`` and ``count``, in the order of the input, where a
            count without a response is masked; or the request.

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

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.query_region_count("202.4696 47.1952", radius="10 arcsec")
        205
        """
        del pagesize, page
        place = search.Place(coordinates, radius=radius, region=region, overlap=overlap)
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor)
        return self._search_for(place).count(search.QueryArguments(place, cache=cache), options)

    # -- by name -----------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    @_explained
    def query_object(
        self,
        object_name: str | Iterable[str],
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: SortLike | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
    ) -> Table | Asked:
        """Return the observations around an object.

        Parameters
        ----------
        object_name : str or iterable of str
            The name of the object.  For many names, the table has an additional column ``target``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        columns : str or iterable of str, optional
            The columns to return, in this order; ``obsid`` is always included.  By default, all columns are returned.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        merge_nearby : bool, default True
            For many targets, whether nearby targets share one request for a larger circle, where each row can be
            assigned to its targets with certainty.  With False, each target has its own request.
        limit : int, optional
            The largest number of rows to return; for many targets, the largest number for each target.  A warning is
            issued if there are more rows.  Fewer pages are then retrieved, unless the rows are sorted or cut to a
            region.  By default, all rows are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort by, or pairs such as ``("desc", "t_min")``; for many targets, the rows of each target
            are sorted.  All rows are retrieved and sorted locally, because MAST does not sort them.  Rows without a
            value come last.
        sort_desc : bool or iterable of bool, optional
            Whether to sort in descending order: one value for all columns, or one for each.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation, or the request.  ``distance`` is the separation of the footprint from the
            object (arcsec, 0 inside).  For many names, the first columns are ``input_row``, the place of the name in
            the input, and ``target``, the name; ``meta["failed"]`` lists the names without a position or a response,
            and ``meta["unmatched"]`` (in files ``nomatch``) the names without observations.

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
            If nothing is found.
        `~astroquery.exceptions.MaxResultsWarning`
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> columns = ["obs_id", "instrument_name"]
        >>> table = Observations.query_object(
        ...     "M51", radius="10 arcsec", columns=columns, limit=None, sort_by="t_min"
        ... )
        >>> print(table[:2])
          obs_id  instrument_name  obsid
        --------- --------------- --------
        j70101010 ACS/WFC         24000882
        j70101aaq ACS/WFC         24000889
        2 rows x 3 columns
        """
        place = search.Place(None, object_name, radius, resolver, overlap=overlap)
        arguments = search.QueryArguments(
            place, None, columns, pagesize, page, cache, merge_nearby, limit, sort_by, sort_desc
        )
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(place).table(arguments, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_async(
        self,
        object_name: str,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> list[requests.Response]:
        """Return the HTTP responses of `query_object`.

        Parameters
        ----------
        object_name : str
            The name of the object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

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

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> responses = Observations.query_object_async(
        ...     "M51", radius="10 arcsec", pagesize=5, page=1
        ... )
        >>> [response.status_code for response in responses]
        [200]
        """
        place = search.Place(None, object_name, radius, resolver)
        return self._search.responses(search.QueryArguments(place, pagesize=pagesize, page=page), timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_count(
        self,
        object_name: str | Iterable[str],
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
    ) -> int | Table | Asked:
        """Return the number of observations that `query_object` finds.

        Parameters
        ----------
        object_name : str or iterable of str
            The name of the object.  For many names, the table has an additional column ``target``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize, page : int, optional
            Ignored; accepted because ``astroquery.mast`` accepts them.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            The number; or for many names a table with ``input_row``, ``target`` and ``count``, in the order of the
            input, where a count without a response is masked; or the request.

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

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.query_object_count("M51", radius="10 arcsec")
        205
        """
        del pagesize, page
        place = search.Place(None, object_name, radius, resolver, overlap=overlap)
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor)
        return self._search_for(place).count(search.QueryArguments(place, cache=cache), options)

    # -- by criteria -------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria(
        self,
        *,
        coordinates: PositionsLike | None = None,
        object_name: str | Iterable[str] | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: SortLike | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        **criteria: CriterionLike,
    ) -> Table | Asked:
        """Return the observations that meet all criteria.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        object_name : str or iterable of str, optional
            The name of the object.  For many names, the table has an additional column ``target``.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        columns : str or iterable of str, optional
            The columns to return, in this order; ``obsid`` is always included.  By default, all columns are returned.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        merge_nearby : bool, default True
            For many targets, whether nearby targets share one request for a larger circle, where each row can be
            assigned to its targets with certainty.  With False, each target has its own request.
        limit : int, optional
            The largest number of rows to return; for many targets, the largest number for each target.  A warning is
            issued if there are more rows.  Fewer pages are then retrieved, unless the rows are sorted or cut to a
            region.  By default, all rows are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort by, or pairs such as ``("desc", "t_min")``; for many targets, the rows of each target
            are sorted.  All rows are retrieved and sorted locally, because MAST does not sort them.  Rows without a
            value come last.
        sort_desc : bool or iterable of bool, optional
            Whether to sort in descending order: one value for all columns, or one for each.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and wildcards as in ``instrument_name="NIRCAM*"``.
            Columns of numbers and times take ``[minimum, maximum]``, where None leaves an end open, or a list of such
            pairs.  Columns of numbers also take comparisons such as ``">=2"`` and ranges such as ``"2..5"``.
            `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation, or the request.  With a position or a region, ``distance`` is the separation
            of the footprint from it (arcsec, 0 inside).  For many targets, the first column is ``input_row``, the row
            of the target in the input; ``meta["failed"]`` lists the targets without a response, and
            ``meta["unmatched"]`` (in files ``nomatch``) the targets without observations.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given; nothing is sent in this case.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.
        `~astroquery.exceptions.MaxResultsWarning`
            If there are more rows than ``limit``.

        See Also
        --------
        help : what each criterion takes.
        list_values : the values of a column.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.query_criteria(
        ...     instrument_name="ACS*", proposal_id=10452, obs_id="j97*", t_exptime=[1000, None]
        ... )
        >>> table.sort("obs_id")
        >>> print(table["obs_id", "filters", "t_exptime"][:2])
          obs_id     filters    t_exptime
                                    s
        --------- ------------- ---------
        j97c01010 CLEAR1L;F435W  2679.887
        j97c01020 F555W           2670.05
        2 rows x 3 columns
        """
        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        arguments = search.QueryArguments(
            place, criteria, columns, pagesize, page, cache, merge_nearby, limit, sort_by, sort_desc
        )
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(place).table(arguments, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_async(
        self,
        *,
        coordinates: PositionsLike | None = None,
        object_name: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | u.Quantity | None = None,
        **criteria: CriterionLike,
    ) -> list[requests.Response]:
        """Return the HTTP responses of `query_criteria`.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  Give at most one of ``coordinates`` and ``object_name``.
        object_name : str, optional
            The name of the object to search around, instead of a position.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and wildcards as in ``instrument_name="NIRCAM*"``.
            Columns of numbers and times take ``[minimum, maximum]``, where None leaves an end open, or a list of such
            pairs.  Columns of numbers also take comparisons such as ``">=2"`` and ranges such as ``"2..5"``.
            `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        list of `requests.Response`
            One response for each page.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given; nothing is sent in this case.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> responses = Observations.query_criteria_async(proposal_id=10452, pagesize=5, page=1)
        >>> [response.status_code for response in responses]
        [200]
        """
        place = search.Place(coordinates, object_name, radius, resolver)
        return self._search.responses(search.QueryArguments(place, criteria, pagesize=pagesize, page=page), timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_count(
        self,
        *,
        coordinates: PositionsLike | None = None,
        object_name: str | Iterable[str] | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> int | Table | Asked:
        """Return the number of observations that `query_criteria` finds.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        object_name : str or iterable of str, optional
            The name of the object.  For many names, the table has an additional column ``target``.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  With 0, only footprints that contain the position match.  For
            many targets, an array gives each its own radius.
        pagesize, page : int, optional
            Ignored; accepted because ``astroquery.mast`` accepts them.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and wildcards as in ``instrument_name="NIRCAM*"``.
            Columns of numbers and times take ``[minimum, maximum]``, where None leaves an end open, or a list of such
            pairs.  Columns of numbers also take comparisons such as ``">=2"`` and ranges such as ``"2..5"``.
            `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            The number; or for many targets a table with ``input_row`` and ``count``, in the order of the input, where a
            count without a response is masked; or the request.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given; nothing is sent in this case.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.query_criteria_count(proposal_id=10452, calib_level=3)
        30
        """
        del pagesize, page
        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor)
        return self._search_for(place).count(search.QueryArguments(place, criteria, cache=cache), options)

    def query_criteria_iter(
        self,
        *,
        coordinates: PositionsLike | None = None,
        object_name: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        pagesize: int | None = None,
        resolver: str | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        columns: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        cache: bool | None = None,
        get_query_payload: bool = False,
        **criteria: CriterionLike,
    ) -> Iterator[Table] | dict[str, object]:
        """Return the observations that meet all criteria as an iterator of tables, which needs little memory.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  Give at most one of ``coordinates``, ``object_name`` and
            ``region``.
        object_name : str, optional
            The name of the object to search around, instead of a position.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        pagesize : int, optional
            The largest number of rows in a table.  Defaults to ``conf.pagesize``.  Tables may have fewer rows: the last
            one, those cut to a region, and those of responses that had to be retrieved in parts.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        columns : str or iterable of str, optional
            The columns to return, in this order; ``obsid`` is always included.  By default, all columns are returned.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that each page may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        max_workers : int, default 2
            The number of pages to retrieve while one is in use.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and wildcards as in ``instrument_name="NIRCAM*"``.
            Columns of numbers and times take ``[minimum, maximum]``, where None leaves an end open, or a list of such
            pairs.  Columns of numbers also take comparisons such as ``">=2"`` and ranges such as ``"2..5"``.
            `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        iterator of `~astropy.table.Table`, or dict
            Tables with the columns of `query_criteria`, or the request.  ``meta["page"]`` is the number of the page,
            counted from 1, and ``meta["total"]`` the number of rows of all pages, each in a list.  If nothing is found,
            there is one table without rows.  Closing the iterator ends the requests.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given; raised by the call, before the iteration.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError, TimeoutError
            During the iteration, if the service fails or takes too long, or, at the end, if rows are missing.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> pages = Observations.query_criteria_iter(proposal_id=10452, pagesize=10)
        >>> first = next(pages)
        >>> first.meta["page"], len(first)
        ([1], 10)
        >>> pages.close()
        """
        from .stream import ObservationStream  # noqa: PLC0415 - only large results need it

        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        arguments = search.QueryArguments(place, criteria, columns, pagesize, cache=cache)
        return ObservationStream(self._service, self._search).tables(
            arguments, timeout=timeout, max_workers=max_workers, get_query_payload=get_query_payload
        )

    def query_tap(
        self,
        adql: str,
        *,
        limit: int | OneAnswer | None = OneAnswer.ONE_ANSWER,
        key: str | None = None,
        maxrec: int | None = None,
        run_async: bool | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        get_query_payload: bool = False,
    ) -> Table | dict[str, object]:
        """Return the rows of an ADQL query for observations and files, with the columns of `query_criteria`.

        Parameters
        ----------
        adql : str
            The query, of the tables in ``VO.list_tables("caom")``: ``dbo.obspointing`` has the observations, and
            ``dbo.caomartifact`` has their files (its ``planetid`` is ``objid`` of the former).  Use
            `VOClass.cone_condition` to write the condition for a circle on the sky.
        limit : int or None, optional
            The largest number of rows to return.  More rows than fit in one response are retrieved in pages.  With
            None, all rows are returned, and their number is verified at the end.  By default, the rows of one response
            (``maxrec``) are returned.
        key : str, optional
            The column that orders the pages.  It should be indexed and nearly unique.  By default, a column is used
            that the service lists as indexed or as the main identifier; without one, the sky is split into boxes.
        maxrec : int, optional
            The largest number of rows in a response or a page.  Defaults to the limit of MAST, 100,000.
        run_async : bool, optional
            Whether to run the query as an asynchronous job.  By default, the query runs synchronously, and again as a
            job if that takes longer than the gateway of the service allows, or than half of the timeout.  Queries in
            pages run as jobs.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show a progress bar on a terminal.
        get_query_payload : bool, default False
            Whether to return the request without sending it.

        Returns
        -------
        `~astropy.table.Table` or dict
            The rows, or the request.  Columns that `query_criteria` or `get_product_list` also return have the names
            (``dataURL``, ``productFilename``, ``size``) and types (``obsid`` is text) that they have there, and those
            of ``dbo.obspointing`` the units: wavelengths are in nm.  `get_product_list` takes a table with ``obsid``,
            and `download_products` one with ``dataURI``.  ``meta`` is that of `VOClass.query_tap`, with each value in a
            list.

        Raises
        ------
        InvalidQueryError
            If the query or an argument is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.
        `~astroquery.exceptions.MaxResultsWarning`
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.query_tap(
        ...     "SELECT TOP 2 obsid, dataurl, em_min FROM dbo.obspointing "
        ...     "WHERE obs_collection = 'HST' AND calib_level = 3 ORDER BY obsid"
        ... )
        >>> print(table)
         obsid                 dataURL               em_min
                                                       nm
        -------- ----------------------------------- ------
        24000000 mast:HST/product/j97c01010_drc.fits  360.0
        24000035 mast:HST/product/j97c01020_drc.fits  458.0
        2 rows x 3 columns
        """
        from .tap import ObservationTap, TapQuestion  # noqa: PLC0415 - only these queries need it

        question = TapQuestion(adql, limit, key, maxrec, run_async, verbose)
        return ObservationTap(self._service).answer(question, timeout, payload=get_query_payload)

    # -- many positions, matched by MAST -------------------------------------------------------------------------------

    def crossmatch(
        self,
        table: PositionsLike,
        *,
        radius: AngleLike = DEFAULT_MATCH_RADIUS,
        best: bool = False,
        ra_column: str | None = None,
        dec_column: str | None = None,
        chunk_size: int | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        executor: Executor | None = None,
        get_query_payload: bool = False,
        verbose: bool = True,
        cache: bool | None = None,
    ) -> Table | list[dict[str, object]]:
        """Return the observations at each of many positions.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions: a table with a `~astropy.coordinates.SkyCoord` column, or with right ascension and
            declination columns of the usual names (in degrees, unless the columns have a unit or are text in hours and
            degrees); a `~astropy.coordinates.SkyCoord` array; or a list of positions.
        radius : `~astropy.units.Quantity`, str, or float, default 7.2 arcsec
            The search radius; a number is in degrees.  An observation matches if any part of its footprint is within
            the radius.
        best : bool, default False
            Whether to return only the nearest match of each position.  A match without a known position is returned
            only if there is no other.
        ra_column, dec_column : str, optional
            The columns with right ascension and declination, if they have unusual names.
        chunk_size : int, optional
            The number of positions in a request.  Defaults to at most 1000.  A request that is too large for MAST is
            split in half.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  By default, only each request is
            limited, to ``conf.timeout``.
        max_workers : int, optional
            The number of requests to run at a time.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests.  By default, threads of this process run them.
        get_query_payload : bool, default False
            Whether to return the requests without sending them.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table` or list of dict
            One row for each match, sorted by position and separation, or the requests.  ``input_row`` is the row of the
            position in the input; ``separation`` (arcsec) is computed from the position and that of the match (the
            center of an observation), and is masked if the latter is unknown; the other columns are those of MAST.
            ``meta["unmatched"]`` (in files ``nomatch``) lists the rows without a match, ``meta["failed"]`` the rows
            without a position or a response, with the reason, and ``meta["beyond"]`` is the number of matches that were
            removed, with a warning, because they are not within the radius.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        RemoteServiceError, TimeoutError
            If no position has a response.

        Warns
        -----
        `~astroquery.exceptions.NoResultsWarning`
            If nothing is found.
        `~astroquery_mast.exceptions.CorruptDataWarning`
            If matches that are not within the radius were removed.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from astroquery_mast import Observations
        >>> positions = SkyCoord([202.4696, 210.8023], [47.1952, 54.3489], unit="deg")
        >>> matches = Observations.crossmatch(positions, verbose=False)
        >>> matches.sort(["input_row", "separation", "obs_id"])
        >>> print(matches["input_row", "obs_id", "separation"][:2])
        input_row                 obs_id                separation
                                                          arcsec
        --------- ------------------------------------- ----------
                0 hlsp_legus_hst_acs_m51_f435w_v1.0_drz  0.2175716
                0 hlsp_legus_hst_acs_m51_f555w_v1.0_drz  0.2175716
        2 rows x 3 columns
        """
        from ..targets.crossmatch import CrossmatchSearch  # noqa: PLC0415 - only many positions need it

        return CrossmatchSearch(self._service).table(
            table,
            (known_catalogs.OBSERVATIONS, *known_catalogs.OBSERVATIONS.service({})),
            radius,
            parallel.RunOptions(verbose, max_workers, executor, timeout),
            best=best,
            columns={"ra_column": ra_column, "dec_column": dec_column},
            chunk_size=chunk_size,
            cache=cache,
            payload=get_query_payload,
        )

    # -- missions, columns and values ----------------------------------------------------------------------------------

    def list_missions(self) -> list[str]:
        """Return the missions that have data in MAST.

        Returns
        -------
        list of str
            The values of the column ``obs_collection``, in alphabetical order.

        Raises
        ------
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> Observations.list_missions()
        ['FUSE', 'GALEX', 'HLA', 'HLSP', 'HST', 'IUE', 'JWST', 'K2', ..., 'TESS']
        """
        return self._values.missions()

    def list_columns(self, *, timeout: float | u.Quantity | None = None, cache: bool | None = None) -> Table:
        """Return the columns of observations, and the ranges of their values.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``name``, ``kind``, ``unit``, ``description``, ``values`` (the number of distinct
            values), ``min`` and ``max``.  The last three are masked if MAST does not list them.

        Raises
        ------
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> columns = Observations.list_columns()
        >>> print(columns["name", "kind", "unit", "description"][16:18])
           name    kind unit                  description
        --------- ----- ---- -----------------------------------------------
        t_max     float MJD  End of the last exposure (Modified Julian Date)
        t_exptime float sec  Exposure time
        2 rows x 4 columns
        """
        return self._values.columns(timeout, cache)

    def list_values(
        self,
        column: str,
        /,
        *,
        coordinates: PositionsLike | None = None,
        object_name: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        resolver: str | None = None,
        region: RegionLike | None = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> Table:
        """Return the values of a column, and the number of observations with each value.

        Without criteria, a position or a region, the counts are MAST's own, of all observations.  Otherwise the column
        is retrieved for the observations that match, up to ``conf.server_row_limit``, and its values are counted
        locally.

        Parameters
        ----------
        column : str
            A column of text, integers or booleans; see `list_columns`.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  Give at most one of ``coordinates``, ``object_name`` and
            ``region``.
        object_name : str, optional
            The name of the object to search around, instead of a position.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        region : object, optional
            The region to search, instead of a position and a radius: an STC-S string such as ``s_region``; three or
            more vertices as one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the
            ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these
            except MOCs.  MAST is queried for the smallest circle around the region; rows outside the region are then
            removed, and ``meta["cut"]`` gives their number.
        overlap : {"footprint", "center"}, default "footprint"
            Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region;
            with ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and wildcards as in ``instrument_name="NIRCAM*"``.
            Columns of numbers and times take ``[minimum, maximum]``, where None leaves an end open, or a list of such
            pairs.  Columns of numbers also take comparisons such as ``">=2"`` and ranges such as ``"2..5"``.
            `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.

        Returns
        -------
        `~astropy.table.Table`
            The columns ``value`` and ``count``, in order of decreasing count.  A cell with several values, as in
            ``filters``, counts for each of them.

        Raises
        ------
        InvalidQueryError
            If the column does not exist or is continuous, an argument is not valid, or too many observations match (for
            a region: in the circle around it).
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails, or does not list the values.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> values = Observations.list_values("dataproduct_type", proposal_id=10452)
        >>> values.pprint()
        value count
        ----- -----
        image   126
        """
        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        return self._values.values(column, search.QueryArguments(place, criteria, cache=cache), timeout)

    def get_metadata(self, query_type: str) -> Table:
        """Return the columns of a type of query, with their units and descriptions.

        Parameters
        ----------
        query_type : {"observations", "products"}
            The type of query.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``Column Name``, ``Column Label``, ``Data Type``, ``Units``, ``Description`` and
            ``Examples/Valid Values``.

        Raises
        ------
        InvalidQueryError
            If there is no such type of query.
        RemoteServiceError
            If the service fails.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> columns = Observations.get_metadata("observations")
        >>> print(columns["Column Name", "Column Label", "Data Type"][:2])
         Column Name     Column Label   Data Type
        -------------- ---------------- ---------
        intentType     Observation Type string
        obs_collection Mission          string
        2 rows x 3 columns
        """
        return self._search.metadata(query_type)


Observations = ObservationsClass()

PROCESS_STATES.append(cloud_state(Observations))
