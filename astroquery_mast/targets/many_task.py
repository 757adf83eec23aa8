"""One of many questions as a worker gets it, in this process or in another, and what the worker gives back.

In: a question and a way to the archive.  Out: the pages of its answer, or why there is none.  What the workers of this
process share with the call stays behind when a task is sent to another process; the recipe of the session and the time
that is left go along.  There is no token in a task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from ..catalogs.pages import Listing
from ..downloads.sessions import SessionRecipe
from ..exceptions import MastError, TooManyRowsError
from ..products.listing import is_too_much
from ..query.request import ApiRequest, MashupRequest
from ..service.deadline import Deadline
from ..service.http import HttpClient
from ..service.large import LargeAnswer, PageLimits
from ..tables.mashup import Page

__all__ = ["Askable", "Call", "Part", "Single", "Task", "answer"]


class Askable(Protocol):
    """A question that may be too much for the archive."""

    @property
    def request(self) -> MashupRequest | ApiRequest:
        """What is sent."""

    def halves(self) -> Sequence[Any]:
        """Return two smaller questions, which together are this one; none if it cannot be made smaller."""


Q = TypeVar("Q", bound=Askable)

# How often a question is cut in two: often enough to find the one row in a thousand that is too much for the archive,
# and not so often that in the end each row is asked for by itself.
_HALVINGS = 24


@dataclass(frozen=True)
class Single:
    """A question that cannot be made smaller here."""

    request: MashupRequest
    shared: bool = False

    def halves(self) -> Sequence[Single]:
        """Return nothing."""
        return ()


@dataclass
class Call:
    """What the workers of this process share."""

    deadline: Deadline = field(default_factory=Deadline)
    wire: HttpClient | None = None

    def stop(self) -> None:
        """Let nothing more be sent."""
        self.deadline.stop()


@dataclass(frozen=True)
class Task(Generic[Q]):
    """One question, and what is needed to ask it; picklable if the question is."""

    place: int
    asked: Q
    way: SessionRecipe
    call: Call
    limit: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave behind what cannot leave the process; the time that is left goes along."""
        return _unpickled, (self.place, self.asked, self.way, self.call.deadline.remaining(), self.limit)


def _unpickled(place: int, asked: Q, way: SessionRecipe, seconds: float, limit: int | None) -> Task[Q]:
    """A task in another process."""
    return Task(place, asked, way, Call(Deadline(seconds)), limit)


@dataclass(frozen=True)
class Part(Generic[Q]):
    """The answer to a question, or to a part of it."""

    asked: Q
    pages: Sequence[Page] = ()
    error: MastError | None = None
    notes: tuple[str, ...] = ()


def answer(task: Task[Q]) -> list[Part[Q]]:
    """Ask a question; in halves, and halves of these, as long as that is what the archive seems to need."""
    if task.call.wire is not None:
        return _in_parts(task, task.call.wire)
    with task.way.open_url(task.call.deadline) as opener:
        return _in_parts(task, opener.wire)


def _in_parts(task: Task[Q], wire: HttpClient) -> list[Part[Q]]:
    """Ask a question through a wire."""
    waiting: deque[Q] = deque([task.asked])
    halvings = _HALVINGS
    parts: list[Part[Q]] = []
    while waiting:
        asked = waiting.popleft()
        try:
            parts.append(_whole(asked, wire, task))
        except MastError as err:
            # What is known to have too many rows is halved as often as that is so.
            known = isinstance(err, TooManyRowsError)
            halves = asked.halves() if (known or halvings > 0) and is_too_much(err) else ()
            if not halves:
                parts.append(Part(asked, error=err))
                continue
            halvings -= not known
            waiting.extendleft(reversed(halves))
    return parts


def _whole(asked: Q, wire: HttpClient, task: Task[Q]) -> Part[Q]:
    """The pages of an answer, proven complete; one after the other, because other questions are under way."""
    notes: list[str] = []
    deadline = task.call.deadline.part(task.way.timeout)
    if isinstance(asked, Listing):
        pages = [exchange.page for exchange in asked.pages(wire, deadline, notes.append)]
        return Part(asked, pages, notes=tuple(notes))
    request = asked.request
    assert isinstance(request, MashupRequest)
    divisible = bool(asked.halves()) or (isinstance(asked, Single) and asked.shared)
    stream = LargeAnswer(wire, task.limit).pages(request, PageLimits(deadline, workers=1), divisible=divisible)
    pages = [sent.exchange.page for sent in stream]
    # The rest of the document is of no use, and the rows are in it once more.
    return Part(asked, [replace(page, document=None) if page.fields else page for page in pages])
