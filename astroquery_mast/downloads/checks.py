"""What an answer says of the bytes that belong to it, and whether the bytes that came are those.

In: headers, numbers of bytes, digests.  Out: lengths, ranges, validators; a `BrokenBodyError` where something is not as
announced.  Pure: no network, no disk.  Products flow, within "transfer".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from ..service.failures import BrokenBodyError

__all__ = [
    "AS_STORED",
    "Checksum",
    "WrongContentError",
    "announced_checksums",
    "announced_length",
    "check_checksums",
    "check_length",
    "content_range",
    "is_packed",
    "is_web_page",
    "last_modified",
    "strong_validator",
]

# Headers that ask for the bytes as they are stored: they are counted, compared with Content-Length, and asked for by
# their positions.
AS_STORED: Mapping[str, str] = {"Accept-Encoding": "identity"}

_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+)\s*", re.IGNORECASE | re.ASCII)
# RFC 9110, section 8.8.3: an opaque quoted string; "W/" before it would make it weak.
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_PAGES = {"text/html", "application/xhtml+xml"}
_PAGE_ENDINGS = {".html", ".htm", ".xhtml", ".shtml"}
_HEX_MD5 = re.compile(r"[0-9a-fA-F]{32}")
# Names in the registries of RFC 9530 and of RFC 3230 before it; the others there are broken, or rare.
_ALGORITHMS = {"md5": "md5", "sha-256": "sha256", "sha-512": "sha512"}


class WrongContentError(BrokenBodyError):
    """A body that is another file's, or garbled: nothing of it can be used."""


@dataclass(frozen=True)
class Checksum:
    """A digest of the whole file, as somebody gives it."""

    given_by: str
    algorithm: str
    digest: bytes


def is_packed(headers: Mapping[str, str]) -> bool:
    """Tell whether a body was packed for its way, so that its bytes are not those of the file."""
    return headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}


def announced_length(headers: Mapping[str, str]) -> int | None:
    """Tell the length of a body."""
    length = headers.get("Content-Length", "").strip()
    if not (length.isascii() and length.isdecimal()) or is_packed(headers):
        return None
    return int(length)


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Tell which bytes of the file a body of status 206 holds."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if match is None or is_packed(headers):
        return None
    first, last, total = map(int, match.groups())
    return first, last, total


def last_modified(headers: Mapping[str, str]) -> datetime | None:
    """Tell when the file was changed on the server."""
    return _date(headers.get("Last-Modified", ""))


def _date(text: str) -> datetime | None:
    """A date of HTTP."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """Tell by what the very same bytes can be recognised later, for ``If-Range``."""
    etag = headers.get("ETag", "").strip()
    if _STRONG_ETAG.fullmatch(etag):
        return etag
    changed = last_modified(headers)
    if changed is None:
        return None
    answered = _date(headers.get("Date", "")) or datetime.now(UTC)
    return headers["Last-Modified"].strip() if answered - changed >= timedelta(seconds=1) else None


def is_web_page(headers: Mapping[str, str], name: str) -> bool:
    """Tell whether an answer is a page for people, such as a notice of maintenance, in place of a file."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    ending = PurePosixPath(name).suffix.lower()
    return kind in _PAGES and bool(ending) and ending not in _PAGE_ENDINGS


def check_length(headers: Mapping[str, str], size: int, catalogued: int | None) -> None:
    """Raise if a body that was asked for as a whole is known to be cut."""
    expected = announced_length(headers)
    if expected is not None:
        if size != expected:
            raise BrokenBodyError(f"{size} bytes of {expected} arrived")
        return
    # A chunked or compressed body carries its own end mark. A body that ends with the connection does not: then the
    # catalogue, though not always right, is the only witness.
    marked = headers.get("Transfer-Encoding") or headers.get("Content-Encoding")
    if not marked and catalogued is not None and size < catalogued:
        raise BrokenBodyError(f"{size} bytes of {catalogued} arrived, and the archive did not announce the length")


def announced_checksums(
    headers: Mapping[str, str], *, whole: bool = True, catalogued: str | None = None
) -> list[Checksum]:
    """Collect the digests of the whole file that the archive gives."""
    found: list[Checksum | None] = []
    if catalogued and _HEX_MD5.fullmatch(catalogued.strip()):
        found.append(Checksum("the catalogue", "md5", bytes.fromhex(catalogued.strip())))
    if is_packed(headers):
        return [checksum for checksum in found if checksum]
    # These two speak of the file, whatever part of it is sent (RFC 3230, RFC 9530)...
    for name in ("Digest", "Repr-Digest"):
        found += _listed(name, headers)
    # ... and these of the body; an S3 object that was uploaded in parts has "-<number>" behind a digest of digests.
    if whole:
        found += _listed("Content-Digest", headers)
        found.append(_encoded("Content-MD5", "md5", headers.get("Content-MD5", "")))
        found.append(_encoded("x-amz-checksum-sha256", "sha256", headers.get("x-amz-checksum-sha256", "")))
    return [checksum for checksum in found if checksum]


def _listed(name: str, headers: Mapping[str, str]) -> Iterable[Checksum | None]:
    """The digests of a header with several: ``md5=<base64>,sha-256=:<base64>:``."""
    for part in headers.get(name, "").split(","):
        algorithm, _, value = part.strip().partition("=")
        yield _encoded(name, _ALGORITHMS.get(algorithm.lower(), ""), value.strip(":"))


def _encoded(given_by: str, algorithm: str, text: str) -> Checksum | None:
    """A digest in base64."""
    if not (algorithm and text):
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    right = len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size
    return Checksum(given_by, algorithm, digest) if right else None


def check_checksums(checksums: Iterable[Checksum], digest_of: Callable[[str], bytes]) -> None:
    """Raise if the file is not the one whose digests these are."""
    for checksum in checksums:
        found = digest_of(checksum.algorithm)
        if found != checksum.digest:
            raise WrongContentError(
                f"the {checksum.algorithm.upper()} of the bytes that arrived is {found.hex()}, and according to "
                f"{checksum.given_by} it should be {checksum.digest.hex()}"
            )
