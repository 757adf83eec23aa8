"""The list of collections of high-level science products, and the known facts about them."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from astroquery.exceptions import InvalidQueryError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.exceptions import RemoteServiceError
from astroquery_mast.observations.hlsp.facts import collection_in, hlsp_facts, telescopes_in
from astroquery_mast.observations.hlsp.page import read_hlsp_page
from astroquery_mast.sandbox import Fault, Sandbox

FACTS = json.loads(resources.files("astroquery_mast.observations.hlsp").joinpath("facts.json").read_text("utf-8"))


def by_name(table: Table) -> dict[str, dict[str, Any]]:
    """Return the rows by name, with None for masked cells."""
    rows = ({name: None if row[name] is np.ma.masked else row[name] for name in table.colnames} for row in table)
    return {row["name"]: row for row in rows}


def test_all_collections_are_listed_with_one_query(mast_sandbox: Sandbox) -> None:
    """One TAP query lists all collections with the counts of the search; no page is read."""
    table = Observations.list_hlsp()
    assert table.colnames == ["name", "missions", "observations", "title", "doi", "page", "source"]
    assert [record.endpoint for record in mast_sandbox.requests] == ["vo_tap"]
    rows = by_name(table)
    assert {"QLP", "TGLC", "JADES", "HSLA", "CALSPEC"} < set(rows)
    for name in ("QLP", "JADES", "CALSPEC"):
        assert rows[name]["observations"] == Observations.query_criteria_count(
            obs_collection="HLSP", provenance_name=name
        )
    assert sum(table["observations"]) == Observations.query_criteria_count(obs_collection="HLSP")
    assert (rows["QLP"]["missions"], rows["JADES"]["missions"], rows["HSLA"]["missions"]) == ("TESS", "JWST", "HST")


def test_unknown_facts_are_masked(mast_sandbox: Sandbox) -> None:
    """Unknown titles and DOIs are masked, and known DOIs have a source."""
    rows = by_name(Observations.list_hlsp())
    assert rows["TGLC"]["doi"] == "10.17909/610m-9474"
    assert rows["TGLC"]["source"] == "https://arxiv.org/abs/2301.03704"
    assert (rows["LEGUS"]["doi"], rows["LEGUS"]["title"], rows["LEGUS"]["source"]) == (None, None, None)
    assert rows["LEGUS"]["page"] == f"{mast_sandbox.url}/hlsp/legus"


def test_the_page_of_a_named_collection_is_read(mast_sandbox: Sandbox) -> None:
    """The DOI on a collection's page takes precedence over the package's; DOIs of source data are ignored."""
    page = "<p><b>DOI:</b> <a href='#'>10.17909/new-doi</a>.</p> <p>Source data: 10.17909/other</p>"
    mast_sandbox.faults.add("hlsp_page", Fault.answer(page, content_type="text/html"))
    row = by_name(Observations.list_hlsp("qlp"))["QLP"]
    assert (row["doi"], row["source"]) == ("10.17909/new-doi", f"{mast_sandbox.url}/hlsp/qlp")


def test_a_collection_outside_the_search_has_no_observations(mast_sandbox: Sandbox) -> None:
    """A collection that only has a page is listed with 0 observations."""
    row = by_name(Observations.list_hlsp(["TGLC", "bosz"]))["BOSZ"]
    assert (row["observations"], row["missions"], row["doi"]) == (0, None, "10.17909/T95G68")


def test_a_failing_page_only_logs_a_warning(mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """If a page cannot be read, a warning is logged and the package's facts are returned."""
    mast_sandbox.faults.add("hlsp_page", Fault.status(503), times=None)
    row = by_name(Observations.list_hlsp("QLP"))["QLP"]
    assert row["doi"] == FACTS["QLP"]["doi"]
    assert "Cannot read the page of QLP" in caplog.text


def test_collections_of_a_mission(mast_sandbox: Sandbox) -> None:
    """Collections can be selected by one or more missions, in any case."""
    assert set(by_name(Observations.list_hlsp(mission="tess"))) == {"QLP", "TESS-SPOC", "TGLC"}
    assert "JADES" in by_name(Observations.list_hlsp(mission=["TESS", "JWST"]))
    assert len(Observations.list_hlsp("QLP", mission="TESS")) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"mission": "Cassini"}, "No collection found for mission 'Cassini'. Available: HST, JWST, TESS"),
        ({"name": "QPL"}, "'QPL' is not a collection of high-level science products.*Did you mean 'QLP'"),
        ({"name": "SPOC"}, "is not a collection"),
        ({"name": "../x"}, "name must be the name of a collection, such as 'QLP', got '"),
        ({"name": 3}, "`name` must be"),
        ({"mission": []}, "mission is empty"),
    ],
)
def test_unknown_names_are_refused(mast_sandbox: Sandbox, arguments: dict[str, Any], said: str) -> None:
    """An unknown collection or mission raises an error that lists valid names."""
    with pytest.raises(InvalidQueryError, match=said):
        Observations.list_hlsp(**arguments)


def test_a_failing_service_is_an_error(mast_sandbox: Sandbox) -> None:
    """A failing service raises an error; the package's facts do not replace the response."""
    mast_sandbox.faults.add("vo_tap", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError):
        Observations.list_hlsp()


def test_a_response_without_its_columns_raises_remote_service_error(mast_sandbox: Sandbox) -> None:
    """A response without the expected columns raises RemoteServiceError."""
    table = """<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
        <INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="x" datatype="int"/>
        <DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
    mast_sandbox.faults.add("vo_tap", Fault.answer(table, content_type="application/x-votable+xml"))
    with pytest.raises(RemoteServiceError):
        Observations.list_hlsp()


def test_the_facts_of_the_package_have_sources() -> None:
    """Each known DOI is a unique MAST DOI with a source."""
    dois = [facts["doi"] for facts in FACTS.values() if facts["doi"]]
    assert len(dois) == len(set(dois)) > 10
    assert all(re.fullmatch(r"10\.17909/[\w-]+", doi) for doi in dois)
    assert all(facts["source"] and facts["title"] for facts in FACTS.values())
    assert list(FACTS) == sorted(FACTS)
    assert hlsp_facts("qlp").name == "QLP"
    assert hlsp_facts("nothing").doi is None


@pytest.mark.parametrize(
    ("text", "collection", "telescopes"),
    [
        ("hlsp_qlp_tess_ffi_s0001-0000000261136679_tess_v01_llc.fits", "QLP", ["TESS"]),
        ("HLSP_CANDELS_HST-JWST_x", "CANDELS", ["HST", "JWST"]),
        ("folder/hlsp_k2sff_k2_lightcurve_1-c102_kepler_v1_llc.fits", "K2SFF", ["K2"]),
        ("mast:HLSP/jades/dr1/image.fits", "JADES", []),
        ("mast:HLSP/tglc/hlsp_tglc_readme.txt", "TGLC", []),
        ("jw01180_nircam_hlsp_x.fits", None, []),
        ("hlsp_", None, []),
        ("", None, []),
    ],
)
def test_file_names_give_the_collection(text: str, collection: str | None, telescopes: list[str]) -> None:
    """File names give the collection, and the telescopes if present."""
    assert collection_in(text) == collection
    assert telescopes_in(text) == telescopes


WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-", min_size=1, max_size=12)


@given(WORDS, WORDS, st.text("abc_.-", max_size=20))
def test_any_collection_is_found_in_a_name(collection: str, telescope: str, rest: str) -> None:
    """Any collection is found in a name, also in a folder or in uppercase."""
    for name in (f"hlsp_{collection}_{telescope}_{rest}", f"a/b/HLSP_{collection}_{telescope}_{rest}"):
        assert collection_in(name) == collection.upper()
        assert telescopes_in(name) == telescope.upper().split("-")


@given(st.text(max_size=80), st.sampled_from(["", "10.17909/abc-1", "https://doi.org/10.17909/abc-1"]))
def test_any_page_can_be_read(text: str, doi: str) -> None:
    """Any page can be parsed, and its DOI is found if it has one."""
    cut = text.replace("<", "").replace("&", "").replace("DOI", "")
    page = read_hlsp_page(f"<p>{cut}</p><p>DOI: {doi} </p><a href='{cut}.sh'>", "https://archive.stsci.edu/hlsp/x")
    assert page.doi == ((doi and "10.17909/abc-1") or None)
