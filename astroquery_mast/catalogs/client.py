"""`CatalogsClass`: catalog queries by position, name and criteria, and the spectra of the Hubble Source Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument

from ..query.known_catalogs import find_crossmatch
from ..query.selection import Selection
from ..service.mast_service import Asked, CallOptions
from ..service.parallel import RunOptions
from ..sky.position import TargetInput
from ..sky.radii import DEFAULT_MATCH_RADIUS, DEFAULT_RADIUS
from ..tables.columns import metadata_table
from .collection_methods import DEFAULT_CATALOG, CatalogCollections
from .search import DEFAULT_LIMIT, DEFAULT_OFFSET, CatalogArguments, TapOptions

if TYPE_CHECKING:
    from astropy import units as u

    from ..query.types import (
        AngleLike,
        CoordinatesLike,
        CriterionLike,
        PositionsLike,
        RadiusLike,
        RegionLike,
        SortLike,
    )


__all__ = ["Catalogs", "CatalogsClass"]


_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")


class CatalogsClass(CatalogCollections):
    """Search the catalogs of MAST: HSC, Galex, Gaia, TIC, CTL, DiskDetective, PLATO, Pan-STARRS, and those of TAP.

    Parameters
    ----------
    collection : str, optional
        The TAP collection to use by default; see `get_collections`.  Without it, the Mashup and catalog services are
        used.  It is verified when it is first used: no request is sent when a client is created.
    catalog : str, optional
        The table of the collection to use by default.  Defaults to the main table of the collection.  Without a
        collection, the catalog to use by default, as the query methods take it.
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import CatalogsClass
    >>> stars = CatalogsClass(collection="tic")
    >>> stars.catalog
    'dbo.CatalogRecord'
    """

    _starting_points = ("query_region", "query_criteria", "get_collections")

    # -- by position ---------------------------------------------------------------------------------------------

    def query_region(
        self,
        coordinates: PositionsLike | None = None,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        version: int | None = None,
        pagesize: int | None = None,
        page: int | None = None,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: RegionLike | None = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: str | Iterable[str] | None = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, CriterionLike] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: CriterionLike,
    ) -> Table | Asked | int | str:
        """Return the rows of a catalog around a position, or in a region.

        TAP is used if a collection is given or is the default of the client, if only TAP has the catalog, or if an
        argument from ``collection`` to ``return_adql`` is given.  Otherwise the Mashup and catalog services are used.
        ``meta["service"]`` names the service.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        catalog : str, default "HSC"
            The catalog, in any case: ``"HSC"``, ``"Galex"``, ``"Gaia"``, ``"TIC"``, ``"CTL"``, ``"DiskDetective"``,
            ``"PLATO"`` or ``"Panstarrs"``; the full name of a Mashup service; or another name ``X``, for the service
            ``Mast.Catalogs.X.Cone``.  With TAP: a table of the collection, in any case and with or without its schema;
            or, without ``collection``, its full name such as ``"tic_v82.source"``.
        version : int, optional
            The version of the catalog, for HSC (2, 3) and Gaia (1, 2, 3).  Defaults to the latest.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``, which for many
            targets applies to each.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.  TAP responses are not
            cached.
        collection : str, optional
            The TAP collection, in any case; see `get_collections`.  Defaults to the collection of the client.
        region : object, optional
            The region to search, instead of a position and a radius: a circle or polygon as text, such as ``"CIRCLE
            202.47 47.2 0.1"`` or ``"POLYGON GALACTIC ..."``; three or more vertices as one
            `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the ``regions`` package; a
            ``mocpy.MOC``; or a list of these.  Where the service cannot search the region, the smallest circle around
            it is searched and the rows outside the region are removed.
        limit : int or None, default 5000
            With TAP, the largest number of rows to return, for many targets the number for each; a
            `~astroquery.exceptions.MaxResultsWarning` is issued if there are more.  With None, all rows are returned,
            in pages.
        offset : int, default 0
            With TAP, the number of rows to skip.  If it is given, even as 0, the rows are also sorted by the
            identifier, so that pages do not overlap.
        count_only : bool, default False
            With TAP, whether to return the number of rows instead of the rows.
        select_cols : str or list of str, optional
            With TAP, the columns to return, like ``columns``; a column that does not exist is ignored with a warning.
        sort_desc : bool or list of bool, optional
            With TAP, whether to sort in descending order: one value for all columns of ``sort_by``, or one for each.
        filters : dict, optional
            With TAP, criteria for columns that have the name of an argument of this method: column name → criterion.
        run_async : bool, optional
            With TAP, whether to run the query as an asynchronous job.  By default, the query runs synchronously, and as
            a job if that takes too long.
        return_adql : bool, default False
            Whether to return the query in ADQL without sending it.
        **criteria : object
            With TAP, criteria on any column, as in `query_criteria`.  Otherwise parameters of the catalog: for HSC
            ``nr`` (the largest number of rows, 50000), ``ni`` (the smallest number of images, 1) and ``magtype`` (1:
            MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            The rows, with the columns and units of the catalog; or, as requested, their number, the query in ADQL, or
            the request.  With TAP, ``meta`` also has ``"collection"``, ``"catalog"`` and ``"adql_query"``.  For many
            targets, the first column is ``input_row``, the row of the target in the input, followed with TAP by
            ``search_pos``, its position as text in degrees.  ``meta["failed"]`` lists the targets without a response,
            ``meta["unmatched"]`` those without rows, and ``meta["limited"]`` those with more rows than the limit.

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
            If there may be more rows than a limit returns.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> stars = Catalogs.query_region(
        ...     "202.4696 47.1952", radius="3 arcmin", catalog="TIC", sort_by="Tmag"
        ... )
        >>> stars["ID", "ra", "dec", "Tmag"][:2].pprint()
             ID          ra          dec      Tmag
                        deg          deg      mag
        ----------- ------------ ----------- ------
        10001747638   202.469575   47.195258 11.936
          880772958 202.48022381 47.22651687 14.498
        """
        target = TargetInput(coordinates, None, radius)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        tap_options = TapOptions(
            collection, region, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._run_query(arguments, tap_options, options)

    def query_region_async(
        self,
        coordinates: CoordinatesLike,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        version: int | None = None,
        pagesize: int | None = None,
        page: int | None = None,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        **criteria: CriterionLike,
    ) -> list[requests.Response] | requests.Response:
        """Return the HTTP responses of `query_region`.

        The responses are those of the service.  A ``sort_by`` that the service does not support has no effect on them.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        catalog : str, default "HSC"
            The catalog, in any case: ``"HSC"``, ``"Galex"``, ``"Gaia"``, ``"TIC"``, ``"CTL"``, ``"DiskDetective"``,
            ``"PLATO"`` or ``"Panstarrs"``; the full name of a Mashup service; or another name ``X``, for the service
            ``Mast.Catalogs.X.Cone``.  With TAP: a table of the collection, in any case and with or without its schema;
            or, without ``collection``, its full name such as ``"tic_v82.source"``.
        version : int, optional
            The version of the catalog, for HSC (2, 3) and Gaia (1, 2, 3).  Defaults to the latest.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        **criteria : object
            With TAP, criteria on any column, as in `query_criteria`.  Otherwise parameters of the catalog: for HSC
            ``nr`` (the largest number of rows, 50000), ``ni`` (the smallest number of images, 1) and ``magtype`` (1:
            MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column.

        Returns
        -------
        list of `requests.Response` or `requests.Response`
            One response for each page; for Pan-STARRS, the response for one page.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the client has a TAP collection, which has no such responses.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> responses = Catalogs.query_region_async(
        ...     "202.4696 47.1952", radius=0.05, catalog="TIC", page=1
        ... )
        >>> [response.status_code for response in responses]
        [200]
        """
        target, selection = TargetInput(coordinates, None, radius), Selection.of(columns, sort_by, pagesize, page)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        return self._responses(arguments, timeout)

    # -- by name -------------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_object(
        self,
        object_name: str | Iterable[str],
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        pagesize: int | None = None,
        page: int | None = None,
        version: int | None = None,
        resolver: str | None = None,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: str | Iterable[str] | None = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, CriterionLike] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: CriterionLike,
    ) -> Table | Asked | int | str:
        """Return the rows of a catalog around an object.

        TAP is used under the same conditions as in `query_region`.

        Parameters
        ----------
        object_name : str or iterable of str
            The name of the object.  For many names, the table has an additional column ``target``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        catalog : str, default "HSC"
            The catalog, in any case: ``"HSC"``, ``"Galex"``, ``"Gaia"``, ``"TIC"``, ``"CTL"``, ``"DiskDetective"``,
            ``"PLATO"`` or ``"Panstarrs"``; the full name of a Mashup service; or another name ``X``, for the service
            ``Mast.Catalogs.X.Cone``.  With TAP: a table of the collection, in any case and with or without its schema;
            or, without ``collection``, its full name such as ``"tic_v82.source"``.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        version : int, optional
            The version of the catalog, for HSC (2, 3) and Gaia (1, 2, 3).  Defaults to the latest.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``, which for many
            targets applies to each.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.  TAP responses are not
            cached.
        collection : str, optional
            The TAP collection, in any case; see `get_collections`.  Defaults to the collection of the client.
        limit : int or None, default 5000
            With TAP, the largest number of rows to return, for many targets the number for each; a
            `~astroquery.exceptions.MaxResultsWarning` is issued if there are more.  With None, all rows are returned,
            in pages.
        offset : int, default 0
            With TAP, the number of rows to skip.  If it is given, even as 0, the rows are also sorted by the
            identifier, so that pages do not overlap.
        count_only : bool, default False
            With TAP, whether to return the number of rows instead of the rows.
        select_cols : str or list of str, optional
            With TAP, the columns to return, like ``columns``; a column that does not exist is ignored with a warning.
        sort_desc : bool or list of bool, optional
            With TAP, whether to sort in descending order: one value for all columns of ``sort_by``, or one for each.
        filters : dict, optional
            With TAP, criteria for columns that have the name of an argument of this method: column name → criterion.
        run_async : bool, optional
            With TAP, whether to run the query as an asynchronous job.  By default, the query runs synchronously, and as
            a job if that takes too long.
        return_adql : bool, default False
            Whether to return the query in ADQL without sending it.
        **criteria : object
            With TAP, criteria on any column, as in `query_criteria`.  Otherwise parameters of the catalog: for HSC
            ``nr`` (the largest number of rows, 50000), ``ni`` (the smallest number of images, 1) and ``magtype`` (1:
            MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            The rows, with the columns and units of the catalog; or, as requested, their number, the query in ADQL, or
            the request.  For many names, the first columns are ``input_row``, the index of the name in the input, and
            ``target``, the name; ``meta["failed"]`` lists the names without a position or a response,
            ``meta["unmatched"]`` those without rows, and ``meta["limited"]`` those with more rows than the limit.

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
            If there may be more rows than a limit returns.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> stars = Catalogs.query_object("M51", radius="3 arcmin", catalog="TIC")
        >>> stars["ID", "Tmag", "dstArcSec"][:2].pprint()
             ID       Tmag    dstArcSec
                      mag       arcsec
        ----------- ------- --------------
        10001747638  11.936            0.0
          678663453 17.3894 15.70502551992
        """
        target = TargetInput(None, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        tap_options = TapOptions(
            collection, None, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._run_query(arguments, tap_options, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_async(
        self,
        object_name: str,
        *,
        radius: RadiusLike = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        pagesize: int | None = None,
        page: int | None = None,
        version: int | None = None,
        resolver: str | None = None,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        **criteria: CriterionLike,
    ) -> list[requests.Response] | requests.Response:
        """Return the HTTP responses of `query_object`.

        The responses are those of the service.  A ``sort_by`` that the service does not support has no effect on them.

        Parameters
        ----------
        object_name : str
            The name of the object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        catalog : str, default "HSC"
            The catalog, in any case: ``"HSC"``, ``"Galex"``, ``"Gaia"``, ``"TIC"``, ``"CTL"``, ``"DiskDetective"``,
            ``"PLATO"`` or ``"Panstarrs"``; the full name of a Mashup service; or another name ``X``, for the service
            ``Mast.Catalogs.X.Cone``.  With TAP: a table of the collection, in any case and with or without its schema;
            or, without ``collection``, its full name such as ``"tic_v82.source"``.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        version : int, optional
            The version of the catalog, for HSC (2, 3) and Gaia (1, 2, 3).  Defaults to the latest.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        **criteria : object
            With TAP, criteria on any column, as in `query_criteria`.  Otherwise parameters of the catalog: for HSC
            ``nr`` (the largest number of rows, 50000), ``ni`` (the smallest number of images, 1) and ``magtype`` (1:
            MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column.

        Returns
        -------
        list of `requests.Response` or `requests.Response`
            One response for each page; for Pan-STARRS, the response for one page.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the client has a TAP collection, which has no such responses.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> responses = Catalogs.query_object_async(
        ...     "M51", radius="3 arcmin", catalog="TIC", pagesize=5, page=1
        ... )
        >>> [response.status_code for response in responses]
        [200]
        """
        target = TargetInput(None, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        return self._responses(arguments, timeout)

    # -- by criteria ---------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria(
        self,
        catalog: str | None = None,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        coordinates: PositionsLike | None = None,
        object_name: str | Iterable[str] | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: RegionLike | None = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: str | Iterable[str] | None = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, CriterionLike] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: CriterionLike,
    ) -> Table | Asked | int | str:
        """Return the rows of a catalog that meet all criteria.

        TAP is used under the same conditions as in `query_region`, and for ``"HSC"`` and ``"Gaia"``, whose other
        services do not take criteria.

        Parameters
        ----------
        catalog : str, optional
            The catalog, in any case: ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``; and, with TAP,
            ``"HSC"``, ``"Gaia"``, or a table of the collection.  Defaults to the catalog of the client; required if it
            has none and ``collection`` is not given.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        object_name : str or iterable of str, optional
            The name of the object.  For many names, the table has an additional column ``target``.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``, which for many
            targets applies to each.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        verbose : bool, default False
            Whether to log the number of rows and, for many targets, to show a progress bar on a terminal.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.  TAP responses are not
            cached.
        collection : str, optional
            The TAP collection, in any case; see `get_collections`.  Defaults to the collection of the client.
        region : object, optional
            The region to search, instead of a position and a radius: a circle or polygon as text, such as ``"CIRCLE
            202.47 47.2 0.1"`` or ``"POLYGON GALACTIC ..."``; three or more vertices as one
            `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the ``regions`` package; a
            ``mocpy.MOC``; or a list of these.  Where the service cannot search the region, the smallest circle around
            it is searched and the rows outside the region are removed.
        limit : int or None, default 5000
            With TAP, the largest number of rows to return, for many targets the number for each; a
            `~astroquery.exceptions.MaxResultsWarning` is issued if there are more.  With None, all rows are returned,
            in pages.
        offset : int, default 0
            With TAP, the number of rows to skip.  If it is given, even as 0, the rows are also sorted by the
            identifier, so that pages do not overlap.
        count_only : bool, default False
            With TAP, whether to return the number of rows instead of the rows.
        select_cols : str or list of str, optional
            With TAP, the columns to return, like ``columns``; a column that does not exist is ignored with a warning.
        sort_desc : bool or list of bool, optional
            With TAP, whether to sort in descending order: one value for all columns of ``sort_by``, or one for each.
        filters : dict, optional
            With TAP, criteria for columns that have the name of an argument of this method: column name → criterion.
        run_async : bool, optional
            With TAP, whether to run the query as an asynchronous job.  By default, the query runs synchronously, and as
            a job if that takes too long.
        return_adql : bool, default False
            Whether to return the query in ADQL without sending it.
        **criteria : object
            One or more columns of the catalog (see `get_metadata`), in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and text may have wildcards, as in
            ``TWOMASS="0123*"``.  Columns of numbers take ``[minimum, maximum]``, where None leaves an end open,
            comparisons such as ``">=2"``, and ranges such as ``"2..5"``.  `~astropy.units.Quantity` and
            `~astropy.time.Time` are converted.  Pan-STARRS also has ``data_release`` (``"dr2"``) and ``table``
            (``"mean"``).  With TAP, lists may contain comparisons, and ``"!"`` before a value, comparison, range or
            pattern excludes it.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            The rows, with the columns and units of the catalog; or, as requested, their number, the query in ADQL, or
            the request.  With TAP, ``meta`` also has ``"collection"``, ``"catalog"`` and ``"adql_query"``.  For many
            targets, the first column is ``input_row``, the row of the target in the input; ``meta["failed"]`` lists the
            targets without a response, ``meta["unmatched"]`` those without rows, and ``meta["limited"]`` those with
            more rows than the limit.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given, which only TAP allows.
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
            If there may be more rows than a limit returns.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> stars = Catalogs.query_criteria(
        ...     "TIC", object_name="M51", radius="0.1 deg", Tmag=[None, 14]
        ... )
        >>> stars["ID", "Tmag"][:2].pprint()
             ID       Tmag
                      mag
        ----------- -------
        10001747638  11.936
         1644131916 13.4146
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, filtered=True)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        tap_options = TapOptions(
            collection, region, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._run_query(arguments, tap_options, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_async(
        self,
        catalog: str,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        coordinates: PositionsLike | None = None,
        object_name: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        columns: str | Iterable[str] | None = None,
        sort_by: SortLike | None = None,
        timeout: float | u.Quantity | None = None,
        **criteria: CriterionLike,
    ) -> list[requests.Response] | requests.Response:
        """Return the HTTP responses of `query_criteria`.

        The responses are those of the service.  A ``sort_by`` that the service does not support has no effect on them.

        Parameters
        ----------
        catalog : str
            The catalog, in any case: ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``.
        pagesize : int, optional
            The number of rows in a page.  Defaults to ``conf.pagesize``.  For Pan-STARRS, the largest number of rows.
        page : int, optional
            The page to return, counted from 1.  By default, all pages are returned.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  Give at most one of ``coordinates`` and ``object_name``.
        object_name : str, optional
            The name of the object to search around, instead of a position.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        columns : str or list of str, optional
            The columns to return.  By default, all columns are returned.
        sort_by : str, tuple, or list of these, optional
            The columns to sort the returned rows by, or pairs such as ``("desc", "Tmag")``; for many targets, the rows
            of each target are sorted.  Rows without a value in the first column come last.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        **criteria : object
            One or more columns of the catalog (see `get_metadata`), in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and text may have wildcards, as in
            ``TWOMASS="0123*"``.  Columns of numbers take ``[minimum, maximum]``, where None leaves an end open,
            comparisons such as ``">=2"``, and ranges such as ``"2..5"``.  `~astropy.units.Quantity` and
            `~astropy.time.Time` are converted.  Pan-STARRS also has ``data_release`` (``"dr2"``) and ``table``
            (``"mean"``).  With TAP, lists may contain comparisons, and ``"!"`` before a value, comparison, range or
            pattern excludes it.

        Returns
        -------
        list of `requests.Response` or `requests.Response`
            One response for each page; for Pan-STARRS, the response for one page.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, none is given, or the client has a TAP collection, which has no such
            responses.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> responses = Catalogs.query_criteria_async(
        ...     "TIC", object_name="M51", radius="0.1 deg", Tmag=[None, 14]
        ... )
        >>> [response.status_code for response in responses]
        [200]
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page)
        arguments = CatalogArguments(catalog, criteria, target, selection, filtered=True)
        return self._responses(arguments, timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_count(
        self,
        catalog: str | None = None,
        *,
        resolver: str | None = None,
        coordinates: PositionsLike | None = None,
        object_name: str | Iterable[str] | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: RegionLike | None = None,
        filters: Mapping[str, CriterionLike] | None = None,
        run_async: bool | None = None,
        **criteria: CriterionLike,
    ) -> int | Table | Asked:
        """Return the number of rows that `query_criteria` finds, without retrieving them.

        Parameters
        ----------
        catalog : str, optional
            The catalog, in any case: ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; and, with TAP, ``"HSC"``, ``"Gaia"``,
            or a table of the collection.  Defaults to the catalog of the client.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`, optional
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        object_name : str or iterable of str, optional
            The name of the object.  For many names, the table has an additional column ``target``.  Give at most one of
            ``coordinates``, ``object_name`` and ``region``.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``, which for many
            targets applies to each.
        get_query_payload : bool, default False
            Whether to return the request without sending it.
        max_workers : int, optional
            The number of requests to run at a time for many targets.  Defaults to ``conf.max_workers``.
        executor : `concurrent.futures.Executor`, optional
            The executor that runs the requests for many targets.  By default, threads of this process run them.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.  TAP responses are not
            cached.
        collection : str, optional
            The TAP collection, in any case; see `get_collections`.  Defaults to the collection of the client.
        region : object, optional
            The region to search, instead of a position and a radius: a circle or polygon as text, such as ``"CIRCLE
            202.47 47.2 0.1"`` or ``"POLYGON GALACTIC ..."``; three or more vertices as one
            `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the ``regions`` package; a
            ``mocpy.MOC``; or a list of these.  Where the service cannot search the region, the smallest circle around
            it is searched and the rows outside the region are removed.
        filters : dict, optional
            With TAP, criteria for columns that have the name of an argument of this method: column name → criterion.
        run_async : bool, optional
            With TAP, whether to run the query as an asynchronous job.  By default, the query runs synchronously, and as
            a job if that takes too long.
        **criteria : object
            One or more columns of the catalog (see `get_metadata`), in any case, with the values to select.  Columns of
            text and integers take a value or a list of alternatives, and text may have wildcards, as in
            ``TWOMASS="0123*"``.  Columns of numbers take ``[minimum, maximum]``, where None leaves an end open,
            comparisons such as ``">=2"``, and ranges such as ``"2..5"``.  `~astropy.units.Quantity` and
            `~astropy.time.Time` are converted.  Pan-STARRS also has ``data_release`` (``"dr2"``) and ``table``
            (``"mean"``).  With TAP, lists may contain comparisons, and ``"!"`` before a value, comparison, range or
            pattern excludes it.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            The number; or for many targets a table with ``input_row`` and ``count``, in the order of the input, where a
            count without a response is masked; or the request.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or not valid, or none is given, which only TAP allows.
        ResolverError
            If the name of an object cannot be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> Catalogs.query_criteria_count(
        ...     "TIC", object_name="M51", radius="0.1 deg", Tmag=[None, 14]
        ... )
        4
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        arguments = CatalogArguments(catalog, criteria, target, Selection(cache=cache), filtered=True)
        options = CallOptions(timeout, get_query_payload, max_workers, executor)
        tap_options = TapOptions(collection, region, filters=filters, run_async=run_async)
        return self._run_query(arguments, tap_options, options, count=True)

    def query_region_count(
        self,
        coordinates: PositionsLike | None = None,
        *,
        catalog: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        **options: Any,
    ) -> int | Table | Asked:
        """Return the number of rows of a catalog around a position, without retrieving them.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, list, or `~astropy.table.Table`
            The position to search around.  Text is read as ICRS, in degrees unless it has units; text that is not a
            position is resolved as the name of an object.  For many targets: a `~astropy.coordinates.SkyCoord` array, a
            list of positions, or a `~astropy.table.Table` with columns of positions.
        catalog : str, optional
            The catalog, in any case: ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; and, with TAP, ``"HSC"``, ``"Gaia"``,
            or a table of the collection.  Defaults to the catalog of the client.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        **options : object
            Other arguments of `query_criteria_count`: ``region``, ``collection``, ``filters``, ``run_async``,
            ``timeout`` (seconds), ``get_query_payload``, ``max_workers``, ``executor`` and ``cache``; and criteria on
            columns.

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
        >>> from astroquery_mast import Catalogs
        >>> Catalogs.query_region_count("202.4696 47.1952", catalog="TIC", radius="3 arcmin")
        21
        """
        if not self._is_tap(catalog, options):
            # MAST counts only by criteria, and every row has a right ascension.
            options = {"ra": [0, 360], **options}
        return self.query_criteria_count(catalog, coordinates=coordinates, radius=radius, **options)

    def query_object_count(
        self,
        object_name: str | Iterable[str],
        *,
        catalog: str | None = None,
        radius: RadiusLike = DEFAULT_RADIUS,
        **options: Any,
    ) -> int | Table | Asked:
        """Return the number of rows of a catalog around an object, without retrieving them.

        Parameters
        ----------
        object_name : str or iterable of str
            The name of the object.  For many names, the table has an additional column ``target``.
        catalog : str, optional
            The catalog, in any case: ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; and, with TAP, ``"HSC"``, ``"Gaia"``,
            or a table of the collection.  Defaults to the catalog of the client.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.  For many targets, an array gives each its own radius.
        **options : object
            Other arguments of `query_criteria_count`: ``resolver``, ``collection``, ``filters``, ``run_async``,
            ``timeout`` (seconds), ``get_query_payload``, ``max_workers``, ``executor`` and ``cache``; and criteria on
            columns.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            The number; or for many names a table with ``input_row`` and ``count``, in the order of the input, where a
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
        >>> from astroquery_mast import Catalogs
        >>> Catalogs.query_object_count("M51", catalog="TIC", radius="3 arcmin")
        21
        """
        return self.query_region_count(None, catalog=catalog, radius=radius, object_name=object_name, **options)

    # -- columns -------------------------------------------------------------------------------------------------

    def get_metadata(self, catalog: str, *, data_release: str | None = None, table: str | None = None) -> Table:
        """Return the columns of a catalog, with their types, units and descriptions.

        Parameters
        ----------
        catalog : str
            The catalog, in any case: ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``.  Other catalogs may
            not have metadata; for TAP, see `get_column_metadata`.
        data_release : str, optional
            For Pan-STARRS, the data release.  Defaults to ``"dr2"``.
        table : str, optional
            For Pan-STARRS, the table.  Defaults to ``"mean"``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``Column Name``, ``Column Label``, ``Data Type``, ``Units`` and ``Description``,
            where available.

        Raises
        ------
        InvalidQueryError
            If there is no such table.
        RemoteServiceError
            If the service fails or does not have the metadata.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> columns = Catalogs.get_metadata("TIC")
        >>> columns[columns["Column Name"] == "Tmag"]["Column Name", "Data Type", "Units"].pprint()
        Column Name Data Type Units
        ----------- --------- -----
               Tmag     float   mag
        """
        return metadata_table(self._search.metadata(catalog, data_release, table))

    # -- many positions ------------------------------------------------------------------------------------------

    def crossmatch(
        self,
        table: PositionsLike,
        catalog: str,
        *,
        radius: AngleLike = DEFAULT_MATCH_RADIUS,
        version: int | None = None,
        magtype: int | None = None,
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
        """Cross-match many positions with a catalog.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions: a table with a `~astropy.coordinates.SkyCoord` column, or with right ascension and
            declination columns of the usual names (in degrees, unless the columns have a unit or are text in hours and
            degrees); a `~astropy.coordinates.SkyCoord` array; or a list of positions.
        catalog : str
            The catalog, in any case: ``"TIC"``, ``"CTL"``, ``"Gaia"``, ``"Tgas"``, ``"HSC"``, ``"GALEX"``, ``"SDSS"``
            or ``"2MASS"``; or the full name of a Mashup service, such as ``"Mast.Tic.Crossmatch"``.
        radius : `~astropy.units.Quantity`, str, or float, default 7.2 arcsec
            The largest separation of a match; a number is in degrees.
        version : int, optional
            For Gaia, the data release.  Defaults to 3.
        magtype : {1, 2}, optional
            For HSC version 3, magnitudes in small apertures (1, MagAper2) or of complete objects (2, MagAuto).
            Defaults to 1.
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
            position in the input; ``separation`` (arcsec) is computed from the position and that of the match, and is
            masked if the latter is unknown; the other columns are those of the catalog.  ``meta["unmatched"]`` (in
            files ``nomatch``) lists the rows without a match, ``meta["failed"]`` the rows without a position or a
            response, with the reason, and ``meta["beyond"]`` is the number of matches that were removed, with a
            warning, because they are not within the radius.

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
        >>> from astroquery_mast import Catalogs
        >>> positions = SkyCoord([202.4696, 202.5], [47.1952, 47.2], unit="deg")
        >>> matches = Catalogs.crossmatch(positions, "TIC", radius="1 arcmin", verbose=False)
        >>> matches["separation"].format = ".2f"
        >>> matches["input_row", "separation", "MatchID", "Tmag"][:2].pprint()
        input_row separation   MatchID     Tmag
                    arcsec                 mag
        --------- ---------- ----------- -------
                0       0.22 10001747638  11.936
                0      15.66   678663453 17.3894
        """
        from ..targets.crossmatch import CrossmatchSearch  # noqa: PLC0415 - only many positions need it

        found = find_crossmatch(catalog)
        return CrossmatchSearch(self._service).table(
            table,
            (found, *found.service({"version": version, "magtype": magtype})),
            radius,
            RunOptions(verbose, max_workers, executor, timeout),
            best=best,
            columns={"ra_column": ra_column, "dec_column": dec_column},
            chunk_size=chunk_size,
            cache=cache,
            payload=get_query_payload,
        )


Catalogs = CatalogsClass()
