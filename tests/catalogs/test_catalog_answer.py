"""Responses of Catalogs.MAST: recorded ones, and malformed ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from astroquery.exceptions import RemoteServiceError

from astroquery_mast.catalogs.catalog_query import (
    answer_columns,
    continuous_columns,
    read_catalogs_mast,
    read_metadata,
    with_separation,
)
from astroquery_mast.query.known_catalogs import CATALOGS
from astroquery_mast.tables.columns import Kind, snapshot

MEAN = snapshot()["panstarrs/dr2/mean"]
WHAT = "Catalogs.MAST panstarrs/dr2/mean"


def body(**document: Any) -> bytes:
    """Return the body of a response."""
    return json.dumps(document).encode()


def test_the_recorded_response_is_read(recorded: Callable[[str], bytes]) -> None:
    """Rows sent as arrays get the names and types of the columns."""
    page = read_catalogs_mast(recorded("panstarrs.json"), WHAT, MEAN)
    assert page.fields[:2] == (("objname", "char"), ("objID", "long"))
    assert len(page.rows) == 35
    assert page.rows[0]["objID"] == "68960059717834079"
    columns = answer_columns(page, MEAN)
    assert str(columns["lambda"].astropy_unit) == "deg"
    assert columns["objname"].description == MEAN["objName"].description
    assert columns["iMeanApMag"].kind is Kind.FLOAT


def test_the_recorded_metadata_agree_with_the_package(recorded: Callable[[str], bytes]) -> None:
    """The package's columns are those of MAST, in name, order and kind."""
    columns = read_metadata(recorded("panstarrs_columns.json"), "metadata")
    assert list(columns) == list(MEAN)
    assert {name: column.kind for name, column in columns.items()} == {n: c.kind for n, c in MEAN.items()}
    assert {name: column.continuous for name, column in columns.items()} == {n: c.continuous for n, c in MEAN.items()}
    assert str(columns["raMean"].astropy_unit) == "deg"
    assert columns["cx"].unit == ""


@pytest.mark.parametrize(
    ("recording", "config_id"), [("tic.json", "Mast.Catalogs.Tess.Cone"), ("dd.json", "Mast.Catalogs.Dd.Cone")]
)
def test_the_recorded_tables_agree_with_the_package(
    recording: str, config_id: str, recorded: Callable[[str], bytes]
) -> None:
    """The package knows every column of the recorded tables, with the type that MAST declares."""
    known = snapshot()[config_id]
    for entry in json.loads(recorded(recording))["fields"]:
        assert known[entry["name"]].type_name == entry["type"]


@pytest.mark.parametrize(
    ("recording", "config_id"),
    [
        ("ticcolumns_filtered.json", "Mast.Catalogs.Tess.Cone"),
        ("ddcolumns_filtered.json", "Mast.Catalogs.Dd.Cone"),
    ],
)
def test_the_recorded_histograms_agree_with_the_package(
    recording: str, config_id: str, recorded: Callable[[str], bytes]
) -> None:
    """Columns with a continuous histogram are filtered by ranges, except identifiers."""
    numbers = continuous_columns(json.loads(recorded(recording)), "histograms")
    known = snapshot()[config_id]
    identifiers = {"ID", "HIP", "KIC", "SDSS", "objID", "duplicate_id", "A_objid", "G_objid", "G_source_id"}
    assert {name for name in numbers if name in known and not known[name].continuous} <= identifiers


@pytest.mark.parametrize("config_id", ["Mast.Catalogs.Tess.Cone", "Mast.Catalogs.Dd.Cone", "panstarrs/dr2/mean"])
def test_astropy_reads_every_known_unit(config_id: str) -> None:
    """Astropy can read every unit that the package ships."""
    for column in snapshot()[config_id].values():
        assert column.kind is not None
        assert not column.unit or column.astropy_unit is not None, column


def test_rows_may_be_objects() -> None:
    """Rows may be objects, with and without a list of columns."""
    info = [{"column_name": "a", "db_type": "BIGINT", "unit": "NULL"}]
    page = read_catalogs_mast(body(info=info, data=[{"a": 1}]), WHAT, {})
    assert (page.fields, page.rows) == ((("a", "BIGINT"),), [{"a": 1}])
    page = read_catalogs_mast(body(data=[{"a": 1}, {"b": 2}]), WHAT, {})
    assert page.fields == (("a", ""), ("b", ""))


def test_an_empty_response_has_columns() -> None:
    """An empty response without a list of columns has the known columns."""
    page = read_catalogs_mast(body(info=[], data=[]), WHAT, MEAN)
    assert [name for name, _ in page.fields] == list(MEAN)
    assert answer_columns(page, MEAN) == dict(MEAN)
    assert list(page.rows) == []


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"<html>busy</html>", "did not return JSON"),
        (b"", "did not return JSON"),
        (b"[]", "no list of rows"),
        (body(message="No such column: 'x'"), "no list of rows, but .*No such column"),
        (body(info=[{"name": "a"}], data=None), "no list of rows"),
        (body(data=[[1, 2]]), "returned rows without a description of their columns"),
        (body(info=[{"name": "a", "type": "int"}], data=[[1, 2]]), "returned rows that do not match its columns"),
        (body(info=[{"name": "a", "type": "int"}], data=[1]), "returned rows that do not match its columns"),
        (body(info=[{"nom": "a"}], data=[]), "unreadable list of columns"),
        (body(info=["a"], data=[[1]]), "unreadable list of columns"),
        (body(info=5, data=[[1]]), "unreadable list of columns"),
    ],
    ids=repr,
)
def test_malformed_responses_raise(sent: bytes, text: str) -> None:
    """A malformed response raises RemoteServiceError with the server's message, never KeyError (B16, B41)."""
    with pytest.raises(RemoteServiceError, match=text):
        read_catalogs_mast(sent, WHAT, {})


@pytest.mark.parametrize("sent", [b"no", b"{}", b"[]", b"[1]", b'[{"type": "int"}]'])
def test_malformed_metadata_raise(sent: bytes) -> None:
    """Malformed metadata raise RemoteServiceError (B41)."""
    with pytest.raises(RemoteServiceError, match=r"metadata did not return"):
        read_metadata(sent, "metadata")


def test_a_response_without_histograms_raises() -> None:
    """A response without histograms raises RemoteServiceError."""
    with pytest.raises(RemoteServiceError, match="no histograms"):
        continuous_columns({"data": {"Tables": []}}, "histograms")


def test_the_separation_has_a_unit() -> None:
    """The separation has a unit, that of MAST if there is one."""
    columns = with_separation(MEAN, CATALOGS["panstarrs"])
    assert str(columns["distance"].astropy_unit) == "deg"
    assert "distance" not in MEAN
    tic = snapshot()["Mast.Catalogs.Tess.Cone"]
    assert with_separation(tic, CATALOGS["tic"]) is tic
