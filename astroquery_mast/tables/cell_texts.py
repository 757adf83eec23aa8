"""The cells of a table as text for display.

In: some rows of a column.  Out: a `ShownColumn`.  ``display.json`` lists the columns with dates and sizes.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from astropy.table.column import BaseColumn

from ..exceptions import presentable

Indices = npt.NDArray[np.intp]
CellTexts = list[str | None]

MASKED = "--"
# The years 1900 and 2200 as Modified Julian Dates; MAST uses dates far in the future for missing ones.
_FIRST_DAY, _LAST_DAY = 15020, 124593
_MJD_EPOCH = date(1858, 11, 17)
_LONGEST_NUMBER = 10
# A time in ISO 8601, and its lengths to the day and to the minute.
_TIME, _DAY, _MINUTE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d"), 10, 16
_BYTES = ("B", "kB", "MB", "GB", "TB")


@cache
def display_rules() -> Mapping[str, Any]:
    """Return the display rules for columns and tables."""
    text = resources.files("astroquery_mast.tables").joinpath("display.json").read_text("utf-8")
    rules: dict[str, Any] = json.loads(text)
    return rules


@dataclass(frozen=True)
class ShownColumn:
    """A column as shown: the texts of the cells, None for missing values, and the width."""

    name: str
    unit: str
    cells: CellTexts
    full: CellTexts
    is_text: bool
    description: str
    width: int = 0

    @property
    def heading_width(self) -> int:
        """The width of the name and the unit."""
        return max(text_width(self.name), text_width(self.unit))

    @property
    def longest(self) -> int:
        """The width of the longest cell."""
        return max((len(MASKED) if cell is None else text_width(cell) for cell in self.cells), default=0)

    @property
    def is_empty(self) -> bool:
        """Whether all shown cells are empty."""
        return len(self.cells) > 0 and all(cell is None or not cell.strip() for cell in self.cells)


def shown_column(table: Table, name: str, rows: Indices, *, raw: bool = False) -> ShownColumn:
    """Return a column with the texts of some cells, and its width; with ``raw``, numbers are as astropy shows them."""
    column = table[name][rows]
    full = cell_texts(column)
    unit = getattr(column.info, "unit", None)
    shown, words = full, "" if unit is None else str(unit)
    if not raw and _is_number(column):
        shown, words = _numbers(name.lower(), column, full, words)
    about = str(getattr(column.info, "description", None) or "")
    made = ShownColumn(presentable(name), presentable(words), shown, full, not _is_number(column), about)
    return replace(made, width=max(made.heading_width, made.longest, 1))


def _is_number(column: Any) -> bool:
    """Whether a column contains scalar numbers."""
    return isinstance(column, BaseColumn) and column.dtype.kind in "iufc" and column.ndim == 1


def cell_texts(column: Any) -> list[str | None]:
    """Return the cells of a column as astropy shows them, each on one line, and None for missing values."""
    texts = _as_written(column)
    together = " ".join(texts)
    if presentable(together) != together:
        texts = list(map(presentable, texts))
    return [None if missing else text for missing, text in zip(_missing(column, len(texts)), texts, strict=True)]


def _as_written(column: Any) -> list[str]:
    """The cells of a column as astropy formats them; simple columns directly, without its loop over masked cells."""
    is_plain = isinstance(column, BaseColumn) and column.ndim == 1 and column.format is None
    if not is_plain or column.dtype.kind not in "Uiufb":
        return list(column.info.iter_str_vals())
    return list(map(str, np.asarray(np.ma.getdata(column))))


def _missing(column: Any, count: int) -> Sequence[bool]:
    """Whether each cell is missing: it is None, or completely masked."""
    if getattr(column, "dtype", np.dtype("U")).kind == "O" and column.ndim == 1:
        return [cell is None for cell in np.ma.asarray(column).filled(None).tolist()]
    mask = np.asarray(getattr(column, "mask", False))
    if mask.any() and mask.shape[:1] == (count,):
        return [bool(np.all(cell)) for cell in mask]
    return [False] * count


def _numbers(name: str, column: Any, full: CellTexts, unit: str) -> tuple[CellTexts, str]:
    """The cells of a numeric column as shown, and their unit."""
    values, rules = np.ma.getdata(column).tolist(), display_rules()
    if name in rules["dates"] and unit in {"", "d"}:
        days = _each(_day, values, full)
        # Show the numbers if one of them is not a date.
        if days.count(None) == full.count(None):
            return days, "UTC date"
    if name in rules["bytes"] and unit in {"", "byte"}:
        return _each(readable_size, values, full), ""
    if column.info.format is None and column.dtype.kind == "f":
        return [text and _rounded(text, value) for value, text in zip(values, full, strict=True)], unit
    return full, unit


def _each(shown: Callable[[float], str | None], values: Sequence[float], full: CellTexts) -> CellTexts:
    """Values as shown, and None for missing ones."""
    return [None if text is None else shown(value) for value, text in zip(values, full, strict=True)]


def _day(value: float) -> str | None:
    """A Modified Julian Date as a day, or None if it is out of range."""
    return str(_MJD_EPOCH + timedelta(days=int(value))) if _FIRST_DAY <= value < _LAST_DAY else None


def _rounded(text: str, value: float) -> str:
    """A number, rounded to eight digits if it is long."""
    return text if len(text) <= _LONGEST_NUMBER else f"{value:.8g}"


def readable_size(size: float) -> str:
    """Return a number of bytes as text, such as ``12.3 MB``."""
    if not math.isfinite(size):
        return str(size)
    unit = _BYTES[0]
    for unit in _BYTES:
        if abs(size) < 1000 or unit == _BYTES[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == _BYTES[0] else f"{size:.1f} {unit}"


def text_width(text: str) -> int:
    """Return the width of a text on a terminal, where East Asian wide characters take two columns, and accents none."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def justified(text: str, width: int, justify: Callable[[str, int], str] = str.ljust) -> str:
    """Return a text padded to a width; ``justify`` is `str.ljust`, `str.rjust` or `str.center`."""
    return justify(text, width - text_width(text) + len(text))


def beginning(text: str, width: int) -> str:
    """Return the beginning of a text that fits in a width."""
    if text.isascii():
        return text[: max(0, width)]
    return text[: bisect_right(list(accumulate(map(_character_width, text))), width)]


def ending(text: str, width: int) -> str:
    """Return the end of a text that fits in a width."""
    return beginning(text[::-1], width)[::-1]


def shortened(text: str, width: int, dots: str = "...") -> str:
    """Return a text shortened to a width, keeping its most specific part.

    This is the end of a path, the beginning of a sentence, the beginning and end of a name, or the day of a time.
    """
    if text_width(text) <= width:
        return text
    if _TIME.match(text) and width >= _DAY:
        return text[: _MINUTE if width >= _MINUTE else _DAY]
    room = width - len(dots)
    if room <= 0:
        return beginning(text, width)
    if " " in text:
        return beginning(text, room) + dots
    if "/" in text:
        return dots + ending(text, room)
    return beginning(text, room - room // 2) + dots + ending(text, room // 2)
