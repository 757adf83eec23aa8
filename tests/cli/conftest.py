"""Fixtures of the command line tests: a sandbox, an empty folder, and no settings of this computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from astroquery_mast.cli.settings import CONFIG_VARIABLE
from astroquery_mast.sandbox import Sandbox


@pytest.fixture(autouse=True)
def own_folder(mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruptible: None) -> Path:
    """Run each test in a separate folder, which also has the settings and saved searches."""
    del mast_sandbox, interruptible
    (tmp_path / "home").mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
