"""Why a query for observations found nothing, as far as the values that the archive has can tell.

In: the criteria of a query without results, and the values of each column with their numbers of observations.  Out:
sentences for the warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from ..query.filters import Criteria, Filter
from ..tables.columns import closest

_MOST_NEAR = 4
# So many values can be listed.
_MOST_LISTED = 15
# What missions are called, and what the archive calls them.
_CALLED = {"hubble": "HST", "webb": "JWST", "james webb": "JWST", "galex mission": "GALEX", "swift": "SWIFT"}
_LETTERS_AND_NUMBER = re.compile(r"[A-Za-z].*\d")
_HINTS = {
    "target_name": "target_name is the name that the proposers gave: object_name searches by position.",
    "proposal_id": "proposal_id is a number such as '10452', without letters.",
}


def suggestions(criteria: Criteria, values: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return why there may be no observations: values that the archive does not have, or that do not go together."""
    by_name = {column.lower(): counts for column, counts in values.items()}
    found: list[str] = []
    present: dict[str, int] = {}
    for each in criteria.filters:
        tokens = _token_counts(by_name.get(each.column.lower()) or {}, each.separator)
        missing = [_missing(each.column, value, tokens) for value in each.values if tokens and value.strip()]
        found += filter(None, missing)
        present.update(_counts_of(each, tokens))
    if not found and len(present) > 1:
        alone = ", ".join(f"{name} has {number}" for name, number in present.items())
        found.append(f"Each of these alone has observations ({alone}), all criteria together have none.")
    return [*found, *_hints_of_columns(criteria)]


def _missing(column: str, value: str, tokens: Mapping[str, int]) -> str | None:
    """A sentence on a value that the archive does not have, with those that may have been meant; None if it has it."""
    if value.lower() in {token.lower() for token in tokens}:
        return None
    near = _near(value, tokens)
    if near:
        return f"There is no {column}='{value}'; did you mean {', '.join(map(repr, near))}?"
    if len(tokens) <= _MOST_LISTED:
        return f"There is no {column}='{value}'; there are {', '.join(map(repr, sorted(tokens)))}."
    return f"There is no {column}='{value}'; list_values('{column}') has those there are."


def _counts_of(each: Filter, tokens: Mapping[str, int]) -> dict[str, int]:
    """How many observations meet a filter by itself, as far as its values tell."""
    if not tokens or not each.values or each.ranges or each.free_text:
        return {}
    lowered = {token.lower(): number for token, number in tokens.items()}
    number = sum(lowered.get(value.lower(), 0) for value in each.values)
    return {f"{each.column}={'|'.join(each.values)}": number} if number else {}


def _hints_of_columns(criteria: Criteria) -> list[str]:
    """What is worth knowing of columns whose values are not listed."""
    return [
        hint
        for each in criteria.filters
        if (hint := _HINTS.get(each.column.lower())) and (each.column.lower() != "proposal_id" or _has_letters(each))
    ]


def _has_letters(each: Filter) -> bool:
    """Whether a value has letters beside a number."""
    return any(_LETTERS_AND_NUMBER.search(value) for value in each.values)


def _token_counts(counts: Mapping[str, int], separator: str) -> Counter[str]:
    """How often each part of the values of a column occurs."""
    tokens: Counter[str] = Counter()
    for value, rows in counts.items():
        for token in value.split(separator) if separator else [value]:
            if token.strip():
                tokens[token.strip()] += rows
    return tokens


def _near(value: str, tokens: Mapping[str, int]) -> list[str]:
    """Values that are called so, then those that contain it, the most frequent first, then those spelled alike."""
    called = [name for word, name in _CALLED.items() if word == value.strip().lower() and name in tokens]
    containing = sorted((token for token in tokens if value.lower() in token.lower()), key=lambda name: -tokens[name])
    return list(dict.fromkeys([*called, *containing, *closest(value, tokens)]))[:_MOST_NEAR]
