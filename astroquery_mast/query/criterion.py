"""Descriptions of criteria: the column, the syntax of values, and the known values.

In: columns, and the values that the package or MAST lists for them.  Out: a `Criterion` for each, and all of them as a
`CriteriaNamespace`, to show to users and for tab completion.  Nothing in this module sends a request.
"""

from __future__ import annotations

import html
import keyword
import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..exceptions import InvalidArgumentError
from ..tables.columns import Column, Columns, Kind, find_name, no_such, shown_columns
from .conditions import NUMBER
from .selection import unknown_filter

Form: TypeAlias = tuple[str, str]
"""A kind of value that a criterion accepts, and an example of it in a call."""
Forms: TypeAlias = Callable[[Column, Sequence[Any]], list[Form]]
"""Returns the forms of a column, with examples from its known values."""

OTHERS = "Others"
"""The group of criteria that are in no other group."""
# Wider text is hard to read, and narrower text leaves no room for descriptions (characters).
_WIDEST, _NARROWEST = 120, 60
# The maximum number of characters of known values that are shown.
_SHOWN_VALUES = 600
_FOR_EXAMPLE = re.compile(r"\be\.g\.,? ([^()]+)\)")
# Placeholders for values without a known example.
_PLACEHOLDERS = ("VALUE", "OTHER")
_WORDS = {Kind.TEXT: "text", Kind.FLOAT: "number", Kind.INTEGER: "integer", Kind.BOOLEAN: "True or False"}


class Criterion:
    """The description of a criterion of a query: its unit, the syntax of its values, and its known values.

    The representation in terminals and notebooks lists these.  Known values are attributes if they can be written as
    identifiers (``ACS_WFC`` for ``"ACS/WFC"``), and items (``criterion["ACS/WFC"]``), both with tab completion.
    Iterating over the object yields the known values.

    Attributes
    ----------
    name : str
        The name of the criterion, which is that of a column.
    description : str
        The description of the column.
    data_type : str
        ``"text"``, ``"number"``, ``"integer"``, ``"True or False"``, ``"time"``, ``"date"``, or another type of MAST's.
    unit : str
        The unit of plain numbers, as MAST writes it; empty without a unit.
    forms : tuple of (str, str)
        The kinds of values that are valid, each with an example.
    values : tuple
        The known values.  There may be more.
    note : str
        The source of the values.
    example : str
        A call with this criterion.
    """

    def __init__(
        self, column: Column, forms: Sequence[Form], values: Sequence[Any] = (), note: str = "", call: str = ""
    ) -> None:
        self.name = column.name
        self.description = column.about
        self.data_type = _data_type(column)
        self.unit = column.unit_text
        self.forms = tuple(forms)
        self.values = tuple(values)
        self.note = note
        self.example = f"{call}({forms[0][1]})" if forms else ""
        # Attributes of the instance, not created on access, because tab completion looks only at these.
        for identifier, value in _identifiers(self.values).items():
            if not hasattr(self, identifier):
                setattr(self, identifier, value)

    def __getitem__(self, value: Any) -> Any:
        """Return a known value, ignoring case; raise `InvalidArgumentError` for any other value."""
        if value in self.values:
            return self.values[self.values.index(value)]
        known = [each for each in self.values if isinstance(each, str)]
        found = find_name(value, known) if isinstance(value, str) else None
        if found is None:
            raise no_such(f"{value!r} is not among the known values of '{self.name}'.", str(value), known)
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, value: object) -> bool:
        return value in self.values

    def __bool__(self) -> bool:
        return True

    def __dir__(self) -> list[str]:
        """List the known values for tab completion, or the attributes if there are none."""
        offered = [name for name, value in _identifiers(self.values).items() if vars(self).get(name) == value]
        return offered or sorted(name for name in vars(self) if not name.startswith("_"))

    def _ipython_key_completions_(self) -> list[Any]:
        """List the completions of keys in brackets."""
        return list(self.values)

    def __repr__(self) -> str:
        """Describe the criterion."""
        width = _width()
        lines = _wrapped(f"{self.name}: {self.description}" if self.description else self.name, width, indent="")
        unit = f", in {self.unit}" if self.unit else ""
        lines += ["", f"  Type     {self.data_type}{unit}"]
        titles = ["  Takes   ", *[" " * 10] * len(self.forms)]
        longest = max((len(what) for what, _ in self.forms), default=0)
        lines += [f"{title} {what:{longest}}  {code}" for title, (what, code) in zip(titles, self.forms, strict=False)]
        if self.values:
            lines += _wrapped(f"  Values   {self._shown_values()}", width, indent=" " * 11)
        if self.note:
            lines += _wrapped(f"           {self.note}", width, indent=" " * 11)
        if self.example:
            lines += [f"  Example  {self.example}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Describe the criterion in a notebook."""
        unit = f", in {self.unit}" if self.unit else ""
        forms = _html_rows((html.escape(what), _code(example)) for what, example in self.forms)
        rows: list[tuple[str, str]] = [("Type", html.escape(f"{self.data_type}{unit}")), ("Takes", _html_table(forms))]
        if self.values or self.note:
            note = f"<br><small>{html.escape(self.note)}</small>" if self.note else ""
            rows.append(("Values", html.escape(self._shown_values()) + note))
        if self.example:
            rows.append(("Example", _code(self.example)))
        title = f"<b>{html.escape(self.name)}</b>: {html.escape(self.description)}"
        return f"<div>{title}{_html_table(_html_rows(rows))}</div>"

    def _shown_values(self) -> str:
        """The known values, up to a readable length."""
        texts = [str(value) for value in self.values]
        text = ", ".join(texts)
        if len(text) <= _SHOWN_VALUES:
            return text
        shown = text[:_SHOWN_VALUES].rpartition(", ")[0]
        return f"{shown}, ... ({len(texts)} in all)"


@dataclass(frozen=True)
class CriteriaSource:
    """The input of a `CriteriaNamespace`: the titles, groups, forms and values of the criteria."""

    title: str
    call: str
    forms: Forms
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    note: Callable[[str], str] = lambda _: ""
    hint: str = ""
    # Other arguments of the query method, to explain unknown names.
    arguments: Sequence[str] = ()


class CriteriaNamespace:
    """The criteria of a query, as attributes (``criteria.filters``) and items (``criteria["filters"]``).

    The representation in terminals and notebooks lists the criteria in groups; iterating over the object yields their
    names.  Each criterion is a `Criterion`.
    """

    def __init__(self, columns: Columns, source: CriteriaSource) -> None:
        self._columns = columns
        # The functions of the source are not stored, because they may not be picklable.
        self._title, self._group_names, self._hint = source.title, source.groups, source.hint
        self._arguments = source.arguments
        # Attributes of the instance, not created on access, because tab completion looks only at these.
        self._every = {column.name: _criterion(column, source) for column in shown_columns(columns)}
        vars(self).update({name: each for name, each in self._every.items() if _is_attribute(name)})

    def __getitem__(self, name: str) -> Criterion:
        """Return a criterion, ignoring case; raise `InvalidCriterionError` for an unknown one."""
        if not isinstance(name, str):
            raise InvalidArgumentError(f"The name of a criterion must be a string, got {name!r}.")
        found = find_name(name, self)
        if found is None:
            raise unknown_filter(name, self._columns, self._arguments)
        return self._every[found]

    def __iter__(self) -> Iterator[str]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

    def __contains__(self, name: object) -> bool:
        return name in self._every

    def __dir__(self) -> list[str]:
        """List the criteria whose names are identifiers, for tab completion."""
        return sorted(name for name in self if _is_attribute(name))

    def _ipython_key_completions_(self) -> list[str]:
        """List the completions of keys in brackets."""
        return list(self)

    def __repr__(self) -> str:
        """List the criteria in groups, with a line for each."""
        width = _width()
        lines = [self._title]
        longest = max(map(len, self), default=0)
        for group, members in self._groups().items():
            lines += ["", group] if group else [""]
            lines += [_shortened(f"  {each.name:{longest}}  {_about(each)}", width) for each in members]
        return "\n".join([*lines, "", *_wrapped(self._hint, width, indent="")])

    def _repr_html_(self) -> str:
        """List the criteria in groups in a notebook."""
        parts = [html.escape(self._title)]
        for group, members in self._groups().items():
            rows = ((_code(each.name), html.escape(_about(each))) for each in members)
            parts.append(f"<b>{html.escape(group)}</b>{_html_table(_html_rows(rows))}")
        return f"<div>{'<br>'.join(parts)}<br>{html.escape(self._hint)}</div>"

    def _groups(self) -> dict[str, list[Criterion]]:
        """The criteria by group, in the order of the groups."""
        groups = self._group_names
        group_of = {name: group for group, names in groups.items() for name in names}
        last = OTHERS if groups else ""
        found: dict[str, list[Criterion]] = {group: [] for group in (*groups, last)}
        # In the order of the groups, then in MAST's order.
        for name in dict.fromkeys((*group_of, *self)):
            if name in self:
                found[group_of.get(name, last)].append(self[name])
        return {group: members for group, members in found.items() if members}


def _criterion(column: Column, source: CriteriaSource) -> Criterion:
    """The criterion of a column."""
    values = source.values.get(column.name, ())
    return Criterion(column, source.forms(column, values), values, source.note(column.name), source.call)


# -- forms -----------------------------------------------------------------------------------------------------------


def examples_of(column: Column, values: Sequence[Any] = ()) -> list[str]:
    """Return examples of the values of a column, from its metadata or description, or else its known values."""
    told = _FOR_EXAMPLE.search(column.description)
    given = (text.strip() for text in (column.example or (told[1] if told else "")).split(","))
    # Use one value of a cell with several values, because all of them together are not a valid example.
    found = [text.split(column.separator)[0] if column.separator else text for text in given if text]
    return found or [str(value) for value in values]


def portal_forms(column: Column, values: Sequence[Any], *, listed: bool = False) -> list[Form]:
    """Return the forms of criteria on a column of the portal's services (`astroquery_mast.query.filters`).

    ``listed`` says that MAST can list the values of the column, even if none are known here.
    """
    if column.kind is Kind.BOOLEAN:
        return [("True or False", f"{column.name}=True"), ("anything but a value", f'{column.name}="!True"')]
    if column.continuous:
        return _range_forms(column)
    if column.kind is Kind.INTEGER:
        return _integer_forms(column, values)
    return _text_forms(column, values, listed or bool(values))


def _range_forms(column: Column) -> list[Form]:
    """The forms of a column of real numbers, or of times."""
    name = column.name
    if column.is_time:
        return [
            ("a range", f'{name}=["2022-07-01", "2022-08-01"]'),
            ("an open range", f'{name}=[Time("2022-07-01"), None]'),
            ("a range in MJD", f"{name}=[59761, 59792]"),
            ("a comparison", f'{name}=">=59761"'),
        ]
    low, high = _range_like(column)
    unit = str(column.astropy_unit or "")
    written = f"u.{unit}" if unit.isidentifier() else f'u.Unit("{unit}")'
    with_unit = [("a range with a unit", f"{name}=[{low} * {written}, None]")] if unit else []
    return [
        ("a range", f"{name}=[{low}, {high}]"),
        ("an open range", f"{name}=[{low}, None]"),
        *with_unit,
        ("one of several ranges", f"{name}=[[{low}, {high}], [{high}, None]]"),
        ("a comparison", f'{name}=">={low}"'),
    ]


def _range_like(column: Column) -> tuple[str, str]:
    """The ends of a range around the example of a column."""
    number = _number_like(column)
    return f"{number:g}", f"{number + (1 if column.unit_text == 'deg' else abs(number) or 1):g}"


def _number_like(column: Column, values: Sequence[Any] = ()) -> float:
    """A typical number in the column, from its examples, some of which may be words."""
    return next((float(text) for text in examples_of(column, values) if NUMBER.fullmatch(text)), 1.0)


def _integer_forms(column: Column, values: Sequence[Any]) -> list[Form]:
    """The forms of a column of integers."""
    name, one = column.name, int(_number_like(column, values))
    return [
        ("a value", f"{name}={one}"),
        ("one of several values", f"{name}=[{one - 1}, {one}]"),
        ("a comparison", f'{name}=">={one}"'),
        ("a range", f'{name}="{one - 1}..{one}"'),
        ("anything but a value", f'{name}="!{one}"'),
    ]


def _text_forms(column: Column, values: Sequence[Any], listed: bool) -> list[Form]:
    """The forms of a text column; values can be excluded only if they are listed."""
    name, (one, *others) = column.name, examples_of(column, values) or _PLACEHOLDERS
    forms = [("a value", f'{name}="{one}"')]
    if others:
        forms.append(("one of several values", f'{name}=["{one}", "{others[0]}"]'))
    forms.append(("one text with wildcards", f'{name}="{_pattern(one)}"'))
    if listed and not column.separator:
        if others:
            forms.append(("several with wildcards", f'{name}=["{_pattern(one)}", "{_pattern(others[0])}"]'))
        forms.append(("anything but a value", f'{name}="!{one}"'))
    return forms


def mission_forms(column: Column, values: Sequence[Any]) -> list[Form]:
    """Return the forms of criteria on a column of a mission (`astroquery_mast.missions.conditions`)."""
    name, dates = column.name, _holds_dates(column)
    if column.kind in {Kind.INTEGER, Kind.FLOAT} or dates:
        low, high = ('"2022-01-01"', '"2023-01-01"') if dates else ("10", "20")
        return [
            ("a value", f"{name}={low}"),
            ("a range", f"{name}=({low}, {high})"),
            ("an open range", f"{name}=({low}, None)"),
            ("a comparison", f'{name}=">={low.strip(chr(34))}"'),
        ]
    if column.kind is Kind.BOOLEAN:
        return [("True or False", f"{name}=True")]
    one, other = [*examples_of(column, values), *_PLACEHOLDERS][:2]
    return [
        ("a value", f'{name}="{one}"'),
        ("one of several values", f'{name}=["{one}", "{other}"]'),
        ("text with wildcards", f'{name}="{_pattern(one)}"'),
        ("anything but a value", f'{name}="!{one}"'),
    ]


def _holds_dates(column: Column) -> bool:
    """Whether a column of a mission contains dates as text."""
    return "date" in column.type_name.lower()


def _data_type(column: Column) -> str:
    """The data type of a column, in a word."""
    if column.is_time or _holds_dates(column):
        return "time" if column.is_time else "date"
    return _WORDS.get(column.kind or Kind.BYTE, column.kind_name)


def _pattern(text: str) -> str:
    """A text with its end replaced by a wildcard."""
    head = re.split(r"[/_;. ]", text, maxsplit=1)[0]
    if text in _PLACEHOLDERS or head != text:
        return f"{head}*"
    return f"{text[: max(2, len(text) // 2)]}*"


# -- text ------------------------------------------------------------------------------------------------------------


def _identifiers(values: Sequence[Any]) -> dict[str, Any]:
    """The values that can be written as identifiers, without those that would have the same identifier."""
    names = {value: _identifier(value) for value in values if isinstance(value, str)}
    often = Counter(names.values())
    return {name: value for value, name in names.items() if name.isidentifier() and often[name] == 1}


def _identifier(value: str) -> str:
    """A value as an identifier, such as ``ACS_WFC``."""
    name = re.sub(r"\W+", "_", value, flags=re.ASCII).strip("_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _is_attribute(name: str) -> bool:
    """Whether the name of a criterion can be written after a dot."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


def _about(criterion: Criterion) -> str:
    """The description of a criterion in one line."""
    unit = f" ({criterion.unit})" if criterion.unit and criterion.data_type != "time" else ""
    return f"{criterion.description}{unit}"


def _width() -> int:
    """The width of the terminal, limited to a readable range."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def _shortened(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 4].rstrip()} ..."


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """A text as lines, those after the first indented."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _html_rows(rows: Any) -> str:
    left = "text-align:left;vertical-align:top"
    return "".join(
        f'<tr><td style="{left}">{first}</td><td style="{left}">{second}</td></tr>' for first, second in rows
    )


def _html_table(rows: str) -> str:
    return f'<table style="margin:0.3em 0">{rows}</table>'
