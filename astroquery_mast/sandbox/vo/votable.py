"""VOTable documents (version 1.4, TABLEDATA), written in pieces, so that large results need little memory.

>>> from astroquery_mast.sandbox.vo.votable import Field, votable
>>> fields = [
...     Field("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
...     Field("target_name"),
... ]
>>> b"<TD>10.5</TD><TD>A &amp; B</TD>" in votable(fields, [(10.5, "A & B")])
True
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape as _escape
from xml.sax.saxutils import quoteattr

from ..reply import Reply

#: Required by DALI, and recognized by `requests` and pyvo.
VOTABLE_TYPE = "application/x-votable+xml"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
)
#: Number of rows encoded at a time.
_PIECE = 2000
#: Characters that cannot be written in XML.
_UNWRITABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "?")


@dataclass(frozen=True)
class Field:
    """A column of a VOTable, or a parameter if it has a ``value``.

    ``datatype`` is one of VOTable's (``char``, ``unicodeChar``, ``boolean``, ``short``, ``int``, ``long``, ``float``,
    ``double``, ...); text without an ``arraysize`` has variable length.
    """

    name: str
    datatype: str = "char"
    arraysize: str = ""
    unit: str = ""
    ucd: str = ""
    utype: str = ""
    xtype: str = ""
    description: str = ""
    value: str | None = None

    def xml(self) -> str:
        """Return the XML element."""
        given = {name: getattr(self, name) for name in ("name", "datatype", "unit", "ucd", "utype", "xtype")}
        given["arraysize"] = self.arraysize or {"char": "*", "unicodeChar": "*"}.get(self.datatype, "")
        # Readers would invent an ID for a name that is not a valid ID.
        given["ID"] = "" if self.name.isidentifier() else re.sub(r"^(?=\d)|\W", "_", self.name)
        attributes = {name: value for name, value in given.items() if value}
        if self.value is None:
            return _element("FIELD", attributes, _described(self.description))
        return _element("PARAM", {**attributes, "value": self.value}, _described(self.description))


def _described(text: str) -> str:
    return f"<DESCRIPTION>{escape(text)}</DESCRIPTION>" if text else ""


def escape(text: str) -> str:
    """Return text as the content of an element."""
    return _escape(text if text.isprintable() else text.translate(_UNWRITABLE))


def _element(name: str, attributes: Mapping[str, str], inner: str = "") -> str:
    written = "".join(f" {key}={quoteattr(value.translate(_UNWRITABLE))}" for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>\n" if inner else f"<{name}{written}/>\n"


def votable(fields: Sequence[Field], rows: Iterable[Sequence[object]] = (), **options: object) -> bytes:
    """Return a complete document; the options are those of `pieces`."""
    return b"".join(pieces(fields, rows, **options))  # type: ignore[arg-type]


def pieces(
    fields: Sequence[Field],
    rows: Iterable[Sequence[object]] = (),
    *,
    infos: Mapping[str, str] | None = None,
    params: Sequence[Field] = (),
    name: str = "results",
    description: str = "",
    maxrec: int | None = None,
    resources: str = "",
) -> Iterator[bytes]:
    """Generate the pieces of a document with one table.

    Parameters
    ----------
    fields : sequence of Field
        The columns.
    rows : iterable of sequence
        Rows of the table. None is null; lists and tuples are arrays.
    infos : mapping of str to str, optional
        Names and values of INFO elements before the table.
    params : sequence of Field
        Parameters of the result; SIA and SSA use them to describe their input.
    name, description : str
        Name of the table, and description of the result.
    maxrec : int, optional
        Maximum number of rows; if there are more, QUERY_STATUS is OVERFLOW after the table.
    resources : str
        Additional RESOURCE elements in XML, such as DataLink service descriptors.
    """
    facts = {"QUERY_STATUS": "OK", **(infos or {})}
    head = "".join(_element("INFO", {"name": key, "value": value}) for key, value in facts.items())
    columns = "".join(field.xml() for field in (*params, *fields))
    yield f'{_HEAD}<RESOURCE type="results">\n{_described(description)}{head}'.encode()
    yield f"<TABLE name={quoteattr(name)}>\n{columns}<DATA><TABLEDATA>\n".encode()
    left = iter(rows)
    wanted = left if maxrec is None else islice(left, maxrec)
    while piece := list(islice(wanted, _PIECE)):
        cells = map(_column, zip(*piece, strict=True))
        yield "".join(f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n" for row in zip(*cells, strict=True)).encode()
    more = maxrec is not None and next(left, None) is not None
    tail = _element("INFO", {"name": "QUERY_STATUS", "value": "OVERFLOW"}) if more else ""
    yield f"</TABLEDATA></DATA>\n</TABLE>\n{tail}</RESOURCE>\n{resources}</VOTABLE>\n".encode()


def _column(values: Sequence[Any]) -> Iterable[str]:
    """Return values as text; columns of a single type, the usual case, are converted much faster than others."""
    kinds = set(map(type, values))
    if kinds == {str} and _PLAIN.fullmatch("".join(values)):
        return values
    if kinds == {int} or (kinds == {float} and math.isfinite(sum(values))):
        return map(str, values)
    return map(_cell, values)


#: Text without characters to be escaped.
_PLAIN = re.compile("[ -%'-;=?-~]*")


def _cell(value: object) -> str:
    return _WRITERS.get(type(value), str)(value)


def _number(value: float) -> str:
    return str(value) if math.isfinite(value) else {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")


def _array(values: Iterable[object]) -> str:
    return " ".join(map(_cell, values))


#: Functions that format values by type; the default is `str`.
_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: escape,
    bool: lambda value: "T" if value else "F",
    float: _number,
    type(None): lambda value: "",
    list: _array,
    tuple: _array,
}


def error(message: str, status: int = 400) -> Reply:
    """Return the document with which a service refuses a request (DALI, section 4.2)."""
    info = _element("INFO", {"name": "QUERY_STATUS", "value": "ERROR"}, escape(message))
    body = f'{_HEAD}<RESOURCE type="results">\n{info}</RESOURCE>\n</VOTABLE>\n'.encode()
    return Reply(status, (("Content-Type", VOTABLE_TYPE),), body)
