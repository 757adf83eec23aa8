"""Questions to tables of Catalogs.MAST, page by page: the service does not say how many pages there are.

In: a request for the first page, and what is known of the table's columns.  Out: the exchanges that hold all of the
answer, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..query.request import ApiRequest
from ..service.cache import CachingClient, Parts
from ..service.deadline import Deadline
from ..service.http import AnswerPage, HttpClient
from ..tables.columns import Columns
from ..tables.mashup import Page
from .answer import read_catalogs_mast
from .question import at_page, next_page_size

__all__ = ["Listing"]


@dataclass(frozen=True)
class Listing:
    """A question to a table of Catalogs.MAST; one of many, or by itself."""

    request: ApiRequest
    known: Columns
    pagesize: int
    every_page: bool

    def halves(self) -> Sequence[Listing]:
        """Return nothing: it cannot be made smaller."""
        return ()

    def page(self, wire: HttpClient, deadline: Deadline) -> AnswerPage:
        """Give the first page, from the disk if it is kept there."""
        if isinstance(wire, CachingClient):
            return wire.part(self.request, self._read, deadline=deadline)
        return wire.ask(self.request, self._read, deadline=deadline)

    def pages(self, wire: HttpClient, deadline: Deadline, tell: Callable[[str], object]) -> Iterator[AnswerPage]:
        """Give all pages that are wanted, from the disk if they are kept there."""
        ask = partial(self._asked, wire, deadline, tell)
        if isinstance(wire, CachingClient):
            return wire.parts(self.request, self._read, ask, every_part=self.every_page)
        return ask()

    def _asked(self, wire: HttpClient, deadline: Deadline, tell: Callable[[str], object]) -> Parts:
        """Ask for all pages that are wanted, one after the other."""
        exchange = wire.ask(self.request, self._read, deadline=deadline)
        yield exchange
        number, size = 1, self.pagesize
        while self.every_page:
            following = next_page_size(len(exchange.page.rows), size, number)
            if following is None:
                return True
            number, size = number + 1, following
            before, request = exchange, at_page(self.request, number, size)
            exchange = wire.ask(request, self._read, deadline=deadline)
            if not exchange.page.rows:
                return True
            if exchange.page.rows == before.page.rows:
                service = self.request.service
                tell(f"{service} sent page {number - 1} once more as page {number}: there may be more rows.")
                return False
            yield exchange
        return True

    def _read(self, body: bytes, service: str) -> Page:
        """Read an answer."""
        return read_catalogs_mast(body, service, self.known)
