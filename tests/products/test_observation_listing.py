"""Lists of products of observations: complete, whatever the archive does, and in one order."""

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


def test_second_page_of_products_is_not_lost(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """All pages of all batches are in the list, in one order, however small the pages and batches (B1)."""
    whole = client.get_product_list(observations)
    mast_sandbox.requests.clear()
    with conf.set_temp("pagesize", 7):
        paged = client.get_product_list(observations, batch_size=2)
    assert asked(mast_sandbox, "invoke") > len(whole) // 7
    assert list(paged["dataURI"]) == list(whole["dataURI"])
    assert list(paged["parent_obsid"]) == list(whole["parent_obsid"])
    assert paged.colnames == whole.colnames
    assert [paged[name].dtype.kind for name in paged.colnames] == [whole[name].dtype.kind for name in whole.colnames]


def test_missing_rows_are_an_error_and_no_short_list(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """When fewer products come than the archive announced there is no table."""

    def short(document: dict[str, object]) -> dict[str, object]:
        paging = document["paging"]
        assert isinstance(paging, dict)
        return {**document, "paging": {**paging, "rowsFiltered": int(paging["rowsFiltered"]) + 1}}

    mast_sandbox.faults.add("invoke", Fault.edit(short), times=None)
    with pytest.raises(IncompleteResultError):
        client.get_product_list(observations)


def test_every_form_of_observations_gives_the_same_list(client: ObservationsClass, observations: Table) -> None:
    """Table, column, rows, identifiers and text are one question."""
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


def test_batch_that_the_archive_cannot_answer_is_halved(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """A 504 for many observations at once does not keep their products from being listed (P1)."""
    expected = list(client.get_product_list(observations)["dataURI"])

    def large(record: object) -> bool:
        mashup = getattr(record, "mashup", None) or {}
        return mashup.get("params", {}).get("obsid", "").count(",") >= 2

    mast_sandbox.faults.add("invoke", Fault.status(504), times=None, where=large)
    assert list(client.get_product_list(observations)["dataURI"]) == expected


def test_batches_are_asked_side_by_side_but_not_all_at_once(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """Never more than conf.max_workers questions are under way."""
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add("invoke", Fault.delay(0.03), times=None)
    with conf.set_temp("max_workers", 2):
        client.get_product_list(observations, batch_size=1)
    assert asked(mast_sandbox, "invoke") == len(observations)
    assert mast_sandbox.requests.most_at_once("invoke") <= 2


def test_failing_archive_is_an_exception(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """No list comes from an archive that fails."""
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        client.get_product_list("24000000")


def test_unknown_observation_warns_and_keeps_the_columns(client: ObservationsClass, products: Table) -> None:
    """An obsid without products gives an empty table with the usual columns."""
    with pytest.warns(NoResultsWarning, match="Query returned no results"):
        empty = client.get_product_list("1")
    assert len(empty) == 0
    assert empty.colnames == products.colnames


def test_async_gives_the_responses_of_every_page(client: ObservationsClass, observations: Table) -> None:
    """The responses hold the rows of the list, as the archive sent them."""
    with conf.set_temp("pagesize", 50):
        responses = client.get_product_list_async(observations, batch_size=3)
    rows = [row for response in responses for row in response.json()["data"]]
    assert [row["dataURI"] for row in rows] == list(client.get_product_list(observations)["dataURI"])


def test_unique_list_has_every_file_once(client: ObservationsClass, observations: Table) -> None:
    """No dataURI is lost, and none comes twice."""
    everything = client.get_product_list(observations)["dataURI"]
    assert list(client.get_unique_product_list(observations)["dataURI"]) == list(dict.fromkeys(everything))


def test_filter_products_takes_tables_and_rows_only(client: ObservationsClass, products: Table) -> None:
    """A row is a table of one; text is none."""
    assert len(client.filter_products(products[0], size=">0")) == 1
    assert len(client.filter_products(list(products), extension="!none", mrp_only=False)) == len(products)
    with pytest.raises(InvalidQueryError, match="products must be a table, got a str"):
        client.filter_products("24000000")  # type: ignore[arg-type]


# -- release dates -------------------------------------------------------------------------------------------------

FAR = 99999.5
RELEASES = MaskedColumn([FAR, 0.0, 60310.5], mask=[False, True, False])
OBSERVATIONS = Table({"obsid": ["1", "2", "3"], "t_obs_release": RELEASES}, masked=True)


def test_dates_to_come_are_remembered() -> None:
    """Those of exclusive observations, and not of public ones or of tables that have none."""
    assert coming_releases(OBSERVATIONS) == {"1": FAR}
    assert coming_releases(Table({"obsid": ["1"]})) == coming_releases(None) == {}
    assert coming_releases(Table({"obsid": ["1"], "t_obs_release": ["2099-01-01"]})) == {}


def test_products_get_the_date_of_their_observation() -> None:
    """A product without a known date is masked, and the table that was given stays as it is."""
    products = Table({"dataURI": ["a", "b", "c"], "parent_obsid": ["1", "2", "3"]})
    dated = add_release_dates(products, coming_releases(OBSERVATIONS))
    assert dated["t_obs_release"].tolist() == [FAR, None, None]
    assert products.colnames == ["dataURI", "parent_obsid"]


def test_nothing_is_added_where_nothing_is_known() -> None:
    """Without dates, products without observations, and products with dates are left alone."""
    products = Table({"dataURI": ["a"], "parent_obsid": ["1"]})
    assert add_release_dates(products, {}) is products
    bare = Table({"dataURI": ["a"]})
    assert add_release_dates(bare, {"1": FAR}) is bare
    dated = Table({"dataURI": ["a"], "parent_obsid": ["1"], "t_obs_release": [np.nan]})
    assert add_release_dates(dated, {"1": FAR}) is dated
