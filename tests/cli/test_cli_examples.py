"""Every subcommand has runnable examples in its help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli_examples import Example, examples_in, invoke, run_example

from astroquery_mast.cli.main import cli
from astroquery_mast.sandbox import Sandbox

_GET = ["get -p 1783 -i 'NIRCAM*' --kind I2D --level 3 -d m51 -o m51.ecsv -q"]
_LIST = [
    "search proposal_id=1783 calib_level=3 instrument_name='MIRI*' -o obs.ecsv",
    "products obs.ecsv --type SCIENCE --level 3 -o products.ecsv",
]
_DOWNLOAD = [*_LIST, "download products.ecsv -d data -o manifest.ecsv -q"]
# Commands to run before the examples of a subcommand.
BEFORE = {
    "download": _LIST,
    "retry": _DOWNLOAD,
    "verify": _DOWNLOAD,
    "refresh": _GET,
    "watch run": ["watch add m51 M51 obs_collection=JWST", "watch add mosaics --files program=1783 suffix=i2d"],
    "watch list": ["watch add m51 M51 obs_collection=JWST"],
}
# The sandbox runs until Ctrl-C; see test_cli_processes.py.
ENDLESS = {"sandbox"}


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the subcommands with their full names."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(commands(cli))


@pytest.fixture
def files(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create the files of the examples."""
    (own_folder / "query.adql").write_text("SELECT TOP 3 obs_id FROM ivoa.obscore", "utf-8")
    token = own_folder / "token.txt"
    token.write_text(Sandbox.token, "utf-8")
    token.chmod(0o600)
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.token)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ENDLESS])
@pytest.mark.usefixtures("files")
def test_the_examples_of_a_subcommand_run(name: str) -> None:
    """There is at least one example, and each succeeds."""
    for typed in BEFORE.get(name, []):
        assert run_example(Example(f"astroquery-mast {typed}")).exit_code == 0, typed
    found = list(examples_in(COMMANDS[name].epilog or ""))
    assert any(example.typed.startswith(f"astroquery-mast {name}") for example in found)
    for example in found:
        result = run_example(example)
        assert result.exit_code == 0, (example.typed, result.output)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal(name: str) -> None:
    """No line of a help text is wider than 80 columns, so that examples can be copied."""
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if len(line) > 80] == []
