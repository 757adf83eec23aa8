"""The contents of a product's file, as an object that matches its format.

In: an open file and its name.  Out: an `~astropy.io.fits.HDUList`, an ``asdf.AsdfFile``, a table, an image, or text.
FITS and ASDF files stay open and are read as needed; other files are read completely.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Any, cast

from astropy.io import fits
from astropy.table import Table

from ..config import count_setting
from ..exceptions import InvalidArgumentError, InvalidQueryError, InvalidResponseError, MastError
from .checks import check_size

_SERVICE = "MAST download"
_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_COMPRESSED = re.compile(r"\.(gz|fz)$")
# The number of bytes that determine the format of a file without a known extension.
_DETECTION_BYTES = 1024
_STARTS = {
    b"SIMPLE  =": ".fits",
    b"#ASDF": ".asdf",
    b"# %ECSV": ".ecsv",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
}
_VOTABLE = re.compile(rb"<(\w+:)?VOTABLE\b")
# Raised by readers for files of another format or damaged ones.
_UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, zlib.error, struct.error, re.error, SyntaxError, fits.VerifyError, MemoryError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, NotImplementedError),
    # By astropy, for columns without a usable name.
    AssertionError,
)
# The same for optional packages, by module.
_OPTIONAL = {
    "yaml": "YAMLError",
    "asdf.exceptions": "ValidationError",
    "PIL.Image": "DecompressionBombError",
    "xml.parsers.expat": "ExpatError",
}


# -- readers -------------------------------------------------------------------------------------------------------


def _fits(file: IO[bytes], *, ignore_unrecognized: bool = True, **options: Any) -> fits.HDUList:
    """Open a FITS file; the option is for ASDF and ignored here."""
    del ignore_unrecognized
    return fits.open(file, **options)


def _asdf(file: IO[bytes], *, ignore_unrecognized: bool = True, **options: Any) -> Any:
    """Open an ASDF file; arrays are read when they are used, and objects with an unknown tag are plain values."""
    import asdf  # noqa: PLC0415 - optional

    options = {"ignore_unrecognized_tag": ignore_unrecognized, **options}
    if isinstance(getattr(file, "raw", None), io.FileIO):
        # asdf closes only files that it opened itself.
        with file:
            return asdf.open(file.name, **options)
    # asdf bypasses the buffer of the file that it is given.
    return asdf.open(io.BufferedReader(cast("Any", file)), **options)


def _picture(file: IO[bytes], **options: Any) -> Any:
    """Read an image."""
    from PIL import Image  # noqa: PLC0415 - optional

    picture = Image.open(file, **options)
    picture.load()
    return picture


def _table(kind: str, file: IO[bytes], **options: Any) -> Table:
    """Read a table from a text file."""
    return Table.read(io.BytesIO(file.read()), **{"format": kind, **options})


def _text(file: IO[bytes], encoding: str = "utf-8", errors: str = "replace") -> str:
    """Read the text of a file."""
    return file.read().decode(encoding, errors)


# Readers that keep the file open, and all readers.
# IUE spectra are FITS files with extensions that name the kind of spectrum.
_LAZY: dict[str, Callable[..., Any]] = {**dict.fromkeys((".fits", ".fit", ".mxlo", ".mxhi"), _fits), ".asdf": _asdf}
_READERS: dict[str, Callable[..., Any]] = {
    **_LAZY,
    ".csv": partial(_table, "ascii.csv"),
    ".ecsv": partial(_table, "ascii.ecsv"),
    ".vot": partial(_table, "votable"),
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".gif"), _picture),
    ".json": json.load,
    ".txt": _text,
}


# -- formats -------------------------------------------------------------------------------------------------------


def ending_of(name: str) -> str:
    """Return the extension that determines the format of a file, in lower case: ``.fits`` for ``X.FITS.gz``."""
    return PurePosixPath(_COMPRESSED.sub("", name.lower())).suffix


def has_reader(name: str) -> bool:
    """Return whether there is a reader for files with this name."""
    return ending_of(name) in _READERS


def check_kind(name: str) -> None:
    """Raise if there is no reader for files with this name."""
    if not has_reader(name):
        raise _unknown_kind(name)


def _unknown_kind(name: str) -> InvalidArgumentError:
    """Return the error for a file of unknown format."""
    known = ", ".join(_READERS)
    return InvalidArgumentError(
        f"No reader for {name!r}. read_product supports {known}. Use open_product to get the bytes of any file."
    )


def _kind_of(file: IO[bytes], name: str) -> str:
    """Return the format of a file by its name or its first bytes."""
    ending = ending_of(name)
    if ending in _READERS:
        return ending
    start = file.read(_DETECTION_BYTES)
    file.seek(0)
    kinds = (kind for beginning, kind in _STARTS.items() if start.startswith(beginning))
    found = next(kinds, ".vot" if _VOTABLE.search(start) else None)
    if found is None:
        raise _unknown_kind(name)
    return found


# -- contents ------------------------------------------------------------------------------------------------------


def unpacked(file: IO[bytes], name: str) -> IO[bytes]:
    """Return a file, or its decompressed contents in memory if it is compressed with gzip."""
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    if not packed:
        return file
    most, whole = count_setting("max_file_size"), io.BytesIO()
    with readable(name), gzip.open(io.BytesIO(file.read())) as content:
        while piece := content.read(_PIECE):
            check_size(whole.tell() + len(piece), None, most)
            whole.write(piece)
    whole.seek(0)
    return whole


def content_of(file: IO[bytes], name: str, options: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return the contents of a file, and whether the file must stay open as long as they are used."""
    with readable(name, options):
        plain = unpacked(file, name)
        kind = _kind_of(plain, name)
        return _READERS[kind](plain, **options), kind in _LAZY and plain is file


@contextmanager
def readable(name: str, options: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Convert the exceptions of a reader to errors of this package that name the file."""
    try:
        yield
    except MastError:
        raise
    except ImportError as err:
        hint = "pip install astroquery_mast[read]"
        raise InvalidQueryError(f"Missing dependency for reading {name} ({err}). Install it with: {hint}") from err
    except (*_UNREADABLE, *_of_optional_packages()) as err:
        if isinstance(err, TypeError) and options:
            raise InvalidArgumentError(f"{name} cannot be read with {', '.join(options)}: {err}") from err
        said = " ".join(str(err).split()) or type(err).__name__
        raise InvalidResponseError(f"Cannot read {name}: {said:.300}", service=_SERVICE) from err


def _of_optional_packages() -> list[type[Exception]]:
    """Return the exceptions of optional packages that are imported."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _OPTIONAL.items())
    return [each for each in found if each is not None]
