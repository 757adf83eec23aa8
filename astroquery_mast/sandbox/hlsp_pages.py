"""Web pages of high-level science products (HLSP), with their bulk download scripts and README files.

In: requests under ``/hlsp/`` and ``/hlsps/`` of archive.stsci.edu.  Out: an HTML page for each collection, including
one that is missing from the observation search; scripts with one ``curl`` line per file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .archive.hlsp import ABOUT
from .packaged import text
from .reply import Refusal, Reply
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

_FILES = (
    "SELECT dataURI, productFilename FROM product WHERE dataURI LIKE ? AND productFilename LIKE '%.fits' ORDER BY 2"
)


class HlspPages:
    """Answer requests for the pages of collections, and for the files that they link to."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def page(self, record: RequestRecord) -> Reply:
        """Return the page of a collection."""
        name, told = _collection(record.path.split("/")[2])
        slug, number = name.lower(), told.get("doi")
        doi = f'<p><strong>DOI:</strong> <a href="https://dx.doi.org/{number}">{number}</a></p>' if number else ""
        scripts = "".join(
            f'<li><a href="/hlsps/{slug}/download_scripts/{script}">{script}</a></li>'
            for script in told.get("scripts", ())
        )
        facts = {"name": name, "slug": slug, "title": told["title"], "lead": told["lead"]}
        html = text("hlsp_page.html").format(**facts, doi=doi, scripts=scripts)
        return Reply.text(html, content_type="text/html; charset=utf-8")

    def file(self, record: RequestRecord) -> Reply:
        """Return a download script or the README of a collection."""
        slug, _, path = record.path.removeprefix("/hlsps/").partition("/")
        name, told = _collection(slug)
        if path == f"hlsp_{slug}_readme.txt":
            return Reply.text(text("readme.txt").format(name=name, slug=slug, **told))
        folder, _, script = path.partition("/")
        if folder == "download_scripts" and script in told.get("scripts", ()):
            return Reply.file(self._script(slug, record), script, "text/x-shellscript")
        raise Refusal(f"{record.path} was not found.", 404)

    def _script(self, slug: str, record: RequestRecord) -> bytes:
        """Return a script that downloads all files of a collection."""
        host = record.headers.get("host", "")
        lines = (
            f"curl -C - -L -o {row['productFilename']} "
            f"http://{host}/api/v0.1/Download/file?uri={quote(row['dataURI'], safe=':/')}\n"
            for row in self._archive.query(_FILES, (f"mast:HLSP/{slug}/%",))
        )
        return "".join(["#!/bin/sh\n", *lines]).encode()


def _collection(slug: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the description of a collection."""
    found = next(((name, told) for name, told in ABOUT.items() if name.lower() == slug), None)
    if found is None:
        raise Refusal(f"There is no page for {slug}.", 404)
    return found
