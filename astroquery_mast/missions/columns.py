"""The columns of a mission's search, and what the search needs to know of each mission.

In: the list of columns that the archive serves for a mission.  Out: `~astroquery_mast.tables.columns.Column` objects,
the table of them that users see, and the names that a user's choice of columns stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from astropy.table import Table

from ..config import Endpoints
from ..exceptions import InputWarning, InvalidCriterionError, InvalidResponseError
from ..query.selection import names_of
from ..service.http import HttpClient
from ..service.retrying import Deadline
from ..tables.columns import Column, Columns, Kind, did_you_mean, find_column, kind_of
from ..tables.rows import decoded
from ..warn import warn_user

# The column that holds the dataset identifier, in each mission for which it is known.
DATASET_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "hst": "sci_data_set_name",
        "jwst": "fileSetName",
        "roman": "fileSetName",
        "classy": "Target",
        "ullyses": "observation_id",
        "iue": "iue_data_id",
    }
)
# What tells rows apart besides the dataset: a JWST file set has several files.
ROW_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({"jwst": ("ArchiveFileID",)})
COMMA_COLUMNS = frozenset({"pi_name", "productLevel", "opticalElements"})
"""Columns whose values have commas, such as "Last, First", by which the archive separates the values of a criterion."""
# Columns that the archive leaves out by default although nothing can be done without them: a choice of our own then.
_INSTEAD_OF_DEFAULT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ullyses": (
            "target_name_ullyses",
            "target_classification",
            "targ_ra",
            "targ_dec",
            "host_galaxy_name",
            "spectral_type",
            "bmv0_mag",
            "u_mag",
            "b_mag",
            "v_mag",
            "gaia_g_mean_mag",
            "star_mass",
            "instrument",
            "grating",
            "filter",
            "observation_id",
        )
    }
)
# The separation from the target: the archive names its unit only in the label, "Ang Sep (')".
ANG_SEP = Column("ang_sep", "Ang Sep", "float", unit="arcmin", description="Angular Separation")
# The lists have no units of their own; descriptions end in ", in degrees" and the like.
_UNIT = re.compile(r"\bin (degrees|seconds|Angstroms?|microns?|arcsec|arcmin|days)\b(?!/)")
_UNIT_NAMES = {"microns": "micron", "days": "d"}


@dataclass(frozen=True)
class MissionColumns:
    """The columns of missions."""

    http: HttpClient
    endpoints: Endpoints

    def server(self, mission: str) -> str:
        """Return the server that is asked."""
        return self.endpoints.server

    def fetch(self, mission: str, deadline: Deadline) -> Columns:
        """Ask for the columns of a mission."""
        service = f"The list of columns of mission '{mission}'"
        response = self.http.request(
            "GET",
            self.endpoints.mission_columns,
            params={"mission": mission},
            headers={"Accept": "application/json"},
            deadline=deadline,
            service=service,
            attempts=1,
        )
        return columns_of_mission(decoded(response.content, service), mission)


def columns_of_mission(document: object, mission: str) -> dict[str, Column]:
    """Read the archive's list of a mission's columns."""
    if not isinstance(document, list) or not all(_is_column(entry) for entry in document):
        raise InvalidResponseError(f"The archive's list of the columns of mission '{mission}' is unreadable.")
    if not document:
        raise InvalidResponseError(f"The archive lists no columns for mission '{mission}': is there such a mission?")
    return {str(entry["column_name"]): _column(entry) for entry in document}


def _is_column(entry: object) -> bool:
    return isinstance(entry, Mapping) and bool(entry.get("column_name"))


def _column(entry: Mapping[str, object]) -> Column:
    """One column from its properties."""

    def text(key: str) -> str:
        value = entry.get(key)
        return value.strip() if isinstance(value, str) else ""

    name, description = text("column_name"), text("description")
    type_name = text("qual_type") or text("datatype")
    numeric = kind_of(type_name) in {Kind.FLOAT, Kind.INTEGER}
    return Column(
        name=name,
        label=text("field_name") or name,
        type_name=type_name,
        unit=ANG_SEP.unit if name == ANG_SEP.name else text("unit") or (_unit_in(description) if numeric else ""),
        description=description,
        is_time=numeric and (name.lower().endswith("mjd") or "modified julian" in description.lower()),
        hidden=text("queryable").lower() == "no",
    )


def _unit_in(description: str) -> str:
    """The unit that a description names, if it names one only."""
    found = set(_UNIT.findall(description))
    unit = found.pop() if len(found) == 1 else ""
    return _UNIT_NAMES.get(unit, unit)


def has_numbers_for_truths(column: Column) -> bool:
    """Return whether yes and no are 1 and 0 in a column, as in some of HST's, whose descriptions say so."""
    return column.kind is Kind.INTEGER or "1 for yes" in column.description


def column_list_table(columns: Columns) -> Table:
    """Return the columns of a mission as a table for the reader."""
    parts = {
        "name": [column.name for column in columns.values()],
        "data_type": [column.type_name for column in columns.values()],
        "description": [column.description for column in columns.values()],
    }
    return Table({title: np.array(texts, dtype=np.str_) for title, texts in parts.items()})


def selected_columns(
    wanted: str | Iterable[str] | None, columns: Columns, mission: str, dataset_column: str | None
) -> list[str] | None:
    """Return the names of the columns that a search shall return."""
    if wanted is None:
        return list(_INSTEAD_OF_DEFAULT[mission]) if mission in _INSTEAD_OF_DEFAULT else None
    names = names_of(wanted, "select_cols")
    if not names or [name.lower() for name in names] == ["all"]:
        return list(columns)
    found = list(dict.fromkeys(filter(None, (_spelled(name, columns) for name in names))))
    if not found:
        raise InvalidCriterionError(
            f"select_cols={wanted!r} names no column of mission '{mission}': leave it out for the default columns, or "
            "take names from get_column_list()."
        )
    if dataset_column is not None and dataset_column not in found:
        found.append(dataset_column)
    return found


def _spelled(name: str, columns: Columns) -> str | None:
    """A name in the archive's spelling, or None with a warning if there is no such column."""
    if not columns:
        return name
    column = find_column(name, columns)
    if column is not None:
        return column.name
    warn_user(f"Column '{name}' not found. {did_you_mean(name, columns)}", InputWarning)
    return None
