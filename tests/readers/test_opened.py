"""Products and files opened for the readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.io import fits

from astroquery_mast import MastMissions, Observations
from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.readers.opened import opened_fits
from astroquery_mast.sandbox import Sandbox


def test_a_row_of_either_client_is_opened(mast_sandbox: Sandbox) -> None:
    """Rows of observations' products and of missions' products lead to their files."""
    del mast_sandbox
    found = Observations.query_criteria(object_name="M51", obs_collection="HST", instrument_name="ACS/WFC")
    products = Observations.get_product_list(found[:1], verbose=False)
    drizzled = Observations.filter_products(products, extension="fits", productType="SCIENCE")
    with opened_fits(drizzled[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"
    rows = MastMissions.get_unique_product_list(MastMissions.query_object("M51", sci_instrume="WFC3")[:1])
    public = rows[(rows["access"] == "PUBLIC") & [str(name).endswith("fits") for name in rows["filename"]]]
    with opened_fits(public[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"


def test_a_file_and_an_open_list_are_taken(tmp_path: Path) -> None:
    """Files are opened by their names; what the caller has opened stays open."""
    path = tmp_path / "x.fits"
    fits.PrimaryHDU([1.0]).writeto(path)
    with fits.open(path) as mine:
        with opened_fits(mine) as hdus:
            assert hdus is mine
        assert mine[0].data.tolist() == [1.0]
    for given in (path, str(path)):
        with opened_fits(given) as hdus:
            assert hdus[0].data.tolist() == [1.0]


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "x.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"x\.json.* is not a FITS file"), opened_fits(path):
        pass
