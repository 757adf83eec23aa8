"""Searches in single missions: criteria → requests → table, responses or count.

In: the arguments of one call.  Out: a `~astroquery_mast.missions.question.Search`, and its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import requests
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import InputWarning, InvalidQueryError, MaxResultsWarning
from ..service.cache import Parts
from ..service.columns import ColumnMetadata
from ..service.core import MastClass
from ..service.deadline import Deadline
from ..service.http import AnswerPage
from ..service.mast_service import MastService
from ..service.parallel import map_in_threads
from ..service.resolver import warn_unused_resolver
from ..tables.columns import Columns
from ..warn import warn_no_results, warn_user
from .answer import OffsetCompleteness, SearchTable, announced, bounds, may_have_more, read_answer
from .columns import DATASET_COLUMNS, ROW_COLUMNS, MissionColumns, column_table, selected_columns
from .conditions import argument_like, build_conditions
from .question import PAGE, Search, SearchRequest, as_options, sorting
from .targets import DEFAULT_MISSION_RADIUS, Name, arcseconds, object_targets, sky_targets, target_text

__all__ = ["MissionRequests", "MissionSearch"]

# What may stand in an address without being something else there.
_MISSION = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class MissionSearch:
    """Searches in single missions: a question, built and checked → table, responses or count."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._columns = ColumnMetadata(MissionColumns(service.http, service.endpoints))

    def column_list(self, mission: str) -> Table:
        """Return the columns of a mission as a table."""
        return column_table(self._columns.known(mission) or self._columns.refresh(mission))

    # -- question ------------------------------------------------------------------------------------------------

    def question(
        self,
        deadline: Deadline,
        *,
        mission: str,
        dataset_column: str | None,
        coordinates: Any = None,
        object_names: Any = None,
        radius: Any = DEFAULT_MISSION_RADIUS,
        resolver: str | None = None,
        limit: int | None = PAGE,
        offset: int = 0,
        select_cols: str | Iterable[str] | None = None,
        count_only: bool = False,
        sort_by: str | Iterable[str] | None = None,
        sort_desc: bool | Iterable[bool] | None = None,
        cache: bool | None = None,
        **criteria: Any,
    ) -> Search:
        """Make the question of a call; what can be refused is refused before anything else is asked."""
        options, wanted = as_options(criteria)
        arcsec, targets = arcseconds(radius), _targets(coordinates, object_names, radius, wanted)
        columns = self._known_columns(mission, wanted, select_cols, deadline)
        by, descending = sorting(sort_by, sort_desc, columns)
        search = Search(
            mission=mission,
            url=f"{self._service.endpoints.mission(mission)}/search",
            columns=columns,
            targets=tuple(targets),
            radius=arcsec,
            conditions=build_conditions(wanted, columns),
            limit=limit,
            offset=offset,
            select_cols=selected_columns(select_cols, columns, mission, dataset_column),
            sort_by=by,
            sort_desc=descending,
            count_only=bool(count_only),
            options=options,
            cache=cache,
        )
        places = self._located_targets(targets, resolver, deadline)
        if targets:
            search = search.at_targets(places)
        if limit is None and not count_only:
            search = search.totally_ordered(columns, (dataset_column, *ROW_COLUMNS.get(mission, ())))
        return search

    def _known_columns(
        self, mission: str, criteria: Mapping[str, Any], select_cols: Any, deadline: Deadline
    ) -> Columns:
        """The columns of a mission; empty, with a warning where names cannot be checked without them."""
        if isinstance(select_cols, str) and select_cols.strip().lower() in {"all", "*"}:
            # This cannot be said without the list.
            return self._columns.known(mission) or self._columns.refresh(mission, deadline)
        columns = self._columns.newest(mission, deadline)
        if criteria and not columns:
            warn_user(
                f"The archive's list of the columns of mission '{mission}' could not be had: the criteria "
                f"{', '.join(criteria)} are sent unchecked.",
                InputWarning,
            )
        return columns

    def _located_targets(self, targets: Sequence[str | Name], resolver: str | None, deadline: Deadline) -> list[str]:
        """Positions for all targets, in order; of several names those without one are left out, with a warning."""
        names = list(dict.fromkeys(str(target) for target in targets if isinstance(target, Name)))
        if not names:
            warn_unused_resolver(resolver)
        if len(names) == 1:
            found = {names[0]: self._service.resolver.one(names[0], deadline=deadline, resolver=resolver)}
        else:
            found = self._service.resolver.many(names, deadline=deadline, resolver=resolver) if names else {}
        places = {name: target_text(position) for name, position in found.items()}
        located = [places.get(target) if isinstance(target, Name) else target for target in targets]
        return list(dict.fromkeys(place for place in located if place is not None))

    # -- answer --------------------------------------------------------------------------------------------------

    def _asked(self, request: SearchRequest, deadline: Deadline) -> AnswerPage:
        """Ask for one part of an answer."""
        return self._service.http.ask(request.as_request(), read_answer, deadline=deadline)

    def _exchanges(self, search: Search, deadline: Deadline) -> Iterator[AnswerPage]:
        """Ask for all that is wanted, several parts at a time; the answers come in the order of the targets."""
        asked, workers = self._requests(search), count_setting("max_workers")
        answers: Iterator[AnswerPage]
        if len(asked) == 1:
            answers = self._parts(asked[0], search, deadline, workers)
        else:
            # The parts of each question one after the other: the questions are side by side already.
            parts = map_in_threads(lambda each: list(self._parts(each, search, deadline, 1)), asked, workers)
            answers = chain.from_iterable(parts)
        complete = False
        try:
            yield from answers
            complete = True
        finally:
            if not complete:
                deadline.stop()

    def _requests(self, search: Search) -> list[SearchRequest]:
        """What is to be sent first."""
        return search.requests(min(PAGE, count_setting("pagesize")))

    def _parts(self, request: SearchRequest, search: Search, deadline: Deadline, workers: int) -> Iterator[AnswerPage]:
        """The answer to one question, which may be kept."""
        return self._service.http.parts(
            request.as_request(),
            read_answer,
            lambda: self._asked_in_parts(request, search, deadline, workers),
            every_part=search.limit is None,
        )

    def _asked_in_parts(self, request: SearchRequest, search: Search, deadline: Deadline, workers: int) -> Parts:
        """Ask one question: for the part that is wanted, or if all is, for one part after another."""
        first = self._asked(request, deadline)
        # What does not say how many rows there are may be all of them or not.
        proven = first.page.paging is not None
        if search.count_only:
            yield first
            return proven
        most, before = bounds(first.page, request.limit, request.offset)
        total = 0 if search.limit is not None else announced(first.page)
        offsets = range(before + most, total, most)
        parts = OffsetCompleteness(search.service)
        parts.add(first.page, request.limit, request.offset, alone=not offsets)
        yield first
        fetched = map_in_threads(
            lambda offset: self._asked(request.at(offset, most), deadline), offsets, min(workers, len(offsets))
        )
        for offset, exchange in zip(offsets, fetched, strict=True):
            parts.add(exchange.page, most, offset, alone=False)
            yield exchange
        if search.limit is None:
            parts.close(before)
        return proven

    def payload(self, search: Search) -> dict[str, object] | list[dict[str, object]]:
        """Return what would be sent; a list where the targets need several questions."""
        payloads = [request.as_request().payload() for request in self._requests(search)]
        return payloads[0] if len(payloads) == 1 else payloads

    def responses(self, search: Search, deadline: Deadline) -> requests.Response | list[requests.Response]:
        """Return the responses; a single one where one question for one part is all."""
        answers = [exchange.response for exchange in self._exchanges(search, deadline)]
        return answers[0] if search.limit is not None and search.parts == 1 else answers

    def count(self, search: Search, deadline: Deadline) -> int:
        """Return how many rows there are."""
        return sum(announced(exchange.page) for exchange in self._exchanges(search, deadline))

    def table(self, search: Search, deadline: Deadline, *, verbose: bool = False) -> Table:
        """Return the rows, with a warning if there are none, or if there may be more."""
        builder, more = SearchTable(search.question, search.columns), False
        for exchange in self._exchanges(search, deadline):
            builder.add(exchange.page)
            if search.limit is not None:
                more = more or may_have_more(exchange.page, search.limit, search.offset)
        table = builder.table()
        if search.parts > 1 and search.limit is not None and len(table) > search.limit:
            table, more = table[: search.limit], True
            table.meta["rows"] = [len(table)]
        if more:
            warn_user(
                f"Maximum results returned: there are more than these {len(table)} rows. limit=None returns all.",
                MaxResultsWarning,
            )
        if not len(table):
            warn_no_results()
        if verbose:
            log.info("%d rows in %.1f s.", len(table), deadline.elapsed())
        return table


def _checked_mission(mission: object) -> str:
    """The name of a mission as it stands in addresses."""
    if not isinstance(mission, str) or not _MISSION.fullmatch(mission.strip().lower()):
        raise InvalidQueryError(f"mission={mission!r}: a name such as 'hst' or 'jwst' is needed.")
    return mission.strip().lower()


def _targets(coordinates: Any, object_names: Any, radius: Any, criteria: Iterable[str]) -> list[str | Name]:
    """Where to look: positions, and names of objects; criteria among which one may be misspelt."""
    targets: list[str | Name] = []
    if coordinates is not None:
        targets += sky_targets(coordinates)
    if object_names is not None:
        targets += object_targets(object_names)
    if not targets and radius is not DEFAULT_MISSION_RADIUS:
        meant = next((f" Did you mean {like} for {name}?" for name in criteria if (like := argument_like(name))), "")
        raise InvalidQueryError(f"radius={radius!r} needs a position: give coordinates or object_names as well.{meant}")
    return targets


class MissionRequests(MastClass):
    """The mission that is searched, and its columns; a part of `~astroquery_mast.MastMissionsClass`.

    Parameters
    ----------
    mission : str
        The mission that is searched, in any case: ``hst``, ``jwst``, ``roman``, ``roman_spectra``, ``roman_cgi``,
        ``classy``, ``ullyses``, ``iue``; any other name is tried as it is.
    mast_token, server, session : object, optional
        As `~astroquery_mast.MastClass`.

    Attributes
    ----------
    service : str
        ``"search"``; kept because ``astroquery.mast`` has it, and of no effect.
    """

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

    def __repr__(self) -> str:
        """Name the class, the mission and the server."""
        return f"<{type(self).__name__} for {self.mission} at {self._service.endpoints.server}>"

    @property
    def mission(self) -> str:
        """The mission that calls are about which name none; in lower case.

        A call reads it once, at its start, so that setting it changes nothing about calls under way.
        """
        return self._mission

    @mission.setter
    def mission(self, mission: str) -> None:
        self._mission = _checked_mission(mission)

    def _chosen(self, mission: str | None) -> str:
        """The mission of a call."""
        return self.mission if mission is None else _checked_mission(mission)

    # -- columns -------------------------------------------------------------------------------------------------

    def get_column_list(self, *, mission: str | None = None) -> Table:
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
