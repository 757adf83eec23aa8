"""The representations of clients and settings: where they are, what to do next, and no secret."""

from __future__ import annotations

import pytest

import astroquery_mast
from astroquery_mast import CasJobs, MastClass, MastMissionsClass, Observations, ObservationsClass, conf
from astroquery_mast.sandbox import Sandbox

CLIENTS = sorted(name for name in astroquery_mast.__all__ if isinstance(getattr(astroquery_mast, name), MastClass))


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_shows_its_server_and_main_methods(mast_sandbox: Sandbox, name: str) -> None:
    """It has the class, the server, the login, and existing methods, and sends no request."""
    client = getattr(astroquery_mast, name)
    before = len(mast_sandbox.requests)
    text = repr(client)
    assert text.startswith(f"<{type(client).__name__} ")
    assert mast_sandbox.url in text
    assert all(f".{method}()" in text and callable(getattr(client, method)) for method in client._starting_points)
    assert len(mast_sandbox.requests) == before


def test_a_client_shows_the_login_without_the_token(mast_sandbox: Sandbox) -> None:
    """The token of a login is not shown, and a token for another server is not a login."""
    assert ", not logged in;" in repr(Observations)
    Observations.login(mast_sandbox.token)
    assert ", logged in;" in repr(Observations)
    assert mast_sandbox.token not in repr(Observations)
    assert ", not logged in;" in repr(ObservationsClass(server="https://mast.example.org"))


def test_a_client_shows_its_mission_or_context(mast_sandbox: Sandbox) -> None:
    """It includes the mission and the context."""
    assert repr(MastMissionsClass(mission="JWST")).startswith(f"<MastMissionsClass for jwst at {mast_sandbox.url},")
    assert ", context MYDB," in repr(CasJobs)


def test_settings_are_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has a line with its value and description, and changed ones have an asterisk."""
    monkeypatch.setenv("COLUMNS", "200")
    with conf.set_temp("timeout", 61.5):
        lines = repr(conf).splitlines()
        html = conf._repr_html_()
    rows = {line.split()[0]: line for line in lines[1:]}
    assert list(rows) == list(conf)
    assert "61.5 *" in rows["timeout"]
    assert "Maximum duration of a call in seconds, including polling, paging" in rows["timeout"]
    assert "4 " in rows["max_attempts"]
    assert "*" not in rows["max_attempts"]
    assert all(f"<code>{name}</code>" in html for name in conf)
    assert "<code>61.5 *</code>" in html


@pytest.mark.parametrize("columns", [20, 80, 120])
def test_settings_fit_into_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Descriptions continue on the next line, with the same indentation."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert max(map(len, repr(conf).splitlines()[1:])) <= max(columns, 80)
