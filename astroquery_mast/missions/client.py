"""`MastMissionsClass`: the search API of single missions, by position, by name and by criteria, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument
from astroquery import log

from ..deferred import FreshAttribute
from ..exceptions import InvalidArgumentError
from ..query.criterion import CriteriaNamespace, Criterion
from ..service.retrying import Deadline
from .product_methods import MissionProductMethods
from .question import DEFAULT_MISSION_RADIUS, Search, checked_mission
from .search import DATASET_COLUMNS, MissionSearch

__all__ = ["MastMissions", "MastMissionsClass"]

F = TypeVar("F", bound=Callable[..., Any])

_renamed: Callable[[F], F] = deprecated_renamed_argument("objectname", "object_names", since="0.4.12")


class MastMissionsClass(MissionProductMethods):
    """What one mission has in MAST, with the mission's own columns, and its files.

    Parameters
    ----------
    mission : str
        The mission that is searched, in any case: ``hst``, ``jwst``, ``roman``, ``roman_spectra``, ``roman_cgi``,
        ``classy``, ``ullyses``, ``iue``, or another one of `get_available_missions`.  The attribute can be set.
    mast_token, server, session : object, optional
        As `MastClass`.

    Attributes
    ----------
    service : str
        ``"search"``; kept because ``astroquery.mast`` has it, and of no effect.
    """

    _starting_points = ("query_criteria", "get_column_list", "help")

    service = "search"

    def __init__(
        self,
        *,
        mission: str = "hst",
        mast_token: str | None = None,
        server: str | None = None,
        session: requests.Session | None = None,
    ) -> None:
        super().__init__(mast_token, server=server, session=session)
        self.dataset_kwds = dict(DATASET_COLUMNS)
        self._search: MissionSearch = MissionSearch(self._service)
        self.mission = mission

    def _asked_place(self) -> str:
        """What is asked: a mission, on a server."""
        return f"for {self.mission} {super()._asked_place()}"

    @property
    def mission(self) -> str:
        """The mission that calls are about which name none; in lower case.

        A call reads it once, at its start, so that setting it changes nothing about calls under way.
        """
        return self._mission

    @mission.setter
    def mission(self, mission: str) -> None:
        self._mission = checked_mission(mission)

    # -- queries ---------------------------------------------------------------------------------------------------

    @_renamed
    def query_criteria(
        self,
        *,
        coordinates: Any = None,
        object_names: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        sort_by: str | Iterable[str] | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        mission: str | None = None,
        timeout: float | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets that meet all criteria.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, `~astropy.table.Table`, or iterable, optional
            Where to look: one position or many.  Text is read as ICRS, in degrees if it names no unit; a text may hold
            several positions, separated by commas.  A table has a column of coordinates, or ``ra`` and ``dec``.
        object_names : str or iterable of str, optional
            Names of objects to look around, besides the coordinates; a text may hold several, separated by commas.
        radius : `~astropy.units.Quantity`, str, or number
            How far around each target, by default 3 arcmin and at most 30 arcmin; a plain number is in arcmin.
        limit : int or None
            How many rows to return at most; a warning tells if there are more.  None returns all, in portions, and
            checks that all have come.
        offset : int
            How many rows to pass over.
        select_cols : str or iterable of str, optional
            Columns to return, in a list or a text with commas; ``"all"`` or ``"*"`` for all; the archive's choice if
            not given.  That of the dataset identifier is always among them.
        resolver : str, optional
            ``"NED"`` or ``"SIMBAD"``; whichever knows a name first if not given.
        count_only : bool
            Return the number of rows instead of the rows.
        sort_by : str or iterable of str, optional
            Columns to sort by.
        sort_desc : bool or iterable of bool, optional
            Whether the largest comes first; one for all columns, or one for each.
        mission : str, optional
            The mission, for this call only.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.
        get_query_payload : bool
            Return the request instead of sending it; a list of them if there are more than 100 targets.
        verbose : bool
            Whether to log the number of rows.
        cache : bool, optional
            Whether an answer that was kept on disk will do, and this one is to be kept; ``conf.cache`` if not given.
        **criteria : object
            Columns of `get_column_list`, whatever the case of their letters.

            - A value, or a list of values of which a row must have one; ``*`` in text stands for any run of characters,
              and a comma separates values.
            - ``"!x"`` excludes; ``"<5"``, ``">=5"`` and ``"5..10"`` compare numbers and dates.
            - A tuple ``(minimum, maximum)`` of numbers or dates is a range, either end of which may be None.
            - `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted to what the column holds.

            ``pass_id`` stands for Roman's column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are
            passed on to the archive.

        Returns
        -------
        `~astropy.table.Table` or int or dict
            One row for each dataset and target; with a position also the separation from it in ``ang_sep`` (arcmin),
            and the target in ``search_pos``.  With ``count_only`` their number.

        Raises
        ------
        InvalidQueryError
            If an argument is unknown or cannot be applied; nothing was searched then.
        ResolverError
            If a name has no position.
        RemoteServiceError
            If the archive fails, or its answer is not complete.
        TimeoutError
            If the time was not enough.
        """
        deadline = self._service.deadline(timeout)
        search = self._question(
            deadline,
            mission=mission,
            coordinates=coordinates,
            object_names=object_names,
            radius=radius,
            resolver=resolver,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            count_only=count_only,
            sort_by=sort_by,
            sort_desc=sort_desc,
            cache=cache,
            **criteria,
        )
        if get_query_payload:
            return self._search.payload(search)
        if count_only:
            return self._search.count(search, deadline)
        return self._search.table(search, deadline, verbose=verbose)

    @_renamed
    def query_criteria_async(
        self,
        *,
        coordinates: Any = None,
        object_names: str | Iterable[str] | None = None,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        timeout: float | None = None,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the response of `query_criteria`; a list of them for ``limit=None`` and for more than 100 targets."""
        deadline = self._service.deadline(timeout)
        search = self._question(
            deadline,
            coordinates=coordinates,
            object_names=object_names,
            radius=radius,
            resolver=resolver,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            count_only=count_only,
            **criteria,
        )
        return self._search.responses(search, deadline)

    def query_region(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets around one position or many; everything as `query_criteria`."""
        return self.query_criteria(
            coordinates=_given("coordinates", coordinates),
            radius=radius,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            count_only=count_only,
            **criteria,
        )

    def query_region_async(
        self,
        coordinates: Any,
        *,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the response of `query_region`, as `query_criteria_async`."""
        return self.query_criteria_async(
            coordinates=_given("coordinates", coordinates),
            radius=radius,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            count_only=count_only,
            **criteria,
        )

    @_renamed
    def query_object(
        self,
        object_names: str | Iterable[str],
        *,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets around one object or many; everything as `query_criteria`."""
        return self.query_criteria(
            object_names=_given("object_names", object_names),
            radius=radius,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            resolver=resolver,
            count_only=count_only,
            **criteria,
        )

    @_renamed
    def query_object_async(
        self,
        object_names: str | Iterable[str],
        *,
        radius: Any = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the response of `query_object`, as `query_criteria_async`."""
        return self.query_criteria_async(
            object_names=_given("object_names", object_names),
            radius=radius,
            limit=limit,
            offset=offset,
            select_cols=select_cols,
            resolver=resolver,
            count_only=count_only,
            **criteria,
        )

    # -- columns -------------------------------------------------------------------------------------------------

    def get_column_list(self, mission: str | None = None) -> Table:
        """Return the columns of a mission's search: those that can be returned, and be criteria.

        Parameters
        ----------
        mission : str, optional
            The mission; that of the attribute if not given.

        Returns
        -------
        `~astropy.table.Table`
            One row for each: ``name``, ``data_type``, ``description``.

        Raises
        ------
        RemoteServiceError
            If the archive has no such list, or cannot be asked.
        """
        return self._search.column_list(self._chosen(mission))

    @FreshAttribute
    def criteria(self) -> CriteriaNamespace:
        """The criteria of `query_criteria` for the mission of the attribute, to complete with Tab.

        No request is sent: there are none before the columns of the mission have been asked for, as by a query or by
        `help`.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> print(MastMissions.criteria)  # doctest: +ELLIPSIS
        Criteria of MastMissions.query_criteria for mission 'hst', at ...
        """
        return self._search.criteria(self.mission)

    def help(
        self, name: str | None = None, /, *, mission: str | None = None, timeout: float | None = None
    ) -> Criterion | CriteriaNamespace:
        """Return what a criterion of `query_criteria` takes, or a list of all criteria of a mission.

        The archive is asked for the columns of the mission, unless they are known from a call before.

        Parameters
        ----------
        name : str, optional
            The criterion, whatever its case; all of them if not given.
        mission : str, optional
            The mission; that of the attribute if not given.
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        `~astroquery_mast.query.criterion.Criterion` or `~astroquery_mast.query.criterion.CriteriaNamespace`
            An object that shows itself in a terminal and a notebook, as that of `ObservationsClass.help`.  The archive
            does not list the values of missions' columns.

        Raises
        ------
        InvalidQueryError
            If there is no such mission, or no such criterion; the message names those that may be meant.
        RemoteServiceError, TimeoutError
            If the archive fails, or the time was not enough.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> MastMissions.help("sci_pep_id", mission="hst").forms[1]
        ('a range', 'sci_pep_id=(10, 20)')
        """
        every = self._search.criteria(self._chosen(mission), self._service.deadline(timeout))
        return every if name is None else every[name]

    @property
    def available_missions(self) -> list[str]:
        """The missions that can be searched, in alphabetical order; see `get_available_missions`."""
        return self.get_available_missions()

    def get_available_missions(self, *, timeout: float | None = None) -> list[str]:
        """Return the missions that can be searched.

        Parameters
        ----------
        timeout : float, optional
            Seconds that the call may take; ``conf.timeout`` if not given.

        Returns
        -------
        list of str
            Names for ``mission``, in alphabetical order.  If the archive does not list them, those that are known to
            this version of the package.

        Raises
        ------
        TimeoutError
            If the time was not enough.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> "hst" in MastMissions.get_available_missions()
        True
        """
        return self._search.available_missions(self._service.deadline(timeout))

    def get_dataset_kwd(self, *, mission: str | None = None) -> str | None:
        """Return the name of the column that holds the dataset identifiers of a mission.

        Parameters
        ----------
        mission : str, optional
            The mission; that of the attribute if not given.

        Returns
        -------
        str or None
            None if it is not known, which is logged.
        """
        chosen = self._chosen(mission)
        if chosen not in self.dataset_kwds:
            log.warning('The mission "%s" does not have a known dataset ID keyword.', chosen)
        return self.dataset_kwds.get(chosen)

    def _chosen(self, mission: str | None) -> str:
        """The mission of a call."""
        return self.mission if mission is None else checked_mission(mission)

    def _question(self, deadline: Deadline, *, mission: str | None = None, **asked: Any) -> Search:
        """Make the question of a call."""
        chosen = self._chosen(mission)
        column = self.dataset_kwds.get(chosen)
        return self._search.question(deadline, mission=chosen, dataset_column=column, **asked)


def _given(name: str, target: Any) -> Any:
    """A target that must be given."""
    if target is None:
        raise InvalidArgumentError(f"{name} is None: a target is needed; query_criteria does without.")
    return target


MastMissions = MastMissionsClass()
