"""Where a product lies on disk: names made safe, and no two files in one place.

In: what the archive calls a file, its observation and its collection. Out: relative paths that cannot leave the
download folder and that differ from one another even on a disk that ignores case. Pure: the disk is not looked at.
Products flow, step "plan".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

__all__ = ["REGISTER", "FileNameParts", "Lies", "folded", "place", "safe_name"]

REGISTER = ".astroquery_mast.jsonl"
"""Name of the register of a folder; see `astroquery_mast.downloads.register`."""

Lies = Callable[[tuple[str, ...], str, str], bool | None]
"""Tells, for folders, a name in them and a URI, whether that file lies there (True) or another one (False); None where
nobody knows of any."""

# Bytes of a name: file systems allow 255, and a neighbour with a longer ending is written first.
_NAME_BYTES = 200
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst", ".fz"}
# Names that are safe everywhere, as nearly all are: pathvalidate takes its time over a name. What Windows reserves
# (CON, COM1, CLOCK$, ...) has up to six characters before the first dot, so that no such name is plain.
_PLAIN = re.compile(r"(?=[^.]{7})[A-Za-z0-9_][A-Za-z0-9_.+-]{,190}[A-Za-z0-9_+-]")
# Endings of what lies beside a file while it is being fetched.
_NEIGHBOURS = (".part", ".part.json", ".part.lock")
# After so many steps the name of a file holds all 64 letters of the digest.
_DIGEST_STEPS = 9
# Under so many of its names a file that came earlier is looked for: hardly any has a longer one.
_NAMES_LOOKED_FOR = 3


# The files of an observation share its folders.
@lru_cache(maxsize=16384)
def safe_name(name: str, instead: str = "unknown") -> str:
    """Turn a name sent by a server into one component of a path."""
    if _PLAIN.fullmatch(name):
        return name
    from pathvalidate import sanitize_filename  # noqa: PLC0415 - for few names, and it takes a while

    readable = name.encode("utf-8", "replace").decode("utf-8")
    safe: str = sanitize_filename(_shortened(readable), replacement_text="_", platform="universal")
    # "~" alone would be a home directory to a shell into which the path is pasted.
    if not safe.strip(". ~"):
        return instead
    return safe


def _split(name: str) -> tuple[str, str]:
    """A file name as stem and ending, ``.fits.gz`` being one ending."""
    path = PurePosixPath(name)
    endings = path.suffixes[-2:] if path.suffix.lower() in _COMPRESSED else path.suffixes[-1:]
    ending = "".join(endings)
    return name[: len(name) - len(ending)], ending


def _shortened(name: str, addition: str = "") -> str:
    """A name with something added before its ending, cut in its stem where it would be too long."""
    if not addition and len(name.encode()) <= _NAME_BYTES:
        return name
    stem, ending = _split(name)
    if len(ending.encode()) > _NAME_BYTES // 4:
        stem, ending = name, ""
    room = _NAME_BYTES - len((addition + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + addition + ending


@dataclass(frozen=True)
class FileNameParts:
    """What the archive says of a file, as far as it decides where the file lies."""

    uri: str
    filename: str
    collection: str
    obs_id: str
    within: tuple[str, ...] | None = None

    def folders(self, flat: bool) -> tuple[str, ...]:
        """The folders between the download folder and the file."""
        if self.within is not None:
            return tuple(map(safe_name, self.within))
        return () if flat else (safe_name(self.collection), safe_name(self.obs_id))

    def name(self, step: int) -> str:
        """The name of the file, longer with each step: as it is, with its observation, with a digest of its URI."""
        plain = safe_name(self.filename)
        if plain.casefold().endswith((*_NEIGHBOURS, REGISTER)):
            plain += "_"
        if step == 0:
            return plain
        owner = safe_name(self.obs_id).encode()[:60].decode("utf-8", "ignore")
        digest = hashlib.sha256(self.uri.encode("utf-8", "surrogatepass")).hexdigest()[: 8 * (step - 1)]
        # A number as well once the digest is whole: there always is a next name.
        number = str(step) if step > _DIGEST_STEPS else ""
        return _shortened(plain, "_".join(["", owner, *filter(None, (digest, number))]))


def folded(part: str) -> str:
    """Return a name as a disk sees it that ignores case, or that normalises accents."""
    return part.lower() if part.isascii() else unicodedata.normalize("NFC", part.casefold())


@lru_cache(maxsize=4096)
def _folded_folders(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Folders as such a disk sees them."""
    return tuple(map(folded, folders))


def _clashing(file_name_parts: Sequence[FileNameParts], places: Sequence[tuple[tuple[str, ...], str]]) -> list[int]:
    """The files that would lie where another one does, or where others need a folder."""
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    folders: set[tuple[str, ...]] = set()
    for index, (within, name) in enumerate(places):
        # What can never come takes no name from a file that can.
        if file_name_parts[index].uri:
            above = _folded_folders(within)
            holders[*above, folded(name)].append(index)
            folders.add(above)
    needed = {above[:depth] for above in folders for depth in range(1, len(above) + 1)}
    return [index for key, who in holders.items() if len(who) > 1 or key in needed for index in who]


def place(file_name_parts: Sequence[FileNameParts], *, flat: bool, lies: Lies | None = None) -> list[tuple[str, ...]]:
    """Give each file a place of its own."""
    folders = [naming.folders(flat) for naming in file_name_parts]
    steps = [0] * len(file_name_parts)
    settled = set() if lies is None else _settle(file_name_parts, folders, steps, lies)
    names = [naming.name(step) for naming, step in zip(file_name_parts, steps, strict=True)]
    while True:
        clashing = set(_clashing(file_name_parts, list(zip(folders, names, strict=True))))
        if lies is not None:
            clashing |= {i for i, each in enumerate(file_name_parts) if lies(folders[i], names[i], each.uri) is False}
        if not clashing:
            return [(*within, name) for within, name in zip(folders, names, strict=True)]
        # What is settled moves only if nothing else can.
        moving = clashing - settled or clashing
        settled -= moving
        for index in moving:
            steps[index] += 1
            names[index] = file_name_parts[index].name(steps[index])


def _settle(
    file_name_parts: Sequence[FileNameParts], folders: Sequence[tuple[str, ...]], steps: list[int], lies: Lies
) -> set[int]:
    """Find the files that lie there already: set their steps, and return which they are."""
    settled = set()
    for index, naming in enumerate(file_name_parts):
        known = (step for step in range(_NAMES_LOOKED_FOR) if lies(folders[index], naming.name(step), naming.uri))
        step = next(known, None)
        if step is not None:
            steps[index] = step
            settled.add(index)
    return settled
