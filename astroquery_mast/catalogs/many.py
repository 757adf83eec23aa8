"""Catalog queries around many targets: one request for each target, several at a time.

In: a query without a position, and many positions.  Out: one table with the input row of the target in each row, or a
table of counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from astropy.table import Table
from astroquery import log

from ..query.request import MashupRequest
from ..query.selection import Selection, SortKey, arranged
from ..service.http import warn_of_more
from ..service.mast_service import CallOptions
from ..sky.position import Cone
from ..targets.batch import AnswerCollector, AskedTargets, IndivisibleQuestion, PartialAnswer
from ..targets.targets import POSITIONAL, ManyTargets, Targets, raise_if_all, refuse_page, table_of_targets
from ..warn import warn_no_results
from .search import CatalogArguments, CatalogSearch, suggesting_catalogs

# Columns before those of the catalog.  Catalog columns with these names get longer names.
_FIRST = ("input_row", "target")


@dataclass
class TruncatedResults:
    """The cones whose results a limit may have cut off."""

    limited: dict[int, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def warn(self, targets: Targets) -> list[int]:
        """Issue the warnings, and return the targets whose results were cut off."""
        rows = targets.of_cones(self.limited)
        if rows:
            first = min(rows)
            warn_of_more(f"{len(rows)} of {len(targets.positions)} targets, the first is row {first}: {rows[first]}")
        for note in self.notes:
            warn_of_more(note)
        return sorted(rows)


class ManyCatalogSearch:
    """The same as `CatalogSearch`, for many targets."""

    def __init__(self, search: CatalogSearch) -> None:
        self._search = search
        self._targets = ManyTargets(search.service)

    def count(self, arguments: CatalogArguments, options: CallOptions) -> Table | list[dict[str, object]]:
        """Return the number of rows that meet the criteria around each of many positions."""
        run_options = options.for_run()
        query = self._search.query(arguments, positional=True, count=True)

        def request_for(cone: Cone) -> MashupRequest:
            """Return the request for the count in a cone."""
            request = query.at(cone).request
            assert isinstance(request, MashupRequest)
            return request

        return self._targets.counts(arguments.target, request_for, run_options, payload=options.get_query_payload)

    def table(self, arguments: CatalogArguments, options: CallOptions) -> Table | list[dict[str, object]]:
        """Return one table with the results for all targets, or the requests."""
        run_options = options.for_run()
        refuse_page(arguments.selection.page)
        query = self._search.query(arguments, positional=True)
        deadline = run_options.deadline()
        targets = self._targets.targets(arguments.target, deadline)
        queries = [query.at(cone) for cone in targets.cones]
        if options.get_query_payload:
            return [each.payload() for each in queries]
        requested = AskedTargets(queries[0].request, len(targets.positions), len(queries), POSITIONAL)
        blocks: list[AnswerCollector] = []
        truncated = TruncatedResults()

        def take(place: int, part: PartialAnswer[IndivisibleQuestion]) -> None:
            """Add the result for a cone."""
            if not blocks:
                blocks.append(AnswerCollector(requested, self._search.columns_of(query, part.pages[0])))
            blocks[0].add(place, part.pages)
            truncated.notes.update(dict.fromkeys(part.notes))
            message = query.limited(sum(len(page.rows) for page in part.pages))
            if message is not None:
                truncated.limited[place] = message

        errors = self._targets.ask_all(
            [IndivisibleQuestion(each.request) for each in queries], run_options, deadline, take
        )
        with suggesting_catalogs(query.catalog):
            raise_if_all(errors, len(queries))
        table = table_of_targets(arguments.target, targets, blocks[0].table(), errors)
        table.meta["limited"] = truncated.warn(targets)
        if run_options.verbose:
            log.info(
                "%d rows of %s for %d targets, with %d requests in %.1f s.",
                *(len(table), query.catalog.name, len(targets.positions), len(queries), deadline.elapsed()),
            )
        if not len(table):
            warn_no_results()
        return arranged(table, _for_many(query.selection, table.colnames))


def _for_many(selection: Selection, names: Sequence[str]) -> Selection:
    """Return the selection for a table of many targets: it keeps their columns, and sorts the rows of each target."""
    first = [name for name in _FIRST if name in names[: len(_FIRST)]]

    def spelled(name: str) -> str:
        """Return the name of a column in the table of many targets."""
        longer = f"catalog_{name}"
        return longer if name.lower() in first and longer in names else name

    order = [replace(key, column=spelled(key.column)) for key in selection.order]
    columns = [*first, *map(spelled, selection.columns)] if selection.columns else []
    return replace(selection, columns=tuple(columns), order=(SortKey("input_row"), *order) if order else ())
