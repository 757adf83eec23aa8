"""A file on its way: the bytes that have come, the record of what they are, and the lock that keeps others away.

In: the path of the file that is to be, and pieces of it.  Out: the whole file under its name, or a part from which a
later call goes on.  Products flow, within "transfer".

Beside ``x.fits`` lie, while it is on its way:

``x.fits.part``
    The bytes, from the first one without a gap.
``x.fits.part.json``
    A line with the address, the validator and the total length; then, every now and then, a line with the number of
    bytes and their SHA-256.  After a power cut the part may be longer than what is really on the disk: only bytes that
    still have the digest of such a line are used again.
``x.fits.part.lock``
    Held by the one process that may touch the other two.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

import filelock

from .digest import BackgroundHash, Mark

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["PartFile", "Source", "exclusive_lock", "lock_path", "part_path", "record_path"]

_PIECE = 1 << 20
# A line of the record for so many bytes: that much has to come again after kill -9, and 100 GB make a record of 10 MB.
# Most products of HST are some megabytes; for those below it, the commonest of all, no record is written unless needed.
_MARK = 1 << 20
# How often a lock that another process holds is looked at (seconds).
_LOOK_AGAIN = 0.05
# A disk that knows no locks; an NFS server without its lock service is the common one.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


def part_path(target: Path) -> Path:
    """Tell where the bytes of a file lie while it is not whole."""
    return target.with_name(f"{target.name}.part")


def record_path(target: Path) -> Path:
    """Tell where the record of those bytes lies."""
    return target.with_name(f"{target.name}.part.json")


def lock_path(target: Path) -> Path:
    """Tell where the lock for the two lies."""
    return target.with_name(f"{target.name}.part.lock")


@dataclass(frozen=True)
class Source:
    """What the bytes of a part are, so exactly that the rest can be asked for."""

    url: str
    validator: str
    total: int


@contextmanager
def exclusive_lock(target: Path, stopped: Callable[[], bool]) -> Iterator[None]:
    """Wait until nobody else is at work on a file, and keep others away until the end."""
    lock = _acquired(lock_path(target), stopped)
    try:
        yield
    finally:
        # By the holder, while it is held: who has the file open already finds that it has no name any more, and begins
        # anew.  A soft lock is its file, and Windows removes no open one; there filelock cleans up itself.
        if not isinstance(lock, filelock.SoftFileLock):
            with suppress(OSError):
                lock_path(target).unlink()
        lock.release()


def _acquired(path: Path, stopped: Callable[[], bool]) -> filelock.BaseFileLock:
    """A lock that is held."""
    lock: filelock.BaseFileLock = filelock.FileLock(path)
    try:
        lock.acquire(poll_interval=_LOOK_AGAIN, cancel_check=stopped)
    except OSError as err:
        if err.errno not in _NO_LOCKS:
            raise
        # What the system should have locked is of no use, and to a soft lock its existence would mean "held".
        path.unlink(missing_ok=True)
        lock = filelock.SoftFileLock(path.with_suffix(".soft"))
        lock.acquire(poll_interval=_LOOK_AGAIN, cancel_check=stopped)
    return lock


class PartFile:
    """The bytes of a file that have come so far.  To be used by the `exclusive_lock` only.

    As a context manager it keeps, at the end, what can be taken up later, and removes what cannot.
    """

    def __init__(self, target: Path) -> None:
        self.size = 0
        self.source: Source | None = None
        self._target = target
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
        return self.source is not None and self.size > 0

    def take_up(self, url: str, check: Callable[[], None]) -> None:
        """Go on from what an earlier call left, if it is from the same address and as its record says."""
        if self._stream is not None:
            return
        try:
            source, marks, end = _read_record(self._record_path)
            if source.url != url:
                return
            with ExitStack() as opened:
                stream = opened.enter_context(_open_again(self._path))
                digest, size = _prefix(stream, marks, source.total, check)
                record = opened.enter_context(_open_again(self._record_path))
                stream.truncate(size)
                record.truncate(end)
                record.seek(end)
                opened.pop_all()
        except (OSError, ValueError, TypeError, KeyError):
            # Somebody else's files, or torn ones: begin() replaces them.
            return
        self._stream, self._record, self._digest = stream, record, BackgroundHash(digest, size)
        self.source, self.size, self._marked, self._announced = source, size, size, size

    def begin(self, source: Source | None) -> None:
        """Begin with an empty part."""
        self.discard()
        # The name is free now, and "x" never follows a link that somebody may have put there meanwhile.
        self._stream = self._path.open("x+b")
        self.source = source

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        assert self._stream is not None
        self._stream.write(piece)
        self._digest.update(piece)
        self.size += len(piece)
        if self.source is not None and self.size - self._announced >= _MARK:
            self._digest.mark()
            self._announced = self.size
            self._write_marks()

    def reject(self) -> None:
        """Declare the bytes wrong, so that none of them is used again."""
        self.source = None

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
        with self.flushed().open("rb") as stream:
            return stream.read(number)

    def flushed(self) -> Path:
        """Return where the bytes can be read."""
        assert self._stream is not None
        self._stream.flush()
        return self._path

    def finish(self, modified: float | None) -> None:
        """Give the whole file its name."""
        assert self._stream is not None
        self._stream.flush()
        # Without it the rename could survive a power cut that the content does not.
        os.fsync(self._stream.fileno())
        self._digest.settle()
        self._close()
        if modified is not None:
            with suppress(OSError, OverflowError):  # a disk that keeps no such time
                os.utime(self._path, (modified, modified))
        self._path.replace(self._target)
        self._record_path.unlink(missing_ok=True)
        _sync_folder(self._target.parent)

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
        self.source = None
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
        assert self.source is not None
        self._stream.flush()
        if self._record is None:
            self._record = self._record_path.open("xb")
            self._record.write(_line(asdict(self.source)))
        for mark in marks:
            self._record.write(_line(asdict(mark)))
        self._record.flush()
        self._marked = marks[-1].size


def _line(content: dict[str, object]) -> bytes:
    """A line of a record."""
    return json.dumps(content).encode() + b"\n"


def _read_record(path: Path) -> tuple[Source, list[Mark], int]:
    """What a record says, and where its last whole line ends."""
    head, *lines = path.read_bytes().splitlines(keepends=True)
    source = Source(**json.loads(head))
    marks, end = [], len(head)
    for line in lines:
        if not line.endswith(b"\n"):
            break
        marks.append(Mark(**json.loads(line)))
        end += len(line)
    return source, marks, end


def _prefix(stream: BufferedRandom, marks: Sequence[Mark], total: int, check: Callable[[], None]) -> tuple[Hash, int]:
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
        raise ValueError("these are not the bytes that came")
    stream.seek(size)
    return digest, size


def _open_again(path: Path) -> BufferedRandom:
    """Open a file to go on in it, unless a link stands in its place."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(path, flags), "r+b")


def _sync_folder(folder: Path) -> None:
    """Let a rename survive a power cut, where folders can be synchronised (not on Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
