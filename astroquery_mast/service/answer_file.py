"""One kept answer in one file: written beside its place, read whole or not at all.

In: the bodies of an answer's pages.  Out: the same, from a zip file with one member for each page and one that tells of
them all.  The file has its name only when everything is in it, so that threads and processes may share a folder; one
that cannot be read is as good as none.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from astroquery import cache_conf, log

__all__ = ["BROKEN", "SUFFIX", "AnswerReader", "AnswerWriter", "age", "expiry", "reading", "remove"]

SUFFIX = ".mast.zip"
"""How the names of kept answers end."""
BROKEN = (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What is raised for a file that is not there, or not what was written."""
_PART = ".mast.part"
_ABOUT = "answer.json"
# What is left of a writer that was killed is removed after that long.
_ABANDONED = 86400.0
_PIECE = 1 << 20


class AnswerReader:
    """A kept answer that is being read; made by `reading`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.about: dict[str, Any] = json.loads(archive.read(_ABOUT))
        self.pages = int(self.about["pages"])
        if set(archive.namelist()) != {_ABOUT, *map(str, range(self.pages))}:
            raise zipfile.BadZipFile(f"{archive.filename} is not whole")

    def body(self, place: int) -> bytes:
        """Return the body of a page, counted from 0."""
        return self._archive.read(str(place))

    def check(self) -> None:
        """Raise one of `BROKEN` if a page after the first is damaged; the first is read at once."""
        for place in range(1, self.pages):
            with self._archive.open(str(place)) as page:
                while page.read(_PIECE):  # its end is where the checksum is compared
                    pass


@contextmanager
def reading(path: Path) -> Iterator[AnswerReader]:
    """Open a kept answer; raises one of `BROKEN` if that cannot be done."""
    with zipfile.ZipFile(path) as archive:
        yield AnswerReader(archive)


class AnswerWriter:
    """Writes an answer beside its place; if it cannot, there will be none, and nobody is stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._archive: zipfile.ZipFile | None = None
        self._pages = 0
        try:
            self._file = tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PART, delete=False)  # noqa: SIM115
            self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        except OSError as err:
            self._failed(err)

    def add(self, body: bytes) -> None:
        """Write one page."""
        if self._archive is None:
            return
        try:
            self._archive.writestr(str(self._pages), body)
            self._pages += 1
        except OSError as err:
            self._failed(err)

    def commit(self, about: Mapping[str, object]) -> None:
        """Give the file its name: all pages have been written."""
        if self._archive is None or self._file is None:
            return
        try:
            self._archive.writestr(_ABOUT, json.dumps({**about, "pages": self._pages}))
            self._archive.close()
            self._file.close()
            os.replace(self._file.name, self._path)  # noqa: PTH105 - its name is text
        except OSError as err:
            self._failed(err)
        self._archive = self._file = None

    def close(self) -> None:
        """Remove what was written, unless it has been given its name."""
        archive, file = self._archive, self._file
        self._archive = self._file = None
        if archive is not None:
            with suppress(OSError):
                archive.close()
        if file is not None:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink()

    def _failed(self, err: OSError) -> None:
        """Say why nothing is kept; the query itself goes on."""
        log.info("The answer cannot be kept: %s", err)
        self.close()


def expiry() -> float:
    """Return for how many seconds an answer is good: astroquery's setting, in which -1 means for ever."""
    seconds = float(cache_conf.cache_timeout)
    return math.inf if seconds == -1 else seconds


def age(path: Path) -> float:
    """Return the seconds since a file was written; infinite if it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return math.inf


def remove(folder: Path, *, only_old: bool) -> None:
    """Remove kept answers, and what was left of writing them."""
    for suffix, limit in ((SUFFIX, expiry()), (_PART, _ABANDONED)):
        for path in folder.glob(f"*{suffix}"):
            if not only_old or age(path) > limit:
                with suppress(OSError):
                    path.unlink()
