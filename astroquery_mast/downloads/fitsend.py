"""Whether a FITS file breaks off: the one kind of file that tells by itself how long it has to be.

In: the bytes of a file, on a disk or as they come.  Out: yes or no.  Products flow, before "transfer" and "upload",
which ask where the catalogue and the server disagree about a length, so that a server that announces and sends too
little is found out.  What goes into a store is looked at on its way: as long as it can be given up it cannot be read
there, and afterwards it would have taken the place of the file before it.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

from astropy.io import fits

__all__ = ["FitsLength", "breaks_off"]

# With these bytes every FITS file begins, and every extension (FITS standard 4.0, sections 4.4.1.1 and 4.4.1.2).
_BEGINNING = b"SIMPLE  ="
_EXTENSION = b"XTENSION="
# Headers and data fill blocks of this length, and headers are made of such cards (sections 3.1 and 4.1).
_BLOCK = 2880
_CARD = 80
# Bytes of the longest header that is believed to be one: 400,000 cards.
_LONGEST = 1 << 25
# What is no header, for nobody can read it.
_UNREADABLE = (fits.VerifyError, KeyError, ValueError, TypeError)


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
                taken = min(_BLOCK - len(self._begun) % _BLOCK, len(view))
                self._begun += view[:taken]
                self._look()
            view = view[taken:]

    def breaks_off(self) -> bool:
        """Tell whether what has come begins as FITS and ends before the last header says."""
        if not self._headers:
            return self._begun.startswith(_BEGINNING)
        return self.over or self.data > 0 or bool(self._begun)

    def _look(self) -> None:
        """See whether the header has come whole; what follows the last extension may be none."""
        beginning = _EXTENSION if self._headers else _BEGINNING
        if not beginning.startswith(self._begun[: len(beginning)]) or len(self._begun) > _LONGEST:
            self.over = True
        elif not len(self._begun) % _BLOCK and _is_last(self._begun[-_BLOCK:]):
            try:
                self.data = _length_of_data(bytes(self._begun))
            except _UNREADABLE:
                self.over = True
                return
            self._headers += 1
            self._begun.clear()


def _is_last(block: bytearray) -> bool:
    """Whether a block of a header has its last card."""
    return any(block[card : card + _CARD].rstrip(b" \0") == b"END" for card in range(0, _BLOCK, _CARD))


def _length_of_data(text: bytes) -> int:
    """Bytes of the data after a header, with those that fill up the last block (sections 4.4.1, 6.1.1 and 7.1)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromstring(text)
        axes = [int(header[f"NAXIS{number}"]) for number in range(1, int(header["NAXIS"]) + 1)]
        if axes and axes[0] == 0 and header.get("GROUPS") is True:
            del axes[0]
        values = math.prod(axes) + int(header.get("PCOUNT", 0)) if axes else 0
        bits = abs(int(header["BITPIX"])) * int(header.get("GCOUNT", 1)) * values
    if bits < 0:
        raise ValueError(f"data of {bits} bits")
    return -(-bits // (8 * _BLOCK)) * _BLOCK


def breaks_off(path: Path) -> bool:
    """Tell whether a file begins as FITS and ends before its last header says."""
    end, size = FitsLength(), path.stat().st_size
    with path.open("rb") as stream:
        while not end.over and (block := stream.read(_BLOCK)):
            end.add(block)
            passed = min(end.data, size - stream.tell())
            stream.seek(passed, 1)
            end.data -= passed
    return end.breaks_off()
