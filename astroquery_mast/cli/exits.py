"""The exit codes of the command line, and the exception that ends a subcommand with one of them.

In: a message and a code.  Out: the message on standard error.
"""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """The exit codes of subcommands."""

    SUCCESS = 0
    """Everything worked."""
    INCOMPLETE = 1
    """Nothing was found, or some files failed."""
    USAGE = 2
    """The command, a file or a criterion is not valid; nothing was requested."""
    ARCHIVE = 3
    """MAST failed or did not respond in time."""
    LOGIN = 4
    """A token is missing, was not accepted, or gives no access."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """The reader of the output has ended, such as `head`."""


class CommandFailed(click.ClickException):
    """The end of a subcommand: a message, possibly empty, and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        # An instance attribute, because click declares it as a class attribute.
        vars(self)["exit_code"] = int(code)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to standard error."""
        if self.message:
            click.echo(self.message, file=file, err=file is None)


LOGIN_ADVICE = "Set MAST_API_TOKEN, or run 'astroquery-mast login' in a terminal, and try again."


def usage_failure(message: str) -> CommandFailed:
    """Return the failure of an invalid command."""
    return CommandFailed(f"Error: {message}", ExitCode.USAGE)
