"""Which exposures a product is made of, and which products an exposure went into.

In: observations in all forms in which users may have them.  Out: tables of observations that say how they belong.

What is known comes from the archive's lists of products, which have the files of members with those of the whole, and
from association files, which say what each member is.  Hubble Advanced Products are told by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table, vstack
from astroquery import log

from ..config import count_setting
from ..downloads.product_flow import ProductFlow
from ..exceptions import InvalidArgumentError, InvalidQueryError, MastError, NoResultsWarning, QueryTimeoutError
from ..products.association import ASSOCIATION_ENDINGS, Association, read_association
from ..products.file_names import column_as_text
from ..products.listing import identifiers
from ..products.manifest import masked_column
from ..products.plan import escaped_url
from ..service.mast_service import MastService
from ..service.parallel import map_or_stop
from ..service.retrying import Deadline
from ..warn import warn_no_results, warn_user
from .belonging import (
    COMBINED,
    EXPOSURE_NAME,
    LISTED,
    PLANNED,
    PRODUCT_NAME,
    KnownObservation,
    Membership,
    belongs,
    camera,
    few_names,
    group_of,
    listed_members,
    listed_observations,
    may_be_of,
    observation_cells,
    parents_told,
    planned_members,
    tells_exposures,
)
from .hubble_names import AdvancedProduct, visit_of
from .search import CAOM_CONE, ObservationSearch, Place, QueryArguments

T = TypeVar("T")
R = TypeVar("R")

# So many observations are asked for in one question.
_AT_ONCE = 500
# A file that is listed, but not for everybody, or not any more.
_CLOSED = frozenset({401, 403, 404})
_MOSAICS: Mapping[str, object] = {"obs_collection": ["HLA", "HST"], "project": ["HAP", "HLA"], "calib_level": [3, 4]}


class MemberSearch:
    """Asks the archive what belongs together."""

    def __init__(self, service: MastService, search: ObservationSearch, flow: ProductFlow, cache: bool | None) -> None:
        self._service = service
        self._search = search
        self._flow = flow
        self._cache = cache

    # -- from a product to its exposures -----------------------------------------------------------------------------

    def members(self, given: Any, timeout: Any) -> Table:
        """Return the observations that some products are made of."""
        deadline = self._service.deadline(timeout)
        wholes = self.observations(given, deadline)
        planned = self._planned_exposures(wholes, deadline)
        parts = self._each(lambda whole: self._members_of(whole, deadline), wholes, deadline)
        pairs = []
        for whole, part in zip(wholes, parts, strict=True):
            pairs += [(whole, each) for each in [*part, *planned_members(whole, planned, part)]]
        table = self._paired(pairs, "member_of", deadline)
        if not len(table):
            single = [each.obs_id for each in wholes if not each.is_combined]
            warn_no_results([f"Single exposures have no members: {few_names(single)}."] if single else [])
        return table

    def _members_of(self, whole: KnownObservation, deadline: Deadline) -> list[Membership]:
        """The members of one product."""
        if whole.level == PLANNED:
            return []
        products = self.products(whole.obsid, deadline)
        found = self._associated(whole, products, deadline)
        if found is None:
            found = listed_members(whole, products)
        return found or self._of_visit(whole, deadline)

    def _associated(self, whole: KnownObservation, products: Table, deadline: Deadline) -> list[Membership] | None:
        """The members according to association files; None if there is none that can be read."""
        own = products[np.array([obsid == whole.obsid for obsid in column_as_text(products, "obsID")], dtype=bool)]
        uris = [uri for uri in column_as_text(own, "dataURI") if uri.endswith(ASSOCIATION_ENDINGS)]
        read = [self._readable(uri, whole, deadline) for uri in dict.fromkeys(uris)]
        if not any(read):
            return None
        named = [each for each in read if each is not None and whole.obs_id.lower() in each.products]
        exptypes: dict[str, dict[str, None]] = {}
        for association in named or filter(None, read):
            for member in association.of_product(whole.obs_id):
                exptypes.setdefault(member.exposure.lower(), {})[member.exptype] = None
        rows = listed_observations(products)
        return [
            replace(rows.get(name, Membership("", name)), exptype=";".join(kinds))
            for name, kinds in exptypes.items()
            if name != whole.obs_id.lower()
        ]

    def _readable(self, uri: str, whole: KnownObservation, deadline: Deadline) -> Association | None:
        """An association; None, with a warning, if it is not open to the caller."""
        try:
            return self.association(uri, deadline)
        except MastError as err:
            if err.status not in _CLOSED:
                raise
            message = f"What the members of {whole.obs_id} are is not known, as its association cannot be read: {err}"
            warn_user(message, NoResultsWarning)
        return None

    def _of_visit(self, whole: KnownObservation, deadline: Deadline) -> list[Membership]:
        """The exposures of a Hubble Advanced Product, which has the name of their visit."""
        advanced = AdvancedProduct.of(whole.obs_id)
        if advanced is None or advanced.root is None:
            return []
        own = self._known({"obs_collection": "HST", "obs_id": f"{advanced.root}*", "calib_level": [1, 2, 3]}, deadline)
        found = [each for each in own if advanced.has_exposure(each.obs_id, each.setup)]
        exposures = [each for each in found if not each.is_combined]
        if not exposures:
            # Where the search has products alone, their lists have the exposures.
            return list(chain.from_iterable(self._members_of(each, deadline) for each in found))
        return [Membership(each.obsid, each.obs_id) for each in exposures]

    def _planned_exposures(self, wholes: Sequence[KnownObservation], deadline: Deadline) -> list[KnownObservation]:
        """The exposures that are still to be made for the observations that some products of JWST are of."""
        programs = {each.program for each in wholes if each.collection == "JWST" and PRODUCT_NAME.match(each.obs_id)}
        if not programs:
            return []
        wanted = {"obs_collection": "JWST", "calib_level": PLANNED, "proposal_id": sorted(programs)}
        return [each for each in self._known(wanted, deadline) if EXPOSURE_NAME.match(each.obs_id)]

    # -- from an exposure to its products ----------------------------------------------------------------------------

    def parents(self, given: Any, timeout: Any) -> Table:
        """Return the observations that some exposures went into."""
        deadline = self._service.deadline(timeout)
        exposures = self.observations(given, deadline)
        told = self._each(lambda each: self._told_parents(each, deadline), exposures, deadline)
        left = [each for each, parents in zip(exposures, told, strict=True) if parents is None]
        proven = self._proven_parents(left, deadline)
        pairs = []
        for exposure, parents in zip(exposures, told, strict=True):
            found = proven.get(exposure.obsid, []) if parents is None else parents
            pairs += [(exposure, each) for each in found]
        table = self._paired(pairs, "member", deadline)
        if not len(table):
            warn_no_results(
                [f"No product of several exposures was made of {few_names([each.obs_id for each in exposures])}."]
            )
        return table

    def _told_parents(self, exposure: KnownObservation, deadline: Deadline) -> list[Membership] | None:
        """The products of level 3 that a file of JWST went into; None if that is not to be learned so."""
        if exposure.collection != "JWST" or not exposure.file.startswith("mast:"):
            return None
        try:
            return self._service.http.request(
                "GET",
                f"{self._service.endpoints.server}/viz/api/v0.1/products",
                params={"uri": exposure.file, "level": str(COMBINED)},
                deadline=deadline,
                service="viz products",
                read=lambda response: parents_told(response.json(), exposure),
            )
        except QueryTimeoutError:
            raise
        except MastError as err:
            log.debug("%s The parents of %s are looked for in lists of products.", err, exposure.obs_id)
        return None

    def _proven_parents(self, exposures: Sequence[KnownObservation], deadline: Deadline) -> dict[str, list[Membership]]:
        """Exposure → the products that have it in their lists, or its visit in their names."""
        groups = {group_of(each): each for each in reversed(exposures)}
        candidates = dict(
            zip(
                groups,
                self._each(lambda each: self._candidates(each, deadline), list(groups.values()), deadline),
                strict=True,
            )
        )
        unnamed = {
            each.obsid: each
            for group in candidates.values()
            for each in group
            if each.level != PLANNED and not tells_exposures(each)
        }
        lists = self._each(lambda each: self.products(each.obsid, deadline), list(unnamed.values()), deadline)
        contents = {obsid: set(column_as_text(listed, "obsID")) for obsid, listed in zip(unnamed, lists, strict=True)}
        return {
            each.obsid: [
                Membership(whole.obsid, whole.obs_id)
                for whole in candidates[group_of(each)]
                if whole.obsid != each.obsid and belongs(each, whole, contents.get(whole.obsid, set()))
            ]
            for each in exposures
        }

    def _candidates(self, exposure: KnownObservation, deadline: Deadline) -> list[KnownObservation]:
        """The products that an exposure, and others that were taken with it, may have gone into."""
        if exposure.collection == "JWST":
            own = {"obs_collection": "JWST", "proposal_id": exposure.program, "calib_level": [PLANNED, COMBINED]}
            products = [each for each in self._known(own, deadline) if each.instrument == exposure.instrument]
            return [each for each in products if may_be_of(exposure.obs_id, each.obs_id)]
        found = []
        visit = visit_of(exposure.obs_id) if exposure.collection == "HST" else None
        if visit is not None:
            for pattern in (f"{visit}*", f"hst_*_{visit}*"):
                found += self._known(
                    {"obs_collection": "HST", "obs_id": pattern, "calib_level": [COMBINED, 4]}, deadline
                )
        if exposure.ra is not None and exposure.dec is not None:
            place = Place(SkyCoord(exposure.ra, exposure.dec, unit="deg"), radius=0)
            mosaics = self._known(_MOSAICS, deadline, place)
            found += [each for each in mosaics if camera(each) == camera(exposure)]
        return list({each.obsid: each for each in found}.values())

    # -- observations, products and associations ---------------------------------------------------------------------

    def observations(self, given: Any, deadline: Deadline) -> list[KnownObservation]:
        """Return the observations that a user means; raise if there is no such observation."""
        names = list(dict.fromkeys(identifiers(given, observation_cells, "obsid")))
        if not names:
            raise InvalidQueryError("No observation was given.")
        wild = next((name for name in names if "*" in name or "%" in name), None)
        if wild is not None:
            raise InvalidArgumentError(f"{wild!r} has a wildcard: query_criteria(obs_id={wild!r}) finds observations.")
        numbers = [name for name in names if name.isdecimal()]
        texts = [name for name in names if not name.isdecimal()]
        found = KnownObservation.all_in(self._rows("obsid", numbers, deadline)) if numbers else []
        found += self.named(texts, deadline)
        by_name: dict[str, list[KnownObservation]] = {}
        for each in found:
            for name in {each.obsid, each.obs_id.lower()}:
                by_name.setdefault(name, []).append(each)
        missing = [name for name in names if name.lower() not in by_name]
        if missing:
            raise InvalidQueryError(f"MAST has no observation {few_names(missing)}: an obsid or an obs_id is needed.")
        meant = chain.from_iterable(by_name[name.lower()] for name in names)
        return list({each.obsid: each for each in meant}.values())

    def named(self, names: Sequence[str], deadline: Deadline) -> list[KnownObservation]:
        """Return the observations that have some names, as far as there are such observations."""
        return KnownObservation.all_in(self._rows("obs_id", names, deadline)) if names else []

    def products(self, obsid: str, deadline: Deadline) -> Table:
        """Return the products of one observation, those of its members among them."""
        return self._flow.listed([obsid], False, deadline)

    def association(self, uri: str, deadline: Deadline) -> Association:
        """Return what an association file in the archive says."""
        name = uri.rpartition("/")[2]
        return self._service.http.request(
            "GET",
            escaped_url(self._service.endpoints.download, uri),
            deadline=deadline,
            service=name,
            read=lambda response: read_association(response.content, name),
        )

    def _known(
        self, criteria: Mapping[str, object], deadline: Deadline, place: Place | None = None
    ) -> list[KnownObservation]:
        """The observations that meet criteria."""
        return KnownObservation.all_in(self._found(criteria, deadline, place or Place()))

    def _found(self, criteria: Mapping[str, object], deadline: Deadline, place: Place) -> Table:
        """The rows of observations that meet criteria; none are no reason for a warning here."""
        query = self._search.query(QueryArguments(place, criteria, cache=self._cache), deadline)
        table = self._service.table(self._search.request(query), deadline=deadline, columns_id=CAOM_CONE)
        return query.finished(table)

    def _rows(self, column: str, values: Sequence[str], deadline: Deadline) -> Table:
        """The rows of observations that have some values in a column."""
        batches = [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]
        tables = self._each(lambda some: self._found({column: list(some)}, deadline, Place()), batches, deadline)
        return tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")

    def _each(self, work: Callable[[T], R], items: Sequence[T], deadline: Deadline) -> list[R]:
        """Do the same for each of some things, several at a time."""
        workers = min(count_setting("max_workers"), max(len(items), 1))
        with closing(map_or_stop(deadline, work, items, workers)) as done:
            return list(done)

    def _paired(self, pairs: Sequence[tuple[KnownObservation, Membership]], column: str, deadline: Deadline) -> Table:
        """The observations that belong to others, with the name of the other one in a column."""
        names = list(dict.fromkeys(member.obs_id for _, member in pairs if not member.obsid))
        known = {each.obs_id.lower(): each.obsid for each in self.named(names, deadline)}
        pairs = [
            (whole, replace(member, obsid=member.obsid or known.get(member.obs_id, ""))) for whole, member in pairs
        ]
        absent = list(dict.fromkeys(member.obs_id for _, member in pairs if not member.obsid))
        if absent:
            message = f"{len(absent)} of {len(pairs)} members are not in the archive: {few_names(absent)}."
            warn_user(message, NoResultsWarning)
        pairs = [pair for pair in pairs if pair[1].obsid]
        table = self._table_of([member for _, member in pairs], deadline)
        table.add_column(MaskedColumn(np.array([whole.obs_id for whole, _ in pairs], np.str_)), name=column, index=0)
        if column == "member_of":
            table.add_column(masked_column([member.exptype for _, member in pairs], "U"), name="exptype", index=1)
        table.meta["absent"] = absent
        return table

    def _table_of(self, members: Sequence[Membership], deadline: Deadline) -> Table:
        """The rows of observations, in order; of those that the search does not have what the lists of products say."""
        wanted = {member.obsid: member for member in members}
        # Without any the columns are wanted all the same.
        table = self._rows("obsid", list(wanted) or ["0"], deadline)
        place = {obsid: row for row, obsid in enumerate(column_as_text(table, "obsid"))}
        lacking = [member for obsid, member in wanted.items() if obsid not in place]
        if lacking:
            place |= {member.obsid: len(table) + row for row, member in enumerate(lacking)}
            rows = [{"obsid": member.obsid, **member.listed} for member in lacking]
            columns = {name: masked_column([row.get(name) or None for row in rows], "U") for name in ("obsid", *LISTED)}
            meta = table.meta
            table = vstack([table, Table(columns, masked=True)], metadata_conflicts="silent")
            table.meta = meta
        return table[[place[member.obsid] for member in members]]
