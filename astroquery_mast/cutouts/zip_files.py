"""Check and unpack the zip files of the cutout services.

In: a zip file.  Out: the files in it, in pieces and verified by their checksums; relative paths that cannot leave the
download folder; files on disk.

Names, sizes and types in a zip file come from a server and are not trusted.  Names with "../", links, encrypted files
and decompression bombs do no harm here.
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
# Signatures at the start of a zip file: of a file, or of the end record if it is empty.
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# Target pixel files compress to about half their size.  Even a cutout of empty sky, which compresses by a factor of a
# thousand, is far smaller than a gigabyte.
_FREE = 1 << 30
_RATIO = 100
_MOST_FILES = 10_000
# Errors from reading damaged zip files or other files; zipfile raises RuntimeError for encrypted files.
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


def is_zip_start(start: bytes) -> bool:
    """Return whether the bytes are the beginning of a zip file."""
    return start.startswith(_SIGNATURES)


class ArchiveFile:
    """An open zip file whose names, sizes and types have been checked."""

    def __init__(self, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], service: str) -> None:
        self.members = members
        self._archive = archive
        self._service = service

    def pieces(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """Yield the bytes of a file in pieces."""
        left = member.file_size
        with _readable(self._service, member.filename), self._archive.open(member) as stream:
            while piece := stream.read(_PIECE):
                left -= len(piece)
                yield piece
            if left:
                raise EOFError(f"{left} bytes are missing")

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """Return the bytes of a file."""
        return b"".join(self.pieces(member))


@contextmanager
def zipped_files(stream: BinaryIO, service: str) -> Iterator[ArchiveFile]:
    """Open and check a zip file."""
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
    """Convert all errors about a zip file to `InvalidResponseError`."""
    try:
        yield
    except _BROKEN as err:
        what = "a zip file" if name is None else f"a zip file with {name!r}"
        message = f"{service} returned {what} that cannot be read: {err}."
        raise InvalidResponseError(message, service=service, status=200) from err


def _check(members: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Raise unless all members are regular files of reasonable number and size."""
    if len(members) > _MOST_FILES:
        raise zipfile.BadZipFile(f"it contains {len(members)} files")
    for member in members:
        # The upper two bytes are the Unix mode, which includes the type of the file.
        if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG}:
            raise zipfile.BadZipFile(f"{member.filename!r} is a link or not a regular file")
        if member.flag_bits & 0x1:
            raise zipfile.BadZipFile(f"{member.filename!r} is encrypted")
        if member.compress_type not in _PACKED:
            raise zipfile.BadZipFile(f"{member.filename!r} has an unsupported compression method")
    swollen = sum(member.file_size for member in members)
    if swollen > min(_FREE + _RATIO * size, count_setting("max_file_size")):
        raise zipfile.BadZipFile(f"its {size} bytes would decompress to {swollen}")


def unpacked_paths(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return a unique relative path for each file of one or several zip files."""
    return assign_paths([_naming(index, name) for index, name in enumerate(names)], flat=True)


def _naming(index: int, name: str) -> FileNameParts:
    """Return the parts of a file's path; the index distinguishes files of the same name."""
    parts = [part for part in PurePosixPath(name).parts if part != "/"] or [""]
    return FileNameParts(f"{index}:{name}", parts[-1], "", str(index + 1), tuple(parts[:-1]))


def write_atomically(pieces: Iterable[bytes], target: Path, folder: Path, deadline: Deadline) -> tuple[int, str]:
    """Write a part file next to its target in the download folder, and rename it once it is complete."""
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
