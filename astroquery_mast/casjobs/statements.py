"""What has to be known of a statement in SQL to send it: whether it returns rows, and into which table it puts them.

In: a statement as text.  Out: the same one with an ``INTO``, or the name in it.  The rest of the language is the
server's affair.  Names that users give are checked before they go into a statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..exceptions import InvalidArgumentError

MYDB = "MYDB"
"""The context that is the user's own database."""

# Comments, text and names in marks are skipped as a whole, so that no word is found in them.
_TOKEN = re.compile(
    r"""
    (?P<skipped> --[^\n]* | /\*.*?(?:\*/|\Z) | '(?:[^']|'')*'? )
    | (?P<name> \[(?:[^\]]|\]\])*\]? | "(?:[^"]|"")*"? )
    | (?P<word> [@\#$]?[^\W\d][\w@\#$]* )
    | (?P<mark> [().;=] )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The longest name that SQL Server takes.
_LONGEST_NAME = 128
# What may follow the columns of a SELECT.
_AFTER_COLUMNS = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "UNION", "EXCEPT", "INTERSECT", "OPTION"})
# Statements other than a query, some of which may hold a SELECT.
_CHANGES = frozenset(
    [
        *("ALTER", "BULK", "CREATE", "DELETE", "DENY", "DROP", "EXEC", "EXECUTE", "GRANT", "INSERT", "MERGE", "REVOKE"),
        *("TRUNCATE", "UPDATE"),
    ]
)


@dataclass(frozen=True)
class _Token:
    """A word, a name or a mark that stands outside of parentheses."""

    kind: str
    text: str
    start: int

    @property
    def keyword(self) -> str:
        """The word as the language has it; empty for what is none."""
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True)
class Statement:
    """A statement as far as it is understood here.

    Parameters
    ----------
    text : str
        The statement.
    into : str or None
        The table into which it puts its rows, without the name of the database and without marks.
    place : int or None
        Where an ``INTO`` may be added; None if the statement returns no rows, or puts them somewhere.
    """

    text: str
    into: str | None = None
    place: int | None = None

    @property
    def only_reads(self) -> bool:
        """Whether it may be sent twice, because it changes nothing."""
        return self.place is not None

    @property
    def why_no_place(self) -> str:
        """Why no ``INTO`` can be added."""
        if self.into:
            return f"The query has an INTO of its own ({self.into})."
        return "The statement returns no rows that could be put into a table."

    def with_into(self, table: str) -> str:
        """Return the statement with a place for its rows: a table of MyDB, whose name is checked."""
        if self.place is None:
            raise InvalidArgumentError(self.why_no_place)
        before, after = self.text[: self.place], self.text[self.place :]
        # On a line of its own, behind which a comment may end.
        return f"{before.rstrip()}\nINTO MyDB.[{checked_name(table)}]\n{after}"


def read_statement(sql: object) -> Statement:
    """Return what there is to know of a statement."""
    if not isinstance(sql, str) or not sql.strip():
        raise InvalidArgumentError(f"{sql!r} is not a query: text in SQL is needed.")
    tokens = list(_outer_tokens(sql))
    words = [each.keyword for each in tokens]
    selects = [at for at, word in enumerate(words) if word == "SELECT" and not _assigns(tokens[at + 1 :])]
    if not selects or not _CHANGES.isdisjoint(words):
        return Statement(sql, _target(tokens))
    first = selects[0]
    if "INTO" in words[first:]:
        return Statement(sql, _target(tokens[first:]))
    ends = (each.start for each in tokens[first:] if each.keyword in _AFTER_COLUMNS or each.text == ";")
    return Statement(sql, None, next(ends, len(sql)))


def _outer_tokens(sql: str) -> Iterator[_Token]:
    """The words, names and marks outside of parentheses."""
    depth = 0
    for found in _TOKEN.finditer(sql):
        kind, text = found.lastgroup or "", found[0]
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif depth == 0 and kind != "skipped":
            yield _Token(kind, text, found.start())


def _assigns(tokens: list[_Token]) -> bool:
    """Whether what follows a SELECT sets a variable, as in ``SELECT @x = 1``."""
    return len(tokens) > 1 and tokens[0].text.startswith("@") and tokens[1].text == "="


def _target(tokens: list[_Token]) -> str | None:
    """The table behind the first INTO: the last part of a name that may have those of database and schema before."""
    at = next((number for number, each in enumerate(tokens) if each.keyword == "INTO"), None)
    if at is None:
        return None
    name = ""
    for each in tokens[at + 1 :]:
        if each.text != "." and name and not name.endswith("."):
            break
        name += each.text if each.text == "." else each.text.strip('[]"').replace(".", "_")
    return name.rpartition(".")[2] or None


def checked_name(name: object, what: str = "table") -> str:
    """Return a name that can go into a statement as it is; raise if it could be anything else."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise InvalidArgumentError(
            f"{name!r} is not the name of a {what}: letters, digits and underscores, at most {_LONGEST_NAME}, and "
            "no digit first."
        )
    return name


def checked_context(context: object) -> str:
    """Return the name of a context as the service writes it, as far as that is known."""
    name = checked_name(context, "context")
    return MYDB if name.upper() == MYDB else name
