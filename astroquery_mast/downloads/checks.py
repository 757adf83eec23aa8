"""Checks of downloaded bytes: lengths, ranges, checksums, signatures and the length of FITS files.

In: response headers, numbers of bytes, digests, and the bytes themselves.  Out: lengths, ranges, validators; a
`BrokenBodyError` if they do not agree, with the text of the error page if one was sent instead of the file.

Servers and proxies may return status 200 with an error in JSON, a notice in HTML, or an empty body.  So the signature
is checked as well: a FITS file begins with ``SIMPLE``.  If the catalog and the server disagree about the size of a FITS
file, its headers give the correct one.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import html
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from ..exceptions import ResponseTooLargeError
from ..service.retrying import BrokenBodyError
from ..tables.mashup import http_date, json_object, message_in

# Request the bytes as they are stored, without compression: they are counted, compared with Content-Length, and
# requested by range.
AS_STORED: Mapping[str, str] = {"Accept-Encoding": "identity"}

# No file is longer than that, and Python does not convert very long strings to integers.
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18})\s*", re.IGNORECASE | re.ASCII)
# RFC 9110, section 8.8.3: an opaque quoted string; a prefix "W/" marks a weak one.
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_PAGES = {"text/html", "application/xhtml+xml"}
_PAGE_ENDINGS = {".html", ".htm", ".xhtml", ".shtml"}
# The catalog's size is not always right.  A file may have up to this many times that size, plus this many bytes: a
# server that never stops sending must not fill the disk.
_SIZE_FACTOR, _EXTRA_BYTES = 10, 10**9
_HEX_MD5 = re.compile(r"[0-9a-fA-F]{32}")
# Names registered by RFC 9530, and RFC 3230 before it; the other algorithms there are insecure or rare.
_ALGORITHMS = {"md5": "md5", "sha-256": "sha256", "sha-512": "sha512"}


class WrongContentError(BrokenBodyError):
    """A body that belongs to another file or is corrupt, so that none of its bytes can be used."""


@dataclass(frozen=True)
class Checksum:
    """A digest of the complete file, and its source."""

    given_by: str
    algorithm: str
    digest: bytes


def is_compressed(headers: Mapping[str, str]) -> bool:
    """Return whether a body was compressed for transfer, so that its bytes are not those of the file."""
    return headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}


def announced_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of a body; None if it is not known."""
    length = headers.get("Content-Length", "").strip()
    if not _LENGTH.fullmatch(length) or is_compressed(headers):
        return None
    return int(length)


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int] | None:
    """Return the first byte, the last byte and the total length of a partial response (206); None if not given."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if match is None or is_compressed(headers):
        return None
    first, last, total = map(int, match.groups())
    return first, last, total


def last_modified(headers: Mapping[str, str]) -> datetime | None:
    """Return when the file was last modified on the server."""
    return http_date(headers.get("Last-Modified", ""))


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """Return a validator for ``If-Range`` that identifies exactly these bytes; None if there is none."""
    etag = headers.get("ETag", "").strip()
    if _STRONG_ETAG.fullmatch(etag):
        return etag
    changed = last_modified(headers)
    if changed is None:
        return None
    answered = http_date(headers.get("Date", "")) or datetime.now(UTC)
    return headers["Last-Modified"].strip() if answered - changed >= timedelta(seconds=1) else None


def is_web_page(headers: Mapping[str, str], name: str) -> bool:
    """Return whether a response is a web page, such as a maintenance notice, instead of a file."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    ending = PurePosixPath(name).suffix.lower()
    return kind in _PAGES and bool(ending) and ending not in _PAGE_ENDINGS


def check_length(headers: Mapping[str, str], size: int, cataloged: int | None) -> None:
    """Raise if the body of a response with the complete file is known to be truncated."""
    expected = announced_length(headers)
    if expected is not None:
        if size != expected:
            raise BrokenBodyError(f"received {size} of {expected} bytes")
        return
    # A chunked or compressed body has its own end marker. A body that ends with the connection does not: then the
    # catalog's size, although not always right, is the only reference.
    marked = headers.get("Transfer-Encoding") or headers.get("Content-Encoding")
    if not marked and cataloged is not None and size < cataloged:
        raise BrokenBodyError(f"received {size} of {cataloged} bytes (no Content-Length was sent)")


def check_size(size: int, cataloged: int | None, most: int) -> None:
    """Raise if a body is too long to be the file; ``most`` is the limit if the catalog has no size."""
    limit, name = most, "conf.max_file_size"
    if cataloged is not None:
        limit = _SIZE_FACTOR * cataloged + _EXTRA_BYTES
        name = f"the limit for a file of {cataloged} bytes in the catalog"
    if size > limit:
        raise ResponseTooLargeError(f"the server sends at least {size} bytes, but {name} is {limit}")


def announced_checksums(
    headers: Mapping[str, str], *, whole: bool = True, cataloged: str | None = None
) -> list[Checksum]:
    """Return the digests of the complete file from the headers and the catalog."""
    found: list[Checksum | None] = [] if is_compressed(headers) else list(_of_headers(headers, whole))
    if cataloged and _HEX_MD5.fullmatch(cataloged.strip()):
        found.insert(0, Checksum("the catalog", "md5", bytes.fromhex(cataloged.strip())))
    return [checksum for checksum in found if checksum]


def _of_headers(headers: Mapping[str, str], whole: bool) -> Iterator[Checksum | None]:
    """Yield the digests in headers."""
    # These two refer to the complete file, even in a partial response (RFC 3230, RFC 9530)...
    for name in ("Digest", "Repr-Digest"):
        yield from _listed(name, headers)
    # ... and these to the body.  S3 objects uploaded in parts have a digest of digests that ends with "-<number>".
    if whole:
        yield from _listed("Content-Digest", headers)
        yield _encoded("Content-MD5", "md5", headers.get("Content-MD5", ""))
        yield _encoded("x-amz-checksum-sha256", "sha256", headers.get("x-amz-checksum-sha256", ""))


def _listed(name: str, headers: Mapping[str, str]) -> Iterator[Checksum | None]:
    """Yield the digests in a header that lists several: ``md5=<base64>,sha-256=:<base64>:``."""
    for part in headers.get(name, "").split(","):
        algorithm, _, value = part.strip().partition("=")
        yield _encoded(name, _ALGORITHMS.get(algorithm.lower(), ""), value.strip(":"))


def _encoded(given_by: str, algorithm: str, text: str) -> Checksum | None:
    """Return the checksum of a digest in base64; None if it is not valid."""
    if not (algorithm and text):
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    right = len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size
    return Checksum(given_by, algorithm, digest) if right else None


def check_checksums(checksums: Iterable[Checksum], digest_of: Callable[[str], bytes]) -> None:
    """Raise if a digest of the file differs from its checksum."""
    for checksum in checksums:
        found = digest_of(checksum.algorithm)
        if found != checksum.digest:
            raise WrongContentError(
                f"{checksum.algorithm.upper()} mismatch: got {found.hex()}, expected {checksum.digest.hex()} "
                f"(from {checksum.given_by})"
            )


# -- file signatures -----------------------------------------------------------------------------------------------

SIGNATURE_BYTES = 4096
"""The number of bytes from the start of a file to check: enough to quote an error message."""

# FITS standard 4.0, section 4.4.1.1; RFC 1952, section 2.3.1; APPNOTE 6.3.10 of PKWARE, sections 4.3.7, 4.3.9, 4.3.16.
_FITS = (b"SIMPLE  =",)
_GZIP = (b"\x1f\x8b",)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# A preview is usable in any of these formats.
_PICTURE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
_SIGNATURES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    # FITS readers decompress as they read, and some servers compress files regardless of the name.
    **dict.fromkeys((".fits", ".fit", ".fits.fz", ".fz"), ("FITS", _FITS + _GZIP)),
    **dict.fromkeys((".fits.gz", ".fit.gz"), ("gzip", _GZIP + _FITS)),
    **dict.fromkeys((".gz", ".tgz"), ("gzip", _GZIP)),
    **dict.fromkeys((".zip", ".aptx"), ("zip", _ZIP)),
    ".pdf": ("PDF", (b"%PDF",)),
    ".asdf": ("ASDF", (b"#ASDF",)),
    **dict.fromkeys((".jpg", ".jpeg", ".png"), ("picture", _PICTURE)),
}
_PAGE_BEGINS = (b"<!doctype html", b"<html")
# Errors in XML from storage services, with or without a declaration.
_XML_ERROR = re.compile(rb"(?:<\?xml[^>]*\?>\s*)?<(?:error|exception|servicexception|fault)\b")
# A JSON document with only these keys reports the outcome of a request.
_MESSAGE_PARTS = frozenset({"status", "msg", "message", "detail", "error", "description", "code", "request_id", "data"})
_MAX_QUOTE_LENGTH = 200
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class FileSignature:
    """The bytes at the start of files of one format."""

    kind: str = ""
    wanted: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, *names: str, packed: bool = False) -> FileSignature:
        """Return the signature for the first of some names that has an extension; an empty one if it is not known."""
        for name in names:
            endings = PurePosixPath(name.lower()).suffixes
            # The end of a query string ("get.cgi?file=x.fits&config=ops") is not a file extension.
            if endings and "?" not in name:
                known = (_SIGNATURES.get(ending) for ending in ("".join(endings[-2:]), endings[-1]))
                kind, wanted = next(filter(None, known), ("", ()))
                return cls() if packed and kind == "gzip" else cls(kind, wanted)
        return cls()

    def fits(self, start: bytes) -> bool:
        """Return whether the start of a file has this signature; always True if the signature is not known."""
        return not self.wanted or start.startswith(self.wanted)

    def may_fit(self, start: bytes) -> bool:
        """Return whether a file may have this signature, given only a few of its first bytes."""
        return self.fits(start) or any(wanted.startswith(start) for wanted in self.wanted)


def error_page(start: bytes, name: str, signature: FileSignature) -> str | None:
    """Return the text of an error page that was sent instead of a file; None if the body may be the file.

    A web page is not the file unless the name of the file says so.  Nor is an error message in XML or JSON, or plain
    text if the file should have a known signature.
    """
    head = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    ending = PurePosixPath(name.lower()).suffix
    is_page = head.startswith(_PAGE_BEGINS) and ending not in _PAGE_ENDINGS
    words = quote_error_page(start)
    if is_page or _is_message(head) or (not signature.may_fit(start) and words):
        return words or ": a web page"
    return None


def refuse_error_page(start: bytes, name: str, signature: FileSignature, *, is_product: bool) -> None:
    """Raise if what came is what a server says in place of a file; of an address, the caller reads what comes."""
    page = error_page(start, name, signature) if signature.wanted or is_product else None
    if page is not None:
        raise WrongContentError(f"MAST returned an error message instead of the file{page}")


def _is_message(head: bytes) -> bool:
    """Return whether a body is an error message in XML or JSON."""
    if _XML_ERROR.match(head):
        return True
    document = json_object(head)
    return bool(document) and document.keys() <= _MESSAGE_PARTS


def quote_error_page(start: bytes) -> str:
    """Return the text of an error page, ready to be appended to a message."""
    try:
        text = start.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as err:
        # Only at the end may a character be incomplete.
        if len(start) < SIGNATURE_BYTES or err.start < len(start) - 4:
            return ""
        text = start[: err.start].decode()
    text = " ".join(html.unescape(_MARKUP.sub(" ", message_in(text))).split())
    if not text or not text.isprintable():
        return ""
    return f": {text[:_MAX_QUOTE_LENGTH]}..." if len(text) > _MAX_QUOTE_LENGTH else f": {text}"


# -- length of FITS files -------------------------------------------------------------------------------------------

# The first bytes of FITS files and of extensions (FITS standard 4.0, sections 4.4.1.1 and 4.4.1.2).
_PRIMARY = b"SIMPLE  ="
_EXTENSION = b"XTENSION="
# Headers and data consist of blocks of this length, and headers of cards of this length (sections 3.1 and 4.1).
FITS_BLOCK = 2880
_CARD = 80
# The longest header accepted, in bytes: 400,000 cards.
_MAX_HEADER_SIZE = 1 << 25
# Raised for headers that cannot be parsed.
_UNREADABLE_HEADER = (KeyError, ValueError)


class FitsLength:
    """Parses the headers of a FITS file from its bytes, in pieces of any length, and skips the data."""

    def __init__(self) -> None:
        self.data = 0
        self.over = False
        self._headers = 0
        # The header being read.
        self._begun = bytearray()

    def add(self, piece: bytes) -> None:
        """Process the next bytes."""
        view = memoryview(piece)
        while view and not self.over:
            if self.data:
                taken = min(self.data, len(view))
                self.data -= taken
            else:
                # Only up to the end of the current block: data may follow.
                taken = min(FITS_BLOCK - len(self._begun) % FITS_BLOCK, len(view))
                self._begun += view[:taken]
                self._check_header()
            view = view[taken:]

    def is_truncated(self) -> bool:
        """Return whether the bytes start as a FITS file and end before the position given by the last header."""
        if not self._headers:
            return self._begun.startswith(_PRIMARY)
        return self.over or self.data > 0 or bool(self._begun)

    def _check_header(self) -> None:
        """Check whether the header is complete; what follows the last extension need not be a header."""
        beginning = _EXTENSION if self._headers else _PRIMARY
        if not beginning.startswith(self._begun[: len(beginning)]) or len(self._begun) > _MAX_HEADER_SIZE:
            self.over = True
        elif not len(self._begun) % FITS_BLOCK and ends_header(self._begun[-FITS_BLOCK:]):
            try:
                self.data = padded(length_of_data(bytes(self._begun)))
            except _UNREADABLE_HEADER:
                self.over = True
                return
            self._headers += 1
            self._begun.clear()


def ends_header(block: bytearray) -> bool:
    """Return whether a block of a header contains the END card."""
    return any(block[card : card + _CARD].rstrip(b" \0") == b"END" for card in range(0, FITS_BLOCK, _CARD))


def _card_values(text: bytes) -> dict[bytes, bytes]:
    """Return the values of a header by keyword; strings only up to the first slash."""
    cards = (text[start : start + _CARD] for start in range(0, len(text), _CARD))
    return {card[:8].rstrip(): card[10:].partition(b"/")[0].strip() for card in cards if card[8:10] == b"= "}


def length_of_data(text: bytes) -> int:
    """Return the number of bytes of the data after a header (sections 4.4.1, 6.1.1 and 7.1)."""
    values = _card_values(text)
    axes = [int(values[b"NAXIS%d" % number]) for number in range(1, int(values[b"NAXIS"]) + 1)]
    if axes and axes[0] == 0 and values.get(b"GROUPS") == b"T":
        del axes[0]
    number = math.prod(axes) + int(values.get(b"PCOUNT", 0)) if axes else 0
    bits = abs(int(values[b"BITPIX"])) * int(values.get(b"GCOUNT", 1)) * number
    if bits < 0 or min(axes, default=0) < 0:
        raise ValueError(f"data of {bits} bits")
    return -(-bits // 8)


def padded(length: int) -> int:
    """Return the number of bytes of data including the padding of the last block."""
    return -(-length // FITS_BLOCK) * FITS_BLOCK


def is_truncated(path: Path) -> bool:
    """Return whether a file starts as a FITS file and ends before the position given by its last header."""
    end, size = FitsLength(), path.stat().st_size
    with path.open("rb") as stream:
        while not end.over and (block := stream.read(FITS_BLOCK)):
            end.add(block)
            passed = min(end.data, size - stream.tell())
            stream.seek(passed, 1)
            end.data -= passed
    return end.is_truncated()
