"""Many files: the plan is carried out, and there is a result for each file whatever happens to the others.

In: planned files and a callable that opens an address.  Out: the results, in the order of the plan.  Products flow,
around "transfer".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from astroquery import log

from .manifest import Status, TransferResult
from .paths import safe_name
from .plan import Disk, PlannedFile, total_bytes
from .progress import progress_bar
from .transfer import WAIT, OpenUrl, Pause, Progress, transfer

__all__ = ["LOCAL_DISK", "download", "local_target"]


class _LocalDisk:
    """The disk as it is now."""

    def size(self, path: Path) -> int | None:
        """Size of a file in bytes; None where there is none, or where it cannot be seen."""
        try:
            return path.stat().st_size
        except OSError:
            return None

    def is_dir(self, path: Path) -> bool:
        """Whether a folder lies there."""
        return path.is_dir()

    def resolve(self, path: Path) -> Path:
        """The absolute path, symbolic links followed."""
        return path.resolve()


LOCAL_DISK: Disk = _LocalDisk()


def _transfers(
    planned: Sequence[PlannedFile], open_url: OpenUrl, progress: Progress, pause: Pause
) -> Iterator[TransferResult]:
    """Carry out the plan.  This is the one place that decides how many files are under way at a time: one."""
    for file in planned:
        yield transfer(file, open_url, progress=progress, pause=pause)


def download(
    planned: Sequence[PlannedFile], open_url: OpenUrl, *, verbose: bool = True, pause: Pause = WAIT
) -> list[TransferResult]:
    """Bring files to disk.

    Parameters
    ----------
    planned : sequence of PlannedFile
        What to fetch, and where to.
    open_url : callable
        Opens an address (see `~astroquery_mast.products.transfer.OpenUrl`).
    verbose : bool
        Whether to show a bar on a terminal, and to log what became of the files.  Failures are logged in any case.
    pause : callable
        Waits between two tries, given the seconds.

    Returns
    -------
    list of TransferResult
        One for each file, in order; a failure stops nobody else.
    """
    with progress_bar(total_bytes(planned) or None, "Downloading", "B", shown=verbose) as bar:
        results = list(_transfers(planned, open_url, bar.update, pause))
    _tell(results, verbose)
    return results


def _tell(results: Sequence[TransferResult], verbose: bool) -> None:
    """Log one line on the whole download, and one more if there were failures."""
    failed = [result for result in results if result.status is Status.ERROR]
    fetched = [result for result in results if result.fetched]
    if verbose:
        megabytes = sum(result.size or 0 for result in fetched) / 1e6
        kept = len(results) - len(fetched) - len(failed)
        log.info("Files downloaded: %d (%.1f MB); already on disk: %d.", len(fetched), megabytes, kept)
    if failed:
        log.warning(
            "%d of %d files could not be downloaded; the manifest says why. The first: %s",
            len(failed),
            len(results),
            failed[0].message,
        )


def local_target(local_path: str | os.PathLike[str] | None, filename: str) -> Path:
    """Tell where a single file goes.

    Parameters
    ----------
    local_path : path-like or None
        A file or a folder. What exists already is what it is; otherwise a path that ends in a separator, or whose
        last part has no ending, is a folder, as in ``astroquery.mast``. None is the current folder.
    filename : str
        The name that the archive gives the file.

    Returns
    -------
    `~pathlib.Path`
        The path of the file; nothing is created.
    """
    name = safe_name(filename, "product")
    if local_path is None:
        return Path(name)
    path = Path(local_path)
    if path.is_dir() or os.fspath(local_path).endswith(("/", os.sep)):
        return path / name
    return path if path.suffix or path.is_file() else path / name
