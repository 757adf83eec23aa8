"""Tables, arrays and lists become positions in degrees, and rows without a position are reported."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ICRS, Galactic, SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.sky.position import is_many
from astroquery_mast.sky.positions import as_names, as_positions

RA, DEC = [210.80227, 10.68471, 0.0], [54.34895, 41.26875, -89.5]
PLACES = SkyCoord(RA, DEC, unit="deg")


def same(table: Any, **columns: Any) -> bool:
    """Return whether the positions of a table equal the constants of this module."""
    found = as_positions(table, **columns)
    return np.allclose(found.ra, RA, atol=1e-9) and np.allclose(found.dec, DEC, atol=1e-9) and not found.problems


@pytest.mark.parametrize(
    "names",
    [
        ("ra", "dec"),
        ("RA", "DEC"),
        ("s_ra", "s_dec"),
        ("ra_deg", "dec_deg"),
        ("RAJ2000", "DEJ2000"),
        ("_RAJ2000", "_DEJ2000"),
        ("RA_ICRS", "DE_ICRS"),
        ("ALPHA_J2000", "DELTA_J2000"),
        ("MatchRA", "MatchDEC"),
        ("right ascension", "Declination"),
    ],
    ids=str,
)
def test_columns_are_found_by_their_usual_names(names: tuple[str, str]) -> None:
    """Columns with common names are found automatically."""
    assert same(Table([[1, 2, 3], RA, DEC], names=["number", *names]))


def test_units_are_honored() -> None:
    """Hours, radians and quantities are converted."""
    hours = np.array(RA) / 15
    assert same(Table({"ra": hours * u.hourangle, "dec": DEC * u.deg}))
    assert same(QTable({"ra": np.radians(RA) * u.rad, "dec": DEC * u.deg}))
    table = Table({"ra": hours, "dec": DEC})
    table["ra"].unit = "h"
    assert same(table)


def test_strings_are_hours_or_degrees() -> None:
    """A sexagesimal right ascension is in hours, and a plain number in degrees, also in the same column."""
    hms = PLACES.ra.to_string(unit="hour", sep=":", precision=9)
    dms = PLACES.dec.to_string(unit="deg", sep=" ", precision=9)
    assert same(Table({"ra": hms, "dec": dms}))
    assert same(Table({"ra": list(map(repr, RA)), "dec": list(map(repr, DEC))}))
    table = Table({"RAJ2000": hms, "DEJ2000": dms})
    table["RAJ2000"].unit = u.Unit('"h:m:s"', parse_strict="silent")
    assert same(table)


def test_a_column_of_sky_coordinates_of_any_frame_is_used() -> None:
    """A mixin column may have any name, and other frames are transformed to ICRS."""
    assert same(Table({"name": ["a", "b", "c"], "place": PLACES.galactic}))
    two = Table({"one": PLACES.galactic, "two": PLACES[::-1]})
    assert same(two, ra_column="one")
    with pytest.raises(InvalidArgumentError, match="several columns of positions"):
        as_positions(two)


def test_the_main_position_of_a_virtual_observatory_table_is_preferred() -> None:
    """Columns are identified by UCDs first, and then by name."""
    table = Table({"ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0], "x": RA, "y": DEC})
    table["x"].meta["ucd"], table["y"].meta["ucd"] = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
    assert same(table)


def test_columns_can_be_named() -> None:
    """Users can specify the columns; a wrong name raises an error with a suggestion."""
    table = Table({"alpha": RA, "delta": DEC})
    assert same(table, ra_column="alpha", dec_column="delta")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'delta'"):
        as_positions(table, ra_column="alpha", dec_column="detla")
    with pytest.raises(InvalidArgumentError, match="dec_column is missing"):
        as_positions(table, ra_column="alpha")
    with pytest.raises(InvalidArgumentError, match="ra_column= and dec_column="):
        as_positions(table)
    with pytest.raises(InvalidArgumentError, match="ra_column and dec_column require a Table"):
        as_positions(PLACES, ra_column="ra")


def test_ambiguous_columns_raise() -> None:
    """If column names differ only by case, the user has to specify one."""
    with pytest.raises(InvalidArgumentError, match="Cannot identify the columns with the positions: the table has"):
        as_positions(Table({"ra": RA, "RA": RA, "dec": DEC}))


def test_rows_without_a_position_are_reported() -> None:
    """NaN, masked cells, invalid declinations and invalid strings affect only their rows."""
    table = Table(
        {"ra": MaskedColumn([1.0, np.nan, 3.0, 4.0, np.inf], mask=[0, 0, 1, 0, 0]), "dec": [0.0, 0, 0, 95, 1]}
    )
    found = as_positions(table)
    assert found.known.tolist() == [0]
    assert found.failures()[2] == "row 3: the declination 95 is not between -90 and 90 degrees"
    assert [line.split(":")[0] for line in found.failures()] == ["row 1", "row 2", "row 3", "row 4"]
    text = as_positions(Table({"ra": ["10.5", "n/a", ""], "dec": ["1.0", "2.0", "3.0"]}))
    assert text.failures() == ["row 1: 'n/a' is not a right ascension", "row 2: there is no position"]


def test_right_ascensions_are_wrapped() -> None:
    """Negative right ascensions are wrapped to 0 to 360, and others do not change in the last digit."""
    found = as_positions(Table({"ra": [-10.0, 370.0, 0.1 + 0.2], "dec": [0.0, 0.0, 0.0]}))
    assert found.ra.tolist() == [350.0, 10.0, 0.1 + 0.2]


def test_lists_have_positions_and_names() -> None:
    """Items can be objects, strings, None, or names to resolve."""
    items = [PLACES[0], "10.68471 41.26875", ICRS(1 * u.deg, 2 * u.deg), None, "M101", "14h03m12s +54d20m56s", "0, +99"]
    found = as_positions(items)
    assert found.known.tolist() == [0, 1, 2, 5]
    assert found.names == {4: "M101"}
    assert set(found.problems) == {3, 6}
    placed = found.resolved({"M101": (210.8, 54.3)}, {})
    assert placed.ra[4] == 210.8
    assert found.resolved({}, {"M101": "nobody knows it"}).failures()[1] == "row 4 (M101): nobody knows it"


def test_several_dimensions_are_read_row_by_row() -> None:
    """An array of positions of any shape is flattened."""
    assert np.allclose(as_positions(PLACES[:2].reshape(2, 1)).dec, DEC[:2])
    assert len(as_positions(PLACES[0])) == 1
    assert np.allclose(
        as_positions(Galactic([1, 2] * u.deg, [3, 4] * u.deg)).ra,
        SkyCoord([1, 2], [3, 4], unit="deg", frame="galactic").icrs.ra.deg,
    )


@pytest.mark.parametrize(
    "bad", [42, "M101", [], [1.0, 2.0], Table(), SkyCoord([], [], unit="deg"), ICRS(), [PLACES]], ids=str
)
def test_input_without_positions_raises(bad: Any) -> None:
    """Input of other types raises an error."""
    with pytest.raises(InvalidArgumentError):
        as_positions(bad)


def test_wrong_units_raise() -> None:
    """A column in seconds or parsecs is not an angle."""
    with pytest.raises(InvalidArgumentError, match="not an angle"):
        as_positions(Table({"ra": [1.0] * u.pc, "dec": [1.0] * u.deg}))


def test_names_come_from_lists_and_columns() -> None:
    """Missing names are reported, and items other than strings raise an error."""
    assert as_names(("M101", "M51")).names == {0: "M101", 1: "M51"}
    column = MaskedColumn(["M101", "M51", " "], mask=[False, True, False])
    assert as_names(column).failures() == ["row 1: there is no name", "row 2: there is no name"]
    for bad in ([1, 2], Table({"name": ["M101"]}), []):
        with pytest.raises(InvalidArgumentError):
            as_names(bad)


@pytest.mark.parametrize(
    ("what", "many"),
    [
        (PLACES, True),
        (PLACES[:1], True),
        (PLACES[0], False),
        (PLACES.frame, True),
        (ICRS(), False),
        (["M101"], True),
        ("M101", False),
        (np.array("M101"), False),
        (Table({"ra": RA}), True),
        (None, False),
        (42, False),
    ],
    ids=str,
)
def test_many_depends_on_the_type_and_not_on_the_length(what: Any, many: bool) -> None:
    """An array of one position counts as many."""
    assert is_many(what) is many


@given(st.lists(st.tuples(st.floats(0, 359.999), st.floats(-90, 90)), min_size=1, max_size=20))
def test_degrees_are_kept_to_the_last_digit(pairs: list[tuple[float, float]]) -> None:
    """Numbers in a table and in strings give the same positions."""
    ra, dec = map(list, zip(*pairs, strict=True))
    for form in (Table({"ra": ra, "dec": dec}), [f"{x!r} {y!r}" for x, y in pairs]):
        found = as_positions(form)
        assert found.ra.tolist() == ra
        assert found.dec.tolist() == dec
