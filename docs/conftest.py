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
