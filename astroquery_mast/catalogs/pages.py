"""Questions to tables of Catalogs.MAST, page by page: the service does not say how many pages there are.

In: a request for the first page, and what is known of the table's columns.  Out: a
`~astroquery_mast.query.question.Question`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..config import Endpoints
from ..query.question import CacheKey, HttpRequest
from ..query.request import ApiRequest
from ..tables.columns import Columns
from ..tables.mashup import Completeness, Page
from .answer import read_catalogs_mast

__all__ = ["Listing"]

# A server's own limit on the rows of a page, below the size that was asked for, is a round number.
_ROUND = 100


@dataclass(frozen=True)
class Listing:
    """A question to a table of Catalogs.MAST, about all of its answer or a single page."""

    request: ApiRequest
    known: Columns
    pagesize: int
    every_page: bool
    number: int = 1
    before: Page | None = field(default=None, compare=False, repr=False)

    row_limited = False

    @property
    def service(self) -> str:
        """The table."""
        return self.request.service

    @property
    def cache(self) -> bool | None:
        """Whether the answer is kept."""
        return self.request.cache

    def payload(self) -> dict[str, object]:
        """Return what is asked as a dictionary."""
        return self.request.payload()

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return what is sent."""
        return self.request.http_request(endpoints)

    def read(self, body: bytes) -> Page:
        """Read an answer."""
        return read_catalogs_mast(body, self.service, self.known)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a page; one without rows, or with those of the page before once more, is not one of the answer."""
        if self.before is not None and not page.rows:
            return False
        if self.before is not None and page.rows == self.before.rows:
            completeness.doubt = (
                f"{self.service} sent page {self.number - 1} once more as page {self.number}: there may be more rows."
            )
            return False
        completeness.add(page)
        return True

    def after(self, page: Page) -> Sequence[Listing]:
        """Return the question for the next page, if there may be one."""
        rows, size = len(page.rows), self.pagesize
        if not self.every_page:
            return ()
        if rows != size:
            if not (self.number == 1 and 0 < rows < size and rows % _ROUND == 0):
                return ()
            size = rows
        number = self.number + 1
        request = replace(self.request, params={**self.request.params, "page": number, "pagesize": size})
        return (replace(self, request=request, pagesize=size, number=number, before=page),)

    def first_page(self) -> Listing:
        """Return the question for this page only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the key of the answer."""
        return self.request.cache_key(self.every_page)
