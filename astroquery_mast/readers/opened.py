"""FITS files opened, wherever they are.

In: a product in any form, or a file.  Out: an open `~astropy.io.fits.HDUList`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..missions.client import MastMissions
from ..observations.client import Observations


@contextmanager
def opened_fits(product: Any, client: Any = None) -> Iterator[fits.HDUList]:
    """Open the FITS file of a product, of which only the parts that are read come over the network.

    A list of HDUs that is open already stays open.
    """
    if isinstance(product, fits.HDUList):
        yield product
        return
    given = Path(product) if isinstance(product, str) and Path(product).is_file() else product
    content = (client or _client_of(given)).read_product(given)
    if not isinstance(content, fits.HDUList):
        raise InvalidArgumentError(f"{product!r:.200} is not a FITS file.")
    with content:
        yield content


def _client_of(product: Any) -> Any:
    """The client whose products look like this one."""
    is_mission = isinstance(product, Row | Table) and "uri" in product.colnames
    return MastMissions if is_mission else Observations
