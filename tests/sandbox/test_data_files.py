"""The sandbox's tables and texts are files beside its modules; an installed sandbox has them all, and no others."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib import resources
from pathlib import Path

ROOT = Path(str(resources.files("astroquery_mast.sandbox")))
DATA = {path.name for path in ROOT.joinpath("data").iterdir()}
_READ = re.compile(r'(?<![.\w])(packaged|text)\("([\w.]+)"\)')


def test_an_installed_sandbox_has_its_data_files() -> None:
    """The patterns of the package's data in setup.cfg cover every file."""
    settings = ConfigParser()
    settings.read(Path(__file__).parents[2] / "setup.cfg", "utf-8")
    patterns = settings["options.package_data"]["astroquery_mast.sandbox"].split()
    assert {path.name for pattern in patterns for path in ROOT.glob(pattern)} >= DATA


def test_every_data_file_is_read() -> None:
    """Each of them is named where it is used, and nothing is read that is not there."""
    source = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    read = {name if how == "text" else f"{name}.json" for how, name in _READ.findall(source)}
    assert read == DATA
