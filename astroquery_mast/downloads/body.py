"""The body of an answer on its way to a part: its pieces, and what the rest of it can be asked for by.

In: an answer, or its headers.  Out: bytes, and a `~astroquery_mast.downloads.part_file.Source`.  Products flow, within
"transfer".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import requests
import urllib3

from .checks import announced_length, content_range, strong_validator
from .part_file import PartFile, Source

__all__ = ["continues", "pieces", "source_of"]

# Bytes that are written at a time at most: what kill -9 can cost beyond the last line of the record.
_PIECE = 1 << 18


def pieces(response: requests.Response) -> Iterator[bytes]:
    """Give a body as it arrives: what had come when the connection broke is not lost, and slow bodies can be ended."""
    raw = response.raw if isinstance(response, requests.Response) else None
    read1 = getattr(raw, "read1", None) if isinstance(raw, urllib3.HTTPResponse) else None
    if read1 is None:  # urllib3 1.26, or a stand-in
        yield from response.iter_content(_PIECE)
        return
    while piece := read1(_PIECE, decode_content=True):
        yield piece


def source_of(url: str, headers: Mapping[str, str]) -> Source | None:
    """Return what the rest of a file can be asked for by."""
    validator, total = strong_validator(headers), announced_length(headers)
    return None if validator is None or total is None else Source(url, validator, total)


def continues(part: PartFile, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer holds exactly what is missing, of the very same file."""
    assert part.source is not None
    same = strong_validator(headers) in {None, part.source.validator}
    return same and content_range(headers) == (part.size, part.source.total - 1, part.source.total)
