"""How a file has to begin by its name, and what a server says that sends something else.

In: the name of a file, and its first bytes.  Out: an error if these are no beginning of such a file, with the words of
the page or message that came in its place.  Pure.  Products flow, within "transfer" and "upload".

Servers and what stands before them answer with status 200 and an error in JSON, a notice in HTML, or nothing at all.
Whatever they call it, a FITS file begins with ``SIMPLE`` or it is none.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..service.failures import BrokenBodyError
from .checks import WrongContentError

__all__ = ["LOOKED_AT", "Beginning", "quoted"]

LOOKED_AT = 4096
"""How many of the first bytes are wanted: enough for the words of a message."""

# FITS standard 4.0, section 4.4.1.1; RFC 1952, section 2.3.1; APPNOTE 6.3.10 of PKWARE, sections 4.3.7, 4.3.9, 4.3.16.
_FITS = (b"SIMPLE  =",)
_GZIP = (b"\x1f\x8b",)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
# A preview is of use whichever of these it is.
_PICTURE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")
_BEGINNINGS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    # What reads FITS files unpacks them as it reads, and some are packed on their way whatever they are called.
    **dict.fromkeys((".fits", ".fit", ".fits.fz", ".fz"), ("FITS", _FITS + _GZIP)),
    **dict.fromkeys((".fits.gz", ".fit.gz"), ("gzip", _GZIP + _FITS)),
    **dict.fromkeys((".gz", ".tgz"), ("gzip", _GZIP)),
    ".zip": ("zip", _ZIP),
    ".asdf": ("ASDF", (b"#ASDF",)),
    **dict.fromkeys((".jpg", ".jpeg", ".png"), ("picture", _PICTURE)),
}
# Where servers put their words into JSON.
_SPOKEN = ("msg", "message", "detail", "error", "description")
_MOST_WORDS = 200
_NOT_SHOWN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Beginning:
    """How a file has to begin."""

    kind: str = ""
    wanted: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, *names: str, packed: bool = False) -> Beginning:
        """Return how a file of these names begins."""
        for name in names:
            endings = PurePosixPath(name.lower()).suffixes
            # The ending of a question ("get.cgi?file=x.fits&config=ops") is not that of a file.
            if endings and "?" not in name:
                known = (_BEGINNINGS.get(ending) for ending in ("".join(endings[-2:]), endings[-1]))
                kind, wanted = next(filter(None, known), ("", ()))
                return cls() if packed and kind == "gzip" else cls(kind, wanted)
        return cls()

    def check(self, start: bytes) -> None:
        """Raise if a file does not begin so; a beginning that has not come whole is no reason."""
        known = any(start.startswith(wanted) or wanted.startswith(start) for wanted in self.wanted)
        if self.wanted and not known:
            raise WrongContentError(f"what the archive sent is no {self.kind} file{quoted(start)}")

    def check_whole(self, start: bytes, catalogued: int | None) -> None:
        """Raise if a file that came whole is too short to have a beginning at all."""
        if not start and catalogued:
            raise BrokenBodyError(f"0 bytes of {catalogued} arrived")
        if self.wanted and not start.startswith(self.wanted):
            raise BrokenBodyError(f"{len(start)} bytes arrived, which are no {self.kind} file")


def quoted(start: bytes) -> str:
    """Return what a server says in place of a file, to be put behind a message."""
    try:
        text = start.decode()
    except UnicodeDecodeError as err:
        # A letter may be cut in two at the end, and nowhere else.
        if len(start) < LOOKED_AT or err.start < len(start) - 4:
            return ""
        text = start[: err.start].decode()
    text = " ".join(html.unescape(_NOT_SHOWN.sub(" ", _spoken(text))).split())
    if not text or not text.isprintable():
        return ""
    return f": {text[:_MOST_WORDS]}..." if len(text) > _MOST_WORDS else f": {text}"


def _spoken(text: str) -> str:
    """The words in an answer of JSON; other text as it is."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = document if isinstance(document, dict) else {}
    return next((found[name] for name in _SPOKEN if isinstance(found.get(name), str) and found[name].strip()), text)
