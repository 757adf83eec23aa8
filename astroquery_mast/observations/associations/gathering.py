"""Collect an association and all of its inputs in one folder, as calibration pipelines require.

In: an association file at MAST or on disk.  Out: the files and their manifest.  The association is written last, after
all inputs are complete, so an incomplete set never looks complete.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from astropy.table import Table, vstack

from ...downloads.destination import destination, file_system_at, is_remote, target_of
from ...downloads.download import DownloadRequest
from ...exceptions import DownloadError, InvalidArgumentError, InvalidQueryError, MastError
from ...products.association import ASSOCIATION_ENDINGS, Association, read_association
from ...products.file_names import column_as_text, rows_where, safe_name
from ...products.listing import as_table, products_of
from ...products.manifest import Manifest, Status, TransferResult, as_manifest
from ...products.plan import Overwrite, as_overwrite, escaped_url, single_file
from ...query.selection import names_of
from ...service.parallel import RunOptions
from ...service.retrying import Deadline
from ...tables.columns import few_names
from ...tables.table import stack_tables
from .lookup import ObservationLookup

# Inputs of the HST pipelines: raw exposures, and the files that support them.
_RAW = re.compile(r"RAW(?!ACQ)|TAG")
_RAW_AND_SUPPORT = re.compile(r"RAW(?!ACQ)|TAG|WAV|PHA|SPT")
# The column with these suffixes.
_SUFFIX = "productSubGroupDescription"
_SERVER_FAILS = 500
_KEPT = "On disk, not overwritten."


@dataclass(frozen=True)
class GatherRequest:
    """The files to collect and the folder to save them to; arguments of ``gather_association``."""

    download_dir: str | os.PathLike[str] | None = None
    exptypes: Any = None
    suffix: Any = None
    cache: bool = True
    overwrite: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Raise for remote storage or an invalid choice, before any request is sent."""
        if self.download_dir is not None and is_remote(destination(self.download_dir)):
            raise InvalidArgumentError(
                f"{self.download_dir} is remote storage. Associations can only be saved to a local folder."
            )
        as_overwrite(self.cache, self.overwrite)

    @property
    def kinds(self) -> list[str] | None:
        """The exposure types to collect; None for all."""
        return None if self.exptypes is None else names_of(self.exptypes, "exptypes")

    @property
    def suffixes(self) -> list[str]:
        """The suffixes of HST files to collect, in uppercase; empty for the pipeline inputs."""
        given = [] if self.suffix is None else names_of(self.suffix, "suffix")
        return [each.strip("_").removesuffix(".fits").upper() for each in given]


@dataclass(frozen=True)
class AssociationFile:
    """An association and its source."""

    association: Association
    uri: str | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """The files that an association needs, and the members without files."""

    products: Table
    missing: Sequence[str]


class AssociationGathering:
    """Collects an association and its inputs, for one call."""

    def __init__(self, lookup: ObservationLookup) -> None:
        self._lookup = lookup

    def gather(self, given: Any, request: GatherRequest, options: RunOptions) -> Manifest | Table:
        """Download all files, or raise with a list of those that are missing; or return the plan."""
        kinds, suffixes = request.kinds, request.suffixes
        found = self._file(given)
        association = found.association.chosen(kinds)
        folder = _folder(found, association, request)
        products = self._inputs(association, suffixes, folder)
        ask = DownloadRequest(folder, True, None, request.cache, request.overwrite, request.dry_run)
        manifest = self._lookup.flow.download_products(products, ask, replace(options, on_error="ignore"), {})
        assert manifest is not None
        if request.dry_run:
            return manifest
        _check(association, manifest, folder)
        return _stacked(_written(found, association, folder, request, options), manifest)

    # -- the association ---------------------------------------------------------------------------------------------

    def _file(self, given: Any) -> AssociationFile:
        """Return the association that a user means: on disk, at MAST, or that of an observation."""
        if isinstance(given, str | os.PathLike):
            return self._named(given)
        table = as_table(given)
        if table is None or len(table) != 1:
            what = f"a {type(given).__name__}" if table is None else f"{len(table)} rows"
            raise InvalidArgumentError(f"The association must be a file, a dataURI or a row, got {what}.")
        if "dataURI" not in table.colnames:
            table = self._lookup.own_products(self._lookup.observations(table)[0].obsid)
        return self._in_archive(_association_in(table))

    def _named(self, given: str | os.PathLike[str]) -> AssociationFile:
        """Return the association given by a path, a dataURI or a file name."""
        text = os.fspath(given)
        name = text.rpartition("/")[2]
        if not name.endswith(ASSOCIATION_ENDINGS):
            raise InvalidArgumentError(
                f"{text!r} is not an association file. File names end in _asn.json or _asn.fits."
            )
        if text.startswith("mast:"):
            return self._in_archive(text)
        if "://" not in text and destination(text).is_file():
            return _on_disk(destination(text))
        if not isinstance(given, str) or Path(text).name != text:
            raise InvalidArgumentError(f"File {text!r} not found.")
        mission = "JWST" if name.lower().startswith("jw") else "HST"
        return self._in_archive(f"mast:{mission}/product/{name.lower()}")

    def _in_archive(self, uri: str) -> AssociationFile:
        """Return an association file from MAST."""
        return AssociationFile(self._lookup.association(uri), uri=uri)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _inputs(self, association: Association, suffixes: Sequence[str], folder: Path) -> Table:
        """Return the products that an association needs; raise if MAST does not have all of them."""
        if association.names_files and suffixes:
            raise InvalidArgumentError(
                f"suffix={suffixes!r} only applies to HST associations. {association.name} lists the files "
                "that it needs."
            )
        inputs = self._files(association) if association.names_files else self._exposures(association, suffixes)
        if inputs.missing:
            raise _refusal(association, inputs.missing, folder)
        if not len(inputs.products):
            raise InvalidArgumentError(f"{association.name} has no inputs: none of its members exists.")
        return inputs.products

    def _files(self, association: Association) -> Inputs:
        """Return the files that a JWST association lists, with their entries in product lists where available."""
        exposures = {member.name: member.exposure for member in association.members}
        # The product list of a product has the files of its exposures. Other files are requested by name.
        tables = self._files_listed(association.products, exposures)
        lacking = _without(exposures, tables)
        tables += self._files_listed(list(dict.fromkeys(exposures[name] for name in lacking)), lacking)
        unlisted = {f"mast:JWST/product/{name}": name for name in _without(exposures, tables)}
        missing = [name for uri, name in unlisted.items() if not self._exists(uri)]
        if unlisted:
            tables.append(products_of(unlisted))
        return Inputs(stack_tables(tables), missing)

    def _exposures(self, association: Association, suffixes: Sequence[str]) -> Inputs:
        """Return the files of the exposures that an HST association lists."""
        own = {association.name.rpartition("_")[0].lower(), *association.products}
        tables = self._listed(sorted(own))
        if not tables:
            raise InvalidQueryError(
                f"The observations of the input exposures are not in MAST: {few_names(sorted(own))}."
            )
        listed = stack_tables(tables)
        members = {member.name for member in association.members if member.present}
        choice = FileChoice(members | own, suffixes)
        owners = choice.owners_served(listed)
        # Spectrographs may store all exposures of an association in one file with the association's name.
        return Inputs(choice.of(listed), [] if owners & own else sorted(members - owners))

    def _listed(self, names: Sequence[str]) -> list[Table]:
        """Return the products of the observations with these names; names without an observation are skipped."""
        return [self._lookup.products(each.obsid) for each in self._lookup.named(names)]

    def _files_listed(self, names: Sequence[str], files: Collection[str]) -> list[Table]:
        """Return the products of these observations that are among some files."""
        return [rows_where(each, files.__contains__, "productFilename") for each in self._listed(names)]

    def _exists(self, uri: str) -> bool:
        """Return whether MAST serves a file that is in no product list."""
        service = self._lookup.service
        address = escaped_url(service.endpoints.download, uri)
        try:
            service.http.request("HEAD", address, deadline=self._lookup.deadline, service=uri)
        except MastError as err:
            if err.status is None or err.status >= _SERVER_FAILS:
                raise
            return False
        return True


@dataclass(frozen=True)
class FileChoice:
    """Selects the files of HST observations that are inputs."""

    owners: Collection[str]
    suffixes: Sequence[str]

    def of(self, products: Table) -> Table:
        """Return the products that are inputs."""
        return rows_where(products, self._is_wanted, "obs_id", _SUFFIX, "productFilename")

    def owners_served(self, products: Table) -> set[str]:
        """Return the observations that have the required files, not only supporting ones."""
        wanted = self.of(products)
        served = rows_where(wanted, lambda suffix: bool(self.suffixes or _RAW.match(suffix.upper())), _SUFFIX)
        return set(map(str.lower, column_as_text(served, "obs_id")))

    def _is_wanted(self, owner: str, suffix: str, name: str) -> bool:
        """Return whether a file is an input."""
        if owner.lower() not in self.owners or not name.endswith((".fits", ".fits.gz")):
            return False
        kind = suffix.upper()
        return kind in self.suffixes if self.suffixes else _RAW_AND_SUPPORT.match(kind) is not None


def _on_disk(path: Path) -> AssociationFile:
    """Read an association from disk."""
    try:
        return AssociationFile(read_association(path.read_bytes(), path.name), path=path.absolute())
    except (OSError, MastError) as err:
        raise InvalidArgumentError(f"Cannot read {str(path)!r} as an association: {err}") from err


def _association_in(products: Table) -> str:
    """Return the dataURI of the association in a table of products."""
    uris = [uri for uri in dict.fromkeys(column_as_text(products, "dataURI")) if uri.endswith(ASSOCIATION_ENDINGS)]
    if not uris:
        raise InvalidArgumentError("No association file in these products. File names end in _asn.json or _asn.fits.")
    if len(uris) > 1:
        raise InvalidArgumentError(f"Found {len(uris)} association files. Use one of {few_names(uris)}.")
    return uris[0]


def _folder(found: AssociationFile, association: Association, request: GatherRequest) -> Path:
    """Return the folder to save to; raise if this would change the user's own association."""
    beside = Path() if found.path is None else found.path.parent
    folder = (beside if request.download_dir is None else destination(request.download_dir)).absolute()
    if found.path is not None and association is not found.association and folder == beside:
        raise InvalidArgumentError(
            f"exptypes={request.exptypes!r} skips members, which would change {found.path}. Specify "
            "download_dir= to save the shorter association elsewhere."
        )
    return folder


# -- writing -----------------------------------------------------------------------------------------------------------


def _check(association: Association, manifest: Table, folder: Path) -> None:
    """Raise unless all inputs are on disk under the names that the association uses."""
    failed = [
        str(row["dataURI"]).rpartition("/")[2]
        for row in manifest
        if row["Status"] != Status.COMPLETE or Path(row["Local Path"]).name != str(row["dataURI"]).rpartition("/")[2]
    ]
    if failed:
        raise DownloadError(
            f"{association.name} was not written, because {len(failed)} of {len(manifest)} inputs could not be saved "
            f"in {folder}: {few_names(failed)}. The reasons are in the exception's manifest, which you can pass to "
            "retry_downloads.",
            manifest,
        )


def _refusal(association: Association, missing: Sequence[str], folder: Path) -> DownloadError:
    """Return the error for inputs that MAST does not have."""
    said = "This input is not in MAST."
    results = [TransferResult(index, Status.ERROR, folder / name, said) for index, name in enumerate(missing)]
    return DownloadError(
        f"{association.name} cannot be gathered: {len(missing)} of its inputs not found in MAST: "
        f"{few_names(missing)}. Nothing was downloaded.",
        as_manifest(results),
    )


def _written(
    found: AssociationFile, association: Association, folder: Path, request: GatherRequest, options: RunOptions
) -> Manifest:
    """Write the association unless it is on disk already, and return its row of the manifest."""
    path, content = folder / safe_name(association.name, "association"), association.content
    result = TransferResult(0, Status.COMPLETE, path, uri=found.uri)
    if found.path != path and request.overwrite == Overwrite.NEVER and path.is_file():
        return as_manifest([replace(result, size=path.stat().st_size, message=_KEPT)])
    if found.path != path:
        _write(path, content, found.uri or association.name, options.deadline())
    left = len(found.association.members) - len(association.members)
    message = f"{left} of {len(found.association.members)} members are skipped." if left else None
    digest = hashlib.sha256(content).hexdigest()
    return as_manifest([replace(result, size=len(content), sha256=digest, message=message)])


def _write(path: Path, content: bytes, uri: str, deadline: Deadline) -> None:
    """Write a complete file, or none at all."""
    planned = single_file(uri, path, download_url="", disk=file_system_at(path), cache=False)
    try:
        with target_of(planned).claimed(lambda: deadline.remaining() <= 0) as sink, sink:
            sink.begin(None)
            sink.write(content)
            sink.finish(None)
    except OSError as err:
        raise DownloadError(f"Cannot write {path}: {err}") from err


def _without(names: Iterable[str], tables: Iterable[Table]) -> list[str]:
    """Return the file names that are in none of the product tables."""
    there = {name for each in tables for name in column_as_text(each, "productFilename")}
    return [name for name in names if name not in there]


def _stacked(first: Manifest, others: Table) -> Manifest:
    """Return the manifest of all files."""
    table = vstack([first, others], metadata_conflicts="silent")
    table.meta = others.meta
    return Manifest(table, copy=False)
