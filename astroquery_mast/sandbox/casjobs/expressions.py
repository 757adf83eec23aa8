"""Functions and operators of T-SQL in sqlglot trees: their names in SQLite, and the types of their results.

First `lower_functions` replaces functions that SQLite would evaluate differently; each is wrapped in a CAST that
tells sqlglot its type. Once the types are known, `settle_types` removes the CASTs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from .sqltypes import CasJobsSql, sql_type

_FLOATS: Mapping[type[exp.Expression], str] = {
    exp.Sqrt: "sqrt",
    exp.Exp: "exp",
    exp.Ln: "log",
    exp.Sin: "sin",
    exp.Cos: "cos",
    exp.Tan: "tan",
    exp.Asin: "asin",
    exp.Acos: "acos",
    exp.Atan: "atan",
    exp.Degrees: "degrees",
    exp.Radians: "radians",
    exp.Pi: "pi",
    exp.Stddev: "tsql_stdev",
    exp.Variance: "tsql_var",
}
#: Functions whose result has the type of their first argument.
_SAME: Mapping[type[exp.Expression], str] = {
    exp.Ceil: "ceiling",
    exp.Floor: "floor",
    exp.Round: "round",
    exp.Pow: "power",
    exp.Abs: "abs",
    exp.Sign: "sign",
}
_TEXTUAL: Mapping[type[exp.Expression], str] = {
    exp.Substring: "tsql_substring",
    exp.Left: "tsql_left",
    exp.Right: "tsql_right",
    exp.Chr: "char",
    exp.Upper: "upper",
    exp.Lower: "lower",
}
#: Functions that sqlglot does not know, with the types of their results.
_OTHERS: Mapping[str, tuple[str, str]] = {
    "NCHAR": ("char", "NVARCHAR(1)"),
    "STR": ("tsql_str", "VARCHAR(10)"),
    "ISNUMERIC": ("tsql_isnumeric", "INT"),
    "DATALENGTH": ("tsql_datalength", "INT"),
    "LEN": ("tsql_len", "INT"),
    "ATN2": ("atan2", "FLOAT"),
    "LOG10": ("log10", "FLOAT"),
    "SQUARE": ("tsql_square", "FLOAT"),
    "REPLICATE": ("tsql_replicate", "NVARCHAR(MAX)"),
    "LTRIM": ("ltrim", "NVARCHAR(MAX)"),
    "RTRIM": ("rtrim", "NVARCHAR(MAX)"),
}
_OWN_HANDLING: tuple[type[exp.Expression], ...] = (
    *(exp.Cast, exp.TryCast, exp.Convert, exp.Collate, exp.Replace, exp.Length, exp.StrPosition, exp.Concat),
    *(exp.CurrentTimestamp, exp.Trim, exp.Log, exp.Atan2),
)
FUNCTION_NODES: tuple[type[exp.Expression], ...] = (
    *(exp.Avg, exp.Coalesce, exp.Count, exp.Max, exp.Min, exp.Sum, exp.Nullif, exp.Unicode, exp.Anonymous, exp.Dot),
    *_FLOATS,
    *_SAME,
    *_TEXTUAL,
    *_OWN_HANDLING,
)
#: Mark of a CAST that only declares a type.
_MARK = "typed"


class UnknownFunction(Exception):
    """A function that the database does not support."""


def _typed(node: Any, kind: str | exp.DataType) -> exp.Cast:
    cast = exp.Cast(this=node, to=exp.DataType.build(kind, dialect=CasJobsSql) if isinstance(kind, str) else kind)
    cast.meta[_MARK] = True
    return cast


def _call(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[each for each in arguments if each is not None])


def lower_functions(tree: Any) -> None:
    """Replace functions of T-SQL by those of SQLite, from the inside out."""
    for node in reversed(list(tree.walk(bfs=True))):
        replacement = _lowered(node)
        if replacement is not None:
            replacement.meta.update({key: value for key, value in node.meta.items() if key != _MARK})
            node.replace(replacement)


def _lowered(node: Any) -> Any:
    kind = type(node)
    if kind in _LOWERED:
        return _LOWERED[kind](node)
    if kind in _FLOATS:
        return _typed(_call(_FLOATS[kind], *_arguments(node)), "FLOAT")
    if kind in _TEXTUAL:
        return _typed(_call(_TEXTUAL[kind], *map(_uncast, _arguments(node))), "NVARCHAR(MAX)")
    if kind is exp.Anonymous and not node.name.startswith("tsql_"):
        return _other(node)
    return None


def _arguments(node: Any) -> list[Any]:
    return [
        each
        for value in node.args.values()
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, exp.Expression)
    ]


def _other(node: exp.Anonymous) -> Any:
    if isinstance(node.parent, exp.Table):
        return None
    if node.name.upper() not in _OTHERS:
        raise UnknownFunction(node.name)
    name, kind = _OTHERS[node.name.upper()]
    return _typed(_call(name, *node.expressions), kind)


def _uncast(node: Any) -> Any:
    """Remove the CAST to text that the parser adds to arguments of text functions."""
    bare = isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.TEXT and not node.meta.get(_MARK)
    return node.this if bare else node


def _cast(node: Any) -> Any:
    target = sql_type(node.to, "cast")
    if node.meta.get(_MARK) or node.to.this == exp.DataType.Type.TEXT:
        return None
    if target is None:
        raise UnknownFunction(node.to.sql(CasJobsSql))
    name = "tsql_try_cast" if isinstance(node, exp.TryCast) else "tsql_cast"
    return _typed(_call(name, node.this, exp.Literal.string(str(target))), str(target))


def _convert(node: Any) -> Any:
    target = sql_type(node.this, "cast")
    if target is None:
        raise UnknownFunction(node.this.sql(CasJobsSql))
    style = node.args.get("style")
    return _typed(_call("tsql_cast", node.expression, exp.Literal.string(str(target)), style), str(target))


def _collate(node: Any) -> Any:
    """Return text with another collation: a binary one or one with CS is case-sensitive."""
    name = node.expression.name.upper()
    exact = "_BIN" in name or "_CS" in name
    wrapped = exp.Collate(this=node.this, expression=exp.Var(this="BINARY" if exact else "NOCASE"))
    return _typed(wrapped, "NVARCHAR(MAX)")


def _replace(node: Any) -> Any:
    """Return REPLACE, which compares by the collation of the text: not case-sensitive by default."""
    collated = [each for each in node.find_all(exp.Collate) if each.expression.name == "BINARY"]
    return _typed(_call("replace" if collated else "tsql_replace", *_arguments(node)), "NVARCHAR(MAX)")


def _like(node: exp.Like) -> Any:
    """Return LIKE with character sets, which SQLite does not support; it compares by the collation of the text."""
    if "[" not in node.expression.name or isinstance(node.parent, exp.Escape):
        return None
    exact = any(each.expression.name == "BINARY" for each in node.find_all(exp.Collate))
    found = _call("tsql_like", _uncast(node.this), node.expression, exp.Literal.number(int(exact)))
    return exp.Not(this=found) if node.args.get("negate") else found


def _length(node: Any) -> Any:
    return _typed(_call("tsql_len", _uncast(node.this)), "INT")


def _position(node: Any) -> Any:
    place = node.args.get("position")
    return _typed(_call("tsql_charindex", node.args["substr"], _uncast(node.this), place), "INT")


def _concat(node: Any) -> Any:
    return _typed(_call("tsql_concat", *map(_uncast, node.expressions)), "NVARCHAR(MAX)")


def _trim(node: Any) -> Any:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or ""), "trim")
    return _typed(_call(name, _uncast(node.this)), "NVARCHAR(MAX)")


_LOWERED: Mapping[type[exp.Expression], Callable[[Any], Any]] = {
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Convert: _convert,
    exp.Collate: _collate,
    exp.Replace: _replace,
    exp.Like: _like,
    exp.Length: _length,
    exp.StrPosition: _position,
    exp.Concat: _concat,
    exp.Trim: _trim,
    exp.CurrentTimestamp: lambda node: _typed(_call("tsql_now"), "DATETIME"),
    exp.Log: lambda node: _typed(_call("tsql_log", *_arguments(node)), "FLOAT"),
    exp.Atan2: lambda node: _typed(_call("atan2", *_arguments(node)), "FLOAT"),
    exp.National: lambda node: _typed(exp.Literal.string(node.name), "NVARCHAR(MAX)"),
}


def settle_types(tree: Any) -> None:
    """Remove the CASTs that declare types, rewrite what depends on types, and check divisors for zero."""
    for node in reversed(list(tree.walk(bfs=True))):
        replacement = _settled(node)
        if replacement is not None:
            node.replace(replacement)


def _settled(node: Any) -> Any:
    if isinstance(node, exp.Cast):
        return node.this if node.meta.get(_MARK) else None
    if isinstance(node, exp.Add):
        return exp.DPipe(this=node.this, expression=node.expression) if _is_text(node) else None
    if isinstance(node, exp.Avg):
        return _call("tsql_truncated", node.copy()) if _is_integer(node.this) else None
    if isinstance(node, (exp.Div, exp.Mod)) and _may_be_zero(node.expression):
        node.set("expression", _call("tsql_divisor", node.expression))
    return _call(_SAME[type(node)], *_arguments(node)) if type(node) in _SAME else None


def _may_be_zero(node: Any) -> bool:
    return not isinstance(node, exp.Literal) or float(node.name) == 0


def _is_text(node: Any) -> bool:
    return any(
        side.type is not None and side.type.this in exp.DataType.TEXT_TYPES for side in (node, node.left, node.right)
    )


def _is_integer(node: Any) -> bool:
    return node.type is not None and node.type.this in exp.DataType.INTEGER_TYPES
