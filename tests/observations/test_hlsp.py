"""Observations of high-level science products: exactly one target, or a part of the sky."""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import InvalidQueryError, NoResultsWarning, TimeoutError

from astroquery_mast import Observations, conf
from astroquery_mast.exceptions import RemoteServiceError
from astroquery_mast.observations.hlsp_methods import HlspMethods
from astroquery_mast.sandbox import Fault, Sandbox

STAR, NEIGHBOR = "160148385", "160148381"
WHERE = SkyCoord(1.04656, -47.360638, unit="deg")


def found(*arguments: Any, **keywords: Any) -> set[tuple[str, str]]:
    """Return collections and targets of what is found."""
    table = Observations.query_hlsp(*arguments, **keywords)
    return set(zip(table["provenance_name"].tolist(), table["target_name"].tolist(), strict=True))


@pytest.mark.parametrize("target", ["TIC 160148385", "tic160148385", "TIC-160148385", 160148385, "WASP-96", "wasp 96"])
def test_a_target_is_found_without_its_neighbors(mast_sandbox: Sandbox, target: str | int) -> None:
    """By number or by name, and although another star is two arcseconds away."""
    assert found("TGLC", target=target) == {("TGLC", STAR)}


def test_a_neighbor_is_found_without_the_target(mast_sandbox: Sandbox) -> None:
    """The faint star beside a bright one has its own light curves."""
    assert found("TGLC", target=f"TIC {NEIGHBOR}") == {("TGLC", NEIGHBOR)}


def test_coordinates_find_all_of_them(mast_sandbox: Sandbox) -> None:
    """A search around a position is one."""
    assert {name for _, name in found("TGLC", coordinates=WHERE, radius="5 arcsec")} == {STAR, NEIGHBOR}
    assert len(found("TGLC", coordinates=WHERE)) == 6
    assert not found("TGLC", coordinates=WHERE, radius=0) - {("TGLC", STAR), ("TGLC", NEIGHBOR)}


@pytest.mark.parametrize("target", ["TIC 160148385", "WASP-96"])
def test_all_collections_of_a_target(mast_sandbox: Sandbox, target: str) -> None:
    """Without a name every collection is searched."""
    assert found(target=target) == {("QLP", STAR), ("TESS-SPOC", STAR), ("TGLC", STAR)}


def test_a_collection_that_calls_the_target_otherwise_is_found_by_position(mast_sandbox: Sandbox) -> None:
    """AU Mic has light curves under its number, and spectra under its name."""
    names = {"QLP": "441420236", "TESS-SPOC": "441420236", "HSLA": "AU-MIC", "ULLYSES": "AU-MIC"}
    assert found(target="TIC 441420236") == found(target="AU Mic") == set(names.items())


def test_the_author_of_a_light_curve(mast_sandbox: Sandbox) -> None:
    """The word of lightkurve means the same, for several as well; a sector is a criterion like any other."""
    assert found(author=["qlp", "TGLC"], target="WASP-96") == {("QLP", STAR), ("TGLC", STAR)}
    table = Observations.query_hlsp("QLP", target="WASP-96", sequence_number=3)
    assert table["sequence_number"].tolist() == [3]


@pytest.mark.parametrize("name", ["jades", "hlsp_jades", " JADES "])
def test_a_field_is_a_target_as_well(mast_sandbox: Sandbox, name: str) -> None:
    """Targets are whatever the collections call so."""
    assert found(name, target="GOODS-S", filters="F200W") == {("JADES", "GOODS-S")}


def test_names_may_come_from_anything_iterable(mast_sandbox: Sandbox) -> None:
    """A generator is read once."""
    assert found((name for name in ("CALSPEC",)), target="gd71") == {("CALSPEC", "GD71")}


def test_the_rows_are_those_of_a_search(mast_sandbox: Sandbox) -> None:
    """Columns and their order are the same, whichever way the rows were found; products can be listed."""
    expected = Observations.query_criteria(provenance_name="TGLC").colnames
    for target in ("TIC 160148385", "WASP-96"):
        table = Observations.query_hlsp("TGLC", target=target)
        assert table.colnames == expected
        assert table.meta["service"] == ["Mast.Caom.Filtered"]
    assert isinstance(Observations.get_product_list(table), Table)


def test_a_star_that_moves_fast_may_be_farther_away(mast_sandbox: Sandbox) -> None:
    """The radius of a target is that within which the nearest one is taken, and no other."""
    with pytest.warns(NoResultsWarning):
        assert not found("TGLC", target="TOI-700", radius="1 arcsec")
    assert found("TGLC", target="TOI-700", radius="1 arcmin") == {("TGLC", "150428104")}


# -- nothing -----------------------------------------------------------------------------------------------------------


def test_the_same_number_in_another_catalog_is_another_star(mast_sandbox: Sandbox) -> None:
    """TESS light curves are not those of the star of Kepler's catalog with that number."""
    with pytest.warns(NoResultsWarning):
        assert not found("TGLC", target=f"KIC {STAR}")


def test_neighbors_are_named_where_the_target_has_nothing(mast_sandbox: Sandbox) -> None:
    """They come with their distances, and with what finds them; the one that is very near has another number."""
    said = (
        "The nearest targets to 'TIC 150428135' are '150428104' (TGLC) at 1.8 arcsec, '150428101' (TGLC) at 25.0 arcsec"
    )
    with pytest.warns(
        NoResultsWarning, match=re.escape(said) + ".*Use coordinates and radius to find all of them.*/hlsp/tglc"
    ):
        assert not found("TGLC", target="TIC 150428135")


def test_what_was_found_by_position_is_told(mast_sandbox: Sandbox) -> None:
    """A name alone cannot tell two stars apart: the nearest is taken, and how near it is can be seen."""
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
def test_it_is_said_why_there_is_nothing(mast_sandbox: Sandbox, target: str | int, said: str) -> None:
    """With what the target was compared."""
    with pytest.warns(NoResultsWarning, match=said):
        assert len(Observations.query_hlsp("CALSPEC", target=target)) == 0


def test_what_is_not_in_the_search_is_named_with_page_and_scripts(mast_sandbox: Sandbox) -> None:
    """The page itself says which scripts there are."""
    with pytest.raises(InvalidQueryError) as error:
        Observations.query_hlsp("BOSZ")
    assert f"{mast_sandbox.url}/hlsp/bosz." in str(error.value)
    assert str(error.value).count("/hlsps/bosz/download_scripts/hlsp_bosz_bosz2024_sim_r") == 2


def test_a_page_without_scripts(mast_sandbox: Sandbox) -> None:
    """It is named all the same."""
    mast_sandbox.faults.add("hlsp_page", Fault.answer("<a href='http://[x.sh'>here</a>", content_type="text/html"))
    with pytest.raises(InvalidQueryError, match="See its page for the files"):
        Observations.query_hlsp("BOSZ", target="TIC 1")


def test_a_page_that_fails_hides_nothing(mast_sandbox: Sandbox) -> None:
    """The error is still that the search has nothing."""
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
    """With what may be meant; also beside a name that is known."""
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
def test_what_makes_no_sense_is_refused(mast_sandbox: Sandbox, arguments: dict[str, Any], said: str) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidQueryError, match=said):
        Observations.query_hlsp(**arguments)
    assert not [record for record in mast_sandbox.requests if record.endpoint == "invoke"]


def test_an_archive_that_fails_is_an_error(mast_sandbox: Sandbox) -> None:
    """It is not taken for a target without observations."""
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
def test_a_wrong_answer_is_an_error_of_the_archive(mast_sandbox: Sandbox, edit: Callable[[Any], Any]) -> None:
    """Columns that are missing, and positions that are none."""
    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    with pytest.raises(RemoteServiceError):
        Observations.query_hlsp(target="AU Mic")


def _each(document: Any, change: Callable[[dict[str, Any]], Any]) -> Any:
    """An answer with changed rows, whose columns are those of its first row."""
    for row in document["data"]:
        change(row)
    if document["data"]:
        document["fields"] = [field for field in document["fields"] if field["name"] in document["data"][0]]
    return document


def test_the_deadline_is_one_for_all_requests(mast_sandbox: Sandbox) -> None:
    """A limit of a moment ends the call."""
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    with conf.set_temp("timeout", 0.05), pytest.raises(TimeoutError):
        Observations.query_hlsp("TGLC", target="WASP-96")


# -- products ----------------------------------------------------------------------------------------------------------


def test_what_describes_a_collection_comes_first(mast_sandbox: Sandbox) -> None:
    """The README is before the data of each observation, and nothing else has moved."""
    rows = Observations.query_hlsp("CALSPEC")
    names = Observations.get_product_list(rows)["productFilename"].tolist()
    assert len(names) == 3 * len(rows)
    assert names[::3] == ["hlsp_calspec_readme.txt"] * len(rows)
    assert [name.rpartition(".")[2] for name in names[1:3]] == ["fits", "jpg"]


def test_the_order_of_other_products_stays(mast_sandbox: Sandbox) -> None:
    """Each observation's files are in the archive's order."""
    rows = Observations.query_criteria(obs_id="j97c01010")
    names = Observations.get_product_list(rows)["productFilename"].tolist()
    (answer,) = Observations.get_product_list_async(rows)
    assert names == [row["productFilename"] for row in answer.json()["data"]]


EXAMPLES = [test for test in doctest.DocTestFinder().find(HlspMethods, "Observations") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(mast_sandbox: Sandbox, example: doctest.DocTest) -> None:
    """It prints what it says."""
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=said.append)
    assert tried > 0
    assert not failed, "".join(said)


def test_each_method_has_an_example() -> None:
    """No public method goes without."""
    own = {f"Observations.{name}" for name in vars(HlspMethods) if not name.startswith("_")}
    assert {test.name for test in EXAMPLES} == own
