"""A file that is being downloaded to disk: the bytes received so far, and their record.

In: the path of the final file, and pieces of it.  Out: the complete file under its name, or a part from which a later
call resumes.

During the download of ``x.fits``, these files are in its folder:

``x.fits.mast.part``
    The bytes from the first one, without gaps.
``x.fits.mast.part.json``
    A line with the address, the validator and the total length; then, at intervals, a line with the number of bytes
    and their SHA-256.  After a power failure, the part may be longer than what was written to disk: only bytes that
    still match the digest in such a line are used again.
``x.fits.mast.part.lock``
    Held by the only process that may change the other two; see "destination".

SHA-256 runs at 0.3 to 2 GB/s, which is the speed of a fast network.  Sequentially, receiving and hashing would take the
sum of both times; in parallel, they take the longer of the two, because `hashlib` releases the GIL.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from ..products.file_names import PART
from ..service import retrying
from ..service.parallel import Threads
from .checks import announced_length, content_range, is_truncated, strong_validator

if TYPE_CHECKING:
    from hashlib import _Hash as Hash


# Raised where fsync is not supported: network folders, shared folders of virtual machines.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# Temporary errors: another program has the file open, or too many files are open.
_TEMPORARY = {errno.EACCES, errno.EPERM, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.EMFILE}
_RENAME_PAUSES = (0.05, 0.1, 0.2, 0.4)
_PIECE = 1 << 20
# Bytes per line of the record: this much is downloaded again after kill -9, and 100 GB make a record of 10 MB.  Most
# HST products have a few megabytes; for smaller files, which are the most common, a record is written only if needed.
_CHECKPOINT_EVERY = 1 << 20
# The largest record that is read, in bytes; enough for a file of 2 TB.
_RECORD_SIZE = 1 << 28
# Up to this size (bytes), a thread would take more time than it saves.
_HASHED_DIRECTLY = 8 << 20
# Bytes passed to the thread at once, to keep the overhead small.
_HASH_BATCH = 1 << 20
# Batches that may wait for the thread: if hashing is slower than the network, the network waits.
_BATCHES_WAITING = 8


def part_path(target: Path) -> Path:
    """Return the path of the bytes of an incomplete file."""
    return target.with_name(f"{target.name}{PART}")


def record_path(target: Path) -> Path:
    """Return the path of the record of those bytes."""
    return target.with_name(f"{target.name}{PART}.json")


@dataclass(frozen=True)
class FileState:
    """The size of a file and, on disk, its modification time and inode, which identify it."""

    size: int
    modified_ns: int | None = None
    inode: int | None = None


@dataclass(frozen=True)
class ResumePoint:
    """The address, validator and total length of a part, with which the rest can be requested."""

    url: str
    validator: str
    total: int

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str]) -> ResumePoint | None:
        """Return the resume point for the file in a response; None if it has no validator or no length."""
        validator, total = strong_validator(headers), announced_length(headers)
        return None if validator is None or total is None else cls(url, validator, total)

    def is_continued_by(self, headers: Mapping[str, str], size: int) -> bool:
        """Return whether a response has exactly the bytes missing after ``size`` bytes, of the same file."""
        same = strong_validator(headers) in {None, self.validator}
        return same and content_range(headers) == (size, self.total - 1, self.total)


@dataclass(frozen=True)
class HashCheckpoint:
    """A number of bytes that are known to be correct, and their digest."""

    size: int
    sha256: str


class BackgroundHash:
    """The SHA-256 of bytes that are still arriving."""

    def __init__(self, begun: Hash | None = None, size: int = 0) -> None:
        self._hash = hashlib.sha256() if begun is None else begun
        self._size = size
        self._batch: list[bytes] = []
        self._waiting = 0
        self._pool: Threads | None = None
        self._under_way: deque[Future[None]] = deque()
        self._marks: deque[HashCheckpoint] = deque()

    def update(self, piece: bytes) -> None:
        """Hash the next bytes."""
        self._size += len(piece)
        if self._size <= _HASHED_DIRECTLY:
            self._hash.update(piece)
            return
        self._batch.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _HASH_BATCH:
            self._hand_over(mark=False)

    def mark(self) -> None:
        """Request the digest of the bytes so far; `marks` returns it once it is known."""
        if self._pool is None and not self._batch:
            self._marks.append(HashCheckpoint(self._size, self._hash.hexdigest()))
        else:
            self._hand_over(mark=True)

    def marks(self) -> list[HashCheckpoint]:
        """Return the marks that have become known since the last call, in order."""
        return [self._marks.popleft() for _ in range(len(self._marks))]

    def digest(self) -> bytes:
        """Return the digest of all bytes after the thread has finished."""
        self.settle()
        return self._hash.digest()

    def settle(self) -> None:
        """Wait until all bytes are hashed, and end the thread."""
        if self._batch:
            self._hand_over(mark=False)
        while self._under_way:
            self._under_way.popleft().result()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _hand_over(self, *, mark: bool) -> None:
        """Pass the collected pieces to the thread."""
        if self._pool is None:
            self._pool = Threads(1, thread_name_prefix="astroquery_mast-sha256")
        if len(self._under_way) >= _BATCHES_WAITING:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._work, self._batch, self._size if mark else None))
        self._batch, self._waiting = [], 0

    def _work(self, batch: list[bytes], size: int | None) -> None:
        """Hash a batch; runs on the thread, one batch after the other."""
        for piece in batch:
            self._hash.update(piece)
        if size is not None:
            self._marks.append(HashCheckpoint(size, self._hash.hexdigest()))


class PartFile:
    """The bytes of a file received so far; a `~astroquery_mast.downloads.destination.Sink` that can be resumed.

    Must be used only by the holder of the lock.  As a context manager, it keeps the bytes at the end if a later call
    can resume from them, and removes them otherwise.
    """

    def __init__(self, target: Path, check_place: Callable[[], None] = lambda: None) -> None:
        self.size = 0
        self.resume_point: ResumePoint | None = None
        self._target = target
        # Raises if the folder is not (or no longer) inside the download folder; called around each open and rename.
        self._check_place = check_place
        self._path, self._record_path = part_path(target), record_path(target)
        self._digest = BackgroundHash()
        self._stream: BufferedRandom | None = None
        self._record: BinaryIO | None = None
        # The number of bytes in the last line of the record, and at the last mark.
        self._marked = self._announced = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._stream is None:
            return
        if not self.resumable:
            self.discard()
            return
        self._digest.mark()
        self._digest.settle()
        try:
            self._write_marks()
        except OSError:
            # The disk is full: the bytes of the last line can still be used; without a line, none can.
            self.size = self._marked
            if not self._marked:
                self.discard()
        self._close()

    @property
    def resumable(self) -> bool:
        """Whether the rest can be requested."""
        return self.resume_point is not None and self.size > 0

    def resume_from(self, url: str, check: Callable[[], None]) -> None:
        """Resume from the bytes of an earlier call, if they are from the same address and match their record."""
        if self._stream is not None:
            return
        try:
            point, marks, end = _read_record(self._record_path)
            if point.url != url:
                return
            with ExitStack() as opened:
                stream = opened.enter_context(os.fdopen(open_regular(self._path, os.O_RDWR), "r+b"))
                digest, size = _prefix(stream, marks, point.total, check)
                record = opened.enter_context(os.fdopen(open_regular(self._record_path, os.O_RDWR), "r+b"))
                self._check_place()
                stream.truncate(size)
                record.truncate(end)
                record.seek(end)
                opened.pop_all()
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            # Not our files, or damaged ones: begin() replaces them.
            return
        self._stream, self._record, self._digest = stream, record, BackgroundHash(digest, size)
        self.resume_point, self.size, self._marked, self._announced = point, size, size, size

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Start with an empty part; digests with any algorithm are available."""
        del algorithms
        self._check_place()
        self.discard()
        # The name is free now, and mode "x" never follows a link that another user may have created meanwhile.
        self._stream = self._path.open("x+b")
        self._check_place()
        self.resume_point = point

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        assert self._stream is not None
        self._stream.write(piece)
        self._digest.update(piece)
        self.size += len(piece)
        if self.resume_point is not None and self.size - self._announced >= _CHECKPOINT_EVERY:
            self._digest.mark()
            self._announced = self.size
            self._write_marks()

    def reject(self) -> None:
        """Mark the bytes as wrong, so that none of them is used again."""
        self.resume_point = None

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all bytes, including those of earlier calls."""
        if algorithm == "sha256":
            return self._digest.digest()
        assert self._stream is not None
        self._stream.flush()
        self._stream.seek(0)
        found = hashlib.file_digest(self._stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).digest()
        self._stream.seek(self.size)
        return found

    def start(self, number: int) -> bytes:
        """Return at most this number of bytes from the start."""
        with self._flushed().open("rb") as stream:
            return stream.read(number)

    def is_truncated(self) -> bool:
        """Return whether the bytes start as a FITS file and end before the position given by the last header."""
        return is_truncated(self._flushed())

    def _flushed(self) -> Path:
        """Flush the bytes, and return the path to read them from."""
        assert self._stream is not None
        self._stream.flush()
        return self._path

    def finish(self, modified: float | None) -> None:
        """Rename the complete file to its final name."""
        assert self._stream is not None
        self._stream.flush()
        # Otherwise the rename could survive a power failure that the content does not.
        _sync(self._stream.fileno())
        self._digest.settle()
        self._close()
        if modified is not None:
            with suppress(OSError, OverflowError):  # the file system does not support this time
                # Set the access time to now: some clusters delete files that were not accessed for a long time.
                os.utime(self._path, (time.time(), modified))
        self._check_place()
        _rename(self._path, self._target)
        self._record_path.unlink(missing_ok=True)
        sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove the bytes and their record."""
        self._reset()
        # In this order: a record must never refer to bytes received later.
        self._record_path.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def _reset(self) -> None:
        """Close the files and reset the state."""
        self._close()
        self._digest.settle()
        self.size = self._marked = self._announced = 0
        self.resume_point = None
        self._digest = BackgroundHash()

    def _close(self) -> None:
        """Close the files."""
        for stream in (self._stream, self._record):
            if stream is not None:
                # Bytes that a full disk did not take have no mark.
                with suppress(OSError):
                    stream.close()
        self._stream = self._record = None

    def _write_marks(self) -> None:
        """Write the known marks to the record."""
        marks = self._digest.marks()
        if not marks:
            return
        assert self._stream is not None
        assert self.resume_point is not None
        self._stream.flush()
        if self._record is None:
            self._record = self._record_path.open("xb")
            self._record.write(_line(asdict(self.resume_point)))
        for mark in marks:
            self._record.write(_line(asdict(mark)))
        self._record.flush()
        self._marked = marks[-1].size


def _line(content: dict[str, object]) -> bytes:
    """Return a line of a record."""
    return json.dumps(content).encode() + b"\n"


def _read_record(path: Path) -> tuple[ResumePoint, list[HashCheckpoint], int]:
    """Return the resume point and marks of a record, and the end of its last complete line in bytes."""
    head, *lines = read_regular(path).splitlines(keepends=True)
    point = ResumePoint(**json.loads(head))
    marks, end = [], len(head)
    for line in lines:
        if not line.endswith(b"\n"):
            break
        marks.append(HashCheckpoint(**json.loads(line)))
        end += len(line)
    return point, marks, end


def _prefix(
    stream: BufferedRandom, marks: Sequence[HashCheckpoint], total: int, check: Callable[[], None]
) -> tuple[Hash, int]:
    """Read the bytes that are known to be correct, and return their digest and number."""
    length = os.fstat(stream.fileno()).st_size
    mark = max((mark for mark in marks if mark.size <= length), key=lambda mark: mark.size)
    # The last byte of a file is always requested again: servers reject a request for zero bytes.
    kept, size = min(mark.size, total - 1), 0
    digest = hashlib.sha256()
    while piece := stream.read(min(_PIECE, kept - size)):
        check()
        digest.update(piece)
        size += len(piece)
    rest = digest.copy()
    rest.update(stream.read(mark.size - kept))
    if size != kept or rest.hexdigest() != mark.sha256:
        raise ValueError("the data differ from the bytes that were received")
    stream.seek(size)
    return digest, size


def open_regular(path: Path, flags: int) -> int:
    """Open a regular file; raise OSError for a link, pipe or device, and never block on one."""
    extra = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
    handle = os.open(path, flags | sum(extra), 0o666)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path) -> bytes:
    """Read a small file in a download folder with `open_regular`."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as stream:
        if os.fstat(stream.fileno()).st_size > _RECORD_SIZE:
            raise OSError(errno.EFBIG, "too large for a record", str(path))
        return stream.read(_RECORD_SIZE)


def _sync(handle: int) -> None:
    """Flush a file to disk, if the file system supports it."""
    try:
        os.fsync(handle)
    except OSError as err:
        if err.errno not in _NO_SYNC:
            raise


def _rename(path: Path, target: Path) -> None:
    """Rename a file; retry if another program, such as a virus scanner, has it open."""
    for seconds in _RENAME_PAUSES:
        try:
            path.replace(target)
        except OSError as err:
            if err.errno not in _TEMPORARY:
                raise
            retrying.pause(seconds, threading.Event())
        else:
            return
    path.replace(target)


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure, where folders can be synchronized (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
