"""The result of a query, and encoders of its pages in the formats of the Mashup service: json, extjs, csv, votable."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS
from .packaged import Columns, packaged
from .reply import TEXT, compact_json

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.catalog_table import CatalogTable

#: Placeholder of null in a column of the given type; ExtJS clients replace it.
IGNORE_VALUES: Mapping[str, str | None] = {"string": "", "float": "NaN"}


@dataclass(frozen=True)
class Dataset:
    """Columns and rows of a result, or portal properties of the columns (``histograms``) or of the table."""

    columns: Columns
    rows: Sequence[tuple[object, ...]] = ()
    histograms: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [name for name, _ in self.columns]

    def without_empty_columns(self) -> Dataset:
        """Return the dataset without the columns that are null in every row."""
        rows = list(self.rows)
        used = [any(cell is not None for cell in cells) for cells in zip(*rows, strict=True)]
        return Dataset(tuple(compress(self.columns, used)), [tuple(compress(row, used)) for row in rows])


@dataclass(frozen=True)
class Window:
    """A page of a result; pages count from 1."""

    page: int
    size: int

    def rows(self, dataset: Dataset) -> Sequence[tuple[object, ...]]:
        """Return the rows of the page; there are none after the last page."""
        return dataset.rows[(self.page - 1) * self.size : self.page * self.size]

    def paging(self, dataset: Dataset) -> dict[str, int]:
        """Return the paging record of the response, which always has all six members."""
        total = len(dataset.rows)
        return {
            "page": self.page,
            "pageSize": self.size,
            "pagesFiltered": ceil(total / self.size),
            "rows": len(self.rows(dataset)),
            "rowsFiltered": total,
            "rowsTotal": total,
        }


def encode(dataset: Dataset, window: Window, form: str) -> tuple[bytes, str]:
    """Return the encoded page and its content type."""
    encoder, content_type = FORMATS[form]
    return encoder(dataset, window), content_type


def _json(dataset: Dataset, window: Window) -> bytes:
    names = dataset.names
    return compact_json(
        {
            "status": "COMPLETE",
            "msg": "",
            "data": [dict(zip(names, row, strict=True)) for row in window.rows(dataset)],
            "fields": _fields(dataset),
            "paging": window.paging(dataset),
        }
    )


def _extjs(dataset: Dataset, window: Window) -> bytes:
    paging = window.paging(dataset)
    if dataset.histograms or dataset.properties:  # such results have no rows, and all counts are zero
        paging = dict.fromkeys(paging, 0)
    table = {
        "name": "Table",
        "ExtendedProperties": {**dataset.properties, "Paging": paging},
        "Columns": [_extjs_column(dataset, name, kind) for name, kind in dataset.columns],
        "Fields": _fields(dataset),
        "Rows": window.rows(dataset),
    }
    data = {"name": "NewDataSet", "Tables": [table], "ExtendedProperties": {}}
    return compact_json({"status": "COMPLETE", "msg": "", "data": data})


def _extjs_column(dataset: Dataset, name: str, kind: str) -> dict[str, object]:
    column: dict[str, object] = {"text": name, "dataIndex": name}
    if name in dataset.histograms:
        return column | {"ExtendedProperties": dataset.histograms[name]}
    return column | {"ignoreValue": IGNORE_VALUES.get(kind)}


def _fields(dataset: Dataset) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in dataset.columns]


def _csv(dataset: Dataset, window: Window) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(dataset.names)
    writer.writerows(window.rows(dataset))
    return text.getvalue().encode()


def _votable(dataset: Dataset, window: Window) -> bytes:
    from astropy.table import MaskedColumn, Table  # noqa: PLC0415  (only this format needs it)

    rows = window.rows(dataset)
    table = Table(masked=True)
    for index, (name, kind) in enumerate(dataset.columns):
        values = [row[index] for row in rows]
        dtype, filler = _votable_type(kind, values)
        data = [filler if value is None else value for value in values]
        table[name] = MaskedColumn(data, name=name, dtype=dtype, mask=[value is None for value in values])
    xml = io.BytesIO()
    table.write(xml, format="votable")
    return xml.getvalue()


def _votable_type(kind: str, values: Sequence[object]) -> tuple[type, object]:
    # Ids are declared as text but are numbers, and a VOTable has their true type.
    holds_text = kind == "string" and not any(isinstance(value, int) for value in values)
    types: Mapping[str, tuple[type, object]] = {"float": (float, 0.0), "boolean": (bool, False)}
    return (str, "") if holds_text else types.get(kind, (int, 0))


Encoder = Callable[[Dataset, Window], bytes]

FORMATS: Mapping[str, tuple[Encoder, str]] = {
    "json": (_json, TEXT),
    "extjs": (_extjs, TEXT),
    "csv": (_csv, "text/csv; charset=utf-8"),
    "votable": (_votable, "text/xml"),
}


Histogram = dict[str, object]

#: Columns of observations with a histogram of values, and those with a binned histogram; others have none.
DISCRETE, BINNED = (frozenset(packaged("columns")[name]) for name in ("histograms", "binned"))
BINS, CATALOG_BINS = 20, 29
#: Catalog columns of text with more distinct values than this are names and have no histogram.
MOST_VALUES = 12


def _by_value(counts: Iterable[tuple[str, int]]) -> Histogram:
    entries = [{"count": count, "key": key} for key, count in counts]
    return {"hist": entries, **{str(entry["key"]): entry for entry in entries}}


def _by_bin(bins: Iterable[tuple[float, object]], low: float, high: float) -> Histogram:
    entries = [{"key": edge, "count": count} for edge, count in bins]
    return {"hist": {"hist": entries}, "min": low, "max": high, "type": "numeric"}


def caom_all(archive: Archive, params: Mapping[str, object]) -> Dataset:
    """Return no rows, but the portal properties and the histogram of every column."""
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
            counts[token] += row["count"]
    return _by_value(sorted(counts.items()))


def _bins_of(archive: Archive, name: str) -> Histogram:
    limits = archive.query(f'SELECT MIN("{name}") AS low, MAX("{name}") AS high FROM observation')[0]
    low, high = (float(limits[end] or 0.0) for end in ("low", "high"))
    width = (high - low) / BINS or 1.0
    counts = archive.query(
        f'SELECT MIN(CAST(("{name}" - ?) / ? AS INTEGER), ?) AS bin, COUNT(*) AS count FROM observation '
        f'WHERE "{name}" IS NOT NULL GROUP BY 1 ORDER BY 1',
        (low, width, BINS - 1),
    )
    return _by_bin(((low + width * row["bin"], row["count"]) for row in counts), low, high)


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
