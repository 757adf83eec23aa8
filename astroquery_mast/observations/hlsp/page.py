"""The web page of a collection of high-level science products: its DOI and its scripts for bulk downloads.

In: the address of a page.  Out: an `HlspPage`, or None if the page does not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from ...exceptions import BadRequestError
from ...service.http import HttpClient
from ...service.retrying import Deadline

# The word "DOI" precedes the DOI of the collection itself, but not that of its source data.
_DOI = re.compile(r"\bDOI\s*:\s*(?:https?://(?:dx\.)?doi\.org/)?(10\.17909/[\w.\-]*\w)", re.IGNORECASE)
# The link to a script; it can be joined with the address of the page.
_SCRIPT = re.compile(r"[^\s\[\]]+\.sh")
_NOT_FOUND = frozenset({404, 410})
# Seconds to wait for a page: it only adds details.
_PATIENCE = 20.0


@dataclass(frozen=True)
class HlspPage:
    """The contents of a page that are used here."""

    url: str
    doi: str | None = None
    scripts: tuple[str, ...] = ()


@dataclass
class _Text(HTMLParser):
    """The text and the links of a page."""

    words: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read_hlsp_page(text: str, url: str) -> HlspPage:
    """Return the DOI and the scripts in the HTML of a page."""
    found = _Text()
    found.feed(text)
    found.close()
    doi = _DOI.search(" ".join(" ".join(found.words).split()))
    links = (urljoin(url, link.strip()) for link in found.links if _SCRIPT.fullmatch(link.strip()))
    return HlspPage(url, doi[1] if doi else None, tuple(dict.fromkeys(links)))


def fetch_page(http: HttpClient, url: str, deadline: Deadline) -> HlspPage | None:
    """Request the page of a collection; return None if it does not exist."""

    def read(response: requests.Response) -> HlspPage:
        return read_hlsp_page(response.text, url)

    try:
        return http.request("GET", url, deadline=deadline.part(_PATIENCE), service=f"page {url}", read=read)
    except BadRequestError as err:
        if err.status in _NOT_FOUND:
            return None
        raise
