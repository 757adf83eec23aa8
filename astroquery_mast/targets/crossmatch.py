"""Cross-match: a table of positions, matched by the archive with its observations or with a catalog.

In: positions in any form, however many.  Out: one table of matches with the row of the input and the separation beside
each.  The positions are uploaded in chunks, several at a time.
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
from .ask import AnswerCollector, AskedTargets, TargetMeta, ask_many, with_leading_columns
from .pairs import Matches, UploadChunk, assign_matches, expanded, nearest_of, upload_chunks, uploaded_columns
from .targets import ManyTargets, unique_rows, warn_of_failures

_HELPERS = frozenset({"_searchID_", "_searchid_"})


@dataclass(frozen=True)
class _CrossmatchInput:
    """The positions of a cross-match, and how they are sent: each position once."""

    positions: Positions
    # The rows of the input that have a position.
    rows: RowNumbers
    # Which of these are sent, and for each of them which of those that are sent has its position.
    first: RowNumbers
    kind: RowNumbers

    @classmethod
    def of(cls, positions: Positions) -> _CrossmatchInput:
        """Take equal positions together."""
        rows = positions.known
        return cls(positions, rows, *unique_rows(positions.ra[rows], positions.dec[rows]))

    @property
    def sent(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Right ascension and declination of what is sent."""
        return self.positions.ra[self.numbers], self.positions.dec[self.numbers]

    @property
    def numbers(self) -> RowNumbers:
        """The rows of what is sent, in rising order; of equal positions the first."""
        return self.rows[self.first]

    def expand_to_input(self, found: Matches) -> Matches:
        """The matches of all rows, from the matches of what was sent."""
        places = np.arange(len(self.first))
        start, stop = (np.searchsorted(found.inputs, places, side=side) for side in ("left", "right"))
        place, taken = expanded(start[self.kind], (stop - start)[self.kind])
        return Matches(found.rows[taken], self.rows[place], found.separation[taken])

    def reasons(self, failed: Mapping[int, str]) -> dict[int, str]:
        """Row → why it has no answer, from the same for what was sent."""
        pairs = zip(self.rows.tolist(), self.numbers[self.kind].tolist(), strict=True)
        return {row: failed[sent] for row, sent in pairs if sent in failed} if failed else {}


class CrossmatchSearch:
    """Has positions matched by the archive."""

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
        """Return the matches of positions, or the requests."""
        crossmatch, service, columns_id = catalog
        degrees = float(as_radius(radius).deg)
        deadline = options.deadline()
        asked = _CrossmatchInput.of(ManyTargets(self._service).positions(given, None, None, deadline, **columns))
        ra, dec = asked.sent
        questions = upload_chunks(
            *(service, asked.numbers, ra, dec),
            radius=degrees,
            cache=cache,
            chunk_size=chunk_size,
            workers=options.workers,
            pagesize=count_setting("pagesize"),
        )
        if payload:
            return [question.request.payload() for question in questions]
        blocks = AnswerCollector(
            AskedTargets(questions[0].question, len(asked.positions), len(questions)),
            self._service.columns.get(columns_id),
        )
        failed = self._upload(questions, options, deadline, blocks)
        answer, _ = blocks.table()
        found = assign_matches(
            answer, ra, dec, degrees, numbers=asked.numbers, extended=crossmatch.extended, service=service
        )
        if best:
            found = _nearest(found, service)
        table = _matched(answer, asked.expand_to_input(found))
        _note(table, asked, found, asked.reasons(failed), service)
        if options.verbose:
            log.info(
                "%d matches of %d positions, with %d requests in %.1f s.",
                *(len(table), len(asked.positions), len(questions), deadline.elapsed()),
            )
        if not len(table):
            warn_no_results()
        return table

    def _upload(
        self, questions: Sequence[UploadChunk], options: RunOptions, deadline: Deadline, blocks: AnswerCollector
    ) -> dict[int, str]:
        """Have all positions matched, collect the answers, and return why some have none."""
        failed: dict[int, str] = {}
        first: MastError | None = None
        answered = False
        for place, parts in enumerate(ask_many(questions, self._service, options, deadline, "Matching", "request")):
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


def _note(table: Table, asked: _CrossmatchInput, found: Matches, reasons: Mapping[int, str], service: str) -> None:
    """Say in a table's ``meta`` what is not in it, and warn of what was to be there."""
    unmatched = np.setdiff1d(asked.rows, [*np.unique(table["input_row"]), *reasons])
    failures = asked.positions.failures(reasons)
    table.meta = TargetMeta(table.meta, rows=[len(table)], beyond=[found.beyond])
    table.meta.note(failed=failures, unmatched=unmatched.tolist())
    warn_of_failures(failures, len(asked.positions), "positions")
    if found.beyond:
        warn_user(
            f"{found.beyond} matches of {service} are outside the radius and were removed.",
            CorruptDataWarning,
        )


def _nearest(found: Matches, service: str) -> Matches:
    """The nearest matches, if it can be told which they are."""
    if len(found.rows) and not bool(np.isfinite(found.separation).any()):
        raise InvalidResponseError(
            f"{service} returned matches without positions. Cannot select the best match.", service=service
        )
    return nearest_of(found)


def _matched(answer: Table, found: Matches) -> Table:
    """The table of matches."""
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
