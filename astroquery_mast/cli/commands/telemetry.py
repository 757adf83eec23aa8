"""``edb``: JWST engineering telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..exits import usage_failure
from ..options import dry_run_option, output_options

if TYPE_CHECKING:
    from ..session import Session


@click.command(
    "edb",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast edb SE_ZBUSVLT --start 2022-07-12T06:00 \\
      --end 2022-07-12T06:01
  $ astroquery-mast edb IMIR_HK_FW_CUR_POS --start 2022-12-27T04:00 \\
      --end 2022-12-27T06:00 --changes-only
  $ astroquery-mast edb --list '*filter wheel*'""",
)
@click.argument("names", nargs=-1, metavar="MNEMONIC...")
@click.option("--start", metavar="TIME", help="Start time, UTC: 2022-07-12, '2022-07-12 06:00'.")
@click.option("--end", metavar="TIME", help="End time.")
@click.option("--align", type=click.Choice(["previous", "nearest"]), help="Combine several mnemonics in one table.")
@click.option("--changes-only", is_flag=True, help="Only samples whose value differs from the previous one.")
@click.option("--brackets", is_flag=True, help="Include the samples before the start and after the end.")
@click.option("--list", "pattern", metavar="PATTERN", help="Only list mnemonics by name or description.")
@dry_run_option
@output_options
@click.pass_obj
def edb_command(
    session: Session,
    /,
    names: tuple[str, ...],
    start: str | None,
    end: str | None,
    align: str | None,
    changes_only: bool,
    brackets: bool,
    pattern: str | None,
    dry_run: bool,
    **output: Any,
) -> None:
    """Print samples of JWST mnemonics between two times."""
    if pattern is not None:
        session.show(mast.Engineering.list_mnemonics(pattern), output, "mnemonic")
        return
    if not names or start is None or end is None:
        raise usage_failure("specify a mnemonic, --start and --end, or use --list PATTERN to list mnemonics.")
    if len(names) > 1 and align is None and not dry_run:
        raise usage_failure("the samples of several mnemonics are at different times. Add --align previous.")
    wanted: Any = names[0] if len(names) == 1 else list(names)
    found = mast.Engineering.query_mnemonics(
        wanted,
        start,
        end,
        align=align,
        changes_only=changes_only,
        brackets=brackets,
        verbose=session.bars,
        get_query_payload=dry_run,
    )
    session.show(found, output, "sample")
