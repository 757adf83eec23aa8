"""Examples of the command line, taken from help texts and from pages of the documentation, and how they are run.

In: text with lines that begin with ``$ astroquery-mast``.  Out: commands, the output that is shown for each, and what
they print.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from click.testing import CliRunner, Result

from astroquery_mast.cli.main import cli

PROGRAM = "astroquery-mast"
_PROMPT = "$ "


@dataclass
class Example:
    """A command as it is typed, and what is shown below it."""

    typed: str
    shown: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[list[str]]:
        """The arguments of each part of the pipeline."""
        words = shlex.split(self.typed)
        parts: list[list[str]] = [[]]
        for word in words:
            if word == "|":
                parts.append([])
            else:
                parts[-1].append(word)
        assert all(part[0] == PROGRAM for part in parts), self.typed
        return [part[1:] for part in parts]


def examples_in(text: str) -> Iterator[Example]:
    """Give the examples of a text; the output ends with an empty line, or where the text is indented less."""
    lines = iter(text.splitlines())
    example, indent = None, 0
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(_PROMPT + PROGRAM):
            if example is not None:
                yield example
            example, indent = Example(_whole(stripped.removeprefix(_PROMPT), lines)), len(line) - len(line.lstrip())
        elif example is not None and (not stripped or len(line) - len(line.lstrip()) < indent):
            yield example
            example = None
        elif example is not None:
            example.shown.append(line[indent:])
    if example is not None:
        yield example


def _whole(line: str, lines: Iterator[str]) -> str:
    """A command of several lines: each but the last ends in a backslash, in a pipe, or within quotation marks."""
    while line.endswith(("\\", "|")) or line.count('"') % 2:
        line = line.removesuffix("\\") + " " + next(lines).strip()
    return line


def invoke(*arguments: str, given: str | bytes | None = None) -> Result:
    """Run one command in this process, and raise what is not an exit."""
    result = CliRunner().invoke(cli, arguments, input=given, prog_name=PROGRAM)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_example(example: Example) -> Result:
    """Run a pipeline; give the result of its last part, whose output also has the messages of the others."""
    given: bytes | None = None
    messages = ""
    for arguments in example.parts:
        result = invoke(*arguments, given=given)
        given, before = result.stdout_bytes, messages
        messages += result.stderr
    result.output_bytes = before.encode() + result.output_bytes
    return result


def same_output(shown: list[str], printed: str) -> bool:
    """Tell whether output is as shown, where ``...`` stands for anything, and blanks do not count."""
    wanted = [re.escape(part) for part in " ".join(" ".join(shown).split()).split("...")]
    return re.fullmatch(".*".join(wanted), " ".join(printed.split()), re.DOTALL) is not None
