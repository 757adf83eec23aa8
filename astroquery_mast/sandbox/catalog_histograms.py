"""How often each value occurs in the columns of a catalog: the ``All`` services.

In: a catalog. Out: a `Dataset` without rows, whose table-level properties are a histogram of every column: by value
for words, by bin for numbers.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .archive.catalog_table import CatalogTable
from .dataset import Dataset

__all__ = ["table_histograms"]

#: Words with more different values than this are names, and have no histogram.
MOST_VALUES = 12
BINS = 29


def table_histograms(table: CatalogTable) -> Dataset:
    """Return the description of a catalog."""
    discrete: dict[str, object] = {}
    continuous: dict[str, object] = {}
    for name, _ in table.filterable:
        values = table.values(name)
        if values.dtype == object:
            counts = Counter("" if value is None else str(value) for value in values)
            if 1 < len(counts) <= MOST_VALUES:
                discrete[name] = _by_value(counts)
        elif len(known := _known(values)):
            continuous[name] = _by_bin(known)
    properties = {"discreteHistogram": discrete, "continuousHistogram": continuous}
    return Dataset(table.filterable, properties=properties)


def _known(values: NDArray[Any]) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(values.compressed())
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values


def _by_value(counts: Counter[str]) -> dict[str, object]:
    entries = [{"count": count, "key": key} for key, count in counts.most_common()]
    return {"hist": entries, **{str(entry["key"]): entry for entry in entries}}


def _by_bin(values: NDArray[Any]) -> dict[str, object]:
    low, high = values.min().item(), values.max().item()
    counts, edges = np.histogram(values.astype(float), bins=BINS)
    entries = [{"key": edge, "count": count} for edge, count in zip(edges[:-1].tolist(), counts.tolist(), strict=True)]
    return {"hist": {"hist": entries}, "min": low, "max": high, "type": "numeric"}
