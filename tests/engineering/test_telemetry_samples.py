"""Samples are read from the CSV of MAST, and other content raises an error."""

from __future__ import annotations

import csv
import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.engineering import samples as reader
from astroquery_mast.engineering.samples import NO_SAMPLES, Samples, join_samples, read_samples
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.tables.mashup import reading

HEADER = "theTime,MJD,euvalue,sqldataType\r\n"
MOMENTS = st.integers(915_148_800_000_000, 2_208_988_800_000_000)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def line(moment: str, value: str, sql_type: str) -> str:
    """Return one line."""
    return f"{moment},59612.9340022801,{value},{sql_type}\r\n"


def read(*lines: str, header: str = HEADER) -> Samples:
    """Read a body."""
    with reading("the telemetry"):
        return read_samples(io.BytesIO("".join([header, *lines]).encode()), "the telemetry")


def written(moments: list[int], values: list[str], sql_type: str) -> str:
    """Return the body that the csv module writes."""
    text = io.StringIO()
    lines = csv.writer(text)
    for moment, value in zip(moments, values, strict=True):
        stamp = str(np.datetime64(moment, "us")).replace("T", " ")
        lines.writerow([stamp, "59612.9", value, sql_type])
    return text.getvalue()


@given(st.lists(st.tuples(MOMENTS, FLOATS), min_size=1))
def test_numbers_are_read_exactly(rows: list[tuple[int, float]]) -> None:
    """Times are exact to the microsecond, numbers to the last bit, and samples are sorted by time."""
    rows.sort(key=lambda row: row[0])
    moments, values = [row[0] for row in rows], [row[1] for row in rows]
    found = read(written(moments, list(map(repr, values)), "real"))
    assert found.times.astype(np.int64).tolist() == moments
    assert found.values.dtype == np.float64
    assert found.values.tolist() == values
    assert found.mask is None
    assert found.types == ("real",)


@given(st.lists(st.tuples(MOMENTS, st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_integers_keep_all_digits(rows: list[tuple[int, int]]) -> None:
    """A 64-bit counter is never converted to a floating-point number."""
    rows.sort(key=lambda row: row[0])
    found = read(written([row[0] for row in rows], [str(row[1]) for row in rows], "bigint"))
    assert found.values.dtype == np.int64
    assert found.values.tolist() == [row[1] for row in rows]


@given(st.lists(st.tuples(MOMENTS, TEXTS), min_size=1), st.integers(1, 40))
def test_text_is_read_exactly(rows: list[tuple[int, str]], size: int) -> None:
    """Commas, quotes and line ends belong to the text, wherever the body is divided into blocks."""
    rows.sort(key=lambda row: row[0])
    before, reader._BLOCK = reader._BLOCK, size
    try:
        found = read(written([row[0] for row in rows], [row[1] for row in rows], "varchar"))
    finally:
        reader._BLOCK = before
    # Strings in numpy arrays lose trailing NUL characters.
    assert found.values.tolist() == [row[1] for row in rows]
    assert found.times.astype(np.int64).tolist() == [row[0] for row in rows]


@given(st.lists(st.tuples(MOMENTS, FLOATS), min_size=1), st.integers(60, 400))
def test_the_block_size_does_not_change_the_result(rows: list[tuple[int, float]], size: int) -> None:
    """Blocks end between lines."""
    text = written([row[0] for row in rows], [repr(row[1]) for row in rows], "float")
    whole = read(text)
    before, reader._BLOCK = reader._BLOCK, size
    try:
        found = read(text)
    finally:
        reader._BLOCK = before
    assert np.array_equal(found.times, whole.times)
    assert np.array_equal(found.values, whole.values)


def test_an_unquoted_comma_belongs_to_the_text() -> None:
    """The other fields of a line never contain a comma."""
    found = read(line("2022-02-02 22:24:57.797000", "Visit 1, started, at last", "varchar"))
    assert found.values.tolist() == ["Visit 1, started, at last"]


@pytest.mark.parametrize(
    ("moment", "iso"),
    [
        ("2022-02-02 22:24:57", "2022-02-02T22:24:57.000000"),
        ("2022-02-02 22:24:57.5", "2022-02-02T22:24:57.500000"),
        ("2022-02-02T22:24:57.797", "2022-02-02T22:24:57.797000"),
        ("2022-02-02 22:24:57.7970001", "2022-02-02T22:24:57.797000"),
        ("2024-02-29 00:00:00.000001", "2024-02-29T00:00:00.000001"),
    ],
)
def test_times_may_have_any_number_of_decimals(moment: str, iso: str) -> None:
    """Lines may have fractions of a second or not; both readers agree."""
    lines = [line("2022-01-01 00:00:00.250000", "1", "real"), line(moment, "2", "real")]
    for found in (read(*lines), read(*(each.replace("real", "varchar") for each in lines))):
        assert str(found.times[1]) == iso
        assert str(found.times[0]) == "2022-01-01T00:00:00.250000"


@pytest.mark.parametrize(
    "moment",
    [
        "2022-02-30 00:00:00",
        "2022-13-01 00:00:00",
        "2022-00-01 00:00:00",
        "2022-01-00 00:00:00",
        "2022-02-02 24:00:00",
        "2022-02-02 22:60:00",
        "2022-02-02 22:24:60",
        "2022-02-02_22:24:57",
        "2022/02/02 22:24:57",
        "2022-02-02 22:24:5x",
        "2022-02-02 22:24:57.",
        "2022-02-02",
        "",
    ],
)
def test_invalid_times_raise(moment: str) -> None:
    """No sample gets a time that was not sent."""
    for sql_type in ("real", "varchar"):
        with pytest.raises(InvalidResponseError):
            read(line(moment, "1", sql_type))


@pytest.mark.parametrize(
    ("sql_type", "kind"),
    [
        *((name, "f") for name in ("real", "float", "decimal")),
        *((name, "i") for name in ("int", "tinyint", "smallint", "bigint")),
        *((name, "U") for name in ("varchar", "nvarchar", "char", "strange")),
        ("bit", "b"),
    ],
)
def test_values_have_the_declared_type(sql_type: str, kind: str) -> None:
    """A number declared as text remains text, and a bit becomes a boolean."""
    found = read(line("2022-02-02 22:24:57", "1", sql_type), line("2022-02-02 22:24:58", "0", sql_type))
    assert found.values.dtype.kind == kind


def test_booleans_are_read_in_all_spellings() -> None:
    """The database may write a bit as a number or a word."""
    lines = [line(f"2022-02-02 22:24:5{n}", word, "bit") for n, word in enumerate(("True", "0", "false", "1"))]
    assert read(*lines).values.tolist() == [True, False, False, True]


@pytest.mark.parametrize("nothing", ["", "NULL", "None"])
def test_a_missing_number_is_masked(nothing: str) -> None:
    """In text columns the same words are text."""
    lines = [line("2022-02-02 22:24:57", "4", "int"), line("2022-02-02 22:24:58", nothing, "int")]
    found = read(*lines)
    assert found.values.dtype.kind == "i"
    assert found.mask is not None
    assert found.mask.tolist() == [False, True]
    assert read(*(each.replace(",int", ",varchar") for each in lines)).values.tolist() == ["4", nothing]
    assert read(*lines).mask is not None


def test_nan_is_a_value() -> None:
    """NaN is sent for a sensor that is off, and is not masked."""
    found = read(line("2022-02-02 22:24:57", "nan", "real"), line("2022-02-02 22:24:58", "1e3", "real"))
    assert np.isnan(found.values[0])
    assert found.mask is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([("1", "int"), ("2.5", "real")], [1.0, 2.5]),
        ([("1", "tinyint"), ("300", "int")], [1, 300]),
        ([("1.50", "real"), ("ON", "varchar")], ["1.50", "ON"]),
        ([("1", "bit"), ("2", "int")], ["1", "2"]),
        ([("3.0", "int"), ("4", "int")], [3, 4]),
        ([("3.5", "int"), ("4", "int")], [3.5, 4.0]),
        ([("seven", "int"), ("4", "int")], ["seven", "4"]),
        ([("99999999999999999999", "bigint"), ("4", "bigint")], ["99999999999999999999", "4"]),
        ([("maybe", "bit"), ("1", "bit")], ["maybe", "1"]),
    ],
)
def test_mixed_types_become_a_common_type(cells: list[tuple[str, str]], expected: list[object]) -> None:
    """No value is changed to fit the type of others."""
    found = read(*(line(f"2022-02-02 22:24:5{n}", *cell) for n, cell in enumerate(cells)))
    assert found.values.tolist() == expected
    assert list(map(type, found.values.tolist())) == list(map(type, expected))
    assert found.types == tuple(dict.fromkeys(cell[1] for cell in cells))


def test_a_type_that_changes_between_days_is_widened() -> None:
    """Parts of other types can be joined; parts without samples do not affect the type."""
    integers = read(line("2022-02-02 22:24:57", "1", "int"))
    numbers = read(line("2022-02-03 22:24:57", "2.5", "real"))
    words = read(line("2022-02-04 22:24:57", "OFF", "varchar"))
    assert join_samples([integers, NO_SAMPLES, numbers]).values.tolist() == [1.0, 2.5]
    assert join_samples([integers, NO_SAMPLES]).values.dtype == np.int64
    joined = join_samples([integers, words])
    assert joined.values.tolist() == ["1", "OFF"]
    assert joined.types == ("int", "varchar")
    assert len(join_samples([])) == 0


def test_samples_are_sorted_by_time() -> None:
    """Samples with the same time keep their order."""
    moments = ["2022-02-02 22:24:59", "2022-02-02 22:24:57", "2022-02-02 22:24:59"]
    found = read(*(line(moment, str(number), "int") for number, moment in enumerate(moments)))
    assert found.values.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\r\n",
        "<html><body>Sign in</body></html>",
        '{"detail": "not found"}',
        "theTime,MJD,euvalue\r\n",
        HEADER + "2022-02-02 22:24:57,59612.9,1\r\n",
        HEADER + "2022-02-02 22:24:57\r\n",
        HEADER + line("2022-02-02 22:24:57", "1", "real") + "2022-02-02 22:24:58,59612.9,1,re",
        HEADER + line("2022-02-02 22:24:57", "1", "real") + "2022-02-02 22:2",
    ],
)
def test_a_body_without_telemetry_raises(body: str) -> None:
    """The page of a firewall or a truncated response never becomes an incomplete result."""
    with pytest.raises(InvalidResponseError, match="the telemetry"):
        read(body, header="")


def test_the_last_line_may_lack_a_line_end() -> None:
    """The line is complete if it ends with a valid type."""
    text = line("2022-02-02 22:24:57", "1", "real") + line("2022-02-02 22:24:58", "2", "real").rstrip()
    assert read(text).values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("header", [HEADER, HEADER.rstrip(), "\ufeff" + HEADER, HEADER.replace("\r", "")])
def test_a_response_may_have_no_samples(header: str) -> None:
    """There are no samples before the first one of a mnemonic."""
    assert len(read(header=header)) == 0


def test_text_in_another_encoding_is_read() -> None:
    """Old Windows databases use another encoding."""
    body = HEADER.encode() + line("2022-02-02 22:24:57", "µm", "varchar").encode("cp1252")
    assert read_samples(io.BytesIO(body), "the telemetry").values.tolist() == ["µm"]


def test_a_body_is_read_in_blocks() -> None:
    """A day at 16 Hz has 90 MB of text, and several days are read at the same time."""
    one = "2022-02-02 22:24:57.797000,59612.9340022801,-0.7914493680,real\r\n" * 400_000
    body = io.BytesIO((HEADER + one).encode())
    tracemalloc.start()
    try:
        found = read_samples(body, "the telemetry")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    arrays = found.times.nbytes + found.values.nbytes
    assert len(found) == 400_000
    assert peak < 2 * arrays + 10 * reader._BLOCK < len(one)
