"""Pages in, an `~astropy.table.Table` out: column by column, typed, masked exactly where the archive has nothing.

The archive's declared types and its JSON values disagree (identifiers declared as text arrive as numbers, floats as
whole numbers): the declaration decides what a column is, the values decide whether that is possible.  A value is never
changed to fit; a column that cannot hold its values becomes a wider one, and a warning says so.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import MaskedColumn, Table

from ..exceptions import CorruptDataWarning, UnreadableAnswerError
from .columns import PORTAL_COLUMNS, Columns, Kind, kind_of
from .request import MashupRequest
from .response import Page

__all__ = ["TableBuilder", "first_value"]

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
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class _Misfit(ValueError):
    """The values of a column are not of its declared type; the message says of what type they are."""


class TableBuilder:
    """Builds the table of one answer, page by page, so that a page's rows can be let go once they are added.

    Parameters
    ----------
    request : MashupRequest
        The question, which goes into the table's ``meta``.
    columns : mapping
        What is known of the columns, by name; gives units and descriptions.
    """

    def __init__(self, request: MashupRequest, columns: Columns) -> None:
        self._request = request
        self._columns = columns
        self._fields: tuple[tuple[str, str], ...] = ()
        self._chunks: dict[str, list[tuple[Array, Array]]] = {}
        self._rows = 0

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
        for name, type_name in fields:
            self._chunks[name].append(_chunk(name, type_name, [row.get(name) for row in page.rows]))
        self._rows += len(page.rows)

    def table(self) -> Table:
        """Return the table of all pages added.

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

    def _column(self, name: str, values: Array, mask: Array) -> MaskedColumn:
        known = self._columns.get(name)
        unit = known.astropy_unit if known is not None and values.dtype.kind in "iuf" else None
        # A unit that is understood only by its description would not survive the writing of the table.
        description = known.description or known.label if known is not None else None
        return MaskedColumn(values, name=name, mask=mask, unit=unit, description=description, copy=False)

    def _meta(self) -> dict[str, list[Any]]:
        return {
            "service": [self._request.service],
            "request": [json.dumps(self._request.payload())],
            "time": [datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "")],
            "rows": [self._rows],
        }


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
    except (IndexError, StopIteration, TypeError, ValueError) as err:
        raise UnreadableAnswerError(
            f"{page.service} was asked for a count and sent none.", service=page.service
        ) from err


def _chunk(name: str, type_name: str, values: list[Any]) -> tuple[Array, Array]:
    """The values of one column on one page, as an array and its mask."""
    mask = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    kind = kind_of(type_name)
    if kind is None:
        kind = _unknown_kind(name, type_name, values)
    if not values:
        return np.empty(0, dtype=_EMPTY[kind]), mask
    filled = [_FILLS[kind] if value is None else value for value in values] if mask.any() else values
    try:
        return _CONVERTERS[kind](filled), mask
    except _Misfit as misfit:
        warnings.warn(
            f"Column '{name}' is declared as {type_name} and holds {misfit}; it is kept as such.",
            CorruptDataWarning,
            stacklevel=2,
        )
    return _misfits(values, mask, kind)


def _unknown_kind(name: str, type_name: str, values: Sequence[Any]) -> Kind:
    """What to take a column for whose type is not declared, or unknown."""
    if type_name:
        warnings.warn(
            f"Column '{name}' has the unknown type '{type_name}'; it is kept as text.", CorruptDataWarning, stacklevel=2
        )
        return Kind.TEXT
    kinds = {type(value) for value in values if value is not None}
    for accepted, kind in ((bool,), Kind.BOOLEAN), ((int,), Kind.INTEGER), ((int, float), Kind.FLOAT):
        if kinds and kinds <= set(accepted):
            return kind
    return Kind.TEXT


def _misfits(values: list[Any], mask: Array, kind: Kind) -> tuple[Array, Array]:
    """Values that are not of their declared kind, as numbers if they all are, else as text; nothing is lost."""
    numbers = all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)
    if kind is not Kind.FLOAT and numbers:
        array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        if all(value is None or array[row] == value for row, value in enumerate(values)):
            return array, mask
    return _texts(["" if value is None else value for value in values]), mask


def _texts(values: list[Any]) -> Array:
    return np.array([value if type(value) is str else _as_text(value) for value in values], dtype=np.str_)


def _as_text(value: Any) -> str:
    """A value of a text column that did not come as text; numbers keep all their digits."""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _numbers(values: list[Any], convert: Callable[[str], Any]) -> Array:
    """An array of numbers, from numbers or from text that spells them."""
    if any(type(value) is str for value in values):
        try:
            values = [convert(value) if type(value) is str else value for value in values]
        except ValueError as err:
            raise _Misfit("text") from err
    try:
        array = np.array(values)
    except (ValueError, OverflowError) as err:
        raise _Misfit("values of several kinds") from err
    if array.dtype.kind not in "iufb" or array.ndim != 1:
        raise _Misfit("values that do not fit")
    return array


def _floats(values: list[Any]) -> Array:
    return _numbers(values, float).astype(np.float64, copy=False)


def _integers(values: list[Any]) -> Array:
    array = _numbers(values, int)
    if array.dtype.kind == "i":
        return array.astype(np.int64, copy=False)
    if array.dtype.kind == "u":
        raise _Misfit("numbers beyond 64 bits")
    if array.dtype.kind == "f" and not (np.equal(array, np.trunc(array)).all() and (np.abs(array) < 2**53).all()):
        raise _Misfit("numbers with a fraction")
    return array.astype(np.int64)


def _bytes(values: list[Any]) -> Array:
    array = _integers(values)
    if ((array < 0) | (array > 255)).any():
        raise _Misfit("numbers outside 0 to 255")
    return array.astype(np.uint8)


def _booleans(values: list[Any]) -> Array:
    try:
        return np.array([value if type(value) is bool else _TRUTHS[str(value).strip().lower()] for value in values])
    except KeyError as err:
        raise _Misfit("other values than true and false") from err


_CONVERTERS: dict[Kind, Callable[[list[Any]], Array]] = {
    Kind.TEXT: _texts,
    Kind.FLOAT: _floats,
    Kind.INTEGER: _integers,
    Kind.BOOLEAN: _booleans,
    Kind.BYTE: _bytes,
}


def _joined(chunks: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The pages of a column, one after the other; text wins if pages disagree about what the column is."""
    if len(chunks) == 1:
        return chunks[0]
    arrays: Iterable[Array] = [values for values, _ in chunks]
    kinds = {values.dtype.kind for values in arrays if values.size}
    if "U" in kinds and len(kinds) > 1:
        arrays = [values.astype(np.str_) for values in arrays]
    return np.concatenate(list(arrays)), np.concatenate([mask for _, mask in chunks])
