"""Warnings that more than one module gives, each worded once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from .exceptions import NoResultsWarning

__all__ = ["warn_no_results"]


def warn_no_results(hints: Sequence[str] = ()) -> None:
    """Warn that a query found nothing.

    Parameters
    ----------
    hints : sequence of str
        What the user may have meant.  The first sentence is that of ``astroquery.mast``, on which filters match.
    """
    warnings.warn(" ".join(("Query returned no results.", *hints)), NoResultsWarning, stacklevel=3)
