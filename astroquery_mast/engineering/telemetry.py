"""Retrieval of samples, in days: several days at a time, and from the cache where possible.

In: mnemonics, and time spans.  Out: the samples of each, including the one before and the one after the span.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
from astroquery import cache_conf, log

from ..config import conf
from ..exceptions import InvalidArgumentError
from ..products.plan import escaped_url
from ..query.request import CacheKey
from ..service.cache import UNREADABLE, CacheEntry
from ..service.mast_service import MastService
from ..service.parallel import map_or_stop, number_of_workers, progress_bar
from ..service.retrying import Deadline
from ..tables.rows import Array
from .joining import SpanPart, day_parts, without_repetitions
from .samples import Samples, join_samples, read_samples
from .spans import TimeSpan, complete_before, is_whole_day

_FOLDER = "mast:jwstedb/"
# The version of the format of cached samples.
_ARRAYS = 1


@dataclass(frozen=True)
class FetchOptions:
    """Options of the retrieval; the fields are parameters of the methods of `EngineeringClass`."""

    max_workers: int | None = None
    verbose: bool = True
    cache: bool | None = None
    # Whether days are cached on disk.
    kept: bool = field(init=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        number_of_workers(self.max_workers)
        if not isinstance(self.cache, bool | None):
            raise InvalidArgumentError(f"cache must be True, False, or None (use conf.cache), got {self.cache!r}.")
        kept = conf.cache and cache_conf.cache_active if self.cache is None else self.cache
        object.__setattr__(self, "kept", bool(kept))

    def parts(self, span: TimeSpan) -> list[SpanPart]:
        """Return the days of a span; if days are cached, they are requested completely."""
        return day_parts(span, complete_before() if self.kept else None)


@dataclass(frozen=True)
class WantedSamples:
    """The samples to retrieve: a mnemonic and a span."""

    mnemonic: str
    span: TimeSpan


@dataclass(frozen=True)
class _SamplesRequest:
    """A request, and those parts of the wanted samples that its response contains."""

    mnemonic: str
    span: TimeSpan
    parts: list[tuple[int, SpanPart]]


class Telemetry:
    """Retrieves samples."""

    def __init__(self, service: MastService) -> None:
        self._service = service

    def fetch(
        self, wanted: Sequence[WantedSamples], options: FetchOptions, deadline: Deadline, *, changes_only: bool = False
    ) -> list[Samples]:
        """Return the samples for each mnemonic and span, with the one before and the one after the span.

        With ``changes_only``, samples that repeat the one before them may be missing already.
        """
        requests = _requests(wanted, options)
        found: list[list[Samples]] = [[] for _ in wanted]
        for request, parts in self._run(requests, options, deadline, changes_only=changes_only):
            for (number, _), samples in zip(request.parts, parts, strict=True):
                found[number].append(samples)
        # The parts are released as soon as they are joined.
        return [join_samples(found.pop(0)) for _ in wanted]

    def days(
        self, mnemonic: str, span: TimeSpan, options: FetchOptions, seconds: float
    ) -> Iterator[tuple[SpanPart, Samples]]:
        """Yield the samples of a span day by day, with the one before and the one after the entire span."""
        parts = options.parts(span)
        whole = Deadline()

        def work(part: SpanPart) -> Samples:
            """Retrieve one day."""
            return part.own_samples(self._samples(mnemonic, part.requested, options, whole.part(seconds)))

        workers = min(number_of_workers(options.max_workers), len(parts))
        with closing(map_or_stop(whole, work, parts, workers)) as days:
            yield from zip(parts, days, strict=True)

    def _run(
        self, requests: Sequence[_SamplesRequest], options: FetchOptions, deadline: Deadline, *, changes_only: bool
    ) -> Iterator[tuple[_SamplesRequest, list[Samples]]]:
        """Send all requests, several at a time, and yield each with its samples, in order."""

        def work(request: _SamplesRequest) -> list[Samples]:
            """Send one request, and keep only the samples that are wanted."""
            samples = self._samples(request.mnemonic, request.span, options, deadline)
            parts = [part.own_samples(samples) for _, part in request.parts]
            return list(map(without_repetitions, parts, repeat(2))) if changes_only else parts

        workers = min(number_of_workers(options.max_workers), len(requests))
        with (
            progress_bar(len(requests), "Telemetry", "day", shown=options.verbose) as bar,
            closing(map_or_stop(deadline, work, requests, workers)) as results,
        ):
            for request, parts in zip(requests, results, strict=True):
                bar.update()
                yield request, parts

    # -- one request -------------------------------------------------------------------------------------------------

    def _samples(self, mnemonic: str, requested: TimeSpan, options: FetchOptions, deadline: Deadline) -> Samples:
        """Return the samples of a span, from the cache if possible."""
        if not (options.kept and is_whole_day(requested) and requested.end <= complete_before()):
            return self._request(mnemonic, requested, deadline)
        key = CacheKey({"samples": requested.file_name(mnemonic), "arrays": _ARRAYS})
        entry = self._service.cache.entry(key, self._service.endpoints.download)
        samples = None if entry is None else _cached_samples(entry)
        if samples is None:
            samples = self._request(mnemonic, requested, deadline)
            if entry is not None:
                _store(entry, samples)
        return samples

    def _request(self, mnemonic: str, requested: TimeSpan, deadline: Deadline) -> Samples:
        """Request the samples from MAST."""
        what = f"The telemetry of {mnemonic} from {requested.start.astype('datetime64[s]')}"
        return self._service.http.request(
            "GET",
            escaped_url(self._service.endpoints.download, telemetry_uri(mnemonic, requested)),
            deadline=deadline,
            service=what,
            spooled=True,
            read=lambda response: read_samples(response.raw, what),
        )


def telemetry_uri(mnemonic: str, requested: TimeSpan) -> str:
    """Return the dataURI of samples."""
    return f"{_FOLDER}{requested.file_name(mnemonic)}"


def telemetry_uris(wanted: Sequence[WantedSamples], options: FetchOptions) -> list[str]:
    """Return the dataURIs of all requests."""
    return [telemetry_uri(request.mnemonic, request.span) for request in _requests(wanted, options)]


def _requests(wanted: Sequence[WantedSamples], options: FetchOptions) -> list[_SamplesRequest]:
    """Return the requests, without duplicates."""
    found: dict[tuple[str, TimeSpan], _SamplesRequest] = {}
    for number, each in enumerate(wanted):
        for part in options.parts(each.span):
            key = each.mnemonic, part.requested
            found.setdefault(key, _SamplesRequest(*key, [])).parts.append((number, part))
    return list(found.values())


# -- cached days -----------------------------------------------------------------------------------------------------


def _store(entry: CacheEntry, samples: Samples) -> None:
    """Cache the samples of a day as arrays, which are faster to read and smaller than text."""
    mask = np.zeros(0, dtype=bool) if samples.mask is None else samples.mask
    with closing(entry.writing()) as writer:
        for array in (samples.times.astype(np.int64), samples.values, mask):
            writer.add(_packed(array))
        writer.commit({"types": list(samples.types)})


def _cached_samples(entry: CacheEntry) -> Samples | None:
    """Return the cached samples of a day; None if they are missing or cannot be read."""
    if not entry.usable:
        return None
    try:
        with entry.reading() as kept:
            times, values, mask = (_unpacked(kept.body(place)) for place in range(kept.pages))
            types = tuple(map(str, kept.about["types"]))
        samples = Samples(times.view("datetime64[us]"), values, mask if len(mask) else None, types)
        if {len(values), len(mask) or len(times)} != {len(times)}:
            raise ValueError("its arrays have different lengths")
    except UNREADABLE as err:
        log.debug("Cannot read cached samples: %s", err)
        return None
    log.debug("Using cached samples from %s", entry.path)
    return samples


def _packed(array: Array) -> bytes:
    """Return an array as the bytes of a file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _unpacked(body: bytes) -> Any:
    """Return the array in a file."""
    return np.load(io.BytesIO(body), allow_pickle=False)
