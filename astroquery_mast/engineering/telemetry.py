"""Fetching samples: day by day, several days at a time, from the disk if a day is kept there.

In: mnemonics, and spans of time.  Out: the samples of each, with the one before and the one after the span.
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
# The form in which samples are kept; to be changed with it.
_ARRAYS = 1


@dataclass(frozen=True)
class FetchOptions:
    """How samples are fetched; the fields are parameters of the methods of `EngineeringClass`."""

    max_workers: int | None = None
    verbose: bool = True
    cache: bool | None = None
    # Whether days are kept on disk.
    kept: bool = field(init=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        number_of_workers(self.max_workers)
        if not isinstance(self.cache, bool | None):
            raise InvalidArgumentError(f"cache must be True, False, or None (use conf.cache), got {self.cache!r}.")
        kept = conf.cache and cache_conf.cache_active if self.cache is None else self.cache
        object.__setattr__(self, "kept", bool(kept))

    def parts(self, span: TimeSpan) -> list[SpanPart]:
        """Return the days of a span; whole days are asked for if they are kept."""
        return day_parts(span, complete_before() if self.kept else None)


@dataclass(frozen=True)
class WantedSamples:
    """What is wanted: the samples of a mnemonic in a span."""

    mnemonic: str
    span: TimeSpan


@dataclass(frozen=True)
class _Answer:
    """What is asked of the archive in one request, and the parts of what is wanted that are in its answer."""

    mnemonic: str
    asked: TimeSpan
    parts: list[tuple[int, SpanPart]]


class Telemetry:
    """Fetches samples."""

    def __init__(self, service: MastService) -> None:
        self._service = service

    def fetch(
        self, wanted: Sequence[WantedSamples], options: FetchOptions, deadline: Deadline, *, changes_only: bool = False
    ) -> list[Samples]:
        """Return the samples of each that is wanted, with the one before and the one after its span.

        With ``changes_only`` those that repeat the one before them may be left out already.
        """
        answers = _answers(wanted, options)
        found: list[list[Samples]] = [[] for _ in wanted]
        for answer, parts in self._run(answers, options, deadline, changes_only=changes_only):
            for (number, _), samples in zip(answer.parts, parts, strict=True):
                found[number].append(samples)
        # The parts of each are let go as soon as they are together.
        return [join_samples(found.pop(0)) for _ in wanted]

    def days(
        self, mnemonic: str, span: TimeSpan, options: FetchOptions, seconds: float
    ) -> Iterator[tuple[SpanPart, Samples]]:
        """Give the samples of a span day by day, with the one before and the one after the whole span."""
        parts = options.parts(span)
        whole = Deadline()

        def work(part: SpanPart) -> Samples:
            """Fetch one day."""
            return part.own_samples(self._samples(mnemonic, part.asked, options, whole.part(seconds)))

        workers = min(number_of_workers(options.max_workers), len(parts))
        with closing(map_or_stop(whole, work, parts, workers)) as days:
            yield from zip(parts, days, strict=True)

    def _run(
        self, answers: Sequence[_Answer], options: FetchOptions, deadline: Deadline, *, changes_only: bool
    ) -> Iterator[tuple[_Answer, list[Samples]]]:
        """Fetch all answers, several at a time, and give each with its parts, in order."""

        def work(answer: _Answer) -> list[Samples]:
            """Fetch one answer, and hold no more of it than is wanted."""
            samples = self._samples(answer.mnemonic, answer.asked, options, deadline)
            parts = [part.own_samples(samples) for _, part in answer.parts]
            return list(map(without_repetitions, parts, repeat(2))) if changes_only else parts

        workers = min(number_of_workers(options.max_workers), len(answers))
        with (
            progress_bar(len(answers), "Telemetry", "day", shown=options.verbose) as bar,
            closing(map_or_stop(deadline, work, answers, workers)) as results,
        ):
            for answer, parts in zip(answers, results, strict=True):
                bar.update()
                yield answer, parts

    # -- one answer --------------------------------------------------------------------------------------------------

    def _samples(self, mnemonic: str, asked: TimeSpan, options: FetchOptions, deadline: Deadline) -> Samples:
        """The samples of an answer, from the disk if it is kept there."""
        if not (options.kept and is_whole_day(asked) and asked.end <= complete_before()):
            return self._ask(mnemonic, asked, deadline)
        key = CacheKey({"samples": asked.file_name(mnemonic), "arrays": _ARRAYS})
        entry = self._service.cache.entry(key, self._service.endpoints.download)
        samples = None if entry is None else _recalled(entry)
        if samples is None:
            samples = self._ask(mnemonic, asked, deadline)
            if entry is not None:
                _keep(entry, samples)
        return samples

    def _ask(self, mnemonic: str, asked: TimeSpan, deadline: Deadline) -> Samples:
        """Ask the archive."""
        what = f"The telemetry of {mnemonic} from {asked.start.astype('datetime64[s]')}"
        return self._service.http.request(
            "GET",
            escaped_url(self._service.endpoints.download, telemetry_uri(mnemonic, asked)),
            deadline=deadline,
            service=what,
            spooled=True,
            read=lambda response: read_samples(response.raw, what),
        )


def telemetry_uri(mnemonic: str, asked: TimeSpan) -> str:
    """Return the dataURI of samples."""
    return f"{_FOLDER}{asked.file_name(mnemonic)}"


def telemetry_uris(wanted: Sequence[WantedSamples], options: FetchOptions) -> list[str]:
    """Return the dataURIs of all that is asked for."""
    return [telemetry_uri(answer.mnemonic, answer.asked) for answer in _answers(wanted, options)]


def _answers(wanted: Sequence[WantedSamples], options: FetchOptions) -> list[_Answer]:
    """What is to be asked for, each once."""
    found: dict[tuple[str, TimeSpan], _Answer] = {}
    for number, each in enumerate(wanted):
        for part in options.parts(each.span):
            key = each.mnemonic, part.asked
            found.setdefault(key, _Answer(*key, [])).parts.append((number, part))
    return list(found.values())


# -- days on disk ----------------------------------------------------------------------------------------------------


def _keep(entry: CacheEntry, samples: Samples) -> None:
    """Keep the samples of a day: as arrays, which need no reading and less room than lines of text."""
    mask = np.zeros(0, dtype=bool) if samples.mask is None else samples.mask
    with closing(entry.writing()) as writer:
        for array in (samples.times.astype(np.int64), samples.values, mask):
            writer.add(_packed(array))
        writer.commit({"types": list(samples.types)})


def _recalled(entry: CacheEntry) -> Samples | None:
    """The samples of a day that is kept; None if it is not, or cannot be read."""
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
    """An array as the bytes of a file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _unpacked(body: bytes) -> Any:
    """The array in a file."""
    return np.load(io.BytesIO(body), allow_pickle=False)
