"""The sandbox's proxy, asked with plain `requests`, and by hand where these would not ask so."""

from __future__ import annotations

import http.client

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox


def test_every_host_behind_the_proxy_is_the_sandbox(box: Sandbox, web: requests.Session) -> None:
    """Address, arguments and body arrive as without a proxy, and the proxy keeps the whole address."""
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
    """A body that the sandbox cuts is cut for the client of the proxy."""
    box.faults.add("whoami", Fault.cut(3))
    with box.proxy() as proxy, pytest.raises(requests.exceptions.ChunkedEncodingError):
        web.get("http://mast.example.org/whoami", proxies={"http": proxy.url}, timeout=30)


@pytest.mark.parametrize(("login", "status"), [("me:secret@", 200), ("me:wrong@", 407), ("", 407)])
def test_a_proxy_with_a_login_lets_only_its_user_through(
    box: Sandbox, web: requests.Session, login: str, status: int
) -> None:
    """Everybody else gets 407 with what is wanted, and the sandbox never sees the login."""
    with box.proxy("me:secret") as proxy:
        assert proxy.url == proxy.address.replace("//", "//me:secret@")
        address = proxy.address.replace("//", f"//{login}")
        answer = web.get("http://mast.example.org/whoami", proxies={"http": address}, timeout=30)
    assert answer.status_code == status
    assert ("Proxy-Authenticate" in answer.headers) == (status == 407)
    assert len(box.requests) == (status == 200)
    assert not any("proxy-authorization" in record.headers for record in box.requests)


def test_a_proxy_makes_no_tunnels_and_takes_whole_addresses_only(box: Sandbox) -> None:
    """CONNECT is answered with 403, and a path with 400; the proxy is gone when it is left."""
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
