"""Analysis of SQL statements: whether they return rows, and in which table they store them.

In: a statement as text.  Out: the statement with an ``INTO``, or the name of its table.  The rest of the syntax is
checked by the server.  Names that users give are checked before they become part of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from ..exceptions import InvalidArgumentError

MYDB = "MYDB"
"""The context of the user's own database."""

# Comments, strings and quoted names are skipped, so that no keyword is found in them.
_TOKEN = re.compile(
    r"""
    (?P<skipped> --[^\n]* | /\*.*?(?:\*/|\Z) | '(?:[^']|'')*'? )
    | (?P<name> \[(?:[^\]]|\]\])*\]? | "(?:[^"]|"")*"? )
    | (?P<word> [@\#$]?[^\W\d][\w@\#$]* )
    | (?P<mark> [().,;=] )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_NAME = 128
"""The maximum length of a name in SQL Server."""
# Keywords that end the columns of a SELECT.
_AFTER_COLUMNS = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "UNION", "EXCEPT", "INTERSECT", "OPTION"})
# Statements other than queries, some of which may contain a SELECT.
_CHANGES = frozenset(
    [
        *("ALTER", "BULK", "CREATE", "DELETE", "DENY", "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "MERGE", "REVOKE"),
        *("TRUNCATE", "UPDATE"),
    ]
)


@dataclass(frozen=True)
class _Token:
    """A word, name or punctuation mark outside of parentheses, or a pair of parentheses with its contents."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The word in upper case; empty if this is not a word."""
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True)
class Statement:
    """A statement, with what is needed to add an ``INTO``.

    Parameters
    ----------
    text : str
        The statement.
    into : str or None
        The table in which it stores its rows, without the name of the database and without quotes.
    place : int or None
        The position at which an ``INTO`` can be added.  None if the statement returns no rows, or stores them already.
    unnamed : tuple of int
        The positions after columns without a name, which a table requires.
    """

    text: str
    into: str | None = None
    place: int | None = None
    unnamed: tuple[int, ...] = ()

    @property
    def only_reads(self) -> bool:
        """Whether the statement may be sent twice because it changes nothing."""
        return self.place is not None

    @property
    def why_no_place(self) -> str:
        """The reason why no ``INTO`` can be added."""
        if self.into:
            return f"The query already has an INTO ({self.into})."
        return "The statement returns no rows to store in a table."

    def with_into(self, table: str) -> str:
        """Return the statement with an ``INTO`` for a table of MyDB, whose name is checked."""
        if self.place is None:
            raise InvalidArgumentError(self.why_no_place)
        starts, ends = (0, *self.unnamed), (*self.unnamed, self.place)
        columns = [self.text[start:end] for start, end in zip(starts, ends, strict=True)]
        # The quick queue uses the same names.
        before = columns[0] + "".join(f" AS Column{number}{text}" for number, text in enumerate(columns[1:], 1))
        after = self.text[self.place :]
        # On a line of its own because the text before may end with a comment.
        return f"{before.rstrip()}\nINTO MyDB.[{plain_name(table)}]\n{after}"


def read_statement(sql: object) -> Statement:
    """Return the analysis of a statement."""
    if not isinstance(sql, str) or not sql.strip():
        raise InvalidArgumentError(f"The query must be a string of SQL, got {sql!r}.")
    tokens = list(_outer_tokens(sql))
    words = [each.keyword for each in tokens]
    first = _first_select(tokens)
    if first is None or not _CHANGES.isdisjoint(words) or "INTO" in words[first:]:
        return Statement(sql, _target(tokens))
    columns = list(takewhile(_is_of_columns, tokens[first + 1 :]))
    following = tokens[first + 1 + len(columns) :]
    return Statement(sql, None, following[0].start if following else len(sql), tuple(_unnamed(columns)))


def _outer_tokens(sql: str) -> Iterator[_Token]:
    """Yield the words, names and punctuation marks outside of parentheses, and pairs of parentheses as one token."""
    depth = begin = 0
    for found in _TOKEN.finditer(sql):
        kind, text = found.lastgroup or "", found[0]
        if text == "(":
            begin = found.start() if depth == 0 else begin
            depth += 1
        elif text == ")":
            depth -= 1
            if depth == 0:
                yield _Token("group", "()", begin, found.end())
        elif depth == 0 and kind != "skipped":
            yield _Token(kind, text, found.start(), found.end())


def _is_of_columns(token: _Token) -> bool:
    """Return whether a token belongs to the columns of a SELECT."""
    return token.keyword not in _AFTER_COLUMNS and token.text != ";"


def _unnamed(tokens: list[_Token]) -> Iterator[int]:
    """Yield the positions after the columns of a SELECT that are function calls or CASE expressions without a name."""
    commas = [at for at, each in enumerate(tokens) if each.text == ","]
    for start, end in zip((0, *(at + 1 for at in commas)), (*commas, len(tokens)), strict=True):
        column = tokens[start:end]
        if len(column) > 1 and (column[-1].keyword == "END" or _is_call(*column[-2:])):
            yield column[-1].end


def _is_call(name: _Token, group: _Token) -> bool:
    """Return whether a name with parentheses after it is a function call."""
    return group.kind == "group" and name.kind in {"word", "name"} and name.keyword not in {"ALL", "DISTINCT", "TOP"}


def _first_select(tokens: list[_Token]) -> int | None:
    """Return the index of the first SELECT that returns rows; one that sets a variable (``SELECT @x = 1``) does not."""
    for at, each in enumerate(tokens):
        following = "".join(token.text for token in tokens[at + 1 : at + 3])
        if each.keyword == "SELECT" and not (following.startswith("@") and following.endswith("=")):
            return at
    return None


def _target(tokens: list[_Token]) -> str | None:
    """Return the table after the first INTO, without the names of the database and the schema."""
    at = next((number for number, each in enumerate(tokens) if each.keyword == "INTO"), None)
    if at is None:
        return None
    name = ""
    for each in tokens[at + 1 :]:
        if each.text != "." and name and not name.endswith("."):
            break
        name += each.text if each.text == "." else each.text.strip('[]"').replace(".", "_")
    return name.rpartition(".")[2] or None


def plain_name(name: object, what: str = "table") -> str:
    """Return a name that can be used in a statement without quotes, or raise if it is not valid."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InvalidArgumentError(
            f"{name!r} is not a valid name of a {what}. Names must have at most {LONGEST_NAME} letters (A to "
            "Z), digits and underscores, and not start with a digit."
        )
    return name


def checked_context(context: object) -> str:
    """Return the name of a context, spelled as CasJobs requires it where this is known."""
    name = plain_name(context, "context")
    return MYDB if name.upper() == MYDB else name
