"""`ProgramsClass`: observing programs of JWST and HST, planned observations, and duplications."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from astropy import units as u
from astropy.table import Row, Table

from ..downloads.download import DownloadRequest
from ..downloads.methods import DownloadMethods
from ..downloads.product_flow import Downloads
from ..observations.search import Place
from ..products.addresses import FileAddresses
from ..products.manifest import Manifest
from ..service.core import MastClass
from ..service.parallel import RunOptions
from ..sky.radii import DEFAULT_MATCH_RADIUS, DEFAULT_RADIUS
from .duplications import DuplicationSearch, Proposed
from .pages import ProgramInfo, program_info
from .planned import PlannedSearch, PlannedTable, SetupFilter, planned_criteria
from .planned_match import PlannedMatch
from .program import as_program
from .proposals import Proposals
from .site import ProgramSite
from .visits import visits_table

if TYPE_CHECKING:
    from ..query.types import AngleLike, CriterionLike, PositionsLike, RegionLike

__all__ = ["Programs", "ProgramsClass"]


class ProgramsClass(MastClass):
    """Search observing programs: planned observations, duplications, the status of visits, and proposals.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  It is not sent to the pages of programs, which are public.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import Programs
    >>> Programs.get_program("GO-1783").pi
    'Adamo, Angela'
    """

    _starting_points = ("query_planned", "find_duplications", "get_visits")

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads

    @property
    def _downloads(self) -> Downloads:
        """The downloads, for which the URIs of a manifest are URLs."""
        return Downloads(self._service, _addresses)

    @property
    def _site(self) -> ProgramSite:
        """The web site with the pages of programs."""
        return ProgramSite(self._service)

    # -- planned observations ------------------------------------------------------------------------------------

    def query_planned(
        self,
        coordinates: PositionsLike | None = None,
        *,
        object_name: str | Iterable[str] | None = None,
        region: RegionLike | None = None,
        radius: AngleLike = DEFAULT_RADIUS,
        resolver: str | None = None,
        instrument: str | Iterable[str] | None = None,
        filters: str | Iterable[str] | None = None,
        mission: str = "JWST",
        limit: int | None = None,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        **criteria: CriterionLike,
    ) -> PlannedTable:
        """Return observations that are approved and not yet executed.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, str or list, optional
            A position, or many; text that is not a position is resolved as the name of an object.  In a table, rows
            without a position may have the name of a solar system target.
        object_name : str or iterable of str, optional
            The name of an object, or several.  Planets, moons, asteroids and comets are matched by the names of the
            targets, because they have no fixed position.
        region : object, optional
            The region to search, instead of a position: an STC-S string such as ``s_region``; three or more vertices as
            one `~astropy.coordinates.SkyCoord` or as (RA, Dec) pairs in degrees; a region of the ``regions`` package; a
            ``mocpy.MOC``; an `~astropy.wcs.WCS` with ``array_shape``; or a list of any of these except MOCs.
        radius : `~astropy.units.Quantity`, str, or float, default 0.2 deg
            The search radius; a number is in degrees.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        instrument : str or iterable of str, optional
            The instrument with or without a mode, such as ``"NIRCAM"``, ``"NIRCam imaging"`` or ``"MIRI/IFU"``.
        filters : str or iterable of str, optional
            Filters or gratings, one of which an observation must use.  ``"F290LP;G395H"`` is a combination.
        mission : {"JWST", "HST"}, default "JWST"
            The mission.
        limit : int, optional
            The largest number of rows to return, for many targets the number for each; a warning is issued if there are
            more.  By default, all rows are returned.
        max_workers : int, optional
            The number of requests to run at a time.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show a progress bar on a terminal and to log the outcome.
        **criteria : object
            More criteria, as in `ObservationsClass.query_criteria`, e.g. ``proposal_id=9214``.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table` with one row for each observation, and the columns and units of `Observations`.
            Cells without a value, such as most dates, are masked.  ``distance`` is the separation from the position
            (arcsec, 0 inside a footprint).  For many targets, the first column is ``input_row``, the row of the target
            in the input, and ``meta["nomatch"]`` and ``meta["failed"]`` list the targets without a row.
            ``meta["caveat"]`` describes the accuracy of the footprints.

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
        NoResultsWarning
            If nothing is found.
        MaxResultsWarning
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> planned = Programs.query_planned(
        ...     object_name="M101", instrument="NIRCAM", filters="F444W"
        ... )
        >>> planned["obs_id", "proposal_id", "distance"][:2].pprint()
                       obs_id                proposal_id distance
                                                          arcsec
        ------------------------------------ ----------- --------
        jw09214-o001_t002_nircam_clear-f444w        9214      0.0
        jw09214-o004_t002_nircam_clear-f444w        9214      0.0
        """
        place = Place(coordinates, object_name, radius, resolver, region)
        asked = planned_criteria(mission, criteria)
        setup = SetupFilter.of(instrument, filters, asked["obs_collection"])
        options = RunOptions(verbose, max_workers, None, timeout)
        return PlannedSearch(self._service).table(place, setup, asked, options, limit)

    def crossmatch_planned(
        self,
        table: PositionsLike,
        *,
        radius: AngleLike = DEFAULT_MATCH_RADIUS,
        best: bool = False,
        instrument: str | Iterable[str] | None = None,
        filters: str | Iterable[str] | None = None,
        mission: str = "JWST",
        ra_column: str | None = None,
        dec_column: str | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = True,
        **criteria: CriterionLike,
    ) -> PlannedTable:
        """Return the positions of a catalog that are in the fields of observations that are not yet executed.

        All planned observations are retrieved in one query, and compared locally with the positions, by footprint and
        for any roll of the telescope, because the roll is not yet known.  Observations of moving targets are left out.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions: a table with a `~astropy.coordinates.SkyCoord` column, or with right ascension and
            declination columns of the usual names (in degrees, unless the columns have a unit or are text in hours and
            degrees); a `~astropy.coordinates.SkyCoord` array; or a list of positions.
        radius : `~astropy.units.Quantity`, str, or float, default 7.2 arcsec
            The largest separation of a match; a number is in degrees.
        best : bool, default False
            Whether to return only the observation with the center nearest to each position.
        instrument : str or iterable of str, optional
            The instrument with or without a mode, such as ``"NIRCAM"``, ``"NIRCam imaging"`` or ``"MIRI/IFU"``.
        filters : str or iterable of str, optional
            Filters or gratings, one of which an observation must use.  ``"F290LP;G395H"`` is a combination.
        mission : {"JWST", "HST"}, default "JWST"
            The mission.
        ra_column, dec_column : str, optional
            The columns with right ascension and declination, if they have unusual names.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default True
            Whether to log the number of pairs.
        **criteria : object
            More criteria, as in `ObservationsClass.query_criteria`, e.g. ``proposal_id=9214``.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table` with one row for each pair, sorted by position and separation: ``input_row``, the
            row of the position in the input; ``separation`` (arcsec) from the center of the observation, masked if that
            is unknown; ``coverage``; and MAST's columns, such as ``proposal_id`` and ``filters``.  Cells without a
            value are masked.  ``coverage`` is ``"any roll"`` if the position is in the field of the instrument at any
            roll, ``"footprint"`` if it is within ``radius`` of the approximate footprint, and ``"some rolls"`` if
            another roll may bring it into the field.  ``meta["unmatched"]`` lists the rows without an observation,
            ``meta["failed"]`` the rows without a position, and ``meta["caveat"]`` describes the accuracy of the
            footprints.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If nothing is found.
        InputWarning
            If some rows have no position.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from astroquery_mast import Programs
        >>> mine = SkyCoord([210.802429, 10.0], [54.34875, -45.0], unit="deg")
        >>> pairs = Programs.crossmatch_planned(mine, instrument="NIRCAM", verbose=False)
        >>> pairs["input_row", "proposal_id", "filters", "coverage"][:2].pprint()
        input_row proposal_id filters coverage
        --------- ----------- ------- --------
                0        9214   F115W any roll
                0        9214   F200W any roll
        >>> pairs.meta["unmatched"]
        [1]
        """
        asked = planned_criteria(mission, criteria)
        setup = SetupFilter.of(instrument, filters, asked["obs_collection"])
        columns = {"ra_column": ra_column, "dec_column": dec_column}
        options = RunOptions(verbose, None, None, timeout)
        return PlannedMatch(self._service).table(table, radius, setup, asked, options, best=best, columns=columns)

    # -- duplications --------------------------------------------------------------------------------------------

    def find_duplications(
        self,
        targets: PositionsLike,
        *,
        instrument: str | None = None,
        filters: str | Iterable[str] | None = None,
        exptime: float | u.Quantity | None = None,
        radius: AngleLike | None = None,
        resolver: str | None = None,
        planned_only: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
    ) -> PlannedTable:
        """Return the JWST observations, executed or planned, that proposed ones may duplicate, the most likely first.

        Each observation is compared with the proposed one in field, mode, passband and depth.  Only properties that are
        given are compared: without ``exptime``, for example, depth is ignored.

        Parameters
        ----------
        targets : str, `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, or list of str or positions
            The targets of a proposal.  Solar system targets are compared by name.  In a table, the columns
            ``instrument``, ``filters`` and ``exptime`` describe the proposed observation of each target.
        instrument : str, optional
            The instrument with or without a mode, such as ``"NIRCAM/IMAGE"``.
        filters : str or iterable of str, optional
            Filters or gratings; ``"F290LP;G395H"`` is a combination.
        exptime : float or `~astropy.units.Quantity`, optional
            The exposure time, in seconds if it has no unit.
        radius : `~astropy.units.Quantity`, str, or float, optional
            The search radius around a target; a number is in degrees.  Defaults to the largest separation at which two
            fields of view can overlap at any roll of the telescope.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        planned_only : bool, default False
            Whether to leave out observations that were executed.
        max_workers : int, optional
            The number of requests to run at a time.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default False
            Whether to show a progress bar on a terminal and to log the number of observations of each grade.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table` with one row for each pair of a target and an observation.  ``grade`` is
            ``"duplication"`` if all properties match, ``"possible"`` if none differs, and ``"unlikely"`` otherwise;
            ``reason`` explains it.  ``same_field``, ``same_mode``, ``same_passband`` and ``same_depth`` are ``"yes"``,
            ``"possible"`` or ``"no"``, masked if they were not compared.  ``separation`` is that of the target from the
            center of the observation (arcsec).  ``program_url``, ``visits_url``, ``apt_url`` and ``pdf_url`` are the
            addresses of further information.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid; nothing is sent in this case.
        ResolverError
            If no name can be resolved.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        NoResultsWarning
            If nothing is found.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> found = Programs.find_duplications("M51", instrument="NIRCAM/IMAGE", filters="F200W")
        >>> found["grade", "proposal_id", "filters"][:2].pprint()
           grade    proposal_id filters
        ----------- ----------- -------
        duplication        1783   F200W
        duplication        2107   F200W
        """
        proposed = Proposed(targets, instrument, filters, exptime, radius, resolver)
        options = RunOptions(verbose, max_workers, None, timeout)
        return DuplicationSearch(self._service).table(proposed, options, planned_only=planned_only)

    # -- one program ---------------------------------------------------------------------------------------------

    def get_visits(
        self, program: int | str | Row, *, mission: str | None = None, timeout: float | u.Quantity | None = None
    ) -> Table:
        """Return the visits of a program, with their status, plan windows and repeats.

        Parameters
        ----------
        program : int, str or `~astropy.table.Row`
            The program, such as ``1783``, ``"GO-1783"`` or ``"JWST 1783"``, or a row of a table of observations.
        mission : {"JWST", "HST"}, optional
            The mission.  Defaults to that of ``program``, or to JWST.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each visit: ``proposal_id``, ``observation`` (masked for HST), ``visit``, ``visit_id`` (the
            beginning of the names of its files), ``status``, ``target``, ``configuration``, ``hours``; the times
            ``start`` and ``end``, and ``plan_start`` and ``plan_end`` of all plan windows together; ``plan_windows``, a
            `~astropy.time.Time` of pairs of start and end, of shape (visits, windows, 2); ``plan_status``, the text of
            the report if there is no window; ``repeat_of`` and ``repeated_by``, as ``observation:visit``; ``problem``,
            the number of the problem report; and ``repeat_pending``.  Times are UTC. Values that the report does not
            have are masked.  ``meta`` has the address and the date of the report.

        Raises
        ------
        InvalidQueryError
            If there is no such program, or ``program`` does not specify one.
        RemoteServiceError
            If the site fails, or its report has an unknown format.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> visits = Programs.get_visits(1783)
        >>> visits["observation", "status", "repeated_by"][-2:].pprint()
        observation       status      repeated_by
        ----------- ----------------- -----------
                  5           Skipped          --
                  6 Failed - Archived         4:1
        """
        wanted = as_program(program, mission)
        return visits_table(self._site, wanted, self._service.deadline(timeout))

    def get_program(
        self, program: int | str | Row, *, mission: str | None = None, timeout: float | u.Quantity | None = None
    ) -> ProgramInfo:
        """Return the information on the page of a program: title, investigator, cycle, status, links.

        Parameters
        ----------
        program : int, str or `~astropy.table.Row`
            The program, such as ``1783``, ``"GO-1783"`` or ``"JWST 1783"``, or a row of a table of observations.
        mission : {"JWST", "HST"}, optional
            The mission.  Defaults to that of ``program``, or to JWST.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        ProgramInfo
            An object with the attributes ``title``, ``pi``, ``category``, ``cycle``, ``status``, ``links`` and others.

        Raises
        ------
        InvalidQueryError
            If there is no such program, or ``program`` does not specify one.
        RemoteServiceError
            If the site fails, or its page has an unknown format.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> program = Programs.get_program("GO-1783")
        >>> program.category, program.pi, program.cycle
        ('GO', 'Adamo, Angela', 1)
        """
        wanted = as_program(program, mission)
        return program_info(self._site, wanted, self._service.deadline(timeout))

    def download_apt(
        self,
        program: int | str | Row,
        *,
        download_dir: str | os.PathLike[str] | None = None,
        mission: str | None = None,
        pdf: bool = False,
        cache: bool = True,
        overwrite: str | None = None,
        dry_run: bool = False,
        verbose: bool = True,
        timeout: float | u.Quantity | None = None,
        on_error: str = "warn",
    ) -> Manifest | Table:
        """Download the proposal of a program: the APT file with all details and, optionally, the PDF.

        Parameters
        ----------
        program : int, str or `~astropy.table.Row`
            The program, such as ``1783``, ``"GO-1783"`` or ``"JWST 1783"``, or a row of a table of observations.
        download_dir : path-like, optional
            The folder to download to; files are written to ``mastDownload/<mission>/<number>/`` in it.  Defaults to the
            current folder.
        mission : {"JWST", "HST"}, optional
            The mission.  Defaults to that of ``program``, or to JWST.
        pdf : bool, default False
            Whether to download the PDF, too.
        cache : bool, default True
            Whether to keep files that are on disk: without a request if the size is that of the catalog, otherwise if
            the file at MAST has the same size.  With False, all files are downloaded again.
        overwrite : {"never", "if-changed", "always"}, optional
            How to handle files that are on disk.  ``"never"`` keeps them without a request; ``"if-changed"`` checks
            each, and downloads it if it has another size or is older than the file at MAST; ``"always"`` downloads it
            again, like ``cache=False``.  By default, ``cache`` decides.
        dry_run : bool, default False
            Whether to return the plan of the download without downloading anything.
        verbose : bool, default True
            Whether to show a progress bar on a terminal and to log the outcome.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the whole call may take, in seconds if it has no unit.  Files that have not arrived by then
            are errors in the manifest.  By default, the time is not limited.
        on_error : {"warn", "raise", "ignore"}, default "warn"
            How to report failed downloads: log a warning, raise an error after all other files were downloaded, or do
            nothing.  Failed files are in the manifest in any case.

        Returns
        -------
        `~astroquery_mast.products.manifest.Manifest` or `~astropy.table.Table`
            The manifest, with one row for each file; or with ``dry_run`` the plan.

        Raises
        ------
        InvalidQueryError
            If ``program`` does not specify a program, or another argument is not valid.
        DownloadError
            With ``on_error="raise"``, if a file failed; its attribute ``manifest`` has all rows.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> manifest = Programs.download_apt(1783, verbose=False)
        >>> print(manifest["Local Path"][0], manifest["Status"][0])
        mastDownload/JWST/1783/1783.aptx COMPLETE
        """
        wanted = as_program(program, mission)
        request = DownloadRequest(download_dir, cache=cache, overwrite=overwrite, dry_run=dry_run)
        options = RunOptions(verbose, None, None, timeout, on_error)
        files = Proposals(self._downloads, self._site.server)
        return files.download(wanted, ("apt", "pdf") if pdf else ("apt",), request, options)


def _addresses(manifest: Table) -> FileAddresses:
    """Return the addresses of the files of a manifest, whose URIs are URLs."""
    return FileAddresses(
        "", frozenset(map(str, manifest["dataURI"])) if "dataURI" in manifest.colnames else frozenset()
    )


Programs = ProgramsClass()
