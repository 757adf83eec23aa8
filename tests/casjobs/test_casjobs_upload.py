"""Tables that go up to MyDB and come back: exact, whole, and never half of one."""

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
# The sandbox's database takes only whole pairs of surrogates.
STORABLE = [text for text in ODD_TEXTS if text.isascii() or text.encode("utf-8", "ignore").decode() == text]


def asks_for(beginning: str) -> Callable[[RequestRecord], bool]:
    """Select the requests whose statement begins with some words."""
    return lambda record: (record.value("qry") or "").startswith(beginning)


def is_upload(record: RequestRecord) -> bool:
    """Select the requests that bring rows."""
    return record.path.endswith("/UploadData")


def names_in_mydb(client: CasJobsClass) -> list[str]:
    """Return the names of all tables, also those that are there for a moment."""
    return sorted(client.list_tables()["table_name"].tolist())


def everything() -> QTable:
    """Return a table of everything that can be stored as it is."""
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
    """Compare tables to the last bit; moments to 100 ns, because that is what the database has."""
    assert back.colnames == table.colnames
    for name in table.colnames:
        values = getattr(table[name], "value", table[name]) if name == "length" else table[name]
        if isinstance(values, Time):
            assert (back[name].mask == values.mask).all()
            assert abs((back[name] - values).sec).filled(0).max() <= 1e-7
        else:
            assert plain(back[name]) == plain(values if not hasattr(values, "unmasked") else masked(values)), name


def masked(values: Any) -> Any:
    """Give a masked array of astropy as one of numpy."""
    return np.ma.MaskedArray(values.unmasked, mask=values.mask)


# -- there and back --------------------------------------------------------------------------------------------------


def test_everything_comes_back(casjobs: CasJobsClass) -> None:
    """Nulls, integers to their limits, floats to the last bit, moments, and any text under any name are kept."""
    table = everything()
    casjobs.upload(table, "everything")
    assert_equal(casjobs.download("everything"), table)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_any_table_comes_back(casjobs: CasJobsClass, table: Table) -> None:
    """A table of any supported types comes back as it was; the sandbox's database has no sign of zero."""
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
def test_a_table_without_rows_is_stored(casjobs: CasJobsClass, table: Table) -> None:
    """An empty table is there afterwards, with its columns."""
    casjobs.upload(table, "nothing")
    back = casjobs.download("nothing")
    assert (len(back), back.colnames, back["n"].dtype) == (0, ["n", "s"], np.dtype("i8"))


def test_rows_of_one_empty_cell_are_kept(casjobs: CasJobsClass) -> None:
    """A row that would be an empty line is one."""
    casjobs.upload(Table({"n": MaskedColumn([1, 2, 3], mask=[0, 1, 1])}), "thin")
    assert casjobs.download("thin")["n"].tolist() == [1, None, None]


def test_the_types_in_the_database_are_declared(casjobs: CasJobsClass) -> None:
    """The service guesses no types: they are those of the columns."""
    casjobs.upload(everything(), "typed")
    query = "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.columns WHERE TABLE_NAME = 'typed'"
    types = dict(casjobs.query(query, context="MyDB").iterrows())
    assert [types[name] for name in ("big int", "byte", "select", "x,y", "flag", "single", "double]", "text", "t")] == [
        *("bigint", "tinyint", "smallint", "int", "bit", "real", "float", "nvarchar", "datetime2")
    ]


def test_nothing_but_the_table_is_left(casjobs: CasJobsClass) -> None:
    """The tables through which rows go are dropped."""
    casjobs.upload(SMALL, "small")
    assert names_in_mydb(casjobs) == ["small"]


def test_a_dataframe_is_a_table(casjobs: CasJobsClass) -> None:
    """A table of pandas goes up as one of astropy."""
    pandas = pytest.importorskip("pandas")
    casjobs.upload(
        pandas.DataFrame({"n": [1, 2], "s": ["a b", None], "t": pandas.to_datetime(["2020-01-01"] * 2)}), "frame"
    )
    back = casjobs.download("frame")
    assert (back["n"].tolist(), back["s"].tolist()) == ([1, 2], ["a b", None])
    assert back["t"].isot.tolist() == ["2020-01-01T00:00:00.000"] * 2


def test_nan_becomes_null_with_a_warning(casjobs: CasJobsClass) -> None:
    """The database has no NaN."""
    with pytest.warns(InputWarning, match="1 in 'x'"):
        casjobs.upload(Table({"x": [np.nan, 1.0]}), "holes")
    assert casjobs.download("holes")["x"].tolist() == [None, 1.0]


# -- pieces ----------------------------------------------------------------------------------------------------------


def test_a_large_table_goes_in_pieces(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """No request is larger than a piece may be, counted as it is posted."""
    table = Table({"n": np.arange(40), "s": np.array(["x" * 250_000, "a " * 40_000] * 20)})
    casjobs.upload(table, "large")
    sizes = [len(record.body) for record in mast_sandbox.requests.of("casjobs") if is_upload(record)]
    assert len(sizes) > 1
    assert max(sizes) <= transfer.PIECE_BYTES + 1000
    assert sum(sizes) > transfer.PIECE_BYTES
    back = casjobs.download("large")
    assert (back["s"] == table["s"]).all()


def test_a_form_has_the_size_that_was_counted(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """The body of a request is about as long as its piece quoted."""
    casjobs.upload(everything(), "counted")
    (record,) = filter(is_upload, mast_sandbox.requests.of("casjobs"))
    assert len(record.body) <= len(urllib.parse.quote_plus(record.value("data") or "")) + 1000


# -- names that are taken --------------------------------------------------------------------------------------------


def test_a_table_is_not_replaced_unasked(casjobs: CasJobsClass, operations: Callable[[], list[str]]) -> None:
    """A name that is taken is an error that says what to do, and no rows are sent."""
    casjobs.upload(SMALL, "mine")
    with pytest.raises(InvalidArgumentError, match="The table mine already exists in MyDB"):
        casjobs.upload(SMALL, "mine")
    assert operations().count("UploadData") == 1


def test_overwrite_replaces_a_table(casjobs: CasJobsClass) -> None:
    """With overwrite the new table is there, with its own columns, and the old one is not."""
    casjobs.upload(SMALL, "mine")
    casjobs.upload(Table({"z": [1.5]}), "mine", overwrite=True)
    assert casjobs.download("mine").colnames == ["z"]
    assert names_in_mydb(casjobs) == ["mine"]


def test_append_adds_rows(casjobs: CasJobsClass) -> None:
    """With append the rows come behind those that are there, whatever the order and the case of the columns."""
    casjobs.upload(SMALL, "mine")
    casjobs.upload(Table({"NAME": ["d"], "ID": np.array([4], dtype="i2")}), "mine", append=True)
    back = casjobs.download("mine")
    assert (back["id"].tolist(), back["name"].tolist()) == ([1, 2, 3, 4], ["a", "b c", "", "d"])


def test_append_makes_a_table_that_is_not_there(casjobs: CasJobsClass) -> None:
    """The first of several additions makes the table."""
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
def test_rows_that_do_not_fit_are_not_sent(
    casjobs: CasJobsClass, operations: Callable[[], list[str]], table: Table, message: str
) -> None:
    """What cannot be added exactly is refused before anything is sent."""
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
def test_bad_arguments_are_refused_before_anything_is_sent(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, table: Any, name: str, options: Any, message: str
) -> None:
    """What is wrong with the arguments needs no server to be seen."""
    with pytest.raises(InvalidArgumentError, match=message):
        casjobs.upload(table, name, **options)
    assert not mast_sandbox.requests.of("casjobs")


def test_a_row_beyond_the_limit_of_the_service_is_refused(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """A row that no request can hold is refused before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=r"A row of the table may need 208\d* bytes"):
        casjobs.upload(Table({"a": ["x" * 26_000_000]}), "long")
    assert not mast_sandbox.requests.of("casjobs")


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_piece_whose_answer_got_lost_is_not_there_twice(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """When the connection breaks after the rows have arrived, they are not sent again."""
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=is_upload)
    casjobs.upload(SMALL, "mine")
    assert len(casjobs.download("mine")) == 3


def test_a_piece_that_did_not_arrive_is_sent_again(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, operations: Callable[[], list[str]]
) -> None:
    """When a gateway fails before the rows have arrived, they are sent again."""
    mast_sandbox.faults.add("casjobs", Fault.status(502), where=is_upload)
    casjobs.upload(SMALL, "mine")
    assert operations().count("UploadData") == 2
    assert len(casjobs.download("mine")) == 3


def test_rows_that_got_lost_are_missed(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """When the service says that it has rows and has not, nothing is changed, and the error counts them."""
    casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.answer(b"", content_type="text/xml"), where=is_upload)
    with pytest.raises(IncompleteResultError, match="The upload failed: CasJobs stored 0 rows instead of 1"):
        casjobs.upload(Table({"id": [9], "name": ["z"]}), "mine", append=True)
    assert len(casjobs.download("mine")) == 3
    assert names_in_mydb(casjobs) == ["mine"]


def test_an_upload_that_is_refused_leaves_nothing(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """When the service refuses rows, no table is left, and a table to be replaced stays."""
    casjobs.upload(SMALL, "mine")
    refusal = Fault.status(500, body=b"System.Exception: Error loading data: line 2 ---> System.FormatException: x")
    mast_sandbox.faults.add("casjobs", refusal, where=is_upload)
    with pytest.raises(BadRequestError, match="Error loading data: line 2"):
        casjobs.upload(Table({"z": [1]}), "mine", overwrite=True)
    assert names_in_mydb(casjobs) == ["mine"]
    assert casjobs.download("mine").colnames == ["id", "name"]


def test_what_cannot_be_dropped_is_named(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """When cleaning up fails as well, the error names the tables that are left."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=is_upload, times=None)
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=asks_for("DROP"), times=None)
    with pytest.raises(ServerError, match="Temporary tables may be left in MyDB: astroquery_mast_") as raised:
        casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.clear()
    (left,) = names_in_mydb(casjobs)
    assert left in str(raised.value)


def test_the_old_table_is_back_when_the_new_one_cannot_take_its_name(
    casjobs: CasJobsClass, mast_sandbox: Sandbox
) -> None:
    """A table that is to be replaced is lost at no time."""
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
def test_a_new_name_whose_answer_got_lost_is_seen(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, options: dict[str, bool]
) -> None:
    """A table that has got its name is there, also when the answer to that got lost."""
    if options:
        casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=asks_for("EXEC sp_rename"))
    casjobs.upload(Table({"z": [1]}), "mine", **options)
    assert casjobs.download("mine").colnames == ["z"]


def test_rows_that_were_added_are_seen(casjobs: CasJobsClass, mast_sandbox: Sandbox) -> None:
    """Rows are added once, also when the answer to that got lost."""
    casjobs.upload(SMALL, "mine")
    mast_sandbox.faults.add("casjobs", Fault.reset(), where=asks_for("INSERT INTO [mine]"))
    casjobs.upload(SMALL, "mine", append=True)
    assert len(casjobs.download("mine")) == 6


def test_what_takes_longer_is_done_by_a_job(hasty: Sandbox) -> None:
    """When there is no time in the quick queue to make values of words, a job does it."""
    client = CasJobsClass()
    client.login(hasty.casjobs_user, hasty.casjobs_password)
    table = Table({"n": np.arange(20_000), "s": np.char.add("a ", np.arange(20_000).astype(str))})
    client.upload(table, "long")
    assert [record for record in hasty.requests.of("casjobs") if record.path.endswith("/SubmitJob")]
    back = client.download("long")
    assert (back["n"] == table["n"]).all()
    assert (back["s"] == table["s"]).all()


def test_ctrl_c_leaves_nothing(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, interrupted: Callable[..., requests.Session]
) -> None:
    """Who stops an upload finds no part of it afterwards."""
    client = CasJobsClass(session=interrupted("UploadData", arrives=True))
    with pytest.raises(KeyboardInterrupt):
        client.upload(SMALL, "mine")
    assert names_in_mydb(casjobs) == []


def test_what_is_left_is_logged_where_there_is_no_error(
    casjobs: CasJobsClass, mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """An upload that has succeeded but for cleaning up says so."""
    mast_sandbox.faults.add("casjobs", Fault.status(500), where=asks_for("DROP"), times=None)
    with caplog.at_level(logging.WARNING):
        casjobs.upload(SMALL, "mine")
    assert "Temporary tables may be left in MyDB: astroquery_mast_" in caplog.text
    assert len(casjobs.download("mine")) == 3
