"""`VOClass`: queries of MAST with the protocols of the Virtual Observatory.

In: ADQL, positions, keywords.  Out: tables with units.  The protocols are implemented by pyvo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from astropy import units as u
from astropy.table import Row, Table

from ..downloads.methods import BLOCK_SIZE, DownloadMethods
from ..query.cones import cone_condition
from ..service.jobs import JobHandle
from ..service.retrying import Deadline
from ..sky.position import cone_around
from ..sky.radii import DEFAULT_RADIUS
from ..tables.result_table import ResultTable
from ..warn import warn_no_results
from .discovery import Discovery
from .position_methods import PositionMethods
from .question import OneAnswer, TapQuestion
from .registry import find, service_address, wanted_services
from .tap import TapService, job_at

if TYPE_CHECKING:
    from ..downloads.product_files import ProductFiles
    from ..query.types import AngleLike, CoordinatesLike

__all__ = ["VO", "VOClass"]

_ONE_ANSWER = OneAnswer.ONE_ANSWER


class VOClass(PositionMethods):
    """Query MAST with the protocols of the Virtual Observatory: its databases in ADQL, images, spectra and catalogs.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  It is not sent to these services, whose data are public.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import VO
    >>> table = VO.query_tap(
    ...     "SELECT TOP 3 obs_id, t_exptime FROM dbo.obspointing WHERE obs_collection = 'HST'"
    ... )
    >>> len(table)
    3
    """

    open_product = DownloadMethods.open_product
    read_product = DownloadMethods.read_product
    get_headers = DownloadMethods.get_headers
    _starting_points = ("query_tap", "list_tables", "find_services")

    @cached_property
    def _discovery(self) -> Discovery:
        """The services, tables and columns of MAST."""
        return Discovery(self._service)

    @property
    def _product_files(self) -> ProductFiles:
        """The object that opens the files of products."""
        from ..downloads.product_files import ArchiveFiles, ProductFiles  # noqa: PLC0415 - queries do not need it

        return ProductFiles(self._service, ArchiveFiles(self._service), BLOCK_SIZE)

    # -- queries in ADQL -----------------------------------------------------------------------------------------

    def query_tap(
        self,
        adql: str,
        *,
        catalog: str = "caom",
        limit: int | OneAnswer | None = _ONE_ANSWER,
        key: str | None = None,
        maxrec: int | None = None,
        run_async: bool | None = None,
        job: bool = False,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        get_query_payload: bool = False,
    ) -> Table | JobHandle | dict[str, object]:
        """Return the rows of a query in ADQL, the Astronomical Data Query Language.

        Parameters
        ----------
        adql : str
            The query.
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
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
        job : bool, default False
            Whether to return a job without waiting for it.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.  If it is
            longer than ten minutes, the service is requested to let a job run for as long.
        verbose : bool, default False
            Whether to show a progress bar on a terminal.
        get_query_payload : bool, default False
            Whether to return the request without sending it.

        Returns
        -------
        `~astropy.table.Table`, JobHandle or dict
            The rows, with units, descriptions and UCDs (``column.meta["ucd"]``); or the job, or the request.  ``meta``
            has the query (``"adql"``), the address of the service (``"service"``), the mode of the query (``"mode"``,
            ``"sync"`` or ``"async"``), and whether there are more rows (``"overflow"``).

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query; the message includes that of the service.
        RemoteServiceError
            If the service fails, or rows are missing.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        MaxResultsWarning
            If there are more rows than are returned.
        NoResultsWarning
            If there are no rows.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> table = VO.query_tap(
        ...     "SELECT TOP 3 obs_id, t_exptime FROM dbo.obspointing "
        ...     "WHERE obs_collection = 'HST' ORDER BY t_exptime DESC, obs_id"
        ... )
        >>> table.pprint()
          obs_id  t_exptime
                      s
        --------- ---------
        lc4305010  8663.437
        lc4301010  8626.708
        lc4306010  8597.433
        """
        question = TapQuestion(adql, limit, key, maxrec, run_async, verbose)
        deadline = self._service.deadline(timeout)
        tap, _ = self._place(catalog, service, deadline)
        if get_query_payload:
            return question.payload(tap)
        return question.submit(tap, deadline) if job else question.table(tap, self._discovery, deadline)

    def query_tap_iter(
        self,
        adql: str,
        *,
        catalog: str = "caom",
        limit: int | None = None,
        key: str | None = None,
        maxrec: int | None = None,
        run_async: bool | None = None,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Iterator[Table]:
        """Return an iterator of the pages of a query in ADQL, which needs little memory for a large result.

        Parameters
        ----------
        adql : str
            The query.
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
        limit : int, optional
            The largest number of rows in total.  By default, all rows are returned.
        key : str, optional
            The column that orders the pages.  It should be indexed and nearly unique.  By default, a column is used
            that the service lists as indexed or as the main identifier; without one, the sky is split into boxes.
        maxrec : int, optional
            The largest number of rows in a response or a page.  Defaults to the limit of MAST, 100,000.
        run_async : bool, optional
            Whether to run the query as an asynchronous job.  By default, the query runs synchronously, and again as a
            job if that takes longer than the gateway of the service allows, or than half of the timeout.  Queries in
            pages run as jobs.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that each page may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Yields
        ------
        `~astropy.table.Table`
            A page of at most ``maxrec`` rows, with the columns and ``meta`` of `query_tap`.  The total number of rows
            is verified with the last page.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service rejects the query; the message includes that of the service.
        RemoteServiceError
            If the service fails, or rows are missing.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> query = "SELECT obsid, obs_id FROM dbo.obspointing WHERE obs_collection = 'GALEX'"
        >>> for page in VO.query_tap_iter(query, maxrec=20, limit=50):
        ...     print(len(page))
        19
        19
        12
        """
        question = TapQuestion(adql, limit, key, maxrec, run_async)
        deadline = self._service.deadline(timeout)
        return question.pages(self._place(catalog, service, deadline)[0], self._discovery, deadline)

    def cone_condition(
        self,
        coordinates: CoordinatesLike,
        radius: AngleLike = DEFAULT_RADIUS,
        *,
        ra: str = "s_ra",
        dec: str = "s_dec",
        timeout: float | u.Quantity | None = None,
    ) -> str:
        """Return the ADQL condition for a circle on the sky, preceded by that for a box around the circle.

        Databases find a box with an index, and test only the remaining rows for the circle.  In MAST's database of
        observations a query with the circle alone took more than a minute, and two seconds with the box.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The center.  Text is read as ICRS, in degrees unless it has units; text that is not a position is resolved
            as the name of an object.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The radius; a number is in degrees.
        ra, dec : str, default "s_ra", "s_dec"
            The columns of right ascension and declination (degrees, ICRS); the defaults are those of
            ``dbo.obspointing``.  They may have a table name before them, as in ``"o.s_ra"``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that resolving a name may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        str
            A condition for the ``WHERE`` clause, which can be combined with others by ``AND``.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid.
        ResolverError
            If the name of an object cannot be resolved.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> print(VO.cone_condition("0 60", "36 arcsec", ra="ra", dec="dec"))
        dec BETWEEN 59.9899999 AND 60.0100001 AND (ra >= 359.9799999 OR ra <= 0.0200001)
        AND CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 0, 60, 0.01)) = 1
        >>> around = VO.cone_condition("M51", "0.1 deg")
        >>> query = f"SELECT obs_id FROM dbo.obspointing WHERE {around} AND obs_collection = 'JWST'"
        >>> len(VO.query_tap(query))
        132
        """
        cone = cone_around(self._service.locate(coordinates, self._service.deadline(timeout)), radius)
        return cone_condition(cone.ra, cone.dec, cone.radius, (ra, dec))

    def get_job(self, url: str) -> JobHandle:
        """Return the handle of a job that was submitted earlier, in this or another session.

        Parameters
        ----------
        url : str
            The address of the job: the ``url`` of its handle.

        Returns
        -------
        JobHandle
            The job.  Its ``status``, ``wait``, ``cancel`` and ``result`` send requests; this call does not.

        Raises
        ------
        InvalidQueryError
            If ``url`` is not the address of a job.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> job = VO.query_tap("SELECT TOP 3 obs_id FROM dbo.obspointing", job=True)
        >>> again = VO.get_job(job.url)
        >>> print(len(again.result()), again.status)
        3 COMPLETED
        """
        return job_at(self._service, url)

    def list_jobs(
        self, catalog: str = "caom", *, service: str | Row | None = None, timeout: float | u.Quantity | None = None
    ) -> Table:
        """Return the jobs that a service lists.

        Parameters
        ----------
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each job: ``job_id``, ``status``, ``created`` (ISO 8601), and ``url``, which `get_job` takes.

        Raises
        ------
        InvalidQueryError
            If there is no such catalog, or ``service`` is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> job = VO.query_tap("SELECT TOP 3 obs_id FROM dbo.obspointing", job=True).wait()
        >>> VO.list_jobs("caom")["status"].tolist()
        ['COMPLETED']
        """
        deadline = self._service.deadline(timeout)
        return self._place(catalog, service, deadline)[0].jobs(deadline)

    # -- catalogs, tables and columns ----------------------------------------------------------------------------

    def list_catalogs(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the databases that can be queried.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each database: ``catalog``, the name for the argument ``catalog``, and ``url``, the address of
            its TAP service.

        Raises
        ------
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> print(*VO.list_catalogs()["catalog"][:5])
        caom classy gaiadr3 hsc hscv2
        """
        deadline = self._service.deadline(timeout)
        found = self._discovery.collections(deadline)
        rows = [(name, self._discovery.place(name, deadline)[0].url) for name in found]
        return ResultTable(rows=rows, names=("catalog", "url"), dtype=(str, str))

    def list_tables(
        self, catalog: str = "caom", *, service: str | Row | None = None, timeout: float | u.Quantity | None = None
    ) -> Table:
        """Return the tables of a database.

        Parameters
        ----------
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each table: ``table_name``, as used in ADQL, and ``description``.

        Raises
        ------
        InvalidQueryError
            If there is no such catalog, or ``service`` is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> print(*sorted(VO.list_tables("caom")["table_name"])[:3])
        dbo.caomartifact dbo.caomobservation dbo.caomplane
        """
        deadline = self._service.deadline(timeout)
        tap, schema = self._place(catalog, service, deadline)
        return self._discovery.tables(tap, deadline, schema)

    def list_columns(
        self,
        table: str,
        catalog: str = "caom",
        *,
        service: str | Row | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the columns of a table, with their types, units and descriptions.

        Parameters
        ----------
        table : str
            The name of the table, in any case; the schema is optional if the name is unique.
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``column_name``, ``datatype``, ``unit``, ``ucd``, ``description``, ``indexed`` (1
            if the column has an index) and ``principal`` (1 for the most important columns).

        Raises
        ------
        InvalidQueryError
            If there is no such catalog or table, or ``service`` is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> columns = VO.list_columns("obspointing")
        >>> columns[columns["unit"] == "s"]["column_name", "datatype", "unit"].pprint()
        column_name datatype unit
        ----------- -------- ----
          t_exptime   double    s
        """
        deadline = self._service.deadline(timeout)
        tap, schema = self._place(catalog, service, deadline)
        return self._discovery.columns(tap, self._discovery.table_name(tap, table, deadline, schema), deadline)

    def examples(
        self, catalog: str = "caom", *, service: str | Row | None = None, timeout: float | u.Quantity | None = None
    ) -> list[str]:
        """Return the example queries of a service.

        Parameters
        ----------
        catalog : str, default "caom"
            The database, in any case: one of `list_catalogs`.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, an address (``https://...``), or an
            identifier (``ivo://...``), which is resolved with the VO registry.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of str
            Queries for `query_tap`; empty if the service has no examples.

        Raises
        ------
        InvalidQueryError
            If there is no such catalog, or ``service`` is not valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> print(VO.examples("caom")[0])
        SELECT table_name, description FROM tap_schema.tables
        """
        deadline = self._service.deadline(timeout)
        return self._place(catalog, service, deadline)[0].examples(deadline)

    # -- services of the Virtual Observatory ---------------------------------------------------------------------

    def find_services(
        self,
        keywords: str | Sequence[str] | None = None,
        *,
        waveband: str | Sequence[str] | None = None,
        servicetype: str | Sequence[str] | None = None,
        archive: str = "MAST",
        author: str | Sequence[str] | None = None,
        ivoid: str | Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Table:
        """Return services of the Virtual Observatory from its registry.

        MAST's registry is queried; if it fails, that of ``conf.fallback_registry``.  Services on hosts that are known
        to be unavailable are left out.  All given constraints must be met.

        Parameters
        ----------
        keywords : str or sequence of str, optional
            Words that must be in the title, the description or the subjects of a resource.
        waveband : str or sequence of str, optional
            Parts of the spectrum, at least one of which a resource must have: ``"radio"``, ``"millimeter"``,
            ``"infrared"``, ``"optical"``, ``"uv"``, ``"euv"``, ``"x-ray"``, ``"gamma-ray"``, or a messenger:
            ``"photon"``, ``"neutrino"``.
        servicetype : str or sequence of str, optional
            Types of services: ``"tap"`` (tables, in ADQL), ``"scs"`` (cone search), ``"sia"`` and ``"sia2"`` (images),
            and ``"ssa"`` (spectra).
        archive : str, default "MAST"
            The archive: ``"MAST"``, ``"HEASARC"``, ``"IRSA"``, ``"NED"``, ``"CADC"`` or ``"JHU"``; ``"NAVO"``, which is
            the first four; or ``"all"``.
        author : str or sequence of str, optional
            Parts of the names of authors, in any case; all must match.
        ivoid : str or sequence of str, optional
            Identifiers of resources (``ivo://...``), in any archive.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each interface of a service: ``short_name``, ``title``, ``archive``, ``service_type``,
            ``waveband``, ``access_url``, ``ivoid``, ``description`` and ``reference_url``; MAST's first, then by
            archive and ivoid.  ``meta["registry"]`` is the address of the registry, ``meta["query"]`` the query, and
            ``meta["left_out"]`` lists the addresses that were left out, with the reasons.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or no constraint is given.
        RemoteServiceError
            If both registries fail.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        MaxResultsWarning
            If the registry has more resources than it returns.
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> VO.find_services("Gaia", servicetype="tap")["short_name", "ivoid"].pprint()
         short_name                 ivoid
        ------------ -----------------------------------
        Gaia DR3 TAP ivo://archive.stsci.edu/tap/gaiadr3
        """
        wanted = wanted_services(keywords, waveband, servicetype, archive, author, ivoid)
        table = find(wanted, self._service, self._service.deadline(timeout))
        if not len(table):
            dead = len(table.meta["left_out"])
            warn_no_results(
                [f"Services that were shut down are skipped: {dead}. See meta['left_out']."] if dead else ()
            )
        return table

    def _place(self, catalog: str, service: str | Row | None, deadline: Deadline) -> tuple[TapService, str | None]:
        """Return the service to query, and the schema with the tables of the catalog; None for all schemas."""
        if service is None:
            return self._discovery.place(catalog, deadline)
        url = service_address(service, self._service, deadline, "tap")[0].rstrip("/")
        return TapService(self._service, url, f"TAP service {url}"), None


VO = VOClass()
