"""What is done for one file, depending on what exists at its path and on what the user wants for existing files.

In: a place, the size in the catalog, and a view of the disk. Out: a frozen `FileDecision`: an `Action` and its reason.
Pure: the disk is seen through a `FileSystem` that is handed in. Products flow, step "plan".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ..exceptions import InvalidArgumentError
from .file_names import case_folded, is_same_file


class Overwrite(StrEnum):
    """What is done about files that are on disk."""

    IF_WRONG = "if-wrong"
    """Kept if they have the size in the catalog, or else if the archive's file has the same size."""
    NEVER = "never"
    """Always kept; the archive is not asked."""
    IF_CHANGED = "if-changed"
    """Kept if the archive's file has the same size, and is not newer."""
    ALWAYS = "always"
    """Fetched anew, and replaced once the new file is whole."""


def as_overwrite(cache: bool, overwrite: str | None) -> Overwrite:
    """Return what the two arguments of a download say together."""
    if overwrite is None:
        return Overwrite.IF_WRONG if cache else Overwrite.ALWAYS
    if overwrite not in set(Overwrite):
        raise InvalidArgumentError(
            f"overwrite={overwrite!r}: 'never', 'if-changed' or 'always' is needed, or None to go by cache."
        )
    if not cache and overwrite != Overwrite.ALWAYS:
        raise InvalidArgumentError(
            f"cache=False, which fetches files anew, and overwrite={str(overwrite)!r} contradict each other: "
            "leave one of them out."
        )
    return Overwrite(overwrite)


class Action(StrEnum):
    """What is to be done for a file."""

    FETCH = "fetch"
    """Ask for the whole file."""
    RESUME = "resume"
    """An earlier try has left a part of it: ask for the rest, or for the whole file if that part does not fit."""
    CHECK = "check"
    """A file exists, but the catalog does not confirm its size: ask the archive, and fetch it if it differs."""
    KEEP = "keep"
    """The file is there already, and whole; nothing is asked."""
    REFUSE = "refuse"
    """It cannot be fetched, for the reason given."""
    SKIP = "skip"
    """It is left out as the caller asked."""


class FileSystem(Protocol):
    """What the plan has to know about the disk."""

    def size(self, path: Path) -> int | None:
        """Size of a file in bytes; None where there is nothing."""

    def is_dir(self, path: Path) -> bool:
        """Whether a folder lies there."""

    def resolve(self, path: Path) -> Path:
        """The absolute path, symbolic links followed; the path need not exist."""

    def trusts_links(self, folder: Path, base: Path) -> bool:
        """Whether all links from a folder down to another one below it are the user's own, or root's."""

    def recorded_names(self, folder: Path) -> Mapping[str, str]:
        """The URIs of files that are recorded in a folder, by their names."""


@dataclass(frozen=True)
class FileDecision:
    """What is to be done for a file, and why."""

    action: Action
    reason: str
    compare_time: bool = False
    at_hand: int = 0


def _begin(path: Path, disk: FileSystem, reason: str) -> FileDecision:
    """Fetch a file, or the rest of it."""
    part = path.with_name(f"{path.name}.part")
    at_hand = disk.size(part)
    # Without its record it is not known which file a part belongs to.
    if at_hand and disk.size(part.with_name(f"{part.name}.json")):
        return FileDecision(Action.RESUME, f"{reason}; {at_hand} bytes are left of an earlier try", at_hand=at_hand)
    return FileDecision(Action.FETCH, reason)


def decide_action(path: Path, size: int | None, overwrite: Overwrite, disk: FileSystem) -> FileDecision:
    """Decide for a file that has an address and a place of its own."""
    present = disk.size(path)
    if present is None:
        return _begin(path, disk, "not on disk")
    if disk.is_dir(path):
        return FileDecision(Action.REFUSE, f"{path} is a folder")
    match overwrite:
        case Overwrite.NEVER:
            return FileDecision(Action.KEEP, "on disk, and not to be overwritten")
        case Overwrite.ALWAYS:
            return _begin(path, disk, "on disk, to be fetched anew")
        case Overwrite.IF_CHANGED:
            return FileDecision(
                Action.CHECK, f"{present} bytes on disk; the archive's may have changed", compare_time=True
            )
    if size is None:
        return FileDecision(Action.CHECK, f"{present} bytes on disk; its size is not in the catalog")
    if present != size:
        return FileDecision(Action.CHECK, f"{present} bytes on disk, {size} in the catalog")
    return FileDecision(Action.KEEP, "on disk, with the size in the catalog")


@dataclass(frozen=True)
class FolderState:
    """Whether files can go into a folder."""

    path: Path
    exists: bool
    trouble: str | None = None


def inspect_folder(folder: Path, base: Path, disk: FileSystem) -> FolderState:
    """Look at a folder, following links; those that somebody else has put there may lead anywhere."""
    try:
        inside = disk.resolve(folder).is_relative_to(base) or disk.trusts_links(folder, base)
        exists = disk.is_dir(folder)
    except (OSError, RuntimeError) as err:  # too long, no rights, links that go in a circle
        return FolderState(folder, False, f"{folder} cannot be used: {err}")
    trouble = f"{folder} leads out of the download folder {base}, by a link that is broken or belongs to another user"
    return FolderState(folder, exists, None if inside else trouble)


class FileRecords:
    """Which files lie in the folders below a base folder, as earlier calls have recorded it."""

    def __init__(self, base_dir: Path, disk: FileSystem) -> None:
        self._base_dir, self._disk = base_dir, disk
        self._known: dict[tuple[str, ...], Mapping[str, str]] = {}

    def within(self, folders: tuple[str, ...]) -> Mapping[str, str]:
        """What is recorded in a folder, read once."""
        if folders not in self._known:
            self._known[folders] = self._disk.recorded_names(self._base_dir.joinpath(*folders))
        return self._known[folders]

    def owner(self, folders: tuple[str, ...], name: str) -> str | None:
        """The URI of the file that lies under a name; None if that is not known, or nothing lies there."""
        uri = self.within(folders).get(case_folded(name))
        # What was removed from the folder holds no name.
        if uri is None or self._disk.size(self._base_dir.joinpath(*folders, name)) is None:
            return None
        return uri

    def is_known(self, folders: tuple[str, ...], name: str, uri: str) -> bool:
        """Whether the file that lies under a name is known to be this one."""
        owner = self.owner(folders, name)
        return owner is not None and is_same_file(owner, uri)
