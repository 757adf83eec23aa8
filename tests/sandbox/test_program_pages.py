"""Program pages, and the planned observations in the archive."""

from __future__ import annotations

import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.archive import Archive

JWST_XML = "/jwst-program-info/visits/?program={}&download=&pi=1"
OLD = "/cgi-bin/get-visit-status?id={}&markupFormat={}&observatory={}"


def get(box: Sandbox, path: str) -> requests.Response:
    """Request a page."""
    return requests.get(box.url + path, timeout=10)


def visits(box: Sandbox, path: str) -> list[ElementTree.Element]:
    """Return the visits in an XML report."""
    response = get(box, path)
    assert response.headers["Content-Type"].startswith("text/xml")
    return ElementTree.fromstring(response.text).findall("visit")


def test_a_visit_was_skipped_and_another_one_repeated(box: Sandbox) -> None:
    """Program 1783 has a skipped visit, and a failed one that was repeated."""
    found = {visit.get("observation"): visit for visit in visits(box, JWST_XML.format(1783))}
    assert found["5"].findtext("status") == "Skipped"
    assert found["5"].find("startTime") is None
    assert found["6"].findtext("repeatedBy/observation") == "4"
    assert found["4"].findtext("repeatOf/observation") == "6"


def test_the_visits_are_those_of_the_archive(box: Sandbox) -> None:
    """Each archived visit has observations in the archive at the same time."""
    archive = Archive()
    rows = archive.query("SELECT DISTINCT substr(obs_id, 10, 4) AS o FROM observation WHERE obs_id LIKE 'jw01783-o%'")
    archived = [v.get("observation") for v in visits(box, JWST_XML.format(1783)) if v.findtext("status") == "Archived"]
    assert sorted(archived) == sorted(str(int(row["o"][:3])) for row in rows)
    archive.close()


def test_planned_visits_have_up_to_two_windows(box: Sandbox) -> None:
    """Visits without a plan window have a status instead."""
    found = visits(box, JWST_XML.format(9214))
    assert [len(visit.findall("planWindow")) for visit in found] == [1, 2, 0, 1, 0]
    assert found[2].findtext("longRangePlanStatus")


@pytest.mark.parametrize("mission", ["JWST", "HST"])
def test_old_and_new_addresses_serve_both_forms(box: Sandbox, mission: str) -> None:
    """Both addresses return the same visits in XML; a page has tables with headings for its mission."""
    number = {"JWST": 9301, "HST": 13937}[mission]
    new = get(box, f"/{mission.lower()}-program-info/visits/?program={number}&download=")
    assert get(box, OLD.format(number, "xml", mission)).text == new.text
    page = get(box, OLD.format(number, "html", mission)).text
    assert page == get(box, f"/{mission.lower()}-program-info/visits/?program={number}").text
    assert ("<th>Observation</th>" in page) == (mission == "JWST")
    assert "<table" in page


def test_an_unknown_program_has_a_page(box: Sandbox) -> None:
    """The response is a page with status 200, even if XML was requested."""
    for path in (JWST_XML.format(99999), OLD.format("x<y", "xml", "HST"), "/jwst-program-info/program/?program=99999"):
        response = get(box, path)
        assert (response.status_code, "not available via this interface" in response.text) == (200, True)
        assert "x<y" not in response.text


def test_proposals_are_files(box: Sandbox) -> None:
    """Proposals are zip files with XML for JWST and XML for HST, and also PDF; other files are 404."""
    for path in ("/jwst/phase2-public/1783.aptx", "/jwst-program-info/download/jwst/apt/1783/"):
        assert zipfile.ZipFile(BytesIO(get(box, path).content)).namelist() == ["1783.xml"]
    assert ElementTree.fromstring(get(box, "/hst/phase2-public/13937.apt").content).tag.endswith("HstProposal")
    for path in ("/hst/phase2-public/13937.pdf", "/hst-program-info/download/hst/pdf/13937/"):
        assert get(box, path).content.startswith(b"%PDF")
    for path in ("/jwst/phase2-public/1.aptx", "/jwst/phase2-public/1783.exe", "/jwst-program-info/download/x/"):
        assert get(box, path).status_code == 404


def test_the_page_of_a_program_leads_to_its_files(box: Sandbox) -> None:
    """The links of a program page work."""
    page = get(box, "/jwst-program-info/program/?program=1783").text
    assert page == get(box, "/cgi-bin/get-proposal-info?id=1783&observatory=JWST").text
    assert "/jwst-program-info/download/jwst/apt/1783/" in page


def test_faults_work_on_the_pages(box: Sandbox) -> None:
    """Old and new addresses are separate endpoints."""
    box.faults.add("visits", Fault.status(503))
    assert get(box, JWST_XML.format(1783)).status_code == 503
    assert get(box, OLD.format(1783, "xml", "JWST")).status_code == 200


def test_planned_observations_are_of_all_kinds() -> None:
    """There are mosaics, moving targets, some without a time, some without a footprint, and none has files."""
    archive = Archive()
    planned = archive.query("SELECT * FROM observation WHERE calib_level = -1")
    assert {row["target_name"] for row in planned} >= {"IO", "NEPTUNE", "M101", "COSMOS"}
    assert {row["provenance_name"] for row in planned} == {"APT"}
    for name in ("t_min", "s_region", "t_exptime"):
        assert {row[name] is None for row in planned} == {True, False}
    archive.close()
