"""Binary tables of FITS files, made by one thread at a time.

In: columns. Out: an HDU. numpy reads the formats of columns with `ast`, and in Python 3.11 that fails now and then if
several threads do it at once ("AST constructor recursion depth mismatch").
"""

from __future__ import annotations

import threading
from typing import Any

from astropy.io import fits

__all__ = ["binary_table"]

_TURN = threading.Lock()


def binary_table(columns: Any, **names: Any) -> fits.BinTableHDU:
    """Make a binary table; the arguments are those of `astropy.io.fits.BinTableHDU.from_columns`."""
    with _TURN:
        return fits.BinTableHDU.from_columns(columns, **names)
