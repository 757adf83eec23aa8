"""The Hubble Source Catalog over HTTP: matches, their detections, and the list of spectra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Invoke = Callable[..., dict[str, Any]]

M51 = {"ra": 202.469575, "dec": 47.195258, "radius": 0.05}


def names_of(answer: dict[str, Any]) -> list[str]:
    """Return the names of the columns of a response."""
    return [field["name"] for field in answer["fields"]]


def message(answer: dict[str, Any]) -> str:
    """Return the message of a refused request."""
    assert answer["status"] == "ERROR"
    assert "data" not in answer
    return str(answer["msg"])


def test_hubble_parameters(invoke: Invoke) -> None:
    """``nr`` is the maximum number of rows, ``ni`` the minimum number of images, ``magtype`` the kind of magnitudes."""
    whole = invoke("Mast.Hsc.Db.v3", M51)["data"]
    assert invoke("Mast.Hsc.Db.v3", M51 | {"nr": 5})["data"][0]["MatchID"] == whole[0]["MatchID"]
    assert len(invoke("Mast.Hsc.Db.v3", M51 | {"nr": "5"})["data"]) == 5
    images = sorted(row["NumImages"] for row in whole)
    fewest = images[len(images) // 2]
    kept = invoke("Mast.Hsc.Db.v3", M51 | {"ni": fewest})["data"]
    assert [row["MatchID"] for row in kept] == [row["MatchID"] for row in whole if row["NumImages"] >= fewest]
    kron = invoke("Mast.Hsc.Db.v3", M51 | {"magtype": 2})["data"]
    assert [row["MatchID"] for row in kron] == [row["MatchID"] for row in whole]
    pairs = [(a["A_F814W"], b["A_F814W"]) for a, b in zip(kron, whole, strict=True) if a["A_F814W"] is not None]
    assert pairs
    assert all(brighter < fainter for brighter, fainter in pairs)
    assert "magtype" in message(invoke("Mast.Hsc.Db.v3", M51 | {"magtype": 3}))
    assert "nr" in message(invoke("Mast.Hsc.Db.v3", M51 | {"nr": -1}))


@pytest.mark.parametrize(("version", "spread"), [(2, "Sigma"), (3, "MAD")])
def test_hubble_magnitudes_have_three_columns(invoke: Invoke, version: int, spread: str) -> None:
    """Each filter in the result has columns for magnitude, scatter, and number of detections."""
    answer = invoke(f"Mast.Hsc.Db.v{version}", M51)
    names = names_of(answer)[18:-1]
    filters = names[::3]
    assert names == [name for one in filters for name in (one, f"{one}_{spread}", f"{one}_N")]
    for one in filters:
        assert any(row[f"{one}_N"] > 0 for row in answer["data"])
        assert all((row[one] is None) == (row[f"{one}_N"] == 0) for row in answer["data"])
    assert all(row["NumImages"] == sum(row[f"{one}_N"] for one in filters) for row in answer["data"])
    assert all(row["NumFilters"] == sum(row[f"{one}_N"] > 0 for one in filters) for row in answer["data"])


@pytest.mark.parametrize("version", [2, 3])
def test_hubble_detections_make_up_the_match(invoke: Invoke, version: int) -> None:
    """A match has one detection per image, and its magnitude is their mean."""
    match = max(invoke(f"Mast.Hsc.Db.v{version}", M51)["data"], key=lambda row: row["A_F814W_N"])
    for spelled in (match["MatchID"], str(match["MatchID"])):
        answer = invoke(f"Mast.HscMatches.Db.v{version}", {"input": spelled})
        assert len(answer["data"]) == match["NumImages"]
    red = [row for row in answer["data"] if row["Filter"] == "F814W" and row["Instrument"] == "ACS"]
    assert match["A_F814W"] == pytest.approx(sum(row["MagAper2"] for row in red) / len(red), abs=1e-5)
    assert {row["MatchID"] for row in answer["data"]} == {match["MatchID"]}
    other = invoke(f"Mast.HscMatches.Db.v{5 - version}", {"input": match["MatchID"]})
    assert other["data"] == []  # each version has its own ids
    assert "bigint" in message(invoke(f"Mast.HscMatches.Db.v{version}", {"input": "M51"}))


def test_the_list_of_spectra(invoke: Invoke) -> None:
    """The list requires no parameters, has spectra of both types, and includes the ids of matches."""
    answer = invoke("Mast.HscSpectra.Db.All")
    assert {row["SpectrumType"] for row in answer["data"]} == {1, 2}
    assert len({row["DatasetName"] for row in answer["data"]}) == len(answer["data"])
    spectrum = next(row for row in answer["data"] if row["SpectrumType"] == 2)
    assert isinstance(spectrum["MatchID"], int)
    match = invoke("Mast.Hsc.Db.v3", {"ra": spectrum["RA"], "dec": spectrum["Dec"], "radius": 0.0001})["data"][0]
    assert (match["MatchID"], match["SpectrumFlag"]) == (spectrum["MatchID"], "Y")
