"""One file out of an archive file: whole under its name, or nothing new there.

In: the bytes of a file in pieces, and its place.  Out: its size and digest.  Products flow, after "partfile".
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from ..downloads.part_file import PartFile, exclusive_lock
from ..service.deadline import Deadline

__all__ = ["write_whole"]


def write_whole(pieces: Iterable[bytes], target: Path, deadline: Deadline) -> tuple[int, str]:
    """Write a file beside its place, and move it there when all of it is on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(target, lambda: deadline.reached() is not None), ExitStack() as if_it_fails:
        part = PartFile(target)
        if_it_fails.callback(part.discard)
        part.begin(None)
        for piece in pieces:
            deadline.check()
            part.write(piece)
        part.finish(None)
        if_it_fails.pop_all()
    return part.size, part.digest("sha256").hex()
