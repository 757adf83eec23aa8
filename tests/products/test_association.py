"""Association files are read, and files with other contents raise an error."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError, InvalidResponseError
from astroquery_mast.products.association import AssociationMember, read_association

WORDS = st.text("abcdefghij0123456789-", min_size=1, max_size=12)
FILES = st.builds("{}_{}.fits".format, WORDS, st.sampled_from(["cal", "rate", "x1d", "a3001_crf"]))
MEMBERS = st.lists(
    st.tuples(FILES, st.sampled_from(["science", "background", "psf", "imprint"])), min_size=1, max_size=6
)


def document(products: dict[str, list[tuple[str, str]]], **more: Any) -> bytes:
    """Return a JWST association."""
    listed = [
        {"name": name, "members": [{"expname": file, "exptype": kind, "exposerr": None} for file, kind in members]}
        for name, members in products.items()
    ]
    return json.dumps({"asn_type": "image3", "products": listed, **more}).encode()


def table(rows: list[tuple[str, str, bool]]) -> bytes:
    """Return an HST association table."""
    names, kinds, present = zip(*rows, strict=True)
    columns = [
        fits.Column("MEMNAME", "14A", array=list(names)),
        fits.Column("MEMTYPE", "14A", array=list(kinds)),
        fits.Column("MEMPRSNT", "L", array=list(present)),
    ]
    written = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="ASN")]).writeto(written)
    return written.getvalue()


NODS = [
    ("N48O06G9Q", "EXP-TARG", True),
    ("N48O06GBQ", "EXP-BCK1", True),
    ("N48O06GCQ", "EXP-GWAVE", False),
    ("N48O06020", "PROD-TARG", True),
    ("", "", False),
]


@given(st.dictionaries(WORDS, MEMBERS, min_size=1, max_size=3))
def test_members_of_a_jwst_association(products: dict[str, list[tuple[str, str]]]) -> None:
    """Names, types and products are returned in the order of the file."""
    found = read_association(document(products), "x_asn.json")
    assert [(each.product, each.name, each.exptype) for each in found.members] == [
        (name, file, kind) for name, members in products.items() for file, kind in members
    ]
    assert found.products == tuple(products)
    assert found.names_files


@given(st.dictionaries(WORDS, MEMBERS, min_size=1, max_size=3), st.sets(st.sampled_from(["science", "background"])))
def test_an_association_with_some_members_has_only_these(
    products: dict[str, list[tuple[str, str]]], kinds: set[str]
) -> None:
    """The file for some exposure types has the members of these types, and is otherwise unchanged."""
    whole = read_association(document(products, program="01783"), "x_asn.json")
    kept = tuple(each for each in whole.members if each.exptype in kinds)
    if not kept:
        with pytest.raises(InvalidArgumentError, match="has no members of type"):
            whole.chosen(kinds)
        return
    chosen = whole.chosen(kinds)
    assert chosen.members == kept
    again = read_association(chosen.content, "x_asn.json")
    assert again.members == kept
    assert json.loads(chosen.content)["program"] == "01783"
    if kept == whole.members:
        assert chosen is whole


def test_members_of_an_hst_association() -> None:
    """Rootnames are in lower case and have their type; products and empty rows are not members."""
    found = read_association(table(NODS), "n48o06020_asn.fits")
    assert found.products == ("n48o06020",)
    assert found.members == (
        AssociationMember("n48o06g9q", "science", "n48o06020"),
        AssociationMember("n48o06gbq", "background", "n48o06020"),
        AssociationMember("n48o06gcq", "wavecal", "n48o06020", present=False),
    )
    assert not found.names_files


def test_a_table_without_some_members_marks_them_as_not_present() -> None:
    """HST pipelines skip members that are not present; the product and the order of the rows are unchanged."""
    chosen = read_association(table(NODS), "n48o06020_asn.fits").chosen(["science"])
    rows = fits.getdata(io.BytesIO(chosen.content), "ASN")
    assert rows["MEMNAME"].tolist() == [name for name, _, _ in NODS]
    assert rows["MEMPRSNT"].tolist() == [True, False, False, True, False]
    assert [each.name for each in chosen.members] == ["n48o06g9q"]
    with pytest.raises(InvalidArgumentError, match=r"'psf'.*'background', 'science', 'wavecal'"):
        read_association(table(NODS), "n48o06020_asn.fits").chosen(["psf"])


@pytest.mark.parametrize(
    ("name", "exposure"),
    [
        ("jw01783001001_02101_00001_nrca1_cal.fits", "jw01783001001_02101_00001_nrca1"),
        ("jw01783001001_02101_00001_nrca1_a3001_crf.fits", "jw01783001001_02101_00001_nrca1"),
        ("jw01783-o001_t006_nircam_clear-f115w_cat.ecsv", "jw01783-o001_t006_nircam_clear-f115w"),
        ("j97c01aaq", "j97c01aaq"),
    ],
)
def test_the_exposure_of_a_member(name: str, exposure: str) -> None:
    """The observation of a member is the start of its name."""
    assert AssociationMember(name, "science", "product").exposure == exposure


def test_members_of_one_product() -> None:
    """An association with several products returns the members of each, or all for an unknown product."""
    found = read_association(document({"a": [("x_cal.fits", "science")], "b": [("y_cal.fits", "psf")]}), "x_asn.json")
    assert [each.name for each in found.of_product("B")] == ["y_cal.fits"]
    assert [each.name for each in found.of_product("c")] == ["x_cal.fits", "y_cal.fits"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"products": 3}',
        b'{"products": []}',
        b'{"products": [{"name": "x"}]}',
        b'{"products": [{"name": "x", "members": [{"exptype": "science"}]}]}',
        b'{"products": [{"name": "x", "members": [{"expname": 7}]}]}',
        b'{"products": [{"name": "x", "members": [{"expname": "../../x_cal.fits"}]}]}',
        b'{"products": [{"name": "x", "members": "abc"}]}',
        b"\xff\xfe",
    ],
)
def test_an_invalid_jwst_association_raises(content: bytes) -> None:
    """Other JSON and names with a path are rejected."""
    with pytest.raises(InvalidResponseError):
        read_association(content, "x_asn.json")


def test_an_invalid_hst_association_raises() -> None:
    """Other bytes, truncated FITS files, other tables, and tables without members are rejected."""
    other = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(np.zeros((2, 2)))]).writeto(other)
    whole = table(NODS)
    for content in b"", b"<html>", b"x" * 2880, whole[:-5], whole[:2880], other.getvalue(), table([NODS[3]]):
        with pytest.raises(InvalidResponseError):
            read_association(content, "x_asn.fits")


@given(st.binary(max_size=400), st.sampled_from(["x_asn.json", "x_asn.fits"]))
def test_any_bytes_are_read_or_raise(content: bytes, name: str) -> None:
    """The only exception is the error for invalid responses."""
    with pytest.raises(InvalidResponseError):
        read_association(content, name)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | WORDS,
        lambda each: (
            st.lists(each)
            | st.dictionaries(st.sampled_from(["products", "members", "name", "expname", "exptype"]), each)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_raises(value: Any) -> None:
    """The same holds for JSON with the keys of associations."""
    try:
        found = read_association(json.dumps(value).encode(), "x_asn.json")
    except InvalidResponseError:
        return
    assert found.members
