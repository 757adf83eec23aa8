"""Downloads into object stores supported by `fsspec`, such as ``s3://bucket/prefix`` or ``memory://x``.

In: an address, or a location in a store. Out: path-like locations, a view of the store for the plan, and files that
appear only when they are complete. Only "destination" imports this module, and only for an address of a store.

Stores differ in what they guarantee, and so do the guarantees for downloads:

=============================  =====================================================================================
store                          content of a file under its final name
=============================  =====================================================================================
S3, Google Cloud Storage       complete, or as before the download: an object appears when its upload is completed. A
                               process that is killed may leave an incomplete upload, which never becomes an object;
                               a lifecycle rule of the bucket can remove those.
others                         complete, or as before the download, if the store moves files in one step: the file is
                               written under another name first. A process that is killed may leave that file.
=============================  =====================================================================================

There are no locks between processes, and transfers are not resumed: an interrupted transfer starts over. Locations are
`upath.UPath` objects of the package universal_pathlib, which is required in addition to `fsspec` and its package for
the store: ``pip install astroquery_mast[cloud]``.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self, cast

from ..exceptions import InvalidQueryError
from ..products.plan import Action, PlannedFile
from .checks import SIGNATURE_BYTES, FitsLength
from .part_file import FileState, ResumePoint

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z0-9+.-]+)*)://")
_LOCAL = frozenset({"file", "local"})
_READ_ONLY = frozenset({"http", "https"})
# Stores in which an object appears only when its upload is completed.
_COMMITTING = frozenset({"s3", "s3a", "gs", "gcs"})
# Exceptions that clients of stores raise in addition to OSError, and fsspec does not convert.
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
)


def place_in_store(where: Any) -> Path:
    """Return the location for an address or a path of `fsspec`."""
    if not isinstance(where, str | os.PathLike) or hasattr(where, "fs"):
        protocol = getattr(where, "protocol", None)
        if protocol is None:
            raise InvalidQueryError(f"{where!r} is not a folder. Use a path, or a URL such as 's3://bucket/prefix'.")
        return _on_disk_or_not(where, str(protocol))
    match = _URL.match(os.fspath(where))
    if match is None:
        return Path(where)
    try:
        return _on_disk_or_not(import_module("upath").UPath(where), match[1])
    except ImportError as err:
        raise InvalidQueryError(
            f"Writing to {where} requires optional packages ({err}). Install them with: pip install "
            "astroquery_mast[cloud]"
        ) from err
    except ValueError as err:
        raise InvalidQueryError(f"{where}: {err}") from err


def _on_disk_or_not(place: Any, protocol: str) -> Path:
    """Return a location in a store, or a path if it is on the local disk."""
    if protocol in _LOCAL or isinstance(place, Path):
        return Path(place.path)
    if protocol in _READ_ONLY:
        raise InvalidQueryError(f"{place}: cannot write files to a web server.")
    _ = place.fs  # raises now instead of during the download if the package for the store is missing
    return cast("Path", place)


class StoreFileSystem:
    """The existing files in a store, for the plan: each folder is listed once, instead of a request for each file.

    A new one is made for each plan.
    """

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, tuple[bool, int | None]]] = {}

    def size(self, path: Path) -> int | None:
        """Return the size of a file in bytes; None if it does not exist."""
        entry = self._listing(path.parent).get(path.name)
        return None if entry is None else entry[1] or 0

    def is_dir(self, path: Path) -> bool:
        """Return whether a location is a folder."""
        entry = self._listed.get(str(path.parent), {}).get(path.name)
        return entry[0] if entry is not None else bool(self._listing(path))

    def resolve(self, path: Path) -> Path:
        """Return the location without ``..``; stores have no links."""
        return path.resolve()

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """Return False: stores have no links."""
        del folder, base
        return False

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """Return no names: stores cannot append lines, and so have no register."""
        del folder
        return {}

    def md5(self, path: Path) -> None:
        """Return None: the file would have to be downloaded to compute it."""
        del path

    def _listing(self, folder: Path) -> dict[str, tuple[bool, int | None]]:
        """Return the entries of a folder by name: whether it is a folder, and its size."""
        known = self._listed.get(str(folder))
        if known is None:
            known = self._listed[str(folder)] = dict(_entries(folder))
        return known


def _entries(folder: Any) -> Iterator[tuple[str, tuple[bool, int | None]]]:
    """Yield the entries of a folder, listed without the cache of `fsspec`."""
    inside = folder.path.rstrip("/") + "/"
    with _as_os_errors():
        folder.fs.invalidate_cache(folder.path)
        try:
            found = folder.fs.ls(folder.path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
    for entry in found:
        name = entry["name"].rstrip("/")
        # Some stores include the folder itself, or a file with its name, among the entries.
        if "/" + name.lstrip("/") != "/" + inside.strip("/"):
            yield name.rpartition("/")[2], (entry["type"] == "directory", entry["size"])


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Convert the exceptions of a store's client to `OSError`."""
    # Looked up only after an exception: a module that is not imported cannot have raised it.
    try:
        yield
    except _foreign() as err:
        raise OSError(f"{type(err).__name__}: {err}") from err


def _foreign() -> tuple[type[Exception], ...]:
    """Return the exceptions of the clients that are imported."""
    modules = ((sys.modules.get(module), name) for module, name in _FOREIGN)
    return tuple(getattr(module, name) for module, name in modules if module is not None)


class _Upload(Protocol):
    """An upload of one file into a store."""

    stream: IO[bytes]

    def commit(self) -> None:
        """Make the file appear under its name."""

    def abandon(self) -> None:
        """Cancel the upload, and leave the previous file."""


class _CommittedUpload:
    """An upload that is completed at the end, or aborted."""

    def __init__(self, place: Any) -> None:
        self.stream = place.fs.open(place.path, "wb", autocommit=False)

    def commit(self) -> None:
        self.stream.close()
        self.stream.commit()

    def abandon(self) -> None:
        # Closing the stream would complete the upload.
        self.stream.closed = True
        self.stream.discard()


class _MovedUpload:
    """A file under another name, which is renamed at the end, or removed."""

    def __init__(self, place: Any) -> None:
        self._place, self._store = place, place.fs
        self._aside = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part").path
        self._store.makedirs(place.parent.path, exist_ok=True)
        self.stream = self._store.open(self._aside, "wb")

    def commit(self) -> None:
        self.stream.close()
        self._store.mv(self._aside, self._place.path)

    def abandon(self) -> None:
        try:
            self.stream.close()
        finally:
            if self._store.exists(self._aside):
                self._store.rm(self._aside)


def _upload(place: Any) -> _Upload:
    """Start an upload of a file that appears only when it is complete."""
    protocols = {place.fs.protocol} if isinstance(place.fs.protocol, str) else set(place.fs.protocol)
    return _CommittedUpload(place) if protocols & _COMMITTING else _MovedUpload(place)


class StoreStream:
    """The bytes of a file that is uploaded to a store: they cannot be read again, and transfers cannot be resumed.

    A `~astroquery_mast.downloads.destination.Sink`; as a context manager, it cancels an upload that is not finished.
    """

    resume_point: ResumePoint | None = None
    resumable = False

    def __init__(self, place: Path) -> None:
        self.size = 0
        self._place = place
        self._upload: _Upload | None = None
        self._start = b""
        self._end = FitsLength()
        self._digests: dict[str, hashlib._Hash] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.discard()

    def resume_from(self, url: str, check: Callable[[], None]) -> None:
        """Do nothing: transfers into stores cannot be resumed."""

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Start from the first byte; digests are computed with these algorithms and SHA-256."""
        del point
        self.discard()
        self.size, self._start, self._end = 0, b"", FitsLength()
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *algorithms}}
        with _as_os_errors():
            self._upload = _upload(self._place)

    def write(self, piece: bytes) -> None:
        """Append bytes."""
        assert self._upload is not None
        with _as_os_errors():
            self._upload.stream.write(piece)
        self.size += len(piece)
        self._start += piece[: SIGNATURE_BYTES - len(self._start)]
        self._end.add(piece)
        for digest in self._digests.values():
            digest.update(piece)

    def reject(self) -> None:
        """Do nothing: the bytes are never used again."""

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all bytes."""
        return self._digests[algorithm].digest()

    def start(self, number: int) -> bytes:
        """Return at most this number of bytes from the start."""
        return self._start[:number]

    def is_truncated(self) -> bool:
        """Return whether the bytes start as a FITS file and end before the position given by the last header."""
        return self._end.is_truncated()

    def finish(self, modified: float | None) -> None:
        """Complete the upload; the store sets the modification time."""
        del modified
        assert self._upload is not None
        with _as_os_errors():
            self._upload.commit()
        self._upload = None
        stored = size_in_store(self._place)
        if stored != self.size:
            raise OSError(f"wrote {self.size} bytes, but the store has {stored}")

    def discard(self) -> None:
        """Cancel the upload, if there is one."""
        upload, self._upload = self._upload, None
        if upload is not None:
            with _as_os_errors():
                upload.abandon()


class StoreTarget:
    """The destination of one file in a store, without locks or register."""

    def __init__(self, planned: PlannedFile) -> None:
        self._planned = planned

    def present(self) -> FileState | None:
        """Return the state of the existing file; None if there is no file or it will be replaced in any case."""
        if self._planned.action in {Action.FETCH, Action.RESUME}:
            return None
        size = size_in_store(self._planned.local_path)
        # The modification time in a store is that of the upload, and not that of the file.
        return None if size is None else FileState(size)

    @contextmanager
    def claimed(self, stopped: Callable[[], bool]) -> Iterator[StoreStream]:
        """Return the receiver of the bytes, without a lock."""
        del stopped
        yield StoreStream(self._planned.local_path)

    def created_meanwhile(self, before: FileState | None) -> bool:
        """Return False: this is not checked in stores."""
        del before
        return False

    def other_file(self) -> str | None:
        """Return None: stores have no register."""
        return None

    def register(self) -> None:
        """Do nothing: stores have no register."""


def size_in_store(place: Path) -> int | None:
    """Return the current size of a file in a store, in bytes; None if it does not exist."""
    found = cast("Any", place)
    with _as_os_errors():
        found.fs.invalidate_cache(found.parent.path)
        try:
            return int(found.fs.info(found.path)["size"])
        except FileNotFoundError:
            return None
