"""One bar for the whole of a call, or none: bars are for people who are watching a terminal.

In: how much there is to do.  Out: a `tqdm` bar, drawn on the standard error, or one that draws nothing.
"""

from __future__ import annotations

import os
import sys

from tqdm import tqdm

__all__ = ["progress_bar", "someone_watches"]


def someone_watches() -> bool:
    """Tell whether the standard error is a terminal outside of a continuous-integration job.

    Returns
    -------
    bool
    """
    return sys.stderr is not None and sys.stderr.isatty() and not os.environ.get("CI")


def progress_bar(total: int | None, what: str, unit: str, *, shown: bool = True) -> tqdm:
    """Make the bar of a call.

    Parameters
    ----------
    total : int or None
        How much there is to do; None where it is not known.
    what : str
        What is done, to stand before the bar.
    unit : str
        The unit; ``"B"`` is scaled to kB, MB and so on.
    shown : bool
        Whether the caller wants one.

    Returns
    -------
    `tqdm.tqdm`
    """
    disable = not (shown and someone_watches())
    return tqdm(total=total, desc=what, unit=unit, unit_scale=unit == "B", disable=disable, leave=False)
