"""The mnemonics of the JWST Engineering Database: the list, the dictionary, and their data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from astroquery_mast.sandbox import Sandbox

NAMES = ["subsystem", "tlmMnemonic", "tlmIdentifier", "description", "sqlDataType", "unit"]
Invoke = Callable[..., dict[str, Any]]


def test_list_of_all_mnemonics(invoke: Invoke) -> None:
    """The list has valid names, ids, and types, and unique names and ids."""
    answer = invoke("Mast.JwstEdb.Mnemonics", pagesize=50_000, page=1)
    rows = answer["data"]
    assert [field["name"] for field in answer["fields"]] == NAMES
    assert [field["type"] for field in answer["fields"]] == ["string", "string", "int", "string", "string", "string"]
    assert len(rows) > 150
    assert len({row["tlmMnemonic"] for row in rows}) == len({row["tlmIdentifier"] for row in rows}) == len(rows)
    assert {row["sqlDataType"] for row in rows} == {"real", "float", "int", "bigint", "smallint", "tinyint", "varchar"}
    assert {"MIRI", "NIRCAM", "NIRSPEC", "NIRISS", "FGS", "ACS"} <= {row["subsystem"] for row in rows}
    assert all(row["tlmMnemonic"] == row["tlmMnemonic"].upper() for row in rows)


@pytest.mark.parametrize("name", ["SA_ZFGOUTFOV", "sa_zfgoutfov", " SA_ZFGOUTFOV "])
def test_dictionary_of_one(invoke: Invoke, name: str) -> None:
    """The dictionary has the row of the list, and a long description, which is null."""
    (row,) = invoke("Mast.JwstEdb.Dictionary", {"mnemonic": name})["data"]
    every = invoke("Mast.JwstEdb.Mnemonics", pagesize=50_000, page=1)["data"]
    assert row.pop("longDescription") is None
    assert row in every
    assert (row["tlmMnemonic"], row["sqlDataType"]) == ("SA_ZFGOUTFOV", "tinyint")


def test_dictionary_of_an_unknown_mnemonic_has_no_rows(invoke: Invoke) -> None:
    """The result has columns but no rows."""
    answer = invoke("Mast.JwstEdb.Dictionary", {"mnemonic": "NO_SUCH_THING"})
    assert (answer["status"], answer["data"]) == ("COMPLETE", [])
    assert [field["name"] for field in answer["fields"]] == [*NAMES, "longDescription"]


def test_dictionary_requires_a_name(invoke: Invoke) -> None:
    """A request without a mnemonic is an error."""
    answer = invoke("Mast.JwstEdb.Dictionary")
    assert (answer["status"], answer["msg"]) == ("ERROR", "The parameter 'mnemonic' is missing.")


def test_the_former_service_of_time_series_is_gone(invoke: Invoke) -> None:
    """Time series are no longer available by Mashup."""
    span = {"start": "2022-02-02 22:24:58", "end": "2022-02-02 22:24:59"}
    answer = invoke("Mast.JwstEdb.GetTimeseries.All", {"mnemonic": "SA_ZATTEST1", **span})
    assert (answer["status"], answer["msg"]) == ("ERROR", "Unknown service 'Mast.JwstEdb.GetTimeseries.All'.")


@pytest.mark.parametrize("path", ["/viz/api/v0.1/info/mnemonics", "/viz/api/v0.1/info/mnemonics/"])
def test_list_of_the_other_service_ends_with_an_extra_row(
    box: Sandbox, web: requests.Session, invoke: Invoke, path: str
) -> None:
    """The list of the viz service has the same mnemonics, and an additional last row."""
    answer = web.get(f"{box.url}{path}", timeout=30).json()
    *rows, last = answer["data"]
    assert last["tlmMnemonic"] == "ZZZZZZ"
    assert rows == invoke("Mast.JwstEdb.Mnemonics", pagesize=50_000, page=1)["data"]
    assert box.requests[0].endpoint == "viz"


@pytest.mark.parametrize(("name", "found"), [("so_zfxposns", ["SO_ZFXPOSNS"]), ("ZZZZZZ", []), ("x", []), ("", [])])
def test_one_of_the_other_service(box: Sandbox, web: requests.Session, name: str, found: list[str]) -> None:
    """A mnemonic is found by its name (not case-sensitive)."""
    rows = web.get(f"{box.url}/viz/api/v0.1/info/mnemonics", params={"name": name}, timeout=30).json()["data"]
    assert [row["tlmMnemonic"] for row in rows] == found


def test_every_mnemonic_has_data_of_its_type(box: Sandbox, web: requests.Session, invoke: Invoke) -> None:
    """Each mnemonic has a time series in 2022, with the type given in the dictionary."""
    for row in invoke("Mast.JwstEdb.Mnemonics", pagesize=50_000, page=1)["data"]:
        uri = f"mast:jwstedb/{row['tlmMnemonic']}-20220302T000000-20220302T001500.csv"
        answer = web.get(f"{box.url}/api/v0.1/Download/file", params={"uri": uri}, timeout=30)
        lines = answer.content.decode().split("\r\n")
        assert len(lines) >= 1 + 2 + 1
        assert all(line.endswith(f",{row['sqlDataType']}") for line in lines[1:-1])
