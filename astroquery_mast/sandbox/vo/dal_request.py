"""Parsing of requests to VO services, and their responses and refusals."""

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
#: Maximum number of digits of MAXREC.
_LONGEST = 9


class VOError(Refusal):
    """A request that a VO service refuses: a VOTable whose QUERY_STATUS is ERROR."""

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return error(str(self), self.status)


class DALParameters:
    """The parameters of a request (names are not case-sensitive); invalid ones are refused with ``status``."""

    def __init__(self, record: RequestRecord, status: int = 200) -> None:
        self._status = status
        self._values: dict[str, list[str]] = {}
        for given in (record.query, record.form):
            for name, values in given.items():
                self._values.setdefault(name.upper(), []).extend(values)

    def all(self, *names: str) -> list[str]:
        """Return all values of a parameter with several spellings."""
        return [value.strip() for name in names for value in self._values.get(name, ()) if value.strip()]

    def one(self, *names: str) -> str | None:
        """Return the first value of a parameter, or None."""
        return next(iter(self.all(*names)), None)

    def refusal(self, message: str) -> VOError:
        """Return the error of a refused request."""
        return VOError(message, self._status)

    def numbers(self, name: str, default: str | None = None, counts: Sequence[int] = (1,)) -> list[float]:
        """Return the comma-separated numbers of a parameter; ``counts`` are the allowed numbers of values."""
        given = self.one(name) or default
        if given is None:
            raise self.refusal(f"The parameter {name} is missing.")
        # A coordinate system may follow, as in POS=10.6,41.2;ICRS.
        return self.read(given.partition(";")[0].split(","), f"{name}={given}", counts)

    def read(self, words: Sequence[str], what: str, counts: Sequence[int]) -> list[float]:
        """Return numbers; ``counts`` are the allowed numbers of values."""
        found = [math.nan if number is None else number for number in map(real, words)]
        if len(found) not in counts or math.isnan(sum(found)):
            raise self.refusal(f"{what} is invalid.")
        return found

    def place(self) -> Interval:
        """Return right ascension and declination (degrees) of the parameter POS."""
        ra, dec = self.numbers("POS", counts=(2,))
        return self.checked(ra, dec)

    def checked(self, ra: float, dec: float) -> Interval:
        """Return a position if it is valid."""
        if not (-360 <= ra <= 360 and -90 <= dec <= 90):
            raise self.refusal(f"Invalid position: {ra}, {dec}.")
        return ra % 360.0, dec

    def intervals(self, name: str) -> list[Interval]:
        """Return the intervals of a parameter as in DALI: two numbers, possibly infinite, or one number."""
        return [self.interval(name, value.split()) for value in self.all(name)]

    def interval(self, name: str, words: Sequence[str]) -> Interval:
        """Return the interval given by one or two numbers."""
        try:
            low, high = map(float, words if len(words) > 1 else [*words, *words])
        except ValueError:
            low = high = math.nan
        if not low <= high:
            raise self.refusal(f"{name} {' '.join(words)} is not an interval.")
        return low, high

    def limit(self, *names: str) -> int | None:
        """Return the maximum number of rows, or None without a limit."""
        given = self.one(*names)
        if given is None:
            return None
        number = natural(given, _LONGEST)
        if number is None:
            raise self.refusal(f"{names[0]}={given} is not a valid number of rows.")
        return number


def overlaps_interval(low: str, high: str, intervals: Sequence[Interval]) -> Clause:
    """Return the condition that the range between two columns overlaps one of the intervals, if there are any."""
    tests = [Clause(f"{low} <= ? AND {high} >= ?", (last, first)) for first, last in intervals]
    return Clause.any_of(tests) if tests else Clause("1")


@cache
def fields(name: str) -> tuple[Field, ...]:
    """Return the columns of a kind of response (``dal.json``)."""
    names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "description")
    return tuple(Field(**dict(zip(names, line, strict=True))) for line in packaged("dal")[name])


def table(
    name: str, rows: Iterable[Mapping[str, object]], *, maxrec: int | None = None, params: Sequence[Field] = ()
) -> Reply:
    """Return the table of a kind of response; the rows are mappings of column names to values."""
    columns = fields(name)
    cells = ([row.get(column.name) for column in columns] for row in rows)
    body = votable(columns, cells, maxrec=maxrec, params=params, name=name)
    return Reply(200, (("Content-Type", VOTABLE_TYPE),), body)


def address(record: RequestRecord, path: str) -> str:
    """Return a URL at the server of the request."""
    return f"http://{record.headers.get('host', 'localhost')}{path}"
