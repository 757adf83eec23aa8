"""What the services of the Virtual Observatory answer, as tables: text as text, and whether there is more."""

from __future__ import annotations

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from pyvo.dal.query import DALResults


def table_of(results: DALResults) -> Table:
    """Return the table of an answer; ``meta`` tells whether the service has more rows."""
    table = results.to_table()
    for name in [name for name in table.colnames if table[name].dtype == object]:
        # Only one of the ways to write a VOTable can tell empty text from none.
        _make_text(table, name, empty_is_null=results.resultstable.format != "binary2")
    table.meta = {"overflow": str(results.status[0]).lower() == "overflow"}
    return table


def _make_text(table: Table, name: str, *, empty_is_null: bool) -> None:
    """Let a column of text have a dtype of text, as in all tables; one of arrays stays as it is."""
    column = table[name]
    mask = np.array(getattr(column, "mask", False)) | np.zeros(len(column), dtype=bool)
    cells = ["" if hidden else cell for cell, hidden in zip(column.tolist(), mask, strict=True)]
    if not all(isinstance(each, str) for each in cells):
        return
    # Not `astype`, which makes a mask as wide as its own text.
    values = np.array(cells, dtype=str)
    if empty_is_null:
        mask |= values == ""
    kind = MaskedColumn if mask.any() else Column
    options = {"mask": mask} if mask.any() else {}
    table.replace_column(name, kind(values, name=name, description=column.description, meta=column.meta, **options))
