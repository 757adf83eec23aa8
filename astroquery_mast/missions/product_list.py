"""The products of a mission's datasets: bodies in, one table out; and records of any other origin as such a table.

In: answers of the search API's list of products, whose rows declare no columns.  Out: a product table in the order of
the datasets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidResponseError
from ..tables.columns import Column
from ..tables.mashup import Page, decoded
from ..tables.table import RequestInfo, TableBuilder

__all__ = ["products_table", "read_products", "records_page"]

_KNOWN = {
    column.name: column
    for column in (
        Column("product_key", type_name="string", description="Key of the product: its dataset and file name"),
        Column("access", type_name="string", description="Who may have it: PUBLIC, or others only with access"),
        Column("dataset", type_name="string", description="Dataset that it belongs to"),
        Column("instrument_name", type_name="string", description="Instrument"),
        Column("filters", type_name="string", description="Filters or gratings"),
        Column("filename", type_name="string", description="File name"),
        Column("uri", type_name="string", description="Name under which the file is fetched"),
        Column("authz_primary_identifier", type_name="string", description="Dataset that decides on the access"),
        Column("authz_secondary_identifier", type_name="string", description="Kind of product, for the access"),
        Column("file_suffix", type_name="string", description="Last part of the file name, before its ending"),
        Column("category", type_name="string", description="CALIBRATED, UNCALIBRATED, AUX or others"),
        Column("size", type_name="integer", unit="byte", description="Size of the file"),
        Column("type", type_name="string", description="science, or others"),
    )
}


def read_products(body: bytes, service: str) -> Page:
    """Read an answer."""
    document = decoded(body, service)
    products = document.get("products") if isinstance(document, dict) else None
    if not isinstance(products, list):
        raise InvalidResponseError(f"{service} sent no list of products.", service=service)
    # Some missions send a list of lists.
    rows = [row for each in products for row in (each if isinstance(each, list) else [each])]
    return records_page(rows, service)


def records_page(records: Iterable[object], service: str) -> Page:
    """Return records as a page."""
    rows = list(records)
    names: dict[str, None] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidResponseError(f"{service} has a product that is none: {row!r:.80}.", service=service)
        names.update(dict.fromkeys(map(str, row)))
    return Page(service, "COMPLETE", tuple((name, "") for name in names), rows)  # type: ignore[arg-type]


def products_table(question: RequestInfo, pages: Sequence[Page], datasets: Sequence[str] = ()) -> Table:
    """Return the products of all pages."""
    names = dict.fromkeys(name for page in pages for name, _ in page.fields) or dict.fromkeys(_KNOWN)
    rows = _in_order([row for page in pages for row in page.rows], datasets)
    fields = tuple((name, _type_of(name, rows)) for name in names)
    builder = TableBuilder(question, _KNOWN)
    oldest = min((page.time for page in pages if page.time is not None), default=None)
    builder.add(replace(pages[0], fields=fields, rows=rows, time=oldest))
    return builder.table()


def _type_of(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The type of a column: the usual one only where no value tells."""
    told = any(row.get(name) is not None for row in rows)
    return "" if told or name not in _KNOWN else _KNOWN[name].type_name


def _in_order(rows: list[Mapping[str, Any]], datasets: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows, in the order of the datasets that were asked for; as they came if they do not tell theirs."""
    places = {name.casefold(): place for place, name in enumerate(datasets)}
    owners = [str(row.get("dataset") or row.get("fileset") or "").strip().casefold() for row in rows]
    if not all(owner in places for owner in owners):
        return rows
    order = sorted(range(len(rows)), key=lambda index: places[owners[index]])
    return [rows[index] for index in order]
