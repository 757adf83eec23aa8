"""Find which observations belong together from product lists and names, without requests.

In: tables of observations or products.  Out: frozen values that state which observations belong to which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from astropy.table import Table

from ...exceptions import InvalidArgumentError
from ...products.association import Association
from ...products.file_names import column_as_text
from ...tables.columns import plain_cells
from .hubble_names import AdvancedProduct, visit_of

COMBINED, PLANNED = 3, -1
# JWST names with program and observation number: the product of an observation, and a planned exposure.
PRODUCT_NAME = re.compile(r"jw(\d{5})-o(\d{3})_")
EXPOSURE_NAME = re.compile(r"jw(\d{5})(\d{3})\d{3}_")
# A JWST product that combines several observations.
_OF_SEVERAL = re.compile(r"jw\d{5}-c\d{4}_")
# Columns of a product list that describe an observation the search does not return.
LISTED = ("obs_collection", "dataproduct_type", "obs_id", "project", "proposal_id", "filters", "dataRights")


@dataclass(frozen=True)
class KnownObservation:
    """The properties of an observation that decide what belongs to it."""

    obsid: str
    obs_id: str
    collection: str
    project: str
    instrument: str
    filters: str
    program: str
    file: str
    level: int | None
    ra: float | None
    dec: float | None

    @classmethod
    def all_in(cls, table: Table) -> list[KnownObservation]:
        """Return the observations of a table."""
        names = ("obsid", "obs_id", "obs_collection", "project", "instrument_name", "filters", "proposal_id", "dataURL")
        texts = zip(*(column_as_text(table, name) for name in names), strict=True)
        numbers = zip(*(plain_cells(table[name]) for name in ("calib_level", "s_ra", "s_dec")), strict=True)
        return [cls(*text, *number) for text, number in zip(texts, numbers, strict=True)]

    @property
    def is_combined(self) -> bool:
        """Whether the observation combines several exposures, or is planned to."""
        return (self.level or 0) >= COMBINED or PRODUCT_NAME.match(self.obs_id) is not None

    @property
    def setup(self) -> tuple[str, frozenset[str]]:
        """The instrument and filters, as far as known."""
        return self.instrument, frozenset(filter(None, self.filters.upper().split(";")))

    @property
    def camera(self) -> str:
        """The instrument without its detector."""
        return self.instrument.partition("/")[0]

    def is_like(self, other: KnownObservation) -> bool:
        """Return whether two observations have the same instrument and filters; unknown filters match any filter."""
        (mine, filters), (theirs, others) = self.setup, other.setup
        return mine == theirs and (not filters or not others or filters == others)


@dataclass(frozen=True)
class Membership:
    """An observation that belongs to another one, identified by obsid, or by name if its obsid is unknown."""

    obsid: str
    obs_id: str
    exptype: str | None = None
    listed: Mapping[str, str] = field(default_factory=dict)


# -- product lists and names -------------------------------------------------------------------------------------------


def observation_cells(table: Table) -> list[object]:
    """Return the obsids in a table of observations or products, or the names if it has no obsids."""
    column = next((name for name in ("obsid", "obsID", "obs_id", "sci_data_set_name") if name in table.colnames), None)
    if column is None:
        raise InvalidArgumentError(
            "Column 'obsid' or 'obs_id' not found: this is not a table of observations. Its columns are "
            f"{', '.join(table.colnames)}."
        )
    return plain_cells(table[column])


def listed_observations(products: Table) -> dict[str, Membership]:
    """Return the observations in a product list, by lowercase name."""
    names = [name for name in LISTED if name in products.colnames]
    cells = zip(column_as_text(products, "obsID"), *(column_as_text(products, name) for name in names), strict=True)
    found: dict[str, Membership] = {}
    for obsid, *values in cells:
        listed = dict(zip(names, values, strict=True))
        found.setdefault(listed["obs_id"].lower(), Membership(obsid, listed["obs_id"], listed=listed))
    return found


def associated_members(
    whole: KnownObservation, associations: Sequence[Association], products: Table
) -> list[Membership]:
    """Return the members of a product that its associations list, in their order."""
    own = [each for each in associations if whole.obs_id.lower() in each.products] or associations
    exptypes: dict[str, dict[str, None]] = {}
    for member in chain.from_iterable(each.of_product(whole.obs_id) for each in own):
        exptypes.setdefault(member.exposure.lower(), {})[member.exptype] = None
    exptypes.pop(whole.obs_id.lower(), None)
    listed = listed_observations(products)
    return [
        replace(listed.get(name, Membership("", name)), exptype=";".join(kinds)) for name, kinds in exptypes.items()
    ]


def listed_members(whole: KnownObservation, products: Table) -> list[Membership]:
    """Return the other observations whose files are in the product list of a product."""
    return [member for member in listed_observations(products).values() if member.obsid != whole.obsid]


def planned_members(
    whole: KnownObservation, planned: Iterable[KnownObservation], others: Sequence[Membership]
) -> Iterator[Membership]:
    """Yield the exposures planned for the observation of a product, except those already among its members."""
    known = {member.obs_id.lower() for member in others}
    for each in planned:
        due = PRODUCT_NAME.match(whole.obs_id) and may_be_of(each.obs_id, whole.obs_id) and whole.is_like(each)
        if due and each.obs_id.lower() not in known:
            yield Membership(each.obsid, each.obs_id)


def listed_parents(document: Any, exposure: KnownObservation) -> list[Membership]:
    """Return the observations in a response that groups files by ``obs_id``, except the queried exposure."""
    found = {str(rows[0]["obsID"]): str(name) for name, rows in document.items() if rows}
    return [Membership(obsid, name) for obsid, name in found.items() if obsid != exposure.obsid]


def group_of(exposure: KnownObservation) -> tuple[str, str, str]:
    """Return a key shared by exposures that may be part of the same products."""
    named = EXPOSURE_NAME.match(exposure.obs_id) if exposure.collection == "JWST" else None
    group = visit_of(exposure.obs_id) if named is None else named[0][:10]
    return exposure.collection, group or exposure.obs_id, exposure.instrument


def may_be_of(exposure: str, product: str) -> bool:
    """Return whether JWST names allow an exposure in a product of the same observation or of several observations."""
    mine, named = EXPOSURE_NAME.match(exposure), PRODUCT_NAME.match(product)
    return _OF_SEVERAL.match(product) is not None or bool(mine and named and mine.groups() == named.groups())


def belongs(exposure: KnownObservation, whole: KnownObservation, listed: set[str]) -> bool:
    """Return whether an exposure is, or will be, part of a product; ``listed`` has the obsids in its product list."""
    if exposure.obsid == whole.obsid:
        return False
    advanced = AdvancedProduct.of_visit(whole.obs_id)
    if advanced is not None:
        return advanced.has_exposure(exposure.obs_id, exposure.setup)
    if PLANNED in {exposure.level, whole.level}:
        return may_be_of(exposure.obs_id, whole.obs_id) and whole.is_like(exposure)
    return exposure.obsid in listed
