"""Warnings to the user, and the texts of those that several modules issue.

In: a message and a category.  Out: a warning that is attributed to the user's line of code, not to a line of this
package.  Python shows equal warnings from one line only once, so that otherwise a second query would not warn.
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
# Modules whose frames can be between the user's line and this package, or between two lines of this package.
_BETWEEN = frozenset(
    module.__file__ for module in (decorators, functools, contextlib, threading, concurrent.futures.thread)
)


def warn_under_name(module: str | None) -> None:
    """Set the module name that `warn_no_results` uses, which warning filters match."""
    _as["module"] = module


def warn_user(message: str, category: type[Warning], *, module: str | None = None) -> None:
    """Issue a warning that is attributed to the line of the user's code that called this package."""
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
    """The innermost frame outside of this package; None in a thread that the package started."""
    frame = inspect.currentframe()
    while frame is not None and _is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _is_own(path: str) -> bool:
    return path.startswith(_PACKAGE) or path in _BETWEEN


def warn_no_results(hints: Sequence[str] = ()) -> None:
    """Warn that a query returned no results."""
    text = " ".join(("Query returned no results.", *hints))
    warn_user(text, NoResultsWarning, module=_as["module"])


def warn_of_limit(rows: int) -> None:
    """Warn that there are more rows than the user's limit."""
    warn_user(
        f"Maximum results returned: there are more than these {rows} rows. Use limit=None to return all.",
        MaxResultsWarning,
    )
