"""Visits, pages and proposals over real HTTP: new and old addresses, XML and HTML, and failures."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from astroquery_mast import Observations, Programs, ProgramsClass, conf
from astroquery_mast.exceptions import (
    DownloadError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    NoResultsWarning,
    QueryTimeoutError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox

PAGES = ("visits", "visits_old")


def answer(body: str, status: int = 200) -> Fault:
    """Return a fault that responds with a page."""
    return Fault.answer(body.encode(), status=status, content_type="text/html")


def cells(table: Table) -> dict[str, list[Any]]:
    """Return the cells of a table, times as text and masked cells as None."""
    found = {}
    for name in table.colnames:
        column = table[name]
        found[name] = column.isot.tolist() if isinstance(column, Time) else column.tolist()
    return found


# -- visits ----------------------------------------------------------------------------------------------------------


def test_visits_have_times_and_units(mast_sandbox: Sandbox) -> None:
    """Times are Time columns, hours have a unit, and unknown values are masked."""
    visits = Programs.get_visits(1783)
    assert isinstance(visits["start"], Time)
    assert visits["hours"].unit == u.hour
    assert visits["status"].tolist() == ["Archived"] * 4 + ["Skipped", "Failed - Archived"]
    assert visits["start"].mask.tolist() == [False] * 4 + [True, False]
    assert (visits["end"] > visits["start"])[:4].all()
    assert visits["plan_windows"].mask.all()
    assert visits["configuration"][4] == "NIRCam Imaging; MIRI Imaging"


def test_repetitions_refer_to_each_other(mast_sandbox: Sandbox) -> None:
    """The failed visit and the one that repeats it name each other."""
    visits = Programs.get_visits("JWST 1783")
    failed, again = visits[5], visits[3]
    assert (failed["repeated_by"], again["repeat_of"]) == ("4:1", "6:1")
    assert failed["problem"] == again["problem"] == "88721"
    assert np.ma.is_masked(failed["repeat_of"])
    pending = Programs.get_visits(9214)
    assert pending["repeat_pending"].tolist() == [False, False, True, False, False]


def test_plan_windows_are_pairs_of_times(mast_sandbox: Sandbox) -> None:
    """Each window has a start and an end; a visit with fewer windows has masked ones."""
    visits = Programs.get_visits(9214)
    windows = visits["plan_windows"]
    assert windows.shape == (5, 2, 2)
    assert windows.mask[:, :, 0].sum(axis=1).tolist() == [1, 0, 2, 1, 2]
    assert (windows[1, :, 1] > windows[1, :, 0]).all()
    assert visits["plan_start"][1] == windows[1, 0, 0]
    assert visits["plan_end"][1] == windows[1, 1, 1]
    assert visits["plan_status"][2].startswith("Ready for long range planning")


def test_file_names_begin_with_the_visit_id(mast_sandbox: Sandbox) -> None:
    """An exposure belongs to the visit whose visit_id begins its name."""
    visits = Programs.get_visits(1783)
    exposures = Observations.query_criteria(proposal_id="1783", obs_collection="JWST", calib_level=2)
    archived = set(visits["visit_id"][visits["status"] == "Archived"])
    assert {name[: len("jw01783001001")] for name in exposures["obs_id"]} == archived


@pytest.mark.parametrize("program", ["JWST 1783", "JWST 9214", "JWST 9301", "HST 13937", "HST 17862"])
def test_all_addresses_and_formats_give_the_same_table(mast_sandbox: Sandbox, program: str) -> None:
    """XML and HTML, at the new and the old address, have the same information on every visit."""
    whole = cells(Programs.get_visits(program))
    assert len(mast_sandbox.requests.of("visits")) == 1
    mast_sandbox.faults.add("visits", Fault.status(404), times=1)
    assert cells(Programs.get_visits(program)) == whole
    assert len(mast_sandbox.requests.of("visits_old")) == 1
    mast_sandbox.faults.add("visits", Fault.status(404), times=1)
    mast_sandbox.faults.add("visits_old", Fault.status(404), times=None)
    assert cells(Programs.get_visits(program)) == whole
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("visits", Fault.status(404), times=None)
    mast_sandbox.faults.add("visits_old", Fault.status(404), times=1)
    assert cells(Programs.get_visits(program)) == whole


def test_the_table_has_its_address_and_time(mast_sandbox: Sandbox) -> None:
    """The address can be opened, and the time of the report is in UTC."""
    visits = Programs.get_visits(1783)
    assert visits.meta["report_time"] == ["2026-11-23T10:52:19"]
    assert requests.get(visits.meta["url"][0], timeout=5).text.count("<visit ") == len(visits)


def test_the_table_can_be_written_and_read_again(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """ECSV keeps times, masks and units."""
    visits = Programs.get_visits(9214)
    visits.write(tmp_path / "visits.ecsv")
    again = Table.read(tmp_path / "visits.ecsv")
    known = ~visits["plan_start"].mask
    assert (~again["plan_start"].mask).tolist() == known.tolist()
    assert again["plan_start"][known].isot.tolist() == visits["plan_start"][known].isot.tolist()
    assert again["hours"].unit == u.hour


@pytest.mark.parametrize("call", [Programs.get_visits, Programs.get_program])
def test_an_unknown_program_raises_a_query_error(mast_sandbox: Sandbox, call: Any) -> None:
    """The error names the program and the other mission, after one request."""
    with pytest.raises(InvalidQueryError, match=r"JWST 99999.*not available.*mission='HST'"):
        call(99999)
    assert len(mast_sandbox.requests) == 1


def test_a_program_without_pages_raises_a_query_error(mast_sandbox: Sandbox) -> None:
    """One error is raised if all addresses respond with 404."""
    for name in PAGES:
        mast_sandbox.faults.add(name, Fault.status(404), times=None)
    with pytest.raises(InvalidQueryError, match="The report of visits of JWST 1783 was not found at any known URL"):
        Programs.get_visits(1783)


def test_a_changed_page_raises_one_error(mast_sandbox: Sandbox) -> None:
    """The error has the problem and an address to check, and there are no retries."""
    for name in PAGES:
        mast_sandbox.faults.add(name, answer("<html><body><h1>Welcome to our new site</h1></body></html>"), times=None)
    with pytest.raises(
        InvalidResponseError,
        match="the page has no table of visits",
    ) as raised:
        Programs.get_visits(1783)
    assert "The format of the report has changed" in str(raised.value)
    assert len(mast_sandbox.requests) == 4


def test_another_format_is_read_if_one_has_changed(mast_sandbox: Sandbox) -> None:
    """The next address is requested."""
    mast_sandbox.faults.add("visits", answer("<html>new</html>"), times=1)
    assert len(Programs.get_visits(1783)) == 6


@pytest.mark.parametrize(
    "fault", [Fault.garbage(), Fault.status(500), Fault.reset(), Fault.cut(100), Fault.status(503, retry_after=1)]
)
def test_transient_faults_are_retried_and_persistent_ones_raise(mast_sandbox: Sandbox, fault: Fault) -> None:
    """A transient fault is recovered; a persistent one raises a service error."""
    mast_sandbox.faults.add("visits", fault, times=1)
    assert len(Programs.get_visits(1783)) == 6
    for name in PAGES:
        mast_sandbox.faults.add(name, fault, times=None)
    with pytest.raises(MastError) as raised:
        Programs.get_visits(1783, timeout=20)
    assert isinstance(raised.value, ServerError | InvalidResponseError | QueryTimeoutError)


def test_the_timeout_applies_to_all_addresses(mast_sandbox: Sandbox) -> None:
    """A silent site does not extend a call beyond its timeout."""
    for name in PAGES:
        mast_sandbox.faults.add(name, Fault.delay(30), times=None)
    with pytest.raises(QueryTimeoutError, match=r"0\.3 s"):
        Programs.get_visits(1783, timeout=0.3)


def test_a_program_without_visits_has_an_empty_table(mast_sandbox: Sandbox) -> None:
    """The table has its columns, and there is a warning."""
    empty = '<visitStatusReport observatory="JWST" id="1783"/>'
    mast_sandbox.faults.add("visits", Fault.answer(empty.encode(), content_type="text/xml"))
    with pytest.warns(NoResultsWarning, match="JWST 1783 has no visits"):
        visits = Programs.get_visits(1783)
    assert (len(visits), visits["plan_windows"].shape) == (0, (0, 1, 2))


def test_no_token_is_sent_to_the_site(mast_sandbox: Sandbox) -> None:
    """The pages are public, and their server must not receive tokens."""
    mine = ProgramsClass()
    mine.login(mast_sandbox.token)
    with conf.set_temp("programs_server", mast_sandbox.url.replace("127.0.0.1", "localhost")):
        mine.get_program(1783)
    assert "authorization" not in mast_sandbox.requests[-1].headers


# -- pages -----------------------------------------------------------------------------------------------------------


def test_the_page_of_a_program_is_read(mast_sandbox: Sandbox) -> None:
    """Facts are found by their labels, and the links are valid."""
    program = Programs.get_program("GO-1783")
    assert (program.number, program.category, program.cycle) == (1783, "GO", 1)
    assert program.title == "Feedback in emerging extragalactic star clusters"
    assert program.facts["PI Institution"] == "Stockholm University"
    assert program.status == "Program has been Completed"
    for link in program.links.values():
        assert requests.get(link, timeout=5).status_code == 200


def test_the_old_page_has_the_same_information(mast_sandbox: Sandbox) -> None:
    """If the new address fails, the old one is requested, for HST as well."""
    for name in ("GO-1783", "HST 13937"):
        new = Programs.get_program(name)
        mast_sandbox.faults.add("program", Fault.status(404))
        assert Programs.get_program(name) == new
        assert mast_sandbox.requests[-1].endpoint == "program_old"


def test_a_page_without_a_title_raises_one_error(mast_sandbox: Sandbox) -> None:
    """The page must have the common facts, and must be that of the program."""
    other = "<h1>GO 1784</h1><p><b>Title:</b> x<br><b>Principal Investigator:</b> y</p>"
    for body, what in (("<h1>GO 1783</h1>", "'Title' and 'Principal Investigator'"), (other, "the number")):
        for name in ("program", "program_old"):
            mast_sandbox.faults.add(name, answer(f"<html>{body}</html>"), times=None)
        with pytest.raises(InvalidResponseError, match=f"The format of the page has changed: {what}"):
            Programs.get_program(1783)
        mast_sandbox.faults.clear()


def test_a_row_of_observations_leads_to_its_program(mast_sandbox: Sandbox) -> None:
    """Rows of HST and JWST each lead to their own program."""
    for mission in ("HST", "JWST"):
        row = Observations.query_criteria(obs_collection=mission, target_name="M101")[0]
        program = Programs.get_program(row)
        assert (program.mission, str(program.number)) == (mission, row["proposal_id"])


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_proposal_is_downloaded(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The APT file and the PDF are complete, and there are no other files."""
    manifest = Programs.download_apt(1783, download_dir=tmp_path, pdf=True, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    folder = tmp_path / "mastDownload" / "JWST" / "1783"
    with zipfile.ZipFile(folder / "1783.aptx") as proposal:
        assert b"<ProposalID>1783</ProposalID>" in proposal.read("1783.xml")
    assert (folder / "1783.pdf").read_bytes().startswith(b"%PDF")
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {"1783.aptx", "1783.pdf"}


def test_a_proposal_of_hst_is_xml(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Its file name has another extension."""
    Programs.download_apt("HST 13937", download_dir=tmp_path, verbose=False)
    assert b"HstProposal" in (tmp_path / "mastDownload/HST/13937/13937.apt").read_bytes()


def test_a_proposal_is_requested_from_both_addresses(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """If the first address has no file, or a web page, the second one is requested."""
    for fault in (Fault.status(404), answer("<html><body>This page has moved</body></html>")):
        mast_sandbox.faults.add("proposal_jwst_old", fault, times=None)
        manifest = Programs.download_apt(1783, download_dir=tmp_path, overwrite="always", verbose=False)
        assert manifest["Status"].tolist() == ["COMPLETE"]
        assert "jwst-program-info/download" in manifest["dataURI"][0]
        mast_sandbox.faults.clear()


@pytest.mark.parametrize("fault", [Fault.cut(100), answer("<html>no</html>"), answer("{}"), Fault.status(500)])
def test_a_proposal_is_complete_or_missing(mast_sandbox: Sandbox, tmp_path: Path, fault: Fault) -> None:
    """After a failure, or for a web page, there is no file with the final name, and the manifest has the reason."""
    for name in ("proposal_jwst_old", "proposal_jwst"):
        mast_sandbox.faults.add(name, fault, times=None)
    manifest = Programs.download_apt(1783, download_dir=tmp_path, on_error="ignore", verbose=False)
    assert manifest["Status"].tolist() == ["ERROR"]
    assert manifest["Message"][0]
    assert not (tmp_path / "mastDownload/JWST/1783/1783.aptx").exists()
    mast_sandbox.faults.clear()
    assert Programs.retry_downloads(manifest, verbose=False)["Status"].tolist() == ["COMPLETE"]


def test_an_unknown_program_has_no_proposal(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The failure is in the manifest, and raised on request."""
    with pytest.raises(DownloadError, match="404"):
        Programs.download_apt(99999, download_dir=tmp_path, on_error="raise", verbose=False)


def test_an_existing_file_is_kept_and_verified(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The second call changes nothing, and a dry run downloads nothing."""
    plan = Programs.download_apt(1783, download_dir=tmp_path, dry_run=True)
    assert plan["Action"].tolist() == ["fetch"]
    assert not list(tmp_path.iterdir())
    first = Programs.download_apt(1783, download_dir=tmp_path, verbose=False)
    path = Path(first["Local Path"][0])
    before = path.stat().st_mtime_ns
    assert Programs.download_apt(1783, download_dir=tmp_path, verbose=False)["Status"].tolist() == ["COMPLETE"]
    assert path.stat().st_mtime_ns == before
    assert Programs.verify_downloads(first, verbose=False)["Status"].tolist() == ["OK"]
