"""What may end a transfer before its time: the caller who wants no more of it, or the clock.

In: an event and a deadline.  Out: a reason to end, or a `StoppedError`, and how long may be waited.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from .deadline import Deadline

__all__ = ["Limits", "StoppedError"]


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

    @property
    def stopped(self) -> threading.Event:
        """What is set when the caller wants no more of it; it ends waiting."""
        if self.cancelled is not None:
            return self.cancelled
        return threading.Event() if self.deadline is None else self.deadline.given_up

    def at_most(self, seconds: float) -> float:
        """Return how many of these seconds may be waited."""
        return seconds if self.deadline is None else max(0.0, min(seconds, self.deadline.remaining()))
