"""The password of CasJobs exists only in memory and in the bodies of requests."""

from __future__ import annotations

import copy
import http.client
import inspect
import io
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest
import requests
from casjobs_users import logged_in

from astroquery_mast import CasJobs, CasJobsClass, Observations, conf
from astroquery_mast.casjobs.login import SHARED_LOGIN, Account, CasJobsLogin, find_account
from astroquery_mast.casjobs.wire import HiddenBody, encode_form
from astroquery_mast.exceptions import MastError, presentable
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.retrying import Deadline
from astroquery_mast.service.token_sources import HiddenText

# A part of the password that is unchanged in forms, URLs, JSON and web pages.
PART = "Nuncius"
PS1 = "PanSTARRS_DR2"
STARS = "SELECT TOP 4 objID FROM ObjectThin"
HERE = str(Path(__file__).parent.parent)
ECHO = "System.Exception: You sent pw={} ---> System.Exception: {}\r\n   at CasJobs.Run()"


@pytest.fixture
def output(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Yield a function that returns all log messages at any level, printed text, and warnings so far."""
    for name in (None, "urllib3", "requests", "astroquery", "astropy", "keyring"):
        caplog.set_level(logging.DEBUG, name)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")

        def everything() -> str:
            printed = capfd.readouterr()
            return "\n".join([caplog.text, printed.out, printed.err, *map(str, warned)])

        yield everything


def own_frames(error: BaseException) -> Iterator[tuple[BaseException, FrameType]]:
    """Yield the frames of an exception and its causes, except those of the tests."""
    seen: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        found = ahead.pop()
        if found is None or found in seen:
            continue
        seen.append(found)
        ahead += [found.__cause__, found.__context__]
        trace: TracebackType | None = found.__traceback__
        while trace is not None:
            if not trace.tb_frame.f_code.co_filename.startswith(HERE):
                yield found, trace.tb_frame
            trace = trace.tb_next


def shown(error: BaseException) -> str:
    """Return an exception as tools display it: message, arguments, tracebacks with the variables of all frames."""
    words = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    local = [repr(frame.f_locals) for _, frame in own_frames(error)]
    parts = [repr(found.args) + repr(vars(found)) for found, _ in own_frames(error)]
    responses = [vars(found.request) for found, _ in own_frames(error) if getattr(found, "request", None) is not None]
    return "\n".join([*words, *local, *parts, *map(repr, responses), repr(error), str(error), str(pickle.dumps(error))])


def troubles(sandbox: Sandbox) -> list[Fault]:
    """Return faults, including servers that repeat the password."""
    password = sandbox.casjobs_password
    return [
        *(Fault.reset(), Fault.garbage(), Fault.status(500), Fault.cut(5), Fault.firewall(), Fault.firewall(200)),
        *(Fault.redirect(f"{sandbox.url}/elsewhere"), Fault.answer(ECHO.format(password, password), status=500)),
        *(Fault.answer(password, status=400), Fault.answer(encode_form({"pw": password}), status=503)),
        *(Fault.answer(f"<html><title>{password}</title></html>", content_type="text/html"), Fault.truncate_json()),
    ]


def whole_session(sandbox: Sandbox, client: CasJobsClass) -> list[BaseException]:
    """Use all methods, also with faults, and return the exceptions."""
    raised: list[BaseException] = []
    calls: list[Callable[[], object]] = [
        lambda: client.query(STARS, context=PS1),
        lambda: client.query(STARS, context=PS1, get_query_payload=True),
        lambda: client.query("SELECT nothing FROM nowhere"),
        lambda: client.submit(STARS, context=PS1, into="four").wait(verbose=True, timeout=0.5),
        lambda: client.get_job(client.list_jobs()["url"][0]).status,
        client.list_contexts,
        client.list_tables,
        lambda: client.list_columns("four"),
        client.session_info,
        lambda: client.drop("four"),
        lambda: client.drop("four"),
        lambda: client.get_job(5).result(timeout=0.05),
        lambda: client.query(STARS, context=PS1, timeout=1e-9),
    ]
    for fault in (None, *troubles(sandbox)):
        sandbox.faults.clear()
        if fault is not None:
            sandbox.faults.add("casjobs", fault, times=None)
            sandbox.faults.add("casjobs_login", fault, times=None)
        for call in [*calls, lambda: client.login(sandbox.casjobs_user, sandbox.casjobs_password)]:
            try:
                call()
            except MastError as err:
                raised.append(err)
    sandbox.faults.clear()
    return raised


@pytest.mark.filterwarnings("ignore")
def test_no_output_of_a_session_contains_the_password(
    mast_sandbox: Sandbox, output: Callable[[], str], tmp_path: Path
) -> None:
    """The password is not in logs, printed text, warnings, exceptions, traceback variables, pickles, cache or URLs."""
    client = logged_in(mast_sandbox)
    client.cache_location = tmp_path
    with conf.set_temp("cache", True):
        raised = whole_session(mast_sandbox, client)
    assert len(raised) > 100
    assert [str(err) for err in raised if PART in shown(err)] == []
    text = output()
    assert PART not in text
    assert "→" in text, "exchanges are logged at DEBUG level"
    assert "urllib3" in text
    assert [path for path in tmp_path.rglob("*") if path.is_file() and PART.encode() in path.read_bytes()] == []
    for record in mast_sandbox.requests:
        assert PART not in f"{record.path} {record.query} {record.headers}"
    assert all(record.method == "POST" for record in mast_sandbox.requests)


def test_no_object_shows_the_password(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The password is not in the text, the attributes, a copy or a pickle of any object."""
    account = find_account("hubble", mast_sandbox.casjobs_password)
    job = casjobs.submit(STARS, context=PS1)
    things: list[Any] = [
        *(casjobs, CasJobs, casjobs._calls, casjobs._service, SHARED_LOGIN, SHARED_LOGIN.user, account, job),
        *(job._protocol, casjobs._session),
    ]
    for thing in things:
        texts = [repr(thing), str(thing), f"{thing}", repr(vars(thing)) if hasattr(thing, "__dict__") else ""]
        assert not any(PART in text for text in texts), thing
    for thing in (casjobs, casjobs._calls, SHARED_LOGIN, job):
        assert PART.encode() not in pickle.dumps(thing)
        assert PART not in repr(copy.deepcopy(thing))
    assert pickle.loads(pickle.dumps(SHARED_LOGIN)) is SHARED_LOGIN
    other = CasJobsLogin()
    other.keep(SHARED_LOGIN.user)
    assert copy.deepcopy(other).user is None
    assert isinstance(account, Account)


def test_sent_requests_do_not_keep_the_password(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The request that a response or an exception of requests refers to does not contain the password."""
    kept: list[requests.Response] = []
    casjobs._session.hooks["response"].append(lambda response, **_: kept.append(response))
    casjobs.query(STARS, context=PS1)
    mast_sandbox.faults.add("casjobs", Fault.redirect("/x"))
    with pytest.raises(MastError):
        casjobs.query(STARS, context=PS1)
    assert len(kept) == 2
    assert [response.request.body for response in kept] == [None, None]
    for response in kept:
        response.request.hooks.clear()
    assert not any(PART.encode() in pickle.dumps(response) for response in kept)
    assert PART.encode() in mast_sandbox.requests[-1].body


def test_the_debug_output_of_http_client_does_not_show_the_form(
    mast_sandbox: Sandbox, casjobs: CasJobsClass, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """http.client prints what it sends if its debug level is set."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    session = requests.Session()
    client = CasJobsClass(session=session)
    client.query(STARS, context=PS1)
    printed = capsys.readouterr().out
    assert "send: b'POST" in printed
    assert PART not in printed


def test_a_failure_to_store_the_password_does_not_show_it(
    mast_sandbox: Sandbox, output: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example, a keyring may repeat what it was given."""
    import keyring

    def repeat(*given: str) -> None:
        raise RuntimeError(f"cannot store {given}")

    monkeypatch.setattr(keyring, "set_password", repeat)
    monkeypatch.setattr(keyring, "get_password", repeat)
    CasJobs.login("hubble", mast_sandbox.casjobs_password, store_password=True)
    CasJobs.login("hubble", mast_sandbox.casjobs_password)
    text = output()
    assert "cannot store" in text
    assert PART not in text


def test_messages_of_other_services_hide_the_password(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The text is shown again after the logout, when it is no longer a password."""
    password = mast_sandbox.casjobs_password
    mast_sandbox.faults.add("invoke", Fault.status(400, body=f"no such name: {password}".encode()))
    with pytest.raises(MastError, match="no such name: …") as caught:
        Observations.service_request("Mast.Missions.List", {})
    assert PART not in str(caught.value)
    assert presentable("pw=Sidereus-Nuncius%261610&x") == "pw=…&x"
    assert presentable("Sidereus-Nuncius&amp;1610") == "…"
    casjobs.logout()
    assert presentable(password) == password


def test_a_short_password_is_hidden_only_as_a_word() -> None:
    """Words that contain the password are not changed."""
    from astroquery_mast.casjobs.login import CasJobsUser

    login = CasJobsLogin()
    login.keep(CasJobsUser("5", "me", HiddenText("star"), ("https", "mast", 443)))
    assert presentable("pw=star&x; start, Star, star.") == "pw=…&x; start, Star, …."


def test_a_hidden_body_does_not_show_its_content() -> None:
    """It can be sent as bytes, but its representation is empty."""
    body = encode_form({"pw": HiddenText("a&b c+é"), "data": "1,2\n"})
    assert bytes(body) == b"pw=a%26b%20c%2B%C3%A9&data=1,2%0A"
    assert len(body) == 33
    assert io.BytesIO(body).read() == bytes(body)
    assert repr(body) == str(body) == f"{body}" == "b'…'"
    assert pickle.loads(pickle.dumps(body)) == b""
    assert isinstance(copy.copy(body), HiddenBody)


def test_no_variable_shows_the_password_when_a_request_is_sent(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """A debugger that stops within the client sees no password in the variables of its frames."""
    seen: list[str] = []

    class Watching(requests.adapters.HTTPAdapter):
        """Inspects all frames when a request is sent."""

        def send(self, request: requests.PreparedRequest, *args: Any, **keywords: Any) -> requests.Response:
            frame = inspect.currentframe()
            while frame is not None:
                if not frame.f_code.co_filename.startswith(HERE):
                    seen.append(f"{frame.f_code.co_qualname}: {frame.f_locals!r}")
                frame = frame.f_back
            return super().send(request, *args, **keywords)

    session = requests.Session()
    session.mount("http://", Watching())
    client = CasJobsClass(session=session)
    client.query(STARS, context=PS1)
    client.login("hubble", mast_sandbox.casjobs_password)
    client._calls.records(Deadline.start(None), ["JobID : 0,"])
    own = [text for text in seen if "CasJobsC" in text.partition(":")[0]]
    assert len(own) > 10
    assert [text for text in seen if PART in text and "pytest" not in text and "_pytest" not in text] == []
