"""What the public methods of `ObservationsClass` are made of: criteria and region → request → table or count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from astropy.table import Table
from astroquery import log

from ..exceptions import InvalidQueryError, InvalidResponseError, MastError
from ..query.columns_wanted import ColumnSelection, names_of, select_columns
from ..query.criteria import observation_criteria
from ..query.filters import Criteria, find_column
from ..query.request import COUNT_COLUMNS, MashupRequest
from ..service.deadline import Deadline
from ..service.resolver import warn_unused_resolver
from ..sky.position import DEFAULT_RADIUS, Cone
from ..sky.region import ShapeRegion
from ..sky.region_filter import CUT_COLUMNS, RegionFilter, check_overlap
from ..sky.region_input import as_region
from ..sky.shapes import Circle
from ..tables.columns import Columns, metadata_table
from ..tables.mashup import histograms
from ..tables.table import TableBuilder
from ..targets.targets import ManyTargets, refuse_page
from ..warn import warn_no_results
from .suggestions import suggestions

__all__ = ["NO_CRITERION", "NO_PLACE", "ObservationRequests", "refuse_for_many"]

# How long a query that found nothing may be held up by the search for what was meant.
_PATIENCE = 20.0
_TWO_PLACES = "Only one of coordinates, object_name and region may be specified."
NO_CRITERION = "At least one non-positional criterion must be supplied."
NO_PLACE = "A place is needed: give coordinates (and radius), or region."


class ObservationRequests(ManyTargets):
    """Requests for observations, and what is known about their columns; see `MastClass` for parameters."""

    # The services, under the names that code written against ``astroquery.mast`` knows.
    _caom_all = "Mast.Caom.All"
    _caom_cone = "Mast.Caom.Cone"
    _caom_filtered_position = "Mast.Caom.Filtered.Position"
    _caom_filtered = "Mast.Caom.Filtered"
    _caom_products = "Mast.Caom.Products"

    def list_missions(self) -> list[str]:
        """Return the missions whose data MAST holds.

        Returns
        -------
        list of str
            In alphabetical order, as in the column ``obs_collection``.
        """
        return sorted(name for name in self._values(self._service.deadline(None)).get("obs_collection", {}) if name)

    def get_metadata(self, query_type: str) -> Table:
        """Return the columns of a kind of query: what they are called, hold and mean.

        Parameters
        ----------
        query_type : str
            ``"observations"`` or ``"products"``.

        Returns
        -------
        `~astropy.table.Table`
            A row for each column: ``Column Name``, ``Column Label``, ``Data Type``, ``Units``, ``Description``,
            ``Examples/Valid Values``.

        Raises
        ------
        InvalidQueryError
            If there is no such kind of query.
        """
        config_ids = {"observations": self._caom_cone, "products": self._caom_products}
        config_id = config_ids.get(str(query_type).lower())
        if config_id is None:
            raise InvalidQueryError(f"Unknown query type {query_type!r}: there are 'observations' and 'products'.")
        try:
            columns = self._service.columns.refresh(config_id)
        except MastError as err:
            log.warning("These are the columns known to this version of the package: %s", err)
            columns = self._service.columns.get(config_id)
        return metadata_table(columns)

    def _criteria(self, criteria: Mapping[str, Any]) -> Criteria:
        """Turn keywords into filters; ask the archive for its columns before a keyword is refused as unknown."""
        columns: Columns = self._service.columns.get(self._caom_cone)
        if any(find_column(name, columns) is None for name in criteria):
            columns = {**columns, **self._service.columns.newest(self._caom_cone)}
        return observation_criteria(criteria, columns)

    def _place(
        self,
        coordinates: Any,
        object_name: Any,
        radius: Any,
        resolver: str | None,
        deadline: Deadline,
        *,
        region: Any = None,
        overlap: str = "footprint",
    ) -> tuple[Cone | None, RegionFilter | None]:
        """Return the cone in which the archive looks, and the cut to be made of what it finds, if there is one."""
        check_overlap(overlap)
        if region is None:
            cone = self._service.cone(coordinates, object_name, radius, resolver, deadline)
            if overlap == "footprint":
                return cone, None
            if cone is None:
                raise InvalidQueryError(f"overlap={overlap!r} needs coordinates, object_name or region.")
            return cone, RegionFilter(ShapeRegion((Circle(cone.ra, cone.dec, cone.radius),)), overlap)
        if coordinates is not None or object_name is not None:
            raise InvalidQueryError(_TWO_PLACES)
        if radius is not DEFAULT_RADIUS:
            raise InvalidQueryError(f"radius={radius!r} needs a position, and region has an extent of its own.")
        warn_unused_resolver(resolver)
        cut = RegionFilter(as_region(region), overlap)
        return cut.region.cone(), cut

    def _choice(self, columns: Any, *, positional: bool = True, cuts: bool = False) -> ColumnSelection | None:
        """Return which columns are wanted, None for all; ask the archive before one is refused as unknown."""
        also = CUT_COLUMNS if cuts else ()
        columns = names_of(columns) or None  # an iterator can be read only once
        known = self._service.columns.get(self._caom_cone)
        try:
            return select_columns(columns, known, positional=positional, also=also)
        except InvalidQueryError:
            newest = {**known, **self._service.columns.newest(self._caom_cone)}
            return select_columns(columns, newest, positional=positional, also=also)

    def _cone_request(
        self, cone: Cone | None, pagesize: int | None, page: int | None, choice: ColumnSelection | None = None
    ) -> MashupRequest:
        """Ask for everything around a position."""
        if cone is None:
            raise InvalidQueryError(NO_PLACE)
        if choice is not None:  # the service of cones has all columns always
            return self._filtered_request(Criteria(), cone, pagesize=pagesize, page=page, columns=choice.text)
        return self._service.request_for(self._caom_cone, cone.params(), pagesize, page)

    def _filtered_request(
        self,
        criteria: Criteria,
        cone: Cone | None,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        columns: str = "*",
    ) -> MashupRequest:
        """Ask for what meets the criteria, or how many they are: the same question but for its columns."""
        params: dict[str, object] = {"columns": columns, "filters": criteria.payload()}
        if cone is None:
            return self._service.request_for(self._caom_filtered, params, pagesize, page)
        params["position"] = cone.position()
        return self._service.request_for(self._caom_filtered_position, params, pagesize, page)

    def _count_request(
        self, criteria: Criteria, cone: Cone | None, cut: RegionFilter | None, cache: bool | None = None
    ) -> MashupRequest:
        """Ask how many there are, or for what has to be looked at to count them."""
        columns = COUNT_COLUMNS if cut is None else ",".join(CUT_COLUMNS)
        return replace(self._filtered_request(criteria, cone, columns=columns), cache=cache)

    def _counted(self, request: MashupRequest, deadline: Deadline, cut: RegionFilter | None) -> int:
        """Return the number that the archive answers, or the number of rows that a cut leaves."""
        if cut is None:
            return self._service.count(request, deadline)
        table = self._service.table(request, deadline=deadline, columns_id=self._caom_cone)
        return len(cut.of(table))

    def _observed(
        self,
        request: MashupRequest,
        deadline: Deadline,
        *,
        page: int | None,
        verbose: bool,
        cut: RegionFilter | None,
        choice: ColumnSelection | None = None,
        criteria: Criteria | None = None,
    ) -> Table:
        """Return the table of observations, with a warning if there are none."""
        beyond = ""
        if page is None:
            table = self._service.table(request, deadline=deadline, columns_id=self._caom_cone)
        else:
            table, beyond = self._one_page(request, deadline)
        sent = len(table)
        if cut is not None:
            table = cut.of(table)
        if choice is not None:
            table = choice.of(table)
        if verbose:
            log.info("%d observations in %.1f s.", len(table), deadline.elapsed())
        if beyond:
            warn_no_results([beyond])
        elif not sent:
            warn_no_results(self._hints(criteria) if criteria is not None else ())
        elif not len(table):
            warn_no_results([f"{table.meta['cut'][-1]}."])
        return table

    def _one_page(self, request: MashupRequest, deadline: Deadline) -> tuple[Table, str]:
        """Return the table of one page, and a sentence if the answer has rows, but not that many pages."""
        builder = TableBuilder(request, self._service.columns.get(self._caom_cone))
        exchange = self._service.page(request, deadline)
        builder.add(exchange.page)
        paging = exchange.page.paging
        if len(exchange.page.rows) or paging is None or not paging.total:
            return builder.table(), ""
        pages = -(-paging.total // request.pagesize)
        return builder.table(), f"Page {request.page} was asked for, of {pages} with {paging.total} rows."

    def _hints(self, criteria: Criteria) -> list[str]:
        """Say what a query that found nothing may have meant; nothing if the archive cannot be asked now."""
        try:
            return suggestions(criteria, self._values(Deadline.start(_PATIENCE)))
        except MastError as err:
            log.debug("The archive's values could not be read: %s", err)
            return []

    def _values(self, deadline: Deadline) -> dict[str, dict[str, int]]:
        """Return the values that the archive has: column → value → number of observations."""
        return histograms(self._distribution(self._distribution_request(), deadline)[0])

    def _distribution_request(self, cache: bool | None = None) -> MashupRequest:
        """Ask for the distribution of the values of all columns."""
        return self._service.request_for(self._caom_all, {}, None, None, format="extjs", cache=cache)

    def _distribution(self, request: MashupRequest, deadline: Deadline) -> tuple[Mapping[str, Any], str | None]:
        """Return the distribution of the values of all columns, and when the archive gave it, if that is not now."""
        page = self._service.page(request, deadline).page
        if page.document is None:
            raise InvalidResponseError(f"{request.service} sent no list of values.", service=request.service)
        return page.document, page.time


def refuse_for_many(region: Any, overlap: str, page: int | None = None) -> None:
    """Raise `InvalidQueryError` if many targets are given together with what applies to one answer only."""
    check_overlap(overlap)
    if region is not None:
        raise InvalidQueryError(_TWO_PLACES)
    refuse_page(page)
