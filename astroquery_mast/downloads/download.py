"""Downloads of many files: carries out the plan, with a result for each file regardless of failures of others.

In: planned files, and a `UrlOpener`.  Out: the results, in the order of the plan.  Part of the product flow, around
"transfer".

The work runs in threads of this package or on an executor; see `astroquery_mast.service.parallel`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

import numpy as np
import requests
import urllib3
from astropy.table import MaskedColumn, Table
from astroquery import log

from ..config import count_setting
from ..exceptions import DownloadError, InputWarning, MastError, NoResultsWarning, ServerError
from ..products.file_names import PathTemplate
from ..products.manifest import Manifest, Status, TransferResult, as_manifest
from ..products.plan import (
    ASKED,
    EXCLUSIVE,
    Action,
    DownloadService,
    PlannedFile,
    as_overwrite,
    escaped_url,
    is_accessible,
    only_in_cloud,
    total_bytes,
)
from ..service.parallel import DownServers, Job, JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ..service.retrying import Deadline
from ..warn import warn_user
from .destination import is_remote
from .sessions import SessionRecipe
from .transfer import OpenUrl, Progress, download_file, silent


@runtime_checkable
class UrlOpener(Protocol):
    """A source of functions that open addresses, one for each worker."""

    def open_url(
        self, deadline: Deadline, *, connection_slots: threading.Semaphore | None = None
    ) -> AbstractContextManager[OpenUrl]:
        """Return a context manager with a function that opens addresses until a deadline."""


TransferFunction = Callable[..., TransferResult]
"""Carries out the plan for one file; called like `~astroquery_mast.downloads.transfer.download_file`."""

# A server is considered down after this number of files in a row, each with `conf.max_attempts` attempts.
_IN_A_ROW = 3
# The key of the disk among the servers, and the actions that need space on it.
_DISK, _WRITTEN = "the disk", frozenset({Action.FETCH, Action.RESUME})


# -- the request and the sources of files ------------------------------------------------------------------------------


@dataclass(frozen=True)
class DownloadRequest:
    """Where to save the files, and which of them to download; arguments of ``download_products``."""

    download_dir: str | os.PathLike[str] | None = None
    flat: bool = False
    path_template: PathTemplate | None = None
    cache: bool = True
    overwrite: str | None = None
    dry_run: bool = False
    bundle: str | None = None

    def __post_init__(self) -> None:
        """Raise for contradictory arguments before anything is sent."""
        as_overwrite(self.cache, self.overwrite)

    @property
    def in_folders(self) -> bool:
        """Whether files are saved in folders of their observations."""
        return not self.flat and self.path_template is None


def _warn_of_missing_copies(planned: list[PlannedFile]) -> list[PlannedFile]:
    """Return the plan, with a warning for files that were not found in the cloud."""
    absent = [file.uri for file in planned if file.action is Action.SKIP]
    if absent:
        others = f" {len(absent) - 1} more were not found, either." * (len(absent) > 1)
        warn_user(f"The product {absent[0]} was not found in the cloud. Skipping download.{others}", NoResultsWarning)
    return planned


@dataclass(frozen=True)
class FileSource:
    """Where the files of a download come from, and which of them cannot or must not be downloaded."""

    download_url: str | DownloadService
    cloud_urls: Mapping[str, str] = field(default_factory=dict)
    cloud_only: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Index of a file in the plan → reason why it is refused."""
    missions: Sequence[str] | None = None
    """The missions for the manifest, needed to download the files again."""

    def checked(self, planned: Iterable[PlannedFile]) -> list[PlannedFile]:
        """Return the plan with files refused or skipped that cannot or must not be downloaded."""
        if self.cloud_only:
            return _warn_of_missing_copies([only_in_cloud(file) for file in planned])
        return [
            replace(file, action=Action.REFUSE, reason=self.refusals[file.index])
            if file.index in self.refusals
            else file
            for file in planned
        ]

    def address(self, uri: str, rights: str, in_cloud: Callable[[str], str]) -> str | None:
        """Return the address of a file; None if it cannot be downloaded."""
        # The cloud copy of an exclusive file is not public; MAST returns the file to authorized users.
        copy = None if rights == EXCLUSIVE else self.cloud_urls.get(uri)
        if copy is not None:
            return in_cloud(copy)
        return None if self.cloud_only or not uri.strip() else escaped_url(self.download_url, uri)


@dataclass(frozen=True)
class PreparedDownload:
    """What a download will do, and what is needed for its manifest."""

    products: Table
    files: FileSource
    folder: Path
    planned: Sequence[PlannedFile]

    def completed(self, manifest: Manifest, indices: Iterable[int]) -> Manifest:
        """Return the manifest of some files, with its base folder and working directory, and the missions."""
        if not is_remote(self.folder):
            with suppress(FileNotFoundError):  # the working directory was removed meanwhile
                manifest.meta.update(workdir=[str(Path.cwd())], base_dir=[str(self.folder.absolute())])
        if self.files.missions is not None:
            missions = [self.files.missions[index] for index in indices]
            manifest["mission"] = MaskedColumn(np.array(missions, dtype=np.str_))
        return manifest


def warn_of_no_access(planned: Iterable[PlannedFile], refusal: str | None) -> None:
    """Warn once about exclusive files if it is known that they will be refused."""
    asked = [file for file in planned if file.action in ASKED]
    closed = [file for file in asked if is_accessible(file, refusal) is False]
    if not closed:
        return
    # Known programs and dates before empty texts.
    first, *others = sorted({file.terms for file in closed}, reverse=True)
    more = ", and others" if others else ""
    log.warning("No access to %d of %d files: exclusive%s%s. %s.", len(closed), len(asked), first, more, refusal)


# -- one file ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobResult:
    """The outcome of a worker: the result, which servers were reached, and whether the bar has counted the bytes."""

    result: TransferResult
    reached: Mapping[str, str | None] = field(default_factory=dict)
    counted: bool = True

    @property
    def uncounted(self) -> int:
        """The number of bytes that the bar has not counted yet."""
        return 0 if self.counted or not self.result.fetched else self.result.size or 0


@dataclass(frozen=True)
class FileDownloads:
    """The work of one download: carries out the plan for a file."""

    opener: UrlOpener | OpenUrl
    carry_out: TransferFunction
    state: SharedState
    progress: Progress = silent
    slots: threading.Semaphore | None = None
    shared: bool = True
    # Sent to other processes, where `conf` may differ.
    most: int = field(default_factory=lambda: count_setting("max_file_size"))

    def __call__(self, planned: PlannedFile) -> JobResult:
        """Carry out the plan for one file."""
        started = time.monotonic()
        planned = self._unless_full(planned)
        with ExitStack() as stack:
            open_url = self.opener
            if isinstance(open_url, UrlOpener):
                open_url = stack.enter_context(open_url.open_url(self.state.deadline, connection_slots=self.slots))
            watch = ServerWatch(open_url, self.state.down)
            how = {"progress": self.progress, "deadline": self.state.deadline, "most": self.most}
            result = self.carry_out(planned, watch, **how)
        elapsed = time.monotonic() - started if result.elapsed is None else result.elapsed
        if result.disk_full or result.fetched:
            watch.reached[_DISK] = result.message if result.disk_full else None
        return JobResult(replace(result, elapsed=elapsed, uri=planned.uri), watch.reached, self.shared)

    def _unless_full(self, planned: PlannedFile) -> PlannedFile:
        """Return the plan for a file; a refusal if the disk is full."""
        full = self.state.down.get(_DISK)
        if full is None or planned.action not in _WRITTEN:
            return planned
        reason = f"Not downloaded: the disk was full for {_IN_A_ROW} files in a row: {full}"
        return replace(planned, action=Action.REFUSE, reason=reason)


@dataclass
class ServerWatch:
    """Opens addresses except on servers that are down, and records which servers could be reached."""

    open_url: OpenUrl
    down: Mapping[str, str]
    reached: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Open an address."""
        parts = urlsplit(url)
        server = f"{parts.scheme}://{parts.netloc}"
        if server in self.down:
            raise ServerError(
                f"Not downloaded: {server} could not be reached for {_IN_A_ROW} files in a row: {self.down[server]}",
                service=server,
            )
        try:
            response = self.open_url(url, headers)
        except (MastError, requests.exceptions.RequestException) as err:
            self.reached[server] = str(err) if _cannot_connect(err) else None
            raise
        self.reached[server] = None
        return response


def _cannot_connect(error: BaseException) -> bool:
    """Return whether no connection could be made, as opposed to one that broke or timed out."""
    cause = error.__cause__ if isinstance(error, MastError) else error
    if not isinstance(cause, requests.exceptions.ConnectionError) or not cause.args:
        return False
    # requests raises the same error for both, with urllib3's as argument: this one if no connection was made.
    return isinstance(cause.args[0], urllib3.exceptions.MaxRetryError)


def download(
    planned: Sequence[PlannedFile],
    opener: UrlOpener | OpenUrl,
    options: RunOptions,
    *,
    carry_out: TransferFunction = download_file,
) -> list[TransferResult]:
    """Download files, several at a time, and return the results in the order of the plan."""
    return sorted(results_as_completed(planned, opener, options, carry_out=carry_out), key=lambda result: result.index)


def results_as_completed(
    planned: Sequence[PlannedFile],
    opener: UrlOpener | OpenUrl,
    options: RunOptions,
    *,
    carry_out: TransferFunction = download_file,
) -> Generator[TransferResult]:
    """Download files, and yield each result as soon as it is known; closing the generator stops the other downloads."""
    _check_sendable(opener, options.executor)
    servers: DownServers[str] = DownServers(_IN_A_ROW)
    state = SharedState(options.deadline(), servers.down)
    # While one file is flushed to disk, another one can use its connection.
    spare = options.workers // 2 if options.executor is None and isinstance(opener, SessionRecipe) else 0
    slots = threading.Semaphore(options.workers) if spare else None
    results: dict[int, TransferResult] = {}
    with closing(_bar_of(planned, options)) as bar:
        work = FileDownloads(_as_quiet(opener, options), carry_out, state, bar.add, slots)
        with closing(_all_results(planned, work, options, options.workers + spare, servers)) as ended:
            for place, done in ended:
                file = planned[place]
                result = replace(done.result, catalog_size=file.size, checksum=file.checksum, rights=file.rights)
                results[place] = result
                bar.add(done.uncounted)
                bar.finish()
                yield result
    ordered = [results[place] for place in range(len(planned))]
    if options.verbose:
        _log_summary(ordered, state.deadline.elapsed())
    complain(ordered, on_error=options.on_error)


def _check_sendable(opener: UrlOpener | OpenUrl, executor: Executor | None) -> None:
    """Raise if ``opener`` cannot be sent to other processes, and warn about session settings that they do not get."""
    if isinstance(executor, ThreadPoolExecutor | None):
        return
    if not isinstance(opener, SessionRecipe):
        raise TypeError("Only a SessionRecipe can be passed to another process.")
    left = opener.unshared_settings()
    if left:
        warn_user(
            f"The processes of the executor do not use these settings of the client's session: {', '.join(left)}.",
            InputWarning,
        )


class DownloadBar:
    """One progress bar for the files and bytes of a download; safe to use from several threads."""

    def __init__(self, files: int, size: int | None, *, shown: bool) -> None:
        self._files = files
        self._done = 0
        self._lock = threading.Lock()
        self._bar = progress_bar(size, "Downloading", "B", shown=shown)

    def close(self) -> None:
        """Close the bar."""
        with self._lock:
            self._bar.close()

    def add(self, size: int) -> None:
        """Count bytes; negative for bytes that will be received again."""
        with self._lock:
            self._bar.update(size)

    def finish(self) -> None:
        """Count a file that is complete or has failed."""
        with self._lock:
            self._done += 1
            # Shown with the next update of the bytes: notebooks keep every refresh.
            self._bar.set_postfix_str(f"{self._done}/{self._files} files", refresh=False)


def _bar_of(planned: Sequence[PlannedFile], options: RunOptions) -> DownloadBar:
    """Return the bar of a download, which is shown if there is something to download."""
    fetched = any(file.action in ASKED for file in planned)
    return DownloadBar(len(planned), total_bytes(planned) or None, shown=options.verbose and fetched)


def _as_quiet(opener: UrlOpener | OpenUrl, options: RunOptions) -> UrlOpener | OpenUrl:
    """Return ``opener`` with the verbosity of the call."""
    return replace(opener, quiet=not options.verbose) if isinstance(opener, SessionRecipe) else opener


# -- all files -----------------------------------------------------------------------------------------------------


def _all_results(
    planned: Sequence[PlannedFile],
    work: FileDownloads,
    options: RunOptions,
    workers: int,
    servers: DownServers[str],
) -> Generator[tuple[int, JobResult]]:
    """Carry out the plan, and yield for each file its index in the plan and its result, in order of completion."""
    # Files that need no network need no worker, and have a result even after the timeout.
    asked = [place for place, file in enumerate(planned) if file.action in ASKED]
    others = [place for place, file in enumerate(planned) if file.action not in ASKED]
    first = (
        (Job(number, planned[place]), JobResult(replace(work(planned[place]).result, elapsed=None)))
        for number, place in enumerate(others, len(asked))
    )

    def note(_job: object, outcome: JobResult | JobFailure) -> None:
        """Note which servers are down before the next file starts."""
        if isinstance(outcome, JobResult):
            servers.note(outcome.reached)

    files, portable = [planned[place] for place in asked], portable_download(work, options.executor)
    running = run(files, portable, options, work.state, workers=workers, first=first, on_end=note)
    places = asked + others
    with closing(running) as ended:
        for job, outcome in ended:
            done = _failed(job.item, outcome, work) if isinstance(outcome, JobFailure) else outcome
            yield places[job.number], done


def portable_download(work: FileDownloads, executor: Executor | None) -> Callable[[PlannedFile], JobResult]:
    """Return the work in the form in which it is sent to an executor."""
    if executor is None:
        return work
    from ..service.executors import PortableWork  # noqa: PLC0415 - rarely needed

    return PortableWork(work, {"progress": silent, "slots": None, "shared": False})


def _failed(file: PlannedFile, failure: JobFailure, work: FileDownloads) -> JobResult:
    """Return the result for a file if its worker failed."""
    error = failure.error
    message = f"Worker failed: {type(error).__name__}: {error}"
    if isinstance(error, UnfinishedError):
        message = f"Timed out after {work.state.deadline.seconds:g} s, before this file was complete."
    return JobResult(TransferResult(file.index, Status.ERROR, file.local_path, message, file.data_url, uri=file.uri))


def _log_summary(results: Sequence[TransferResult], elapsed: float) -> None:
    """Log a summary of a download, unless all files failed."""
    if all(result.status is Status.ERROR for result in results):
        return
    fetched = [result for result in results if result.fetched]
    kept = sum(result.status is Status.COMPLETE and not result.fetched for result in results)
    size = sum(result.size or 0 for result in fetched) / 1e6
    log.info("Files downloaded: %d (%.1f s, %.1f MB); already on disk: %d.", len(fetched), elapsed, size, kept)


def complain(results: Sequence[TransferResult], *, on_error: str, manifest: Manifest | None = None) -> None:
    """Report failed downloads as ``on_error`` says."""
    failed = [result for result in results if result.status is Status.ERROR]
    if not failed or on_error == "ignore":
        return
    message = (
        f"{len(failed)} of {len(results)} files could not be downloaded. See column 'Message' of the "
        f"manifest. First error: {failed[0].message}"
    )
    if on_error == "raise":
        raise DownloadError(message, as_manifest(results) if manifest is None else manifest)
    log.warning("%s", message)
