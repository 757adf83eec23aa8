"""Tables for the tests of CasJobs: strings that are easily corrupted, and tables of all types."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from hypothesis import strategies as st

ODD_TEXTS = (
    *("", "NULL", "null", " ", " leading", "trailing ", "a b", "a,b", 'say "x"', '"', '""', "two\nlines", "cr\rlf\r\n"),
    *("\ttab", "it's", "007", "1e5", "nan", "x41", "tt", "v", "<a>&amp;", "100%", "+", "[x]", "; DROP TABLE y --"),
    *("é", "e\u0301", "星", "\U0001d518", "\ud800", "\udc00x", "\ufeff", "\x01", "\x7f", "\u2028", "a\0b"),
)


def plain(column: Any) -> list[Any]:
    """Return the cells of a column, with None where it is masked, and exact numbers."""
    if isinstance(column, Time):
        texts = np.where(column.mask, "", Time(column.unmasked, precision=9).isot).tolist()
        return [text or None for text in texts]
    mask = np.ma.getmaskarray(np.ma.asarray(column)).tolist()
    values = np.ma.getdata(column)
    values = values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else values
    return [None if masked else value for masked, value in zip(mask, values.tolist(), strict=True)]


INTEGERS = ("u1", "i2", "i4", "i8")
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8).map(lambda text: text.rstrip("\0"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def cells_of(dtype: str) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a dtype."""
    if dtype in INTEGERS:
        info = np.iinfo(dtype)
        return st.integers(int(info.min), int(info.max))
    if dtype == "f4":
        return st.floats(width=32, allow_nan=False, allow_infinity=False)
    return {"?": st.booleans(), "f8": FLOATS, "U": TEXTS}[dtype]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table of any types that are stored unchanged."""
    rows = draw(st.integers(0, 6))
    table = Table()
    for number, dtype in enumerate(draw(st.lists(st.sampled_from([*INTEGERS, "f4", "f8", "?", "U"]), min_size=1))):
        cells = draw(st.lists(cells_of(dtype), min_size=rows, max_size=rows))
        mask = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        values = np.array(cells, dtype=dtype if dtype != "U" else str)
        table[f"column {number}"] = MaskedColumn(values, mask=mask) if any(mask) else Column(values)
    return table
