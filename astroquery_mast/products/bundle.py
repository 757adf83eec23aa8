"""Many products in one file: a script that fetches them, or an archive file that holds them.

In: products, and where the file goes. Out: the one file to fetch, what to post for it, and afterwards a result for
every product: an archive file is looked into, because the archive leaves out what it may not or cannot give. Products
flow, beside "plan" and "manifest".
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
# A bundle has a file for each product; their headers are a few lines, kept in memory.
_MOST_MEMBERS, _LONGEST_HEADER = 200_000, 1 << 20
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE)
# What may be raised while reading a file that is broken, or is not an archive file at all.
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
    """Return the kind of the one file that is wanted instead of many: a bundle, or else a script."""
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
    """The products that go into one file."""

    kind: str
    products: Sequence[FileNameParts]

    @classmethod
    def of(cls, products: Table, kind: str) -> Bundle:
        """Return the bundle of a product table."""
        if kind not in {SCRIPT, *KINDS}:
            raise InvalidArgumentError(f"bundle must be {' or '.join(map(repr, KINDS))}, got {kind!r}.")
        return cls(kind, file_name_parts(products))

    @property
    def form(self) -> list[tuple[str, str]]:
        """What to post."""
        return [("uri", product.uri) for product in self.products if product.uri]

    def planned(self, address: str, folder: Path) -> PlannedFile:
        """Return the file to fetch."""
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
        """Return the plan as it looks with a bundle: every product is in the one file."""
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
                # Nothing else than an archive file must remain under the name of one.
                fetched.local_path.unlink(missing_ok=True)
                whole = _lost(fetched, f"MAST returned an unreadable {self.kind} file: {type(err).__name__}: {err}")
        names = Counter(product.filename for product in self.products)
        return [
            replace(
                self._result(product, names[product.filename] == 1, whole, held), index=index, uri=product.uri or None
            )
            for index, product in enumerate(self.products)
        ]

    @staticmethod
    def _result(product: FileNameParts, alone: bool, fetched: TransferResult, held: _Contents | None) -> TransferResult:
        """The result of one product."""
        if not product.uri:
            return replace(_lost(fetched, "the product has no dataURI"), url=None)
        if held is None or held.has(product, alone):
            return fetched
        return _lost(
            fetched, f"MAST did not include {product.uri}: the file was not found, or you do not have access to it."
        )


@dataclass(frozen=True)
class _Contents:
    """The files that an archive file holds: their names, and their names with the folder that they are in."""

    names: frozenset[str]
    placed: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, members: Sequence[str]) -> _Contents:
        paths = [PurePosixPath(member) for member in members]
        return cls(frozenset(path.name for path in paths), frozenset(path.parts[-2:] for path in paths))

    def has(self, product: FileNameParts, alone: bool) -> bool:
        """Return whether a product is there; a name that several products have tells nothing by itself."""
        return (product.obs_id, product.filename) in self.placed or (alone and product.filename in self.names)


def is_bundle_of(path: Path, uri: str) -> bool:
    """Return whether a path is that of a bundle or a script of products, and not of the product itself."""
    ending = next((f".{kind}" for kind in (SCRIPT, *KINDS) if path.name.lower().endswith(f".{kind}")), None)
    return ending is not None and not uri.lower().endswith(ending)


class _ShortHeader(tarfile.TarInfo):
    """The header of a file in a tar file; those that go before it, with long names and the like, are read whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        """Read what belongs to the header."""
        if self.type not in _PLAIN and self.size > _LONGEST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc]

    def _proc_sparse(self, *_: object) -> Any:
        """Refuse files with holes, whose lists of holes may be without end; MAST has none."""
        raise tarfile.ReadError("a sparse file")

    _proc_gnusparse_10 = _proc_sparse


def _members(path: Path) -> list[str]:
    """The names of the files in an archive file."""
    with path.open("rb") as stream:
        if path.suffix == ".zip":
            with zipfile.ZipFile(stream) as packed:
                broken = packed.testzip()
                if broken is not None:
                    raise zipfile.BadZipFile(f"{broken} is damaged")
                return packed.namelist()
        # Read to the end as well, so that its own checksum is compared.
        with tarfile.open(fileobj=stream, mode="r:gz", tarinfo=_ShortHeader) as packed_tar:
            members = list(islice(packed_tar, _MOST_MEMBERS + 1))
            if len(members) > _MOST_MEMBERS:
                raise tarfile.ReadError(f"it contains more than {_MOST_MEMBERS} files")
            return [member.name for member in members if member.isfile()]


def _lost(fetched: TransferResult, message: str) -> TransferResult:
    """The result for a product that did not come."""
    return replace(fetched, status=Status.ERROR, message=message, size=None, sha256=None, fetched=False)


def _own_path(folder: Path, kind: str) -> Path:
    """A name that no other call has, even if it is made in the same second."""
    return folder / f"mastDownload_{time.strftime('%Y%m%d%H%M%S')}_{secrets.token_hex(4)}.{kind}"
