"""Many products in one file: a script that downloads them, or a zip or tar file that contains them.

In: products, and the folder for the file. Out: the file to download, the form to post for it, and afterwards a result
for each product: the contents of a zip or tar file are checked, because MAST leaves out files that were not found or
that the user has no access to. Part of the product flow, next to "plan" and "manifest".
"""

from __future__ import annotations

import secrets
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from astropy.table import Table

from ..exceptions import InputWarning, InvalidArgumentError
from ..warn import warn_user
from .file_names import FileNameParts, PathTemplate, file_name_parts
from .manifest import Status, TransferResult
from .plan import Action, PlannedFile

SCRIPT = "sh"
KINDS = ("zip", "tar.gz")
# Limits for the number of files in a bundle, and for the length of a header (bytes), which is kept in memory.
_MAX_MEMBERS, _MAX_HEADER_SIZE = 200_000, 1 << 20
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE)
# Raised for files that are damaged, or are not zip or tar files.
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


def kind_of_bundle(curl_flag: bool, bundle: str | None, path_template: PathTemplate | None, flat: bool) -> str:
    """Return the kind of bundle for the arguments of a download: a zip or tar file, or else a script."""
    if curl_flag and bundle is not None:
        raise InvalidArgumentError("curl_flag=True and bundle= cannot be combined. Use one of them.")
    if bundle not in {None, *KINDS}:
        raise InvalidArgumentError(f"bundle must be {' or '.join(map(repr, KINDS))}, got {bundle!r}.")
    ignored = "flat=True" if flat else None if path_template is None else "path_template"
    if ignored is not None:
        warn_user(f"{ignored} has no effect on {'curl downloads' if curl_flag else 'a bundle'}.", InputWarning)
    return bundle or SCRIPT


@dataclass(frozen=True)
class Bundle:
    """The products of one bundle."""

    kind: str
    products: Sequence[FileNameParts]

    @classmethod
    def of(cls, products: Table, kind: str) -> Bundle:
        """Return the bundle for a product table."""
        if kind not in {SCRIPT, *KINDS}:
            raise InvalidArgumentError(f"bundle must be {' or '.join(map(repr, KINDS))}, got {kind!r}.")
        return cls(kind, file_name_parts(products))

    @property
    def form(self) -> list[tuple[str, str]]:
        """The form to post."""
        return [("uri", product.uri) for product in self.products if product.uri]

    def planned(self, address: str, folder: Path) -> PlannedFile:
        """Return the plan for the file to download."""
        url = f"{address}.{self.kind}"
        return PlannedFile(
            index=0,
            uri=None,
            data_url=url,
            url=url,
            local_path=_own_path(folder, self.kind),
            size=None,
            action=Action.FETCH if self.form else Action.REFUSE,
            reason="the bundle of these products" if self.form else "no product has a dataURI",
        )

    def shown(self, planned: Sequence[PlannedFile], whole: PlannedFile) -> list[PlannedFile]:
        """Return the plan for the products with the path and address of the bundle."""
        place = {"local_path": whole.local_path, "data_url": whole.data_url, "url": whole.url, "at_hand": 0}
        fetched = {**place, "action": whole.action, "reason": f"in {whole.local_path.name}"}
        return [
            replace(file, **(place if file.action is Action.REFUSE else fetched))  # type: ignore[arg-type]
            for file in planned
        ]

    def results(self, fetched: TransferResult) -> list[TransferResult]:
        """Return the result of each product."""
        whole, held = fetched, None
        if fetched.status is Status.COMPLETE and self.kind != SCRIPT:
            try:
                held = _Contents.of(_members(fetched.local_path))
            except _UNREADABLE as err:
                # A file that is not a valid bundle must not stay under its name.
                fetched.local_path.unlink(missing_ok=True)
                whole = _not_included(
                    fetched, f"MAST returned an unreadable {self.kind} file: {type(err).__name__}: {err}"
                )
        names = Counter(product.filename for product in self.products)
        return [
            replace(
                self._result(product, names[product.filename] == 1, whole, held), index=index, uri=product.uri or None
            )
            for index, product in enumerate(self.products)
        ]

    @staticmethod
    def _result(product: FileNameParts, alone: bool, fetched: TransferResult, held: _Contents | None) -> TransferResult:
        """Return the result of one product."""
        if not product.uri:
            return replace(_not_included(fetched, "the product has no dataURI"), url=None)
        if held is None or held.has(product, alone):
            return fetched
        return _not_included(
            fetched, f"MAST did not include {product.uri}: the file was not found, or you do not have access to it."
        )


@dataclass(frozen=True)
class _Contents:
    """The files in a bundle: their names, and their names with the folder that they are in."""

    names: frozenset[str]
    placed: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, members: Sequence[str]) -> _Contents:
        paths = [PurePosixPath(member) for member in members]
        return cls(frozenset(path.name for path in paths), frozenset(path.parts[-2:] for path in paths))

    def has(self, product: FileNameParts, alone: bool) -> bool:
        """Return whether a product is included; the name alone is sufficient only if no other product has it."""
        return (product.obs_id, product.filename) in self.placed or (alone and product.filename in self.names)


def is_bundle_of(path: Path, uri: str) -> bool:
    """Return whether a path is that of a bundle or script rather than of the product itself."""
    ending = next((f".{kind}" for kind in (SCRIPT, *KINDS) if path.name.lower().endswith(f".{kind}")), None)
    return ending is not None and not uri.lower().endswith(ending)


class _ShortHeader(tarfile.TarInfo):
    """The header of a file in a tar file; extended headers, such as long names, have a maximum length."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        """Process the header, unless it is too long."""
        if self.type not in _PLAIN and self.size > _MAX_HEADER_SIZE:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]

    def _proc_sparse(self, *_: object) -> Any:
        """Raise for sparse files, whose maps may be endless; bundles of MAST have none."""
        raise tarfile.ReadError("a sparse file")

    _proc_gnusparse_10 = _proc_sparse


def _members(path: Path) -> list[str]:
    """Return the names of the files in a zip or tar file."""
    with path.open("rb") as stream:
        if path.suffix == ".zip":
            with zipfile.ZipFile(stream) as packed:
                broken = packed.testzip()
                if broken is not None:
                    raise zipfile.BadZipFile(f"{broken} is damaged")
                return packed.namelist()
        # Read to the end, so that the checksum of gzip is verified.
        with tarfile.open(fileobj=stream, mode="r:gz", tarinfo=_ShortHeader) as packed_tar:
            members = list(islice(packed_tar, _MAX_MEMBERS + 1))
            if len(members) > _MAX_MEMBERS:
                raise tarfile.ReadError(f"it contains more than {_MAX_MEMBERS} files")
            return [member.name for member in members if member.isfile()]


def _not_included(fetched: TransferResult, message: str) -> TransferResult:
    """Return the result for a product that is not in the bundle."""
    return replace(fetched, status=Status.ERROR, message=message, size=None, sha256=None, fetched=False)


def _own_path(folder: Path, kind: str) -> Path:
    """Return a path that is unique even for calls in the same second."""
    return folder / f"mastDownload_{time.strftime('%Y%m%d%H%M%S')}_{secrets.token_hex(4)}.{kind}"
