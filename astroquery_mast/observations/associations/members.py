"""Find the exposures that were combined into a product.

In: observations in any form that users pass.  Out: a table of observations with the product of each.

Members come from MAST's product lists, which list the files of members along with those of the product, and from
association files, which give the type of each member.  Hubble Advanced Products are identified by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from astropy.table import Table

from ...exceptions import MastError, NoResultsWarning
from ...products.association import ASSOCIATION_ENDINGS, Association
from ...products.file_names import column_as_text
from ...products.manifest import masked_column
from ...tables.columns import few_names
from ...warn import warn_no_results, warn_user
from .belonging import (
    EXPOSURE_NAME,
    PLANNED,
    PRODUCT_NAME,
    KnownObservation,
    Membership,
    associated_members,
    listed_members,
    planned_members,
)
from .hubble_names import AdvancedProduct
from .lookup import ObservationLookup, Pair, own_rows

# Status codes for a listed file that is not public, or no longer exists.
_CLOSED = frozenset({401, 403, 404})


class MemberSearch:
    """Queries MAST for the members of products, for one call."""

    def __init__(self, lookup: ObservationLookup) -> None:
        self._lookup = lookup

    def table(self, given: Any) -> Table:
        """Return the observations that products are made of."""
        wholes = self._lookup.observations(given)
        planned = self._planned_exposures(wholes)
        pairs: list[Pair] = []
        for whole, part in zip(wholes, self._lookup.each(self._members_of, wholes), strict=True):
            pairs += [(whole, each) for each in [*part, *planned_members(whole, planned, part)]]
        table = self._lookup.paired(pairs, "member_of")
        exptypes = {(whole.obs_id, each.obs_id.lower()): each.exptype for whole, each in pairs}
        names = zip(column_as_text(table, "member_of"), column_as_text(table, "obs_id"), strict=True)
        found = [exptypes.get((whole, name.lower())) for whole, name in names]
        table.add_column(masked_column(found, "U"), name="exptype", index=1)
        if not len(table):
            warn_no_results(_hints(wholes))
        return table

    def _members_of(self, whole: KnownObservation) -> list[Membership]:
        """Return the members of one product."""
        if whole.level == PLANNED:
            return []
        products = self._lookup.products(whole.obsid)
        associations = self._associations(whole, products)
        if associations:
            return associated_members(whole, associations, products)
        return listed_members(whole, products) or self._of_visit(whole)

    def _associations(self, whole: KnownObservation, products: Table) -> list[Association]:
        """Return the readable associations of a product."""
        uris = dict.fromkeys(column_as_text(own_rows(products, whole.obsid), "dataURI"))
        read = (self._readable(uri, whole) for uri in uris if uri.endswith(ASSOCIATION_ENDINGS))
        return [each for each in read if each is not None]

    def _readable(self, uri: str, whole: KnownObservation) -> Association | None:
        """Return an association; or warn and return None if the user has no access to it."""
        try:
            return self._lookup.association(uri)
        except MastError as err:
            if err.status not in _CLOSED:
                raise
            said = (
                f"Cannot read the association of {whole.obs_id}. Its members are taken from its list of products "
                "instead."
            )
            warn_user(f"{said} {err}", NoResultsWarning)
        return None

    def _of_visit(self, whole: KnownObservation) -> list[Membership]:
        """Return the exposures of a Hubble Advanced Product, found by the visit in its name."""
        advanced = AdvancedProduct.of_visit(whole.obs_id)
        if advanced is None:
            return []
        wanted = {"obs_collection": "HST", "obs_id": f"{advanced.root}*", "calib_level": [1, 2, 3]}
        found = [each for each in self._lookup.meeting(wanted) if advanced.has_exposure(each.obs_id, each.setup)]
        exposures = [Membership(each.obsid, each.obs_id) for each in found if not each.is_combined]
        # If the search returns only products, their product lists have the exposures.
        return exposures or list(chain.from_iterable(map(self._members_of, found)))

    def _planned_exposures(self, wholes: Sequence[KnownObservation]) -> list[KnownObservation]:
        """Return the planned exposures in the programs of JWST products."""
        programs = {each.program for each in wholes if each.collection == "JWST" and PRODUCT_NAME.match(each.obs_id)}
        if not programs:
            return []
        wanted = {"obs_collection": "JWST", "calib_level": PLANNED, "proposal_id": sorted(programs)}
        return [each for each in self._lookup.meeting(wanted) if EXPOSURE_NAME.match(each.obs_id)]


def _hints(wholes: Sequence[KnownObservation]) -> list[str]:
    """Return a hint that lists the observations that cannot have members."""
    single = [each.obs_id for each in wholes if not each.is_combined]
    return [f"Single exposures have no members: {few_names(single)}."] if single else []
