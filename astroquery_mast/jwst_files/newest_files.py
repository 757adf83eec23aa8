"""JWST files that MAST has reprocessed since they were downloaded.

In: files on disk, by their names. Out: MAST's current files with these names, and for each file on disk whether it is
the same, with the reason.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

from ..downloads.fits_headers import header_text, primary_header
from ..products.file_names import column_as_text
from ..products.plan import EXCLUSIVE
from ..query.filters import Filter
from ..query.request import MashupRequest
from ..query.values import in_batches
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from ..tables.columns import Columns, find_column, find_name
from ..tables.table import TableBuilder
from .keyword_columns import INSTRUMENTS, SCIENCE, InstrumentColumns

JWST_FILE = re.compile(r"jw\d{5}.*\.fits", re.IGNORECASE)
"""The pattern of the name of a JWST FITS file."""
# The part of a file name that identifies the instrument: the detector of exposures, or the instrument of combined
# products.
_INSTRUMENT_MARKS: Mapping[str, re.Pattern[str]] = {
    "GuideStar": re.compile(r"_gs-"),
    "NIRCam": re.compile(r"_(nrc|nircam)"),
    "NIRISS": re.compile(r"_(nis|niriss)"),
    "NIRSpec": re.compile(r"_(nrs|nirspec)"),
    "MIRI": re.compile(r"_(mir|miri)"),
    "FGS": re.compile(r"_(guider|fgs)"),
}
_ALL = tuple(INSTRUMENTS[name] for name in (*SCIENCE, "GuideStar"))
_COLUMNS = ("filename", "fileSize", "checksum", "cal_ver", "crds_ctx", "isRestricted")
# The number of names in one request.
_NAMES = 200
_VERSIONS = ("CAL_VER", "CRDS_CTX")
_MD5 = re.compile(r"[0-9a-f]{32}")
# No file size has more digits.
_SIZE = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True)
class ArchivedFile:
    """The entry of a file in MAST; fields without a value are empty."""

    name: str
    size: int | None
    checksum: str
    versions: tuple[str, str]
    rights: str


@dataclass(frozen=True)
class FileComparison:
    """Whether a file is identical to MAST's file, None if that is unknown; and the reason."""

    same: bool | None
    reason: str


def archived_files(
    service: MastService, columns: InstrumentColumns, names: Iterable[str], deadline: Deadline
) -> dict[str, ArchivedFile]:
    """Return the entries of files in MAST by name in lower case; unknown files are omitted."""
    wanted = list(dict.fromkeys(names))
    found = _query_services(service, columns, _grouped(wanted, _services_for), deadline)
    # The instrument in a file name may be misleading, so the other services are queried for the rest.
    absent = [name for name in wanted if name.lower() not in found]
    return found | _query_services(service, columns, _grouped(absent, _other_services), deadline)


def _grouped(names: Iterable[str], services: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    """Return the names to request from each service."""
    groups: dict[str, list[str]] = {}
    for name in names:
        for service in services(name):
            groups.setdefault(service, []).append(name)
    return groups


def _other_services(name: str) -> list[str]:
    """Return the services that are unlikely to have a file."""
    return [each for each in _ALL if each not in _services_for(name)]


def _services_for(name: str) -> Sequence[str]:
    """Return the services that may have a file."""
    found = next(
        (instrument for instrument, pattern in _INSTRUMENT_MARKS.items() if pattern.search(name.lower())), None
    )
    return _ALL if found is None else (INSTRUMENTS[found],)


def _query_services(
    service: MastService, columns: InstrumentColumns, groups: Mapping[str, Sequence[str]], deadline: Deadline
) -> dict[str, ArchivedFile]:
    """Return the entries that services have for names, by name in lower case, without using the cache."""
    known = columns.of(groups, deadline)
    questions = [
        _request(service, each, known[each], batch)
        for each, names in groups.items()
        for batch in in_batches(names, _NAMES)
    ]
    found: dict[str, ArchivedFile] = {}
    with closing(service.pages_of_all(questions, deadline=deadline)) as answers:
        for answer in answers:
            builder = TableBuilder(questions[0], {})
            builder.add(answer.page)
            found |= {file.name.lower(): file for file in _files_in(builder)}
    return found


def _request(service: MastService, name: str, columns: Columns, files: Sequence[str]) -> MashupRequest:
    """Return the request to a service for names; only columns that the service has are requested."""
    wanted = ",".join(column.name for each in _COLUMNS if (column := find_column(each, columns)) is not None)
    params = {"columns": wanted, "filters": [Filter("filename", tuple(files)).payload()]}
    return service.request_for(name, params, None, None, cache=False)


def _files_in(builder: TableBuilder) -> list[ArchivedFile]:
    """Return the files in a response."""
    table = builder.table()
    texts = {name: column_as_text(table, find_name(name, table.colnames) or name) for name in _COLUMNS}
    return list(starmap(_archived, zip(*texts.values(), strict=True)))


def _archived(name: str, size: str, checksum: str, version: str, context: str, restricted: str) -> ArchivedFile:
    """Return a file from the cells of its row; a size of zero or an invalid digest becomes an empty value."""
    number = int(size) if _SIZE.fullmatch(size) else 0
    digest = _MD5.fullmatch(checksum.strip().lower())
    rights = EXCLUSIVE if restricted == "True" else "PUBLIC"
    return ArchivedFile(name, number or None, digest[0] if digest else "", (version.strip(), context.strip()), rights)


# -- comparison ----------------------------------------------------------------------------------------------------


def compared(path: Path, archived: ArchivedFile) -> FileComparison:
    """Compare a file on disk with MAST's file; raises `OSError` if it cannot be read."""
    size = path.stat().st_size
    if archived.size not in {None, size}:
        return FileComparison(False, f"{size} bytes on disk, {archived.size} in MAST{_changes(path, archived)}")
    if not archived.checksum:
        return _compared_by_versions(path, archived)
    with path.open("rb") as stream:
        same = hashlib.file_digest(stream, "md5").hexdigest() == archived.checksum
    if same:
        return FileComparison(True, "MD5 matches MAST")
    return FileComparison(False, f"MD5 differs from MAST{_changes(path, archived)}")


def _compared_by_versions(path: Path, archived: ArchivedFile) -> FileComparison:
    """Compare a file for which MAST has no digest."""
    known = [(mine, theirs) for mine, theirs in zip(versions_of(path), archived.versions, strict=True) if theirs]
    if not known or not all(mine for mine, _ in known):
        return FileComparison(None, "no size, MD5 or versions to compare")
    if all(mine == theirs for mine, theirs in known):
        return FileComparison(True, "same versions as in MAST")
    return FileComparison(False, _changes(path, archived).removeprefix("; "))


def versions_of(path: Path) -> tuple[str, str]:
    """Return the versions of the software and of the reference files that made a file; empty if unknown."""
    header = primary_header(path)
    if header is None:
        return "", ""
    first, second = (header_text(header, name) or "" for name in _VERSIONS)
    return first, second


def _changes(path: Path, archived: ArchivedFile) -> str:
    """Return the differences between the versions of a file and those of MAST's file."""
    changes = [
        f"{name} {mine} -> {theirs}"
        for name, mine, theirs in zip(_VERSIONS, versions_of(path), archived.versions, strict=True)
        if mine and theirs and mine != theirs
    ]
    return f"; {', '.join(changes)}" if changes else ""
