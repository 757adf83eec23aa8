"""The inventory of mnemonics: found by names, descriptions and subsystems, and asked for once."""

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


def test_the_whole_list_has_units_types_and_descriptions(engineering: EngineeringClass) -> None:
    """In order of the names, without the line that ends the archive's list."""
    table = engineering.list_mnemonics()
    assert table.colnames == ["tlmMnemonic", "subsystem", "description", "unit", "sqlDataType", "tlmIdentifier"]
    names = table["tlmMnemonic"].tolist()
    assert names == sorted(names)
    assert "ZZZZZZ" not in names
    (row,) = table[table["tlmMnemonic"] == "SE_ZBUSVLT"]
    assert tuple(row) == ("SE_ZBUSVLT", "EPS", "Main bus voltage", "V", "real", 82051)


@pytest.mark.parametrize("pattern", ["*temp*", "TEMP", "*Temp*", " temp "])
def test_a_pattern_is_looked_for_in_names_and_descriptions(engineering: EngineeringClass, pattern: str) -> None:
    """In any case; a word without wildcards is found anywhere."""
    table = engineering.list_mnemonics(pattern)
    assert 10 < len(table) < len(engineering.list_mnemonics())
    assert all("temp" in f"{row['tlmMnemonic']} {row['description']}".lower() for row in table)
    assert "ST_ZTSSL1A" in table["tlmMnemonic"]  # only its description says so


def test_wildcards_hold_for_the_whole_name(engineering: EngineeringClass) -> None:
    """The beginning, or the end."""
    names = engineering.list_mnemonics("IGDP_*_TEMP")["tlmMnemonic"].tolist()
    assert names
    assert all(name.startswith("IGDP_") and name.endswith("_TEMP") for name in names)


def test_subsystems_narrow_it_down(engineering: EngineeringClass) -> None:
    """One, or several, in any case."""
    assert set(engineering.list_mnemonics(subsystem="miri")["subsystem"]) == {"MIRI"}
    assert set(engineering.list_mnemonics("*temp*", subsystem=["MIRI", "NIRCam"])["subsystem"]) == {"MIRI", "NIRCAM"}


@pytest.mark.parametrize(
    "arguments",
    [{"subsystem": "MIRRI"}, {"subsystem": []}, {"pattern": 5}, {"pattern": ""}, {"timeout": "soon"}],
    ids=str,
)
def test_what_cannot_be_looked_for_is_refused(engineering: EngineeringClass, arguments: dict[str, Any]) -> None:
    """With the subsystems that there are."""
    with pytest.raises(InvalidQueryError) as refusal:
        engineering.list_mnemonics(**arguments)
    assert "MIRI'" in str(refusal.value) or arguments != {"subsystem": "MIRRI"}


def test_nothing_found_is_an_empty_table_and_a_warning(engineering: EngineeringClass) -> None:
    """With its columns."""
    with pytest.warns(NoResultsWarning, match="warp drive"):
        table = engineering.list_mnemonics("warp drive")
    assert len(table) == 0
    assert table["tlmIdentifier"].dtype.kind == "i"


def test_the_list_is_asked_for_once(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """All methods share it."""
    engineering.list_mnemonics("bus")
    engineering.get_mnemonic_info("SE_ZBUSVLT")
    engineering.query_mnemonics("SE_ZIMIRICEA", "2022-07-12T06:00", "2022-07-12T07:00")
    assert len(mast_sandbox.requests.of("viz")) == 1
    assert not mast_sandbox.requests.of("invoke")


def test_information_has_a_row_for_each_name(engineering: EngineeringClass) -> None:
    """In the order of the names, which may be in lower case."""
    table = engineering.get_mnemonic_info(["se_zbusvlt", "IFGS_MODE"])
    assert table["tlmMnemonic"].tolist() == ["SE_ZBUSVLT", "IFGS_MODE"]
    with pytest.raises(InvalidQueryError, match="Did you mean 'IFGS_MODE'"):
        engineering.get_mnemonic_info("IFGS_MODUS")


def test_copies_and_pickles_work(engineering: EngineeringClass) -> None:
    """Also after the list was fetched."""
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
def test_units_are_read_as_engineers_write_them(text: str, unit: u.UnitBase | None) -> None:
    """Nobody measures a temperature in coulomb."""
    assert Mnemonic("X", type_name="real", unit=text).astropy_unit == unit
    assert Mnemonic("X", type_name="varchar", unit=text).astropy_unit is None
