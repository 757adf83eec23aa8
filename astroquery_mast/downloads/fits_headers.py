"""Primary headers of FITS files on disk, and their values as text; nothing else of the file is read."""

from __future__ import annotations

import gzip
import warnings
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, cast

from astropy.io import fits

from .checks import FITS_BLOCK, ends_header

_GZIP = b"\x1f\x8b"
_MAX_HEADER_SIZE = 1 << 25
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, fits.VerifyError)
SAYS_NOTHING = frozenset({"", "0", "none", "n/a", "na", "null", "unknown", "tbd", "--"})
"""Values without meaning, in lower case."""


def header_text(header: fits.Header, *keywords: str) -> str | None:
    """Return the first meaningful value of some keywords, as text."""
    for keyword in keywords:
        with suppress(*_UNREADABLE):
            value = header.get(keyword)
            text = " ".join(str(value).split()) if isinstance(value, str | int) else ""
            if text.lower() not in SAYS_NOTHING:
                return text
    return None


def primary_header(path: Path) -> fits.Header | None:
    """Return the primary header of a FITS file, which may be gzipped; None if the file has no readable header."""
    with suppress(*_UNREADABLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with path.open("rb") as stream:
            packed = stream.read(2) == _GZIP
            stream.seek(0)
            with gzip.open(stream) if packed else nullcontext(stream) as content:
                text = _first_header(cast("BinaryIO", content))
        return None if text is None else fits.Header.fromstring(text)
    return None


def _first_header(stream: BinaryIO) -> bytes | None:
    """Return the bytes of the first header; None if it is not a FITS header or is incomplete."""
    text = bytearray()
    while len(text) < _MAX_HEADER_SIZE:
        block = stream.read(FITS_BLOCK)
        if len(block) < FITS_BLOCK or not (text or block.startswith(b"SIMPLE  =")):
            return None
        text += block
        if ends_header(bytearray(block)):
            return bytes(text)
    return None
