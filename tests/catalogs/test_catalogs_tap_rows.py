"""Every form of criterion on columns of collections: TAP returns the same rows as a local filter."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from criteria_forms import forms, meeting
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import Catalogs, CatalogsClass
from astroquery_mast.query.values import wildcard_test
from astroquery_mast.sandbox import Sandbox

PLACE: dict[str, Any] = {"coordinates": "202.47 47.195", "radius": "2 arcmin", "limit": None}
# Collection → catalog, the column that identifies its rows, and some columns of each kind.  None is of single
# precision, because the sandbox compares more digits of such columns than it sends.
TABLES = {
    "tic": (None, "id", "id version twomass gaia objtype typesrc ra pmra tmag teff logg plx"),
    "ps1_dr2": ("mean_object", "objid", "objname objid surveyid nstackdetections ramean decmean epochmean"),
    "gaiadr3": (None, "source_id", "source_id designation ra parallax phot_g_mean_mag ruwe"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[None]:
    """Start one sandbox for all columns."""
    with Sandbox():
        yield


@pytest.mark.usefixtures("served")
@pytest.mark.filterwarnings("ignore:Query returned no results:astroquery.exceptions.NoResultsWarning")
@pytest.mark.filterwarnings("ignore:.*is continuous:astroquery.exceptions.InputWarning")
@pytest.mark.parametrize("collection", TABLES)
def test_results_are_equal_to_a_local_filter(collection: str) -> None:
    """TAP supports every form, and returns exactly the rows of the local filter."""
    catalog, key, names = TABLES[collection]
    where = {**PLACE, "collection": collection, "catalog": catalog}
    table = Catalogs.query_region(**where)
    for name in names.split():
        column = table[name]
        present = sorted(set(column[~np.ma.getmaskarray(column)].tolist()) - {""})
        assert column.dtype != np.float32
        for form in forms(present, numbers=column.dtype.kind in "iuf", continuous=column.dtype.kind == "f"):
            found = Catalogs.query_criteria(**where, select_cols=key, **{name: form})
            assert sorted(found[key]) == sorted(table[key][meeting(column, form)]), (name, form)


TEXTS = st.lists(st.sampled_from(["S", "T", "A", "R", "EX", "E", "_", "*", "%", "'"]), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def stars(served: None) -> Table:
    """Return all rows in a field."""
    return Catalogs.query_region(**PLACE, collection="tic")


@pytest.mark.usefixtures("served")
@settings(max_examples=20)
@given(st.lists(TEXTS.map("".join), min_size=1, max_size=3), st.floats(5, 20), st.floats(5, 20), st.booleans())
def test_combined_criteria_are_equal_to_a_local_filter(
    stars: Table, texts: list[str], one: float, other: float, negated: bool
) -> None:
    """Texts with and without wildcards, ranges and exclusions can be combined."""
    low, high = sorted((one, other))
    sign = "!" if negated else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = CatalogsClass("tic").query_criteria(**PLACE, objtype=texts, tmag=f"{sign}{low!r}..{high!r}")
    tests = [wildcard_test(text, "*%") for text in texts]
    objects = stars["objtype"].filled("").tolist()
    named = np.array([any(test(each) for test in tests) for each in objects], dtype=bool)
    tmag = np.ma.asarray(stars["tmag"])
    ranged = np.ma.filled(((tmag >= low) & (tmag <= high)) != negated, False) & ~np.ma.getmaskarray(tmag)
    assert sorted(found["id"]) == sorted(stars["id"][named & ranged])
