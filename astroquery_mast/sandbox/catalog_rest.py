"""Catalogs.MAST: Pan-STARRS over ``/api/v0.1/panstarrs/<release>/<table>``.

In: a `RequestRecord`; parameters may be in the URL, in a posted form or in posted JSON. Out: rows as JSON (arrays or
objects), CSV or VOTable; the description of the columns; or a status of 400 or 404 with a message in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .answers import Window, encode
from .archive.catalog_panstarrs import TABLES
from .archive.catalogs import survey_table
from .catalog_query import CatalogQuery, RestError, parameters_of
from .dataset import Columns, Dataset
from .reply import Reply
from .requestlog import RequestRecord

__all__ = ["CATALOG_ROOT", "catalog_answer", "is_catalog_path"]

#: Where this service lives; other catalogs of Catalogs.MAST are not here.
CATALOG_ROOT = "/api/v0.1/panstarrs"
FORMATS = ("json", "csv", "votable")
MEDIA_TYPES = {"text/csv": "csv", "text/xml": "votable", "application/x-votable+xml": "votable"}


def is_catalog_path(path: str) -> bool:
    """Return whether Catalogs.MAST answers for ``path``."""
    return path.startswith(f"{CATALOG_ROOT}/")


def catalog_answer(record: RequestRecord) -> Reply:
    """Answer a request for rows or for the description of columns."""
    try:
        release, table, wants_metadata, suffix = _address(record.path)
        if wants_metadata:
            return _metadata(release, table)
        query = CatalogQuery(survey_table(release, table), parameters_of(record))
        return _rows(query, suffix or _format(query, record))
    except RestError as error:
        return Reply.json({"status": error.status, "message": str(error)}, error.status)


def _address(path: str) -> tuple[str, str, bool, str]:
    """Return release, table, whether the metadata are wanted, and the format in the path, if there is one."""
    release, _, rest = path.removeprefix(f"{CATALOG_ROOT}/").lower().partition("/")
    rest, _, suffix = rest.partition(".")
    table, _, last = rest.partition("/")
    if release not in TABLES:
        raise RestError(f"There is no data release '{release}' of Pan-STARRS.", 404)
    if table not in TABLES[release] or last not in {"", "metadata"}:
        raise RestError(f"Data release '{release}' has no table '{rest}'.", 404)
    if suffix not in {"", *FORMATS}:
        raise RestError(f"There is no format '{suffix}'.", 404)
    return release, table, last == "metadata", suffix


def _format(query: CatalogQuery, record: RequestRecord) -> str:
    asked = query.option("format") or MEDIA_TYPES.get(record.headers.get("accept", ""), "json")
    if asked not in FORMATS:
        raise RestError(f"There is no format '{asked}'.")
    return asked


def _metadata(release: str, table: str) -> Reply:
    columns = survey_table(release, table).columns
    return Reply.json([column.metadata(place) for place, column in enumerate(columns, 1)])


def _rows(query: CatalogQuery, form: str) -> Reply:
    rows = query.rows()
    if form != "json":
        columns: Columns = tuple((column.name, column.kind) for column in query.columns)
        body, content_type = encode(Dataset(columns, rows), Window(1, max(len(rows), 1)), form)
        return Reply(headers=(("Content-Type", content_type),), body=body)
    names = [column.name for column in query.columns]
    cells = list(_as_json(query, rows))
    answer: dict[str, object] = {}
    if query.flag("include_info"):
        answer["info"] = [
            {
                "name": column.name,
                "type": column.type,
                "db_type": "STRING" if column.kind == "string" else "NUMBER",
                "description": column.description,
            }
            for column in query.columns
        ]
    flat = query.flag("flatten_response")
    answer["data"] = cells if flat else [dict(zip(names, row, strict=True)) for row in cells]
    return Reply.json(answer)


def _as_json(query: CatalogQuery, rows: Sequence[tuple[object, ...]]) -> Iterator[list[object]]:
    """Write long integers as text: JavaScript would round them."""
    long = [column.type == "long" for column in query.columns]
    for row in rows:
        yield [str(cell) if is_long else cell for cell, is_long in zip(row, long, strict=True)]
