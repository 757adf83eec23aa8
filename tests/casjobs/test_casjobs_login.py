"""The CasJobs login: where the user name and the password come from, and which servers receive them."""

from __future__ import annotations

import copy
import getpass
import os
import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keyring
import keyring.backend
import pytest
from astroquery.exceptions import AuthenticationWarning, LoginError
from casjobs_users import logged_in

from astroquery_mast import CasJobs, CasJobsClass, conf
from astroquery_mast.casjobs.login import SHARED_LOGIN
from astroquery_mast.exceptions import InvalidArgumentError, NetworkError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import token_sources


class Memory(keyring.backend.KeyringBackend):
    """A keyring in memory for the duration of a test."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return the stored password."""
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password


@pytest.fixture
def ring() -> Memory:
    """Return a keyring, which the fixture shared by all tests resets."""
    made = Memory()
    keyring.set_keyring(made)
    return made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Yield the text to type at each prompt, and record the prompts."""
    answers: dict[str, str] = {}

    def answer(question: str) -> str:
        return answers.pop(next(each for each in answers if each in question))

    monkeypatch.setattr(token_sources, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True), modules={}))
    monkeypatch.setattr(getpass, "getpass", answer)
    monkeypatch.setattr("builtins.input", answer)
    yield answers
    assert not answers, "there was no prompt for these"


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """Start a second sandbox that no client uses."""
    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


# -- login -----------------------------------------------------------------------------------------------------------


def test_a_login_by_name_is_shared_by_all_clients(mast_sandbox: Sandbox) -> None:
    """The number of the user is requested once, with the password in the body of a POST request."""
    assert not CasJobs.authenticated()
    assert CasJobs.login(mast_sandbox.casjobs_user, mast_sandbox.casjobs_password) is True
    assert CasJobs.authenticated()
    assert CasJobsClass("HSCv3").authenticated()
    assert CasJobs.session_info(verbose=False) == {
        "username": mast_sandbox.casjobs_user,
        "wsid": mast_sandbox.casjobs_wsid,
        "server": f"{mast_sandbox.url}/ps1casjobs",
    }
    (request,) = mast_sandbox.requests.of("casjobs_login")
    assert request.method == "POST"
    assert request.query == {}
    assert request.value("password") == mast_sandbox.casjobs_password


def test_a_login_by_number_is_verified(mast_sandbox: Sandbox) -> None:
    """A WSID may be a number or text, and a wrong password raises an error."""
    with pytest.raises(LoginError, match="does not accept"):
        CasJobs.login(wsid=mast_sandbox.casjobs_wsid, password="wrong password")
    assert not CasJobs.authenticated()
    assert CasJobs.login(wsid=int(mast_sandbox.casjobs_wsid), password=mast_sandbox.casjobs_password)
    assert CasJobs.session_info()["username"] is None
    assert len(CasJobs.query("SELECT 1 AS one")) == 1


def test_a_wrong_password_does_not_change_the_login(mast_sandbox: Sandbox) -> None:
    """The error names the user but not the password, and the previous user remains logged in."""
    logged_in(mast_sandbox)
    with pytest.raises(LoginError, match="has no user roman with this password") as caught:
        CasJobs.login("roman", "Nuncius of another star")
    assert "Nuncius" not in str(caught.value)
    assert CasJobs.session_info(verbose=False)["username"] == mast_sandbox.casjobs_user


def test_logout_discards_the_password(casjobs: CasJobsClass) -> None:
    """After a logout nothing is sent, and the error says how to log in."""
    casjobs.logout()
    assert SHARED_LOGIN.password is None
    for call in (lambda: casjobs.query("SELECT 1 AS a"), casjobs.list_jobs, casjobs.session_info):
        with pytest.raises(
            LoginError, match=r"Not logged in to CasJobs.*Call CasJobs.login.*CASJOBS_USERID and CASJOBS_PW"
        ):
            call()


def test_the_login_is_limited_to_this_process(casjobs: CasJobsClass) -> None:
    """A copy in this process shares the login; a pickle does not contain it."""
    assert copy.deepcopy(casjobs).authenticated()
    assert copy.copy(casjobs)._calls.login is SHARED_LOGIN
    text = pickle.dumps(casjobs)
    casjobs.logout()
    assert not pickle.loads(text).authenticated()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"username": "a", "wsid": 5, "password": "b"}, "username and wsid cannot be combined"),
        ({"username": " ", "password": "b"}, "is not a user name"),
        ({"username": 1610010716, "password": "b"}, "1610010716 is not a user name"),
        ({"wsid": "12a", "password": "b"}, "Find it on the profile page of CasJobs"),
        ({"wsid": -1, "password": "b"}, "Find it on the profile page of CasJobs"),
        ({"wsid": 1.5, "password": "b"}, "Find it on the profile page of CasJobs"),
    ],
)
def test_an_invalid_account_raises(mast_sandbox: Sandbox, arguments: dict[str, Any], message: str) -> None:
    """An invalid account raises an error before a request."""
    with pytest.raises(InvalidArgumentError, match=message):
        CasJobs.login(**arguments)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize("password", ["", b"bytes", 5, "half a \ud800 character"])
def test_an_invalid_password_raises(mast_sandbox: Sandbox, password: Any) -> None:
    """The error does not show the invalid password."""
    with pytest.raises(LoginError, match="The password must be a non-empty string") as caught:
        CasJobs.login("hubble", password)
    assert caught.value.__context__ is None or "half" not in str(caught.value.__context__)
    assert len(mast_sandbox.requests) == 0


# -- sources of the account ------------------------------------------------------------------------------------------


def test_the_environment_provides_name_and_password(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables are those of mastcasjobs."""
    monkeypatch.setenv("CASJOBS_USERID", mast_sandbox.casjobs_user)
    monkeypatch.setenv("CASJOBS_PW", mast_sandbox.casjobs_password)
    assert CasJobs.login()
    monkeypatch.delenv("CASJOBS_USERID")
    monkeypatch.setenv("CASJOBS_WSID", mast_sandbox.casjobs_wsid)
    CasJobs.logout()
    assert CasJobs.login()
    assert CasJobs.login(mast_sandbox.casjobs_user, mast_sandbox.casjobs_password)


def test_the_password_of_another_account_is_not_sent(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in the environment is only used for the user in the environment."""
    monkeypatch.setenv("CASJOBS_USERID", mast_sandbox.casjobs_user)
    monkeypatch.setenv("CASJOBS_PW", mast_sandbox.casjobs_password)
    with pytest.raises(LoginError, match="No password for the CasJobs user roman"):
        CasJobs.login("roman")
    assert len(mast_sandbox.requests) == 0


def test_an_existing_login_is_not_used_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login before the sandbox is for the real CasJobs, and is restored afterwards."""
    for name in ("CASJOBS_USERID", "CASJOBS_WSID", "CASJOBS_PW"):
        monkeypatch.setenv(name, "12345")
    with Sandbox() as box, pytest.raises(LoginError, match="No user name for CasJobs"):
        CasJobs.login()
    assert len(box.requests) == 0
    assert [os.environ[name] for name in ("CASJOBS_USERID", "CASJOBS_WSID", "CASJOBS_PW")] == ["12345"] * 3


def test_a_sandbox_starts_without_a_login(mast_sandbox: Sandbox) -> None:
    """The user who was logged in before is restored at the end."""
    from astroquery_mast.config import fresh_state

    logged_in(mast_sandbox)
    with fresh_state():
        assert SHARED_LOGIN.user is None
    assert CasJobs.authenticated()


@pytest.mark.parametrize("by_number", [False, True])
def test_the_keyring_stores_a_password_on_request(mast_sandbox: Sandbox, ring: Memory, *, by_number: bool) -> None:
    """The account that was stored last is the default."""
    account: dict[str, Any] = {"wsid": mast_sandbox.casjobs_wsid} if by_number else {"username": "hubble"}
    CasJobs.login(password=mast_sandbox.casjobs_password, **account)
    assert ring.kept == {}
    CasJobs.login(password=mast_sandbox.casjobs_password, store_password=True, **account)
    assert {service for service, _ in ring.kept} == {"astroquery_mast.casjobs"}
    CasJobs.logout()
    assert CasJobs.login()
    CasJobs.logout()
    assert CasJobs.login(**account)


def test_a_wrong_password_is_not_stored(mast_sandbox: Sandbox, ring: Memory) -> None:
    """Only a password that CasJobs has accepted is stored."""
    with pytest.raises(LoginError):
        CasJobs.login("hubble", "wrong password", store_password=True)
    assert ring.kept == {}


def test_a_missing_keyring_causes_a_warning(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login succeeds without a keyring."""
    monkeypatch.setattr(keyring, "set_password", lambda *_: 1 / 0)
    with pytest.warns(AuthenticationWarning, match="The password was not stored"):
        assert CasJobs.login("hubble", mast_sandbox.casjobs_password, store_password=True)


def test_missing_values_are_prompted_for(mast_sandbox: Sandbox, typed: dict[str, str]) -> None:
    """The prompt for the name shows the input; that for the password does not."""
    typed |= {"user name": "hubble", "password of hubble": mast_sandbox.casjobs_password}
    assert CasJobs.login()
    typed |= {"password of hubble": mast_sandbox.casjobs_password}
    assert CasJobs.login("hubble")


def test_the_password_can_be_reentered(
    mast_sandbox: Sandbox, typed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """reenter_password prompts for a password although one is stored."""
    monkeypatch.setenv("CASJOBS_USERID", "hubble")
    monkeypatch.setenv("CASJOBS_PW", "an old password")
    with pytest.raises(LoginError, match="has no user hubble"):
        CasJobs.login()
    typed["password of hubble"] = mast_sandbox.casjobs_password
    assert CasJobs.login(reenter_password=True)


# -- servers that receive the password -------------------------------------------------------------------------------


def test_a_password_is_sent_over_https_only(mast_sandbox: Sandbox) -> None:
    """The password is sent over https or to this computer; other addresses raise before a request."""
    server = conf.set_temp("casjobs_server", "http://mastweb.stsci.edu")
    with server, pytest.raises(LoginError, match="Passwords are only sent over https, but the server is"):
        CasJobs.login("hubble", "a password")
    assert len(mast_sandbox.requests) == 0


def test_a_login_is_not_sent_to_another_server(casjobs: CasJobsClass, other: Sandbox) -> None:
    """Neither the server of another client nor one that is configured later receives the password."""
    client = CasJobsClass(server=other.url)
    assert not client.authenticated()
    with pytest.raises(LoginError, match="You are logged in to a different server than"):
        client.query("SELECT 1 AS a")
    with (
        conf.set_temp("casjobs_server", other.url),
        pytest.raises(LoginError, match="You are logged in to a different server than"),
    ):
        casjobs.list_jobs()
    assert len(other.requests) == 0
    assert casjobs.authenticated()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(mast_sandbox: Sandbox, casjobs: CasJobsClass, other: Sandbox, status: int) -> None:
    """The error has the target of the redirect, and there is no retry."""
    for endpoint in ("casjobs", "casjobs_login"):
        mast_sandbox.faults.add(endpoint, Fault.redirect(f"{other.url}/elsewhere", status=status), times=None)
    with pytest.raises(NetworkError, match=f"was redirected to {other.url}/elsewhere"):
        casjobs.query("SELECT 1 AS a")
    with pytest.raises(NetworkError, match="redirected"):
        casjobs.login("hubble", mast_sandbox.casjobs_password)
    assert len(mast_sandbox.requests) == 2
    assert len(other.requests) == 0


def test_no_mast_token_is_sent_to_casjobs(mast_sandbox: Sandbox, casjobs: CasJobsClass) -> None:
    """The token of MAST is independent of the login."""
    from astroquery_mast import Observations

    Observations.login(mast_sandbox.token)
    casjobs.query("SELECT 1 AS a")
    assert {record.headers.get("authorization") for record in mast_sandbox.requests.of("casjobs")} == {None}


def test_the_casjobs_path_is_configurable(mast_sandbox: Sandbox) -> None:
    """The address of a client may have the path of another CasJobs instance."""
    client = CasJobsClass(server=f"{mast_sandbox.url}/mcasjobs/")
    client.login("hubble", mast_sandbox.casjobs_password)
    client.query("SELECT 1 AS a")
    assert {record.path.split("/")[1] for record in mast_sandbox.requests} == {"mcasjobs"}
    assert repr(client).startswith(f"<CasJobsClass at {mast_sandbox.url}/mcasjobs, context MYDB, logged in;")
