"""How long a call may take, and how it is stopped before its time.

In: seconds, or none.  Out: a `Deadline`, which all parts of the call share, or get parts of.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from astropy import units as u

from ..config import seconds_setting
from ..exceptions import InvalidArgumentError

# A socket takes no time of zero, or less.
_SHORTEST = 1e-3


def as_seconds(given: Any, name: str = "timeout") -> float | None:
    """Return how long a call may take, as users write it."""
    if given is None:
        return None
    try:
        # Text is no number here: 0.0 is added, and not float() called.
        seconds = float((given.to_value(u.s) if isinstance(given, u.Quantity) else given) + 0.0)
    except (TypeError, ValueError):  # also an array, or a unit that is none of time
        seconds = math.nan
    if not seconds > 0:
        raise InvalidArgumentError(f"{name}={given!r}: a time above zero is needed, in seconds.")
    return seconds


class StoppedError(Exception):
    """The caller wants no more of it, or the time is over."""


@dataclass(frozen=True)
class Deadline:
    """The moment by which a call must be done, or a part of one; it can be stopped before, from any thread."""

    seconds: float = math.inf
    started: float = field(default_factory=time.monotonic)
    # The event of the whole call first, that of this part of it last: whoever stops a part leaves the others alone.
    _stops: tuple[threading.Event, ...] = field(default_factory=lambda: (threading.Event(),), repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None takes ``conf.timeout``."""
        return cls(seconds_setting("timeout") if seconds is None else float(seconds))

    @classmethod
    def within(cls, whole: Deadline | None) -> Deadline:
        """Start the clock of a part of a call: ``conf.timeout``, or what is left of the whole call if that is less."""
        return cls.start(None) if whole is None else whole.part(seconds_setting("timeout"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Take along to another process what is left of the time."""
        return Deadline, (self.remaining(),)

    def part(self, seconds: float) -> Deadline:
        """Start the clock of a part that has so many seconds of its own, and ends when the whole ends."""
        left = self.remaining()
        own = (seconds, time.monotonic()) if seconds < left else (self.seconds, self.started)
        return Deadline(*own, (*self._stops, threading.Event()))

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self) -> float:
        """Return the seconds left; negative once the deadline has passed, or the call was stopped."""
        return -1.0 if self._was_stopped() else self.seconds - self.elapsed()

    def at_most(self, seconds: float) -> float:
        """Return how many of these seconds may be waited."""
        return max(0.0, min(seconds, self.remaining()))

    def for_socket(self, seconds: float) -> float | None:
        """Return how long a socket may wait, at most so many seconds; None for a time without end."""
        limit = min(seconds, self.remaining())
        return None if math.isinf(limit) else max(limit, _SHORTEST)

    def stop(self) -> None:
        """End the call now: what is under way in other threads may finish, but nothing more is sent."""
        if self.elapsed() < self.seconds:
            # Otherwise the time is the reason, and everybody sees that without being told.
            self._stops[-1].set()

    @property
    def stopped(self) -> threading.Event:
        """What is set when the whole call is stopped, to wait for."""
        return self._stops[0]

    def reached(self) -> str | None:
        """Tell why a download has to end; None if it may go on."""
        if self._was_stopped():
            return "The download was cancelled"
        return f"The deadline of {self.seconds:g} s passed" if self.elapsed() >= self.seconds else None

    def check(self) -> None:
        """Raise `StoppedError` if a download has to end."""
        reason = self.reached()
        if reason is not None:
            raise StoppedError(reason)

    def _was_stopped(self) -> bool:
        """Whether this part, or a whole that it is a part of, was stopped."""
        return any(stop.is_set() for stop in self._stops)
