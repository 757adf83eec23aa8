"""Parser of mission searches: the JSON body, validated and completed with defaults.

Errors follow FastAPI: 422 for a malformed body, 400 for invalid values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .reply import Refusal, Reply

T = TypeVar("T")
Given = Mapping[str, object]

#: Number of arcminutes in each unit of the radius.
UNITS = {"arcminutes": 1.0, "arcseconds": 1.0 / 60.0, "degrees": 60.0}
#: Maximum search radius (arcmin).
LARGEST_RADIUS = 30.0
MOST_TARGETS = 100
_WORDS: Mapping[type, tuple[str, str]] = {
    str: ("string", "string"),
    bool: ("bool", "boolean"),
    dict: ("dict", "dictionary"),
    list: ("list", "list"),
}


class MissionError(Refusal):
    """A request that is refused."""

    def reply(self) -> Reply:
        """Return the detail in the format of FastAPI."""
        return Reply.json({"detail": self.detail}, self.status)


def unprocessable(kind: str, loc: list[str | int], msg: str, given: object) -> MissionError:
    """Return the error for a malformed body."""
    return MissionError([{"type": kind, "loc": loc, "msg": msg, "input": given}], 422)


@dataclass(frozen=True)
class SearchRequest:
    """The arguments of a search; None selects the default of the mission. Positions are (ra, dec) in degrees."""

    target: tuple[str, ...]
    positions: tuple[tuple[float, float], ...]
    radius: float
    radius_units: str
    offset: int
    limit: int
    sort_by: tuple[str, ...] | None
    sort_desc: tuple[bool, ...]
    skip_count: bool
    count_only: bool
    select_cols: tuple[str, ...] | None
    search_key: list[object]
    user_fields: list[object]
    conditions: tuple[Mapping[str, object], ...]

    @property
    def arcminutes(self) -> float:
        """The radius in arcmin."""
        return self.radius * UNITS[self.radius_units]


def decoded(body: bytes) -> Given:
    """Return the JSON object in a request body."""
    try:
        value = json.loads(body)
    except ValueError as err:
        place = err.pos if isinstance(err, json.JSONDecodeError) else 0
        raise unprocessable("json_invalid", ["body", place], "JSON decode error", {}) from err
    if not isinstance(value, dict):
        raise unprocessable("model_attributes_type", ["body"], "Input should be a valid dictionary", value)
    return value


def search_request(body: bytes) -> SearchRequest:
    """Return the search described by a request body."""
    given = decoded(body)
    target = text_list(given, "target", ())
    request = SearchRequest(
        target=target,
        positions=tuple(_position(text) for text in target),
        radius=_number(given, "radius", 3.0, "number", float),
        radius_units=_unit(given),
        offset=_count(given, "offset", 0),
        limit=_count(given, "limit", 5000),
        sort_by=_optional_list(given, "sort_by"),
        sort_desc=_list(given, "sort_desc", bool),
        skip_count=_typed(given.get("skip_count", False), bool, ["body", "skip_count"]),
        count_only=_typed(given.get("count_only", False), bool, ["body", "count_only"]),
        select_cols=_optional_list(given, "select_cols"),
        search_key=list(_list(given, "search_key", object)),
        user_fields=list(_list(given, "user_fields", object)),
        conditions=_list(given, "conditions", dict),
    )
    if len(target) > MOST_TARGETS:
        raise MissionError(f"At most {MOST_TARGETS} targets can be searched at once, not {len(target)}.")
    if not 0.0 <= request.arcminutes <= LARGEST_RADIUS:
        raise MissionError(f"The radius must lie between 0 and {LARGEST_RADIUS:g} arcminutes.")
    return request


def _position(text: str) -> tuple[float, float]:
    words = text.replace(",", " ").split()
    try:
        ra, dec = (float(word) for word in words)
    except ValueError as err:
        raise MissionError(f"Not a position in degrees: {text!r}") from err
    if not (-360.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
        raise MissionError(f"Not a position on the sky: {text!r}")
    return ra, dec


def _typed(value: object, kind: type[T], loc: list[str | int]) -> T:
    if not isinstance(value, kind):
        name, word = _WORDS[kind]
        raise unprocessable(f"{name}_type", loc, f"Input should be a valid {word}", value)
    return value


def _list(given: Given, name: str, kind: type[T]) -> tuple[T, ...]:
    items: list[object] = _typed(given.get(name, []), list, ["body", name])
    return tuple(_typed(item, kind, ["body", name, index]) for index, item in enumerate(items))


def text_list(given: Given, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return a list of strings; without a default the parameter is required."""
    if name in given:
        return _list(given, name, str)
    if default is None:
        raise unprocessable("missing", ["body", name], "Field required", dict(given))
    return default


def _optional_list(given: Given, name: str) -> tuple[str, ...] | None:
    return None if given.get(name) is None else text_list(given, name)


def _number(given: Given, name: str, default: float, kind: str, read: Callable[[str], float]) -> float:
    """Return a number, which may also be given as a string, as the framework of the archive allows."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise unprocessable(f"{kind}_type", ["body", name], f"Input should be a valid {kind}", value)
    try:
        return read(str(value))
    except ValueError as err:
        message = f"Input should be a valid {kind}, unable to parse string as a number"
        raise unprocessable(f"{kind}_parsing", ["body", name], message, value) from err


def _count(given: Given, name: str, default: int) -> int:
    value = _number(given, name, default, "integer", lambda text: int(text.removesuffix(".0")))
    if value < 0:
        message = "Input should be greater than or equal to 0"
        raise unprocessable("greater_than_equal", ["body", name], message, given[name])
    return int(value)


def _unit(given: Given) -> str:
    value = given.get("radius_units", "arcminutes")
    if value not in UNITS:
        raise unprocessable("enum", ["body", "radius_units"], f"Input should be one of {', '.join(UNITS)}", value)
    return str(value)
