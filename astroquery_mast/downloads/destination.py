"""Where files go: a folder on this disk, or an address in a store, whose module is imported only then.

In: the folder that a user names.  Out: places that are used like paths, a view of what lies there for the plan, and the
targets of transfers.

Names of files are not unique in MAST.  In ``<collection>/<obs_id>/`` they nearly always are; in a folder for all files
(``flat=True``, or a path template) the next call may bring another file of the same name, and neither its size nor its
name would tell.  A register in such a folder does: `REGISTER` holds a line of JSON for each file, and the last line of
a name counts.  Without it, or where a line of it cannot be read, files are known by their names and sizes.  Lines are
appended in one piece, so that several processes may write.
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
# How often a lock that another process holds is looked at (seconds).
_LOOK_AGAIN = 0.05
# A disk that knows no locks; an NFS server without its lock service is the common one.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
# A marker in the place of a lock that was not renewed for so long (seconds) is taken over: its process is gone, perhaps
# on another computer.
_LEASE = 60.0
# After so many seconds of waiting for another process it is said what for, and after so many without a byte from it the
# waiting ends.
_SAID_AFTER, _IDLE = 5.0, 300.0


# -- what a user names -----------------------------------------------------------------------------------------------


def destination(where: str | os.PathLike[str] | None) -> Path:
    """Return the folder that a user names."""
    place = recorded_place(where)
    try:
        return place if is_remote(place) else place.expanduser()
    except RuntimeError as err:
        raise InvalidQueryError(f"{where}: no such home directory.") from err


def recorded_place(where: str | os.PathLike[str] | None) -> Path:
    """Return a place that was written down earlier; as `destination`, but ``~`` is a name like others."""
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
    """Tell whether a place is in a store, and not on a disk."""
    return not isinstance(place, Path)


def local_target(local_path: str | os.PathLike[str] | None, filename: str) -> Path:
    """Tell where a single file goes."""
    name = safe_name(filename, "product")
    path = destination(local_path)
    files = file_system_at(path)
    separated = local_path is not None and str(local_path).endswith(("/", os.sep))
    is_folder = separated or local_path is None
    with suppress(OSError):  # a place that may not be looked at; writing there will tell
        is_folder = is_folder or files.is_dir(path)
    if is_folder:
        return path / name
    return path if path.suffix or files.size(path) is not None else path / name


# -- what lies there -------------------------------------------------------------------------------------------------


class _LocalDisk:
    """The disk as it is now."""

    def size(self, path: Path) -> int | None:
        """Size of a file in bytes; None where there is none, or where it cannot be seen."""
        try:
            return path.stat().st_size
        except OSError:
            return None

    def is_dir(self, path: Path) -> bool:
        """Whether it is a folder."""
        return path.is_dir()

    def resolve(self, path: Path) -> Path:
        """The absolute path, symbolic links followed."""
        return path.resolve()

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """Whether all links from a folder down to another one below it are the user's own, or root's."""
        return all(map(_is_trusted, _links_below(folder, base)))

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """The URIs of files that are registered in a folder, by their names."""
        return recorded_names(folder)

    def md5(self, path: Path) -> str | None:
        """MD5 digest of a file; None where it cannot be read."""
        try:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "md5").hexdigest()
        except OSError:
            return None


def _links_below(folder: Path, base: Path) -> Iterator[Path]:
    """The links below a folder on the way to another one."""
    for each in (folder, *folder.parents):
        if each.resolve() == base:
            return
        if each.is_symlink():
            yield each


def _is_trusted(link: Path) -> bool:
    """Whether a link leads somewhere, and is the user's own, or root's; some systems have no owners."""
    user = getattr(os, "geteuid", None)
    return link.exists() and (user is None or link.lstat().st_uid in {user(), 0})


LOCAL_FILES: FileSystem = _LocalDisk()


class LinkCheck:
    """Raises if another user's link leads from a folder out of the download folder, as of now.

    Links are followed once: until another folder is in its place, there is nothing new to be found.
    """

    def __init__(self, folder: Path, download_dir: Path) -> None:
        self._folder, self._download_dir = folder, download_dir
        self._known: tuple[int, int] | None = None

    def __call__(self) -> None:
        """Look at the folder."""
        here = self._identity()
        if here is not None and here == self._known:
            return
        trouble = inspect_folder(self._folder, LOCAL_FILES.resolve(self._download_dir), LOCAL_FILES).trouble
        if trouble is not None:
            raise OSError(trouble)
        # Another one may have been put in its place meanwhile.
        self._known = here if here == self._identity() else None

    def _identity(self) -> tuple[int, int] | None:
        """What tells a folder from all others; None if there is none."""
        try:
            found = self._folder.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def file_system_at(place: Path) -> FileSystem:
    """Return the view of what lies where files are to go."""
    if not is_remote(place):
        return LOCAL_FILES
    from .store import StoreFileSystem  # noqa: PLC0415 - only for stores

    return StoreFileSystem()


def free_space(folder: Path) -> int | None:
    """Return how many bytes a disk has left for a folder that need not exist yet; None where that cannot be told."""
    if is_remote(folder):
        return None
    try:
        there = next((each for each in (folder.absolute(), *folder.absolute().parents) if each.exists()), None)
        return None if there is None else shutil.disk_usage(there).free
    except OSError:
        return None


def warn_of_little_space(folder: Path, needed: int) -> None:
    """Warn if a disk has not enough space for what will come; where that cannot be told, nothing is said."""
    free = free_space(folder) if needed else None
    if free is not None and needed > free:
        log.warning("The download needs %.1f MB, but %s has only %.1f MB left.", needed / 1e6, folder, free / 1e6)


def recorded_names(folder: Path) -> dict[str, str]:
    """Return the URIs that are registered in a folder, by the names of their files."""
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
    """Register a file that has come."""
    # A line that somebody else was killed in does not spoil this one.
    line = b"\n" + json.dumps({"name": path.name, "uri": uri}).encode() + b"\n"
    # The file is there and whole in any case.
    with suppress(OSError):
        handle = open_regular(path.with_name(REGISTER), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


# -- one file of a transfer ------------------------------------------------------------------------------------------


class Sink(Protocol):
    """What takes the bytes of one file; as a context manager it leaves nothing that is of no use."""

    @property
    def size(self) -> int:
        """How many bytes have come."""

    @property
    def resume_point(self) -> ResumePoint | None:
        """What the rest can be requested by; None if it cannot."""

    @property
    def resumable(self) -> bool:
        """Whether a later try can go on from the bytes that have come."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def take_up(self, url: str, check: Callable[[], None]) -> None:
        """Go on from what an earlier call left of the file at an address."""

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Begin with the first byte; digests are wanted of these algorithms, and SHA-256."""

    def write(self, piece: bytes) -> None:
        """Append bytes."""

    def reject(self) -> None:
        """Declare the bytes wrong, so that none of them is used again."""

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all the bytes."""

    def start(self, number: int) -> bytes:
        """Return the first bytes, so many at most."""

    def is_truncated(self) -> bool:
        """Tell whether the bytes begin as FITS and end before the last header says."""

    def finish(self, modified: float | None) -> None:
        """Put the whole file into its place, with the time when it was changed at the archive."""

    def discard(self) -> None:
        """Remove the bytes."""


class Target(Protocol):
    """The place of one file."""

    def present(self) -> FileState | None:
        """Return what is there."""

    def claimed(self, stopped: Callable[[], bool]) -> AbstractContextManager[Sink]:
        """Give what takes the bytes, and keep others away as far as the place allows."""

    def made_meanwhile(self, before: FileState | None) -> bool:
        """Tell whether somebody else has brought the file since `present` was asked."""

    def other_file(self) -> str | None:
        """Return the URI of the file there, if it is another one of the same name."""

    def register(self) -> None:
        """Take down whose file this is, where names alone do not tell."""


def target_of(planned: PlannedFile) -> Target:
    """Return where one file goes."""
    if not is_remote(planned.local_path):
        return DiskTarget(planned)
    from .store import StoreTarget  # noqa: PLC0415 - only for stores

    return StoreTarget(planned)


class DiskTarget:
    """The place of one file on a disk, which one process at a time fills."""

    def __init__(self, planned: PlannedFile) -> None:
        self._planned = planned
        self._path = planned.local_path
        self._check_place: Callable[[], None] = lambda: None
        if planned.download_dir is not None:
            self._check_place = LinkCheck(self._path.parent, planned.download_dir)

    def present(self) -> FileState | None:
        """Return what tells the file there from another one that takes its place."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "a folder with this name exists", str(self._path))
        return FileState(found.st_size, found.st_mtime_ns, found.st_ino)

    @contextmanager
    def claimed(self, stopped: Callable[[], bool]) -> Iterator[PartFile]:
        """Keep other processes away from the file."""
        self._check_place()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self._path, stopped):
            yield PartFile(self._path, self._check_place)

    def made_meanwhile(self, before: FileState | None) -> bool:
        """Tell whether another process has brought the file since this one looked."""
        now = self.present()
        # The plan says "on disk" of a file that is to be replaced; what was not there then, somebody has made whole.
        return now is not None and (now != before or self._planned.reason.startswith("not on disk"))

    def other_file(self) -> str | None:
        """Return the URI of the file there, if it is another one of the same name."""
        if not self._planned.note or self._planned.uri is None:
            return None
        held = recorded_names(self._path.parent).get(case_folded(self._path.name))
        return None if held is None or is_same_file(held, self._planned.uri) else held

    def register(self) -> None:
        """Take down whose file this is, where names alone do not tell."""
        if self._planned.note and self._planned.uri:
            record_name(self._path, self._planned.uri)


def lock_path(target: Path) -> Path:
    """Tell where the lock for the two lies."""
    return target.with_name(f"{target.name}{PART}.lock")


@contextmanager
def exclusive_lock(target: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Wait until nobody else is at work on a file, and keep others away until the end."""
    lock = _acquired(target, stopped)
    try:
        yield
    finally:
        # By the holder, while it is held: who has the file open already finds that it has no name any more, and begins
        # anew.  A soft lock is its file, and Windows removes no open one; there filelock cleans up itself.
        if not isinstance(lock, filelock.SoftFileLease | filelock.SoftFileLock):
            with suppress(OSError):
                lock_path(target).unlink()
        lock.release()


def _acquired(target: Path, stopped: Callable[[], bool]) -> filelock.BaseFileLock:
    """A lock that is held; where the disk knows none, a marker that its holder renews, and that ends with it."""
    path = lock_path(target)
    lock: filelock.BaseFileLock = filelock.FileLock(path, fallback_to_soft=False)
    try:
        lock.acquire(poll_interval=_LOOK_AGAIN, cancel_check=_Waiting(target, path, stopped, check_locks=True))
    except (_LockedError, filelock.Timeout):
        raise
    except OSError as err:
        # To a marker the existence of what the system should have locked would mean "held".
        path.unlink(missing_ok=True)
        if err.errno not in _NO_LOCKS:
            raise OSError(err.errno, f"cannot lock {path.name}: {err.strerror or err}") from err
        path = path.with_suffix(".soft")
        lock = filelock.SoftFileLease(path, lease_duration=_LEASE)
        try:
            lock.acquire(poll_interval=_LOOK_AGAIN, cancel_check=_Waiting(target, path, stopped))
        except RuntimeError as error:  # a marker is renewed by a thread
            raise OSError(f"cannot save {path.name}: {error}") from error
    return lock


class _Waiting:
    """Looks at a file that somebody else is at work on: says what is waited for, and ends if nothing happens."""

    def __init__(self, target: Path, lock: Path, stopped: Callable[[], bool], *, check_locks: bool = False) -> None:
        self._target, self._lock = target, lock
        self._stopped = stopped
        self._check_locks = check_locks
        self._since = self._last_change = time.monotonic()
        self._written = LOCAL_FILES.size(part_path(target))
        self._said = False

    def __call__(self) -> bool:
        """Tell whether to stop waiting; called between two tries."""
        if self._check_locks:
            self._check_locks = False
            _refuse_if_nothing_locks(self._lock)
        now, written = time.monotonic(), LOCAL_FILES.size(part_path(self._target))
        if written != self._written:
            self._written, self._last_change = written, now
        if now - self._last_change > _IDLE:
            raise _LockedError(
                f"another process holds the lock {self._lock}{self._holder()} and has written nothing for "
                f"{_IDLE:.0f} s. If that process is no longer running, delete the lock file"
            )
        if not self._said and now - self._since > _SAID_AFTER:
            self._said = True
            log.info(
                "Waiting for another process that is downloading this file (it holds the lock %s%s).",
                self._lock,
                self._holder(),
            )
        return self._stopped()

    def _holder(self) -> str:
        """Who holds a marker, which says so: process and computer."""
        try:
            fields = dict(re.findall(r"^(pid|host)=(.*)$", read_regular(self._lock).decode("utf-8", "replace"), re.M))
        except OSError:
            return ""
        return f" (process {fields['pid']} on {fields['host']})" if len(fields) > 1 else ""


class _LockedError(OSError):
    """A file that another process keeps locked and does nothing with."""


def _refuse_if_nothing_locks(path: Path) -> None:
    """Raise as a disk without locks does, if it says "held" of a file that is new: some have only that word."""
    probe = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with filelock.FileLock(probe, fallback_to_soft=False).acquire(blocking=False):
            return
    except filelock.Timeout:
        raise OSError(errno.ENOLCK, "this file system does not support file locks") from None
    finally:
        probe.unlink(missing_ok=True)
