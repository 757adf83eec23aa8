"""The file of a product, opened on disk, at MAST, in its public bucket, or at another address.

In: a product as a dataURI, a file name, an address, a row of a table, a row of a manifest, a path, or an open file.
Out: an open file, from which only the parts that are read are transferred; or its contents as an object.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from astropy.io import fits
from astropy.table import Table
from astroquery import log

from ..exceptions import AccessDeniedError, InvalidArgumentError, InvalidQueryError, MastError
from ..products.addresses import addressed_products, files_of_manifest, files_of_products
from ..products.file_names import PATH_COLUMNS, column_as_text
from ..products.keyword_rows import files_as_products
from ..products.listing import as_table, uri_at
from ..products.plan import EXCLUSIVE, DownloadService, access_terms, escaped_url
from ..service.mast_service import MastService
from ..service.retrying import Deadline
from .bucket import Bucket
from .contents import check_kind, content_of, has_reader
from .destination import is_remote, recorded_place
from .download import FileSource
from .product_flow import Downloads
from .remote_file import open_fits, open_remote, range_opener
from .sessions import anonymous_http
from .verify_and_retry import as_written, recorded_path

_WEB = ("https://", "http://")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# The start of texts that can only be paths.
_PATH = re.compile(r"[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
# The columns that identify products in mission tables.
_OF_MISSIONS = frozenset({"uri", "filename"})
_SEVERAL = "loop over the rows to open each, or use get_headers for the headers of all"


# -- sources of the files of products ------------------------------------------------------------------------------


class AddressSource(Protocol):
    """Where the file of a product is, which differs between clients; a `ProductSource` is one."""

    def file(self, given: Any) -> tuple[str, FileSource]:
        """Return the URI of a file given by URI or address, and the source of the file; raise for anything else."""

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products with a column ``dataURI``, and the source of their files."""


@dataclass(frozen=True)
class ArchiveFiles:
    """Files at MAST by dataURI, and files elsewhere by address; an `AddressSource`."""

    service: MastService

    def file(self, given: Any) -> tuple[str, FileSource]:
        """Return the dataURI or address of a file, and the source of the file."""
        uri, bucket = named_file(given, self.service.endpoints.download, Bucket.configured(self.service.endpoints))
        return uri, FileSource(self.service.endpoints.download if bucket is None else bucket)

    def files(self, products: Table, *, in_folders: bool) -> tuple[Table, FileSource]:
        """Return products, and the source of their files."""
        del in_folders
        return products, FileSource(files_of_products(self.service.endpoints.download, products))


def named_file(text: Any, download_url: str, bucket: Bucket) -> tuple[str, Bucket | None]:
    """Return the dataURI in a text and None, or an address in the bucket and the bucket; raise for anything else."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidArgumentError(
            f"A valid data product URI must be provided, such as 'mast:HST/product/x.fits', got {text!r}."
        )
    if bucket.key(text) is not None:
        return text, bucket
    uri = uri_at(text, f"{download_url}?uri=")
    if text.startswith("s3://"):
        raise InvalidArgumentError(
            f"{text!r} is not in the MAST bucket s3://{bucket.name}. For FITS files in other buckets, use "
            "fits.open(..., use_fsspec=True)."
        )
    if not {":", "/"} & set(uri):
        raise InvalidArgumentError(
            f"{text!r} is a file name, not a dataURI such as 'mast:HST/product/{text}'. Use the column "
            "dataURI of a product list. (MastMissions also accepts file names of HST, JWST and Roman.)"
        )
    return uri, None


@dataclass(frozen=True)
class FileAddress:
    """An address from which a file is read."""

    name: str
    url: str
    in_bucket: bool = False


@dataclass(frozen=True)
class LocatedFile:
    """The location of a file: an open file, a path on disk, or addresses, of which the first that works is used."""

    name: str
    opened: IO[bytes] | None = None
    path: Path | None = None
    addresses: tuple[FileAddress, ...] = ()
    terms: str = ""
    may_be_unnamed: bool = False

    @property
    def identity(self) -> str:
        """The name by which the file is distinguished from others and can be opened again."""
        return self.addresses[-1].name if self.addresses else str(self.path or self.name)


# -- opening -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProductFiles:
    """Opens the files of products for one client."""

    service: MastService
    source: AddressSource
    block_size: int
    source_of_manifest: Callable[[Table], str | DownloadService] | None = None
    takes_names: bool = False
    deadline: Deadline | None = field(default=None, compare=False)

    def open(self, product: Any) -> Any:
        """Open a product for reading."""
        return self.open_located(self.located(product))

    def open_located(self, found: LocatedFile) -> Any:
        """Open a located file for reading."""
        return self._opened(found, self._remote)

    def open_by_fsspec(self, product: Any) -> fits.HDUList:
        """Open a FITS file with `fsspec`, without a token."""
        found = self.located(product)
        if found.addresses:
            return self._opened(found, lambda at: open_fits(at.url, name=at.name, block_size=self.block_size))
        return self.read(product, {})

    def read(self, product: Any, options: Mapping[str, Any]) -> Any:
        """Return a product as an object that matches its format."""
        found = self.located(product)
        if not found.may_be_unnamed:
            check_kind(found.name)
        with ExitStack() as unless_needed:
            file = self._opened(found, self._remote)
            if found.opened is None:
                unless_needed.enter_context(file)
            content, is_lazy = content_of(file, found.name, options)
            if is_lazy:
                unless_needed.pop_all()
            return content

    def _opened(self, found: LocatedFile, remote: Callable[[FileAddress], Any]) -> Any:
        """Open a file at its location."""
        if found.opened is not None:
            return found.opened
        if found.path is not None:
            try:
                return found.path.open("rb")
            except OSError as err:
                raise InvalidArgumentError(f"Cannot open {str(found.path)!r}: {err}") from err
        try:
            return self._first(found.addresses, remote)
        except AccessDeniedError as err:
            if Downloads(self.service).log_in_by_environment():
                return self._first(found.addresses, remote)
            if not found.terms:
                raise
            raise AccessDeniedError(f"Exclusive access{found.terms}. {err}", status=err.status) from err

    @staticmethod
    def _first(addresses: tuple[FileAddress, ...], remote: Callable[[FileAddress], Any]) -> Any:
        """Open the first address that works; if none does, raise the error for the last one."""
        *others, last = addresses
        for address in others:
            try:
                return remote(address)
            except MastError as err:
                log.info("%s Reading from MAST instead.", err)
        return remote(last)

    def _remote(self, address: FileAddress) -> io.BufferedReader:
        """Open an address, with the token if it is not in the bucket."""
        http = anonymous_http(self.service) if address.in_bucket else self.service.http
        opener = range_opener(http, self.deadline)
        return open_remote(address.url, opener, name=address.name, block_size=self.block_size)

    # -- location --------------------------------------------------------------------------------------------------

    def located(self, product: Any) -> LocatedFile:
        """Return the location of a product's file without reading it."""
        if _is_open(product):
            return _open_file(product)
        if isinstance(product, os.PathLike):
            return _on_disk(recorded_place(product))
        if isinstance(product, str):
            return self._named(product)
        if isinstance(product, list | tuple):
            if len(product) != 1:
                raise _not_one(len(product))
            return self.located(product[0])
        return self._of_table(_one_row(product))

    @property
    def _of_archive(self) -> AddressSource:
        """The source of files with a dataURI."""
        return ArchiveFiles(self.service) if self.takes_names else self.source

    def _named(self, text: str) -> LocatedFile:
        """Return the location of a file given by a path, a name, a URI or an address."""
        text = str(text).strip()
        if not _SCHEME.match(text) and (not self.takes_names or {os.sep, "/"} & set(text)) and is_local_file(text):
            return _on_disk(Path(text).expanduser())
        _check_name(text, is_path=not self.takes_names and "/" in text and not _SCHEME.match(text))
        text = uri_at(text, f"{self.service.endpoints.download}?uri=")
        source = self._of_archive if text.startswith(("mast:", "s3://")) else self.source
        uri, files = source.file(text)
        if uri.startswith(_WEB) and not isinstance(files.download_url, Bucket):
            return LocatedFile(uri, addresses=(FileAddress(uri, uri),), may_be_unnamed=True)
        return LocatedFile(uri, addresses=_addresses(uri, files))

    def _of_table(self, row: Table) -> LocatedFile:
        """Return the location of the file of a row: on disk if it was downloaded, otherwise at an address."""
        if set(PATH_COLUMNS) & set(row.colnames):
            return self._of_manifest(as_written(row))
        given = addressed_products(row, ("dataURI",), f"{self.service.endpoints.download}?uri=")
        by_name = self.takes_names and "dataURI" not in given.colnames and _OF_MISSIONS & set(given.colnames)
        if not by_name:
            _uri_of(given)
            given = files_as_products(given)
        products, files = (self.source if by_name else self._of_archive).files(given, in_folders=False)
        uri = _uri_of(products)
        name = uri if has_reader(uri) else column_as_text(products, "productFilename")[0].strip() or uri
        terms = _terms_of(products)
        return LocatedFile(name, addresses=_addresses(uri, files), terms=terms, may_be_unnamed=uri.startswith(_WEB))

    def _of_manifest(self, row: Table) -> LocatedFile:
        """Return the location of the file of a manifest row: the path if it still exists, otherwise its address."""
        path = recorded_path(row)
        if is_local_file(path):
            return _on_disk(path)
        download_url = self.service.endpoints.download
        find = self.source_of_manifest or (lambda each: files_of_manifest(download_url, each))
        if "dataURI" not in row.colnames:
            raise InvalidArgumentError(f"{str(path)!r} does not exist, and the row has no dataURI.")
        uri = _uri_of(row)
        return LocatedFile(uri, addresses=_addresses(uri, FileSource(find(row))))


def _addresses(uri: str, files: FileSource) -> tuple[FileAddress, ...]:
    """Return the addresses of a file, the most reliable one last."""
    if isinstance(files.download_url, Bucket):
        return (FileAddress(uri, files.download_url.data_url(uri), in_bucket=True),)
    copy = files.cloud_urls.get(uri)
    if files.cloud_only and copy is None:
        raise InvalidQueryError(f"The product {uri} was not found in the cloud.")
    if files.refusals:
        raise InvalidQueryError(next(iter(files.refusals.values())))
    copies = () if copy is None else (FileAddress(uri, copy, in_bucket=True),)
    return copies if files.cloud_only else (*copies, FileAddress(uri, escaped_url(files.download_url, uri)))


def _check_name(text: str, *, is_path: bool) -> None:
    """Raise if a text is a path that does not exist, or an address that is not supported."""
    if is_path or _PATH.match(text):
        raise InvalidArgumentError(f"There is no file {text!r:.200} on disk; a dataURI begins with 'mast:'.")
    if "://" in text and not text.startswith((*_WEB, "s3://")):
        raise InvalidArgumentError(
            f"Cannot open {text!r:.200}. Use a dataURI (mast:...), a URL (https://... or s3://...) or a path."
        )


def _one_row(product: Any) -> Table:
    """Return a product as a table with one row."""
    table = as_table(product)
    if table is None:
        raise InvalidArgumentError(
            "The product must be a dataURI, a URL, a row of a product table, a path or an open file, got "
            f"{product!r:.80}."
        )
    if len(table) != 1:
        raise _not_one(len(table))
    return table


def _not_one(number: int) -> InvalidArgumentError:
    """Return the error for no product or several products."""
    return InvalidArgumentError(f"Expected one product, got {number}: {_SEVERAL}.")


def _terms_of(row: Table) -> str:
    """Return the program and release date of an exclusive file, for messages; empty for other files."""
    rights, release, program = (column_as_text(row, name)[0] for name in ("dataRights", "t_obs_release", "proposal_id"))
    return access_terms(program, release) if rights == EXCLUSIVE else ""


def _uri_of(row: Table) -> str:
    """Return the dataURI of a row."""
    if "dataURI" not in row.colnames:
        raise InvalidArgumentError(
            "This row has no column 'dataURI', so it is not a product. If it is an observation, call "
            "get_product_list first and use a row of its result."
        )
    uri = column_as_text(row, "dataURI")[0].strip() if len(row) else ""
    if not uri:
        raise InvalidArgumentError("Cannot open this product: it has no dataURI.")
    return uri


def _is_open(given: Any) -> bool:
    """Return whether this is an open file; tables also have a method ``read``."""
    return hasattr(given, "read") and hasattr(given, "seek")


def _open_file(file: Any) -> LocatedFile:
    """Return the location of an open file."""
    if isinstance(file, io.TextIOBase):
        raise InvalidArgumentError(f"{file!r:.80} is open in text mode. Open it with mode 'rb'.")
    name = getattr(file, "name", None)
    return LocatedFile(name if isinstance(name, str) else "The file", opened=file, may_be_unnamed=True)


def _on_disk(path: Path) -> LocatedFile:
    """Return the location of a file on disk."""
    name = PurePosixPath(path.name).name if is_remote(path) else path.name
    return LocatedFile(name, path=path)


def is_local_file(place: str | Path) -> bool:
    """Return whether a file exists; False for a text that cannot be a file name, such as a very long one."""
    try:
        return (Path(place).expanduser() if isinstance(place, str) else place).is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def each_product(products: Any) -> Iterator[Any]:
    """Yield the products in a table, in a list that may contain tables, or a single product."""
    if isinstance(products, str | os.PathLike) or _is_open(products):
        yield products
        return
    # A list may have rows of different tables, which cannot always be stacked.
    table = None if isinstance(products, list | tuple) else as_table(products)
    if table is not None:
        yield from (table[index : index + 1] for index in range(len(table)))
        return
    try:
        members = iter(products)
    except TypeError as err:
        raise InvalidArgumentError(
            f"products must be a table, a row or a list of products, got {products!r:.80}."
        ) from err
    for member in members:
        yield from each_product(member) if isinstance(member, Table) else (member,)
