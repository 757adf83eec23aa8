"""The public cloud copy: cloud paths of files, and an S3 bucket with anonymous access.

Exclusive-access files are always refused, because the bucket does not accept tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from .downloads import Downloads
from .packaged import packaged
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

Product = Mapping[str, Any]

#: Paths that begin with ``/mast`` unless the path of the cloud is requested.
UNDER_MAST = "/galex/"


def path_lookup(archive: Archive, record: RequestRecord) -> Reply:
    """Return the cloud path of each ``uri``."""
    cloud = (record.value("use_cloud_path") or "").lower() in ("true", "1")
    return Reply.json({uri: _entry(archive, uri, cloud=cloud) for uri in record.values("uri")})


def _entry(archive: Archive, uri: str, *, cloud: bool) -> dict[str, object]:
    product = archive.product(uri)
    path = None if product is None else cloud_path(uri, product)
    if path and path.startswith(UNDER_MAST) and not cloud:
        path = f"/mast{path}"
    return {"status_code": 200 if path else 404, "path": path}


def _hst(uri: str, product: Product) -> str:
    file, root = product["productFilename"], product["obs_id"].lower()
    return f"/hst/public/{root[:4]}/{root}/{file}"


def _jwst(uri: str, product: Product) -> str:
    file = product["productFilename"]
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


#: Folders of collections whose paths follow their URIs.
FOLDERS = {"HLSP": "mast/hlsp", "GALEX": "galex", "PS1": "panstarrs/ps1/public", "KEPLER": "kepler", "K2": "k2"}
_ORIGIN = re.compile(r"(url/)?(data/)?(product/)?")


def cloud_path(uri: str, product: Product) -> str | None:
    """Return the cloud path of a file, or None for collections without a cloud copy."""
    collection, _, rest = uri.removeprefix("mast:").partition("/")
    if collection in FOLDERS:
        return f"/{FOLDERS[collection]}/{_ORIGIN.sub('', rest, count=1)}"
    pattern = {"HST": _hst, "JWST": _jwst, "TESS": _tess}.get(collection)
    return None if pattern is None else pattern(uri, product)


BUCKET = packaged("endpoints")["cloud"]["prefix"].removesuffix("/")
#: Maximum number of entries in one listing, as in S3.
MOST_KEYS = 1000
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
#: Headers of the archive's download service that an object store does not send.
FOREIGN = ("content-disposition",)


class Bucket:
    """Serve the objects of a bucket, and list their names."""

    def __init__(self, archive: Archive, downloads: Downloads) -> None:
        self._archive = archive
        self._downloads = downloads

    def answer(self, record: RequestRecord) -> Reply:
        """Answer a request for an object or a listing."""
        key = record.path.removeprefix(BUCKET).removeprefix("/")
        if key:
            return self._object(key, record)
        if record.value("list-type") != "2":
            return _error(501, "NotImplemented", "Only version 2 of listings is served.")
        return self._listing(record)

    def _objects(self) -> Mapping[str, str]:
        """Return the ``dataURI`` of each key; read from the archive once."""
        objects: Mapping[str, str] = self._archive.kept.get("objects", _keys, self._archive)
        return objects

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
            span = ("Content-Range", dict(reply.headers)["Content-Range"])
            return replace(invalid, headers=(*invalid.headers, span))
        return reply.without(FOREIGN)

    def _listing(self, record: RequestRecord) -> Reply:
        """List the names with a prefix; names that contain the delimiter after it are grouped into folders."""
        prefix, delimiter = _text(record, "prefix"), _text(record, "delimiter")
        after = _text(record, "continuation-token") or _text(record, "start-after")
        most = min(int(record.value("max-keys") or MOST_KEYS), MOST_KEYS)
        entries = [entry for entry in _grouped(self._objects(), prefix, delimiter) if entry.name > after]
        shown = entries[:most]
        xml = _listing_xml(prefix, delimiter, shown, truncated=len(entries) > most)
        return Reply.text(xml, content_type="application/xml")


def _text(record: RequestRecord, name: str) -> str:
    return record.value(name) or ""


@dataclass(frozen=True)
class _Entry:
    name: str
    is_folder: bool


def _keys(archive: Archive) -> dict[str, str]:
    found = {}
    for product in archive.query("SELECT DISTINCT dataURI, productFilename, obs_id FROM product"):
        path = cloud_path(product["dataURI"], product)
        if path is not None:
            found[path.lstrip("/")] = product["dataURI"]
    return dict(sorted(found.items()))


def _grouped(keys: Iterable[str], prefix: str, delimiter: str) -> Iterator[_Entry]:
    entries = (_entry_of(key, prefix, delimiter) for key in keys if key.startswith(prefix))
    for common, _ in groupby(entries):
        yield common


def _entry_of(key: str, prefix: str, delimiter: str) -> _Entry:
    rest = key.removeprefix(prefix)
    if not delimiter or delimiter not in rest:
        return _Entry(key, is_folder=False)
    return _Entry(f"{prefix}{rest.partition(delimiter)[0]}{delimiter}", is_folder=True)


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
    return Reply.text(body, status, "application/xml")
