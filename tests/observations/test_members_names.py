"""What HST names say about visits and their products."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.observations.associations.hubble_names import AdvancedProduct, visit_of

NO_FILTERS: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("name", "visit"),
    [
        ("j97c01aaq", "j97c01"),
        ("O6AU01MSQ", "o6au01"),
        ("j97c01010", "j97c01"),
        ("hst_10452_01_acs_wfc_total_j97c01", "j97c01"),
        ("hst_10452_01_acs_wfc_f658n_j97c01aa", "j97c01"),
        ("hst_skycell-p1889x07y19_acs_wfc_f814w_all", None),
        ("hst_05369_01_wfpc2_f555w_wf", None),
        ("jw01783-o001_t006_nircam_clear-f115w", None),
        ("tess-s0001-1-1", None),
    ],
)
def test_the_visit_of_a_name(name: str, visit: str | None) -> None:
    """`visit_of` returns the visit of exposures, associations and products, and None for other names."""
    assert visit_of(name) == visit


def advanced(name: str) -> AdvancedProduct:
    """Return the parts of the name of an advanced product."""
    found = AdvancedProduct.of(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "exposure", "instrument", "filters", "belongs"),
    [
        ("acs_wfc_total_j97c01", "j97c01aaq", "ACS/WFC", {"CLEAR1L", "F435W"}, True),
        ("acs_wfc_total_j97c01", "J97C01AAQ", "ACS/WFC", {"F435W"}, True),
        ("acs_wfc_total_j97c01", "j97c02aaq", "ACS/WFC", {"F435W"}, False),
        ("acs_wfc_total_j97c01", "j97c01aaq", "ACS/HRC", {"F435W"}, False),
        ("acs_wfc_f435w_j97c01", "j97c01aaq", "ACS/WFC", {"CLEAR1L", "F435W"}, True),
        ("acs_wfc_f435w_j97c01", "j97c01aeq", "ACS/WFC", {"F555W"}, False),
        ("acs_wfc_f435w_j97c01aa", "j97c01aaq", "ACS/WFC", {"F435W"}, True),
        ("acs_wfc_f435w_j97c01aa", "j97c01abq", "ACS/WFC", {"F435W"}, False),
    ],
)
def test_exposures_of_an_advanced_product(
    name: str, exposure: str, instrument: str, filters: set[str], belongs: bool
) -> None:
    """An exposure is part of a product with the same visit, detector and filter, or of its own product."""
    product = advanced(f"hst_10452_01_{name}")
    assert product.has_exposure(exposure, (instrument, frozenset(filters))) is belongs


def test_advanced_products_of_a_visit_are_nested() -> None:
    """The product of an exposure is part of that of its filter, and both are part of the total product."""
    single, one, every = (f"hst_10452_01_acs_wfc_{end}" for end in ("f435w_j97c01aa", "f435w_j97c01", "total_j97c01"))
    contained = {
        (inner, outer)
        for inner in (single, one, every)
        for outer in (single, one, every)
        if advanced(outer).has_exposure(inner, ("", NO_FILTERS))
    }
    assert contained == {(single, one), (single, every), (one, every)}
    assert not advanced(every).has_exposure("hst_10452_01_wfc3_uvis_f435w_j97c01", ("", NO_FILTERS))


@given(st.text(max_size=40))
def test_any_name_is_accepted(name: str) -> None:
    """Any text is accepted as a name."""
    assert visit_of(name) is None or len(str(visit_of(name))) == 6
