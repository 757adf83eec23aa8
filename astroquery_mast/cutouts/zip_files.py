"""Zip files that a service makes on demand: checked before they are trusted, and unpacked one whole file at a time.

In: a zip file as it came, and the names in it.  Out: the files in it, piece by piece and proven by their checksums;
relative paths that cannot leave the download folder; files on disk.

Only the archive writes these files, but a name in a zip file, its size and its kind are still just what a server says:
"../" in a name, links, locked files, and small files that swell to fill the disk do no harm here.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..config import count_setting
from ..downloads.destination import LinkCheck, exclusive_lock
from ..downloads.part_file import PartFile
from ..exceptions import InvalidResponseError
from ..products.file_names import FileNameParts, assign_paths
from ..service.retrying import Deadline

_PIECE = 1 << 18
# How a zip file begins: with a file, or, if it is empty, with its end.
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# TPFs shrink to about a half.  Even a cutout of empty sky, which shrinks a thousandfold, is far below a gigabyte.
_FREE = 1 << 30
_RATIO = 100
_MOST_FILES = 10_000
# What reading a broken zip file, or another file, may raise; a RuntimeError is zipfile's word for "locked".
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    RuntimeError,
    IndexError,
    OverflowError,
    OSError,
)


def begins_as_zip(start: bytes) -> bool:
    """Tell whether bytes are the beginning of a zip file."""
    return start.startswith(_SIGNATURES)


class ArchiveFile:
    """An open zip file whose names, sizes and kinds have been looked at."""

    def __init__(self, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], service: str) -> None:
        self.members = members
        self._archive = archive
        self._service = service

    def pieces(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """Give the bytes of a file."""
        left = member.file_size
        with _readable(self._service, member.filename), self._archive.open(member) as stream:
            while piece := stream.read(_PIECE):
                left -= len(piece)
                yield piece
            if left:
                raise EOFError(f"{left} bytes are missing")

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """Return the bytes of a file; as `pieces`."""
        return b"".join(self.pieces(member))


@contextmanager
def zipped_files(stream: BinaryIO, service: str) -> Iterator[ArchiveFile]:
    """Open a zip file."""
    size = stream.seek(0, 2)
    with _readable(service):
        archive = zipfile.ZipFile(stream)
    with archive:
        with _readable(service):
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check(members, size)
        yield ArchiveFile(archive, members, service)


@contextmanager
def _readable(service: str, name: str | None = None) -> Iterator[None]:
    """Tell in one way of all that may be wrong with a zip file."""
    try:
        yield
    except _BROKEN as err:
        what = "a zip file" if name is None else f"a zip file with {name!r}"
        message = f"{service} returned {what} that cannot be read: {err}."
        raise InvalidResponseError(message, service=service, status=200) from err


def _check(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raise if these are not ordinary files."""
    if len(members) > _MOST_FILES:
        raise zipfile.BadZipFile(f"it contains {len(members)} files")
    for member in members:
        # The upper half holds the permissions of a Unix system, and there what kind of file it is.
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise zipfile.BadZipFile(f"{member.filename!r} is a link or not a regular file")
        if member.flag_bits & 0x1:
            raise zipfile.BadZipFile(f"{member.filename!r} is encrypted")
        if member.compress_type not in _PACKED:
            raise zipfile.BadZipFile(f"{member.filename!r} has an unsupported compression method")
    swollen = sum(member.file_size for member in members)
    if swollen > min(_FREE + _RATIO * size, count_setting("max_file_size")):
        raise zipfile.BadZipFile(f"its {size} bytes would decompress to {swollen}")


def places_of(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Give each file of one or several archive files a place of its own."""
    return assign_paths([_naming(index, name) for index, name in enumerate(names)], flat=True)


def _naming(index: int, name: str) -> FileNameParts:
    """What decides where a file lies; the index tells files of one name from each other."""
    parts = [part for part in PurePosixPath(name).parts if part != "/"] or [""]
    return FileNameParts(f"{index}:{name}", parts[-1], "", str(index + 1), tuple(parts[:-1]))


def write_whole(pieces: Iterable[bytes], target: Path, folder: Path, deadline: Deadline) -> tuple[int, str]:
    """Write a file beside its place in the download folder, and move it there when all of it is on the disk."""
    check_place = LinkCheck(target.parent, folder)
    check_place()
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(target, lambda: deadline.reached() is not None), ExitStack() as if_it_fails:
        part = PartFile(target, check_place)
        if_it_fails.callback(part.discard)
        part.begin(None)
        for piece in pieces:
            deadline.check()
            part.write(piece)
        part.finish(None)
        if_it_fails.pop_all()
    return part.size, part.digest("sha256").hex()
