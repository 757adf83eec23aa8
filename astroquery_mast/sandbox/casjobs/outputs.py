"""Tables as sent by the service: the text of quick results, and files of extracted tables."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..vo.votable import Field, votable
from .mydb import Result
from .relations import SqlColumn
from .sqltypes import SqlType

_KINDS: Mapping[str, tuple[str, str, str]] = {
    "bit": ("boolean", "B", "u1"),
    "tinyint": ("unsignedByte", "B", "u1"),
    "smallint": ("short", "I", ">i2"),
    "int": ("int", "J", ">i4"),
    "bigint": ("long", "K", ">i8"),
    "real": ("float", "E", ">f4"),
    "float": ("double", "D", ">f8"),
    "decimal": ("double", "D", ">f8"),
}


def _names(columns: Iterable[SqlColumn]) -> list[str]:
    """Return unique names of the columns: those without a name, and repeated ones, are numbered."""
    names: list[str] = []
    for column in columns:
        unnamed = not column.name
        base = column.name or "Column"
        number = 1 if unnamed else 0
        taken = {name.lower() for name in names}
        while (name := f"{base}{number}" if number else base).lower() in taken:
            number += 1
        names.append(name)
    return names


def _kind(column: SqlColumn) -> SqlType:
    return column.type or SqlType("nvarchar", (-1,))


def _header(result: Result, separator: str) -> str:
    named = zip(_names(result.columns), result.columns, strict=True)
    return separator.join(f"[{name}]:{_kind(column).name}" for name, column in named)


def _cells(result: Result, null: str, quote: Callable[[str], str]) -> Iterable[Sequence[str]]:
    """Return the rows as text; conversion by column is much faster than by row."""
    values = zip(*result.rows, strict=True) if result.rows else [()] * len(result.columns)
    columns = (_kind(column).printed(cells, null, quote) for column, cells in zip(result.columns, values, strict=True))
    return zip(*columns, strict=True)


def quick_text(result: Result) -> str:
    """Return a result of the quick queue: types in the header, text in quotation marks."""
    lines = map(",".join, _cells(result, "null", lambda text: '"' + text.replace('"', '""') + '"'))
    return "\n".join([_header(result, ","), *lines, ""])


def tab_text(result: Result) -> str:
    """Return a table as sent by the fast service: cells separated by tabs, empty cells for null."""
    lines = map("\t".join, _cells(result, "", lambda text: re.sub(r"[\t\r\n]", " ", text)))
    return "\n".join([_header(result, "\t"), *lines, ""])


def _csv(result: Result) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_names(result.columns))
    writer.writerows(_cells(result, "NULL", str))
    return text.getvalue().encode()


def _fits(result: Result) -> bytes:
    """Return a binary table whose TDIM keywords are wrong, like those of the service."""
    from astropy.io import fits  # noqa: PLC0415 - slow to import

    values = zip(*result.rows, strict=True) if result.rows else [()] * len(result.columns)
    named = zip(_names(result.columns), result.columns, values, strict=True)
    columns = [_fits_column(fits, name, _kind(column), cells) for name, column, cells in named]
    whole = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(whole)
    with fits.open(io.BytesIO(whole.getvalue())) as units:
        header, place = units[1].header, units.fileinfo(1)
    for number in range(1, len(columns) + 1):
        header[f"TDIM{number}"] = f"({len(result.rows) + 1},{number + 1})"
    content = whole.getvalue()
    changed: bytes = content[: place["hdrLoc"]] + header.tostring().encode("ascii") + content[place["datLoc"] :]
    return changed


def _fits_column(fits: Any, name: str, kind: SqlType, cells: Sequence[Any]) -> Any:
    if kind.name not in _KINDS:
        texts = np.array([str("" if cell is None else cell).encode("ascii", "replace") for cell in cells], "S")
        return fits.Column(name, f"{max(texts.dtype.itemsize, 1)}A", array=texts)
    _, letter, dtype = _KINDS[kind.name]
    null = np.nan if dtype[1] == "f" else _no_number(np.iinfo(dtype))
    numbers = np.array([null if cell is None else cell for cell in cells], dtype)
    has_mark = dtype[1] != "f" and None in cells
    return fits.Column(name, letter, null=null if has_mark else None, array=numbers)


def _no_number(limits: Any) -> int:
    """Return the integer that represents null."""
    return int(limits.min or limits.max)


def _votable(result: Result) -> bytes:
    named = zip(_names(result.columns), result.columns, strict=True)
    fields = [Field(name, _KINDS.get(_kind(column).name, ("unicodeChar",))[0]) for name, column in named]
    flags = [_kind(column).name == "bit" for column in result.columns]
    rows = result.rows
    if any(flags):
        rows = [
            [bool(cell) if flag and cell is not None else cell for flag, cell in zip(flags, row, strict=True)]
            for row in rows
        ]
    return votable(fields, rows)


def _dataset(result: Result) -> bytes:
    from xml.sax.saxutils import escape  # noqa: PLC0415 - only used by this format

    names = [re.sub(r"\W", lambda found: f"_x{ord(found[0]):04X}_", name) for name in _names(result.columns)]
    nothing = "\0"
    rows = (
        "".join(f"<{name}>{escape(cell)}</{name}>" for name, cell in zip(names, row, strict=True) if cell != nothing)
        for row in _cells(result, nothing, str)
    )
    body = "\n".join(f"<Table>{row}</Table>" for row in rows)
    return f'<?xml version="1.0" standalone="yes"?>\n<NewDataSet>\n{body}\n</NewDataSet>\n'.encode()


#: Formats of extracted tables, with file extensions and media types.
FORMS: Mapping[str, tuple[Callable[[Result], bytes], str, str]] = {
    "CSV": (_csv, "csv", "text/csv"),
    "DataSet": (_dataset, "xml", "text/xml"),
    "FITS": (_fits, "fit", "application/fits"),
    "VOTable": (_votable, "vot", "text/xml"),
}
