"""The public cloud copy of files: where they lie, and a bucket of objects as people without an account see it.

In: a `RequestRecord`, of ``/api/v0.1/path_lookup/`` with repeated ``uri``, or with a path that begins with `BUCKET`.
Out: a `Reply` with one ``{status_code, path}`` for each; an object or a part of it, the listing of a folder
(``?list-type=2``), or an error in XML. Objects are the public files that have a path; those of exclusive access are
refused with 403 to everyone, since the bucket does not accept tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .downloads import Downloads
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["BUCKET", "Bucket", "path_lookup"]

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


BUCKET = "/s3/stpubdata"
#: Entries of one listing, as S3 limits them.
MOST_KEYS = 1000
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
#: Headers of the archive's download service that an object store does not send.
FOREIGN = ("content-disposition",)


class Bucket:
    """Hand out the objects of a bucket and list their names."""

    def __init__(self, archive: Archive, downloads: Downloads) -> None:
        self._archive = archive
        self._downloads = downloads
        self._reading = threading.Lock()
        self._found: Mapping[str, str] | None = None

    def answer(self, record: RequestRecord) -> Reply:
        """Answer a request for an object, or for a listing."""
        key = record.path.removeprefix(BUCKET).removeprefix("/")
        if key:
            return self._object(key, record)
        if record.value("list-type") != "2":
            return _error(501, "NotImplemented", "Only version 2 of listings is served.")
        return self._listing(record)

    def _objects(self) -> Mapping[str, str]:
        """Keys and the ``dataURI`` behind each; read from the archive once."""
        with self._reading:
            if self._found is None:
                self._found = dict(sorted(_keys(self._archive)))
            return self._found

    def _object(self, key: str, record: RequestRecord) -> Reply:
        uri = self._objects().get(key)
        if uri is None:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        headers = {name: value for name, value in record.headers.items() if name not in ("authorization", "cookie")}
        reply = self._downloads.file(replace(record, query={"uri": [uri]}, form={}, headers=headers))
        if reply.status == 401:
            return _error(403, "AccessDenied", "Access Denied")
        if reply.status == 416:
            invalid = _error(416, "InvalidRange", "The requested range is not satisfiable")
            spans = tuple(pair for pair in reply.headers if pair[0] == "Content-Range")
            return replace(invalid, headers=(*invalid.headers, *spans))
        return reply.without(FOREIGN)

    def _listing(self, record: RequestRecord) -> Reply:
        """List the names under a prefix; those that go on after the delimiter are one folder each."""
        prefix, delimiter = record.value("prefix") or "", record.value("delimiter") or ""
        most = min(int(record.value("max-keys") or MOST_KEYS), MOST_KEYS)
        after = record.value("continuation-token") or record.value("start-after") or ""
        names = (key for key in self._objects() if key.startswith(prefix))
        entries = [entry for entry in _grouped(names, prefix, delimiter) if entry.name > after]
        shown = entries[:most]
        return Reply(
            200,
            (("Content-Type", "application/xml"),),
            _listing_xml(prefix, delimiter, shown, truncated=len(entries) > most).encode(),
        )


@dataclass(frozen=True)
class _Entry:
    name: str
    is_folder: bool


def _keys(archive: Archive) -> Iterator[tuple[str, str]]:
    for product in archive.query("SELECT DISTINCT dataURI, productFilename, obs_id FROM product"):
        uri = str(product["dataURI"])
        pattern = PATTERNS.get(uri.removeprefix("mast:").partition("/")[0])
        if pattern is not None:
            yield pattern(uri, product).lstrip("/"), uri


def _grouped(names: Iterator[str], prefix: str, delimiter: str) -> Iterator[_Entry]:
    def entry(name: str) -> _Entry:
        rest = name[len(prefix) :]
        if not delimiter or delimiter not in rest:
            return _Entry(name, is_folder=False)
        return _Entry(f"{prefix}{rest.partition(delimiter)[0]}{delimiter}", is_folder=True)

    for common, _ in groupby(names, key=entry):
        yield common


def _listing_xml(prefix: str, delimiter: str, entries: Sequence[_Entry], *, truncated: bool) -> str:
    more = f"<NextContinuationToken>{escape(entries[-1].name)}</NextContinuationToken>" if truncated else ""
    listed = "".join(
        f"<CommonPrefixes><Prefix>{escape(entry.name)}</Prefix></CommonPrefixes>"
        if entry.is_folder
        else f"<Contents><Key>{escape(entry.name)}</Key></Contents>"
        for entry in entries
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}"><Name>stpubdata</Name>'
        f"<Prefix>{escape(prefix)}</Prefix><Delimiter>{escape(delimiter)}</Delimiter>"
        f"<KeyCount>{len(entries)}</KeyCount><IsTruncated>{str(truncated).lower()}</IsTruncated>{more}{listed}"
        "</ListBucketResult>"
    )


def _error(status: int, code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(status, (("Content-Type", "application/xml"),), body.encode())
