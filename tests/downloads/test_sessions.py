"""The recipe of a worker's session: what it holds, what it leaves behind, and who may use a session when."""

from __future__ import annotations

import pickle
import threading

import pytest
import requests
from requests.adapters import HTTPAdapter

from astroquery_mast.config import conf
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.exceptions import BadRequestError, MastError, QueryTimeoutError
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
    assert [record.headers.get("authorization") for record in mast_sandbox.requests.of("download")] == [
        f"token {mast_sandbox.token}"
    ] * 3


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
