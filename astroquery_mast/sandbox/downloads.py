"""Files of the archive over HTTP: one by one, ``/api/v0.1/Download/file``, and several at once as a bundle.

In: a `RequestRecord` with a ``uri``, or for ``/api/v0.1/Download/bundle`` with repeated ``uri`` (or one ``obsid``).
Out: a `Reply` with the whole file (200), a part of it (206), or the refusal (400, 401, 404, 416); or with a shell
script, a zip or a tar.gz. What cannot be had is left out of an archive file and listed in its manifest.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from shlex import quote as shell_quote
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.http import dump_options_header, http_date, parse_range_header

from .identity import may_read
from .reply import Reply
from .requestlog import RequestRecord
from .rows import Cache

if TYPE_CHECKING:
    from .archive import Archive
    from .archive.mission_holdings import MissionHoldings

__all__ = ["Bundles", "Downloads"]

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


# The token comes from the environment of whoever runs the script, never from whoever asked for it.
SCRIPT_HEAD = """\
#!/usr/bin/env bash
# Download the files listed below with curl. For files that are not public set MAST_API_TOKEN to your token.
authorization=()
if [ -n "${MAST_API_TOKEN:-}" ]; then
  authorization=(--header "Authorization: token ${MAST_API_TOKEN}")
fi
failed=0
download() {
  printf '<<< Downloading File: %s\\n                  To: %s\\n' "$1" "$2"
  curl ${authorization[@]+"${authorization[@]}"} --globoff --location --fail --silent --show-error --create-dirs \\
    --output "./$2" "$3" || failed=1
}
"""
SCRIPT_TAIL = "exit $failed\n"


class Bundles:
    """Pack the files of an archive."""

    def __init__(self, archive: Archive, downloads: Downloads) -> None:
        self._archive = archive
        self._downloads = downloads

    def bundle(self, record: RequestRecord) -> Reply:
        """Answer a request for a bundle; the path says of what kind."""
        uris = list(dict.fromkeys([*record.values("uri"), *self._of_observation(record)]))
        if not uris:
            return Reply.text("Parameter uri is missing.", 400)
        folder = time.strftime("MAST_%Y-%m-%dT%H%M", time.gmtime())
        if record.path.endswith(".sh"):
            host = record.headers.get("host", "")
            return _attached(
                _script(folder, self._products(uris), f"http://{host}"), f"{folder}.sh", "text/x-shellscript"
            )
        files = list(self._files(folder, uris, record))
        if record.path.endswith(".zip"):
            return _attached(_zip(files), f"{folder}.zip", "application/zip")
        return _attached(_tar(files), f"{folder}.tar.gz", "application/gzip")

    def _of_observation(self, record: RequestRecord) -> list[str]:
        obsid = record.value("obsid") or ""
        if not obsid.isdigit():
            return []
        previews = (record.value("previews") or "true").lower() != "false"
        rows = self._archive.query("SELECT dataURI, productType FROM product WHERE obsID = ?", (int(obsid),))
        return [str(row["dataURI"]) for row in rows if previews or row["productType"] not in ("PREVIEW", "THUMBNAIL")]

    def _products(self, uris: list[str]) -> Iterator[tuple[str, Mapping[str, object] | None]]:
        for uri in uris:
            yield uri, self._downloads.product(uri)

    def _files(self, folder: str, uris: list[str], record: RequestRecord) -> Iterator[tuple[str, bytes]]:
        lines = []
        for uri, product in self._products(uris):
            state = "COMPLETE"
            if product is None:
                state = "NOT FOUND"
            elif not may_read(record, product):
                state = "UNAUTHORIZED"
            else:
                yield _path(folder, product), self._downloads.content(uri)
            lines.append(f"<tr><td>{escape(uri)}</td><td>{state}</td></tr>")
        manifest = f"<html><body><table>{''.join(lines)}</table></body></html>"
        yield f"{folder}/MANIFEST.HTML", manifest.encode()


def _path(folder: str, product: Mapping[str, object]) -> str:
    return "/".join([folder, *(str(product[name]) for name in ("obs_collection", "obs_id", "productFilename"))])


def _script(folder: str, products: Iterator[tuple[str, Mapping[str, object] | None]], host: str) -> bytes:
    calls = []
    for uri, product in products:
        path = _path(folder, product) if product else f"{folder}/{uri.rpartition('/')[2]}"
        url = f"{host}/api/v0.1/Download/file?uri={quote(uri, safe='')}"
        calls.append(f"download {shell_quote(uri)} {shell_quote(path)} {shell_quote(url)}\n")
    return "".join([SCRIPT_HEAD, *calls, SCRIPT_TAIL]).encode()


def _zip(files: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            archive.writestr(path, content)
    return packed.getvalue()


def _tar(files: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in files:
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _attached(content: bytes, name: str, content_type: str) -> Reply:
    return Reply(
        200, (("Content-Type", content_type), ("Content-Disposition", f"attachment; filename={name}")), content
    )
