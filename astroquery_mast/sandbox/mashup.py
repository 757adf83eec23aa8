"""The Mashup service: ``invoke`` and ``columnsconfig``.

In: a `RequestRecord` with the decoded request. Out: a `Reply` with one page of the result, or HTTP 200 with ``status:
ERROR``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .answers import FORMATS, Dataset, Window, encode
from .archive import COLUMNS_CONFIG
from .cache import Cache
from .catalog_services import UPLOAD
from .hst_spectra import StagedScripts
from .reply import TEXT, Refusal, Reply, ServiceError
from .requestlog import RequestRecord
from .resolver import lookup
from .services import SERVICES

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["ROW_LIMIT", "Mashup", "decode_request"]

DEFAULT_PAGE_SIZE = 1000
LONGEST_NUMBER = 9
#: Rows beyond which MAST's server runs out of memory and drops the connection (the description of the API).
ROW_LIMIT = 500_000
#: Rows of results kept for further pages, and bytes of encoded pages.
KEPT_ROWS = 1_000_000
KEPT_BYTES = 256 * 1024 * 1024

#: The services whose columns are described under the name of another one.
CONFIG_OF = {
    "mast.caom.filtered": "mast.caom.cone",
    "mast.caom.filtered.position": "mast.caom.cone",
    "mast.caom.all": "mast.caom.cone",
}


def decode_request(text: str | None) -> dict[str, object] | None:
    """Return the request object in an ``invoke`` call, or None if ``text`` is no JSON object."""
    try:
        request = json.loads(text or "", parse_constant=_refuse_constant)
        if "\\u" in (text or ""):
            # Half of a surrogate pair is no character, though it can be written in JSON.
            json.dumps(request, ensure_ascii=False).encode()
    except ValueError:
        return None
    return request if isinstance(request, dict) else None


class Mashup:
    """Answer ``invoke`` and ``columnsconfig`` from an archive.

    The holdings never change, so a result depends on service and parameters alone: the cache breaker, which makes
    MAST run a query again, would make this archive compute the same rows again and is left out of the cache's key.

    A result larger than ``row_limit`` drops the connection, or ``cuts`` it to that.
    """

    def __init__(self, archive: Archive, *, row_limit: int = ROW_LIMIT, cuts: bool = False) -> None:
        self._archive = archive
        self._row_limit = row_limit
        self._cuts = cuts
        self.scripts = StagedScripts()
        self._results: Cache[Dataset] = Cache(KEPT_ROWS, lambda dataset: len(dataset.rows))
        self._pages: Cache[tuple[bytes, str]] = Cache(KEPT_BYTES, lambda page: len(page[0]))

    def invoke(self, record: RequestRecord) -> Reply:
        """Run the service asked for."""
        return self._run(_Invocation(record.mashup), record.headers.get("host", ""))

    def columnsconfig(self, record: RequestRecord) -> Reply:
        """Describe the columns of a service; the answer is empty for an unknown one."""
        wanted = (record.value("colConfigId") or "").strip().lower()
        wanted = CONFIG_OF.get(wanted, wanted)
        known = {name.lower(): config for name, config in COLUMNS_CONFIG.items()}
        return Reply.json(known.get(wanted, {}), content_type=TEXT)

    def _run(self, invocation: _Invocation, host: str) -> Reply:
        if invocation.service == "mast.name.lookup":
            return lookup(self._archive, invocation.params)
        if invocation.service == "mast.bundle.request":
            return self.scripts.request(invocation.params, host)
        service = SERVICES.get(invocation.service)
        if service is None:
            raise ServiceError(f"Unknown service '{invocation.request.get('service')}'.")
        key, window, form = invocation.key, invocation.window, invocation.format
        compact = str(invocation.option("removenullcolumns")).lower() == "true"

        def page() -> tuple[bytes, str]:
            dataset = self._results.get(key, lambda: self._limited(service(self._archive, invocation.params)))
            return encode(dataset.without_empty_columns() if compact else dataset, window, form)

        body, content_type = self._pages.get((key, window, form, compact), page)
        return Reply(headers=(("Content-Type", content_type),), body=body)

    def _limited(self, dataset: Dataset) -> Dataset:
        if len(dataset.rows) <= self._row_limit:
            return dataset
        if not self._cuts:
            raise _TooLargeError
        return replace(dataset, rows=dataset.rows[: self._row_limit])


class _TooLargeError(Refusal):
    """A result has more rows than the server can hold."""

    def reply(self) -> Reply:
        """Drop the connection."""
        return Reply(cut=0, abort=True)


class _Invocation:
    """A request object, read; what is missing or malformed raises `ServiceError`."""

    def __init__(self, request: Mapping[str, object] | None) -> None:
        if request is None:
            raise ServiceError("The request is not a JSON object.")
        self.request = request
        self._options = {name.lower(): value for name, value in request.items()}
        params = request.get("params", {})
        if not isinstance(params, dict):
            raise ServiceError("The request's 'params' must be an object.")
        # The table that a cross-match reads stands beside the parameters.
        uploaded = {UPLOAD: self.option("data")} if self.option("data") is not None else {}
        self.params: dict[str, object] = params | uploaded
        self.service = str(request.get("service", "")).strip().lower()

    def option(self, name: str) -> object:
        """Return a property of the request; their names are found whatever their case."""
        return self._options.get(name)

    @property
    def key(self) -> tuple[str, str]:
        """What the result depends on."""
        params = {name: value for name, value in self.params.items() if name.lower() != "cachebreaker"}
        return self.service, json.dumps(params, sort_keys=True)

    @property
    def window(self) -> Window:
        """The page asked for; without ``page`` the first one, and ``pagesize`` is ignored."""
        if self.option("page") is None:
            return Window(1, DEFAULT_PAGE_SIZE)
        size = self.option("pagesize")
        return Window(_positive("page", self.option("page")), _positive("pagesize", size or DEFAULT_PAGE_SIZE))

    @property
    def format(self) -> str:
        """The format asked for, in lower case."""
        form = str(self.option("format") or "extjs").lower()
        if form not in FORMATS:
            raise ServiceError(f"Unknown format '{form}'.")
        return form


def _positive(name: str, value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER) or int(text) < 1:
        raise ServiceError(f"The request's '{name}' must be a positive integer, not '{value}'.")
    return int(text)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
