"""Many files: the plan is carried out, and there is a result for each file whatever happens to the others.

In: planned files and a way to the archive.  Out: the results, in the order of the plan.  Products flow, around
"transfer".

The work runs on threads of our own, or wherever an executor takes it; see `astroquery_mast.service.parallel`.
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
class Way(Protocol):
    """A way to the archive: what a worker opens addresses with."""

    def open_url(
        self, deadline: Deadline, *, connection_slots: threading.Semaphore | None = None
    ) -> AbstractContextManager[OpenUrl]:
        """Give a worker what opens addresses until a deadline."""


TransferFunction = Callable[..., TransferResult]
"""Does what is planned for one file; called as `~astroquery_mast.downloads.transfer.download_file`."""

# So many files in a row, each tried as often as `conf.max_attempts` says, find nobody there: then it is not by chance.
_IN_A_ROW = 3
# What stands for the disk where the others are servers, and what needs room on it.
_DISK, _WRITTEN = "the disk", frozenset({Action.FETCH, Action.RESUME})


# -- what a call says, and where files come from -----------------------------------------------------------------------


@dataclass(frozen=True)
class DownloadRequest:
    """Where the files of a download go, and which of them are fetched; arguments of ``download_products``."""

    download_dir: str | os.PathLike[str] | None = None
    flat: bool = False
    path_template: PathTemplate | None = None
    cache: bool = True
    overwrite: str | None = None
    dry_run: bool = False
    bundle: str | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself before anything is sent."""
        as_overwrite(self.cache, self.overwrite)

    @property
    def in_folders(self) -> bool:
        """Whether files go to the folders of their observations."""
        return not self.flat and self.path_template is None


def _told_absent(planned: list[PlannedFile]) -> list[PlannedFile]:
    """The same plan, with a warning for what only the cloud may give, and does not have."""
    absent = [file.uri for file in planned if file.action is Action.SKIP]
    if absent:
        others = f" {len(absent) - 1} more were not found, either." * (len(absent) > 1)
        warn_user(f"The product {absent[0]} was not found in the cloud. Skipping download.{others}", NoResultsWarning)
    return planned


@dataclass(frozen=True)
class FileSource:
    """Where the files of one download come from, and which of them cannot or must not be fetched."""

    download_url: str | DownloadService
    cloud_urls: Mapping[str, str] = field(default_factory=dict)
    cloud_only: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Number of a file in the plan → why it is refused."""
    missions: Sequence[str] | None = None
    """What the manifest must have as well, so that the files can be fetched again later."""

    def checked(self, planned: Iterable[PlannedFile]) -> list[PlannedFile]:
        """Return the plan without what cannot or must not be fetched."""
        if self.cloud_only:
            return _told_absent([only_in_cloud(file) for file in planned])
        return [
            replace(file, action=Action.REFUSE, reason=self.refusals[file.index])
            if file.index in self.refusals
            else file
            for file in planned
        ]

    def address(self, uri: str, rights: str, in_cloud: Callable[[str], str]) -> str | None:
        """Return where a file can be fetched; None if it cannot."""
        # The copy of an exclusive file is open to nobody; the archive gives it to those who may have it.
        copy = None if rights == EXCLUSIVE else self.cloud_urls.get(uri)
        if copy is not None:
            return in_cloud(copy)
        return None if self.cloud_only or not uri.strip() else escaped_url(self.download_url, uri)


@dataclass(frozen=True)
class PreparedDownload:
    """What a download will do, and what its manifest has to tell."""

    products: Table
    files: FileSource
    folder: Path
    planned: Sequence[PlannedFile]

    def completed(self, manifest: Manifest, indices: Iterable[int]) -> Manifest:
        """Return the manifest of some files with where its paths begin, and with their missions."""
        if not is_remote(self.folder):
            with suppress(FileNotFoundError):  # a working directory that was removed meanwhile
                manifest.meta.update(workdir=[str(Path.cwd())], base_dir=[str(self.folder.absolute())])
        if self.files.missions is not None:
            missions = [self.files.missions[index] for index in indices]
            manifest["mission"] = MaskedColumn(np.array(missions, dtype=np.str_))
        return manifest


def warn_of_no_access(planned: Iterable[PlannedFile], refusal: str | None) -> None:
    """Warn once of exclusive files that the user cannot have, if it is known why they will be refused."""
    asked = [file for file in planned if file.action in ASKED]
    closed = [file for file in asked if is_accessible(file, refusal) is False]
    if not closed:
        return
    # What is known of a program or date comes before nothing.
    first, *others = sorted({file.terms for file in closed}, reverse=True)
    more = ", and others" if others else ""
    log.warning("No access to %d of %d files: exclusive%s%s. %s.", len(closed), len(asked), first, more, refusal)


# -- one file ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobResult:
    """What a worker gives back: the result, which servers answered, and whether the bar has counted the bytes."""

    result: TransferResult
    reached: Mapping[str, str | None] = field(default_factory=dict)
    counted: bool = True

    @property
    def uncounted(self) -> int:
        """The bytes that the bar has not counted yet."""
        return 0 if self.counted or not self.result.fetched else self.result.size or 0


@dataclass(frozen=True)
class FileDownloads:
    """The work of one download: does what is planned for a file."""

    way: Way | OpenUrl
    carry_out: TransferFunction
    state: SharedState
    progress: Progress = silent
    slots: threading.Semaphore | None = None
    shared: bool = True
    # Taken along to other processes, where `conf` may be another.
    most: int = field(default_factory=lambda: count_setting("max_file_size"))

    def __call__(self, planned: PlannedFile) -> JobResult:
        """Do what is planned for one file, here and now."""
        started = time.monotonic()
        planned = self._unless_full(planned)
        with ExitStack() as stack:
            open_url = self.way
            if isinstance(open_url, Way):
                open_url = stack.enter_context(open_url.open_url(self.state.deadline, connection_slots=self.slots))
            watch = ServerWatch(open_url, self.state.down)
            how = {"progress": self.progress, "deadline": self.state.deadline, "most": self.most}
            result = self.carry_out(planned, watch, **how)
        elapsed = time.monotonic() - started if result.elapsed is None else result.elapsed
        if result.disk_full or result.fetched:
            watch.reached[_DISK] = result.message if result.disk_full else None
        return JobResult(replace(result, elapsed=elapsed, uri=planned.uri), watch.reached, self.shared)

    def _unless_full(self, planned: PlannedFile) -> PlannedFile:
        """The same plan; a refusal if there is no room for the file."""
        full = self.state.down.get(_DISK)
        if full is None or planned.action not in _WRITTEN:
            return planned
        reason = f"Not downloaded: the disk was full for {_IN_A_ROW} files in a row: {full}"
        return replace(planned, action=Action.REFUSE, reason=reason)


@dataclass
class ServerWatch:
    """Opens addresses, but not of servers that are down, and remembers whether servers could be reached."""

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
    """Whether no connection could be made at all, rather than that one broke or was silent."""
    cause = error.__cause__ if isinstance(error, MastError) else error
    if not isinstance(cause, requests.exceptions.ConnectionError) or not cause.args:
        return False
    # requests makes one error of both, and keeps urllib3's: this one for a connection that was not made.
    return isinstance(cause.args[0], urllib3.exceptions.MaxRetryError)


def download(
    planned: Sequence[PlannedFile],
    way: Way | OpenUrl,
    options: RunOptions,
    *,
    carry_out: TransferFunction = download_file,
) -> list[TransferResult]:
    """Bring files to where they go, several at a time; the results are in the order of the plan."""
    return sorted(results_as_completed(planned, way, options, carry_out=carry_out), key=lambda result: result.index)


def results_as_completed(
    planned: Sequence[PlannedFile],
    way: Way | OpenUrl,
    options: RunOptions,
    *,
    carry_out: TransferFunction = download_file,
) -> Generator[TransferResult]:
    """Bring files to where they go, and give each result as its file ends; whoever leaves before stops the others."""
    _check_sendable(way, options.executor)
    servers: DownServers[str] = DownServers(_IN_A_ROW)
    state = SharedState(options.deadline(), servers.down)
    # While one file is brought down to the disk, another one can have its connection.
    spare = options.workers // 2 if options.executor is None and isinstance(way, SessionRecipe) else 0
    slots = threading.Semaphore(options.workers) if spare else None
    results: dict[int, TransferResult] = {}
    with closing(_bar_of(planned, options)) as bar:
        work = FileDownloads(_as_quiet(way, options), carry_out, state, bar.add, slots)
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
        _tell(ordered, state.deadline.elapsed())
    complain(ordered, on_error=options.on_error)


def _check_sendable(way: Way | OpenUrl, executor: Executor | None) -> None:
    """Raise if what opens addresses cannot be sent to other processes; warn of what stays behind."""
    if isinstance(executor, ThreadPoolExecutor | None):
        return
    if not isinstance(way, SessionRecipe):
        raise TypeError("Only a SessionRecipe can be passed to another process.")
    left = way.stays_behind()
    if left:
        warn_user(
            f"The processes of the executor do not use these settings of the client's session: {', '.join(left)}.",
            InputWarning,
        )


class DownloadBar:
    """Files and bytes of a download on one bar, told from several threads."""

    def __init__(self, files: int, size: int | None, *, shown: bool) -> None:
        self._files = files
        self._done = 0
        self._lock = threading.Lock()
        self._bar = progress_bar(size, "Downloading", "B", shown=shown)

    def close(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._bar.close()

    def add(self, size: int) -> None:
        """Count bytes; a negative number takes back those that are to come again."""
        with self._lock:
            self._bar.update(size)

    def finish(self) -> None:
        """Count a file that has ended, well or not."""
        with self._lock:
            self._done += 1
            # Shown with the bytes, at the pace of the bar: a notebook keeps every drawing.
            self._bar.set_postfix_str(f"{self._done}/{self._files} files", refresh=False)


def _bar_of(planned: Sequence[PlannedFile], options: RunOptions) -> DownloadBar:
    """The bar of a download, which is shown if something is to be fetched."""
    fetched = any(file.action in ASKED for file in planned)
    return DownloadBar(len(planned), total_bytes(planned) or None, shown=options.verbose and fetched)


def _as_quiet(way: Way | OpenUrl, options: RunOptions) -> Way | OpenUrl:
    """The same way to the archive, which says as little as the call is to say."""
    return replace(way, quiet=not options.verbose) if isinstance(way, SessionRecipe) else way


# -- all files -----------------------------------------------------------------------------------------------------


def _all_results(
    planned: Sequence[PlannedFile],
    work: FileDownloads,
    options: RunOptions,
    workers: int,
    servers: DownServers[str],
) -> Generator[tuple[int, JobResult]]:
    """Do what is planned; every file has a result, and its place in the plan, in the order in which they end."""
    # What needs no network needs no worker, either, and is there even when the time is over.
    asked = [place for place, file in enumerate(planned) if file.action in ASKED]
    others = [place for place, file in enumerate(planned) if file.action not in ASKED]
    first = (
        (Job(number, planned[place]), JobResult(replace(work(planned[place]).result, elapsed=None)))
        for number, place in enumerate(others, len(asked))
    )

    def note(_job: object, outcome: JobResult | JobFailure) -> None:
        """Learn which servers are down before the next file is begun."""
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
    """Return the work as an executor gets it."""
    if executor is None:
        return work
    from ..service.executors import PortableWork  # noqa: PLC0415, because only few need it

    return PortableWork(work, {"progress": silent, "slots": None, "shared": False})


def _failed(file: PlannedFile, failure: JobFailure, work: FileDownloads) -> JobResult:
    """The result for a file of which no worker tells."""
    error = failure.error
    message = f"Worker failed: {type(error).__name__}: {error}"
    if isinstance(error, UnfinishedError):
        message = f"Timed out after {work.state.deadline.seconds:g} s, before this file was complete."
    return JobResult(TransferResult(file.index, Status.ERROR, file.local_path, message, file.data_url, uri=file.uri))


def _tell(results: Sequence[TransferResult], elapsed: float) -> None:
    """Log one line on a whole download, unless all of it failed."""
    if all(result.status is Status.ERROR for result in results):
        return
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
        f"{len(failed)} of {len(results)} files could not be downloaded. See column 'Message' of the "
        f"manifest. First error: {failed[0].message}"
    )
    if on_error == "raise":
        raise DownloadError(message, as_manifest(results) if manifest is None else manifest)
    log.warning("%s", message)
