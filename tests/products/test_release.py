"""Release dates, which observations have and products lack."""

from __future__ import annotations

import numpy as np
from astropy.table import MaskedColumn, Table

from astroquery_mast.observations.product_source import add_release_dates

OBSERVATIONS = Table(
    {"obsid": ["1", "2"], "t_obs_release": MaskedColumn([60310.5, 0.0], mask=[False, True])}, masked=True
)


def test_products_get_the_date_of_their_observation() -> None:
    """A product without a known date is masked, and the table that was given stays as it is."""
    products = Table({"dataURI": ["a", "b", "c"], "parent_obsid": ["1", "2", "3"]})
    dated = add_release_dates(products, OBSERVATIONS)
    assert dated["t_obs_release"].tolist() == [60310.5, None, None]
    assert products.colnames == ["dataURI", "parent_obsid"]


def test_nothing_is_added_where_nothing_is_known() -> None:
    """Observations without dates, products without observations, and products with dates are left alone."""
    products = Table({"dataURI": ["a"], "parent_obsid": ["1"]})
    assert add_release_dates(products, Table({"obsid": ["1"]})) is products
    bare = Table({"dataURI": ["a"]})
    assert add_release_dates(bare, OBSERVATIONS) is bare
    dated = Table({"dataURI": ["a"], "parent_obsid": ["1"], "t_obs_release": [np.nan]})
    assert add_release_dates(dated, OBSERVATIONS) is dated
