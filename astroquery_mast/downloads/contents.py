"""What is in the file of a product: the object that fits its kind.

In: an open file and its name.  Out: an `~astropy.io.fits.HDUList`, an ``asdf.AsdfFile``, a table, a picture, or text.
FITS and ASDF files stay open, and are read as far as they are used; other files are read whole.
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
# How much of a file is looked at to find out its kind, where its name does not tell.
_SEEN = 1024
_STARTS = {
    b"SIMPLE  =": ".fits",
    b"#ASDF": ".asdf",
    b"# %ECSV": ".ecsv",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
}
_VOTABLE = re.compile(rb"<(\w+:)?VOTABLE\b")
# What readers raise that meet something else than they were made for.
_UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, zlib.error, struct.error, re.error, SyntaxError, fits.VerifyError, MemoryError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, NotImplementedError),
    # By astropy, of columns without a usable name.
    AssertionError,
)
# The same of packages that are optional, by the module that has it.
_OPTIONAL = {
    "yaml": "YAMLError",
    "asdf.exceptions": "ValidationError",
    "PIL.Image": "DecompressionBombError",
    "xml.parsers.expat": "ExpatError",
}


# -- readers -------------------------------------------------------------------------------------------------------


def _fits(file: IO[bytes], *, ignore_unrecognized: bool = True, **options: Any) -> fits.HDUList:
    """A FITS file, which has nothing of what ASDF may not recognize."""
    del ignore_unrecognized
    return fits.open(file, **options)


def _asdf(file: IO[bytes], *, ignore_unrecognized: bool = True, **options: Any) -> Any:
    """An ASDF file, of which arrays are read when they are used; what has an unknown tag is a plain value."""
    import asdf  # noqa: PLC0415 - optional

    options = {"ignore_unrecognized_tag": ignore_unrecognized, **options}
    if isinstance(getattr(file, "raw", None), io.FileIO):
        # It closes only what it has opened itself.
        with file:
            return asdf.open(file.name, **options)
    # It reads past the buffer of what it is given.
    return asdf.open(io.BufferedReader(cast("Any", file)), **options)


def _picture(file: IO[bytes], **options: Any) -> Any:
    """A picture."""
    from PIL import Image  # noqa: PLC0415 - optional

    picture = Image.open(file, **options)
    picture.load()
    return picture


def _table(kind: str, file: IO[bytes], **options: Any) -> Table:
    """A table in a text file."""
    return Table.read(io.BytesIO(file.read()), **{"format": kind, **options})


def _text(file: IO[bytes], encoding: str = "utf-8", errors: str = "replace") -> str:
    """The text of a file."""
    return file.read().decode(encoding, errors)


# What keeps the file open, and what has read all of it.
# IUE's spectra are FITS files whose extensions name the kind of spectrum.
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


# -- kinds ---------------------------------------------------------------------------------------------------------


def ending_of(name: str) -> str:
    """Return the ending of a file's name that tells its kind, in small letters: ``.fits`` of ``X.FITS.gz``."""
    return PurePosixPath(_COMPRESSED.sub("", name.lower())).suffix


def has_reader(name: str) -> bool:
    """Tell whether files with such a name are read as objects."""
    return ending_of(name) in _READERS


def check_kind(name: str) -> None:
    """Raise if files with such a name are not read as objects."""
    if not has_reader(name):
        raise _unknown_kind(name)


def _unknown_kind(name: str) -> InvalidArgumentError:
    """The error for a file that there is no reader for."""
    known = ", ".join(_READERS)
    return InvalidArgumentError(
        f"No reader for {name!r}. read_product supports {known}. Use open_product to get the bytes of any file."
    )


def _kind_of(file: IO[bytes], name: str) -> str:
    """The kind of a file by its name, or by how it begins."""
    ending = ending_of(name)
    if ending in _READERS:
        return ending
    start = file.read(_SEEN)
    file.seek(0)
    kinds = (kind for beginning, kind in _STARTS.items() if start.startswith(beginning))
    found = next(kinds, ".vot" if _VOTABLE.search(start) else None)
    if found is None:
        raise _unknown_kind(name)
    return found


# -- what is in a file ---------------------------------------------------------------------------------------------


def unpacked(file: IO[bytes], name: str) -> IO[bytes]:
    """Return a file, or what is in it if it is compressed by gzip, as a file in memory."""
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
    """Return what is in a file, and whether the file is needed as long as that."""
    with readable(name, options):
        plain = unpacked(file, name)
        kind = _kind_of(plain, name)
        return _READERS[kind](plain, **options), kind in _LAZY and plain is file


@contextmanager
def readable(name: str, options: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Turn what a reader raises into an error of the package that names the file."""
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
    """What packages raise that may not be installed; looked up when something has gone wrong."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _OPTIONAL.items())
    return [each for each in found if each is not None]
