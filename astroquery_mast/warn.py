"""How users are warned, and warnings that more than one module gives, each worded once.

Python shows equal warnings from one line once.  That line is the user's, not one of this package: otherwise a second
query would fail as silently as if there were no warning.
"""

from __future__ import annotations

import concurrent.futures.thread
import contextlib
import functools
import inspect
import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from astropy.utils import decorators

from .exceptions import MaxResultsWarning, NoResultsWarning, presentable

_as: dict[str, str | None] = {"module": None}
_PACKAGE = f"{Path(__file__).parent}{os.sep}"
# What may stand between the user's line and this package, or between two lines of this package.
_BETWEEN = frozenset(
    module.__file__ for module in (decorators, functools, contextlib, threading, concurrent.futures.thread)
)


def warn_under_name(module: str | None) -> None:
    """Set the module under whose name `warn_no_results` warns, on which filters of warnings match."""
    _as["module"] = module


def warn_user(message: str, category: type[Warning], *, module: str | None = None) -> None:
    """Warn, in the name of the line of the user's own code that has called this package."""
    frame = _users_frame()
    where = frame.f_globals if frame is not None else globals()
    warnings.warn_explicit(
        presentable(message),
        category,
        frame.f_code.co_filename if frame is not None else __file__,
        frame.f_lineno if frame is not None else 1,
        module=module or where.get("__name__", "<string>"),
        registry=where.setdefault("__warningregistry__", {}),
    )


def _users_frame() -> FrameType | None:
    """The innermost frame that is not of this package; None in a thread of its own."""
    frame = inspect.currentframe()
    while frame is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _is_own(path: str) -> bool:
    return path.startswith(_PACKAGE) or path in _BETWEEN


def warn_no_results(hints: Sequence[str] = ()) -> None:
    """Warn that a query found nothing."""
    text = " ".join(("Query returned no results.", *hints))
    warn_user(text, NoResultsWarning, module=_as["module"])


def warn_of_limit(rows: int) -> None:
    """Warn that there are more rows than the user's limit lets through."""
    warn_user(
        f"Maximum results returned: there are more than these {rows} rows. Use limit=None to return all.",
        MaxResultsWarning,
    )
