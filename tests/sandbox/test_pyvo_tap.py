"""The TAP services through the installed pyvo."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import requests
from pyvo.dal import (
    AsyncTAPJob,
    DALFormatError,
    DALOverflowWarning,
    DALQueryError,
    DALRateLimitError,
    DALServiceError,
    TAPService,
)

from astroquery_mast.sandbox import Fault, RequestRecord, Sandbox

# When pyvo raises an error, it leaves the response unread and the connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Service = Callable[[str], TAPService]

M51 = "202.469575, 47.195258"
CONE = f"CONTAINS(POINT('ICRS', {{}}), CIRCLE('ICRS', {M51}, 0.1)) = 1"


@pytest.fixture(autouse=True, scope="module")
def _collect() -> Iterator[None]:
    """Collect garbage here, where the warning is expected, not at the end of all tests."""
    yield
    gc.collect()


@pytest.fixture
def service(box: Sandbox, web: requests.Session) -> Service:
    """Return a TAP service of the sandbox by name."""
    return lambda name: TAPService(f"{box.url}/vo-tap/api/v0.1/{name}", session=web)


def test_capabilities(service: Service) -> None:
    """Pyvo reads the limits, the languages, and that uploads are not supported."""
    tap = service("caom")
    assert (tap.maxrec, tap.hardlimit, tap.upload_methods) == (100_000, 100_000, [])
    assert [language.name for language in tap.get_tap_capability().languages] == ["ADQL"]


@pytest.mark.parametrize(("name", "forms"), [("tic", ""), ("caom", "POLYGON")])
def test_geometry_is_advertised(service: Service, name: str, forms: str) -> None:
    """All services find points in circles; CAOM also supports polygons."""
    (language,) = service(name).get_tap_capability().languages
    listed = {feature.form for feature in language.get_feature_list("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo")}
    assert listed == {"CONTAINS", "POINT", "CIRCLE", *forms.split()}


def test_tables_and_columns(service: Service) -> None:
    """Tables have columns with type, unit, UCD, and description."""
    tables = service("caom").tables
    assert {"dbo.obspointing", "ivoa.obscore", "dbo.caomartifact", "tap_schema.columns"} <= set(tables.keys())
    columns = {column.name: column for column in tables["dbo.obspointing"].columns}
    ra = columns["s_ra"]
    assert (ra.datatype.content, ra.unit, ra.ucd) == ("double", "deg", "pos.eq.ra;meta.main")
    assert ra.description
    assert "principal" in ra.flags


def test_every_example_runs(service: Service) -> None:
    """The queries of the examples page have results."""
    for name in "caom", "tic":
        examples = service(name).examples
        assert len(examples) == 4
        assert all(len(example.execute()) for example in examples)


def test_tap_schema_agrees_with_the_list_of_tables(service: Service) -> None:
    """The columns in TAP_SCHEMA are those of the VOSI document."""
    tap = service("caom")
    query = "SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'dbo.obspointing' ORDER BY column_index"
    names = [column.name for column in tap.tables["dbo.obspointing"].columns]
    assert list(tap.run_sync(query)["column_name"]) == names


def test_keys_join_files_to_observations(box: Sandbox, service: Service) -> None:
    """A key of TAP_SCHEMA defines how files are joined to observations, and the join includes all files."""
    tap = service("caom")
    (key,) = tap.run_sync(
        "SELECT from_column, target_column FROM tap_schema.keys NATURAL JOIN tap_schema.key_columns "
        "WHERE from_table = 'dbo.caomartifact' AND target_table = 'dbo.obspointing'"
    )
    files = tap.run_sync(
        f"SELECT a.productfilename, a.contentlength FROM dbo.obspointing AS o JOIN dbo.caomartifact AS a "
        f"ON a.{key['from_column']} = o.{key['target_column']} WHERE o.obs_collection = 'JWST' AND calib_level = 3"
    ).to_table()
    wanted = box.archive.query(
        "SELECT productFilename AS name, size FROM product WHERE obsID IN "
        "(SELECT obsid FROM observation WHERE obs_collection = 'JWST' AND calib_level = 3)"
    )
    assert len(files) > 10
    sizes = files["contentlength"].filled(-1).tolist()
    known = [(row["name"], -1 if row["size"] is None else row["size"]) for row in wanted]
    assert sorted(zip(files["productfilename"].tolist(), sizes, strict=True)) == sorted(known)
    assert files["contentlength"].unit == "byte"


def test_results_have_column_metadata(service: Service) -> None:
    """Lower-case names, types, units, UCDs, and descriptions are kept through aliases and subqueries."""
    query = (
        "SELECT t.ID AS Number, x, COUNT(*) AS n FROM (SELECT id, Tmag AS x FROM dbo.CatalogRecord) AS t GROUP BY id, x"
    )
    result = service("tic").run_sync(query, maxrec=10)
    described = result.getdesc("x")
    assert list(result.fieldnames) == ["number", "x", "n"]
    assert (described.unit, described.ucd, described.datatype) == ("mag", "phot.mag", "double")
    assert result.getdesc("n").datatype == "long"
    assert result.getdesc("number").ucd == "meta.id;meta.main"


def test_the_same_cone_by_tap_and_by_mashup(service: Service, invoke: Callable[..., dict[str, object]]) -> None:
    """A cone of the TIC has the same rows and values in both."""
    mashup = invoke("Mast.Catalogs.Tic.Cone", {"ra": 202.469575, "dec": 47.195258, "radius": 0.1}, pagesize=5000)
    wanted = {row["ID"]: row for row in mashup["data"]}  # type: ignore[attr-defined]
    found = service("tic").run_sync(f"SELECT * FROM dbo.catalogrecord WHERE {CONE.format('ra, dec')}").to_table()
    assert len(found) == len(wanted) > 20
    for row in found:
        assert row["tmag"] == pytest.approx(wanted[row["id"]]["Tmag"])
        assert row["ra"] == wanted[row["id"]]["ra"]


def test_a_truncated_result(service: Service) -> None:
    """Without MAXREC pyvo warns of a truncated result; with MAXREC only the document indicates it."""
    tap = service("caom")
    query = "SELECT obs_id FROM dbo.obspointing"
    with warnings.catch_warnings(record=True) as told:
        result = tap.run_sync(query, maxrec=5)
    assert len(result) == 5
    assert result.query_status == "OVERFLOW"
    assert not told
    assert tap.run_sync(f"{query} WHERE obs_collection = 'none'", maxrec=5).query_status == "OK"
    assert tap.run_sync("SELECT TOP 5 obs_id FROM dbo.obspointing", maxrec=5).query_status == "OK"


def test_an_invalid_query(service: Service) -> None:
    """The exception has the message of the service."""
    with pytest.raises(DALQueryError, match="Invalid object name 'nope'"):
        service("caom").run_sync("SELECT a FROM nope")


ROWS = "SELECT TOP 3 id, tmag FROM dbo.catalogrecord ORDER BY tmag"


def is_new_job(record: RequestRecord) -> bool:
    """Return whether a request creates a job."""
    return record.method == "POST" and record.path.endswith("/async")


def is_watching(record: RequestRecord) -> bool:
    """Return whether a request polls a job."""
    return record.method == "GET" and "/async/" in record.path


def test_async_gives_what_sync_gives(service: Service) -> None:
    """Both ways return the same result, and the job is deleted afterwards."""
    tap = service("tic")
    assert tap.run_async(ROWS).to_table().pformat() == tap.run_sync(ROWS).to_table().pformat()
    assert tap.get_job_list() == []


def test_the_life_of_a_job(service: Service) -> None:
    """A job can be changed before it runs, listed, accessed by its URL, and deleted."""
    tap = service("tic")
    job = tap.submit_job("SELECT nothing FROM nowhere", maxrec=2)
    assert (job.phase, job.owner, job.quote, job.uws_version) == ("PENDING", None, None, "1.1")
    job.query = ROWS
    job.execution_duration = 10
    job.destruction = datetime(2031, 1, 1)  # later than the maximum retention time
    assert (job.query, job.execution_duration.sec) == (ROWS, 10)
    assert job.destruction.jd - job.job.creationtime.jd == pytest.approx(1.0, abs=1e-6)
    assert [each.jobid for each in tap.get_job_list(phases=["PENDING"])] == [job.job_id]
    job.run().wait()
    again = AsyncTAPJob(job.url, session=tap._session)
    assert (again.phase, tap.get_job(job.job_id).phase) == ("COMPLETED", "COMPLETED")
    with pytest.warns(DALOverflowWarning, match="truncated"):
        assert len(again.fetch_result()) == 2
    assert again.result.mimetype == "application/x-votable+xml"
    job.delete()
    assert tap.get_job_list() == []


def test_the_job_list_can_be_narrowed(service: Service) -> None:
    """The list can be filtered by phase, number, and time, and contains only jobs of the same service."""
    tap = service("tic")
    first, second = tap.submit_job(ROWS), tap.submit_job(ROWS)
    other = service("caom").submit_job("SELECT obs_id FROM dbo.obspointing")
    second.run().wait()

    def listed(**options: object) -> list[str]:
        return [job.jobid for job in tap.get_job_list(**options)]

    assert listed() == [first.job_id, second.job_id]
    assert listed(phases=["COMPLETED", "ERROR"]) == [second.job_id]
    assert listed(last=1) == [second.job_id]
    assert listed(after=datetime(2031, 1, 1)) == []
    assert len(listed(after=datetime(2001, 1, 1))) == 2
    assert [job.jobid for job in service("caom").get_job_list()] == [other.job_id]


def test_a_job_with_an_invalid_query_has_a_message(service: Service) -> None:
    """The phase is ERROR, and the message is that of a synchronous query."""
    job = service("tic").submit_job("SELECT nothing FROM dbo.catalogrecord").run().wait()
    assert job.phase == "ERROR"
    with pytest.raises(DALQueryError, match="'nothing' could not be resolved"):
        job.raise_if_error()


def test_a_job_can_be_aborted(box: Sandbox, service: Service) -> None:
    """A job that would never end can be aborted."""
    box.faults.add("vo_tap", Fault.job("EXECUTING"), where=is_new_job)
    job = service("tic").submit_job(ROWS).run()
    assert job.phase == "EXECUTING"
    assert job.abort().phase == "ABORTED"


def test_a_job_can_fail(box: Sandbox, service: Service) -> None:
    """A fault ends a job in ERROR with a message; the next job succeeds."""
    box.faults.add("vo_tap", Fault.job("ERROR", "The database is gone."), where=is_new_job)
    tap = service("tic")
    with pytest.raises(DALQueryError, match="The database is gone"):
        tap.run_async(ROWS)
    assert len(tap.run_async(ROWS)) == 3


def test_a_job_can_hang(box: Sandbox, service: Service) -> None:
    """Pyvo times out on a job that never ends, and the job still exists."""
    box.faults.add("vo_tap", Fault.job("QUEUED"), where=is_new_job)
    tap = service("tic")
    job = tap.submit_job(ROWS).run()
    with pytest.raises(DALServiceError, match="timed out"):
        job.wait(timeout=0.2)
    assert tap.get_job(job.job_id).phase == "QUEUED"


def test_a_job_survives_a_failed_poll(box: Sandbox, service: Service) -> None:
    """A 503 while polling raises an error in the client, but the job continues."""
    job = service("tic").submit_job(ROWS).run()
    box.faults.add("vo_tap", Fault.status(503, retry_after=1), where=is_watching)
    with pytest.raises(DALServiceError) as told:
        job.wait()
    assert told.value.code == 503
    assert len(job.wait().fetch_result()) == 3


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault.gateway_timeout(), DALServiceError, "504 Server Error"),
        (Fault.garbage(), DALFormatError, "not appear to be a VOTABLE"),
        (Fault.status(429, retry_after=3), DALRateLimitError, "3"),
        (Fault.truncate_json(), DALFormatError, "unclosed token|no element found"),
    ],
    ids=repr,
)
def test_faults_of_a_query(box: Sandbox, service: Service, fault: Fault, error: type[Exception], message: str) -> None:
    """Each fault raises the corresponding exception of pyvo."""
    box.faults.add("vo_tap", fault, where=lambda record: record.path.endswith("/sync"))
    with pytest.raises(error, match=message):
        service("tic").run_sync(ROWS)
