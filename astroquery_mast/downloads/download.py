"""Many files: the plan is carried out, and there is a result for each file whatever happens to the others.

In: planned files and a way to the archive.  Out: the results, in the order of the plan.  Products flow, around
"transfer".

The work runs on threads of our own, or wherever an executor takes it; see "pool" and "task".
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import replace

from astropy import units as u
from astroquery import log

from ..exceptions import DownloadError, InvalidArgumentError
from ..products.manifest import Manifest, Status, TransferResult, as_manifest
from ..products.plan import Action, PlannedFile, total_bytes
from ..service.deadline import Deadline, as_seconds
from ..service.pool import number_of_workers, run, threads
from ..service.progress import DownloadBar
from .outage import DownServers
from .sessions import SessionRecipe
from .task import Call, Done, Task, TransferFunction, bring
from .transfer import OpenUrl, download_file

__all__ = ["ON_ERROR", "complain", "download"]

ON_ERROR = ("raise", "warn", "ignore")
"""What may be done about files that did not come."""

_ASKED = frozenset({Action.FETCH, Action.RESUME, Action.CHECK})


def download(
    planned: Sequence[PlannedFile],
    way: SessionRecipe | OpenUrl,
    *,
    max_workers: int | None = None,
    executor: Executor | None = None,
    timeout: float | u.Quantity | None = None,
    on_error: str = "warn",
    verbose: bool = True,
    carry_out: TransferFunction = download_file,
) -> list[TransferResult]:
    """Bring files to disk, several at a time."""
    workers = number_of_workers(max_workers, executor)
    seconds = as_seconds(timeout, "timeout")
    _check(way, executor, on_error)
    outages = DownServers()
    # While one file is brought down to the disk, another one can have its connection.
    spare = workers // 2 if executor is None and isinstance(way, SessionRecipe) else 0
    results: dict[int, TransferResult] = {}
    with DownloadBar(len(planned), total_bytes(planned) or None, shown=verbose) as bar:
        call = Call(
            Deadline(math.inf if seconds is None else seconds),
            bar.add,
            outages.down,
            lines=threading.Semaphore(workers) if spare else None,
        )
        tasks = [Task(place, file, way, carry_out, call) for place, file in enumerate(planned)]
        for task, done in _all_done(tasks, executor, workers + spare):
            outages.note(done.reached)
            results[task.place] = done.result
            bar.add(0 if done.counted or not done.result.fetched else done.result.size or 0)
            bar.finish()
    ordered = [results[place] for place in range(len(planned))]
    if verbose:
        _tell(ordered, call.deadline.elapsed())
    complain(ordered, on_error=on_error)
    return ordered


def _check(way: SessionRecipe | OpenUrl, executor: Executor | None, on_error: str) -> None:
    """Raise if an argument makes no sense."""
    if on_error not in ON_ERROR:
        raise InvalidArgumentError(f"on_error={on_error!r}: {', '.join(map(repr, ON_ERROR))} are possible.")
    if executor is not None and not (isinstance(executor, Executor) or hasattr(executor, "submit")):
        raise InvalidArgumentError(f"executor={executor!r}: a concurrent.futures.Executor is needed.")
    if not isinstance(way, SessionRecipe) and not isinstance(executor, ThreadPoolExecutor | None):
        raise TypeError("Only a SessionRecipe can be sent to another process.")


def _all_done(tasks: Sequence[Task], executor: Executor | None, workers: int) -> Iterator[tuple[Task, Done]]:
    """Do all tasks; every one of them is given, in the order in which they end."""
    asked = []
    for task in tasks:
        if task.planned.action in _ASKED:
            asked.append(task)
        else:
            # What needs no network needs no worker, either, and is there even when the time is over.
            yield task, Done(replace(bring(task).result, elapsed=None))
    left = {task.place: task for task in asked}
    call = tasks[0].call if tasks else Call()
    own = threads(min(workers, len(asked)) or 1) if executor is None else nullcontext(executor)
    with own as pool:
        running = run(asked, bring, executor=pool, window=workers, deadline=call.deadline, stop=call.stop)
        with closing(running) as ended:
            for task, future in ended:
                del left[task.place]
                yield task, _outcome(task, future)
    for task in left.values():
        yield task, Done(_late(task))


def _outcome(task: Task, future: Future[Done]) -> Done:
    """What became of a task; a worker that dies takes nobody with it."""
    if future.cancelled():
        return Done(_late(task))
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, Exception):
        # Ctrl-C reaches processes of the same terminal, too.
        raise error
    return Done(_failed(task, f"The worker could not do it: {type(error).__name__}: {error}"))


def _late(task: Task) -> TransferResult:
    """The result for a file whose turn did not come, or that did not end, before the deadline."""
    return _failed(task, f"The deadline of {task.call.deadline.seconds:g} s passed before the file was there.")


def _failed(task: Task, message: str) -> TransferResult:
    """The result for a file of which no worker tells."""
    file = task.planned
    return TransferResult(file.index, Status.ERROR, file.local_path, message, file.data_url, uri=file.uri)


def _tell(results: Sequence[TransferResult], elapsed: float) -> None:
    """Log one line on a whole download."""
    fetched = [result for result in results if result.fetched]
    kept = sum(result.status is Status.COMPLETE and not result.fetched for result in results)
    size = sum(result.size or 0 for result in fetched) / 1e6
    log.info("Files downloaded: %d (%.1f s, %.1f MB); already on disk: %d.", len(fetched), elapsed, size, kept)


def complain(results: Sequence[TransferResult], *, on_error: str, manifest: Manifest | None = None) -> None:
    """Do about failures what is wanted."""
    failed = [result for result in results if result.status is Status.ERROR]
    if not failed or on_error == "ignore":
        return
    message = (
        f"{len(failed)} of {len(results)} files could not be downloaded; the manifest says why. "
        f"The first: {failed[0].message}"
    )
    if on_error == "raise":
        raise DownloadError(message, as_manifest(results) if manifest is None else manifest)
    log.warning("%s", message)
