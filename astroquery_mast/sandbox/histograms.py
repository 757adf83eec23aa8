"""How often each value occurs in each column: ``Mast.Caom.All``, from which clients read the list of missions, and the
``All`` services of catalogs, from which they learn which columns are numbers.

Out: a `Dataset` without rows; the histograms are properties of its columns, or for catalogs of the table as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .answers import Dataset
from .archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.catalog_table import CatalogTable

__all__ = ["caom_all", "catalog_all"]

Histogram = dict[str, object]

#: The columns of observations with few enough values for a list, and those binned; the others carry no histogram.
DISCRETE = frozenset({"intentType", "obs_collection", "provenance_name", "instrument_name", "project", "filters"})
DISCRETE |= {"wavelength_region", "dataproduct_type", "calib_level", "proposal_type", "dataRights", "sequence_number"}
BINNED = frozenset({"t_min", "t_max", "t_exptime", "em_min", "em_max", "t_obs_release"})
BINS, CATALOG_BINS = 20, 29
#: Words of catalogs with more different values than this are names, and have no histogram.
MOST_VALUES = 12


def _by_value(counts: Iterable[tuple[str, int]]) -> Histogram:
    entries = [{"count": count, "key": key} for key, count in counts]
    return {"hist": entries, **{str(entry["key"]): entry for entry in entries}}


def _by_bin(bins: Iterable[tuple[float, object]], low: float, high: float) -> Histogram:
    entries = [{"key": edge, "count": count} for edge, count in bins]
    return {"hist": {"hist": entries}, "min": low, "max": high, "type": "numeric"}


def caom_all(archive: Archive, params: Mapping[str, object]) -> Dataset:
    """Return no rows, but for every column its portal properties and the distribution of its values."""
    config = COLUMNS_CONFIG["Mast.Caom.Cone"]
    columns = tuple((name, kind) for name, kind in OBSERVATION_COLUMNS if name in DISCRETE | BINNED)
    return Dataset(columns, histograms={name: _described(archive, name, config.get(name, {})) for name, _ in columns})


def _described(archive: Archive, name: str, config: Mapping[str, object]) -> dict[str, object]:
    histogram = _values_of(archive, name, config.get("separator")) if name in DISCRETE else _bins_of(archive, name)
    labeled = {key if key.startswith("vot.") else f"cc.{key}": value for key, value in config.items()}
    return {"histObj": histogram, **labeled}


def _values_of(archive: Archive, name: str, separator: object) -> Histogram:
    counts: Counter[str] = Counter()
    sql = f'SELECT "{name}" AS value, COUNT(*) AS count FROM observation WHERE value IS NOT NULL GROUP BY 1'
    for row in archive.query(sql):
        value = str(row["value"])
        for token in value.split(separator) if isinstance(separator, str) else (value,):
            counts[token] += int(str(row["count"]))
    return _by_value(sorted(counts.items()))


def _bins_of(archive: Archive, name: str) -> Histogram:
    limits = archive.query(f'SELECT MIN("{name}") AS low, MAX("{name}") AS high FROM observation')[0]
    low, high = (0.0 if limits[end] is None else float(str(limits[end])) for end in ("low", "high"))
    width = (high - low) / BINS or 1.0
    counts = archive.query(
        f'SELECT MIN(CAST(("{name}" - ?) / ? AS INTEGER), ?) AS bin, COUNT(*) AS count FROM observation '
        f'WHERE "{name}" IS NOT NULL GROUP BY 1 ORDER BY 1',
        (low, width, BINS - 1),
    )
    return _by_bin(((low + width * int(str(row["bin"])), row["count"]) for row in counts), low, high)


def catalog_all(table: CatalogTable) -> Dataset:
    """Return the description of a catalog."""
    discrete: dict[str, object] = {}
    continuous: dict[str, object] = {}
    for name, _ in table.filterable:
        values = table.values(name)
        if values.dtype == object:
            counts = Counter("" if value is None else str(value) for value in values)
            if 1 < len(counts) <= MOST_VALUES:
                discrete[name] = _by_value(counts.most_common())
        elif len(known := _known(values)):
            numbers, edges = np.histogram(known.astype(float), bins=CATALOG_BINS)
            bins = zip(edges[:-1].tolist(), numbers.tolist(), strict=True)
            continuous[name] = _by_bin(bins, known.min().item(), known.max().item())
    properties = {"discreteHistogram": discrete, "continuousHistogram": continuous}
    return Dataset(table.filterable, properties=properties)


def _known(values: NDArray[Any]) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(values.compressed())
    return values[~np.isnan(values)] if values.dtype.kind == "f" else values
