"""Column metadata: MAST's type names, units, and the columns in the package."""

from __future__ import annotations

import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.tables.columns import (
    Column,
    Kind,
    closest,
    columns_of,
    find_name,
    kind_of,
    metadata_table,
    no_such,
    snapshot,
    unit_of,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("string", Kind.TEXT),
        ("varchar(20)", Kind.TEXT),
        ("NVARCHAR (max)", Kind.TEXT),
        ("timestamp", Kind.TEXT),
        ("date", Kind.TEXT),
        ("double", Kind.FLOAT),
        ("decimal(9,3)", Kind.FLOAT),
        ("Real", Kind.FLOAT),
        ("bigint", Kind.INTEGER),
        ("integer", Kind.INTEGER),
        ("number", Kind.INTEGER),
        ("bit", Kind.BOOLEAN),
        ("binary", Kind.BOOLEAN),
        ("unsignedByte", Kind.BYTE),
        ("", None),
        ("geography", None),
    ],
)
def test_type_names_of_all_catalogs_are_known(name: str, kind: Kind | None) -> None:
    """Type names are recognized whatever their case and length, and unknown names are not."""
    assert kind_of(name) is kind


@given(name=st.text())
def test_any_type_name_has_a_kind_or_none(name: str) -> None:
    """No type name of a server causes an error."""
    kind = kind_of(name)
    assert kind is None or kind_of(f"  {name.strip().upper()} ( 7 )") in {kind, kind_of(name.strip().upper())}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("deg", u.deg),
        ("sec", u.s),
        ("MJD", u.d),
        (" nm ", u.nm),
        ("mag", u.mag),
        ("Angstroms", u.AA),
        ("km/s", u.km / u.s),
        ("", None),
        ("  ", None),
        ("ICRS Shape", None),
        ("electrons per fortnight", None),
    ],
)
def test_units_are_those_of_astropy_or_none(text: str, unit: u.UnitBase | None) -> None:
    """MAST's spellings are converted to units; unknown units are None, without a warning."""
    assert unit_of(text) == unit


@given(text=st.text(max_size=20))
def test_any_unit_text_is_a_unit_or_none(text: str) -> None:
    """No unit of a server causes an error, or becomes an unusable unit."""
    unit = unit_of(text)
    assert unit is None or not isinstance(unit, u.UnrecognizedUnit)


def test_configuration_is_read_with_both_sets_of_names() -> None:
    """Each property is read by its name in the portal or in the VO, and entries that are not objects are ignored."""
    config = {
        "t_min": {"text": "Start Time", "isMjd": True, "vot.datatype": "double", "vot.unit": "d", "unit": "MJD"},
        "filters": {"type": "string", "separator": ";", "vot.description": "Filters", "example": "F814W"},
        "secret": {"remove": True},
        "stray": "not an object",
    }
    columns = columns_of(config)
    assert list(columns) == ["t_min", "filters", "secret"]
    assert columns["t_min"] == Column(
        "t_min", label="Start Time", type_name="double", unit="MJD", vo_unit="d", continuous=True, is_time=True
    )
    assert columns["filters"].separator == ";"
    assert columns["filters"].label == "filters"
    assert columns["secret"].hidden


@pytest.mark.parametrize(
    ("entry", "continuous"),
    [
        ({"vot.datatype": "double"}, True),
        ({"type": "FLOAT"}, True),
        ({"type": "numeric"}, True),
        ({"type": "decimal"}, True),
        ({"type": "real"}, True),
        ({"type": "int"}, False),
        ({"type": "string"}, False),
        ({"type": "string", "treatNumeric": True}, True),
        ({"type": "float", "vot.datatype": "char"}, False),
        ({}, False),
    ],
)
def test_columns_with_fractions_are_filtered_by_range(entry: dict[str, object], continuous: bool) -> None:
    """Columns that may contain fractions are filtered by range, and integers and text by value."""
    assert columns_of({"x": entry})["x"].continuous is continuous


@given(config=st.dictionaries(st.text(), st.none() | st.integers() | st.dictionaries(st.text(), st.integers())))
def test_odd_configurations_are_read(config: dict[str, object]) -> None:
    """Properties of an unexpected type are ignored."""
    assert set(columns_of(config)) == {name for name, entry in config.items() if isinstance(entry, dict)}


@pytest.mark.parametrize(
    ("type_name", "has_unit"),
    [("double", True), ("int", True), ("unsignedByte", True), ("", True), ("char", False), ("boolean", False)],
)
def test_only_numbers_have_units(type_name: str, has_unit: bool) -> None:
    """Text has no unit even if MAST lists one; a column without a type keeps its unit."""
    assert (Column("x", type_name=type_name, vo_unit="deg").astropy_unit is not None) is has_unit


def test_unit_of_the_virtual_observatory_takes_precedence() -> None:
    """The unit of the portal is used only if the other is missing or unknown."""
    assert Column("x", type_name="double", vo_unit="ms", unit="sec").astropy_unit == u.ms
    assert Column("x", type_name="double", vo_unit="ICRS Shape", unit="sec").astropy_unit == u.s


def test_snapshot_has_observations_and_products() -> None:
    """The package has the columns of observations and products, without a request."""
    assert {"Mast.Caom.Cone", "Mast.Caom.Products"} <= set(snapshot())
    columns = snapshot()["Mast.Caom.Cone"]
    assert columns["s_ra"].astropy_unit == u.deg
    assert columns["t_obs_release"].astropy_unit == u.d
    assert columns["s_region"].astropy_unit is None
    assert columns["filters"].separator == ";"
    assert columns["t_exptime"].continuous
    assert not columns["calib_level"].continuous


def test_closest_names_ignore_case() -> None:
    """A name with a typo or in the wrong case matches the known name, in all of its spellings."""
    assert closest("OBS_colection", ["obs_id", "obs_collection", "s_ra"])[0] == "obs_collection"
    assert closest("DEC", ["Dec", "dec", "ra"]) == ["Dec", "dec"]
    assert closest("qqqq", ["ra"]) == []
    assert len(closest("a1", [f"a{n}" for n in range(10, 30)], count=2)) == 2


def test_names_match_in_any_case_and_unknown_ones_raise() -> None:
    """The exact spelling is preferred; the error for an unknown name lists similar names, or else all."""
    assert [find_name(name, ["Dec", "dec"]) for name in ("dec", "DEC", "x")] == ["dec", "Dec", None]
    assert str(no_such("No 'dac'.", "dac", ["Dec", "ra", "dec"])) == "No 'dac'. Did you mean 'Dec' or 'dec'?"
    assert str(no_such("No 'RAA'.", "RAA", ["Dec", "ra"])) == "No 'RAA'. Did you mean 'ra'?"
    refused = no_such("No 'x'.", "x", iter(["Dec", "ra"]), error=InvalidCriterionError)
    assert isinstance(refused, InvalidCriterionError)
    assert str(refused) == "No 'x'. Available: Dec, ra."


def test_metadata_table_omits_hidden_and_empty_columns() -> None:
    """Hidden columns and those of the portal have no row, and properties that no column has are omitted."""
    columns = columns_of(
        {
            "a": {"text": "A", "type": "int", "vot.unit": "s"},
            "b": {"type": "geography"},
            "gone": {"remove": True},
            "_selected_": {"type": "boolean"},
        }
    )
    table = metadata_table(columns)
    assert table.colnames == ["Column Name", "Column Label", "Data Type", "Units"]
    assert [list(row) for row in table] == [["a", "A", "integer", "s"], ["b", "b", "geography", ""]]


def test_metadata_of_no_columns_are_an_empty_table() -> None:
    """Without columns, the table is empty, and there is no error."""
    assert len(metadata_table({})) == 0


def test_fits_supports_every_unit() -> None:
    """A unit that FITS does not support would cause a warning whenever a table is written."""
    for config_id, columns in snapshot().items():
        for column in columns.values():
            if column.astropy_unit is not None:
                text = column.astropy_unit.to_string("fits")
                assert u.Unit(text, format="fits") == column.astropy_unit, (config_id, column.name)
