"""Queries of any service by its name, with its parameters, filters and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.time import Time
from astroquery.exceptions import InputWarning, InvalidQueryError

from astroquery_mast import Mast
from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.sandbox import Sandbox


def test_a_range_of_dec_is_a_filter_of_a_filtered_service(mast_sandbox: Sandbox) -> None:
    """A range of ra, dec or radius is never read as a position and dropped (B44)."""
    payload = Mast.mast_query("Mast.Catalogs.Filtered.Tic", dec={"min": 1, "max": 2}, get_query_payload=True)
    assert payload["params"]["filters"] == [{"paramName": "dec", "values": [{"min": 1, "max": 2}]}]
    payload = Mast.mast_query(
        "Mast.Catalogs.Filtered.Tic.Position",
        ra=1,
        dec=2,
        radius=0.1,
        Tmag={"min": 1, "max": 2},
        get_query_payload=True,
    )
    assert payload["params"]["ra"] == 1
    assert [entry["paramName"] for entry in payload["params"]["filters"]] == ["Tmag"]


def test_mast_query_applies_filters_and_selects_columns(mast_sandbox: Sandbox) -> None:
    """Keywords of a filtered service are filters; ``columns=`` returns just those columns."""
    table = Mast.mast_query(
        "Mast.Caom.Filtered", columns=["obs_id", "t_min"], obs_collection="HST", t_min={"min": 53000, "max": 53400}
    )
    assert sorted(table.colnames) == ["obs_id", "t_min"]
    assert (table["t_min"] >= 53000).all()
    assert len(Mast.mast_query("Mast.Caom.Cone", ra=202.47, dec=47.2, radius=0.01)) > 0
    with pytest.raises(InvalidQueryError, match="at least one filter"):
        Mast.mast_query("Mast.Caom.Filtered", columns="obs_id")
    with pytest.warns(InputWarning, match="columns"):
        Mast.mast_query("Mast.Caom.Cone", columns="obs_id", ra=202.47, dec=47.2, radius=0.01)


def test_numpy_values_and_times_in_raw_requests(mast_sandbox: Sandbox) -> None:
    """Parameters of raw requests may be numpy values; values that JSON does not support raise an error (B9)."""
    table = Mast.service_request(
        "Mast.Caom.Cone", {"ra": np.float64(202.47), "dec": np.array(47.2), "radius": np.float32(0.05)}
    )
    assert len(table) > 0
    for bad in (np.nan, np.inf, object()):
        with pytest.raises(InvalidQueryError, match="which cannot be sent in a request"):
            Mast.service_request("Mast.Caom.Cone", {"ra": bad, "dec": 1})


def test_name_resolution_and_extjs_give_tables(mast_sandbox: Sandbox) -> None:
    """Responses of other formats become tables; text formats are for the async method."""
    found = Mast.service_request("Mast.Name.Lookup", {"input": "M101", "format": "json"})
    assert found["ra"][0] == pytest.approx(210.8, abs=0.1)
    table = Mast.service_request("Mast.Caom.Cone", {"ra": 202.47, "dec": 47.2, "radius": 0.05}, format="extjs")
    plain = Mast.service_request("Mast.Caom.Cone", {"ra": 202.47, "dec": 47.2, "radius": 0.05})
    assert list(table["obs_id"]) == list(plain["obs_id"])
    with pytest.raises(InvalidQueryError, match="service_request_async"):
        Mast.service_request("Mast.Caom.Cone", {"ra": 1, "dec": 1}, format="csv")
    text = Mast.service_request_async("Mast.Caom.Cone", {"ra": 202.47, "dec": 47.2, "radius": 0.05}, format="csv")
    assert "obs_id" in text[0].text


@pytest.mark.parametrize("value", [[59761, 59792], 59761])
def test_exact_values_of_a_continuous_column_warn(mast_sandbox: Sandbox, value: Any) -> None:
    """Two values are not a range here, and match nothing; the warning shows how to write a range."""
    with pytest.warns(InputWarning, match=r't_min is continuous, .* Use \{"min": \.\.\., "max": \.\.\.\}'):
        Mast.mast_query("Mast.Caom.Filtered", columns="obsid", t_min=value, get_query_payload=True)
    found = Mast.mast_query(
        "Mast.Caom.Filtered", columns="obsid", t_min={"min": 59761, "max": 59792}, calib_level=[2, 3]
    )
    assert len(found) > 0


def test_a_time_without_location_raises(mast_sandbox: Sandbox) -> None:
    """A time that astropy cannot convert to UTC raises an error of the package, as for observations."""
    local = Time(59761, format="mjd", scale="local")
    with pytest.raises(InvalidCriterionError, match="must be a time that can be converted to UTC, got"):
        Mast.mast_query("Mast.Caom.Filtered", columns="obsid", t_min={"min": local, "max": local})
