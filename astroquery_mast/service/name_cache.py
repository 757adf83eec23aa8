"""Names that were resolved a while ago, in memory.

In: a question and the way to ask it.  Out: the answer, also one that was given a while ago.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class NameCache:
    """A bounded memory of answers; the oldest goes first."""

    def __init__(self, most: int = 1000, seconds: float = 3600.0) -> None:
        self._most = most
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def get(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """Return the answer to a question, from memory or by asking."""
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
        """Forget everything."""
        with self._lock:
            self._kept.clear()


KNOWN_NAMES = NameCache()
"""Names resolved a while ago, so that a loop over one object asks for it once; shared by all clients of the process."""
