"""The command `astroquery-mast`: a group of subcommands, which are imported on demand.

In: the words of the command line.  Out: an exit code.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click
from click.shell_completion import add_completion_class

from .completion import BashCriteria, ZshCriteria
from .settings import read_defaults

_PROGRAM = "astroquery-mast"
# The module of each subcommand; its function is ``<name>_command``.
_MODULES = {
    "search": "search",
    "count": "search",
    "products": "files",
    "download": "files",
    "retry": "files",
    "verify": "files",
    "get": "get",
    "refresh": "refresh",
    "catalog": "catalogs",
    "crossmatch": "catalogs",
    "cutout": "cutouts",
    "tap": "tap",
    "edb": "telemetry",
    "watch": "watch",
    "login": "login",
    "whoami": "login",
    "status": "login",
    "sandbox": "offline",
    "demo": "offline",
}

add_completion_class(BashCriteria)
add_completion_class(ZshCriteria)


class LazyGroup(click.Group):
    """The subcommands, in the order of a typical workflow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        del ctx
        if cmd_name not in _MODULES:
            return None
        module = import_module(f".commands.{_MODULES[cmd_name]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a subcommand with a similar name if the name is unknown."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as err:
            near = get_close_matches(args[0], _MODULES, 1)
            if not near:
                raise
            raise click.UsageError(f"{err.message.rstrip('.')}. Did you mean {near[0]!r}?", ctx) from None

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the defaults of options from the configuration file."""
        if not extra.get("resilient_parsing") and "default_map" not in extra:
            extra["default_map"] = read_defaults(self, click.Context(self, info_name=info_name))
        return super().make_context(info_name, args, parent, **extra)


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Print the version and exit."""
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and only for one option

        click.echo(f"{_PROGRAM} {version('astroquery_mast')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  astroquery-mast search M51 -r 6m instrument_name='ACS/*'
  astroquery-mast get -p 1783 -i 'NIRCAM*' --level 3 --dry-run
  astroquery-mast count proposal_id=1783 calib_level=[2,3]

Add --sandbox to a command to try it without MAST. 'astroquery-mast COMMAND --help' has more examples.""",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def cli() -> None:
    """Search and download data from MAST, the Mikulski Archive for Space Telescopes."""
