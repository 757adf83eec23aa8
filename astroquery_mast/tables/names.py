"""Names of columns, catalogs and parameters: found whatever their case, or else with a hint at what was meant.

In: a name as a user wrote it, and the names that exist.  Out: the one that it stands for, or an error that names the
likeliest ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import TypeVar

from ..exceptions import InvalidArgumentError

E = TypeVar("E", bound=InvalidArgumentError)


def find_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a given one stands for: the same, or else the first that differs in case only."""
    names = known if isinstance(known, list | tuple | dict) else list(known)
    if name in names:
        return name
    lowered = name.lower()
    return next((each for each in names if each.lower() == lowered), None)


def closest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known names that are most like a given one, the best first, whatever the case."""
    spellings: dict[str, list[str]] = {}
    for candidate in known:
        spellings.setdefault(candidate.lower(), []).append(candidate)
    matches = difflib.get_close_matches(name.lower(), spellings, n=count)
    return [spelling for match in matches for spelling in spellings[match]][:count]


def did_you_mean(name: str, known: Iterable[str], near: Sequence[str] = (), *, listed: bool = False) -> str:
    """Return a sentence with the names that may have been meant; with all that exist if none is like it, or listed."""
    names = list(known)
    *others, last = [repr(each) for each in near or closest(name, names)] or [""]
    hint = f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"
    every = f"There are: {', '.join(names)}." if names else "There are none."
    if not last:
        return every
    return f"{hint} {every}" if listed else hint


def no_such(
    said: str,
    name: str,
    known: Iterable[str],
    *,
    near: Sequence[str] = (),
    listed: bool = False,
    error: type[E] = InvalidArgumentError,
) -> E:
    """Return the error for a name that does not exist: a sentence that says so, and the names that may be meant."""
    return error(f"{said} {did_you_mean(name, known, near, listed=listed)}")
