"""Read catalogs and other tables in files as `~astropy.table.Table`.

In: a product.  Out: its table.  astropy identifies the format if it can.  This module identifies other text files by
their first lines.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from astropy.io import ascii as text_tables
from astropy.io import fits
from astropy.io.registry import identify_format
from astropy.table import Table

from ..downloads.contents import unpacked
from ..exceptions import InputWarning, InvalidArgumentError
from ..tables.dataframes import table_of_parquet
from ..warn import warn_user
from .opened import opened_file
from .unreadable import contents, fitting_reader, one_product, product_name, reading_file

_FITS, _PARQUET = b"SIMPLE  =", b"PAR1"
# Number of bytes to inspect for the format.
_INSPECTED = 65_536
# Beginnings of text files by format; the rarer formats are tried first.
_BEGINNINGS: Mapping[str, re.Pattern[str]] = {
    "ecsv": re.compile(r"# %ECSV"),
    "mrt": re.compile(r"(?s)Title:.*?Byte-by-byte Description"),
    "cds": re.compile(r"(?s).*?Byte-by-byte Description"),
    "daophot": re.compile(r"#K IRAF"),
    "sextractor": re.compile(r"#\s+1\s+[A-Z]\w*\b"),
    "ipac": re.compile(r"(\\.*\n)*\|.*\|\s*\n"),
}
_UNKNOWN = "{} does not contain a table in a supported format. open_product returns its bytes."
# The beginning of JSON, XML and HTML, and bytes of binary files.
_NO_TABLE = re.compile(rb"\s*[\[{<]|(?s:.*)[\x00-\x08\x0e-\x1f]")


def read_catalog(product: Any, *, client: Any = None, hdu: int | str | None = None) -> Table:
    """Read a source catalog, or another table in a file.

    This includes source catalogs of JWST (``_cat.ecsv``) and of the Hubble Advanced Products (``_point-cat.ecsv``,
    ``_segment-cat.ecsv``), source lists of the Hubble Legacy Archive (text), and tables of high-level science products.
    The formats are FITS, ECSV, CSV, VOTable, machine-readable tables of the AAS journals and of CDS, IPAC, SExtractor,
    DAOPHOT, other text in columns, and parquet (requires pyarrow, and pandas for files written by astropy), with or
    without gzip compression.  The format is identified from the name and the content.

    Parameters
    ----------
    product : str, `~astropy.table.Row`, `~astropy.table.Table`, path-like, file-like or `~astropy.io.fits.HDUList`
        A row of a product table or manifest, a table with one row, a data URI, an https or s3 URL, the path of a file,
        or an open file.
    client : optional
        The client that opens the product, such as `Observations`.  By default, it is inferred from the product.
    hdu : int or str, optional
        The number or name of the HDU with the table in a FITS file.  Defaults to the first table, with a warning if
        there are several.

    Returns
    -------
    `~astropy.table.Table`
        The rows of the file, with any units and descriptions that the file provides.  Missing values are masked.
        Positions are not converted: they are columns of numbers, or a `~astropy.coordinates.SkyCoord` column if an ECSV
        file has one.  ``meta`` has the metadata of the file, and ``FILENAME``.

    Raises
    ------
    InvalidQueryError
        If there are several products, or if the file does not contain a table or the HDU.  The message lists the
        contents of the file.
    LoginError
        If the file is under exclusive access.
    RemoteServiceError
        If the server fails, or the file is damaged.

    Warns
    -----
    InputWarning
        If a FITS file has several tables and ``hdu`` is not specified.

    Examples
    --------
    >>> from astroquery_mast import Observations, readers
    >>> found = Observations.query_criteria(
    ...     obs_collection="JWST",
    ...     target_name="M51",
    ...     instrument_name="NIRCAM/IMAGE",
    ...     filters="F200W",
    ...     calib_level=3,
    ... )
    >>> products = Observations.get_product_list(found[:1], verbose=False)
    >>> row = products[products["productSubGroupDescription"] == "CAT"][0]
    >>> sources = readers.read_catalog(row)
    >>> print(len(sources), sources["aper_total_flux"].unit)
    110 Jy
    """
    product = one_product(product, "read_catalog")
    name = product_name(product)
    with reading_file(name):
        if isinstance(product, fits.HDUList):
            table, further = _from_fits(product, name, hdu)
        else:
            with opened_file(product, client) as file:
                table, further = _table(unpacked(file, name), name, hdu)
    if further:
        warn_user(f"{name} has several tables. The first was read; use hdu= to select one of {further}.", InputWarning)
    table.meta.pop("", None)
    table.meta["FILENAME"] = name
    return table


def _table(file: IO[bytes], name: str, hdu: int | str | None) -> tuple[Table, str]:
    """Return the table in a file of any format, and the list of tables if there are several."""
    start = file.read(_INSPECTED)
    file.seek(0)
    if start.startswith(_FITS):
        with fits.open(file) as hdus:
            return _from_fits(hdus, name, hdu)
    if hdu is not None:
        raise InvalidArgumentError(f"hdu={hdu!r} requires a FITS file, but {name} is not one.")
    return _not_fits(file.read(), start, name), ""


def _not_fits(content: bytes, start: bytes, name: str) -> Table:
    """Return the table in a file other than FITS."""
    plain = re.sub(r"\.gz$", "", name, flags=re.IGNORECASE).lower()
    found = identify_format("read", Table, plain, io.BytesIO(content), (io.BytesIO(content),), {})
    if start.startswith(_PARQUET):
        return table_of_parquet(content, name)
    if "votable" in found:
        # The first table if there are several.
        return Table.read(io.BytesIO(content), format="votable", table_id=0)
    if not content.strip() or _NO_TABLE.match(start):
        raise InvalidArgumentError(_UNKNOWN.format(name))
    return _from_text(content, name, "csv" if "ascii.csv" in found else None)


# -- FITS ------------------------------------------------------------------------------------------------------------


def _from_fits(hdus: fits.HDUList, name: str, hdu: int | str | None) -> tuple[Table, str]:
    """Return a table of a FITS file, and the list of tables if there are several and none was selected."""
    tables = {number: each for number, each in enumerate(hdus) if _is_table(each)}
    if not tables:
        raise InvalidArgumentError(
            f"{name} does not contain a table, but {contents(hdus)}. Try readers.{fitting_reader(hdus)}."
        )
    chosen = [each for number, each in tables.items() if hdu is None or hdu == number or _is_named(each, hdu)]
    if not chosen:
        raise InvalidArgumentError(f"{name} has no table {hdu!r}, but {contents(hdus)}.")
    table = Table.read(chosen[0], format="fits", unit_parse_strict="silent").copy()
    with suppress(UnicodeDecodeError):
        table.convert_bytestring_to_unicode()
    return table, _listed(tables) if len(chosen) > 1 else ""


def _listed(tables: Mapping[int, Any]) -> str:
    return ", ".join(f"{number} {each.name}".rstrip() for number, each in tables.items())


def _is_table(hdu: Any) -> bool:
    is_image = isinstance(hdu, fits.CompImageHDU)
    return isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and not is_image


def _is_named(table: Any, hdu: int | str) -> bool:
    return isinstance(hdu, str) and table.name.lower() == hdu.lower()


# -- others ----------------------------------------------------------------------------------------------------------


def _from_text(content: bytes, name: str, kind: str | None) -> Table:
    """Return the table in a text file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    options = _options(text, kind)
    try:
        # Pass lines, because astropy takes a single line for the name of a file.
        table = text_tables.read(re.split(r"\r\n|\n|\r", text.rstrip()), **options)
    except (text_tables.InconsistentTableError, ValueError) as err:
        if "format" in options:
            raise
        raise InvalidArgumentError(_UNKNOWN.format(name)) from err
    if "format" not in options and (len(table) == 0 or len(table.colnames) == 1):
        # Almost any text can be read as a table without rows or with one column.
        raise InvalidArgumentError(_UNKNOWN.format(name))
    return Table(table, copy=False)


def _options(text: str, kind: str | None) -> dict[str, Any]:
    """Return the options of astropy's reader; empty if it has to guess the format."""
    found = next((each for each, beginning in _BEGINNINGS.items() if beginning.match(text[:_INSPECTED])), kind)
    if found == "csv":
        return _options_of_csv(text)
    return _commented_header(text) if found is None else {"format": found}


def _options_of_csv(text: str) -> dict[str, Any]:
    """Return the options for CSV, including JWST association pools, which have vertical bars between the values."""
    first = next((line for line in text.splitlines() if line and not line.startswith("#")), "")
    delimiter = "|" if "|" in first and "," not in first else ","
    return {"format": "csv", "delimiter": delimiter, **({"comment": "#"} if text.startswith("#") else {})}


def _commented_header(text: str) -> dict[str, Any]:
    """Return the options for a header in comment lines: the last one with as many words as the rows have."""
    lines = [line for line in text[:_INSPECTED].splitlines() if line.strip()]
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if comments == len(lines):
        return {}
    width = len(lines[comments].split())
    named = [number for number in range(comments) if len(lines[number].lstrip("# ").split()) == width > 1]
    return {"format": "commented_header", "header_start": named[-1]} if named else {}
