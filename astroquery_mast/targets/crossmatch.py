"""Cross-match a table of positions with the observations of MAST or with a catalog.

In: any number of positions, in any form.  Out: one table of matches, each with the row of the input and the separation.
The positions are uploaded in chunks, several at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.table import Table
from astroquery import log

from ..config import count_setting
from ..exceptions import CorruptDataWarning, InvalidResponseError, MastError
from ..query.known_catalogs import Crossmatch
from ..service.mast_service import MastService
from ..service.parallel import RunOptions
from ..service.retrying import Deadline
from ..sky.position import as_radius
from ..sky.positions import Positions
from ..tables.rows import RowNumbers
from ..warn import warn_no_results, warn_user
from .batch import AnswerCollector, AskedTargets, TargetMeta, run_queries, with_leading_columns
from .pairs import Matches, UploadChunk, assign_matches, expanded, nearest_of, upload_chunks, uploaded_columns
from .targets import ManyTargets, unique_rows, warn_of_failures

_HELPERS = frozenset({"_searchID_", "_searchid_"})


@dataclass(frozen=True)
class _CrossmatchInput:
    """The positions of a cross-match, of which equal ones are sent only once."""

    positions: Positions
    # The rows of the input that have a position.
    rows: RowNumbers
    # Which of these rows are sent, and for each of these rows the index of the sent position that is equal to its own.
    first: RowNumbers
    kind: RowNumbers

    @classmethod
    def of(cls, positions: Positions) -> _CrossmatchInput:
        """Combine equal positions."""
        rows = positions.known
        return cls(positions, rows, *unique_rows(positions.ra[rows], positions.dec[rows]))

    @property
    def sent(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Right ascension and declination of the positions to send."""
        return self.positions.ra[self.numbers], self.positions.dec[self.numbers]

    @property
    def numbers(self) -> RowNumbers:
        """The input rows of the positions to send, in increasing order; of equal positions, the first."""
        return self.rows[self.first]

    def expand_to_input(self, found: Matches) -> Matches:
        """Return the matches of all input rows, from the matches of the sent positions."""
        places = np.arange(len(self.first))
        start, stop = (np.searchsorted(found.inputs, places, side=side) for side in ("left", "right"))
        place, taken = expanded(start[self.kind], (stop - start)[self.kind])
        return Matches(found.rows[taken], self.rows[place], found.separation[taken])

    def reasons(self, failed: Mapping[int, str]) -> dict[int, str]:
        """Return input row → reason of the failure, from the same for the sent positions."""
        pairs = zip(self.rows.tolist(), self.numbers[self.kind].tolist(), strict=True)
        return {row: failed[sent] for row, sent in pairs if sent in failed} if failed else {}


class CrossmatchSearch:
    """Cross-matches positions at MAST."""

    def __init__(self, service: MastService) -> None:
        self._service = service

    def table(
        self,
        given: Any,
        catalog: tuple[Crossmatch, str, str],
        radius: Any,
        options: RunOptions,
        *,
        best: bool,
        columns: Mapping[str, str | None],
        chunk_size: int | None,
        cache: bool | None,
        payload: bool,
    ) -> Table | list[dict[str, object]]:
        """Return the matches, or the requests."""
        crossmatch, service, columns_id = catalog
        degrees = float(as_radius(radius).deg)
        deadline = options.deadline()
        upload = _CrossmatchInput.of(ManyTargets(self._service).positions(given, None, None, deadline, **columns))
        ra, dec = upload.sent
        questions = upload_chunks(
            *(service, upload.numbers, ra, dec),
            radius=degrees,
            cache=cache,
            chunk_size=chunk_size,
            workers=options.workers,
            pagesize=count_setting("pagesize"),
        )
        if payload:
            return [question.request.payload() for question in questions]
        blocks = AnswerCollector(
            AskedTargets(questions[0].question, len(upload.positions), len(questions)),
            self._service.columns.get(columns_id),
        )
        failed = self._upload(questions, options, deadline, blocks)
        answer, _ = blocks.table()
        found = assign_matches(
            answer, ra, dec, degrees, numbers=upload.numbers, extended=crossmatch.extended, service=service
        )
        if best:
            found = _nearest(found, service)
        table = _matched(answer, upload.expand_to_input(found))
        _note(table, upload, found, upload.reasons(failed), service)
        if options.verbose:
            log.info(
                "%d matches of %d positions, with %d requests in %.1f s.",
                *(len(table), len(upload.positions), len(questions), deadline.elapsed()),
            )
        if not len(table):
            warn_no_results()
        return table

    def _upload(
        self, questions: Sequence[UploadChunk], options: RunOptions, deadline: Deadline, blocks: AnswerCollector
    ) -> dict[int, str]:
        """Upload all positions, collect the matches, and return the reasons of failures."""
        failed: dict[int, str] = {}
        first: MastError | None = None
        answered = False
        for place, parts in enumerate(run_queries(questions, self._service, options, deadline, "Matching", "request")):
            for part in parts:
                try:
                    if part.error is not None:
                        raise part.error
                    blocks.add(place, part.pages)
                    answered = True
                except MastError as err:
                    first = first or err
                    failed.update(dict.fromkeys(part.asked.rows.tolist(), str(err)))
        if first is not None and not answered:
            raise first
        return failed


def _note(table: Table, upload: _CrossmatchInput, found: Matches, reasons: Mapping[int, str], service: str) -> None:
    """Record in ``meta`` which positions are not in the table, and warn of failures and removed matches."""
    unmatched = np.setdiff1d(upload.rows, [*np.unique(table["input_row"]), *reasons])
    failures = upload.positions.failures(reasons)
    table.meta = TargetMeta(table.meta, rows=[len(table)], beyond=[found.beyond])
    table.meta.note(failed=failures, unmatched=unmatched.tolist())
    warn_of_failures(failures, len(upload.positions), "positions")
    if found.beyond:
        warn_user(
            f"{found.beyond} matches of {service} are outside the radius and were removed.",
            CorruptDataWarning,
        )


def _nearest(found: Matches, service: str) -> Matches:
    """Return the nearest matches; raise if no separation is known."""
    if len(found.rows) and not bool(np.isfinite(found.separation).any()):
        raise InvalidResponseError(
            f"{service} returned matches without positions. Cannot select the best match.", service=service
        )
    return nearest_of(found)


def _matched(answer: Table, found: Matches) -> Table:
    """Return the table of matches."""
    answer.remove_columns([*uploaded_columns(answer.colnames), *(name for name in answer.colnames if name in _HELPERS)])
    table = with_leading_columns(
        answer,
        found.rows,
        {
            "input_row": (found.inputs, None, "Row number of the input position"),
            "separation": (found.separation, u.arcsec, "Angle between the position and the match"),
        },
    )
    table["separation"].mask = ~np.isfinite(found.separation)
    return table
