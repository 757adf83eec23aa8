"""What an answer says of the bytes that belong to it, and whether the bytes that came are those.

In: headers, numbers of bytes, digests, and the bytes themselves.  Out: lengths, ranges, validators; a `BrokenBodyError`
where something is not as announced, with the words of the page or message that came in place of the file.

Servers and what stands before them answer with status 200 and an error in JSON, a notice in HTML, or nothing at all:
whatever they call it, a FITS file begins with ``SIMPLE``.  And where catalog and server disagree about a length, a FITS
file tells by itself how long it has to be.
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

# Headers that ask for the bytes as they are stored: they are counted, compared with Content-Length, and asked for by
# their positions.
AS_STORED: Mapping[str, str] = {"Accept-Encoding": "identity"}

# No file has a length of more digits, and Python reads no number of very many.
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_CONTENT_RANGE = re.compile(r"\s*bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18})\s*", re.IGNORECASE | re.ASCII)
# RFC 9110, section 8.8.3: an opaque quoted string; "W/" before it would make it weak.
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_PAGES = {"text/html", "application/xhtml+xml"}
_PAGE_ENDINGS = {".html", ".htm", ".xhtml", ".shtml"}
# A file that is longer than the catalog says, which is not always right, is taken up to so many times that, and so many
# bytes more: a server that never stops must not fill the disk.
_TIMES, _BYTES_MORE = 10, 10**9
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
    if not _LENGTH.fullmatch(length) or is_packed(headers):
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
    return http_date(headers.get("Last-Modified", ""))


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """Tell by what the very same bytes can be recognized later, for ``If-Range``."""
    etag = headers.get("ETag", "").strip()
    if _STRONG_ETAG.fullmatch(etag):
        return etag
    changed = last_modified(headers)
    if changed is None:
        return None
    answered = http_date(headers.get("Date", "")) or datetime.now(UTC)
    return headers["Last-Modified"].strip() if answered - changed >= timedelta(seconds=1) else None


def is_web_page(headers: Mapping[str, str], name: str) -> bool:
    """Tell whether an answer is a page for people, such as a notice of maintenance, in place of a file."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    ending = PurePosixPath(name).suffix.lower()
    return kind in _PAGES and bool(ending) and ending not in _PAGE_ENDINGS


def check_length(headers: Mapping[str, str], size: int, cataloged: int | None) -> None:
    """Raise if a body that was asked for as a whole is known to be cut."""
    expected = announced_length(headers)
    if expected is not None:
        if size != expected:
            raise BrokenBodyError(f"received {size} of {expected} bytes")
        return
    # A chunked or compressed body carries its own end mark. A body that ends with the connection does not: then the
    # catalog, though not always right, is the only witness.
    marked = headers.get("Transfer-Encoding") or headers.get("Content-Encoding")
    if not marked and cataloged is not None and size < cataloged:
        raise BrokenBodyError(f"received {size} of {cataloged} bytes (no Content-Length was sent)")


def check_size(size: int, cataloged: int | None, most: int) -> None:
    """Raise if so much is to come that it is not the file; ``most`` holds where the catalog does not tell its size."""
    limit, name = most, "conf.max_file_size"
    if cataloged is not None:
        limit = _TIMES * cataloged + _BYTES_MORE
        name = f"the limit for a file of {cataloged} bytes in the catalog"
    if size > limit:
        raise ResponseTooLargeError(f"the server sends at least {size} bytes, but {name} is {limit}")


def announced_checksums(
    headers: Mapping[str, str], *, whole: bool = True, cataloged: str | None = None
) -> list[Checksum]:
    """Collect the digests of the whole file that the archive gives."""
    found: list[Checksum | None] = [] if is_packed(headers) else list(_of_headers(headers, whole))
    if cataloged and _HEX_MD5.fullmatch(cataloged.strip()):
        found.insert(0, Checksum("the catalog", "md5", bytes.fromhex(cataloged.strip())))
    return [checksum for checksum in found if checksum]


def _of_headers(headers: Mapping[str, str], whole: bool) -> Iterator[Checksum | None]:
    """The digests that headers give."""
    # These two speak of the file, whatever part of it is sent (RFC 3230, RFC 9530)...
    for name in ("Digest", "Repr-Digest"):
        yield from _listed(name, headers)
    # ... and these of the body; an S3 object that was uploaded in parts has "-<number>" behind a digest of digests.
    if whole:
        yield from _listed("Content-Digest", headers)
        yield _encoded("Content-MD5", "md5", headers.get("Content-MD5", ""))
        yield _encoded("x-amz-checksum-sha256", "sha256", headers.get("x-amz-checksum-sha256", ""))


def _listed(name: str, headers: Mapping[str, str]) -> Iterator[Checksum | None]:
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
                f"{checksum.algorithm.upper()} mismatch: got {found.hex()}, expected {checksum.digest.hex()} "
                f"(from {checksum.given_by})"
            )


# -- how a file begins ---------------------------------------------------------------------------------------------

LOOKED_AT = 4096
"""How many of the first bytes are wanted: enough for the words of a message."""

# FITS standard 4.0, section 4.4.1.1; RFC 1952, section 2.3.1; APPNOTE 6.3.10 of PKWARE, sections 4.3.7, 4.3.9, 4.3.16.
_FITS = (b"SIMPLE  =",)
_GZIP = (b"\x1f\x8b",)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# A preview is of use whichever of these it is.
_PICTURE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
_SIGNATURES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    # What reads FITS files unpacks them as it reads, and some are packed on their way whatever they are called.
    **dict.fromkeys((".fits", ".fit", ".fits.fz", ".fz"), ("FITS", _FITS + _GZIP)),
    **dict.fromkeys((".fits.gz", ".fit.gz"), ("gzip", _GZIP + _FITS)),
    **dict.fromkeys((".gz", ".tgz"), ("gzip", _GZIP)),
    **dict.fromkeys((".zip", ".aptx"), ("zip", _ZIP)),
    ".pdf": ("PDF", (b"%PDF",)),
    ".asdf": ("ASDF", (b"#ASDF",)),
    **dict.fromkeys((".jpg", ".jpeg", ".png"), ("picture", _PICTURE)),
}
_PAGE_BEGINS = (b"<!doctype html", b"<html")
# What storage services and the like answer, with or without a declaration before it.
_XML_ERROR = re.compile(rb"(?:<\?xml[^>]*\?>\s*)?<(?:error|exception|servicexception|fault)\b")
# A document that has nothing but these says how a request ended.
_MESSAGE_PARTS = frozenset({"status", "msg", "message", "detail", "error", "description", "code", "request_id", "data"})
_LONGEST_QUOTE = 200
_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class FileSignature:
    """How a file has to begin."""

    kind: str = ""
    wanted: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, *names: str, packed: bool = False) -> FileSignature:
        """Return how a file of these names begins."""
        for name in names:
            endings = PurePosixPath(name.lower()).suffixes
            # The ending of a question ("get.cgi?file=x.fits&config=ops") is not that of a file.
            if endings and "?" not in name:
                known = (_SIGNATURES.get(ending) for ending in ("".join(endings[-2:]), endings[-1]))
                kind, wanted = next(filter(None, known), ("", ()))
                return cls() if packed and kind == "gzip" else cls(kind, wanted)
        return cls()

    def fits(self, start: bytes) -> bool:
        """Tell whether a file begins so; where nothing is known of its name, every file does."""
        return not self.wanted or start.startswith(self.wanted)

    def may_fit(self, start: bytes) -> bool:
        """Tell the same of a file of which only a few bytes have come."""
        return self.fits(start) or any(wanted.startswith(start) for wanted in self.wanted)


def error_page(start: bytes, name: str, signature: FileSignature) -> str | None:
    """Return what a server says in place of a file; None if what came may be the file.

    A web page is none, unless it is called one, nor is a message of error in XML or JSON; and no file whose beginning
    is known consists of words.
    """
    head = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    ending = PurePosixPath(name.lower()).suffix
    is_page = head.startswith(_PAGE_BEGINS) and ending not in _PAGE_ENDINGS
    words = quote_error_page(start)
    if is_page or _is_message(head) or (not signature.may_fit(start) and words):
        return words or ": a web page"
    return None


def _is_message(head: bytes) -> bool:
    """Whether a body is a short message of error in XML or JSON."""
    if _XML_ERROR.match(head):
        return True
    document = json_object(head)
    return bool(document) and document.keys() <= _MESSAGE_PARTS


def quote_error_page(start: bytes) -> str:
    """Return what a server says in place of a file, to be put behind a message."""
    try:
        text = start.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as err:
        # A letter may be cut in two at the end, and nowhere else.
        if len(start) < LOOKED_AT or err.start < len(start) - 4:
            return ""
        text = start[: err.start].decode()
    text = " ".join(html.unescape(_MARKUP.sub(" ", message_in(text))).split())
    if not text or not text.isprintable():
        return ""
    return f": {text[:_LONGEST_QUOTE]}..." if len(text) > _LONGEST_QUOTE else f": {text}"


# -- where a FITS file ends -----------------------------------------------------------------------------------------

# With these bytes every FITS file begins, and every extension (FITS standard 4.0, sections 4.4.1.1 and 4.4.1.2).
_PRIMARY = b"SIMPLE  ="
_EXTENSION = b"XTENSION="
# Headers and data fill blocks of this length, and headers are made of such cards (sections 3.1 and 4.1).
FITS_BLOCK = 2880
_CARD = 80
# Bytes of the longest header that is believed to be one: 400,000 cards.
_LONGEST_HEADER = 1 << 25
# What is no header, for nobody can read it.
_UNREADABLE_HEADER = (KeyError, ValueError)


class FitsLength:
    """Follows the headers of a FITS file through its bytes, in pieces of any length, and passes over its data."""

    def __init__(self) -> None:
        self.data = 0
        self.over = False
        self._headers = 0
        # The header that has begun.
        self._begun = bytearray()

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(piece)
        while view and not self.over:
            if self.data:
                taken = min(self.data, len(view))
                self.data -= taken
            else:
                # Not more than the block that has begun: data may follow.
                taken = min(FITS_BLOCK - len(self._begun) % FITS_BLOCK, len(view))
                self._begun += view[:taken]
                self._look()
            view = view[taken:]

    def is_truncated(self) -> bool:
        """Tell whether what has come begins as FITS and ends before the last header says."""
        if not self._headers:
            return self._begun.startswith(_PRIMARY)
        return self.over or self.data > 0 or bool(self._begun)

    def _look(self) -> None:
        """See whether the header has come whole; what follows the last extension may be none."""
        beginning = _EXTENSION if self._headers else _PRIMARY
        if not beginning.startswith(self._begun[: len(beginning)]) or len(self._begun) > _LONGEST_HEADER:
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
    """Whether a block of a header has its last card."""
    return any(block[card : card + _CARD].rstrip(b" \0") == b"END" for card in range(0, FITS_BLOCK, _CARD))


def _card_values(text: bytes) -> dict[bytes, bytes]:
    """The values on the cards of a header, by their keywords; of texts only the beginning."""
    cards = (text[start : start + _CARD] for start in range(0, len(text), _CARD))
    return {card[:8].rstrip(): card[10:].partition(b"/")[0].strip() for card in cards if card[8:10] == b"= "}


def length_of_data(text: bytes) -> int:
    """Bytes of the data after a header (sections 4.4.1, 6.1.1 and 7.1)."""
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
    """Bytes of data, with those that fill up the last block."""
    return -(-length // FITS_BLOCK) * FITS_BLOCK


def is_truncated(path: Path) -> bool:
    """Tell whether a file begins as FITS and ends before its last header says."""
    end, size = FitsLength(), path.stat().st_size
    with path.open("rb") as stream:
        while not end.over and (block := stream.read(FITS_BLOCK)):
            end.add(block)
            passed = min(end.data, size - stream.tell())
            stream.seek(passed, 1)
            end.data -= passed
    return end.is_truncated()
