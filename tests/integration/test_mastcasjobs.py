"""mastcasjobs, unmodified, on the sandbox's CasJobs: all of its calls."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from astroquery_mast.sandbox import Fault, RequestRecord, Sandbox

mastcasjobs = pytest.importorskip("mastcasjobs")
casjobs = pytest.importorskip("casjobs")

MEAN = "SELECT TOP 50 objID, raMean, gMeanPSFMag, ng, objName INTO MyDB.mean FROM MeanObjectView ORDER BY objID"


@pytest.fixture
def jobs(mast_sandbox: Sandbox) -> Any:
    """Return a client that is logged in by name."""
    return connected(mast_sandbox, mast_sandbox.casjobs_password)


def connected(sandbox: Sandbox, password: str) -> Any:
    """Return a client of the sandbox."""
    return mastcasjobs.MastCasJobs(
        username=sandbox.casjobs_user,
        password=password,
        context="PanSTARRS_DR2",
        base_url=f"{sandbox.url}/ps1casjobs/services/jobs.asmx",
        wsid_url=f"{sandbox.url}/ps1casjobs/casusers.asmx/GetWebServiceId",
        fast_url=f"{sandbox.url}/cgi-bin/quick_casjobs.cgi",
    )


@pytest.fixture
def mean(jobs: Any) -> Table:
    """Return a table in MyDB, made by a job."""
    number = jobs.submit(MEAN, task_name="mean")
    assert jobs.monitor(number) == (5, "finished")
    return jobs.quick("SELECT * FROM mean", context="MYDB")


def slow_queries(record: RequestRecord) -> bool:
    """Return whether a request is the quick query for an entire table."""
    return (record.value("qry") or "").startswith("select * from")


def test_login(mast_sandbox: Sandbox, jobs: Any) -> None:
    """Login gives the ID of the account, and a wrong password raises an error."""
    assert jobs.userid == mast_sandbox.casjobs_wsid
    with pytest.raises(ValueError, match="Incorrect MAST CasJobs username/password"):
        connected(mast_sandbox, "wrong")


def test_list_tables(jobs: Any, mean: Table) -> None:
    """The tables of MyDB and of a context are listed."""
    assert jobs.list_tables() == ["mean"]
    assert {"MeanObject", "ObjectThin", "Detection"} <= set(jobs.list_tables("PanSTARRS_DR2"))


def test_quick_reads_types(mean: Table) -> None:
    """Numbers have the types of the header and are exact."""
    assert [mean[name].dtype.str for name in mean.colnames[:4]] == ["<i8", "<f8", "<f4", "<i2"]
    assert len(mean) == 50
    assert len(set(mean["objID"])) == 50


def test_job_info(jobs: Any, mean: Table) -> None:
    """A job is found by a condition, with its status, rows and query."""
    (told,) = jobs.job_info(taskname="mean")
    assert (told["Status"], told["Rows"], told["Query"]) == ("5", "50", MEAN)


@pytest.mark.parametrize("form", ["FITS", "CSV"])
def test_get_table_by_an_extraction(mast_sandbox: Sandbox, jobs: Any, mean: Table, form: str) -> None:
    """If the quick query fails, the table is retrieved as a file with equal values."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=slow_queries)
    found = jobs.get_table("mean", format=form)
    assert mast_sandbox.requests.of("casjobs_output")
    for name in mean.colnames:
        assert list(found[name].astype(mean[name].dtype)) == list(mean[name])


@pytest.mark.parametrize("call", ["get_table", "fast_table"])
def test_get_entire_tables(jobs: Any, mean: Table, call: str) -> None:
    """Entire tables can be retrieved by both methods, and a missing table raises an error."""
    found = getattr(jobs, call)("mean")
    assert found.colnames == mean.colnames
    assert all(list(found[name]) == list(mean[name]) for name in mean.colnames)
    with pytest.raises(ValueError, match=r"table MyDB.nothing not found"):
        getattr(jobs, call)("nothing")


READERS: dict[str, Callable[[io.BytesIO], Any]] = {
    "CSV": lambda file: Table.read(file, format="ascii.csv"),
    "VOTable": lambda file: parse(file).get_first_table().to_table(),
    "DataSet": lambda file: file.getvalue().decode(),
}


@pytest.mark.parametrize("form", READERS)
def test_request_and_get_output(jobs: Any, mean: Table, form: str) -> None:
    """Each output format has all numbers."""
    file = io.BytesIO()
    jobs.request_and_get_output("mean", form, file)
    file.seek(0)
    read = READERS[form](file)
    numbers = set(mean["objID"].tolist())
    assert all(str(number) in read for number in numbers) if form == "DataSet" else set(read["objID"]) == numbers


def test_output_as_a_fits_file(jobs: Any, mean: Table, tmp_path: Any) -> None:
    """Output can be saved as a FITS file, which is readable without its wrong TDIM keywords."""
    path = tmp_path / "mean.fits"
    jobs.request_and_get_output("mean", "FITS", str(path))
    with fits.open(path) as units:
        del units[1].header["TDIM*"]
        assert list(units[1].data["objID"]) == list(mean["objID"])


def test_upload_in_parts(mast_sandbox: Sandbox, jobs: Any) -> None:
    """A table is uploaded in several calls and read back, with blanks replaced by underscores."""
    table = Table({"id": np.arange(200) + 10**12, "x": np.linspace(0.5, 9.5, 200), "name": ["a b"] * 200})
    jobs.upload_table("mine", table, sizelimit=2000)
    assert len(mast_sandbox.requests.of("casjobs")) > 2
    found = jobs.fast_table("mine")
    assert list(found["id"]) == list(table["id"])
    assert list(found["x"]) == list(table["x"])
    assert set(found["name"]) == {"a_b"}
    jobs.upload_table("mine", "id\n5\n", exists=True)
    assert len(jobs.quick("SELECT * FROM mine WHERE x IS NULL", context="MYDB")) == 1


def test_drop_table(jobs: Any, mean: Table) -> None:
    """A table is dropped by a job, or quickly whether or not it exists."""
    jobs.drop_table("mean")
    assert jobs.list_tables() == []
    jobs.drop_table_if_exists("mean")
    with pytest.raises(Exception, match="Couldn't drop table mean"):
        jobs.drop_table("mean")


def test_count(mast_sandbox: Sandbox, jobs: Any, mean: Table) -> None:
    """The underlying client counts rows; mastcasjobs cannot, since its quick queries return tables."""
    below = casjobs.CasJobs(jobs.userid, mast_sandbox.casjobs_password, jobs.base_url, "GET", "MYDB")
    assert below.count("FROM mean") == 50
    assert below.list_tables() == ["mean"]


def test_cancel(mast_sandbox: Sandbox, jobs: Any) -> None:
    """A running job can be canceled."""
    submissions = lambda record: record.path.endswith("/SubmitJob")  # noqa: E731 - short condition
    mast_sandbox.faults.add("casjobs", Fault.job("started"), where=submissions)
    number = jobs.submit(MEAN)
    assert jobs.status(number) == (1, "started")
    jobs.cancel(number)
    assert jobs.monitor(number) == (3, "cancelled")
    assert jobs.list_tables() == []


def test_errors_have_the_message_of_the_database(jobs: Any) -> None:
    """The error has the message of the database, without the trace and entities."""
    with pytest.raises(Exception, match=r"failed with status: 500\nInvalid object name 'nowhere'\. $"):
        jobs.quick("SELECT * FROM nowhere")


def test_firewall_errors_have_the_request_id(mast_sandbox: Sandbox, jobs: Any) -> None:
    """The error of a firewall page has the request ID for support."""
    mast_sandbox.faults.add("casjobs", Fault.firewall())
    with pytest.raises(Exception, match="Please contact our technical support with Request ID: 533000120119861"):
        jobs.quick("SELECT 1 AS a")
