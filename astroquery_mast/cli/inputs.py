"""Read tables from files and from standard input.

In: the name of a file, or ``-``.  Out: a table, in any format that the subcommands write.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.registry import IORegistryError
from astropy.table import MaskedColumn, Table

from ..tables.dataframes import table_of_parquet
from .exits import usage_failure
from .options import SUFFIXES

_INPUT = "-"
_URI = ":"


def read_inputs(words: Iterable[str]) -> list[Any]:
    """Read the tables among the words; other words, such as dataURIs and obsids, are returned unchanged."""
    found: list[Any] = []
    for word in words:
        if word == _INPUT or _is_file(word):
            read = _read(word)
            found += read if isinstance(read, list) else [read]
        else:
            found.append(word)
    return found


def _is_file(word: str) -> bool:
    """Return whether a word is the name of a file, and not a dataURI or an obsid."""
    suffixed = Path(word).suffix.lower() in SUFFIXES and _URI not in word
    return suffixed or Path(word).is_file()


def read_table(name: str) -> Table:
    """Return the table in a file or from standard input."""
    read = _read(name)
    if isinstance(read, list):
        raise usage_failure(f"{_named(name)} is not a table.")
    return read


def _named(name: str) -> str:
    return "standard input" if name == _INPUT else name


def _read(name: str) -> Table | list[str]:
    """Return a table, or the words of a list."""
    try:
        content = _content(name)
    except OSError as err:
        raise usage_failure(f"{_named(name)} cannot be read: {err.strerror or err}") from err
    form = SUFFIXES.get(Path(name).suffix.lower()) or _form_of(content)
    try:
        return content.decode().split() if form is None else _parsed(content, form, _named(name))
    except (OSError, ValueError, TypeError, KeyError, IndexError, IORegistryError, ImportError) as err:
        raise usage_failure(f"cannot read a table from {_named(name)}: {err}") from err


def _content(name: str) -> bytes:
    if name == _INPUT:
        return sys.stdin.buffer.read()
    return Path(name).expanduser().read_bytes()


def _form_of(content: bytes) -> str | None:
    """Return the format of a table from its beginning; None for a list of words."""
    begin = content.lstrip()[:2000]
    if begin.startswith(b"SIMPLE  ="):
        return "fits"
    if begin.startswith(b"PAR1"):
        return "parquet"
    if begin.startswith(b"["):
        return "json"
    if begin.startswith(b"<"):
        return "votable"
    if begin.startswith(b"# %ECSV"):
        return "ecsv"
    return "csv" if b"," in begin.partition(b"\n")[0] else None


def _parsed(content: bytes, form: str, name: str) -> Table:
    """Return the table in the content of a file."""
    if form == "parquet":
        return table_of_parquet(content, name)
    if form == "json":
        return _of_json(content)
    if form in {"csv", "ecsv"}:
        return Table.read(content.decode("utf-8-sig").splitlines(), format=f"ascii.{form}")
    return Table.read(io.BytesIO(content), format=form)


def _of_json(content: bytes) -> Table:
    """Return the table in a JSON list of objects; missing values are masked."""
    rows = json.loads(content)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("JSON must be a list with an object for each row")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table({name: _json_column([row.get(name) for row in rows]) for name in names})


def _json_column(cells: list[Any]) -> MaskedColumn:
    """Return a column of values; null is masked."""
    absent = [cell is None for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    kind: type = kinds.pop() if len(kinds) == 1 else float if kinds == {int, float} else str
    if kind not in {bool, int, float, str}:
        return MaskedColumn(np.array([*cells, None], dtype=object)[:-1], mask=absent)
    return MaskedColumn([kind() if cell is None else kind(cell) for cell in cells], mask=absent)
