"""``login``, ``whoami`` and ``status``: tokens, which are never arguments, and the status of MAST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..exits import CommandFailed, ExitCode
from ..options import json_option, output_options

if TYPE_CHECKING:
    from ..session import Session


@click.command(
    "login",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast login
  $ astroquery-mast login --no-store --token-file token.txt

Create a token at https://auth.mast.stsci.edu. Other subcommands read the token
from MAST_API_TOKEN, from the file named by MAST_API_TOKEN_FILE or --token-file,
or from the keyring.""",
)
@click.option("--no-store", is_flag=True, help="Only check the token; do not store it in the system's keyring.")
@click.option("--reenter", is_flag=True, help="Ask for a token even if the environment or the keyring has one.")
@click.pass_obj
def login_command(session: Session, /, no_store: bool, reenter: bool) -> None:
    """Check a MAST token and store it in the system's keyring."""
    del session
    mast.Mast.login(store_token=not no_store, reenter_token=reenter)


@click.command(
    "whoami",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast whoami --token-file token.txt
  $ astroquery-mast whoami --token-file token.txt --json""",
)
@json_option
@click.pass_obj
def whoami_command(session: Session, /, as_json: bool) -> None:
    """Show the user of the current token. The exit code is 4 without a token."""
    mast.Mast.login()
    user = mast.Mast.session_info(verbose=False)
    if as_json:
        session.show_json(user)
        return
    width = max(map(len, user))
    for name, value in user.items():
        click.echo(f"{name:{width}}  {value}")


@click.command(
    "status",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast status
  $ astroquery-mast status --json""",
)
@output_options
@click.pass_obj
def status_command(session: Session, /, **output: Any) -> None:
    """Show which services of MAST are available.

    The exit code is 3 if one of them is not.
    """
    table = mast.Mast.status(timeout=session.timeout)
    session.show(table, output, "service")
    bad = sum(str(status) != "ok" for status in table["status"])
    if bad:
        raise CommandFailed(f"{bad} of {len(table)} services are not available.", ExitCode.ARCHIVE)
