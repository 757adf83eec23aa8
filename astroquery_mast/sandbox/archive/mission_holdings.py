"""Everything that the mission searches can find and hand out, built when it is first asked for.

In: the archive. Out: `MissionHoldings`: tables, product lists, and the files behind them, including those that the
archive itself does not know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from . import mission_archived, mission_libraries
from .mission import MissionFile, MissionProduct, MissionTable

if TYPE_CHECKING:
    from .archive import Archive

#: Spectral libraries, whose files only their own searches know.
_LIBRARIES = ("ullyses", "classy")
_ROMAN = tuple(mission_libraries.SEARCHES)
#: Every mission search.
MISSIONS = ("hst", "jwst", *_ROMAN, "classy", "ullyses", "iue")
#: Missions that hand out files by name themselves; the files of the others are downloaded by URI.
RETRIEVING = frozenset({"hst", "jwst", *_ROMAN})

_FILES = (
    "SELECT p.*, o.instrument_name FROM product p JOIN observation o ON o.obsid = p.obsID "
    "WHERE p.obsID IN ({}) ORDER BY p.obsID, p.dataURI"
)


@dataclass
class _Built:
    """What has been made of one archive so far."""

    tables: dict[str, MissionTable] = field(default_factory=dict)
    datasets: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock)


#: Shared by all servers of an archive, so that tables are built once per process; nothing in it refers to the archive.
_built: WeakKeyDictionary[Archive, _Built] = WeakKeyDictionary()
_sharing = threading.Lock()


class MissionHoldings:
    """What the mission searches of an archive know."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        with _sharing:
            self._built = _built.setdefault(archive, _Built())

    def table(self, mission: str) -> MissionTable:
        """Table of a mission."""
        make = self._makers[mission]
        with self._built.turn:
            if mission not in self._built.tables:
                self._built.tables[mission] = make()
            return self._built.tables[mission]

    @cached_property
    def _makers(self) -> Mapping[str, Callable[[], MissionTable]]:
        archive = self._archive
        return {
            "hst": partial(mission_archived.hst_table, archive),
            "jwst": partial(mission_archived.jwst_table, archive),
            "iue": partial(mission_archived.iue_table, archive),
            "ullyses": mission_libraries.ullyses_table,
            "classy": mission_libraries.classy_table,
            **{name: partial(mission_libraries.roman_tables().__getitem__, name) for name in _ROMAN},
        }

    def products(self, mission: str, dataset: str) -> list[MissionProduct]:
        """Files of a dataset, whose name is given as the mission writes it; none for an unknown dataset."""
        if mission not in _ARCHIVED:
            return [file.product for file in _files(mission).get(dataset, ())]
        obsids = self._observations(mission).get(dataset, [])
        rows = self._archive.query(_FILES.format(", ".join("?" * len(obsids))), obsids)
        return [_ARCHIVED[mission].describe(dataset, row) for row in rows]

    def _observations(self, mission: str) -> dict[str, list[int]]:
        with self._built.turn:
            if mission not in self._built.datasets:
                self._built.datasets[mission] = _ARCHIVED[mission].datasets(self._archive)
            return self._built.datasets[mission]

    def named(self, mission: str, name: str) -> str | None:
        """URI of the file that a mission hands out under ``name``; None if it has none.

        HST wants the dataset and the name of the file (``J97C01010/j97c01010_drz.fits``), the others the bare name.
        """
        dataset, _, filename = name.rpartition("/")
        if mission == "hst":
            found = self.products(mission, dataset)
            return next((product.file for product in found if product.filename == filename), None)
        if dataset:
            return None
        if mission == "jwst":
            uri = f"mast:JWST/product/{filename}"
            return uri if self._archive.product(uri) else None
        return next((file.product.file for file in _all_files(mission) if file.product.filename == filename), None)

    def product(self, uri: str) -> Mapping[str, object] | None:
        """Name, size and rights of a file, of the archive or of a mission search alone; None for an unknown URI."""
        known = self._archive.product(uri)
        if known is not None:
            return known
        file = self._own.get(uri)
        if file is None:
            return None
        described = file.product
        return {
            "obs_collection": uri.removeprefix("mast:").partition("/")[0],
            "obs_id": described.dataset,
            "productFilename": described.filename,
            "size": described.size,
            "dataRights": described.access,
        }

    def render(self, uri: str) -> bytes:
        """Content of a file."""
        file = None if self._archive.product(uri) else self._own.get(uri)
        return self._archive.render(uri) if file is None else file.render()

    @cached_property
    def _own(self) -> dict[str, MissionFile]:
        files = chain.from_iterable(_all_files(mission) for mission in (*_LIBRARIES, *_ROMAN))
        return {file.product.file: file for file in files}


class _Archived(NamedTuple):
    """A mission whose files are the archive's: which observations are a dataset, and how a file is described."""

    datasets: Callable[[Archive], dict[str, list[int]]]
    describe: Callable[[str, Mapping[str, Any]], MissionProduct]


_ARCHIVED = {
    "hst": _Archived(mission_archived.hst_datasets, mission_archived.hst_product),
    "jwst": _Archived(mission_archived.jwst_datasets, mission_archived.jwst_product),
    "iue": _Archived(mission_archived.iue_datasets, mission_archived.iue_product),
}


def _files(mission: str) -> Mapping[str, list[MissionFile]]:
    return mission_libraries.library_files(mission) if mission in _LIBRARIES else mission_libraries.roman_files(mission)


def _all_files(mission: str) -> list[MissionFile]:
    return list(chain.from_iterable(_files(mission).values()))
