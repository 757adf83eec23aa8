"""Several things at a time, but no more, and their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["map_in_threads"]

T = TypeVar("T")
S = TypeVar("S")


def map_in_threads(work: Callable[[S], T], items: Iterable[S], workers: int) -> Iterator[T]:
    """Do the same work for many items, several at a time, and give the results in the order of the items."""
    if workers <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="astroquery_mast")
    under_way: deque[Future[T]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        # Not waiting makes Ctrl-C prompt; a request under way ends by its own timeout.
        pool.shutdown(wait=False, cancel_futures=True)
