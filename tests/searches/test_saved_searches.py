"""Saved searches on the sandbox, in which time passes."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from astroquery.exceptions import InvalidQueryError, NoResultsWarning, RemoteServiceError

from astroquery_mast import (
    VO,
    CasJobs,
    Catalogs,
    Changes,
    JwstFiles,
    MastMissions,
    MastMissionsClass,
    Observations,
    ObservationsClass,
    Programs,
    SavedSearch,
    compat,
    conf,
)
from astroquery_mast.exceptions import QueryTimeoutError, SavedSearchError
from astroquery_mast.sandbox import Fault, Sandbox

MOSAIC = "jw01783-o001_t006_nircam_clear-f115w"
EXCLUSIVE = "jw03435-o001_t006_nircam_clear-f140m"
PLANNED = "jw09202-o001_t006_nirspec_g235h-f170lp"


@pytest.fixture(autouse=True)
def folder(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a sandbox."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary(changes: Changes, name: str = "obs_id") -> set[tuple[str, str]]:
    return {(str(row["change"]), str(row[name])) for row in changes}


def jwst(**options: Any) -> SavedSearch:
    """A search for observations of three programs."""
    return SavedSearch(
        "jwst", Observations.query_criteria, obs_collection="JWST", proposal_id=["1783", "3435", "9202"], **options
    )


# -- what is told of ---------------------------------------------------------------------------------------------------


def test_the_first_run_tells_of_nothing_and_later_ones_of_what_has_changed(mast_sandbox: Sandbox) -> None:
    """Every kind that rows of observations have; a change is told of once, and looking does not move the state."""
    search = jwst()
    assert not search.state_path.exists()
    assert len(search.peek()) == 0
    assert not search.state_path.exists()
    first = search.changes()
    assert (len(first), first.exit_code, first.meta["since"]) == (0, 0, "")
    assert len(search.changes()) == 0
    mast_sandbox.add(MOSAIC, obs_id="jw01783-o999_t006_nircam_clear-f115w")
    mast_sandbox.remove("jw01783-o001_t006_nircam_clear-f150w")
    mast_sandbox.release(EXCLUSIVE)
    mast_sandbox.reprocess(PLANNED, calib_level=2)
    state = search.state_path.read_bytes()
    peeked = search.peek()
    assert search.state_path.read_bytes() == state
    changes = search.changes()
    assert summary(peeked) == summary(changes)
    assert summary(changes) == {
        ("NEW", "jw01783-o999_t006_nircam_clear-f115w"),
        ("GONE", "jw01783-o001_t006_nircam_clear-f150w"),
        ("PUBLIC NOW", EXCLUSIVE),
        ("CALIBRATION LEVEL UP", PLANNED),
        ("PUBLIC NOW", PLANNED),
    }
    assert changes.exit_code == 1
    assert len(search.changes()) == 0


def test_the_day_of_a_release_passes(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the archive still says that data are exclusive: the date has passed."""
    search = SavedSearch("one", Observations.query_criteria, obs_id=EXCLUSIVE)
    search.changes()
    release = float(search.run()["t_obs_release"][0])
    from astroquery_mast.searches import search as module

    monkeypatch.setattr(module.clock, "time", lambda: float(Time(release + 0.5, format="mjd").unix))
    (row,) = search.changes()
    assert (row["change"], row["obs_id"]) == ("PUBLIC NOW", EXCLUSIVE)
    assert row["reason"] == f"t_obs_release: {Time(release, format='mjd').iso[:10]} has passed"
    assert len(search.changes()) == 0


def test_files_of_observations_are_watched(mast_sandbox: Sandbox) -> None:
    """Rows of observations do not tell of a new version; those of products do, and can be downloaded."""
    rows, files = jwst(), SavedSearch("files", Observations.query_criteria, obs_id=MOSAIC, watch_products=True)
    for search in (rows, files):
        search.changes()
    mast_sandbox.reprocess(MOSAIC, cal_ver="9.9")
    assert len(rows.changes()) == 0
    changes = SavedSearch.open("files").changes()
    assert {str(each) for each in changes["change"]} == {"REPROCESSED"}
    assert changes["dataURI"].tolist() == [f"mast:JWST/product/{MOSAIC}_i2d.fits"]
    assert "prvversion: 1.18.0 -> 9.9; size: " in changes["reason"][0]
    manifest = Observations.download_products(changes, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"]


def test_files_found_by_header_keywords(mast_sandbox: Sandbox) -> None:
    """Their key is the file; checksum, size and versions prove that they are new, and releases make them public."""
    search = SavedSearch("files", JwstFiles.query_criteria, program=[1783, 3435], suffix="i2d")
    search.changes()
    mast_sandbox.reprocess(MOSAIC, cal_ver="9.9", crds_ctx="jwst_9999.pmap")
    mast_sandbox.release(EXCLUSIVE)
    changes = search.changes()
    assert summary(changes, "filename") == {
        ("REPROCESSED", f"{MOSAIC}_i2d.fits"),
        ("PUBLIC NOW", f"{EXCLUSIVE}_i2d.fits"),
    }
    reason = next(str(row["reason"]) for row in changes if row["change"] == "REPROCESSED")
    assert reason.startswith("cal_ver: 1.18.0 -> 9.9; crds_ctx: jwst_1364.pmap -> jwst_9999.pmap; fileSize: ")
    assert "checksum: " in reason
    manifest = JwstFiles.download_products(changes, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}


@pytest.mark.parametrize("mission", ["jwst", "hst"])
def test_datasets_of_missions(mast_sandbox: Sandbox, mission: str) -> None:
    """By their names; all rows and all columns are asked for, so that versions are among them."""
    client = MastMissionsClass(mission=mission)
    criteria = {"program": 1783} if mission == "jwst" else {"sci_pep_id": 10452}
    search = SavedSearch("mission", client.query_criteria, **criteria)
    search.changes()
    found = search.run()
    column = "fileSetName" if mission == "jwst" else "sci_data_set_name"
    name, other = str(found[column][0]), str(found[column][1])
    assert json.loads(search.path.read_text())["arguments"]["mission"] == mission
    mast_sandbox.reprocess(name.lower(), cal_ver="9.9")
    mast_sandbox.remove(other.lower())
    changes = SavedSearch.open(search.path).changes()
    # The sandbox has versions for JWST only.
    expected = {("GONE", other), *([("REPROCESSED", name)] if mission == "jwst" else [])}
    # Without an association its exposures stand for themselves, and are new.
    assert {each for each in summary(changes, column) if each[0] != "NEW"} == expected
    products = client.get_product_list(changes[changes["change"] != "GONE"] if mission == "jwst" else found[:1])
    assert set(products["dataset"]) == {name}


def test_planned_observations_with_masked_cells(mast_sandbox: Sandbox) -> None:
    """They are compared, kept and told of like others."""
    search = SavedSearch("planned", Programs.query_planned, proposal_id="9202")
    search.changes()
    mast_sandbox.remove(PLANNED)
    changes = search.changes()
    assert summary(changes) == {("GONE", PLANNED)}
    assert changes["t_min"].mask.tolist() == [True]
    assert "GONE (1)" in changes.as_text()


def test_rows_can_be_given_on(mast_sandbox: Sandbox) -> None:
    """As those of the search: to lists of products and downloads."""
    search = SavedSearch("m51", Observations.query_object, "M51", radius=0.1 * u.deg)
    search.changes()
    where = {"s_ra": 202.47, "s_dec": 47.195}
    mast_sandbox.add(MOSAIC, obs_id="jw01783-o999_t006_nircam_clear-f115w", **where)
    changes = search.changes()
    assert len(changes) == 1
    products = Observations.get_product_list(changes)
    assert any("o999" in name for name in products["productFilename"])
    manifest = Observations.download_products(changes[0], extension="fits", verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_nothing_found_yet(mast_sandbox: Sandbox) -> None:
    """A search for what will come finds it when it has come, and it can go again."""
    search = SavedSearch("new", Observations.query_criteria, obs_id="jw0178300*_new")
    for _ in range(2):
        with pytest.warns(NoResultsWarning):
            assert len(search.changes()) == 0
    mast_sandbox.add(MOSAIC, obs_id="jw01783001_new")
    assert summary(search.changes()) == {("NEW", "jw01783001_new")}
    mast_sandbox.remove("jw01783001_new")
    with pytest.warns(NoResultsWarning):
        assert summary(search.changes()) == {("GONE", "jw01783001_new")}


def test_the_archive_is_asked_each_time(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Also where answers are kept on disk."""
    search = SavedSearch("kept", MastMissions.query_criteria, mission="jwst", program=1783)
    MastMissions.cache_location = tmp_path
    try:
        with conf.set_temp("cache", True):
            search.changes()
            mast_sandbox.remove(MOSAIC)
            assert summary(search.changes(), "fileSetName") == {("GONE", MOSAIC)}
    finally:
        MastMissions.reset_cache_location()


def test_columns_come_and_go(mast_sandbox: Sandbox) -> None:
    """An archive whose answers have other columns than before has not changed everything."""
    search = jwst()
    search.changes()

    def other_columns(answer: dict[str, Any]) -> dict[str, Any]:
        fields = [field for field in answer["fields"] if field["name"] not in {"dataRights", "calib_level"}]
        return {**answer, "fields": [*fields, {"name": "checksum", "type": "string"}]}

    mast_sandbox.faults.add(
        "invoke", Fault.edit(other_columns), where=lambda record: b"Mast.Caom.Filtered" in record.body, times=1
    )
    assert len(search.changes()) == 0
    assert len(search.changes()) == 0


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_is_small_and_readable(folder: Path) -> None:
    """What the search is, as it was called, and nothing else."""
    search = SavedSearch("m51", Observations.query_criteria, object_name="M51", t_min=[Time("2022-07-01"), None])
    assert search.path == Path("m51.json")
    assert json.loads(search.path.read_text("utf-8")) == {
        "saved search": 1,
        "call": "Observations.query_criteria",
        "arguments": {
            "object_name": "M51",
            "t_min": [{"time": "2022-07-01T00:00:00.000000000", "scale": "utc"}, None],
        },
    }
    assert repr(search) == "<SavedSearch m51: Observations.query_criteria, in m51.json>"
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") == ["m51.json"]


def test_a_file_has_no_token(mast_sandbox: Sandbox) -> None:
    """Neither that of the client, nor in an argument; who opens it asks with a login of their own."""
    token = mast_sandbox.token
    Observations.login(token)
    search = jwst()
    search.changes()
    for path in (search.path, search.state_path):
        assert token not in path.read_text("utf-8")
    with pytest.raises(InvalidQueryError, match="a token or a password"):
        SavedSearch("secret", Observations.query_criteria, target_name=token)
    with pytest.raises(InvalidQueryError, match="Cannot save 'mast_token'"):
        SavedSearch("secret", Observations.query_criteria, obs_collection="JWST", mast_token="unknown")
    with pytest.raises(InvalidQueryError, match="a token or a password"):
        SavedSearch("secret", VO.query_tap, "SELECT 1", service="https://me:word@example.org/tap")
    assert not Path("secret.json").exists()


ARGUMENTS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "position": (Observations.query_region, (SkyCoord(202.47, 47.195, unit="deg"),), {"radius": 6 * u.arcmin}),
    "polygon": (Observations.query_region, (), {"region": [(202.4, 47.1), (202.6, 47.1), (202.5, 47.3)]}),
    "targets": (Observations.query_region, (Table({"ra": [202.47], "dec": [47.195]}),), {"radius": "0.1 deg"}),
    "names": (Observations.query_object, (["M51", "M 101"],), {}),
    "criteria": (
        Observations.query_criteria,
        (),
        {"proposal_id": np.array(["1783"]), "em_min": (None, 5 * u.um), "calib_level": ">=2"},
    ),
    "count": (MastMissions.query_region, ("202.47 47.195",), {"radius": 3.0, "mission": "hst"}),
    "adql": (Observations.query_tap, ("SELECT * FROM dbo.obspointing WHERE proposal_id = '1783'",), {}),
    "tap": (VO.query_tap, ("SELECT obs_id, calib_level FROM dbo.obspointing WHERE proposal_id = '1783'",), {}),
}


@pytest.mark.parametrize("form", ARGUMENTS)
def test_a_search_finds_the_same_when_it_is_opened(form: str) -> None:
    """With all kinds of arguments; its state stays that of the same search."""
    query, positional, keywords = ARGUMENTS[form]
    search = SavedSearch(f"{form}.json", query, *positional, **keywords)
    assert len(search.changes()) == 0
    opened = SavedSearch.open(f"{form}.json")
    assert len(opened.changes()) == 0
    found, again = search.run(), opened.run()
    assert len(found) > 0
    assert found.colnames == again.colnames
    assert len(found) == len(again)
    SavedSearch(f"{form}.json", query, *positional, **keywords)


def test_a_script_begins_with_the_same_line_every_day(mast_sandbox: Sandbox) -> None:
    """The file that is there goes on; another search of that name is refused, and nothing is written."""
    jwst().changes()
    mast_sandbox.remove(MOSAIC)
    assert summary(jwst().changes()) == {("GONE", MOSAIC)}
    before = Path("jwst.json").read_bytes()
    with pytest.raises(SavedSearchError, match="another search"):
        SavedSearch("jwst", Observations.query_criteria, obs_collection="HST")
    with pytest.raises(SavedSearchError, match="another search"):
        jwst(watch_products=True)
    assert Path("jwst.json").read_bytes() == before


def test_a_file_that_was_changed_does_not_go_with_the_old_state() -> None:
    """Otherwise everything would be new or gone."""
    search = jwst()
    search.changes()
    search.path.write_text(search.path.read_text("utf-8").replace('"3435"', '"1386"'), "utf-8")
    opened = SavedSearch.open("jwst")
    for call in (opened.changes, opened.peek):
        with pytest.raises(SavedSearchError, match=r"jwst\.state\.json is the state of another search"):
            call()
    opened.state_path.unlink()
    assert len(opened.changes()) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"saved search": 1', '"saved search": 2'),
        ("Observations.query_criteria", "Observations.download_products"),
        ("Observations.query_criteria", "Observations.login"),
        ("Observations.query_criteria", "CasJobs.query"),
        ("Observations.query_criteria", "os.system"),
        ("Observations.query_criteria", "conf.query_x"),
        ("Observations.query_criteria", "Observations"),
        ('"arguments": {', '"arguments": 3, "x": {'),
        ('"obs_collection"', '"limit": 3, "obs_collection"'),
        ('"JWST"', '{"time": "x", "scale": "utc"}'),
        ('"arguments"', '"row_key": 3, "arguments"'),
        ('"arguments"', '"watch_products": 3, "arguments"'),
        ('"arguments"', '"positional": 3, "arguments"'),
        ('"arguments"', '"positional": [1, 2], "arguments"'),
        ("{", ""),
    ],
)
def test_a_file_that_is_not_one_of_a_search(old: str, new: str) -> None:
    """It is refused with its name; and nothing is called that is not a query."""
    path = jwst().path
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(SavedSearchError, match=r"jwst\.json( |: )"):
        SavedSearch.open("jwst")


def test_what_is_not_a_query_is_refused(folder: Path) -> None:
    """Before anything is written: other functions, calls without a table, and parts of results."""
    for query in (
        len,
        print,
        Observations.download_products,
        Observations.query_criteria_count,
        Observations.query_criteria_async,
        Observations.query_criteria_iter,
        ObservationsClass.query_criteria,
        CasJobs.query,
        Observations,
        None,
    ):
        with pytest.raises(InvalidQueryError, match="Use a query method that returns a table, such as"):
            SavedSearch("x", query, obs_collection="JWST")  # type: ignore[arg-type]
    for refused in ({"limit": 5}, {"page": 2}, {"cache": True}, {"get_query_payload": True}, {"timeout": 3}):
        with pytest.raises(InvalidQueryError, match=f"Cannot save '{next(iter(refused))}'"):
            SavedSearch("x", Observations.query_criteria, obs_collection="JWST", **refused)
    with pytest.raises(InvalidQueryError, match="cannot be called like this"):
        SavedSearch("x", Observations.query_region, radius=3, no_such=1)
    with pytest.raises(InvalidQueryError, match="which already returns files"):
        SavedSearch("x", JwstFiles.query_criteria, program=1783, watch_products=True)
    with pytest.raises(InvalidQueryError, match="row_key"):
        SavedSearch("x", Observations.query_criteria, obs_collection="JWST", row_key=[])
    for path in ("", None, 3, "x.state.json", b"x"):
        with pytest.raises(InvalidQueryError, match="file"):
            SavedSearch(path, Observations.query_criteria, obs_collection="JWST")  # type: ignore[arg-type]
    SavedSearch("allowed", Observations.query_criteria, obs_collection="JWST", limit=None, cache=False)
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["allowed.json"]


def test_rows_of_other_tables_need_a_key() -> None:
    """It tells rows apart, or is refused with the columns that there are; nothing is kept then."""
    where = {"catalog": "Gaia", "radius": 0.02 * u.deg}
    search = SavedSearch("stars", Catalogs.query_object, "M51", **where)
    with pytest.raises(InvalidQueryError, match="Specify row_key"):
        search.changes()
    wrong = SavedSearch("wrong", Catalogs.query_object, "M51", row_key="no_such", **where)
    with pytest.raises(InvalidQueryError, match="Column 'no_such' of row_key not found in the result"):
        wrong.changes()
    assert not wrong.state_path.exists()
    with_key = SavedSearch("key", Catalogs.query_object, "M51", row_key="source_id", **where)
    assert len(with_key.changes()) == 0
    assert len(SavedSearch.open("key").changes()) == 0
    equal = SavedSearch("equal", Observations.query_criteria, proposal_id="1783", row_key="target_name")
    with pytest.raises(InvalidQueryError, match="is not unique"):
        equal.changes()


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_an_archive_that_fails_moves_nothing(mast_sandbox: Sandbox) -> None:
    """What has changed is told of when it answers again."""
    search = jwst()
    search.changes()
    state = search.state_path.read_bytes()
    mast_sandbox.remove(MOSAIC)
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        search.changes()
    mast_sandbox.faults.clear()
    assert search.state_path.read_bytes() == state
    assert summary(search.changes()) == {("GONE", MOSAIC)}


def test_a_damaged_state_is_loud(mast_sandbox: Sandbox) -> None:
    """The archive is not even asked, and the file stays as it is."""
    search = jwst()
    search.changes()
    search.state_path.write_bytes(search.state_path.read_bytes()[:-100])
    mast_sandbox.requests.clear()
    for call in (search.changes, search.peek):
        with pytest.raises(SavedSearchError, match="damaged"):
            call()
    assert not mast_sandbox.requests.of("invoke")


def test_two_runs_at_once_tell_of_each_change_once(mast_sandbox: Sandbox) -> None:
    """The second waits for the first, or says that it has waited long enough."""
    jwst().changes()
    mast_sandbox.remove(MOSAIC)
    told: list[set[tuple[str, str]]] = []
    threads = [threading.Thread(target=lambda: told.append(summary(jwst().changes()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told, key=len) == [set(), set(), {("GONE", MOSAIC)}]
    search = jwst()
    with search._state.locked(search._deadline(10)), pytest.raises(QueryTimeoutError, match="Another process"):
        jwst().changes(timeout=0.1)


def test_searches_of_code_that_was_written_for_astroquery() -> None:
    """After ``compat.install()`` the same client is `astroquery.mast.Observations`, and its searches are the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compat.install()
    try:
        from astroquery.mast import Observations as Installed

        search = SavedSearch("jwst", Installed.query_criteria, obs_collection="JWST", proposal_id=["1783"])
        assert search.path.exists()
    finally:
        compat.uninstall()
    SavedSearch("jwst", Observations.query_criteria, obs_collection="JWST", proposal_id=["1783"])
