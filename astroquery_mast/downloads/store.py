"""Where files go if not to a disk: a store that `fsspec` knows, ``s3://bucket/prefix`` or ``memory://x``.

In: the folder that a user names. Out: places that are used like paths, a view of the store for the plan, and files that
appear when they are whole. Products flow, beside the disk; `~astroquery_mast.downloads.upload.transfer_to` fills them.

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

import os
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from ..exceptions import InvalidQueryError

__all__ = ["StoreFileSystem", "destination", "is_remote", "recorded_place", "size_in_store", "whole_or_absent"]

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


def destination(where: str | os.PathLike[str] | None) -> Path:
    """Return the folder that a user names."""
    place = recorded_place(where)
    try:
        return place if is_remote(place) else place.expanduser()
    except RuntimeError as err:
        raise InvalidQueryError(f"{where}: there is no such home folder.") from err


def recorded_place(where: str | os.PathLike[str] | None) -> Path:
    """Return a place that was written down earlier; as `destination`, but ``~`` is a name like others."""
    if where is None:
        return Path()
    if not isinstance(where, str | os.PathLike) or hasattr(where, "fs"):
        protocol = getattr(where, "protocol", None)
        if protocol is None:
            raise InvalidQueryError(f"{where!r} is no folder: give a path, or an address such as 's3://bucket/prefix'.")
        return _on_disk_or_not(where, str(protocol))
    if "\0" in os.fspath(where):
        raise InvalidQueryError(f"{where!r} is no folder: its name has a NUL.")
    match = _URL.match(os.fspath(where))
    if match is None:
        return Path(where)
    try:
        return _on_disk_or_not(import_module("upath").UPath(where), match[1])
    except ImportError as err:
        raise InvalidQueryError(
            f"{where}: what is needed to write there is not installed ({err}): pip install astroquery_mast[cloud]"
        ) from err
    except ValueError as err:
        raise InvalidQueryError(f"{where}: {err}") from err


def _on_disk_or_not(place: Any, protocol: str) -> Path:
    """A place of a store; a path if it is on this disk after all."""
    if protocol in _LOCAL or isinstance(place, Path):
        return Path(place.path)
    if protocol in _READ_ONLY:
        raise InvalidQueryError(f"{place}: files cannot be written to a web server.")
    _ = place.fs  # fails now and not in mid-download if the store's package is missing
    return cast("Path", place)


def is_remote(place: Path) -> bool:
    """Tell whether a place is in a store, and not on a disk."""
    return not isinstance(place, Path)


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

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """Nothing: a store appends no lines, and so has no register."""
        del folder
        return {}

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


@contextmanager
def whole_or_absent(place: Path) -> Iterator[IO[bytes]]:
    """Open a file of a store for writing, so that it appears when all of it is there."""
    store = cast("Any", place).fs
    protocols = {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
    opened = _committed(place) if protocols & _COMMITTING else _moved(place)
    with _as_os_errors(), opened as stream:
        yield stream


@contextmanager
def _committed(place: Any) -> Iterator[IO[bytes]]:
    """An upload that is completed at the end, or given up."""
    stream = place.fs.open(place.path, "wb", autocommit=False)
    with ExitStack() as if_it_fails:
        if_it_fails.callback(_give_up, stream)
        yield stream
        stream.close()
        stream.commit()
        if_it_fails.pop_all()


def _give_up(stream: Any) -> None:
    """End an upload without an object; closing it as a file would complete it."""
    stream.closed = True
    stream.discard()


@contextmanager
def _moved(place: Any) -> Iterator[IO[bytes]]:
    """A file of another name, which is moved to its place at the end, or removed."""
    aside = place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")
    place.fs.makedirs(place.parent.path, exist_ok=True)
    with ExitStack() as if_it_fails:
        if_it_fails.callback(_remove, place.fs, aside.path)
        with place.fs.open(aside.path, "wb") as stream:
            yield stream
        place.fs.mv(aside.path, place.path)
        if_it_fails.pop_all()


def _remove(store: Any, path: str) -> None:
    """Remove a file from a store, if it is there."""
    if store.exists(path):
        store.rm(path)


def size_in_store(place: Path) -> int | None:
    """Ask a store for the size of a file."""
    found = cast("Any", place)
    with _as_os_errors():
        found.fs.invalidate_cache(found.parent.path)
        try:
            return int(found.fs.info(found.path)["size"])
        except FileNotFoundError:
            return None
