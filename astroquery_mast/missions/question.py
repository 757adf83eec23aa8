"""A mission's search, as a value: what is asked, and the requests that ask for it.

In: targets, conditions, and how much of the answer is wanted.  Out: a frozen `Search`, which knows its requests: one
for every hundred targets, each of which can be asked for any part of its answer.  See
https://mast.stsci.edu/search/docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..exceptions import InvalidArgumentError
from ..query.conditions import as_members
from ..query.request import ApiRequest
from ..query.selection import sort_keys
from ..tables.columns import Columns
from ..tables.names import no_such
from .conditions import column_named

__all__ = ["PAGE", "Search", "SearchRequest", "as_options", "sorting"]

PAGE = 5000
"""Rows asked for at once when all are wanted: the archive's own default."""
_TARGETS = 100
_FLAGS = ("skip_count",)
_LISTS = ("search_key", "user_fields")


@dataclass(frozen=True)
class SearchRequest:
    """One question of a search, and the part of its answer that is wanted."""

    question: ApiRequest
    limit: int
    offset: int

    def at(self, offset: int, limit: int) -> SearchRequest:
        """Return the same question for another part."""
        return replace(self, offset=offset, limit=limit)

    @property
    def skips_count(self) -> bool:
        """Whether the archive need not tell how many rows there are."""
        return bool(self.question.params.get("skip_count"))

    def as_request(self) -> ApiRequest:
        """Return what is to be sent."""
        params = {"limit": self.limit, "offset": self.offset, **self.question.payload()}
        return replace(self.question, params=params)


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

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        _check_number("offset", self.offset, 0)
        if self.limit is not None:
            _check_number("limit", self.limit, 1)
        if self.limit is None and self.options.get("skip_count"):
            raise InvalidArgumentError("limit=None needs the number of rows, and skip_count=True leaves it out.")
        if self.parts > 1 and (self.offset or self.sort_by):
            raise InvalidArgumentError(
                f"{len(self.targets)} targets are asked for in portions of {_TARGETS}, whose answers follow each other "
                "in the order of the targets: sort the table afterwards, or cut it, instead of sort_by and offset."
            )

    @property
    def service(self) -> str:
        """What is asked, for people."""
        return f"MAST search ({self.mission})"

    @property
    def parts(self) -> int:
        """How many questions the targets need."""
        return max(1, -(-len(self.targets) // _TARGETS))

    @property
    def question(self) -> ApiRequest:
        """The whole search in one, for the reader."""
        return ApiRequest(
            self.service, self.url, {"limit": self.limit, "offset": self.offset, **self._params(self.targets)}
        )

    def requests(self, page: int = PAGE) -> list[SearchRequest]:
        """Return the questions, in the order of the targets, each for the first part of its answer."""
        limit = page if self.limit is None else int(self.limit)
        batches = [self.targets[start : start + _TARGETS] for start in range(0, len(self.targets), _TARGETS)] or [()]
        return [
            SearchRequest(ApiRequest(self.service, self.url, self._params(batch), self.cache), limit, int(self.offset))
            for batch in batches
        ]

    def totally_ordered(self, columns: Columns, keys: Iterable[str | None]) -> Search:
        """Return the same search, sorted so that no two rows are in any order: parts of it then never overlap."""
        wanted = [key for key in keys if key and (not columns or key in columns)]
        if not wanted:
            return self
        # Without a wish of the user's the nearest comes first, as the archive has it.
        nearest = ["ang_sep"] if self.targets and not self.sort_by else []
        several = ["search_pos"] if len(self.targets) > 1 else []
        added = dict.fromkeys([*nearest, *wanted, *several])
        return replace(self, order=tuple(name for name in added if name not in self.sort_by))

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
            params["sort_desc"] = [*self.sort_desc, *(False for _ in self.order)]
        return {**params, **self.options}


def _check_number(name: str, number: object, least: int) -> None:
    """Raise unless a number is one of rows."""
    if isinstance(number, bool | np.bool_) or not isinstance(number, int | np.integer) or number < least:
        hint = " None is for all rows; count_only=True gives their number." if name == "limit" else ""
        raise InvalidArgumentError(f"{name}={number!r}: a whole number from {least} is needed.{hint}")


def sorting(sort_by: Any, sort_desc: Any, columns: Columns) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return what to sort by, in the archive's spelling, and whether each is descending."""
    keys = sort_keys(sort_by, sort_desc)
    return tuple(_spelled(key.column, columns) for key in keys), tuple(key.descending for key in keys)


def _spelled(name: str, columns: Columns) -> str:
    """A column to sort by; without a list of columns it is taken as it is."""
    column = column_named(name, columns)
    if column is None and columns:
        raise no_such(f"sort_by: there is no column '{name}'.", name, columns)
    return name if column is None else column.name


def as_options(keywords: Mapping[str, Any]) -> tuple[dict[str, object], dict[str, Any]]:
    """Tell properties of the request from criteria."""
    options: dict[str, object] = {name: bool(keywords[name]) for name in _FLAGS if keywords.get(name) is not None}
    options.update({name: as_members(name, keywords[name]) for name in _LISTS if keywords.get(name) is not None})
    return options, {name: value for name, value in keywords.items() if name not in {*_FLAGS, *_LISTS}}
