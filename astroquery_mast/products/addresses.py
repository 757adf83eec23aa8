"""Files that are known by their addresses: as services of the Virtual Observatory list them, as products.

In: a table with a column of addresses, whatever its name.  Out: a table of products, in which an address that is none
at MAST's download service stands for the dataURI; and where the files of such a table come from.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from astropy.table import Column, Table
from astroquery import log

from ..exceptions import InvalidArgumentError
from .file_names import column_as_text
from .listing import as_table, products_of, uri_at
from .plan import data_url, escaped_url

# Names, UCDs and ends of utypes of columns with the addresses of files, the surest first.
_ADDRESSES = ("access_url", "access_reference", "vox:image_accessreference", "access.reference")
# The column in which products keep the address that they were given by.
_GIVEN_BY = "access_url"
# What a URI tells better than any service.
_OF_FILES = ("dataURI", "productFilename")
_WEB = ("https://", "http://")


@dataclass(frozen=True)
class FileAddresses:
    """Where files come from of which some have their own address in the place of a dataURI; a `DownloadService`."""

    download_url: str
    own: frozenset[str]

    def data_url(self, uri: str) -> str:
        """Return the address of a file as manifests show it."""
        return uri if uri in self.own else data_url(self.download_url, uri)

    def escaped_url(self, uri: str) -> str:
        """Return the address of a file as it is asked for."""
        return uri if uri in self.own else escaped_url(self.download_url, uri)

    @classmethod
    def of(cls, download_url: str, table: Table, column: str) -> str | FileAddresses:
        """Return where the files of a table come from: an address as URI is one, unless the column has another."""
        if column not in table.colnames:
            return download_url
        pairs = zip(column_as_text(table, "dataURI"), column_as_text(table, column), strict=True)
        own = frozenset(uri for uri, address in pairs if uri.startswith(_WEB) and address in {"", uri})
        return cls(download_url, own) if own else download_url


def addressed_products(given: Any, marks: Collection[str], service: str) -> Any:
    """Return the files of a table, or of rows of one, that has addresses of files as products; anything else as it is.

    ``marks`` are the columns by which products are known, and ``service`` is the address of the files of dataURIs.
    """
    table = as_table(given)
    if table is None or "dataURI" not in marks or not {*marks, "obsid"}.isdisjoint(table.colnames):
        return given
    column = _address_column(table)
    return given if column is None else _products(table, column, service)


def _address_column(table: Table) -> str | None:
    """The name of the column with the addresses of files, by what its service says of it."""
    names = {meaning: column.name for column in table.itercols() for meaning in _meanings(column)}
    return next(map(names.get, filter(names.__contains__, _ADDRESSES)), None)


def _meanings(column: Column) -> tuple[str, ...]:
    """What a column may be known by."""
    ucd, utype = (str(column.meta.get(key, "")).lower() for key in ("ucd", "utype"))
    return column.name.lower(), ucd, utype.rpartition(":")[2]


def _products(table: Table, column: str, service: str) -> Table:
    """The products at the addresses of a column, each once, with what else the table tells of them."""
    addresses = [address.strip() for address in column_as_text(table, column)]
    if not all(addresses):
        log.warning("%d of %d rows have no %s and are skipped.", addresses.count(""), len(addresses), column)
    rows = {uri_at(address, service): row for row, address in enumerate(addresses)}
    rows.pop("", None)
    # Where a file comes twice, the row is the last one.
    products, known = table[list(rows.values())], products_of(rows)
    for name in [name for name in known.colnames if name in _OF_FILES or name not in table.colnames]:
        products[name] = known[name]
    products[_GIVEN_BY] = [address.strip() for address in column_as_text(products, column)]
    return products


def files_of_products(download_url: str, products: Table) -> str | FileAddresses:
    """Return where the files of products come from."""
    return FileAddresses.of(download_url, products, _GIVEN_BY)


def files_of_manifest(download_url: str, manifest: Table) -> str | FileAddresses:
    """Return where the files of a manifest come from, which has an address only where a file did not come."""
    return FileAddresses.of(download_url, manifest, "URL")


def refuse_to_bundle(place: object) -> None:
    """Raise if some files are not MAST's, which puts nothing else into a bundle or a script."""
    if isinstance(place, FileAddresses):
        raise InvalidArgumentError(
            f"MAST can only bundle its own files, and {len(place.own)} are on other servers, such as "
            f"{min(place.own)}. Omit bundle and curl_flag."
        )
