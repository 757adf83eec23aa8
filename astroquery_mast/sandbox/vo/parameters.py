"""Parameters of a TAP request, with names in any case; errors follow FastAPI: status 422 and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..reading import natural
from ..reply import Refusal, Reply
from ..requestlog import RequestRecord

LANGUAGES = ("ADQL", "ADQL-2.1")
FORMATS = ("votable", "json", "csv", "xml")
#: Maximum length of RUNID, and maximum number of digits of a number.
LONGEST_RUNID, _DIGITS = 64, 18


class InvalidParameter(Refusal):
    """A missing or invalid parameter."""

    def __init__(self, place: str, name: str, kind: str, message: str, given: object = None) -> None:
        super().__init__(message, 422)
        self._entry = {"type": kind, "loc": [place, name], "msg": message, "input": given}

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return Reply.json({"detail": [self._entry]}, 422)


def given(record: RequestRecord) -> dict[str, str]:
    """Return all parameters of a request, with names in upper case; posted ones take precedence."""
    found = {**record.query, **record.form}
    return {name.upper(): values[0] for name, values in found.items() if values}


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    adql: str
    maxrec: int
    format: str

    @classmethod
    def of(cls, params: Mapping[str, str], place: str, limit: int) -> Query:
        """Parse the parameters of a query; ``place`` is where they are: ``query`` or ``body``."""
        _one_of(params, place, "LANG", LANGUAGES)
        if "QUERY" not in params:
            raise InvalidParameter(place, "query", "missing", "Field required")
        if len(params.get("RUNID", "")) > LONGEST_RUNID:
            message = f"String should have at most {LONGEST_RUNID} characters"
            raise InvalidParameter(place, "runid", "string_too_long", message, params["RUNID"])
        name = "RESPONSEFORMAT" if "RESPONSEFORMAT" in params else "FORMAT"
        form = _one_of(params, place, name, FORMATS, FORMATS[0])
        return cls(params["QUERY"], _maxrec(params, place, limit), form)


def _one_of(params: Mapping[str, str], place: str, name: str, known: tuple[str, ...], default: str = "") -> str:
    value = params.get(name, default)
    if not value and name not in params:
        raise InvalidParameter(place, name.lower(), "missing", "Field required")
    if value not in known:
        listed = ", ".join(f"'{each}'" for each in known)
        raise InvalidParameter(place, name.lower(), "enum", f"Input should be {listed}", value)
    return value


def _maxrec(params: Mapping[str, str], place: str, limit: int) -> int:
    text = params.get("MAXREC", str(limit))
    number = natural(text.strip(), _DIGITS)
    if number is None:
        raise InvalidParameter(place, "maxrec", "int_parsing", "Input should be a valid integer of at least 0", text)
    if number > limit:
        raise InvalidParameter(
            place, "maxrec", "less_than_equal", f"Input should be less than or equal to {limit}", text
        )
    return number


class NotFound(Refusal):
    """A path that does not exist, in the words of FastAPI."""

    def __init__(self) -> None:
        super().__init__("Not Found", 404)

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return Reply.json({"detail": str(self)}, self.status)
