"""Whether a FITS file breaks off: the one kind of file that tells by itself how long it has to be.

In: a file on disk.  Out: yes or no.  Products flow, before "transfer", which asks where the catalogue and the server
disagree about a length, so that a server that announces and sends too little is found out.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

__all__ = ["breaks_off"]

# With these bytes every FITS file begins (FITS standard 4.0, section 3.3.1 and 4.4.1.1).
_BEGINNING = b"SIMPLE  ="


def breaks_off(path: Path) -> bool:
    """Tell whether a file begins as FITS and ends before its last header says.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file.  Only its headers are read.

    Returns
    -------
    bool
        False also for what is no FITS file, a compressed one among them.
    """
    with path.open("rb") as stream:
        if stream.read(len(_BEGINNING)) != _BEGINNING:
            return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated", category=AstropyUserWarning)
        try:
            with fits.open(path, memmap=True, lazy_load_hdus=False, ignore_missing_simple=False) as hdus:
                last = hdus[-1].fileinfo()
                # What follows the last extension is the beginning of a header that did not come whole.
                return bool(path.stat().st_size > last["datLoc"] + last["datSpan"])
        except (OSError, AstropyUserWarning, fits.VerifyError):  # a header without an end, or data
            return True
