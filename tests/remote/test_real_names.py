"""Many names with the real resolver, and many targets; run with ``pytest --remote-data=any tests/remote``."""

from __future__ import annotations

from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InputWarning

from astroquery_mast import Mast, ObservationsClass, utils

pytestmark = pytest.mark.remote_data

# Any, because the type that a call returns depends on its arguments.
Observations: Any = ObservationsClass()

# More names than the resolver takes in one request.
PLACES: dict[str, tuple[float, float]] = {
    "M1": (83.63, 22.01),
    "M4": (245.90, -26.53),
    "M8": (270.90, -24.38),
    "M16": (274.70, -13.81),
    "M31": (10.68, 41.27),
    "M33": (23.46, 30.66),
    "M42": (83.82, -5.39),
    "M51": (202.47, 47.20),
    "M74": (24.17, 15.78),
    "M81": (148.89, 69.07),
    "M82": (148.97, 69.68),
    "M83": (204.25, -29.87),
    "M87": (187.71, 12.39),
    "M101": (210.80, 54.35),
    "M104": (190.00, -11.62),
    "NGC 104": (6.02, -72.08),
    "NGC 224": (10.68, 41.27),
    "NGC 346": (14.77, -72.18),
    "NGC 598": (23.46, 30.66),
    "NGC 628": (24.17, 15.78),
    "NGC 1300": (49.92, -19.41),
    "NGC 1365": (53.40, -36.14),
    "NGC 3031": (148.89, 69.07),
    "NGC 3034": (148.97, 69.68),
    "NGC 3132": (151.76, -40.44),
    "NGC 4486": (187.71, 12.39),
    "NGC 4594": (190.00, -11.62),
    "NGC 5139": (201.70, -47.48),
    "NGC 5194": (202.47, 47.20),
    "NGC 5236": (204.25, -29.87),
    "NGC 5457": (210.80, 54.35),
    "NGC 6302": (258.44, -37.10),
    "NGC 7319": (339.01, 33.98),
    "HD 209458": (330.80, 18.88),
    "HD 189733": (300.18, 22.71),
    "3C 273": (187.28, 2.05),
}


def test_many_names_are_resolved() -> None:
    """Many names are resolved in order, with any batch size."""
    found = Mast.resolve_object(list(PLACES))
    assert isinstance(found, dict)
    assert list(found) == list(PLACES)
    for name, place in PLACES.items():
        # Centers of clusters and nebulae differ between resolvers.
        assert found[name].separation(SkyCoord(*place, unit="deg")).arcmin < 12, name
    in_parts = utils.resolve_object(list(PLACES), batch_size=7)
    assert isinstance(in_parts, dict)
    assert all(in_parts[name].separation(found[name]).arcsec < 60 for name in PLACES)


def test_unknown_names_issue_a_warning() -> None:
    """A name without a position issues a warning, and the others are resolved."""
    with pytest.warns(InputWarning, match="no such object 4242"):
        found = Mast.resolve_object(["M51", "no such object 4242", "M101"])
    assert isinstance(found, dict)
    assert list(found) == ["M51", "M101"]


def test_all_resolvers_of_many_names() -> None:
    """Several resolvers give similar positions for each name."""
    found = Mast.resolve_object(["M51", "M101"], resolve_all=True)
    assert isinstance(found, dict)
    for positions in found.values():
        assert {"NED", "SIMBAD"} <= set(positions)
        assert positions["NED"].separation(positions["SIMBAD"]).arcmin < 1


def test_stars_of_the_tic_are_resolved() -> None:
    """A star of the TESS Input Catalog is resolved by its ID."""
    star = SkyCoord(84.291, -80.469, unit="deg")
    position = Mast.resolve_object("TIC 261136679")
    assert isinstance(position, SkyCoord)
    assert position.separation(star).arcmin < 1
    assert "TIC" in Mast.resolve_object("TIC 261136679", resolve_all=True)


def test_spellings_do_not_matter() -> None:
    """Blanks and case do not change the resolved object."""
    spellings = ["M51", "m51", "M 51", " M51 "]
    positions = [Mast.resolve_object(name) for name in spellings]
    assert all(isinstance(each, SkyCoord) and each.separation(positions[0]).arcmin < 1 for each in positions)


def test_observations_of_many_names() -> None:
    """A query for several names returns the rows of a query for each, labeled with the name."""
    names = ["M51", "M101", "NGC 1300"]
    table = Observations.query_criteria(object_name=names, radius="10 arcsec", obs_collection="HST", calib_level=3)
    for place, name in enumerate(names):
        alone = Observations.query_criteria(object_name=name, radius="10 arcsec", obs_collection="HST", calib_level=3)
        mine = table[table["input_row"] == place]
        assert set(mine["obsid"]) == set(alone["obsid"])
        assert set(mine["target"]) == {name}
