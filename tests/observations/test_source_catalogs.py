"""Source catalogs: which products are catalogs, their sources, and matches, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, QTable, Table, vstack
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.observations.detections.source_catalogs import (
    as_plain_table,
    catalogs_in,
    is_source_catalog,
    matching_sources,
    sources_in,
    with_common_units,
)
from astroquery_mast.sky.positions import Positions, as_positions

PLACES = SkyCoord([150.1, 150.2, 150.3], [2.1, 2.2, 2.3], unit="deg")


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("jw01783-o001_t006_nircam_clear-f115w_cat.ecsv", "SCIENCE", True),
        ("hst_10452_04_acs_wfc_f555w_j97c04_point-cat.ecsv", "CATALOG", True),
        ("hlsp_candels_hst_wfc3_gs-tot-multiband_f160w_v1_cat.fits", "SCIENCE", True),
        ("hlsp_legus_ngc628_multiband_v1_catalog.FITS.GZ", "SCIENCE", True),
        ("hlsp_phangs-cat_hst_wfc3_ngc0628_f275w_v1_drc.fits", "SCIENCE", False),
        ("hlsp_cluster_sources.csv", "CATALOG", True),
        ("hst_9401_02_acs_wfc_f475w_daophot_trm.cat", "CATALOG", False),
        ("j97c04010_drc.fits", "SCIENCE", False),
        ("scatcat.txt", "INFO", False),
        (np.ma.masked, "INFO", False),
    ],
)
def test_catalogs_are_identified_by_name_or_product_type(name: Any, role: str, expected: bool) -> None:
    """A readable file is a catalog according to its name or its product type."""
    assert is_source_catalog(name, role) is expected


def test_a_catalog_of_several_observations_is_one_file() -> None:
    """A catalog of several observations is listed once, with all their obsids; an unknown size is None."""
    names = ("dataURI", "productFilename", "productType", "obs_collection", "obs_id", "dataRights", "obsID")
    rows = [("mast:a_cat.ecsv", "a_cat.ecsv", "SCIENCE", "JWST", "a", "PUBLIC", "7")] * 2
    products = Table(rows=rows, names=names)
    products["size"] = MaskedColumn([0, 0], mask=True)
    products["parent_obsid"] = ["8", "9"]
    (catalog,) = catalogs_in(products)
    assert (catalog.obsids, catalog.size, catalog.row) == (frozenset({"7", "8", "9"}), None, 0)


@pytest.mark.parametrize("ending", ["ecsv", "csv", "vot", "fits", "fits.gz"])
def test_catalogs_of_all_formats_give_the_same_matches(tmp_path: Path, ending: str) -> None:
    """FITS, ECSV, CSV and VOTable catalogs give the same matches."""
    path = tmp_path / f"hlsp_x_cat.{ending}"
    table = Table({"ID": [1, 2, 3], "RAJ2000": PLACES.ra, "DEJ2000": PLACES.dec, "flux": [1.0, 2.0, 3.0] * u.mJy})
    table.write(path, format={"csv": "ascii.csv", "ecsv": "ascii.ecsv", "vot": "votable"}.get(ending, "fits"))
    content = Observations.read_product(path)
    sources, inputs, away = matching_sources(content, path.name, as_positions(PLACES[[2, 0]]), 1e-4)
    assert (inputs.tolist(), sources["ID"].tolist()) == ([0, 1], [3, 1])
    assert away == pytest.approx(0, abs=1e-6)
    assert ending == "csv" or str(sources["flux"].unit) == "mJy"
    if isinstance(content, fits.HDUList):
        content.close()


def test_positions_in_jwst_catalogs_are_the_centroids() -> None:
    """The positions in JWST catalogs are the centroids, not the corners of boxes."""
    table = QTable({"sky_bbox_ll": PLACES[::-1], "sky_centroid": PLACES})
    _, places = sources_in(table, "x_cat.ecsv")
    assert places.ra.tolist() == PLACES.ra.deg.tolist()


def test_an_empty_catalog_has_no_matches() -> None:
    """A catalog without sources has no matches, and is not an error."""
    sources, inputs, _ = matching_sources(Table({"ra": [], "dec": []}), "x", as_positions(PLACES), 1.0)
    assert (len(sources), len(inputs)) == (0, 0)


@pytest.mark.parametrize("content", [Table({"x": [1.0]}), {"not": "a table"}, fits.HDUList([fits.PrimaryHDU()])])
def test_a_file_without_positions_is_an_error(content: Any) -> None:
    """A file without positions raises an error that names the file."""
    with pytest.raises(InvalidResponseError, match=r"x_cat\.fits"):
        sources_in(content, "x_cat.fits")


def test_columns_of_all_kinds_become_numbers_and_text() -> None:
    """Positions, quantities, times, arrays and bytes are converted with their values, masks and units."""
    table = QTable(
        {
            "sky_centroid": PLACES,
            "flux": [1.0, 2.0, 3.0] * u.Jy,
            "when": Time([60000.0, 60001.0, 60002.0], format="mjd"),
            "aper": np.arange(6.0).reshape(3, 2),
            "name": np.array([b"a", b"b", b"c"]),
            "note": MaskedColumn([1, 2, 3], mask=[False, True, False], description="a note"),
            "swapped": np.array([1, 2, 3], dtype=">i4"),
        }
    )
    plain = as_plain_table(table)
    assert plain.colnames[:3] == ["sky_centroid.ra", "sky_centroid.dec", "flux"]
    assert {name: str(plain[name].unit) for name in ("sky_centroid.ra", "flux")} == {
        "sky_centroid.ra": "deg",
        "flux": "Jy",
    }
    assert plain["when"][0] == "2023-02-25T00:00:00.000"
    assert (plain["aper_1"].tolist(), plain["aper_2"].tolist()) == ([0.0, 2.0, 4.0], [1.0, 3.0, 5.0])
    assert plain["name"].tolist() == ["a", "b", "c"]
    assert plain["note"].tolist() == [1, None, 3]
    assert plain["note"].description == "a note"
    assert plain["swapped"].dtype.isnative


def test_columns_are_converted_to_common_units() -> None:
    """Columns are converted to a common unit, or renamed if that is impossible."""
    first = as_plain_table(Table({"flux": [1.0] * u.Jy, "size": [1.0] * u.pix, "n": [1]}))
    second = as_plain_table(Table({"flux": [5.0] * u.uJy, "size": [2.0] * u.arcsec, "n": [2] * u.s}))
    with_common_units([first, second])
    assert second["flux"].tolist() == pytest.approx([5e-6])
    assert second["flux"].unit == u.Jy
    assert second.colnames == ["flux", "size [arcsec]", "n [s]"]
    assert (first.colnames, second["size [arcsec]"].tolist()) == (["flux", "size", "n"], [2.0])


CENTERS = st.sampled_from([(0.0, 0.0), (359.9999, 45.0), (10.0, 89.9995), (200.0, -90.0), (150.0, 2.0)])


@given(CENTERS, st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 40), st.floats(0, 8))
def test_matches_are_all_pairs_within_the_radius(
    center: tuple[float, float], seed: int, sources: int, positions: int, radius: float
) -> None:
    """Matches are all pairs within the radius, also across RA = 0 and at the poles."""
    rng = np.random.default_rng(seed)

    def around(number: int) -> SkyCoord:
        """Return random positions within 10 arcsec."""
        turns = rng.uniform(0, 360, number) * u.deg
        return SkyCoord(*center, unit="deg").directional_offset_by(turns, rng.uniform(0, 10, number) * u.arcsec)

    theirs, mine = around(sources), around(positions)
    table = Table({"id": np.arange(sources), "RA": theirs.ra, "DEC": theirs.dec})
    where = Positions(mine.ra.deg, mine.dec.deg)
    found, inputs, away = matching_sources(table, "x", where, radius / 3600)
    apart = mine[:, None].separation(theirs[None, :]).arcsec if sources else np.empty((positions, 0))
    # Pairs at the radius may match or not.
    sure, allowed = (set(zip(*np.nonzero(apart <= limit), strict=True)) for limit in (radius - 1e-7, radius + 1e-7))
    pairs = list(zip(inputs.tolist(), found["id"].tolist() if len(found) else [], strict=True))
    assert len(pairs) == len(set(pairs))
    assert sure <= set(pairs) <= allowed
    assert away == pytest.approx([apart[pair] for pair in pairs], abs=1e-6)


def test_columns_with_incompatible_units_are_kept() -> None:
    """Columns with incompatible units get different names, so that none is lost."""
    tables = [as_plain_table(Table({"m": Column([1.0], unit=unit)})) for unit in ("mag", "Jy", "mag", None)]
    with_common_units(tables)
    assert set(vstack(tables).colnames) == {"m", "m [Jy]", "m [no unit]"}
