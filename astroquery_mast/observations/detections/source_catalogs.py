"""Source catalogs: which products are source catalogs, and the sources in them.

In: products, and the contents of files.  Out: `SourceCatalog` values; positions of sources, and their columns in a form
that can be stacked with those of other catalogs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time

from ...exceptions import InvalidArgumentError, InvalidResponseError
from ...query.values import is_missing
from ...sky.position import in_icrs
from ...sky.positions import Positions, as_positions
from ...tables.columns import plain_cells
from ...tables.result_table import ResultTable
from ...tables.rows import Floats, RowNumbers
from ...targets.pairs import pairs_within, separations

_READABLE = frozenset({"ecsv", "csv", "vot", "fits", "fit"})
_NAMED = re.compile(r"[-_.]cat(?:alog(?:ue)?)?s?$")
# The position column of JWST catalogs; their other coordinate columns are corners of bounding boxes.
_CENTERS = "centroid"
_COLUMNS = ("dataURI", "productFilename", "productType", "obs_collection", "obs_id", "size", "dataRights", "obsID")


@dataclass(frozen=True)
class SourceCatalog:
    """A file with the sources detected in an observation."""

    uri: str
    collection: str
    obs_id: str
    size: int | None
    rights: str
    # The row in the product table, and the obsids of the observations that the file belongs to.
    row: int
    obsids: frozenset[str]


def catalogs_in(products: Table) -> list[SourceCatalog]:
    """Return the source catalogs among products, each file once."""
    if not len(products):
        return []
    parents = products["parent_obsid" if "parent_obsid" in products.colnames else "obsID"]
    columns = [*(plain_cells(products[name]) for name in _COLUMNS), plain_cells(parents)]
    found: dict[str, SourceCatalog] = {}
    for row, (uri, name, role, collection, obs_id, size, rights, *obsids) in enumerate(zip(*columns, strict=True)):
        if not is_missing(uri) and is_source_catalog(name, role):
            known = found.get(uri)
            owners = frozenset(map(str, obsids)) | (frozenset() if known is None else known.obsids)
            length = None if is_missing(size) else int(size)
            place = row if known is None else known.row
            found[uri] = SourceCatalog(str(uri), str(collection), str(obs_id), length, str(rights), place, owners)
    return list(found.values())


def is_source_catalog(name: Any, role: Any) -> bool:
    """Return whether a product is a readable source catalog, by its file name or its product type."""
    stem, _, ending = str(name).lower().removesuffix(".gz").rpartition(".")
    return ending in _READABLE and (role == "CATALOG" or _NAMED.search(stem) is not None)


# -- sources in a catalog ----------------------------------------------------------------------------------------------


def sources_in(content: Any, uri: str) -> tuple[Table, Positions]:
    """Return the sources of a catalog and their positions, from the first table that has positions."""
    for table in _tables(content):
        if not len(table):
            return table, Positions(np.empty(0), np.empty(0))
        centers = [name for name in _sky_columns(table) if _CENTERS in name]
        try:
            return table, as_positions(table[centers[0]] if centers else table)
        except InvalidArgumentError:
            continue
    raise InvalidResponseError(f"{uri} has no column with source positions.", service="MAST download")


def matching_sources(content: Any, uri: str, positions: Positions, radius: float) -> tuple[Table, RowNumbers, Floats]:
    """Return the sources within a radius (deg) of a position, the position of each, and the separations (arcsec)."""
    table, places = sources_in(content, uri)
    known = positions.known
    ra, dec = positions.ra[known], positions.dec[known]
    one, source = pairs_within(ra, dec, places.ra, places.dec, radius)
    away = separations(ra[one], dec[one], places.ra[source], places.dec[source]) * 3600
    return as_plain_table(table[source]), known[one], away


def _tables(content: Any) -> Iterator[Table]:
    """Yield the tables in a file."""
    if isinstance(content, fits.HDUList):
        yield from (Table.read(hdu) for hdu in content if isinstance(hdu, fits.BinTableHDU | fits.TableHDU))
    elif isinstance(content, Table):
        yield content


def _sky_columns(table: Table) -> list[str]:
    return [name for name in table.colnames if isinstance(table[name], SkyCoord)]


# -- one table of many catalogs --------------------------------------------------------------------------------------


def as_plain_table(table: Table) -> Table:
    """Return a table of numbers, text and units; positions become two columns, arrays one column per element."""
    columns = [plain for name in table.colnames for plain in _plain_columns(name, table[name])]
    return ResultTable(columns, masked=True, copy=False)


def _plain_columns(name: str, column: Any) -> list[MaskedColumn]:
    """Return a column as columns of numbers or text."""
    if isinstance(column, SkyCoord):
        icrs = in_icrs(column)
        return [MaskedColumn(getattr(icrs, axis).deg, f"{name}.{axis}", unit=u.deg) for axis in ("ra", "dec")]
    if isinstance(column, Time):
        column = Column(np.ma.filled(column.isot, ""), description=column.info.description)
    unit, description = getattr(column, "unit", None), column.info.description
    mask = np.broadcast_to(getattr(column, "mask", False), column.shape)
    values = _plain_values(np.asarray(getattr(column, "unmasked", column)))
    if values.ndim == 1:
        return [MaskedColumn(values, name, mask=mask, unit=unit, description=description)]
    flat, masks = (each.reshape(len(each), int(np.prod(each.shape[1:]))).T for each in (values, mask))
    parts = enumerate(zip(flat, masks, strict=True), 1)
    return [
        MaskedColumn(part, f"{name}_{n}", mask=gone, unit=unit, description=description) for n, (part, gone) in parts
    ]


def _plain_values(values: Any) -> Any:
    """Return numbers in the machine's byte order, or text."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind in "biufU":
        return values.astype(values.dtype.newbyteorder("="))
    return values.astype(str)


def with_common_units(tables: Sequence[Table]) -> None:
    """Convert columns of the same name to the unit of the first; rename those with incompatible units."""
    units: dict[str, Any] = {}
    for table in tables:
        for name in table.colnames:
            unit = table[name].unit
            wanted = units.setdefault(name, unit)
            if unit == wanted:
                continue
            try:
                values = unit.to(wanted, np.asarray(table[name].data.data, dtype=float))
            except (AttributeError, TypeError, ValueError, u.UnitsError):
                table.rename_column(name, f"{name} [{unit or 'no unit'}]")
            else:
                mask, said = table[name].mask, table[name].description
                table[name] = MaskedColumn(values, mask=mask, unit=wanted, description=said)
