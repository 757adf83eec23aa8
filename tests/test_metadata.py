"""The metadata that is written down more than once: setup.cfg, the conda recipe, CITATION.cff, the README."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
RECIPE = (REPOSITORY / "docs" / "conda" / "meta.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def setup() -> ConfigParser:
    """Return setup.cfg."""
    parser = ConfigParser()
    parser.read(REPOSITORY / "setup.cfg", "utf-8")
    return parser


def requirements(text: str) -> set[str]:
    """Return requirements without blanks and comments."""
    return {re.sub(r"\s|#.*", "", line).lstrip("-") for line in text.strip().splitlines()} - {""}


def test_the_conda_recipe_has_the_requirements_of_setup_cfg(setup: ConfigParser) -> None:
    """Every requirement with its minimum version, and Python's."""
    options = setup["options"]
    run = RECIPE.partition("  run:\n")[2].partition("\n\n")[0]
    assert requirements(run) == requirements(options["install_requires"]) | {f"python{options['python_requires']}"}


def test_the_version_is_the_same_everywhere(setup: ConfigParser) -> None:
    """The version of setup.cfg, the conda recipe, and CITATION.cff."""
    version = setup["metadata"]["version"]
    assert f'{{% set version = "{version}" %}}' in RECIPE
    assert f"version: {version}\n" in (REPOSITORY / "docs" / "CITATION.cff").read_text("utf-8")


def test_the_conda_recipe_makes_the_commands_of_setup_cfg(setup: ConfigParser) -> None:
    """The command line has the same entry point."""
    commands = setup["options.entry_points"]["console_scripts"].strip().splitlines()
    made = RECIPE.partition("  entry_points:\n")[2].partition("\n\n")[0]
    assert requirements(made) == requirements("\n".join(commands))


def test_the_conda_recipe_has_the_license_and_the_summary_of_setup_cfg(setup: ConfigParser) -> None:
    """One license, one sentence."""
    metadata = setup["metadata"]
    assert f"  license: {metadata['license']}\n" in RECIPE
    assert f"  summary: {metadata['description']}\n" in RECIPE
