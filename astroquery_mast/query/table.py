"""Pages in, an `~astropy.table.Table` out: column by column, typed, masked exactly where the archive has nothing.

The archive's declared types and its JSON values disagree (identifiers declared as text arrive as numbers, floats as
whole numbers): the declaration decides what a column is, the values decide whether that is possible.  A value is never
changed to fit; a column that cannot hold its values becomes a wider one, and a warning says so.
"""

from __future__ import annotations

import json
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table

from ..exceptions import CorruptDataWarning, UnreadableAnswerError
from .columns import PORTAL_COLUMNS, Columns, Kind, kind_of
from .request import Question
from .response import Page
from .rows import Rows

__all__ = ["TableBuilder", "first_value", "now_iso"]

Array = npt.NDArray[Any]

# What lies under the mask of a missing cell, as in ``astroquery.mast``, whose users read ``column.data.data``.
_FILLS: dict[Kind, Any] = {Kind.TEXT: "", Kind.FLOAT: np.nan, Kind.INTEGER: -999, Kind.BOOLEAN: False, Kind.BYTE: 0}
_EMPTY = {
    Kind.TEXT: np.dtype("U1"),
    Kind.FLOAT: np.dtype(np.float64),
    Kind.INTEGER: np.dtype(np.int64),
    Kind.BOOLEAN: np.dtype(bool),
    Kind.BYTE: np.dtype(np.uint8),
}
# The kinds of column, by the kinds of their arrays.
_KIND_OF_ARRAY = {dtype.kind: kind for kind, dtype in _EMPTY.items()}
_is_none = partial(operator.is_, None)
# Whole numbers below are exact as floating-point numbers.
_EXACT = 2**53
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
# Properties of a request that no table keeps: it may be written to a file.
_SECRET = frozenset({"mast_token"})


class _Misfit(ValueError):
    """The values of a column are not of its declared type; the message says of what type they are."""


class TableBuilder:
    """Builds the table of one answer, page by page, so that a page's rows can be let go once they are added.

    Parameters
    ----------
    request : Question
        The question, which goes into the table's ``meta``.
    columns : mapping
        What is known of the columns, by name; gives units and descriptions.
    """

    def __init__(self, request: Question, columns: Columns) -> None:
        self._request = request
        self._columns = columns
        self._fields: tuple[tuple[str, str], ...] = ()
        self._chunks: dict[str, list[tuple[Array, Array]]] = {}
        self._rows = 0
        self._times: list[str] = []
        self._doubted: set[str] = set()

    def add(self, page: Page) -> None:
        """Take the rows of a page.

        Parameters
        ----------
        page : Page
            The page; all pages of an answer must have the columns of the first.

        Raises
        ------
        UnreadableAnswerError
            If the page has other columns, or none at all.
        """
        fields = tuple((name, kind) for name, kind in page.fields if name not in PORTAL_COLUMNS)
        if not fields and (page.rows or page.document is None or "fields" not in page.document):
            raise UnreadableAnswerError(
                f"The answer of {page.service} holds no table; read it with service_request_async.",
                service=page.service,
            )
        if not self._chunks:
            self._fields = fields
            self._chunks = {name: [] for name, _ in fields}
        elif fields != self._fields:
            raise UnreadableAnswerError(f"The pages of {page.service} differ in their columns.", service=page.service)
        if isinstance(page.rows, Rows):
            self._add_blocks(page.rows)
        else:
            cells = _by_column(page.rows, [name for name, _ in fields])
            for (name, type_name), values in zip(fields, cells, strict=True):
                self._chunks[name].append(self._chunk(name, type_name, values))
        self._rows += len(page.rows)
        if page.time is not None:
            self._times.append(page.time)

    def _add_blocks(self, rows: Rows) -> None:
        """Take rows that are decoded block by block."""
        names = [name for name, _ in self._fields]
        before = {name: len(self._chunks[name]) for name in names}
        # A column that does not fit its type in one block is read once more, whole: what it is is decided for a page.
        misfits = {name for name in names if name in self._doubted}
        for block in rows.cells(names):
            for (name, type_name), values in zip(self._fields, block, strict=True):
                if name in misfits:
                    continue
                try:
                    self._chunks[name].append(self._strict_chunk(type_name, values))
                except _Misfit:
                    misfits.add(name)
        for name, type_name in self._fields:
            if name in misfits:
                del self._chunks[name][before[name] :]
                (values,) = (column for (column,) in rows.cells([name], len(rows)))
                self._chunks[name].append(self._chunk(name, type_name, values))

    def table(self) -> Table:
        """Return the table of all pages added; to be called once, because the rows are handed over.

        Returns
        -------
        `~astropy.table.Table`
            Every column a `~astropy.table.MaskedColumn`.  ``meta`` has the lists ``service``, ``request`` (JSON text),
            ``time`` (UTC, ISO) and ``rows``, one entry per query: lists, so that stacked tables keep the history of
            each without a conflict, and so that FITS can hold them.
        """
        made = []
        for name, _ in self._fields:
            values, mask = _joined(self._chunks.pop(name))
            made.append(self._column(name, values, mask))
        return Table(made, masked=True, copy=False, meta=self._meta())

    def _chunk(self, name: str, type_name: str, values: Sequence[Any]) -> tuple[Array, Array]:
        """The values of one column on one page, as an array and its mask."""
        kind = kind_of(type_name)
        if kind is None and type_name:
            self._doubt(name, f"has the unknown type '{type_name}'; it is kept as text.")
            kind = Kind.TEXT
        if kind is None:
            kind = _guessed(values)
        try:
            return _converted(values, kind)
        except _Misfit as misfit:
            self._doubt(name, f"is declared as {type_name} and holds {misfit}; it is kept as such.")
        return _misfits(values, kind), _nulls(values)

    def _strict_chunk(self, type_name: str, values: Sequence[Any]) -> tuple[Array, Array]:
        """The same for a block of rows, where it is as declared; otherwise `_Misfit`."""
        kind = kind_of(type_name)
        if kind is None:
            raise _Misfit(type_name)
        return _converted(values, kind)

    def _doubt(self, name: str, what: str) -> None:
        """Warn about a column, once for all pages."""
        if name not in self._doubted:
            self._doubted.add(name)
            warnings.warn(f"Column '{name}' {what}", CorruptDataWarning, stacklevel=4)

    def _column(self, name: str, values: Array, mask: Array) -> MaskedColumn:
        known = self._columns.get(name)
        unit = known.astropy_unit if known is not None and values.dtype.kind in "iuf" else None
        # A unit that is understood only by its description would not survive the writing of the table.
        description = known.description or known.label if known is not None else None
        return MaskedColumn(values, name=name, mask=mask, unit=unit, description=description, copy=False)

    def _meta(self) -> dict[str, list[Any]]:
        asked = {name: value for name, value in self._request.payload().items() if name not in _SECRET}
        return {
            "service": [self._request.service],
            "request": [json.dumps(asked)],
            # Of what was kept on disk, the oldest.
            "time": [min(self._times, default=now_iso())],
            "rows": [self._rows],
        }


def now_iso() -> str:
    """Return the time as tables tell it: UTC, ISO, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "")


def first_value(page: Page) -> int:
    """Return the number that an answer to ``COUNT_BIG(*)`` holds.

    Parameters
    ----------
    page : Page
        The answer: one row of one column, whose name differs between services.

    Returns
    -------
    int

    Raises
    ------
    UnreadableAnswerError
        If there is no such number.
    """
    try:
        return int(next(iter(page.rows[0].values())))
    except (IndexError, StopIteration, TypeError, ValueError, OverflowError) as err:
        raise UnreadableAnswerError(
            f"{page.service} was asked for a count and sent none.", service=page.service
        ) from err


def _by_column(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterable[Sequence[Any]]:
    """The cells of each column; a key that a row lacks stands for null."""
    if not rows:
        return [()] * len(names)
    try:
        # Once through the rows instead of once for each column: they are far apart in memory.
        cells = list(map(itemgetter(*names), rows))
    except KeyError:
        return [[row.get(name) for row in rows] for name in names]
    return [cells] if len(names) == 1 else zip(*cells, strict=True)


def _nulls(values: Sequence[Any]) -> Array:
    """Where there is nothing."""
    if None not in values:
        return np.zeros(len(values), dtype=bool)
    return np.fromiter(map(_is_none, values), dtype=bool, count=len(values))


def _converted(values: Sequence[Any], kind: Kind) -> tuple[Array, Array]:
    """The values of a column as what it is, and its mask."""
    mask = _nulls(values)
    if not values:
        return np.empty(0, dtype=_EMPTY[kind]), mask
    if not mask.any():
        return _CONVERTERS[kind](values), mask
    if mask.all():
        return np.full(len(values), _FILLS[kind], dtype=_EMPTY[kind]), mask
    fill = _FILLS[kind]
    return _CONVERTERS[kind]([fill if value is None else value for value in values]), mask


def _guessed(values: Sequence[Any]) -> Kind:
    """What to take a column for whose type is not declared."""
    kinds = {type(value) for value in values if value is not None}
    for accepted, kind in ((bool,), Kind.BOOLEAN), ((int,), Kind.INTEGER), ((int, float), Kind.FLOAT):
        if kinds and kinds <= set(accepted):
            return kind
    return Kind.TEXT


def _misfits(values: Sequence[Any], kind: Kind) -> Array:
    """Values that are not of their declared kind, as numbers if they all are, else as text; nothing is lost."""
    if kind is Kind.BYTE:
        try:
            return _integers([_FILLS[Kind.INTEGER] if value is None else value for value in values])
        except _Misfit:
            pass  # not whole numbers either
    present = [value for value in values if value is not None]
    if kind is not Kind.FLOAT and {type(value) for value in present} <= {int, float} and all(map(_is_exact, present)):
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return _texts(["" if value is None else value for value in values])


def _is_exact(value: float) -> bool:
    """Whether a number stays what it is as a floating-point number, also when it came as a whole one."""
    return abs(value) < _EXACT or not (isinstance(value, int) or math.isfinite(value))


def _texts(values: Sequence[Any]) -> Array:
    kinds = set(map(type, values))
    if kinds == {str}:
        return np.array(values, dtype=np.str_)
    spell = _as_text if kinds & {dict, list} else str
    return np.array([spell(value) for value in values], dtype=np.str_)


def _as_text(value: Any) -> str:
    """A value of a text column that did not come as text; numbers keep all their digits."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _floats(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values, dtype=np.float64)  # also reads numbers that came as text
    except (TypeError, ValueError, OverflowError) as err:
        raise _Misfit("values that are no numbers") from err
    if array.ndim != 1:
        raise _Misfit("lists")
    return array


def _integers(values: Sequence[Any]) -> Array:
    try:
        array = np.array(values)
        if array.dtype.kind == "U":
            array = np.array([int(value) if type(value) is str else value for value in values])
        if array.dtype.kind == "f" and array.ndim == 1 and np.equal(array, np.trunc(array)).all():
            # Each by itself: in an array with floating-point numbers large whole ones have lost digits.
            array = np.array([int(value) for value in values])
    except (ValueError, OverflowError) as err:
        raise _Misfit("values that are no whole numbers") from err
    if array.ndim != 1 or array.dtype.kind not in "ib":
        raise _Misfit("numbers with a fraction, or beyond 64 bits, or no numbers")
    return array.astype(np.int64, copy=False)


def _bytes(values: Sequence[Any]) -> Array:
    array = _integers(values)
    if ((array < 0) | (array > 255)).any():
        raise _Misfit("numbers outside 0 to 255")
    return array.astype(np.uint8)


def _booleans(values: Sequence[Any]) -> Array:
    try:
        return np.array([value if type(value) is bool else _TRUTHS[str(value).strip().lower()] for value in values])
    except KeyError as err:
        raise _Misfit("other values than true and false") from err


_CONVERTERS: dict[Kind, Callable[[Sequence[Any]], Array]] = {
    Kind.TEXT: _texts,
    Kind.FLOAT: _floats,
    Kind.INTEGER: _integers,
    Kind.BOOLEAN: _booleans,
    Kind.BYTE: _bytes,
}


def _joined(chunks: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The pages of a column, one after the other, as what all of them can be."""
    if len(chunks) == 1:
        return chunks[0]
    # A page of nulls has no say in what the column is.
    telling = [values for values, mask in chunks if not mask.all()]
    kind = _common_kind(telling or [values for values, _ in chunks])
    arrays = [_as_kind(values, mask, kind) for values, mask in chunks]
    return np.concatenate(arrays), np.concatenate([mask for _, mask in chunks])


def _common_kind(arrays: Sequence[Array]) -> Kind:
    """What several arrays can all be without a change of value."""
    kinds = {_KIND_OF_ARRAY[array.dtype.kind] for array in arrays}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {Kind.BYTE, Kind.INTEGER}:
        return Kind.INTEGER
    whole = [array for array in arrays if array.dtype.kind in "iu"]
    exact = all(((array > -_EXACT) & (array < _EXACT)).all() for array in whole)
    return Kind.FLOAT if exact and kinds <= {Kind.BYTE, Kind.INTEGER, Kind.FLOAT} else Kind.TEXT


def _as_kind(values: Array, mask: Array, kind: Kind) -> Array:
    """A page's array as what the column is; what lies under its mask changes with it."""
    if _KIND_OF_ARRAY[values.dtype.kind] is kind:
        return values
    if mask.all():
        return np.full(values.size, _FILLS[kind], dtype=_EMPTY[kind])
    made = _texts(values.tolist()) if kind is Kind.TEXT else values.astype(_EMPTY[kind])
    made[mask] = _FILLS[kind]
    return made
