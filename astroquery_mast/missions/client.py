"""`MastMissionsClass`: mission-specific searches by position, name and criteria, and downloads of the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from astropy.table import Table
from astropy.utils.decorators import deprecated_renamed_argument
from astroquery import log

from ..deferred import FreshAttribute
from ..exceptions import InvalidArgumentError
from ..query.criterion import CriteriaNamespace, Criterion
from ..service.retrying import Deadline
from .product_methods import MissionProductMethods
from .search import DATASET_COLUMNS, MissionSearch
from .search_query import DEFAULT_MISSION_RADIUS, Search, checked_mission

if TYPE_CHECKING:
    from astropy import units as u

    from ..query.types import AngleLike, CriterionLike, PositionsLike


__all__ = ["MastMissions", "MastMissionsClass"]

F = TypeVar("F", bound=Callable[..., Any])

_renamed: Callable[[F], F] = deprecated_renamed_argument("objectname", "object_names", since="0.4.12")


class MastMissionsClass(MissionProductMethods):
    """Search the datasets of one mission in MAST, with the mission's own columns, and download their files.

    Parameters
    ----------
    mission : str, default "hst"
        The mission to search, in any case: ``hst``, ``jwst``, ``roman``, ``roman_spectra``, ``roman_cgi``, ``classy``,
        ``ullyses``, ``iue``, or another one of `get_available_missions`.  The attribute can be set.
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.

    Attributes
    ----------
    service : str
        ``"search"``; present for compatibility with ``astroquery.mast``, without effect.

    Examples
    --------
    >>> from astroquery_mast import MastMissionsClass
    >>> webb = MastMissionsClass(mission="jwst")
    >>> webb.mission
    'jwst'
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

    def _server_text(self) -> str:
        """Return the mission and the server."""
        return f"for {self.mission} {super()._server_text()}"

    @property
    def mission(self) -> str:
        """The mission to use for calls that do not specify one (str), in lower case.

        A call reads the attribute once, at its start, so that a new value does not affect calls in progress.

        Examples
        --------
        >>> from astroquery_mast import MastMissionsClass
        >>> client = MastMissionsClass()
        >>> client.mission = "JWST"
        >>> client.mission
        'jwst'
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
        coordinates: PositionsLike | None = None,
        object_names: str | Iterable[str] | None = None,
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        sort_by: str | Iterable[str] | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        mission: str | None = None,
        timeout: float | u.Quantity | None = None,
        get_query_payload: bool = False,
        verbose: bool = False,
        cache: bool | None = None,
        **criteria: CriterionLike,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets that meet all criteria.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, `~astropy.table.Table`, or iterable, optional
            The positions to search around, one or many.  Text is read as ICRS, in degrees unless it has units, and may
            contain several positions separated by commas.  A table has a `~astropy.coordinates.SkyCoord` column, or the
            columns ``ra`` and ``dec``.
        object_names : str or iterable of str, optional
            The names of objects to search around, in addition to the coordinates; text may contain several names
            separated by commas.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        count_only : bool, default False
            Whether to return the number of rows instead of the rows.
        sort_by : str or iterable of str, optional
            The columns to sort by.
        sort_desc : bool or iterable of bool, optional
            Whether to sort in descending order: one value for all columns, or one for each.
        mission : str, optional
            The mission, in any case, for this call only.  Defaults to the attribute ``mission``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        get_query_payload : bool, default False
            Whether to return the request without sending it; for more than 100 targets, a list of requests.
        verbose : bool, default False
            Whether to log the number of rows.
        cache : bool, optional
            Whether to use a cached response and to cache this one.  Defaults to ``conf.cache``.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST.

        Returns
        -------
        `~astropy.table.Table`, int, dict, or list of dict
            One row for each dataset and target; or their number, or the request.  With positions, ``ang_sep`` is the
            separation from the target (arcmin), and ``search_pos`` is the target.

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
            If there are more rows than ``limit``.
        `~astroquery.exceptions.InputWarning`
            If a column of ``select_cols`` does not exist.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> datasets = MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS")
        >>> datasets["sci_data_set_name", "sci_spec_1234"][:2].pprint()
        sci_data_set_name sci_spec_1234
        ----------------- -------------
                J97C01010 CLEAR1L;F435W
                J97C01020         F555W
        """
        deadline = self._service.deadline(timeout)
        search = self._build_search(
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
        coordinates: PositionsLike | None = None,
        object_names: str | Iterable[str] | None = None,
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        timeout: float | u.Quantity | None = None,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the HTTP response of `query_criteria`.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, `~astropy.table.Table`, or iterable, optional
            The positions to search around, one or many.  Text is read as ICRS, in degrees unless it has units, and may
            contain several positions separated by commas.  A table has a `~astropy.coordinates.SkyCoord` column, or the
            columns ``ra`` and ``dec``.
        object_names : str or iterable of str, optional
            The names of objects to search around, in addition to the coordinates; text may contain several names
            separated by commas.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        count_only : bool, default False
            Whether to request only the number of rows.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST.

        Returns
        -------
        `requests.Response` or list of `requests.Response`
            The response; a list of responses with ``limit=None`` and for more than 100 targets.

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
        >>> from astroquery_mast import MastMissions
        >>> response = MastMissions.query_criteria_async(sci_pep_id=10452, limit=5)
        >>> response.status_code
        200
        """
        deadline = self._service.deadline(timeout)
        search = self._build_search(
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
        coordinates: PositionsLike,
        *,
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets around one position or many.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, `~astropy.table.Table`, or iterable
            The positions to search around, one or many.  Text is read as ICRS, in degrees unless it has units, and may
            contain several positions separated by commas.  A table has a `~astropy.coordinates.SkyCoord` column, or the
            columns ``ra`` and ``dec``.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        count_only : bool, default False
            Whether to return the number of rows instead of the rows.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST. The other arguments
            of `query_criteria` are accepted, too: ``sort_by``, ``sort_desc``, ``mission``, ``timeout`` (seconds),
            ``get_query_payload``, ``verbose`` and ``cache``.

        Returns
        -------
        `~astropy.table.Table`, int, dict, or list of dict
            One row for each dataset and target; or their number, or the request.  ``ang_sep`` is the separation from
            the target (arcmin), and ``search_pos`` is the target.

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
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> datasets = MastMissions.query_region("202.4696 47.1952", radius=1, sci_instrume="ACS")
        >>> datasets["ang_sep"].format = ".3f"
        >>> datasets["sci_data_set_name", "sci_spec_1234", "ang_sep"][:2].pprint()
        sci_data_set_name sci_spec_1234 ang_sep
                                         arcmin
        ----------------- ------------- -------
                J83P01010         F606W   0.163
                J83P01020 CLEAR1L;F814W   0.163
        """
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
        coordinates: PositionsLike,
        *,
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the HTTP response of `query_region`.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, frame object, str, `~astropy.table.Table`, or iterable
            The positions to search around, one or many.  Text is read as ICRS, in degrees unless it has units, and may
            contain several positions separated by commas.  A table has a `~astropy.coordinates.SkyCoord` column, or the
            columns ``ra`` and ``dec``.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        count_only : bool, default False
            Whether to request only the number of rows.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST. ``resolver`` and
            ``timeout`` (seconds) are accepted, too.

        Returns
        -------
        `requests.Response` or list of `requests.Response`
            The response; a list of responses with ``limit=None`` and for more than 100 targets.

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
        >>> from astroquery_mast import MastMissions
        >>> response = MastMissions.query_region_async("202.4696 47.1952", radius=1, limit=5)
        >>> response.status_code
        200
        """
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
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> Table | int | dict[str, object] | list[dict[str, object]]:
        """Return the datasets around one object or many.

        Parameters
        ----------
        object_names : str or iterable of str
            The names of the objects to search around; text may contain several names separated by commas.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        count_only : bool, default False
            Whether to return the number of rows instead of the rows.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST. The other arguments
            of `query_criteria` are accepted, too: ``sort_by``, ``sort_desc``, ``mission``, ``timeout`` (seconds),
            ``get_query_payload``, ``verbose`` and ``cache``.

        Returns
        -------
        `~astropy.table.Table`, int, dict, or list of dict
            One row for each dataset and target; or their number, or the request.  ``ang_sep`` is the separation from
            the target (arcmin), and ``search_pos`` is the target.

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
            If there are more rows than ``limit``.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> datasets = MastMissions.query_object("M51", radius="1 arcmin", sci_instrume="ACS")
        >>> datasets["sci_data_set_name", "sci_spec_1234"][:2].pprint()
        sci_data_set_name sci_spec_1234
        ----------------- -------------
                J83P01010         F606W
                J83P01020 CLEAR1L;F814W
        """
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
        radius: AngleLike = DEFAULT_MISSION_RADIUS,
        limit: int | None = 5000,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        resolver: str | None = None,
        count_only: bool = False,
        **criteria: Any,
    ) -> requests.Response | list[requests.Response]:
        """Return the HTTP response of `query_object`.

        Parameters
        ----------
        object_names : str or iterable of str
            The names of the objects to search around; text may contain several names separated by commas.
        radius : `~astropy.units.Quantity`, str, or float, default 3 arcmin
            The search radius, at most 30 arcmin; a number is in arcmin.
        limit : int or None, default 5000
            The largest number of rows to return; a warning is issued if there are more.  With None, all rows are
            returned, in pages.
        offset : int, default 0
            The number of rows to skip.
        select_cols : str or iterable of str, optional
            The columns to return, as a list or as text with commas; ``"all"`` or ``"*"`` for all.  The dataset
            identifier is always included.  By default, MAST selects the columns.
        resolver : {"NED", "SIMBAD"}, optional
            The service that resolves the name.  By default, the first that knows the name is used.
        count_only : bool, default False
            Whether to request only the number of rows.
        **criteria : object
            Columns of `get_column_list`, in any case, with the values to select: a value or a list of alternatives;
            text with ``*`` as a wildcard and commas between alternatives; ``"!x"`` to exclude; comparisons and ranges
            such as ``"<5"``, ``">=5"`` and ``"5..10"``; or a tuple ``(minimum, maximum)``, where None leaves an end
            open.  `~astropy.units.Quantity`, `~astropy.time.Time` and dates are converted.  ``pass_id`` is Roman's
            column ``pass``.  ``skip_count``, ``search_key`` and ``user_fields`` are passed to MAST. ``timeout``
            (seconds) is accepted, too.

        Returns
        -------
        `requests.Response` or list of `requests.Response`
            The response; a list of responses with ``limit=None`` and for more than 100 targets.

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
        >>> from astroquery_mast import MastMissions
        >>> response = MastMissions.query_object_async("M51", radius="1 arcmin", limit=5)
        >>> response.status_code
        200
        """
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
        """Return the columns of a mission, for ``select_cols`` and criteria.

        Parameters
        ----------
        mission : str, optional
            The mission, in any case.  Defaults to the attribute ``mission``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``name``, ``data_type`` and ``description``.

        Raises
        ------
        InvalidQueryError
            If there is no such mission.
        RemoteServiceError
            If the service fails, or does not list the columns.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> columns = MastMissions.get_column_list("hst")
        >>> columns[columns["name"] == "sci_pep_id"]["name", "data_type"].pprint()
           name    data_type
        ---------- ---------
        sci_pep_id   integer
        """
        return self._search.column_list(self._chosen(mission))

    @FreshAttribute
    def criteria(self) -> CriteriaNamespace:
        """The criteria of `query_criteria` for the mission of the attribute, for tab completion.

        No request is sent: the namespace is empty until a query or `help` has retrieved the columns of the mission.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> print(MastMissions.criteria)  # doctest: +ELLIPSIS
        Criteria of MastMissions.query_criteria for mission 'hst', at ...
        """
        return self._search.criteria(self.mission)

    def help(
        self, name: str | None = None, /, *, mission: str | None = None, timeout: float | u.Quantity | None = None
    ) -> Criterion | CriteriaNamespace:
        """Return the values that a criterion of `query_criteria` takes, or a list of all criteria of a mission.

        The columns of the mission are requested from MAST, unless they are known from an earlier call.

        Parameters
        ----------
        name : str, optional
            The criterion, in any case.  By default, all criteria are returned.
        mission : str, optional
            The mission, in any case.  Defaults to the attribute ``mission``.
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astroquery_mast.query.criterion.Criterion` or `~astroquery_mast.query.criterion.CriteriaNamespace`
            An object with a display for terminals and notebooks.  MAST does not list the values of mission columns.

        Raises
        ------
        InvalidQueryError
            If there is no such mission or criterion; the message suggests similar names.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

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
        """The missions that can be searched, in alphabetical order (list of str).

        No request is sent: the missions are those that MAST has listed in this session, or those known to this version
        of the package. `get_available_missions` queries MAST for them.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> MastMissions.available_missions
        ['all_missions', 'classy', 'hst', 'iue', 'jwst', 'roman', 'roman_cgi', 'roman_spectra', 'ullyses']
        """
        return self._search.known_missions()

    def get_available_missions(self, *, timeout: float | u.Quantity | None = None) -> list[str]:
        """Return the missions that can be searched.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        list of str
            Values of ``mission``, in alphabetical order.  If MAST does not list them, those known to this version of
            the package are returned.

        Raises
        ------
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> MastMissions.get_available_missions()
        ['all_missions', 'classy', 'hst', 'iue', 'jwst', 'roman', 'roman_cgi', 'roman_spectra', 'ullyses']
        """
        return self._search.available_missions(self._service.deadline(timeout))

    def get_dataset_kwd(self, *, mission: str | None = None) -> str | None:
        """Return the name of the column that holds the dataset identifiers of a mission.

        Parameters
        ----------
        mission : str, optional
            The mission, in any case.  Defaults to the attribute ``mission``.

        Returns
        -------
        str or None
            The name; None, with a message in the log, if it is unknown.

        Raises
        ------
        InvalidQueryError
            If ``mission`` is not the name of a mission.

        Examples
        --------
        >>> from astroquery_mast import MastMissions
        >>> MastMissions.get_dataset_kwd(mission="hst")
        'sci_data_set_name'
        """
        chosen = self._chosen(mission)
        if chosen not in self.dataset_kwds:
            log.warning('The mission "%s" does not have a known dataset ID keyword.', chosen)
        return self.dataset_kwds.get(chosen)

    def _chosen(self, mission: str | None) -> str:
        """Return the mission of a call."""
        return self.mission if mission is None else checked_mission(mission)

    def _build_search(self, deadline: Deadline, *, mission: str | None = None, **arguments: Any) -> Search:
        """Build the search of a call."""
        chosen = self._chosen(mission)
        column = self.dataset_kwds.get(chosen)
        return self._search.query(deadline, mission=chosen, dataset_column=column, **arguments)


def _given(name: str, target: Any) -> Any:
    """Return a target; raise if it is None."""
    if target is None:
        raise InvalidArgumentError(
            f"{name}=None is not a valid target. To query without a position, use query_criteria."
        )
    return target


MastMissions = MastMissionsClass()
