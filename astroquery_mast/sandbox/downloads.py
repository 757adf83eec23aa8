"""File downloads over HTTP: single files, or several files as a shell script, a zip, or a tar.gz."""

from __future__ import annotations

import hashlib
import io
import mimetypes
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import escape
from shlex import quote as shell_quote
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.http import dump_options_header, http_date, parse_range_header

from . import large_file
from .caching import Cache
from .identity import has_access
from .mjd import unix_seconds
from .packaged import text
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.mission_holdings import MissionHoldings
    from .archive.products import Revision

#: Files created on demand by the Hubble Legacy Archive; their size is not known in advance.
ON_DEMAND = "mast:HLA/url/cgi-bin/"
#: Maximum number of bytes of file content kept for later requests.
KEPT_BYTES = 64 * 1024 * 1024
#: 2024-01-01; every file has its own modification time within the year after it.
EPOCH = 1_704_067_200
YEAR = 365 * 24 * 3600
#: Content types of file extensions.
TYPES = {".fits": "application/fits", ".gz": "application/gzip", ".asdf": "application/x-asdf", ".jpg": "image/jpeg"}


Content = bytes | memoryview
Date = tuple[int, int, int, int, int, int]


class Downloads:
    """Serve files with access control: those of an archive, and those known only to a mission search."""

    def __init__(self, holdings: MissionHoldings) -> None:
        self._holdings = holdings
        self._contents: Cache[bytes] = Cache(KEPT_BYTES, len)

    def content(self, uri: str) -> Content:
        """Return the bytes of a known file."""
        if uri == large_file.URI:
            return large_file.content()
        return self._contents.get(uri, self._holdings.render, uri)

    def file(self, record: RequestRecord) -> Reply:
        """Answer a request for one file."""
        uri = record.value("uri")
        if not uri:
            return Reply.text("Parameter uri is missing.", 400)
        return self.send(record, uri)

    def product(self, uri: str) -> Mapping[str, object] | None:
        """Return the metadata of a file, or None for an unknown URI."""
        return large_file.PRODUCT if uri == large_file.URI else self._holdings.product(uri)

    def send(self, record: RequestRecord, uri: str) -> Reply:
        """Answer a request for the file ``uri``, independent of how the request specifies it."""
        product = self.product(uri)
        if product is None:
            return _unknown(uri)
        if not has_access(record, product):
            return Reply.text("Unauthorized: this file is available to its proposers only.", 401)
        if uri.startswith(ON_DEMAND):
            return Reply(200, _description(product), self.content(uri), framing="chunked")
        etag, modified = _validators(uri, product, self._holdings.revision(uri))
        tags = (("Accept-Ranges", "bytes"), ("ETag", etag), ("Last-Modified", modified))
        whole = Reply(200, (*_description(product), *tags), self.content(uri))
        return _part(whole, record.headers, (etag, modified))


def _unknown(uri: str) -> Reply:
    if uri.startswith(ON_DEMAND):
        return missing_argument("dataset")  # an unescaped '&' cut off the arguments
    return Reply.text(f"{uri} was not found.", 404)


def missing_argument(argument: str) -> Reply:
    """Return the response of a program of the Hubble Legacy Archive without a file name, which has status 200."""
    return Reply(200, (("Content-Type", "text/plain"),), f"{argument} parameter is required\n".encode(), "chunked")


def _description(product: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    name = str(product["productFilename"])
    guessed = next((kind for suffix, kind in TYPES.items() if name.lower().endswith(suffix)), None)
    content_type = guessed or mimetypes.guess_type(name)[0] or "application/octet-stream"
    disposition = dump_options_header("attachment", {"filename": name})
    return (("Content-Type", content_type), ("Content-Disposition", disposition))


def _validators(uri: str, product: Mapping[str, object], revision: Revision) -> tuple[str, str]:
    """Return the ETag and the modification time of a file."""
    version = f" {revision.number}" if revision.number else ""
    digest = hashlib.md5(f"{uri} {product['size']}{version}".encode()).hexdigest()
    if revision.day is None:
        return f'"{digest}"', http_date(EPOCH + zlib.crc32(uri.encode()) % YEAR)
    return f'"{digest}"', http_date(unix_seconds(revision.day))


def _part(whole: Reply, headers: Mapping[str, str], tags: tuple[str, str]) -> Reply:
    """Return the requested range, or the complete file if the range is invalid or the file has changed."""
    asked = parse_range_header(headers.get("range"))
    is_new = headers.get("if-range", tags[0]) not in tags
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or is_new:
        return whole
    size = len(whole.body)
    span = asked.range_for_length(size)
    if span is None:
        unsatisfied = Reply.text("Requested range not satisfiable.", 416)
        return replace(unsatisfied, headers=(*unsatisfied.headers, ("Content-Range", f"bytes */{size}")))
    start, stop = span
    content_range = ("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    return replace(whole, status=206, headers=(*whole.headers, content_range), body=memoryview(whole.body)[start:stop])


class Bundles:
    """Serve several files of an archive in one response."""

    def __init__(self, archive: Archive, downloads: Downloads) -> None:
        self._archive = archive
        self._downloads = downloads

    def bundle(self, record: RequestRecord) -> Reply:
        """Answer a request for a bundle; the path determines the format."""
        uris = list(dict.fromkeys([*record.values("uri"), *self._of_observation(record)]))
        if not uris:
            return Reply.text("Parameter uri is missing.", 400)
        folder = time.strftime("MAST_%Y-%m-%dT%H%M", time.gmtime())
        if record.path.endswith(".sh"):
            host = record.headers.get("host", "")
            script = _script(folder, self._products(uris), f"http://{host}")
            return Reply.file(script, f"{folder}.sh", "text/x-shellscript")
        files = list(self._files(folder, uris, record))
        if record.path.endswith(".zip"):
            return Reply.file(zipped(files), f"{folder}.zip", "application/zip")
        return Reply.file(_tar(files), f"{folder}.tar.gz", "application/gzip")

    def _of_observation(self, record: RequestRecord) -> list[str]:
        obsid = str(record.value("obsid"))
        if not obsid.isdigit():
            return []
        previews = str(record.value("previews")).lower() != "false"
        rows = self._archive.query("SELECT dataURI, productType FROM product WHERE obsID = ?", (int(obsid),))
        left_out = () if previews else ("PREVIEW", "THUMBNAIL")
        return [row["dataURI"] for row in rows if row["productType"] not in left_out]

    def _products(self, uris: list[str]) -> Iterator[tuple[str, Mapping[str, object] | None]]:
        for uri in uris:
            yield uri, self._downloads.product(uri)

    def _files(self, folder: str, uris: list[str], record: RequestRecord) -> Iterator[tuple[str, Content]]:
        states = {}
        for uri, product in self._products(uris):
            if product is None:
                states[uri] = "NOT FOUND"
            elif not has_access(record, product):
                states[uri] = "UNAUTHORIZED"
            else:
                states[uri] = "COMPLETE"
                yield _path(folder, product), self._downloads.content(uri)
        yield f"{folder}/MANIFEST.HTML", manifest(states.items()).encode()


def manifest(states: Iterable[tuple[str, str]]) -> str:
    """Return an HTML page with the status of each file."""
    rows = "".join(f"<tr><td>{escape(file)}</td><td>{state}</td></tr>" for file, state in states)
    return f"<html><body><table>{rows}</table></body></html>"


def _path(folder: str, product: Mapping[str, object]) -> str:
    return "/".join([folder, *(str(product[name]) for name in ("obs_collection", "obs_id", "productFilename"))])


# The token comes from the environment in which the script is run, never from the request.
def _script(folder: str, products: Iterator[tuple[str, Mapping[str, object] | None]], host: str) -> bytes:
    calls = []
    for uri, product in products:
        path = _path(folder, product) if product else f"{folder}/{uri.rpartition('/')[2]}"
        url = f"{host}/api/v0.1/Download/file?uri={quote(uri, safe='')}"
        calls.append(f"download {shell_quote(uri)} {shell_quote(path)} {shell_quote(url)}\n")
    return "".join([text("bundle.sh"), *calls, "exit $failed\n"]).encode()


def zipped(files: Iterable[tuple[str, Content]], method: int = zipfile.ZIP_DEFLATED, date: Date | None = None) -> bytes:
    """Return a ZIP archive whose entries have the given date, or the current time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for path, content in files:
            entry = zipfile.ZipInfo(path, date or time.localtime()[:6])
            archive.writestr(entry, content, method)
    return packed.getvalue()


def _tar(files: list[tuple[str, Content]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in files:
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
