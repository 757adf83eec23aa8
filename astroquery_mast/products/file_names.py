"""Where a product lies on disk: names made safe, laid out as the user wants, and no two files in one place.

In: a product table, and how files are to be laid out: ``<collection>/<obs_id>/``, flat, or by a path template. Out:
relative paths that cannot leave the download folder and that differ from one another even on a disk that ignores case.
Pure: the disk is not looked at. Products flow, step "plan".

==========================================  ==============================================================
a path template                             gives
==========================================  ==============================================================
``"{proposal_id}/{productFilename}"``       columns of the products, by name; the last part is the file's name
``"{obs_collection}/{calib_level:02d}/"``   with a slash at its end: folders, in which files keep their names
``"mine/{dataURI}"``                        text as it is; slashes in a cell make no folders
``lambda row: f"{row['filters']}/a.fits"``  what the function returns, a relative path, for each row
==========================================  ==============================================================

Whatever a cell or a function says, it is made safe part by part, and no part leads up or out.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath, PurePosixPath
from string import Formatter

import numpy as np
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..query.values import as_unicode, is_missing
from ..tables.columns import no_such, plain_cells

REGISTER = ".astroquery_mast.jsonl"
"""Name of the register of a folder; see `astroquery_mast.downloads.destination`."""

PathTemplate = str | Callable[[Row], str | PurePath]
"""How a user wants files to be laid out; see the table above."""

ExistingOwner = Callable[[tuple[str, ...], str], str | None]
"""Gives, for folders and a name in them, the URI of the file that lies there; None where no file is known to."""

_FILENAME = "productFilename"
# Bytes of a name: file systems allow 255, and a file with a longer ending is written first.
_NAME_BYTES = 200
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst", ".fz"}
# Names that are safe everywhere, as nearly all are: pathvalidate takes its time over a name. What Windows reserves
# (CON, COM1, CLOCK$, ...) has up to six characters before the first dot, so that no such name is plain.
_PLAIN = re.compile(r"(?=[^.]{7})[A-Za-z0-9_][A-Za-z0-9_.+-]{,190}[A-Za-z0-9_+-]")
PART = ".mast.part"
"""Ending of the bytes of a file that is being fetched.  A file in ``.part`` is a browser's, or the user's own."""
# All that may lie beside a file while it is being fetched.
_NEIGHBORS = tuple(f"{PART}{ending}" for ending in ("", ".json", ".lock", ".soft"))
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
    # A hidden file may be a setting of some program, and a name with a hyphen is an option to commands.
    return f"_{safe}" if safe[0] in ".-" else safe


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
        if plain.casefold().endswith((*_NEIGHBORS, REGISTER)):
            plain += "_"
        if step == 0:
            return plain
        owner = safe_name(self.obs_id).encode()[:60].decode("utf-8", "ignore")
        digest = hashlib.sha256(self.uri.encode("utf-8", "surrogatepass")).hexdigest()[: 8 * (step - 1)]
        # A number as well once the digest is whole: there always is a next name.
        number = str(step) if step > _DIGEST_STEPS else ""
        return _shortened(plain, "_".join(["", owner, *filter(None, (digest, number))]))


def case_folded(part: str) -> str:
    """Return a name as a disk sees it that ignores case, or that normalizes accents."""
    return part.lower() if part.isascii() else unicodedata.normalize("NFC", part.casefold())


@lru_cache(maxsize=4096)
def _folded_folders(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Folders as such a disk sees them."""
    return tuple(map(case_folded, folders))


def is_same_file(one: str, other: str) -> bool:
    """Return whether two URIs are those of one file."""
    if one == other:
        return True
    return (":" not in one or ":" not in other) and PurePosixPath(one).name == PurePosixPath(other).name


# -- paths ---------------------------------------------------------------------------------------------------------


def assign_paths(
    parts: Sequence[FileNameParts], *, flat: bool, existing_owner: ExistingOwner | None = None
) -> list[tuple[str, ...]]:
    """Give each file a path of its own: its folders, and its name."""
    folders = [each.folders(flat) for each in parts]
    steps = {} if existing_owner is None else _existing_steps(parts, folders, existing_owner)
    names = _resolve_clashes(parts, folders, steps, existing_owner)
    return [(*within, name) for within, name in zip(folders, names, strict=True)]


def _existing_steps(
    parts: Sequence[FileNameParts], folders: Sequence[tuple[str, ...]], existing_owner: ExistingOwner
) -> dict[int, int]:
    """The files of earlier calls, and the step of the name that each of them has."""
    steps = {}
    for index, each in enumerate(parts):
        for step in range(_NAMES_LOOKED_FOR):
            owner = existing_owner(folders[index], each.name(step))
            if owner is not None and is_same_file(owner, each.uri):
                steps[index] = step
                break
    return steps


def _resolve_clashes(
    parts: Sequence[FileNameParts],
    folders: Sequence[tuple[str, ...]],
    existing: dict[int, int],
    existing_owner: ExistingOwner | None,
) -> list[str]:
    """Names that differ, longer ones where files would share a place; files that exist keep theirs if possible."""
    steps = [existing.get(index, 0) for index in range(len(parts))]
    names = [each.name(step) for each, step in zip(parts, steps, strict=True)]
    keeping = set(existing)
    while True:
        clashing = _clashing(parts, folders, names)
        if existing_owner is not None:
            clashing |= _taken(parts, map(existing_owner, folders, names))
        if not clashing:
            return names
        # What exists moves only if nothing else can.
        moving = clashing - keeping or clashing
        keeping -= moving
        for index in moving:
            steps[index] += 1
            names[index] = parts[index].name(steps[index])


def _taken(parts: Sequence[FileNameParts], owners: Iterable[str | None]) -> set[int]:
    """The files whose names other files have already."""
    return {
        index
        for index, (each, owner) in enumerate(zip(parts, owners, strict=True))
        if owner is not None and not is_same_file(owner, each.uri)
    }


def _clashing(parts: Sequence[FileNameParts], folders: Sequence[tuple[str, ...]], names: Sequence[str]) -> set[int]:
    """The files that would lie where another one does, or where others need a folder."""
    sharing: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (each, within, name) in enumerate(zip(parts, folders, names, strict=True)):
        # What can never come takes no name from a file that can.
        if each.uri:
            sharing[*_folded_folders(within), case_folded(name)].append(index)
    needed = {key[:depth] for key in sharing for depth in range(1, len(key))}
    return {index for key, indices in sharing.items() if len(indices) > 1 or key in needed for index in indices}


# -- path templates --------------------------------------------------------------------------------------------------


def _text(cell: object) -> str:
    """A cell as text; empty where it holds no value."""
    return "" if is_missing(cell) else str(as_unicode(cell))


def column_as_text(products: Table, name: str) -> list[str]:
    """Return a column as texts, empty where the table has no such column or a cell no value."""
    if name not in products.colnames:
        return [""] * len(products)
    # Texts and integers are most of what there is, and there may be a million of them.
    plain = (str, int)
    return [str(cell) if type(cell) in plain else _text(cell) for cell in plain_cells(products[name])]


def rows_where(table: Table, wanted: Callable[..., bool], *columns: str) -> Table:
    """Return the rows whose cells in some columns, as texts, are wanted."""
    cells = (column_as_text(table, name) for name in columns)
    return table[np.fromiter(map(wanted, *cells), dtype=bool, count=len(table))]


def file_name_parts(products: Table, path_template: PathTemplate | None = None) -> list[FileNameParts]:
    """Return what decides where the files lie, for each product in order."""
    uris = [uri if uri.strip() else "" for uri in column_as_text(products, "dataURI")]
    filenames = list(map(_filename, column_as_text(products, _FILENAME), uris))
    collections, owners = column_as_text(products, "obs_collection"), column_as_text(products, "obs_id")
    rows = zip(uris, filenames, collections, owners, strict=True)
    if path_template is None:
        return [FileNameParts(*row) for row in rows]
    paths = _template_paths(products, path_template, filenames)
    return [
        FileNameParts(uri, (path[-1] if path else "") or filename, collection, owner, tuple(path[:-1]))
        for (uri, filename, collection, owner), path in zip(rows, paths, strict=True)
    ]


def _filename(name: str, uri: str) -> str:
    """The name of a file; archive names hold no path normally, and where one does, its last part is the name."""
    return name.rpartition("/")[2] or PurePosixPath(name).name or PurePosixPath(uri).name


def _template_paths(products: Table, path_template: PathTemplate, filenames: list[str]) -> list[list[str]]:
    """The parts of the path of each product; the last one is empty where the path names a folder."""
    if isinstance(path_template, str):
        return _TextTemplate(products, path_template, filenames).paths()
    if callable(path_template):
        return [_called(row, path_template) for row in products]
    raise InvalidArgumentError(
        "path_template must be a template such as '{obs_id}/{productFilename}' or a function, got "
        f"{path_template!r}."
    )


def _called(row: Row, path_template: Callable[[Row], str | PurePath]) -> list[str]:
    """The parts of the path of a product, from a function."""
    given = path_template(row)
    path = given.as_posix() if isinstance(given, PurePath) else given
    if not isinstance(path, str):
        raise InvalidArgumentError(
            f"path_template must return a relative path for each row, but for row {row.index} it returned {given!r}."
        )
    *folders, name = path.split("/")
    return [*(part for part in folders if part not in {"", "."}), name]


class _TextTemplate:
    """A template given as text, filled with the cells of products."""

    def __init__(self, products: Table, template: str, filenames: list[str]) -> None:
        self._products, self._template, self._filenames = products, template, filenames

    def paths(self) -> list[list[str]]:
        """The parts of the path of each product."""
        *folders, last = self._template.split("/")
        columns = [self._component(part) for part in folders]
        # What ends in a slash names a folder.
        columns.append(self._component(last) if last else [""] * len(self._products))
        return [list(parts) for parts in zip(*columns, strict=True)]

    def _error(self, message: str) -> InvalidArgumentError:
        """An error about the template."""
        return InvalidArgumentError(f"path_template={self._template!r}{message}")

    def _component(self, part: str) -> list[str]:
        """One part of the path of each product."""
        parsed = self._parsed(part)
        if all(field is None for _, field, _ in parsed):
            return self._fixed("".join(literal for literal, _, _ in parsed))
        pieces = [self._piece(*piece) for piece in parsed]
        return ["".join(cells) for cells in zip(*pieces, strict=True)]

    def _parsed(self, part: str) -> list[tuple[str, str | None, str]]:
        """The pieces of a part: fixed text, and the name and the format of the field behind it, if there is one."""
        try:
            parsed = list(Formatter().parse(part))
        except ValueError as err:
            raise self._error(f" is not a valid template: {err}.") from err
        if any(conversion not in {None, "s"} for *_, conversion in parsed):
            raise self._error(": conversions with '!' are not supported.")
        return [(literal, field, spec or "") for literal, field, spec, _ in parsed]

    def _fixed(self, text: str) -> list[str]:
        """A part without fields; it is the user's own text, and is refused rather than changed silently."""
        if safe_name(text) != text:
            raise self._error(f": {text!r} is not a portable file name.")
        return [text] * len(self._products)

    def _piece(self, literal: str, field: str | None, spec: str) -> list[str]:
        """Fixed text, and what the field behind it stands for, in each product."""
        if field is None:
            return [literal] * len(self._products)
        return [literal + cell for cell in self._field(field, spec)]

    def _field(self, field: str, spec: str) -> list[str]:
        """What one field stands for, in each product."""
        if field == _FILENAME and not spec:
            return self._filenames
        if field not in self._products.colnames:
            said = f"path_template={self._template!r}: the products have no column {field!r}."
            raise no_such(said, field, self._products.colnames, listed=True)
        if not spec:
            return column_as_text(self._products, field)
        try:
            return ["" if cell is None else format(cell, spec) for cell in plain_cells(self._products[field])]
        except (TypeError, ValueError) as err:
            raise self._error(f": the format {spec!r} is not valid for column {field!r}: {err}.") from err
