"""The class of all subcommands that use a client, with their common options.

In: a function whose first argument is the `Session`.  Out: a subcommand.
"""

from __future__ import annotations

import os
import re
from typing import Any

import click

_NEGATIVE = re.compile(r"-\.?\d")
# How Python represents bytes that are not UTF-8, and the metavariables of values that are never sent.
_NO_CHARACTER, _PATHS = re.compile("[\ud800-\udfff]"), {"FILE", "FOLDER"}
# Options that are arguments of `Session`.
_SESSION = ("server", "sandbox", "token_file", "timeout", "quiet", "verbose")


def _session_options() -> list[click.Parameter]:
    """Return the options of all subcommands."""
    return [
        click.Option(["--server"], metavar="URL", help="Use another MAST server, or a running sandbox."),
        click.Option(["--sandbox"], is_flag=True, help="Use a sandbox on this computer, for this command only."),
        click.Option(["--token-file"], metavar="FILE", help="Read the MAST token from a file."),
        click.Option(["--timeout"], type=float, metavar="SECONDS", help="Time limit for each request."),
        click.Option(["-q", "--quiet"], is_flag=True, help="Hide progress bars and notes, but show warnings."),
        click.Option(["-v", "--verbose"], is_flag=True, help="Log requests; show a traceback after an error."),
    ]


def _check_encoding(ctx: click.Context, param: click.Parameter) -> None:
    """Raise if a value is not valid UTF-8, unless it is the name of a file on disk."""
    value = ctx.params.get(param.name or "")
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and _NO_CHARACTER.search(text) and not os.path.lexists(text):
            raise click.BadParameter(f"{text!r} is not valid UTF-8.", ctx, param)


class MastCommand(click.Command):
    """A subcommand that runs in a `Session`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params += _session_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``-41.2`` as a number, and not as an option; raise if a value is not valid UTF-8."""
        rest = super().parse_args(ctx, [f" {arg}" if _NEGATIVE.match(arg) else arg for arg in args])
        for param in self.params:
            if param.make_metavar(ctx).strip("[].") not in _PATHS and not ctx.resilient_parsing:
                _check_encoding(ctx, param)
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand in a session, which turns errors and warnings into messages."""
        from .session import Session  # noqa: PLC0415 - help and completion do not need astropy

        with Session(**{name: ctx.params.pop(name) for name in _SESSION}) as ctx.obj:
            return super().invoke(ctx)
