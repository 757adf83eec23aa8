"""How often a body that breaks off is asked for, and the waiting in between."""

from __future__ import annotations

from collections.abc import Callable

import tenacity

from .deadline import Deadline

__all__ = ["ATTEMPTS", "BACKOFF", "WAIT", "Pause", "wait"]

Pause = Callable[[float], None]
WAIT: Pause = tenacity.nap.sleep

# How often in vain a body is asked for, and how long is waited in between; opening an address has retries of its own.
ATTEMPTS = 3
BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=10) + tenacity.wait_random(0, 0.5)


def wait(deadline: Deadline, pause: Pause, seconds: float) -> None:
    """Wait between two tries, but not beyond the deadline."""
    limit = min(seconds, max(0.0, deadline.remaining()))
    if pause is WAIT:
        deadline.stopped.wait(limit)
    else:
        pause(limit)
