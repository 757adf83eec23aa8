"""Warnings that more than one module gives, each worded once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from .exceptions import NoResultsWarning

__all__ = ["speak_as", "warn_no_results"]

_as: dict[str, str | None] = {"module": None}
# Where Python notes which warnings were shown already, as it does in the globals of a module.
_shown: dict[Any, Any] = {}


def speak_as(module: str | None) -> None:
    """Set the module under whose name `warn_no_results` warns, on which filters of warnings match.

    Parameters
    ----------
    module : str or None
        Its name; None for the module of the query, as usual.
    """
    _as["module"] = module


def warn_no_results(hints: Sequence[str] = ()) -> None:
    """Warn that a query found nothing.

    Parameters
    ----------
    hints : sequence of str
        What the user may have meant.  The first sentence is that of ``astroquery.mast``, on which filters match.
    """
    text = " ".join(("Query returned no results.", *hints))
    module = _as["module"]
    if module is None:
        warnings.warn(text, NoResultsWarning, stacklevel=3)
    else:
        warnings.warn_explicit(text, NoResultsWarning, __file__, 1, module=module, registry=_shown)
