"""What Catalogs.MAST answers: bytes in, a `~astroquery_mast.tables.mashup.Page` or columns out.

Its answers are not Mashup's: the rows are arrays in the order of ``info``, which names and types the columns, and there
is no count of rows or pages.  The continuous histograms by which the Mashup side types the columns of some catalogs
are read here, too.  Catalogs flow, last step before the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..exceptions import InvalidResponseError
from ..tables.columns import Column, Columns, columns_of, find_column
from ..tables.mashup import Page, decoded

__all__ = ["answer_columns", "continuous_columns", "read_catalogs_mast", "read_metadata"]

_EXCERPT = 200
# How the metadata spell "nothing".
_NOTHING = {"NULL", "null", "None"}


def read_catalogs_mast(body: bytes, service: str, known: Columns) -> Page:
    """Read an answer with rows."""
    document = decoded(body, service)
    rows = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        said = " ".join(body[: 4 * _EXCERPT].decode("utf-8", "replace").split())[:_EXCERPT]
        raise InvalidResponseError(f"{service} sent no list of rows, but {said}", service=service)
    info = document.get("info") or []
    page = Page(service, "COMPLETE", document={"fields": info})
    columns = answer_columns(page, {} if rows else known)
    names = list(columns) if info else _names_in(rows, service) or list(known)
    fields = tuple((name, columns[name].type_name if name in columns else "") for name in names)
    return replace(page, fields=fields, rows=_rows(rows, names, service))


def _names_in(rows: Sequence[Any], service: str) -> list[str]:
    """The names of columns that the rows themselves have, where the answer does not list them."""
    if rows and not isinstance(rows[0], Mapping):
        raise InvalidResponseError(f"{service} sent rows and does not say what their columns are.", service=service)
    return list(dict.fromkeys(name for row in rows for name in row))


def answer_columns(page: Page, known: Columns) -> dict[str, Column]:
    """Return the columns of an answer, with what the answer and the known columns tell of them."""
    info = page.document["fields"] if page.document else None
    return _columns(info, known, page.service) if info else dict(known)


def _columns(info: object, known: Columns, service: str) -> dict[str, Column]:
    """The columns that an answer lists."""
    found: dict[str, Column] = {}
    try:
        for entry in info:  # type: ignore[attr-defined]
            name = str(entry.get("column_name") or entry["name"])
            column = find_column(name, known) or Column(name, label=name)
            told = {"type_name": str(entry.get("type") or entry.get("db_type") or "")}
            for ours, theirs in ("description", "description"), ("unit", "unit"):
                if not getattr(column, ours):
                    told[ours] = _text(entry.get(theirs))
            found.setdefault(name, replace(column, name=name, **told))  # type: ignore[arg-type]
    except (TypeError, KeyError, AttributeError) as err:
        raise InvalidResponseError(f"{service} sent an unreadable list of columns.", service=service) from err
    return found


def _text(value: object) -> str:
    """A text of the metadata; empty where they have none."""
    return value if isinstance(value, str) and value not in _NOTHING else ""


def _rows(rows: Sequence[Any], names: Sequence[str], service: str) -> list[Mapping[str, Any]]:
    """The rows as dictionaries, whether they came as such or as arrays."""
    try:
        return [row if isinstance(row, dict) else dict(zip(names, row, strict=True)) for row in rows]
    except (TypeError, ValueError) as err:
        raise InvalidResponseError(f"{service} sent rows that do not fit its columns.", service=service) from err


def read_metadata(body: bytes, service: str) -> dict[str, Column]:
    """Read the columns of a table of Catalogs.MAST."""
    document = decoded(body, service)
    config: dict[str, dict[str, str]] = {}
    for entry in document if isinstance(document, list) else []:
        name = entry.get("column_name") or entry.get("name") if isinstance(entry, Mapping) else None
        if name:
            # What "type" says is nearer to the values than the type of the database.
            kind = _text(entry.get("type")) or _text(entry.get("db_type"))
            texts = {"unit": _text(entry.get("unit")), "vot.description": _text(entry.get("description"))}
            config[str(name)] = {"type": kind, **texts}
    if not config:
        raise InvalidResponseError(f"{service} answered with something else than a list of columns.", service=service)
    return columns_of(config)


def continuous_columns(document: Mapping[str, Any], service: str) -> frozenset[str]:
    """Read which columns hold numbers that are filtered by ranges, from the answer of a ``...All`` service."""
    try:
        found = document["data"]["Tables"][0]["ExtendedProperties"]["continuousHistogram"]
        return frozenset(str(name) for name in found)
    except (KeyError, IndexError, TypeError) as err:
        raise InvalidResponseError(f"{service} sent no histograms.", service=service) from err
