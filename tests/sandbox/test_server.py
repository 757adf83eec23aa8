"""The server: starting, stopping, connections, the request log, and exceptions."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from astroquery_mast import conf
from astroquery_mast.sandbox import Fault, RequestRecord, Sandbox
from astroquery_mast.sandbox.requestlog import MOST_RECORDS, RequestLog


def connection_to(box: Sandbox) -> http.client.HTTPConnection:
    """Return a TCP connection to the sandbox."""
    return http.client.HTTPConnection("127.0.0.1", int(box.url.rpartition(":")[2]), timeout=30)


def raw_answer(box: Sandbox, sent: bytes) -> bytes:
    """Return everything that the server sends in response to ``sent`` until it closes the connection."""
    with socket.create_connection(("127.0.0.1", int(box.url.rpartition(":")[2])), timeout=30) as plain:
        plain.sendall(sent)
        return b"".join(iter(lambda: plain.recv(65536), b""))


def test_url_before_start_is_an_error() -> None:
    """The URL of a sandbox that was never started raises an error."""
    with pytest.raises(RuntimeError, match="start"):
        _ = Sandbox().url


def test_stop_ends_connections_and_threads() -> None:
    """After stop() there is no thread of the sandbox, even with a connected client and a delayed response."""
    others = set(threading.enumerate())  # those of the sandbox of the session
    box = Sandbox().serve()
    box.faults.add("whoami", Fault.delay(60))
    with ThreadPoolExecutor() as pool, requests.Session() as web:
        assert web.get(f"{box.url}/", timeout=30).status_code == 200
        held = pool.submit(requests.get, f"{box.url}/whoami", timeout=30)
        while not box.requests.of("whoami"):
            assert not held.done()
        box.stop()
        assert held.exception() is not None or held.result().status_code == 200
    left = set(threading.enumerate()) - others
    assert not [thread.name for thread in left if thread.name.startswith("mast-sandbox")]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{box.url}/", timeout=30)


def test_start_again_after_stop() -> None:
    """A stopped sandbox can be started again with the same archive."""
    box = Sandbox()
    for _ in range(2):
        box.serve()
        assert requests.get(f"{box.url}/whoami", timeout=30).json()["anon"] is True
        box.stop()


def test_two_sandboxes_share_one_archive(box: Sandbox) -> None:
    """The archive is built once per process, and each sandbox has its own address."""
    with Sandbox() as other:
        assert other.archive is box.archive
        assert other.url != box.url


def test_port_in_use_is_an_error(box: Sandbox) -> None:
    """A port in use raises OSError and does not end the process."""
    with pytest.raises(OSError, match=r"in use|allowed|permitted"):
        Sandbox(port=int(box.url.rpartition(":")[2])).serve()


def test_start_switches_the_clients_and_stop_switches_them_back() -> None:
    """In a notebook, start and stop do what the context manager does in a block."""
    before = conf.server
    box = Sandbox().start()
    assert conf.server == box.url
    assert box.start() is box
    box.stop()
    assert conf.server == before
    box.stop()
    assert conf.server == before


def test_serving_does_not_change_the_clients() -> None:
    """A server for other programs does not change the configuration of this process."""
    before = conf.server
    box = Sandbox().serve()
    assert conf.server == before
    box.stop()
    with box:
        assert conf.server == box.url
    assert conf.server == before


def test_context_manager_points_the_configuration_and_restores_it() -> None:
    """Inside the block the servers in the configuration are the sandbox; afterwards they are restored."""
    from astroquery_mast.config import conf

    names = ("server", "catalogs_server", "resolver_server")
    before = [getattr(conf, name) for name in names]
    with Sandbox() as box:
        assert [getattr(conf, name) for name in names] == [box.url] * 3
    assert [getattr(conf, name) for name in names] == before


def test_keep_alive_through_every_kind_of_request(box: Sandbox) -> None:
    """Posts, errors, HEAD, unread bodies, and unknown paths keep a connection usable and in sync."""
    link = connection_to(box)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for number in range(5):
        for method, path, body, status in (
            ("POST", "/api/v0/invoke", b"request=%7B%7D", 200),
            ("POST", "/nowhere", b"x" * 100_000, 404),
            ("DELETE", "/whoami", b"GET /whoami HTTP/1.1\r\n\r\n", 405),
            ("HEAD", "/", None, 200),
            ("GET", "/api/v0.1/Download/file", b"a body where none belongs", 400),
            ("GET", f"/whoami?n={number}", None, 200),
        ):
            link.request(method, path, body=body, headers=form)
            answer = link.getresponse()
            content = answer.read()
            assert answer.status == status
            assert len(content) == (0 if method == "HEAD" else int(answer.headers["Content-Length"]))
    link.close()
    assert len({record.connection for record in box.requests}) == 1
    assert len(box.requests) == 30


def test_chunked_request_body_is_read(box: Sandbox) -> None:
    """A chunked request body is received completely, and the connection stays in sync."""
    link = connection_to(box)
    for _ in range(2):
        link.request("POST", "/portal/Mashup/Mashup.asmx/columnsconfig", body=iter([b"colConfig", b"Id=x"]))
        assert link.getresponse().read() == b"{}"
    link.close()
    assert [record.body for record in box.requests] == [b"colConfigId=x"] * 2


@pytest.mark.parametrize(
    "head", [b"Content-Length: -5", b"Content-Length: five", b"Transfer-Encoding: chunked\r\n\r\nzz"]
)
def test_bad_framing_is_refused_and_closed(box: Sandbox, head: bytes) -> None:
    """A request whose end is ambiguous returns 400, and the connection is closed."""
    answer = raw_answer(box, b"POST /whoami HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer


def test_http_1_0_client(box: Sandbox) -> None:
    """An HTTP/1.0 client receives a body that ends with the connection, without chunks."""
    box.faults.add("whoami", Fault.no_length())
    answer = raw_answer(box, b"GET /whoami HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b"{") and body.endswith(b"}")


def test_pipelined_requests_are_answered_in_order(box: Sandbox) -> None:
    """Pipelined requests return complete responses in order."""
    get = b"GET /whoami HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw_answer(box, get * 3 + b"GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 4


def test_sixty_four_connections_at_once(box: Sandbox) -> None:
    """Sixty-four concurrent connections are all served."""
    everybody = threading.Barrier(64, timeout=60)

    def ask(_: int) -> int:
        link = connection_to(box)
        link.connect()
        everybody.wait()
        link.request("GET", "/whoami")
        status = link.getresponse().status
        everybody.wait()
        link.close()
        return status

    with ThreadPoolExecutor(64) as pool:
        assert list(pool.map(ask, range(64))) == [200] * 64
    assert len({record.connection for record in box.requests}) == 64


def test_nothing_is_written_to_the_terminal(
    box: Sandbox, web: requests.Session, capfd: pytest.CaptureFixture[str]
) -> None:
    """Valid and invalid requests print nothing."""
    web.get(f"{box.url}/whoami", timeout=30)
    web.get(f"{box.url}/nowhere", timeout=30)
    raw_answer(box, b"nonsense\r\n\r\n")
    assert capfd.readouterr() == ("", "")


def test_record_holds_the_request_as_received(box: Sandbox, web: requests.Session) -> None:
    """Method, path, arguments, headers, body, status, and response size are in the record."""
    answer = web.post(
        f"{box.url}/api/v0/invoke?a=1&a=2",
        data={"request": '{"service":"x","n":12345678901234567890}'},
        headers={"X-Thing": "yes"},
        timeout=30,
    )
    (record,) = box.requests
    assert (record.endpoint, record.method, record.path) == ("invoke", "POST", "/api/v0/invoke")
    assert record.query == {"a": ["1", "2"]}
    assert record.form == {"request": ['{"service":"x","n":12345678901234567890}']}
    assert record.mashup == {"service": "x", "n": 12345678901234567890}
    assert record.headers["x-thing"] == "yes"
    assert record.body.startswith(b"request=%7B")
    assert (record.status, record.sent) == (200, len(answer.content))


def test_record_exists_while_the_response_is_delayed(box: Sandbox) -> None:
    """A request whose client timed out is in the log, without a status."""
    box.faults.add("whoami", Fault.delay(60))
    with pytest.raises(requests.Timeout):
        requests.get(f"{box.url}/whoami", timeout=0.1)
    assert [record.status for record in box.requests] == [0]


def test_clear_removes_pending_requests(box: Sandbox) -> None:
    """A request that was pending when the log was cleared is not added again with its response."""
    box.faults.add("whoami", Fault.delay(60))
    with ThreadPoolExecutor() as pool:
        held = pool.submit(requests.get, f"{box.url}/whoami", timeout=30)
        while not box.requests:
            assert not held.done()
        box.requests.clear()
        box.faults.clear()
        assert held.result().status_code == 200
    assert len(box.requests) == 0


def test_log_is_complete_and_ordered_for_one_client(box: Sandbox, web: requests.Session) -> None:
    """Requests of one client are in the log in order, each as soon as it has a response."""
    for number in range(50):
        web.get(f"{box.url}/whoami", params={"n": number}, timeout=30)
        assert len(box.requests) == number + 1
        assert box.requests[-1].status == 200
    assert [record.query["n"] for record in box.requests.of("whoami")] == [[str(n)] for n in range(50)]


def test_log_is_bounded() -> None:
    """The log keeps the newest records, up to its limit."""
    log = RequestLog()
    record = RequestRecord("other", "GET", "/", {}, {}, {}, b"")
    tickets = [log.open(record) for _ in range(MOST_RECORDS + 10)]
    assert len(log) == MOST_RECORDS
    log.close(tickets[0], status=200, sent=0)
    assert len(log) == MOST_RECORDS


def test_log_of_unknown_endpoint_is_refused() -> None:
    """A misspelled endpoint is an error, not an empty list."""
    with pytest.raises(ValueError, match="invoke"):
        RequestLog().of("invokes")


def test_most_at_once_counts_overlapping_requests(box: Sandbox) -> None:
    """Three concurrent requests count as three, consecutive ones as one."""
    box.faults.add("whoami", Fault.delay(60), times=3)
    with ThreadPoolExecutor() as pool:
        held = [pool.submit(requests.get, f"{box.url}/whoami", timeout=30) for _ in range(3)]
        while len(box.requests) < 3:
            assert not any(one.done() for one in held)
        box.faults.clear()
        assert [one.result().status_code for one in held] == [200] * 3
    assert box.requests.most_at_once("whoami") == 3
    box.requests.clear()
    for _ in range(3):
        requests.get(f"{box.url}/whoami", timeout=30)
    assert box.requests.most_at_once("whoami") == 1


def test_exception_inside_is_raised_by_check(box: Sandbox, web: requests.Session) -> None:
    """An exception in the function of a fault returns 500, is logged as such, and is raised by check()."""

    def wrong(answer: dict[str, object]) -> dict[str, object]:
        raise LookupError("no such thing")

    box.faults.add("whoami", Fault.edit(wrong))
    assert web.get(f"{box.url}/whoami", timeout=30).status_code == 500
    assert box.requests[-1].status == 500
    with pytest.raises(LookupError, match="no such thing"):
        box.check()
    box.check()


def test_stop_raises_what_check_would() -> None:
    """Without check(), stop() raises the exception."""
    box = Sandbox().serve()
    box.faults.add("other", Fault.edit(lambda answer: answer))
    assert requests.get(box.url, timeout=30).status_code == 500
    with pytest.raises(ValueError, match="Expecting value"):
        box.stop()


def test_front_page_describes_the_sandbox(box: Sandbox, web: requests.Session) -> None:
    """The front page states that the observations are synthetic."""
    answer = web.get(box.url, timeout=30)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "synthetic" in answer.text


def test_method_not_allowed(box: Sandbox, web: requests.Session) -> None:
    """A wrong method returns 405 with the allowed ones."""
    answer = web.put(f"{box.url}/whoami", timeout=30)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
