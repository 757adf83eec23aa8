"""Observations by TAP: the answer to a query in ADQL, in the names, types and units of the other queries."""

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
# What files have under other names in the lists of products.
_FILES = {"contentlength": "size"}
# Numbers to the database, and text to the portal.
_IDENTIFIERS = frozenset({"obsid", "objID"})
# What the values of a column become, and of which natures they may be for that.
_TYPES: Mapping[Kind | None, tuple[type[np.generic], str]] = {
    Kind.INTEGER: (np.int64, "iu"),
    Kind.FLOAT: (np.float64, "iuf"),
    Kind.BOOLEAN: (np.bool_, "biu"),
}
_ALIAS = re.compile(r'\bAS\s+"?(\w+)', re.IGNORECASE)
_OBSERVATIONS = "obspointing"


class ObservationTap:
    """Asks the TAP service of observations."""

    def __init__(self, service: MastService) -> None:
        self._service = service
        self._discovery = Discovery(service)

    def answer(self, question: TapQuestion, timeout: Any, *, payload: bool) -> Table | dict[str, object]:
        """Return the rows of a query, as observations; or what is sent."""
        deadline = self._service.deadline(timeout)
        tap, _ = self._discovery.place(_CATALOG, deadline)
        if payload:
            return question.payload(tap)
        return as_observations(question.table(tap, self._discovery, deadline), self._columns)

    @property
    def _columns(self) -> Columns:
        """The columns of observations and products; where both have one, that of observations."""
        columns = self._service.columns
        return {**columns.get(CAOM_PRODUCTS), **columns.get(CAOM_CONE)}


def as_observations(table: Table, columns: Columns) -> Table:
    """Return the answer to a query with its columns named, typed and described as in the answers of the portal.

    The units and descriptions of the portal are those of ``dbo.obspointing``: columns of other tables, and what the
    query itself computes under a name, keep what the service says of them.
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
    # Lists, as all tables of observations have, so that these can be stacked.
    meta = {"rows": [len(table)], **{name: [value] for name, value in table.meta.items()}}
    return ResultTable(made, masked=True, copy=False, meta=meta)


def _names(given: list[str], columns: Columns) -> dict[str, str]:
    """What each column is called; no two are called the same."""
    spelled: dict[str, str] = {}
    for name in given:
        meant = _FILES.get(name.lower()) or find_name(name, columns) or name
        spelled[name] = meant if meant not in spelled.values() and (meant == name or meant not in given) else name
    return spelled


def _column(column: TableColumn, known: Column | None, name: str, *, described: bool) -> MaskedColumn:
    """A column as the portal's answers have it."""
    values, mask = np.asarray(column), np.ma.getmaskarray(np.ma.asarray(column))
    unit, description = column.unit, column.description
    if known is not None:
        values = _typed(values, mask, name, known.kind)
        if described:
            unit, description = known.astropy_unit, known.about
    return MaskedColumn(values, name=name, mask=mask, unit=unit, description=description, meta=column.meta, copy=False)


def _typed(values: Array, mask: Array, name: str, kind: Kind | None) -> Array:
    """The values in the type of the portal, if they are of its nature."""
    if name in _IDENTIFIERS and values.dtype.kind in "iu":
        digits = max(len(str(values.max(initial=0))), len(str(values.min(initial=0))))
        return np.where(mask, "", values.astype(f"U{digits}"))
    dtype, natures = _TYPES.get(kind, (np.generic, ""))
    return values.astype(dtype) if values.dtype.kind in natures else values
