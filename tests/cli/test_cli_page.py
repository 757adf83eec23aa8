"""The documentation page about the command line: its commands run and print the documented output."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest
from cli_examples import examples_in, run_example, same_output

from astroquery_mast.cli.exits import ExitCode
from astroquery_mast.cli.main import cli
from astroquery_mast.cli.settings import CONFIG_VARIABLE

PAGE = Path(__file__).parents[2] / "docs" / "command_line.rst"
TEXT = PAGE.read_text("utf-8")


def test_the_commands_of_the_page_print_what_it_shows() -> None:
    """The commands run in order in one folder, and only the example of a mistake fails."""
    failed = []
    examples = list(examples_in(TEXT))
    for example in examples:
        result = run_example(example)
        assert same_output(example.shown, result.output), f"{example.typed}\n{result.output}"
        failed += [example.typed] if result.exit_code else []
    assert len(examples) > 15
    assert failed == ["astroquery-mast search M51 obs_colection=HST"]


def test_the_script_of_the_package_is_this_command() -> None:
    """The entry point ``astroquery-mast`` is the group of subcommands."""
    settings = ConfigParser()
    settings.read(PAGE.parents[1] / "setup.cfg", "utf-8")
    name, _, home = settings["options.entry_points"]["console_scripts"].strip().partition(" = ")
    module, _, function = home.partition(":")
    assert name == "astroquery-mast"
    assert getattr(import_module(module), function) is cli


def test_the_page_names_all_subcommands_and_exit_codes() -> None:
    """The tables of the page are complete."""
    named = re.findall(r"^``([a-z]+)``  ", TEXT, re.MULTILINE)
    assert named == list(cli.list_commands(None))  # type: ignore[attr-defined, arg-type, unused-ignore]
    codes = re.findall(r"^(\d+)  +\w", TEXT, re.MULTILINE)
    assert list(map(int, codes)) == list(map(int, ExitCode))


def test_the_configuration_of_the_page_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example configuration can be read, and every key is an option."""
    block = TEXT.partition(".. code-block:: toml\n")[2].partition("\nOptions on")[0]
    text = "\n".join(line.removeprefix("   ") for line in block.splitlines())
    assert set(tomllib.loads(text)) == {"common", "search", "get", "watch"}
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    example = next(examples_in("$ astroquery-mast search M51 calib_level=3 filters=F115W"))
    result = run_example(example)
    assert result.exit_code == 0
    assert result.stdout.split()[:4] == ["obs_collection", "obs_id", "filters", "t_exptime"]
