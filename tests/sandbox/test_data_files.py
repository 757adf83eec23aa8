"""The data files of the sandbox are all included in an installation, and all used."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib import resources
from pathlib import Path

ROOT = Path(str(resources.files("astroquery_mast.sandbox")))
DATA = {path.name for path in ROOT.joinpath("data").iterdir() if not path.name.startswith("__")}
_READ = re.compile(r'(?<![.\w])(packaged|text)\("([\w.]+)"\)')


def test_an_installed_sandbox_has_its_data_files() -> None:
    """The package data patterns in setup.cfg cover every file."""
    settings = ConfigParser()
    settings.read(Path(__file__).parents[2] / "setup.cfg", "utf-8")
    patterns = settings["options.package_data"]["astroquery_mast.sandbox.data"].split()
    assert {path.name for pattern in patterns for path in ROOT.joinpath("data").glob(pattern)} >= DATA


def test_every_data_file_is_read() -> None:
    """Every data file is read by a module, and every file that is read exists."""
    source = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    read = {name if how == "text" else f"{name}.json" for how, name in _READ.findall(source)}
    assert read == DATA
