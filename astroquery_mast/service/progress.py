"""One bar for the whole of a call, or none: bars are for people who are watching a terminal or a notebook.

In: how much there is to do.  Out: a `tqdm` bar, or one that draws nothing; `DownloadBar` counts files and bytes.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tqdm import tqdm


DELAY = 1.0
"""Seconds after which a bar appears: what takes less leaves none behind in a saved notebook."""


def _in_notebook() -> bool:
    """Whether a notebook shows what is written."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in shell.config


def someone_watches() -> bool:
    """Tell whether a bar would be seen: on a terminal or in a notebook, outside of a continuous-integration job."""
    if os.environ.get("CI"):
        return False
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def progress_bar(total: int | None, what: str, unit: str, *, shown: bool = True) -> tqdm:
    """Make the bar of a call."""
    # Imported late: whoever only asks need not wait for it, and ``tqdm.auto`` looks for a notebook.
    import tqdm  # noqa: PLC0415

    if not (shown and someone_watches()):
        return tqdm.tqdm(disable=True)
    with warnings.catch_warnings():
        # A notebook without widgets gets a bar of letters, and needs no advice on what to install.
        warnings.simplefilter("ignore", tqdm.TqdmWarning)
        from tqdm.auto import tqdm as suitable  # noqa: PLC0415
    return suitable(total=total, desc=what, unit=unit, unit_scale=unit == "B", leave=False, delay=DELAY)


class DownloadBar:
    """Files and bytes of a download on one bar, told from several threads."""

    def __init__(self, files: int, size: int | None, *, shown: bool) -> None:
        self._files = files
        self._done = 0
        self._lock = threading.Lock()
        self._bar = progress_bar(size, "Downloading", "B", shown=shown)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        with self._lock:
            self._bar.close()

    def add(self, size: int) -> None:
        """Count bytes; a negative number takes back those that are to come again."""
        with self._lock:
            self._bar.update(size)

    def finish(self) -> None:
        """Count a file that has ended, well or not."""
        with self._lock:
            self._done += 1
            # Shown with the bytes, at the pace of the bar: a notebook keeps every drawing.
            self._bar.set_postfix_str(f"{self._done}/{self._files} files", refresh=False)
