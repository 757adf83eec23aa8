"""Fixtures for products: clients, observations and product tables of the sandbox."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def client(mast_sandbox: Sandbox) -> ObservationsClass:
    return ObservationsClass()


@pytest.fixture
def observations(client: ObservationsClass) -> Table:
    return client.query_criteria(obs_collection="HST", calib_level=3, dataRights="PUBLIC")[:6]


@pytest.fixture
def products(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> Table:
    table = client.get_unique_product_list(observations)
    small = table[np.argsort(table["size"])][:6]
    mast_sandbox.requests.clear()
    return small


@pytest.fixture
def exclusive(mast_sandbox: Sandbox) -> Table:
    columns = "dataURI, obs_collection, obs_id, productFilename, dataRights, size"
    rows = mast_sandbox.archive.query(
        f"select {columns} from product where dataRights = 'EXCLUSIVE_ACCESS' order by size limit 2"
    )
    return Table(rows)
