"""The configuration file: defaults of options, and errors that name the file and the problem."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from cli_examples import invoke

from astroquery_mast.cli.settings import CONFIG_VARIABLE, config_path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the configuration file in the environment variable."""
    path = tmp_path / "settings.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def test_options_have_the_defaults_of_the_file(config: Path) -> None:
    """Sections set defaults of subcommands, [common] of all, and options on the command line override them."""
    config.write_text(
        '[common]\nquiet = true\nformat = "csv"\n[search]\nradius = "10s"\ncolumns = "obs_id,filters"\n'
        '[watch.run]\nexit-code = true\n[products]\ntype = "SCIENCE"\n',
        "utf-8",
    )
    result = invoke("search", "M51", "calib_level=3", "obs_collection=HST")
    assert result.stderr == ""
    assert result.stdout.splitlines()[0] == "obs_id,filters"
    assert json.loads(invoke("search", "M51", "--dry-run").stdout)["params"]["position"].endswith(f" {10 / 3600}")
    wide = invoke("search", "M51", "--dry-run", "-r", "1d")
    assert json.loads(wide.stdout)["params"]["position"].endswith(", 1.0")


def test_the_default_path_is_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default file does not need to exist."""
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    assert config_path() == Path(click.get_app_dir("astroquery-mast")) / "config.toml"
    assert invoke("count", "proposal_id=1783").exit_code == 0
    config_path().parent.mkdir(parents=True)
    config_path().write_text("[count]\njson = 3\n", "utf-8")
    assert invoke("count", "proposal_id=1783").exit_code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[serch]\nradius = '3m'", "[serch] is not a subcommand. Did you mean 'search'?"),
        ("[search]\nradios = '3m'", "'radios' in [search] is not an option of search. Did you mean 'radius'?"),
        ("[search]\ntoken = 'abc'", "'token' in [search] is not an option of search"),
        ("[common]\nquite = true", "'quite' in [common] is not an option. Did you mean 'quiet'?"),
        ("search = 3", "search must be a section"),
        ("common = 3", "[common] must be a section"),
        ("[search", "not valid TOML"),
        ("[search]\nlimit = 'many'", "'many' is not a valid integer"),
        ("[count]\njson = 3", "'json' in [count] must be true or false"),
        ("[search]\nradius = true", "'radius' in [search] must be text, a number or a list"),
        ("[watch.rum]\npeek = true", "[rum] is not a subcommand. Did you mean 'run'?"),
    ],
)
def test_a_mistake_in_the_file_is_exit_code_2(text: str, words: str, config: Path) -> None:
    """Mistakes are reported by all subcommands, except for invalid values, which only their subcommand reports."""
    config.write_text(text, "utf-8")
    result = invoke("search", "M51", "-r", "1s")
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert str(config) in result.stderr or "valid integer" in words


def test_a_file_in_the_environment_variable_must_exist(config: Path) -> None:
    """A missing file raises an error, because its defaults would be missing silently."""
    result = invoke("count", "proposal_id=1783")
    assert result.exit_code == 2
    assert str(config) in result.stderr


def test_completion_works_with_an_invalid_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Completion ignores an invalid configuration file."""
    config.write_text("[search", "utf-8")
    monkeypatch.setenv("_ASTROQUERY_MAST_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "astroquery-mast sea")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert invoke().stdout == "plain,search\n"
