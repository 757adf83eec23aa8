"""Keywords of a query of any service: parameters, filters, and properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InputWarning, InvalidCriterionError
from astroquery_mast.query.filters import split_parameters
from astroquery_mast.query.request import MashupRequest

FILTERED = "Mast.Caom.Filtered"
POSITION = "Mast.Caom.Filtered.Position"
CONE = "Mast.Caom.Cone"


def test_cone_service_has_only_parameters() -> None:
    """For a service without filters, all keywords except for properties of the request are parameters."""
    params, properties = split_parameters(CONE, None, {"ra": 1.0, "dec": 2.0, "radius": 0.1, "pagesize": 5, "PAGE": 2})
    assert params == {"ra": 1.0, "dec": 2.0, "radius": 0.1}
    assert properties == {"pagesize": 5, "PAGE": 2}


def test_columns_of_unfiltered_services_are_ignored_with_a_warning() -> None:
    """A warning says that columns have no effect."""
    with pytest.warns(InputWarning, match=r"^'columns' parameter is ignored for non-filtered services, such as"):
        assert split_parameters(CONE, "ra", {"ra": 1}) == ({"ra": 1}, {})


@pytest.mark.parametrize(
    ("columns", "sent"),
    [(None, "*"), ("", "*"), ([], "*"), ("ra,dec", "ra,dec"), (["ra", "dec"], "ra,dec"), (("c.*",), "c.*")],
)
def test_columns_are_joined(columns: Any, sent: str) -> None:
    """Columns as text or as a list are equivalent; without columns, all are requested."""
    params, _ = split_parameters(FILTERED, columns, {"obs_id": "a"})
    assert params == {"columns": sent, "filters": [{"paramName": "obs_id", "values": ["a"]}]}


@pytest.mark.parametrize("service", [FILTERED, POSITION, "Mast.Catalogs.Filtered.Tic"])
def test_range_on_dec_of_a_filtered_service_is_a_filter(service: str) -> None:
    """A range, a list or an array for ra or dec is a filter of that column, and not a position."""
    span = {"min": 1, "max": 2}
    params, _ = split_parameters(service, None, {"dec": span, "ra": [1, 2], "RADIUS": np.array([1])})
    assert params["filters"] == [
        {"paramName": "dec", "values": [span]},
        {"paramName": "ra", "values": [1, 2]},
        {"paramName": "RADIUS", "values": [1]},
    ]
    assert set(params) == {"columns", "filters"}


def test_position_of_a_positional_service_is_not_a_filter() -> None:
    """One ra, dec and radius, or a position, are the position to search, if the service searches by position."""
    place = {"ra": 1.0, "dec": np.float64(2), "radius": 0.1}
    params, _ = split_parameters(POSITION, None, {**place, "obs_id": "a"})
    assert params == {"columns": "*", "filters": [{"paramName": "obs_id", "values": ["a"]}], **place}
    params, _ = split_parameters(FILTERED, None, {**place, "position": "1, 2, 0.1"})
    assert [entry["paramName"] for entry in params["filters"]] == ["ra", "dec", "radius"]
    assert params["position"] == "1, 2, 0.1"


@pytest.mark.parametrize("keywords", [{}, {"pagesize": 5}, {"position": "1, 2, 3"}])
def test_filtered_service_without_a_filter_raises(keywords: dict[str, Any]) -> None:
    """A query of all rows is not sent by mistake."""
    with pytest.raises(InvalidCriterionError, match="at least one filter"):
        split_parameters(POSITION, None, keywords)


@given(
    keywords=st.dictionaries(
        st.text(min_size=1),
        st.integers() | st.text() | st.lists(st.integers() | st.text(), min_size=1, max_size=3),
        min_size=1,
    ),
    service=st.sampled_from([FILTERED, POSITION, CONE]),
)
def test_no_keyword_is_lost(keywords: dict[str, Any], service: str) -> None:
    """Every keyword is exactly one of a parameter, a filter or a property, and the request is valid."""
    try:
        params, properties = split_parameters(service, None, keywords)
    except InvalidCriterionError:
        assert {key.lower() for key in keywords} <= {"position", "data", "page", "format"}
        return
    names = [entry["paramName"] for entry in params.get("filters", ())]
    others = set(params) - ({"columns", "filters"} if service != CONE else set())
    assert sorted([*names, *others, *properties]) == sorted(keywords)
    assert MashupRequest(service, params).payload()["params"] == params
