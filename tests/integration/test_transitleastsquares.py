"""transitleastsquares, unmodified, on this package and the sandbox: the parameters of a star."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from astroquery_mast import Catalogs, compat
from astroquery_mast.sandbox import Sandbox

transitleastsquares = pytest.importorskip("transitleastsquares")

STAR = 261136679


@pytest.fixture(autouse=True)
def in_place(mast_sandbox: Sandbox) -> Iterator[None]:
    """Install this package as ``astroquery.mast`` for each test."""
    with compat.install():
        yield


def test_parameters_of_a_star_are_those_of_the_catalog(mast_sandbox: Sandbox) -> None:
    """Mass, radius and their errors are those of the TESS Input Catalog, and determine the limb darkening."""
    row = Catalogs.query_criteria(catalog="Tic", ID=STAR)[0]
    (a, b), mass, mass_min, mass_max, radius, radius_min, radius_max = transitleastsquares.catalog_info(TIC_ID=STAR)
    assert (mass, radius) == (row["mass"], row["rad"])
    assert mass_min == mass_max == row["e_mass"]
    assert radius_min == radius_max == row["e_rad"]
    assert 0 < a < 1
    assert -1 < b < 1
    assert all(np.isfinite([mass, mass_min, radius, radius_min]))


def test_one_request_is_sent(mast_sandbox: Sandbox) -> None:
    """The parameters of a star need one request."""
    transitleastsquares.catalog_info(TIC_ID=STAR)
    assert [record.endpoint for record in mast_sandbox.requests] == ["invoke"]
