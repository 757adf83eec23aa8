"""The real cutout services; run with ``pytest --remote-data=any tests/remote``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astroquery.exceptions import NoResultsWarning

from astroquery_mast import Hapcut, Tesscut, Zcut

pytestmark = pytest.mark.remote_data

# Near the southern ecliptic pole, which TESS has observed since its first month.
STAR = "TIC 261136679"
DEEP = SkyCoord(189.49206, 62.20615, unit="deg")
GALAXY = SkyCoord(202.469575, 47.195258, unit="deg")
# In its first year, TESS only observed the south.
NORTH, SOUTHERN_SECTOR = SkyCoord(202.469575, 47.195258, unit="deg"), 1


def test_sectors_of_a_star() -> None:
    """The sectors of the first year are listed as integers, and a radius does not remove any."""
    table = Tesscut.get_sectors(object_name=STAR)
    assert table.colnames[:4] == ["sectorName", "sector", "camera", "ccd"]
    assert {1, 4, 13} <= set(table["sector"])
    names = [f"tess-s{row['sector']:04d}-{row['camera']}-{row['ccd']}" for row in table]
    assert table["sectorName"].tolist() == names
    assert len(Tesscut.get_sectors(object_name=STAR, radius=1 * u.deg)) >= len(table)


def test_a_cutout_in_memory() -> None:
    """A cutout has the requested size, and the sector in its header."""
    (cutout,) = Tesscut.get_cutouts(object_name=STAR, sector=1, size=(3, 5))
    assert cutout[0].header["SECTOR"] == 1
    assert [hdu.name for hdu in cutout] == ["PRIMARY", "PIXELS", "APERTURE"]
    flux = cutout["PIXELS"].data["FLUX"]
    assert flux.shape[1:] == (3, 5)
    assert len(flux) > 500 or flux.shape[0] > 1
    assert np.isfinite(flux).any()


def test_cutouts_on_disk(tmp_path: Path) -> None:
    """Each sector is a file with the sector and the position in its name; sizes can be angles."""
    manifest = Tesscut.download_cutouts(object_name=STAR, sector=[1, 4], size=[2, 3] * u.arcmin, path=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    names = sorted(Path(path).name for path in manifest["Local Path"])
    for name, sector in zip(names, (1, 4), strict=True):
        assert re.match(rf"tess-s{sector:04d}-\d-\d_84\.29\d*_-80\.4\d*_\d+x\d+_astrocut\.fits$", name)
    with fits.open(manifest["Local Path"][0]) as cutout:
        rows, columns = cutout["PIXELS"].data["FLUX"].shape[1:]
    assert 4 <= rows < columns <= 11


def test_a_moving_target() -> None:
    """Eleonora was in sector 6, and its cutouts follow it."""
    assert 6 in set(Tesscut.get_sectors(object_name="Eleonora", moving_target=True)["sector"])
    cutouts = Tesscut.get_cutouts(object_name="Eleonora", moving_target=True, sector=6, size=5)
    assert len(cutouts) >= 1
    assert cutouts[0]["PIXELS"].data["FLUX"].shape[1:] == (5, 5)


def test_missing_data_issue_a_warning() -> None:
    """A sector or a position without data issues a warning."""
    with pytest.warns(NoResultsWarning):
        assert Tesscut.get_cutouts(coordinates=NORTH, sector=SOUTHERN_SECTOR) == []
    with pytest.warns(NoResultsWarning):
        assert Zcut.get_surveys("10 10") == []


def test_deep_fields(tmp_path: Path) -> None:
    """The surveys of GOODS-N are listed, with cutouts in memory and as images on disk."""
    surveys = Zcut.get_surveys(DEEP)
    assert {"candels_gn_30mas", "goods_north"} <= set(surveys)
    (cutout,) = Zcut.get_cutouts(DEEP, size=(10, 20), survey="candels_gn_30mas")
    assert cutout[1].data.shape == (10, 20)
    manifest = Zcut.download_cutouts(
        DEEP, size=20, survey="candels_gn_30mas", cutout_format="jpg", stretch="asinh", path=tmp_path
    )
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert all(Path(path).read_bytes().startswith(b"\xff\xd8") for path in manifest["Local Path"])


def test_mosaics_of_hubble(tmp_path: Path) -> None:
    """Cutouts have the image and its weights, in memory and on disk."""
    cutouts = Hapcut.get_cutouts(GALAXY, size=(5, 7))
    assert len(cutouts) > 0
    for cutout in cutouts:
        assert [hdu.name for hdu in cutout][:3] == ["PRIMARY", "SCI", "WHT"]
        assert cutout["SCI"].data.shape == (5, 7)
    manifest = Hapcut.download_cutouts(GALAXY, size=5, path=tmp_path)
    assert len(manifest) == len(cutouts)
    assert all(Path(path).name.startswith("hst_cutout_") for path in manifest["Local Path"])
