"""The selection of columns and the order of rows of a result.

In: the values of the arguments ``columns``, ``select_cols``, ``sort_by``, ``pagesize`` and ``page``.  Out: frozen
selections, and tables with these columns and this order, if a service cannot apply them itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Table

from ..exceptions import InvalidArgumentError, InvalidCriterionError, InvalidResponseError
from ..tables.columns import Column, Columns, closest, find_name, known_name, no_such, shown_columns
from ..tables.result_table import ResultTable
from ..warn import warn_of_limit
from .request import as_plain, from_one
from .values import as_members

# The column that is required to list the products of observations.
KEY = "obsid"
# Columns that only searches by position have.
_POSITIONAL = frozenset({"distance"})
_DIRECTIONS = ("asc", "desc")
_PAIR = 2


# -- columns -------------------------------------------------------------------------------------------------------


def names_of(given: Any, argument: str = "columns") -> list[str]:
    """Return the column names that a user gives; an empty list means all columns."""
    if given is None:
        return []
    if not isinstance(given, Iterable):
        raise InvalidArgumentError(
            f"{argument}={given!r}: `{argument}` must be an iterable of column names, or a string of "
            "comma-separated names."
        )
    names = [as_plain(name, argument) if isinstance(name, bytes) else name for name in _split(given, argument)]
    spelled = [_name(argument, name) for name in names]
    return [] if "*" in spelled else spelled


def _split(given: Iterable[Any], argument: str) -> list[Any]:
    """The comma-separated names in a text, or the members of a list; an empty list raises an error."""
    if not isinstance(given, str | bytes):
        return _filled(list(given), argument)
    first, *others = str(as_plain(given, argument)).split(",")
    return [first, *(others[:-1] if others and not others[-1].strip() else others)]


def _filled(names: list[Any], argument: str) -> list[Any]:
    if not names:
        raise InvalidArgumentError(f"{argument} is empty. Omit it, or list column names.")
    return names


def _name(argument: str, name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError(f"{argument} has {name!r}: `{argument}` must contain only strings (column names).")
    return str(name).strip()


def named_column(name: str, known: Columns, argument: str = "") -> Column:
    """Return a column by its name, ignoring case."""
    shown = {each.name: each for each in shown_columns(known)}
    return shown[_spelled(name, shown, argument)]


def _placed_column(name: str, known: Columns, positional: bool, argument: str = "") -> str:
    """The name of a column; columns that require a position raise an error without one."""
    found = named_column(name, known, argument).name
    if found in _POSITIONAL and not positional:
        raise InvalidArgumentError(f"The column '{found}' requires a position. Specify coordinates or object_name.")
    return found


def _spelled(name: str, known: Iterable[str], argument: str) -> str:
    """The known spelling of a name that is given for an argument."""
    said = f"{argument}: column '{name}' not found." if argument else f"Column '{name}' not found."
    return known_name(name, known, said)


# Other names for columns, which users of other archives know.
_SYNONYMS: Mapping[str, Sequence[str]] = {
    "mission": ("obs_collection",),
    "telescope": ("obs_collection",),
    "observatory": ("obs_collection",),
    "collection": ("obs_collection",),
    "instrument": ("instrument_name", "sci_instrume", "instrume", "exp_type"),
    "detector": ("instrument_name",),
    "filter": ("filters", "sci_spec_1234", "opticalElements"),
    "band": ("filters", "wavelength_region"),
    "exptime": ("t_exptime", "sci_actual_duration", "exposure_time"),
    "exposure_time": ("t_exptime", "sci_actual_duration"),
    "exposure": ("t_exptime", "sci_actual_duration"),
    "pi": ("proposal_pi", "sci_pi_last_name", "pi_name"),
    "pi_name": ("proposal_pi", "sci_pi_last_name"),
    "program": ("proposal_id", "sci_pep_id"),
    "program_id": ("proposal_id", "sci_pep_id", "program"),
    "proposal": ("proposal_id", "sci_pep_id", "program"),
    "target": ("target_name", "sci_targname", "targname"),
    "date": ("t_min", "sci_start_time"),
    "date_obs": ("t_min", "sci_start_time"),
    "wavelength": ("em_min", "em_max"),
    "data_type": ("dataproduct_type",),
    "product_type": ("dataproduct_type",),
    "level": ("calib_level",),
}
# Names for positions, which are arguments and not columns.
_PLACES = frozenset({"ra", "dec", "position", "coord", "coords", "coordinate", "raj2000", "dej2000"})
_PLACE = 'To search by position, use coordinates="202.47 47.195" or object_name="M51", with radius=...'


def unknown_filter(name: str, columns: Columns, arguments: Sequence[str] = ()) -> InvalidCriterionError:
    """Return the error for a column that does not exist, which may be a misspelled argument."""
    known = [column.name for column in shown_columns(columns)]
    said = f"Filter '{name}' does not exist."
    if name.lower() in _PLACES:
        return InvalidCriterionError(f"{said} {_PLACE}")
    if name in arguments:
        return InvalidCriterionError(f"{said} It is an argument of query_criteria, not of this method.")
    meant = [column for column in _SYNONYMS.get(name.lower(), ()) if column in known]
    near = meant or closest(name, [*arguments, *known])
    return no_such(said, name, known, near=near, error=InvalidCriterionError)


@dataclass(frozen=True)
class ColumnSelection:
    """The columns to return."""

    wanted: tuple[str, ...]
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The columns to request, separated by commas."""
        return ",".join(dict.fromkeys((*self.wanted, *self.also)))

    def of(self, table: Table) -> Table:
        """Return a table with only the selected columns, and those that were not requested from MAST."""
        spelling = {name: find_name(name, table.colnames) for name in self.wanted}
        missing = [name for name, found in spelling.items() if found is None]
        if missing:
            raise InvalidResponseError(
                f"MAST did not return the requested column(s) {missing} (requested: {self.text})."
            )
        asked = {name.lower() for name in (*self.wanted, *self.also)}
        own = [name for name in table.colnames if name.lower() not in asked]
        names = [*own, *spelling.values()]
        return ResultTable([table.columns[name] for name in names], masked=True, copy=False, meta=table.meta)


def select_columns(
    given: Sequence[str], known: Columns, *, positional: bool, also: Sequence[str] = ()
) -> ColumnSelection | None:
    """Return the selection of columns of observations, or None for all."""
    if not given:
        return None
    names = [_placed_column(name, known, positional) for name in given]
    return ColumnSelection(tuple(dict.fromkeys((*names, KEY))), tuple(also))


# -- order ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SortKey:
    """A column to sort rows by."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        """Return the key in the syntax of Catalogs.MAST."""
        return f"{_DIRECTIONS[self.descending]}.{self.column}"

    def spelled(self, known: Columns, *, positional: bool = True) -> SortKey:
        """Return the same key in the spelling of known columns."""
        return replace(self, column=_placed_column(self.column, known, positional, "sort_by"))


def sort_keys(sort_by: Any, sort_desc: Any = None) -> tuple[SortKey, ...]:
    """Return the columns to sort by, from names with or without "asc" or "desc", or with separate directions."""
    keys = tuple(_sort_key(key) for key in _several_keys(sort_by))
    if sort_desc is None:
        return keys
    if not keys:
        raise InvalidArgumentError(f"sort_desc={sort_desc!r} requires sort_by.")
    directions = _directions(sort_desc, len(keys))
    return tuple(replace(key, descending=bool(each)) for key, each in zip(keys, directions, strict=True))


def _directions(sort_desc: Any, number: int) -> list[Any]:
    """The directions, one for each key; a single one is used for all."""
    given = as_members("sort_desc", sort_desc)
    if not all(isinstance(each, bool | np.bool_) for each in given) or len(given) not in {1, number}:
        raise InvalidArgumentError(
            f"sort_desc must be True or False, or a list with one of them per column, got {sort_desc!r}."
        )
    return given * number if len(given) == 1 else given


def _several_keys(sort_by: Any) -> list[Any]:
    """The keys as a list."""
    if sort_by is None:
        return []
    if not isinstance(sort_by, Iterable):
        raise InvalidArgumentError(f"sort_by must be one or more column names, got {sort_by!r}.")
    if isinstance(sort_by, tuple) and len(sort_by) == _PAIR and any(map(_is_direction, sort_by)):
        return [sort_by]
    return _split(sort_by, "sort_by")


def _sort_key(given: Any) -> SortKey:
    """One key; the direction may be before or after the column, since existing code has both."""
    parts = _parts_of_key(given) if isinstance(given, str) else given
    if not isinstance(parts, tuple | list) or len(parts) != _PAIR or not any(map(_is_direction, parts)):
        raise InvalidArgumentError(
            f"sort_by contains {given!r}. Use a column name, or a column name followed by 'asc' or 'desc'."
        )
    column, direction = parts if _is_direction(parts[1]) else (parts[1], parts[0])
    return SortKey(_name("sort_by", column), direction.strip().lower() == "desc")


def _parts_of_key(text: str) -> tuple[str, str]:
    """A column and its direction, in the order of the text."""
    first, dot, rest = text.partition(".")
    return (first, rest) if dot and (_is_direction(first) or _is_direction(rest)) else (text, "asc")


def _is_direction(text: Any) -> bool:
    return isinstance(text, str) and text.strip().lower() in _DIRECTIONS


# -- selections from the result of a catalog query -----------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """The columns, the order and the pages to return, and whether to use the cache."""

    columns: tuple[str, ...] = ()
    order: tuple[SortKey, ...] = ()
    pagesize: int | None = None
    page: int | None = None
    cache: bool | None = None

    @classmethod
    def of(cls, columns: Any, sort_by: Any, pagesize: Any, page: Any, cache: bool | None = None) -> Selection:
        """Return the selection for a user's arguments."""
        return cls(
            tuple(dict.fromkeys(names_of(columns))),
            sort_keys(sort_by),
            _number("pagesize", pagesize),
            _number("page", page),
            cache,
        )

    def spelled(self, columns: Columns) -> Selection:
        """Return the same selection in the spelling of a catalog's columns."""
        return replace(
            self,
            columns=tuple(named_column(name, columns, "columns").name for name in self.columns),
            order=tuple(key.spelled(columns) for key in self.order),
        )

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are named, to return or to sort by."""
        return tuple(dict.fromkeys((*self.columns, *(key.column for key in self.order))))

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that the response must have; all if empty."""
        return self.named if self.columns else ()


def _number(argument: str, value: Any) -> int | None:
    return None if value is None else from_one(argument, value)


def row_limit(limit: Any) -> int | None:
    """Return the maximum number of rows; None for all."""
    return _number("limit", limit)


def first_rows(table: Table, limit: int, total: int = 0) -> Table:
    """Return the first rows of a table, or of each target; warn if the table or MAST has more."""
    targets = table["input_row"].tolist() if "input_row" in table.colnames else [0] * len(table)
    kept = np.arange(len(table)) - np.searchsorted(targets, targets) < limit
    if bool(kept.all()) and total <= len(table):
        return table
    table = table[kept]
    table.meta["rows"] = [len(table)]
    warn_of_limit(len(table))
    return table


def arranged(table: Table, selection: Selection) -> Table:
    """Return a table with the rows sorted and the columns selected."""
    columns = [_spelled(name, table.colnames, "columns") for name in selection.columns]
    order = [(_spelled(key.column, table.colnames, "sort_by"), key.descending) for key in selection.order]
    if order and len(table):
        ranks = [_ranks(table, name, descending) for name, descending in order]
        table = table[np.lexsort(ranks[::-1])]
    if columns:
        table.keep_columns([name for name in table.colnames if name in columns])
    return table


def _ranks(table: Table, name: str, descending: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The rank of the value of each row in a column; missing values are last."""
    values = np.ma.asarray(table[name])
    missing = np.ma.getmaskarray(values)
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values.data)
    _, places = np.unique(_comparable(values.data, missing), return_inverse=True)
    ranks = (-places if descending else places).astype(np.int64)
    ranks[missing] = len(table)
    return ranks


def _comparable(values: np.ndarray[Any, Any], missing: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values for sorting; text is converted to numbers if all values are integers, such as identifiers."""
    if values.dtype.kind != "U" or not np.char.isdecimal(values[~missing]).all():
        return values
    with suppress(OverflowError):
        return np.where(missing, "0", values).astype(np.int64)
    return values
