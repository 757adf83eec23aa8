"""Shell completion without requests."""

from __future__ import annotations

import json

import pytest
from cli_examples import invoke
from click.shell_completion import ShellComplete

from astroquery_mast import Observations
from astroquery_mast.cli.main import cli
from astroquery_mast.sandbox import Sandbox


def completed(*words: str) -> list[str]:
    """Return the completions of the last word."""
    found = ShellComplete(cli, {}, "astroquery-mast", "_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [item.value for item in found]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("sea",), ["search"]),
        (("search", "obs_c"), ["obs_collection="]),
        (("search", "M51", "datar"), ["dataRights="]),
        (("search", "obs_collection=H"), ["obs_collection=HST", "obs_collection=HLSP"]),
        (("search", "obs_collection", "=", "H"), ["HST", "HLSP"]),
        (("count", "calib_level="), [f"calib_level={level}" for level in (-1, 0, 1, 2, 3, 4)]),
        (("search", "target_name="), []),
        (("search", "nosuch="), []),
        (("search", "-c", "obs_id,filt"), ["obs_id,filters"]),
        (("products", "-c", "productF"), ["productFilename"]),
        (("search", "--for"), ["--format"]),
        (("search", "--format", "v"), ["votable"]),
        (("watch", "r"), ["run"]),
    ],
)
def test_words_are_completed(words: tuple[str, ...], values: list[str], mast_sandbox: Sandbox) -> None:
    """Subcommands, options, criteria, values, and columns are completed."""
    assert completed(*words) == values
    assert len(mast_sandbox.requests) == 0


def test_all_completed_criteria_exist() -> None:
    """All criteria are columns of MAST."""
    offered = {word.removesuffix("=") for word in completed("search", "")}
    assert offered <= set(Observations.get_metadata("observations")["Column Name"])
    assert len(offered) > 30


@pytest.mark.parametrize("name", ["obs_collection", "calib_level", "dataRights", "dataproduct_type", "intentType"])
def test_completed_values_are_accepted(name: str) -> None:
    """Each completed value is a valid criterion."""
    for word in completed("search", f"{name}="):
        payload = json.loads(invoke("search", word, "--dry-run").stdout)
        assert payload["service"] == "Mast.Caom.Filtered"


@pytest.mark.parametrize(("shell", "no_space"), [("bash", "compopt -o nospace"), ("zsh", "compadd -U -S ''")])
def test_the_shells_have_a_script(shell: str, no_space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts of bash and zsh do not add a space after an equals sign."""
    monkeypatch.setenv("_ASTROQUERY_MAST_COMPLETE", f"{shell}_source")
    script = invoke().stdout
    assert "astroquery-mast" in script
    assert no_space in script
    assert ("nospace" in script) is (shell == "bash")
