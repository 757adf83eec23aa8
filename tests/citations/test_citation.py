"""Citations from tables, manifests, folders and files, with the source of each line."""

from __future__ import annotations

import doctest
import gzip
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations, cite
from astroquery_mast.citations.citation import Citations
from astroquery_mast.citations.used_data import used_data
from astroquery_mast.downloads.fits_headers import primary_header
from astroquery_mast.sandbox import Sandbox

FACTS = json.loads(resources.files("astroquery_mast.citations").joinpath("facts.json").read_text("utf-8"))
HLSP = {
    "TELESCOP": "TESS",
    "HLSPID": "NEW",
    "HLSPNAME": "A new collection",
    "HLSPLEAD": "Ada Lovelace",
    "HLSPVER": "v2",
    "DOI": "https://doi.org/10.17909/new-1",
    "REFERENC": "2023AJ....165...71H",
    "LICENSE": "CC BY 4.0",
    "LICENURL": "https://creativecommons.org/licenses/by/4.0/",
}


def lines(citations: Citations) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the lines by kind and subject, with None for masked cells."""
    table = citations.table
    rows = [{name: None if row[name] is np.ma.masked else row[name] for name in table.colnames} for row in table]
    return {(row["kind"], row["subject"]): row for row in rows}


def write(path: Path, **keywords: Any) -> Path:
    """Write a FITS file with the given keywords in its primary header."""
    header = fits.Header(list(keywords.items()))
    fits.HDUList([fits.PrimaryHDU(header=header), fits.ImageHDU(np.zeros((8, 8)))]).writeto(path)
    return path


# -- tables ------------------------------------------------------------------------------------------------------------


def test_observations_of_a_mission(mast_sandbox: Sandbox) -> None:
    """There are lines for programs with their investigators, the acknowledgment, and the unknown DOI."""
    table = Observations.query_criteria(obs_collection="HST", proposal_id=["10452", "9073"])
    found = lines(cite(table))
    assert (
        found["program", "HST 10452"]["text"]
        == "HST program 10452, PI Beckwith, The Whirlpool Galaxy and its companion"
    )
    acknowledgment = found["acknowledgment", "HST"]
    assert "Hubble Space Telescope (ACS/WFC" in acknowledgment["text"]
    assert "programs 9073, 10452" in acknowledgment["text"]
    assert acknowledgment["url"] == acknowledgment["source"] == FACTS["acknowledgments"]
    assert found["unknown", "HST"]["url"] == FACTS["dois"]
    assert {row["source"] for (kind, _), row in found.items() if kind == "program"} == {"the table's columns"}


def test_light_curves_have_their_own_doi(mast_sandbox: Sandbox) -> None:
    """The DOI of light curves is not used for target pixel files."""
    rows = Observations.query_criteria(target_name="261136679", obs_collection="TESS", sequence_number=1)
    products = Observations.get_product_list(rows)
    curves = Observations.filter_products(products, productSubGroupDescription="LC")
    assert lines(cite(rows))["data", "TESS"]["doi"] == "10.17909/t9-nmc8-f686"
    assert set(lines(cite(curves))) == {("data", "TESS"), ("acknowledgment", "TESS")}
    pixels = Observations.filter_products(products, productSubGroupDescription="TP")
    assert set(lines(cite(pixels))) == {("unknown", "TESS"), ("acknowledgment", "TESS")}


def test_community_collections(mast_sandbox: Sandbox) -> None:
    """The DOI is known to the package or unknown, and the mission of the data is acknowledged."""
    table = Observations.query_hlsp(["TGLC", "LEGUS"])
    found = lines(cite(table))
    assert found["data", "TGLC"]["doi"] == "10.17909/610m-9474"
    assert found["data", "TGLC"]["source"] == "https://arxiv.org/abs/2301.03704; the table's columns"
    assert found["unknown", "LEGUS"]["url"] == f"{mast_sandbox.url}/hlsp/legus"
    assert {("acknowledgment", "TESS"), ("acknowledgment", "HST")} < set(found)
    assert not [kind for kind, _ in found if kind == "program"]


def test_products_rows_and_uris(mast_sandbox: Sandbox) -> None:
    """The citations do not depend on the form of the data."""
    rows = Observations.query_hlsp("TGLC", target="WASP-96")
    expected = lines(cite(rows))
    assert lines(cite(rows[0])) == lines(cite([rows[0], rows[1]])) == expected
    products = Observations.get_product_list(rows)
    assert set(lines(cite(products))) == set(expected)
    uris = products["dataURI"].tolist()
    assert set(lines(cite(uris))) == set(expected)
    assert {row["source"] for row in lines(cite(uris[1])).values() if row["kind"] != "acknowledgment"} == {
        "https://arxiv.org/abs/2301.03704"
    }


def test_a_missing_mission_is_unknown() -> None:
    """A masked mission is listed as unknown."""
    table = Table({"obs_collection": MaskedColumn(["HST", "x"], mask=[False, True]), "proposal_id": ["1", "2"]})
    expected = {("program", "HST 1"), ("unknown", "HST"), ("acknowledgment", "HST"), ("unknown", "unknown")}
    assert set(lines(cite(table))) == expected
    assert lines(cite(table))["unknown", "unknown"]["source"] == "the table's columns"


def test_an_unknown_mission() -> None:
    """The acknowledgment of an unknown mission is listed as unknown."""
    found = lines(cite(Table({"obs_collection": ["VOYAGER"]})))
    assert set(found) == {("unknown", "VOYAGER")}
    assert "for the missions of MAST" in cite(Table({"obs_collection": ["VOYAGER"]})).text()


# -- files -------------------------------------------------------------------------------------------------------------


def test_headers_of_files(tmp_path: Path) -> None:
    """The DOI, publication and license are read from the header, and each line names the file."""
    found = lines(cite(write(tmp_path / "a.fits", **HLSP)))
    assert found["data", "NEW"]["text"] == "NEW: A new collection, Ada Lovelace, version v2, doi:10.17909/new-1"
    assert found["data", "NEW"]["doi"] == "10.17909/new-1"
    assert found["reference", "NEW"]["url"] == "https://ui.adsabs.harvard.edu/abs/2023AJ....165...71H"
    assert found["license", "NEW"]["text"] == "NEW: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"
    assert {row["source"] for row in found.values()} == {"the header of a.fits", FACTS["acknowledgments"]}
    assert ("acknowledgment", "TESS") in found


def test_only_headers_are_read(tmp_path: Path) -> None:
    """The primary header is enough, also in a compressed file."""
    path = write(tmp_path / "a.fits", **HLSP)
    path.write_bytes(path.read_bytes()[:2880])
    packed = tmp_path / "b.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes() + np.random.default_rng(1).bytes(500_000))[:-40])
    assert lines(cite(path))["data", "NEW"]["doi"] == "10.17909/new-1"
    assert str(primary_header(packed)) == str(primary_header(path))


def test_a_folder(tmp_path: Path) -> None:
    """A folder is searched recursively; equal lines are combined, and different ones are kept."""
    (tmp_path / "deep").mkdir()
    for number in range(5):
        write(tmp_path / "deep" / f"{number}.fits", **HLSP)
    write(tmp_path / "other.fits", **HLSP | {"DOI": "10.17909/new-2"})
    (tmp_path / "notes.txt").write_text("nothing")
    table = cite(tmp_path).table
    assert sorted(table["doi"].compressed()) == ["10.17909/new-1", "10.17909/new-2"]
    (source,) = {row["source"] for row in table if row["doi"] == "10.17909/new-1"}
    assert source == "the header of 0.fits, the header of 1.fits, the header of 2.fits, and 2 more"


def test_a_download(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest is cited by the headers of its files, or by dataURI if a file was removed."""
    monkeypatch.chdir(tmp_path)
    rows = Observations.query_hlsp("TGLC", target="WASP-96")[:1]
    manifest = Observations.download_products(Observations.get_product_list(rows), verbose=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = lines(cite(manifest))
    assert found["data", "TGLC"]["source"].startswith("the header of hlsp_tglc_tess_ffi_tic-0000000160148385")
    assert found["reference", "TGLC"]["text"] == "TGLC: 2023AJ....165...71H"
    assert "unknown" not in {kind for kind, _ in found}
    for path in tmp_path.rglob("*.fits"):
        path.unlink()
    gone = lines(cite(manifest))
    assert gone["data", "TGLC"]["source"] == "https://arxiv.org/abs/2301.03704"
    assert ("reference", "TGLC") not in gone


def test_a_manifest_that_was_written(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest can be read from any format; failed files are not cited."""
    monkeypatch.chdir(tmp_path)
    rows = Observations.query_criteria(obs_id="j97c01010")
    products = Observations.filter_products(Observations.get_product_list(rows), productSubGroupDescription="DRC")
    manifest = Observations.download_products(products, extension="fits", verbose=False)
    expected = lines(cite(manifest))
    assert ("program", "HST 10452") in expected
    for name in ("m.ecsv", "m.xml"):
        manifest.write(tmp_path / name, format="ascii.ecsv" if name == "m.ecsv" else "votable")
        assert lines(cite(Table.read(tmp_path / name))) == expected
    manifest["Status"][0] = "ERROR"
    with pytest.raises(InvalidQueryError, match="Nothing to cite: there are no rows or no complete files"):
        cite(manifest)


@pytest.mark.parametrize(
    ("keywords", "kinds"),
    [
        (
            {"TELESCOP": "JWST", "PROGRAM": "01180", "PI_NAME": "Eisenstein, Daniel"},
            {"program", "unknown", "acknowledgment"},
        ),
        ({"TELESCOP": "HST", "PROPOSID": 0}, {"unknown", "acknowledgment"}),
        ({"TELESCOP": "Kepler", "MISSION": "K2"}, {"unknown", "acknowledgment"}),
        ({"TELESCOP": "Keck"}, {"unknown"}),
        ({"TELESCOP": " "}, {"unknown"}),
        ({"HLSPID": "X", "DOI": "' is not a valid DOI"}, {"unknown"}),
        ({"HLSPID": "QLP"}, {"data"}),
        ({"HLSPID": "X", "REFERENC": "Smith et al., in preparation"}, {"unknown", "reference"}),
        ({"HLSPID": "X", "LICENSE": "N/A", "DOI": "None"}, {"unknown"}),
    ],
)
def test_empty_and_unusual_headers(tmp_path: Path, keywords: dict[str, Any], kinds: set[str]) -> None:
    """Keywords without information give no line."""
    found = lines(cite(write(tmp_path / "a.fits", **keywords)))
    assert {kind for kind, _ in found} == kinds
    if "PROGRAM" in keywords:
        assert found["program", "JWST 1180"]["text"] == "JWST program 1180, PI Eisenstein, Daniel"
    if "MISSION" in keywords:
        assert {subject for _, subject in found} == {"K2"}


def test_a_misspelled_keyword(tmp_path: Path) -> None:
    """The misspelled keyword of one of MAST's collections is read."""
    path = write(tmp_path / "a.fits", HLSPID="HSLA", HSLPNAME="The title", DOI="10.17909/x")
    assert "The title" in lines(cite(path))["data", "HSLA"]["text"]


CONTENTS = [b"", b"SIMPLE  =", b"<html>", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage", b"SIMPLE  = T" + b" " * 9000]


@pytest.mark.parametrize("content", CONTENTS)
def test_files_that_are_not_fits_files(tmp_path: Path, content: bytes) -> None:
    """If a file cannot be read, its name is used."""
    for name in ("a.fits", "hlsp_qlp_tess_ffi_x.fits"):
        (tmp_path / name).write_bytes(content)
    found = lines(cite(tmp_path))
    assert found["unknown", "unknown"]["source"] == "the name of a.fits"
    assert found["data", "QLP"]["doi"] == "10.17909/t9-r086-e880"


@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes, begins: bool) -> None:
    """Any content gives a record, from the header or the name."""
    path = tmp_path_factory.getbasetemp() / "any.fits"
    path.write_bytes((b"SIMPLE  =                    T".ljust(80) if begins else b"") + content)
    (record,) = used_data(path)
    assert record.source in {"the header of any.fits", "the name of any.fits"}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (None, "Expected a table, a manifest, a folder or a file, got a NoneType"),
        (3, "Expected a table, a manifest, a folder or a file, got a int"),
        ("nowhere", "is not a file, a folder, or a dataURI"),
        ([], "Nothing to cite: there are no rows or no complete files"),
        (Table({"obs_collection": ["HST"]})[:0], "Nothing to cite: there are no rows or no complete files"),
        (Table({"x": [1]}), "none of the columns"),
    ],
)
def test_invalid_input_raises(what: Any, message: str) -> None:
    """The error lists the valid kinds of input."""
    with pytest.raises(InvalidQueryError, match=message):
        cite(what)


def test_a_folder_without_files(tmp_path: Path) -> None:
    """A folder without FITS files raises an error."""
    with pytest.raises(InvalidQueryError, match="No FITS files found in"):
        cite(tmp_path)


def test_an_unknown_format(tmp_path: Path) -> None:
    """A format other than text and BibTeX raises an error."""
    with pytest.raises(InvalidQueryError, match="format must be 'text' or 'bibtex', got"):
        cite(write(tmp_path / "a.fits", **HLSP), "ris")


def test_nothing_is_sent(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Citations need no network."""
    cite(write(tmp_path / "a.fits", **HLSP))
    cite(Table({"obs_collection": ["HLSP"], "provenance_name": ["X"]}))
    assert not list(mast_sandbox.requests)


def test_the_facts_have_sources() -> None:
    """Each DOI is one of MAST's and has a source and a title; each mission has a name."""
    datasets = [each for mission in FACTS["missions"].values() for each in mission.get("datasets", ())]
    assert all(re.fullmatch(r"10\.17909/[\w-]+", each["doi"]) and each["source"] and each["title"] for each in datasets)
    assert all(mission["name"] for mission in FACTS["missions"].values())


def test_the_text_is_by_kind(tmp_path: Path) -> None:
    """The text has all lines with their sources, grouped by kind."""
    citations = cite(write(tmp_path / "a.fits", **HLSP))
    text = str(citations)
    assert [line for line in text.splitlines() if line and line[0].isupper()] == [
        "Data",
        "References",
        "Licenses",
        "Acknowledgments",
    ]
    assert text.count("(source: ") == len(citations) == len(citations.table) == 4


def test_the_example_runs(mast_sandbox: Sandbox) -> None:
    """The example in the docstring runs as shown."""
    (example,) = (test for test in doctest.DocTestFinder(recurse=False).find(cite, "cite") if test.examples)
    message: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=message.append)
    assert tried > 0
    assert not failed, "".join(message)
