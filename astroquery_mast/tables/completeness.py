"""Whether an answer that comes in pieces is all there: its rows are counted, and compared with what was announced.

In: `~astroquery_mast.tables.mashup.Page` objects, one after the other.  Out: nothing, or an `IncompleteResultError`.
"""

from __future__ import annotations

from ..exceptions import IncompleteResultError
from .mashup import Page

__all__ = ["AnnouncedRows", "Completeness"]


class AnnouncedRows:
    """The number of rows that the pieces of one answer announce, each of them the same."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.rows = 0
        self.announced: int | None = None

    def count(self, page: Page) -> None:
        """Count the rows of a piece."""
        self.rows += len(page.rows)
        if page.paging is None:
            return
        if self.announced not in {None, page.paging.total}:
            raise self.incomplete(
                f"the number of rows changed from {self.announced} to {page.paging.total} between its parts"
            )
        self.announced = page.paging.total

    def incomplete(
        self, what: str, advice: str = "Ask again; if it stays so, ask for less at a time."
    ) -> IncompleteResultError:
        """Return the error for an answer that is not complete."""
        return IncompleteResultError(
            f"The answer of {self.service} is not complete: {what}. {advice}", service=self.service
        )


class Completeness(AnnouncedRows):
    """Counts the rows of an answer page by page, and proves at the end that none is missing."""

    def add(self, page: Page, number: int) -> None:
        """Take a page into account."""
        # A page of zeros is how an empty answer may look.
        if page.paging is not None and page.paging.page not in {number, 0}:
            raise self.incomplete(f"page {number} was asked for and page {page.paging.page} came")
        self.count(page)

    def close(self) -> None:
        """Prove that all rows announced have been received."""
        if self.announced is not None and self.announced != self.rows:
            raise self.incomplete(f"{self.announced} rows were announced and {self.rows} received")
