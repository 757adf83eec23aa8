"""The token is sent only to the server that accepted it, and is never shown; cookies of servers are not kept."""

from __future__ import annotations

import copy
import inspect
import logging
import os
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import keyring
import keyring.backend
import pytest
import requests
from astroquery import log
from astroquery.exceptions import AuthenticationWarning, LoginError

from astroquery_mast import Mast, MastClass, Observations, ObservationsClass, conf
from astroquery_mast.exceptions import BadRequestError, MastError
from astroquery_mast.sandbox import Fault, Sandbox, pytest_plugin
from astroquery_mast.service import token as auth

LIST = "Mast.Missions.List"


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """Serve another archive, which is not configured."""
    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


def tokens(sandbox: Sandbox) -> set[str | None]:
    """Return the Authorization headers that a sandbox received."""
    return {record.headers.get("authorization") for record in sandbox.requests}


# -- where it goes -------------------------------------------------------------------------------------------------


def test_a_login_is_not_sent_to_the_server_of_another_client(mast_sandbox: Sandbox, other: Sandbox) -> None:
    """A client of another server is not logged in, and sends no token there."""
    Observations.login(mast_sandbox.token)
    client = ObservationsClass(server=other.url)
    client.service_request(LIST, {})
    assert tokens(other) == {None}
    assert client.authenticated() is False
    assert Observations.authenticated() is True


def test_a_login_is_not_sent_to_a_changed_server(mast_sandbox: Sandbox, other: Sandbox) -> None:
    """The token is not sent until the server that accepted it is configured again."""
    Observations.login(mast_sandbox.token)
    with conf.set_temp("server", other.url):
        Mast.service_request(LIST, {})
        assert Observations.authenticated() is False
    assert tokens(other) == {None}
    assert Observations.authenticated() is True


def test_a_token_from_the_environment_is_not_sent_to_the_sandbox(
    other: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that existed before the sandbox is for MAST, and is restored afterwards."""
    monkeypatch.setenv("MAST_API_TOKEN", "realtoken0000000000000000000000")
    with other.in_use(), pytest.raises(LoginError, match="No MAST token found"):
        Observations.login()
    assert len(other.requests) == 0
    assert os.environ["MAST_API_TOKEN"] == "realtoken0000000000000000000000"


def test_netrc_does_not_replace_the_token_on_a_redirect(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A redirect on the same server keeps the token, and a password in .netrc is not sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    Observations.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add("whoami", Fault.redirect(f"{mast_sandbox.url}/whoami"))
    assert Observations.session_info(verbose=False)["anon"] is False
    assert tokens(mast_sandbox) == {f"token {mast_sandbox.token}"}


def test_a_presigned_address_in_the_cloud_gets_no_token(
    mast_sandbox: Sandbox, other: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S3 rejects requests with both a signature and a token; messages about a rejected signature contain neither."""
    Observations.login(mast_sandbox.token)
    table = Observations.get_product_list(Observations.query_criteria(obs_collection="HST", dataRights="PUBLIC")[:1])
    product = table[table["productFilename"] == min(table["productFilename"], key=len)][:1]
    signed = f"{other.url}/api/v0.1/Download/file?uri={product['dataURI'][0]}&X-Amz-Signature=5ec4e7"
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add("download", Fault.redirect(signed), times=None)
    manifest = Observations.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    with Observations.open_product(product["dataURI"][0]) as file:
        assert file.read(10) == Path(manifest["Local Path"][0]).read_bytes()[:10]
    assert {record.value("X-Amz-Signature") for record in other.requests} == {"5ec4e7"}
    assert tokens(other) == {None}
    assert tokens(mast_sandbox) == {f"token {mast_sandbox.token}"}
    other.faults.add("download", Fault.status(403, body=b"SignatureDoesNotMatch"), times=None)
    manifest = Observations.download_products(product, download_dir=tmp_path, cache=False, verbose=False)
    assert manifest["Status"].tolist() == ["ERROR"]
    for secret in ("5ec4e7", mast_sandbox.token):
        assert secret not in str(manifest["Message"][0]) + str(manifest["URL"][0]) + caplog.text
    assert tokens(other) == {None}


# -- cookies -------------------------------------------------------------------------------------------------------


def test_no_cookie_of_a_server_is_sent_back(mast_sandbox: Sandbox) -> None:
    """A cookie for one user is not sent for the next one, and cannot block the client."""
    mast_sandbox.faults.add("whoami", Fault.answer(b"", status=503, headers={"Set-Cookie": "session=first"}))
    Observations.login(mast_sandbox.token)
    Observations.logout()
    Observations.login(mast_sandbox.outsider_token)
    assert [record.headers.get("cookie") for record in mast_sandbox.requests] == [None] * len(mast_sandbox.requests)


def test_logout_drops_cookies_except_those_of_a_users_session(mast_sandbox: Sandbox) -> None:
    """Cookies in a session of this package are removed at logout; those of the user's own session are kept."""
    own = requests.Session()
    for client in (MastClass(), MastClass(session=own)):
        client._session.cookies.set("a", "b")
        client.logout()
        assert ("a" in client._session.cookies) is (client._session is own)


# -- where it shows ------------------------------------------------------------------------------------------------


def test_an_echoed_token_is_not_shown(mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Exceptions, the log of retries and messages in manifests show an ellipsis."""
    token = mast_sandbox.token
    Observations.login(token)
    echo = f"you sent token {token}".encode()
    mast_sandbox.faults.add("invoke", Fault.status(503, body=echo))
    mast_sandbox.faults.add("invoke", Fault.status(400, body=echo))
    with pytest.raises(BadRequestError, match="you sent token …") as caught:
        Mast.service_request(LIST, {})
    mast_sandbox.faults.add("download", Fault.status(400, body=echo), times=None)
    _, message, _ = Observations.download_file("mast:HST/product/x.fits", local_path=f"{tmp_path}/", verbose=False)
    assert "you sent token …" in caplog.text
    assert "you sent token …" in str(message)
    assert token not in "".join(traceback.format_exception(caught.value)) + caplog.text + str(message)


def test_the_history_of_a_redirect_loop_has_no_token(mast_sandbox: Sandbox) -> None:
    """All requests in the history of an exception are without the token."""
    Observations.login(mast_sandbox.token)
    mast_sandbox.faults.add("whoami", Fault.redirect(f"{mast_sandbox.url}/whoami"), times=None)
    with pytest.raises(MastError) as caught:
        Observations.session_info(verbose=False)
    cause = caught.value.__cause__
    assert isinstance(cause, requests.TooManyRedirects)
    assert cause.response is not None
    past = [*cause.response.history, cause.response]
    assert len(past) > 10
    assert not [each for each in past if "Authorization" in each.request.headers]


def test_session_info_hides_the_token_under_any_name(mast_sandbox: Sandbox) -> None:
    """The token is not in the record, under any name and at any depth."""
    Observations.login(mast_sandbox.token)
    body = f'{{"anon": false, "key": "{mast_sandbox.token}", "attrib": {{"all": ["x {mast_sandbox.token}"]}}}}'
    mast_sandbox.faults.add("whoami", Fault.answer(body.encode(), content_type="application/json"))
    info = Observations.session_info(verbose=False)
    assert mast_sandbox.token not in str(info)
    assert info["attrib"]["all"] == [f"x {mast_sandbox.token[:4]}…"]


def test_a_shallow_copy_drops_the_token_as_a_deep_one_does(mast_sandbox: Sandbox) -> None:
    """The token of a constructor is not copied; the shared login stays shared."""
    own = ObservationsClass(mast_sandbox.token)
    assert copy.copy(own).authenticated() is copy.deepcopy(own).authenticated() is False
    Observations.login(mast_sandbox.token)
    assert copy.copy(Observations).authenticated() is True


def test_tracebacks_with_variables_do_not_show_the_token(mast_sandbox: Sandbox) -> None:
    """Neither a rejected login nor a broken connection shows a variable with the token."""
    secret = "s3cr3t0000000000000000000000beef"
    with pytest.raises(LoginError) as refused:
        Observations.login(secret)
    Observations.login(mast_sandbox.token)
    mast_sandbox.faults.add("invoke", Fault.reset(), times=None)
    with pytest.raises(MastError) as broken:
        Mast.service_request(LIST, {})
    for error, token in ((refused.value, secret), (broken.value, mast_sandbox.token)):
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in _frames(shown) if __file__ not in frame.filename]
        assert not [frame for frame in frames if token in str(frame.locals)]


def _frames(error: traceback.TracebackException | None) -> list[traceback.FrameSummary]:
    """Return the frames of an exception and of all its causes."""
    return [] if error is None else [*error.stack, *_frames(error.__cause__ or error.__context__)]


def test_control_characters_of_a_server_reach_neither_log_nor_exception(
    mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Escape sequences are visible, and a forged log line is part of the line that quotes it."""
    words = "\x1b]0;pwned\x07 \\nINFO: welcome root"
    body = r'{"anon": false, "ezid": "me", "attrib": {"display_name": "\u001b[2J\nINFO: welcome root"}}'
    mast_sandbox.faults.add("whoami", Fault.answer(body.encode(), content_type="application/json"))
    Observations.login(mast_sandbox.token)
    assert r"welcome \x1b[2J INFO: welcome root." in caplog.text
    mast_sandbox.faults.add("invoke", Fault.status(400, body=words.encode()))
    with pytest.raises(BadRequestError) as caught:
        Mast.service_request(LIST, {})
    assert r"\x1b]0;pwned\x07" in str(caught.value)
    assert str(caught.value).isprintable()


# -- where it comes from -------------------------------------------------------------------------------------------


class RaisingKeyring(keyring.backend.KeyringBackend):
    """A keyring with a backend that raises any exception."""

    priority = 1
    error: Exception = RuntimeError("DBus")

    def get_password(self, service: str, username: str) -> str | None:
        raise self.error

    def set_password(self, service: str, username: str, password: str) -> None:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("DBus"), FileNotFoundError("socket"), EOFError(), ValueError("x")])
def test_a_keyring_may_raise_anything(
    mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """The keyring then has no token, and a token that cannot be stored is a warning after a successful login."""
    ring = RaisingKeyring()
    ring.error = error
    keyring.set_keyring(ring)
    before = log.level
    log.setLevel(logging.DEBUG)
    try:
        with pytest.raises(LoginError, match="No MAST token found"):
            Observations.login()
    finally:
        log.setLevel(before)
    assert "The keyring has no token" in caplog.text
    with pytest.warns(AuthenticationWarning, match="not stored"):
        assert Observations.login(mast_sandbox.token, store_token=True) is True


def test_a_blank_variable_does_not_hide_a_good_one(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with only blanks or empty quotes is ignored."""
    monkeypatch.setenv("MAST_API_TOKEN", ' "" ')
    monkeypatch.setenv("MAST_TOKEN", mast_sandbox.token)
    assert Observations.login() is True


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "Bearer {}", "token {}", "\ufeff{}", "{}\u200b", '"token {}"\r\n'])
def test_characters_around_a_token_are_removed(mast_sandbox: Sandbox, form: str) -> None:
    """Quotes, the name of a scheme, byte order marks and zero-width characters are removed."""
    assert Observations.login(form.format(mast_sandbox.token)) is True


def test_a_refusal_names_the_source_of_the_token(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message names the expired variable or file."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.expired_token)
    with pytest.raises(LoginError, match="the token in the environment variable MAST_API_TOKEN; it may"):
        Observations.login()
    monkeypatch.setenv("MAST_API_TOKEN", "/no/such path")
    with pytest.raises(LoginError, match=r"not a MAST token.*the environment variable MAST_API_TOKEN"):
        Observations.login()
    monkeypatch.delenv("MAST_API_TOKEN")
    monkeypatch.setenv("MAST_API_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(LoginError, match="Cannot read the file set in MAST_API_TOKEN_FILE"):
        Observations.login()


def test_a_token_is_read_from_a_file_named_in_the_environment(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Containers provide secrets as files."""
    secret = tmp_path / "secret"
    secret.write_text(f"\ufeff{mast_sandbox.token}\n", "utf-8")
    monkeypatch.setenv("MAST_API_TOKEN_FILE", str(secret))
    assert Observations.login() is True


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """Return a folder that all users of this computer can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if not hasattr(os, "geteuid") or not all(each.stat().st_mode & 1 for each in folder.resolve().parents):
            pytest.skip("the folder for temporary files is open to its owner only")
        yield folder


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "warned"), [(0o644, 0o755, True), (0o600, 0o755, False), (0o644, 0o700, False)]
)
def test_a_token_file_readable_by_all_users_warns(
    mast_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    shared_folder: Path,
    file_mode: int,
    folder_mode: int,
    warned: bool,
) -> None:
    """The warning has the file and advice, but not the token; a file in a private folder does not warn."""
    secret = shared_folder / "secret"
    secret.write_text(mast_sandbox.token, "utf-8")
    secret.chmod(file_mode)
    shared_folder.chmod(folder_mode)
    monkeypatch.setenv("MAST_API_TOKEN_FILE", str(secret))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert Observations.login() is True
    messages = [str(each.message) for each in caught if each.category is AuthenticationWarning]
    assert [f"chmod 600 {secret}" in message for message in messages] == [True] * warned
    assert mast_sandbox.token not in "".join(messages)


def test_login_reports_a_token_without_exclusive_access(
    mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The scopes are in the user's record; without scopes in the record, there is no warning."""
    Observations.login(mast_sandbox.outsider_token)
    assert "does not have the scope mast:exclusive_access" in caplog.text
    caplog.clear()
    Observations.login(mast_sandbox.token)
    mast_sandbox.faults.add("whoami", Fault.answer({"anon": False, "ezid": "me"}))
    Observations.login(mast_sandbox.outsider_token)
    assert "accepted" in caplog.text
    assert "lacks" not in caplog.text


def test_a_notebook_without_a_user_is_a_login_error(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook without a user, the advice is the same as without a terminal."""

    def refuse(prompt: str) -> str:
        raise NotImplementedError("this frontend does not support input requests")

    monkeypatch.setattr(
        "astroquery_mast.service.token_sources.sys", SimpleNamespace(stdin=None, modules={"ipykernel": object()})
    )
    monkeypatch.setattr("getpass.getpass", refuse)
    with pytest.raises(LoginError, match="MAST_API_TOKEN"):
        Observations.login()


# -- refusals ------------------------------------------------------------------------------------------------------


def test_refused_public_files_need_one_whoami_request(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The firewall's message is quoted, without advice about tokens; one whoami request is enough for all files."""
    products = Observations.get_product_list(Observations.query_criteria(obs_collection="HST")[:1])
    public = products[products["dataRights"] == "PUBLIC"][:5]
    Observations.login(mast_sandbox.outsider_token)
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add("download", Fault.status(403, body=b"blocked by policy"), times=None)
    manifest = Observations.download_products(
        public, download_dir=str(tmp_path), verbose=False, on_error="ignore", flat=True
    )
    assert len(manifest) > 1
    for message in manifest["Message"]:
        assert (
            "blocked by policy. This file is public, but the server (or a proxy or firewall on the way to it)"
            in message
        )
        assert "investigator" not in message
    assert len(mast_sandbox.requests.of("whoami")) <= 1


# -- the fixture ---------------------------------------------------------------------------------------------------


def test_the_fixture_leaves_login_cloud_and_settings_as_they_were(other: Sandbox) -> None:
    """Changes by a test in the sandbox are undone for the next test, and afterwards."""
    auth.SHARED.keep("before00000000000000000000000000")
    pagesize = conf.pagesize
    fixture = inspect.unwrap(pytest_plugin.mast_sandbox)
    for _ in range(2):
        test = fixture(other)
        sandbox = next(test)
        assert not Observations.authenticated()
        assert not Observations._cloud.enabled
        assert conf.pagesize == pagesize
        Observations.login(sandbox.token)
        Observations.enable_cloud_dataset(verbose=False)
        conf.pagesize = 7
        with pytest.raises(StopIteration):
            next(test)
    assert auth.SHARED.token == "before00000000000000000000000000"
    assert Observations.authenticated() is True
    assert not Observations._cloud.enabled
    assert conf.pagesize == pagesize
