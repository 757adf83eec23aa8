"""The Mashup service: ``invoke`` and ``columnsconfig``, and the name resolver."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree  # only written here, never read

from .answers import FORMATS, Dataset, Window, caom_all, encode
from .archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from .archive.search import Clause
from .caching import Cache
from .catalog_services import CATALOG_SERVICES, UPLOAD
from .engineering.database import ENGINEERING_SERVICES
from .hst_spectra import StagedScripts
from .keyword_services import KEYWORD_SERVICES
from .packaged import Columns, packaged
from .parameters import Params, check_cone, count_dataset, finite, identifier, is_true, number, requested_columns, where
from .reading import natural
from .reply import TEXT, Refusal, Reply, ServiceError
from .requestlog import RequestRecord
from .rows import observation_rows

if TYPE_CHECKING:
    from .archive import Archive
    from .vo.datascope import DataScope

Entry = dict[str, object]

#: Response time (milliseconds) and cache date in the responses of the name resolver.
RESOLVER_TIME = 12
CACHE_DATE = "Apr 17, 2025, 3:47:59 PM"


def resolve(archive: Archive, record: RequestRecord) -> Reply:
    """Answer ``/Santa-war/query``: resolve each ``name``, in the given order; unknown names have no entry."""
    resolvers = {name.upper() for name in record.values("resolver")}
    every = is_true(record.value("resolveAll"))
    entries: list[Entry] = []
    for name in record.values("name"):
        entries += _entries(archive, name, set() if every else resolvers, first=not every and not resolvers)
    return _answer(entries, record.value("outputFormat"))


def lookup(archive: Archive, params: Mapping[str, object]) -> Reply:
    """Answer ``Mast.Name.Lookup``; the response format is a parameter."""
    name = params.get("input")
    if not isinstance(name, str) or not name.strip():
        raise ServiceError("The parameter 'input' is missing.")
    return _answer(_entries(archive, name, set(), first=True), params.get("format"))


def _entries(archive: Archive, name: str, resolvers: set[str], *, first: bool) -> list[Entry]:
    found = [
        {
            "cached": True,
            "cacheDate": CACHE_DATE,
            "resolverTime": RESOLVER_TIME,
            "searchString": name.strip().lower(),
            **entry,
        }
        for entry in archive.resolve(name)
        if not resolvers or str(entry["resolver"]).upper() in resolvers
    ]
    return found[:1] if first else found


def _answer(entries: list[Entry], form: object) -> Reply:
    if str(form).lower() == "json":
        return Reply.json({"resolvedCoordinate": entries, "status": ""})
    root = ElementTree.Element("resolvedItems")
    for entry in entries:
        item = ElementTree.SubElement(root, "resolvedCoordinate")
        for key, value in sorted(entry.items()):
            ElementTree.SubElement(item, key).text = str(value).lower() if isinstance(value, bool) else str(value)
    xml = ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
    return Reply.text(f'<?xml version="1.0" encoding="UTF-8"?>{xml}', content_type="text/xml; charset=utf-8")


Service = Callable[["Archive", Params], Dataset]

#: Default radius of a cone (degrees), from the description of the service.
DEFAULT_RADIUS = 0.2

DISTANCE: Columns = (("distance", "float"),)
SELECTED: Columns = (("_selected_", "boolean"),)
FILTERED: Columns = (*OBSERVATION_COLUMNS, ("objID", "string"))
POSITIONED: Columns = (*FILTERED, ("objID1", "string"), *DISTANCE)


def cone(archive: Archive, params: Params) -> Dataset:
    """Return the observations whose footprint intersects a cone, nearest first, with distance and selection mark."""
    radius = number(params, "radius", DEFAULT_RADIUS)
    distances = _within(archive, number(params, "ra"), number(params, "dec"), radius)
    condition = Clause("obs_collection <> 'HLA'") if is_true(params.get("exclude_hla")) else Clause.all_of([])
    columns = (*OBSERVATION_COLUMNS, *DISTANCE, *SELECTED)
    return Dataset(columns, observation_rows(archive, columns, _nearest(archive, distances, condition), distances))


def filtered(archive: Archive, params: Params) -> Dataset:
    """Return the observations that match the filters, or their number."""
    condition = where(params.get("filters"), FILTERED)
    columns = requested_columns(params, FILTERED)
    if columns is None:
        sql = f"SELECT COUNT(*) AS number FROM observation WHERE {condition.sql}"
        return count_dataset(archive.query(sql, condition.parameters)[0]["number"])
    return Dataset(columns, observation_rows(archive, columns, _matching(archive, condition)))


def filtered_position(archive: Archive, params: Params) -> Dataset:
    """Return the observations that match the filters and intersect the cone, nearest first, or their number."""
    condition = where(params.get("filters"), FILTERED)
    columns = requested_columns(params, POSITIONED)
    distances = _within(archive, *_position(params))
    keys = _nearest(archive, distances, condition)
    return (
        count_dataset(len(keys))
        if columns is None
        else Dataset(columns, observation_rows(archive, columns, keys, distances))
    )


def products(archive: Archive, params: Params) -> Dataset:
    """Return the files of each requested observation and of its members, in the order of the request, as at MAST."""
    ids = list(dict.fromkeys(_ids(params.get("obsid"))))
    listed = ", ".join(
        "asked.value AS parent_obsid" if name == "parent_obsid" else f'product."{name}"' for name, _ in PRODUCT_COLUMNS
    )
    # CROSS JOIN keeps SQLite from scanning the entire product table for each id.
    sql = (
        f"SELECT {listed}, asked.key AS place, 0 AS member, product.rowid AS row FROM json_each(?) AS asked "
        "CROSS JOIN product ON product.obsID = asked.value UNION ALL "
        f"SELECT {listed}, asked.key, 1, product.rowid FROM json_each(?) AS asked "
        "CROSS JOIN membership ON membership.obsid = asked.value "
        "CROSS JOIN product ON product.obsID = membership.member_obsID "
        "ORDER BY place, member, row"
    )
    rows = [tuple(row.values()) for row in archive.query(sql, (json.dumps(ids),) * 2)]
    return Dataset((*PRODUCT_COLUMNS, *SELECTED), [(*row[:-3], None) for row in rows])


def missions(archive: Archive, params: Params) -> Dataset:
    """Return the collections of the archive, one per row."""
    sql = "SELECT DISTINCT obs_collection FROM observation WHERE obs_collection IS NOT NULL ORDER BY 1"
    return Dataset((("distinctValue", "string"),), [tuple(row.values()) for row in archive.query(sql)])


SERVICES: Mapping[str, Service] = {
    "mast.caom.cone": cone,
    "mast.caom.filtered": filtered,
    "mast.caom.filtered.position": filtered_position,
    "mast.caom.products": products,
    "mast.caom.all": caom_all,
    "mast.missions.list": missions,
    **CATALOG_SERVICES,
    **ENGINEERING_SERVICES,
    **KEYWORD_SERVICES,
}


def _within(archive: Archive, ra: float, dec: float, radius: float) -> dict[int, float]:
    check_cone(dec, radius)
    return archive.within(ra, dec, radius)


def _matching(archive: Archive, condition: Clause) -> list[int]:
    """Return the keys of the observations that match the condition, in ascending order."""
    # One JSON value is faster than one row per key: a large archive has hundreds of thousands.
    sql = f"SELECT json_group_array(objID) AS keys FROM observation WHERE {condition.sql}"
    keys: list[int] = json.loads(str(archive.query(sql, condition.parameters)[0]["keys"]))
    return sorted(keys)


def _nearest(archive: Archive, distances: Mapping[int, float], condition: Clause) -> list[int]:
    """Return the keys of ``distances`` that match the condition, nearest first."""
    keys = _matching(archive, Clause.all_of([Clause.among("objID", distances), condition]))
    return sorted(keys, key=distances.__getitem__)


def _position(params: Params) -> tuple[float, float, float]:
    text = str(params.get("position", ""))
    parts = text.split(",")
    if len(parts) != 3:
        raise ServiceError(f"The parameter 'position' must be 'ra, dec, radius', not '{text}'.")
    ra, dec, radius = (finite("position", part) for part in parts)
    return ra, dec, radius


def _ids(obsid: object) -> list[int]:
    # Two spellings are in use: a single number, or comma-separated numbers as text.
    return [identifier(text.strip()) for text in str("" if obsid is None else obsid).split(",")]


DEFAULT_PAGE_SIZE = 1000
#: Services whose results grow from poll to poll.
PROGRESSIVE = frozenset({"vo.hesarc.datascope", "vo.hesarc.datascopelistable"})
LONGEST_NUMBER = 9
#: Number of rows above which MAST's server runs out of memory and drops the connection (from the API description).
ROW_LIMIT = 500_000
#: Number of rows of results, and of bytes of encoded pages, cached for later requests.
KEPT_ROWS = 1_000_000
KEPT_BYTES = 256 * 1024 * 1024

#: Services whose columns are described under the name of another service.
CONFIG_OF: Mapping[str, str] = packaged("services")["config"]


def decode_request(text: str | None) -> dict[str, object] | None:
    """Return the request object of an ``invoke`` call, or None if ``text`` is not a JSON object."""
    text = text or ""
    try:
        request = json.loads(text, parse_constant=_refuse_constant)
        if "\\u" in text:
            # Half of a surrogate pair is not a character, although JSON can encode it.
            json.dumps(request, ensure_ascii=False).encode()
    except ValueError:
        return None
    return request if isinstance(request, dict) else None


class Mashup:
    """Answer ``invoke`` and ``columnsconfig`` requests from an archive.

    The holdings never change, so the cache breaker is not part of the cache key. A result with more than ``row_limit``
    rows drops the connection, or is truncated if ``cuts`` is set.
    """

    def __init__(self, archive: Archive, *, row_limit: int = ROW_LIMIT, cuts: bool = False) -> None:
        self._archive = archive
        self._row_limit = row_limit
        self._cuts = cuts
        self.scripts = StagedScripts()
        self._progressive: Cache[DataScope] = Cache()
        self._results: Cache[Dataset] = Cache(KEPT_ROWS, Dataset.__len__)
        self._pages: Cache[tuple[bytes, str]] = Cache(KEPT_BYTES, _length)

    def invoke(self, record: RequestRecord) -> Reply:
        """Run the requested service."""
        return self._run(_Invocation(record.mashup), record.headers.get("host", ""))

    def columnsconfig(self, record: RequestRecord) -> Reply:
        """Describe the columns of a service; the response for an unknown service is empty."""
        wanted = (record.value("colConfigId") or "").strip().lower()
        wanted = CONFIG_OF.get(wanted, wanted)
        known = {name.lower(): config for name, config in COLUMNS_CONFIG.items()}
        return Reply.json(known.get(wanted, {}), content_type=TEXT)

    def _run(self, invocation: _Invocation, host: str) -> Reply:
        if invocation.service == "mast.name.lookup":
            return lookup(self._archive, invocation.params)
        if invocation.service == "mast.bundle.request":
            return self.scripts.request(invocation.params, host)
        if invocation.service in PROGRESSIVE:
            datascope = self._progressive.get("datascope", _datascope, self._archive)
            return datascope.answer(
                invocation.params, invocation.option("cachebreaker"), host, invocation.window, invocation.format
            )
        service = SERVICES.get(invocation.service)
        if service is None:
            raise ServiceError(f"Unknown service '{invocation.request.get('service')}'.")
        body, content_type = self._pages.get(invocation.page_key, self._page, service, invocation)
        return Reply(headers=(("Content-Type", content_type),), body=body)

    def _page(self, service: Service, invocation: _Invocation) -> tuple[bytes, str]:
        dataset = self._results.get(invocation.key, self._result, service, invocation.params)
        shown = dataset.without_empty_columns() if invocation.is_compact else dataset
        return encode(shown, invocation.window, invocation.format)

    def _result(self, service: Service, params: Params) -> Dataset:
        dataset = service(self._archive, params)
        if len(dataset.rows) <= self._row_limit:
            return dataset
        if not self._cuts:
            raise _TooLargeError
        return replace(dataset, rows=dataset.rows[: self._row_limit])


def _datascope(archive: Archive) -> DataScope:
    """Create the service with incremental results, imported on first use."""
    from .vo.datascope import DataScope  # noqa: PLC0415

    return DataScope(archive)


class _TooLargeError(Refusal):
    """A result has too many rows for the server."""

    def reply(self) -> Reply:
        """Drop the connection."""
        return Reply(cut=0, abort=True)


class _Invocation:
    """A parsed request object; missing or malformed members raise `ServiceError`."""

    def __init__(self, request: Mapping[str, object] | None) -> None:
        if request is None:
            raise ServiceError("The request is not a JSON object.")
        self.request = request
        self._options = {name.lower(): value for name, value in request.items()}
        params = request.get("params", {})
        if not isinstance(params, dict):
            raise ServiceError("The request's 'params' must be an object.")
        # The uploaded table of a cross-match is next to the parameters.
        uploaded = {UPLOAD: self.option("data")} if self.option("data") is not None else {}
        self.params: dict[str, object] = params | uploaded
        self.service = str(request.get("service", "")).strip().lower()

    def option(self, name: str) -> object:
        """Return a member of the request; the name is not case-sensitive."""
        return self._options.get(name)

    @property
    def key(self) -> tuple[str, str]:
        """Cache key of the result."""
        params = {name: value for name, value in self.params.items() if name.lower() != "cachebreaker"}
        return self.service, json.dumps(params, sort_keys=True)

    @property
    def page_key(self) -> Hashable:
        """Cache key of the encoded page."""
        return self.key, self.window, self.format, self.is_compact

    @property
    def is_compact(self) -> bool:
        """Whether columns without values are omitted."""
        return str(self.option("removenullcolumns")).lower() == "true"

    @property
    def window(self) -> Window:
        """The requested page; without ``page`` the first one, regardless of ``pagesize``."""
        if self.option("page") is None:
            return Window(1, DEFAULT_PAGE_SIZE)
        size = self.option("pagesize")
        return Window(_positive("page", self.option("page")), _positive("pagesize", size or DEFAULT_PAGE_SIZE))

    @property
    def format(self) -> str:
        """The requested format, in lower case."""
        form = str(self.option("format") or "extjs").lower()
        if form not in FORMATS:
            raise ServiceError(f"Unknown format '{form}'.")
        return form


def _length(page: tuple[bytes, str]) -> int:
    return len(page[0])


def _positive(name: str, value: object) -> int:
    found = natural(value, LONGEST_NUMBER)
    if not found:
        raise ServiceError(f"The request's '{name}' must be a positive integer, not '{value}'.")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not valid JSON")
