"""What a request to a VO service asks for, and how the service answers or refuses."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from ..archive.search import Clause
from ..packaged import packaged
from ..reading import natural, real
from ..reply import Refusal, Reply
from ..requestlog import RequestRecord
from .votable import VOTABLE_TYPE, Field, error, votable

Interval = tuple[float, float]
#: Digits of the largest MAXREC that is read.
_LONGEST = 9


class VOError(Refusal):
    """A request that a VO service refuses: a VOTable whose QUERY_STATUS is ERROR."""

    def reply(self) -> Reply:
        """Return the refusal in the form of the service."""
        return error(str(self), self.status)


class Asked:
    """The parameters of a request, whose names have no case; those that cannot be read are refused with ``status``."""

    def __init__(self, record: RequestRecord, status: int = 200) -> None:
        self._status = status
        self._values: dict[str, list[str]] = {}
        for given in (record.query, record.form):
            for name, values in given.items():
                self._values.setdefault(name.upper(), []).extend(values)

    def all(self, *names: str) -> list[str]:
        """Return every value of a parameter of several spellings."""
        return [value.strip() for name in names for value in self._values.get(name, ()) if value.strip()]

    def one(self, *names: str) -> str | None:
        """Return the first value of a parameter, None without one."""
        return next(iter(self.all(*names)), None)

    def refusal(self, message: str) -> VOError:
        """Return the error for a request that is refused."""
        return VOError(message, self._status)

    def numbers(self, name: str, default: str | None = None, counts: Sequence[int] = (1,)) -> list[float]:
        """Return the numbers of a parameter, between commas."""
        given = self.one(name) or default
        if given is None:
            raise self.refusal(f"The parameter {name} is missing.")
        # A coordinate system may follow, as in POS=10.6,41.2;ICRS.
        return self.read(given.partition(";")[0].split(","), f"{name}={given}", counts)

    def read(self, words: Sequence[str], what: str, counts: Sequence[int]) -> list[float]:
        """Return numbers, of which there must be so many."""
        found = [math.nan if number is None else number for number in map(real, words)]
        if len(found) not in counts or math.isnan(sum(found)):
            raise self.refusal(f"{what} cannot be read.")
        return found

    def place(self) -> Interval:
        """Return right ascension and declination (degrees) of the parameter POS."""
        ra, dec = self.numbers("POS", counts=(2,))
        return self.checked(ra, dec)

    def checked(self, ra: float, dec: float) -> Interval:
        """Return a position if there is such a place."""
        if not (-360 <= ra <= 360 and -90 <= dec <= 90):
            raise self.refusal(f"There is no position {ra}, {dec}.")
        return ra % 360.0, dec

    def intervals(self, name: str) -> list[Interval]:
        """Return the intervals of a parameter in the manner of DALI: two numbers, or one, with infinite ends."""
        return [self.interval(name, value.split()) for value in self.all(name)]

    def interval(self, name: str, words: Sequence[str]) -> Interval:
        """Return the interval that one or two numbers are."""
        try:
            low, high = map(float, words if len(words) > 1 else [*words, *words])
        except ValueError:
            low = high = math.nan
        if not low <= high:
            raise self.refusal(f"{name} {' '.join(words)} is not an interval.")
        return low, high

    def limit(self, *names: str) -> int | None:
        """Return the most rows to send, None without a limit."""
        given = self.one(*names)
        if given is None:
            return None
        number = natural(given, _LONGEST)
        if number is None:
            raise self.refusal(f"{names[0]}={given} is not a number of rows.")
        return number


def meeting(low: str, high: str, intervals: Sequence[Interval]) -> Clause:
    """Return the condition that the range of values between two columns overlaps one of the intervals, if any."""
    tests = [Clause(f"{low} <= ? AND {high} >= ?", (last, first)) for first, last in intervals]
    return Clause.any_of(tests) if tests else Clause("1")


@cache
def fields(name: str) -> tuple[Field, ...]:
    """Return the columns of a kind of answer (``dal.json``)."""
    names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "description")
    return tuple(Field(**dict(zip(names, line, strict=True))) for line in packaged("dal")[name])


def table(
    name: str, rows: Iterable[Mapping[str, object]], *, maxrec: int | None = None, params: Sequence[Field] = ()
) -> Reply:
    """Return the table of a kind of answer, whose rows are facts by the names of columns."""
    columns = fields(name)
    cells = ([row.get(column.name) for column in columns] for row in rows)
    body = votable(columns, cells, maxrec=maxrec, params=params, name=name)
    return Reply(200, (("Content-Type", VOTABLE_TYPE),), body)


def address(record: RequestRecord, path: str) -> str:
    """Return an address at the server that was asked."""
    return f"http://{record.headers.get('host', 'localhost')}{path}"
