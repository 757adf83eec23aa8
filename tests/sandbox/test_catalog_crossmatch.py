"""The cross-match services over HTTP: uploads, joined rows, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Invoke = Callable[..., dict[str, Any]]

M51 = {"ra": 202.469575, "dec": 47.195258, "radius": 0.05}
PI_MEN = {"ra": 84.291187, "dec": -80.469125, "radius": 0.05}
PI_MEN_NUMBER = 261136679
UPLOAD = {
    "fields": [{"name": "ra", "type": "float"}, {"name": "dec", "type": "float"}],
    "data": [{"ra": M51["ra"], "dec": M51["dec"], "comment": "ignored"}, {"ra": 84.2912, "dec": -80.4691}],
}


def names_of(answer: dict[str, Any]) -> list[str]:
    """Return the names of the columns of a response."""
    return [field["name"] for field in answer["fields"]]


def message(answer: dict[str, Any]) -> str:
    """Return the message of a refused request."""
    assert answer["status"] == "ERROR"
    assert "data" not in answer
    return str(answer["msg"])


@pytest.mark.parametrize(
    ("service", "ra_name"),
    [
        ("Mast.Tic.Crossmatch", "MatchRa"),
        ("Mast.Ctl.Crossmatch", "MatchRa"),
        *((f"Mast.{name}.Crossmatch", "MatchRA") for name in ("GaiaDR1", "GaiaDR2", "GaiaDR3", "Tgas")),
        *((f"Mast.{name}.Crossmatch", "MatchRA") for name in ("Galex", "Sdss", "2Mass")),
        *((f"Mast.Hsc.Crossmatch.{name}v3", "MatchRA") for name in ("MagAper2", "MagAuto")),
    ],
)
def test_crossmatch_joins_input_and_match(invoke: Invoke, service: str, ra_name: str) -> None:
    """Each row has an uploaded position and a source near it, and column names are unique."""
    answer = invoke(service, {"raColumn": "ra", "decColumn": "dec", "radius": 0.02}, data=UPLOAD)
    assert answer["status"] == "COMPLETE"
    assert names_of(answer)[:2] == ["ra", "dec"]
    assert {"MatchID", ra_name} <= set(names_of(answer))
    assert len(set(names_of(answer))) == len(answer["fields"])
    asked = [(row["ra"], row["dec"]) for row in UPLOAD["data"]]
    assert answer["data"]
    for row in answer["data"]:
        assert (row["ra"], row["dec"]) in asked
        assert abs(row.get("MatchDEC", row.get("MatchDec")) - row["dec"]) <= 0.02


def test_crossmatch_agrees_with_cones(invoke: Invoke) -> None:
    """Each position is joined with the sources of its cone, in the order of the upload."""
    answer = invoke("Mast.Tic.Crossmatch", {"radius": 0.05}, data=UPLOAD)
    cones = [invoke("Mast.Catalogs.Tic.Cone", {**row, "radius": 0.05})["data"] for row in UPLOAD["data"]]
    assert [row["MatchID"] for row in answer["data"]] == [row["ID"] for cone in cones for row in cone]
    distances = [row["dstArcSec"] for row in answer["data"]]
    assert distances == pytest.approx([row["dstArcSec"] for cone in cones for row in cone], abs=1e-6)


def test_a_complete_response_can_be_uploaded(invoke: Invoke) -> None:
    """The position columns of an upload may have any name, and other columns are ignored."""
    found = invoke("Mast.Caom.Cone", {**PI_MEN, "radius": 0.001}, page=1, pagesize=3)
    params = {"raColumn": "s_ra", "decColumn": "s_dec", "radius": 0.002}
    answer = invoke("Mast.Tic.Crossmatch", params, data=found)
    assert names_of(answer)[:2] == ["s_ra", "s_dec"]
    assert [row["MatchID"] for row in answer["data"]] == [PI_MEN_NUMBER] * len(found["data"])
    nothing = invoke("Mast.Tic.Crossmatch", params, data={**found, "data": []})
    assert (nothing["status"], nothing["data"]) == ("COMPLETE", [])


def test_crossmatch_with_observations(invoke: Invoke) -> None:
    """The observations at a position are those of its cone."""
    answer = invoke("Mast.Caom.Crossmatch", {"radius": 0.001}, data={**UPLOAD, "data": UPLOAD["data"][1:]})
    cone = invoke("Mast.Caom.Cone", {"ra": 84.2912, "dec": -80.4691, "radius": 0.001})
    assert [row["obsid"] for row in answer["data"]] == [row["obsid"] for row in cone["data"]]
    assert names_of(answer)[:2] == ["ra", "dec"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs a table"),
        ({"data": {"fields": []}}, "needs a table"),
        ({"data": {"fields": [], "data": [{"ra": 1}]}}, "no column 'dec'"),
        ({"data": {"fields": [], "data": [{"ra": "x", "dec": 1}]}}, "not a number"),
        ({"data": {"fields": [], "data": [{"ra": 1, "dec": 100}]}}, "between -90 and 90"),
        ({"data": {"fields": [], "data": [[1, 2]]}}, "must be objects"),
    ],
)
def test_crossmatch_refuses_invalid_uploads(invoke: Invoke, options: dict[str, Any], words: str) -> None:
    """An invalid upload is an error."""
    assert words in message(invoke("Mast.Tic.Crossmatch", {"radius": 0.001}, **options))
