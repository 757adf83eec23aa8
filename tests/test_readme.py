"""The README: its commands and code work."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

from astroquery_mast.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.rst").read_text("utf-8")
SETUP = [line for line in README.splitlines() if "python3 -m venv" in line]


def python_block() -> str:
    """Return the Python code of the README."""
    (block,) = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", README)
    return textwrap.dedent(block).strip()


def test_the_six_statements_work(
    mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The six statements download four complete drizzled images of M51, and print what the README shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert len(ast.parse(python_block()).body) == 6
    exec(python_block(), {})
    assert len(list(tmp_path.rglob("*_drc.fits"))) == len(mast_sandbox.requests.of("download")) == 4
    (shown,) = re.findall(r"on the sandbox\)::\n\n((?:    .*\n)+)", README)
    printed = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("INFO:")]
    assert [line.split() for line in printed] == [line.split() for line in shown.splitlines()]


def test_every_named_page_exists() -> None:
    """All pages and pictures that the README names exist."""
    names = re.findall(r"docs/[\w./]+\w", README)
    assert len(names) > 20
    assert [name for name in names if not (ROOT / name).is_file()] == []


def test_there_are_two_set_up_commands_of_one_line() -> None:
    """One command ends in the demo and one in the tests, each in one indented line."""
    demo, tests = SETUP
    assert demo.endswith("&& .venv/bin/python -m astroquery_mast.demo")
    assert tests.endswith("&& .venv/bin/python -m pytest")
    assert all(re.match(r" {4}python3 -m venv \.venv && \.venv/bin/pip install -e '\.\[", line) for line in SETUP)


def test_continuous_integration_finds_the_test_command() -> None:
    """The pattern by which .ci/run reads the README finds the command for the tests, and nothing before it."""
    (pattern,) = re.findall(r'grep -m 1 -E "(.*?)" README\.rst', (ROOT / ".ci" / "run").read_text("utf-8"))
    found = [line for line in README.splitlines() if re.search(pattern, line)]
    assert found == SETUP[1:]


def test_the_extras_of_the_commands_exist() -> None:
    """Every extra in a command is declared in setup.cfg."""
    declared = set(re.findall(r"^(\w+) =$", (ROOT / "setup.cfg").read_text("utf-8"), re.MULTILINE))
    asked = {extra for line in SETUP for extra in re.findall(r"\[(.*?)\]", line)[0].split(",")}
    assert asked <= declared
