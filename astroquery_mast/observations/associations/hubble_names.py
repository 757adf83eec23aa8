"""What HST names encode: the visit of an exposure, and the exposures in a Hubble Advanced Product.

In: an ``obs_id``.  Out: the visit, or a frozen `AdvancedProduct`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Instrument, program and visit, followed by the exposure or the association number: j97c01aaq, j97c01010.
_ROOTNAME = re.compile(r"([a-z][a-z0-9]{5})[a-z0-9]{3}$", re.IGNORECASE)
# hst_10452_01_acs_wfc_f658n_j97c01aa: program, visit, instrument, detector, filter, visit and exposure.
_ADVANCED = re.compile(
    r"hst_(?:(?P<program>\d+)_(?P<visit>\w{2})|skycell-[a-z0-9]+)_(?P<instrument>[a-z0-9]+)_(?P<detector>[a-z0-9]+)_"
    r"(?P<filter>[a-z0-9-]+?)(?:_(?:coarse-)?all)?(?:_(?P<root>[a-z][a-z0-9]{5}(?:[a-z0-9]{2})?))?$"
)
# The filter in the name of a product that combines all filters of a detector.
_ALL = "total"


def visit_of(obs_id: str) -> str | None:
    """Return the part of a name that all exposures of a visit share, in lowercase; None for other names."""
    advanced = AdvancedProduct.of(obs_id)
    if advanced is not None:
        return None if advanced.root is None else advanced.root[:6]
    exposure = _ROOTNAME.match(obs_id)
    return None if exposure is None else exposure[1].lower()


@dataclass(frozen=True)
class AdvancedProduct:
    """The parts of a Hubble Advanced Product's name; mosaics of many visits have no root."""

    configuration: str
    filter: str
    root: str | None

    @classmethod
    def of(cls, obs_id: str) -> AdvancedProduct | None:
        """Return the parts of a name; None if it is not the name of an advanced product."""
        named = _ADVANCED.match(obs_id.lower())
        if named is None:
            return None
        return cls(f"{named['instrument']}/{named['detector']}", named["filter"], named["root"])

    @classmethod
    def of_visit(cls, obs_id: str) -> AdvancedProduct | None:
        """Return the parts of the name of a single-visit product, which identifies its exposures; None for others."""
        found = cls.of(obs_id)
        return None if found is None or found.root is None else found

    def has_exposure(self, obs_id: str, setup: tuple[str, frozenset[str]]) -> bool:
        """Return whether an observation with this name, instrument and filters is part of this product."""
        other = AdvancedProduct.of(obs_id)
        if other is not None:
            return other != self and self._contains(other)
        instrument, filters = setup
        same = instrument.lower() == self.configuration and obs_id.lower().startswith(str(self.root))
        return same and (self.filter == _ALL or self.filter.upper() in filters)

    def _contains(self, other: AdvancedProduct) -> bool:
        """Return whether this product includes the exposures of another product of the same visit."""
        same = other.configuration == self.configuration and self.filter in {_ALL, other.filter}
        return same and other.root is not None and other.root.startswith(str(self.root))
