"""One file of a download as a worker gets it, in this process or in another, and what the worker gives back.

In: a planned file and a way to the archive.  Out: a result, and which servers answered.  Products flow, around
"transfer".

What the workers of this process share with the call (the bar, Ctrl-C, which servers are down) stays behind when a task
is sent to another process; the recipe of the session, the time that is left and what is known by then go along.  There
is no token in a task.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..products.manifest import TransferResult
from ..products.plan import PlannedFile
from ..service.deadline import Deadline
from .outage import Contacts
from .sessions import SessionRecipe, WorkerSession
from .transfer import OpenUrl, Progress

__all__ = ["Call", "Done", "Task", "TransferFunction", "bring"]

TransferFunction = Callable[..., TransferResult]
"""Does what is planned for one file; called as `~astroquery_mast.downloads.transfer.download_file`."""


def _silent(_: int) -> None:
    """Show no progress."""


@dataclass
class Call:
    """One download, as the workers of this process see it."""

    deadline: Deadline = field(default_factory=Deadline)
    progress: Progress = _silent
    down: Mapping[str, str] = field(default_factory=dict)
    shared: bool = True
    lines: threading.Semaphore | None = None
    _openers: set[WorkerSession] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def opener(self, way: SessionRecipe | OpenUrl) -> Iterator[OpenUrl]:
        """What opens addresses for one file."""
        if not isinstance(way, SessionRecipe):
            yield way
            return
        with way.open_url(self.deadline, lines=self.lines) as opener:
            with self._lock:
                self._openers.add(opener)
            try:
                yield opener
            finally:
                with self._lock:
                    self._openers.discard(opener)

    def stop(self) -> None:
        """End what is under way: between two pieces, in waiting, and while the server is silent."""
        self.deadline.stop()
        with self._lock:
            openers = list(self._openers)
        for opener in openers:
            opener.hang_up()


@dataclass(frozen=True)
class Task:
    """One file, and what is needed to bring it; picklable if the way is a `SessionRecipe`."""

    place: int
    planned: PlannedFile
    way: SessionRecipe | OpenUrl
    carry_out: TransferFunction
    call: Call

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave behind what cannot leave the process; the time that is left goes along."""
        task = (self.place, self.planned, self.way, self.carry_out)
        return _unpickled, (task, self.call.deadline.remaining(), dict(self.call.down))


def _unpickled(
    task: tuple[int, PlannedFile, SessionRecipe, TransferFunction], seconds: float, down: Mapping[str, str]
) -> Task:
    """A task in another process."""
    return Task(*task, Call(Deadline(seconds), down=down, shared=False))


@dataclass(frozen=True)
class Done:
    """What became of a task."""

    result: TransferResult
    reached: Mapping[str, str | None] = field(default_factory=dict)
    counted: bool = True


def bring(task: Task) -> Done:
    """Do what is planned for one file, here and now."""
    started, call = time.monotonic(), task.call
    with call.opener(task.way) as opener:
        contacts = Contacts(opener, call.down)
        result = task.carry_out(
            task.planned,
            contacts,
            progress=call.progress,
            deadline=call.deadline,
        )
    elapsed = time.monotonic() - started if result.elapsed is None else result.elapsed
    return Done(replace(result, elapsed=elapsed, uri=task.planned.uri), contacts.reached, call.shared)
