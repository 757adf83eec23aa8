"""Queries of the engineering database: checks of the arguments, and conversion of samples to the result.

In: names of mnemonics, spans or exposures.  Out: one time series, or one for each name.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from astropy.timeseries import TimeSeries

from ..exceptions import InvalidArgumentError
from ..service.retrying import Deadline
from ..tables.columns import Kind
from ..tables.rows import converted
from ..warn import warn_no_results
from .alignment import aligned, check_alignment
from .exposures import Exposure, spans_to_fetch
from .joining import changed, within_span
from .mnemonics import Inventory, Mnemonic, as_mnemonics
from .samples import NO_SAMPLES, Samples, join_samples
from .series import TelemetryArguments, as_series
from .spans import TimeSpan
from .telemetry import FetchOptions, Telemetry, WantedSamples, telemetry_uris

# The number of samples in a day that is worth a garbage collection.
_LARGE = 100_000
Result: TypeAlias = TimeSeries | dict[str, TimeSeries]


@dataclass(frozen=True)
class _Group:
    """The samples of all mnemonics in one span, each with the one before and the one after it."""

    label: str
    span: TimeSpan
    samples: Sequence[Samples]


@dataclass(frozen=True)
class TelemetryQuestion:
    """A query for mnemonics, with the form of the result; the fields are parameters of `query_mnemonics`."""

    names: Any
    align: str | None = None
    brackets: bool = False
    changes_only: bool = False
    options: FetchOptions = field(default_factory=FetchOptions)
    # The names as a user writes them, without duplicates.
    words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Check the arguments."""
        check_alignment(self.align)
        object.__setattr__(self, "words", as_mnemonics(self.names))

    def check_single(self) -> None:
        """Raise unless there is a single mnemonic."""
        if not isinstance(self.names, str | bytes):
            raise InvalidArgumentError(f"name must be the name of one mnemonic, got {self.names!r:.60}.")

    def payload(self, spans: Sequence[TimeSpan]) -> list[dict[str, object]]:
        """Return the requests, each as a dictionary."""
        wanted = [WantedSamples(name.upper(), span) for span in spans for name in self.words]
        return [{"uri": uri} for uri in telemetry_uris(wanted, self.options)]

    def result(self, mnemonics: Sequence[Mnemonic], groups: Sequence[_Group], labeled: bool, **extent: Any) -> Result:
        """Return the result for the samples of all mnemonics in each span."""
        names = [each.name for each in mnemonics]
        form = {"align": self.align, "brackets": bool(self.brackets), "changes_only": bool(self.changes_only)}
        if self.align is not None:
            parts = [self._aligned(group, self.align) for group in groups]
            return self._series(
                mnemonics, groups, parts, TelemetryArguments({"names": names, **extent, **form}), labeled
            )
        made = {}
        for place, (word, mnemonic) in enumerate(zip(self.words, mnemonics, strict=True)):
            parts = [[self._within(group.samples[place], group.span)] for group in groups]
            arguments = TelemetryArguments({"names": [mnemonic.name], **extent, **form})
            made[word] = self._series([mnemonic], groups, parts, arguments, labeled)
        return next(iter(made.values())) if isinstance(self.names, str | bytes) else made

    def _within(self, samples: Samples, span: TimeSpan) -> Samples:
        """Return the samples within a span, with those before and after it on request."""
        return within_span(samples, span, brackets=self.brackets, changes_only=self.changes_only)

    def _aligned(self, group: _Group, align: str) -> list[Samples]:
        """Return the samples of all mnemonics at the times of the first one."""
        base = within_span(group.samples[0], group.span, brackets=self.brackets)
        found = [base, *(aligned(samples, base.times, align) for samples in group.samples[1:])]
        if not self.changes_only or not len(base):
            return found
        kept = np.logical_or.reduce([changed(samples) for samples in found])
        kept[-1] = True
        return [samples[kept] for samples in found]

    @staticmethod
    def _series(
        mnemonics: Sequence[Mnemonic],
        groups: Sequence[_Group],
        parts: Sequence[Sequence[Samples]],
        arguments: TelemetryArguments,
        labeled: bool,
    ) -> TimeSeries:
        """Return a time series of mnemonics with the same times, from their samples in each span."""
        joined = [
            _with_type(join_samples([part[place] for part in parts]), mnemonic)
            for place, mnemonic in enumerate(mnemonics)
        ]
        labels = None
        if labeled:
            names = np.array([group.label for group in groups])
            labels = {"obs_id": np.repeat(names, [len(part[0]) for part in parts])}
        return as_series(joined[0].times, list(zip(mnemonics, joined, strict=True)), arguments, labels)


def _with_type(samples: Samples, mnemonic: Mnemonic) -> Samples:
    """Return the same samples; if there are none, with the type of the inventory."""
    if len(samples):
        return samples
    return Samples(NO_SAMPLES.times, converted((), mnemonic.kind or Kind.FLOAT)[0])


@dataclass(frozen=True)
class TelemetryQueries:
    """Runs the queries for telemetry."""

    inventory: Inventory
    telemetry: Telemetry

    def over(self, question: TelemetryQuestion, span: TimeSpan, deadline: Deadline) -> Result:
        """Return the samples of one span."""
        mnemonics = self.inventory.of(question.words, deadline)
        (group,) = self._groups(question, mnemonics, [(span, [])], deadline)
        _warn_of_empty(mnemonics, [group], question.align, "Use brackets=True to get the nearest ones")
        return question.result(mnemonics, [group], False, start=str(span.start), end=str(span.end))

    def during(self, question: TelemetryQuestion, exposures: Sequence[Exposure], deadline: Deadline) -> Result:
        """Return the samples of all exposures in one result."""
        mnemonics = self.inventory.of(question.words, deadline)
        spans = spans_to_fetch(exposures)
        fetched = self._groups(question, mnemonics, spans, deadline)
        holding = {number: group for group, (_, numbers) in zip(fetched, spans, strict=True) for number in numbers}
        groups = [
            _Group(exposure.obs_id, exposure.span, holding[number].samples) for number, exposure in enumerate(exposures)
        ]
        _warn_of_empty(mnemonics, groups, question.align, "Use margin= to extend the exposures")
        return question.result(mnemonics, groups, True, exposures=len(exposures))

    def days(self, question: TelemetryQuestion, span: TimeSpan, seconds: float) -> Iterator[TimeSeries]:
        """Yield the samples of one mnemonic day by day."""
        (mnemonic,) = self.inventory.of(question.words, Deadline.start(seconds))
        for part, samples in self.telemetry.days(mnemonic.name, span, question.options, seconds):
            extent = {"start": str(part.span.start), "end": str(part.span.end)}
            group = _Group("", part.span, [samples])
            del samples
            large = len(group.samples[0]) >= _LARGE
            yield question.result([mnemonic], [group], False, **extent)
            del group
            if large:
                # Astropy's times and their index refer to each other.  In a loop, the memory would fill with previous
                # days, because large arrays do not trigger the garbage collection.
                gc.collect()

    def _groups(
        self,
        question: TelemetryQuestion,
        mnemonics: Sequence[Mnemonic],
        spans: Sequence[tuple[TimeSpan, list[int]]],
        deadline: Deadline,
    ) -> list[_Group]:
        """Return the samples of all mnemonics in each span."""
        wanted = [WantedSamples(mnemonic.name, span) for span, _ in spans for mnemonic in mnemonics]
        # Repeated values may be removed early, unless other mnemonics are aligned with their times.
        early = question.changes_only and question.align is None and not any(numbers for _, numbers in spans)
        found = self.telemetry.fetch(wanted, question.options, deadline, changes_only=early)
        width = len(mnemonics)
        return [_Group("", span, found[place * width : (place + 1) * width]) for place, (span, _) in enumerate(spans)]


def _warn_of_empty(mnemonics: Sequence[Mnemonic], groups: Sequence[_Group], align: str | None, advice: str) -> None:
    """Warn about mnemonics without samples; with an alignment, samples just outside of a span count as well."""

    def is_empty(place: int) -> bool:
        """Return whether a mnemonic has no samples."""
        around = align is not None and place > 0
        found = (group.samples[place] if around else within_span(group.samples[place], group.span) for group in groups)
        return not any(map(len, found))

    empty = [mnemonic.name for place, mnemonic in enumerate(mnemonics) if is_empty(place)]
    if not empty:
        return
    around = any(len(samples) for group in groups for samples in group.samples)
    hints = [f"There are samples before or after this time. {advice}."] if around else []
    warn_no_results([f"No samples of {', '.join(empty)} in this time range.", *hints])
