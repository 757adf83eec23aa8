"""Answers kept on disk, for those who ask for it: a question that was answered is not sent again until that expires.

In: a `~astroquery_mast.query.request.Question`, and the bodies of the pages of its answer.  Out: the same bodies.  Off
by default, as in ``astroquery.mast``; ``conf.cache`` and astroquery's own ``cache_conf`` switch it on and set its
expiry, and each question may say otherwise.

One zip file holds one whole answer, with one member for each page and one that tells of them all: pages of two answers
never mix.  The file has its name only when everything is in it, so that threads and processes may share a folder; one
that cannot be read counts as none.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
import os
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from astroquery import cache_conf, log

from ..config import count_setting
from ..query.request import CacheKey
from ..tables.table import now_iso

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,  # also NotImplementedError, for methods of packing, and RecursionError
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What is raised for a file that is not there, or not what was written."""
_FORM = 3  # of what is written; to be changed with it
_SUFFIX, _PART = ".mast.zip", ".mast.part"
_ABOUT = "answer.json"
# What a writer that was killed has left is removed after that long.
_ABANDONED = 86400.0
_CHUNK = 1 << 20
_CLOCKS_DIFFER = 60.0


class AnswerCache:
    """The folder of kept answers."""

    def __init__(self, folder: Callable[[], Path], owner: Callable[[], str | None]) -> None:
        self._folder = folder
        self._owner = owner

    def entry(self, key: CacheKey, url: str) -> CacheEntry | None:
        """Return the place of an answer; None if it is not known whose it is, or there is no folder."""
        owner = self._owner()
        if owner is None:
            return None
        try:
            folder = self._folder()
        except OSError as err:
            log.info("No folder available for the cache: %s", err)
            return None
        text = json.dumps({"form": _FORM, "server": url, "owner": owner, **key.parts}, sort_keys=True)
        path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}{_SUFFIX}"
        return CacheEntry(path, key.fresh, lambda: self._owner() == owner)

    def clear(self) -> None:
        """Remove all kept answers."""
        _remove(self._folder(), only_old=False)


@dataclass(frozen=True)
class CacheEntry:
    """The place of one answer."""

    path: Path
    fresh: bool
    same_owner: Callable[[], bool]

    @property
    def usable(self) -> bool:
        """Whether there is an answer that is neither expired nor to be replaced."""
        return not self.fresh and _age(self.path) <= _expiry()

    @contextmanager
    def reading(self) -> Iterator[KeptAnswer]:
        """Open the answer; raises one of `UNREADABLE` if that cannot be done."""
        with zipfile.ZipFile(self.path) as archive:
            yield KeptAnswer(archive)

    def writing(self) -> AnswerWriter:
        """Begin to write the answer."""
        return AnswerWriter(self)


class KeptAnswer:
    """A kept answer that is being read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        largest = count_setting("max_response_size")
        if any(member.file_size > largest for member in archive.infolist()):
            raise zipfile.BadZipFile(f"{archive.filename} contains a page larger than the maximum response size")
        about = json.loads(archive.read(_ABOUT))
        self.about: dict[str, Any] = dict(about)
        self.time = str(about["time"])
        self.pages = operator.index(about["pages"])
        names = archive.namelist()
        if self.pages != len(names) - 1 or set(names) != {_ABOUT, *map(str, range(self.pages))}:
            raise zipfile.BadZipFile(f"{archive.filename} is incomplete")

    def body(self, place: int) -> bytes:
        """Return the body of a page, counted from 0."""
        return self._archive.read(str(place))

    def check(self) -> None:
        """Raise one of `UNREADABLE` if a page after the first is damaged; the first is read at once."""
        for place in range(1, self.pages):
            with self._archive.open(str(place)) as page:
                while page.read(_CHUNK):  # its end is where the checksum is compared
                    pass


class AnswerWriter:
    """Writes an answer beside its place; if it cannot, there will be none, and nobody is stopped."""

    def __init__(self, entry: CacheEntry) -> None:
        self._entry = entry
        self._file: IO[bytes] | None = None
        self._archive: zipfile.ZipFile | None = None
        self._pages = 0
        try:
            self._file = tempfile.NamedTemporaryFile(dir=entry.path.parent, suffix=_PART, delete=False)  # noqa: SIM115
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
        """Give the file its name, now that it has all pages; unless one may have been sent with another's token."""
        if self._archive is None or self._file is None or not self._entry.same_owner():
            return
        try:
            self._archive.writestr(_ABOUT, json.dumps({"time": now_iso(), "pages": self._pages, **about}))
            self._archive.close()
            self._file.close()
            os.replace(self._file.name, self._entry.path)  # noqa: PTH105 - its name is text
        except OSError as err:
            self._failed(err)
        self._archive = self._file = None

    def close(self) -> None:
        """Remove what was written, unless it has been given its name, and what has expired."""
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
        _remove(self._entry.path.parent, only_old=True)

    def _failed(self, err: OSError) -> None:
        """Say why nothing is kept; the query itself goes on."""
        log.info("Could not write to the cache: %s", err)
        self.close()


def _expiry() -> float:
    """For how many seconds an answer is good: astroquery's setting, in which -1 means for ever."""
    seconds = float(cache_conf.cache_timeout)
    return math.inf if seconds == -1 else seconds


def _age(path: Path) -> float:
    """The seconds since a file was written; infinite if it is not there, not a file, or another user's."""
    try:
        found = path.stat()
    except OSError:
        return math.inf
    user = getattr(os, "geteuid", None)
    if not stat.S_ISREG(found.st_mode) or (user is not None and found.st_uid not in {user(), 0}):
        return math.inf
    age = time.time() - found.st_mtime
    # A file of the future is as old as a clock that was wrong; a minute may be the clock of another computer.
    return age if age > -_CLOCKS_DIFFER else math.inf


def _remove(folder: Path, *, only_old: bool) -> None:
    """Remove kept answers, and what was left of writing them."""
    for suffix, limit in ((_SUFFIX, _expiry()), (_PART, _ABANDONED)):
        for path in folder.glob(f"*{suffix}"):
            if not only_old or _age(path) > limit:
                with suppress(OSError):
                    path.unlink()
