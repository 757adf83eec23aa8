"""Names and types of the columns in the result of a query.

In: a tree in which every column has the name of its table, and every expression a type that is often too vague. Out:
names as written or as in the tables; types as in the tables or as determined by SQL Server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from .relations import Relation, SqlColumn
from .sqltypes import SqlType, sql_type

#: Key of a name as written in the query.
WRITTEN = "written"
_LARGEST_INT = 2**31 - 1


@dataclass(frozen=True)
class _Sources:
    """The possible sources of a column of a query."""

    scope: Scope | None
    known: Mapping[str, Relation]

    def origin(self, node: Any) -> SqlColumn | None:
        """Return the table column to which a column refers, also through subqueries; None for other expressions."""
        source = self.scope.sources.get(node.table) if self.scope is not None and isinstance(node, exp.Column) else None
        if isinstance(source, exp.Table) and source.name in self.known:
            return next(each for each in self.known[source.name].columns if each.name.lower() == node.name)
        return self._within(source, node.name) if isinstance(source, Scope) else None

    def _within(self, source: Scope, name: str) -> SqlColumn | None:
        """Return the table column to which a column of a subquery refers."""
        while source.set_operation_scopes:
            source = source.set_operation_scopes[0]
        query: Any = source.expression
        inner = next((each for each in query.selects if each.alias_or_name == name), None)
        return None if inner is None else _Sources(source, self.known).column(inner)

    def column(self, item: Any) -> SqlColumn:
        """Return name and type of an item of a SELECT."""
        origin = self.origin(item.unalias())
        given = str(item.alias_or_name) if origin is None else origin.name
        written = (node.meta[WRITTEN] for node in (item, item.unalias()) if WRITTEN in node.meta)
        return SqlColumn(next(written, given), self.kind(item.unalias()))

    def kind(self, node: Any) -> SqlType | None:
        """Return the type of an expression, or None if it depends on the values."""
        rule = next((rule for kinds, rule in _RULES.items() if isinstance(node, kinds)), _annotated)
        return rule(node, self)


def result_columns(tree: Any, known: Mapping[str, Relation]) -> tuple[SqlColumn, ...]:
    """Return the columns of a query; columns without a name have an empty one."""
    sources = _Sources(build_scope(tree), known)
    return tuple(map(sources.column, tree.selects))


def _annotated(node: Any, _sources: _Sources) -> SqlType | None:
    """Return the type according to sqlglot; the length of text does not follow from the types of its parts."""
    found = None if node.type is None else sql_type(node.type, "")
    casts = isinstance(node, exp.Cast)
    return SqlType(found.name, (-1,)) if found is not None and found.is_text and not casts else found


def _of_column(node: Any, sources: _Sources) -> SqlType | None:
    origin = sources.origin(node)
    return None if origin is None else origin.type


def _of_literal(node: Any, _sources: _Sources) -> SqlType:
    if node.is_string:
        return SqlType("varchar", (max(len(node.name), 1),))
    if not node.name.isdecimal():
        return SqlType("float")
    return SqlType("int" if int(node.name) <= _LARGEST_INT else "bigint")


def _of_mean(node: Any, sources: _Sources) -> SqlType | None:
    """Return the type of a mean; means of integers are integers."""
    inner = sources.kind(node.this)
    return inner if inner is not None and inner.is_integer else SqlType("float")


def _of_sum(node: Any, sources: _Sources) -> SqlType | None:
    """Return the type of a sum or quotient; for integers it is int, or bigint if an operand is."""
    inner, found = sources.kind(node.this), _annotated(node, sources)
    narrow = inner is not None and inner.is_integer and inner.name != "bigint"
    return SqlType("int") if narrow and found is not None and found.is_integer else found


def _of_choice(node: Any, sources: _Sources) -> SqlType | None:
    """Return the type of a choice between values; for several types, sqlglot determines which one applies."""
    inner, found = sources.kind(node.this), _annotated(node, sources)
    return inner if inner is not None and (found is None or inner.name == "real") else found


_RULES: Mapping[Any, Callable[[Any, _Sources], SqlType | None]] = {
    exp.Column: _of_column,
    exp.Literal: _of_literal,
    exp.Avg: _of_mean,
    (exp.Sum, exp.Div): _of_sum,
    (exp.Max, exp.Min, exp.Paren, exp.Neg, exp.Coalesce, exp.Nullif): _of_choice,
}
