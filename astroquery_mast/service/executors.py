"""Work for the user's executor, which may run in other processes.

In: the work of a call, a frozen dataclass with a ``state``.  Out: the same work, picklable, without a token.  The
module is imported only if ``executor=`` is given.
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
    """Work that leaves out what cannot be pickled when it is sent to another process.

    The remaining time and the known failures are included; ``instead`` has the fields with other values there.  The
    copy can be pickled again, as Dask's workers do.
    """

    work: Any
    instead: Mapping[str, Any]

    def __call__(self, item: Any) -> Any:
        """Do the work in this process."""
        return self.work(item)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what cannot be pickled."""
        state = self.work.state
        work = replace(self.work, state=None, **self.instead)
        known = state.deadline.remaining(), dict(state.down), state.over
        return _in_another_process, (work, dict(self.instead), *known)


def _in_another_process(
    work: Any, instead: Mapping[str, Any], seconds: float, down: Mapping[str, Any], over: CallFile
) -> PortableWork:
    """The work, with a state of its own."""
    state = SharedState(Deadline(seconds, time.monotonic(), (over,)), down)
    state.over = over
    return PortableWork(replace(work, state=state), instead)
