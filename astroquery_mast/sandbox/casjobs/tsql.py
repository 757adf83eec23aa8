"""Queries in T-SQL, parsed by sqlglot, validated, and translated to SQL of SQLite.

In: the tree of one SELECT, and a catalog that resolves its names. Out: SQL, and names and types of the result columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from .expressions import FUNCTION_NODES, UnknownFunction, lower_functions, settle_types
from .relations import Relation, SqlColumn, SqlError, TableFunction
from .results import WRITTEN, result_columns
from .sqltypes import CasJobsSql

LONGEST_STATEMENT = 1_000_000
_ESCAPES = re.compile("\x1b\\[[0-9;]*m")
_UNRESOLVED = re.compile(r"(?:Column|Unknown column:?) '?\"?([^'\".]+)\"?'?")

_NODES: tuple[type[exp.Expression], ...] = (
    *(exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join),
    *(exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Fetch, exp.Offset, exp.Distinct),
    *(exp.LimitOptions, exp.Lateral, exp.Into, exp.Window, exp.WindowSpec, exp.RowNumber),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star, exp.Literal, exp.Null, exp.National),
    *(exp.Paren, exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Between, exp.In, exp.Is, exp.Like, exp.Escape, exp.Exists, exp.Case, exp.If, exp.Neg, exp.Any, exp.All),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.DPipe, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor),
    *(exp.BitwiseNot, exp.DataType, exp.DataTypeParam, exp.Var, exp.Boolean, exp.Schema, exp.ColumnDef),
    *FUNCTION_NODES,
)


class Catalog(Protocol):
    """Resolver of names."""

    def relation(self, parts: tuple[str, ...]) -> Relation:
        """Return the table with a name of one to three parts; `SqlError` if it does not exist."""

    def function(self, parts: tuple[str, ...]) -> TableFunction:
        """Return the function with such a name."""


@dataclass(frozen=True)
class Selection:
    """A query for SQLite, the columns of its result, and the tables that it reads."""

    sql: str
    columns: tuple[SqlColumn, ...]
    relations: tuple[Relation, ...]


def statements(text: str) -> list[exp.Expression]:
    """Return the statements of a batch."""
    if len(text) > LONGEST_STATEMENT:
        raise SqlError("The query is too long.")
    try:
        parsed = [each for each in sqlglot.parse(text, read=CasJobsSql) if each is not None]
    except (SqlglotError, RecursionError) as error:
        raise SqlError(f"Incorrect syntax near '{_near(error)}'.") from None
    if not parsed:
        raise SqlError("The query is empty.")
    return parsed  # type: ignore[return-value]


def _near(error: Exception) -> str:
    """Return the word at which the parser stopped."""
    told = getattr(error, "errors", None) or [{}]
    return str(told[0].get("highlight") or " ".join(_ESCAPES.sub("", str(error)).split())[:60])


def select(tree: exp.Expression, catalog: Catalog) -> Selection:
    """Return a SELECT translated for SQLite."""
    try:
        return _selected(tree.copy(), catalog)
    except RecursionError:
        raise SqlError("Some part of your SQL statement is nested too deeply.") from None


def _selected(tree: Any, catalog: Catalog) -> Selection:
    _drop_hints(tree)
    _check_nodes(tree)
    _note_names(tree)
    _order_clauses(tree)
    known = _resolve_tables(tree, catalog)
    for column in tree.find_all(exp.Column):  # database and schema are resolved and no longer needed
        column.set("catalog", None)
        column.set("db", None)
    try:
        lower_functions(tree)
    except UnknownFunction as error:
        raise SqlError(f"'{error}' is not a recognized built-in function name.") from None
    schema = MappingSchema({key: relation.kinds for key, relation in known.items()}, dialect=CasJobsSql)
    try:
        tree = annotate_types(qualify(tree, schema=schema, dialect=CasJobsSql), schema=schema, dialect=CasJobsSql)
    except OptimizeError as error:
        raise SqlError(_unresolved(str(error))) from None
    columns = result_columns(tree, known)
    settle_types(tree)
    _expand_table_functions(tree, known)
    return Selection(tree.sql("sqlite"), columns, tuple(known.values()))


def _check_nodes(tree: Any) -> None:
    for node in tree.walk():
        if not isinstance(node, _NODES):
            raise SqlError(f"Incorrect syntax near '{node.sql(CasJobsSql)[:60]}'.")
        if isinstance(node, exp.Into) and node.parent is not tree:
            raise SqlError("Incorrect syntax near the keyword 'INTO'.")
        if isinstance(node, exp.LimitOptions) and (node.args.get("percent") or node.args.get("with_ties")):
            raise SqlError("Incorrect syntax near the keyword 'TOP'.")


def _note_names(tree: Any) -> None:
    """Store the names of columns as written; later they are converted to lower case."""
    for part in tree.find_all(exp.Select):
        for item in part.selects:
            if not item.is_star:
                item.meta[WRITTEN] = item.alias_or_name if isinstance(item, (exp.Alias, exp.Column)) else ""


def _drop_hints(tree: Any) -> None:
    """Remove hints that do not change the result, such as NOLOCK and MAXDOP."""
    for name in ("hints", "options"):
        for node in tree.find_all(exp.Table, exp.Select):
            node.set(name, None)


def _order_clauses(tree: Any) -> None:
    """Write FETCH as LIMIT, and sort nulls first, as in SQL Server."""
    for part in tree.find_all(exp.Select):
        limit = part.args.get("limit")
        if isinstance(limit, exp.Fetch):
            part.set("limit", exp.Limit(expression=limit.args["count"]))
        if part.args.get("offset") is not None and part.args.get("limit") is None:
            part.set("limit", exp.Limit(expression=exp.Literal.number(-1)))
        for ordered in part.find_all(exp.Ordered):
            ordered.set("nulls_first", not ordered.args.get("desc"))


def _resolve_tables(tree: Any, catalog: Catalog) -> dict[str, Relation]:
    """Replace table names by those in SQLite; arguments of functions are kept in the join condition."""
    named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    known: dict[str, Relation] = {}
    for lateral in list(tree.find_all(exp.Lateral)):
        _apply(lateral)
    for table in list(tree.find_all(exp.Table)):
        parts = tuple(part.name for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part)
        if parts[1:] or parts[0].lower() not in named:
            relation = _resolved(table, parts, catalog)
            known[relation.key] = relation
            table.set("this", exp.to_identifier(relation.key))
    return known


def _resolved(table: exp.Table, parts: tuple[str, ...], catalog: Catalog) -> Relation:
    """Return the relation of a table or function."""
    called = table.this
    relation: Relation
    if isinstance(called, exp.Anonymous):
        relation = catalog.function(parts)
        _keep_arguments(table, called, relation)
    else:
        relation = catalog.relation(parts)
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(called.name, quoted=True)))
    for part in ("catalog", "db"):
        table.set(part, None)
    return relation


def _apply(lateral: exp.Lateral) -> None:
    """Write CROSS APPLY and OUTER APPLY of a function as a join."""
    join, called = lateral.parent, lateral.this
    place = [called]
    while isinstance(place[0], exp.Dot):
        place = [*place[0].flatten(), *place[1:]]
    *schema, function = place
    if not isinstance(join, exp.Join) or not isinstance(function, exp.Anonymous):
        raise SqlError("Incorrect syntax near the keyword 'APPLY'.")
    table = exp.Table(this=function, alias=lateral.args.get("alias"))
    for part, name in zip(("db", "catalog"), reversed(schema), strict=False):
        table.set(part, exp.to_identifier(name.name))
    join.set("this", table)
    join.set("side", None if lateral.args.get("cross_apply") else "LEFT")


_ARGUMENTS = "tsql_arguments"


def _keep_arguments(table: exp.Table, called: exp.Anonymous, relation: Relation) -> None:
    if isinstance(relation, TableFunction) and len(called.expressions) != relation.arguments:
        raise SqlError(
            f"An insufficient number of arguments were supplied for the procedure or function {called.name}."
        )
    kept: Any = exp.Anonymous(this=_ARGUMENTS, expressions=called.expressions)
    join = table.parent
    if isinstance(join, exp.Join):
        condition = join.args.get("on")
        join.set("on", kept if condition is None else exp.And(this=kept, expression=exp.paren(condition)))
        join.set("kind", None)
    elif any(kept.find_all(exp.Column)):
        raise SqlError(f"Incorrect syntax near '{called.name}'.")
    else:
        table.set("when", kept)


def _expand_table_functions(tree: Any, known: Mapping[str, Relation]) -> None:
    functions = {key: relation for key, relation in known.items() if isinstance(relation, TableFunction)}
    for table in list(tree.find_all(exp.Table)):
        relation = functions.get(table.name)
        scope = table.find_ancestor(exp.Select)
        if relation is None or scope is None:
            continue
        called = exp.Anonymous(this=relation.key, expressions=_arguments(table))
        table.set("this", exp.Anonymous(this="json_each", expressions=[called]))
        places = {column.name.lower(): place for place, column in enumerate(relation.columns)}
        for column in list(scope.find_all(exp.Column)):
            if column.table == table.alias_or_name:
                value = exp.column("value", table=table.alias_or_name, quoted=True)
                path = exp.Literal.string(f"$[{places[column.name]}]")
                column.replace(exp.Anonymous(this="json_extract", expressions=[value, path]))


def _arguments(table: exp.Table) -> list[Any]:
    """Return the arguments of a function, and remove them from where they were kept."""
    kept = table.args.get("when")
    if kept is not None:
        table.set("when", None)
        return list(kept.expressions)
    join = table.parent
    kept = next(node for node in join.args["on"].find_all(exp.Anonymous) if node.name == _ARGUMENTS)  # type: ignore[union-attr]
    kept.replace(exp.Literal.number(1))
    return list(kept.expressions)


def _unresolved(told: str) -> str:
    """Return the message of the optimizer in the words of SQL Server."""
    found = _UNRESOLVED.search(_ESCAPES.sub("", told))
    return f"Invalid column name '{found[1]}'." if found else f"Incorrect query: {' '.join(told.split())}"
