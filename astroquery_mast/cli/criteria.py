"""Parse words of the command line as criteria: ``calib_level=[2,3]``, ``t_exptime>100``, ``M51``.

In: the words.  Out: names and Python values, and the words that are not criteria, such as a target name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from typing import Any

from .exits import usage_failure

# Longer operators come first.
_CRITERION = re.compile(r"\s*([A-Za-z_]\w*)\s*(!=|>=|<=|=|>|<)(.*)", re.DOTALL)
_PREFIXES = {"!=": "!"}
_BRACKETS = {"[": "]", "(": ")"}
_WORDS = {"True": True, "False": False, "None": None}


def parse_value(text: str) -> Any:
    """Convert text to a Python value; text that is not valid Python syntax remains text."""
    text = text.strip()
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in _BRACKETS:
        return _parse_sequence(text)
    value = _literal(text)
    if isinstance(value, str):
        return value
    # ``1e5`` and ``007`` may be names, so only text that equals the repr of a number is a number.
    return value if type(value) in {int, float} and repr(value) == text else text


def _literal(text: str) -> Any:
    """Return the value of a Python literal; None if the text is not one."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _parse_sequence(text: str) -> Any:
    """Return a list or tuple, even if the shell has removed its quotation marks."""
    value = _literal(text)
    if isinstance(value, list | tuple):
        return value
    if not text.endswith(_BRACKETS[text[0]]):
        raise usage_failure(f"{text!r} is not a valid list: the closing {_BRACKETS[text[0]]!r} is missing.")
    items = [parse_value(item) for item in _items(text[1:-1])]
    return tuple(items) if text[0] == "(" else items


def _items(text: str) -> list[str]:
    """Split text at the commas outside of brackets."""
    items, depth = [""], 0
    for letter in text:
        depth += (letter in _BRACKETS) - (letter in _BRACKETS.values())
        if letter == "," and not depth:
            items.append("")
        else:
            items[-1] += letter
    return items if items[-1].strip() else items[:-1]


def split_words(words: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the words that are not criteria, and the criteria."""
    others: list[str] = []
    criteria: dict[str, Any] = {}
    for word in words:
        found = _CRITERION.fullmatch(word)
        if found is None:
            others.append(word.strip())
            continue
        name, operator, text = found.groups()
        if name in criteria:
            raise usage_failure(f"{name} is specified twice. Use a list for several values: {name}=[first,second].")
        criteria[name] = parse_value(text) if operator == "=" else f"{_PREFIXES.get(operator, operator)}{text.strip()}"
    return others, criteria


def target_and_criteria(words: Iterable[str]) -> tuple[str | None, dict[str, Any]]:
    """Return the target, joined from its words, and the criteria."""
    others, criteria = split_words(words)
    return " ".join(others) or None, criteria


def refuse_options(criteria: Iterable[str], options: Sequence[str]) -> None:
    """Raise an error if an option of the subcommand is written as a criterion."""
    for name in criteria:
        if name.replace("_", "-") in options:
            raise usage_failure(f"{name} is not a criterion here. Use --{name.replace('_', '-')}.")


def refuse_arguments(criteria: Iterable[str], method: Callable[..., Any], allowed: Iterable[str] = ()) -> None:
    """Raise an error if a criterion is not a column but another argument of the Python method."""
    taken = {"self", *signature(method).parameters} - {"criteria", "filters", *allowed}
    for name in criteria:
        if name in taken:
            raise usage_failure(f"{name} is not a column but a Python argument. See --help for the options.")
