"""Find the products that include an exposure.

In: observations in any form that users pass.  Out: a table of observations with the exposure of each.

For files of JWST, MAST lists their level 3 products.  Otherwise, candidate products are found by name or position, and
kept if their product lists or their names include the exposure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery import log

from ...exceptions import MastError, QueryTimeoutError
from ...products.file_names import column_as_text
from ...tables.columns import few_names
from ...warn import warn_no_results
from ..search import Place
from .belonging import (
    COMBINED,
    PLANNED,
    KnownObservation,
    Membership,
    belongs,
    group_of,
    listed_parents,
    may_be_of,
)
from .hubble_names import AdvancedProduct, visit_of
from .lookup import ObservationLookup, Pair

_MOSAICS: Mapping[str, object] = {"obs_collection": ["HLA", "HST"], "project": ["HAP", "HLA"], "calib_level": [3, 4]}


class ParentSearch:
    """Queries MAST for the products of exposures, for one call."""

    def __init__(self, lookup: ObservationLookup) -> None:
        self._lookup = lookup

    def table(self, given: Any) -> Table:
        """Return the products that include some exposures."""
        exposures = self._lookup.observations(given)
        listed = dict(zip(exposures, self._lookup.each(self._level_3_products, exposures), strict=True))
        verified = self._verified_products([each for each, parents in listed.items() if parents is None])
        pairs: list[Pair] = []
        for exposure, parents in listed.items():
            pairs += [(exposure, each) for each in (verified[exposure] if parents is None else parents)]
        table = self._lookup.paired(pairs, "member")
        if not len(table):
            names = few_names([each.obs_id for each in exposures])
            warn_no_results([f"No combined product was made from {names}."])
        return table

    def _level_3_products(self, exposure: KnownObservation) -> list[Membership] | None:
        """Return the level 3 products of a JWST file as MAST lists them; None if that is not available."""
        if exposure.collection != "JWST" or not exposure.file.startswith("mast:"):
            return None
        service = self._lookup.service
        try:
            return service.http.request(
                "GET",
                f"{service.endpoints.viz}/products",
                params={"uri": exposure.file, "level": str(COMBINED)},
                deadline=self._lookup.deadline,
                service="viz products",
                read=lambda response: listed_parents(response.json(), exposure),
            )
        except QueryTimeoutError:
            raise
        except MastError as err:
            log.debug("%s Searching lists of products for the parents of %s instead.", err, exposure.obs_id)
        return None

    def _verified_products(self, exposures: Sequence[KnownObservation]) -> dict[KnownObservation, list[Membership]]:
        """Return the products with each exposure in their product lists, or with its visit in their names."""
        groups = {group_of(each): each for each in reversed(exposures)}
        found = self._lookup.each(self._candidates, list(groups.values()))
        candidates = dict(zip(groups, found, strict=True))
        listed = self._members_listed([each for group in found for each in group if _has_to_be_listed(each)])
        return {
            exposure: [
                Membership(whole.obsid, whole.obs_id)
                for whole in candidates[group_of(exposure)]
                if belongs(exposure, whole, listed.get(whole.obsid, set()))
            ]
            for exposure in exposures
        }

    def _members_listed(self, wholes: Sequence[KnownObservation]) -> dict[str, set[str]]:
        """Return the obsids in the product list of each observation, by its obsid; each list is retrieved once."""
        obsids = list(dict.fromkeys(each.obsid for each in wholes))
        lists = self._lookup.each(self._lookup.products, obsids)
        return {obsid: set(column_as_text(listed, "obsID")) for obsid, listed in zip(obsids, lists, strict=True)}

    # -- candidates --------------------------------------------------------------------------------------------------

    def _candidates(self, exposure: KnownObservation) -> list[KnownObservation]:
        """Return the products that may include an exposure and others taken with it."""
        if exposure.collection == "JWST":
            return self._of_program(exposure)
        found = [*self._of_visit(exposure), *self._at_place(exposure)]
        return list({each.obsid: each for each in found}.values())

    def _of_program(self, exposure: KnownObservation) -> list[KnownObservation]:
        """Return the JWST products of the same observation, or of several observations of the program."""
        wanted = {"obs_collection": "JWST", "proposal_id": exposure.program, "calib_level": [PLANNED, COMBINED]}
        found = [each for each in self._lookup.meeting(wanted) if may_be_of(exposure.obs_id, each.obs_id)]
        return [each for each in found if each.instrument == exposure.instrument]

    def _of_visit(self, exposure: KnownObservation) -> list[KnownObservation]:
        """Return the HST products with the visit in their names."""
        visit = visit_of(exposure.obs_id) if exposure.collection == "HST" else None
        if visit is None:
            return []
        shared = {"obs_collection": "HST", "calib_level": [COMBINED, 4]}
        patterns = (f"{visit}*", f"hst_*_{visit}*")
        return [each for pattern in patterns for each in self._lookup.meeting({**shared, "obs_id": pattern})]

    def _at_place(self, exposure: KnownObservation) -> list[KnownObservation]:
        """Return the HST mosaics and HLA products at the position of an exposure, from the same instrument."""
        if exposure.ra is None or exposure.dec is None:
            return []
        place = Place(SkyCoord(exposure.ra, exposure.dec, unit="deg"), radius=0)
        return [each for each in self._lookup.meeting(_MOSAICS, place) if each.camera == exposure.camera]


def _has_to_be_listed(whole: KnownObservation) -> bool:
    """Return whether only the product list of a product shows its exposures."""
    return whole.level != PLANNED and AdvancedProduct.of_visit(whole.obs_id) is None
