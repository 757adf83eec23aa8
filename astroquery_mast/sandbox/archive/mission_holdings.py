"""All tables and files of the mission searches, built on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from . import mission_archived as archived
from .mission import MissionFile, MissionProduct, MissionTable
from .mission_libraries import ROMAN, own_files, own_table
from .products import Revision

if TYPE_CHECKING:
    from .archive import Archive

#: Names of all mission searches.
MISSIONS = ("hst", "jwst", *ROMAN, "classy", "ullyses", "iue", "all_missions")
#: Missions that send files by name; the files of the others are downloaded by URI.
RETRIEVING = frozenset({"hst", "jwst", *ROMAN})

_FILES = (
    "SELECT p.*, o.instrument_name FROM product p JOIN observation o ON o.obsid = p.obsID "
    "WHERE p.obsID IN ({}) ORDER BY p.obsID, p.dataURI"
)


class _Archived(NamedTuple):
    """A mission whose files are in the archive: functions for its table, its datasets, and a file's description."""

    table: Callable[[Archive], MissionTable]
    datasets: Callable[[Archive], dict[str, list[int]]]
    describe: Callable[[str, Mapping[str, Any]], MissionProduct]


_ARCHIVED = {
    "hst": _Archived(archived.hst_table, archived.hst_datasets, archived.hst_product),
    "jwst": _Archived(archived.jwst_table, archived.jwst_datasets, archived.jwst_product),
    "iue": _Archived(archived.iue_table, archived.iue_datasets, archived.iue_product),
    "all_missions": _Archived(archived.all_table, archived.all_datasets, archived.all_product),
}


class MissionHoldings:
    """The tables and files of the mission searches of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def table(self, mission: str) -> MissionTable:
        """Return the table of a mission."""
        if mission not in _ARCHIVED:
            return own_table(mission)
        table: MissionTable = self._kept(_ARCHIVED[mission].table)
        return table

    def _kept(self, make: Callable[[Archive], Any]) -> Any:
        return self._archive.kept.get(make, make, self._archive)

    def products(self, mission: str, dataset: str) -> list[MissionProduct]:
        """Return the files of a dataset, named as by the mission; none for an unknown dataset."""
        if mission not in _ARCHIVED:
            return [file.product for file in own_files(mission).get(dataset, ())]
        obsids = self._kept(_ARCHIVED[mission].datasets).get(dataset, [])
        rows = self._archive.query(_FILES.format(", ".join("?" * len(obsids))), obsids)
        return [_ARCHIVED[mission].describe(dataset, row) for row in rows]

    def named(self, mission: str, name: str) -> str | None:
        """Return the URI of a file by its name in a mission search, which for HST begins with the dataset."""
        if mission == "jwst":
            uri = f"mast:JWST/product/{name}"
            return uri if self._archive.product(uri) else None
        if mission == "hst":
            found = self.products(mission, name.rpartition("/")[0])
        else:
            found = [file.product for file in _all_files(mission)]
        return next((product.file for product in found if product.uri == name), None)

    def product(self, uri: str) -> Mapping[str, object] | None:
        """Return name, size, and rights of a file of the archive or a mission search; None for an unknown URI."""
        known = self._archive.product(uri)
        if known is not None or uri not in self._own:
            return known
        described = self._own[uri].product
        return {
            "obs_collection": uri.removeprefix("mast:").partition("/")[0],
            "obs_id": described.dataset,
            "productFilename": described.filename,
            "size": described.size,
            "dataRights": described.access,
        }

    def revision(self, uri: str) -> Revision:
        """Return the revision of a file."""
        return self._archive.revision(uri)

    def render(self, uri: str) -> bytes:
        """Return the content of a file."""
        file = None if self._archive.product(uri) else self._own.get(uri)
        return self._archive.render(uri) if file is None else file.render()

    @cached_property
    def _own(self) -> dict[str, MissionFile]:
        files = chain.from_iterable(_all_files(mission) for mission in MISSIONS if mission not in _ARCHIVED)
        return {file.product.file: file for file in files}


def _all_files(mission: str) -> list[MissionFile]:
    return list(chain.from_iterable(own_files(mission).values()))
