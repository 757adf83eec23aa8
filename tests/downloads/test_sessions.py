"""The recipe of a worker's session: its contents, and how sessions are shared by workers."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
import requests
from astropy.table import Table
from requests.adapters import HTTPAdapter

from astroquery_mast.config import conf
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.exceptions import BadRequestError, InputWarning, MastError, QueryTimeoutError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.core import MastClass
from astroquery_mast.service.retrying import Deadline


@pytest.fixture
def address(mast_sandbox: Sandbox) -> str:
    (row,) = mast_sandbox.archive.query("select dataURI from product where dataRights = 'PUBLIC' order by size limit 1")
    return f"{mast_sandbox.url}/api/v0.1/Download/file?uri={row['dataURI']}"


def test_a_session_has_the_settings_of_the_users(mast_sandbox: Sandbox) -> None:
    """Certificates, proxies, headers and adapters are those of the client's session, but not secrets."""

    class Own(HTTPAdapter):
        pass

    theirs, own = requests.Session(), Own()
    theirs.verify, theirs.cert, theirs.trust_env = "ca.pem", ("c.pem", "k.pem"), False
    theirs.proxies["https"] = "http://proxy:1"
    theirs.headers["User-Agent"] = "mine"
    theirs.headers["Authorization"] = "secret"
    theirs.mount("https://inside/", own)
    made = SessionRecipe.of(MastClass(session=theirs)._service).session()
    assert (made.verify, made.cert, made.trust_env) == ("ca.pem", ("c.pem", "k.pem"), False)
    assert made.proxies == {"https": "http://proxy:1"}
    assert made.headers["User-Agent"] == "mine"
    assert "Authorization" not in made.headers
    assert made.get_adapter("https://inside/x") is own
    assert made.get_adapter("https://outside/x") is not own


def test_a_recipe_does_not_depend_on_the_configuration(mast_sandbox: Sandbox, address: str) -> None:
    """In a process with another configuration, the token is sent only to the server of the call."""
    client = MastClass()
    client.login(mast_sandbox.token)
    sent = pickle.dumps(SessionRecipe.of(client._service))
    with conf.set_temp("server", "https://elsewhere.example"), conf.set_temp("max_attempts", 1):
        recipe = pickle.loads(sent)
        assert recipe.server == mast_sandbox.url
        mast_sandbox.faults.add("download", Fault.status(503), times=2)
        with recipe.open_url() as open_url, open_url(address, {}) as response:
            assert response.status_code == 200
            assert "Authorization" not in response.request.headers
            open_url(address.replace("127.0.0.1", "localhost"), {}).close()
    assert [record.headers.get("authorization") for record in mast_sandbox.requests.of("download")] == [
        *[f"token {mast_sandbox.token}"] * 3,
        None,
    ]


def test_the_token_is_not_sent_to_other_servers(mast_sandbox: Sandbox, address: str) -> None:
    """A cloud copy, or a server that MAST redirects to, never gets the token."""
    client = MastClass()
    client.login(mast_sandbox.token)
    other = address.replace("127.0.0.1", "localhost")
    with SessionRecipe.of(client._service).open_url() as open_url:
        open_url(other, {}).close()
        mast_sandbox.faults.add("download", Fault.redirect(other))
        open_url(address, {}).close()
    shown = [record.headers.get("authorization") for record in mast_sandbox.requests.of("download")]
    assert [token is not None for token in shown] == [False, True, False]


def test_a_session_is_used_by_one_worker_at_a_time(mast_sandbox: Sandbox, address: str) -> None:
    """Two workers never share a session; a released session is used by the next with its connection open."""
    recipe = SessionRecipe.of(MastClass()._service)
    with recipe.open_url() as first, recipe.open_url() as second:
        for open_url in (first, second):
            assert open_url(address, {}).content
    with recipe.open_url() as third:
        assert third(address, {}).content
    connections = [record.connection for record in mast_sandbox.requests.of("download")]
    assert connections[0] != connections[1]
    assert connections[2] in connections[:2]


def test_a_slot_is_held_while_a_response_is_read(mast_sandbox: Sandbox, address: str) -> None:
    """A worker has one slot for all its responses; the next one gets it after the last response is closed."""
    recipe, slots = SessionRecipe.of(MastClass()._service), threading.Semaphore(1)
    with recipe.open_url(connection_slots=slots) as first, recipe.open_url(connection_slots=slots) as second:
        one, other = first(address, {}), first(address, {})
        one.close()
        one.close()
        assert not slots.acquire(blocking=False)
        assert other.content
        other.close()
        second(address, {}).close()
        mast_sandbox.faults.add("download", Fault.status(404))
        with pytest.raises(BadRequestError):
            first(address, {})
        assert slots.acquire(blocking=False)
    used = [record.connection for record in mast_sandbox.requests.of("download")]
    assert used[2] in used[:2]


def test_the_number_of_idle_sessions_is_limited(mast_sandbox: Sandbox, address: str) -> None:
    """Some sessions of many workers are kept for the next call; the others are closed."""
    recipe = SessionRecipe.of(MastClass()._service)

    def used_by_twenty() -> set[int]:
        """Return the connections that twenty workers use at the same time."""
        mast_sandbox.requests.clear()
        openers = [recipe.open_url() for _ in range(20)]
        for open_url in openers:
            assert open_url(address, {}).content
        for open_url in openers:
            with open_url:
                pass
        return {record.connection for record in mast_sandbox.requests.of("download")}

    first, second = used_by_twenty(), used_by_twenty()
    assert len(first) == len(second) == 20
    assert len(first & second) == 16


def test_another_thread_can_end_the_wait_for_a_server(mast_sandbox: Sandbox, address: str) -> None:
    """Stopping a call ends the wait for a response, and nothing is sent again."""
    mast_sandbox.faults.add("download", Fault.delay(60), times=None)
    deadline, errors = Deadline(60), []
    opener = SessionRecipe.of(MastClass()._service).open_url(deadline)

    def ask() -> None:
        with opener:
            try:
                opener(address, {})
            except MastError as err:
                errors.append(err)

    worker = threading.Thread(target=ask)
    worker.start()
    for _ in range(3000):
        if mast_sandbox.requests.of("download"):
            break
        worker.join(0.01)
    deadline.stop()
    worker.join(10)
    assert not worker.is_alive()
    assert len(errors) == 1
    assert len(mast_sandbox.requests.of("download")) == 1


def test_no_request_is_sent_after_the_deadline(mast_sandbox: Sandbox, address: str) -> None:
    """After the deadline, a timeout error is raised."""
    deadline = Deadline(60)
    deadline.stop()
    with SessionRecipe.of(MastClass()._service).open_url(deadline) as open_url, pytest.raises(QueryTimeoutError):
        open_url(address, {})
    assert len(mast_sandbox.requests) == 0


def test_a_refused_request_is_an_error_of_the_package(mast_sandbox: Sandbox, address: str) -> None:
    """A 404 raises the same error as elsewhere in `HttpClient`."""
    mast_sandbox.faults.add("download", Fault.status(404))
    with SessionRecipe.of(MastClass()._service).open_url() as open_url, pytest.raises(BadRequestError) as raised:
        open_url(address, {})
    assert raised.value.status == 404


# -- sessions of the user ------------------------------------------------------------------------------------------


class Counting(requests.Session):
    """A session that counts its requests."""

    sent = 0

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        self.sent += 1
        return super().send(request, **how)


def test_a_users_own_session_is_used_for_downloads(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """Its class, hooks, parameters, cookies and headers apply to downloads as to queries, for all methods."""
    session, seen = Counting(), []
    session.hooks["response"].append(lambda response, *_args, **_how: seen.append(response.status_code))
    session.params = {"from": "me"}
    session.cookies.set("gate", "open")
    session.headers["User-Agent"] = "mine"
    client = ObservationsClass(session=session)
    manifest = client.download_products(small_products[:4], download_dir=tmp_path, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"] * 4
    uri = str(small_products["dataURI"][4])
    assert client.download_file(uri, local_path=tmp_path / "x.dat", verbose=False)[0] == "COMPLETE"
    assert (
        client.download_products([uri], download_dir=tmp_path, bundle="zip", verbose=False)["Status"][0] == "COMPLETE"
    )
    assert session.sent == len(seen) == len(mast_sandbox.requests) == 6
    for record in mast_sandbox.requests.of("download"):
        assert record.value("from") == "me"
        assert "gate=open" in record.headers["cookie"]
        assert record.headers["user-agent"] == "mine"


def test_a_users_own_session_is_still_open_after_a_download(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """The session belongs to the user, and does not contain the token."""
    session = Counting()
    client = ObservationsClass(session=session)
    client.login(mast_sandbox.token)
    client.download_products(small_products, download_dir=tmp_path, max_workers=3, verbose=False)
    assert session.get(f"{mast_sandbox.url}/whoami", timeout=10).json()["anon"]
    assert mast_sandbox.token not in repr(vars(session))


def test_a_hook_of_the_default_session_sees_downloads(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """A hook that was added to the client's default session is also called."""
    client, seen = ObservationsClass(), []
    client._session.hooks["response"].append(lambda response, *_args, **_how: seen.append(response.url))
    client.download_products(small_products[:3], download_dir=tmp_path, verbose=False)
    assert len(seen) == 3


class Elsewhere(Executor):
    """An executor that works in this thread, with pickled tasks as in another process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        work, given = pickle.loads(pickle.dumps((fn, args)))
        future.set_result(work(*given, **keywords))
        return future


def test_settings_that_other_processes_do_not_get_are_named(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """Headers are sent to processes; the class of a session, its hooks, parameters and cookies are not."""
    session = Counting()
    session.headers["User-Agent"] = "mine"
    session.hooks["response"].append(print)
    session.params = {"from": "me"}
    session.cookies.set("gate", "open")
    client = ObservationsClass(session=session)
    lacking = "The processes of the executor do not use these settings of the"
    with pytest.warns(InputWarning, match=lacking):
        manifest = client.download_products(
            small_products[:2], download_dir=tmp_path, executor=Elsewhere(), verbose=False
        )
    assert manifest["Status"].tolist() == ["COMPLETE"] * 2
    assert {record.headers["user-agent"] for record in mast_sandbox.requests.of("download")} == {"mine"}
    assert session.sent == 0
    plain = ObservationsClass(session=requests.Session())
    plain.download_products(small_products[2:3], download_dir=tmp_path, executor=Elsewhere(), verbose=False)
