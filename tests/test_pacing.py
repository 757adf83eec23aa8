"""Several questions at a time: in order, within the limit, and none after a failure."""

from __future__ import annotations

import threading

import pytest

from astroquery_mast.exceptions import BadRequestError
from astroquery_mast.service.parallel import map_in_threads


def test_in_order_keeps_the_order_and_the_limit() -> None:
    """Results come in the order of the items, however long each takes, and few are in work at once."""
    running, most = 0, 0
    lock = threading.Lock()
    gates = [threading.Event() for _ in range(12)]

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if number % 2 == 0:
            gates[number].wait(5)  # even items wait for the odd one after them
        else:
            gates[number - 1].set()
        with lock:
            running -= 1
        return number

    assert list(map_in_threads(work, range(12), 4)) == list(range(12))
    assert most <= 4


def test_in_order_stops_at_the_first_failure() -> None:
    """A failure ends the work; items that had not begun are never begun."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise BadRequestError("no")
        return number

    with pytest.raises(BadRequestError):
        list(map_in_threads(work, range(1000), 2))
    assert len(begun) < 20
