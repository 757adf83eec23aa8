"""A digest that does not hold up the network: large files are hashed by a thread of their own.

In: the bytes of a file in pieces.  Out: their SHA-256, at the end and at marks on the way.  Products flow, before
"partfile".

SHA-256 runs at 0.3 to 2 GB/s, which is the speed of a fast network.  One after the other, receiving and hashing would
take the sum of both times; side by side they take the longer of the two, for `hashlib` lets other threads work.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

__all__ = ["BackgroundHash", "Mark"]

# Up to here a thread would cost more than it saves.
_ALONE = 8 << 20
# Handed over at once, so that the handing over costs little.
_BATCH = 1 << 20
# Batches that may wait for the thread: where hashing is slower than the network, the network waits.
_AHEAD = 8


@dataclass(frozen=True)
class Mark:
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
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: deque[Future[None]] = deque()
        self._marks: deque[Mark] = deque()

    def update(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._size += len(piece)
        if self._size <= _ALONE:
            self._hash.update(piece)
            return
        self._batch.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _BATCH:
            self._hand_over(mark=False)

    def mark(self) -> None:
        """Ask for the digest of what has come so far; `marks` gives it once it is known."""
        if self._pool is None and not self._batch:
            self._marks.append(Mark(self._size, self._hash.hexdigest()))
        else:
            self._hand_over(mark=True)

    def marks(self) -> list[Mark]:
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
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="astroquery_mast-sha256")
        if len(self._under_way) >= _AHEAD:
            self._under_way.popleft().result()
        self._under_way.append(self._pool.submit(self._work, self._batch, self._size if mark else None))
        self._batch, self._waiting = [], 0

    def _work(self, batch: list[bytes], size: int | None) -> None:
        """Hash a batch; on the thread, one batch after the other."""
        for piece in batch:
            self._hash.update(piece)
        if size is not None:
            self._marks.append(Mark(size, self._hash.hexdigest()))
