"""The real catalogs; run with ``pytest --remote-data=any tests/remote``.

The expected values do not change as catalogs grow: bright stars, orders of magnitude, relations of results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, RemoteServiceError

from astroquery_mast import CatalogsClass, conf
from astroquery_mast.query.known_catalogs import CATALOGS
from astroquery_mast.tables.columns import snapshot

pytestmark = pytest.mark.remote_data

# Any, because the type that a call returns depends on its arguments.
Catalogs: Any = CatalogsClass()

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
# π Men, a star of magnitude 5 that will stay in the TESS Input Catalog.
STAR = 261136679
PLACE = SkyCoord(84.291187, -80.469125, unit="deg")

CONES: list[tuple[dict[str, Any], tuple[str, str], str]] = [
    ({"catalog": "TIC", "radius": 0.05}, ("ra", "dec"), "dstArcSec"),
    ({"catalog": "ctl", "radius": 0.2}, ("ra", "dec"), "dstArcSec"),
    ({"catalog": "Gaia", "radius": 0.05}, ("ra", "dec"), "distance"),
    ({"catalog": "Gaia", "version": 1, "radius": 0.1}, ("ra", "dec"), "distance"),
    ({"catalog": "Gaia", "version": 2, "radius": 0.05}, ("ra", "dec"), "distance"),
    ({"catalog": "HSC", "radius": 0.005}, ("MatchRA", "MatchDec"), "Distance"),
    ({"catalog": "HSC", "version": 2, "magtype": 2, "radius": 0.005}, ("MatchRA", "MatchDec"), "Distance"),
    ({"catalog": "Galex", "radius": 0.05}, ("ra", "dec"), "distance_arcmin"),
    ({"catalog": "panstarrs", "radius": 0.02}, ("raMean", "decMean"), "distance"),
    ({"catalog": "panstarrs", "table": "stack", "radius": 0.02}, ("raMean", "decMean"), "distance"),
    ({"catalog": "panstarrs", "data_release": "dr1", "radius": 0.02}, ("raMean", "decMean"), "distance"),
]


@pytest.mark.parametrize(("arguments", "position", "separation"), CONES, ids=str)
def test_separations_agree_with_the_positions(
    arguments: dict[str, Any], position: tuple[str, str], separation: str
) -> None:
    """Every catalog has sources around M51, with separations in the unit of their column."""
    table = Catalogs.query_region(M51, **arguments)
    assert len(table) > 0
    assert all(isinstance(column, MaskedColumn) for column in table.itercols())
    places = SkyCoord(*(table[name].filled(np.nan) for name in position), unit="deg")
    told = table[separation].quantity.to_value(u.arcsec)
    assert {table[name].unit for name in position} == {u.deg}
    known = np.isfinite(places.ra.deg)
    # Some services use the position at another epoch, or of a single detection.
    assert np.median(np.abs(told[known] - places[known].separation(M51).arcsec)) < 1
    assert told.max() <= arguments["radius"] * 3600 * 1.01


@pytest.mark.parametrize("catalog", ["TIC", "Gaia", "HSC", "Galex"])
def test_positions_of_matches_are_in_degrees(catalog: str) -> None:
    """The position columns that a crossmatch adds have a unit."""
    table = Catalogs.crossmatch(M51.reshape(1), catalog, radius=0.02 * u.deg, verbose=False)
    names = [name for name in table.colnames if name.lower() in {"matchra", "matchdec"}]
    assert len(names) == 2
    assert SkyCoord(table[names[0]], table[names[1]]).separation(M51).max() < 0.021 * u.deg


def test_a_bright_star_is_found() -> None:
    """A bright star is found by ID, name and position."""
    by_number = Catalogs.query_criteria(catalog="Tic", ID=STAR)
    assert len(by_number) == 1
    row = by_number[0]
    assert SkyCoord(row["ra"], row["dec"], unit="deg").separation(PLACE).arcsec < 60
    assert row["Teff"] > 1000
    for found in (
        Catalogs.query_object(f"TIC {STAR}", catalog="TIC", radius="30s"),
        Catalogs.query_object("pi Men", catalog="TIC", radius="30s"),
        Catalogs.query_region(PLACE, catalog="TIC", radius="30s"),
    ):
        assert str(STAR) in set(found["ID"])
        assert (np.diff(found["dstArcSec"]) >= 0).all()


def test_columns_of_the_tic_are_at_their_usual_indices() -> None:
    """Columns of the TESS Input Catalog are at the indices that published code uses."""
    names = Catalogs.query_criteria(catalog="Tic", ID=STAR).colnames
    assert [names[place] for place in (13, 14, 64, 65, 66, 70, 71, 72, 73)] == [
        *("ra", "dec", "Teff", "e_Teff", "logg", "rad", "e_rad", "mass", "e_mass")
    ]


@pytest.mark.parametrize("catalog", ["TIC", "ctl"])
def test_a_count_is_the_number_of_rows(catalog: str) -> None:
    """The count equals the number of rows, and every row matches the criteria."""
    criteria: dict[str, Any] = {"coordinates": M51, "radius": 1, "Tmag": [5, 14]}
    table = Catalogs.query_criteria(catalog, **criteria)
    assert Catalogs.query_criteria_count(catalog, **criteria) == len(table) > 0
    assert ((table["Tmag"] >= 5) & (table["Tmag"] <= 14)).all()


def test_columns_can_be_selected_and_sorted_by() -> None:
    """The selected columns are returned, sorted as requested."""
    table = Catalogs.query_criteria(
        "TIC", coordinates=M51, radius=0.1, Tmag=">0", columns=["ID", "Tmag"], sort_by=("desc", "Tmag")
    )
    assert table.colnames == ["ID", "Tmag"]
    assert (np.diff(table["Tmag"]) <= 0).all()


def test_pan_starrs_results_are_complete() -> None:
    """Small pages and one large page give the same rows, and criteria and columns are applied."""
    whole = Catalogs.query_region(M51, catalog="panstarrs", radius=0.05)
    with conf.set_temp("pagesize", max(len(whole) // 2 - 1, 5)):
        paged = Catalogs.query_region(M51, catalog="panstarrs", radius=0.05)
    assert set(paged["objID"]) == set(whole["objID"])
    assert len(paged) == len(whole)
    kept = Catalogs.query_criteria(
        "PANSTARRS",
        coordinates=M51,
        radius=0.05,
        nDetections=[("gte", 10)],
        columns=["objID", "nDetections", "distance"],
        sort_by=[("desc", "distance")],
    )
    assert kept.colnames == ["objID", "nDetections", "distance"]
    assert set(kept["objID"]) == set(whole["objID"][whole["nDetections"] >= 10])
    assert (np.diff(kept["distance"]) <= 0).all()


def test_row_limits_issue_a_warning() -> None:
    """A limit that truncates the result issues a warning."""
    with pytest.warns(MaxResultsWarning, match="nr=5"):
        assert len(Catalogs.query_region(M51, catalog="HSC", radius=0.02, nr=5)) == 5
    with pytest.warns(MaxResultsWarning, match="pagesize=5"):
        assert len(Catalogs.query_region(M51, catalog="panstarrs", radius=0.05, pagesize=5)) == 5


def test_detections_and_spectra_of_hubble(tmp_path: Path) -> None:
    """The detections of an HSC row are found, and spectra are downloaded."""
    row = Catalogs.query_region(M51, catalog="HSC", version=3, radius=0.01)[0]
    detections = Catalogs.query_hsc_matchid(row)
    assert {str(number) for number in detections["MatchID"]} == {str(row["MatchID"])}
    spectra = Catalogs.get_hsc_spectra()
    assert len(spectra) > 100
    manifest = Catalogs.download_hsc_spectra(spectra[100:102], download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    for path in manifest["Local Path"]:
        with fits.open(path) as opened:
            assert len(opened) > 0


@pytest.mark.real_only
def test_known_columns_agree_with_mast() -> None:
    """The columns known to the package agree with MAST's columns."""
    for config_id, known in snapshot().items():
        if config_id in {catalog.columns_id for catalog in CATALOGS.values()}:
            live = CatalogsClass()._service.columns.refresh(config_id)
            for name in known.keys() & live.keys():
                assert known[name].continuous == live[name].continuous, (config_id, name)


def test_tables_of_pan_starrs_have_columns() -> None:
    """The columns of each Pan-STARRS table are listed."""
    for table in ("mean", "stack", "detection", "forced_mean"):
        assert {"objID"} <= set(Catalogs.get_metadata("panstarrs", table=table)["Column Name"])


def test_invalid_queries_are_refused() -> None:
    """An unknown catalog raises MAST's error, and unknown columns are not sent."""
    with pytest.raises((RemoteServiceError, InvalidQueryError), match=r"Mast\.Catalogs\.NoSuchCatalog\.Cone"):
        Catalogs.query_region(M51, catalog="NoSuchCatalog", radius=0.01)
    with pytest.raises(InvalidQueryError, match="Tmag"):
        Catalogs.query_criteria("TIC", Tmagg=[1, 2])


@pytest.mark.parametrize("collection", ["hsc", "tic", "gaiadr3", "ps1_dr2"])
def test_tap_collections_can_be_searched(collection: str) -> None:
    """Each TAP collection is listed, has a default table, and can be searched by position."""
    assert collection in Catalogs.available_collections
    assert Catalogs.supports_spatial_queries(collection)
    table = Catalogs.query_region(M51, radius=0.02, collection=collection)
    assert len(table) > 0
    assert table.meta["catalog"] in set(Catalogs.get_catalogs(collection)["catalog_name"])
    assert Catalogs.query_region_count(M51, radius=0.02, collection=collection) == len(table)


def test_tap_and_mashup_find_the_same_stars() -> None:
    """TAP and Mashup find the same stars of the TESS Input Catalog in a cone."""
    asked: dict[str, Any] = {"coordinates": M51, "radius": 0.1, "Tmag": "<15"}
    before = Catalogs.query_criteria("TIC", **asked)
    after = Catalogs.query_criteria(collection="tic", **asked, limit=None)
    assert sorted(map(int, before["ID"])) == sorted(map(int, after["id"]))
    assert (after["tmag"] < 15).all()
