"""Observations of high-level science products, of one target or around a position."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import InvalidQueryError, NoResultsWarning, TimeoutError

from astroquery_mast import Observations, conf
from astroquery_mast.exceptions import RemoteServiceError
from astroquery_mast.sandbox import Fault, Sandbox

STAR, NEIGHBOR = "160148385", "160148381"
WHERE = SkyCoord(1.04656, -47.360638, unit="deg")


def found(*arguments: Any, **keywords: Any) -> set[tuple[str, str]]:
    """Return the collections and targets that a query finds."""
    table = Observations.query_hlsp(*arguments, **keywords)
    return set(zip(table["provenance_name"].tolist(), table["target_name"].tolist(), strict=True))


@pytest.mark.parametrize("target", ["TIC 160148385", "tic160148385", "TIC-160148385", 160148385, "WASP-96", "wasp 96"])
def test_a_target_is_found_without_its_neighbors(mast_sandbox: Sandbox, target: str | int) -> None:
    """A target given by number or name is found without a star that is two arcseconds away."""
    assert found("TGLC", target=target) == {("TGLC", STAR)}


def test_a_neighbor_is_found_without_the_target(mast_sandbox: Sandbox) -> None:
    """A faint star next to a bright one is found with its own light curves."""
    assert found("TGLC", target=f"TIC {NEIGHBOR}") == {("TGLC", NEIGHBOR)}


def test_coordinates_find_all_targets(mast_sandbox: Sandbox) -> None:
    """A search around a position finds all targets there."""
    assert {name for _, name in found("TGLC", coordinates=WHERE, radius="5 arcsec")} == {STAR, NEIGHBOR}
    assert len(found("TGLC", coordinates=WHERE)) == 6
    assert not found("TGLC", coordinates=WHERE, radius=0) - {("TGLC", STAR), ("TGLC", NEIGHBOR)}


@pytest.mark.parametrize("target", ["TIC 160148385", "WASP-96"])
def test_all_collections_are_searched_by_default(mast_sandbox: Sandbox, target: str) -> None:
    """Without a collection name, all collections are searched."""
    assert found(target=target) == {("QLP", STAR), ("TESS-SPOC", STAR), ("TGLC", STAR)}


def test_collections_with_another_target_name_match_by_position(mast_sandbox: Sandbox) -> None:
    """Collections that use another name for the target are matched by position."""
    names = {"QLP": "441420236", "TESS-SPOC": "441420236", "HSLA": "AU-MIC", "ULLYSES": "AU-MIC"}
    assert found(target="TIC 441420236") == found(target="AU Mic") == set(names.items())


def test_author_is_equivalent_to_name(mast_sandbox: Sandbox) -> None:
    """``author`` is equivalent to ``name``, and ``sequence_number`` is a criterion like any other."""
    assert found(author=["qlp", "TGLC"], target="WASP-96") == {("QLP", STAR), ("TGLC", STAR)}
    table = Observations.query_hlsp("QLP", target="WASP-96", sequence_number=3)
    assert table["sequence_number"].tolist() == [3]


@pytest.mark.parametrize("name", ["jades", "hlsp_jades", " JADES "])
def test_a_field_is_a_target_as_well(mast_sandbox: Sandbox, name: str) -> None:
    """A field name can be a target."""
    assert found(name, target="GOODS-S", filters="F200W") == {("JADES", "GOODS-S")}


def test_names_can_be_any_iterable(mast_sandbox: Sandbox) -> None:
    """A generator of collection names is read only once."""
    assert found((name for name in ("CALSPEC",)), target="gd71") == {("CALSPEC", "GD71")}


def test_the_columns_are_those_of_query_criteria(mast_sandbox: Sandbox) -> None:
    """The table has the columns of `query_criteria`, for a match by name or position, and products can be listed."""
    expected = Observations.query_criteria(provenance_name="TGLC").colnames
    for target in ("TIC 160148385", "WASP-96"):
        table = Observations.query_hlsp("TGLC", target=target)
        assert table.colnames == expected
        assert table.meta["service"] == ["Mast.Caom.Filtered"]
    assert isinstance(Observations.get_product_list(table), Table)


def test_the_radius_of_a_target_can_be_increased(mast_sandbox: Sandbox) -> None:
    """``radius`` limits the separation within which the nearest target matches."""
    with pytest.warns(NoResultsWarning):
        assert not found("TGLC", target="TOI-700", radius="1 arcsec")
    assert found("TGLC", target="TOI-700", radius="1 arcmin") == {("TGLC", "150428104")}


# -- no matches --------------------------------------------------------------------------------------------------------


def test_the_same_number_in_another_catalog_is_another_star(mast_sandbox: Sandbox) -> None:
    """A KIC number does not match TESS light curves of the TIC star with the same number."""
    with pytest.warns(NoResultsWarning):
        assert not found("TGLC", target=f"KIC {STAR}")


def test_the_nearest_targets_are_listed_if_nothing_matches(mast_sandbox: Sandbox) -> None:
    """If a target has no observations, the warning lists the nearest targets with their separations."""
    said = (
        "The nearest targets to 'TIC 150428135' are '150428104' (TGLC) at 1.8 arcsec, '150428101' (TGLC) at 25.0 arcsec"
    )
    with pytest.warns(
        NoResultsWarning, match=re.escape(said) + ".*Use coordinates and radius to find all of them.*/hlsp/tglc"
    ):
        assert not found("TGLC", target="TIC 150428135")


def test_matches_by_position_are_listed_in_meta(mast_sandbox: Sandbox) -> None:
    """``meta["matched"]`` lists matches by position with their separations."""
    table = Observations.query_hlsp("TGLC", target="TOI-700")
    assert table.meta["matched"] == ["TGLC 150428104 at 1.8 arcsec"]
    assert "matched" not in Observations.query_hlsp("TGLC", target="TIC 160148385").meta
    assert Observations.query_hlsp(target="AU Mic").meta["matched"][0] == "QLP 441420236 at 0.0 arcsec"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("M51", "Nothing was found within 3.0 arcmin of 'M51' either"),
        ("no such star", 'No target of this name was found, and could not resolve "no such star"'),
        (999, "Use 'TIC 999' to find the star by its position as well"),
    ],
)
def test_the_warning_says_why_nothing_matches(mast_sandbox: Sandbox, target: str | int, said: str) -> None:
    """The warning of an empty result says how the target was searched."""
    with pytest.warns(NoResultsWarning, match=said):
        assert len(Observations.query_hlsp("CALSPEC", target=target)) == 0


def test_a_collection_outside_the_search_is_refused_with_its_page(mast_sandbox: Sandbox) -> None:
    """The error for a collection outside the search gives its page and its scripts."""
    with pytest.raises(InvalidQueryError) as error:
        Observations.query_hlsp("BOSZ")
    assert f"{mast_sandbox.url}/hlsp/bosz." in str(error.value)
    assert str(error.value).count("/hlsps/bosz/download_scripts/hlsp_bosz_bosz2024_sim_r") == 2


def test_a_page_without_scripts(mast_sandbox: Sandbox) -> None:
    """The error gives the page of a collection even if it lists no scripts."""
    mast_sandbox.faults.add("hlsp_page", Fault.answer("<a href='http://[x.sh'>here</a>", content_type="text/html"))
    with pytest.raises(InvalidQueryError, match="See its page for the files"):
        Observations.query_hlsp("BOSZ", target="TIC 1")


def test_a_failing_page_does_not_hide_the_error(mast_sandbox: Sandbox) -> None:
    """If the page of a collection fails, the error still says that the search has no observations."""
    mast_sandbox.faults.add("hlsp_page", Fault.status(503), times=None)
    with pytest.raises(
        InvalidQueryError,
        match=r"The MAST search has no observations of 'BOSZ'. Its page may be",
    ):
        Observations.query_hlsp("BOSZ")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("QLPP", "Did you mean 'QLP'"),
        ("BOZS", "Did you mean 'BOSZ'"),
        ("xyzzy", "list_hlsp.. lists the names"),
        ("SPOC", "provenance_name='SPOC'"),
    ],
)
def test_an_unknown_name_is_refused(mast_sandbox: Sandbox, name: str, said: str) -> None:
    """An unknown collection raises an error with a suggestion, also in a list with a known one."""
    with pytest.raises(InvalidQueryError, match=said):
        Observations.query_hlsp(name)
    with pytest.raises(InvalidQueryError, match=said):
        Observations.query_hlsp(["QLP", name], target="WASP-96")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "Specify the name of a collection, a target, or coordinates. list_hlsp"),
        ({"name": "QLP", "author": "QLP"}, "Use one of them"),
        ({"name": "QLP", "target": "M51", "coordinates": "1 2"}, "target and coordinates cannot be combined"),
        ({"name": "QLP", "radius": 1}, "requires coordinates or a target"),
        ({"name": "QLP", "target": "M51", "radius": "far"}, "radius='far'"),
        ({"name": "a/../b"}, "name must be the name of a collection, such as 'QLP', got 'a"),
        ({"name": "a?b"}, "name must be the name of a collection, such as 'QLP', got 'a"),
        ({"name": []}, "is empty"),
        ({"author": 3}, "author=3"),
        ({"name": "QLP", "target": ["TIC 1", "TIC 2"]}, "target must be one name, such as 'TIC 261136679', got"),
        ({"name": "QLP", "target": " "}, "target must be one name, such as 'TIC 261136679', got"),
        ({"name": "QLP", "target": 1.5}, "target must be one name, such as 'TIC 261136679', got"),
        ({"name": "QLP", "target_name": "1"}, "target_name cannot be used as a criterion here"),
        ({"name": "QLP", "obs_collection": "HST"}, "obs_collection cannot be used as a criterion here"),
        ({"name": "QLP", "Provenance_Name": "x"}, "provenance_name cannot be used as a criterion here"),
        ({"name": "QLP", "sector": 3}, "sector"),
    ],
)
def test_invalid_arguments_are_refused(mast_sandbox: Sandbox, arguments: dict[str, Any], said: str) -> None:
    """Invalid arguments raise an error before any query is sent."""
    with pytest.raises(InvalidQueryError, match=said):
        Observations.query_hlsp(**arguments)
    assert not [record for record in mast_sandbox.requests if record.endpoint == "invoke"]


def test_a_failing_service_is_an_error(mast_sandbox: Sandbox) -> None:
    """A failing service raises an error instead of returning an empty table."""
    mast_sandbox.faults.add("resolver", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError):
        Observations.query_hlsp("HSLA", target="TIC 441420236")


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
@pytest.mark.parametrize(
    "edit",
    [
        lambda document: _each(document, lambda row: row.pop("target_name", None)),
        lambda document: _each(document, lambda row: row.pop("obs_id", None)),
        lambda document: _each(document, lambda row: row.update(s_ra="here")),
    ],
)
def test_an_invalid_response_raises_remote_service_error(mast_sandbox: Sandbox, edit: Callable[[Any], Any]) -> None:
    """A response with missing columns or invalid positions raises RemoteServiceError."""
    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    with pytest.raises(RemoteServiceError):
        Observations.query_hlsp(target="AU Mic")


def _each(document: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """Return a response with changed rows and the fields of its first row."""
    for row in document["data"]:
        change(row)
    if document["data"]:
        document["fields"] = [field for field in document["fields"] if field["name"] in document["data"][0]]
    return document


def test_the_timeout_applies_to_all_requests(mast_sandbox: Sandbox) -> None:
    """The timeout applies to the whole call."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    with conf.set_temp("timeout", 0.05), pytest.raises(TimeoutError):
        Observations.query_hlsp("TGLC", target="WASP-96")


# -- products ----------------------------------------------------------------------------------------------------------


def test_the_readme_comes_first(mast_sandbox: Sandbox) -> None:
    """The README precedes the data of each observation; the order is otherwise unchanged."""
    rows = Observations.query_hlsp("CALSPEC")
    names = Observations.get_product_list(rows)["productFilename"].tolist()
    assert len(names) == 3 * len(rows)
    assert names[::3] == ["hlsp_calspec_readme.txt"] * len(rows)
    assert [name.rpartition(".")[2] for name in names[1:3]] == ["fits", "jpg"]


def test_the_order_of_other_products_stays(mast_sandbox: Sandbox) -> None:
    """The products of each observation are in MAST's order."""
    rows = Observations.query_criteria(obs_id="j97c01010")
    names = Observations.get_product_list(rows)["productFilename"].tolist()
    (answer,) = Observations.get_product_list_async(rows)
    assert names == [row["productFilename"] for row in answer.json()["data"]]
