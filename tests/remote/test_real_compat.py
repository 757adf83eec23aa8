"""Usual code for ``astroquery.mast``, on this package and the real archive.

Run with ``pytest --remote-data=any tests/remote``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from astropy.io import fits

from astroquery_mast import compat

pytestmark = pytest.mark.remote_data

# A light curve of the first sector, available since 2018.
CURVE = {
    "target_name": "261136679",
    "project": "TESS",
    "dataproduct_type": ["cube", "timeseries"],
    "provenance_name": ["SPOC"],
    "sequence_number": [1],
}


@pytest.fixture
def mast() -> Iterator[ModuleType]:
    """Install this package as ``astroquery.mast`` and return the module."""
    with compat.install():
        yield importlib.import_module("astroquery.mast")


def test_the_queries_of_lightkurve(mast: ModuleType, tmp_path: Path) -> None:
    """The queries that lightkurve sends lead to one light curve in the folder that it expects."""
    found = mast.Observations.query_criteria(**CURVE)
    assert set(found["target_name"]) == {"261136679"}
    assert 120 in found["t_exptime"].tolist()
    products = mast.Observations.get_product_list(found[found["t_exptime"] == 120])
    curve = products[[name.endswith("s_lc.fits") for name in products["productFilename"]]]
    assert len(curve) == 1
    manifest = mast.Observations.download_products(curve[0], mrp_only=False, download_dir=str(tmp_path))
    path = Path(manifest["Local Path"][0])
    assert path.parent.parent == tmp_path / "mastDownload" / "TESS"
    with fits.open(path) as opened:
        assert opened[0].header["TICID"] == 261136679


def test_private_download_methods(mast: ModuleType, tmp_path: Path) -> None:
    """Private addresses and the private download method that other code uses work."""
    found = mast.Observations.query_criteria(**CURVE)
    products = mast.Observations.get_product_list(found)
    uri = next(uri for uri in products["dataURI"] if uri.endswith("s_lc.fits"))
    address = mast.Mast._portal_api_connection.MAST_DOWNLOAD_URL + "?uri=" + uri
    mast.Mast._download_file(address, str(tmp_path / "curve.fits"))
    with fits.open(tmp_path / "curve.fits") as opened:
        assert opened[0].header["TICID"] == 261136679


def test_raw_responses(mast: ModuleType) -> None:
    """Responses have the rows, and can be converted to tables."""
    answers = mast.Observations.query_criteria_async(**CURVE)
    rows = answers[0].json()["data"]
    table = mast.Observations._parse_result(answers)
    assert len(rows) == len(table) > 0
    assert [str(row["obsid"]) for row in rows] == table["obsid"].tolist()


def test_a_service_can_be_called_by_name(mast: ModuleType) -> None:
    """``service_request`` and the catalog's own method return the same star."""
    filters = [{"paramName": "ID", "values": ["261136679"]}]
    table = mast.Mast.service_request("Mast.Catalogs.Filtered.Tic.Rows", {"columns": "*", "filters": filters})
    assert table["ID"].tolist() == ["261136679"]
    assert set(table.colnames) == set(mast.Catalogs.query_criteria(catalog="Tic", ID=261136679).colnames)


@pytest.mark.real_only
def test_keyword_services_of_webb(mast: ModuleType) -> None:
    """Files of an instrument are found by header keywords."""
    table = mast.Mast.mast_query(
        "Mast.Jwst.Filtered.Nirspec",
        program=["2736"],
        productLevel=["3"],
        columns=["filename", "program", "productLevel"],
    )
    assert len(table) > 0
    assert {str(number) for number in table["program"]} == {"2736"}


def test_lightkurve_itself(mast: ModuleType, tmp_path: Path) -> None:
    """lightkurve, unmodified, finds and reads a light curve."""
    lightkurve = pytest.importorskip("lightkurve")
    found = lightkurve.search_lightcurve("TIC 261136679", author="SPOC", sector=1, exptime=120)
    assert len(found) == 1
    curve = found.download(download_dir=str(tmp_path))
    assert curve.meta["TICID"] == 261136679
    assert len(curve) > 1000
