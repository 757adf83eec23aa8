"""Private names of ``astroquery.mast`` that other code reads, sets and calls."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses
from astropy.table import Table
from astropy.utils.exceptions import AstropyDeprecationWarning

from astroquery_mast import Conf, compat, conf
from astroquery_mast.compat.clients import (
    Catalogs,
    CatalogsClass,
    Mast,
    MastClass,
    MastMissionsClass,
    Observations,
    ObservationsClass,
    Tesscut,
    TesscutClass,
)
from astroquery_mast.exceptions import InvalidQueryError, NoResultsWarning, TimeoutError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import token as auth

STAR = {"target_name": "261136679", "sequence_number": 1, "obs_collection": "TESS"}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def elsewhere(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox that is not configured."""
    with conf.set_temp("server", NOWHERE), conf.set_temp("max_attempts", 1):
        yield mast_sandbox


# -- addresses -------------------------------------------------------------------------------------------------------


def test_addresses_are_those_of_the_configuration() -> None:
    """Addresses that are not assigned follow conf.server."""
    connection = Mast._portal_api_connection
    assert connection.MAST_REQUEST_URL == "https://mast.stsci.edu/api/v0/invoke"
    assert connection.MAST_DOWNLOAD_URL == "https://mast.stsci.edu/api/v0.1/Download/file"
    assert connection.MAST_BUNDLE_URL == "https://mast.stsci.edu/api/v0.1/Download/bundle"
    assert connection.COLUMNS_CONFIG_URL == "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"
    with conf.set_temp("server", "https://example.stsci.edu"):
        assert connection.MAST_REQUEST_URL == "https://example.stsci.edu/api/v0/invoke"


def test_requests_go_to_an_assigned_address(elsewhere: Sandbox) -> None:
    """The queries of a client go to its MAST_REQUEST_URL, and those of others do not."""
    client, other = ObservationsClass(), ObservationsClass()
    connection = client._portal_api_connection
    connection.MAST_REQUEST_URL = connection.MAST_REQUEST_URL.replace(NOWHERE, elsewhere.url)
    assert len(client.query_criteria(**STAR)) == 1
    assert other._portal_api_connection.MAST_REQUEST_URL.startswith(NOWHERE)
    assert Observations._portal_api_connection.MAST_REQUEST_URL.startswith(NOWHERE)


def test_downloads_go_to_an_assigned_address(elsewhere: Sandbox, tmp_path: Path) -> None:
    """Files and bundles are downloaded from the assigned addresses."""
    client = ObservationsClass()
    for name in ("MAST_REQUEST_URL", "MAST_DOWNLOAD_URL", "MAST_BUNDLE_URL"):
        old = getattr(client._portal_api_connection, name)
        setattr(client._portal_api_connection, name, old.replace(NOWHERE, elsewhere.url))
    products = client.get_product_list(client.query_criteria(**STAR))[:1]
    manifest = client.download_products(products, download_dir=tmp_path, verbose=False)
    script = client.download_products(products, download_dir=tmp_path, curl_flag=True, verbose=False)
    assert [*manifest["Status"], *script["Status"]] == ["COMPLETE", "COMPLETE"]
    assert len(elsewhere.requests.of("bundle")) == 1


def test_columns_come_from_an_assigned_address(elsewhere: Sandbox) -> None:
    """Metadata are requested from COLUMNS_CONFIG_URL."""
    client = ObservationsClass()
    old = client._portal_api_connection.COLUMNS_CONFIG_URL
    client._portal_api_connection.COLUMNS_CONFIG_URL = old.replace(NOWHERE, elsewhere.url)
    assert "obs_id" in client.get_metadata("observations")["Column Name"]
    assert len(elsewhere.requests.of("columnsconfig")) == 1


def test_the_token_is_not_sent_to_an_assigned_server() -> None:
    """Another server gets the queries, but not the token."""
    client = ObservationsClass()
    auth.SHARED.keep("secret")
    client._portal_api_connection.MAST_REQUEST_URL = "https://other.example.org/invoke"
    with responses.RequestsMock() as mock:
        mock.post("https://other.example.org/invoke", json={"status": "COMPLETE", "fields": [], "data": []})
        with pytest.warns(NoResultsWarning):
            client.query_criteria(**STAR)
        assert "secret" not in str(mock.calls[0].request.headers)


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", [Observations, Mast, Catalogs, Tesscut], ids=lambda client: type(client).__name__)
def test_settings_are_those_of_the_configuration(client: MastClass) -> None:
    """Code asserts these defaults, for both connections and the client."""
    for place in (client, client._portal_api_connection, client._service_api_connection):
        assert (place.TIMEOUT, place.PAGESIZE) == (600, 50000)
    with conf.set_temp("timeout", 77):
        assert client.TIMEOUT == client._service_api_connection.TIMEOUT == 77


def test_an_assigned_page_size_is_used(mast_sandbox: Sandbox) -> None:
    """PAGESIZE of a client is the page size of its queries, unless the call has one."""
    client = ObservationsClass()
    client._portal_api_connection.PAGESIZE = 7
    assert client.PAGESIZE == 7
    assert client.query_criteria(**STAR, get_query_payload=True)["pagesize"] == 7
    assert client.query_criteria(**STAR, pagesize=9, get_query_payload=True)["pagesize"] == 9
    assert Observations.query_criteria(**STAR, get_query_payload=True)["pagesize"] == 50000
    assert len(client.query_criteria(proposal_id="10452", calib_level=3)) == 30


@pytest.mark.parametrize("place", ["client", "portal", "service"])
def test_an_assigned_timeout_is_used(mast_sandbox: Sandbox, place: str) -> None:
    """TIMEOUT of a client ends its queries."""
    client = ObservationsClass()
    owner = {
        "client": client,
        "portal": client._portal_api_connection,
        "service": client._service_api_connection,
    }[place]
    owner.TIMEOUT = 0.05
    mast_sandbox.faults.add("invoke", Fault.executing(), times=None)
    with pytest.raises(TimeoutError, match=r"^Timeout limit of 0\.05 s exceeded"):
        client.query_criteria(**STAR)


def test_a_restored_setting_follows_the_configuration() -> None:
    """After code reads a setting, changes it, and restores the value, the setting is as before."""
    client = ObservationsClass()
    before, client.TIMEOUT = client.TIMEOUT, 5
    assert client._service.deadline(None).seconds == 5
    client.TIMEOUT = before
    with conf.set_temp("timeout", 77):
        assert client.TIMEOUT == 77


def test_a_setting_on_the_class_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting TIMEOUT or PAGESIZE on a class or a default instance has an effect."""
    monkeypatch.setattr(ObservationsClass, "PAGESIZE", 11)
    assert ObservationsClass().query_criteria(**STAR, get_query_payload=True)["pagesize"] == 11
    monkeypatch.setattr(Observations, "TIMEOUT", 1200)
    assert Observations._service.deadline(None).seconds == 1200


def test_a_timeout_on_the_class_of_the_configuration_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """``Conf.timeout = 60`` replaces the item by a number, which is used from then on."""
    monkeypatch.setattr(Conf, "timeout", 60)
    assert conf.timeout == Observations.TIMEOUT == 60
    assert Observations._service.deadline(None).seconds == 60
    assert TesscutClass()._service.deadline(None).seconds == 60


def test_set_temp_is_used() -> None:
    """``conf.set_temp`` has an effect in its block."""
    with conf.set_temp("timeout", 5), conf.set_temp("pagesize", 100):
        assert Observations._service.deadline(None).seconds == 5
        assert Observations.query_criteria(**STAR, get_query_payload=True)["pagesize"] == 100
    assert Observations._service.deadline(None).seconds == 600


# -- sessions --------------------------------------------------------------------------------------------------------


def test_an_assigned_session_is_used_for_queries_and_downloads(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """An assigned plain session is used for queries and for downloads."""
    client, session = ObservationsClass(), requests.Session()
    session.headers["X-Mine"] = "yes"
    client._portal_api_connection._session = session
    assert client._session is session
    products = client.get_product_list(client.query_criteria(**STAR))[:1]
    client.download_products(products, download_dir=tmp_path, verbose=False)
    assert {record.endpoint for record in mast_sandbox.requests} == {"invoke", "download"}
    assert {record.headers.get("x-mine") for record in mast_sandbox.requests} == {"yes"}


def test_the_session_is_the_same_everywhere() -> None:
    """Adapters, proxies and certificates that are set on any of the names apply to all."""
    client = ObservationsClass()
    assert client._session is client._portal_api_connection._session is client._service_api_connection._session
    client._portal_api_connection._session.proxies["https"] = "http://proxy.example.org"
    assert client._session.proxies["https"] == "http://proxy.example.org"


# -- calls -----------------------------------------------------------------------------------------------------------


def test_calling_an_instance_creates_another() -> None:
    """``Observations()`` is a new client of the same class, without the assigned values."""
    first = ObservationsClass()
    first.PAGESIZE = 3
    fresh = first()
    assert type(fresh) is ObservationsClass
    assert fresh.PAGESIZE == 50000
    assert fresh._session is not first._session


def test_a_token_may_be_given_by_position(mast_sandbox: Sandbox) -> None:
    """``ObservationsClass(token)`` logs in only that client."""
    with pytest.raises(Exception, match="does not accept"):
        ObservationsClass("wrongtoken")
    assert not Observations.authenticated()


def test_download_file_accepts_an_address(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """``_download_file(url, path)`` sends only a GET request, and writes to the given path."""
    target = tmp_path / "deep" / "x.fits"
    product = Observations.get_product_list(Observations.query_criteria(**STAR))["dataURI"][0]
    mast_sandbox.requests.clear()
    assert Mast._download_file(f"{Mast._portal_api_connection.MAST_DOWNLOAD_URL}?uri={product}", str(target)) is None
    assert target.read_bytes()[:6] == b"SIMPLE"
    assert [record.method for record in mast_sandbox.requests] == ["GET"]
    assert list(tmp_path.rglob("*.part*")) == []


def test_download_file_replaces_files_by_default(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """By default, an existing file is replaced, like by astroquery's own method."""
    target = tmp_path / "x.fits"
    product = Observations.get_product_list(Observations.query_criteria(**STAR))["dataURI"][0]
    url = f"{Mast._portal_api_connection.MAST_DOWNLOAD_URL}?uri={product}"
    target.write_bytes(b"old")
    Mast._download_file(url, target, None, None, False)
    assert target.stat().st_size > 3


def test_download_file_raises(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A refusal is an HTTPError of requests, and a missing server its ConnectionError; no file remains."""
    url = Mast._portal_api_connection.MAST_DOWNLOAD_URL
    with pytest.raises(requests.HTTPError, match=r"^404 Client Error: Not Found for url"):
        Observations._download_file(f"{url}?uri=mast:HST/product/none.fits", tmp_path / "none.fits")
    with conf.set_temp("max_attempts", 1), pytest.raises(requests.ConnectionError):
        Observations._download_file(f"{NOWHERE}/file", tmp_path / "none.fits")
    assert list(tmp_path.iterdir()) == []


def test_parsed_responses_give_the_same_table(mast_sandbox: Sandbox) -> None:
    """``_parse_result`` of the responses of a call gives the same table as the call."""
    with conf.set_temp("pagesize", 12):
        pages = Observations.query_criteria_async(proposal_id="10452", calib_level=3)
        table = Observations.query_criteria(proposal_id="10452", calib_level=3)
    assert len(pages) == 3
    assert_same(Observations._parse_result(pages), table)
    products = Observations.get_product_list_async(table[:3], batch_size=2)
    assert_same(Observations._parse_result(products), Observations.get_product_list(table[:3]))
    single = Mast.service_request_async(Observations._caom_products, {"obsid": table["obsid"][0]})
    assert len(Mast._parse_result(single[0])) == len(Mast._parse_result(single)) > 0


def assert_same(first: Table, second: Table) -> None:
    """Compare names, units and values."""
    assert first.colnames == second.colnames
    assert [column.unit for column in first.itercols()] == [column.unit for column in second.itercols()]
    assert first.pformat(max_lines=-1, max_width=-1) == second.pformat(max_lines=-1, max_width=-1)


def test_responses_without_rows_warn(mast_sandbox: Sandbox) -> None:
    """An empty response, or none, warns that there are no results."""
    empty = Observations.query_criteria_async(obs_id="no such observation")
    for answers in (empty, []):
        with pytest.warns(NoResultsWarning, match="^Query returned no results"):
            assert len(Observations._parse_result(answers)) == 0


def test_a_foreign_response_raises() -> None:
    """A response that is not from a Mashup service raises an error."""
    with responses.RequestsMock() as mock:
        mock.get("https://example.org/", body="hello")
        foreign = requests.get("https://example.org/", timeout=5)
    with pytest.raises(InvalidQueryError, match="Not a response of a Mashup service: it does not contain the request"):
        Observations._parse_result([foreign])
    with pytest.raises(InvalidQueryError, match="Not a response of a Mashup service: it does not contain the request"):
        Observations._parse_result(requests.Response())


def test_known_columns_can_be_cleared(mast_sandbox: Sandbox) -> None:
    """``_column_configs`` has the columns requested from MAST; assigning to it makes them be requested again."""
    client = MastClass()
    assert client._column_configs == {}
    for asked in (1, 2):
        client.service_request("Mast.Caom.Cone", {"ra": 202.47, "dec": 47.2, "radius": 0.01})
        assert client._service.columns.newest("Mast.Caom.Cone")
        assert len(mast_sandbox.requests.of("columnsconfig")) == asked
        assert "obs_id" in client._column_configs["Mast.Caom.Cone"]
        client._column_configs = {}


@pytest.mark.parametrize("kind", [MastClass, CatalogsClass, TesscutClass, MastMissionsClass])
def test_cloud_methods_of_other_clients_have_no_effect(kind: type[MastClass]) -> None:
    """For clients without cloud access, enabling or disabling it is a deprecated call without effect."""
    for call in (kind().enable_cloud_dataset, kind().disable_cloud_dataset):
        with pytest.warns(AstropyDeprecationWarning):
            assert call() is None


def test_cloud_methods_of_observations_have_an_effect() -> None:
    """For observations, these methods have an effect."""
    client = ObservationsClass()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.enable_cloud_dataset(verbose=False)
        assert client._cloud.enabled
        client.disable_cloud_dataset()
    assert not client._cloud.enabled


def test_a_client_can_be_pickled() -> None:
    """The assigned values are included for another process; the token is not."""
    client = ObservationsClass()
    auth.SHARED.keep("secret")
    client.PAGESIZE = 5
    client._portal_api_connection.MAST_REQUEST_URL = "https://example.org/invoke"
    pickled = pickle.dumps(client)
    assert b"secret" not in pickled
    copy = pickle.loads(pickled)
    assert copy.PAGESIZE == copy._portal_api_connection.PAGESIZE == 5
    assert copy._service.endpoints.invoke == "https://example.org/invoke"


def test_the_clients_work_without_install() -> None:
    """The clients can also be imported from their own module."""
    assert not compat.installed()
    assert Observations._portal_api_connection.TIMEOUT == 600
