"""`EngineeringClass`: the telemetry of JWST.

In: names of mnemonics, times, or exposures.  Out: time series with units, tables, and pictures of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from astropy import units as u
from astropy.table import Table
from astropy.timeseries import TimeSeries

from ..config import seconds_setting
from ..service.core import MastClass
from ..service.retrying import as_seconds
from ..warn import warn_no_results
from .exposures import as_margin, exposures_of, spans_to_fetch
from .mnemonics import Inventory, as_mnemonics, found_mnemonics, mnemonics_table
from .plot import plot_telemetry
from .questions import TelemetryQueries, TelemetryQuestion
from .spans import as_span
from .telemetry import FetchOptions, Telemetry

__all__ = ["Engineering", "EngineeringClass"]


class EngineeringClass(MastClass):
    """The JWST Engineering Database: what the sensors of the spacecraft and its instruments have measured.

    Each quantity has a name, its mnemonic, such as ``"SE_ZBUSVLT"``, and samples at times of its own.

    Parameters
    ----------
    mast_token, server, session : object, optional
        As `MastClass`.  No token is needed; the one of a user who is logged in is sent along.
    """

    _starting_points = ("query_mnemonics", "list_mnemonics", "during")

    @cached_property
    def _inventory(self) -> Inventory:
        """What knows which mnemonics there are."""
        return Inventory(self._service)

    @cached_property
    def _queries(self) -> TelemetryQueries:
        """What answers questions."""
        return TelemetryQueries(self._inventory, Telemetry(self._service))

    # -- mnemonics -----------------------------------------------------------------------------------------------

    def list_mnemonics(
        self,
        pattern: str | None = None,
        *,
        subsystem: Any = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the mnemonics that have a pattern in their name or description.

        The list of all of them, of which there are about 15,000, is fetched once in a session; it is kept on disk if
        ``conf.cache`` is on.

        Parameters
        ----------
        pattern : str, optional
            What the whole name or the whole description must look like, in any case; ``*`` stands for any characters.
            Text without ``*`` is looked for anywhere in them.  All mnemonics if not given.
        subsystem : str or iterable of str, optional
            Only those of a subsystem, or of several, such as ``"MIRI"``; in any case.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            In order of their names: ``tlmMnemonic``, the name; ``subsystem``; ``description``; ``unit``, as the archive
            writes it; ``sqlDataType``, the type of the values; and ``tlmIdentifier``, a number.

        Raises
        ------
        InvalidQueryError
            If there is no such subsystem, or the pattern is not text.
        RemoteServiceError
            If the archive fails.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        NoResultsWarning
            If there are none.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> table = Engineering.list_mnemonics("*bus*")
        >>> table["tlmMnemonic", "unit", "description"].pprint()
        tlmMnemonic unit   description
        ----------- ---- ----------------
         SE_ZBUSVLT    V Main bus voltage
        """
        known = self._inventory.all(self._service.deadline(timeout))
        table = mnemonics_table(found_mnemonics(known, pattern, subsystem))
        if not len(table):
            warn_no_results([f"No mnemonic has pattern={pattern!r} in its name or description."])
        return table

    def get_mnemonic_info(self, names: Any, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return what is known of some mnemonics.

        Parameters
        ----------
        names : str or iterable of str
            One name, or several, in any case.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astropy.table.Table`
            A row for each name, in their order, with the columns of `list_mnemonics`.

        Raises
        ------
        InvalidQueryError
            If there is no such mnemonic; the message lists similar names.
        RemoteServiceError
            If the archive fails.
        TimeoutError
            If the time was not enough.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> table = Engineering.get_mnemonic_info("se_zbusvlt")
        >>> table["tlmMnemonic", "subsystem", "sqlDataType"].pprint()
        tlmMnemonic subsystem sqlDataType
        ----------- --------- -----------
         SE_ZBUSVLT       EPS        real
        """
        words = as_mnemonics(names)
        deadline = self._service.deadline(timeout)
        self._inventory.all(deadline)
        return mnemonics_table(self._inventory.of(words, deadline))

    # -- samples -------------------------------------------------------------------------------------------------

    def query_mnemonics(
        self,
        names: Any,
        start: Any,
        end: Any,
        *,
        align: str | None = None,
        brackets: bool = False,
        changes_only: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = True,
        cache: bool | None = None,
        get_query_payload: bool = False,
    ) -> TimeSeries | dict[str, TimeSeries] | list[dict[str, object]]:
        """Return the samples of one mnemonic, or of several, between two times.

        A long span is fetched day by day, several days at a time.

        Parameters
        ----------
        names : str or iterable of str
            One mnemonic, or several, in any case.
        start, end : `~astropy.time.Time`, `~datetime.datetime`, or str
            The first and the last moment.  Samples at exactly these moments are part of the result.  A time in another
            scale is converted to UTC; text, such as ``"2022-07-12T06:30"``, and a datetime without a time zone are
            UTC.  Bare numbers are refused.
        align : str, optional
            To have several mnemonics in one time series, at the times of the first one: ``"previous"`` takes the last
            sample of the others at each time or before it, ``"nearest"`` the one nearest to it, of two the earlier
            one.  Samples just outside of the span count for that.
        brackets : bool, default False
            Whether the last sample before the span and the first one after it are returned as well, if there are any.
        changes_only : bool, default False
            Whether samples with the same value as the one before are left out.  The first and the last sample of the
            span stay, so that the result tells until when the last value held.  With ``align`` rows are left out in
            which no value differs.
        max_workers : int, optional
            Days that may be fetched at the same time; ``conf.max_workers`` if not given.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        verbose : bool, default True
            Whether to show a bar on a terminal.
        cache : bool, optional
            Whether days are kept on disk, and taken from there, for as long as ``astroquery.cache_conf.cache_timeout``
            says; ``conf.cache`` if not given.  Then whole days are fetched, also for a short span, and none is fetched
            twice.  The last seven days are not kept, because their telemetry may still be arriving.
        get_query_payload : bool, default False
            Whether to return the requests instead of sending them.

        Returns
        -------
        `~astropy.timeseries.TimeSeries` or dict
            For a single name, or with ``align``, a time series with the column ``time`` (UTC) and a column for each
            mnemonic.  Without ``align``, several names give a dictionary of time series, whose keys are the names as
            they were given.  A column has the archive's description (``column.info.description``) and unit; if astropy
            does not know the unit, its text is in ``column.info.meta["unit"]``.  Numbers are float64 or int64 as the
            archive declares them, bits are bool, all else is text.  If the type changes with time, the column is of a
            type that holds all of it.  With ``get_query_payload`` a list of dictionaries.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or there is no such mnemonic; the message lists similar names.
        LoginError
            If the archive wants a login.
        RemoteServiceError
            If the archive fails.
        TimeoutError
            If the time was not enough.

        Warns
        -----
        NoResultsWarning
            If a mnemonic has no samples in the span.
        InputWarning
            If the span begins before the launch, or ends in the future.
        CorruptDataWarning
            If the list of mnemonics could not be read, so that there are no units and descriptions.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> voltage = Engineering.query_mnemonics("SE_ZBUSVLT", "2022-07-12 06:00", "2022-07-12 06:10")
        >>> print(len(voltage), voltage["SE_ZBUSVLT"].unit)
        600 V
        """
        question = TelemetryQuestion(names, align, brackets, changes_only, FetchOptions(max_workers, verbose, cache))
        span = as_span(start, end)
        if get_query_payload:
            return question.payload([span])
        return self._queries.over(question, span, self._service.deadline(timeout))

    def query_mnemonics_iter(
        self,
        name: str,
        start: Any,
        end: Any,
        *,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
    ) -> Iterator[TimeSeries]:
        """Give the samples of a mnemonic day by day, so that a long span never is in memory as a whole.

        Parameters
        ----------
        name : str
            The mnemonic, in any case.
        start, end, max_workers, cache
            As `query_mnemonics`.  While one day is used, the next ``max_workers`` are fetched.
        timeout : float or `~astropy.units.Quantity`, optional
            Seconds that a day may take; ``conf.timeout`` if not given.

        Yields
        ------
        `~astropy.timeseries.TimeSeries`
            The samples of a day (UTC), in order; one without rows for a day without samples.  Together they are what
            `query_mnemonics` returns.

        Raises
        ------
        InvalidQueryError, LoginError, RemoteServiceError, TimeoutError
            As `query_mnemonics`.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> for day in Engineering.query_mnemonics_iter("SO_ZPMSEGA1T", "2022-07-12", "2022-07-14"):
        ...     print(day["time"][0].strftime("%Y-%m-%d"), len(day))
        2022-07-12 1440
        2022-07-13 1440
        """
        question = TelemetryQuestion(name, options=FetchOptions(max_workers, verbose=False, cache=cache))
        question.refuse_several()
        seconds = as_seconds(timeout) or seconds_setting("timeout")
        return self._queries.days(question, as_span(start, end), seconds)

    def during(
        self,
        rows: Any,
        names: Any,
        *,
        margin: u.Quantity | str = 0 * u.s,
        align: str | None = None,
        changes_only: bool = False,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        verbose: bool = True,
        cache: bool | None = None,
        get_query_payload: bool = False,
    ) -> TimeSeries | dict[str, TimeSeries] | list[dict[str, object]]:
        """Return the samples of mnemonics during exposures.

        Exposures that overlap, or follow each other within ten minutes, share requests.

        Parameters
        ----------
        rows : `~astropy.table.Table`, `~astropy.table.Row`, or list of rows
            Observations of JWST, as `ObservationsClass.query_criteria` returns them, with the columns ``obs_id``,
            ``t_min`` and ``t_max`` (MJD, UTC).  Rows without times, such as planned observations, are left out.
        names : str or iterable of str
            One mnemonic, or several, in any case.
        margin : `~astropy.units.Quantity` or str
            Time before and after each exposure that is returned as well, by default none.
        align, changes_only, max_workers, timeout, verbose, cache, get_query_payload
            As `query_mnemonics`; alignment and changes are those within an exposure.

        Returns
        -------
        `~astropy.timeseries.TimeSeries` or dict
            As `query_mnemonics`, with a column ``obs_id`` that tells of each sample during which exposure it was taken.
            The exposures follow each other in the order of the rows.  A sample that was taken during several exposures,
            as of two instruments in parallel, is there once for each.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, the rows are of other missions, or none has times.
        LoginError, RemoteServiceError, TimeoutError
            As `query_mnemonics`.

        Warns
        -----
        InputWarning
            If rows without times are left out.
        NoResultsWarning, CorruptDataWarning
            As `query_mnemonics`.

        Examples
        --------
        >>> from astroquery_mast import Engineering, Observations
        >>> exposures = Observations.query_criteria(
        ...     obs_collection="JWST", instrument_name="MIRI/IMAGE", calib_level=3
        ... )
        >>> telemetry = Engineering.during(exposures[0], "IMIR_HK_FW_CUR_POS", margin="1 min")
        >>> telemetry.colnames
        ['time', 'obs_id', 'IMIR_HK_FW_CUR_POS']
        """
        question = TelemetryQuestion(names, align, False, changes_only, FetchOptions(max_workers, verbose, cache))
        exposures = exposures_of(rows, as_margin(margin))
        if get_query_payload:
            return question.payload([span for span, _ in spans_to_fetch(exposures)])
        return self._queries.during(question, exposures, self._service.deadline(timeout))

    # -- pictures ------------------------------------------------------------------------------------------------

    def plot_mnemonics(self, result: TimeSeries | dict[str, TimeSeries], *, ax: Any = None) -> Any:
        """Draw samples.

        Mnemonics with the same unit share a panel.  Each mnemonic whose values are words has a panel of its own, in
        which it is drawn as steps between them.

        Parameters
        ----------
        result : `~astropy.timeseries.TimeSeries` or dict
            What `query_mnemonics` or `during` returns.
        ax : `~matplotlib.axes.Axes` or sequence of them, optional
            Where to draw, as many as there are panels; new ones, below each other, if not given.

        Returns
        -------
        `~matplotlib.axes.Axes` or ndarray of them
            The panel, or all of them.

        Raises
        ------
        InvalidQueryError
            If ``result`` is something else, the number of axes is not that of panels, or matplotlib is not installed.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> voltage = Engineering.query_mnemonics("SE_ZBUSVLT", "2022-07-12 06:00", "2022-07-12 06:10")
        >>> ax = Engineering.plot_mnemonics(voltage)
        >>> ax.get_ylabel()
        'V'
        """
        return plot_telemetry(result, ax)


Engineering = EngineeringClass()
