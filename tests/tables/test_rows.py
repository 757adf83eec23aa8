"""Rows that are decoded in blocks are equal to those of the standard library, and give the same tables."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.query.request import MashupRequest
from astroquery_mast.tables.mashup import Page, parse_page
from astroquery_mast.tables.rows import Rows, decoded_with_rows
from astroquery_mast.tables.table import TableBuilder

TYPES = ["string", "int", "float", "boolean", "unsignedByte", "no such type", ""]
NAMES = st.sampled_from(["a", "b", "obs_id", "é", "with blank", 'with "quote"', "back\\slash", "", "__class__", "c0"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=4)  # including unpaired surrogates
    | st.sampled_from(["1", "1.5", "true", [], {"x": 1}])
)


def body_of(fields: dict[str, str], rows: list[dict[str, Any]]) -> bytes:
    """Return a response in MAST's format."""
    document = {
        "status": "COMPLETE",
        "data": rows,
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
        "paging": {"page": 1, "pagesFiltered": 1, "rows": len(rows), "rowsFiltered": len(rows)},
    }
    return json.dumps(document).encode()


def table_of(page: Page) -> tuple[Table, list[str]]:
    """Return the table of a page, and the warnings."""
    builder = TableBuilder(MashupRequest("Mast.Test"), {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        builder.add(page)
        return builder.table(), sorted(str(each.message) for each in caught)


@settings(max_examples=150)
@given(data=st.data())
def test_tables_equal_those_of_the_standard_library(data: st.DataObject) -> None:
    """Cells, masks, kinds and warnings do not depend on the values, the types, and the ends of blocks."""
    fields = data.draw(st.dictionaries(NAMES, st.sampled_from(TYPES), min_size=1, max_size=4))
    row = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, VALUES))
    few = data.draw(st.lists(row, min_size=1, max_size=12))
    rows = few * data.draw(st.sampled_from([1, 1, 100]))
    body = body_of(fields, rows)
    page = parse_page(200, {}, body, "Mast.Test")
    plain = Page("Mast.Test", "COMPLETE", page.fields, json.loads(body)["data"], page.paging, page.document)
    (ours, said), (theirs, expected) = table_of(page), table_of(plain)
    assert said == expected
    assert ours.colnames == theirs.colnames
    for name in ours.colnames:
        assert ours[name].dtype == theirs[name].dtype
        np.testing.assert_array_equal(ours[name].mask, theirs[name].mask)
        np.testing.assert_array_equal(ours[name].data.data, theirs[name].data.data)


def test_a_mismatch_in_the_last_block_affects_the_page() -> None:
    """An integer column with one word in a late row is text from the first row, with each number as sent."""
    rows: list[dict[str, Any]] = [{"n": number} for number in range(1200)]
    rows[-1]["n"] = "word"
    table, said = table_of(parse_page(200, {}, body_of({"n": "float"}, rows), "Mast.Test"))
    assert list(table["n"][[0, 7, 1199]]) == ["0", "7", "word"]
    assert len(said) == 1


def test_rows_are_a_sequence_of_dictionaries() -> None:
    """They can be counted, indexed, sliced, compared and iterated over."""
    given_rows = [{"a": number, "b": None} for number in range(1100)]
    rows = decoded_with_rows(body_of({"a": "int"}, given_rows), "Mast.Test")["data"]
    assert isinstance(rows, Rows)
    assert len(rows) == 1100
    assert rows[-1] == {"a": 1099, "b": None}
    assert list(rows[1:3]) == given_rows[1:3]
    assert rows == given_rows
    assert rows != given_rows[1:]


@pytest.mark.parametrize(
    "body",
    [b"[1]", b'{"data": []}', b'{"data": [1, {}]}', b'{"data": {"Tables": []}}', b'{"other": [{}]}', b'{"data": null}'],
)
def test_other_documents_are_decoded_at_once(body: bytes) -> None:
    """Only a list of objects under "data" is decoded later."""
    assert decoded_with_rows(body, "Mast.Test") == json.loads(body)


def test_not_a_number_is_read_as_the_standard_library_reads_it() -> None:
    """NaN and Infinity are not valid JSON, but are read as numbers."""
    body = body_of({"x": "float"}, [{"x": 1.0}, {"x": math.nan}, {"x": math.inf}])
    assert b"NaN" in body
    table, _ = table_of(parse_page(200, {}, body, "Mast.Test"))
    np.testing.assert_array_equal(table["x"].data.data, [1.0, math.nan, math.inf])
    assert not table["x"].mask.any()


@pytest.mark.parametrize("row", [b'{"a": tru}', b'{"a": 1', b'{"a": "\xff"}', b'{"a" 1}', b'{"a": 01}'])
def test_broken_rows_are_reported(row: bytes) -> None:
    """A row that is not JSON is an error of the package, at once or when it is read."""
    body = b'{"status": "COMPLETE", "fields": [{"name": "a", "type": "int"}], "data": [{"a": 1}, ' + row + b"]}"
    with pytest.raises(InvalidResponseError):
        table_of(parse_page(200, {}, body, "Mast.Test"))


def test_a_row_that_is_not_an_object_is_reported() -> None:
    """A number among the rows is an invalid response, however the rows are accessed."""
    body = body_of({"a": "int"}, [{"a": 1}, 2, {"a": 3}])  # type: ignore[list-item]
    page = parse_page(200, {}, body, "Mast.Test")
    for use in (list, lambda rows: rows[1], lambda rows: list(rows.cells(["a"]))):
        with pytest.raises(InvalidResponseError, match="rows that are not objects"):
            use(page.rows)


@pytest.mark.parametrize("cut", [b"\xff", b"\xc3"])
def test_a_byte_that_is_not_text_is_detected_at_once(cut: bytes) -> None:
    """A broken response is detected while the request can be repeated, not when a row is used."""
    body = body_of({"a": "string"}, [{"a": f"é{number}"} for number in range(2000)])
    broken = body.replace(b"1234", b"12" + cut + b"34")
    assert decoded_with_rows(body, "s")["data"][1234]["a"] == "é1234"
    with pytest.raises(InvalidResponseError, match="did not return JSON"):
        decoded_with_rows(broken, "s")
