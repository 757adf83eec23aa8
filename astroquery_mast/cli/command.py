"""The class of all subcommands that use a client, with the options that each of them has.

In: a function whose first argument is the `Session`.  Out: a subcommand.
"""

from __future__ import annotations

import re
from typing import Any

import click

_NEGATIVE = re.compile(r"-\.?\d")
# What `Session` is made of, by the names of the options.
_SESSION = ("server", "sandbox", "token_file", "timeout", "quiet", "verbose")


def _session_options() -> list[click.Parameter]:
    """The options that all subcommands have."""
    return [
        click.Option(["--server"], metavar="URL", help="Use another MAST server, or a running sandbox."),
        click.Option(["--sandbox"], is_flag=True, help="Use a sandbox on this computer, for this command only."),
        click.Option(["--token-file"], metavar="FILE", help="Read the MAST token from a file."),
        click.Option(["--timeout"], type=float, metavar="SECONDS", help="The time that a request may take."),
        click.Option(["-q", "--quiet"], is_flag=True, help="No progress bars and no notes; warnings stay."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Log requests; show a traceback after an error."),
    ]


class MastCommand(click.Command):
    """A subcommand that runs in a `Session`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params += _session_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``-41.2`` for a number, such as a declination, and not for an option."""
        return super().parse_args(ctx, [f" {arg}" if _NEGATIVE.match(arg) else arg for arg in args])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand in a session, in which errors and warnings become messages."""
        from .session import Session  # noqa: PLC0415 - help and completion do without astropy

        with Session(**{name: ctx.params.pop(name) for name in _SESSION}) as ctx.obj:
            return super().invoke(ctx)
