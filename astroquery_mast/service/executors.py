"""Work for an executor of the user's, which may be in other processes: what goes along, and what stays behind.

In: the work of a call, a frozen dataclass with a ``state``.  Out: the same, picklable.  Imported only where
``executor=`` is given.  There is no token in what is sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .parallel import SharedState
from .retrying import CallFile, Deadline


@dataclass(frozen=True)
class PortableWork:
    """Work that is done here as it is, and in another process without what cannot leave this one.

    What is left of the time goes along, and what is known by then; ``instead`` says which fields have another value
    there.  The copy can be sent on: a worker of Dask pickles what it gets.
    """

    work: Any
    instead: Mapping[str, Any]

    def __call__(self, item: Any) -> Any:
        """Do the work in this process."""
        return self.work(item)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave behind what cannot leave the process."""
        state = self.work.state
        work = replace(self.work, state=None, **self.instead)
        known = state.deadline.remaining(), dict(state.down), state.over
        return _in_another_process, (work, dict(self.instead), *known)


def _in_another_process(
    work: Any, instead: Mapping[str, Any], seconds: float, down: Mapping[str, Any], over: CallFile
) -> PortableWork:
    """The work with a state of its own."""
    state = SharedState(Deadline(seconds, time.monotonic(), (over,)), down)
    state.over = over
    return PortableWork(replace(work, state=state), instead)
