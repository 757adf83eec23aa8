"""Downloads of MyDB tables, directly or from a file, complete or not at all, and files written by CasJobs."""

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
    """Yield a client whose table "large" takes longer than the quick queue allows."""
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


# -- direct downloads ------------------------------------------------------------------------------------------------


def test_a_table_made_by_a_query_keeps_its_types(casjobs: CasJobsClass) -> None:
    """All types of the database are read, including those that uploads do not create."""
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
def test_table_names_are_case_insensitive(casjobs: CasJobsClass, name: str) -> None:
    """A table is found by its name in any case, with or without the name of the database."""
    casjobs.upload(Table({"a": [1]}), "Stars")
    assert casjobs.download(name)["a"].tolist() == [1]


def test_an_unknown_name_raises_with_a_suggestion(casjobs: CasJobsClass) -> None:
    """The error for a misspelled name suggests the correct one."""
    casjobs.upload(Table({"a": [1]}), "stars")
    with pytest.raises(InvalidArgumentError, match=r"Table 'strs' not found in MyDB\. Did you mean 'stars'\?"):
        casjobs.download("strs")


def test_an_invalid_name_is_not_sent(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """An invalid name raises an error before a request."""
    with pytest.raises(InvalidArgumentError, match="is not a valid name of a table"):
        casjobs.download("stars; DROP TABLE stars")
    assert not mast_sandbox.requests.of("casjobs")


def test_a_small_table_needs_no_job(casjobs: CasJobsClass, operations: Callable[[], list[str]]) -> None:
    """The columns, the number of rows and the rows are requested from the quick queue if possible."""
    casjobs.upload(Table({"a": [1]}), "stars")
    before = len(operations())
    casjobs.download("stars")
    assert operations()[before:] == ["ExecuteQuickJob"] * 3


# -- downloads from a file -------------------------------------------------------------------------------------------


def test_a_large_table_is_downloaded_from_a_file(slow: CasJobsClass, hasty: Sandbox) -> None:
    """Jobs write a table that is too large for the quick queue to a file, with exact values and no leftovers."""
    assert_is_large(slow.download("large"))
    assert len(hasty.requests.of("casjobs_output")) == 1
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_the_file_is_downloaded_without_the_password(slow: CasJobsClass, hasty: Sandbox) -> None:
    """The request for the file does not contain the password."""
    slow.download("large")
    (record,) = hasty.requests.of("casjobs_output")
    request = f"{record.path} {record.query} {record.form} {record.headers} {record.body!r}"
    assert hasty.casjobs_password not in request


def test_a_failed_job_raises(slow: CasJobsClass, hasty: Sandbox) -> None:
    """The error has the message of the job, and the temporary table is dropped."""
    hasty.faults.add("casjobs", Fault.job("failed", "disk is full"), where=is_job)
    with pytest.raises(MastError, match="disk is full"):
        slow.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_a_missing_file_raises(slow: CasJobsClass, hasty: Sandbox) -> None:
    """A missing file raises an error of the package, and nothing is left in MyDB."""
    hasty.faults.add("casjobs_output", Fault.status(404), times=None)
    with pytest.raises(MastError):
        slow.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


def test_a_truncated_file_is_requested_again(slow: CasJobsClass, hasty: Sandbox) -> None:
    """A broken connection leads to another request."""
    hasty.faults.add("casjobs_output", Fault.cut(5000))
    assert_is_large(slow.download("large"))


@pytest.mark.parametrize("operation", ["SubmitJob", "SubmitExtractJob"])
def test_ctrl_c_leaves_no_temporary_table(
    slow: CasJobsClass, hasty: Sandbox, interrupted: Callable[..., requests.Session], operation: str
) -> None:
    """Ctrl-C during a download drops the temporary table."""
    client = CasJobsClass(session=interrupted(operation, arrives=True))
    with pytest.raises(KeyboardInterrupt):
        client.download("large")
    assert slow.list_tables()["table_name"].tolist() == ["large"]


# -- invalid responses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [1, 2])
def test_missing_rows_raise(casjobs: CasJobsClass, mast_sandbox: Sandbox, kept: int) -> None:
    """A response with too few rows raises an error instead of returning an incomplete table."""
    casjobs.upload(Table({"a": [1, 2, 3]}), "stars")
    lines = "\n".join(["[c1]:bigint", "1", "2"][: kept + 1])
    mast_sandbox.faults.add("casjobs", xml(f"{lines}\n"), where=selects)
    with pytest.raises(IncompleteResultError, match=f"CasJobs returned {kept} of the 3 rows of stars"):
        casjobs.download("stars")


def xml(text: str) -> Fault:
    """Return a fault whose response is that of an operation that returns text."""
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
def test_invalid_responses_raise(casjobs: CasJobsClass, mast_sandbox: Sandbox, fault: Fault) -> None:
    """An invalid response in place of the rows raises an error of the package."""
    casjobs.upload(Table({"a": ["b"]}), "stars")
    mast_sandbox.faults.add("casjobs", fault, where=selects, times=None)
    with pytest.raises(RemoteServiceError):
        casjobs.download("stars")


def test_an_invalid_row_count_raises(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A response without the number of rows raises an error."""
    casjobs.upload(Table({"a": [1]}), "stars")
    counts = lambda record: "COUNT" in (record.value("qry") or "")  # noqa: E731 - one line of a test
    mast_sandbox.faults.add("casjobs", xml("[n]:int\n"), where=counts)
    with pytest.raises(InvalidResponseError, match="did not return the number of rows of stars"):
        casjobs.download("stars")


def test_an_unavailable_service_raises(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A server that does not respond raises an error of the package after retries."""
    mast_sandbox.faults.add("casjobs", Fault.status(503), times=None)
    with pytest.raises(ServerError):
        casjobs.download("stars")


# -- files written by CasJobs ----------------------------------------------------------------------------------------

EXTRACTED = Table(
    {
        "id": MaskedColumn([1, 2, 2**62], mask=[0, 1, 0]),
        "x": MaskedColumn([0.5, -1e300, 2.0], mask=[0, 0, 1]),
        "name": ["a b", "", "c,d"],
        "n": np.array([1, 255, 0], dtype="u1"),
    }
)


def extracted(client: CasJobsClass, form: str, holding: bytes = b"") -> Table:
    """Let the service write a table to a file, replaced by ``holding`` if given, and read the file."""
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
def test_all_file_formats_are_read(casjobs: CasJobsClass, form: str) -> None:
    """All formats in which CasJobs writes tables are read, with NULL masked."""
    table = extracted(casjobs, form)
    assert table.colnames == EXTRACTED.colnames
    assert [plain(table["id"]), plain(table["x"])] == [plain(EXTRACTED["id"]), plain(EXTRACTED["x"])]
    assert table["n"].tolist() == [1, 255, 0]
    assert [text or "" for text in table["name"].tolist()] == ["a b", "", "c,d"]


def test_incorrect_tdim_keywords_are_ignored(casjobs: CasJobsClass) -> None:
    """FITS files of CasJobs have incorrect TDIM keywords, which are ignored."""
    table = extracted(casjobs, "FITS", holding=b"TDIM1")
    assert [table[name].shape for name in table.colnames] == [(3,)] * 4
    assert all(table[name].dtype.isnative for name in table.colnames)


def test_an_unknown_format_raises() -> None:
    """The error for an unknown format lists the supported ones."""
    with pytest.raises(InvalidArgumentError, match="The file format 'DataSet' is not supported"):
        read_output(io.BytesIO(), "DataSet")


def whole_files() -> dict[str, bytes]:
    """Return a file in each format."""
    made: dict[str, Any] = {form: io.BytesIO() for form in ("FITS", "VOTable")}
    table = Table({"a": [1, 2], "s": ["x", "y"]})
    table.write(made["FITS"], format="fits")
    table.write(made["VOTable"], format="votable")
    return {"CSV": b"a,s\n1,x\n2,y\n", **{form: file.getvalue() for form, file in made.items()}}


WHOLE = whole_files()


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_corrupt_file_is_read_or_raises_an_error_of_the_package(form: str, data: st.DataObject) -> None:
    """Any bytes result in a table or an error of the package."""
    body = WHOLE[form]
    start = data.draw(st.integers(0, len(body)))
    piece = data.draw(st.binary(max_size=20))
    broken = body[:start] + piece + body[start + data.draw(st.sampled_from([0, len(piece), len(body)])) :]
    try:
        assert isinstance(read_output(io.BytesIO(broken), form), Table)
    except MastError as err:
        assert str(err)
