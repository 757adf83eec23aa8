"""Rendering of files, exactly as long as cataloged; text files are padded with white space."""

from __future__ import annotations

import struct
import zlib

from ..packaged import text
from .associations import association_json
from .hlsp import collection_description
from .observation import OBSERVATION_NAMES
from .products import FLAT_SIZES, File

_GZIP_HEAD = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
_GZIP_CHUNK = 65535


def render_file(file: File) -> bytes:
    """Return the content of a file."""
    content = _flat(file) if file.kind.layout in FLAT_SIZES else _fits(file)
    if file.kind.ending.endswith(".gz"):
        content = gzip_stored(content)
    if len(content) != file.size:
        raise RuntimeError(f"{file.uri} has {len(content)} bytes instead of {file.size}.")
    return content


def _flat(file: File) -> bytes:
    from .preview import picture  # noqa: PLC0415 - Pillow is only needed for pictures

    length = FLAT_SIZES[file.kind.layout]
    if file.kind.layout in {"picture", "thumbnail"}:
        return picture(file, length)
    return document(file, length)


def _fits(file: File) -> bytes:
    from .fitsfile import fits_bytes  # noqa: PLC0415 - imports astropy.io.fits, which is slow

    return fits_bytes(file)


def gzip_stored(content: bytes) -> bytes:
    """Return a gzip file of stored blocks: its length can be cataloged, and its bytes do not depend on a compressor."""
    chunks = [content[start : start + _GZIP_CHUNK] for start in range(0, len(content), _GZIP_CHUNK)] or [b""]
    blocks = [
        struct.pack("<BHH", index == len(chunks) - 1, len(chunk), len(chunk) ^ 0xFFFF) + chunk
        for index, chunk in enumerate(chunks)
    ]
    return _GZIP_HEAD + b"".join(blocks) + struct.pack("<II", zlib.crc32(content), len(content) % 2**32)


def document(file: File, length: int) -> bytes:
    """Return the content of a text file."""
    makers = {"log": _log, "association_json": association_json, "pool": _pool, "catalog": _catalog, "readme": _readme}
    content = makers[file.kind.layout](file).encode()
    if len(content) > length:
        content = content[: content[:length].rindex(b"\n") + 1]
    # Empty lines are allowed in all of these formats.
    return content + b"\n" * (length - len(content))


def _log(file: File) -> str:
    owner = file.owner
    members = "".join(f"exposure     {member}: calibrated\n" for member in file.members)
    facts = {name: getattr(owner, name) for name in OBSERVATION_NAMES}
    return text("log.txt").format(file=file.name, members=members, **facts)


def _readme(file: File) -> str:
    """Return the README of a collection."""
    name = str(file.owner.provenance_name)
    return text("readme.txt").format(name=name, slug=name.lower(), **collection_description(name))


def _pool(file: File) -> str:
    header = "FILENAME|PROGRAM|OBS_NUM|VISIT|INSTRUME|FILTER"
    number = str(file.owner.proposal_id).zfill(5)
    rows = [f"jw{number}001001_02101_{index:05d}_uncal.fits|{number}|001|001|JWST|ANY" for index in range(1, 9)]
    return "\n".join([header, *rows]) + "\n"


def _catalog(file: File) -> str:
    """Return a source catalog in ECSV format."""
    from .source_lists import source_list  # noqa: PLC0415 - imports astropy.table, which is slow

    return source_list(file)
