"""Convert tables of pandas, polars and pyarrow, structured arrays, and lists of dictionaries to astropy tables.

In: an object that may contain rows, or the contents of a parquet file.  Out: a `ResultTable` for such an object, an
`~astropy.table.Table` for such a file, or the same object otherwise.  The packages are imported only for files, since
their objects exist only if they are imported already.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from ..exceptions import InvalidArgumentError
from .result_table import ResultTable
from .rows import Array

_PACKAGES = frozenset({"pandas", "polars", "pyarrow"})
_EXTRA = "pip install 'astroquery_mast[parquet]'"
# The metadata key of parquet files by astropy, which alone restores their units, positions and times.
_OF_ASTROPY = b"table_meta_yaml"


def as_astropy(given: Any) -> Any:
    """Return a table of another package as a `ResultTable`, its column as a list, other objects unchanged.

    A Series with labels that are text is a row of a DataFrame, and becomes a table with one row.
    """
    if isinstance(given, np.ndarray) and given.dtype.names:
        return ResultTable(given)
    if isinstance(given, list | tuple) and given and all(map(_is_product_or_observation, given)):
        return ResultTable(rows=[dict(row) for row in given])
    read = _READERS.get(type(given).__name__)
    return given if read is None or type(given).__module__.partition(".")[0] not in _PACKAGES else read(given)


def _of_dataframe(frame: Any) -> ResultTable:
    """A DataFrame as a table."""
    if not hasattr(frame, "iloc"):
        return ResultTable(frame.to_dict(as_series=False), masked=True)
    table: ResultTable = ResultTable.from_pandas(frame)
    for name in table.colnames:
        if isinstance(table[name], Column) and table[name].dtype == object:  # text before pandas 3
            absent = np.ma.getmaskarray(table[name])
            table[name] = _masked_column(np.asarray(table[name])[~absent], absent)
    return table


def _of_arrow(batch: Any) -> ResultTable:
    """A Table or RecordBatch of pyarrow as a table, with NaN for null numbers."""
    return ResultTable({name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names})


def _of_series(series: Any) -> ResultTable | list[Any]:
    """A Series as a table with one row, or as a list of values."""
    labels = list(getattr(series, "index", ()))
    if labels and all(isinstance(label, str) for label in labels):
        return ResultTable(rows=[dict(zip(labels, series.tolist(), strict=True))])
    values: list[Any] = series.to_list()
    return values


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "DataFrame": _of_dataframe,
    "RecordBatch": _of_arrow,
    "Series": _of_series,
    "Table": _of_arrow,
}


def _is_product_or_observation(row: object) -> bool:
    """Whether an object is a dictionary with a row of products or observations."""
    return isinstance(row, Mapping) and bool({"dataURI", "obsid"} & set(row))


# -- parquet files ---------------------------------------------------------------------------------------------------


def table_of_parquet(content: bytes, name: str) -> Table:
    """Return the table in a parquet file; astropy reads files that it wrote, for which it requires pandas."""
    parquet = needed_for_parquet("pyarrow.parquet", name)
    read = parquet.read_table(io.BytesIO(content))
    if _OF_ASTROPY in (read.schema.metadata or {}):
        needed_for_parquet("pandas", name)
        return Table.read(io.BytesIO(content), format="parquet")
    return Table([_column(each) for each in read.columns], names=read.schema.names)


def needed_for_parquet(module: str, name: str) -> Any:
    """Return a module of an optional package that is required for a file."""
    try:
        return import_module(module)
    except ImportError as err:
        package = module.partition(".")[0]
        raise InvalidArgumentError(f"Reading {name} requires {package}. Install it with: {_EXTRA}") from err


def _column(chunks: Any) -> Column:
    """A pyarrow column as an astropy column, with null values masked."""
    if hasattr(chunks.type, "value_type") and hasattr(chunks.type, "index_type"):
        chunks = chunks.cast(chunks.type.value_type)
    return _masked_column(chunks.drop_null().to_numpy(), np.asarray(chunks.is_null(), dtype=bool))


def _masked_column(held: Array, absent: Array) -> Column:
    """Values and the mask of a column as a column; objects that are all strings or all bytes get that type."""
    types = set(map(type, held)) if held.dtype == object else set()
    if types in ({str}, {bytes}):
        held = held.astype(types.pop())
    if not absent.any():
        return Column(held)
    values = np.zeros(len(absent), dtype=held.dtype)
    values[~absent] = held
    return MaskedColumn(values, mask=absent)
