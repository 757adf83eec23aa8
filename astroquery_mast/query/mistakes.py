"""Advice about common mistakes in ADQL queries that a service rejected.

In: the query, the error message of the service, and its tables and columns.  Out: sentences; none if no mistake is
recognized.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..tables.columns import closest, did_you_mean, find_name

# Text, a quoted name, a comment, a word, or an operator; a single quote character is an unclosed quote.
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|[\w.]+|[<>!=]=|<>|\S""")
# The names that error messages complain about: quoted, or after the word "column".
_BLAMED = re.compile(r"""(?:['"]|columns?(?: name)?:? +['"]?)(\w+(?:\.\w+)*)""", re.IGNORECASE)
_NUMERIC = re.compile("int|long|short|float|double|real|num|dec")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_COMPARISONS = frozenset({"=", "==", "!=", "<>", "<", ">", "<=", ">="})
_STARTS = ("SELECT", "WITH")


@dataclass(frozen=True)
class Known:
    """The tables of a service, and the columns of the tables in a query, with their types."""

    tables: Sequence[str]
    columns: Mapping[str, str]


def tokens_of(adql: str) -> list[str]:
    """Return the tokens of a query, without comments."""
    return [token for token in _TOKEN.findall(adql) if not token.startswith("--")]


def is_query(adql: str) -> bool:
    """Return whether a text begins like a query."""
    return next(iter(tokens_of(adql.lstrip("( \n\t"))), "").upper() in _STARTS


def advice(adql: str, tables: Sequence[str], said: str, known: Known) -> list[str]:
    """Return advice about a query of some tables that a service rejected."""
    tokens = tokens_of(adql)
    found = [*_signs(tokens), *_tables(tables, known), *_names(tokens, tables, said, known), *_texts(tokens, known)]
    return list(dict.fromkeys(found))


def empty_advice(adql: str) -> list[str]:
    """Return advice about a query without results."""
    tokens = tokens_of(adql)
    likes = [after for word, after in pairwise(tokens) if word.upper() == "LIKE"]
    return [f"In LIKE, the wildcard is % and not *, as in {each}." for each in likes if "*" in each]


def _signs(tokens: Sequence[str]) -> Iterator[str]:
    """Advice about operators and words that ADQL does not have."""
    if "'" in tokens or '"' in tokens:
        yield "A quote is not closed."
    if "==" in tokens:
        yield "Use = instead of == in ADQL."
    for word, after in pairwise(tokens):
        if word.upper() == "LIMIT" and after.isdigit():
            yield f"ADQL has no LIMIT. Start the query with SELECT TOP {after}."


def _tables(tables: Sequence[str], known: Known) -> Iterator[str]:
    """Advice about tables that do not exist."""
    for name in tables:
        if find_name(name, known.tables) is None and not name.lower().startswith("tap_schema."):
            near = [each for each in known.tables if each.lower().rpartition(".")[2] == name.lower()]
            yield f"Table {name!r} not found. {did_you_mean(name, known.tables, near)}"


def _names(tokens: Sequence[str], tables: Sequence[str], said: str, known: Known) -> Iterator[str]:
    """Advice about names that the service does not know and that are not tables: columns, and unquoted text."""
    parts = {part.lower() for name in tables for part in (name, *name.split("."))}
    places = {_bare(token): place for place, token in reversed(list(enumerate(tokens)))}
    for blamed in map(_bare, _BLAMED.findall(said)):
        if blamed in places and blamed not in parts and find_name(blamed, known.columns) is None:
            place = places[blamed]
            before = tokens[place - 1] if place else ""
            yield from _unknown(tokens[place], before, known.columns, sure="column" in said.lower())


def _bare(name: str) -> str:
    """A name in lower case, without its table and quotes, for comparison."""
    return name.strip('"').rpartition(".")[2].lower()


def _unknown(token: str, before: str, columns: Mapping[str, str], *, sure: bool) -> Iterator[str]:
    """Advice about a token that is not a column; ``sure`` if the error message is about columns."""
    near = closest(_bare(token), columns)
    if token.startswith('"'):
        yield f"Put text in single quotes: {_literal(token)}. Double quotes are for column names."
    elif near:
        yield f"Column {token!r} not found. {did_you_mean(token, near, near)}"
    elif sure and before in _COMPARISONS:
        yield f"Put text in quotes: {_literal(token)}."
    elif sure and columns:
        yield f"Column {token!r} not found."


def _literal(token: str) -> str:
    return "'" + token.strip('"').replace("'", "''") + "'"


def _texts(tokens: Sequence[str], known: Known) -> Iterator[str]:
    """Advice about numeric columns that are compared with text."""
    for name, sign, text in zip(tokens, tokens[1:], tokens[2:], strict=False):
        column = find_name(name.rpartition(".")[2], known.columns) if sign in _COMPARISONS else None
        if column is None or not text.startswith("'") or not _NUMERIC.search(known.columns[column].lower()):
            continue
        words = text.strip("'")
        if _DATE.match(words):
            yield f"{column!r} is a numeric column. Write dates as Modified Julian Dates: Time({words!r}).mjd."
        elif not _is_number(words):
            yield f"{column!r} is a numeric column, got {text}."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
