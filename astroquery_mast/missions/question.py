"""A mission's search, as a value: what is asked, and the requests that ask for it.

In: targets, conditions, and how much of the answer is wanted.  Out: a frozen `Search`, which knows its requests: one
for every hundred targets, each of which can be asked for any part of its answer.  See
https://mast.stsci.edu/search/docs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from astropy import units as u

from ..config import Endpoints
from ..exceptions import InvalidArgumentError
from ..query.request import ApiRequest, CacheKey, HttpRequest, possible_parts
from ..query.selection import sort_keys
from ..query.values import as_members, in_batches, is_integer
from ..sky.position import as_radius
from ..tables.columns import Columns, no_such
from ..tables.mashup import Completeness, Page
from .answer import announced, bounds, may_have_more, read_answer
from .conditions import column_named

PAGE = 5000
"""Rows asked for at once when all are wanted: the archive's own default."""
_TARGETS = 100
# The default of the search methods, compared by identity as `~astroquery_mast.sky.position.DEFAULT_RADIUS`.
DEFAULT_MISSION_RADIUS = 3 * u.arcmin
# The archive's own limit, in arcmin.
_LARGEST_RADIUS = 30.0
_FLAGS = ("skip_count",)
_LISTS = ("search_key", "user_fields")
# What may stand in an address without being something else there.
_MISSION = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class SearchRequest:
    """One question of a search, and the part of its answer that is wanted."""

    question: ApiRequest
    limit: int
    offset: int
    # Whether all parts are wanted, and whether this is one after the first.
    every_page: bool = False
    later: bool = False

    row_limited = False

    def as_request(self) -> ApiRequest:
        """Return what is to be sent."""
        params = {"limit": self.limit, "offset": self.offset, **self.question.params}
        return replace(self.question, params=params)

    @property
    def service(self) -> str:
        """The mission's search."""
        return self.question.service

    @property
    def cache(self) -> bool | None:
        """Whether the answer is kept."""
        return self.question.cache

    def payload(self) -> dict[str, object]:
        """Return what is asked as a dictionary."""
        return self.as_request().payload()

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return what is sent."""
        return self.as_request().http_request(endpoints)

    def read(self, body: bytes) -> Page:
        """Read an answer."""
        return read_answer(body, self.service)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a part; an answer that does not say how many rows there are may be all of them or not."""
        if not self.later and page.paging is None:
            completeness.proven = False
        if not self.question.params.get("count_only"):
            most, skipped = bounds(page, self.limit, self.offset)
            completeness.add_slice(page, skipped, most, alone=not (self.later or self.after(page)))
        return True

    def after(self, page: Page) -> Sequence[SearchRequest]:
        """Return the questions for all other parts, as long as the archive sends them."""
        if self.later or not self.every_page:
            return ()
        most, skipped = bounds(page, self.limit, self.offset)
        return [
            replace(self, limit=most, offset=offset, later=True)
            for offset in possible_parts(range(skipped + most, announced(page), most), page.service)
        ]

    def first_page(self) -> SearchRequest:
        """Return the question for this part only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the key of the answer."""
        return self.as_request().cache_key(self.every_page)


@dataclass(frozen=True)
class Search:
    """A search in one mission."""

    mission: str
    url: str
    targets: tuple[str, ...] = ()
    radius: float = 0.0
    conditions: Sequence[Mapping[str, object]] = ()
    limit: int | None = PAGE
    offset: int = 0
    select_cols: Sequence[str] | None = None
    sort_by: Sequence[str] = ()
    sort_desc: Sequence[bool] = ()
    order: Sequence[str] = ()
    count_only: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    cache: bool | None = None
    columns: Columns = field(default_factory=dict, repr=False, compare=False)
    # What may be said if nothing is found.
    hints: Sequence[str] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        _check_number("offset", self.offset, 0)
        if self.limit is not None:
            _check_number("limit", self.limit, 1)
        if self.limit is None and self.options.get("skip_count"):
            raise InvalidArgumentError(
                "limit=None and skip_count=True cannot be combined, because limit=None requires the number of rows."
            )
        if self.parts > 1 and (self.offset or self.sort_by):
            raise InvalidArgumentError(
                f"sort_by and offset cannot be used with more than {_TARGETS} targets (got "
                f"{len(self.targets)}), which need several requests. Sort or slice the resulting table "
                "instead."
            )

    @property
    def service(self) -> str:
        """What is asked, for people."""
        return f"MAST search ({self.mission})"

    @property
    def parts(self) -> int:
        """How many questions the targets need."""
        return max(1, -(-len(self.targets) // _TARGETS))

    def stops_before_end(self, page: Page) -> bool:
        """Return whether the limit may have kept rows back that come after a page."""
        return self.limit is not None and may_have_more(page, self.limit, self.offset)

    def is_exceeded_by(self, rows: int) -> bool:
        """Return whether the answers to several questions have more rows together than are wanted."""
        return self.parts > 1 and self.limit is not None and rows > self.limit

    @property
    def question(self) -> ApiRequest:
        """The whole search in one, for the reader."""
        return ApiRequest(
            self.service, self.url, {"limit": self.limit, "offset": self.offset, **self._params(self.targets)}
        )

    def requests(self, page: int = PAGE) -> list[SearchRequest]:
        """Return the questions, in the order of the targets, each for the first part of its answer."""
        limit = page if self.limit is None else int(self.limit)
        batches = in_batches(self.targets, _TARGETS) or [[]]
        return [
            SearchRequest(
                ApiRequest(self.service, self.url, self._params(batch), self.cache),
                limit,
                int(self.offset),
                every_page=self.limit is None and not self.count_only,
            )
            for batch in batches
        ]

    def totally_ordered(self, columns: Columns, keys: Iterable[str | None]) -> Search:
        """Return the same search, sorted so that no two rows are in any order: parts of it then never overlap."""
        wanted = [key for key in filter(None, keys) if not columns or key in columns]
        if not wanted:
            return self
        # Unless the user sorts, the nearest comes first, as the archive has it.
        if self.targets and not self.sort_by:
            wanted.insert(0, "ang_sep")
        if len(self.targets) > 1:
            wanted.append("search_pos")
        return replace(self, order=tuple(name for name in dict.fromkeys(wanted) if name not in self.sort_by))

    def at_targets(self, targets: Iterable[str]) -> Search:
        """Return the same search for other targets."""
        return replace(self, targets=tuple(targets))

    def _params(self, targets: Sequence[str]) -> dict[str, object]:
        """Everything but the part that is wanted."""
        params: dict[str, object] = {"select_cols": None if self.select_cols is None else list(self.select_cols)}
        if targets:
            params.update(target=list(targets), radius=self.radius, radius_units="arcseconds")
        if self.count_only:
            params["count_only"] = True
        params["conditions"] = list(self.conditions)
        if self.sort_by or self.order:
            params["sort_by"] = [*self.sort_by, *self.order]
            params["sort_desc"] = [*self.sort_desc, *[False] * len(self.order)]
        return {**params, **self.options}


def _check_number(name: str, number: object, least: int) -> None:
    """Raise unless a number is one of rows."""
    if not is_integer(number, least):
        hint = " Use None for all rows, or count_only=True for their number." if name == "limit" else ""
        raise InvalidArgumentError(f"{name} must be an integer >= {least}, got {number!r}.{hint}")


def sorting(sort_by: Any, sort_desc: Any, columns: Columns) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return what to sort by, in the archive's spelling, and whether each is descending."""
    keys = sort_keys(sort_by, sort_desc)
    return tuple(_spelled(key.column, columns) for key in keys), tuple(key.descending for key in keys)


def _spelled(name: str, columns: Columns) -> str:
    """A column to sort by; without a list of columns it is taken as it is."""
    column = column_named(name, columns)
    if column is None and columns:
        raise no_such(f"sort_by: column '{name}' not found.", name, columns)
    return name if column is None else column.name


def as_options(keywords: Mapping[str, Any]) -> tuple[dict[str, object], dict[str, Any]]:
    """Tell properties of the request from criteria."""
    options: dict[str, object] = {name: bool(keywords[name]) for name in _FLAGS if keywords.get(name) is not None}
    options.update({name: as_members(name, keywords[name]) for name in _LISTS if keywords.get(name) is not None})
    return options, {name: value for name, value in keywords.items() if name not in {*_FLAGS, *_LISTS}}


def arcseconds(radius: Any) -> float:
    """Return the radius of a search; a plain number is in arcmin."""
    angle = as_radius(radius, u.arcmin)
    # Conversions of exactly 30 arcmin may end a hair above, which the archive would refuse.
    if angle.arcmin > _LARGEST_RADIUS * (1 + 1e-12):
        raise InvalidArgumentError(
            f"Query radius too large. Must be at most {_LARGEST_RADIUS:g} arcmin, got radius={radius!r} "
            f"({angle.arcmin:g} arcmin)."
        )
    return min(float(angle.arcsec), 60 * _LARGEST_RADIUS)


def checked_mission(mission: object) -> str:
    """Return the name of a mission as it stands in addresses."""
    if not isinstance(mission, str) or not _MISSION.fullmatch(mission.strip().lower()):
        raise InvalidArgumentError(f"mission must be a name such as 'hst' or 'jwst', got {mission!r}.")
    return mission.strip().lower()
