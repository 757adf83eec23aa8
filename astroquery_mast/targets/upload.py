"""Positions → the requests of a cross-match, each with some of the positions as a table of its own.

In: positions, a service and a radius.  Out: frozen `Upload` values, which know their request and can be halved.  The
form of the table is that of https://mast.stsci.edu/api/v0/_services.html: the fields and rows of a JSON answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..exceptions import InvalidArgumentError
from ..query.request import MashupRequest

__all__ = ["CHUNK", "DEC", "RA", "ROW", "Upload", "uploads"]

# The columns that are sent.  No catalogue has columns of these names, so that those that come back can be told.
ROW, RA, DEC = "input_row", "input_ra", "input_dec"
CHUNK = 1000
"""Positions in a request, if the user does not say: see ``docs/crossmatch.rst`` for what was measured."""
_FIELDS = [{"name": ROW, "type": "int"}, {"name": RA, "type": "float"}, {"name": DEC, "type": "float"}]


@dataclass(frozen=True, eq=False)
class Upload:
    """Some of the positions of a cross-match."""

    service: str
    radius: float
    rows: npt.NDArray[np.int64]
    ra: npt.NDArray[np.float64]
    dec: npt.NDArray[np.float64]
    pagesize: int = 50000
    cache: bool | None = None

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.rows)

    @property
    def question(self) -> MashupRequest:
        """The request without its table."""
        params = {"raColumn": RA, "decColumn": DEC, "radius": self.radius}
        return MashupRequest(self.service, params, pagesize=self.pagesize, cache=self.cache)

    @property
    def request(self) -> MashupRequest:
        """The request that is sent."""
        cells = zip(self.rows.tolist(), self.ra.tolist(), self.dec.tolist(), strict=True)
        data = {"fields": _FIELDS, "data": [{ROW: row, RA: ra, DEC: dec} for row, ra, dec in cells]}
        return replace(self.question, properties={"data": data})

    def halves(self) -> list[Upload]:
        """Return two requests with half of the positions each; none if there is only one position."""
        middle = len(self) // 2
        return [self._part(slice(None, middle)), self._part(slice(middle, None))] if middle else []

    def _part(self, part: slice) -> Upload:
        return replace(self, rows=self.rows[part], ra=self.ra[part], dec=self.dec[part])


def uploads(
    service: str,
    rows: npt.NDArray[np.int64],
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    *,
    radius: float,
    chunk_size: int | None = None,
    workers: int = 1,
    pagesize: int = 50000,
    cache: bool | None = None,
) -> Sequence[Upload]:
    """Return the requests of a cross-match."""
    if chunk_size is None:
        # Below a hundred positions the request itself is what takes time.
        chunk_size = min(CHUNK, max(100, -(-len(rows) // max(1, workers))))
    if isinstance(chunk_size, bool) or not isinstance(chunk_size, int | np.integer) or chunk_size < 1:
        raise InvalidArgumentError(f"chunk_size={chunk_size!r}: a whole number from 1 is needed.")
    whole = Upload(service, radius, rows, ra, dec, pagesize, cache)
    return [whole._part(slice(start, start + int(chunk_size))) for start in range(0, len(rows), int(chunk_size))]
