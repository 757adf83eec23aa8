"""The data that were used: tables, manifests, folders and files in, records of collections and programs out.

Only the primary header of a FITS file is read.  Information that a file or a row does not have remains unknown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.table import Table

from ..downloads.fits_headers import SAYS_NOTHING, header_text, primary_header
from ..downloads.verify_and_retry import as_written, recorded_results
from ..exceptions import InvalidArgumentError
from ..observations.hlsp.facts import collection_in, telescopes_in
from ..products.file_names import PATH_COLUMNS, column_as_text
from ..products.listing import as_table
from ..products.manifest import Status

_FITS = (".fits", ".fit", ".fits.gz", ".fit.gz", ".fits.fz")
_WHOLE = frozenset({Status.COMPLETE, Status.OK, Status.CHANGED})
# Name of a mission in headers and file names → its name at MAST.
_MISSIONS = {
    name.upper(): name for name in ("HST", "JWST", "TESS", "Kepler", "K2", "GALEX", "IUE", "FUSE", "SWIFT", "PS1")
}
# Field of a record → header keywords, including a misspelling that many files have.
_KEYWORDS = {
    "program": ("PROPOSID", "PROGRAM"),
    "investigator": ("PI_NAME", "PR_INV_L"),
    "instrument": ("INSTRUME",),
    "hlsp": ("HLSPID",),
    "title": ("HLSPNAME", "HSLPNAME"),
    "lead": ("HLSPLEAD",),
    "version": ("HLSPVER", "HLSP_VER"),
    "doi": ("DOI",),
    "reference": ("REFERENC",),
    "license": ("LICENSE",),
    "license_url": ("LICENURL",),
}
_COLUMNS = {
    "program": "proposal_id",
    "investigator": "proposal_pi",
    "instrument": "instrument_name",
    "kind": "dataproduct_type",
}
_URI = re.compile(r"mast:(?P<collection>\w+)/", re.IGNORECASE)


@dataclass(frozen=True)
class UsedData:
    """The information about a row or a file; unknown fields are None."""

    source: str
    """The origin of the information."""
    file: str | None = None
    missions: tuple[str, ...] = ()
    hlsp: str | None = None
    """The collection of high-level science products, in capitals."""
    program: str | None = None
    program_title: str | None = None
    investigator: str | None = None
    instrument: str | None = None
    kind: str | None = None
    title: str | None = None
    lead: str | None = None
    version: str | None = None
    doi: str | None = None
    reference: str | None = None
    license: str | None = None
    license_url: str | None = None


def used_data(what: Any) -> Iterator[UsedData]:
    """Yield the records of a table, a manifest, a folder, a file, or several of these."""
    if isinstance(what, str | os.PathLike):
        yield from _at(os.fspath(what))
        return
    table = as_table(what)
    if table is not None:
        yield from _in_table(table)
    elif isinstance(what, list | tuple | set | frozenset | Iterator):
        for each in what:
            yield from used_data(each)
    else:
        raise InvalidArgumentError(f"Expected a table, a manifest, a folder or a file, got a {type(what).__name__}.")


# -- tables ------------------------------------------------------------------------------------------------------------


def _in_table(table: Table) -> Iterator[UsedData]:
    """Return the records of the rows of a table."""
    if set(PATH_COLUMNS) & set(table.colnames):
        return _in_manifest(table)
    if "obs_collection" not in table.colnames and "dataURI" not in table.colnames:
        raise InvalidArgumentError(
            "The table has none of the columns 'obs_collection', 'dataURI' and 'Local Path'. Use a table of "
            "observations or products, or a manifest."
        )
    return (_of_row(row) for row in _rows(table))


def _rows(table: Table) -> Iterator[dict[str, str]]:
    """Yield the nonempty cells of each row, as text."""
    columns = [column_as_text(table, name) for name in table.colnames]
    for row in zip(*columns, strict=True):
        texts = zip(table.colnames, map(str.strip, row), strict=True)
        yield {name: text for name, text in texts if text.lower() not in SAYS_NOTHING}


def _of_row(row: Mapping[str, str]) -> UsedData:
    """Return the record of a row of observations or products."""
    uri = row.get("dataURI", "")
    found = _URI.match(uri)
    collection = row.get("obs_collection") or (found["collection"] if found else "")
    known: dict[str, Any] = {field: row.get(column) for field, column in _COLUMNS.items()}
    known["program_title"] = row.get("obs_title")
    source = "the table's columns" if "obs_collection" in row or not found else "the dataURI in the table"
    known["file"] = uri.rpartition("/")[2] or None
    if collection.upper() != "HLSP":
        return UsedData(source, missions=_spelled(collection), **known)
    names = (row.get("provenance_name"), collection_in(uri), collection_in(row.get("obs_id", "")))
    telescopes = telescopes_in(uri) or telescopes_in(row.get("obs_id", ""))
    known |= {"program": None, "program_title": None, "lead": known["investigator"], "investigator": None}
    return UsedData(source, missions=_known(telescopes), hlsp=_upper(next(filter(None, names), None)), **known)


def _in_manifest(manifest: Table) -> Iterator[UsedData]:
    """Yield the records of the files of a manifest; those of missing files come from their names or dataURIs."""
    for row in recorded_results(as_written(manifest)):
        if row.status not in _WHOLE:
            continue
        path = Path(row.local_path)
        found = _of_file(path) if path.is_file() else _of_file_name(path)
        if row.uri and not (found.missions or found.hlsp):
            found = replace(_of_row({"dataURI": row.uri}), source=f"the dataURI of {path.name}")
        yield found


def _spelled(mission: str) -> tuple[str, ...]:
    """Return a mission as MAST writes it; empty without a mission."""
    return tuple(filter(None, [_MISSIONS.get(mission.upper(), mission)]))


def _upper(name: str | None) -> str | None:
    """Return the name of a collection in capitals."""
    return name and name.upper()


def _known(telescopes: Iterable[str]) -> tuple[str, ...]:
    """Return the missions in a list of telescopes."""
    return tuple(_MISSIONS[name] for name in telescopes if name in _MISSIONS)


# -- files -------------------------------------------------------------------------------------------------------------


def _at(text: str) -> Iterator[UsedData]:
    """Yield the records of the files at a path, or of a dataURI."""
    path = Path(text)
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.name.lower().endswith(_FITS) and each.is_file())
        if not files:
            raise InvalidArgumentError(f"No FITS files found in {text}.")
        yield from map(_of_file, files)
    elif path.is_file():
        yield _of_file(path)
    elif _URI.match(text):
        yield _of_row({"dataURI": text})
    else:
        raise InvalidArgumentError(f"{text!r} is not a file, a folder, or a dataURI.")


def _of_file(path: Path) -> UsedData:
    """Return the record of a file: from its header, or from its name if the header cannot be read."""
    header = primary_header(path)
    if header is None:
        return _of_file_name(path)
    known = {field: header_text(header, *keys) for field, keys in _KEYWORDS.items()}
    known["hlsp"] = _upper(known["hlsp"]) or collection_in(path.name)
    source, telescope = f"the header of {path.name}", _telescope(header)
    if known["hlsp"] is None:
        known |= {"program_title": known["title"] or header_text(header, "TITLE"), "title": None}
        known["program"] = (known["program"] or "").lstrip("0") or None
        return UsedData(source, path.name, _spelled(telescope), **known)
    known |= {"program": None, "investigator": None}
    missions = _known(re.findall(r"\w+", telescope.upper())) or _known(telescopes_in(path.name))
    return UsedData(source, path.name, missions, **known)


def _of_file_name(path: Path) -> UsedData:
    """Return the record of a file from its name."""
    return UsedData(f"the name of {path.name}", path.name, _known(telescopes_in(path.name)), collection_in(path.name))


def _telescope(header: fits.Header) -> str:
    """Return the mission in a header.  K2, the second mission of the Kepler telescope, has its own keyword."""
    telescope = header_text(header, "TELESCOP") or ""
    return header_text(header, "MISSION") or telescope if telescope.upper() == "KEPLER" else telescope
