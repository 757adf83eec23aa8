"""Uploads to CasJobs with their known problems, and the formats of extracted tables."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
import requests
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.casjobs.mydb import UserDatabase
from astroquery_mast.sandbox.casjobs.outputs import FORMS, quick_text
from astroquery_mast.sandbox.casjobs.relations import SqlColumn, SqlError
from astroquery_mast.sandbox.casjobs.sqltypes import ConversionError, SqlType
from astroquery_mast.sandbox.casjobs.uploads import read_upload

CasJobsCall = Callable[..., requests.Response]
Quick = Callable[..., tuple[list[str], list[list[str | None]]]]
Upload = Callable[..., requests.Response]

TABLE = (
    "CREATE TABLE t (b bit, t tinyint, s smallint, i int, l bigint, r real, f float, d decimal(10,2), "
    "v nvarchar(20), m datetime2(7))"
)
ROWS = (
    "INSERT INTO t VALUES (1, 255, -32768, 2147483647, 9223372036854775807, 0.1, 1e-300, 12345.68, "
    "N'a, \"b\" \u03b1', '2012-05-06 13:04:05.1234567'), "
    "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (0, 0, 0, 0, -5, -999, 2.5, 0, '', '1999-12-31')"
)


@pytest.fixture(scope="session")
def upload(casjobs: CasJobsCall) -> Upload:
    """Upload text into a table."""

    def send(data: str, table: str = "t", exists: str = "false", **options: object) -> requests.Response:
        return casjobs("UploadData", tableName=table, data=data, tableExists=exists, **options)

    return send


@pytest.fixture(scope="session")
def extract(casjobs: CasJobsCall, web: requests.Session) -> Callable[..., bytes]:
    """Extract a table and download the file."""

    def fetch(form: str, table: str = "t") -> bytes:
        number = ElementTree.fromstring(casjobs("SubmitExtractJob", tableName=table, type=form).content).text
        listed = casjobs("GetJobs", conditions=f"jobid : {number}", includeSystem="false")
        found = ElementTree.fromstring(listed.content).find(".//{*}OutputLoc")
        assert found is not None, listed.text
        answer = web.get(str(found.text), timeout=30)
        assert answer.status_code == 200
        return answer.content

    return fetch


@pytest.fixture
def every_type(box: Sandbox, quick: Quick) -> None:
    """A table with a column of every type, and a row of nulls."""
    quick(TABLE)
    quick(ROWS)


def test_an_upload_creates_a_table_and_guesses_types(box: Sandbox, upload: Upload, quick: Quick) -> None:
    """Integers have a type by size, other numbers are floats, everything else is text of the required length."""
    assert upload("a,b,c,d,e\n1,5000000000,1.5,x,\n-2,1,2,yy,NULL\n").status_code == 200
    header, rows = quick("SELECT * FROM t")
    assert header == ["[a]:int", "[b]:bigint", "[c]:float", "[d]:nvarchar", "[e]:nvarchar"]
    assert rows == [["1", "5000000000", "1.5", "x", None], ["-2", "1", "2", "yy", None]]


def test_rows_are_appended_by_the_names_of_columns(box: Sandbox, upload: Upload, quick: Quick) -> None:
    """Columns are matched by name, in any order and case; missing columns are null."""
    quick("CREATE TABLE t (a int, b nvarchar(5), c real)")
    assert upload("C,A\r\n0.1,5\r\n,6\r\n", exists="true").status_code == 200
    assert upload('b,a\n"x,""y",7\n', exists="true").status_code == 200
    assert quick("SELECT * FROM t")[1] == [["5", None, "0.1"], ["6", None, None], ["7", 'x,"y', None]]


@pytest.mark.parametrize(
    ("data", "exists", "message"),
    [
        ("a\nb c\n", "false", "line 2 has a different number of columns"),
        ("a,b\n1,2\n3\n", "false", "line 3 has a different number of columns"),
        ("a\n1\n", "true", "Invalid object name"),
        ("A,a\n1,2\n", "false", "Column names in each table must be unique"),
    ],
)
def test_an_upload_that_fails_leaves_no_table(
    box: Sandbox, upload: Upload, quick: Quick, data: str, exists: str, message: str
) -> None:
    """Blanks and rows of different lengths break an upload."""
    answer = upload(data, exists=exists)
    assert answer.status_code == 500
    assert message in answer.text
    assert quick("SELECT * FROM information_schema.tables")[1] == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a\n1\nx\n", "Conversion failed"),
        ("a\n1\n3000000000\n", "Arithmetic overflow"),
        ("b\nlonger\n", "would be truncated"),
        ("c\n1\n", "does not match up with any column"),
        ("n\nNULL\n", "does not allow DBNull"),
    ],
)
def test_rows_that_do_not_fit_are_refused_as_a_whole(
    box: Sandbox, upload: Upload, quick: Quick, data: str, message: str
) -> None:
    """If one row is invalid, no row is inserted."""
    quick("CREATE TABLE t (a int, b varchar(5), n int NOT NULL)")
    header, _, rest = data.partition("\n")
    sent = data if header == "n" else f"{header},n\n" + "".join(f"{line},1\n" for line in rest.splitlines())
    assert message in upload(sent, exists="true").text
    assert quick("SELECT COUNT(*) FROM t")[1] == [["0"]]


def test_too_much_at_a_time_is_refused(upload: Upload) -> None:
    """The limit applies to a single call."""
    with Sandbox(casjobs_upload_limit=100) as small:
        assert upload("a\n" + "1\n" * 49, where=small).status_code == 200
        answer = upload("a\n" + "1\n" * 50, exists="true", where=small)
        assert (answer.status_code, "Maximum request length exceeded." in answer.text) == (500, True)


def test_a_table_that_exists_is_not_replaced(box: Sandbox, upload: Upload, quick: Quick) -> None:
    """The upload fails, and the table is unchanged."""
    upload("a\n1\n")
    assert "There is already an object named" in upload("a\n2\n").text
    assert quick("SELECT * FROM t")[1] == [["1"]]


@pytest.mark.usefixtures("every_type")
def test_quick_text_of_every_type(box: Sandbox, quick: Quick) -> None:
    """Values are printed as by .NET, and exactly where required."""
    _, rows = quick("SELECT * FROM t")
    assert rows[0] == [
        *("1", "255", "-32768", "2147483647", "9223372036854775807", "0.1", "1E-300", "12345.68"),
        *('a, "b" \u03b1', "5/6/2012 1:04:05 PM"),
    ]
    assert rows[1] == [None] * 10


@pytest.mark.usefixtures("every_type")
def test_csv_writes_null_as_a_word(extract: Callable[..., bytes], box: Sandbox) -> None:
    """Column names are plain, and null is NULL, which cannot be distinguished from the same text."""
    header, first, second, _ = csv.reader(io.StringIO(extract("CSV").decode()))
    assert header == list("btsilrfdvm")
    assert first[4] == "9223372036854775807"
    assert second == ["NULL"] * 10


@pytest.mark.usefixtures("every_type")
def test_fits_has_wrong_dimensions(extract: Callable[..., bytes], box: Sandbox) -> None:
    """The table is correct without its TDIM keywords, which are wrong."""
    with fits.open(io.BytesIO(extract("FITS"))) as units:
        assert len(units[1].header["TDIM*"]) == 10
        del units[1].header["TDIM*"]
        table = Table(units[1].data)
    assert table.colnames == list("btsilrfdvm")
    assert [table[name].dtype.kind for name in "tsilrfdvm"] == list("uiiifffUU")
    assert table["l"][0] == 9223372036854775807
    assert table["r"][0] == np.float32(0.1)
    assert table["v"][0] == 'a, "b" ?'


@pytest.mark.usefixtures("every_type")
def test_votable_is_typed_and_masked(extract: Callable[..., bytes], box: Sandbox) -> None:
    """Astropy reads the VOTable without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = parse(io.BytesIO(extract("VOTable"))).get_first_table().to_table()
    assert table["l"].dtype == np.int64
    assert table["l"][0] == 9223372036854775807
    assert table["v"][0] == 'a, "b" \u03b1'
    assert [bool(table[name].mask[1]) for name in "btsilm"] == [True] * 5 + [False]


@pytest.mark.usefixtures("every_type")
def test_dataset_omits_nulls(extract: Callable[..., bytes], box: Sandbox) -> None:
    """A row is an XML element with one element per value."""
    root = ElementTree.fromstring(extract("DataSet"))
    assert [len(row) for row in root] == [10, 0, 10]
    assert root[0].findtext("v") == 'a, "b" \u03b1'


def test_failed_extractions(box: Sandbox, casjobs: CasJobsCall, web: requests.Session) -> None:
    """An unknown format is refused, an unknown table fails the job, and other file addresses are not found."""
    assert casjobs("SubmitExtractJob", tableName="t", type="Parquet").status_code == 500
    number = ElementTree.fromstring(casjobs("SubmitExtractJob", tableName="t", type="CSV").content).text
    assert ElementTree.fromstring(casjobs("GetJobStatus", jobid=number).content).text == "4"
    assert web.get(f"{box.url}/CasOutPut/CSV/t.csv", timeout=30).status_code == 404


@pytest.mark.usefixtures("every_type")
def test_fast_service_sends_tabs(box: Sandbox, web: requests.Session) -> None:
    """The fast service accepts user name and password, has types in the header, and empty cells for null."""
    address = f"{box.url}/cgi-bin/quick_casjobs.cgi"
    login = {"userid": box.casjobs_user, "pw": box.casjobs_password}
    answer = web.post(address, data={**login, "table": "t"}, timeout=30)
    lines = answer.text.splitlines()
    assert lines[0].split("\t")[:2] == ["[b]:bit", "[t]:tinyint"]
    assert lines[2] == "\t" * 9
    assert web.post(address, data={**login, "table": "nothing"}, timeout=30).status_code == 404
    assert web.post(address, data={**login, "pw": "wrong", "table": "t"}, timeout=30).status_code == 401


INTEGERS = {"tinyint": (0, 255), "smallint": (-(2**15), 2**15 - 1), "int": (-(2**31), 2**31 - 1)}
INTEGERS["bigint"] = (-(2**63), 2**63 - 1)


@pytest.mark.parametrize("name", INTEGERS)
@given(number=st.integers(-(2**64), 2**64))
def test_integers_are_exact_or_refused(name: str, number: int) -> None:
    """Single and bulk conversions return the same results."""
    kind, (low, high) = SqlType(name), INTEGERS[name]
    if low <= number <= high:
        assert kind.convert(str(number)) == number
        assert list(kind.convert_all([str(number), "0"])) == [number, 0]
        assert kind.printed([number], "null", str) == [str(number)]
    else:
        for convert in (kind.convert, lambda text: kind.convert_all([text])):
            with pytest.raises(ConversionError, match="overflow"):
                convert(str(number))


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_printed_in_full(number: float) -> None:
    """Printed floats are parsed to the same number, also in single precision."""
    assert float(SqlType("float").printed([number], "null", str)[0]) == number
    if abs(number) < 3e38:
        single = SqlType("real").convert(number)
        assert single == np.float32(number)
        assert np.float32(SqlType("real").printed([single], "null", str)[0]) == single
        assert SqlType("real").convert_all([number]) == [single]


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "x", "1,5"])
@pytest.mark.parametrize("name", ["float", "real", "int", "decimal"])
def test_invalid_numbers_are_refused(name: str, text: str) -> None:
    """SQL Server does not accept NaN, or underscores as in Python."""
    with pytest.raises(ConversionError):
        SqlType(name).convert(text)
    with pytest.raises(ConversionError):
        SqlType(name).convert_all([text, text])


@given(data=st.text(max_size=200))
def test_any_upload_is_accepted_or_refused(data: str) -> None:
    """No text raises an unexpected error."""
    database = UserDatabase()
    try:
        upload = read_upload(data)
        columns = upload.guessed()
        assert len(columns) == len(upload.names)
    except (SqlError, ConversionError):
        pass
    finally:
        database.close()


CELLS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(cells=st.lists(CELLS, max_size=8))
def test_text_in_a_table_is_unchanged(cells: list[str | None]) -> None:
    """Text is unchanged by storing, selecting, and printing."""
    database = UserDatabase()
    try:
        columns = (SqlColumn("c", SqlType("nvarchar", (-1,))),)
        database.create("t", columns, [(cell,) for cell in cells])
        result = database.execute("SELECT c FROM t", "MYDB")
        assert [row[0] for row in result.rows] == cells
        printed = quick_text(result)
        assert printed.startswith("[c]:nvarchar\n")
        known = [cell for cell in cells if cell is not None and not set(cell) & {"\r", "\n"}]
        read = [row[0] for row in csv.reader(io.StringIO(printed, newline="")) if row]
        assert set(known) <= set(read)
        for write, _, _ in FORMS.values():
            assert write(result)
    finally:
        database.close()
