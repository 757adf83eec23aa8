"""What the archive says of catalogs: the rows of Catalogs.MAST, and the columns of all catalogs.

In: the body of an answer of Catalogs.MAST, or the name of a list of columns, such as ``panstarrs/dr2/mean``.  Out: a
`~astroquery_mast.tables.mashup.Page`, and `~astroquery_mast.tables.columns.Columns`.  For some catalogs Mashup's lists
say nothing of types; which of their columns hold numbers is then told by histograms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from astroquery import log

from ..config import Endpoints
from ..exceptions import InvalidResponseError, MastError
from ..query.request import MashupRequest
from ..service.columns import MashupColumns
from ..service.http import HttpClient
from ..service.retrying import Deadline
from ..tables.columns import Column, Columns, columns_of, find_column, snapshot
from ..tables.mashup import Page, declared_columns
from ..tables.rows import decoded

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
    for name, type_name, entry in declared_columns(info, service):
        column = find_column(name, known) or Column(name, label=name)
        description = column.description or _text(entry.get("description"))
        unit = column.unit or _text(entry.get("unit"))
        found.setdefault(name, replace(column, name=name, type_name=type_name, description=description, unit=unit))
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


# List of columns without types → service whose histograms tell them.
_HISTOGRAMS = {
    "Mast.Catalogs.Tess.Cone": "Mast.Catalogs.All.Tic",
    "Mast.Catalogs.Dd.Cone": "Mast.Catalogs.All.DiskDetective",
}


@dataclass(frozen=True)
class CatalogColumns:
    """The columns of catalogs; those of Catalogs.MAST have names such as ``panstarrs/dr2/mean``."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, name: str) -> str:
        """Return the server that is asked."""
        return self.endpoints.catalogs_server if "/" in name else self.endpoints.server

    def fetch(self, name: str, deadline: Deadline) -> Columns:
        """Ask for the columns of a catalog."""
        known = snapshot().get(name, {})
        if "/" in name:
            columns = self._metadata(name, deadline)
        else:
            columns = self._typed(name, MashupColumns(self.http, self.endpoints).fetch(name, deadline), known, deadline)
        # What the package knows has types and units that astropy reads.
        return {**columns, **known}

    def _metadata(self, name: str, deadline: Deadline) -> Columns:
        """The columns of a table of Catalogs.MAST."""
        service = f"The list of columns of {name}"
        url = f"{self.endpoints.catalogs}/{name}/metadata.json"
        response = self.http.request("GET", url, deadline=deadline, service=service, attempts=1)
        return read_metadata(response.content, service)

    def _typed(self, name: str, columns: Columns, known: Columns, deadline: Deadline) -> Columns:
        """The same columns, with numbers marked as such where nothing tells of what type they are."""
        untyped = [each for each, column in columns.items() if each not in known and not column.type_name]
        service = _HISTOGRAMS.get(name)
        if service is None or not untyped:
            return columns
        try:
            page = self.http.page(MashupRequest(service, format="extjs"), deadline).page
            numbers = continuous_columns(page.document or {}, service).intersection(untyped)
        except MastError as err:
            log.debug("It is not known which columns of %s hold numbers: %s", name, err)
            return columns
        return {**columns, **{each: replace(columns[each], type_name="float", continuous=True) for each in numbers}}
