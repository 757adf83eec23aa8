"""Product lists of observations: complete in spite of faults, and in a fixed order."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from astroquery_mast.config import conf
from astroquery_mast.exceptions import IncompleteResultError, InvalidQueryError, NoResultsWarning, RemoteServiceError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.observations.product_source import add_release_dates, coming_releases
from astroquery_mast.sandbox import Fault, Sandbox


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


def test_all_pages_of_products_are_listed(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """The list has all pages of all batches, in a fixed order, for any sizes of pages and batches (B1)."""
    whole = client.get_product_list(observations)
    mast_sandbox.requests.clear()
    with conf.set_temp("pagesize", 7):
        paged = client.get_product_list(observations, batch_size=2)
    assert asked(mast_sandbox, "invoke") > len(whole) // 7
    assert list(paged["dataURI"]) == list(whole["dataURI"])
    assert list(paged["parent_obsid"]) == list(whole["parent_obsid"])
    assert paged.colnames == whole.colnames
    assert [paged[name].dtype.kind for name in paged.colnames] == [whole[name].dtype.kind for name in whole.colnames]


def test_missing_rows_are_an_error(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> None:
    """If there are fewer products than announced, an error is raised."""

    def short(document: dict[str, object]) -> dict[str, object]:
        paging = document["paging"]
        assert isinstance(paging, dict)
        return {**document, "paging": {**paging, "rowsFiltered": int(paging["rowsFiltered"]) + 1}}

    mast_sandbox.faults.add("invoke", Fault.edit(short), times=None)
    with pytest.raises(IncompleteResultError):
        client.get_product_list(observations)


def test_every_form_of_observations_gives_the_same_list(client: ObservationsClass, observations: Table) -> None:
    """Table, column, rows, identifiers and text are equivalent."""
    expected = list(client.get_product_list(observations)["dataURI"])
    forms: list[object] = [
        observations["obsid"],
        list(observations),
        [str(obsid) for obsid in observations["obsid"]],
        [int(obsid) for obsid in observations["obsid"]],
        ",".join(observations["obsid"]),
        observations["obsid",],
    ]
    for form in forms:
        assert list(client.get_product_list(form)["dataURI"]) == expected


def test_a_batch_that_times_out_is_split(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> None:
    """A 504 for many observations at once does not fail the list (P1)."""
    expected = list(client.get_product_list(observations)["dataURI"])

    def large(record: object) -> bool:
        mashup = getattr(record, "mashup", None) or {}
        return mashup.get("params", {}).get("obsid", "").count(",") >= 2

    mast_sandbox.faults.add("invoke", Fault.status(504), times=None, where=large)
    assert list(client.get_product_list(observations)["dataURI"]) == expected


def test_batches_are_requested_concurrently_within_the_limit(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """There are never more than conf.max_workers concurrent requests."""
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add("invoke", Fault.delay(0.03), times=None)
    with conf.set_temp("max_workers", 2):
        client.get_product_list(observations, batch_size=1)
    assert asked(mast_sandbox, "invoke") == len(observations)
    assert mast_sandbox.requests.most_at_once("invoke") <= 2


def test_a_failing_service_raises(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """No list is returned if a request fails."""
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        client.get_product_list("24000000")


def test_an_unknown_observation_warns_and_keeps_the_columns(client: ObservationsClass, products: Table) -> None:
    """An obsid without products gives an empty table with the usual columns."""
    with pytest.warns(NoResultsWarning, match="Query returned no results"):
        empty = client.get_product_list("1")
    assert len(empty) == 0
    assert empty.colnames == products.colnames


def test_async_returns_the_responses_of_every_page(client: ObservationsClass, observations: Table) -> None:
    """The responses contain the rows of the list, as sent by MAST."""
    with conf.set_temp("pagesize", 50):
        responses = client.get_product_list_async(observations, batch_size=3)
    rows = [row for response in responses for row in response.json()["data"]]
    assert [row["dataURI"] for row in rows] == list(client.get_product_list(observations)["dataURI"])


def test_the_unique_list_has_every_file_once(client: ObservationsClass, observations: Table) -> None:
    """No dataURI is missing or repeated."""
    everything = client.get_product_list(observations)["dataURI"]
    assert list(client.get_unique_product_list(observations)["dataURI"]) == list(dict.fromkeys(everything))


def test_filter_products_accepts_only_tables_and_rows(client: ObservationsClass, products: Table) -> None:
    """A row is a table with one row, and text raises."""
    assert len(client.filter_products(products[0], size=">0")) == 1
    assert len(client.filter_products(list(products), extension="!none", mrp_only=False)) == len(products)
    with pytest.raises(InvalidQueryError, match="products must be a table, got a str"):
        client.filter_products("24000000")  # type: ignore[arg-type]


# -- release dates -------------------------------------------------------------------------------------------------

FAR = 99999.5
RELEASES = MaskedColumn([FAR, 0.0, 60310.5], mask=[False, True, False])
OBSERVATIONS = Table({"obsid": ["1", "2", "3"], "t_obs_release": RELEASES}, masked=True)


def test_future_release_dates_are_stored() -> None:
    """Dates are stored for exclusive observations, but not for public ones or tables without dates."""
    assert coming_releases(OBSERVATIONS) == {"1": FAR}
    assert coming_releases(Table({"obsid": ["1"]})) == coming_releases(None) == {}
    assert coming_releases(Table({"obsid": ["1"], "t_obs_release": ["2099-01-01"]})) == {}


def test_products_get_the_release_date_of_their_observation() -> None:
    """A product without a known date is masked, and the given table is unchanged."""
    products = Table({"dataURI": ["a", "b", "c"], "parent_obsid": ["1", "2", "3"]})
    dated = add_release_dates(products, coming_releases(OBSERVATIONS))
    assert dated["t_obs_release"].tolist() == [FAR, None, None]
    assert products.colnames == ["dataURI", "parent_obsid"]


def test_nothing_is_added_without_known_dates() -> None:
    """Products without observations, without known dates, or with dates of their own are unchanged."""
    products = Table({"dataURI": ["a"], "parent_obsid": ["1"]})
    assert add_release_dates(products, {}) is products
    bare = Table({"dataURI": ["a"]})
    assert add_release_dates(bare, {"1": FAR}) is bare
    dated = Table({"dataURI": ["a"], "parent_obsid": ["1"], "t_obs_release": [np.nan]})
    assert add_release_dates(dated, {"1": FAR}) is dated
