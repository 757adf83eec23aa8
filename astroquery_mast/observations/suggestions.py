"""What the user may have meant, when a query finds nothing: criteria and the archive's own values in, sentences out."""

from __future__ import annotations

from collections.abc import Mapping

from ..query.filters import Criteria, Filter
from ..tables.names import closest

__all__ = ["suggestions"]

_MOST = 4


def suggestions(criteria: Criteria, values: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Name near matches for the values that the archive does not have."""
    by_name = {column.lower(): counts for column, counts in values.items()}
    found = []
    for each in criteria.filters:
        counts = by_name.get(each.column.lower())
        if counts:
            found += _for_filter(each, counts)
    return found


def _for_filter(each: Filter, counts: Mapping[str, int]) -> list[str]:
    """The sentences for one filter."""
    tokens: dict[str, int] = {}
    for value, rows in counts.items():
        for token in value.split(each.separator) if each.separator else [value]:
            if token.strip():
                tokens[token.strip()] = tokens.get(token.strip(), 0) + rows
    have = {token.lower() for token in tokens}
    sentences = []
    for value in each.values:
        near = _near(value, tokens) if value.strip() and value.lower() not in have else []
        if near:
            names = ", ".join(f"'{name}'" for name in near)
            sentences.append(f"There is no {each.column}='{value}'; did you mean {names}?")
    return sentences


def _near(value: str, tokens: Mapping[str, int]) -> list[str]:
    """Values that contain what was asked for, the most frequent first, then those that are spelled alike."""
    containing = sorted((token for token in tokens if value.lower() in token.lower()), key=lambda name: -tokens[name])
    return list(dict.fromkeys([*containing, *closest(value, tokens)]))[:_MOST]
