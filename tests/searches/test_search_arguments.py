"""Arguments of queries are written as JSON and read back; values that cannot be written raise an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK5, Angle, SkyCoord
from astropy.table import Row, Table
from astropy.time import Time, TimeDelta
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError, SavedSearchError
from astroquery_mast.searches.arguments import read_argument, write_argument
from astroquery_mast.service import token as auth


def again(value: Any) -> Any:
    """Return an argument written to a file and read back."""
    written = write_argument("x", value)
    read = read_argument(json.loads(json.dumps(written)))
    # Writing the argument again gives the same text.
    assert write_argument("x", read) == written
    return read


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | st.sets(TEXTS, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_are_read_back(value: Any) -> None:
    """Numbers, texts and containers are read back, including the distinction of tuples and lists."""
    read = again(value)
    assert read == value
    assert repr(read) == repr(value) or isinstance(value, set) or "{" in repr(value)


@given(st.lists(st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)), min_size=1, max_size=5))
def test_positions_are_read_back(pairs: list[tuple[float, float]]) -> None:
    """One or more positions are read back to the last digit."""
    position = SkyCoord([ra for ra, _ in pairs], [dec for _, dec in pairs], unit="deg")
    read = again(position)
    assert (read.ra == position.ra).all()
    assert (read.dec == position.dec).all()
    assert again(position[0]).isscalar


@given(
    st.floats(-1e12, 1e12) | st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=4),
    st.sampled_from(["deg", "arcsec", "mag", "Jy / beam", "erg / (s cm2 Angstrom)", "", "1e-20 W / m2", "%"]),
)
def test_quantities_are_read_back(value: Any, unit: str) -> None:
    """Quantities are read back with value and unit."""
    quantity = value * u.Unit(unit)
    read = again(quantity)
    assert read.unit == quantity.unit
    assert np.array_equal(read.value, quantity.value)


@given(st.floats(41318, 60900), st.sampled_from(["utc", "tai", "tdb"]))
def test_times_are_read_back(mjd: float, scale: str) -> None:
    """Times are read back to a nanosecond, in their scale."""
    time = Time([mjd, 59000.5], format="mjd", scale=scale)
    read = again(time)
    assert read.scale == scale
    assert (abs(read - time).to_value(u.ns) < 1.1).all()
    assert again(time[0]).isscalar


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6).reshape(2, 3),
        np.array([0.1, np.inf, -2e300]),
        np.array(["a", "bcd"]),
        np.array([True, False]),
        np.array(["2022-07-01T12:00:00.5", "NaT"], dtype="M8[ms]"),
        np.ma.MaskedArray([1, 2, 3], mask=[False, True, False]),
        np.array([], dtype="f4"),
        np.array(3.5),
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_are_read_back(value: Any) -> None:
    """Arrays are read back with values, type, shape and mask."""
    read = again(value)
    assert read.dtype == value.dtype
    assert read.shape == value.shape
    assert read.tolist() == value.tolist() or str(read) == str(value)
    assert np.array_equal(np.ma.getmaskarray(read), np.ma.getmaskarray(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int16(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (b"bytes", "bytes"),
        (range(3), [0, 1, 2]),
        (datetime(2022, 7, 1, 12, tzinfo=UTC), datetime(2022, 7, 1, 12, tzinfo=UTC)),
        (date(2022, 7, 1), date(2022, 7, 1)),
        (Angle("0d12m"), 0.2 * u.deg),
        (TimeDelta(2 * u.min), 120 * u.s),
        ([("desc", "t_min"), (None, 3)], [("desc", "t_min"), (None, 3)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_types_become_equivalent_values(value: Any, expected: Any) -> None:
    """NumPy scalars are read back as plain values, and angles as quantities."""
    assert again(value) == expected


def test_positions_of_other_frames_become_icrs() -> None:
    """Positions in other frames are converted to ICRS."""
    position = SkyCoord(10, 20, unit="deg", frame="galactic")
    assert again(position).separation(position) < 1 * u.uas
    assert again(FK5(10 * u.deg, 20 * u.deg)).frame.name == "icrs"


def test_tables_and_rows_are_read_back() -> None:
    """Tables and rows are read back with columns, units, masks and positions, without ``meta``."""
    table = Table({"obsid": ["1", "2"], "t_min": Time([59000.0, 59001.0], format="mjd")}, meta={"object": object()})
    table["flux"] = np.ma.MaskedArray([1.5, 2.5], mask=[True, False])
    table["flux"].unit = "Jy"
    table["coord"] = SkyCoord([1, 2], [3, 4], unit="deg")
    read = again(table)
    assert read.colnames == table.colnames
    assert read["obsid"].tolist() == ["1", "2"]
    assert read["flux"].mask.tolist() == [True, False]
    assert read["flux"].unit == u.Jy
    assert (read["coord"].ra == table["coord"].ra).all()
    assert read.meta == {}
    row = again(table[1])
    assert isinstance(row, Row)
    assert row["obsid"] == "2"


def test_regions_are_read_back() -> None:
    """Regions, MOCs and WCS are read back."""
    regions = pytest.importorskip("regions")
    mocpy = pytest.importorskip("mocpy")
    center = SkyCoord(202.4695833333, 47.1951666667, unit="deg")
    circle = again(regions.CircleSkyRegion(center, 3 * u.arcmin))
    assert circle.center.separation(center) < 1 * u.uas
    assert abs(circle.radius - 3 * u.arcmin) < 1 * u.uas
    corners = SkyCoord([202.1, 202.9, 202.5], [47.0, 47.0, 47.5], unit="deg")
    two = again(regions.Regions([regions.PolygonSkyRegion(corners), regions.CircleSkyRegion(center, 1 * u.deg)]))
    assert two[0].vertices.separation(corners).max() < 1 * u.uas
    moc = mocpy.MOC.from_cone(lon=center.ra, lat=center.dec, radius=1 * u.deg, max_depth=8)
    assert again(moc) == moc
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [202.4, 47.2], [-1e-4, 1e-4]
    wcs.array_shape = (100, 200)
    read = again(wcs)
    assert read.array_shape == (100, 200)
    assert read.pixel_to_world(3, 4).separation(wcs.pixel_to_world(3, 4)) < 1 * u.uas
    with pytest.raises(InvalidArgumentError, match="to_sky"):
        write_argument("region", regions.CirclePixelRegion(regions.PixCoord(1, 2), 3))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        lambda: None,
        [1, {2}, object()],
        {1: 2},
        np.array([object()]),
        np.timedelta64(3, "s"),
        SkyCoord(np.nan, 2, unit="deg"),
        "\ud800",
        b"\xff",
        Table({"a": [object()]}),
        1j,
    ],
    ids=str,
)
def test_values_that_cannot_be_written_are_refused(value: Any) -> None:
    """A value that cannot be written raises an error with the name of the argument."""
    with pytest.raises(InvalidArgumentError, match=r"'filters'(: | )"):
        write_argument("filters", value)


@pytest.mark.parametrize("wrap", [str, lambda text: [f"x{text}y"], lambda text: {"a": (text,)}, str.encode])
def test_a_token_is_never_written(wrap: Callable[[str], Any]) -> None:
    """A token in any value raises an error."""
    auth.SHARED.keep("0123456789abcdef0123456789abcdef")
    with pytest.raises(InvalidArgumentError, match="contains a token or a password, which cannot be saved"):
        write_argument("x", wrap("0123456789abcdef0123456789abcdef"))


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"what": 1},
        {"quantity": 1},
        {"quantity": "a", "unit": "deg"},
        {"quantity": 1, "unit": "furlong per what"},
        {"time": "yesterday", "scale": "utc"},
        {"time": "2022-01-01", "scale": "x"},
        {"icrs": [1], "unit": "deg"},
        {"icrs": "ab", "unit": "deg"},
        {"array": [1], "dtype": "no"},
        {"array": ["a"], "dtype": "<f8"},
        {"table": ["# %ECSV 1.0", "# ---", "# {", "a"]},
        {"table": 3},
        {"row": ["a", "1"]},
        {"wcs": 3, "shape": None},
        {"dict": 3},
        {"tuple": 3},
        {"float": "x"},
        {"moc": 3},
        {"regions": 3},
        [[{"date": "x"}]],
    ],
    ids=str,
)
def test_invalid_contents_are_an_error(written: Any) -> None:
    """Invalid contents of a file raise SavedSearchError."""
    with pytest.raises(SavedSearchError):
        read_argument(written)
