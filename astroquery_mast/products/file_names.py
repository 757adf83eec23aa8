"""Paths of products on disk: safe names, in the requested layout, with a unique path for each file.

In: a product table, and the layout: ``<collection>/<obs_id>/``, flat, or a path template. Out: relative paths that
cannot leave the download folder and are unique even on file systems that ignore case. The disk is not accessed. Part of
the product flow, in step "plan".

==========================================  ==============================================================
path template                               result
==========================================  ==============================================================
``"{proposal_id}/{productFilename}"``       columns of the products, by name; the last part is the file name
``"{obs_collection}/{calib_level:02d}/"``   with a slash at the end: folders, in which files keep their names
``"mine/{dataURI}"``                        literal text; slashes in a cell do not create folders
``lambda row: f"{row['filters']}/a.fits"``  the relative path that the function returns for each row
==========================================  ==============================================================

Each part of a path from a cell or a function is made safe, and no part leads out of the download folder.
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
"""The layout of files requested by the user; see the table above."""

ExistingOwner = Callable[[tuple[str, ...], str], str | None]
"""Returns the URI of the existing file for folders and a name; None if no such file is known."""

PATH_COLUMNS = ("Local Path", "Local_Path")
"""The column of a manifest with the path on disk; the second name is used in formats without blanks in names."""

NAME_COLUMNS = ("productFilename", "filename", *PATH_COLUMNS, "dataURI", "uri")
"""The columns of product lists and manifests with the name of a file, or with a path or URI that ends in it."""

_FILENAME = "productFilename"
# The longest name in bytes: file systems allow 255, and the part file has a longer name.
_NAME_BYTES = 200
_COMPRESSED = {".gz", ".bz2", ".xz", ".zip", ".zst", ".fz"}
# Names that are safe everywhere, as nearly all are: pathvalidate is slow. Names reserved by Windows (CON, COM1,
# CLOCK$, ...) have up to six characters before the first dot, so that none of them matches.
_PLAIN = re.compile(r"(?=[^.]{7})[A-Za-z0-9_][A-Za-z0-9_.+-]{,190}[A-Za-z0-9_+-]")
PART = ".mast.part"
"""Ending of an incomplete file.  ``.part`` alone is used by browsers, and may be the user's own file."""
# Endings of the files that exist during a download.
_NEIGHBORS = tuple(f"{PART}{ending}" for ending in ("", ".json", ".lock", ".soft"))
# After this number of steps, the name contains all 64 characters of the digest.
_DIGEST_STEPS = 9
# The number of names under which an existing file is searched for; longer names are very rare.
_NAMES_CHECKED = 3


# The files of an observation share its folders.
@lru_cache(maxsize=16384)
def safe_name(name: str, instead: str = "unknown") -> str:
    """Convert a name sent by a server to a safe component of a path."""
    if _PLAIN.fullmatch(name):
        return name
    from pathvalidate import sanitize_filename  # noqa: PLC0415 - rarely needed, and slow to import

    readable = name.encode("utf-8", "replace").decode("utf-8")
    safe: str = sanitize_filename(_shortened(readable), replacement_text="_", platform="universal")
    # In a shell, "~" alone would be the home directory.
    if not safe.strip(". ~"):
        return instead
    # Hidden files may be configuration files, and commands take a leading hyphen as an option.
    return f"_{safe}" if safe[0] in ".-" else safe


def _split(name: str) -> tuple[str, str]:
    """Split a file name into stem and extension; ``.fits.gz`` is one extension."""
    path = PurePosixPath(name)
    endings = path.suffixes[-2:] if path.suffix.lower() in _COMPRESSED else path.suffixes[-1:]
    ending = "".join(endings)
    return name[: len(name) - len(ending)], ending


def _shortened(name: str, addition: str = "") -> str:
    """Return a name with an addition before its extension; the stem is truncated if the name is too long."""
    if not addition and len(name.encode()) <= _NAME_BYTES:
        return name
    stem, ending = _split(name)
    if len(ending.encode()) > _NAME_BYTES // 4:
        stem, ending = name, ""
    room = _NAME_BYTES - len((addition + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + addition + ending


@dataclass(frozen=True)
class FileNameParts:
    """The metadata of a file that determine its path."""

    uri: str
    filename: str
    collection: str
    obs_id: str
    within: tuple[str, ...] | None = None

    def folders(self, flat: bool) -> tuple[str, ...]:
        """Return the folders between the download folder and the file."""
        if self.within is not None:
            return tuple(map(safe_name, self.within))
        return () if flat else (safe_name(self.collection), safe_name(self.obs_id))

    def name(self, step: int) -> str:
        """Return the name of the file, longer with each step: unchanged, with ``obs_id``, with a digest of the URI."""
        plain = safe_name(self.filename)
        if plain.casefold().endswith((*_NEIGHBORS, REGISTER)):
            plain += "_"
        if step == 0:
            return plain
        owner = safe_name(self.obs_id).encode()[:60].decode("utf-8", "ignore")
        digest = hashlib.sha256(self.uri.encode("utf-8", "surrogatepass")).hexdigest()[: 8 * (step - 1)]
        # Add a number once the digest is complete, so that there is always another name.
        number = str(step) if step > _DIGEST_STEPS else ""
        return _shortened(plain, "_".join(["", owner, *filter(None, (digest, number))]))


def case_folded(part: str) -> str:
    """Return a name in the form used by file systems that ignore case or normalize accents."""
    return part.lower() if part.isascii() else unicodedata.normalize("NFC", part.casefold())


@lru_cache(maxsize=4096)
def _folded_folders(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return folders in the form used by such file systems."""
    return tuple(map(case_folded, folders))


def is_same_file(one: str, other: str) -> bool:
    """Return whether two URIs refer to the same file."""
    if one == other:
        return True
    return (":" not in one or ":" not in other) and PurePosixPath(one).name == PurePosixPath(other).name


# -- paths ---------------------------------------------------------------------------------------------------------


def assign_paths(
    parts: Sequence[FileNameParts], *, flat: bool, existing_owner: ExistingOwner | None = None
) -> list[tuple[str, ...]]:
    """Return a unique path for each file: its folders and its name."""
    folders = [each.folders(flat) for each in parts]
    steps = {} if existing_owner is None else _existing_steps(parts, folders, existing_owner)
    names = _resolve_clashes(parts, folders, steps, existing_owner)
    return [(*within, name) for within, name in zip(folders, names, strict=True)]


def _existing_steps(
    parts: Sequence[FileNameParts], folders: Sequence[tuple[str, ...]], existing_owner: ExistingOwner
) -> dict[int, int]:
    """Return the step of the name of each file that exists from earlier calls, by index."""
    steps = {}
    for index, each in enumerate(parts):
        for step in range(_NAMES_CHECKED):
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
    """Return unique names, longer ones for files with the same path; existing files keep theirs if possible."""
    steps = [existing.get(index, 0) for index in range(len(parts))]
    names = [each.name(step) for each, step in zip(parts, steps, strict=True)]
    keeping = set(existing)
    while True:
        clashing = _clashing(parts, folders, names)
        if existing_owner is not None:
            clashing |= _taken(parts, map(existing_owner, folders, names))
        if not clashing:
            return names
        # Existing files are renamed only if no other file can be.
        moving = clashing - keeping or clashing
        keeping -= moving
        for index in moving:
            steps[index] += 1
            names[index] = parts[index].name(steps[index])


def _taken(parts: Sequence[FileNameParts], owners: Iterable[str | None]) -> set[int]:
    """Return the indices of files whose names existing files already have."""
    return {
        index
        for index, (each, owner) in enumerate(zip(parts, owners, strict=True))
        if owner is not None and not is_same_file(owner, each.uri)
    }


def _clashing(parts: Sequence[FileNameParts], folders: Sequence[tuple[str, ...]], names: Sequence[str]) -> set[int]:
    """Return the indices of files with the path of another file, or of a folder of others."""
    sharing: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (each, within, name) in enumerate(zip(parts, folders, names, strict=True)):
        # A file that cannot be downloaded does not reserve a name.
        if each.uri:
            sharing[*_folded_folders(within), case_folded(name)].append(index)
    needed = {key[:depth] for key in sharing for depth in range(1, len(key))}
    return {index for key, indices in sharing.items() if len(indices) > 1 or key in needed for index in indices}


# -- path templates --------------------------------------------------------------------------------------------------


def _text(cell: object) -> str:
    """Return a cell as text; empty if it is missing."""
    return "" if is_missing(cell) else str(as_unicode(cell))


def column_as_text(products: Table, name: str) -> list[str]:
    """Return a column as a list of texts, empty for missing values or if the table does not have the column."""
    if name not in products.colnames:
        return [""] * len(products)
    # A fast path for strings and integers: most cells are, and there may be a million of them.
    plain = (str, int)
    return [str(cell) if type(cell) in plain else _text(cell) for cell in plain_cells(products[name])]


def rows_where(table: Table, wanted: Callable[..., bool], *columns: str) -> Table:
    """Return the rows for which a function of the cells in some columns, as texts, returns True."""
    cells = (column_as_text(table, name) for name in columns)
    return table[np.fromiter(map(wanted, *cells), dtype=bool, count=len(table))]


def file_name_parts(products: Table, path_template: PathTemplate | None = None) -> list[FileNameParts]:
    """Return the metadata that determine the paths of the files, for each product in order."""
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
    """Return the file name: the last part of ``productFilename``, which normally has no path, or of the URI."""
    return name.rpartition("/")[2] or PurePosixPath(name).name or PurePosixPath(uri).name


def _template_paths(products: Table, path_template: PathTemplate, filenames: list[str]) -> list[list[str]]:
    """Return the parts of the path of each product; the last one is empty if the path is a folder."""
    if isinstance(path_template, str):
        return _TextTemplate(products, path_template, filenames).paths()
    if callable(path_template):
        return [_called(row, path_template) for row in products]
    raise InvalidArgumentError(
        "path_template must be a template such as '{obs_id}/{productFilename}' or a function, got "
        f"{path_template!r}."
    )


def _called(row: Row, path_template: Callable[[Row], str | PurePath]) -> list[str]:
    """Return the parts of the path of a product from a function."""
    given = path_template(row)
    path = given.as_posix() if isinstance(given, PurePath) else given
    if not isinstance(path, str):
        raise InvalidArgumentError(
            f"path_template must return a relative path for each row, but for row {row.index} it returned {given!r}."
        )
    *folders, name = path.split("/")
    return [*(part for part in folders if part not in {"", "."}), name]


class _TextTemplate:
    """A path template given as text, formatted with the cells of products."""

    def __init__(self, products: Table, template: str, filenames: list[str]) -> None:
        self._products, self._template, self._filenames = products, template, filenames

    def paths(self) -> list[list[str]]:
        """Return the parts of the path of each product."""
        *folders, last = self._template.split("/")
        columns = [self._component(part) for part in folders]
        # A template that ends with a slash is a folder.
        columns.append(self._component(last) if last else [""] * len(self._products))
        return [list(parts) for parts in zip(*columns, strict=True)]

    def _error(self, message: str) -> InvalidArgumentError:
        """Return an error about the template."""
        return InvalidArgumentError(f"path_template={self._template!r}{message}")

    def _component(self, part: str) -> list[str]:
        """Return one part of the path of each product."""
        parsed = self._parsed(part)
        if all(field is None for _, field, _ in parsed):
            return self._fixed("".join(literal for literal, _, _ in parsed))
        pieces = [self._piece(*piece) for piece in parsed]
        return ["".join(cells) for cells in zip(*pieces, strict=True)]

    def _parsed(self, part: str) -> list[tuple[str, str | None, str]]:
        """Return the pieces of a part: literal text, and the name and format of the field after it, if any."""
        try:
            parsed = list(Formatter().parse(part))
        except ValueError as err:
            raise self._error(f" is not a valid template: {err}.") from err
        if any(conversion not in {None, "s"} for *_, conversion in parsed):
            raise self._error(": conversions with '!' are not supported.")
        return [(literal, field, spec or "") for literal, field, spec, _ in parsed]

    def _fixed(self, text: str) -> list[str]:
        """Return a part without fields; raise if it is unsafe, since the user's own text is not changed silently."""
        if safe_name(text) != text:
            raise self._error(f": {text!r} is not a portable file name.")
        return [text] * len(self._products)

    def _piece(self, literal: str, field: str | None, spec: str) -> list[str]:
        """Return literal text and the value of the field after it, for each product."""
        if field is None:
            return [literal] * len(self._products)
        return [literal + cell for cell in self._field(field, spec)]

    def _field(self, field: str, spec: str) -> list[str]:
        """Return the formatted value of one field for each product."""
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
