"""Targets of mission searches, in all accepted forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, Angle, SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidQueryError
from astroquery_mast.missions.search import search_targets
from astroquery_mast.missions.search_query import arcseconds

TWO = SkyCoord([10.684, 83.6331], [41.269, 22.0145], unit="deg")
TEXTS = ["10.684 41.269", "83.6331 22.0145"]


def sky_targets(coordinates: Any, object_names: Any = None) -> list[str]:
    """Return targets in MAST's format, and names."""
    found = search_targets(coordinates, object_names, 3, ())
    assert found is not None
    places = zip(found.ra.tolist(), found.dec.tolist(), strict=True)
    return [found.names.get(row, f"{ra} {dec}") for row, (ra, dec) in enumerate(places)]


def object_targets(names: Any) -> list[str]:
    """Return the names of objects."""
    return sky_targets(None, names)


@pytest.mark.parametrize(
    "coordinates",
    [
        TWO,
        list(TWO),
        tuple(TWO),
        iter(TWO),
        TEXTS,
        np.array(TEXTS),
        Column(TEXTS),
        ", ".join(TEXTS),
        [TWO[0], TEXTS[1]],
        [TWO[:1], TWO[1:]],
        TWO.reshape(2, 1),
        QTable({"name": ["a", "b"], "where": TWO}),
        Table({"RA": TWO.ra.deg, "DEC": TWO.dec.deg}),
        Table({"s_ra": [10.684, 83.6331], "s_dec": [41.269, 22.0145]}),
        QTable({"ra": TWO.ra.to(u.deg), "dec": TWO.dec.to(u.deg)}),
        list(Table({"ra": TWO.ra.deg, "dec": TWO.dec.deg})),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_form_of_several_positions_is_equal(coordinates: Any) -> None:
    """The positions and their order do not depend on the form in which they are given."""
    assert sky_targets(coordinates) == TEXTS


@pytest.mark.parametrize(
    ("coordinates", "targets"),
    [
        ("10.684, 41.269", ["10.684 41.269"]),
        (["10.5", "-20.1"], ["10.5 -20.1"]),
        ("10.5,-20.1", ["10.5 -20.1"]),
        (SkyCoord(1, 2, unit="deg"), ["1.0 2.0"]),
        ("M31", ["M31"]),
        ("M31, M51", ["M31", "M51"]),
        (["M31", "3 4"], ["M31", "3.0 4.0"]),
    ],
)
def test_one_position_and_names(coordinates: Any, targets: list[str]) -> None:
    """A comma may be part of one position; text that is not a position is the name of an object."""
    assert sky_targets(coordinates) == targets
    found = search_targets(coordinates, None, 3, ())
    assert found is not None
    assert list(found.names.values()) == [each for each in targets if each.startswith("M")]


def test_texts_in_tables_are_hours_and_degrees() -> None:
    """Without units, numbers are degrees, and text is in hours and degrees."""
    (target,) = sky_targets(Table({"ra": ["01:00:00"], "dec": ["+02:00:00"]}))
    ra, dec = map(float, target.split())
    assert (ra, dec) == (pytest.approx(15), pytest.approx(2))


@pytest.mark.parametrize(
    "coordinates",
    [
        None,
        3,
        [],
        "",
        " , ",
        [1.0, 2.0],
        {"ra": 1, "dec": 2},
        SkyCoord([1, np.nan], [3, 4], unit="deg"),
        SkyCoord(np.nan, 4, unit="deg"),
        Table({"a": [1]}),
        Table({"ra": np.ma.MaskedArray([1.0, 2], mask=[0, 1]), "dec": [3.0, 4]}),
        Table({"ra": ["x"], "dec": ["y"]}),
        Table({"ra": [1.0], "dec": [100.0]}),
        SkyCoord([1, 2], [3, 4], unit="deg", frame=AltAz()),
    ],
    ids=str,
)
def test_invalid_positions_raise(coordinates: Any) -> None:
    """Anything but finite positions raises an error."""
    with pytest.raises(InvalidQueryError):
        sky_targets(coordinates)


def test_names_of_objects() -> None:
    """Names may be given as one name, an iterable, or text with commas."""
    assert object_targets("M31, M 51") == object_targets(("M31", " M 51 ")) == ["M31", "M 51"]
    for names in ("", [], ["M31", ""], [3], 3, "M31,,M51"):
        with pytest.raises(InvalidQueryError, match="ame"):
            object_targets(names)


def test_columns_are_read_as_everywhere_in_the_package() -> None:
    """Column names, units and masked names are interpreted as for observations and catalogs."""
    assert sky_targets(Table({"RA_ICRS": [10.5], "DE_ICRS": [-20.25]})) == ["10.5 -20.25"]
    hours = QTable({"raj2000": [1.0] * u.hourangle, "dej2000": [120.0] * u.arcmin})
    (target,) = sky_targets(hours)
    assert [*map(float, target.split())] == pytest.approx([15, 2])
    with pytest.warns(InputWarning, match="1 of 3 object names are missing and are skipped"):
        assert object_targets(MaskedColumn(["M31", "M51", "M87"], mask=[0, 1, 0])) == ["M31", "M87"]
    with pytest.raises(InvalidQueryError, match="missing"):
        object_targets(MaskedColumn(["M31"], mask=[1]))


@pytest.mark.parametrize(
    "radius", [6, 6.0, "6 arcmin", 0.1 * u.deg, "360s", Angle(6, "arcmin"), np.float32(6)], ids=str
)
def test_every_form_of_a_radius(radius: Any) -> None:
    """A radius may be an angle, text, or a number in arcmin."""
    assert arcseconds(radius) == pytest.approx(360)


@pytest.mark.parametrize("radius", [31, "31 arcmin", -1, np.nan, "wide", None, [1, 2], 3 * u.s], ids=str)
def test_an_invalid_radius_raises(radius: Any) -> None:
    """A radius of more than 30 arcmin, or that is not an angle, raises an error."""
    with pytest.raises(InvalidQueryError, match="radius"):
        arcseconds(radius)
    assert arcseconds(30) == arcseconds(0.5 * u.deg) == 1800


@given(st.lists(st.tuples(st.floats(0, 359.9), st.floats(-90, 90)), min_size=1, max_size=5))
def test_positions_are_sent_with_full_precision(pairs: list[tuple[float, float]]) -> None:
    """Positions can be read back from the request to within rounding errors."""
    ra, dec = zip(*pairs, strict=True)
    sent = [tuple(map(float, text.split())) for text in sky_targets(SkyCoord(list(ra), list(dec), unit="deg"))]
    assert np.allclose(sent, pairs, rtol=0, atol=1e-12)
