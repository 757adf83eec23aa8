"""Suggestions for observation queries without results, based on the values that MAST lists.

In: the criteria of a query without results, and the values of each column with their numbers of observations.  Out:
sentences for the warning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from ..query.filters import Criteria, Filter
from ..tables.columns import closest, did_you_mean, find_column, snapshot

_MOST_NEAR = 4
# The maximum number of values listed in a message.
_MOST_LISTED = 15
# Common names of missions, and their names at MAST.
_CALLED = {"hubble": "HST", "webb": "JWST", "james webb": "JWST", "galex mission": "GALEX", "swift": "SWIFT"}
# Column, pattern of its value, and the hint to format with the groups of the pattern; the first match is used.
_HINTS = (
    (
        "target_name",
        re.compile(r"(TIC|KIC|EPIC) ?0*(\d+)", re.IGNORECASE),
        "TESS and Kepler name targets by number: use target_name='{1}', or object_name='{0} {1}' to search "
        "by position.",
    ),
    ("target_name", re.compile(r"0+(\d+)"), "Numeric target names have no leading zeros: use target_name='{0}'."),
    (
        "target_name",
        re.compile(r".*\S.*"),
        "target_name is the name chosen by the proposers. To search by position, use object_name.",
    ),
    (
        "proposal_id",
        re.compile(r".*[A-Z].*\d.*", re.IGNORECASE),
        "proposal_id is a number such as '10452', without letters.",
    ),
    (
        "calib_level",
        re.compile("0"),
        "Raw files are products of the observations. Omit calib_level, and filter the products instead.",
    ),
)


def call_advice(method: str, values: Sequence[object], keywords: Iterable[str], known: Iterable[str]) -> str:
    """Return what to write instead of a call with arguments that a positional query method does not take."""
    if len(values) > 1:
        return f"Write {method}({_right_arguments(*values[:2])})."
    unknown = next((name for name in keywords if name not in known), None)
    if unknown is None:
        return ""
    if find_column(unknown, snapshot()["Mast.Caom.Cone"]) is not None:
        return "query_criteria accepts criteria and positions."
    return did_you_mean(unknown, known)


def _right_arguments(first: object, second: object) -> str:
    """Return two unnamed values as correct arguments: the numbers of a position, or a target and a radius."""
    if isinstance(first, Real) and isinstance(second, Real):
        return f"SkyCoord({first}, {second}, unit='deg')"
    return f"{first!r}, radius={second!r}"


def suggestions(criteria: Criteria, values: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return why nothing may match: values that MAST does not have, or that do not occur together."""
    by_name = {column.lower(): counts for column, counts in values.items()}
    found: list[str] = []
    present: dict[str, int] = {}
    for each in criteria.filters:
        tokens = token_counts(by_name.get(each.column.lower(), {}).items(), each.separator)
        if not tokens:
            continue
        found += _all_missing(each, tokens)
        present.update(_counts_of(each, tokens))
    if not found and len(present) > 1:
        alone = ", ".join(f"{name} has {number}" for name, number in present.items())
        found.append(f"Each criterion alone matches observations ({alone}), but all together match none.")
    return [*found, *_hints_of_columns(criteria)]


def _all_missing(each: Filter, tokens: Mapping[str, int]) -> list[str]:
    """Return a sentence for each value of a filter that MAST does not have."""
    said = (_missing(each.column, value, tokens) for value in each.values if value.strip())
    return list(filter(None, said))


def _missing(column: str, value: str, tokens: Mapping[str, int]) -> str | None:
    """Return a sentence about a value that MAST does not have, with similar values; None if MAST has it."""
    if value.lower() in {token.lower() for token in tokens}:
        return None
    near = _near(value, tokens)
    if near:
        return f"No observations have {column}='{value}'; did you mean {', '.join(map(repr, near))}?"
    if len(tokens) <= _MOST_LISTED:
        return f"No observations have {column}='{value}'; the values are {', '.join(map(repr, sorted(tokens)))}."
    return f"No observations have {column}='{value}'; list_values('{column}') shows the values."


def _counts_of(each: Filter, tokens: Mapping[str, int]) -> dict[str, int]:
    """Return how many observations match a filter alone, if its values are listed."""
    if not each.values or each.ranges or each.free_text:
        return {}
    lowered = {token.lower(): number for token, number in tokens.items()}
    number = sum(lowered.get(value.lower(), 0) for value in each.values)
    return {f"{each.column}={'|'.join(each.values)}": number} if number else {}


def _hints_of_columns(criteria: Criteria) -> list[str]:
    """Return hints about columns whose values are not listed."""
    said = (_hint(each.column.lower(), value) for each in criteria.filters for value in each.values)
    return list(dict.fromkeys(filter(None, said)))


def _hint(name: str, value: str) -> str | None:
    """Return the hint about a column for values of this form."""
    fitting = ((pattern.fullmatch(value.strip()), said) for column, pattern, said in _HINTS if column == name)
    return next((said.format(*match.groups()) for match, said in fitting if match), None)


def token_counts(counts: Iterable[tuple[Any, int]], separator: str) -> Counter[str]:
    """Return how often each part of a column's values occurs; ``separator`` splits a value into parts."""
    tokens: Counter[str] = Counter()
    for value, rows in counts:
        for token in str(value).split(separator) if separator else [str(value)]:
            if token.strip():
                tokens[token.strip()] += int(rows)
    return tokens


def _near(value: str, tokens: Mapping[str, int]) -> list[str]:
    """Return similar values: by common name, then those containing it (most frequent first), then similar spellings."""
    called = [name for word, name in _CALLED.items() if word == value.strip().lower() and name in tokens]
    containing = sorted((token for token in tokens if value.lower() in token.lower()), key=lambda name: -tokens[name])
    return list(dict.fromkeys([*called, *containing, *closest(value, tokens)]))[:_MOST_NEAR]
