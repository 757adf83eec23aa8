"""Several files at once: ``/api/v0.1/Download/bundle`` as a shell script, a zip or a tar.gz.

In: a `RequestRecord` with repeated ``uri`` (or one ``obsid``). Out: a `Reply` with the script or the archive file.
What cannot be had is left out of an archive file and listed in its manifest.
"""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from html import escape
from shlex import quote as shell_quote
from typing import TYPE_CHECKING
from urllib.parse import quote

from .downloads import Downloads
from .identity import may_read
from .reply import Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["Bundles"]

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
