"""How long a call may take."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from .config import conf

__all__ = ["Deadline"]


@dataclass(frozen=True)
class Deadline:
    """The moment by which a whole call must be done.

    Parameters
    ----------
    seconds : float
        How long the call may take; infinite for no limit.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)
    _given_up: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @classmethod
    def start(cls, seconds: float | None) -> Deadline:
        """Start the clock; None takes ``conf.timeout``."""
        return cls(float(conf.timeout if seconds is None else seconds))

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
        return Deadline(*own, self._given_up)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def remaining(self) -> float:
        """Return the seconds left; negative once the deadline has passed, or the call was given up."""
        return -1.0 if self._given_up.is_set() else self.seconds - self.elapsed()

    def give_up(self) -> None:
        """End the call now: what is under way in other threads may finish, but nothing more is sent."""
        self._given_up.set()
