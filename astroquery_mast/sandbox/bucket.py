"""The public cloud copy: a bucket of objects, as a store that speaks S3 shows it to people without an account.

In: a `RequestRecord` whose path begins with `BUCKET`. Out: a `Reply` with an object or a part of it, the listing of a
folder (``?list-type=2``), or an error in XML. Objects are the public files that `cloudpaths` has a path for; those of
exclusive access are refused with 403 whoever asks, since the bucket knows no tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .cloudpaths import PATTERNS
from .downloads import Downloads
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["BUCKET", "Bucket"]

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
