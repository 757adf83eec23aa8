"""An association and all of its inputs in one folder, as the calibration pipelines want them; or nothing that looks so.

In: an association, as a file in the archive or on disk.  Out: the files and their manifest.  The association is written
last, when all inputs are there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table, vstack

from ..downloads.destination import destination, file_system_at, is_remote, target_of
from ..downloads.download import DownloadRequest
from ..downloads.product_flow import ProductFlow
from ..exceptions import DownloadError, InvalidArgumentError, MastError
from ..products.association import ASSOCIATION_ENDINGS, Association, read_association
from ..products.file_names import column_as_text
from ..products.listing import as_table, products_of
from ..products.manifest import Manifest, Status, TransferResult, as_manifest
from ..products.plan import as_overwrite, escaped_url, single_file
from ..query.selection import names_of
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from .belonging import few_names
from .members import MemberSearch

_NO_ASSOCIATION = "There is no association file in these products: its name ends in _asn.json or _asn.fits."
# What the pipelines of HST start from: exposures as they were read out, and what belongs to them.
_RAW = re.compile(r"(RAW(?!ACQ)|TAG)")
_BESIDE_RAW = re.compile(r"(WAV|PHA|SPT)")


@dataclass(frozen=True)
class GatherRequest:
    """What is gathered and where it goes; arguments of ``gather_association``."""

    download_dir: str | os.PathLike[str] | None = None
    exptypes: Any = None
    suffix: Any = None
    cache: bool = True
    overwrite: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        """Refuse a place or a choice that cannot be, before anything is sent."""
        if self.download_dir is not None and is_remote(destination(self.download_dir)):
            raise InvalidArgumentError(
                f"{self.download_dir} is in a store: an association is gathered in a folder on a disk."
            )
        as_overwrite(self.cache, self.overwrite)

    @property
    def kinds(self) -> list[str] | None:
        """The types of exposures; None for all."""
        return None if self.exptypes is None else names_of(self.exptypes, "exptypes")

    @property
    def suffixes(self) -> list[str]:
        """Which files of the exposures of HST, in capitals; none for those that pipelines start from."""
        given = [] if self.suffix is None else names_of(self.suffix, "suffix")
        return [each.strip("_").removesuffix(".fits").upper() for each in given]


@dataclass(frozen=True)
class AssociationFile:
    """An association, and where it was found."""

    association: Association
    uri: str | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Inputs:
    """The files that an association needs, and which members have none."""

    products: Table
    missing: Sequence[str]


class AssociationGathering:
    """Brings an association together with its inputs."""

    def __init__(self, service: MastService, members: MemberSearch, flow: ProductFlow) -> None:
        self._service = service
        self._members = members
        self._flow = flow

    def gather(self, given: Any, request: GatherRequest, options: RunOptions) -> Manifest | Table:
        """Bring all files, or raise with a list of those that cannot be had; or return the plan."""
        deadline = options.deadline()
        kinds, suffixes = request.kinds, request.suffixes
        found = self._file(given, Deadline.within(deadline))
        beside = None if found.path is None else found.path.absolute().parent
        folder = beside or Path() if request.download_dir is None else destination(request.download_dir)
        folder = folder.absolute()
        association = found.association.chosen(kinds)
        if association is not found.association and folder == beside:
            raise InvalidArgumentError(
                f"exptypes={request.exptypes!r} leaves out members, so that {found.path} would be changed: give "
                "download_dir for the association with the others."
            )
        inputs = self._inputs(association, suffixes, deadline)
        if inputs.missing:
            raise self._refusal(association, inputs.missing, folder)
        if not len(inputs.products):
            raise InvalidArgumentError(f"{association.name} has no inputs: none of its members is present.")
        ask = DownloadRequest(folder, True, None, request.cache, request.overwrite, request.dry_run)
        quiet = replace(options, on_error="ignore").until(deadline)
        manifest = self._flow.download_products(inputs.products, ask, quiet, {})
        assert manifest is not None
        if request.dry_run:
            return manifest
        self._check(association, manifest, folder)
        return _stacked(self._written(found, association, folder, deadline), manifest)

    # -- the association ---------------------------------------------------------------------------------------------

    def _file(self, given: Any, deadline: Deadline) -> AssociationFile:
        """The association that a user means: on disk, in the archive, or that of an observation."""
        if isinstance(given, str | os.PathLike):
            return self._named(given, deadline)
        table = as_table(given)
        if table is None or len(table) != 1:
            what = f"a {type(given).__name__}" if table is None else f"{len(table)} rows"
            raise InvalidArgumentError(f"One association is needed, as a file, a dataURI or a row, not {what}.")
        if "dataURI" not in table.colnames:
            obsid = self._members.observations(table, deadline)[0].obsid
            table = self._members.products(obsid, deadline)
            table = table[np.array([each == obsid for each in column_as_text(table, "obsID")], dtype=bool)]
        uris = [uri for uri in dict.fromkeys(column_as_text(table, "dataURI")) if uri.endswith(ASSOCIATION_ENDINGS)]
        if len(uris) != 1:
            said = (
                f"There are {len(uris)} association files: give one of {few_names(uris)}." if uris else _NO_ASSOCIATION
            )
            raise InvalidArgumentError(said)
        return self._in_archive(uris[0], deadline)

    def _named(self, given: str | os.PathLike[str], deadline: Deadline) -> AssociationFile:
        """The association of a path, a dataURI or a name."""
        text = os.fspath(given)
        name = text.rpartition("/")[2]
        if not name.endswith(ASSOCIATION_ENDINGS):
            raise InvalidArgumentError(
                f"{text!r} is not an association file, whose name ends in _asn.json or _asn.fits."
            )
        if text.startswith("mast:"):
            return self._in_archive(text, deadline)
        path = Path(text).expanduser()
        if path.is_file():
            try:
                return AssociationFile(read_association(path.read_bytes(), path.name), path=path)
            except (OSError, MastError) as err:
                raise InvalidArgumentError(f"{text!r} cannot be read as an association: {err}") from err
        if not isinstance(given, str) or name != text:
            raise InvalidArgumentError(f"There is no file {text!r}.")
        mission = "JWST" if name.lower().startswith("jw") else "HST"
        return self._in_archive(f"mast:{mission}/product/{name.lower()}", deadline)

    def _in_archive(self, uri: str, deadline: Deadline) -> AssociationFile:
        """An association in the archive."""
        return AssociationFile(self._members.association(uri, deadline), uri=uri)

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _inputs(self, association: Association, suffixes: Sequence[str], deadline: Deadline) -> Inputs:
        """The products that an association needs."""
        if not association.names_files:
            return self._exposures(association, suffixes, deadline)
        if suffixes:
            raise InvalidArgumentError(
                f"suffix={suffixes!r} is for associations of HST: {association.name} names the files that it needs."
            )
        return self._files(association, deadline)

    def _files(self, association: Association, deadline: Deadline) -> Inputs:
        """The files that an association of JWST names, as far as possible with what is known of them."""
        exposures = {member.name: member.exposure for member in association.members}
        # The list of a product has the files of its exposures; others have to be asked for by name.
        tables = [_of_names(each, exposures) for each in self._listed(association.products, deadline)]
        lacking = _without(exposures, tables)
        if lacking:
            names = list(dict.fromkeys(exposures[name] for name in lacking))
            tables += [_of_names(each, lacking) for each in self._listed(names, deadline)]
            lacking = _without(exposures, tables)
        uris = [f"mast:JWST/product/{name}" for name in lacking]
        missing = [name for name, uri in zip(lacking, uris, strict=True) if not self._exists(uri, deadline)]
        if uris:
            tables.append(products_of(uris))
        return Inputs(vstack(tables, metadata_conflicts="silent"), missing)

    def _exposures(self, association: Association, suffixes: Collection[str], deadline: Deadline) -> Inputs:
        """The files of the exposures that an association of HST names."""
        own = {association.name.rpartition("_")[0].lower(), *association.products}
        tables = self._listed(sorted(own), deadline)
        if not tables:
            raise DownloadError(f"MAST has no observation {few_names(sorted(own))}, whose exposures are the inputs.")
        listed = vstack(tables, metadata_conflicts="silent") if len(tables) > 1 else tables[0]
        members = {member.name for member in association.members if member.present}
        is_wanted, is_enough = _chooser(suffixes)
        kinds = column_as_text(listed, "productSubGroupDescription")
        owners = [name.lower() for name in column_as_text(listed, "obs_id")]
        rows = zip(owners, kinds, column_as_text(listed, "dataURI"), strict=True)
        # Spectrographs may have the exposures of an association in one file, which bears its name.
        kept = [
            uri.endswith((".fits", ".fits.gz")) and owner in members | own and is_wanted(kind.upper())
            for owner, kind, uri in rows
        ]
        served = {
            owner for owner, kind, keep in zip(owners, kinds, kept, strict=True) if keep and is_enough(kind.upper())
        }
        missing = [] if served & own else sorted(members - served)
        return Inputs(listed[np.array(kept, dtype=bool)], missing)

    def _listed(self, names: Sequence[str], deadline: Deadline) -> list[Table]:
        """The products of the observations that have some names, as far as there are such observations."""
        return [self._members.products(each.obsid, deadline) for each in self._members.named(names, deadline)]

    def _exists(self, uri: str, deadline: Deadline) -> bool:
        """Whether the archive gives a file that no list of products has."""
        address = escaped_url(self._service.endpoints.download, uri)
        try:
            self._service.http.request("HEAD", address, deadline=Deadline.within(deadline), service=uri)
        except MastError as err:
            if err.status is None or err.status >= 500:
                raise
            return False
        return True

    # -- the end -----------------------------------------------------------------------------------------------------

    def _check(self, association: Association, manifest: Table, folder: Path) -> None:
        """Raise unless all inputs are there, under the names by which the association calls them."""
        failed = [
            str(row["dataURI"]).rpartition("/")[2]
            for row in manifest
            if row["Status"] != Status.COMPLETE
            or Path(row["Local Path"]).name != str(row["dataURI"]).rpartition("/")[2]
        ]
        if failed:
            raise DownloadError(
                f"{association.name} is not complete: {len(failed)} of {len(manifest)} inputs are not in {folder}: "
                f"{few_names(failed)}. The association was not written. The exception's manifest says why; "
                "retry_downloads takes it.",
                manifest,
            )

    @staticmethod
    def _refusal(association: Association, missing: Sequence[str], folder: Path) -> DownloadError:
        """The error for inputs that the archive does not have."""
        said = "The archive has no such input."
        results = [
            TransferResult(index, Status.ERROR, folder / name, said, uri=name) for index, name in enumerate(missing)
        ]
        return DownloadError(
            f"{association.name} cannot be gathered: the archive does not have {len(missing)} of its inputs: "
            f"{few_names(missing)}. Nothing was downloaded.",
            as_manifest(results),
        )

    @staticmethod
    def _written(found: AssociationFile, association: Association, folder: Path, deadline: Deadline) -> Manifest:
        """Write the association, and return its row of the manifest."""
        path, content = folder / association.name, association.content
        left = len(found.association.members) - len(association.members)
        if found.path is None or found.path.absolute() != path:
            planned = single_file(
                found.uri or association.name, path, download_url="", disk=file_system_at(path), overwrite="always"
            )
            try:
                with target_of(planned).claimed(lambda: deadline.remaining() <= 0) as sink, sink:
                    sink.begin(None)
                    sink.write(content)
                    sink.finish(None)
            except OSError as err:
                raise DownloadError(f"{path} cannot be written: {err}") from err
        result = TransferResult(
            0,
            Status.COMPLETE,
            path,
            f"{left} of {len(found.association.members)} members are left out." if left else None,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            uri=found.uri,
        )
        return as_manifest([result])


def _of_names(products: Table, names: Collection[str]) -> Table:
    """The products that have some file names."""
    return products[np.array([name in names for name in column_as_text(products, "productFilename")], dtype=bool)]


def _without(names: Iterable[str], tables: Iterable[Table]) -> list[str]:
    """The names of files that none of some tables of products has."""
    there = {name for each in tables for name in column_as_text(each, "productFilename")}
    return [name for name in names if name not in there]


def _chooser(suffixes: Collection[str]) -> tuple[Callable[[str], object], Callable[[str], object]]:
    """What tells the files of HST that are wanted, and those without which an exposure is not there."""
    if suffixes:
        return suffixes.__contains__, suffixes.__contains__
    return lambda kind: _RAW.match(kind) or _BESIDE_RAW.match(kind), _RAW.match


def _stacked(first: Manifest, others: Table) -> Manifest:
    """The manifest of all files."""
    table = vstack([first, others], metadata_conflicts="silent")
    table.meta = others.meta
    return Manifest(table, copy=False)
