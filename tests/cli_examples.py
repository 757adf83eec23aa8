"""Run the examples of the command line in help texts and in pages of the documentation.

In: text with lines that begin with ``$ astroquery-mast``.  Out: the commands, the output in the text, and the actual
output.
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
    """A command as typed, and the output that is shown below it."""

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
    """Yield the examples in a text; the output ends at an empty line, or at a smaller indentation."""
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
    """A command in several lines: all but the last end in a backslash, in a pipe, or within quotes."""
    while line.endswith(("\\", "|")) or line.count('"') % 2:
        line = line.removesuffix("\\") + " " + next(lines).strip()
    return line


def invoke(*arguments: str, given: str | bytes | None = None) -> Result:
    """Run one command in this process, and raise all exceptions except for exits."""
    result = CliRunner().invoke(cli, arguments, input=given, prog_name=PROGRAM)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_example(example: Example) -> Result:
    """Run a pipeline; return the result of its last part, whose output includes the messages of the others."""
    given: bytes | None = None
    messages = ""
    for arguments in example.parts:
        result = invoke(*arguments, given=given)
        given, before = result.stdout_bytes, messages
        messages += result.stderr
    result.output_bytes = before.encode() + result.output_bytes
    return result


def same_output(shown: list[str], printed: str) -> bool:
    """Return whether the output is as shown, where ``...`` matches anything, and blanks are ignored."""
    wanted = [re.escape(part) for part in " ".join(" ".join(shown).split()).split("...")]
    return re.fullmatch(".*".join(wanted), " ".join(printed.split()), re.DOTALL) is not None
