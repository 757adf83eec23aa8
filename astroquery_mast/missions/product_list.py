"""The products of a mission's datasets, listed by the search API or in a mail of MAST to a subscriber, as one table.

In: answers of the search API's list of products, in which columns are not declared; or the JSON file of such a mail, or
the records in it.  Out: a product table in the order of the datasets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidQueryError, InvalidResponseError
from ..query.request import ApiRequest
from ..tables.columns import Column
from ..tables.mashup import Page, decoded
from ..tables.table import RequestInfo, TableBuilder

__all__ = ["as_subscription", "products_table", "read_products"]

_ORIGIN = "MAST subscription"

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
    return _records_page(rows, service)


def _records_page(records: Iterable[object], service: str) -> Page:
    """Return records as a page."""
    rows = list(records)
    names: dict[str, None] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidResponseError(
                f"{service} has something else than a product in its list: {row!r:.80}.", service=service
            )
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


# -- subscriptions -------------------------------------------------------------------------------------------------


def as_subscription(given: object) -> Table | None:
    """Return the list of files of a subscription as a table."""
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.lower().endswith(".json")):
        return _subscription_table(_read_json(Path(given)), f"JSON file {os.fspath(given)}")
    if isinstance(given, Mapping):
        raise InvalidQueryError("A dictionary is not a list of products: give a list of dictionaries.")
    if isinstance(given, list | tuple) and given and any(isinstance(record, Mapping) for record in given):
        return _subscription_table(given, "the list")
    return None


def _read_json(path: Path) -> object:
    """What is in a JSON file."""
    try:
        return json.loads(path.read_bytes())
    except OSError as err:
        raise InvalidQueryError(f"The list of products {path} cannot be read: {err}") from err
    except (ValueError, RecursionError) as err:
        raise InvalidQueryError(f"Failed to decode JSON file at {path}: {err}") from err


def _subscription_table(records: object, where: str) -> Table:
    """The table of records, which must all be such."""
    if not isinstance(records, Iterable) or isinstance(records, str | Mapping):
        raise InvalidQueryError(f"Expected a list of product rows in {where}, and not a {type(records).__name__}.")
    rows = list(records)
    wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
    if wrong is not None:
        raise InvalidQueryError(f"Expected a list of product rows in {where}; {wrong!r:.80} is not one.")
    if not rows:
        raise InvalidQueryError(f"There are no products in {where}.")
    if not any("filename" in row for row in rows):
        raise InvalidQueryError(f"The records in {where} have no 'filename', so they are not products.")
    return products_table(ApiRequest(_ORIGIN, ""), [_records_page(rows, _ORIGIN)])
