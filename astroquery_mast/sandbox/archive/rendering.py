"""From a cataloged file to its bytes.

In: a `File`: URI, owner, kind. Out: the bytes, exactly as long as cataloged. The plan of `layout` says which
units a file has; the modules `images`, `spectra`, `lightcurves`, `tables`, `documents` and `preview` fill
them.
"""

from __future__ import annotations

import struct
import zlib

from .file import File
from .layout import FLAT_SIZES
from .products import dimensions, length_of

_GZIP_HEAD = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
_GZIP_CHUNK = 65535


def render_file(file: File) -> bytes:
    """Content of a file."""
    content = _flat(file) if file.kind.layout in FLAT_SIZES else _fits(file)
    if file.kind.ending.endswith(".gz"):
        content = gzip_stored(content)
    expected = length_of(file.kind, *dimensions(file.owner))
    if len(content) != expected:
        raise RuntimeError(f"{file.uri} has {len(content)} bytes instead of {expected}.")
    return content


def _flat(file: File) -> bytes:
    from . import documents, preview  # noqa: PLC0415 - Pillow is imported for pictures only

    length = FLAT_SIZES[file.kind.layout]
    if file.kind.layout in {"picture", "thumbnail"}:
        return preview.picture(file, length)
    return documents.document(file, length)


def _fits(file: File) -> bytes:
    from .fitsfile import fits_bytes  # noqa: PLC0415 - imports astropy.io.fits, which takes long

    return fits_bytes(file)


def gzip_stored(content: bytes) -> bytes:
    """Gzip file of stored blocks: its length can be cataloged, and no compressor's version changes its bytes."""
    chunks = [content[start : start + _GZIP_CHUNK] for start in range(0, len(content), _GZIP_CHUNK)] or [b""]
    blocks = [
        struct.pack("<BHH", index == len(chunks) - 1, len(chunk), len(chunk) ^ 0xFFFF) + chunk
        for index, chunk in enumerate(chunks)
    ]
    return _GZIP_HEAD + b"".join(blocks) + struct.pack("<II", zlib.crc32(content), len(content) % 2**32)
