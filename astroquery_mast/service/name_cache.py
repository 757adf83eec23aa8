"""A cache in memory of resolved names.

In: a key, and a function that resolves it.  Out: the result of the function, or the cached one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class NameCache:
    """A cache of limited size, in which results expire and the oldest is removed first."""

    def __init__(self, most: int = 1000, seconds: float = 3600.0) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def get(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """Return the cached result of a key, or the result of ``ask``; empty results are not cached."""
        with self._lock:
            since, answer = self._kept.get(key, (0.0, None))
        if answer and time.monotonic() - since < self._seconds:
            return answer
        answer = ask()
        if answer:
            with self._lock:
                self._kept[key] = (time.monotonic(), answer)
                self._kept.move_to_end(key)
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return answer

    def clear(self) -> None:
        """Remove all results."""
        with self._lock:
            self._kept.clear()


KNOWN_NAMES = NameCache()
"""Recently resolved names, shared by all clients of the process, so that a loop over one object resolves it once."""
