"""DataScope: the data of VO services at a position, in results that grow from poll to poll."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..answers import Dataset, Window, encode
from ..packaged import Columns, packaged
from ..parameters import Params, check_cone, number
from ..reply import Reply, compact_json
from .cones import CATALOGS, counted
from .spectra import counted_spectra

if TYPE_CHECKING:
    from ..archive import Archive

COLUMNS: Columns = packaged("dal")["datascope"]
_RADIUS = 0.02
#: Number of polls until the result is complete; the first one is empty.
_POLLS = 4
#: Seconds without a poll after which a query is dropped.
_PATIENCE = 600.0
_WAVEBANDS: Mapping[str, str] = packaged("dal")["wavebands"]
_PUBLISHER = "Space Telescope Science Institute Archive"
_IMAGES = (
    "SELECT obs_collection AS name, COUNT(*) AS hits FROM observation WHERE dataproduct_type IN ('image', 'cube') "
    "AND objID IN (SELECT value FROM json_each(?)) GROUP BY 1 ORDER BY 1"
)

Row = tuple[object, ...]


@dataclass
class _Query:
    """A running query."""

    rows: list[Row]
    polls: int = 0
    asked: float = field(default_factory=time.monotonic)


class DataScope:
    """Answer queries; each poll of the same request returns more rows, until the result is complete."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._queries: dict[str, _Query] = {}

    def answer(self, params: Params, breaker: object, host: str, window: Window, form: str) -> Reply:
        """Answer a poll; a different cache breaker is a different query."""
        key = json.dumps([dict(params), str(breaker)], sort_keys=True, default=str)
        part = self._part(key, lambda: list(self._resources(params, host)))
        dataset = Dataset(COLUMNS, part.rows)
        body, content_type = encode(dataset, window, form)
        if content_type.startswith("text/plain"):
            done = {"status": "COMPLETE" if part.polls >= _POLLS else "EXECUTING"}
            document = json.loads(body) | done | {"percent complete": min(1.0, (part.polls - 1) / (_POLLS - 1))}
            if part.polls == 1:
                document = {name: value for name, value in document.items() if name not in {"data", "fields", "paging"}}
            body = compact_json(document)
        return Reply(headers=(("Content-Type", content_type),), body=body)

    def _part(self, key: str, make: Callable[[], list[Row]]) -> _Query:
        """Return the part of the result that is available now."""
        now = time.monotonic()
        with self._lock:
            self._queries = {name: each for name, each in self._queries.items() if now - each.asked < _PATIENCE}
            query = self._queries.get(key)
        if query is None:
            query = _Query(make())
        with self._lock:
            query = self._queries.setdefault(key, query)
            query.polls, query.asked = query.polls + 1, now
            shown = math.ceil(len(query.rows) * min(1.0, (query.polls - 1) / (_POLLS - 1)))
            return replace(query, rows=query.rows[:shown])

    def _resources(self, params: Params, host: str) -> Iterator[Row]:
        """Generate the services with data in a cone."""
        ra, dec, radius = (number(params, name, default) for name, default in _CONE)
        check_cone(dec, radius)
        keys = json.dumps(list(self._archive.within(ra, dec, radius)))
        images = {row["name"]: row["hits"] for row in self._archive.query(_IMAGES, (keys,))}
        spectra = counted_spectra(self._archive, ra, dec, radius)
        sources = {name: counted(name, (ra, dec, radius)) for name in CATALOGS}
        for (words, capability, path), hits in zip(_KINDS, (images, spectra, sources), strict=True):
            for name in filter(hits.get, sorted(hits)):
                url = path.format(name=name, ra=ra, dec=dec, radius=radius, size=2 * radius)
                yield _row(name, words, capability, hits[name], f"http://{host}{url}")


_KINDS = (
    ("images", "SimpleImageAccess", "/portal_vo/Mashup/VoQuery.asmx/SiaV1?MISSION={name}&POS={ra},{dec}&SIZE={size}"),
    ("spectra", "SimpleSpectralAccess", "/ssap/search2.php?id={name}&REQUEST=queryData&POS={ra},{dec}&SIZE={size}"),
    ("catalog", "ConeSearch", "/webservices/vo/ConeSearch.aspx?CAT={name}&RA={ra}&DEC={dec}&SR={radius}"),
)
_CONE = (("ra", None), ("dec", None), ("radius", _RADIUS))


def _row(name: str, words: str, capability: str, hits: int, url: str) -> Row:
    identifier = f"ivo://archive.stsci.edu/{name.lower()}"
    waveband = _WAVEBANDS.get(name, "#optical#")
    return f"{name} {words}", name, identifier, _PUBLISHER, waveband, capability, hits, url
