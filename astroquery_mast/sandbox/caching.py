"""A thread-safe cache of values that are computed once, on first use."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Keep the most recently used values up to a total weight (unlimited by default), and compute each one once."""

    def __init__(self, capacity: float = math.inf, weigh: Callable[[Value], int] | None = None) -> None:
        self._capacity = capacity
        self._weigh = weigh or _no_weight
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._weight = 0
        self._turns: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[..., Value], *arguments: object) -> Value:
        """Return the value of ``key``; if it is not cached, call ``make(*arguments)``. Errors are not cached."""
        with self._lock:
            if key in self._kept:
                return self._touch(key)
            turn = self._turns.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._kept:  # another thread computed it in the meantime
                    return self._touch(key)
            try:
                value = make(*arguments)
                with self._lock:
                    self._keep(key, value)
            finally:
                with self._lock:
                    self._turns.pop(key, None)
            return value

    def _touch(self, key: Hashable) -> Value:
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: Hashable, value: Value) -> None:
        if key in self._kept:
            self._weight -= self._weigh(self._kept.pop(key))
        self._kept[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._capacity and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._weight -= self._weigh(dropped)


def _no_weight(_value: object) -> int:
    return 0
