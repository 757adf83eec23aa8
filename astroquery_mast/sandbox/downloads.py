"""One file of the archive over HTTP: ``/api/v0.1/Download/file``.

In: a `RequestRecord` with a ``uri``. Out: a `Reply` with the whole file (200), a part of it (206), or the refusal
(400, 401, 404, 416).
"""

from __future__ import annotations

import hashlib
import mimetypes
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from werkzeug.http import dump_options_header, http_date, parse_range_header

from .cache import Cache
from .identity import may_read
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive.mission_holdings import MissionHoldings

__all__ = ["Downloads"]

#: Files made on demand by the Hubble Legacy Archive; their size is not known beforehand.
ON_DEMAND = "mast:HLA/url/cgi-bin/"
#: Bytes of file content kept for the next range or the next reader.
KEPT_BYTES = 64 * 1024 * 1024
#: 2024-01-01; files are "modified" within the year after it, each at a moment of its own.
EPOCH = 1_704_067_200
YEAR = 365 * 24 * 3600
TYPES = {".fits": "application/fits", ".gz": "application/gzip", ".asdf": "application/x-asdf", ".jpg": "image/jpeg"}


class Downloads:
    """Hand out files to those who may have them: an archive's, and those that only a mission search knows."""

    def __init__(self, holdings: MissionHoldings) -> None:
        self._holdings = holdings
        self._contents: Cache[bytes] = Cache(KEPT_BYTES, len)

    def content(self, uri: str) -> bytes:
        """Return the bytes of a known file."""
        return self._contents.get(uri, lambda: self._holdings.render(uri))

    def file(self, record: RequestRecord) -> Reply:
        """Answer a request for one file."""
        uri = record.value("uri")
        if not uri:
            return Reply.text("Parameter uri is missing.", 400)
        return self.send(record, uri)

    def product(self, uri: str) -> Mapping[str, object] | None:
        """Return what is known of a file; None for an unknown URI."""
        return self._holdings.product(uri)

    def send(self, record: RequestRecord, uri: str) -> Reply:
        """Answer a request for the file ``uri``, however the request names it."""
        product = self.product(uri)
        if product is None:
            return _unknown(uri)
        if not may_read(record, product):
            return Reply.text("Unauthorized: this file is available to its proposers only.", 401)
        if uri.startswith(ON_DEMAND):
            return Reply(200, _description(product), self.content(uri), framing="chunked")
        tags = {"etag": _etag(uri, product), "last-modified": _modified(uri)}
        whole = Reply(
            200,
            (
                *_description(product),
                ("Accept-Ranges", "bytes"),
                ("ETag", tags["etag"]),
                ("Last-Modified", tags["last-modified"]),
            ),
            self.content(uri),
        )
        return _part(whole, record.headers, tags)


def _unknown(uri: str) -> Reply:
    if uri.startswith(ON_DEMAND):
        # What the program behind these URIs says when an unescaped '&' took its arguments away.
        return Reply(200, (("Content-Type", "text/plain"),), b"dataset parameter is required\n", framing="chunked")
    return Reply.text(f"{uri} was not found.", 404)


def _description(product: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    name = str(product["productFilename"])
    guessed = next((kind for suffix, kind in TYPES.items() if name.lower().endswith(suffix)), None)
    content_type = guessed or mimetypes.guess_type(name)[0] or "application/octet-stream"
    disposition = dump_options_header("attachment", {"filename": name})
    return (("Content-Type", content_type), ("Content-Disposition", disposition))


def _etag(uri: str, product: Mapping[str, object]) -> str:
    digest = hashlib.md5(f"{uri} {product['size']}".encode()).hexdigest()
    return f'"{digest}"'


def _modified(uri: str) -> str:
    return http_date(EPOCH + zlib.crc32(uri.encode()) % YEAR)


def _part(whole: Reply, headers: Mapping[str, str], tags: Mapping[str, str]) -> Reply:
    """Return the range asked for; the whole file where a range is not understood or the file has changed since."""
    asked = parse_range_header(headers.get("range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return whole
    if headers.get("if-range", tags["etag"]) not in tags.values():
        return whole
    size = len(whole.body)
    span = asked.range_for_length(size)
    if span is None:
        unsatisfied = Reply.text("Requested range not satisfiable.", 416)
        return replace(unsatisfied, headers=(*unsatisfied.headers, ("Content-Range", f"bytes */{size}")))
    start, stop = span
    content_range = ("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    return replace(whole, status=206, headers=(*whole.headers, content_range), body=memoryview(whole.body)[start:stop])
