"""A mission search as a value: its parameters, and the requests that it needs.

In: targets, conditions, and the range of rows to return.  Out: a frozen `Search`, which makes its requests: one for
every hundred targets.  Each request can fetch any part of its result.  See https://mast.stsci.edu/search/docs.
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
from .conditions import column_named
from .responses import may_have_more, page_bounds, read_answer, total_rows

PAGE = 5000
"""The number of rows in a request when all rows are wanted: MAST's own default."""
_TARGETS = 100
# The default of the search methods, compared by identity like `~astroquery_mast.sky.position.DEFAULT_RADIUS`.
DEFAULT_MISSION_RADIUS = 3 * u.arcmin
# MAST's own limit, in arcmin.
_LARGEST_RADIUS = 30.0
_FLAGS = ("skip_count",)
_LISTS = ("search_key", "user_fields")
# Mission names that are safe in a URL.
_MISSION = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class SearchRequest:
    """One query of a search, and the part of its result to fetch."""

    query: ApiRequest
    limit: int
    offset: int
    # Whether to fetch all parts, and whether this is a part after the first.
    every_page: bool = False
    later: bool = False

    row_limited = False

    def as_request(self) -> ApiRequest:
        """Return the request to send."""
        params = {"limit": self.limit, "offset": self.offset, **self.query.params}
        return replace(self.query, params=params)

    @property
    def service(self) -> str:
        """The name of the mission's search service."""
        return self.query.service

    @property
    def cache(self) -> bool | None:
        """Whether the response is cached; None for the default."""
        return self.query.cache

    def payload(self) -> dict[str, object]:
        """Return the request as a dictionary."""
        return self.as_request().payload()

    def http_request(self, endpoints: Endpoints) -> HttpRequest:
        """Return the HTTP request."""
        return self.as_request().http_request(endpoints)

    def read(self, body: bytes) -> Page:
        """Read the response."""
        return read_answer(body, self.service)

    def check(self, page: Page, completeness: Completeness) -> bool:
        """Add a part to the completeness check.  Without a row count, a result cannot be proven complete."""
        if not self.later and page.paging is None:
            completeness.proven = False
        if not self.query.params.get("count_only"):
            most, skipped = page_bounds(page, self.limit, self.offset)
            completeness.add_slice(page, skipped, most, alone=not (self.later or self.after(page)))
        return True

    def after(self, page: Page) -> Sequence[SearchRequest]:
        """Return the requests for all other parts, with the page size that MAST applied."""
        if self.later or not self.every_page:
            return ()
        most, skipped = page_bounds(page, self.limit, self.offset)
        return [
            replace(self, limit=most, offset=offset, later=True)
            for offset in possible_parts(range(skipped + most, total_rows(page), most), page.service)
        ]

    def first_page(self) -> SearchRequest:
        """Return the request for this part only."""
        return replace(self, every_page=False)

    def cache_key(self) -> CacheKey | None:
        """Return the cache key of the response."""
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
    # Hints for the warning about an empty result.
    hints: Sequence[str] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise if the arguments cannot be used together."""
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
        """The name of the service in messages."""
        return f"MAST search ({self.mission})"

    @property
    def parts(self) -> int:
        """The number of queries that the targets need."""
        return max(1, -(-len(self.targets) // _TARGETS))

    def stops_before_end(self, page: Page) -> bool:
        """Return whether the limit may have cut off rows after a page."""
        return self.limit is not None and may_have_more(page, self.limit, self.offset)

    def is_exceeded_by(self, rows: int) -> bool:
        """Return whether several queries together returned more rows than the limit."""
        return self.parts > 1 and self.limit is not None and rows > self.limit

    @property
    def query(self) -> ApiRequest:
        """The complete search as one request, for the ``meta`` of the table."""
        return ApiRequest(
            self.service, self.url, {"limit": self.limit, "offset": self.offset, **self._params(self.targets)}
        )

    def requests(self, page: int = PAGE) -> list[SearchRequest]:
        """Return the queries in the order of the targets, each for the first part of its result."""
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
        """Return the same search, sorted so that the order of rows is unique and its parts never overlap."""
        wanted = [key for key in filter(None, keys) if not columns or key in columns]
        if not wanted:
            return self
        # Keep MAST's default order, by separation.
        if self.targets and not self.sort_by:
            wanted.insert(0, "ang_sep")
        if len(self.targets) > 1:
            wanted.append("search_pos")
        return replace(self, order=tuple(name for name in dict.fromkeys(wanted) if name not in self.sort_by))

    def at_targets(self, targets: Iterable[str]) -> Search:
        """Return the same search for other targets."""
        return replace(self, targets=tuple(targets))

    def _params(self, targets: Sequence[str]) -> dict[str, object]:
        """Return all parameters except ``limit`` and ``offset``."""
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
    """Raise unless a number is an integer of at least ``least``."""
    if not is_integer(number, least):
        hint = " Use None for all rows, or count_only=True for their number." if name == "limit" else ""
        raise InvalidArgumentError(f"{name} must be an integer >= {least}, got {number!r}.{hint}")


def sorting(sort_by: Any, sort_desc: Any, columns: Columns) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the columns to sort by, as MAST spells them, and whether each is in descending order."""
    keys = sort_keys(sort_by, sort_desc)
    return tuple(_spelled(key.column, columns) for key in keys), tuple(key.descending for key in keys)


def _spelled(name: str, columns: Columns) -> str:
    """Return a column to sort by as MAST spells it; unchanged if the columns are not known."""
    column = column_named(name, columns)
    if column is None and columns:
        raise no_such(f"sort_by: column '{name}' not found.", name, columns)
    return name if column is None else column.name


def as_options(keywords: Mapping[str, Any]) -> tuple[dict[str, object], dict[str, Any]]:
    """Separate options of the request from criteria."""
    options: dict[str, object] = {name: bool(keywords[name]) for name in _FLAGS if keywords.get(name) is not None}
    options.update({name: as_members(name, keywords[name]) for name in _LISTS if keywords.get(name) is not None})
    return options, {name: value for name, value in keywords.items() if name not in {*_FLAGS, *_LISTS}}


def arcseconds(radius: Any) -> float:
    """Return the radius of a search in arcsec; a plain number is in arcmin."""
    angle = as_radius(radius, u.arcmin)
    # Converting exactly 30 arcmin may give slightly more, which MAST would reject.
    if angle.arcmin > _LARGEST_RADIUS * (1 + 1e-12):
        raise InvalidArgumentError(
            f"Query radius too large. Must be at most {_LARGEST_RADIUS:g} arcmin, got radius={radius!r} "
            f"({angle.arcmin:g} arcmin)."
        )
    return min(float(angle.arcsec), 60 * _LARGEST_RADIUS)


def checked_mission(mission: object) -> str:
    """Return the name of a mission as used in URLs."""
    if not isinstance(mission, str) or not _MISSION.fullmatch(mission.strip().lower()):
        raise InvalidArgumentError(f"mission must be a name such as 'hst' or 'jwst', got {mission!r}.")
    return mission.strip().lower()
