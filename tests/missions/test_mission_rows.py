"""Every form of criterion on every column of a mission: MAST returns the same rows as a local filter."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from criteria_forms import forms, meeting

from astroquery_mast import MastMissionsClass
from astroquery_mast.missions.search import columns_of_mission
from astroquery_mast.sandbox import Sandbox

KEY = "sci_data_set_name"
# A subset with all instruments, small enough to be fast.
SOME = {"sci_generation_date": ">=2014"}
_LISTED = resources.files("astroquery.mast.tests") / "data" / "mission_columns.json"
COLUMNS = {
    name: column
    for name, column in columns_of_mission(json.loads(_LISTED.read_bytes()), "hst").items()
    # Columns of type "substring" match a part of the value, and the separation needs a position.
    if not column.hidden and column.type_name != "substring" and name != "ang_sep"
}
DATES = [name for name, column in COLUMNS.items() if column.type_name.startswith("date")]
OTHERS = [name for name in COLUMNS if name not in DATES]
COMPARED: dict[str, Callable[[str, str], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "!": operator.ne,
    "": operator.eq,
}


@pytest.fixture(scope="module")
def client() -> Iterator[MastMissionsClass]:
    """Return a client of one sandbox for all columns."""
    with Sandbox():
        yield MastMissionsClass(mission="hst")


@pytest.fixture(scope="module")
def everything(client: MastMissionsClass) -> Table:
    """Return a few hundred datasets with all columns; trailing blanks of fixed-width text are removed."""
    table = client.query_criteria(**SOME, select_cols=list(COLUMNS), limit=None)
    assert set(np.char.strip(table["sci_instrume"])) == {"ACS", "COS", "STIS", "WFC3"}
    for name in table.colnames:
        if table[name].dtype.kind == "U":
            table[name] = MaskedColumn(np.char.rstrip(table[name].filled("")), mask=table[name].mask)
    return table


def found(client: MastMissionsClass, name: str, form: Any) -> list[str]:
    """Return the datasets that MAST returns for a criterion."""
    asked = {**SOME, name: form} if name not in SOME else {name: form, "sci_archive_date": SOME["sci_generation_date"]}
    return sorted(client.query_criteria(**asked, select_cols=[KEY], limit=None)[KEY])


@pytest.mark.filterwarnings("ignore:Query returned no results:astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize("name", OTHERS)
def test_results_are_equal_to_a_local_filter(client: MastMissionsClass, everything: Table, name: str) -> None:
    """For each form, MAST returns exactly the rows of the local filter."""
    column = everything[name]
    present = sorted(set(column.compressed().tolist()) - {""})
    assert present
    numbers = column.dtype.kind in "iuf"
    for form in forms(present, numbers=numbers, continuous=column.dtype.kind == "f"):
        assert found(client, name, form) == sorted(everything[KEY][meeting(column, form)]), form


@pytest.mark.filterwarnings("ignore:Query returned no results:astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize("name", DATES)
def test_results_for_dates_are_equal_to_a_local_filter(client: MastMissionsClass, everything: Table, name: str) -> None:
    """Dates are compared to the last digit, in ranges, comparisons and exclusions."""
    dates = {key: cell.rstrip("0") for key, cell in everything[KEY, name].filled("").iterrows() if cell}
    ordered = sorted(everything[name].compressed().tolist())
    low, middle = ordered[len(ordered) // 4], ordered[len(ordered) // 2]
    kept = sorted(key for key, date in dates.items() if low.rstrip("0") <= date <= middle.rstrip("0"))
    for form in (f"{low}..{middle}", (low, middle)):
        assert found(client, name, form) == kept, form
    for sign, test in COMPARED.items():
        kept = sorted(key for key, date in dates.items() if test(date, middle.rstrip("0")))
        assert found(client, name, f"{sign}{middle}") == kept, sign
