"""Uploads to MyDB: values survive a round trip, and tables are stored completely or not at all."""

from __future__ import annotations

import logging
import urllib.parse
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked
from casjobs_tables import ODD_TEXTS, plain, tables
from hypothesis import HealthCheck, given, settings

from astroquery_mast import CasJobsClass
from astroquery_mast.casjobs import transfer
from astroquery_mast.exceptions import (
    BadRequestError,
    IncompleteResultError,
    InputWarning,
    InvalidArgumentError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

SMALL = Table({"id": [1, 2, 3], "name": ["a", "b c", ""]})
# The sandbox's database only accepts complete pairs of surrogates.
STORABLE = [text for text in ODD_TEXTS if text.isascii() or text.encode("utf-8", "ignore").decode() == text]


def asks_for(beginning: str) -> Callable[[RequestRecord], bool]:
    """Return a condition for the requests whose statement begins with a string."""
    return lambda record: (record.value("qry") or "").startswith(beginning)


def is_upload(record: RequestRecord) -> bool:
    """Select the requests with rows."""
    return record.path.endswith("/UploadData")


def names_in_mydb(client: CasJobsClass) -> list[str]:
    """Return the names of all tables, including temporary ones."""
    return sorted(client.list_tables()["table_name"].tolist())


def everything() -> QTable:
    """Return a table with all values that can be stored unchanged."""
    rows = len(STORABLE)
    numbers = np.arange(rows)
    table = QTable(
        {
            "big int": np.where(numbers % 2, -(2**63), 2**63 - 1),
            "byte": (numbers * 9 % 256).astype("u1"),
            "select": (numbers - 5).astype("i2"),
            "x,y": (numbers * 10_000_019).astype("i4"),
            "flag": numbers % 3 == 0,
            "single": np.float32(1) / (numbers + 3).astype("f4"),
            "double]": np.pi * 10.0 ** (numbers * 15 - 300),
            "text": STORABLE,
            "t": Time(50_000 + numbers / 7, format="mjd", scale="utc"),
            "length": Masked(numbers * 0.1 * u.km, mask=numbers == 4),
            "Größe": MaskedColumn(numbers * 2**40, mask=numbers % 4 == 1),
            "words": MaskedColumn(STORABLE, mask=numbers % 4 == 2),
        }
    )
    table["t"][3] = np.ma.masked
    return table


def assert_equal(back: Table, table: Table) -> None:
    """Compare tables exactly, except for times, which the database stores to 100 ns."""
    assert back.colnames == table.colnames
    for name in table.colnames:
        values = getattr(table[name], "value", table[name]) if name == "length" else table[name]
        if isinstance(values, Time):
            assert (back[name].mask == values.mask).all()
            assert abs((back[name] - values).sec).filled(0).max() <= 1e-7
        else:
            assert plain(back[name]) == plain(values if not hasattr(values, "unmasked") else masked(values)), name


def masked(values: Any) -> Any:
    """Return a masked array of astropy as one of numpy."""
    return np.ma.MaskedArray(values.unmasked, mask=values.mask)


# -- round trips -----------------------------------------------------------------------------------------------------


def test_all_types_survive_a_round_trip(casjobs: CasJobsClass) -> None:
    """Nulls, extreme integers, floats, times, and any string under any name are unchanged."""
    table = everything()
    casjobs.upload(table, "everything")
    assert_equal(casjobs.download("everything"), table)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_any_table_survives_a_round_trip(casjobs: CasJobsClass, table: Table) -> None:
    """A table of any supported types is unchanged; the sandbox's database does not keep the sign of zero."""
    for name in table.colnames:
        if table[name].dtype.kind == "f":
            table[name] += 0.0
        if table[name].dtype.kind == "U":
            cells = [text.encode("utf-16", "replace").decode("utf-16") for text in np.ma.getdata(table[name]).tolist()]
            table[name] = MaskedColumn(cells, mask=np.ma.getmaskarray(table[name]), dtype=str)
    casjobs.upload(table, "any", overwrite=True)
    back = casjobs.download("any")
    assert [plain(back[name]) for name in back.colnames] == [plain(table[name]) for name in table.colnames]


@pytest.mark.parametrize("table", [Table({"n": np.zeros(0, dtype="i8"), "s": np.zeros(0, dtype="U3")})])
def test_an_empty_table_is_stored(casjobs: CasJobsClass, table: Table) -> None:
    """An empty table exists after the upload, with its columns."""
    casjobs.upload(table, "nothing")
    back = casjobs.download("nothing")
    assert (len(back), back.colnames, back["n"].dtype) == (0, ["n", "s"], np.dtype("i8"))


def test_a_row_with_one_empty_cell_is_kept(casjobs: CasJobsClass) -> None:
    """A row that would be an empty line is not lost."""
    casjobs.upload(Table({"n": MaskedColumn([1, 2, 3], mask=[0, 1, 1])}), "thin")
    assert casjobs.download("thin")["n"].tolist() == [1, None, None]


def test_the_database_has_the_declared_types(casjobs: CasJobsClass) -> None:
    """The types are those of the columns, and not guessed by the service."""
    casjobs.upload(everything(), "typed")
    query = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'typed'"
    types = dict(casjobs.query(query, context="MyDB").iterrows())
    assert [types[name] for name in ("big int", "byte", "select", "x,y", "flag", "single", "double]", "text", "t")] == [
        *("bigint", "tinyint", "smallint", "int", "bit", "real", "float", "nvarchar", "datetime2")
    ]


def test_no_temporary_tables_remain(casjobs: CasJobsClass) -> None:
    """The temporary tables for the rows are dropped."""
    casjobs.upload(SMALL, "small")
    assert names_in_mydb(casjobs) == ["small"]


def test_a_dataframe_is_uploaded_as_a_table(casjobs: CasJobsClass) -> None:
    """A pandas DataFrame is uploaded like an astropy table."""
    pandas = pytest.importorskip("pandas")
    casjobs.upload(
        pandas.DataFrame({"n": [1, 2], "s": ["a b", None], "t": pandas.to_datetime(["2020-01-01"] * 2)}), "frame"
    )
    back = casjobs.download("frame")
    assert (back["n"].tolist(), back["s"].tolist()) == ([1, 2], ["a b", None])
    assert back["t"].isot.tolist() == ["2020-01-01T00:00:00.000"] * 2


def test_nan_becomes_null_with_a_warning(casjobs: CasJobsClass) -> None:
    """NaN is stored as NULL, because the database does not support it."""
    with pytest.warns(InputWarning, match="1 in 'x'"):
        casjobs.upload(Table({"x": [np.nan, 1.0]}), "holes")
    assert casjobs.download("holes")["x"].tolist() == [None, 1.0]


# -- pieces ----------------------------------------------------------------------------------------------------------


def test_a_large_table_is_sent_in_pieces(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """No request exceeds the size of a piece, counted as a POST body."""
    table = Table({"n": np.arange(40), "s": np.array(["x" * 250_000, "a " * 40_000] * 20)})
    casjobs.upload(table, "large")
    sizes = [len(record.body) for record in mast_sandbox.requests.of("casjobs") if is_upload(record)]
    assert len(sizes) > 1
    assert max(sizes) <= transfer.PIECE_BYTES + 1000
    assert sum(sizes) > transfer.PIECE_BYTES
    back = casjobs.download("large")
    assert (back["s"] == table["s"]).all()


def test_the_estimated_size_of_a_form_is_correct(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """The body of a request has about the size of its encoded piece."""
    casjobs.upload(everything(), "counted")
    (record,) = filter(is_upload, mast_sandbox.requests.of("casjobs"))
    assert len(record.body) <= len(urllib.parse.quote_plus(record.value("data") or "")) + 1000


# -- existing tables -------------------------------------------------------------------------------------------------


def test_an_existing_table_is_not_replaced_by_default(
    casjobs: CasJobsClass, operations: Callable[[], list[str]]
) -> None:
    """The error recommends overwrite or append, and no rows are sent."""
    casjobs.upload(SMALL, "mine")
    with pytest.raises(InvalidArgumentError, match="The table mine already exists in MyDB"):
        casjobs.upload(SMALL, "mine")
    assert operations().count("UploadData") == 1


def test_overwrite_replaces_a_table(casjobs: CasJobsClass) -> None:
    """With overwrite, the new table has its own columns, and the old one is gone."""
    casjobs.upload(SMALL, "mine")
    casjobs.upload(Table({"z": [1.5]}), "mine", overwrite=True)
    assert casjobs.download("mine").colnames == ["z"]
    assert names_in_mydb(casjobs) == ["mine"]


def test_append_adds_rows(casjobs: CasJobsClass) -> None:
    """With append, rows are added after the existing ones, regardless of the order and the case of the columns."""
    casjobs.upload(SMALL, "mine")
    casjobs.upload(Table({"NAME": ["d"], "ID": np.array([4], dtype="i2")}), "mine", append=True)
    back = casjobs.download("mine")
    assert (back["id"].tolist(), back["name"].tolist()) == ([1, 2, 3, 4], ["a", "b c", "", "d"])


def test_append_creates_a_missing_table(casjobs: CasJobsClass) -> None:
    """The first call creates the table."""
    casjobs.upload(SMALL, "fresh", append=True)
    assert len(casjobs.download("fresh")) == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table({"id": [1.5], "name": ["a"]}), "'id' is bigint, but the new values require float"),
        (Table({"id": [1], "name": ["a" * 9]}), r"'name' is nvarchar\(3\), but the new values require nvarchar\(9\)"),
        (Table({"id": [1], "other": ["a"]}), "it has no column 'other'; the new rows do not have 'name'"),
    ],
)
def test_rows_that_do_not_match_are_not_sent(
    casjobs: CasJobsClass, operations: Callable[[], list[str]], table: Table, message: str
) -> None:
    """Rows that cannot be added without loss raise an error before they are sent."""
    casjobs.upload(SMALL, "mine")
    before = operations().count("UploadData")
    with pytest.raises(InvalidArgumentError, match=message):
        casjobs.upload(table, "mine", append=True)
    assert operations().count("UploadData") == before


@pytest.mark.parametrize(
    ("table", "name", "options", "message"),
    [
        (SMALL, "x; DROP TABLE y", {}, "is not a valid name of a table"),
        (SMALL, "x", {"overwrite": True, "append": True}, "overwrite=True and append=True cannot be combined"),
        ([1, 2], "x", {}, "table must be a Table, got list"),
        (Table(), "x", {}, "no columns"),
        (Table({"a": [[1, 2]]}), "x", {}, "Split it into one column per element"),
        (Table({"a": [1], "A": [2]}), "x", {}, "have the same name in CasJobs, which ignores case and trailing spaces"),
    ],
)
def test_invalid_arguments_raise_before_a_request(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, table: Any, name: str, options: Any, message: str
) -> None:
    """Errors in the arguments are found without the server."""
    with pytest.raises(InvalidArgumentError, match=message):
        casjobs.upload(table, name, **options)
    assert not mast_sandbox.requests.of("casjobs")


def test_a_row_beyond_the_size_limit_raises(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A row that exceeds the size of a request raises an error before a request."""
    with pytest.raises(InvalidArgumentError, match=r"A row of the table may need 208\d* bytes"):
        casjobs.upload(Table({"a": ["x" * 26_000_000]}), "long")
    assert not mast_sandbox.requests.of("casjobs")


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_piece_that_has_arrived_is_not_sent_again(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """If the connection breaks after the rows have arrived, they are not repeated."""
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=is_upload)
    casjobs.upload(SMALL, "mine")
    assert len(casjobs.download("mine")) == 3


def test_a_piece_that_has_not_arrived_is_sent_again(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, operations: Callable[[], list[str]]
) -> None:
    """If a gateway fails before the rows have arrived, they are sent again."""
    mast_sandbox.faults.add("casjobs", Fault.status(502), where=is_upload)
    casjobs.upload(SMALL, "mine")
    assert operations().count("UploadData") == 2
    assert len(casjobs.download("mine")) == 3


def test_rows_lost_by_the_service_raise(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """If the service loses rows, nothing is changed, and the error has the number of rows."""
    casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.answer(b"", content_type="text/xml"), where=is_upload)
    with pytest.raises(IncompleteResultError, match="The upload failed: CasJobs stored 0 rows instead of 1"):
        casjobs.upload(Table({"id": [9], "name": ["z"]}), "mine", append=True)
    assert len(casjobs.download("mine")) == 3
    assert names_in_mydb(casjobs) == ["mine"]


def test_a_rejected_upload_leaves_no_table(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """If the service rejects rows, the temporary tables are dropped, and an existing table is kept."""
    casjobs.upload(SMALL, "mine")
    refusal = Fault.status(500, body=b"System.Exception: Error loading data: line 2 ---> System.FormatException: x")
    mast_sandbox.faults.add("casjobs", refusal, where=is_upload)
    with pytest.raises(BadRequestError, match="Error loading data: line 2"):
        casjobs.upload(Table({"z": [1]}), "mine", overwrite=True)
    assert names_in_mydb(casjobs) == ["mine"]
    assert casjobs.download("mine").colnames == ["id", "name"]


def test_tables_that_cannot_be_dropped_are_listed(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """If the cleanup fails as well, the error lists the tables that may be left."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=is_upload, times=None)
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=asks_for("DROP"), times=None)
    with pytest.raises(ServerError, match="Temporary tables may be left in MyDB: astroquery_mast_") as raised:
        casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.clear()
    (left,) = names_in_mydb(casjobs)
    assert left in str(raised.value)


def test_the_old_table_is_restored_if_renaming_fails(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """An existing table is never lost."""
    casjobs.upload(SMALL, "mine")
    refusal = Fault.status(500, body=b"System.Exception: no rename ---> System.Data.SqlClient.SqlException: no rename")
    renames = [record for record in mast_sandbox.requests.of("casjobs") if asks_for("EXEC sp_rename")(record)]
    assert len(renames) == 1
    to_its_name = lambda record: (record.value("qry") or "").endswith(", 'mine'")  # noqa: E731 - one line of a test
    mast_sandbox.faults.add("casjobs", refusal, where=to_its_name)
    with pytest.raises(BadRequestError, match="no rename"):
        casjobs.upload(Table({"z": [1]}), "mine", overwrite=True)
    assert names_in_mydb(casjobs) == ["mine"]
    assert casjobs.download("mine").colnames == ["id", "name"]
    mast_sandbox.faults.add("casjobs", refusal, where=to_its_name, times=None)
    with pytest.raises(BadRequestError, match="The old table is still in MyDB, now named astroquery_mast_"):
        casjobs.upload(Table({"z": [1]}), "mine", overwrite=True)


@pytest.mark.parametrize("options", [{}, {"overwrite": True}])
def test_a_renamed_table_is_recognized_without_a_response(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, options: dict[str, bool]
) -> None:
    """If the response to a renaming is lost, the new name is checked."""
    if options:
        casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=asks_for("EXEC sp_rename"))
    casjobs.upload(Table({"z": [1]}), "mine", **options)
    assert casjobs.download("mine").colnames == ["z"]


def test_added_rows_are_recognized_without_a_response(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """Rows are added only once, even if the response is lost."""
    casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=asks_for("INSERT INTO [mine]"))
    casjobs.upload(SMALL, "mine", append=True)
    assert len(casjobs.download("mine")) == 6


def test_a_job_decodes_words_if_the_quick_queue_cannot(hasty: Sandbox) -> None:
    """If the quick queue has no time to convert words to values, a job does it."""
    client = CasJobsClass()
    client.login(hasty.casjobs_user, hasty.casjobs_password)
    table = Table({"n": np.arange(20_000), "s": np.char.add("a ", np.arange(20_000).astype(str))})
    client.upload(table, "long")
    assert [record for record in hasty.requests.of("casjobs") if record.path.endswith("/SubmitJob")]
    back = client.download("long")
    assert (back["n"] == table["n"]).all()
    assert (back["s"] == table["s"]).all()


def test_ctrl_c_leaves_no_table(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, interrupted: Callable[..., requests.Session]
) -> None:
    """Ctrl-C during an upload drops the temporary tables."""
    client = CasJobsClass(session=interrupted("UploadData", arrives=True))
    with pytest.raises(KeyboardInterrupt):
        client.upload(SMALL, "mine")
    assert names_in_mydb(casjobs) == []


def test_leftover_tables_are_logged_without_an_error(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A successful upload whose cleanup fails logs the tables that may be left."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=asks_for("DROP"), times=None)
    with caplog.at_level(logging.WARNING):
        casjobs.upload(SMALL, "mine")
    assert "Temporary tables may be left in MyDB: astroquery_mast_" in caplog.text
    assert len(casjobs.download("mine")) == 3
