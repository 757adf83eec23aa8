"""The CSV of CasJobs and the columns of tables: values survive an upload and a download unchanged."""

from __future__ import annotations

import csv
import io
import re
import string
import urllib.parse
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time, TimeDelta
from astropy.utils.masked import Masked
from casjobs_tables import ODD_TEXTS, plain, tables
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.casjobs import columns as csv_columns
from astroquery_mast.casjobs import sql
from astroquery_mast.casjobs.sql import SqlColumn
from astroquery_mast.exceptions import CorruptDataWarning, InputWarning, InvalidArgumentError, MastError

LARGEST = 100_000


def sent_and_returned(table: Table, largest: int = LARGEST) -> Table:
    """Send a table in pieces to a model of the service, which only handles words, and read its response."""
    columns = sql.columns_for(table)
    rows: list[list[str]] = []
    for piece, count in csv_columns.csv_pieces(table, columns, largest):
        heading, *lines = csv.reader(io.StringIO(piece, newline=""))
        assert heading == sql.words_heading(columns).split(",")
        assert len(lines) == count
        rows += lines
    assert [row[0] for row in rows] == [str(number) for number in range(len(table))]
    heading = ",".join(f"[{name}]:varchar" for name in sql.word_names(columns))
    answer = "".join(f"{line}\n" for line in (heading, *(",".join(served(row[1:], columns)) for row in rows)))
    return csv_columns.table_of_words(csv_columns.lines_of(answer), len(answer), columns)


def served(words: list[str], columns: list[SqlColumn]) -> list[str]:
    """Return the cells of a row after the database has decoded the words and encoded the values again."""
    cells = [word[1:] if column.is_moment else word for word, column in zip(words, columns, strict=True)]
    quoted = [f'"{cell}"' if column.is_text else cell for cell, column in zip(cells, columns, strict=True)]
    return [cell if word else "NULL" for word, cell in zip(words, quoted, strict=True)]


# -- round trips -----------------------------------------------------------------------------------------------------

# Days before a fractional step of UTC, whose times ERFA does not convert to text and back exactly.
STEPS = {date(1965, 2, 28), date(1965, 6, 30), date(1965, 8, 31), date(1968, 1, 31), date(1971, 12, 31)}
MOMENTS = st.datetimes(datetime(1965, 1, 1), datetime(2025, 1, 1)).filter(lambda moment: moment.date() not in STEPS)


@given(tables())
def test_values_survive_a_round_trip(table: Table) -> None:
    """Every value of every type is returned unchanged, with its dtype, and masked where it was masked."""
    back = sent_and_returned(table)
    assert back.colnames == table.colnames
    for name in table.colnames:
        assert plain(back[name]) == plain(table[name])
        assert back[name].dtype.kind == table[name].dtype.kind
        if table[name].dtype.kind != "U":
            assert back[name].dtype == table[name].dtype


@given(st.lists(MOMENTS, max_size=5), st.sampled_from(["utc", "tai", "tdb", "local"]))
def test_times_survive_a_round_trip(moments: list[Any], scale: str) -> None:
    """A column of Time is returned as the same times in UTC, to 100 ns."""
    times = Time([*moments, datetime(2001, 2, 3, 4, 5, 6)], scale="utc" if scale != "local" else "local")
    given_times = times if scale in {"utc", "local"} else getattr(times, scale)
    back = sent_and_returned(Table({"t": given_times}))["t"]
    assert back.scale == "utc"
    assert plain(Time(back, precision=6)) == plain(Time(times, precision=6))


def test_unusual_texts_survive_a_round_trip() -> None:
    """No string is read as NULL, a number, or CSV syntax, and none is truncated or stripped of blanks."""
    texts = np.array([*ODD_TEXTS, "hidden"])
    table = Table({"text": MaskedColumn(texts, mask=[*([False] * len(ODD_TEXTS)), True])})
    assert plain(sent_and_returned(table)["text"]) == [*ODD_TEXTS, None]


def test_words_have_only_safe_characters() -> None:
    """Words consist of letters, digits and a few marks: no blanks, quotes, plus signs or characters beyond ASCII."""
    table = Table({"text": ODD_TEXTS, "x": [1e300] * len(ODD_TEXTS), "t": Time(["2020-01-01"] * len(ODD_TEXTS))})
    (piece, _), *_ = csv_columns.csv_pieces(table, sql.columns_for(table), LARGEST)
    assert set(piece) <= {*string.ascii_letters, *string.digits, *"_.-:,\n"}


@pytest.mark.filterwarnings("ignore::erfa.ErfaWarning")
def test_numpy_dates_are_returned_as_times() -> None:
    """A column of datetime64 is returned as Time, with NaT masked."""
    dates = np.array(["2020-01-01T00:00:00.123456", "NaT", "1500-06-07"], dtype="M8[us]")
    back = sent_and_returned(Table({"t": dates}))["t"]
    assert plain(back) == ["2020-01-01T00:00:00.123456000", None, "1500-06-07T00:00:00.000000000"]


def test_nanoseconds_are_truncated() -> None:
    """Times have seven decimals of a second, as in the database."""
    back = sent_and_returned(Table({"t": np.array(["2020-01-01T00:00:00.123456789"], dtype="M8[ns]")}))["t"]
    assert plain(back) == ["2020-01-01T00:00:00.123456700"]


def test_masked_mixins_keep_their_masks() -> None:
    """Masked quantities and times are returned with the same masks."""
    times = Time(["2020-01-01", "2021-01-01"])
    times[1] = np.ma.masked
    table = QTable({"q": Masked([1.5, 2.5] * u.mag, mask=[True, False]), "t": times, "w": [1, 2] * u.m})
    back = sent_and_returned(table)
    assert plain(back["t"]) == ["2020-01-01T00:00:00.000000000", None]
    assert (back["q"].mask.tolist(), back["q"][1], back["w"].tolist()) == ([True, False], 2.5, [1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([-128, 127], dtype="i1"), "i2"),
        (np.array([0, 65535], dtype="u2"), "i4"),
        (np.array([0, 2**32 - 1], dtype="u4"), "i8"),
        (np.array([0, 2**63 - 1], dtype="u8"), "i8"),
        (np.array([0.5, -2], dtype="f2"), "f4"),
        (np.array([1.5, -2], dtype=">f8"), "f8"),
        (np.array([1, -2], dtype=">i4"), "i4"),
    ],
)
def test_unsupported_number_types_are_returned_in_a_larger_type(values: Any, dtype: str) -> None:
    """Number types that the database lacks are stored in one that holds all of their values."""
    back = sent_and_returned(Table({"x": values}))["x"]
    assert back.dtype == np.dtype(dtype)
    assert back.tolist() == values.tolist()


def test_bytes_are_text_in_utf_8() -> None:
    """Bytes are returned as text."""
    back = sent_and_returned(Table({"x": np.array(["é".encode(), b"b c"])}))["x"]
    assert back.tolist() == ["é", "b c"]


def test_nan_and_infinity_become_null() -> None:
    """NaN and infinity become NULL, and one warning counts them without the masked values."""
    table = Table({"x": MaskedColumn([np.nan, np.inf, 1.0, np.nan], mask=[0, 0, 0, 1]), "y": [1.0, 2, 3, 4]})
    with pytest.warns(InputWarning, match="They are stored as NULL: 2 in 'x'"):
        csv_columns.warn_of_lost_numbers(table)
    assert sent_and_returned(table)["x"].tolist() == [None, None, 1.0, None]


def test_an_empty_table_keeps_its_columns() -> None:
    """A table without rows makes no pieces, and is returned with columns of the same kinds."""
    table = Table({"a": np.zeros(0, dtype="i8"), "b": np.zeros(0, dtype="U3"), "t": Time(np.zeros(0), format="mjd")})
    assert not list(csv_columns.csv_pieces(table, sql.columns_for(table), LARGEST))
    back = sent_and_returned(table)
    assert [len(back), back["a"].dtype.kind, back["b"].dtype.kind, type(back["t"])] == [0, "i", "U", Time]


@pytest.mark.parametrize("text", [*ODD_TEXTS, "a\nb", "\u017ft", "\u212aelvin", "Null", "9a"])
def test_ambiguous_texts_need_words(text: str) -> None:
    """Only strings that are names, and cannot be read as NULL, are sent without encoding."""
    table = Table({"n": [1, 2], "s": ["a", text]})
    is_name = re.fullmatch(r"[A-Za-z_][-A-Za-z0-9_.]*", text) is not None and text.lower() != "null"
    assert csv_columns.needs_words(table, sql.columns_for(table)) is not is_name


@pytest.mark.parametrize(
    ("table", "needed"),
    [
        (Table({"a": [1], "b": ["x"]}), False),
        (Table({"a": MaskedColumn([1], mask=[1]), "b": [2.5]}), False),
        (Table({"a": np.zeros(0, "i8"), "b": np.zeros(0, "U1")}), False),
        (Table({"a": [1], "b": MaskedColumn(["x"], mask=[1])}), True),
        (Table({"a": [1]}), True),
        (Table({"a": [1], "b c": [2]}), True),
        (Table({"a": [1], "t": Time(["2020-01-01"])}), True),
        (Table({"a": [1], "b": [""]}), True),
    ],
)
def test_tables_that_need_words(table: Table, needed: bool) -> None:
    """Numbers and names in several columns are sent without encoding; NULL, blanks and dates are not."""
    columns = sql.columns_for(table)
    assert csv_columns.needs_words(table, columns) is needed
    if not needed and len(table):
        ((piece, _),) = csv_columns.csv_pieces(table, columns, LARGEST, words=False)
        assert piece in {"a,b\n1,x\n", "a,b\n,2.5\n"}


# -- pieces ----------------------------------------------------------------------------------------------------------


@given(tables(), st.integers(1, 400))
def test_pieces_have_at_most_the_allowed_size(table: Table, largest: int) -> None:
    """A piece with two or more rows has at most the allowed size of a POST body, and no row is lost between pieces."""
    columns = sql.columns_for(table)
    rows = 0
    for piece, count in csv_columns.csv_pieces(table, columns, largest):
        assert count == 1 or len(urllib.parse.quote_plus(piece)) <= largest
        rows += count
    assert rows == len(table)


def test_large_tables_keep_the_order_of_rows() -> None:
    """A table with more rows than a block is returned in the same order."""
    table = Table({"n": np.arange(45_000), "s": np.arange(45_000).astype(str)})
    back = sent_and_returned(table)
    assert (back["n"] == table["n"]).all()
    assert (back["s"] == table["s"]).all()


@given(tables())
def test_no_row_exceeds_the_estimated_length(table: Table) -> None:
    """The upper bound of the row length, which is checked before a request, holds."""
    columns = sql.columns_for(table)
    pieces = [piece.split("\n", 1)[1] for piece, _ in csv_columns.csv_pieces(table, columns, 1)]
    assert all(len(urllib.parse.quote_plus(piece)) <= csv_columns.longest_row(table) + 20 for piece in pieces)


# -- columns that cannot be stored -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (Table(), "has no columns"),
        (
            Table({f"c{number}": [1] for number in range(1025)}),
            "The table has 1025 columns, but CasJobs stores at most 1024",
        ),
        (Table({"a": np.zeros((2, 3))}), "Column 'a' has the shape.*Split it into one column per element"),
        (Table({"a": [{}, None]}), "'a' has the dtype object"),
        (Table({"a": [1 + 1j]}), "'a' has the dtype complex128"),
        (Table({"a": np.array([1], dtype=np.longdouble)}), "'a' has the dtype"),
        (Table({"a": SkyCoord([1], [2], unit="deg")}), "'a' is a SkyCoord"),
        (Table({"a": TimeDelta([1], format="sec")}), "'a' is a TimeDelta"),
        (Table({"a": np.array([2**63], dtype="u8")}), r"'a' has integers above 2\*\*63 - 1"),
        (Table({"a": np.array([b"\xff"])}), "'a' contains bytes that are not valid UTF-8"),
        (
            Table({"a": Time(["2016-12-31T23:59:60.5"])}),
            "Column 'a' has a time within a leap second, which CasJobs cannot store",
        ),
        (Table({"a": Time([2e6], format="jd", scale="tai")}), None),
        (Table({"a": Time([-1e6], format="mjd", scale="tai")}), "Column 'a' has times outside the years 1 to 9999"),
        (Table({"a": Time([5e4], format="mjd", scale="ut1")}), "'a' is in UT1"),
        (Table({"a": np.array(["10000-01-01"], dtype="M8[D]")}), "Column 'a' has times outside the years"),
        (Table({" ": [1]}), "' ' is not a valid column name"),
        (Table({"a\nb": [1]}), "is not a valid column name"),
        (Table({"a" * 129: [1]}), "is not a valid column name"),
        (Table({"Ra": [1], "rA": [2]}), "The columns 'Ra' and 'rA' have the same name in CasJobs, which"),
    ],
)
def test_columns_that_cannot_be_stored_raise(table: Table, message: str | None) -> None:
    """The error names the column that the database cannot store exactly, and suggests a solution."""
    if message is None:
        assert sql.columns_for(table)
        return
    with pytest.raises(InvalidArgumentError, match=message):
        sql.columns_for(table)


@pytest.mark.parametrize("name", ["order", "two words", "a]b", "Größe", "1st", "a.b", "x--", "a'b", 'a"b', "c,d"])
def test_column_names_may_be_any_printable_text(name: str) -> None:
    """Reserved words, blanks and punctuation in column names are quoted."""
    columns = sql.columns_for(Table({name: [1]}))
    expected = f"[{name.replace(']', ']]')}]"
    assert sql.create_statement("t", columns) == f"CREATE TABLE [t] ({expected} bigint NULL)"
    assert sent_and_returned(Table({name: [1]})).colnames == [name]


@pytest.mark.parametrize("name", ["t", "_x1", "MyDB.t", "mydb.dbo.t", "[t]", "MYDB.[t]", "T" * 128])
def test_valid_table_names(name: str) -> None:
    """A name of letters, digits and underscores is valid, with or without the name of the database."""
    assert sql.table_name(name) == f"[{name.rpartition('.')[2].strip('[]')}]"


@given(st.text() | st.none() | st.integers())
def test_invalid_table_names_raise(name: Any) -> None:
    """Any other text raises an error, so that it cannot become part of a statement."""
    try:
        made = sql.table_name(name)
    except InvalidArgumentError as err:
        assert "is not a valid name of a table" in str(err)
    else:
        assert set(made[1:-1]) <= {*string.ascii_letters, *string.digits, "_"}


@pytest.mark.parametrize("name", ["x; DROP TABLE y", "a b", "", "1a", "a.b", "other.t", "t\n", "ä", "T" * 129, None])
def test_examples_of_invalid_table_names_raise(name: Any) -> None:
    """Text that could be more than a name raises an error."""
    with pytest.raises(InvalidArgumentError, match="is not a valid name of a table"):
        sql.table_name(name)


# -- adding rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("existing", "given_columns", "message"),
    [
        (("a", "bigint"), ("A", "int"), ""),
        (("a", "float"), ("a", "int"), ""),
        (("a", "float"), ("a", "bigint"), "'a' is float, but the new values require bigint"),
        (("a", "real"), ("a", "float"), "'a' is real, but the new values require float"),
        (("a", "nvarchar", 20), ("a", "nvarchar", 20), ""),
        (("a", "nvarchar", None), ("a", "nvarchar", 20), ""),
        (
            ("a", "nvarchar", 20),
            ("a", "nvarchar", 21),
            r"'a' is nvarchar\(20\), but the new values require nvarchar\(21\)",
        ),
        (("a", "nvarchar", 20), ("a", "nvarchar", None), "the new values require nvarchar"),
        (("a", "varchar", 20), ("a", "nvarchar", 2), r"'a' is varchar\(20\)"),
        (("a", "datetime"), ("a", "datetime2"), "'a' is datetime, but"),
        (("a", "int"), ("b", "int"), "it has no column 'b'; the new rows do not have 'a'"),
    ],
)
def test_column_mismatches_are_described(
    existing: tuple[Any, ...], given_columns: tuple[Any, ...], message: str
) -> None:
    """Whether rows can be added without loss is checked before an upload, and the reason is reported."""
    found = sql.column_mismatch([SqlColumn(*given_columns)], [SqlColumn(*existing)])
    assert re.search(message, found) if message else not found


# -- responses -------------------------------------------------------------------------------------------------------


def test_a_quick_response() -> None:
    """The header has names and types; unquoted NULL is masked, and quoted NULL is a string."""
    table = csv_columns.read_csv(
        "[id]:bigint,[a name]:varchar,[x]:float,[y]:real,[b]:bit,[n]:tinyint\r\n"
        '9223372036854775807,"NULL",1.5,0.1,True,255\r\n'
        'null,NULL,null,NULL,null,NULL\r\n-1,"a ""q"",\nb",1E+300,1,0,0\r\n'
    )
    assert table.colnames == ["id", "a name", "x", "y", "b", "n"]
    assert [table[name].dtype.str[1:] for name in ("id", "x", "y", "b", "n")] == ["i8", "f8", "f4", "b1", "u1"]
    assert [plain(table[name]) for name in ("id", "a name", "b")] == [
        [2**63 - 1, None, -1],
        ["NULL", None, 'a "q",\nb'],
        [True, None, False],
    ]


def test_unquoted_text_is_read() -> None:
    """Text may be unquoted; leading zeros are kept, and an empty cell is an empty string."""
    table = csv_columns.read_csv("[a]:varchar,[b]:char\n007,x y\n,NULL\n")
    assert [plain(table["a"]), plain(table["b"])] == [["007", ""], ["x y", None]]


def test_dotnet_type_names_are_read() -> None:
    """Types may have their .NET names."""
    table = csv_columns.read_csv("[a]:Int64,[b]:Single,[c]:String,[d]:Boolean\n1,2.5,x,False\n")
    assert [column.dtype.str[1:] for column in table.columns.values()] == ["i8", "f4", "U1", "b1"]


def test_column_names_may_have_punctuation() -> None:
    """Names with commas, brackets and blanks are read; missing names are generated, and repeated names numbered."""
    table = csv_columns.read_csv("[a, b]:int,[c[1]]:decimal(10,2),[]:int,[x]:int,[x]:int\n1,2,3,4,5\n")
    assert table.colnames == ["a, b", "c[1]", "Column3", "x", "x1"]


@pytest.mark.parametrize("text", ["2020-06-01 15:04:05.5", "2020-06-01T15:04:05.5", "6/1/2020 3:04:05 PM"])
def test_times_in_responses_become_time_columns(text: str) -> None:
    """Times are read in ISO 8601 and in the US format of .NET."""
    table = csv_columns.read_csv(f"[t]:datetime\n{text}\nNULL\n")
    assert plain(table["t"])[0].startswith("2020-06-01T15:04:05")
    assert table["t"].mask.tolist() == [False, True]


def test_values_of_another_type_are_returned_as_text() -> None:
    """A column with values that contradict its type is returned as text, with a warning."""
    with pytest.warns(CorruptDataWarning, match="Column 'a' is declared as int but contains other values"):
        assert csv_columns.read_csv("[a]:int\n1\n2.5\n")["a"].tolist() == ["1", "2.5"]
    with pytest.warns(CorruptDataWarning, match="Column 'a' is declared as float but contains other values"):
        assert csv_columns.read_csv("[a]:float\n1_0\n")["a"].tolist() == ["1_0"]
    with pytest.warns(CorruptDataWarning, match="Column 't' is declared as datetime but is not in ISO 8601 format"):
        assert csv_columns.read_csv("[t]:datetime\nnoon\n")["t"].tolist() == ["noon"]


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_a_response_without_columns_is_an_empty_table(text: str) -> None:
    """A statement that returns nothing results in a table without columns."""
    assert csv_columns.read_csv(text).colnames == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>\n", "instead of the names and types of the columns"),
        ("[a]:int,[b]:int\n1\n", "returned a row with 1 values for 2 columns"),
        ("[a]:int,[b]:int\n1,2,3\n", "a row with 3 values"),
        ("[a]:varchar,[b]:int\nx\ry,1\n", "returned invalid CSV|returned a row with"),
    ],
)
def test_invalid_csv_raises(text: str, message: str) -> None:
    """A truncated or invalid response raises an error of the package."""
    with pytest.raises(MastError, match=message):
        csv_columns.read_csv(text)


def test_texts_may_exceed_the_limit_of_the_csv_module() -> None:
    """Strings of any length are read."""
    assert len(csv_columns.read_csv(f'[a]:varchar\n"{"x" * 200_000}"\n')["a"][0]) == 200_000


ANSWER = '[id]:bigint,[a b]:varchar,[x]:float,[t]:datetime,[b]:bit\n1,"a, b",1.5,2020-01-01 00:00:00,True\n'


@given(st.data())
@pytest.mark.filterwarnings("ignore::astroquery_mast.exceptions.CorruptDataWarning")
def test_any_response_is_read_or_raises_an_error_of_the_package(data: st.DataObject) -> None:
    """Any string becomes a table, or raises an error of the package."""
    place = data.draw(st.integers(0, len(ANSWER)))
    text = ANSWER[:place] + data.draw(st.text(max_size=20)) + ANSWER[place + data.draw(st.integers(0, 9)) :]
    columns = [SqlColumn("a", "int"), SqlColumn("b", "nvarchar"), SqlColumn("t", "datetime2"), SqlColumn("x", "float")]
    for read in (
        lambda: csv_columns.read_csv(text),
        lambda: csv_columns.table_of_words(
            csv_columns.lines_of(text), len(text), columns[: data.draw(st.integers(1, 4))]
        ),
        lambda: csv_columns.read_plain_csv(csv_columns.lines_of(text), len(text)),
    ):
        try:
            assert isinstance(read(), Table)
        except MastError as err:
            assert str(err)


def test_types_of_plain_csv_are_inferred() -> None:
    """Columns of numbers become numeric; leading zeros and words make a column of text."""
    text = "id,code,x,name\n1,007,1.5,a\nNULL,010,NULL,NULL\n3,3,1e5,\n"
    table = csv_columns.read_plain_csv(csv_columns.lines_of(text), len(text))
    assert [plain(table["id"]), table["code"].tolist(), table["x"].tolist()] == [
        [1, None, 3],
        ["007", "010", "3"],
        [1.5, None, 1e5],
    ]
    assert plain(table["name"]) == ["a", None, ""]
