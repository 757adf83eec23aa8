"""``refresh``: update JWST files on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import astroquery_mast as mast

from ..command import MastCommand
from ..exits import usage_failure
from ..options import SUFFIXES, form_options, workers_option
from ..transfers import report_manifest

if TYPE_CHECKING:
    from ..session import Session


# A FITS file is data, not a manifest.
_TABLES = {*SUFFIXES} - {".fits"}


@click.command(
    "refresh",
    cls=MastCommand,
    epilog="""\b
Examples:
  $ astroquery-mast refresh m51 --dry-run
  $ astroquery-mast refresh m51 --replace
  $ astroquery-mast refresh m51.ecsv""",
)
@click.argument("files", nargs=-1, required=True, metavar="FOLDER|MANIFEST|FILE...")
@click.option("--replace", is_flag=True, help="Delete old files.  [default: keep them in a folder superseded-...]")
@click.option("-n", "--dry-run", is_flag=True, help="Only list which files are out of date.")
@workers_option
@form_options
@click.pass_obj
def refresh_command(
    session: Session, /, files: tuple[str, ...], replace: bool, dry_run: bool, workers: int | None, **output: Any
) -> None:
    """Download JWST files again if they were reprocessed.

    Specify a folder, a manifest, or files. The exit code is 1 if a file is out of date and was not downloaded.
    """
    session.log_in_if_stored()
    refreshed = mast.JwstFiles.refresh(
        _given_files(session, files), replace=replace, dry_run=dry_run, max_workers=workers, verbose=session.bars
    )
    report_manifest(session, refreshed, output)


def _given_files(session: Session, files: tuple[str, ...]) -> Any:
    """Return a manifest, a folder, or a list of files."""
    manifests = [name for name in files if name == "-" or Path(name).suffix.lower() in _TABLES]
    if manifests and len(files) > 1:
        raise usage_failure("specify one manifest, a folder, or files.")
    if manifests:
        return session.read_table(files[0])
    return files[0] if len(files) == 1 else list(files)
