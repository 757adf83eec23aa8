"""What every question to the archive can do, whatever the service: be sent, be read, be continued, be kept.

In: nothing.  Out: the `Question` protocol, which `~astroquery_mast.service.pages` asks, and the values it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from ..config import Endpoints
from ..tables.mashup import Completeness, Page


@dataclass(frozen=True)
class HttpRequest:
    """One HTTP request, before anybody sends it."""

    url: str
    data: str
    headers: Mapping[str, str]
    method: str = "POST"


@dataclass(frozen=True)
class CacheKey:
    """What tells a question from all others, and whether a kept answer is to be replaced."""

    parts: Mapping[str, object]
    fresh: bool = False


class Question(Protocol):
    """A question to one service, or one page of its answer."""

    @property
    def service(self) -> str:
        """The service, as messages name it."""

    @property
    def cache(self) -> bool | None:
        """Whether the answer is kept; None for what the configuration says."""

    @property
    def every_page(self) -> bool:
        """Whether all of the answer is wanted."""

    @property
    def row_limited(self) -> bool:
        """Whether the archive sends no more than ``conf.server_row_limit`` rows in all."""

    def payload(self) -> dict[str, object]:
        """Return what is asked as a dictionary, for the reader."""

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return what is sent."""

    def read(self, body: bytes) -> Page:
        """Read an answer."""

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a page to those that have come; return False if it is no part of the answer, which has then ended."""

    def after(self, page: Page) -> Sequence[Self]:
        """Return the questions for the pages that follow this one, which may be asked side by side."""

    def first_page(self) -> Self:
        """Return the question for this page only."""

    def cache_key(self) -> CacheKey | None:
        """Return the key of the answer in the cache; None if it must not be kept."""
