"""The inventory of mnemonics: searched by name, description and subsystem, and requested once."""

from __future__ import annotations

import pickle
from copy import copy
from typing import Any

import pytest
from astropy import units as u

from astroquery_mast import EngineeringClass
from astroquery_mast.engineering.mnemonics import Mnemonic
from astroquery_mast.exceptions import InvalidQueryError, NoResultsWarning
from astroquery_mast.sandbox import Sandbox


def test_the_list_has_units_types_and_descriptions(engineering: EngineeringClass) -> None:
    """The list is sorted by name, without the line that marks the end of MAST's list."""
    table = engineering.list_mnemonics()
    assert table.colnames == ["tlmMnemonic", "subsystem", "description", "unit", "sqlDataType", "tlmIdentifier"]
    names = table["tlmMnemonic"].tolist()
    assert names == sorted(names)
    assert "ZZZZZZ" not in names
    (row,) = table[table["tlmMnemonic"] == "SE_ZBUSVLT"]
    assert tuple(row) == ("SE_ZBUSVLT", "EPS", "Main bus voltage", "V", "real", 82051)


@pytest.mark.parametrize("pattern", ["*temp*", "TEMP", "*Temp*", " temp "])
def test_a_pattern_matches_names_and_descriptions(engineering: EngineeringClass, pattern: str) -> None:
    """Case is ignored; a word without wildcards matches anywhere."""
    table = engineering.list_mnemonics(pattern)
    assert 10 < len(table) < len(engineering.list_mnemonics())
    assert all("temp" in f"{row['tlmMnemonic']} {row['description']}".lower() for row in table)
    assert "ST_ZTSSL1A" in table["tlmMnemonic"]  # only its description matches


def test_wildcards_apply_to_the_full_name(engineering: EngineeringClass) -> None:
    """A pattern may match the beginning or the end of a name."""
    names = engineering.list_mnemonics("IGDP_*_TEMP")["tlmMnemonic"].tolist()
    assert names
    assert all(name.startswith("IGDP_") and name.endswith("_TEMP") for name in names)


def test_subsystems_restrict_the_list(engineering: EngineeringClass) -> None:
    """One or several subsystems may be given, in any case."""
    assert set(engineering.list_mnemonics(subsystem="miri")["subsystem"]) == {"MIRI"}
    assert set(engineering.list_mnemonics("*temp*", subsystem=["MIRI", "NIRCam"])["subsystem"]) == {"MIRI", "NIRCAM"}


@pytest.mark.parametrize(
    "arguments",
    [{"subsystem": "MIRRI"}, {"subsystem": []}, {"pattern": 5}, {"pattern": ""}, {"timeout": "soon"}],
    ids=str,
)
def test_invalid_arguments_raise(engineering: EngineeringClass, arguments: dict[str, Any]) -> None:
    """The error lists the valid subsystems."""
    with pytest.raises(InvalidQueryError) as refusal:
        engineering.list_mnemonics(**arguments)
    assert "MIRI'" in str(refusal.value) or arguments != {"subsystem": "MIRRI"}


def test_an_empty_list_causes_a_warning(engineering: EngineeringClass) -> None:
    """The empty table has its columns."""
    with pytest.warns(NoResultsWarning, match="warp drive"):
        table = engineering.list_mnemonics("warp drive")
    assert len(table) == 0
    assert table["tlmIdentifier"].dtype.kind == "i"


def test_the_list_is_requested_once(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """All methods share the list."""
    engineering.list_mnemonics("bus")
    engineering.get_mnemonic_info("SE_ZBUSVLT")
    engineering.query_mnemonics("SE_ZIMIRICEA", "2022-07-12T06:00", "2022-07-12T07:00")
    assert len(mast_sandbox.requests.of("viz")) == 1
    assert not mast_sandbox.requests.of("invoke")


def test_get_mnemonic_info_has_a_row_for_each_name(engineering: EngineeringClass) -> None:
    """The rows are in the order of the names, which may be in lower case."""
    table = engineering.get_mnemonic_info(["se_zbusvlt", "IFGS_MODE"])
    assert table["tlmMnemonic"].tolist() == ["SE_ZBUSVLT", "IFGS_MODE"]
    with pytest.raises(InvalidQueryError, match="Did you mean 'IFGS_MODE'"):
        engineering.get_mnemonic_info("IFGS_MODUS")


def test_copies_and_pickles_work(engineering: EngineeringClass) -> None:
    """Copies and pickles also work after the list was retrieved."""
    engineering.list_mnemonics("bus")
    for client in (copy(engineering), pickle.loads(pickle.dumps(engineering))):
        assert len(client.list_mnemonics("bus")) == 1


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("K", u.K),
        ("degC", u.deg_C),
        ("C", u.deg_C),
        ("deg", u.deg),
        ("Counts", u.ct),
        ("%", u.percent),
        ("kbit/s", u.kbit / u.s),
        ("Volts", u.V),
        ("sec", u.s),
        ("F", None),
        ("", None),
        ("no unit", None),
    ],
)
def test_common_unit_spellings_are_read(text: str, unit: u.UnitBase | None) -> None:
    """C is degrees Celsius, not coulomb."""
    assert Mnemonic("X", type_name="real", unit=text).astropy_unit == unit
    assert Mnemonic("X", type_name="varchar", unit=text).astropy_unit is None
