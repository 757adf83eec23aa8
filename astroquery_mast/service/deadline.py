"""How long a call may take."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from astropy import units as u

from ..config import seconds_setting
from ..exceptions import InvalidArgumentError

__all__ = ["Deadline", "as_seconds", "for_socket"]


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


def for_socket(seconds: float) -> float | None:
    """Return a time as sockets take it: None for one without end."""
    return None if math.isinf(seconds) else seconds


@dataclass(frozen=True)
class Deadline:
    """The moment by which a whole call must be done."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    given_up: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None takes ``conf.timeout``."""
        return cls(seconds_setting("timeout") if seconds is None else float(seconds))

    @classmethod
    def within(cls, whole: Deadline | None) -> Deadline:
        """Start the clock of a part of a call: ``conf.timeout``, or what is left of the whole call if that is less.

        Its own, so that giving up one part does not end the others.
        """
        own = cls.start(None)
        if whole is None or whole.remaining() >= own.remaining():
            return own
        return cls(whole.seconds, whole.started)

    def part(self, seconds: float) -> Deadline:
        """Start the clock of a part that has so many seconds of its own, and ends when the whole is given up."""
        left = self.remaining()
        own = (seconds, time.monotonic()) if seconds < left else (self.seconds, self.started)
        return Deadline(*own, self.given_up)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self) -> float:
        """Return the seconds left; negative once the deadline has passed, or the call was given up."""
        return -1.0 if self.given_up.is_set() else self.seconds - self.elapsed()

    def give_up(self) -> None:
        """End the call now: what is under way in other threads may finish, but nothing more is sent."""
        self.given_up.set()
