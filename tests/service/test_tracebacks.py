"""The traceback that a user sees: the user's own line, and at most one cause."""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable
from types import SimpleNamespace, TracebackType
from typing import Any

import pytest
import requests

from astroquery_mast import CasJobs, Observations, conf
from astroquery_mast.exceptions import (
    InvalidCriterionError,
    InvalidQueryError,
    LoginError,
    MastError,
    QueryTimeoutError,
    ResolverError,
    ServerError,
    ShortTraceback,
)
from astroquery_mast.sandbox import Fault, Sandbox


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an error and those that are shown with it, including all causes."""
    shown = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [error, *(chain_of(shown) if shown is not None else [])]


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure addresses without a server."""
    for name in ("server", "resolver_server"):
        monkeypatch.setattr(conf, name, "http://127.0.0.1:9")


@pytest.mark.parametrize("where", [{}, {"object_name": "M51"}])
def test_without_a_network_there_is_one_cause(unreachable: None, where: dict[str, str]) -> None:
    """The four exceptions of the HTTP libraries for one refused connection are one line."""
    with pytest.raises(ServerError, match="could not be reached: Connection refused") as caught:
        Observations.query_criteria(obs_collection="HST", **where)
    _, cause = chain_of(caught.value)
    assert isinstance(cause, requests.exceptions.ConnectionError)
    assert cause.__traceback__ is None
    assert "Connection refused" in str(cause)


def test_a_broken_connection_has_one_cause(mast_sandbox: Sandbox) -> None:
    """A reset connection has one cause."""
    mast_sandbox.faults.add("invoke", Fault.reset(), times=None)
    with pytest.raises(ServerError, match="connection broke") as caught:
        Observations.query_criteria(obs_collection="HST")
    assert len(chain_of(caught.value)) == 2


def test_a_silent_server_has_one_cause(mast_sandbox: Sandbox) -> None:
    """The cause of a timeout is the silence of the server, if any."""
    mast_sandbox.faults.add("invoke", Fault.delay(600), times=None)
    with pytest.raises(QueryTimeoutError) as caught:
        Observations.query_criteria(obs_collection="HST", timeout=0.2)
    assert len(chain_of(caught.value)) <= 2


def test_a_typo_has_no_cause() -> None:
    """A name that does not exist is a single error."""
    with pytest.raises(InvalidCriterionError) as caught:
        Observations.query_criteria(instrument="ACS/WFC")
    assert chain_of(caught.value) == [caught.value]


class Formatter:
    """The formatter of IPython's tracebacks, with what this package uses."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def structured_traceback(
        self, etype: type, evalue: BaseException, etb: TracebackType | None, tb_offset: int
    ) -> list[str]:
        """Return the names of the functions in a traceback."""
        assert etype is type(evalue)
        assert tb_offset == 0
        return [frame.name for frame in traceback.extract_tb(etb)]


def in_shell(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Pretend to run in IPython."""
    shell = SimpleNamespace(InteractiveTB=Formatter(mode))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


def caught_by(call: Callable[[], Any]) -> MastError:
    """Return the exception of a call, with its traceback from here on."""
    try:
        call()
    except MastError as err:
        return err
    raise AssertionError("nothing was raised")


def asks_with_a_typo() -> None:
    """Send a query with a typo, as a user does."""
    Observations.query_criteria(instrument="ACS/WFC")


def test_ipython_shows_the_lines_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """In IPython, the traceback ends where this package begins; the exception itself keeps all frames."""
    in_shell(monkeypatch, "Context")
    error = caught_by(asks_with_a_typo)
    assert error._render_traceback_() == ["caught_by", "asks_with_a_typo"]
    assert len(traceback.extract_tb(error.__traceback__)) > 5


@pytest.mark.parametrize(
    "call",
    [
        lambda: Observations.query_object("no such galaxy"),
        lambda: Observations.query_object(["no such galaxy", "none such"]),
        lambda: Observations.resolve_object("M51", resolver="somebody"),
        lambda: Observations.login("not a token"),
        lambda: CasJobs.login("nobody", "typo"),
        lambda: CasJobs.query("SELECT 1"),
    ],
)
def test_names_and_logins_have_no_long_tracebacks(
    mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, call: Callable[[], Any]
) -> None:
    """Tracebacks of errors about names, tokens and passwords end at the user's line, too."""
    in_shell(monkeypatch, "Context")
    with pytest.raises((InvalidQueryError, LoginError, ResolverError)) as caught:
        call()
    assert isinstance(caught.value, ShortTraceback)
    assert caught.value._render_traceback_()[-1] == "<lambda>"
    assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)


def test_ipython_shows_all_lines_in_verbose_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``%xmode Verbose``, all frames are shown."""
    in_shell(monkeypatch, "Verbose")
    error = caught_by(asks_with_a_typo)
    assert error._render_traceback_()[-1] == "_column"


def test_an_error_without_user_lines_shows_all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all frames belong to this package, they are shown."""
    in_shell(monkeypatch, "Context")
    error = caught_by(asks_with_a_typo)
    while error.__traceback__ is not None and error.__traceback__.tb_frame.f_code.co_filename == __file__:
        error.__traceback__ = error.__traceback__.tb_next
    assert len(error._render_traceback_()) > 3


@pytest.mark.parametrize("module", [None, SimpleNamespace(get_ipython=lambda: None)])
def test_outside_of_ipython_the_traceback_is_pythons(monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
    """Without a shell, the traceback is Python's."""
    monkeypatch.setitem(sys.modules, "IPython", module)
    error = caught_by(asks_with_a_typo)
    assert error._render_traceback_() == traceback.format_exception(error)


def test_the_real_ipython_shows_few_lines(capsys: pytest.CaptureFixture[str], unreachable: None) -> None:
    """A typo takes less than ten lines of a notebook, and a network failure less than twenty."""
    shells = pytest.importorskip("IPython.core.interactiveshell")
    shell = shells.InteractiveShell.instance(colors="nocolor")
    shell.user_ns["Observations"] = Observations
    try:
        shell.run_cell("Observations.query_criteria(instrument='ACS/WFC')")
        typo = capsys.readouterr().out
        shell.run_cell("Observations.query_criteria(obs_collection='HST')")
        offline = capsys.readouterr().out
    finally:
        shells.InteractiveShell.clear_instance()
    assert len(typo.splitlines()) < 10
    assert "Did you mean 'instrument_name'?" in typo
    assert "Observations.query_criteria(instrument='ACS/WFC')" in typo
    assert len(offline.splitlines()) < 20
    assert "Are you offline" in offline or "Connection refused" in offline
