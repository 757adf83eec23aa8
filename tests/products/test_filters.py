"""Product filters: the rows that each form of value selects, and the values that raise."""

from __future__ import annotations

import re

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.products.filters import filter_products
from astroquery_mast.products.listing import unique_products


@pytest.fixture
def products() -> Table:
    return Table(
        {
            "obsID": MaskedColumn(["1", "2", "3", "4"]),
            "obs_id": MaskedColumn(["jw01_nrs1", "jw01_nrs2", "JW02_NRS1", "x*y"]),
            "productType": MaskedColumn(["SCIENCE", "PREVIEW", "SCIENCE", "AUX"], mask=[False, False, False, True]),
            "productGroupDescription": MaskedColumn(["Minimum Recommended Products", "", "", ""], mask=[0, 1, 1, 1]),
            "productFilename": MaskedColumn(["a_lc.fits", "a.JPG", "b_lc.fits.gz", "c"], mask=[0, 0, 0, 1]),
            "size": MaskedColumn([10, 20, 30, 5], mask=[False, False, False, True]),
            "calib_level": MaskedColumn([-1, 2, 3, 3]),
            "exposure": MaskedColumn([0.5, 1e2, -1.5, np.nan]),
            "moving": MaskedColumn([True, False, True, False]),
            "dataURI": MaskedColumn(["mast:a", "mast:b", "mast:a", "mast:c"]),
        },
        masked=True,
    )


def kept(products: Table, **filters: object) -> list[str]:
    return list(filter_products(products, **filters)["obsID"])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "1234"),
        ({"productType": "science"}, "13"),
        ({"productType": ["Science", "preview"]}, "123"),
        ({"productType": ("SCIENCE",)}, "13"),
        ({"productType": {"PREVIEW"}}, "2"),
        ({"productType": np.array(["PREVIEW", "SCIENCE"])}, "123"),
        ({"productType": Column(["PREVIEW"])}, "2"),
        ({"productType": (text for text in ["PREVIEW"])}, "2"),
        ({"productType": np.str_("PREVIEW")}, "2"),
        ({"productType": b"PREVIEW"}, "2"),
        ({"obs_id": "jw01*"}, "12"),
        ({"obs_id": "*nrs1"}, "13"),
        ({"obs_id": "*_NRS*"}, "123"),
        ({"obs_id": "!jw0*"}, "4"),
        ({"obs_id": "jw01_nrs?"}, ""),
        ({"obs_id": "jw01_nrs[12]"}, ""),
        ({"obs_id": "x*y"}, "4"),
        ({"obs_id": "*"}, "1234"),
        ({"obs_id": ["jw01*", "!*2"]}, "1"),
        ({"size": 10}, "1"),
        ({"size": np.int64(10)}, "1"),
        ({"size": np.array(10)}, "1"),
        ({"size": [np.array(10), 20]}, "12"),
        ({"size": "=10"}, "1"),
        ({"size": 10.0}, "1"),
        ({"size": "10"}, "1"),
        ({"size": [10, "30"]}, "13"),
        ({"size": (10, 30)}, "13"),
        ({"size": np.array([10, 30])}, "13"),
        ({"size": ">=20"}, "23"),
        ({"size": "> 20"}, "3"),
        ({"size": "<20"}, "1"),
        ({"size": "<=2e1"}, "12"),
        ({"size": "10..20"}, "12"),
        ({"size": " 1.5e1 .. 1e3 "}, "23"),
        ({"size": "1e1..1e3"}, "123"),
        ({"size": ["!20", "<30"]}, "1"),
        ({"size": ["!10", "!20"]}, "34"),
        ({"size": "!10..20"}, "34"),
        ({"size": f">{10**30}"}, ""),
        ({"size": "<inf"}, "123"),
        ({"calib_level": [2, 3]}, "234"),
        ({"calib_level": "-1"}, "1"),
        ({"calib_level": "-2..-1"}, "1"),
        ({"exposure": "-2..1"}, "13"),
        ({"exposure": "!0.5"}, "234"),
        ({"obsID": 1}, "1"),
        ({"obsID": [1, np.int64(2)]}, "12"),
        ({"obsID": 3.0}, "3"),
        ({"moving": True}, "13"),
        ({"moving": "false"}, "24"),
        ({"moving": 0}, "24"),
        ({"productType": []}, ""),
        ({"size": np.array([])}, ""),
        ({"size": lambda column: column > 15}, "23"),
        ({"mrp_only": True}, "1"),
        ({"extension": "fits"}, "1"),
        ({"extension": ".FITS"}, "1"),
        ({"extension": "lc.fits"}, "1"),
        ({"extension": "_lc.fits.gz"}, "3"),
        ({"extension": ["jpg", "gz"]}, "23"),
        ({"extension": "*.jpg"}, "2"),
        ({"extension": []}, ""),
        ({"extension": "fits", "productType": "PREVIEW"}, ""),
        ({"productType": "SCIENCE", "size": ">10"}, "3"),
    ],
)
def test_a_filter_selects_exactly_the_described_rows(
    products: Table, filters: dict[str, object], expected: str
) -> None:
    """Every documented form of a filter selects the rows that it describes, in their order."""
    assert kept(products, **filters) == list(expected)


def test_a_masked_size_does_not_match_less_than(products: Table) -> None:
    """A missing size is not below a limit, for any value under the mask (B19)."""
    assert kept(products, size="<20000") == ["1", "2", "3"]


def test_a_masked_cell_does_not_match_a_negated_value(products: Table) -> None:
    """A missing cell passes a negation, in columns of text and of numbers."""
    assert kept(products, productType="!SCIENCE") == ["2", "4"]
    assert kept(products, productType="!AUX") == ["1", "2", "3", "4"]
    assert kept(products, size="!<100") == ["4"]


def test_an_empty_list_selects_nothing(products: Table) -> None:
    """An empty list of values matches nothing rather than everything (B19)."""
    nothing = filter_products(products, productType=[])
    assert len(nothing) == 0
    assert nothing.colnames == products.colnames


@pytest.mark.parametrize("missing", [None, [None], ["SCIENCE", None], np.nan, np.ma.masked])
def test_a_missing_value_raises_with_the_column(products: Table, missing: object) -> None:
    """None, NaN and a masked value are not valid filters, and the message names the column (B18)."""
    with pytest.raises(InvalidQueryError, match="productType"):
        kept(products, productType=missing)


def test_a_masked_member_of_a_column_raises(products: Table) -> None:
    """A column given as the list of values must not use the values under its mask."""
    with pytest.raises(InvalidQueryError, match="size"):
        kept(products, size=MaskedColumn([10, 20], mask=[False, True]))


@pytest.mark.parametrize("expression", ["big", ">=", "..", "1...", ">x", "1,000", "10-20", "", "nan", "1*"])
def test_an_invalid_number_raises_with_an_example(products: Table, expression: str) -> None:
    """Text that is not a numeric expression raises, with an example."""
    with pytest.raises(InvalidQueryError, match=r"size.*10\.\.20"):
        kept(products, size=expression)


@pytest.mark.parametrize(("expression", "sizes"), [("20..", {20, 30}), ("..20", {10, 20}), ("!..20", {30})])
def test_a_range_with_an_open_end(expression: str, sizes: set[int]) -> None:
    """An omitted end has no limit, as for catalogs."""
    assert set(filter_products(Table({"size": [10, 20, 30]}), size=expression)["size"]) == sizes


@pytest.mark.parametrize("expression", ["1e6..1e3", "!5..4"])
def test_an_empty_range_raises(products: Table, expression: str) -> None:
    """Swapped limits are a mistake, and must not silently match nothing."""
    with pytest.raises(InvalidQueryError, match="is an empty range"):
        kept(products, size=expression)


@pytest.mark.parametrize("unit", [u.byte, None])
def test_a_size_may_be_a_quantity(unit: u.UnitBase | None) -> None:
    """A quantity is converted to the unit of the column, which is byte for sizes without a unit."""
    table = Table({"size": MaskedColumn([4100, 8200, 10], mask=[False, False, True], unit=unit)})
    assert list(filter_products(table, size=4.1 * u.kB)["size"]) == [4100]
    assert list(filter_products(table, size=[4.1, 8.2] * u.kbyte)["size"]) == [4100, 8200]
    assert list(filter_products(table, size=[8200 * u.byte, "<5000"])["size"]) == [4100, 8200]


@pytest.mark.parametrize(
    "filters",
    [{"size": 5 * u.m}, {"size": Time(60000, format="mjd")}, {"productType": 5 * u.kB}, {"obs_id": Time.now()}],
    ids=repr,
)
def test_values_of_another_kind_than_the_column_raise(products: Table, filters: dict[str, object]) -> None:
    """Another kind of unit, or a time, raises a query error that names the column."""
    with pytest.raises(InvalidQueryError, match=next(iter(filters))):
        kept(products, **filters)


def test_an_extension_can_be_excluded() -> None:
    """An exclamation mark negates an extension like any other value."""
    table = Table({"productFilename": ["a_drc.fits", "b.fits", "c.jpg", "d.txt"]})

    def names(extension: object) -> list[str]:
        return list(filter_products(table, extension=extension)["productFilename"])  # type: ignore[arg-type]

    assert names("!fits") == ["c.jpg", "d.txt"]
    assert names(["!.fits", "!JPG"]) == ["d.txt"]
    assert names(["fits", "!_drc.fits"]) == ["b.fits"]


def test_an_unknown_column_suggests_the_closest(products: Table) -> None:
    """A misspelled column raises with the correct spelling."""
    with pytest.raises(InvalidQueryError, match="productType"):
        kept(products, producttype="SCIENCE")


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"size": {"min": 1}}, "mapping"),
        ({"obs_id": [["a"]]}, "obs_id"),
        ({"moving": "maybe"}, "must be True or False, got"),
        ({"extension": 5}, "extension"),
        ({"size": lambda column: 1}, "boolean"),
        ({"size": lambda column: column[:1] > 0}, "boolean"),
    ],
)
def test_a_value_that_cannot_be_applied_raises(products: Table, filters: dict[str, object], words: str) -> None:
    """A value that is not valid for its column raises InvalidQueryError and no other exception."""
    with pytest.raises(InvalidQueryError, match=words):
        kept(products, **filters)


def test_filtering_does_not_modify_the_table(products: Table) -> None:
    """The given table is unchanged, and the result does not share its cells."""
    before = products.copy()
    filtered = filter_products(products)
    filtered["size"][0] = 99
    assert list(products["size"]) == list(before["size"])


def test_object_and_bytes_columns_from_other_tools_are_filtered_as_text() -> None:
    """Tables from pandas or FITS have objects with None and NaN, or bytes, which are filtered as text."""
    table = Table({"a": np.array(["x", None, np.nan, 5], dtype=object), "b": np.array([b"Y", b"n", b"y", b""])})
    assert list(filter_products(table, a="X")["a"]) == ["x"]
    assert list(filter_products(table, a=5)["a"]) == [5]
    assert len(filter_products(table, a="nan")) == 0
    assert len(filter_products(table, b="y")) == 2


def test_numbers_with_nineteen_digits_are_distinguished() -> None:
    """Identifiers that differ in the last digit are not compared as floats."""
    table = Table({"id": np.array([4365646553433558144, 4365646553433558145])})
    assert list(filter_products(table, id="4365646553433558145")["id"]) == [4365646553433558145]


cells = st.lists(st.none() | st.integers(-30, 30), max_size=12)
bounds = st.integers(-30, 30)
expressions = st.lists(
    st.tuples(
        st.booleans(),
        st.one_of(
            st.tuples(st.just("single"), bounds, bounds),
            st.tuples(st.sampled_from([">", ">=", "<", "<="]), bounds, bounds),
            st.tuples(bounds, bounds).map(lambda ends: ("range", min(ends), max(ends))),
        ),
    ),
    max_size=4,
)


def spelled(negated: bool, kind: str, low: int, high: int) -> str:
    text = {"single": f"{low}", "range": f"{low}..{high}"}.get(kind, f"{kind}{low}")
    return f"!{text}" if negated else text


def holds(cell: int | None, kind: str, low: int, high: int) -> bool:
    if cell is None:
        return False
    return {
        "single": cell == low,
        "range": low <= cell <= high,
        ">": cell > low,
        ">=": cell >= low,
        "<": cell < low,
        "<=": cell <= low,
    }[kind]


def wanted(cell: int | None, parsed: list[tuple[bool, tuple[str, int, int]]]) -> bool:
    positive = [holds(cell, *rest) for negated, rest in parsed if not negated]
    negative = [holds(cell, *rest) for negated, rest in parsed if negated]
    return bool(parsed) and (any(positive) or not positive) and not any(negative)


@given(cells, expressions)
def test_numeric_filters_agree_with_plain_python(
    numbers: list[int | None], parsed: list[tuple[bool, tuple[str, int, int]]]
) -> None:
    """Any combination of values, comparisons, ranges and negations selects the same rows as plain Python."""
    column = MaskedColumn([cell or 0 for cell in numbers], mask=[cell is None for cell in numbers], dtype=int)
    table = Table({"row": np.arange(len(numbers)), "n": column})
    expected = [row for row, cell in enumerate(numbers) if wanted(cell, parsed)]
    result = filter_products(table, n=[spelled(negated, *rest) for negated, rest in parsed])
    assert list(result["row"]) == expected


letters = st.text(alphabet="aAb*.?[", max_size=5)


@given(st.lists(letters.map(lambda text: text.replace("*", "x")), min_size=1, max_size=6), letters)
def test_only_the_asterisk_is_special_in_text_filters(names: list[str], pattern: str) -> None:
    """A text matches if its literal pieces occur in order, with any characters for the asterisks."""
    table = Table({"name": names})
    expression = "".join(".*" if char == "*" else re.escape(char.lower()) for char in pattern)
    expected = [name for name in names if re.fullmatch(expression, name.lower())]
    assert list(filter_products(table, name=pattern)["name"]) == expected


def test_unique_products_keeps_the_first_row_of_each_file(products: Table) -> None:
    """A file listed with several observations is kept once, in its first row."""
    assert list(unique_products(products)["obsID"]) == ["1", "2", "4"]


def test_rows_without_a_uri_are_not_the_same_file() -> None:
    """Rows with a masked URI are all kept, and values under the mask are ignored."""
    uris = MaskedColumn(["a", "a", "b", "b"], mask=[True, True, False, False])
    assert list(unique_products(Table({"dataURI": uris, "row": [0, 1, 2, 3]}))["row"]) == [0, 1, 2]


def test_unique_products_needs_the_key_column() -> None:
    """A table without the column raises a query error."""
    with pytest.raises(InvalidQueryError, match="dataURI"):
        unique_products(Table({"x": [1]}))
