"""Observations by TAP: the result of an ADQL query, with the names, types and units of the other query methods.

In: a `TapQuestion`.  Out: a table, or what would be sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Column as TableColumn
from astropy.table import MaskedColumn, Table

from ..query.scan import Scan
from ..service.mast_service import MastService
from ..tables.columns import Column, Columns, Kind, find_name
from ..tables.result_table import ResultTable
from ..tables.rows import Array
from ..vo.discovery import Discovery
from ..vo.question import TapQuestion
from .search import CAOM_CONE, CAOM_PRODUCTS

__all__ = ["ObservationTap", "TapQuestion"]

_CATALOG = "caom"
# Columns of files that have other names in product lists.
_FILES = {"contentlength": "size"}
# Columns that are numbers in the database, but text in the Portal.
_IDENTIFIERS = frozenset({"obsid", "objID"})
# The type to convert a column to, and the kinds of NumPy types that can be converted.
_TYPES: Mapping[Kind | None, tuple[type[np.generic], str]] = {
    Kind.INTEGER: (np.int64, "iu"),
    Kind.FLOAT: (np.float64, "iuf"),
    Kind.BOOLEAN: (np.bool_, "biu"),
}
_ALIAS = re.compile(r'\bAS\s+"?(\w+)', re.IGNORECASE)
_OBSERVATIONS = "obspointing"


class ObservationTap:
    """Queries the TAP service for observations."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._discovery = Discovery(service)

    def answer(self, question: TapQuestion, timeout: Any, *, payload: bool) -> Table | dict[str, object]:
        """Return the rows of a query, as observations; or what would be sent."""
        deadline = self._service.deadline(timeout)
        tap, _ = self._discovery.place(_CATALOG, deadline)
        if payload:
            return question.payload(tap)
        return as_observations(question.table(tap, self._discovery, deadline), self._columns)

    @property
    def _columns(self) -> Columns:
        """The columns of observations and products; if both have a column, that of observations."""
        columns = self._service.columns
        return {**columns.get(CAOM_PRODUCTS), **columns.get(CAOM_CONE)}


def as_observations(table: Table, columns: Columns) -> Table:
    """Return the result of a query with columns named, typed and described as in results of the Portal.

    The units and descriptions of the Portal apply to ``dbo.obspointing``.  Columns of other tables, and columns that
    the query computes under an alias, keep the units and descriptions of the service.
    """
    adql = table.meta["adql"]
    lent = {name.rpartition(".")[2].lower() for name in Scan(f"({adql})").tables}
    own = {name.lower() for name in _ALIAS.findall(adql)}
    described = lent & {_OBSERVATIONS, "obscore"} == {_OBSERVATIONS}
    names = _names(table.colnames, columns)
    made = [
        _column(table[old], columns.get(new), new, described=described and old.lower() not in own)
        for old, new in names.items()
    ]
    # The values of meta are lists, as in all tables of observations, so that tables can be stacked.
    meta = {"rows": [len(table)], **{name: [value] for name, value in table.meta.items()}}
    return ResultTable(made, masked=True, copy=False, meta=meta)


def _names(given: list[str], columns: Columns) -> dict[str, str]:
    """Return the new name of each column; no two columns get the same name."""
    spelled: dict[str, str] = {}
    for name in given:
        meant = _FILES.get(name.lower()) or find_name(name, columns) or name
        spelled[name] = meant if meant not in spelled.values() and (meant == name or meant not in given) else name
    return spelled


def _column(column: TableColumn, known: Column | None, name: str, *, described: bool) -> MaskedColumn:
    """Return a column as in results of the Portal."""
    values, mask = np.asarray(column), np.ma.getmaskarray(np.ma.asarray(column))
    unit, description = column.unit, column.description
    if known is not None:
        values = _typed(values, mask, name, known.kind)
        if described:
            unit, description = known.astropy_unit, known.about
    return MaskedColumn(values, name=name, mask=mask, unit=unit, description=description, meta=column.meta, copy=False)


def _typed(values: Array, mask: Array, name: str, kind: Kind | None) -> Array:
    """Return the values in the type of the Portal, if they can be converted."""
    if name in _IDENTIFIERS and values.dtype.kind in "iu":
        digits = max(len(str(values.max(initial=0))), len(str(values.min(initial=0))))
        return np.where(mask, "", values.astype(f"U{digits}"))
    dtype, natures = _TYPES.get(kind, (np.generic, ""))
    return values.astype(dtype) if values.dtype.kind in natures else values
