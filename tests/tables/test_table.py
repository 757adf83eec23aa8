"""Tables of pages: types, masks, values, units, and joined pages."""

from __future__ import annotations

import json
import math
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table, vstack
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import CorruptDataWarning, InvalidResponseError
from astroquery_mast.query.request import MashupRequest
from astroquery_mast.tables.columns import Column, columns_of
from astroquery_mast.tables.mashup import Page, first_value
from astroquery_mast.tables.rows import is_null_word
from astroquery_mast.tables.table import TableBuilder

# Declared types, and the kind of array of a column with values of that type.
DECLARED = {"string": "U", "float": "f", "int": "i", "boolean": "b", "unsignedByte": "u"}
BIG = 4365646553433558144
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=5)
FLOATS = st.floats(allow_nan=False)
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-300, 300),
    st.integers(-(2**65), 2**65),
    FLOATS,
    TEXT,
    st.integers(-99, 99).map(str),
    st.sampled_from(["true", "F", "1.5", "NaN", "1e3", "007", ""]),
)
FITTING = {"string": TEXT, "float": FLOATS, "int": st.integers(-(2**63), 2**63 - 1), "boolean": st.booleans()}
FITTING["unsignedByte"] = st.integers(0, 255)


def page(rows: list[dict[str, Any]], **fields: str) -> Page:
    """Return a complete page with columns of given types."""
    return Page("Mast.Caom.Cone", "COMPLETE", tuple(fields.items()), rows, None, {"fields": []})


def built(*pages: Page, columns: dict[str, Column] | None = None) -> Table:
    """Return the table of pages."""
    builder = TableBuilder(MashupRequest("Mast.Caom.Cone", {"ra": 1.5}), columns or {})
    for each in pages:
        builder.add(each)
    return builder.table()


def column(values: list[Any], type_name: str, *cuts: int) -> MaskedColumn:
    """Return the column of a table whose rows are in pages cut at given positions, ignoring warnings."""
    edges = [0, *sorted(cuts), len(values)]
    parts = [values[start:stop] for start, stop in pairwise(edges)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorruptDataWarning)
        return built(*(page([{"x": value} for value in part], x=type_name) for part in parts))["x"]


def same(kept: Any, sent: Any) -> bool:
    """Return whether a cell of a table is the value that was sent, possibly in another spelling."""
    if isinstance(kept, str):
        if isinstance(sent, bool) and kept not in {"True", "False"}:
            sent = int(sent)  # a number on a page of numbers, which is text because another page has text
        spelled = sent if isinstance(sent, str) else str(sent)
        return kept == spelled or _number(kept) == _number(spelled) or _truth(kept) == _truth(spelled)
    if isinstance(kept, bool):
        return kept is _truth(str(sent))
    if isinstance(kept, int):
        return kept == (int(sent) if isinstance(sent, str) else sent)
    return kept == float(sent) or (math.isnan(kept) and math.isnan(float(sent)))


def _number(text: str) -> object:
    try:
        return repr(float(text) + 0.0)  # without the sign of zero
    except ValueError:
        return f"no number: {text}"


def _truth(text: str) -> object:
    return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}.get(text.strip().lower(), text)


@pytest.mark.parametrize("type_name", [*DECLARED, "", "geography"])
@given(values=st.lists(CELLS, max_size=8), data=st.data())
def test_any_mix_of_values_is_kept_and_masked_only_where_null(
    type_name: str, values: list[Any], data: st.DataObject
) -> None:
    """Whatever the values, the declared type and the number of pages, no value is lost, and only null is masked."""
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=3))
    made = column(values, type_name, *cuts)
    for kept, masked, sent in zip(made.data.data.tolist(), made.mask.tolist(), values, strict=True):
        if masked:
            assert sent is None or (type_name in DECLARED and is_null_word(sent)), (made.dtype, kept, sent)
        else:
            assert sent is not None
            assert same(kept, sent), (made.dtype, kept, sent)


@pytest.mark.parametrize("word", ["None", "null", "NULL", " ", "", "--", "N/A"])
@pytest.mark.parametrize("type_name", ["float", "int", "boolean", "unsignedByte"])
def test_words_for_null_are_masked_in_numeric_columns(type_name: str, word: str) -> None:
    """Text for a missing number is masked, and one warning has the number of such cells, and an example."""
    rows = [{"x": value, "y": word} for value in (1, word, 0, None, word)]
    with pytest.warns(CorruptDataWarning) as caught:
        made = built(page(rows, x=type_name, y="string"))
    assert [str(each.message) for each in caught] == [
        f"Text that means a missing value is masked in numeric columns: 2 of 'x' ({word!r})."
    ]
    assert made["x"].dtype.kind == DECLARED[type_name]
    assert made["x"].mask.tolist() == [False, True, False, True, True]
    assert made["y"].tolist() == [word] * 5


def test_other_text_in_a_numeric_column_warns() -> None:
    """A numeric column with other text becomes text, and the warning has an example."""
    with pytest.warns(CorruptDataWarning, match="is declared as float, .* such as 'abc'"):
        made = built(page([{"x": value} for value in (1.5, "None", "abc")], x="float"))
    assert made["x"].tolist() == ["1.5", "None", "abc"]


@pytest.mark.parametrize("type_name", DECLARED)
@given(data=st.data())
def test_values_of_the_declared_type_are_preserved_exactly(type_name: str, data: st.DataObject) -> None:
    """Values of the declared type are preserved bit for bit, without a warning, and nulls do not replace values."""
    values = data.draw(st.lists(st.none() | FITTING[type_name], min_size=1, max_size=8))
    made = built(page([{"x": value} for value in values], x=type_name))["x"]
    assert made.dtype.kind == DECLARED[type_name]
    assert made.mask.tolist() == [value is None for value in values]
    assert [value for value in made.tolist() if value is not None] == [value for value in values if value is not None]


@pytest.mark.parametrize("type_name", [*DECLARED, ""])
@given(data=st.data())
def test_page_boundaries_do_not_affect_the_table(type_name: str, data: st.DataObject) -> None:
    """The positions of the page boundaries do not affect the table, not even under its mask."""
    kind = type_name or data.draw(st.sampled_from(list(DECLARED)))
    cells = FITTING[kind]
    if kind in {"int", "unsignedByte"}:
        # Beyond 2**53, a column of several types becomes text, in which 3 and 3.0 may be spelled either way.
        cells = st.integers(-(2**52), 2**52) | st.floats(-1e15, 1e15) | st.integers(0, 255)
    values = data.draw(st.lists(st.none() | cells, max_size=8))
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=3))
    whole, parts = column(values, type_name), column(values, type_name, *cuts)
    assert parts.dtype.kind == whole.dtype.kind
    np.testing.assert_array_equal(parts.mask, whole.mask)
    np.testing.assert_array_equal(parts.data.data, whole.data.data)


def test_minus_999_is_a_value_and_null_is_masked() -> None:
    """Numbers that others use for missing ones, NaN and empty text are values; null and missing keys are not."""
    rows = [
        {"i": -999, "f": -999.0, "t": "", "b": False},
        {"i": None, "f": float("nan"), "t": None, "b": None},
        {},
    ]
    table = built(page(rows, i="int", f="float", t="string", b="boolean"))
    assert {name: table[name].mask.tolist() for name in table.colnames} == {
        "i": [False, True, True],
        "f": [False, False, True],
        "t": [False, True, True],
        "b": [False, True, True],
    }
    assert table["i"][0] == -999
    assert np.isnan(table["f"][1])
    assert table["t"][0] == ""


def test_identifiers_declared_as_text_keep_all_digits() -> None:
    """Numbers in a column that is declared as text, such as obsid, become text with all digits."""
    rows = [{"obsid": BIG}, {"obsid": None}, {"obsid": "0042"}]
    table = built(page(rows, obsid="string"))
    assert table["obsid"].dtype.kind == "U"
    assert table["obsid"].tolist() == [str(BIG), None, "0042"]


@pytest.mark.parametrize(
    ("type_name", "values", "kept"),
    [
        ("int", [1, 1.7], [1.0, 1.7]),
        ("int", [1, None, float("inf")], [1.0, None, math.inf]),
        ("int", [BIG, 0.5], [str(BIG), "0.5"]),
        ("int", [2**63, 1], [str(2**63), "1"]),
        ("int", [10**400], [str(10**400)]),
        ("int", [1, "x"], ["1", "x"]),
        ("int", [[1, 2], {"a": 1}], ["[1, 2]", '{"a": 1}']),
        ("int", [[1, 2], [3, 4]], ["[1, 2]", "[3, 4]"]),
        ("float", [1.5, "off"], ["1.5", "off"]),
        ("float", [10**400], [str(10**400)]),
        ("float", [[1.0], [2.0]], ["[1.0]", "[2.0]"]),
        ("boolean", [True, "maybe"], ["True", "maybe"]),
        ("boolean", [1, 2], [1.0, 2.0]),
        ("unsignedByte", [255, 256, None], [255, 256, None]),
        ("unsignedByte", [1, -1.5], [1.0, -1.5]),
    ],
)
def test_values_of_another_type_widen_the_column(type_name: str, values: list[Any], kept: list[Any]) -> None:
    """A value is never truncated, wrapped or converted to true; the column gets a wider type, with a warning."""
    with pytest.warns(CorruptDataWarning, match=f"'x' is declared as {type_name}, but contains"):
        made = built(page([{"x": value} for value in values], x=type_name))["x"]
    assert made.tolist() == kept


@pytest.mark.parametrize(
    ("type_name", "values", "kept"),
    [
        ("int", ["7", 8, " 9 "], [7, 8, 9]),
        ("int", [1.0, 2], [1, 2]),
        ("int", [BIG + 1, 2.0, None], [BIG + 1, 2, None]),
        ("float", ["1.5", "NaN", 2], [1.5, math.nan, 2.0]),
        ("float", [BIG, 2**70], [float(BIG), float(2**70)]),
        ("boolean", ["false", "T", 0, "1"], [False, True, False, True]),
        ("unsignedByte", ["3", None], [3, None]),
    ],
)
def test_numbers_and_booleans_in_text_are_converted(type_name: str, values: list[Any], kept: list[Any]) -> None:
    """Numbers and booleans in text are converted; 'false' is not true."""
    made = built(page([{"x": value} for value in values], x=type_name))["x"]
    assert made.dtype.kind == DECLARED[type_name]
    np.testing.assert_equal(made.tolist(), kept)


@pytest.mark.parametrize("name", ["bigint", "integer", "timestamp", "varchar", "number", "bit", "Decimal"])
def test_types_of_other_catalogs_are_read(name: str) -> None:
    """The type names on which astroquery.mast fails give a column, without a warning."""
    assert built(page([{"x": 1}, {"x": None}], x=name))["x"].mask.tolist() == [False, True]


def test_unknown_type_becomes_text_with_one_warning() -> None:
    """An unknown type leads to one warning for all pages, not to an error."""
    pages = [page([{"x": 1.50, "y": n}], x="geography", y="int") for n in range(3)]
    with pytest.warns(CorruptDataWarning, match="'x' has the unknown type 'geography'") as caught:
        table = built(*pages)
    assert len(caught) == 1
    assert table["x"].tolist() == ["1.5"] * 3
    assert table["y"].tolist() == [0, 1, 2]


def test_mismatches_warn_once_for_all_pages() -> None:
    """Values of another type lead to one warning for a column, however many pages have them."""
    with pytest.warns(CorruptDataWarning) as caught:
        built(*(page([{"x": 0.5}], x="int") for _ in range(3)))
    assert len(caught) == 1


def test_page_of_nulls_does_not_determine_the_type() -> None:
    """A column without a declared type gets the type of its values, even if its first page has none."""
    nulls, numbers = page([{"x": None}], x=""), page([{"x": 3}], x="")
    made = built(nulls, numbers)["x"]
    assert made.dtype.kind == "i"
    assert made.tolist() == [None, 3]


def test_pages_of_different_types_keep_large_numbers() -> None:
    """Large integers on one page are not rounded because another page has fractions."""
    made = column([BIG + 1, None, 0.5], "int", 2)
    assert made.tolist() == [str(BIG + 1), None, "0.5"]


def test_units_and_descriptions_reach_the_columns() -> None:
    """Columns have the units and descriptions of MAST's configuration; text has no unit."""
    config = {
        "s_ra": {"vot.datatype": "double", "vot.unit": "deg", "vot.description": "Right ascension"},
        "t_exptime": {"vot.datatype": "double", "unit": "sec", "text": "Exposure Length"},
        "Tmag": {"unit": "mag"},
        "s_region": {"vot.datatype": "char", "vot.unit": "deg"},
        "size": {"type": "int", "unit": "byte"},
    }
    rows = [{"s_ra": 1, "t_exptime": 2.5, "Tmag": 9.1, "s_region": "CIRCLE", "size": None, "other": 1}]
    types = {
        "s_ra": "float",
        "t_exptime": "float",
        "Tmag": "float",
        "s_region": "string",
        "size": "int",
        "other": "int",
    }
    table = built(page(rows, **types), columns=columns_of(config))
    assert {name: table[name].unit for name in table.colnames} == {
        "s_ra": u.deg,
        "t_exptime": u.s,
        "Tmag": u.mag,
        "s_region": None,
        "size": u.byte,
        "other": None,
    }
    assert table["s_ra"].description == "Right ascension"
    assert table["t_exptime"].description == "Exposure Length"
    assert table["other"].description is None
    assert table["t_exptime"].quantity[0] == 2.5 * u.s


def test_empty_response_keeps_its_columns_and_types() -> None:
    """Without rows, the table has no rows, and each column has its type."""
    table = built(page([], **{name: name for name in DECLARED}))
    assert len(table) == 0
    assert {name: table[name].dtype.kind for name in table.colnames} == DECLARED


def test_portal_column_is_dropped() -> None:
    """The checkbox of the portal is not a column of the table."""
    assert built(page([{"a": 1, "_selected_": None}], a="int", _selected_="boolean")).colnames == ["a"]


def test_every_column_is_masked_and_in_the_declared_order() -> None:
    """All columns are MaskedColumns, in the order of the declaration, which may differ from that of the rows."""
    table = built(page([{"a": 1, "b": "x", "c": 1.0}], c="float", a="int", b="string"))
    assert table.colnames == ["c", "a", "b"]
    assert all(isinstance(each, MaskedColumn) for each in table.itercols())
    assert table.masked


def test_pages_with_other_columns_are_an_error() -> None:
    """Pages of a response with different columns are not joined."""
    with pytest.raises(InvalidResponseError, match="differ in their columns"):
        built(page([{"a": 1}], a="int"), page([{"a": 1}], a="float"))


@pytest.mark.parametrize(
    "answer",
    [
        Page("s", "COMPLETE", (), (), None, {"status": "COMPLETE", "url": "x"}),
        Page("s", "COMPLETE", (), [{"a": 1}], None, {"fields": []}),
        Page("s", "COMPLETE"),
    ],
)
def test_response_without_a_table_is_an_error(answer: Page) -> None:
    """A response that is not a table is not an empty table."""
    with pytest.raises(InvalidResponseError, match="does not contain a table"):
        built(answer)


def test_meta_has_the_request_and_survives_stacking_and_ecsv(tmp_path: Any) -> None:
    """Service, request, time and rows are in meta, once per query in a stack, and are read from a file."""
    one, two = built(page([{"a": 1}], a="int")), built(page([{"a": 2}, {"a": None}], a="int"))
    both = vstack([one, two])
    assert both.meta["rows"] == [1, 2]
    assert both.meta["service"] == ["Mast.Caom.Cone"] * 2
    assert [json.loads(text)["params"] for text in both.meta["request"]] == [{"ra": 1.5}] * 2
    assert all(len(time) == len("2024-01-01T00:00:00") for time in both.meta["time"])
    both.write(tmp_path / "t.ecsv")
    assert Table.read(tmp_path / "t.ecsv").meta == both.meta
    both.write(tmp_path / "t.fits")


@pytest.mark.parametrize("value", [599, "599", 599.0])
def test_count_is_the_first_value_whatever_its_column(value: object) -> None:
    """A count is an int from the first cell, whether it is declared as text or not."""
    count = first_value(page([{"Column1": value}], Column1="string"))
    assert count == 599
    assert type(count) is int


@pytest.mark.parametrize("rows", [[], [{}], [{"n": None}], [{"n": "many"}], [{"n": float("inf")}], [{"n": []}]])
def test_response_without_a_count_is_an_error(rows: list[dict[str, Any]]) -> None:
    """An empty response to a count is an error of the package."""
    with pytest.raises(InvalidResponseError, match="contains no count"):
        first_value(page(rows, n="string"))


@pytest.mark.parametrize("cuts", [(), (1,), (2, 3)], ids=str)
def test_dates_of_jwst_keywords_come_as_milliseconds(cuts: tuple[int, ...]) -> None:
    """They become ISO text for `Time`, and null stays null; a column with any other text is not changed."""
    sent = [None, "/Date(1651926261760)/", "/Date(0)/", "/Date(-1000-0500)/"]
    dates = column(sent, "date", *cuts)
    assert dates.tolist() == [
        None,
        "2022-05-07T12:24:21.760",
        "1970-01-01T00:00:00.000",
        "1969-12-31T23:59:59.000",
    ]
    assert Time(dates[1:].filled()).mjd == pytest.approx([59706.5169185185, 40587, 40586.9999884])
    for other in ("/Date(x)/", "2022", "/Date(1651926261760)"):
        assert column([*sent, other], "date", *cuts).tolist() == [*sent, other]
    assert column(["", "/Date(0)/"], "string").tolist() == ["", "1970-01-01T00:00:00.000"]
