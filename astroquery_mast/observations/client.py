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
from .criteria_methods import CriteriaMethods
from .hlsp_methods import HlspMethods
from .member_methods import MemberMethods
from .product_methods import ObservationProductMethods, cloud_state

if TYPE_CHECKING:
    from ..query import known_catalogs
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
    """Let a method that takes a position, and no criteria, say what to write instead of arguments that it lacks."""
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
        except TypeError as err:  # in Python's own words
            raise TypeError(f"{err}. {advice}".removesuffix(". ")) from None

    return cast("F", call)


class ObservationsClass(HlspMethods, ObservationProductMethods):
    """Observations of all missions in MAST, and their files.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.
    """

    _starting_points = ("query_criteria", "list_missions", "help")

    get_members = MemberMethods.get_members
    get_parents = MemberMethods.get_parents
    gather_association = MemberMethods.gather_association
    criteria = CriteriaMethods.criteria
    help = CriteriaMethods.help

    @cached_property
    def _search(self) -> search.ObservationSearch:
        """What asks for observations in one place, or anywhere."""
        return search.ObservationSearch(self._service)

    @cached_property
    def _values(self) -> values.ObservationValues:
        """What tells which values there are."""
        return values.ObservationValues(self._service, self._search)

    def _search_for(self, place: search.Place) -> search.ObservationSearch | ManyObservations:
        """Return what asks for one target, or for many."""
        if not place.many:
            return self._search
        from .many import ManyObservations  # noqa: PLC0415 - only many targets need it

        return ManyObservations(self._service, self._search)

    # -- by position -------------------------------------------------------------------------------------------

    @_explained
    def query_region(
        self,
        coordinates: Any = None,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        region: Any = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: Any = None,
        sort_desc: bool | Iterable[bool] | None = None,
    ) -> Table | Asked:
        """Return the observations whose footprint touches a circle, or another region, on the sky.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The center.  Text is read as ICRS, in degrees unless it names a unit; text that cannot be read as a position
            is taken for the name of an object.  Or many targets: a `~astropy.coordinates.SkyCoord` array, a list of
            positions, or a `~astropy.table.Table` with columns of positions.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 0.2 degrees; a plain number is in degrees.  Zero finds what contains the center.
            For many targets it may be an array.
        region : object, optional
            Instead of a position and a radius: ``s_region`` text, three or more vertices as one
            `~astropy.coordinates.SkyCoord` or as pairs (RA, Dec) in degrees, a shape of ``regions``, a ``mocpy.MOC``,
            an `~astropy.wcs.WCS` with ``array_shape``, or a list of any of these except MOCs.  The archive is asked for
            the smallest circle around the region; rows outside of the region are then removed, and the list
            ``meta["cut"]`` says how many.
        overlap : str
            ``"footprint"``: any part of the footprint must be in the circle or region.  ``"center"``: its position
            (``s_ra``, ``s_dec``) must be, too.
        pagesize : int, optional
            Rows in a page; ``conf.pagesize`` if not given.
        page : int, optional
            Return only this page, counted from 1, instead of all.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        get_query_payload : bool
            Return the request instead of sending it.
        verbose : bool
            Whether to log the number of rows, and for many targets to show a progress bar on a terminal.
        max_workers : int, optional
            For many targets: how many requests run at a time; ``conf.max_workers`` if not given.
        executor : `concurrent.futures.Executor`, optional
            For many targets: what runs the requests; threads of this process if not given.
        columns : str or iterable of str, optional
            The columns to return, in this order; all if not given.  ``obsid`` is always added.  The archive sends no
            other columns.
        cache : bool, optional
            Whether to use an answer that was kept on disk, and to keep this one; ``conf.cache`` if not given.
        merge_nearby : bool
            For many targets: whether neighbors share one request for a larger circle, if it is certain which of its
            rows belong to which target.  False sends a request for each target.
        limit : int, optional
            How many rows to return at most, with a warning if there are more; all if not given.  No more pages are
            fetched than that takes, unless rows are sorted or a region is cut out.  For many targets the limit of each.
        sort_by : str, tuple, or list of these, optional
            Columns to sort by, or pairs such as ``("desc", "t_min")``; for many targets the rows of each.  MAST does
            not sort: all rows are fetched and sorted by this package; rows without a value come last.
        sort_desc : bool or iterable of bool, optional
            Whether the largest comes first; one for all columns, or one for each.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation, or the request.  ``distance`` is the separation of the footprint from the
            center, or from the center of the circle around the region (arcsec, zero inside).  For many targets the
            first column is ``input_row``, the row of the target in the input; ``meta["failed"]`` lists the targets
            without an answer, and ``meta["unmatched"]`` (in files ``nomatch``) those without observations.  Where
            neighbors shared a request, ``distance`` is computed from ``s_region`` by this package.

        Raises
        ------
        InvalidQueryError
            If the position, the radius or the region is not valid; nothing was sent then.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If it takes longer than ``timeout``.
        """
        place = search.Place(coordinates, radius=radius, region=region, overlap=overlap)
        arguments = search.QueryArguments(
            place, None, columns, pagesize, page, cache, merge_nearby, limit, sort_by, sort_desc
        )
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(place).table(arguments, options)

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response]:
        """Return the responses of `query_region`, one per page."""
        place = search.Place(coordinates, radius=radius)
        return self._search.responses(search.QueryArguments(place, pagesize=pagesize, page=page), timeout)

    def query_region_count(
        self,
        coordinates: Any = None,
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        region: Any = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
    ) -> int | Table | Asked:
        """Return how many observations `query_region` finds.

        The archive counts what is in a circle.  With ``region``, or ``overlap="center"``, the positions and footprints
        of all rows are fetched (three columns) and counted by this package.

        Parameters
        ----------
        coordinates, radius, region, overlap, timeout, get_query_payload, max_workers, executor, cache
            As `query_region`.
        pagesize, page : int, optional
            Ignored; accepted because ``astroquery.mast`` has them.

        Returns
        -------
        int or dict
            For many targets a `~astropy.table.Table` with ``input_row`` and ``count``, in the order of the input; a
            count is masked where there is no answer.
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
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: Any = None,
        sort_desc: bool | Iterable[bool] | None = None,
    ) -> Table | Asked:
        """Return the observations around an object.

        Parameters
        ----------
        object_name : str or iterable of str
            The name of the object, or the names of many objects; the table then also has the column ``target``.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; the first that knows the name if not given.
        radius, pagesize, page, overlap, timeout, get_query_payload, verbose, max_workers, executor
            As `query_region`.
        columns, cache, merge_nearby, limit, sort_by, sort_desc : object, optional
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table` or dict

        Raises
        ------
        ResolverError
            If the name has no position; otherwise as `query_region`.
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
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
    ) -> list[requests.Response]:
        """Return the responses of `query_object`, one per page."""
        place = search.Place(None, object_name, radius, resolver)
        return self._search.responses(search.QueryArguments(place, pagesize=pagesize, page=page), timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_count(
        self,
        object_name: str | Iterable[str],
        *,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
    ) -> int | Table | Asked:
        """Return how many observations `query_object` finds; parameters as there and in `query_region_count`."""
        del pagesize, page
        place = search.Place(None, object_name, radius, resolver, overlap=overlap)
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor)
        return self._search_for(place).count(search.QueryArguments(place, cache=cache), options)

    # -- by criteria -------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria(
        self,
        *,
        coordinates: Any = None,
        object_name: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        region: Any = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        columns: str | Iterable[str] | None = None,
        cache: bool | None = None,
        merge_nearby: bool = True,
        limit: int | None = None,
        sort_by: Any = None,
        sort_desc: bool | Iterable[bool] | None = None,
        **criteria: Any,
    ) -> Table | Asked:
        """Return the observations that meet all criteria.

        Parameters
        ----------
        coordinates, object_name, region : object, optional
            Where to look, as `query_region` and `query_object`; at most one of them.
        radius, pagesize, page, resolver, overlap, timeout, get_query_payload, verbose, max_workers, executor
            As `query_region` and `query_object`.
        columns, cache, merge_nearby, limit, sort_by, sort_desc : object, optional
            As `query_region`.
        **criteria : object
            One or more columns of ``get_metadata("observations")``, in upper or lower case.

            - Columns of text and of integers take a value or a list of values, one of which a row must have; one of
              them may have wildcards: ``instrument_name="NIRCAM*"``.
            - Columns of numbers and times take ``[minimum, maximum]``, either of which may be None for an open end,
              or a list of such pairs.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.
            - Columns of numbers take comparisons, ``">=2"`` or ``("gte", 2)``, and ranges, ``"2..5"``; see
              `astroquery_mast.query.conditions`.

        Returns
        -------
        `~astropy.table.Table` or dict
            One row for each observation; with a position also the ``distance`` from it (arcsec).

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or cannot be applied, or if no criterion is given; nothing was sent then.
        ResolverError, RemoteServiceError, TimeoutError
            As `query_region` and `query_object`.
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
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        timeout: float | None = None,
        **criteria: Any,
    ) -> list[requests.Response]:
        """Return the responses of `query_criteria`, one per page."""
        place = search.Place(coordinates, object_name, radius, resolver)
        return self._search.responses(search.QueryArguments(place, criteria, pagesize=pagesize, page=page), timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_count(
        self,
        *,
        coordinates: Any = None,
        object_name: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        region: Any = None,
        overlap: str = "footprint",
        timeout: float | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> int | Table | Asked:
        """Return how many observations `query_criteria` finds.

        Parameters
        ----------
        coordinates, object_name, region, radius, resolver, overlap, timeout : object, optional
            As `query_criteria`; a position or a region alone is enough here.
        get_query_payload, max_workers, executor, cache, **criteria
            As `query_criteria`.
        pagesize, page : int, optional
            Ignored; accepted because ``astroquery.mast`` has them.

        Returns
        -------
        int or dict
            For many targets a table, as `query_region_count`.
        """
        del pagesize, page
        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        options = mast_service.CallOptions(timeout, get_query_payload, max_workers, executor)
        return self._search_for(place).count(search.QueryArguments(place, criteria, cache=cache), options)

    def query_criteria_iter(
        self,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        pagesize: int | None = None,
        resolver: str | None = None,
        region: Any = None,
        overlap: str = "footprint",
        columns: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
        max_workers: int | None = None,
        cache: bool | None = None,
        get_query_payload: bool = False,
        **criteria: Any,
    ) -> Iterator[Table] | dict[str, object]:
        """Return the observations that meet all criteria, as a sequence of tables that need little memory.

        Parameters
        ----------
        coordinates, object_name, radius, resolver, region, overlap, **criteria
            As `query_criteria`; for one position or region.
        pagesize : int, optional
            The largest number of rows in a table; ``conf.pagesize`` if not given.  There are fewer in the last one,
            where rows outside of a region were removed, and where the answer had to be fetched in parts.
        columns, cache : object, optional
            As `query_region`.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that each page may take; ``conf.timeout`` if not given.
        max_workers : int, optional
            How many pages are fetched while one is in use; two if not given.
        get_query_payload : bool
            Return the request instead of sending it.

        Returns
        -------
        iterator of `~astropy.table.Table`
            The tables have the columns of `query_criteria`, and in ``meta`` the lists ``page`` (counted from 1) and
            ``total``, the number of rows of all pages.  If nothing is found, there is one table without rows.  Closing
            the iterator ends the requests.

        Raises
        ------
        InvalidQueryError
            As `query_criteria`, when the method is called.
        RemoteServiceError, TimeoutError
            During the iteration: if the archive fails, and at the end if rows are missing.
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
        """Return the rows of a query in ADQL about observations and files, in the columns of `query_criteria`.

        Parameters
        ----------
        adql : str
            The query, of the tables ``VO.list_tables("caom")``: ``dbo.obspointing`` has the observations, and
            ``dbo.caomartifact`` their files (``planetid`` there is ``objid`` here).
            `VOClass.cone_condition` writes the condition that a position is in a circle.
        limit, key, maxrec, run_async, timeout, verbose, get_query_payload : object, optional
            As `VOClass.query_tap`.

        Returns
        -------
        `~astropy.table.Table` or dict
            The rows.  Columns that the other queries for observations or lists of products have, too, have the same
            names (``dataURL``, ``productFilename``; ``contentlength`` is ``size``) and types (``obsid`` is text).
            Those of ``dbo.obspointing`` have the same units: wavelengths are in nm, whatever the service says.  So
            `get_product_list` takes a table with ``obsid``, and `download_products` one with ``dataURI``.
            ``meta`` is that of `VOClass.query_tap`, with each value in a list, as the other queries have it.

        Raises
        ------
        InvalidQueryError, RemoteServiceError, TimeoutError
            As `VOClass.query_tap`.

        Examples
        --------
        >>> from astroquery_mast import Observations
        >>> table = Observations.query_tap(
        ...     "SELECT TOP 2 obsid, dataurl, em_min FROM dbo.obspointing "
        ...     "WHERE obs_collection = 'HST' AND calib_level = 3 ORDER BY obsid"
        ... )
        >>> print(table.colnames, table["em_min"].unit)
        ['obsid', 'dataURL', 'em_min'] nm
        """
        from .tap import ObservationTap, TapQuestion  # noqa: PLC0415 - only these queries need it

        question = TapQuestion(adql, limit, key, maxrec, run_async, verbose)
        return ObservationTap(self._service).answer(question, timeout, payload=get_query_payload)

    # -- many positions, matched by the archive ----------------------------------------------------------------

    def crossmatch(
        self,
        table: Any,
        *,
        radius: Any = DEFAULT_MATCH_RADIUS,
        best: bool = False,
        ra_column: str | None = None,
        dec_column: str | None = None,
        chunk_size: int | None = None,
        timeout: float | None = None,
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
            The positions: a table with a column of `~astropy.coordinates.SkyCoord`, or with right ascension and
            declination under one of their usual names (in degrees, unless the columns have another unit, or are text in
            hours and degrees); an array; or a list of positions.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 7.2 arcsec; a plain number is in degrees.  An observation matches where any part of
            its footprint is within the radius.
        best : bool
            Whether to return only the nearest match of each position.  A match whose position is not known is returned
            if it is the only one.
        ra_column, dec_column : str, optional
            The columns of the table, if they have other names.
        chunk_size : int, optional
            Positions in a request, 1000 at most if not given.  Requests that are too much for the archive are halved.
        timeout : float, optional
            Seconds that the whole call may take; without it each request has ``conf.timeout``.
        max_workers : int, optional
            Requests at a time; ``conf.max_workers`` if not given.
        executor : `concurrent.futures.Executor`, optional
            What runs the requests; threads of this process if not given.
        get_query_payload : bool
            Return the requests instead of sending them.
        verbose : bool
            Whether to show a progress bar on a terminal, and to log the outcome.
        cache : bool, optional
            Whether to use answers that were kept on disk, and to keep these; ``conf.cache`` if not given.

        Returns
        -------
        `~astropy.table.Table` or list of dict
            A row for each match, by position and separation: ``input_row``, the row of the position in the input;
            ``separation`` (arcsec), computed from the position and that of the match (the center of an observation),
            masked where the archive does not say where the match is; and the archive's columns.  ``meta["unmatched"]``
            lists the rows without a match (in files it is called ``nomatch``), ``meta["failed"]`` those that have no
            position or no answer, with the reason, and ``meta["beyond"]`` counts matches that were left out, with a
            warning, because they are not within the radius.

        Raises
        ------
        InvalidQueryError
            If there are no positions, or an argument cannot be applied; nothing was sent then.
        RemoteServiceError, TimeoutError
            If there is no answer for any position.
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

    # -- what there is -----------------------------------------------------------------------------------------

    def list_missions(self) -> list[str]:
        """Return the missions whose data MAST holds.

        Returns
        -------
        list of str
            In alphabetical order, as in the column ``obs_collection``.
        """
        return self._values.missions()

    def list_columns(self, *, timeout: float | u.Quantity | None = None, cache: bool | None = None) -> Table:
        """Return the columns of observations, and the range of their values.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``name``, ``kind``, ``unit``, ``description``, ``values`` (the number of different
            values), ``min`` and ``max``.  The last three are masked where the archive does not give them.
        """
        return self._values.columns(timeout, cache)

    def list_values(
        self,
        column: str,
        /,
        *,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        resolver: str | None = None,
        region: Any = None,
        overlap: str = "footprint",
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Table:
        """Return the values that a column has, and how many observations have each.

        Without criteria, a position or a region this is the archive's own count of all its observations.  With them the
        column is fetched for the observations that meet them, up to ``conf.server_row_limit``, and its values are
        counted by this package.

        Parameters
        ----------
        column : str
            A column of text, integers or booleans; see `list_columns`.
        coordinates, object_name, radius, resolver, region, overlap, **criteria
            Which observations, as in `query_criteria`, for one position or region; all if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        cache : bool, optional
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table`
            ``value`` and ``count``, the most frequent first.  A cell with several values, as in ``filters``, counts
            for each of them.

        Raises
        ------
        InvalidQueryError
            If there is no such column, if it is continuous, or if too many observations meet the criteria (for a
            region: are in the circle around it).
        RemoteServiceError, TimeoutError
            If the archive fails, or has no list of the values.
        """
        place = search.Place(coordinates, object_name, radius, resolver, region, overlap)
        return self._values.values(column, search.QueryArguments(place, criteria, cache=cache), timeout)

    def get_metadata(self, query_type: str) -> Table:
        """Return the columns of a kind of query, with their units and descriptions.

        Parameters
        ----------
        query_type : str
            ``"observations"`` or ``"products"``.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``Column Name``, ``Column Label``, ``Data Type``, ``Units``, ``Description``,
            ``Examples/Valid Values``.

        Raises
        ------
        InvalidQueryError
            If there is no such kind of query.
        """
        return self._search.metadata(query_type)


Observations = ObservationsClass()

PROCESS_STATES.append(cloud_state(Observations))
