"""Paths of the sandbox, and what answers there.

In: a `RequestRecord`. Out: a `Reply`. The paths are those of mast.stsci.edu and of the resolver's host, all on one
server here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from .archive.mission_holdings import MissionHoldings
from .catalog_rest import catalog_answer, is_catalog_path
from .cloud import BUCKET, Bucket, path_lookup
from .downloads import Bundles, Downloads
from .hst_spectra import PROGRAMS, STAGE, spectrum_answer
from .identity import whoami
from .mashup import ROW_LIMIT, Mashup, resolve
from .missions import Missions, mission_endpoint
from .reply import Refusal, Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["Routes", "endpoint_of"]

Answer = Callable[[RequestRecord], Reply]

#: Paths of the cutout services.
CUTOUTS = {
    "tesscut": ("sector", "astrocut", "moving_target/sector", "moving_target/astrocut"),
    "zcut": ("survey", "astrocut"),
    "hapcut": ("astrocut",),
}
PATHS: Mapping[str, str] = {
    "/": "other",
    "/api/v0/invoke": "invoke",
    "/portal/Mashup/Mashup.asmx/invoke": "invoke",
    "/portal_jwst/Mashup/Mashup.asmx/invoke": "invoke",
    "/portal/Mashup/Mashup.asmx/columnsconfig": "columnsconfig",
    "/portal_jwst/Mashup/Mashup.asmx/columnsconfig": "columnsconfig",
    "/api/v0.1/Download/file": "download",
    "/jwst/api/v0.1/download/file": "download",
    "/api/v0.1/Download/bundle.sh": "bundle",
    "/api/v0.1/Download/bundle.zip": "bundle",
    "/api/v0.1/Download/bundle.tar.gz": "bundle",
    "/api/v0.1/path_lookup": "path_lookup",
    "/api/v0.1/path_lookup/": "path_lookup",
    f"{BUCKET}/": "cloud",
    "/search/docs": "mission_docs",
    "/whoami": "whoami",
    "/Santa-war/query": "resolver",
    **{f"/{service}/api/v0.1/{path}": service for service, paths in CUTOUTS.items() for path in paths},
    **dict.fromkeys(PROGRAMS, "hla"),
}

READ = frozenset({"GET", "HEAD"})
#: Endpoints that take no POST.
READ_ONLY = frozenset(
    {"whoami", "path_lookup", "cloud", "resolver", "mission_columns", "mission_docs", "retrieve_product", "hla"}
)
READ_ONLY |= {"stage", "other"}

#: MAST's front end refuses longer request lines.
LONGEST_TARGET = 8190

FRONT_PAGE = """<!DOCTYPE html>
<html><head><title>MAST sandbox</title></head><body>
<h1>A small MAST in a box</h1>
<p>This server imitates a few services of the Mikulski Archive for Space Telescopes with made-up observations.
Nothing here is a measurement.</p><ul>{}</ul></body></html>
"""


def endpoint_of(path: str) -> str:
    """Return the name under which requests of ``path`` are logged."""
    if path.startswith(f"{BUCKET}/"):
        return "cloud"
    if is_catalog_path(path):
        return "catalogs"
    if path.startswith(f"{STAGE}/"):
        return "stage"
    return PATHS.get(path) or mission_endpoint(path) or "other"


class Routes:
    """Answer requests from an archive; the options are those of `Mashup`."""

    def __init__(self, archive: Archive, *, row_limit: int = ROW_LIMIT, cuts: bool = False) -> None:
        mashup = Mashup(archive, row_limit=row_limit, cuts=cuts)
        holdings = MissionHoldings(archive)
        downloads = Downloads(holdings)
        missions = Missions(holdings, downloads)
        self._answers: Mapping[str, Answer] = {
            "invoke": mashup.invoke,
            "columnsconfig": mashup.columnsconfig,
            "download": downloads.file,
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
            **dict.fromkeys(CUTOUTS, partial(_cut, archive)),
            "catalogs": catalog_answer,
            "hla": spectrum_answer,
            "stage": mashup.scripts.send,
            "other": _front_page,
        }

    def answer(self, record: RequestRecord, target: str) -> Reply:
        """Return the answer; ``target`` is the request target as it was sent, for its length."""
        if len(target) > LONGEST_TARGET:
            return Reply.text("Request-URI Too Large", 414)
        if record.path not in PATHS and record.endpoint == "other":
            return Reply.text(f"There is nothing at {record.path}.", 404)
        methods = READ if record.endpoint in READ_ONLY else READ | {"POST"}
        if record.method not in methods:
            allowed = ("Allow", ", ".join(sorted(methods)))
            return Reply(405, (("Content-Type", "text/plain"), allowed), b"Method Not Allowed")
        try:
            return self._answers[record.endpoint](record)
        except Refusal as refusal:
            return refusal.reply()


def _cut(archive: Archive, record: RequestRecord) -> Reply:
    """Cut images; what that needs is imported with the first cut, because it takes a while."""
    from .cutouts import Cutouts  # noqa: PLC0415

    return Cutouts(archive).answer(record)


def _front_page(record: RequestRecord) -> Reply:
    listed = "".join(f"<li>{path}</li>" for path in PATHS if path != "/")
    return Reply.text(FRONT_PAGE.format(listed), content_type="text/html; charset=utf-8")
