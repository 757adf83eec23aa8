"""What the services of the Virtual Observatory answer, as tables: text as text, and whether there is more."""

from __future__ import annotations

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from pyvo.dal.query import DALResults


def table_of(results: DALResults) -> Table:
    """Return the table of an answer; ``meta`` tells whether the service has more rows."""
    table = results.to_table()
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
    kind = MaskedColumn if mask.any() else Column
    options = {"mask": mask} if mask.any() else {}
    table.replace_column(name, kind(values, name=name, description=column.description, meta=column.meta, **options))
