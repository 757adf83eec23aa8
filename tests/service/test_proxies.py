"""Proxies between the client and MAST: which requests they get, and how their errors are reported."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import requests
from astropy.table import Table
from astroquery.exceptions import LoginError
from transfers import small_files

from astroquery_mast import Mast, MastClass, Observations, ObservationsClass, conf
from astroquery_mast.exceptions import NetworkError, ServerError
from astroquery_mast.sandbox import Fault, Proxy, Sandbox

LIST = "Mast.Missions.List"
MADE_UP = "mast.example.org"
VARIABLES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all proxy settings."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def behind(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Return a sandbox with a host name, which is reached through a proxy if one is set."""
    with conf.set_temp("server", f"http://{MADE_UP}"):
        yield mast_sandbox


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Return four small products."""
    return small_files(mast_sandbox, 4)


def hosts(proxy: Proxy) -> set[str]:
    """Return the hosts that were requested from a proxy."""
    return {record.headers["host"] for record in proxy.requests}


def test_the_proxy_of_the_environment_is_used_for_queries_and_files(
    behind: Sandbox, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests use the proxy, the login of the proxy is not passed on, and the files are complete."""
    with behind.proxy("me:secret") as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert Observations.query_criteria_count(proposal_id=10452) == 126
        manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False)
        zipped = Observations.download_products(products, download_dir=tmp_path, verbose=False, bundle="zip")
    assert set(manifest["Status"]) == set(zipped["Status"]) == {"COMPLETE"}
    for uri, path in manifest["dataURI", "Local Path"]:
        assert Path(path).read_bytes() == behind.archive.render(uri)
    assert hosts(proxy) == {MADE_UP}
    assert len(proxy.requests) == len(behind.requests) == 6
    assert not any("proxy-authorization" in record.headers for record in behind.requests)


def test_the_proxy_of_a_session_is_used_by_processes_too(
    behind: Sandbox, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worker processes use the proxies of the client's session."""
    client = ObservationsClass(session=requests.Session())
    with (
        behind.proxy() as proxy,
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        client._session.proxies["http"] = proxy.url
        assert client.query_criteria_count(proposal_id=10452) == 126
        manifest = client.download_products(products, download_dir=tmp_path, executor=pool, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert len(proxy.requests) == len(behind.requests) == 5


def test_a_download_behind_a_proxy_is_resumed(behind: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of the file is requested through the proxy, as it is without one."""
    rows = behind.archive.query(
        "select dataURI from product where dataRights = 'PUBLIC' and size between 500000 and 900000 limit 1"
    )
    uri = str(rows[0]["dataURI"])
    behind.faults.add("download", Fault.cut(5000))
    with behind.proxy() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert Observations.download_file(uri, local_path=tmp_path / "x.fits", verbose=False)[0] == "COMPLETE"
    assert (tmp_path / "x.fits").read_bytes() == behind.archive.render(uri)
    assert [record.headers.get("range") for record in proxy.requests] == [None, "bytes=5000-"]


def test_no_token_goes_through_a_proxy_in_clear_text(
    behind: Sandbox, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login at a server without https raises before it is sent; a token of another server is not sent there."""
    with behind.proxy() as proxy, conf.set_temp("server", behind.url):
        monkeypatch.setenv("http_proxy", proxy.url)
        Observations.login(behind.token)
        with conf.set_temp("server", f"http://{MADE_UP}"):
            with pytest.raises(LoginError, match="Tokens are only sent over https, but the server is"):
                Observations.login(behind.token)
            assert Observations.query_criteria_count(proposal_id=10452) == 126
            Observations.download_products(products, download_dir=tmp_path, verbose=False)
    assert hosts(proxy) == {MADE_UP}
    assert not any(behind.token in str(record) for record in proxy.requests)


def test_no_proxy_is_used_for_this_computer(
    mast_sandbox: Sandbox, products: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With http_proxy set, the sandbox works, and the proxy gets neither the token nor any request."""
    with mast_sandbox.proxy() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        Observations.login(mast_sandbox.token)
        assert len(Mast.service_request(LIST, {})) > 0
        uri = products["dataURI"][0]
        assert Observations.download_file(uri, local_path=f"{tmp_path}/", verbose=False)[0] == "COMPLETE"
    assert proxy.requests == []


@pytest.mark.parametrize("login", [None, "me:wrong"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_requires_a_login_is_not_retried(
    behind: Sandbox,
    products: Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    login: str | None,
    scheme: str,
) -> None:
    """407 is not retried; the message says which variable to set, and the password is shown nowhere."""
    with behind.proxy("me:secret") as proxy, conf.set_temp("server", f"{scheme}://{MADE_UP}"):
        monkeypatch.setenv(f"{scheme}_proxy", proxy.address.replace("//", f"//{login}@") if login else proxy.address)
        with pytest.raises(NetworkError, match="The proxy requires a login: set HTTPS_PROXY") as caught:
            MastClass().session_info(verbose=False)
        assert [(record.method == "CONNECT", record.status) for record in proxy.requests] == [(scheme == "https", 407)]
        with caplog.at_level("DEBUG", logger="astroquery"):
            manifest = Observations.download_products(products, download_dir=tmp_path, max_workers=1)
    assert set(manifest["Status"]) == {"ERROR"}
    said = [str(caught.value), *manifest["Message"], caplog.text]
    assert all("The proxy requires a login" in words for words in said)
    assert not any("wrong" in words for words in said)
    assert len(behind.requests) == 0


def test_a_proxy_that_refuses_a_tunnel_is_not_retried(behind: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """403 for CONNECT is not retried, either."""
    with behind.proxy() as proxy, conf.set_temp("server", f"https://{MADE_UP}"):
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(NetworkError, match="The proxy refused this request"):
            MastClass().session_info(verbose=False)
    assert [(record.method, record.target) for record in proxy.requests] == [("CONNECT", f"{MADE_UP}:443")]


def test_a_proxy_that_is_down_is_retried(behind: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is retried as often as a server, and the message does not have its password."""
    with behind.proxy("me:secret") as proxy:
        address = proxy.url
    monkeypatch.setenv("http_proxy", address)
    with pytest.raises(ServerError, match="Tried 4 times") as caught:
        Mast.service_request(LIST, {})
    assert "secret" not in str(caught.value)


def test_a_proxy_without_a_host_is_reported_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says that the address of the proxy is not valid."""
    monkeypatch.setenv("https_proxy", "http://me:pw@")
    with conf.set_temp("server", f"https://{MADE_UP}"), pytest.raises(NetworkError, match="The proxy address"):
        Mast.service_request(LIST, {})


def test_an_untrusted_certificate_names_the_variable_that_helps(mast_sandbox: Sandbox) -> None:
    """REQUESTS_CA_BUNDLE is used, and SSL_CERT_FILE is not; in this test, the server has no certificate at all."""
    server = mast_sandbox.url.replace("http:", "https:")
    with conf.set_temp("server", server), pytest.raises(NetworkError, match=r"REQUESTS_CA_BUNDLE.*SSL_CERT_FILE"):
        Mast.service_request(LIST, {})
