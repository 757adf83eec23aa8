"""The cache of responses on disk: a query is not sent again until its cached response expires.

In: a `~astroquery_mast.query.request.Question`, and the bodies of the pages of its response.  Out: the same bodies.
The cache is off by default, as in ``astroquery.mast``; ``conf.cache`` switches it on, astroquery's own ``cache_conf``
sets its expiry, and each query can override them.

One zip file contains one complete response, with one member for each page and one that describes them all, so that
pages of two responses never mix.  The file gets its final name only when it is complete, so that threads and processes
can share a folder.  A file that cannot be read is ignored.
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
    RuntimeError,  # also NotImplementedError, for compression methods, and RecursionError
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The exceptions that a missing or damaged file can raise."""
_FORM = 3  # version of the file format; increase it with each change
_SUFFIX, _PART = ".mast.zip", ".mast.part"
_ABOUT = "answer.json"
# Partial files of a writer that was killed are removed after this time (seconds).
_ABANDONED = 86400.0
_CHUNK = 1 << 20
_CLOCKS_DIFFER = 60.0


class ResponseCache:
    """The folder of cached responses."""

    def __init__(self, folder: Callable[[], Path], owner: Callable[[], str | None]) -> None:
        self._folder = folder
        self._owner = owner

    def entry(self, key: CacheKey, url: str) -> CacheEntry | None:
        """Return the cache entry of a query; None if the owner of the token is unknown, or there is no folder."""
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
        """Remove all cached responses."""
        _remove(self._folder(), only_old=False)


@dataclass(frozen=True)
class CacheEntry:
    """The cache file of one query, which may not exist yet."""

    path: Path
    fresh: bool
    same_owner: Callable[[], bool]

    @property
    def usable(self) -> bool:
        """Whether there is a cached response that has not expired and is not to be replaced."""
        return not self.fresh and _age(self.path) <= _expiry()

    @contextmanager
    def reading(self) -> Iterator[CachedResponse]:
        """Open the cached response; raise one of `UNREADABLE` if it cannot be read."""
        with zipfile.ZipFile(self.path) as archive:
            yield CachedResponse(archive)

    def writing(self) -> ResponseWriter:
        """Start writing the response."""
        return ResponseWriter(self)


class CachedResponse:
    """A cached response that is open for reading."""

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
        """Raise one of `UNREADABLE` if a page is damaged, except for the first page, which callers read at once."""
        for place in range(1, self.pages):
            with self._archive.open(str(place)) as page:
                while page.read(_CHUNK):  # the checksum is compared at the end
                    pass


class ResponseWriter:
    """Write a response to a temporary file next to its entry; if that fails, the response is just not cached."""

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
        """Give the complete file its final name, unless a page may have been requested with another user's token."""
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
        """Remove the temporary file unless it was committed, and remove expired responses."""
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
        """Log why the response is not cached; the query itself continues."""
        log.info("Could not write to the cache: %s", err)
        self.close()


def _expiry() -> float:
    """The lifetime of a cached response in seconds: astroquery's setting, in which -1 means forever."""
    seconds = float(cache_conf.cache_timeout)
    return math.inf if seconds == -1 else seconds


def _age(path: Path) -> float:
    """The age of a file in seconds; infinite if it is missing, not a regular file, or owned by another user."""
    try:
        found = path.stat()
    except OSError:
        return math.inf
    user = getattr(os, "geteuid", None)
    if not stat.S_ISREG(found.st_mode) or (user is not None and found.st_uid not in {user(), 0}):
        return math.inf
    age = time.time() - found.st_mtime
    # The clock of another computer may be up to a minute ahead.  A file from further in the future counts as expired.
    return age if age > -_CLOCKS_DIFFER else math.inf


def _remove(folder: Path, *, only_old: bool) -> None:
    """Remove cached responses, and partial files of interrupted writes."""
    for suffix, limit in ((_SUFFIX, _expiry()), (_PART, _ABANDONED)):
        for path in folder.glob(f"*{suffix}"):
            if not only_old or _age(path) > limit:
                with suppress(OSError):
                    path.unlink()
