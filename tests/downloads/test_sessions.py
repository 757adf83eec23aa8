"""The recipe of a worker's session: what it holds, what it leaves behind, and who may use a session when."""

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


def test_session_is_made_as_the_users_is(mast_sandbox: Sandbox) -> None:
    """Certificates, proxies, headers and adapters are those of the client's session; secrets are not."""

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


def test_recipe_holds_when_the_configuration_is_another(mast_sandbox: Sandbox, address: str) -> None:
    """In a process that was configured otherwise the token still goes to the server of the call, and to no other."""
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


def test_token_is_not_shown_to_another_server(mast_sandbox: Sandbox, address: str) -> None:
    """A copy in the cloud, or a server that the archive redirects to, never sees the token."""
    client = MastClass()
    client.login(mast_sandbox.token)
    other = address.replace("127.0.0.1", "localhost")
    with SessionRecipe.of(client._service).open_url() as open_url:
        open_url(other, {}).close()
        mast_sandbox.faults.add("download", Fault.redirect(other))
        open_url(address, {}).close()
    shown = [record.headers.get("authorization") for record in mast_sandbox.requests.of("download")]
    assert [token is not None for token in shown] == [False, True, False]


def test_session_serves_one_worker_at_a_time(mast_sandbox: Sandbox, address: str) -> None:
    """Two openers never share a session; one that is given back serves the next, its connection still open."""
    recipe = SessionRecipe.of(MastClass()._service)
    with recipe.open_url() as first, recipe.open_url() as second:
        for open_url in (first, second):
            assert open_url(address, {}).content
    with recipe.open_url() as third:
        assert third(address, {}).content
    connections = [record.connection for record in mast_sandbox.requests.of("download")]
    assert connections[0] != connections[1]
    assert connections[2] in connections[:2]


def test_line_is_held_as_long_as_an_answer_is_read(mast_sandbox: Sandbox, address: str) -> None:
    """A worker has one line for all its answers; the next has it, and the connection, when the last is closed."""
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


def test_many_sessions_are_not_kept(mast_sandbox: Sandbox, address: str) -> None:
    """Of many workers' sessions some are kept for the next call; the others are closed."""
    recipe = SessionRecipe.of(MastClass()._service)

    def used_by_twenty() -> set[int]:
        """The connections that twenty workers use at the same time."""
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


def test_silent_server_is_left_when_another_thread_says_so(mast_sandbox: Sandbox, address: str) -> None:
    """Giving up a call ends the wait for an answer, and nothing is sent again."""
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


def test_no_time_is_no_request(mast_sandbox: Sandbox, address: str) -> None:
    """Once the deadline has passed nothing is sent, and the error is that of a deadline."""
    deadline = Deadline(60)
    deadline.stop()
    with SessionRecipe.of(MastClass()._service).open_url(deadline) as open_url, pytest.raises(QueryTimeoutError):
        open_url(address, {})
    assert len(mast_sandbox.requests) == 0


def test_refusal_is_an_error_of_the_package(mast_sandbox: Sandbox, address: str) -> None:
    """A 404 is told as `HttpClient` tells it everywhere."""
    mast_sandbox.faults.add("download", Fault.status(404))
    with SessionRecipe.of(MastClass()._service).open_url() as open_url, pytest.raises(BadRequestError) as raised:
        open_url(address, {})
    assert raised.value.status == 404


# -- a session of the user's own -----------------------------------------------------------------------------------


class Counting(requests.Session):
    """A session that counts what it sends."""

    sent = 0

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        self.sent += 1
        return super().send(request, **how)


def test_own_session_is_used_for_downloads(mast_sandbox: Sandbox, small_products: Table, tmp_path: Path) -> None:
    """Its class, hooks, parameters, cookies and headers count for files as for queries, whatever the method."""
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


def test_own_session_is_still_open_after_a_download(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """It belongs to the user; and the token is in none of what it keeps."""
    session = Counting()
    client = ObservationsClass(session=session)
    client.login(mast_sandbox.token)
    client.download_products(small_products, download_dir=tmp_path, max_workers=3, verbose=False)
    assert session.get(f"{mast_sandbox.url}/whoami", timeout=10).json()["anon"]
    assert mast_sandbox.token not in repr(vars(session))


def test_hook_of_the_clients_session_sees_downloads(
    mast_sandbox: Sandbox, small_products: Table, tmp_path: Path
) -> None:
    """One that was added to the session which a client has from the start counts as well."""
    client, seen = ObservationsClass(), []
    client._session.hooks["response"].append(lambda response, *_args, **_how: seen.append(response.url))
    client.download_products(small_products[:3], download_dir=tmp_path, verbose=False)
    assert len(seen) == 3


class Elsewhere(Executor):
    """Does the work in this thread as another process would: with what can be pickled."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **keywords: Any) -> Future[Any]:
        future: Future[Any] = Future()
        work, given = pickle.loads(pickle.dumps((fn, args)))
        future.set_result(work(*given, **keywords))
        return future


def test_what_other_processes_do_without_is_named(mast_sandbox: Sandbox, small_products: Table, tmp_path: Path) -> None:
    """Headers and the like go along; the class of a session, its hooks, parameters and cookies do not."""
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
