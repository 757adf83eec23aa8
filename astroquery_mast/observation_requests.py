"""What the public methods of `ObservationsClass` are made of: criteria → request → table or count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astropy.table import Table
from astroquery import log

from .exceptions import InvalidQueryError, MastError, UnreadableAnswerError
from .positions import PositionQueries
from .query.columns import Columns, metadata_table
from .query.criteria import Criteria, build_criteria, find_column
from .query.position import Cone
from .query.request import COUNT_COLUMNS, MashupRequest
from .query.response import histograms
from .query.suggest import suggestions
from .query.table import first_value
from .warn import warn_no_results
from .wire import Deadline

__all__ = ["ObservationRequests"]

# How long a query that found nothing may be held up by the search for what was meant.
_PATIENCE = 20.0


class ObservationRequests(PositionQueries):
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
        return sorted(name for name in self._values(self._deadline(None)).get("obs_collection", {}) if name)

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
            columns = self._columns.refresh(config_id)
        except MastError as err:
            log.warning("These are the columns known to this version of the package: %s", err)
            columns = self._columns.get(config_id)
        return metadata_table(columns)

    def _criteria(self, criteria: Mapping[str, Any]) -> Criteria:
        """Turn keywords into filters; ask the archive for its columns before a keyword is refused as unknown."""
        columns: Columns = self._columns.get(self._caom_cone)
        if any(find_column(name, columns) is None for name in criteria):
            columns = {**columns, **self._columns.newest(self._caom_cone)}
        return build_criteria(criteria, columns)

    def _cone_request(self, cone: Cone | None, pagesize: int | None, page: int | None) -> MashupRequest:
        """Ask for everything around a position."""
        assert cone is not None
        return self._request_for(self._caom_cone, cone.params(), pagesize, page)

    def _filtered_request(
        self,
        criteria: Criteria,
        cone: Cone | None,
        *,
        pagesize: int | None = None,
        page: int | None = None,
        count: bool = False,
    ) -> MashupRequest:
        """Ask for what meets the criteria, or how many they are: the same question but for its columns."""
        params: dict[str, object] = {"columns": COUNT_COLUMNS if count else "*", "filters": criteria.payload()}
        if cone is None:
            return self._request_for(self._caom_filtered, params, pagesize, page)
        params["position"] = cone.position()
        return self._request_for(self._caom_filtered_position, params, pagesize, page)

    def _counted(self, request: MashupRequest, deadline: Deadline) -> int:
        """Return the number that the archive answers."""
        return first_value(self._wire.page(request, deadline).page)

    def _observed(
        self,
        request: MashupRequest,
        deadline: Deadline,
        *,
        page: int | None,
        verbose: bool,
        criteria: Criteria | None = None,
    ) -> Table:
        """Return the table of observations, with a warning if there are none."""
        table = self._collect(request, deadline=deadline, every_page=page is None, columns_id=self._caom_cone)
        if verbose:
            log.info("%d observations in %.1f s.", len(table), deadline.elapsed())
        if not len(table):
            warn_no_results(self._hints(criteria) if criteria is not None else ())
        return table

    def _hints(self, criteria: Criteria) -> list[str]:
        """Say what a query that found nothing may have meant; nothing if the archive cannot be asked now."""
        try:
            return suggestions(criteria, self._values(Deadline.start(_PATIENCE)))
        except MastError as err:
            log.debug("The archive's values could not be read: %s", err)
            return []

    def _values(self, deadline: Deadline) -> dict[str, dict[str, int]]:
        """Return the values that the archive has: column → value → number of observations."""
        request = self._request_for(self._caom_all, {}, None, None, format="extjs")
        document = self._wire.page(request, deadline).page.document
        if document is None:
            raise UnreadableAnswerError(f"{self._caom_all} sent no list of values.", service=self._caom_all)
        return histograms(document)
