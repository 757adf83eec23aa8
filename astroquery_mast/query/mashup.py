"""Keywords of `~astroquery_mast.MastClass.mast_query`, told apart: parameters, filters, properties of the request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from astropy.time import Time

from ..exceptions import InputWarning, InvalidCriterionError
from ..warn import warn_user
from .request import as_plain

__all__ = ["split_parameters"]

# https://mast.stsci.edu/api/v0/class_mashup_1_1_mashup_request.html
_PROPERTIES = frozenset(
    {
        "cache",
        "cachebreaker",
        "clearcache",
        "data",
        "filename",
        "format",
        "page",
        "pagesize",
        "removecache",
        "removenullcolumns",
        "timeout",
    }
)
_POSITION = frozenset({"ra", "dec", "radius", "position"})


def split_parameters(
    service: str, columns: str | Iterable[str] | None, keywords: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the keywords of a query apart."""
    properties = {key: value for key, value in keywords.items() if key.lower() in _PROPERTIES}
    rest = {key: value for key, value in keywords.items() if key.lower() not in _PROPERTIES}
    if "filtered" not in service.lower():
        if columns is not None:
            warn_user(f"{service} cannot choose columns; 'columns' is ignored.", InputWarning)
        return rest, properties
    positional = ".position" in service.lower()
    position = {key: value for key, value in rest.items() if _is_position(key, value, positional)}
    filters = [_filter(key, value) for key, value in rest.items() if key not in position]
    if not filters:
        raise InvalidCriterionError("Please provide at least one filter.")
    chosen = columns if isinstance(columns, str) else ",".join(columns or ())
    return {"columns": chosen or "*", "filters": filters, **position}, properties


def _is_position(key: str, value: Any, positional: bool) -> bool:
    """Whether a keyword says where to look; a range or list of ``ra`` or ``dec`` is a filter of that column."""
    if key.lower() == "position":
        return True
    return positional and key.lower() in _POSITION and _is_single(value)


def _is_single(value: Any) -> bool:
    """Whether a value is one; a single position, time or number of numpy claims to be iterable and is not."""
    if isinstance(value, str | bytes):
        return True
    return not isinstance(value, Iterable) or getattr(value, "shape", None) == ()


def _filter(key: str, value: Any) -> dict[str, Any]:
    """One filter, with its values as they were given."""
    if isinstance(value, Mapping):
        if not {"min", "max"} <= value.keys():
            raise InvalidCriterionError(f"The range of '{key}' needs both 'min' and 'max'.")
        return {"paramName": key, "values": [as_plain({end: _number(key, at) for end, at in value.items()}, key)]}
    ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
    members = [value] if _is_single(value) else list(ordered)
    if not members:
        raise InvalidCriterionError(f"'{key}' is an empty list: no row could match. Leave the filter out, or fill it.")
    return {"paramName": key, "values": [_member(key, member) for member in members]}


def _member(key: str, value: Any) -> Any:
    """One value of a filter."""
    if isinstance(value, Mapping):
        return _filter(key, value)["values"][0]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        raise InvalidCriterionError(f"'{key}' has the value {value}, which no row can equal.")
    plain = as_plain(_number(key, value), key)
    if isinstance(plain, list):
        raise InvalidCriterionError(f"'{key}' has a list among its values: {plain!r}.")
    return plain


def _number(key: str, value: Any) -> Any:
    """A moment as the Modified Julian Date in which the archive holds times; anything else as it is."""
    if isinstance(value, Time):
        if value.size != 1 or value.masked:
            raise InvalidCriterionError(f"'{key}' needs one moment, not {value!r}.")
        return float(value.reshape(()).utc.mjd)
    return value
