"""Open products at MAST, in the cloud, or on disk.

In: a product in any form, or a file.  Out: an open `~astropy.io.fits.HDUList`, or an open file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from astropy.io import fits
from astropy.table import Row, Table

from ..downloads.product_files import is_local_file
from ..exceptions import InvalidArgumentError
from ..missions.client import MastMissions
from ..observations.client import Observations
from ..products.file_names import PATH_COLUMNS
from ..products.listing import as_table

# Columns that identify product lists and manifests of `MastMissions`.
_MISSION_COLUMNS = ({"uri"}, *({path, "mission"} for path in PATH_COLUMNS))


@contextmanager
def opened_fits(product: Any, client: Any = None, **options: Any) -> Iterator[fits.HDUList]:
    """Open the FITS file of a product; only the parts that are read are transferred.

    HDU lists and files that were already open stay open.  The options are those of `astropy.io.fits.open`.
    """
    if isinstance(product, fits.HDUList):
        if not len(product):
            raise InvalidArgumentError("The HDU list is empty.")
        yield product
        return
    given = Path(product).expanduser() if isinstance(product, str) and is_local_file(product) else product
    content = (client or _client_of(given)).read_product(given, **options)
    is_open = hasattr(given, "seek")
    if not isinstance(content, fits.HDUList):
        if hasattr(content, "close") and not is_open:
            content.close()
        raise InvalidArgumentError(f"{_short_name(given)} is not a FITS file.")
    try:
        yield content
    finally:
        content.close(closed=not is_open)


@contextmanager
def opened_file(product: Any, client: Any = None) -> Iterator[IO[bytes]]:
    """Open the file of a product; only the parts that are read are transferred.

    A file that was already open stays open.
    """
    given = Path(product).expanduser() if isinstance(product, str) and is_local_file(product) else product
    file = (client or _client_of(given)).open_product(given)
    try:
        yield file
    finally:
        if not hasattr(given, "seek"):
            file.close()


def _client_of(product: Any) -> Any:
    """Return the client for a product, from the columns of its table."""
    table = as_table(product)
    of_mission = table is not None and any(names <= set(table.colnames) for names in _MISSION_COLUMNS)
    return MastMissions if of_mission else Observations


def _short_name(product: Any) -> str:
    """Return the name of a product for a message, in which a row would take too many lines."""
    return "The product" if isinstance(product, Row | Table) else f"{product!r:.200}"
