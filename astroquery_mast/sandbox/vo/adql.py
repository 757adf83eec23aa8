"""ADQL, parsed by sqlglot, validated, and translated to SQL of SQLite.

Only what is listed here is accepted: one SELECT, with tables and functions of the service. The SQL is generated from
the tree, with names resolved and quoted; the database is also read-only.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp, parser, tokens
from sqlglot.dialects import Dialect
from sqlglot.dialects.dialect import NormalizationStrategy
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema
from sqlglot.tokenizer_core import TokenType

from .tables import Holding
from .votable import Field

#: Functions that sqlglot knows by these names; all others must be in one of the sets below.
_KNOWN = ("AVG", "COALESCE", "COUNT", "LOWER", "MAX", "MIN", "SUM", "UPPER")
#: Geometry (no more than in recorded capabilities of MAST), mathematics, and functions of the registry (RegTAP 1.1).
GEOMETRY = frozenset({"CONTAINS", "POINT", "CIRCLE", "POLYGON"})
MATHEMATICS = frozenset(
    (
        *("ABS", "ACOS", "ASIN", "ATAN", "ATAN2", "CEILING", "COS", "DEGREES", "EXP", "FLOOR", "LOG", "LOG10"),
        *("MOD", "PI", "POWER", "RADIANS", "ROUND", "SIN", "SQRT", "TAN", "TRUNCATE"),
    )
)
REGISTRY = frozenset(["IVO_HASHLIST_HAS", "IVO_HASWORD", "IVO_NOCASEMATCH", "IVO_STRING_AGG", "IVO_INTERVAL_OVERLAPS"])

_NODES: tuple[type[exp.Expression], ...] = (
    *(exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join),
    *(exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct),
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Identifier, exp.Column, exp.Star, exp.Literal, exp.Null),
    *(exp.Paren, exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Between, exp.In, exp.Is, exp.Like, exp.ILike, exp.Exists, exp.Case, exp.If, exp.Cast, exp.DataType, exp.Neg),
    *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.DPipe, exp.Anonymous),
    *(exp.Avg, exp.Coalesce, exp.Count, exp.Lower, exp.Max, exp.Min, exp.Sum, exp.Upper),
)
#: Longer queries, and more deeply nested ones, are refused before they are parsed.
LONGEST_QUERY, DEEPEST = 500_000, 100

_SQL_TYPES = {
    "char": "TEXT",
    "boolean": "BOOLEAN",
    "short": "SMALLINT",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
}
_VOTABLE_TYPES = {name: kind for kind, name in _SQL_TYPES.items()} | {"VARCHAR": "char", "TINYINT": "short"}
_NUMERIC = frozenset({"short", "int", "long", "float", "double"})
_ESCAPES = re.compile("\x1b\\[[0-9;]*m")


class QueryError(Exception):
    """A query that the service refuses, in its words."""


class ADQL(Dialect):
    """The ADQL dialect: TOP but no LIMIT, names that are not case-sensitive, integer division as in SQL Server."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_INSENSITIVE
    TYPED_DIVISION = True

    class Tokenizer(tokens.Tokenizer):
        """Tokenizer of the dialect."""

        KEYWORDS: ClassVar = {
            **{word: kind for word, kind in tokens.Tokenizer.KEYWORDS.items() if word not in {"LIMIT", "FETCH", "=="}},
            "TOP": TokenType.TOP,
        }

    class Parser(parser.Parser):
        """Parser of the dialect; few functions have a special meaning."""

        FUNCTIONS: ClassVar = {name: parser.Parser.FUNCTIONS[name] for name in _KNOWN}
        FUNCTION_PARSERS: ClassVar = {"CAST": parser.Parser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTIONS: ClassVar = {}


@dataclass(frozen=True)
class Translation:
    """A query for SQLite, the columns of its result, and the tables that it reads, by name in lower case.

    A column of unknown type has an empty ``datatype``.
    """

    sql: str
    fields: tuple[Field, ...]
    tables: frozenset[str]


def translate(adql: str, holding: Holding, most: int | None = None) -> Translation:
    """Translate a query to SQL that returns at most ``most`` rows.

    Without ORDER BY, and for rows that ORDER BY does not distinguish, the order depends on the text of the query, so
    that no client can rely on the order in which rows are stored.
    """
    try:
        return _translated(adql, holding, most)
    except RecursionError:
        raise QueryError("The query is nested too deeply.") from None


def _translated(adql: str, holding: Holding, most: int | None) -> Translation:
    tree = _parsed(adql)
    _check_nodes(tree, holding)
    for table in tree.find_all(exp.Table):
        _resolve(table, holding, {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)})
    try:
        schema = _schema(holding)
        tree = annotate_types(qualify(tree, schema=schema, dialect=ADQL), schema=schema)
    except OptimizeError as error:
        raise QueryError(_one_line(error)) from None
    _check_comparisons(tree)
    fields = tuple(_fields(tree, holding))
    _compute_geometry(tree, holding)
    ordered = _shuffled(tree, zlib.crc32(adql.encode()))
    if most is not None:
        given = ordered.args.get("limit")
        limit = most if given is None else min(most, _row_count(given.expression))
        ordered = ordered.limit(limit, copy=False)
    _unwrap(ordered)
    tables = frozenset(_stored(ordered))
    return Translation(ordered.sql("sqlite"), fields, tables)


def _unwrap(tree: exp.Query) -> None:
    """Rewrite the parentheses around a part of a UNION for SQLite."""
    for node in list(tree.find_all(exp.SetOperation)):
        for side in (node.this, node.expression):
            if isinstance(side, exp.Subquery):
                side.replace(exp.select("*").from_(side.this.subquery("part")))


def _stored(tree: exp.Query) -> Iterator[str]:
    """Replace the tables of a query by their names in the database, and generate these names."""
    for table in list(tree.find_all(exp.Table)):
        if table.db:
            name = f"{table.db}.{table.name}"
            table.set("this", exp.to_identifier(name, quoted=True))
            table.set("db", None)
            yield name


def _parsed(adql: str) -> exp.Query:
    if len(adql) > LONGEST_QUERY:
        raise QueryError(f"The query is longer than {LONGEST_QUERY} characters.")
    if max(accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in adql), default=0) > DEEPEST:
        raise QueryError("The query is nested too deeply.")
    try:
        statements = sqlglot.parse(adql, read=ADQL)
    except SqlglotError as error:
        raise QueryError(f"Incorrect syntax: {_one_line(error)}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryError("Only one statement is allowed, which must be a SELECT.")
    return statements[0]


def _one_line(error: Exception) -> str:
    """Return the message of a sqlglot error in one line."""
    return " ".join(_ESCAPES.sub("", str(error)).split())


def _check_nodes(tree: exp.Query, holding: Holding) -> None:
    for node in tree.walk():
        if not isinstance(node, _NODES) or isinstance(node, exp.Escape):
            raise QueryError(f"{type(node).__name__.upper()} is not supported.")
        if isinstance(node, exp.Anonymous):
            _check_function(node.name.upper(), holding)
        if isinstance(node, (exp.Limit, exp.Offset)):
            _row_count(node.expression)


def _check_function(name: str, holding: Holding) -> None:
    allowed = MATHEMATICS | REGISTRY | ({"CONTAINS", "POINT", *holding.shapes} if holding.shapes else set())
    if name not in allowed:
        raise QueryError(f"'{name}' is not a function that this service supports.")


def _row_count(node: Any) -> int:
    if not isinstance(node, exp.Literal) or not node.name.isdigit():
        raise QueryError("TOP and OFFSET need an integer.")
    return int(node.name)


def _resolve(table: exp.Table, holding: Holding, named: set[str]) -> None:
    """Replace a table name by the stored one; the default schema is ``dbo``."""
    name = table.sql(ADQL).split(" ")[0].replace('"', "").lower()
    if name not in named:
        stored = name if "." in name else f"dbo.{name}"
        if stored not in holding.by_key:
            raise QueryError(f"Invalid object name '{name}'.")
        table.set("db", exp.to_identifier(stored.partition(".")[0]))


def _schema(holding: Holding) -> MappingSchema:
    nested: dict[str, dict[str, object]] = {}
    for key, table in holding.by_key.items():
        schema, _, name = key.partition(".")
        kinds = {column.name: _SQL_TYPES[column.datatype] for column in table.columns}
        nested.setdefault(schema, {})[name] = kinds
    return MappingSchema(dict(nested), dialect=ADQL)


def _check_comparisons(tree: exp.Query) -> None:
    """Refuse a comparison of a number with text that SQL Server cannot convert to a number."""
    for node in tree.find_all(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In):
        sides = list(node.iter_expressions())
        if any(isinstance(side, exp.Column) and _kind(side) in _NUMERIC for side in sides):
            _check_numbers(side.name for side in sides if isinstance(side, exp.Literal) and side.is_string)


def _check_numbers(texts: Iterable[str]) -> None:
    for text in texts:
        if not _is_number(text):
            raise QueryError(f"Error converting data type varchar to numeric: '{text}'.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _kind(node: Any) -> str:
    return _VOTABLE_TYPES.get(node.type.this.name, "") if node.type is not None else ""


def _fields(tree: exp.Query, holding: Holding) -> Iterator[Field]:
    scope = build_scope(tree)
    for select in tree.selects:
        origin = scope and _origin(select.unalias(), scope, holding)
        name = select.alias_or_name
        if origin:
            yield Field(
                name, origin.datatype, origin.arraysize, origin.unit, origin.ucd, origin.utype, origin.xtype,
                origin.description,
            )  # fmt: skip
        else:
            yield Field(name, _kind(select))


def _origin(node: Any, scope: Scope, holding: Holding) -> Field | None:
    """Return the table column to which a result column refers, also through subqueries."""
    if isinstance(node, exp.Coalesce):  # columns merged by a NATURAL JOIN or USING
        columns = [node.this, *node.expressions]
        return _origin(columns[0], scope, holding) if len({column.name for column in columns}) == 1 else None
    source = scope.sources.get(node.table) if isinstance(node, exp.Column) else None
    if isinstance(source, exp.Table):
        return holding.by_key[f"{source.db}.{source.name}"].by_name.get(node.name)
    return _inner_origin(node.name, source, holding) if source is not None else None


def _inner_origin(name: str, source: Scope, holding: Holding) -> Field | None:
    """Return the table column to which a column of a subquery refers."""
    while source.set_operation_scopes:
        source = source.set_operation_scopes[0]
    query: Any = source.expression
    found = [select.unalias() for select in query.selects if select.alias_or_name == name]
    return _origin(found[0], source, holding) if found else None


def _compute_geometry(tree: exp.Query, holding: Holding) -> None:
    for node in list(tree.find_all(exp.Anonymous)):
        if node.name.upper() == "CONTAINS":
            node.replace(_contained(node))
    left = [node.name.upper() for node in tree.find_all(exp.Anonymous) if node.name.upper() in GEOMETRY]
    if left:
        raise QueryError(f"{left[0]} may only be used within CONTAINS(POINT(...), {' or '.join(holding.shapes)}(...)).")


def _contained(node: exp.Anonymous) -> exp.Expression:
    if len(node.expressions) != 2:
        raise QueryError("CONTAINS needs 2 arguments.")
    point, shape = node.expressions
    if _name(point) != "POINT" or _name(shape) not in _CONTAINERS:
        raise QueryError("CONTAINS needs a POINT and the shape that may contain it.")
    place = _coordinates(point)
    if len(place) != 2:
        raise QueryError("POINT needs two coordinates.")
    return _CONTAINERS[_name(shape)](place, _coordinates(shape))


def _in_polygon(place: list[Any], edges: list[Any]) -> exp.Expression:
    if len(edges) < 6 or len(edges) % 2:
        raise QueryError("POLYGON needs the coordinates of at least three vertices.")
    return exp.Anonymous(this="adql_in_polygon", expressions=[*place, *edges])


def _in_circle(place: list[Any], circle: list[Any]) -> exp.Expression:
    if len(circle) != 3:
        raise QueryError("CIRCLE needs a center and a radius.")
    inside = exp.Anonymous(this="adql_in_circle", expressions=[*place, *circle])
    # A comparison is faster than a Python function.
    low, high = (kind(this=circle[1].copy(), expression=circle[2].copy()) for kind in (exp.Sub, exp.Add))
    near = exp.Between(this=place[1].copy(), low=low, high=high)
    return exp.Case(ifs=[exp.If(this=near, true=inside)], default=exp.Literal.number(0))


_CONTAINERS = {"CIRCLE": _in_circle, "POLYGON": _in_polygon}


def _name(node: Any) -> str:
    return node.name.upper() if isinstance(node, exp.Anonymous) else ""


def _coordinates(node: exp.Expression) -> list[Any]:
    """Return the numbers of a shape, with parentheses around expressions; the only frame is ICRS."""
    frames = [each.name for each in node.expressions[:1] if isinstance(each, exp.Literal) and each.is_string]
    if not {frame.upper() for frame in frames} <= {"ICRS", ""}:
        raise QueryError(f"The frame '{frames[0]}' is not supported; use ICRS.")
    return [exp.paren(each.copy(), copy=False) for each in node.expressions[len(frames) :]]


def _shuffled(tree: exp.Query, seed: int) -> exp.Query:
    names: list[Any] = [select.unalias() for select in tree.selects]
    if isinstance(tree, exp.SetOperation):
        if tree.args.get("order"):
            return tree
        names = [exp.column(select.alias_or_name, quoted=True) for select in tree.selects]
        tree = exp.select("*").from_(tree.subquery("everything"))
    return tree.order_by(_mixed(seed, names[:3]), append=True, copy=False)


def _mixed(seed: int, values: Iterable[exp.Expression]) -> exp.Expression:
    listed = [exp.Literal.number(seed), *(value.copy() for value in values)]
    return exp.Anonymous(this="adql_shuffled", expressions=listed)
