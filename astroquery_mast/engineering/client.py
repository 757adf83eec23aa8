"""`EngineeringClass`: the telemetry of JWST.

In: names of mnemonics, times, or exposures.  Out: time series with units, tables, and plots.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt
    from astropy.table import Row
    from matplotlib.axes import Axes

    from ..query.types import TimeLike


__all__ = ["Engineering", "EngineeringClass"]


class EngineeringClass(MastClass):
    """Query the JWST Engineering Database: the telemetry of the spacecraft and its instruments.

    Each quantity has a name, its mnemonic, such as ``"SE_ZBUSVLT"``, and its own sample times.

    Parameters
    ----------
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.  No token is required.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Examples
    --------
    >>> from astroquery_mast import Engineering
    >>> voltage = Engineering.query_mnemonics(
    ...     "SE_ZBUSVLT", "2022-07-12 06:00", "2022-07-12 06:10"
    ... )
    >>> len(voltage)
    600
    """

    _starting_points = ("query_mnemonics", "list_mnemonics", "during")

    @cached_property
    def _inventory(self) -> Inventory:
        """The list of all mnemonics."""
        return Inventory(self._service)

    @cached_property
    def _queries(self) -> TelemetryQueries:
        """The queries for telemetry."""
        return TelemetryQueries(self._inventory, Telemetry(self._service))

    # -- mnemonics -----------------------------------------------------------------------------------------------

    def list_mnemonics(
        self,
        pattern: str | None = None,
        *,
        subsystem: str | Iterable[str] | None = None,
        timeout: float | u.Quantity | None = None,
    ) -> Table:
        """Return the mnemonics whose name or description matches a pattern.

        The list of all mnemonics, about 15,000, is retrieved once in a session, and cached on disk if ``conf.cache`` is
        True.

        Parameters
        ----------
        pattern : str, optional
            The pattern for the full name or description, in any case, with ``*`` as a wildcard.  Text without ``*``
            matches anywhere in them.  By default, all mnemonics are returned.
        subsystem : str or iterable of str, optional
            The subsystems, in any case, such as ``"MIRI"``.  By default, all subsystems are included.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each mnemonic, sorted by name: ``tlmMnemonic``, the name; ``subsystem``; ``description``;
            ``unit``, as text; ``sqlDataType``, the type of the values; and ``tlmIdentifier``, a number.

        Raises
        ------
        InvalidQueryError
            If there is no such subsystem, or the pattern is not text.
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
            warn_no_results([f"No mnemonics match pattern={pattern!r} in their name or description."])
        return table

    def get_mnemonic_info(self, names: str | Iterable[str], *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the descriptions of mnemonics.

        Parameters
        ----------
        names : str or iterable of str
            One mnemonic, or several, in any case.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each name, in the given order, with the columns of `list_mnemonics`.

        Raises
        ------
        InvalidQueryError
            If there is no such mnemonic; the message lists similar names.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

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
        names: str | Iterable[str],
        start: TimeLike,
        end: TimeLike,
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
        """Return the samples of one or more mnemonics between two times.

        A long span is retrieved day by day, several days at a time.

        Parameters
        ----------
        names : str or iterable of str
            One mnemonic, or several, in any case.
        start, end : `~astropy.time.Time`, `~datetime.datetime`, or str
            The first and the last time, both included.  Times are converted to UTC; text such as ``"2022-07-12T06:30"``
            and a datetime without a time zone are UTC. Plain numbers are not accepted.
        align : {"previous", "nearest"}, optional
            How to combine several mnemonics into one time series, at the times of the first: with the last sample of
            the others at or before each time, or with the nearest sample (the earlier of two).  Samples just outside
            the span are used for this, too.  By default, each mnemonic has its own time series.
        brackets : bool, default False
            Whether to include the last sample before the span and the first one after it.
        changes_only : bool, default False
            Whether to leave out samples with the same value as the previous one.  The first and the last sample of the
            span are kept.  With ``align``, rows in which no value changes are left out.
        max_workers : int, optional
            The number of days to retrieve at a time.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal.
        cache : bool, optional
            Whether to use and store a cache of full days on disk, for the time set by
            ``astroquery.cache_conf.cache_timeout``.  Full days are then retrieved even for a short span.  The last
            seven days are not cached, because their telemetry may still be arriving.  Defaults to ``conf.cache``.
        get_query_payload : bool, default False
            Whether to return the requests without sending them.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`, dict, or list of dict
            For one name, or with ``align``, a time series with the column ``time`` (UTC) and a column for each
            mnemonic.  Otherwise a dictionary of time series, whose keys are the names as given; or the requests.  A
            column has the description (``column.info.description``) and unit of its mnemonic; if astropy does not know
            the unit, its text is in ``column.info.meta["unit"]``.  Numbers are float64 or int64, bits are bool, and
            other values are text.  If the type of a mnemonic changes with time, the column has a type for all of its
            values.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or there is no such mnemonic; the message lists similar names.
        LoginError
            If MAST requires a login.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

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
        >>> voltage = Engineering.query_mnemonics(
        ...     "SE_ZBUSVLT", "2022-07-12 06:00", "2022-07-12 06:10"
        ... )
        >>> voltage[:2].pprint()
                   time            SE_ZBUSVLT
                                       V
        -------------------------- ----------
        2022-07-12T06:00:00.670000  30.515625
        2022-07-12T06:00:01.670000   30.53125
        """
        question = TelemetryQuestion(names, align, brackets, changes_only, FetchOptions(max_workers, verbose, cache))
        span = as_span(start, end)
        if get_query_payload:
            return question.payload([span])
        return self._queries.over(question, span, self._service.deadline(timeout))

    def query_mnemonics_iter(
        self,
        name: str,
        start: TimeLike,
        end: TimeLike,
        *,
        max_workers: int | None = None,
        timeout: float | u.Quantity | None = None,
        cache: bool | None = None,
    ) -> Iterator[TimeSeries]:
        """Return an iterator of the samples of a mnemonic day by day, which needs little memory for a long span.

        Parameters
        ----------
        name : str
            The mnemonic, in any case.
        start, end : `~astropy.time.Time`, `~datetime.datetime`, or str
            The first and the last time, both included.  Times are converted to UTC; text such as ``"2022-07-12T06:30"``
            and a datetime without a time zone are UTC. Plain numbers are not accepted.
        max_workers : int, optional
            The number of days to retrieve while one is in use.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that each day may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        cache : bool, optional
            Whether to use and store a cache of full days on disk, for the time set by
            ``astroquery.cache_conf.cache_timeout``.  Full days are then retrieved even for a short span.  The last
            seven days are not cached, because their telemetry may still be arriving.  Defaults to ``conf.cache``.

        Yields
        ------
        `~astropy.timeseries.TimeSeries`
            The samples of a day (UTC), in order, without rows for a day without samples.  Together they are the result
            of `query_mnemonics`.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, or there is no such mnemonic; the message lists similar names.
        LoginError
            If MAST requires a login.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> for day in Engineering.query_mnemonics_iter("SO_ZPMSEGA1T", "2022-07-12", "2022-07-14"):
        ...     print(day["time"][0].strftime("%Y-%m-%d"), len(day))
        2022-07-12 1440
        2022-07-13 1440
        """
        question = TelemetryQuestion(name, options=FetchOptions(max_workers, verbose=False, cache=cache))
        question.check_single()
        seconds = as_seconds(timeout) or seconds_setting("timeout")
        return self._queries.days(question, as_span(start, end), seconds)

    def during(
        self,
        rows: Table | Row | Iterable[Row],
        names: str | Iterable[str],
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

        Exposures that overlap, or are less than ten minutes apart, share requests.

        Parameters
        ----------
        rows : `~astropy.table.Table`, `~astropy.table.Row`, or list of rows
            Observations of JWST, as returned by `ObservationsClass.query_criteria`, with the columns ``obs_id``,
            ``t_min`` and ``t_max`` (MJD, UTC).  Rows without times, such as planned observations, are left out.
        names : str or iterable of str
            One mnemonic, or several, in any case.
        margin : `~astropy.units.Quantity` or str, default 0 s
            The time before and after each exposure to include.
        align : {"previous", "nearest"}, optional
            How to combine several mnemonics into one time series, as in `query_mnemonics`, within each exposure.  By
            default, each mnemonic has its own time series.
        changes_only : bool, default False
            Whether to leave out samples with the same value as the previous one of the same exposure.
        max_workers : int, optional
            The number of days to retrieve at a time.  Defaults to ``conf.max_workers``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        verbose : bool, default True
            Whether to show a progress bar on a terminal.
        cache : bool, optional
            Whether to use and store a cache of full days on disk, for the time set by
            ``astroquery.cache_conf.cache_timeout``.  Full days are then retrieved even for a short span.  The last
            seven days are not cached, because their telemetry may still be arriving.  Defaults to ``conf.cache``.
        get_query_payload : bool, default False
            Whether to return the requests without sending them.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`, dict, or list of dict
            For one name, or with ``align``, a time series with the columns ``time`` (UTC) and ``obs_id``, the exposure,
            and a column for each mnemonic.  Otherwise a dictionary of time series, whose keys are the names as given;
            or the requests.  The exposures are in the order of the rows.  A sample during several exposures, such as
            those of two instruments in parallel, has a row for each.

        Raises
        ------
        InvalidQueryError
            If an argument is not valid, the rows are of other missions, or no row has times.
        LoginError
            If MAST requires a login.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Warns
        -----
        InputWarning
            If rows without times are left out.
        NoResultsWarning
            If a mnemonic has no samples during the exposures.
        CorruptDataWarning
            If the list of mnemonics could not be read, so that there are no units and descriptions.

        Examples
        --------
        >>> from astroquery_mast import Engineering, Observations
        >>> exposures = Observations.query_criteria(
        ...     obs_collection="JWST", instrument_name="MIRI/IMAGE", calib_level=3
        ... )
        >>> telemetry = Engineering.during(exposures[0], "IMIR_HK_FW_CUR_POS", margin="1 min")
        >>> telemetry[:2].pprint()
                   time                       obs_id            IMIR_HK_FW_CUR_POS
        -------------------------- ---------------------------- ------------------
        2022-12-27T04:29:22.922000 jw01783-o003_t006_miri_f560w             F1500W
        2022-12-27T04:29:26.922000 jw01783-o003_t006_miri_f560w             F1500W
        """
        question = TelemetryQuestion(names, align, False, changes_only, FetchOptions(max_workers, verbose, cache))
        exposures = exposures_of(rows, as_margin(margin))
        if get_query_payload:
            return question.payload([span for span, _ in spans_to_fetch(exposures)])
        return self._queries.during(question, exposures, self._service.deadline(timeout))

    # -- plots ---------------------------------------------------------------------------------------------------

    def plot_mnemonics(
        self, result: TimeSeries | dict[str, TimeSeries], *, ax: Axes | Sequence[Axes] | None = None
    ) -> Axes | npt.NDArray[np.object_]:
        """Plot samples against time.

        Mnemonics with the same unit share a panel.  Each mnemonic with text values has its own panel, in which it is
        drawn as steps.

        Parameters
        ----------
        result : `~astropy.timeseries.TimeSeries` or dict
            The result of `query_mnemonics` or `during`.
        ax : `~matplotlib.axes.Axes` or sequence of them, optional
            The axes to draw in, one for each panel.  By default, new axes are created.

        Returns
        -------
        `~matplotlib.axes.Axes` or ndarray of them
            The panel, or all panels.

        Raises
        ------
        InvalidQueryError
            If ``result`` is something else, the number of axes differs from that of panels, or matplotlib is not
            installed.

        Examples
        --------
        >>> from astroquery_mast import Engineering
        >>> voltage = Engineering.query_mnemonics(
        ...     "SE_ZBUSVLT", "2022-07-12 06:00", "2022-07-12 06:10"
        ... )
        >>> ax = Engineering.plot_mnemonics(voltage)
        >>> ax.get_ylabel()
        'V'
        """
        return plot_telemetry(result, ax)


Engineering = EngineeringClass()
