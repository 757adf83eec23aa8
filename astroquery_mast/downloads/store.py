"""Files that go into a store that `fsspec` knows, ``s3://bucket/prefix`` or ``memory://x``, and not to a disk.

In: an address, or a place in a store. Out: places that are used like paths, a view of the store for the plan, and files
that appear when they are whole. Only "destination" imports this module, and only when a store is named.

What a store can promise differs, and with it what is promised here:

=============================  =====================================================================================
store                          under the final name there is
=============================  =====================================================================================
S3, Google Cloud Storage       the whole file or what was there before: an object appears when its upload is completed.
                               A process that is killed may leave an upload without end, which is never seen as an
                               object; a life-cycle rule of the bucket removes those.
others                         the whole file or what was there before, as far as the store moves a file in one step:
                               it is written under another name first. A process that is killed may leave that one.
=============================  =====================================================================================

There are no locks between processes, and nothing is resumed: a broken transfer begins again. Places in stores are
`upath.UPath` of the package universal_pathlib, which is needed beside `fsspec` and what that needs for the store:
``pip install astroquery_mast[cloud]``.
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
from .checks import LOOKED_AT, FitsLength
from .part_file import FileState, ResumePoint

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z0-9+.-]+)*)://")
_LOCAL = frozenset({"file", "local"})
_READ_ONLY = frozenset({"http", "https"})
# Stores in which an object appears when its upload is completed, and not before.
_COMMITTING = frozenset({"s3", "s3a", "gs", "gcs"})
# What the clients of stores raise beside OSError, without saying so to fsspec.
_FOREIGN = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
)


def place_in_store(where: Any) -> Path:
    """Return the place that an address or a path of `fsspec` names."""
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
    """A place of a store; a path if it is on this disk after all."""
    if protocol in _LOCAL or isinstance(place, Path):
        return Path(place.path)
    if protocol in _READ_ONLY:
        raise InvalidQueryError(f"{place}: cannot write files to a web server.")
    _ = place.fs  # fails now and not in mid-download if the store's package is missing
    return cast("Path", place)


class StoreFileSystem:
    """What lies in a store, for the plan: each folder is listed once, instead of asking for each file.

    Made anew for each plan, it sees the store as it is then.
    """

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, tuple[bool, int | None]]] = {}

    def size(self, path: Path) -> int | None:
        """Size of a file in bytes; None where there is nothing."""
        entry = self._listing(path.parent).get(path.name)
        return None if entry is None else entry[1] or 0

    def is_dir(self, path: Path) -> bool:
        """Whether a folder lies there."""
        entry = self._listed.get(str(path.parent), {}).get(path.name)
        return entry[0] if entry is not None else bool(self._listing(path))

    def resolve(self, path: Path) -> Path:
        """The place without ``..``; stores have no links."""
        return path.resolve()

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """No: stores have no links."""
        del folder, base
        return False

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """Nothing: a store appends no lines, and so has no register."""
        del folder
        return {}

    def md5(self, path: Path) -> None:
        """Nothing: the file would have to be fetched for it."""
        del path

    def _listing(self, folder: Path) -> dict[str, tuple[bool, int | None]]:
        """Names in a folder: whether each is a folder itself, and its size."""
        known = self._listed.get(str(folder))
        if known is None:
            known = self._listed[str(folder)] = dict(_entries(folder))
        return known


def _entries(folder: Any) -> Iterator[tuple[str, tuple[bool, int | None]]]:
    """The entries of a folder, as the store lists them now."""
    inside = folder.path.rstrip("/") + "/"
    with _as_os_errors():
        folder.fs.invalidate_cache(folder.path)
        try:
            found = folder.fs.ls(folder.path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
    for entry in found:
        name = entry["name"].rstrip("/")
        # A store may list the folder, or the file of that name, among the entries.
        if "/" + name.lstrip("/") != "/" + inside.strip("/"):
            yield name.rpartition("/")[2], (entry["type"] == "directory", entry["size"])


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Turn the errors of a store's client into `OSError`."""
    # Looked up when something has gone wrong: what is not imported has raised nothing.
    try:
        yield
    except _foreign() as err:
        raise OSError(f"{type(err).__name__}: {err}") from err


def _foreign() -> tuple[type[Exception], ...]:
    """The exceptions of clients that are in use."""
    modules = ((sys.modules.get(module), name) for module, name in _FOREIGN)
    return tuple(getattr(module, name) for module, name in modules if module is not None)


class _Upload(Protocol):
    """One file on its way into a store."""

    stream: IO[bytes]

    def commit(self) -> None:
        """Let it appear in its place."""

    def abandon(self) -> None:
        """Leave what was there before."""


class _CommittedUpload:
    """An upload that is completed at the end, or given up."""

    def __init__(self, place: Any) -> None:
        self.stream = place.fs.open(place.path, "wb", autocommit=False)

    def commit(self) -> None:
        self.stream.close()
        self.stream.commit()

    def abandon(self) -> None:
        # Closing it as a file would complete it.
        self.stream.closed = True
        self.stream.discard()


class _MovedUpload:
    """A file of another name, which is moved to its place at the end, or removed."""

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
    """Open a file of a store for writing, so that it appears when all of it is there."""
    protocols = {place.fs.protocol} if isinstance(place.fs.protocol, str) else set(place.fs.protocol)
    return _CommittedUpload(place) if protocols & _COMMITTING else _MovedUpload(place)


class StoreStream:
    """The bytes of a file on their way into a store: they cannot be read again, nor resumed.

    A `~astroquery_mast.downloads.destination.Sink`; as a context manager it leaves no file that was not finished.
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

    def take_up(self, url: str, check: Callable[[], None]) -> None:
        """Do nothing: a store keeps no parts."""

    def begin(self, point: ResumePoint | None, algorithms: Sequence[str] = ()) -> None:
        """Begin with the first byte; digests can be had of these algorithms, and SHA-256."""
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
        self._start += piece[: LOOKED_AT - len(self._start)]
        self._end.add(piece)
        for digest in self._digests.values():
            digest.update(piece)

    def reject(self) -> None:
        """Do nothing: none of the bytes is used again in any case."""

    def digest(self, algorithm: str) -> bytes:
        """Return a digest of all the bytes."""
        return self._digests[algorithm].digest()

    def start(self, number: int) -> bytes:
        """Return the first bytes, so many at most."""
        return self._start[:number]

    def is_truncated(self) -> bool:
        """Tell whether the bytes begin as FITS and end before the last header says."""
        return self._end.is_truncated()

    def finish(self, modified: float | None) -> None:
        """Let the whole file appear in its place; a store has times of its own."""
        del modified
        assert self._upload is not None
        with _as_os_errors():
            self._upload.commit()
        self._upload = None
        stored = size_in_store(self._place)
        if stored != self.size:
            raise OSError(f"wrote {self.size} bytes, but the store has {stored}")

    def discard(self) -> None:
        """End an upload without a file."""
        upload, self._upload = self._upload, None
        if upload is not None:
            with _as_os_errors():
                upload.abandon()


class StoreTarget:
    """The place of one file in a store, where there are no locks and no register."""

    def __init__(self, planned: PlannedFile) -> None:
        self._planned = planned

    def present(self) -> FileState | None:
        """Return what is there, unless it is to be replaced in any case."""
        if self._planned.action in {Action.FETCH, Action.RESUME}:
            return None
        size = size_in_store(self._planned.local_path)
        # A store's own time says when the file was written there, and not how old it is.
        return None if size is None else FileState(size)

    @contextmanager
    def claimed(self, stopped: Callable[[], bool]) -> Iterator[StoreStream]:
        """Give what takes the bytes; nobody else is kept away."""
        del stopped
        yield StoreStream(self._planned.local_path)

    def made_meanwhile(self, before: FileState | None) -> bool:
        """Nobody looks."""
        del before
        return False

    def other_file(self) -> str | None:
        """No names are registered in a store."""
        return None

    def register(self) -> None:
        """Do nothing: a store appends no lines."""


def size_in_store(place: Path) -> int | None:
    """Ask a store for the size of a file."""
    found = cast("Any", place)
    with _as_os_errors():
        found.fs.invalidate_cache(found.parent.path)
        try:
            return int(found.fs.info(found.path)["size"])
        except FileNotFoundError:
            return None
