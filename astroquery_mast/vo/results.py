"""Results of the services of the Virtual Observatory as tables, with text as text and the overflow flag."""

from __future__ import annotations

import re

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table
from pyvo.dal.query import DALResults

from ..exceptions import InputWarning
from ..tables.result_table import ResultTable
from ..warn import warn_user

# MAST declares wavelengths as meters.  In the first table they are in nanometers, as in results of the portal.  In the
# second and the third they are in meters, in the third under other names.
IN_NANOMETERS, _IN_METERS, _OTHERS = "obspointing", "obscore", "caomplane"


def table_of(results: DALResults) -> Table:
    """Return the table of a result; ``meta["overflow"]`` is True if the service has more rows."""
    table = ResultTable(results.to_table(), copy=False)
    # The original array, as large as the table, is released.
    results.resultstable.array = None
    for name in [name for name in table.colnames if table[name].dtype == object]:
        # Only the format BINARY2 distinguishes empty text from NULL.
        _make_text(table, name, empty_is_null=results.resultstable.format != "binary2")
    table.meta = {"overflow": str(results.status[0]).lower() == "overflow"}
    return table


def _make_text(table: Table, name: str, *, empty_is_null: bool) -> None:
    """Convert a column of text objects to a string dtype, as in all tables; other objects are not changed."""
    column = table[name]
    # The array of the column is converted: `astype` of a masked array makes a mask as wide as the text.
    cells, mask = np.ma.getdata(column), np.ma.getmaskarray(column)
    if mask.any():
        cells = np.where(mask, "", cells)
    if not set(map(type, cells.tolist())) <= {str}:
        return
    values = cells.astype(str)
    if empty_is_null:
        mask = mask | (values == "")
    attributes = {"name": name, "description": column.description, "meta": column.meta}
    table.replace_column(
        name, MaskedColumn(values, mask=mask, **attributes) if mask.any() else Column(values, **attributes)
    )


def correct_wavelengths(table: Table, adql: str) -> None:
    """Set the correct unit of observation wavelengths, or no unit if the query leaves it open."""
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
    """Return the columns declared in meters that may come from the table with wavelengths in nanometers."""
    beginning = "em_" if _OTHERS in named else ""
    lengths = table.columns.items()
    return {name: column for name, column in lengths if column.unit == u.m and name.startswith(beginning)}
