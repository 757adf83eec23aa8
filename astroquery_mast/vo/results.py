"""What the services of the Virtual Observatory answer, as tables: text as text, and whether there is more."""

from __future__ import annotations

import re

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table
from pyvo.dal.query import DALResults

from ..exceptions import InputWarning
from ..tables.result_table import ResultTable
from ..warn import warn_user

# The archive says meters of the wavelengths in the first table, which are in nanometers as in the portal's answers; in
# the second one they are in meters, and in the third under other names.
IN_NANOMETERS, _IN_METERS, _OTHERS = "obspointing", "obscore", "caomplane"


def table_of(results: DALResults) -> Table:
    """Return the table of an answer; ``meta`` tells whether the service has more rows."""
    table = ResultTable(results.to_table(), copy=False)
    # What the table was copied from is as large.
    results.resultstable.array = None
    for name in [name for name in table.colnames if table[name].dtype == object]:
        # Only one of the ways to write a VOTable can tell empty text from none.
        _make_text(table, name, empty_is_null=results.resultstable.format != "binary2")
    table.meta = {"overflow": str(results.status[0]).lower() == "overflow"}
    return table


def _make_text(table: Table, name: str, *, empty_is_null: bool) -> None:
    """Let a column of text have a dtype of text, as in all tables; one of arrays stays as it is."""
    column = table[name]
    # Of the array behind the column: `astype` of a masked one makes a mask as wide as its own text.
    cells, mask = np.ma.getdata(column), np.ma.getmaskarray(column)
    if mask.any():
        cells = np.where(mask, "", cells)
    if not set(map(type, cells.tolist())) <= {str}:
        return
    values = cells.astype(str)
    if empty_is_null:
        mask = mask | (values == "")
    told = {"name": name, "description": column.description, "meta": column.meta}
    table.replace_column(name, MaskedColumn(values, mask=mask, **told) if mask.any() else Column(values, **told))


def correct_wavelengths(table: Table, adql: str) -> None:
    """Give wavelengths of observations the unit that they are in; none where the query leaves it open."""
    named = set(re.findall(r"\w+", adql.lower()))
    wrong = _wavelengths(table, named) if IN_NANOMETERS in named else {}
    unit = None if _IN_METERS in named else u.nm
    for column in wrong.values():
        column.unit = unit
    if wrong and unit is None:
        warn_user(
            f"{', '.join(map(repr, wrong))}: in nm if from dbo.{IN_NANOMETERS}, in m if from "
            f"ivoa.{_IN_METERS}. No unit is set.",
            InputWarning,
        )


def _wavelengths(table: Table, named: set[str]) -> dict[str, Column]:
    """The columns in meters, according to the service, that may come from the table whose wavelengths are not."""
    beginning = "em_" if _OTHERS in named else ""
    lengths = table.columns.items()
    return {name: column for name, column in lengths if column.unit == u.m and name.startswith(beginning)}
