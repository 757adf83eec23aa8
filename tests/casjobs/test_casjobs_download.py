"""Tables that come from MyDB: at once or by way of a file, whole or not at all; and the files that CasJobs writes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import requests
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from casjobs_tables import ODD_TEXTS, plain
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import CasJobsClass
from astroquery_mast.casjobs.transfer import read_output
from astroquery_mast.exceptions import (
    IncompleteResultError,
    InvalidArgumentError,
    InvalidResponseError,
    MastError,
    RemoteServiceError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

ROWS = 3_000
LARGE = Table(
    {
        "n": MaskedColumn(np.arange(ROWS) * 10**14, mask=np.arange(ROWS) % 7 == 0),
        "x": np.sqrt(np.arange(ROWS)),
        "s": [ODD_TEXTS[number % 20] for number in range(ROWS)],
        "t": Time(59_000 + np.arange(ROWS) / 1000, format="mjd"),
    }
)


def is_job(record: RequestRecord) -> bool:
    """Select the requests that submit a query."""
    return record.path.endswith("/SubmitJob")


def selects(record: RequestRecord) -> bool:
    """Select the requests for the rows of a table."""
    query = record.value("qry") or ""
    return query.startswith("SELECT") and "information_schema" not in query and "COUNT" not in query


@pytest.fixture
def slow(hasty: Sandbox) -> Iterator[CasJobsClass]:
    """Give a client whose table, named large, takes longer than the quick queue allows."""
    client = CasJobsClass()
    client.login(hasty.casjobs_user, hasty.casjobs_password)
    client.upload(LARGE, "large")
    hasty.requests.clear()
    yield client
    client.drop("large", missing_ok=True)


def assert_is_large(table: Table) -> None:
    """Check that a table is the large one."""
    assert [plain(table[name]) for name in ("n", "x", "s")] == [plain(LARGE[name]) for name in ("n", "x", "s")]
    assert abs((table["t"] - LARGE["t"]).sec).max() <= 1e-7


# -- at once ---------------------------------------------------------------------------------------------------------


def test_a_table_made_by_a_query_keeps_its_types(casjobs: CasJobsClass) -> None:
    """All types of the database are read, not only those that an upload makes."""
    columns = "a char(4), b varchar(9), c decimal(10,3), d date, e datetime, f smalldatetime, g ntext, h int, i bit"
    values = "'x', 'NULL', 1.25, '2020-02-29', '2020-01-01T12:30:00.5', '1999-12-31 23:59', 'a,\"b', NULL, 1"
    casjobs.query(f"CREATE TABLE made ({columns})", context="MyDB")
    casjobs.query(f"INSERT INTO made VALUES ({values})", context="MyDB")
    table = casjobs.download("made")
    assert [table[name][0] for name in "bcgi"] == ["NULL", 1.25, 'a,"b', True]
    assert table["a"][0].rstrip() == "x"
    assert table["h"].mask.tolist() == [True]
    assert [table[name].isot[0] for name in "def"] == [
        *("2020-02-29T00:00:00.000", "2020-01-01T12:30:00.500", "1999-12-31T23:59:00.000")
    ]


@pytest.mark.parametrize("name", ["Stars", "stars", "MyDB.stars", "mydb.dbo.STARS"])
def test_names_are_taken_in_any_case(casjobs: CasJobsClass, name: str) -> None:
    """A table is found by its name in any case, with the name of the database or without."""
    casjobs.upload(Table({"a": [1]}), "Stars")
    assert casjobs.download(name)["a"].tolist() == [1]


def test_a_name_that_is_not_there_is_an_error_with_those_that_are(casjobs: CasJobsClass) -> None:
    """A name that is mistyped is told with the one that may be meant."""
    casjobs.upload(Table({"a": [1]}), "stars")
    with pytest.raises(InvalidArgumentError, match=r"Table 'strs' not found in MyDB\. Did you mean 'stars'\?"):
        casjobs.download("strs")


def test_a_name_that_is_none_is_not_sent(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """What is no name gets into no statement."""
    with pytest.raises(InvalidArgumentError, match="is not a valid name of a table"):
        casjobs.download("stars; DROP TABLE stars")
    assert not mast_sandbox.requests.of("casjobs")


def test_a_small_table_needs_no_job(casjobs: CasJobsClass, operations: Callable[[], list[str]]) -> None:
    """What the quick queue can send is asked for there: columns, number of rows, rows."""
    casjobs.upload(Table({"a": [1]}), "stars")
    before = len(operations())
    casjobs.download("stars")
    assert operations()[before:] == ["ExecuteQuickJob"] * 3


# -- by way of a file ------------------------------------------------------------------------------------------------


def test_a_large_table_comes_as_a_file(slow: CasJobsClass, hasty: Sandbox) -> None:
    """What takes too long in the quick queue is written to a file by jobs, as exactly, and nothing else is left."""
    assert_is_large(slow.download("large"))
    assert len(hasty.requests.of("casjobs_output")) == 1
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_the_file_is_fetched_without_the_password(slow: CasJobsClass, hasty: Sandbox) -> None:
    """Whoever keeps files does not hear the password."""
    slow.download("large")
    (record,) = hasty.requests.of("casjobs_output")
    told = f"{record.path} {record.query} {record.form} {record.headers} {record.body!r}"
    assert hasty.casjobs_password not in told


def test_a_job_that_fails_is_an_error(slow: CasJobsClass, hasty: Sandbox) -> None:
    """What the job says is in the message, and the temporary table is dropped."""
    hasty.faults.add("casjobs", Fault.job("failed", "disk is full"), where=is_job)
    with pytest.raises(MastError, match="disk is full"):
        slow.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_a_file_that_is_not_there_is_an_error(slow: CasJobsClass, hasty: Sandbox) -> None:
    """A file that has gone is an error of the package, and nothing is left in MyDB."""
    hasty.faults.add("casjobs_output", Fault.status(404), times=None)
    with pytest.raises(MastError):
        slow.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_a_file_that_breaks_off_is_fetched_again(slow: CasJobsClass, hasty: Sandbox) -> None:
    """A connection that breaks costs a request."""
    hasty.faults.add("casjobs_output", Fault.cut(5000))
    assert_is_large(slow.download("large"))


@pytest.mark.parametrize("operation", ["SubmitJob", "SubmitExtractJob"])
def test_ctrl_c_leaves_no_table(
    slow: CasJobsClass, hasty: Sandbox, interrupted: Callable[..., requests.Session], operation: str
) -> None:
    """Who stops a download finds no temporary table afterwards."""
    client = CasJobsClass(session=interrupted(operation, arrives=True))
    with pytest.raises(KeyboardInterrupt):
        client.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


# -- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [1, 2])
def test_rows_that_are_missing_are_missed(casjobs: CasJobsClass, mast_sandbox: Sandbox, kept: int) -> None:
    """An answer with fewer rows than there are is an error, and not a short table."""
    casjobs.upload(Table({"a": [1, 2, 3]}), "stars")
    lines = "\n".join(["[c1]:bigint", "1", "2"][: kept + 1])
    mast_sandbox.faults.add("casjobs", xml(f"{lines}\n"), where=selects)
    with pytest.raises(IncompleteResultError, match=f"CasJobs returned {kept} of the 3 rows of stars"):
        casjobs.download("stars")


def xml(text: str) -> Fault:
    """Answer as an operation does that returns text."""
    return Fault.answer(f'<string xmlns="http://Services.Cas.jhu.edu">{text}</string>', content_type="text/xml")


@pytest.mark.parametrize(
    "fault",
    [
        xml(""),
        xml("[c1]:varchar\nno word\n"),
        xml("[c1]:varchar\nx12\n"),
        xml("[c1]:varchar\nxzz\n"),
        xml("[c1]:varchar,[c2]:int\nta,1\n"),
        Fault.garbage(),
        Fault.firewall(),
        Fault.answer(b"<string>", content_type="text/xml"),
    ],
)
def test_what_is_no_answer_is_an_error(casjobs: CasJobsClass, mast_sandbox: Sandbox, fault: Fault) -> None:
    """Whatever comes instead of rows is one of the package's errors."""
    casjobs.upload(Table({"a": ["b"]}), "stars")
    mast_sandbox.faults.add("casjobs", fault, where=selects, times=None)
    with pytest.raises(RemoteServiceError):
        casjobs.download("stars")


def test_a_number_of_rows_that_is_none_is_an_error(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A service that does not say how many rows there are is not believed."""
    casjobs.upload(Table({"a": [1]}), "stars")
    counts = lambda record: "COUNT" in (record.value("qry") or "")  # noqa: E731 - one line of a test
    mast_sandbox.faults.add("casjobs", xml("[n]:int\n"), where=counts)
    with pytest.raises(InvalidResponseError, match="did not return the number of rows of stars"):
        casjobs.download("stars")


def test_a_service_that_is_down_is_an_error(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A server that does not answer is one of the package's errors, after retries."""
    mast_sandbox.faults.add("casjobs", Fault.status(503), times=None)
    with pytest.raises(ServerError):
        casjobs.download("stars")


# -- files that CasJobs writes ---------------------------------------------------------------------------------------

EXTRACTED = Table(
    {
        "id": MaskedColumn([1, 2, 2**62], mask=[0, 1, 0]),
        "x": MaskedColumn([0.5, -1e300, 2.0], mask=[0, 0, 1]),
        "name": ["a b", "", "c,d"],
        "n": np.array([1, 255, 0], dtype="u1"),
    }
)


def extracted(client: CasJobsClass, form: str, holding: bytes = b"") -> Table:
    """Have the service write a table to a file, in which some bytes are, and read that."""
    client.upload(EXTRACTED, "extracted", overwrite=True)
    calls = client._calls
    deadline = client._service.deadline(None)
    number = calls.extract("extracted", form, deadline)
    calls.job(number).wait()
    with calls.output(number, deadline) as file:
        assert holding in file.read()
        file.seek(0)
        return read_output(file, form)


@pytest.mark.parametrize("form", ["CSV", "FITS", "VOTable"])
def test_extracted_files_are_read(casjobs: CasJobsClass, form: str) -> None:
    """The forms in which CasJobs writes tables are read, with NULL where there is nothing."""
    table = extracted(casjobs, form)
    assert table.colnames == EXTRACTED.colnames
    assert [plain(table["id"]), plain(table["x"])] == [plain(EXTRACTED["id"]), plain(EXTRACTED["x"])]
    assert table["n"].tolist() == [1, 255, 0]
    assert [text or "" for text in table["name"].tolist()] == ["a b", "", "c,d"]


def test_wrong_shapes_of_cells_in_fits_are_not_believed(casjobs: CasJobsClass) -> None:
    """Files of CasJobs say of their cells that they are arrays, with TDIM keywords; they are not."""
    table = extracted(casjobs, "FITS", holding=b"TDIM1")
    assert [table[name].shape for name in table.colnames] == [(3,)] * 4
    assert all(table[name].dtype.isnative for name in table.colnames)


def test_a_form_that_is_not_known_is_refused() -> None:
    """A form that cannot be read is told with those that can."""
    with pytest.raises(InvalidArgumentError, match="The file format 'DataSet' is not supported"):
        read_output(io.BytesIO(), "DataSet")


def whole_files() -> dict[str, bytes]:
    """Return a file of each form."""
    made: dict[str, Any] = {form: io.BytesIO() for form in ("FITS", "VOTable")}
    table = Table({"a": [1, 2], "s": ["x", "y"]})
    table.write(made["FITS"], format="fits")
    table.write(made["VOTable"], format="votable")
    return {"CSV": b"a,s\n1,x\n2,y\n", **{form: file.getvalue() for form, file in made.items()}}


WHOLE = whole_files()


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_broken_file_is_read_or_an_error_of_the_package(form: str, data: st.DataObject) -> None:
    """Whatever the bytes are, there is a table or one of the package's errors."""
    body = WHOLE[form]
    start = data.draw(st.integers(0, len(body)))
    piece = data.draw(st.binary(max_size=20))
    broken = body[:start] + piece + body[start + data.draw(st.sampled_from([0, len(piece), len(body)])) :]
    try:
        assert isinstance(read_output(io.BytesIO(broken), form), Table)
    except MastError as err:
        assert str(err)
