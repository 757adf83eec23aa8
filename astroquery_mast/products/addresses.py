"""Files given by addresses, such as those listed by Virtual Observatory services, as products.

In: a table with a column of addresses, under any name.  Out: a product table, with the address as dataURI for files
that are not at MAST's download service; and the source of the files in such a table.
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

# Names, UCDs and utype endings of columns with the addresses of files, the most reliable first.
_ADDRESSES = ("access_url", "access_reference", "vox:image_accessreference", "access.reference")
# The column for the original addresses of products.
_GIVEN_BY = "access_url"
# Columns that are derived from the URI even if the table has them.
_OF_FILES = ("dataURI", "productFilename")
_WEB = ("https://", "http://")


@dataclass(frozen=True)
class FileAddresses:
    """A `DownloadService` for files of which some have an address instead of a dataURI."""

    download_url: str
    own: frozenset[str]

    def data_url(self, uri: str) -> str:
        """Return the address of a file for manifests."""
        return uri if uri in self.own else data_url(self.download_url, uri)

    def escaped_url(self, uri: str) -> str:
        """Return the escaped address of a file, for requests."""
        return uri if uri in self.own else escaped_url(self.download_url, uri)

    @classmethod
    def of(cls, download_url: str, table: Table, column: str) -> str | FileAddresses:
        """Return the source of the files in a table: a URI is an address if the column is empty or has the same one."""
        if column not in table.colnames:
            return download_url
        pairs = zip(column_as_text(table, "dataURI"), column_as_text(table, column), strict=True)
        own = frozenset(uri for uri, address in pairs if uri.startswith(_WEB) and address in {"", uri})
        return cls(download_url, own) if own else download_url


def addressed_products(given: Any, marks: Collection[str], service: str) -> Any:
    """Return a table, or rows of one, with a column of addresses as products; anything else is returned unchanged.

    ``marks`` are the columns that identify product tables, and ``service`` is the address prefix of files by dataURI.
    """
    table = as_table(given)
    if table is None or "dataURI" not in marks or not {*marks, "obsid"}.isdisjoint(table.colnames):
        return given
    column = _address_column(table)
    return given if column is None else _products(table, column, service)


def _address_column(table: Table) -> str | None:
    """Return the name of the column with the addresses of files; None if there is none."""
    names = {meaning: column.name for column in table.itercols() for meaning in _meanings(column)}
    return next(map(names.get, filter(names.__contains__, _ADDRESSES)), None)


def _meanings(column: Column) -> tuple[str, ...]:
    """Return the name, UCD and utype of a column, which may identify it."""
    ucd, utype = (str(column.meta.get(key, "")).lower() for key in ("ucd", "utype"))
    return column.name.lower(), ucd, utype.rpartition(":")[2]


def _products(table: Table, column: str, service: str) -> Table:
    """Return the products at the addresses in a column, each once, with the other columns of the table."""
    addresses = [address.strip() for address in column_as_text(table, column)]
    if not all(addresses):
        log.warning("%d of %d rows have no %s and are skipped.", addresses.count(""), len(addresses), column)
    rows = {uri_at(address, service): row for row, address in enumerate(addresses)}
    rows.pop("", None)
    # If a file is listed twice, the last row is used.
    products, known = table[list(rows.values())], products_of(rows)
    for name in [name for name in known.colnames if name in _OF_FILES or name not in table.colnames]:
        products[name] = known[name]
    products[_GIVEN_BY] = [address.strip() for address in column_as_text(products, column)]
    return products


def files_of_products(download_url: str, products: Table) -> str | FileAddresses:
    """Return the source of the files of products."""
    return FileAddresses.of(download_url, products, _GIVEN_BY)


def files_of_manifest(download_url: str, manifest: Table) -> str | FileAddresses:
    """Return the source of the files in a manifest, which has an address only for failed downloads."""
    return FileAddresses.of(download_url, manifest, "URL")


def refuse_to_bundle(place: object) -> None:
    """Raise if some files are on other servers, because MAST can only bundle its own files."""
    if isinstance(place, FileAddresses):
        raise InvalidArgumentError(
            f"MAST can only bundle its own files, and {len(place.own)} are on other servers, such as "
            f"{min(place.own)}. Omit bundle and curl_flag."
        )
