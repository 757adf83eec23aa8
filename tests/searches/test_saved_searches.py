"""Saved searches on the sandbox, whose contents change."""

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
    """Return a search for observations of three programs."""
    return SavedSearch(
        "jwst", Observations.query_criteria, obs_collection="JWST", proposal_id=["1783", "3435", "9202"], **options
    )


# -- reported changes --------------------------------------------------------------------------------------------------


def test_later_runs_report_each_change_once(mast_sandbox: Sandbox) -> None:
    """The first run reports nothing, later runs report each change once, and `peek` does not change the state."""
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


def test_a_release_date_passes(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is public once its release date has passed, even if MAST still lists it as exclusive."""
    search = SavedSearch("one", Observations.query_criteria, obs_id=EXCLUSIVE)
    search.changes()
    release = float(search.run()["t_obs_release"][0])
    from astroquery_mast.searches import search as module

    monkeypatch.setattr(module.clock, "time", lambda: float(Time(release + 0.5, format="mjd").unix))
    (row,) = search.changes()
    assert (row["change"], row["obs_id"]) == ("PUBLIC NOW", EXCLUSIVE)
    assert row["reason"] == f"t_obs_release: {Time(release, format='mjd').iso[:10]} has passed"
    assert len(search.changes()) == 0


def test_watched_products_are_reported_when_reprocessed(mast_sandbox: Sandbox) -> None:
    """With ``watch_products``, reprocessed files are reported and can be downloaded."""
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


def test_files_found_by_header_keywords_are_compared(mast_sandbox: Sandbox) -> None:
    """Files found by header keywords are reported when reprocessed or released."""
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
def test_datasets_of_missions_are_compared(mast_sandbox: Sandbox, mission: str) -> None:
    """Datasets of missions are compared with all rows and all columns, which include the versions."""
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
    # Without their association, the exposures become datasets of their own, and are new.
    assert {each for each in summary(changes, column) if each[0] != "NEW"} == expected
    products = client.get_product_list(changes[changes["change"] != "GONE"] if mission == "jwst" else found[:1])
    assert set(products["dataset"]) == {name}


def test_planned_observations_with_masked_cells(mast_sandbox: Sandbox) -> None:
    """Planned observations with masked cells are compared like others."""
    search = SavedSearch("planned", Programs.query_planned, proposal_id="9202")
    search.changes()
    mast_sandbox.remove(PLANNED)
    changes = search.changes()
    assert summary(changes) == {("GONE", PLANNED)}
    assert changes["t_min"].mask.tolist() == [True]
    assert "GONE (1)" in changes.as_text()


def test_products_of_changes_can_be_downloaded(mast_sandbox: Sandbox) -> None:
    """Products of the reported rows can be listed and downloaded."""
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


def test_a_search_without_results_reports_later_rows(mast_sandbox: Sandbox) -> None:
    """A search without results reports a row when it appears, and again when it is gone."""
    search = SavedSearch("new", Observations.query_criteria, obs_id="jw0178300*_new")
    for _ in range(2):
        with pytest.warns(NoResultsWarning):
            assert len(search.changes()) == 0
    mast_sandbox.add(MOSAIC, obs_id="jw01783001_new")
    assert summary(search.changes()) == {("NEW", "jw01783001_new")}
    mast_sandbox.remove("jw01783001_new")
    with pytest.warns(NoResultsWarning):
        assert summary(search.changes()) == {("GONE", "jw01783001_new")}


def test_cached_responses_are_not_used(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Saved searches do not use cached responses."""
    search = SavedSearch("kept", MastMissions.query_criteria, mission="jwst", program=1783)
    MastMissions.cache_location = tmp_path
    try:
        with conf.set_temp("cache", True):
            search.changes()
            mast_sandbox.remove(MOSAIC)
            assert summary(search.changes(), "fileSetName") == {("GONE", MOSAIC)}
    finally:
        MastMissions.reset_cache_location()


def test_added_or_missing_columns_are_not_changes(mast_sandbox: Sandbox) -> None:
    """Added or missing columns in a response are not changes."""
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
    """The file has the query and its arguments, and nothing else."""
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
    """Neither the token of the client nor a token in an argument is written to a file."""
    token = mast_sandbox.token
    Observations.login(token)
    search = jwst()
    search.changes()
    for path in (search.path, search.state_path):
        assert token not in path.read_text("utf-8")
    with pytest.raises(InvalidQueryError, match="a token or a password"):
        SavedSearch("secret", Observations.query_criteria, target_name=token)
    with pytest.raises(InvalidQueryError, match="'mast_token' cannot be saved"):
        SavedSearch("secret", Observations.query_criteria, obs_collection="JWST", mast_token="unknown")
    with pytest.raises(InvalidQueryError, match="a token or a password"):
        SavedSearch("secret", VO.query_tap, "SELECT 1", service="https://me:word@example.org/tap")
    assert not Path("secret.json").exists()


def test_a_message_about_an_edited_file_does_not_repeat_itself(mast_sandbox: Sandbox) -> None:
    """One sentence names the file and the reason."""
    del mast_sandbox
    path = jwst().path
    written = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**written, "arguments": {**written["arguments"], "cache": True}}), "utf-8")
    with pytest.raises(SavedSearchError, match=r"^Cannot use \S*json: 'cache' cannot be saved: a saved search always"):
        SavedSearch.open(path)


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
def test_an_opened_search_has_the_same_results(form: str) -> None:
    """An opened search has the same results and state, for all kinds of arguments."""
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


def test_creating_the_same_search_again_continues_it(mast_sandbox: Sandbox) -> None:
    """Creating the same search again continues it; another search with that name raises an error."""
    jwst().changes()
    mast_sandbox.remove(MOSAIC)
    assert summary(jwst().changes()) == {("GONE", MOSAIC)}
    before = Path("jwst.json").read_bytes()
    with pytest.raises(SavedSearchError, match="another search"):
        SavedSearch("jwst", Observations.query_criteria, obs_collection="HST")
    with pytest.raises(SavedSearchError, match="another search"):
        jwst(watch_products=True)
    assert Path("jwst.json").read_bytes() == before


def test_a_changed_search_does_not_accept_the_old_state() -> None:
    """A changed search does not accept the state of the earlier one."""
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
def test_an_invalid_file_is_refused(old: str, new: str) -> None:
    """An invalid file raises an error with its name, and calls nothing but queries."""
    path = jwst().path
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(SavedSearchError, match=r"jwst\.json( |: )"):
        SavedSearch.open("jwst")


def test_other_calls_than_queries_are_refused(folder: Path) -> None:
    """Other functions, calls without a table and partial results raise an error before anything is written."""
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
        with pytest.raises(InvalidQueryError, match=f"'{next(iter(refused))}' cannot be saved"):
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


def test_other_tables_require_a_row_key() -> None:
    """Other tables require a valid and unique ``row_key``."""
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


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_failed_query_does_not_change_the_state(mast_sandbox: Sandbox) -> None:
    """If the query fails, the state is unchanged and the changes are reported by the next run."""
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


def test_a_damaged_state_is_an_error(mast_sandbox: Sandbox) -> None:
    """A damaged state raises an error before any query is sent."""
    search = jwst()
    search.changes()
    search.state_path.write_bytes(search.state_path.read_bytes()[:-100])
    mast_sandbox.requests.clear()
    for call in (search.changes, search.peek):
        with pytest.raises(SavedSearchError, match="damaged"):
            call()
    assert not mast_sandbox.requests.of("invoke")


def test_concurrent_runs_report_each_change_once(mast_sandbox: Sandbox) -> None:
    """Concurrent runs report each change once; a run that waits too long raises an error."""
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


def test_searches_with_astroquery_clients_are_the_same() -> None:
    """After ``compat.install()``, searches with `astroquery.mast.Observations` are the same searches."""
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
