"""The rows of a response in several pages are counted, so that none is missing or repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import IncompleteResultError
from astroquery_mast.tables.mashup import Completeness, Page, Paging


def page_of(rows: int, number: int, total: int) -> Page:
    """Return a page with a number of rows."""
    return Page("s", "COMPLETE", (), [{}] * rows, Paging(page=number, pages=3, rows=rows, total=total))


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6), lost=st.integers(0, 5))
def test_completeness_detects_missing_rows(sizes: list[int], lost: int) -> None:
    """The number of received rows must be the announced one; one row less or more is an error."""
    total = sum(sizes) + lost
    found = Completeness("s")
    for number, size in enumerate(sizes, start=1):
        found.add(page_of(size, number, total), number)
    if lost:
        with pytest.raises(IncompleteResultError, match=f"{total} rows were announced and {total - lost} received"):
            found.close()
    else:
        found.close()


def test_completeness_detects_a_page_with_another_number() -> None:
    """A server that always returns page 1 does not fill the table with copies."""
    found = Completeness("s")
    found.add(page_of(2, 1, 4), 1)
    with pytest.raises(IncompleteResultError, match="requested page 2, got page 1"):
        found.add(page_of(2, 1, 4), 2)


def test_completeness_detects_changed_totals() -> None:
    """A response that grows between pages is an error."""
    found = Completeness("s")
    found.add(page_of(2, 1, 4), 1)
    with pytest.raises(IncompleteResultError, match="changed from 4 to 5"):
        found.add(page_of(2, 2, 5), 2)


def test_completeness_accepts_services_without_pages() -> None:
    """Without paging, nothing can be verified."""
    found = Completeness("s")
    found.add(Page("s", "COMPLETE", (), [{}]), 1)
    found.close()
    assert found.rows == 1
