"""Destinations of downloads: folders on disk, or locations in an object store (whose module is imported on demand).

In: the folder given by the user.  Out: path-like objects, a view of the existing files for the plan, and the targets of
transfers.

File names are not unique in MAST.  Within ``<collection>/<obs_id>/`` they nearly always are.  In a single folder for
all files (``flat=True``, or a path template), a later call may download another file with the same name, which neither
name nor size would reveal.  Such folders have a register: `REGISTER` has a line of JSON for each file, and the last
line for a name is valid.  Without it, or if a line cannot be read, files are identified by name and size.  Each line is
appended in one write, so that several processes can write.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

import filelock
from astroquery import log

from ..exceptions import InvalidQueryError
from ..products.file_names import PART, REGISTER, case_folded, is_same_file, safe_name
from ..products.plan import FileSystem, PlannedFile, inspect_folder
from .part_file import FileState, PartFile, ResumePoint, open_regular, part_path, read_regular

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")
# How often to check a lock that another process holds (seconds).
_POLL_INTERVAL = 0.05
# Raised by file systems without locks, most often NFS without its lock service.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
# A soft lock that was not renewed for this time (seconds) is taken over: its process, perhaps on another computer, has
# ended.
_LEASE = 60.0
# Seconds of waiting for another process until this is logged, and seconds without a byte from it until waiting ends.
_LOG_AFTER, _IDLE = 5.0, 300.0


# -- locations -------------------------------------------------------------------------------------------------------


def destination(where: str | os.PathLike[str] | None) -> Path:
    """Return the folder for a ``download_dir`` or ``local_path``; ``~`` is expanded."""
    place = recorded_place(where)
    try:
        return place if is_remote(place) else place.expanduser()
    except RuntimeError as err:
        raise InvalidQueryError(f"{where}: no such home directory.") from err


def recorded_place(where: str | os.PathLike[str] | None) -> Path:
    """Return the location for a recorded path; like `destination`, but ``~`` is not expanded."""
    if where is None:
        return Path()
    if isinstance(where, str | os.PathLike) and not hasattr(where, "fs"):
        if "\0" in os.fspath(where):
            raise InvalidQueryError(f"{where!r} is not a valid folder name: it contains a NUL character.")
        if not _ADDRESS.match(os.fspath(where)):
            return Path(where)
    from .store import place_in_store  # noqa: PLC0415 - only for stores

    return place_in_store(where)


def is_remote(place: Path) -> bool:
    """Return whether a location is in an object store rather than on disk."""
    return not isinstance(place, Path)


def local_target(local_path: str | os.PathLike[str] | None, filename: str) -> Path:
    """Return the path of a single file to download."""
    name = safe_name(filename, "product")
    path = destination(local_path)
    files = file_system_at(path)
    separated = local_path is not None and str(local_path).endswith(("/", os.sep))
    is_folder = separated or local_path is None
    with suppress(OSError):  # no permission to look; writing will raise the error
        is_folder = is_folder or files.is_dir(path)
    if is_folder:
        return path / name
    return path if path.suffix or files.size(path) is not None else path / name


# -- existing files --------------------------------------------------------------------------------------------------


class _LocalDisk:
    """The local disk."""

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes; None if it does not exist or is not accessible."""
        try:
            return path.stat().st_size
        except OSError:
            return None

    def is_dir(self, path: Path) -> bool:
        """Return whether a path is a folder."""
        return path.is_dir()

    def resolve(self, path: Path) -> Path:
        """Return the absolute path with symbolic links resolved."""
        return path.resolve()

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """Return whether all links between ``base`` and a folder below it belong to the user or to root."""
        return all(map(_is_trusted, _links_below(folder, base)))

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """Return the registered URIs of the files in a folder, by name."""
        return recorded_names(folder)

    def md5(self, path: Path) -> str | None:
        """Return the MD5 digest of a file; None if it cannot be read."""
        try:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "md5").hexdigest()
        except OSError:
            return None


def _links_below(folder: Path, base: Path) -> Iterator[Path]:
    """Yield the links between ``base`` and a folder below it."""
    for each in (folder, *folder.parents):
        if each.resolve() == base:
            return
        if each.is_symlink():
            yield each


def _is_trusted(link: Path) -> bool:
    """Return whether a link has a target and belongs to the user or to root; some systems have no owners."""
    user = getattr(os, "geteuid", None)
    return link.exists() and (user is None or link.lstat().st_uid in {user(), 0})


LOCAL_FILES: FileSystem = _LocalDisk()


class LinkCheck:
    """Raises if a link of another user leads from a folder out of the download folder.

    Links are followed once, and again only after the folder has been replaced by another one.
    """

    def __init__(self, folder: Path, download_dir: Path) -> None:
        self._folder, self._download_dir = folder, download_dir
        self._known: tuple[int, int] | None = None

    def __call__(self) -> None:
        """Check the folder."""
        here = self._identity()
        if here is not None and here == self._known:
            return
        trouble = inspect_folder(self._folder, LOCAL_FILES.resolve(self._download_dir), LOCAL_FILES).trouble
        if trouble is not None:
            raise OSError(trouble)
        # It may have been replaced meanwhile.
        self._known = here if here == self._identity() else None

    def _identity(self) -> tuple[int, int] | None:
        """Return the device and inode of the folder; None if it does not exist."""
        try:
            found = self._folder.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def file_system_at(place: Path) -> FileSystem:
    """Return the view of the existing files at a location."""
    if not is_remote(place):
        return LOCAL_FILES
    from .store import StoreFileSystem  # noqa: PLC0415 - only for stores

    return StoreFileSystem()


def free_space(folder: Path) -> int | None:
    """Return the free space for a folder, which need not exist yet, in bytes; None if it is not known."""
    if is_remote(folder):
        return None
    try:
        there = next((each for each in (folder.absolute(), *folder.absolute().parents) if each.exists()), None)
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None


def warn_of_little_space(folder: Path, needed: int) -> None:
    """Warn if the disk has less free space than a download needs; do nothing if the free space is not known."""
    free = free_space(folder) if needed else None
    if free is not None and needed > free:
        log.warning("The download needs %.1f MB, but %s has only %.1f MB left.", needed / 1e6, folder, free / 1e6)


def recorded_names(folder: Path) -> dict[str, str]:
    """Return the URIs registered in a folder, by file name."""
    found: dict[str, str] = {}
    try:
        lines = read_regular(folder / REGISTER).splitlines()
    except (OSError, ValueError):
        return found
    for line in lines:
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            entry = json.loads(line)
            found[case_folded(str(entry["name"]))] = str(entry["uri"])
    return found


def record_name(path: Path, uri: str) -> None:
    """Register the URI of a downloaded file."""
    # The newline before it ends a line that another process did not complete.
    line = b"\n" + json.dumps({"name": path.name, "uri": uri}).encode() + b"\n"
    # The download itself was successful.
    with suppress(OSError):
        handle = open_regular(path.with_name(REGISTER), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


# -- targets of transfers --------------------------------------------------------------------------------------------


class Sink(Protocol):
    """The receiver of the bytes of one file; as a context manager, it removes bytes that cannot be used later."""

    @property
    def size(self) -> int:
        """The number of bytes received."""

    @property
    def resume_point(self) -> ResumePoint | None:
        """The data for requesting the rest; None if it cannot be requested."""

    @property
    def resumable(self) -> bool:
        """Whether a later attempt can resume from the received bytes."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def resume_from(self, url: str, check: Callable[[], None]) -> None:
        """Resume from the bytes that an earlier call received from an address."""

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Start from the first byte; ``algorithms`` are those of the digests needed in addition to SHA-256."""

    def write(self, piece: bytes) -> None:
        """Append bytes."""

    def reject(self) -> None:
        """Mark the bytes as wrong, so that none of them is used again."""

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all bytes."""

    def start(self, number: int) -> bytes:
        """Return at most this number of bytes from the start."""

    def is_truncated(self) -> bool:
        """Return whether the bytes start as a FITS file and end before the position given by the last header."""

    def finish(self, modified: float | None) -> None:
        """Save the complete file under its final name, with its modification time at MAST."""

    def discard(self) -> None:
        """Remove the bytes."""


class Target(Protocol):
    """The destination of one file."""

    def present(self) -> FileState | None:
        """Return the state of the existing file; None if there is no file."""

    def claimed(self, stopped: Callable[[], bool]) -> AbstractContextManager[Sink]:
        """Return the receiver of the bytes as a context manager, with a lock on the file where locks are supported."""

    def created_meanwhile(self, before: FileState | None) -> bool:
        """Return whether another process has downloaded the file since `present` was called."""

    def other_file(self) -> str | None:
        """Return the URI of the file there, if it is another one of the same name."""

    def register(self) -> None:
        """Register the URI of the file in folders with a register."""


def target_of(planned: PlannedFile) -> Target:
    """Return the target for a planned file."""
    if not is_remote(planned.local_path):
        return DiskTarget(planned)
    from .store import StoreTarget  # noqa: PLC0415 - only for stores

    return StoreTarget(planned)


class DiskTarget:
    """The destination of one file on disk, which only one process writes at a time."""

    def __init__(self, planned: PlannedFile) -> None:
        self._planned = planned
        self._path = planned.local_path
        self._check_place: Callable[[], None] = lambda: None
        if planned.download_dir is not None:
            self._check_place = LinkCheck(self._path.parent, planned.download_dir)

    def present(self) -> FileState | None:
        """Return the state of the existing file; None if there is no file."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "a folder with this name exists", str(self._path))
        return FileState(found.st_size, found.st_mtime_ns, found.st_ino)

    @contextmanager
    def claimed(self, stopped: Callable[[], bool]) -> Iterator[PartFile]:
        """Lock the file and return the receiver of its bytes."""
        self._check_place()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self._path, stopped):
            yield PartFile(self._path, self._check_place)

    def created_meanwhile(self, before: FileState | None) -> bool:
        """Return whether another process has downloaded the file since ``before`` was determined."""
        now = self.present()
        # A file to be replaced is planned as "on disk".  One that did not exist then is complete.
        return now is not None and (now != before or self._planned.reason.startswith("not on disk"))

    def other_file(self) -> str | None:
        """Return the URI of the file there, if it is another one of the same name."""
        if not self._planned.note or self._planned.uri is None:
            return None
        held = recorded_names(self._path.parent).get(case_folded(self._path.name))
        return None if held is None or is_same_file(held, self._planned.uri) else held

    def register(self) -> None:
        """Register the URI of the file in folders with a register."""
        if self._planned.note and self._planned.uri:
            record_name(self._path, self._planned.uri)


def lock_path(target: Path) -> Path:
    """Return the path of the lock of a file and its part."""
    return target.with_name(f"{target.name}{PART}.lock")


@contextmanager
def exclusive_lock(target: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Wait until no other process is working on a file, and lock it."""
    lock = _acquired(target, stopped)
    try:
        yield
    finally:
        # Remove the lock file while the lock is held: a process that has it open notices that the name is gone and
        # starts over.  A soft lock is the file itself, and Windows cannot remove open files; filelock cleans up there.
        if not isinstance(lock, filelock.SoftFileLease | filelock.SoftFileLock):
            with suppress(OSError):
                lock_path(target).unlink()
        lock.release()


def _acquired(target: Path, stopped: Callable[[], bool]) -> filelock.BaseFileLock:
    """Acquire a lock; on file systems without locks, a soft lock that its holder renews and that expires otherwise."""
    path = lock_path(target)
    lock: filelock.BaseFileLock = filelock.FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(poll_interval=_POLL_INTERVAL, cancel_check=_Waiting(target, path, stopped, check_locks=True))
    except (_LockedError, filelock.Timeout):
        raise
    except OSError as err:
        # A soft lock would take an existing file for a lock that is held.
        path.unlink(missing_ok=True)
        if err.errno not in _NO_LOCKS:
            raise OSError(err.errno, f"cannot lock {path.name}: {err.strerror or err}") from err
        path = path.with_suffix(".soft")
        lock = filelock.SoftFileLease(path, lease_duration=_LEASE)
        try:
            lock.acquire(poll_interval=_POLL_INTERVAL, cancel_check=_Waiting(target, path, stopped))
        except RuntimeError as error:  # no thread could be started to renew the soft lock
            raise OSError(f"cannot save {path.name}: {error}") from error
    return lock


class _Waiting:
    """Checks on another process that is downloading the file: logs the wait, and ends it if there is no progress."""

    def __init__(self, target: Path, lock: Path, stopped: Callable[[], bool], *, check_locks: bool = False) -> None:
        self._target, self._lock = target, lock
        self._stopped = stopped
        self._check_locks = check_locks
        self._since = self._last_change = time.monotonic()
        self._written = LOCAL_FILES.size(part_path(target))
        self._logged = False

    def __call__(self) -> bool:
        """Return whether to stop waiting; called between attempts."""
        if self._check_locks:
            self._check_locks = False
            _check_lock_support(self._lock)
        now, written = time.monotonic(), LOCAL_FILES.size(part_path(self._target))
        if written != self._written:
            self._written, self._last_change = written, now
        if now - self._last_change > _IDLE:
            raise _LockedError(
                f"another process holds the lock {self._lock}{self._holder()} and has written nothing for "
                f"{_IDLE:.0f} s. If that process is no longer running, delete the lock file"
            )
        if not self._logged and now - self._since > _LOG_AFTER:
            self._logged = True
            log.info(
                "Waiting for another process that is downloading this file (it holds the lock %s%s).",
                self._lock,
                self._holder(),
            )
        return self._stopped()

    def _holder(self) -> str:
        """Return the process and computer that hold a soft lock, for messages."""
        try:
            fields = dict(re.findall(r"^(pid|host)=(.*)$", read_regular(self._lock).decode("utf-8", "replace"), re.M))
        except OSError:
            return ""
        return f" (process {fields['pid']} on {fields['host']})" if len(fields) > 1 else ""


class _LockedError(OSError):
    """A file that another process keeps locked without making progress."""


def _check_lock_support(path: Path) -> None:
    """Raise ENOLCK if the lock of a new file is "held": some file systems report missing support in this way."""
    probe = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with filelock.FileLock(probe, fallback_to_soft=False).acquire(blocking=False):
            return
    except filelock.Timeout:
        raise OSError(errno.ENOLCK, "this file system does not support file locks") from None
    finally:
        probe.unlink(missing_ok=True)
