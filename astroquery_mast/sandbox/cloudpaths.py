"""Where the public cloud copy of a file lies: ``/api/v0.1/path_lookup/``.

In: a `RequestRecord` with repeated ``uri``. Out: a `Reply` with one ``{status_code, path}`` for each, HTTP 200
whatever they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["path_lookup"]

Product = Mapping[str, object]

#: Collections whose paths begin with ``/mast`` unless the cloud's own path is asked for.
UNDER_MAST = frozenset({"GALEX"})


def path_lookup(archive: Archive, record: RequestRecord) -> Reply:
    """Look up the cloud path of every ``uri``."""
    cloud = (record.value("use_cloud_path") or "").lower() in ("true", "1")
    return Reply.json({uri: _entry(archive, uri, cloud=cloud) for uri in record.values("uri")})


def _entry(archive: Archive, uri: str, *, cloud: bool) -> dict[str, object]:
    product = archive.product(uri)
    collection = uri.removeprefix("mast:").partition("/")[0]
    pattern = PATTERNS.get(collection)
    if product is None or pattern is None:
        return {"status_code": 404, "path": None}
    path = pattern(uri, product)
    if collection in UNDER_MAST and not cloud:
        path = f"/mast{path}"
    return {"status_code": 200, "path": path}


def _hst(uri: str, product: Product) -> str:
    file = str(product["productFilename"])
    root = str(product["obs_id"]).lower()
    return f"/hst/public/{root[:4]}/{root}/{file}"


def _jwst(uri: str, product: Product) -> str:
    file = str(product["productFilename"])
    program, _, rest = file.partition("-")
    if rest:  # jw01039-o004_t001_...: a product of several exposures
        return f"/jwst/public/{program}/L3/t/{rest.partition('_')[0]}/{file}"
    return f"/jwst/public/{file[:7]}/{file.partition('_')[0]}/{file}"


def _tess(uri: str, product: Product) -> str:
    sector = next(
        (part for part in uri.replace("_", "-").split("-") if part[:1] == "s" and part[1:].isdigit()), "s0000"
    )
    folder = "ffi" if "ffi" in uri else "tid"
    return f"/tess/public/{folder}/{sector}/{product['productFilename']}"


def _hlsp(uri: str, product: Product) -> str:
    return f"/mast/hlsp/{uri.removeprefix('mast:HLSP/')}"


def _below(prefix: str) -> Callable[[str, Product], str]:
    def path(uri: str, product: Product) -> str:
        rest = uri.removeprefix("mast:").partition("/")[2]
        return f"/{prefix}/{rest.removeprefix('url/').removeprefix('data/').removeprefix('product/')}"

    return path


PATTERNS: Mapping[str, Callable[[str, Product], str]] = {
    "HST": _hst,
    "JWST": _jwst,
    "TESS": _tess,
    "HLSP": _hlsp,
    "GALEX": _below("galex"),
    "PS1": _below("panstarrs/ps1/public"),
    "KEPLER": _below("kepler"),
    "K2": _below("k2"),
}
