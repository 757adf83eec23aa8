"""`ProgramsClass`: observing programs of JWST and HST, planned observations, and what would be observed twice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

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

__all__ = ["Programs", "ProgramsClass"]


class ProgramsClass(MastClass):
    """Observing programs: planned observations, possible duplications, the status of visits, and proposals as files.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.  The pages of programs are public: no token is sent to them.
    """

    _starting_points = ("query_planned", "find_duplications", "get_visits")

    verify_downloads = DownloadMethods.verify_downloads
    retry_downloads = DownloadMethods.retry_downloads

    @property
    def _downloads(self) -> Downloads:
        """What downloads; the URIs of a manifest are addresses already."""
        return Downloads(self._service, _addresses)

    @property
    def _site(self) -> ProgramSite:
        """What asks for pages."""
        return ProgramSite(self._service)

    # -- observations that are planned ---------------------------------------------------------------------------

    def query_planned(
        self,
        coordinates: Any = None,
        *,
        object_name: str | Iterable[str] | None = None,
        region: Any = None,
        radius: Any = DEFAULT_RADIUS,
        resolver: str | None = None,
        instrument: str | Iterable[str] | None = None,
        filters: str | Iterable[str] | None = None,
        mission: str = "JWST",
        limit: int | None = None,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
        **criteria: Any,
    ) -> PlannedTable:
        """Return observations that are approved and not made yet.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, str or list, optional
            A position, or many of them; text that is not a position is the name of an object.  In a table, rows
            without a position may have the name of a solar-system target.
        object_name : str or iterable of str, optional
            The name of an object, or several.  Planets, moons, asteroids and comets are looked for by the names of the
            targets, because they have no position.
        region : object, optional
            Instead of a position, as in `ObservationsClass.query_region`.
        radius : `~astropy.units.Quantity`, str or number
            Around a position, by default 0.2 degrees; a plain number is in degrees.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; the first that knows a name if not given.
        instrument : str or iterable of str, optional
            Instrument with or without a mode, such as ``"NIRCAM"``, ``"NIRCam imaging"`` or ``"MIRI/IFU"``.
        filters : str or iterable of str, optional
            Filters or gratings, one of which an observation has to use.  ``"F290LP;G395H"`` is a combination.
        mission : str, default ``"JWST"``
            ``"JWST"`` or ``"HST"``.
        limit : int, optional
            How many rows to return at most, with a warning if there are more; all if not given.  For many targets the
            limit of each.
        max_workers : int, optional
            How many requests run at a time; ``conf.max_workers`` if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the call may take; ``conf.timeout`` if not given.
        verbose : bool, default False
            Whether to show a bar on a terminal, and to log how many there are.
        **criteria : object
            More criteria, as in `ObservationsClass.query_criteria`, e.g. ``proposal_id=9214``.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table`, one row for each observation, with columns and units as in `Observations`.  Cells
            without a value, such as most dates, are masked.  ``distance`` is that from the position (arcsec; zero
            inside of a footprint).  For many targets the first column is ``input_row``, and ``meta["nomatch"]`` and
            ``meta["failed"]`` list targets without a row.  ``meta["caveat"]`` says what footprints are worth.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be used; nothing was sent then.
        ResolverError
            If a name has no position.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

        Warns
        -----
        NoResultsWarning
            If there are none.
        MaxResultsWarning
            If there are more than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> planned = Programs.query_planned(object_name="M101", instrument="NIRCAM", filters="F444W")
        >>> sorted(set(planned["proposal_id"].tolist())), set(planned["calib_level"].tolist())
        (['9214'], {-1})
        """
        place = Place(coordinates, object_name, radius, resolver, region)
        asked = planned_criteria(mission, criteria)
        setup = SetupFilter.of(instrument, filters, asked["obs_collection"])
        options = RunOptions(verbose, max_workers, None, timeout)
        return PlannedSearch(self._service).table(place, setup, asked, options, limit)

    def crossmatch_planned(
        self,
        table: Any,
        *,
        radius: Any = DEFAULT_MATCH_RADIUS,
        best: bool = False,
        instrument: str | Iterable[str] | None = None,
        filters: str | Iterable[str] | None = None,
        mission: str = "JWST",
        ra_column: str | None = None,
        dec_column: str | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = True,
        **criteria: Any,
    ) -> PlannedTable:
        """Return which positions of a catalog are in the fields of observations that are approved and not made yet.

        The archive is asked once, for all planned observations, however many positions there are.  They are compared
        here, by footprint, and for any roll of the telescope, because the roll is not known yet.  Observations of
        targets that move are left out.

        Parameters
        ----------
        table : `~astropy.table.Table`, `~astropy.coordinates.SkyCoord`, or list
            The positions, as in `ObservationsClass.crossmatch`.
        radius : `~astropy.units.Quantity`, str, or number
            How far from a position a field may be, by default 7.2 arcsec; a plain number is in degrees.
        best : bool
            Whether to return only the observation whose center is nearest to each position.
        instrument : str or iterable of str, optional
            Instrument with or without a mode, such as ``"NIRCAM"`` or ``"NIRSPEC/MSA"``.
        filters : str or iterable of str, optional
            Filters or gratings, one of which an observation has to use.  ``"F290LP;G395H"`` is a combination.
        mission : str
            ``"JWST"`` or ``"HST"``.
        ra_column, dec_column : str, optional
            The columns of the table, if they have other names.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the call may take; ``conf.timeout`` if not given.
        verbose : bool
            Whether to log how many pairs there are.
        **criteria : object
            More criteria, as in `ObservationsClass.query_criteria`, e.g. ``proposal_id=9214``.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table`, one row for each pair, by position and separation: ``input_row``, the row of the
            position in the input; ``separation`` (arcsec) from the center of the observation, masked where that is not
            known; ``coverage``; and the archive's columns, such as ``proposal_id`` and ``filters``.  Cells without a
            value are masked.  ``coverage`` is ``"any roll"`` if the position is so near to the center that it is in the
            field of the instrument at any roll, ``"footprint"`` if it is within ``radius`` of the approximate
            footprint, and ``"some rolls"`` if it is not, or there is no footprint, and another roll may bring it into
            the field.  ``meta["unmatched"]`` lists the rows without an observation, ``meta["failed"]``
            those that have no position, and ``meta["caveat"]`` says what footprints are worth.

        Raises
        ------
        InvalidQueryError
            If there are no positions, or an argument cannot be used; nothing was sent then.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

        Warns
        -----
        NoResultsWarning
            If there are no pairs.
        InputWarning
            If some rows have no position.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> from astroquery_mast import Programs
        >>> mine = SkyCoord([210.802429, 10.0], [54.34875, -45.0], unit="deg")
        >>> pairs = Programs.crossmatch_planned(mine, instrument="NIRCAM", verbose=False)
        >>> sorted(set(pairs["input_row"].tolist())), sorted(set(pairs["proposal_id"].tolist()))
        ([0], ['9214'])
        >>> pairs.meta["unmatched"]
        [1]
        """
        asked = planned_criteria(mission, criteria)
        setup = SetupFilter.of(instrument, filters, asked["obs_collection"])
        columns = {"ra_column": ra_column, "dec_column": dec_column}
        options = RunOptions(verbose, None, None, timeout)
        return PlannedMatch(self._service).table(table, radius, setup, asked, options, best=best, columns=columns)

    # -- what would be done twice --------------------------------------------------------------------------------

    def find_duplications(
        self,
        targets: Any,
        *,
        instrument: str | None = None,
        filters: str | Iterable[str] | None = None,
        exptime: float | u.Quantity | None = None,
        radius: Any = None,
        resolver: str | None = None,
        planned_only: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = False,
    ) -> PlannedTable:
        """Return the JWST observations, made or planned, that proposed ones may duplicate, the likeliest first.

        Four questions are asked of each observation: is it of the same field, in the same mode, in the same passband,
        and as deep?  Only what was given is compared: without ``exptime``, for instance, depth does not count.

        Parameters
        ----------
        targets : str, `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, or list of str or positions
            The targets of a proposal.  Solar-system targets are compared by name.  In a table, columns called
            ``instrument``, ``filters`` and ``exptime`` hold what is proposed for each target.
        instrument : str, optional
            Instrument with or without a mode, such as ``"NIRCAM/IMAGE"``.
        filters : str or iterable of str, optional
            Filters or gratings; ``"F290LP;G395H"`` is a combination.
        exptime : float or `~astropy.units.Quantity`, optional
            Exposure time, in seconds without a unit.
        radius : `~astropy.units.Quantity`, str or number, optional
            How far from a target to look; a plain number is in degrees.  If not given, as far as two fields of view can
            touch, whatever the roll of the telescope.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; the first that knows a name if not given.
        planned_only : bool, default False
            Whether to leave out what was made already.
        max_workers : int, optional
            How many requests run at a time; ``conf.max_workers`` if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the call may take; ``conf.timeout`` if not given.
        verbose : bool, default False
            Whether to show a bar on a terminal, and to log how many there are of each grade.

        Returns
        -------
        PlannedTable
            A `~astropy.table.Table`, one row for each pair of a target and an observation.  ``grade`` is
            ``"duplication"`` if all answers are yes, ``"possible"`` if none is no, and ``"unlikely"`` otherwise;
            ``reason`` says why, in words.  ``same_field``, ``same_mode``, ``same_passband`` and ``same_depth`` are
            ``"yes"``, ``"possible"`` or ``"no"``, masked where they were not asked.  ``separation`` is that of the
            target from the center of the observation (arcsec).  ``program_url``, ``visits_url``, ``apt_url`` and
            ``pdf_url`` are where to read on.

        Raises
        ------
        InvalidQueryError
            If an argument cannot be used; nothing was sent then.
        ResolverError
            If none of the names has a position.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

        Warns
        -----
        NoResultsWarning
            If nothing was or will be observed there.

        Examples
        --------
        >>> from astroquery_mast import Programs
        >>> found = Programs.find_duplications("M51", instrument="NIRCAM/IMAGE", filters="F200W")
        >>> found["grade", "proposal_id", "filters"][0].as_void().tolist()
        ('duplication', '1783', 'F200W')
        """
        proposed = Proposed(targets, instrument, filters, exptime, radius, resolver)
        options = RunOptions(verbose, max_workers, None, timeout)
        return DuplicationSearch(self._service).table(proposed, options, planned_only=planned_only)

    # -- one program ---------------------------------------------------------------------------------------------

    def get_visits(
        self, program: int | str | Row, *, mission: str | None = None, timeout: float | u.Quantity | None = None
    ) -> Table:
        """Return the visits of a program: which are done, when the others are planned, and what is repeated.

        Parameters
        ----------
        program : int, str or `~astropy.table.Row`
            The program, such as ``1783``, ``"GO-1783"`` or ``"JWST 1783"``, or a row of a table of observations.
        mission : str, optional
            ``"JWST"`` or ``"HST"``; if it is not told by the program, JWST.
        timeout : float or `~astropy.units.Quantity`, optional
            Time, in seconds without a unit, that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            One row for each visit: ``proposal_id``, ``observation`` (HST has none), ``visit``, ``visit_id`` (how the
            names of its files begin), ``status``, ``target``, ``configuration``, ``hours``; the times ``start`` and
            ``end``, and ``plan_start`` and ``plan_end`` of all plan windows together; ``plan_windows``, a
            `~astropy.time.Time` of pairs of beginning and end, of shape (visits, windows, 2); ``plan_status``, what is
            said where there is no window; ``repeat_of`` and ``repeated_by``, as ``observation:visit``; ``problem``, the
            number of the report that led to it; ``repeat_pending``.  Times are UTC.  What a report does not say is
            masked.  ``meta`` has the address and when the report was made.

        Raises
        ------
        InvalidQueryError
            If there is no such program, or ``program`` does not name one.
        RemoteServiceError
            If the site fails, or its report has a form that is not known: there is never a table that is wrong.
        TimeoutError
            If the time was not enough.

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
        """Return what the page of a program says: title, investigator, cycle, status, links.

        Parameters
        ----------
        program, mission, timeout
            As `get_visits`.

        Returns
        -------
        ProgramInfo
            Its attributes are ``title``, ``pi``, ``category``, ``cycle``, ``status``, ``links`` and others.

        Raises
        ------
        InvalidQueryError
            If there is no such program, or ``program`` does not name one.
        RemoteServiceError, TimeoutError
            As `get_visits`.

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
        """Download what was proposed: the file for APT, in which every detail is, and the PDF if wanted.

        Parameters
        ----------
        program, mission
            As `get_visits`.
        download_dir : path-like, optional
            The folder to use, in which files go to ``mastDownload/JWST/<number>/``; the current one if not given.
        pdf : bool, default False
            Whether to download the PDF, too.
        cache, overwrite, dry_run, verbose, timeout, on_error
            As `ObservationsClass.download_products`.

        Returns
        -------
        Manifest or `~astropy.table.Table`
            One row for each file; with ``dry_run`` the plan.  A file is on disk whole, or not at all.

        Raises
        ------
        InvalidQueryError
            If the argument is no program.
        DownloadError
            With ``on_error="raise"``, if a file did not come; its ``manifest`` has all rows.

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
    """Where the files of a manifest come from: their URIs are addresses."""
    return FileAddresses(
        "", frozenset(map(str, manifest["dataURI"])) if "dataURI" in manifest.colnames else frozenset()
    )


Programs = ProgramsClass()
