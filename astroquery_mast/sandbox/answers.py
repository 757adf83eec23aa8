"""A query's result, and a page of it as bytes in the four formats of the Mashup service: json, extjs, csv, votable."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from .archive.packaged import Columns
from .reply import TEXT, compact_json

__all__ = ["FORMATS", "Dataset", "Window", "encode"]


#: What stands for null in a column of the given type; ExtJS clients replace it.
IGNORE_VALUES: Mapping[str, str | None] = {"string": "", "float": "NaN"}


@dataclass(frozen=True)
class Dataset:
    """Columns and rows of a result, or portal properties of columns (``histograms``) or of the table as a whole."""

    columns: Columns
    rows: Sequence[tuple[object, ...]] = ()
    histograms: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [name for name, _ in self.columns]

    def without_empty_columns(self) -> Dataset:
        """Return the dataset without the columns that are null in every row."""
        kept = [i for i in range(len(self.columns)) if any(row[i] is not None for row in self.rows)]
        return Dataset(tuple(self.columns[i] for i in kept), [tuple(row[i] for i in kept) for row in self.rows])


@dataclass(frozen=True)
class Window:
    """Which rows of a result make up a page; pages count from 1."""

    page: int
    size: int

    def rows(self, dataset: Dataset) -> Sequence[tuple[object, ...]]:
        """Return the rows of the page; none beyond the last page."""
        return dataset.rows[(self.page - 1) * self.size : self.page * self.size]

    def paging(self, dataset: Dataset) -> dict[str, int]:
        """Return the paging record of the answer; all six members are always there."""
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
    if dataset.histograms or dataset.properties:  # these answers have no rows to count, and count nothing
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
    if kind == "float":
        return float, 0.0
    if kind == "boolean":
        return bool, False
    # Ids are declared as text, yet are numbers: a VOTable says what they are.
    if kind == "int" or any(isinstance(value, int) for value in values):
        return int, 0
    return str, ""


Encoder = Callable[[Dataset, Window], bytes]

FORMATS: Mapping[str, tuple[Encoder, str]] = {
    "json": (_json, TEXT),
    "extjs": (_extjs, TEXT),
    "csv": (_csv, "text/csv; charset=utf-8"),
    "votable": (_votable, "text/xml"),
}
