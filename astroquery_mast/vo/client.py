"""`VOClass`: the archive by the protocols of the Virtual Observatory.

In: ADQL, positions, words.  Out: tables with units.  The protocols themselves are pyvo's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

__all__ = ["VO", "VOClass"]

_ONE_ANSWER = OneAnswer.ONE_ANSWER


class VOClass(PositionMethods):
    """MAST by the protocols of the Virtual Observatory: any query of its databases in ADQL, and more.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.  What these services have is public, so that no token is sent to them.
    """

    open_product = DownloadMethods.open_product
    read_product = DownloadMethods.read_product
    get_headers = DownloadMethods.get_headers
    _starting_points = ("query_tap", "list_tables", "find_services")

    @cached_property
    def _discovery(self) -> Discovery:
        """What knows which services, tables and columns there are."""
        return Discovery(self._service)

    @property
    def _product_files(self) -> ProductFiles:
        """What opens the files of products."""
        from ..downloads.product_files import ArchiveFiles, ProductFiles  # noqa: PLC0415 - queries need nothing of it

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
        """Return the rows of a query in ADQL, the SQL of astronomy.

        Parameters
        ----------
        adql : str
            The query.
        catalog : str
            The database, in any case: one of `list_catalogs`.
        limit : int, optional
            Rows in all.  If not given, as many as one answer holds (``maxrec``).  More than that are fetched in pages,
            and None fetches every row: they are counted first, and the number is compared at the end.
        key : str, optional
            For pages: the column along which they follow each other.  It should be indexed, and hardly two rows should
            share a value.  If not given, a column is chosen that the service lists as indexed or as the main
            identifier; without such a column, the sky is cut into boxes.
        maxrec : int, optional
            Rows of one answer, or of a page; by default the most that the archive sends, 100,000.
        run_async : bool, optional
            Whether the server works on the query as a job.  If not given, it is asked to answer at once, and again as a
            job if that takes longer than its gateway waits, or half of the timeout.  Several pages are jobs.
        job : bool
            Whether to return a job without waiting for it.
        service : str or `~astropy.table.Row`, optional
            Another TAP service, instead of ``catalog``: a row of `find_services`, its address (``https://...``), or its
            identifier (``ivo://...``), which is looked up in the registry.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.  If it is more than ten
            minutes, the server is asked to let a job run for as long.
        verbose : bool
            Whether to show a bar on a terminal.
        get_query_payload : bool
            Whether to return the request instead of sending it.

        Returns
        -------
        `~astropy.table.Table`, JobHandle or dict
            The rows, with units, descriptions and UCDs (``column.meta["ucd"]``).  ``meta`` has the query (``"adql"``),
            the address of the service (``"service"``), how it was asked (``"mode"``, ``"sync"`` or ``"async"``), and
            whether there are more rows (``"overflow"``).  Or a job, or the request.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or the service refuses the query; its own words are in the message.
        RemoteServiceError
            If the service fails, or rows are missing.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        MaxResultsWarning
            If there are more rows than are returned.
        NoResultsWarning
            If there are none.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> table = VO.query_tap(
        ...     "SELECT TOP 3 obs_id, t_exptime FROM dbo.obspointing "
        ...     "WHERE obs_collection = 'HST' ORDER BY t_exptime DESC, obs_id"
        ... )
        >>> print(table["t_exptime"].unit)
        s
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
        """Give the rows of a query page by page, so that a long result never is in memory as a whole.

        Parameters
        ----------
        adql, catalog, key, maxrec, run_async, service
            As `query_tap`.
        limit : int, optional
            Rows in all; every row if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that a page may take; ``conf.timeout`` if not given.

        Yields
        ------
        `~astropy.table.Table`
            A page of at most ``maxrec`` rows.  The number of all rows is proven with the last one.

        Raises
        ------
        InvalidQueryError, RemoteServiceError, TimeoutError
            As `query_tap`.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> query = "SELECT obsid, obs_id FROM dbo.obspointing WHERE obs_collection = 'GALEX'"
        >>> for page in VO.query_tap_iter(query, maxrec=20, limit=50):
        ...     print(len(page) <= 20)
        True
        True
        True
        """
        question = TapQuestion(adql, limit, key, maxrec, run_async)
        deadline = self._service.deadline(timeout)
        return question.pages(self._place(catalog, service, deadline)[0], self._discovery, deadline)

    def cone_condition(
        self,
        coordinates: Any,
        radius: Any = DEFAULT_RADIUS,
        *,
        ra: str = "s_ra",
        dec: str = "s_dec",
        timeout: float | u.Quantity | None = None,
    ) -> str:
        """Return the condition of ADQL that a position is in a circle, with a box around the circle before it.

        Databases find a box by an index, and then look for the circle in what is left.  In MAST's database of
        observations a circle alone has been seen to take more than a minute, and a box two seconds.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str
            The center: as `ObservationsClass.query_region`, a name of an object included.
        radius : `~astropy.units.Quantity`, str, or number
            The radius, by default 0.2 degrees; a plain number is in degrees.
        ra, dec : str
            The columns of right ascension and declination (degrees, ICRS), by default those of ``dbo.obspointing``.
            They may have the name of a table before them, as in ``"o.s_ra"``.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the look-up of a name may take; ``conf.timeout`` if not given.

        Returns
        -------
        str
            What stands after ``WHERE``; it can be combined with other conditions by ``AND``.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid.
        ResolverError
            If the name has no position.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> print(VO.cone_condition("0 60", "36 arcsec", ra="ra", dec="dec"))
        dec BETWEEN 59.9899999 AND 60.0100001 AND (ra >= 359.9799999 OR ra <= 0.0200001)
        AND CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 0, 60, 0.01)) = 1
        >>> around = VO.cone_condition("M51", "0.1 deg")
        >>> query = f"SELECT obs_id FROM dbo.obspointing WHERE {around} AND obs_collection = 'JWST'"
        >>> len(VO.query_tap(query)) > 0
        True
        """
        cone = cone_around(self._service.locate(coordinates, self._service.deadline(timeout)), radius)
        return cone_condition(cone.ra, cone.dec, cone.radius, (ra, dec))

    def get_job(self, url: str) -> JobHandle:
        """Return the handle of a job that was submitted before, in whatever session.

        Parameters
        ----------
        url : str
            Its address, which the handle has as ``url``.

        Returns
        -------
        JobHandle
            Its ``status``, ``wait``, ``cancel`` and ``result`` ask the server; this call does not.

        Raises
        ------
        InvalidQueryError
            If it is not the address of a job.

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
        catalog, service, timeout
            As `query_tap`.

        Returns
        -------
        `~astropy.table.Table`
            ``job_id``, ``status``, ``created`` (ISO 8601) and ``url``, which `get_job` takes.

        Raises
        ------
        RemoteServiceError
            If the service fails.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> VO.list_jobs("caom").colnames
        ['job_id', 'status', 'created', 'url']
        """
        deadline = self._service.deadline(timeout)
        return self._place(catalog, service, deadline)[0].jobs(deadline)

    # -- what is there -------------------------------------------------------------------------------------------

    def list_catalogs(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the databases that can be asked.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            ``catalog``, the name for ``catalog=``, and ``url``, the address of the TAP service that has it.

        Raises
        ------
        RemoteServiceError
            If the archive fails.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> "caom" in VO.list_catalogs()["catalog"]
        True
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
        catalog, service, timeout
            As `query_tap`.

        Returns
        -------
        `~astropy.table.Table`
            ``table_name``, as it is written in ADQL, and ``description``.

        Raises
        ------
        InvalidQueryError
            If there is no such catalog.
        RemoteServiceError
            If the service fails.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> "dbo.obspointing" in VO.list_tables("caom")["table_name"]
        True
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
        """Return the columns of a table.

        Parameters
        ----------
        table : str
            Its name, in any case; the schema may be left out if only one table has the name.
        catalog, service, timeout
            As `query_tap`.

        Returns
        -------
        `~astropy.table.Table`
            ``column_name``, ``datatype``, ``unit``, ``ucd``, ``description``, ``indexed`` (1 if the database finds
            its values quickly) and ``principal`` (1 for the most important ones).

        Raises
        ------
        InvalidQueryError
            If there is no such catalog or table.
        RemoteServiceError
            If the service fails.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> columns = VO.list_columns("obspointing")
        >>> "s_region" in columns["column_name"]
        True
        """
        deadline = self._service.deadline(timeout)
        tap, schema = self._place(catalog, service, deadline)
        return self._discovery.columns(tap, self._discovery.table_name(tap, table, deadline, schema), deadline)

    def examples(
        self, catalog: str = "caom", *, service: str | Row | None = None, timeout: float | u.Quantity | None = None
    ) -> list[str]:
        """Return queries that a service gives as examples.

        Parameters
        ----------
        catalog, service, timeout
            As `query_tap`.

        Returns
        -------
        list of str
            Queries for `query_tap`; empty if there are none.

        Raises
        ------
        InvalidQueryError
            If there is no such catalog.
        RemoteServiceError
            If the service fails.

        Examples
        --------
        >>> from astroquery_mast import VO
        >>> VO.examples("caom")[0].startswith("SELECT")
        True
        """
        deadline = self._service.deadline(timeout)
        return self._place(catalog, service, deadline)[0].examples(deadline)

    # -- which services there are --------------------------------------------------------------------------------

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
        """Return the services of the Virtual Observatory that a registry knows.

        MAST's registry is asked; if it fails, that of ``conf.fallback_registry``.  Services whose hosts are known to be
        dead are left out.  What is given is combined: all of it has to hold.

        Parameters
        ----------
        keywords : str or sequence of str, optional
            Words, each of which has to be in the title, the description or the subjects of a resource.
        waveband : str or sequence of str, optional
            One or several parts of the spectrum, of which a resource has at least one: ``"radio"``, ``"millimeter"``,
            ``"infrared"``, ``"optical"``, ``"uv"``, ``"euv"``, ``"x-ray"``, ``"gamma-ray"``, or a messenger:
            ``"photon"``, ``"neutrino"``.
        servicetype : str or sequence of str, optional
            One or several of ``"tap"`` (tables, in ADQL), ``"scs"`` (cone search), ``"sia"`` and ``"sia2"`` (images),
            and ``"ssa"`` (spectra).
        archive : str
            ``"MAST"``; ``"NAVO"``, which is MAST, HEASARC, IRSA and NED; one of these by its name, ``"CADC"`` or
            ``"JHU"``; or ``"all"``.
        author : str or sequence of str, optional
            Parts of the names of authors, in any case; each has to be there.
        ivoid : str or sequence of str, optional
            Identifiers of resources (``ivo://...``), whichever archive has them.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            A row for each interface of a service: ``short_name``, ``title``, ``archive``, ``service_type``,
            ``waveband``, ``access_url``, ``ivoid``, ``description`` and ``reference_url``; those of MAST come first,
            others by archive and ivoid.  ``meta["registry"]`` is the address of the registry that has answered,
            ``meta["query"]`` what it was asked, and ``meta["left_out"]`` the addresses that were left out, with the
            reasons.

        Raises
        ------
        InvalidQueryError
            If a name is not valid, or nothing is said of what to look for.
        RemoteServiceError
            If neither registry answers.
        TimeoutError
            If ``timeout`` seconds were not enough.

        Warns
        -----
        MaxResultsWarning
            If the registry knows more resources than it has sent.
        NoResultsWarning
            If there are none.

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
            warn_no_results([f"Dead services were left out: {dead}; see meta['left_out']."] if dead else ())
        return table

    def _place(self, catalog: str, service: str | Row | None, deadline: Deadline) -> tuple[TapService, str | None]:
        """The service that is asked, and the schema whose tables are those of the catalog; None for all of them."""
        if service is None:
            return self._discovery.place(catalog, deadline)
        url = service_address(service, self._service, deadline, "tap")[0].rstrip("/")
        return TapService(self._service, url, f"TAP service {url}"), None


VO = VOClass()
