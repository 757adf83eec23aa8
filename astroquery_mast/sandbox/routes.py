"""Paths of the sandbox (`endpoints.json`) and their handlers, for mast.stsci.edu and its sister hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .archive.mission_holdings import MissionHoldings
from .catalog_rest import catalog_answer
from .cloud import Bucket, path_lookup
from .downloads import Bundles, Downloads
from .engineering.database import FILES, EngineeringDatabase
from .hlsp_pages import HlspPages
from .hst_spectra import spectrum_answer
from .identity import whoami
from .mashup import ROW_LIMIT, Mashup, resolve
from .missions import Missions, mission_endpoint
from .packaged import packaged, text
from .reply import Refusal, Reply
from .requestlog import RequestRecord
from .viz import viz_answer

if TYPE_CHECKING:
    from .archive import Archive

Answer = Callable[[RequestRecord], Reply]

#: Paths, path prefixes, and allowed methods of each endpoint.
ENDPOINTS: Mapping[str, Mapping[str, Any]] = packaged("endpoints")
PATHS = {path: name for name, endpoint in ENDPOINTS.items() for path in endpoint["paths"]}
PREFIXES = {endpoint["prefix"]: name for name, endpoint in ENDPOINTS.items() if "prefix" in endpoint}
PREFIXES |= {prefix: name for name, endpoint in ENDPOINTS.items() for prefix in endpoint.get("prefixes", ())}

#: MAST's front end refuses longer request lines.
LONGEST_TARGET = 8190
#: Maximum number of rows in the response of a TAP service.
TAP_LIMIT = 100_000
#: Time limit of a quick CasJobs query (seconds), and maximum size of an upload (bytes).
QUICK_SECONDS, UPLOAD_LIMIT = 60.0, 200_000_000


# Modules that are imported by a first request are imported by one thread at a time: pytest parses the sources of its
# plugins again, and Python 3.11 cannot parse in two threads at once (https://github.com/python/cpython/issues/106905).
_IMPORTING = threading.RLock()

_PROPOSALS = tuple(name for name in ENDPOINTS if name.startswith("proposal_"))


def endpoint_of(path: str) -> str:
    """Return the name under which requests of ``path`` are logged."""
    prefixed = (name for prefix, name in PREFIXES.items() if path.startswith(prefix))
    return next(prefixed, None) or PATHS.get(path) or mission_endpoint(path) or "other"


class Routes:
    """Answer requests from an archive; the options are those of `Sandbox`."""

    def __init__(
        self,
        archive: Archive,
        *,
        row_limit: int = ROW_LIMIT,
        cuts: bool = False,
        tap_limit: int = TAP_LIMIT,
        tap_rows: int = 0,
        engineering_login: bool = False,
        casjobs: tuple[float, int, int] = (QUICK_SECONDS, UPLOAD_LIMIT, 0),
    ) -> None:
        self._tap = _Lazy(partial(_tap_services, archive, tap_limit, tap_rows))
        self._casjobs = _Lazy(partial(_casjobs_service, *casjobs))
        mashup = Mashup(archive, row_limit=row_limit, cuts=cuts)
        holdings = MissionHoldings(archive)
        downloads = Downloads(holdings)
        missions = Missions(holdings, downloads)
        self._files = downloads
        self._engineering = EngineeringDatabase(archive, login=engineering_login)
        contributed = HlspPages(archive)
        self._answers: Mapping[str, Answer] = {
            "invoke": mashup.invoke,
            "columnsconfig": mashup.columnsconfig,
            "download": self._file,
            "bundle": Bundles(archive, downloads).bundle,
            "whoami": whoami,
            "path_lookup": partial(path_lookup, archive),
            "cloud": Bucket(archive, downloads).answer,
            "resolver": partial(resolve, archive),
            "mission_docs": missions.docs,
            "mission_search": missions.search,
            "mission_products": missions.products,
            "mission_columns": missions.columns,
            "retrieve_product": missions.retrieve,
            **dict.fromkeys(("tesscut", "zcut", "hapcut"), partial(_cut, archive)),
            "catalogs": catalog_answer,
            "hla": spectrum_answer,
            "hlsp_page": contributed.page,
            "hlsp_file": contributed.file,
            "viz": partial(viz_answer, archive),
            "stage": mashup.scripts.send,
            "vo_sia1": partial(_by_position, "images", "first_version", archive),
            "vo_sia": partial(_by_position, "images", "second_version", archive),
            "vo_ssa": partial(_by_position, "spectra", "spectra", archive),
            "vo_file": partial(_by_position, "spectra", "spectrum_file", archive, downloads),
            "vo_cone": partial(_by_position, "cones", "cone_search", archive),
            "vo_tap": self._tap,
            "vo_registry": self._tap,
            **dict.fromkeys(("casjobs", "casjobs_login", "casjobs_output", "casjobs_fast"), self._casjobs),
            **{name: self._other_archive for name, endpoint in ENDPOINTS.items() if "stands_for" in endpoint},
            **dict.fromkeys(("visits", "visits_old"), partial(_program, "visits_page", archive)),
            **dict.fromkeys(("program", "program_old"), partial(_program, "program_page", archive)),
            **dict.fromkeys(_PROPOSALS, partial(_program, "proposal_file", archive)),
            "other": _front_page,
        }

    def end(self) -> None:
        """End running jobs."""
        self._tap.end()
        self._casjobs.end()

    def answer(self, record: RequestRecord, target: str) -> Reply:
        """Return the response; ``target`` is the request target as sent, whose length is checked."""
        if len(target) > LONGEST_TARGET:
            return Reply.text("Request-URI Too Large", 414)
        if record.path not in PATHS and record.endpoint == "other":
            return Reply.text(f"{record.path} was not found.", 404)
        methods = ENDPOINTS[record.endpoint]["methods"]
        if record.method not in methods:
            return Reply(405, (("Content-Type", "text/plain"), ("Allow", ", ".join(methods))), b"Method Not Allowed")
        try:
            return self._answers[record.endpoint](record)
        except Refusal as refusal:
            return refusal.reply()

    def _file(self, record: RequestRecord) -> Reply:
        """Send a file, or the telemetry that its name describes."""
        uri = record.value("uri") or ""
        return self._engineering.file(record, uri) if uri.startswith(FILES) else self._files.file(record)

    def _other_archive(self, record: RequestRecord) -> Reply:
        """Answer a request for another archive by the corresponding path of MAST."""
        endpoint = ENDPOINTS[record.endpoint]
        path = record.path.replace(endpoint["prefix"], endpoint["stands_for"], 1)
        return self._answers[endpoint_of(path)](replace(record, path=path))


def _cut(archive: Archive, record: RequestRecord) -> Reply:
    """Answer a cutout request; its modules are slow to import, so they are imported on first use."""
    with _IMPORTING:
        from .cutouts import Cutouts  # noqa: PLC0415

    return Cutouts(archive).answer(record)


class _Lazy:
    """A request handler that is slow to import and create; both happen on its first request."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Any = None

    def __call__(self, record: RequestRecord) -> Reply:
        with _IMPORTING:
            if self._made is None:
                self._made = self._make()
        reply: Reply = self._made.answer(record)
        return reply

    def end(self) -> None:
        if self._made is not None:
            self._made.end()


def _by_position(module: str, function: str, *arguments: Any) -> Reply:
    """Answer by a function of ``vo``, imported on first use."""
    reply: Reply = getattr(_imported(f".vo.{module}"), function)(*arguments)
    return reply


def _program(function: str, *arguments: Any) -> Reply:
    """Answer by a function of ``programs``, imported on first use."""
    reply: Reply = getattr(_imported(".programs.pages"), function)(*arguments)
    return reply


def _imported(module: str) -> Any:
    """Return a module of this package."""
    with _IMPORTING:
        return import_module(module, __package__)


def _tap_services(archive: Archive, limit: int, rows: int) -> Any:
    from .vo.tap import TapServices  # noqa: PLC0415 - sqlglot takes a while to import

    return TapServices(archive, limit, rows)


def _casjobs_service(quick_seconds: float, upload_limit: int, questions: int) -> Any:
    from .casjobs.service import CasJobsService  # noqa: PLC0415 - sqlglot takes a while to import

    return CasJobsService(quick_seconds, upload_limit, questions)


def _front_page(record: RequestRecord) -> Reply:
    listed = "".join(f"<li>{path}</li>" for path in PATHS if path != "/")
    return Reply.text(text("front_page.html").format(listed), content_type="text/html; charset=utf-8")
