"""Look up observations with their products and associations, for the search for members and parents.

In: observations in any form that users pass, criteria, or names.  Out: `KnownObservation` values and tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from astropy.table import MaskedColumn, Table

from ...downloads.product_flow import ProductFlow
from ...exceptions import InvalidArgumentError, InvalidQueryError, NoResultsWarning
from ...products.association import Association, read_association
from ...products.file_names import column_as_text, rows_where
from ...products.listing import identifiers
from ...products.manifest import masked_column
from ...products.plan import escaped_url
from ...query.values import in_batches
from ...service.mast_service import MastService
from ...service.parallel import map_all
from ...service.retrying import Deadline
from ...tables.columns import few_names
from ...tables.result_table import ResultTable
from ...tables.table import stack_tables
from ...warn import warn_user
from ..search import CAOM_CONE, ObservationSearch, Place, QueryArguments
from .belonging import LISTED, KnownObservation, Membership, observation_cells

T = TypeVar("T")
R = TypeVar("R")
Pair = tuple[KnownObservation, Membership]

# The maximum number of observations per request.
_AT_ONCE = 500


@dataclass(frozen=True)
class ObservationLookup:
    """Looks up observations, for one call."""

    service: MastService
    search: ObservationSearch
    flow: ProductFlow
    deadline: Deadline
    cache: bool | None = None

    # -- observations given by a user ----------------------------------------------------------------------------------

    def observations(self, given: Any) -> list[KnownObservation]:
        """Return the observations that a user means; raise if one does not exist."""
        names = _names(given)
        found: dict[str, list[KnownObservation]] = {}
        for each in self._of_names(names):
            for name in {each.obsid, each.obs_id.lower()}:
                found.setdefault(name, []).append(each)
        missing = [name for name in names if name.lower() not in found]
        if missing:
            raise InvalidQueryError(f"Observation not found in MAST: {few_names(missing)}. Use an obsid or an obs_id.")
        meant = chain.from_iterable(found[name.lower()] for name in names)
        return list({each.obsid: each for each in meant}.values())

    def _of_names(self, names: Iterable[str]) -> list[KnownObservation]:
        """Return the observations with these obsids and obs_ids."""
        kinds: dict[bool, list[str]] = {True: [], False: []}
        for name in names:
            kinds[name.isdecimal()].append(name)
        return [*self._with("obsid", kinds[True]), *self._with("obs_id", kinds[False])]

    # -- queries -------------------------------------------------------------------------------------------------------

    def named(self, names: Sequence[str]) -> list[KnownObservation]:
        """Return the observations with these names; names without an observation are skipped."""
        return self._with("obs_id", names)

    def meeting(self, criteria: Mapping[str, object], place: Place | None = None) -> list[KnownObservation]:
        """Return the observations that match criteria."""
        return KnownObservation.all_in(self._found(criteria, place or Place()))

    def products(self, obsid: str) -> Table:
        """Return the products of one observation, including those of its members."""
        return self.flow.listed([obsid], False, self.deadline)

    def own_products(self, obsid: str) -> Table:
        """Return the products of one observation, excluding those of its members."""
        return own_rows(self.products(obsid), obsid)

    def association(self, uri: str) -> Association:
        """Read an association file at MAST."""
        name = uri.rpartition("/")[2]
        return self.service.http.request(
            "GET",
            escaped_url(self.service.endpoints.download, uri),
            deadline=self.deadline,
            service=name,
            read=lambda response: read_association(response.content, name),
        )

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call a function for each item, several at a time."""
        return map_all(self.deadline, work, items)

    def _with(self, column: str, values: Sequence[str]) -> list[KnownObservation]:
        """Return the observations with these values in a column; without values, no request is sent."""
        return KnownObservation.all_in(self._rows(column, values)) if values else []

    def _rows(self, column: str, values: Sequence[str]) -> Table:
        """Return the rows of observations with these values in a column."""
        return stack_tables(self.each(lambda some: self._found({column: some}, Place()), in_batches(values, _AT_ONCE)))

    def _found(self, criteria: Mapping[str, object], place: Place) -> Table:
        """Return the rows of observations that match criteria, without a warning if there are no matches."""
        query = self.search.query(QueryArguments(place, criteria, cache=self.cache), self.deadline)
        table = self.service.table(self.search.request(query), deadline=self.deadline, columns_id=CAOM_CONE)
        return query.finished(table)

    # -- the result ----------------------------------------------------------------------------------------------------

    def paired(self, pairs: Sequence[Pair], column: str) -> Table:
        """Return the observations that belong to others, with the name of the other one in a column."""
        pairs = self._numbered(pairs)
        absent = _without_obsid(pairs)
        if absent:
            message = f"{len(absent)} of {len(pairs)} members are not in MAST: {few_names(absent)}."
            warn_user(message, NoResultsWarning)
        pairs = [pair for pair in pairs if pair[1].obsid]
        table = self._table([member for _, member in pairs])
        names = np.array([other.obs_id for other, _ in pairs], dtype=np.str_)
        table.add_column(MaskedColumn(names), name=column, index=0)
        table.meta["absent"] = absent
        return table

    def _numbered(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Return the pairs with the obsids of members known only by name, where MAST has them."""
        known = {each.obs_id.lower(): each.obsid for each in self.named(_without_obsid(pairs))}
        return [(other, replace(each, obsid=each.obsid or known.get(each.obs_id, ""))) for other, each in pairs]

    def _table(self, members: Sequence[Membership]) -> Table:
        """Return the rows of observations, in order; if the search lacks one, from what product lists say about it."""
        wanted = {member.obsid: member for member in members}
        # Without members, the table still needs its columns.
        table = self._rows("obsid", list(wanted) or ["0"])
        there = set(column_as_text(table, "obsid"))
        lacking = [member for obsid, member in wanted.items() if obsid not in there]
        if lacking:
            meta, table = table.meta, stack_tables([table, _listed_rows(lacking)])
            table.meta = meta
        place = {obsid: row for row, obsid in enumerate(column_as_text(table, "obsid"))}
        return table[[place[member.obsid] for member in members]]


def own_rows(products: Table, obsid: str) -> Table:
    """Return the products that belong to the observation itself."""
    return rows_where(products, obsid.__eq__, "obsID")


def _names(given: Any) -> list[str]:
    """Return the obsids and obs_ids that a user gives."""
    names = list(dict.fromkeys(identifiers(given, observation_cells, "obsid")))
    if not names:
        raise InvalidQueryError("No observation specified.")
    wild = next((name for name in names if {"*", "%"} & set(name)), None)
    if wild is not None:
        raise InvalidArgumentError(
            f"{wild!r} contains a wildcard. Use query_criteria(obs_id={wild!r}) to find the observations."
        )
    return names


def _without_obsid(pairs: Iterable[Pair]) -> list[str]:
    """Return the members known only by name."""
    return list(dict.fromkeys(member.obs_id for _, member in pairs if not member.obsid))


def _listed_rows(members: Sequence[Membership]) -> Table:
    """Return a table of observations with the columns of a product list."""
    rows = [{"obsid": member.obsid, **member.listed} for member in members]
    return ResultTable(
        {name: masked_column([row.get(name) or None for row in rows], "U") for name in ("obsid", *LISTED)}, masked=True
    )
