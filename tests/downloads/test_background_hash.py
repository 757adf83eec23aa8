"""Digests of bytes that arrive in pieces."""

from __future__ import annotations

import hashlib
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.downloads.part_file import BackgroundHash, HashCheckpoint

CONTENT = bytes(range(256)) * (1 << 16)  # 16 MiB: half of it is hashed in the thread

# Ends of pieces: anywhere, and near the size at which the thread takes over.
ENDS = st.lists(st.integers(0, len(CONTENT)) | st.integers((8 << 20) - 2, (8 << 20) + 2), min_size=1, max_size=12)


def sha256(size: int) -> str:
    """Return the digest of the first bytes."""
    return hashlib.sha256(CONTENT[:size]).hexdigest()


@settings(max_examples=25)
@given(ends=ENDS)
def test_digest_and_marks_do_not_depend_on_the_pieces(ends: list[int]) -> None:
    """The digest is that of all bytes, and each mark that of the bytes before it, for pieces of any size."""
    ends = sorted(set(ends))
    running, begun = BackgroundHash(), 0
    for end in ends:
        running.update(CONTENT[begun:end])
        running.mark()
        begun = end
    assert running.digest().hex() == sha256(begun)
    assert running.marks() == [HashCheckpoint(end, sha256(end)) for end in ends]


def test_a_partial_digest_is_continued() -> None:
    """Bytes hashed by an earlier process are not hashed again."""
    running = BackgroundHash(hashlib.sha256(CONTENT[:9_000_000]), 9_000_000)
    running.update(CONTENT[9_000_000:])
    assert running.digest().hex() == sha256(len(CONTENT))


@pytest.mark.parametrize("pieces", [1, 40])
def test_no_thread_is_left(pieces: int) -> None:
    """The thread ends with its file."""
    before = threading.active_count()
    running = BackgroundHash()
    for _ in range(pieces):
        running.update(CONTENT[: 1 << 20])
    assert (threading.active_count() > before) == (pieces > 9)
    running.settle()
    assert threading.active_count() == before
