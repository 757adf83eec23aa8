"""What may end a transfer before its time: the caller who wants no more of it, or the clock.

In: an event and a deadline.  Out: a reason to end, or a `StoppedError`; and waiting that respects both.  Products flow,
within "transfer".
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from .deadline import Deadline

__all__ = ["ATTEMPTS", "BACKOFF", "WAIT", "Limits", "Pause", "StoppedError"]

Pause = Callable[[float], None]
WAIT: Pause = tenacity.nap.sleep

# How often in vain a body is asked for, and how long is waited in between; opening an address has retries of its own.
ATTEMPTS = 3
BACKOFF = tenacity.wait_exponential(multiplier=0.5, max=10) + tenacity.wait_random(0, 0.5)


class StoppedError(Exception):
    """The caller wants no more of it, or the time is over."""


@dataclass(frozen=True)
class Limits:
    """What may end a transfer."""

    cancelled: threading.Event | None = None
    deadline: Deadline | None = None

    def reached(self) -> str | None:
        """Tell why the transfer has to end; None if it may go on."""
        if self.cancelled is not None and self.cancelled.is_set():
            return "The download was cancelled"
        if self.deadline is not None and self.deadline.remaining() <= 0:
            return f"The deadline of {self.deadline.seconds:g} s passed"
        return None

    def check(self) -> None:
        """Raise `StoppedError` if the transfer has to end."""
        reason = self.reached()
        if reason is not None:
            raise StoppedError(reason)

    def wait(self, pause: Pause, seconds: float) -> None:
        """Wait between two tries, but not beyond the limits."""
        left = math.inf if self.deadline is None else max(0.0, self.deadline.remaining())
        if pause is WAIT and self.cancelled is not None:
            self.cancelled.wait(min(seconds, left))
        else:
            pause(min(seconds, left))
