"""The archive inside the sandbox: everything a server needs to know.

In: nothing but the wish for extra rows. Out: `Archive`, which answers SQL on observations and products, cone
searches on footprints, file contents and target names.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import cast

from . import names
from .database import Database
from .file import File
from .footprint import FootprintIndex, Placed
from .hst import hst_observations
from .jwst import jwst_observations
from .observation import Observation, from_row
from .products import kind_of
from .surveys import bulk_observations, galex_observations, hlsp_observations, older_observations
from .tess import tess_observations

# Where each collection's numbers start; the missions' own numbers are of this order.
_FIRST_OBSID = {"HST": 24_000_000, "JWST": 83_000_000, "TESS": 60_800_000, "GALEX": 1_000_016_000, "HLSP": 31_000_000}
_FIRST_OTHER, _FIRST_BULK = 2_003_000_000, 500_000_000
_PLANE_OFFSET = 90_000_000


class Archive:
    """The holdings of the sandbox.

    Observations of HST, JWST, TESS, GALEX, the high-level science products and some older missions, their
    files, and the names of their targets. The content is the same in every process. ``extra_observations`` adds cheap
    rows (``target_name`` ``BULK-<n>``) for tests of paging and speed.
    """

    def __init__(self, *, extra_observations: int = 0) -> None:
        self._database = Database(chain(_numbered(_holdings()), _bulk(extra_observations)))
        self._footprints: FootprintIndex | None = None
        self._building = threading.Lock()

    def close(self) -> None:
        """Close the database and delete its file; the archive cannot be used afterwards."""
        self._database.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, object]]:
        """Answer a read-only SQL statement; see `database.Database.query`."""
        return self._database.query(sql, parameters)

    def within(self, ra: float, dec: float, radius: float) -> dict[int, float]:
        """Map ``objID`` of the observations whose footprint overlaps a cone (degrees) to the distance in arcsec.

        It is 0 when the position lies inside the footprint.
        """
        return self._index().within(ra, dec, radius)

    def _index(self) -> FootprintIndex:
        with self._building:
            if self._footprints is None:
                self._footprints = FootprintIndex(self._placed())
            return self._footprints

    def _placed(self) -> Iterator[Placed]:
        for row in self.query("SELECT objID, s_ra, s_dec, s_region FROM observation WHERE s_region IS NOT NULL"):
            yield cast("Placed", tuple(row.values()))

    def product(self, uri: str) -> dict[str, object] | None:
        """Product row of a URI (of the first observation that lists it), without ``parent_obsid``; None if unknown."""
        rows = self.query("SELECT * FROM product WHERE dataURI = ? ORDER BY obsID LIMIT 1", (uri,))
        return rows[0] if rows else None

    def render(self, uri: str) -> bytes:
        """Content of a file, the same in every process, as long as its ``size`` says; `KeyError` for an unknown URI."""
        row = self.product(uri)
        if row is None:
            raise KeyError(uri)
        # Rendering needs astropy.io.fits, which takes longer to import than the archive takes to build.
        from .rendering import render_file  # noqa: PLC0415

        owner = self._observation(int(str(row["obsID"])))
        member_ids = "SELECT member_obsID FROM membership WHERE obsid = ?"
        sql = f"SELECT obs_id FROM observation WHERE obsid IN ({member_ids}) ORDER BY obsid"
        members = tuple(str(member["obs_id"]) for member in self.query(sql, (owner.obsid,)))
        return render_file(File(uri, owner, kind_of(owner, uri), members))

    def _observation(self, obsid: int) -> Observation:
        return from_row(self.query("SELECT * FROM observation WHERE obsid = ?", (obsid,))[0])

    def resolve(self, name: str) -> list[dict[str, object]]:
        """Look a target name up; see `names.resolve`."""
        return names.resolve(name)


def _holdings() -> Iterator[Observation]:
    return chain(
        hst_observations(),
        jwst_observations(),
        tess_observations(),
        galex_observations(),
        hlsp_observations(),
        older_observations(),
    )


def _numbered(observations: Iterable[Observation]) -> Iterator[Observation]:
    """Give every observation its numbers; they rise, but not one by one."""
    following = dict(_FIRST_OBSID)
    for whole in observations:
        for observation in (whole, *whole.members):
            collection = observation.obs_collection if observation.obs_collection in _FIRST_OBSID else "other"
            number = following.setdefault(collection, _FIRST_OTHER)
            following[collection] = number + 7
            observation.obsid = number
            observation.objID = observation.objID or number + _PLANE_OFFSET
        yield whole


def _bulk(count: int) -> Iterator[Observation]:
    for number, observation in enumerate(bulk_observations(count), _FIRST_BULK):
        observation.obsid = number
        observation.objID = number + _PLANE_OFFSET
        yield observation
