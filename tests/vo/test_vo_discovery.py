"""Catalogs, tables, columns and examples of the TAP services."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError, RemoteServiceError
from tap_catalogs import Serve, sources

from astroquery_mast import VOClass
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.retrying import Deadline


@pytest.fixture
def client(mast_sandbox: Sandbox) -> Any:
    """Return a new client with an empty cache."""
    return VOClass()


def test_catalogs_are_services_or_parts_of_grouped_services(mast_sandbox: Sandbox, client: Any) -> None:
    """Each collection of a grouped service is a catalog, and the group itself is not."""
    found = dict(client.list_catalogs().iterrows())
    assert found["caom"] == f"{mast_sandbox.url}/vo-tap/api/v0.1/caom"
    assert found["tic_v82"] == f"{mast_sandbox.url}/vo-tap/api/v0.1/mast_catalogs"
    assert "mast_catalogs" not in found
    assert "tap_schema" not in found


def test_a_known_catalog_needs_no_lookup(mast_sandbox: Sandbox, client: Any) -> None:
    """The first request is the query itself."""
    client.query_tap("SELECT TOP 1 obs_id FROM dbo.obspointing", catalog="CAOM")
    assert [record.path for record in mast_sandbox.requests.of("vo_tap")] == ["/vo-tap/api/v0.1/caom/sync"]


def test_metadata_are_cached(mast_sandbox: Sandbox, client: Any) -> None:
    """Columns, tables and catalogs are requested once, and changes of a returned copy have no effect."""
    for _ in range(2):
        client.list_catalogs().remove_rows(slice(None))
        client.list_tables("tic_v82").remove_rows(slice(None))
        assert len(client.list_columns("source", "tic_v82")) > 10
    sent = [record.path + record.body.decode() for record in mast_sandbox.requests.of("vo_tap")]
    assert len(sent) == len(set(sent))


def test_a_new_catalog_is_found(client: Any, serve: Serve) -> None:
    """The list is requested again for a name that it does not contain."""
    client.list_catalogs()
    assert list(client.list_tables(serve(sources(3)))["table_name"]) == ["dbo.sources"]


def test_tables_are_those_of_the_catalog(client: Any) -> None:
    """Tables that describe the service, and those of other catalogs in a group, are left out."""
    tables = client.list_tables()
    assert "dbo.obspointing" in tables["table_name"]
    assert not [name for name in tables["table_name"] if name.startswith("tap_schema")]
    assert all(client.list_tables("TIC_V82")["table_name"] == ["tic_v82.source"])
    assert all(tables["description"] != "")


def test_columns_have_units_and_descriptions(client: Any) -> None:
    """The name of the table may be in any case and without its schema."""
    columns = client.list_columns("dbo.obspointing")
    assert columns.colnames == ["column_name", "datatype", "unit", "ucd", "description", "indexed", "principal"]
    (ra,) = columns[columns["column_name"] == "s_ra"]
    assert (ra["unit"], ra["ucd"]) == ("deg", "pos.eq.ra;meta.main")
    for name in "ObsPointing", "DBO.OBSPOINTING":
        assert list(client.list_columns(name)["column_name"]) == list(columns["column_name"])
    assert "table_name" in client.list_columns("TAP_SCHEMA.columns")["column_name"]


@pytest.mark.parametrize(
    ("catalog", "table", "message"),
    [
        ("coam", "dbo.obspointing", r"Catalog 'coam' not found\. Did you mean 'caom'\?"),
        ("caom", "obspoint", r"Table 'obspoint' not found in TAP service caom\. Did you mean .*obspointing'"),
        ("caom", "it's", r"Table .* not found"),
    ],
)
def test_unknown_names_raise_with_suggestions(client: Any, catalog: str, table: str, message: str) -> None:
    """The error suggests similar names."""
    with pytest.raises(InvalidQueryError, match=message):
        client.list_columns(table, catalog)


def test_a_service_can_be_specified_by_url(mast_sandbox: Sandbox, client: Any) -> None:
    """Any TAP service is queried in the same way."""
    address = f"{mast_sandbox.url}/vo-tap/api/v0.1/tic/"
    assert "dbo.CatalogRecord" in client.list_tables(service=address)["table_name"]
    assert len(client.query_tap("SELECT TOP 2 id FROM dbo.CatalogRecord", service=address)) == 2
    with pytest.raises(InvalidQueryError, match="service must be a row"):
        client.query_tap("SELECT 1", service="caom")


def test_examples_are_queries_that_run(client: Any) -> None:
    """The examples are read from a web page."""
    examples = client.examples()
    assert len(examples) == 4
    assert len(client.query_tap(examples[1])) == 10


def test_a_service_without_examples_has_none(mast_sandbox: Sandbox, client: Any) -> None:
    """A missing page of examples is not an error."""
    mast_sandbox.faults.add("vo_tap", Fault.status(404))
    assert client.examples() == []


def test_an_invalid_list_of_catalogs_raises_a_service_error(mast_sandbox: Sandbox, client: Any) -> None:
    """No exception of Python is raised."""
    mast_sandbox.faults.add("vo_tap", Fault.edit(lambda _: {"components": []}))
    with pytest.raises(RemoteServiceError, match="list of TAP services"):
        client.list_catalogs()


def test_a_copy_of_a_client_has_the_same_catalogs(client: Any) -> None:
    """The cache is not copied, but the server is."""
    client.list_catalogs()
    for other in (copy.deepcopy(client), pickle.loads(pickle.dumps(client._discovery))):
        discovery = other._discovery if isinstance(other, VOClass) else other
        assert discovery.collections(Deadline.start(None)) == client._discovery.collections(Deadline.start(None))
