"""Queries in T-SQL, parsed by sqlglot, checked, and written as SQL of SQLite.

In: the tree of one SELECT, and what its names stand for. Out: SQL, and names and types of the columns of the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from .expressions import FUNCTION_NODES, UnknownFunction, lower_functions, settle_types
from .sqltypes import CasJobsSql, SqlType, sql_type

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


class SqlError(Exception):
    """A statement that the database refuses, in the words of SQL Server."""


@dataclass(frozen=True)
class SqlColumn:
    """A column of a table or of a result; without a type that of its values is taken, without a name it has none."""

    name: str
    type: SqlType | None
    nullable: bool = True


@dataclass(frozen=True)
class Relation:
    """A table; ``key`` is its name in SQLite, where those of its columns are in small letters."""

    key: str
    name: str
    columns: tuple[SqlColumn, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The types of the columns by their names."""
        return {column.name.lower(): str(column.type) for column in self.columns}


@dataclass(frozen=True)
class TableFunction(Relation):
    """A function that returns a table: in SQLite, one of the name ``key`` that returns rows as JSON."""

    arguments: int = 0


class Catalog(Protocol):
    """What names stand for."""

    def relation(self, parts: tuple[str, ...]) -> Relation:
        """Return the table with a name of one to three parts; `SqlError` if there is none."""

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
    """The word at which the parser stopped."""
    told = getattr(error, "errors", None) or [{}]
    return str(told[0].get("highlight") or " ".join(_ESCAPES.sub("", str(error)).split())[:60])


def select(tree: exp.Expression, catalog: Catalog) -> Selection:
    """Return a SELECT for SQLite."""
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
    for column in tree.find_all(exp.Column):  # what stands before the name of a table tells nothing more
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
    columns = tuple(_columns(tree, known))
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
    """Keep the names of columns as they are written: later all letters are small."""
    for part in tree.find_all(exp.Select):
        for item in part.selects:
            if not item.is_star:
                item.meta["written"] = item.alias_or_name if isinstance(item, (exp.Alias, exp.Column)) else ""


def _drop_hints(tree: Any) -> None:
    """Leave out what changes no result, such as NOLOCK and MAXDOP."""
    for name in ("hints", "options"):
        for node in tree.find_all(exp.Table, exp.Select):
            node.set(name, None)


def _order_clauses(tree: Any) -> None:
    """Write FETCH as LIMIT, and have nothing come first, as in SQL Server."""
    for part in tree.find_all(exp.Select):
        limit = part.args.get("limit")
        if isinstance(limit, exp.Fetch):
            part.set("limit", exp.Limit(expression=limit.args["count"]))
        if part.args.get("offset") is not None and part.args.get("limit") is None:
            part.set("limit", exp.Limit(expression=exp.Literal.number(-1)))
        for ordered in part.find_all(exp.Ordered):
            ordered.set("nulls_first", not ordered.args.get("desc"))


def _resolve_tables(tree: Any, catalog: Catalog) -> dict[str, Relation]:
    """Give tables the names that they have in SQLite; functions leave their arguments in the condition of the join."""
    named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    known: dict[str, Relation] = {}
    for lateral in list(tree.find_all(exp.Lateral)):
        _apply(lateral)
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.parent, exp.Into):
            continue
        parts = tuple(part.name for part in (table.args.get("catalog"), table.args.get("db")) if part)
        called = table.this
        if isinstance(called, exp.Anonymous):
            relation: Relation = catalog.function((*parts, called.name))
            _keep_arguments(table, called, relation)
        elif parts or called.name.lower() not in named:
            relation = catalog.relation((*parts, called.name))
        else:
            continue
        known[relation.key] = relation
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(called.name, quoted=True)))
        for part in ("catalog", "db"):
            table.set(part, None)
        table.set("this", exp.to_identifier(relation.key))
    return known


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
    """Take the arguments of a function back from where they were kept."""
    kept = table.args.get("when")
    if kept is not None:
        table.set("when", None)
        return list(kept.expressions)
    join = table.parent
    kept = next(node for node in join.args["on"].find_all(exp.Anonymous) if node.name == _ARGUMENTS)  # type: ignore[union-attr]
    kept.replace(exp.Literal.number(1))
    return list(kept.expressions)


def _columns(tree: Any, known: Mapping[str, Relation]) -> Iterator[SqlColumn]:
    scope = build_scope(tree)
    for item in tree.selects:
        origin = _origin(item.unalias(), scope, known)
        name = next((node.meta["written"] for node in (item, item.unalias()) if "written" in node.meta), None)
        if name is None:
            name = origin.name if origin is not None else str(item.alias_or_name)
        yield SqlColumn(name, _kind(item.unalias(), scope, known))


def _origin(node: Any, scope: Scope | None, known: Mapping[str, Relation]) -> SqlColumn | None:
    """The column of a table that a column of a result is, through whatever subqueries."""
    source = scope.sources.get(node.table) if scope is not None and isinstance(node, exp.Column) else None
    if isinstance(source, exp.Table) and source.name in known:
        return next(each for each in known[source.name].columns if each.name.lower() == node.name)
    if not isinstance(source, Scope):
        return None
    while source.set_operation_scopes:
        source = source.set_operation_scopes[0]
    query: Any = source.expression
    inner = next((each for each in query.selects if each.alias_or_name == node.name), None)
    if inner is None:
        return None
    found = _origin(inner.unalias(), source, known)
    written = next((part.meta["written"] for part in (inner, inner.unalias()) if "written" in part.meta), node.name)
    return SqlColumn(written or node.name, found.type if found else _kind(inner.unalias(), source, known))


#: Functions that return one of the values that they are given.
_CHOICES = (exp.Max, exp.Min, exp.Paren, exp.Neg, exp.Coalesce, exp.Nullif)


def _kind(node: Any, scope: Scope | None, known: Mapping[str, Relation]) -> SqlType | None:
    if isinstance(node, exp.Literal):
        return SqlType("varchar", (max(len(node.name), 1),)) if node.is_string else _number_kind(node.name)
    if isinstance(node, exp.Column):
        origin = _origin(node, scope, known)
        return origin.type if origin is not None else None
    if isinstance(node, exp.Avg) and node.this.type is not None and node.this.type.this in exp.DataType.INTEGER_TYPES:
        return _kind(node.this, scope, known)
    inner = _kind(node.this, scope, known) if isinstance(node, (*_CHOICES, exp.Sum, exp.Div)) else None
    found = sql_type(node.type, "") if node.type is not None else None
    if isinstance(node, (exp.Sum, exp.Div)) and inner is not None:
        # Whole numbers stay whole, and are no longer than they were.
        return SqlType("int") if inner.is_integer and inner.name != "bigint" and _is_whole(found) else found
    if inner is not None and (found is None or inner.name == "real"):
        found = inner
    if found is not None and found.is_text and not isinstance(node, exp.Cast):
        return SqlType(found.name, (-1,))  # how long the text is, the types of its parts do not tell
    return found


def _is_whole(kind: SqlType | None) -> bool:
    return kind is not None and kind.is_integer


def _number_kind(text: str) -> SqlType:
    if not text.isdecimal():
        return SqlType("float")
    return SqlType("int" if int(text) < 2**31 else "bigint")


def _unresolved(told: str) -> str:
    """The message of the optimizer in the words of SQL Server."""
    found = _UNRESOLVED.search(_ESCAPES.sub("", told))
    return f"Invalid column name '{found[1]}'." if found else f"Incorrect query: {' '.join(told.split())}"
