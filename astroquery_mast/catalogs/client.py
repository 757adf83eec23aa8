"""`CatalogsClass`: catalogs by position, by name and by criteria, and the spectra of the Hubble Source Catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

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
from .search import DEFAULT_LIMIT, DEFAULT_OFFSET, CatalogArguments, TapWords

__all__ = ["Catalogs", "CatalogsClass"]


_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")


class CatalogsClass(CatalogCollections):
    """The catalogs of MAST: HSC, Galex, Gaia, TIC, CTL, DiskDetective, PLATO, Pan-STARRS, and all that TAP serves.

    Parameters
    ----------
    collection : str, optional
        The collection that is asked by TAP where a call names none; without it the older services are asked.  It is
        checked when it is used first: nothing is sent when a client is made.
    catalog : str, optional
        The table of that collection; its usual one if not given.  Without a collection the catalog that is asked where
        a call names none, as the query methods take it.
    mast_token, server, session : object, optional
        As `MastClass`.

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
        coordinates: Any = None,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        version: int | None = None,
        pagesize: int | None = None,
        page: int | None = None,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: Any = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: Any = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, Any] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: Any,
    ) -> Table | Asked | int | str:
        """Return the entries of a catalog around a position, or in a region.

        The older services are asked, or TAP: if a collection is given here or is set, if the catalog is one that only
        TAP has, or if an argument from ``collection`` to ``return_adql`` is given.  ``meta["service"]`` says which.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The position.  Text is read as ICRS, in degrees if it names no unit; text that is not a position is taken as
            the name of an object.  Or many positions: a `~astropy.coordinates.SkyCoord` array, a list of positions, or
            a `~astropy.table.Table` with their columns.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 0.2 degrees; a plain number is in degrees.  For many positions it may be an array.
        catalog : str
            The catalog: ``"HSC"``, ``"Galex"``, ``"Gaia"``, ``"TIC"``, ``"CTL"``, ``"DiskDetective"``, ``"PLATO"``,
            ``"Panstarrs"``, whatever the case; any other name ``X`` is asked as ``Mast.Catalogs.X.Cone``, and a full
            name of a Mashup service as it is.  By TAP: a table of the collection, in any case and with or without its
            schema, or without ``collection`` its full name, such as ``"tic_v82.source"``.
        version : int, optional
            The version, for HSC (2, 3) and Gaia (1, 2, 3); the latest if not given.
        pagesize : int, optional
            Rows in a page; ``conf.pagesize`` if not given.  For Pan-STARRS it limits the number of rows.
        page : int, optional
            Give only this page, counted from 1, instead of all.
        columns : str or list of str, optional
            The columns to return; all if not given.
        sort_by : str, tuple, or list of these, optional
            By what the rows that are returned are sorted: columns, or pairs such as ``("desc", "Tmag")``; for many
            positions the rows of each.  Rows without a value in the first column come last.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given, which for many positions each of them has.
        get_query_payload : bool
            Return the request instead of sending it.
        verbose : bool
            Whether to log the number of rows, and for many positions to show a bar on a terminal.
        max_workers : int, optional
            For many positions: how many are asked for at a time; ``conf.max_workers`` if not given.
        executor : `concurrent.futures.Executor`, optional
            For many positions: who asks; threads of this process if not given.
        cache : bool, optional
            Whether an answer that was kept on disk will do, and this one is to be kept; ``conf.cache`` if not given.
            Answers by TAP are not kept.
        collection : str, optional
            The collection of TAP, in any case; see `get_collections`.
        region : object, optional
            Instead of a position and a radius: a circle or polygon as text, ``"CIRCLE 202.47 47.2 0.1"`` or
            ``"POLYGON GALACTIC ..."``; three or more vertices, as one `~astropy.coordinates.SkyCoord` or as pairs
            (RA, Dec) in degrees; a shape of ``regions``; a ``mocpy.MOC``; or a list of these.  What the service cannot
            search is asked for in a circle around it, and rows outside are removed here.
        limit : int, optional
            Rows that are wanted at most, 5000 if not given; a `~astroquery.exceptions.MaxResultsWarning` says that
            there are more.  None returns all, in pages, however many they are.  For many targets the limit of each.
        offset : int
            How many rows are left out at the beginning.  If it is given, also as 0 for a first page, the rows are
            sorted by the identifier, too, so that no row is on two pages.
        count_only : bool
            Return the number of entries instead of reading them.
        select_cols : str or list of str, optional
            As ``columns``; one that does not exist is left out with a warning.
        sort_desc : bool or list of bool, optional
            Whether ``sort_by`` puts the largest value first: for all of its columns, or for each.
        filters : dict, optional
            Column → criterion, for columns that are called like an argument of this method.
        run_async : bool, optional
            Whether the archive works on it as a job.  If not given, it is asked to answer at once, and by a job if that
            takes too long.
        return_adql : bool
            Return the query in ADQL instead of sending it.
        **criteria : object
            By TAP criteria on any column, as `query_criteria` takes them.  Otherwise
            parameters of the catalog: for HSC ``nr`` (most rows, 50000), ``ni`` (fewest images, 1) and ``magtype``
            (1: MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column as `query_criteria` takes them.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            All entries, with a `~astroquery.exceptions.MaxResultsWarning` if there may be more than a limit lets
            through; or their number, the query, or the request.  By TAP ``meta`` has also ``"collection"``,
            ``"catalog"`` and ``"adql_query"``.  For many positions ``input_row`` comes first, the place of the position
            in what was given, by TAP with the position in degrees (``search_pos``, text); ``meta["failed"]`` lists
            those that could not be asked for, ``meta["unmatched"]`` those without entries, and ``meta["limited"]``
            those of which a limit, which is one for each, has kept some back.

        Raises
        ------
        InvalidQueryError
            If something that is asked for is unknown or cannot be applied; nothing was sent then.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If the time was not enough.
        """
        target = TargetInput(coordinates, None, radius)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        words = TapWords(
            collection, region, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._answer(arguments, words, options)

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        version: int | None = None,
        pagesize: int | None = None,
        page: int | None = None,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        **criteria: Any,
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of `query_region`, one per page; for Pan-STARRS the single response for one page.

        They are as the archive sends them: what only a table has, such as an order of rows that the service does not
        know, is not in them.
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
        radius: Any = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        pagesize: int | None = None,
        page: int | None = None,
        version: int | None = None,
        resolver: str | None = None,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: Any = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, Any] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: Any,
    ) -> Table | Asked | int | str:
        """Return the entries of a catalog around an object.

        Parameters
        ----------
        object_name : str or iterable of str
            Its name, or the names of many objects; the answer then has the name as column ``target``, too.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows the name first if not given.
        radius, catalog, pagesize, page, version, columns, sort_by, timeout, get_query_payload, verbose
            As `query_region`.
        max_workers, executor, cache, collection, limit, offset, count_only, select_cols, sort_desc, filters
            As `query_region`.
        run_async, return_adql, **criteria
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            As `query_region`.

        Raises
        ------
        ResolverError
            If the name has no position; otherwise as `query_region`.
        """
        target = TargetInput(None, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        words = TapWords(
            collection, None, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._answer(arguments, words, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_async(
        self,
        object_name: str,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = DEFAULT_CATALOG,
        pagesize: int | None = None,
        page: int | None = None,
        version: int | None = None,
        resolver: str | None = None,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        **criteria: Any,
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of `query_object`, as `query_region_async` does."""
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
        coordinates: Any = None,
        object_name: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_RADIUS,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: Any = None,
        limit: int | None = DEFAULT_LIMIT,
        offset: int = DEFAULT_OFFSET,
        count_only: bool = False,
        select_cols: Any = None,
        sort_desc: bool | Sequence[bool] | None = None,
        filters: Mapping[str, Any] | None = None,
        run_async: bool | None = None,
        return_adql: bool = False,
        **criteria: Any,
    ) -> Table | Asked | int | str:
        """Return the entries of a catalog that meet all criteria.

        Parameters
        ----------
        catalog : str, optional
            ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``, whatever the case.  TAP is asked, as in
            `query_region`, and also for ``"HSC"`` and ``"Gaia"``, whose older services take no criteria.
        coordinates, object_name : object, optional
            Where to look, as `query_region` and `query_object`; at most one of them.
        radius, pagesize, page, resolver, columns, sort_by, timeout, get_query_payload, verbose, max_workers, executor
            As `query_region` and `query_object`.
        cache, collection, region, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
            As `query_region`.
        **criteria : object
            One or more columns of the catalog (see `get_metadata`), whatever the case of their letters.

            - Columns of text and of integers take a value or a list of values, of which a row must have one;
              one of those of text may have wildcards: ``TWOMASS="0123*"``.
            - Columns of numbers take ``[minimum, maximum]``, either of which may be None for an open end.
              `~astropy.units.Quantity` and `~astropy.time.Time` are converted.
            - All columns of numbers take comparisons, ``">=2"`` or ``("gte", 2)``, and ranges, ``"2..5"``; see
              `astroquery_mast.query.conditions`.
            - For Pan-STARRS there are also ``data_release`` (``"dr2"``) and ``table`` (``"mean"``).
            - By TAP lists may have comparisons, of which one must hold, ``["<10", ">18"]``; ``"!"`` before a value, a
              comparison, a range or a pattern excludes it; dates take moments and ranges of these.

        Returns
        -------
        `~astropy.table.Table`, int, str or dict
            All entries, or the request; for many positions or names, and by TAP, as `query_region`.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or cannot be applied, or if there is none, which only TAP allows.
        ResolverError, RemoteServiceError, TimeoutError
            As `query_region` and `query_object`.
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, filtered=True)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        words = TapWords(
            collection, region, limit, offset, count_only, select_cols, sort_desc, filters, run_async, return_adql
        )
        return self._answer(arguments, words, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_async(
        self,
        catalog: str,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        resolver: str | None = None,
        coordinates: Any = None,
        object_name: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        columns: Any = None,
        sort_by: Any = None,
        timeout: float | None = None,
        **criteria: Any,
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of `query_criteria`, as `query_region_async` does."""
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
        coordinates: Any = None,
        object_name: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_RADIUS,
        timeout: float | None = None,
        get_query_payload: bool = False,
        max_workers: int | None = None,
        executor: Executor | None = None,
        cache: bool | None = None,
        collection: str | None = None,
        region: Any = None,
        filters: Mapping[str, Any] | None = None,
        run_async: bool | None = None,
        **criteria: Any,
    ) -> int | Table | Asked:
        """Return how many entries `query_criteria` finds, without reading them.

        Parameters
        ----------
        catalog : str, optional
            ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; by TAP ``"HSC"``, ``"Gaia"`` and those of its collections.
        resolver, coordinates, object_name, radius, timeout, get_query_payload, max_workers, executor, cache, collection
            As `query_criteria`.
        region, filters, run_async, **criteria
            As `query_criteria`.

        Returns
        -------
        int or dict
            For many positions or names a `~astropy.table.Table` with ``input_row`` and ``count``, in the order given; a
            count is masked where it could not be had.
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        arguments = CatalogArguments(catalog, criteria, target, Selection(cache=cache), filtered=True)
        options = CallOptions(timeout, get_query_payload, max_workers, executor)
        words = TapWords(collection, region, filters=filters, run_async=run_async)
        return self._answer(arguments, words, options, count=True)

    def query_region_count(
        self, coordinates: Any = None, *, catalog: str | None = None, radius: Any = DEFAULT_RADIUS, **options: Any
    ) -> int | Table | Asked:
        """Return how many entries of a catalog are around a position, without reading them.

        Parameters
        ----------
        coordinates, radius : object
            As `query_region`.
        catalog : str
            As `query_criteria_count`.
        **options : object
            As `query_criteria_count`, and criteria as there.

        Returns
        -------
        int, `~astropy.table.Table` or dict
            As `query_criteria_count`.

        Examples
        --------
        >>> Catalogs.query_region_count("202.47 47.2", catalog="TIC", radius=0.1)  # doctest: +SKIP
        """
        if not self._is_tap(catalog, options):
            # All entries have a right ascension, and the archive counts by criteria.
            options = {"ra": [0, 360], **options}
        return self.query_criteria_count(catalog, coordinates=coordinates, radius=radius, **options)

    def query_object_count(
        self,
        object_name: str | Iterable[str],
        *,
        catalog: str | None = None,
        radius: Any = DEFAULT_RADIUS,
        **options: Any,
    ) -> int | Table | Asked:
        """Return how many entries of a catalog are around an object; as `query_object` and `query_region_count`."""
        return self.query_region_count(None, catalog=catalog, radius=radius, object_name=object_name, **options)

    # -- columns -------------------------------------------------------------------------------------------------

    def get_metadata(self, catalog: str, *, data_release: str | None = None, table: str | None = None) -> Table:
        """Return the columns of a catalog: what they are called, hold and mean.

        Parameters
        ----------
        catalog : str
            ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``, which take criteria; for others it depends on
            the archive.
        data_release, table : str, optional
            Which table of Pan-STARRS.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``Column Name``, ``Column Label``, ``Data Type``, ``Units``, ``Description``, as far
            as there are any.

        Raises
        ------
        InvalidQueryError
            If there is no such table.
        RemoteServiceError
            If the archive must be asked, and cannot say.
        """
        return metadata_table(self._search.metadata(catalog, data_release, table))

    # -- many positions ------------------------------------------------------------------------------------------

    def crossmatch(
        self,
        table: Any,
        catalog: str,
        *,
        radius: Any = DEFAULT_MATCH_RADIUS,
        version: int | None = None,
        magtype: int | None = None,
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
        """Return the entries of a catalog at each of many positions.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions, as `ObservationsClass.crossmatch` takes them.
        catalog : str
            ``"TIC"``, ``"CTL"``, ``"Gaia"``, ``"Tgas"``, ``"HSC"``, ``"GALEX"``, ``"SDSS"`` or ``"2MASS"``, whatever
            the case; or the full name of a Mashup service, such as ``"Mast.Tic.Crossmatch"``.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 7.2 arcsec; a plain number is in degrees.
        version : int, optional
            For Gaia: the data release, 3 if not given.
        magtype : int, optional
            For HSC, version 3: magnitudes in small apertures (1, MagAper2, if not given) or of whole objects
            (2, MagAuto).
        best, ra_column, dec_column, chunk_size, timeout, max_workers, executor, get_query_payload, verbose, cache
            As `ObservationsClass.crossmatch`.

        Returns
        -------
        `~astropy.table.Table` or list of dict
            As `ObservationsClass.crossmatch`, with the columns of the catalog.

        Raises
        ------
        InvalidQueryError, RemoteServiceError, TimeoutError
            As `ObservationsClass.crossmatch`.
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
