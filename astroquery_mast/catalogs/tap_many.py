"""Catalog queries around many targets by TAP: one query for each target, several at a time.

In: a query without a position, and many positions.  Out: one table with the input row and the position of the target in
each row, or a table of counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from astropy.table import MaskedColumn, Table, vstack

from ..config import seconds_setting
from ..exceptions import InvalidArgumentError, MastError
from ..service.mast_service import CallOptions
from ..service.parallel import RunOptions, SharedState
from ..service.retrying import Deadline
from ..sky.position import Cone
from ..targets.batch import run_unless_down
from ..targets.targets import ManyTargets, Targets, raise_if_all, table_of_counts, table_of_targets
from .collections import TapTable
from .many import TruncatedResults
from .search import CatalogArguments, TapOptions
from .tap import TapMeta, TapQuery, TapSearch, meta_of

Result = TypeVar("Result")


@dataclass
class _ConeAnswers:
    """The results for all cones, and which of them a limit has cut off."""

    tables: list[Table] = field(default_factory=list)
    rows: dict[int, Any] = field(default_factory=dict)
    truncated: TruncatedResults = field(default_factory=TruncatedResults)
    number: int = 0

    def take(self, place: int, answer: tuple[Table, bool]) -> None:
        """Add the result for a cone."""
        table, more = answer
        if more:
            self.truncated.limited[place] = f"there are more than {len(table)} rows. Use limit=None to return all."
        self.rows[place] = np.arange(self.number, self.number + len(table))
        self.number += len(table)
        if len(table) or not self.tables:
            self.tables.append(table)

    def table(self) -> Table:
        """Return all rows in one table."""
        return vstack(self.tables, join_type="outer", metadata_conflicts="silent")


class ManyTapSearch:
    """The same as `TapSearch`, for many targets."""

    def __init__(self, search: TapSearch) -> None:
        self._search = search
        self._targets = ManyTargets(search.service)

    def answer(
        self, table: TapTable, arguments: CatalogArguments, tap_options: TapOptions, options: CallOptions
    ) -> Any:
        """Return one table with the rows or the counts for all targets, or the queries."""
        _refuse_single_target_arguments(region=tap_options.region, executor=options.executor)
        run_options = options.for_run()
        deadline = run_options.deadline()
        query = self._search.query(table, arguments, tap_options)
        targets = self._targets.targets(arguments.target, deadline)
        shapes = self._search.shapes(table, Deadline.within(deadline))
        queries = [query.at(cone, shapes) for cone in targets.cones]
        if tap_options.return_adql or options.get_query_payload:
            return [each.shown(tap_options) for each in queries]
        if tap_options.count_only:
            return self._counts(queries, arguments, targets, run_options, deadline)
        return self._table(queries, arguments, targets, options, deadline)

    def _counts(
        self,
        queries: list[TapQuery],
        arguments: CatalogArguments,
        targets: Targets,
        options: RunOptions,
        deadline: Deadline,
    ) -> Table:
        """Return the table of counts."""
        counts: dict[int, int] = {}
        errors = self._ask_all(queries, self._search.count, counts.__setitem__, options, deadline)
        meta = meta_of(queries[0], len(targets.positions), targets=len(targets.positions), requests=len(queries))
        table = table_of_counts(arguments.target, targets, counts, errors, meta)
        table.meta = TapMeta(table.meta)
        return table

    def _table(
        self,
        queries: list[TapQuery],
        arguments: CatalogArguments,
        targets: Targets,
        options: CallOptions,
        deadline: Deadline,
    ) -> Table:
        """Return one table with the rows for all targets."""
        answers = _ConeAnswers()
        errors = self._ask_all(queries, self._search.rows, answers.take, options.for_run(), deadline)
        whole = answers.table()
        found = self._search.finished(whole, queries[0], options, deadline)
        found.meta = meta_of(queries[0], len(found), targets=len(targets.positions), requests=len(queries))
        table = table_of_targets(arguments.target, targets, (found, answers.rows), errors)
        if "search_pos" not in table.colnames:
            table.add_column(_positions(targets, table["input_row"].tolist()), index=1)
        table.meta = TapMeta(table.meta)
        table.meta["limited"] = answers.truncated.warn(targets)
        return table

    def _ask_all(
        self,
        queries: list[TapQuery],
        ask: Callable[[TapQuery, Deadline], Result],
        take: Callable[[int, Result], None],
        options: RunOptions,
        deadline: Deadline,
    ) -> dict[int, Exception]:
        """Run all queries, several at a time, and return their errors; stop if MAST seems to be down."""
        errors: dict[int, Exception] = {}
        seconds = seconds_setting("timeout")
        outcomes = run_unless_down(
            queries,
            lambda query: ask(query, deadline.part(seconds)),
            options,
            SharedState(deadline),
            "Querying",
            "target",
        )
        for place, (_, outcome) in enumerate(outcomes):
            if isinstance(outcome, MastError):
                errors[place] = outcome
            else:
                take(place, outcome)
        raise_if_all(errors, len(queries))
        return errors


def _positions(targets: Targets, rows: list[int]) -> MaskedColumn:
    """Return the position of the target of each row, as text."""
    cones: dict[int, Cone] = {
        row: targets.cones[cone] for row, cone in zip(targets.rows.tolist(), targets.cone_of.tolist(), strict=True)
    }
    texts = [f"{cones[row].ra!r} {cones[row].dec!r}" for row in rows]
    return MaskedColumn(texts, name="search_pos", dtype=str, description="Requested position, degrees (ICRS)")


def _refuse_single_target_arguments(**arguments: Any) -> None:
    """Raise if an argument is given that only a single target supports."""
    for name, given in arguments.items():
        if given is not None:
            raise InvalidArgumentError(f"{name} cannot be combined with several targets in a TAP query.")
