"""A file on its way to the disk: the bytes that have come, and the record of what they are.

In: the path of the file that is to be, and pieces of it.  Out: the whole file under its name, or a part from which a
later call goes on.

Beside ``x.fits`` lie, while it is on its way:

``x.fits.mast.part``
    The bytes, from the first one without a gap.
``x.fits.mast.part.json``
    A line with the address, the validator and the total length; then, every now and then, a line with the number of
    bytes and their SHA-256.  After a power cut the part may be longer than what is really on the disk: only bytes that
    still have the digest of such a line are used again.
``x.fits.mast.part.lock``
    Held by the one process that may touch the other two; see "destination".

SHA-256 runs at 0.3 to 2 GB/s, which is the speed of a fast network.  One after the other, receiving and hashing would
take the sum of both times; side by side they take the longer of the two, for `hashlib` lets other threads work.
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


# What disks say that cannot be told to write: network folders, shared folders of virtual machines.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
# What may be over in a moment: another program has the file open, or too many are.
_PASSING = {errno.EACCES, errno.EPERM, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.EMFILE}
_RENAME_PAUSES = (0.05, 0.1, 0.2, 0.4)
_PIECE = 1 << 20
# A line of the record for so many bytes: that much has to come again after kill -9, and 100 GB make a record of 10 MB.
# Most products of HST are some megabytes; for those below it, the commonest of all, no record is written unless needed.
_CHECKPOINT_EVERY = 1 << 20
# No record is read that is larger; that of a file of 2 TB is not.
_RECORD_SIZE = 1 << 28
# Up to here a thread would cost more than it saves.
_HASHED_AT_ONCE = 8 << 20
# Handed over at once, so that the handing over costs little.
_HASH_BATCH = 1 << 20
# Batches that may wait for the thread: where hashing is slower than the network, the network waits.
_BATCHES_WAITING = 8


def part_path(target: Path) -> Path:
    """Tell where the bytes of a file lie while it is not whole."""
    return target.with_name(f"{target.name}{PART}")


def record_path(target: Path) -> Path:
    """Tell where the record of those bytes lies."""
    return target.with_name(f"{target.name}{PART}.json")


@dataclass(frozen=True)
class FileState:
    """What tells a file from another one that takes its place: its size, and on a disk its time and number."""

    size: int
    modified_ns: int | None = None
    inode: int | None = None


@dataclass(frozen=True)
class ResumePoint:
    """What the bytes of a part are, so exactly that the rest can be requested."""

    url: str
    validator: str
    total: int

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str]) -> ResumePoint | None:
        """Return what the rest of the file in an answer can be requested by; None if the server does not say."""
        validator, total = strong_validator(headers), announced_length(headers)
        return None if validator is None or total is None else cls(url, validator, total)

    def is_continued_by(self, headers: Mapping[str, str], size: int) -> bool:
        """Tell whether an answer holds exactly what is missing after ``size`` bytes, of the very same file."""
        same = strong_validator(headers) in {None, self.validator}
        return same and content_range(headers) == (size, self.total - 1, self.total)


@dataclass(frozen=True)
class HashCheckpoint:
    """A number of bytes that are known to be right."""

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
        """Take the next bytes."""
        self._size += len(piece)
        if self._size <= _HASHED_AT_ONCE:
            self._hash.update(piece)
            return
        self._batch.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _HASH_BATCH:
            self._hand_over(mark=False)

    def mark(self) -> None:
        """Ask for the digest of what has come so far; `marks` gives it once it is known."""
        if self._pool is None and not self._batch:
            self._marks.append(HashCheckpoint(self._size, self._hash.hexdigest()))
        else:
            self._hand_over(mark=True)

    def marks(self) -> list[HashCheckpoint]:
        """Return the marks that have become known since the last call, in order."""
        return [self._marks.popleft() for _ in range(len(self._marks))]

    def digest(self) -> bytes:
        """Return the digest of all bytes, when the thread has come to their end."""
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
        """Give the thread what has gathered."""
        if self._pool is None:
            self._pool = Threads(1, thread_name_prefix="astroquery_mast-sha256")
        if len(self._under_way) >= _BATCHES_WAITING:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._work, self._batch, self._size if mark else None))
        self._batch, self._waiting = [], 0

    def _work(self, batch: list[bytes], size: int | None) -> None:
        """Hash a batch; on the thread, one batch after the other."""
        for piece in batch:
            self._hash.update(piece)
        if size is not None:
            self._marks.append(HashCheckpoint(size, self._hash.hexdigest()))


class PartFile:
    """The bytes of a file that have come so far; a `~astroquery_mast.downloads.destination.Sink` that can be resumed.

    To be used by the holder of the lock only.  As a context manager it keeps, at the end, what can be taken up later,
    and removes what cannot.
    """

    def __init__(self, target: Path, check_place: Callable[[], None] = lambda: None) -> None:
        self.size = 0
        self.resume_point: ResumePoint | None = None
        self._target = target
        # Raises if the folder is not where files may go (any more); asked around everything that is opened or moved.
        self._check_place = check_place
        self._path, self._record_path = part_path(target), record_path(target)
        self._digest = BackgroundHash()
        self._stream: BufferedRandom | None = None
        self._record: BinaryIO | None = None
        # Bytes that the record speaks of, and bytes that a mark is asked for.
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
            # The disk is full: what the last line speaks of can still be used, and without a line nothing can.
            self.size = self._marked
            if not self._marked:
                self.discard()
        self._close()

    @property
    def resumable(self) -> bool:
        """Whether the rest can be asked for."""
        return self.resume_point is not None and self.size > 0

    def take_up(self, url: str, check: Callable[[], None]) -> None:
        """Go on from what an earlier call left, if it is from the same address and as its record says."""
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
            # Somebody else's files, or torn ones: begin() replaces them.
            return
        self._stream, self._record, self._digest = stream, record, BackgroundHash(digest, size)
        self.resume_point, self.size, self._marked, self._announced = point, size, size, size

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Begin with an empty part; its digests can be had of any algorithm."""
        del algorithms
        self._check_place()
        self.discard()
        # The name is free now, and "x" never follows a link that somebody may have put there meanwhile.
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
        """Declare the bytes wrong, so that none of them is used again."""
        self.resume_point = None

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all the bytes, those of earlier calls among them."""
        if algorithm == "sha256":
            return self._digest.digest()
        assert self._stream is not None
        self._stream.flush()
        self._stream.seek(0)
        found = hashlib.file_digest(self._stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).digest()
        self._stream.seek(self.size)
        return found

    def start(self, number: int) -> bytes:
        """Return the first bytes, so many at most."""
        with self._flushed().open("rb") as stream:
            return stream.read(number)

    def is_truncated(self) -> bool:
        """Tell whether the bytes begin as FITS and end before the last header says."""
        return is_truncated(self._flushed())

    def _flushed(self) -> Path:
        """Return where the bytes can be read."""
        assert self._stream is not None
        self._stream.flush()
        return self._path

    def finish(self, modified: float | None) -> None:
        """Give the whole file its name."""
        assert self._stream is not None
        self._stream.flush()
        # Without it the rename could survive a power cut that the content does not.
        _sync(self._stream.fileno())
        self._digest.settle()
        self._close()
        if modified is not None:
            with suppress(OSError, OverflowError):  # a disk that keeps no such time
                # The time of the last access is now: some disks remove what nobody has looked at for long.
                os.utime(self._path, (time.time(), modified))
        self._check_place()
        _rename(self._path, self._target)
        self._record_path.unlink(missing_ok=True)
        sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove the bytes and their record."""
        self._reset()
        # In this order: a record never speaks of bytes that came later.
        self._record_path.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def _reset(self) -> None:
        """Forget the bytes."""
        self._close()
        self._digest.settle()
        self.size = self._marked = self._announced = 0
        self.resume_point = None
        self._digest = BackgroundHash()

    def _close(self) -> None:
        """Close the files."""
        for stream in (self._stream, self._record):
            if stream is not None:
                # What a full disk did not take is not marked, either.
                with suppress(OSError):
                    stream.close()
        self._stream = self._record = None

    def _write_marks(self) -> None:
        """Write down what has come, as far as it is hashed."""
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
    """A line of a record."""
    return json.dumps(content).encode() + b"\n"


def _read_record(path: Path) -> tuple[ResumePoint, list[HashCheckpoint], int]:
    """What a record says, and where its last whole line ends."""
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
    """Read the bytes that are known to be right: their digest, and how many they are."""
    length = os.fstat(stream.fileno()).st_size
    mark = max((mark for mark in marks if mark.size <= length), key=lambda mark: mark.size)
    # The last byte of a file comes anew even if it is there: no server has an answer to a request for nothing.
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
    """Open a file; raise an OSError if a link, a pipe or a device stands in its place, and never wait for one."""
    extra = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC"))
    handle = os.open(path, flags | sum(extra), 0o666)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path) -> bytes:
    """Read a small file that lies beside downloads; as `open_regular`."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as stream:
        if os.fstat(stream.fileno()).st_size > _RECORD_SIZE:
            raise OSError(errno.EFBIG, "too large for a record", str(path))
        return stream.read(_RECORD_SIZE)


def _sync(handle: int) -> None:
    """Have the disk write what it holds in memory, if it is a disk that can be told."""
    try:
        os.fsync(handle)
    except OSError as err:
        if err.errno not in _NO_SYNC:
            raise


def _rename(path: Path, target: Path) -> None:
    """Put a file in its place; again if something such as a virus scanner has it open for a moment."""
    for seconds in _RENAME_PAUSES:
        try:
            path.replace(target)
        except OSError as err:
            if err.errno not in _PASSING:
                raise
            retrying.pause(seconds, threading.Event())
        else:
            return
    path.replace(target)


def sync_folder(folder: Path) -> None:
    """Let a rename survive a power cut, where folders can be synchronized (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
