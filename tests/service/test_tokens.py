"""Tokens: where they come from, which servers get them, and the advice after a refusal."""

from __future__ import annotations

import copy
import logging
import pickle
import re
import traceback
from types import SimpleNamespace

import keyring
import keyring.backend
import keyring.errors
import pytest
import requests
import responses
from astroquery import log
from astroquery.exceptions import AuthenticationWarning, LoginError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Mast, MastClass, Observations, ObservationsClass, conf
from astroquery_mast.config import Endpoints
from astroquery_mast.exceptions import AccessDeniedError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import token as auth
from astroquery_mast.service.token_sources import ENVIRONMENT

SECRET = "s3cr3t0000000000000000000000beef"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A working keyring."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


class BrokenKeyring(keyring.backend.KeyringBackend):
    """The keyring of a computer without a desktop."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.NoKeyringError("No recommended backend was available.")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.NoKeyringError("No recommended backend was available.")


def exclusive_uri(sandbox: Sandbox) -> str:
    """Return the URI of a file that requires a token."""
    rows = sandbox.archive.query("SELECT dataURI FROM product WHERE dataRights = 'EXCLUSIVE_ACCESS' LIMIT 1")
    return str(rows[0]["dataURI"])


def sent_tokens(sandbox: Sandbox) -> set[str | None]:
    """Return the Authorization headers that a sandbox received."""
    return {record.headers.get("authorization") for record in sandbox.requests}


# -- where a token comes from --------------------------------------------------------------------------------------


def test_login_returns_true_and_applies_to_all_clients(mast_sandbox: Sandbox) -> None:
    """A login applies to all clients, and returns True (B31)."""
    assert Observations.login(mast_sandbox.token) is True
    assert Mast.authenticated() is True
    assert ObservationsClass().authenticated() is True
    mast_sandbox.requests.clear()
    Mast.service_request("Mast.Missions.List", {})
    assert sent_tokens(mast_sandbox) == {f"token {mast_sandbox.token}"}


def test_logout_forgets_the_token_everywhere(mast_sandbox: Sandbox) -> None:
    """After logout, no request has the token."""
    Observations.login(mast_sandbox.token)
    Mast.logout()
    assert Observations.authenticated() is False
    mast_sandbox.requests.clear()
    Observations.query_criteria(obs_collection="FUSE")
    assert sent_tokens(mast_sandbox) == {None}


def test_a_constructors_token_is_its_own(mast_sandbox: Sandbox) -> None:
    """A token given to a constructor logs in only that client."""
    own = ObservationsClass(mast_sandbox.token)
    assert own.authenticated() is True
    assert Observations.authenticated() is False
    assert own.session_info(verbose=False)["anon"] is False


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_token_comes_from_the_environment(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """login() without a token uses that from the environment."""
    monkeypatch.setenv(name, f" {mast_sandbox.token}\n")
    assert Observations.login() is True


def test_the_argument_takes_precedence_over_the_environment(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A given token is used."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.expired_token)
    assert Observations.login(mast_sandbox.token) is True


def test_token_comes_from_the_keyring(mast_sandbox: Sandbox) -> None:
    """A token stored by one login is used by the next, in the keyring entry of astroquery.mast."""
    ring = MemoryKeyring()
    keyring.set_keyring(ring)
    Observations.login(mast_sandbox.token, store_token=True)
    assert ring.entries == {("astroquery:mast.stsci.edu.token", "masttoken"): mast_sandbox.token}
    Observations.logout()
    assert Observations.login() is True


def test_a_missing_keyring_is_reported(mast_sandbox: Sandbox) -> None:
    """On a computer without a keyring, a token can be given, and a message explains that there is no keyring (B30)."""
    keyring.set_keyring(BrokenKeyring())
    with pytest.raises(LoginError, match="MAST_API_TOKEN"):
        Observations.login()
    with pytest.warns(AuthenticationWarning, match="not stored"):
        assert Observations.login(mast_sandbox.token, store_token=True) is True


def test_a_prompt_is_the_last_resort(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, the token is prompted for, without echo."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("astroquery_mast.service.token_sources.sys", SimpleNamespace(stdin=terminal, modules={}))
    monkeypatch.setattr("getpass.getpass", lambda prompt: mast_sandbox.token if "auth.mast" in prompt else "")
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.expired_token)
    assert Observations.login(reenter_token=True) is True


# -- a bad token ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["expired", "unknown"])
def test_an_invalid_token_is_neither_kept_nor_stored(mast_sandbox: Sandbox, bad: str) -> None:
    """A token that MAST rejects is neither kept nor stored, and a valid one is kept (B31)."""
    ring = MemoryKeyring()
    keyring.set_keyring(ring)
    Observations.login(mast_sandbox.token)
    token = mast_sandbox.expired_token if bad == "expired" else SECRET
    with pytest.raises(LoginError, match="does not accept") as caught:
        Observations.login(token, store_token=True)
    assert token not in str(caught.value)
    assert ring.entries == {}
    assert auth.SHARED.token == mast_sandbox.token


@pytest.mark.parametrize(
    "bad", ["", "  ", "two words", "tab\tbed", "new\nline: X", "\N{GREEK SMALL LETTER ALPHA}" * 32]
)
def test_invalid_tokens_raise_before_sending(mast_sandbox: Sandbox, bad: str) -> None:
    """Text that could end a header is never sent."""
    with pytest.raises(LoginError, match="not a MAST token"):
        Observations.login(bad)
    assert len(mast_sandbox.requests) == 0


def test_login_survives_a_whoami_that_fails_once(mast_sandbox: Sandbox) -> None:
    """A transient failure of whoami does not mean that the token is invalid."""
    mast_sandbox.faults.add("whoami", Fault.status(503))
    assert Observations.login(mast_sandbox.token) is True


def test_session_info_logs_and_shortens_the_token(
    mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user's record is returned and logged, with the token shortened, and nothing is printed."""
    Observations.login(mast_sandbox.token)
    info = Observations.session_info()
    assert info["anon"] is False
    assert info["ezid"]
    assert mast_sandbox.token not in str(info) + caplog.text
    anonymous = MastClass()
    Observations.logout()
    assert anonymous.session_info(verbose=False)["ezid"] == "anonymous"
    assert anonymous.session_info(verbose=False)["token"] is None
    assert "ezid: " in caplog.text
    assert mast_sandbox.token not in capsys.readouterr().out


# -- who may see it ------------------------------------------------------------------------------------------------

DEFAULTS = Endpoints()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://mast.stsci.edu/api/v0/invoke", True),
        ("https://MAST.stsci.edu:443/whoami", True),
        ("https://catalogs.mast.stsci.edu/api/v0.1/panstarrs", True),
        ("http://mast.stsci.edu/api/v0/invoke", False),
        ("https://mast.stsci.edu:8443/", False),
        ("https://mastresolver.stsci.edu/Santa-war/query", False),
        ("https://mast.stsci.edu.evil.example/", False),
        ("https://evil.example/?mast.stsci.edu", False),
        ("https://mast.stsci.edu@evil.example/", False),
        ("http://127.0.0.1/", False),
        ("http://localhost:8080/", False),
        ("https://stpubdata.s3.amazonaws.com/hst/public/x", False),
        ("ftp://mast.stsci.edu/", False),
        ("", False),
    ],
)
def test_only_configured_servers_over_https_get_the_token(url: str, allowed: bool) -> None:
    """The token is sent only to MAST's own hosts, and only encrypted."""
    assert auth.may_receive_token(url, DEFAULTS) is allowed


@given(host=st.from_regex(r"[a-z0-9.@:-]{1,40}", fullmatch=True), scheme=st.sampled_from(["http", "https"]))
def test_no_other_host_gets_the_token(host: str, scheme: str) -> None:
    """Whatever the spelling of the host, a request goes to a configured host or has no token."""
    url = f"{scheme}://{host}/x"
    try:
        prepared = requests.Request("GET", url).prepare()
        allowed = auth.may_receive_token(prepared.url or "", DEFAULTS)
    except (requests.exceptions.InvalidURL, ValueError):
        return
    if allowed:
        assert requests.utils.urlparse(prepared.url).hostname in {"mast.stsci.edu", "catalogs.mast.stsci.edu"}
        assert (prepared.url or "").startswith("https://")


def test_plain_http_is_for_this_computer_only(mast_sandbox: Sandbox) -> None:
    """A loopback server gets the token only if it is the configured one, including the port (B29)."""
    with Sandbox() as other:
        assert auth.may_receive_token(other.url, Endpoints()) is True
        assert auth.may_receive_token(mast_sandbox.url, Endpoints()) is False
    with conf.set_temp("server", "http://mast.stsci.edu"):
        assert auth.may_receive_token("http://mast.stsci.edu/whoami", Endpoints()) is False
        with pytest.raises(LoginError, match="Tokens are only sent over https, but the server is"):
            Observations.login(SECRET)


def test_another_base_url_gets_no_token(mast_sandbox: Sandbox, tmp_path: object) -> None:
    """download_file with a foreign base_url requests the file there, without a token (B29)."""
    Observations.login(mast_sandbox.token)
    other = Sandbox().serve()
    try:
        uri = exclusive_uri(mast_sandbox)
        status, message, _ = Observations.download_file(
            uri, local_path=f"{tmp_path}/", base_url=f"{other.url}/api/v0.1/Download/file", verbose=False
        )
        assert sent_tokens(other) == {None}
        assert status == "ERROR"
        assert "No token was sent" in str(message)
    finally:
        other.stop()


def test_a_redirect_elsewhere_drops_the_token(mast_sandbox: Sandbox) -> None:
    """If a MAST host redirects to another host, the token is not sent there."""
    Observations.login(mast_sandbox.token)
    other = Sandbox().serve()
    try:
        mast_sandbox.requests.clear()
        mast_sandbox.faults.add("invoke", Fault.redirect(f"{other.url}/whoami"), times=None)
        with pytest.raises(Exception, match=r"Mast\.Missions\.List"):
            Mast.service_request("Mast.Missions.List", {})
        assert sent_tokens(other) == {None}
        assert f"token {mast_sandbox.token}" in sent_tokens(mast_sandbox)
        assert len(other.requests) >= 1
    finally:
        other.stop()


def test_the_session_has_no_secret(mast_sandbox: Sandbox) -> None:
    """No cookie, header or setting of the session contains the token."""
    Observations.login(mast_sandbox.token)
    session = Observations._session
    assert not list(session.cookies)
    assert mast_sandbox.token not in str(session.headers) + str(vars(session))
    with responses.RequestsMock() as mock:
        mock.get("https://example.org/", body=b"")
        session.get("https://example.org/")
        assert mast_sandbox.token not in str(mock.calls[0].request.headers)


# -- where it must not show ----------------------------------------------------------------------------------------


def test_token_is_in_no_repr_log_exception_or_pickle(mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing that can be printed, logged, raised or pickled contains the token (B32)."""
    token = mast_sandbox.token
    caplog.set_level(logging.DEBUG)
    before = log.level
    log.setLevel(logging.DEBUG)
    try:
        Observations.login(token)
        answers = Mast.service_request_async("Mast.Missions.List", {})
        mast_sandbox.faults.add("invoke", Fault.status(401), times=None)
        with pytest.raises(AccessDeniedError) as caught:
            Observations.query_criteria(obs_collection="HST")
        mast_sandbox.faults.clear()
        mast_sandbox.faults.add("invoke", Fault.reset(), times=None)
        with pytest.raises(Exception, match="connection broke") as broken:
            Observations.query_criteria(obs_collection="HST")
    finally:
        log.setLevel(before)
    shown = [repr(Observations), repr(auth.SHARED), str(vars(auth.TokenAuth(auth.SHARED, DEFAULTS))), caplog.text]
    shown += ["".join(traceback.format_exception(each.value)) for each in (caught, broken)]
    shown += [str(answer.request.headers) for answer in answers]
    cause = broken.value.__cause__
    assert isinstance(cause, requests.RequestException)
    shown.append(str(cause.request.headers if cause.request is not None else ""))
    assert not [text for text in shown if token in text]
    for each in (Observations, Mast, auth.SHARED, answers, caught.value):
        assert token.encode() not in pickle.dumps(each)
    assert "POST" in caplog.text


def test_copied_and_pickled_clients_have_only_the_shared_login(mast_sandbox: Sandbox) -> None:
    """Copies of a client with the shared login share it; the token of a constructor is not copied."""
    Observations.login(mast_sandbox.token)
    assert pickle.loads(pickle.dumps(Observations)).authenticated() is True
    own = ObservationsClass(mast_sandbox.token)
    assert pickle.loads(pickle.dumps(own)).authenticated() is False
    assert copy.deepcopy(own).authenticated() is False
    table = pickle.loads(pickle.dumps(Observations)).query_criteria(obs_collection="FUSE")
    assert len(table) > 0


# -- what a refusal says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "advice"),
    [
        ("nobody", r"log in with a token.*MAST_API_TOKEN"),
        ("member", ""),
        ("outsider", r"logged in as .*You do not have access to download this data"),
        (
            "lapsed",
            "The token has expired.*Renew it",
        ),
    ],
)
def test_a_refusal_has_advice(mast_sandbox: Sandbox, tmp_path: object, who: str, advice: str) -> None:
    """The advice for 401 is to log in, renew the token, or request access; with a valid token, the download works."""
    if who == "member":
        Observations.login(mast_sandbox.token)
    elif who == "outsider":
        Observations.login(mast_sandbox.outsider_token)
    elif who == "lapsed":
        auth.SHARED.keep(mast_sandbox.expired_token)
    status, message, _ = Observations.download_file(
        exclusive_uri(mast_sandbox), local_path=f"{tmp_path}/", verbose=False
    )
    if who == "member":
        assert (status, message) == ("COMPLETE", None)
    else:
        assert status == "ERROR"
        assert message is not None
        assert message.startswith("HTTPError: 401 Client Error")
        assert re.search(advice, message)
    assert mast_sandbox.token not in str(message)


def test_advice_is_given_when_whoami_is_down(mast_sandbox: Sandbox) -> None:
    """A refusal is reported even if its reason cannot be determined."""
    Observations.login(mast_sandbox.token)
    mast_sandbox.faults.add("invoke", Fault.status(403), times=None)
    mast_sandbox.faults.add("whoami", Fault.status(503), times=None)
    with pytest.raises(AccessDeniedError, match="Could not check whether the token is still valid"):
        Observations.query_criteria(obs_collection="HST")
