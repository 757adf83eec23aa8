"""Queries for JWST files: conversion of a user's criteria to the filters of each service.

In: criteria on header keywords, instruments, suffixes; the columns of services. Out: frozen queries in the terms of one
service each, and their requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from ..exceptions import InvalidArgumentError, InvalidCriterionError
from ..query.filters import Criteria, Filter, mashup_criteria
from ..query.request import COUNT_COLUMNS, MashupRequest
from ..query.selection import unknown_filter
from ..query.values import as_members
from ..service.mast_service import MastService
from ..tables.columns import Column, Columns, Kind, find_column, no_such
from .keyword_columns import MJD

ALL_COLUMNS = "*"
"""The value of the parameter ``columns`` for all columns."""
FILE_NAME = "filename"
"""The column that all services have."""
NEEDED_COLUMNS = (FILE_NAME, "fileSize", "checksum", "isRestricted")
"""The columns that are required to download and verify a file."""
QUERY_ARGUMENTS = ("instrument", "suffix", "columns", "limit", "sort_by", "sort_desc", "timeout")
"""Names of arguments, for suggestions."""
# The levels that a number alone refers to.
_LEVELS: Mapping[str, tuple[str, ...]] = {"1": ("1b",), "2": ("2a", "2b", "2c")}
# The names in this service for columns of observations.
_NAMES_IN_OBSERVATIONS: Mapping[str, tuple[str, ...]] = {
    "proposal_id": ("program",),
    "proposal_pi": ("pi_name",),
    "instrument_name": ("instrument",),
    "target_name": ("targprop", "targname"),
    "filters": ("filter", "pupil", "grating"),
    "calib_level": ("productLevel",),
    "t_min": ("date_obs",),
    "t_max": ("date_end",),
    "t_exptime": ("effexptm",),
    "t_obs_release": ("publicReleaseDate",),
    "productsubgroupdescription": ("suffix",),
}
_LETTERS = {True: "t", False: "f"}


@dataclass(frozen=True)
class FileQuestion:
    """The files to search for, as specified by a user in the arguments of `JwstFilesClass.query_criteria`."""

    criteria: Mapping[str, Any]
    instrument: Any = None
    suffix: Any = None
    columns: Any = None
    limit: int | None = None
    sort_by: Any = None
    sort_desc: Any = None
    cache: bool | None = None

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of file names; an empty one matches all names."""
        if self.suffix is None:
            return ("",)
        given = as_members("suffix", self.suffix)
        if not all(isinstance(each, str) and each.strip("_. ") for each in given):
            raise InvalidArgumentError(
                f"suffix must be a string such as 'i2d', or a list of strings, got {self.suffix!r}."
            )
        return tuple(dict.fromkeys(f"_{each.strip().strip('_').removesuffix('.fits')}.fits" for each in given))


@dataclass(frozen=True)
class CriterionFilters:
    """A criterion as filters, and whether these depend on the existing values of the column."""

    filters: tuple[Filter, ...]
    listed: bool

    @classmethod
    def of(cls, name: str, value: Any, columns: Columns) -> CriterionFilters:
        """Read a criterion; raise if it is not valid, regardless of the existing values."""
        columns_used: list[str] = []

        def vocabulary(column: str) -> tuple[str, ...]:
            columns_used.append(column)
            return ()

        try:
            filters = mashup_criteria({name: value}, columns, vocabulary, QUERY_ARGUMENTS).filters
        except InvalidCriterionError:
            # The list of values is empty here, so that no value can match.
            if not columns_used:
                raise
            filters = ()
        return cls(filters, bool(columns_used))


@dataclass(frozen=True)
class ServiceQuestion:
    """A query in the terms of one service: its columns, and the filters that files must pass."""

    service: str
    columns: Columns
    filters: tuple[Filter, ...]
    endings: tuple[str, ...] = ("",)

    def requests(self, service: MastService, columns: str, cache: bool | None, rows: int | None) -> list[MashupRequest]:
        """Return one request for each ending, because a filter takes a single pattern."""
        params = [{"columns": self._own(columns), "filters": self._payload(ending)} for ending in self.endings]
        return [service.request_for(self.service, each, rows, None, cache=cache) for each in params]

    def _payload(self, ending: str) -> list[dict[str, object]]:
        """Return the filters in MAST's format, with one for the ending of the file name."""
        last = [Filter(FILE_NAME, free_text=f"%{ending}")] if ending else []
        return Criteria((*self.filters, *last)).payload()

    def _own(self, columns: str) -> str:
        """Return those of some columns that the service has."""
        if columns in {ALL_COLUMNS, COUNT_COLUMNS}:
            return columns
        found = (find_column(name, self.columns) for name in columns.split(","))
        return ",".join(column.name for column in found if column is not None)


def all_columns(columns: Iterable[Columns]) -> Columns:
    """Return all columns of several services."""
    return dict(chain.from_iterable(each.items() for each in columns))


def without_criterion(query: ServiceQuestion, column: str) -> ServiceQuestion:
    """Return the same query without the criterion for a column."""
    kept = tuple(each for each in query.filters if each.column.lower() != column.lower())
    return ServiceQuestion(query.service, query.columns, kept, query.endings)


def no_service(criteria: Mapping[str, Any], columns: Mapping[str, Columns]) -> InvalidCriterionError:
    """Return the error for criteria that no service can apply together."""
    union = all_columns(columns.values())
    unknown = next((name for name in criteria if find_column(name, union) is None), None)
    if unknown is None:
        return InvalidCriterionError(f"No instrument has all of the columns {', '.join(criteria)}.")
    meant = _NAMES_IN_OBSERVATIONS.get(unknown.lower())
    if meant is None:
        return unknown_filter(unknown, union, QUERY_ARGUMENTS)
    return no_such(f"Filter '{unknown}' does not exist.", unknown, (), near=meant, error=InvalidCriterionError)


def in_column_form(criteria: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return the criteria in the representation of the columns: dates as numbers, booleans as letters."""
    wanted: dict[str, Any] = {}
    for name, value in criteria.items():
        column = find_column(name, columns)
        assert column is not None
        kept = columns.get(f"{column.name}{MJD}", column)
        if kept.name in wanted:
            raise InvalidCriterionError(f"'{name}' is specified twice. {kept.name} is the same value as a number.")
        wanted[kept.name] = _in_column_form(value, kept)
    return wanted


def _in_column_form(value: Any, column: Column) -> Any:
    """Return a value in the representation of a column."""
    if column.name == "productLevel":
        return _levels(value)
    return _as_letters(value) if column.kind is Kind.TEXT else value


def _as_letters(value: Any) -> Any:
    """Return True and False as the letters in text columns; other values are unchanged."""
    if isinstance(value, bool | np.bool_):
        return _LETTERS[bool(value)]
    return [_as_letters(each) for each in value] if isinstance(value, list | tuple) else value


def _levels(value: Any) -> Any:
    """Return all levels that a number refers to."""
    given = as_members("productLevel", value)
    return [level for each in given for level in _LEVELS.get(str(each).strip(), (each,))]
