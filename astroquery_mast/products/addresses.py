"""Addresses of files: where a dataURI is asked for.

In: a dataURI and the download service.  Out: addresses, as manifests show them and as they are asked for.  Pure.
Products flow, within "plan".
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Protocol
from urllib.parse import quote

__all__ = ["Source", "data_url", "escaped_url", "is_same_file"]


class Source(Protocol):
    """Where files come from that not all have the same service; `data_url` and `escaped_url` take one."""

    def data_url(self, uri: str) -> str:
        """Return the address of a file as manifests show it."""

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as it is asked for."""


def data_url(download_url: str | Source, uri: str) -> str:
    """The address of a file as manifests show it."""
    return f"{download_url}?uri={uri}" if isinstance(download_url, str) else download_url.data_url(uri)


def escaped_url(download_url: str | Source, uri: str) -> str:
    """The address of a file as it is asked for: an unescaped ``&`` in a dataURI would end the parameter."""
    if not isinstance(download_url, str):
        return download_url.escaped_url(uri)
    return f"{download_url}?uri={quote(uri, safe=':/', errors='replace')}"


def is_same_file(one: str, other: str) -> bool:
    """Tell whether two URIs are those of one file."""
    if one == other:
        return True
    return (":" not in one or ":" not in other) and PurePosixPath(one).name == PurePosixPath(other).name
