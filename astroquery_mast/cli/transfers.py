"""The common part of ``download`` and ``get``: plan, confirmation, download, report.

In: products and options.  Out: files, a manifest, and an exit code.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .exits import LOGIN_ADVICE, CommandFailed, ExitCode, usage_failure
from .options import SUFFIXES, given_only

if TYPE_CHECKING:
    from .session import Session

_GIGABYTE = 1e9
_EXCLUSIVE = "EXCLUSIVE_ACCESS"
_GOOD = frozenset({"COMPLETE", "OK", "SKIPPED"})
_FORMS = ("output_file", "as_json", "output_format", "rows")


def fetch_products(
    session: Session, products: Any, filters: dict[str, Any], options: dict[str, Any], download: Any
) -> None:
    """Download products and report the manifest; with ``dry_run``, only show the plan."""
    output = {name: options.pop(name) for name in _FORMS}
    dry_run, sure, limit = options.pop("dry_run"), options.pop("yes"), options.pop("ask_above")
    options["max_workers"] = options.pop("workers")
    call = given_only({**options, **filters, "verbose": session.bars})
    if _may_be_exclusive(products):
        session.log_in_if_stored()
    plan = download(products, **call, dry_run=True)
    if plan is None:
        raise CommandFailed("", ExitCode.INCOMPLETE)
    session.note(plan_text(plan.meta))
    if dry_run:
        session.show(plan, output, "file")
        return
    if not sure:
        _confirm(session, plan.meta["total_bytes"] / _GIGABYTE, limit)
    manifest = download(products, **call)
    if manifest is None:
        raise CommandFailed("", ExitCode.INCOMPLETE)
    report_manifest(session, manifest, output)


def _may_be_exclusive(products: Any) -> bool:
    """Return whether some files may require a token."""
    tables = products if isinstance(products, list) else [products]
    return any(
        isinstance(table, str) or "dataRights" not in table.colnames or _EXCLUSIVE in set(map(str, table["dataRights"]))
        for table in tables
    )


def plan_text(meta: dict[str, Any]) -> str:
    """Return a sentence with the number and size of the files to download."""
    from astropy.utils.console import human_file_size  # noqa: PLC0415 - help and completion do not need astropy

    files, unknown = meta["files"], meta["unknown_sizes"]
    parts = [f"{files:,} file{'' if files == 1 else 's'} to download"]
    if meta["total_bytes"]:
        parts[0] += f", {human_file_size(meta['total_bytes']).strip()}B"
    if unknown:
        parts.append("size unknown" if unknown == files else f"{unknown:,} of unknown size")
    if meta["exclusive"]:
        parts.append(f"{meta['exclusive']:,} under exclusive access")
    if meta["free_bytes"] is not None:
        parts.append(f"{human_file_size(meta['free_bytes']).strip()}B free on the disk")
    return "; ".join(parts) + "."


def _confirm(session: Session, size: float, limit: float) -> None:
    """Ask before a large download; without a terminal, --yes is required."""
    if size <= limit:
        return
    if not is_terminal():
        raise usage_failure(f"this download is larger than {limit:g} GB. Use --yes or a larger --ask-above.")
    if not session.ask("Download?"):
        raise CommandFailed("Nothing was downloaded.", ExitCode.INCOMPLETE)


def is_terminal() -> bool:
    """Return whether standard input is a terminal, so that a user can answer a prompt."""
    return sys.stdin is not None and sys.stdin.isatty()


def write_manifest(manifest: Any, name: str) -> None:
    """Write a manifest back to its file."""
    from .output import write_table  # noqa: PLC0415 - help and completion do not need astropy

    path = Path(name).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        path = path.with_name(f"{path.name}.ecsv")
    write_table(manifest, path)


def report_manifest(session: Session, manifest: Any, output: dict[str, Any]) -> None:
    """Show a manifest, and end with an exit code if files failed."""
    session.show(manifest, output, "file")
    bad = [row for row in manifest if str(row["Status"]) not in _GOOD]
    if bad:
        denied = "Rights" in manifest.colnames and all(str(row["Rights"]) == _EXCLUSIVE for row in bad)
        message = f"{len(bad):,} of {len(manifest):,} files are not complete."
        if denied:
            raise CommandFailed(f"{message} {LOGIN_ADVICE}", ExitCode.LOGIN)
        raise CommandFailed(message, ExitCode.INCOMPLETE)
