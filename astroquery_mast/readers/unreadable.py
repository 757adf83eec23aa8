"""Errors about files that cannot be read because they are damaged or have other contents.

In: an open file and its name.  Out: errors with the problem and the contents of the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from astropy.io import fits
from astropy.table import Row, Table
from astropy.utils.exceptions import AstropyUserWarning, AstropyWarning

from ..downloads.contents import readable
from ..exceptions import InvalidArgumentError
from ..products.file_names import NAME_COLUMNS

# Warnings of astropy after which the rest of the file is missing; these are errors here.
_MISSING = r"File may have been truncated|Error validating header for HDU"
_SHOWN = 8


@contextmanager
def reading_file(name: str) -> Iterator[None]:
    """Convert all errors from reading a damaged file to one error of the package."""
    with readable(name), warnings.catch_warnings():
        # Warnings about nonstandard units and keywords.
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("error", _MISSING, AstropyUserWarning)
        try:
            yield
        except AstropyUserWarning as err:
            raise ValueError(str(err)) from err


def product_name(product: Any) -> str:
    """Return the file name of a product, for messages and metadata."""
    text = _source_name(product).replace("\\", "/")
    if "filename=" in text:
        text = text.partition("filename=")[2].partition("&")[0]
    return PurePosixPath(text.partition("?")[0]).name or "the file"


def _source_name(product: Any) -> str:
    """Return the name, path or URI in a product."""
    if isinstance(product, fits.HDUList):
        return str(product.filename() or (product and product[0].header.get("FILENAME")) or "the file")
    if isinstance(product, Row):
        return next((str(product[name]) for name in NAME_COLUMNS if name in product.colnames), "the file")
    return str(getattr(product, "name", product))


def one_product(product: Any, reader: str) -> Any:
    """Return the only product of a table or list; raise if there are several."""
    if isinstance(product, Table | list | tuple) and not isinstance(product, fits.HDUList):
        if len(product) != 1:
            raise InvalidArgumentError(
                f"{reader} reads one product at a time, not {len(product)}: use [{reader}(product) for product in "
                "products]."
            )
        return product[0]
    return product


def contents(hdus: fits.HDUList) -> str:
    """Return a list of the HDUs of a FITS file for a message."""
    parts = [_hdu_text(number, hdu) for number, hdu in enumerate(hdus[:_SHOWN])]
    return "; ".join([*parts, *(["..."] if len(hdus) > _SHOWN else [])])


def _hdu_text(number: int, hdu: Any) -> str:
    name = f"{number} {hdu.name or 'PRIMARY'}"
    if isinstance(hdu, fits.BinTableHDU | fits.TableHDU):
        columns = ", ".join(hdu.columns.names[:_SHOWN])
        return f"{name} (table with {columns}{', ...' if len(hdu.columns) > _SHOWN else ''})"
    return f"{name} (image, {' x '.join(map(str, hdu.shape))})" if _is_image(hdu) else name


def _is_image(hdu: Any) -> bool:
    return isinstance(hdu, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU) and bool(hdu.shape)


def fitting_reader(hdus: fits.HDUList) -> str:
    """Return the name of the reader for the contents of a FITS file."""
    tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
    if any(name.lower().startswith("wave") for hdu in tables for name in hdu.columns.names):
        return "read_spectrum"
    return "read_catalog" if tables and not any(map(_is_image, hdus)) else "read_image"
