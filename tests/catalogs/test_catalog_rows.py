"""Every form of criterion on columns of catalogs: MAST returns the same rows as a local filter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from astropy.table import Table
from criteria_forms import forms, meeting

from astroquery_mast import Catalogs
from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import Kind, snapshot

PLACE = {"coordinates": "202.47 47.195", "radius": "2 arcmin"}
# Catalog → service, and the column that identifies its rows.
TABLES = {"TIC": ("Mast.Catalogs.Tess.Cone", "ID"), "Panstarrs": ("panstarrs/dr2/mean", "objID")}
# Separations depend on the position.  Errors, flags and the other bands are columns like the tested ones.
LEFT_OUT = re.compile(
    r"distance|dstArcSec|MatchID|objID|e_\w+|eneg_\w+|epos_\w+|[rizy](Mean|Qf|Flags)\w*|g\w+(Kron|Ap)\w+|\w+(Err|flag|Flag)"
)
CASES = [
    (catalog, name)
    for catalog, (service, _) in TABLES.items()
    for name, column in snapshot()[service].items()
    if column.shown and not LEFT_OUT.fullmatch(name)
]
REFUSALS = re.compile(
    "Omit the criterion|excludes|has a pattern, which only works on text|list of comparisons|is an integer column, got"
)


@pytest.fixture(scope="module")
def rows_of_field() -> Iterator[dict[str, Table]]:
    """Start one sandbox for all columns, and yield all rows of each catalog in a field."""
    with Sandbox():
        yield {catalog: Catalogs.query_region(**PLACE, catalog=catalog) for catalog in TABLES}


@pytest.mark.filterwarnings("ignore:Query returned no results:astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize(("catalog", "name"), CASES)
def test_results_are_equal_to_a_local_filter(rows_of_field: dict[str, Table], catalog: str, name: str) -> None:
    """For each supported form, MAST returns exactly the rows of the local filter."""
    table, (service, key) = rows_of_field[catalog], TABLES[catalog]
    column = table[name]
    present = sorted(set(column.compressed().tolist()) - {""})
    if not present:
        pytest.skip(f"{name} has no values")
    known = snapshot()[service][name]
    numbers = column.dtype.kind in "iuf"
    assert numbers == (known.kind in {Kind.FLOAT, Kind.INTEGER, Kind.BYTE})
    applied = 0
    for form in forms(present, numbers=numbers, continuous=known.continuous):
        try:
            found: Any = Catalogs.query_criteria(catalog, **PLACE, columns=[key], **{name: form})
        except InvalidCriterionError as refused:
            assert REFUSALS.search(str(refused)), (form, str(refused))
            assert "!" in str(form) or "*" in str(form), form
            continue
        applied += 1
        assert sorted(found[key]) == sorted(table[key][meeting(column, form)]), form
    assert applied
