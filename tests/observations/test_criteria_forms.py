"""Every form of criterion on every column: the returned rows are those that the same filter keeps in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from criteria_forms import forms, meeting

from astroquery_mast import Observations
from astroquery_mast.exceptions import InvalidCriterionError, MaxResultsWarning, NoResultsWarning
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.columns import Kind, snapshot

COLUMNS = snapshot()["Mast.Caom.Cone"]
# Shapes are not compared, nor are columns that are not stored.
LEFT_OUT = frozenset({"s_region", "distance", "objID"})
COMPARED = sorted(
    name for name, column in COLUMNS.items() if column.shown and name not in LEFT_OUT and name != "obs_collection"
)


@pytest.fixture(scope="module")
def archive() -> Any:
    """Start one sandbox for all columns."""
    with Sandbox() as box:
        yield box


@pytest.fixture(scope="module")
def everything(archive: Sandbox) -> Table:
    """Return all observations of a mission that has values in most columns."""
    return Observations.query_criteria(obs_collection="JWST")


@pytest.mark.filterwarnings("ignore:Query returned no results:astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize("name", COMPARED)
def test_a_criterion_returns_the_rows_of_the_same_local_filter(archive: Sandbox, everything: Table, name: str) -> None:
    """Each accepted form of criterion returns exactly the rows that the same local filter keeps."""
    column = everything[name]
    if name == "obsid":  # text in tables, as in ``astroquery.mast``
        column = MaskedColumn(column.data.data.astype(np.int64))
    present = sorted(set(column.compressed().tolist()) - {""})
    if not present:
        pytest.skip(f"{name} has no values")
    numbers = column.dtype.kind in "iuf"
    assert numbers == (COLUMNS[name].kind in {Kind.FLOAT, Kind.INTEGER})
    for form in forms(present, numbers=numbers, continuous=COLUMNS[name].continuous):
        try:
            found = Observations.query_criteria(obs_collection="JWST", columns=["obsid"], **{name: form})
        except InvalidCriterionError as refused:
            # Only exclusions are refused, for columns with too many values.
            words = str(refused)
            assert (
                "Omit the criterion and filter the result: table" in words
                or "excludes all" in words
                or "the service accepts only one" in words
            )
            assert "!" in str(form) or "*" in str(form), form
            continue
        kept = everything[meeting(column, form)]
        assert sorted(found["obsid"]) == sorted(kept["obsid"]), form


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", COMPARED)
def test_sort_by_and_limit_return_the_first_of_all_sorted_rows(
    archive: Sandbox, everything: Table, name: str, descending: bool
) -> None:
    """With ``sort_by`` and ``limit``, a query returns the first of the matching rows as sorted in Python."""
    cells = everything[name].tolist()
    if name == "obsid":
        cells = [int(cell) for cell in cells]
    chosen = [row for row, level in enumerate(everything["calib_level"].tolist()) if level >= 2]
    known = sorted((row for row in chosen if cells[row] is not None), key=lambda row: cells[row], reverse=descending)
    ordered = [*known, *(row for row in chosen if cells[row] is None)]
    asked: dict[str, Any] = {"obs_collection": "JWST", "calib_level": ">=2", "sort_by": name, "sort_desc": descending}
    found = Observations.query_criteria(**asked, columns=["obsid", name], pagesize=400)
    assert found["obsid"].tolist() == everything["obsid"][ordered].tolist()
    with pytest.warns(MaxResultsWarning):
        few = Observations.query_criteria(**asked, columns=["obsid"], limit=100)
    assert few["obsid"].tolist() == found["obsid"].tolist()[:100]


def test_an_exclusion_is_applied(mast_sandbox: Sandbox) -> None:
    """``"!MIRI*"`` returns the other instruments, and a list may combine values with exclusions."""
    count = Observations.query_criteria_count
    every = count(obs_collection="JWST")
    assert count(obs_collection="JWST", instrument_name="!MIRI*") == every - count(
        obs_collection="JWST", instrument_name="MIRI*"
    )
    assert count(obs_collection="JWST", instrument_name=["NIR*", "!NIRISS*"]) == count(
        obs_collection="JWST", instrument_name="NIR*"
    ) - count(obs_collection="JWST", instrument_name="NIRISS*")
    assert len(mast_sandbox.requests.of("invoke")) == 7


def test_an_impossible_exclusion_is_refused_with_an_alternative(mast_sandbox: Sandbox) -> None:
    """Excluding a value of an unlisted column raises an error that shows how to filter the result instead."""
    with pytest.raises(InvalidCriterionError, match=r"table\[table\['target_name'\] != 'M51'\]"):
        Observations.query_criteria(obs_collection="JWST", target_name="!M51")
    with pytest.raises(InvalidCriterionError, match="excludes all of its own values"):
        Observations.query_criteria(calib_level=[2, "!2"])


def test_the_values_for_suggestions_are_requested_once(mast_sandbox: Sandbox) -> None:
    """A loop of queries without results requests MAST's list of values only once."""
    for number in range(5):
        with pytest.warns(NoResultsWarning):
            Observations.query_criteria(obs_collection="HST", target_name=f"no such target {number}")
    services = [record.mashup["service"] for record in mast_sandbox.requests.of("invoke") if record.mashup]
    assert services.count("Mast.Caom.All") == 1
