"""Names of objects as users give them: one, several, some of them missing.

In: text, bytes, or a list, an array or a column of them.  Out: names that the archive's resolver can be asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from ..exceptions import InvalidArgumentError
from ..sky.position import looks_like_coordinates

__all__ = ["as_text", "case_folded_name", "checked_name", "is_place", "valid_names"]


def as_text(name: object) -> object:
    """Return a name as text, which FITS files hold as bytes; anything else as it is."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else name


def checked_name(name: object) -> str:
    """Return a name that can be asked for; raise `InvalidArgumentError` for anything else."""
    text = as_text(name)
    if not isinstance(text, str):
        raise InvalidArgumentError(f"Object names must be text, not {name!r}.")
    if not text.strip():
        raise InvalidArgumentError("An object name is empty.")
    return str(text)


def valid_names(names: Iterable[object]) -> tuple[list[str], int]:
    """Return the names in a list, and how many of its members are missing."""
    if isinstance(names, Mapping) or not isinstance(names, Iterable):
        raise InvalidArgumentError(f"A name of an object, or several, are needed, and not {names!r:.80}.")
    cells = [as_text(cell) for cell in names]
    given = [checked_name(cell) for cell in cells if not _is_missing(cell)]
    if cells and not given:
        raise InvalidArgumentError(f"Of the {len(cells)} object names that were given none is a name.")
    return given, len(cells) - len(given)


def _is_missing(cell: object) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is np.ma.masked or (isinstance(cell, float) and math.isnan(cell))


def case_folded_name(name: str) -> str:
    """Return a name as the resolver repeats it: lower case, single blanks."""
    return " ".join(name.lower().split())


def is_place(name: str) -> bool:
    """Tell whether a name is a position in numbers; ``"1820-30"`` and ``"J0613-0200"`` are names."""
    return name.strip()[0] in "+-.0123456789" and bool(set(" ,") & set(name.strip())) and looks_like_coordinates(name)
