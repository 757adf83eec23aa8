"""The proxy of the sandbox, used with `requests`, and with `http.client` for other requests."""

from __future__ import annotations

import http.client

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox


def test_every_host_behind_the_proxy_is_the_sandbox(box: Sandbox, web: requests.Session) -> None:
    """URL, arguments, and body are received as without a proxy, and the proxy logs the full URL."""
    with box.proxy() as proxy:
        where = {"http": proxy.url}
        first = web.get("http://mast.example.org/whoami?a=%2F%20b", proxies=where, timeout=30)
        second = web.post("http://example.org:81/api/v0/invoke", data={"request": "{}"}, proxies=where, timeout=30)
    assert [first.status_code, second.status_code] == [record.status for record in proxy.requests]
    assert [record.target for record in proxy.requests] == [
        "http://mast.example.org/whoami?a=%2F%20b",
        "http://example.org:81/api/v0/invoke",
    ]
    assert [record.path for record in box.requests] == ["/whoami", "/api/v0/invoke"]
    assert box.requests[0].value("a") == "/ b"
    assert box.requests[1].body == b"request=%7B%7D"


def test_faults_pass_through_the_proxy(box: Sandbox, web: requests.Session) -> None:
    """A response that the sandbox cuts is also cut for a client of the proxy."""
    box.faults.add("whoami", Fault.cut(3))
    with box.proxy() as proxy, pytest.raises(requests.exceptions.ChunkedEncodingError):
        web.get("http://mast.example.org/whoami", proxies={"http": proxy.url}, timeout=30)


@pytest.mark.parametrize(("login", "status"), [("me:secret@", 200), ("me:wrong@", 407), ("", 407)])
def test_a_proxy_with_a_login(box: Sandbox, web: requests.Session, login: str, status: int) -> None:
    """Requests without the login receive 407 with the required scheme, and the login is not passed on."""
    with box.proxy("me:secret") as proxy:
        assert proxy.url == proxy.address.replace("//", "//me:secret@")
        address = proxy.address.replace("//", f"//{login}")
        answer = web.get("http://mast.example.org/whoami", proxies={"http": address}, timeout=30)
    assert answer.status_code == status
    assert ("Proxy-Authenticate" in answer.headers) == (status == 407)
    assert len(box.requests) == (status == 200)
    assert not any("proxy-authorization" in record.headers for record in box.requests)


def test_a_proxy_refuses_tunnels_and_paths(box: Sandbox) -> None:
    """CONNECT returns 403, and a path returns 400; the proxy stops at the end of its block."""
    with box.proxy() as proxy:
        host = proxy.address.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.set_tunnel("mast.example.org", 443)
        with pytest.raises(OSError, match="403"):
            connection.connect()
        plain = http.client.HTTPConnection(host, timeout=30)
        plain.request("GET", "/whoami")
        assert plain.getresponse().status == 400
        plain.close()
    assert [record.method for record in proxy.requests] == ["CONNECT", "GET"]
    assert len(box.requests) == 0
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(host, timeout=30).connect()
