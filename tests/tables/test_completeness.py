"""The rows of an answer in several pieces are counted: none may be missing, none may come twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import IncompleteResultError
from astroquery_mast.tables.mashup import Completeness, Page, Paging


def page_of(rows: int, number: int, total: int) -> Page:
    """Return a page of so many rows."""
    return Page("s", "COMPLETE", (), [{}] * rows, Paging(page=number, pages=3, rows=rows, total=total))


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6), lost=st.integers(0, 5))
def test_completeness_proves_that_no_row_is_missing(sizes: list[int], lost: int) -> None:
    """The rows received must be those announced, and one row less or more is an error."""
    total = sum(sizes) + lost
    found = Completeness("s")
    for number, size in enumerate(sizes, start=1):
        found.add(page_of(size, number, total), number)
    if lost:
        with pytest.raises(IncompleteResultError, match=f"{total} rows were announced and {total - lost} received"):
            found.close()
    else:
        found.close()


def test_completeness_notices_a_page_that_was_not_asked_for() -> None:
    """A server that repeats page 1 for ever does not fill the table with copies."""
    found = Completeness("s")
    found.add(page_of(2, 1, 4), 1)
    with pytest.raises(IncompleteResultError, match="requested page 2, got page 1"):
        found.add(page_of(2, 1, 4), 2)


def test_completeness_notices_that_the_archive_changed_its_mind() -> None:
    """An answer that grows between pages is not put together from two states."""
    found = Completeness("s")
    found.add(page_of(2, 1, 4), 1)
    with pytest.raises(IncompleteResultError, match="changed from 4 to 5"):
        found.add(page_of(2, 2, 5), 2)


def test_completeness_accepts_services_that_do_not_page() -> None:
    """Without paging there is nothing to prove."""
    found = Completeness("s")
    found.add(Page("s", "COMPLETE", (), [{}]), 1)
    found.close()
    assert found.rows == 1
