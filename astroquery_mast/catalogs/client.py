"""`CatalogsClass`: catalogs by position, by name and by criteria, and the spectra of the Hubble Source Catalog."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument

from ..query.known_catalogs import find_crossmatch
from ..query.selection import Selection
from ..service.mast_service import Asked, CallOptions
from ..service.parallel import RunOptions
from ..sky.position import DEFAULT_MATCH_RADIUS, DEFAULT_RADIUS, TargetInput
from ..tables.columns import metadata_table
from .hubble_source_catalog import CatalogHsc
from .search import CatalogArguments, CatalogSearch

if TYPE_CHECKING:
    from .many import ManyCatalogSearch

__all__ = ["Catalogs", "CatalogsClass"]


_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")


class CatalogsClass(CatalogHsc):
    """The catalogs of MAST: HSC, Galex, Gaia, TIC, CTL, DiskDetective, PLATO, Pan-STARRS, and others by their names.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.
    """

    # -- by position ---------------------------------------------------------------------------------------------

    def query_region(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = "Hsc",
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
        **criteria: Any,
    ) -> Table | Asked:
        """Return the entries of a catalog around a position.

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
            name of a Mashup service as it is.
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
            positions the rows of each.
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
        **criteria : object
            Parameters of the catalog: for HSC ``nr`` (most rows, 50000), ``ni`` (fewest images, 1) and ``magtype``
            (1: MagAper2, 2: MagAuto); for Galex ``maxrecords`` (50000); for Pan-STARRS ``data_release`` (``"dr2"``),
            ``table`` (``"mean"``), and criteria on any column as `query_criteria` takes them.

        Returns
        -------
        `~astropy.table.Table` or dict
            All entries, with a `~astroquery.exceptions.MaxResultsWarning` if there may be more than a limit lets
            through; or the request.  For many positions ``input_row`` comes first, the place of the position in what
            was given; ``meta["failed"]`` lists those that could not be asked for, ``meta["unmatched"]`` those without
            entries, and ``meta["limited"]`` those of which a limit, which is one for each, has kept some back.

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
        return self._search_for(target).table(arguments, options)

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = "Hsc",
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
        return self._search.responses(arguments, timeout)

    # -- by name -------------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_object(
        self,
        object_name: str | Iterable[str],
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = "Hsc",
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
        **criteria: Any,
    ) -> Table | Asked:
        """Return the entries of a catalog around an object.

        Parameters
        ----------
        object_name : str or iterable of str
            Its name, or the names of many objects; the answer then has the name as column ``target``, too.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows the name first if not given.
        radius, catalog, pagesize, page, version, columns, sort_by, timeout, get_query_payload, verbose
            As `query_region`.
        max_workers, executor, cache, **criteria
            As `query_region`.

        Returns
        -------
        `~astropy.table.Table` or dict

        Raises
        ------
        ResolverError
            If the name has no position; otherwise as `query_region`.
        """
        target = TargetInput(None, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, version)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(target).table(arguments, options)

    @_renamed  # type: ignore[untyped-decorator]
    def query_object_async(
        self,
        object_name: str,
        *,
        radius: Any = DEFAULT_RADIUS,
        catalog: str = "Hsc",
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
        return self._search.responses(arguments, timeout)

    # -- by criteria ---------------------------------------------------------------------------------------------

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria(
        self,
        catalog: str,
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
        **criteria: Any,
    ) -> Table | Asked:
        """Return the entries of a catalog that meet all criteria.

        Parameters
        ----------
        catalog : str
            ``"TIC"``, ``"CTL"``, ``"DiskDetective"`` or ``"Panstarrs"``, whatever the case.
        coordinates, object_name : object, optional
            Where to look, as `query_region` and `query_object`; at most one of them.
        radius, pagesize, page, resolver, columns, sort_by, timeout, get_query_payload, verbose, max_workers, executor
            As `query_region` and `query_object`.
        cache : bool, optional
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

        Returns
        -------
        `~astropy.table.Table` or dict
            All entries, or the request; for many positions or names as `query_region`.

        Raises
        ------
        InvalidQueryError
            If a criterion is unknown or cannot be applied, or if there is none; nothing was sent then.
        ResolverError, RemoteServiceError, TimeoutError
            As `query_region` and `query_object`.
        """
        target = TargetInput(coordinates, object_name, radius, resolver)
        selection = Selection.of(columns, sort_by, pagesize, page, cache)
        arguments = CatalogArguments(catalog, criteria, target, selection, filtered=True)
        options = CallOptions(timeout, get_query_payload, max_workers, executor, verbose)
        return self._search_for(target).table(arguments, options)

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
        return self._search.responses(arguments, timeout)

    @_renamed  # type: ignore[untyped-decorator]
    def query_criteria_count(
        self,
        catalog: str,
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
        **criteria: Any,
    ) -> int | Table | Asked:
        """Return how many entries `query_criteria` finds, without reading them.

        Parameters
        ----------
        catalog : str
            ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; the others cannot be counted.
        resolver, coordinates, object_name, radius, timeout, get_query_payload, max_workers, executor, cache, **criteria
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
        return self._search_for(target).count(arguments, options)

    def query_region_count(
        self, coordinates: Any, *, catalog: str, radius: Any = DEFAULT_RADIUS, **options: Any
    ) -> int | Table | Asked:
        """Return how many entries of a catalog are around a position, without reading them.

        Parameters
        ----------
        coordinates, radius : object
            As `query_region`.
        catalog : str
            ``"TIC"``, ``"CTL"`` or ``"DiskDetective"``; the archive does not count the others.
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
        # All entries have a right ascension, and the archive counts by criteria.
        return self.query_criteria_count(catalog, coordinates=coordinates, radius=radius, **{"ra": [0, 360], **options})

    def query_object_count(
        self, object_name: str | Iterable[str], *, catalog: str, radius: Any = DEFAULT_RADIUS, **options: Any
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

    def _search_for(self, target: TargetInput) -> CatalogSearch | ManyCatalogSearch:
        """What searches around one target, or around many."""
        if not target.many:
            return self._search
        from .many import ManyCatalogSearch  # noqa: PLC0415 - only many targets need it

        return ManyCatalogSearch(self._search)

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
