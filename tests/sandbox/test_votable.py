"""The documents written by the sandbox's VO services, as read by astropy."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from astropy.io.votable import parse

from astroquery_mast.sandbox.vo.votable import Field, error, pieces, votable

FIELDS = [
    Field("id", "long", description="Number & name of <it>"),
    Field("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
    Field("name"),
    Field("flag", "boolean"),
    Field("shape", "double", arraysize="*", xtype="polygon"),
    Field("word", "unicodeChar", utype='a"b'),
]
ROWS = [
    (2**62 + 1, 1.5, "A & <B>", True, (1.0, 2.0), "é"),
    (None, None, None, None, (), None),
    (3, float("inf"), "\x01", False, [3], ""),
]


def read(content: bytes) -> Any:
    """Return a document as parsed by astropy."""
    return parse(io.BytesIO(content), verify="exception")


def test_every_kind_of_value_is_read_back() -> None:
    """Types, units, UCDs, descriptions, nulls, special characters of XML, and long integers are preserved."""
    document = read(votable(FIELDS, ROWS, infos={"SERVICE": "x & y"}, description="All of <it>"))
    table = document.get_first_table()
    whole = table.to_table()
    assert [field.datatype for field in table.fields] == [field.datatype for field in FIELDS]
    assert whole["id"][0] == 2**62 + 1
    assert whole["id"].mask.tolist() == [False, True, False]
    assert np.isinf(whole["ra"][2])
    assert np.ma.is_masked(whole["ra"][1]) or np.isnan(whole["ra"][1])
    assert list(whole["name"]) == ["A & <B>", "", "?"]
    assert whole["flag"].mask.tolist() == [False, True, False]
    assert whole["word"][0] == "é"
    assert whole["ra"].unit == "deg"
    assert table.fields[1].ucd == "pos.eq.ra;meta.main"
    assert table.fields[0].description == FIELDS[0].description
    assert table.fields[5].utype == 'a"b'
    assert document.resources[0].infos[1].value == "x & y"
    assert document.resources[0].description == "All of <it>"


@pytest.mark.parametrize(
    ("maxrec", "rows", "last"), [(None, 3, "OK"), (3, 3, "OK"), (2, 2, "OVERFLOW"), (0, 0, "OVERFLOW")]
)
def test_rows_beyond_the_limit_are_an_overflow(maxrec: int | None, rows: int, last: str) -> None:
    """Only a truncated result has an overflow status after its table."""
    result = read(votable(FIELDS, ROWS, maxrec=maxrec)).resources[0]
    assert len(result.tables[0].array) == rows
    assert result.infos[-1].value == last


def test_a_large_result_is_written_in_pieces() -> None:
    """A piece contains only a small part of the rows."""
    written = list(pieces([Field("n", "int")], ((number,) for number in range(10_000))))
    assert len(written) > 5
    assert read(b"".join(written)).get_first_table().array["n"].sum() == sum(range(10_000))


def test_parameters_and_further_resources_are_written() -> None:
    """Parameters of a service are before the columns, other resources after the result."""
    params = [Field("INPUT:POS", unit="deg", description="Where", value="")]
    document = read(votable([Field("a")], params=params, resources='<RESOURCE type="meta" utype="adhoc:service"/>'))
    assert [param.name for param in document.get_first_table().params] == ["INPUT:POS"]
    assert [resource.type for resource in document.resources] == ["results", "meta"]


def test_a_refusal_has_a_message() -> None:
    """The message, with any characters, is the content of the INFO element QUERY_STATUS."""
    reply = error("no column '<x>' & \x00")
    info = read(bytes(reply.body)).resources[0].infos[0]
    assert (reply.status, info.name, info.value) == (400, "QUERY_STATUS", "ERROR")
    assert info.content == "no column '<x>' & ?"
