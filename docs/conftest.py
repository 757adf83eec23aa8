"""The examples run against the sandbox, in a folder of their own, with nobody logged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from astroquery_mast import Catalogs, Engineering, MastMissions, Observations
from astroquery_mast.casjobs.login import ENVIRONMENT_NAMES, SHARED_LOGIN
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service import retrying as failures
from astroquery_mast.service import token as auth
from astroquery_mast.service.token_sources import ENVIRONMENT, TOKEN_FILE

# These are run by Sphinx.
collect_ignore = ["conf.py", "gallery", "notebooks.py", "pictures", "recipes", "recipes_sandbox.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let connections to the sandbox of an earlier page be found late.

    Each page stops its sandbox, which hangs up on the clients.  A socket that was in use then is closed when it is
    collected, which may be while another page runs.
    """
    for item in items:
        if item.path.suffix == ".rst":
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(autouse=True)
def fresh_page(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run each page against a fresh sandbox, in an empty folder to download to."""
    del mast_sandbox
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(failures, "pause", lambda _seconds, _stopped: None)
    # Tables are shown as on a terminal of the usual size.
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    for name in (*ENVIRONMENT, TOKEN_FILE, *ENVIRONMENT_NAMES):
        monkeypatch.delenv(name, raising=False)
    clients = (Observations, Catalogs, Engineering, MastMissions)
    for client in clients:
        client.cache_location = tmp_path / "cache"
    yield
    for client in clients:
        client.reset_cache_location()
    auth.SHARED.keep(None)
    SHARED_LOGIN.keep(None)
