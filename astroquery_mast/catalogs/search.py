"""What the public methods of `CatalogsClass` call: arguments → a question, checked → table, responses or count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import requests
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import BadRequestError, InvalidCriterionError, ServerError
from ..query.filters import catalogs_mast_filters, mashup_criteria
from ..query.known_catalogs import CATALOGS, Catalog, catalog_key, collection_of, find_catalog, shown_names
from ..query.request import MashupRequest
from ..query.selection import Selection, arranged
from ..service.http import warn_of_more
from ..service.mast_service import CallOptions, ColumnMetadata, MastService, NoColumnsError, refuse_two_positions
from ..service.retrying import Deadline
from ..sky.position import TargetInput
from ..tables.columns import Columns, closest, did_you_mean
from ..tables.mashup import Page
from ..tables.table import TableBuilder
from ..warn import warn_no_results
from .question import (
    CatalogColumns,
    CatalogQuestion,
    Listing,
    answer_columns,
    catalogs_mast_question,
    cone_question,
    filtered_question,
    with_separation,
)

_NO_CRITERION = "At least one non-positional criterion must be supplied."
# Words in which criteria are refused that only another service can express.
_BEYOND = re.compile("excludes|list of comparisons|wildcarded|combined with other|accepts only one")
# Words in which a service that does not exist is reported.
_UNKNOWN = re.compile(r"unknown service|service\b.*\b(?:not found|does not exist|unknown)", re.IGNORECASE)
# The status with which the archive reports errors of its services.
_ANSWERED = 200
# Which table of a catalog of Catalogs.MAST is asked.
TABLE_OPTIONS = ("data_release", "table")
# What else than a column may be meant by a keyword.
_ARGUMENTS = (
    *(each.name for described in (TargetInput, Selection, CallOptions) for each in fields(described)),
    *("catalog", "sort_by", *TABLE_OPTIONS),
)


@dataclass(frozen=True)
class CatalogArguments:
    """What is asked of a catalog, as the user wrote it; the fields are parameters of `CatalogsClass.query_criteria`.

    ``criteria`` are the further parameters of `CatalogsClass.query_region` unless ``filtered``.
    """

    catalog: Any
    criteria: Mapping[str, Any]
    target: TargetInput
    selection: Selection
    version: int | None = None
    filtered: bool = False


class _Default(int):
    """The default of a number, which can be told from the same number given by the user."""


DEFAULT_LIMIT = _Default(5000)
DEFAULT_OFFSET = _Default(0)


@dataclass(frozen=True)
class TapWords:
    """What only TAP is asked with; the fields are parameters of `CatalogsClass.query_criteria`."""

    collection: str | None = None
    region: Any = None
    limit: int | None = DEFAULT_LIMIT
    offset: int = DEFAULT_OFFSET
    count_only: bool = False
    select_cols: Any = None
    sort_desc: Any = None
    filters: Mapping[str, Any] | None = None
    run_async: bool | None = None
    return_adql: bool = False

    @property
    def given(self) -> list[str]:
        """The names of those that are given, but for the collection."""
        others = (each for each in fields(self) if each.name != "collection")
        return [each.name for each in others if getattr(self, each.name) is not each.default]


class CatalogSearch:
    """Questions to catalogs, built and checked → table, responses or count."""

    def __init__(self, service: MastService) -> None:
        self.service = service
        self.columns = ColumnMetadata(CatalogColumns(service.http, service.endpoints))
        service.columns = self.columns

    # -- calls ---------------------------------------------------------------------------------------------------

    def table(self, arguments: CatalogArguments, options: CallOptions) -> Table | dict[str, object]:
        """Return the entries that are asked for, or the request."""
        deadline = self.service.deadline(options.timeout)
        question = self._question(arguments, deadline)
        return question.payload() if options.get_query_payload else self.table_of(question, deadline, options.verbose)

    def responses(
        self, arguments: CatalogArguments, timeout: float | None
    ) -> list[requests.Response] | requests.Response:
        """Return the responses with the entries that are asked for."""
        deadline = self.service.deadline(timeout)
        return self.responses_to(self._question(arguments, deadline), deadline)

    def count(self, arguments: CatalogArguments, options: CallOptions) -> int | dict[str, object]:
        """Return how many entries meet the criteria, or the request."""
        deadline = self.service.deadline(options.timeout)
        question = self._question(arguments, deadline, count=True)
        return question.payload() if options.get_query_payload else self.count_of(question, deadline)

    # -- questions -----------------------------------------------------------------------------------------------

    def _question(self, arguments: CatalogArguments, deadline: Deadline, *, count: bool = False) -> CatalogQuestion:
        """A question about one target or none.  Everything else is checked before names are resolved."""
        target = arguments.target
        if arguments.filtered:
            refuse_two_positions(target.coordinates, target.object_name)
        positional = not arguments.filtered or target.coordinates is not None or target.object_name is not None
        question = self.question(arguments, positional=positional, count=count)
        cone = self.service.cone(target.coordinates, target.object_name, target.radius, target.resolver, deadline)
        return question if cone is None and arguments.filtered else question.at(cone)

    def question(self, arguments: CatalogArguments, *, positional: bool, count: bool = False) -> CatalogQuestion:
        """Return a question into which a position may still be put."""
        if not arguments.filtered:
            return self._region_question(arguments)
        with _pointing_to_tap(arguments.catalog):
            return self._criteria_question(arguments, positional=positional, count=count)

    def _region_question(self, arguments: CatalogArguments) -> CatalogQuestion:
        """A question about what is around a position, which is still to be put in."""
        found, selection = find_catalog(arguments.catalog), arguments.selection
        given, version = arguments.criteria, arguments.version
        if found.path:
            found.versioned({0: found.path}, version)  # of which there are none: the user hears of it
            return self._table_question(found, given, selection, positional=True)
        if found.columns_id:
            selection = selection.spelled(self.columns.columns_for(found.columns_id, selection.named))
        return cone_question(found, version, given, selection, count_setting("pagesize"))

    def _criteria_question(self, arguments: CatalogArguments, *, positional: bool, count: bool) -> CatalogQuestion:
        """A question by criteria, into which a position may still be put."""
        found, selection, criteria = find_catalog(arguments.catalog), arguments.selection, arguments.criteria
        if found.path and not count:
            if not criteria or not (positional or _without_options(criteria)):
                raise InvalidCriterionError(_NO_CRITERION)
            return self._table_question(found, criteria, selection, positional=positional)
        found.filtered_service(positional=positional, count=count)  # which complains if there is none
        if not criteria:
            raise InvalidCriterionError(_NO_CRITERION)
        columns = self.columns.columns_for(found.columns_id, [*criteria, *selection.named])
        return filtered_question(
            found,
            mashup_criteria(criteria, columns, arguments=_ARGUMENTS),
            selection.spelled(columns),
            count_setting("pagesize"),
            positional=positional,
            count=count,
        )

    def _table_question(
        self, catalog: Catalog, given: Mapping[str, Any], selection: Selection, *, positional: bool
    ) -> CatalogQuestion:
        """A question to a table of Catalogs.MAST."""
        criteria = _without_options(given)
        options = {name.lower(): value for name, value in given.items() if name not in criteria}
        release, table = catalog.table(options.get("data_release"), options.get("table"))
        columns_id = f"{catalog.path}/{release}/{table}"
        # The list of columns does not have the separation, which answers about a position do have.
        named = [name for name in selection.named if not positional or name != catalog.separation[0]]
        columns = self.columns.columns_for(columns_id, [*criteria, *named])
        filters = catalogs_mast_filters(criteria, columns, _ARGUMENTS)
        selection = selection.spelled(with_separation(columns, catalog) if positional else columns)
        server = self.service.endpoints.catalogs
        pagesize, known = count_setting("pagesize"), self.columns.known(columns_id) or {}
        return catalogs_mast_question(catalog, columns_id, server, filters, selection, pagesize, known)

    def metadata(self, catalog: str, release: str | None, table: str | None) -> Columns:
        """Return the columns of a catalog, as the archive has them now if it can say."""
        found = find_catalog(catalog)
        if found.path:
            columns_id = "/".join((found.path, *found.table(release, table)))
        else:
            columns_id = found.columns_id or found.cone()
        try:
            return self.columns.newest(columns_id) or self.columns.refresh(columns_id)
        except NoColumnsError as err:
            if found in CATALOGS.values():
                raise
            raise _no_such_catalog(found, str(err)) from err

    # -- answers -------------------------------------------------------------------------------------------------

    def table_of(self, question: CatalogQuestion, deadline: Deadline, verbose: bool) -> Table:
        """Return the table of an answer, with a warning if it is empty, or if a limit has cut it short."""
        with hinting(question.catalog):
            table = self._collected(question, deadline)
        if verbose:
            log.info("%d rows of %s in %.1f s.", len(table), question.catalog.name, deadline.elapsed())
        self._warn_if_limited(question, len(table))
        if not len(table):
            warn_no_results()
        return arranged(table, question.selection)

    def _collected(self, question: CatalogQuestion, deadline: Deadline) -> Table:
        """All rows of an answer."""
        builder: TableBuilder | None = None
        for answer in self.service.pages(question.request, deadline=deadline, every_page=question.every_page):
            if builder is None:
                builder = TableBuilder(question.request, self.columns_of(question, answer.page))
            builder.add(answer.page)
        assert builder is not None
        return builder.table()

    def columns_of(self, question: CatalogQuestion, page: Page) -> Columns:
        """Return what is known of the columns of an answer, by its first page."""
        if isinstance(question.request, Listing):
            columns: Columns = answer_columns(page, question.request.known)
        else:
            columns = self.columns.get(question.columns_id)
        return with_separation(columns, question.catalog)

    def responses_to(
        self, question: CatalogQuestion, deadline: Deadline
    ) -> list[requests.Response] | requests.Response:
        """Return the responses to a question; Catalogs.MAST gives a single one, as in ``astroquery.mast``."""
        request = question.request
        if isinstance(request, MashupRequest):
            with hinting(question.catalog):
                return self.service.responses(request, deadline=deadline, every_page=question.every_page)
        answer = self.service.page(request, deadline)
        rows = len(answer.page.rows)
        if not self._warn_if_limited(question, rows) and question.every_page and rows == question.pagesize:
            warn_of_more(
                f"{request.service} has more than the {rows} rows of this page. Use page=2, ... for the others."
            )
        return answer.response

    def count_of(self, question: CatalogQuestion, deadline: Deadline) -> int:
        """Return the number that the archive answers."""
        assert isinstance(question.request, MashupRequest)
        return self.service.count(question.request, deadline)

    def _warn_if_limited(self, question: CatalogQuestion, rows: int) -> bool:
        """Warn if a limit has cut the answer short, as far as can be told."""
        message = question.limited(rows)
        if message is not None:
            warn_of_more(message)
        return message is not None


def _without_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria, without those options that say which table is asked."""
    return {name: value for name, value in given.items() if name.lower() not in TABLE_OPTIONS}


@contextmanager
def hinting(catalog: Catalog) -> Iterator[None]:
    """Say in the error of a service that the archive does not have which catalog may have been meant."""
    try:
        yield
    except ServerError as err:
        if catalog in CATALOGS.values() or err.status != _ANSWERED:
            raise
        if _UNKNOWN.search(str(err)):
            raise _no_such_catalog(catalog, str(err)) from err
        near = closest(catalog.name, shown_names())
        if near:
            err.args = (f"{err} {did_you_mean(catalog.name, near)}",)
        raise


@contextmanager
def _pointing_to_tap(catalog: Any) -> Iterator[None]:
    """Say in the error for a criterion that a service cannot express who can, if somebody can."""
    try:
        yield
    except InvalidCriterionError as err:
        collection = collection_of(catalog_key(catalog) or "")
        if collection is not None and _BEYOND.search(str(err)):
            err.args = (f"{err} TAP supports this query: use collection={collection!r}.",)
        raise


def _no_such_catalog(catalog: Catalog, said: str) -> BadRequestError:
    """The error for a name that neither this package nor the archive knows."""
    hint = did_you_mean(catalog.name, shown_names())
    return BadRequestError(f"{said} {hint}", status=_ANSWERED)
