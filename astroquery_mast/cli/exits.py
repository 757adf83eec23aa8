"""The exit codes of the command line, and the exception that ends a subcommand with one of them.

In: a message and a code.  Out: the message on standard error.
"""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click


class ExitCode(IntEnum):
    """What the exit code of a subcommand means."""

    SUCCESS = 0
    """Everything worked."""
    INCOMPLETE = 1
    """Nothing was found, or some files failed."""
    USAGE = 2
    """The command, a file or a criterion is not valid; nothing was requested."""
    ARCHIVE = 3
    """The archive failed or did not answer in time."""
    LOGIN = 4
    """A token is missing, was not accepted, or gives no access."""
    INTERRUPTED = 130
    """Ctrl-C."""
    CLOSED_PIPE = 141
    """The reader of the output ended, as `head` does."""


class CommandFailed(click.ClickException):
    """The end of a subcommand: a message, possibly empty, and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        # The attribute of one exception; click declares that of the class.
        vars(self)["exit_code"] = int(code)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to standard error."""
        if self.message:
            click.echo(self.message, file=file, err=file is None)


LOGIN_ADVICE = "Set MAST_API_TOKEN, or run 'astroquery-mast login' in a terminal, and try again."


def usage_failure(message: str) -> CommandFailed:
    """Return the failure of a command that cannot be run as it was given."""
    return CommandFailed(f"Error: {message}", ExitCode.USAGE)
