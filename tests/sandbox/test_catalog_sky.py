"""The sources of all catalogs: their positions, and the agreement between catalogs."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.archive import scene
from astroquery_mast.sandbox.archive.catalog_hsc import MATCH_COLUMNS
from astroquery_mast.sandbox.archive.catalog_sky import STAR, color_of, physics, sky
from astroquery_mast.sandbox.archive.catalog_table import (
    CatalogTable,
    ecliptic,
    galactic,
    texts,
    two_mass_names,
    wise_names,
)
from astroquery_mast.sandbox.archive.catalogs import catalog, hubble, survey_table
from astroquery_mast.sandbox.archive.fields import FIELDS, TIC_NUMBERS
from astroquery_mast.sandbox.archive.search import Clause

PI_MEN = 261136679
POSITIONS = st.tuples(st.floats(0, 359.999), st.floats(-89, 89))

FINGERPRINT = """
import hashlib, json
from astroquery_mast.sandbox.archive.catalogs import catalog
digest = hashlib.sha256()
for name in ("tic", "gaiadr3", "diskdetective", "galex"):
    table = catalog(name)
    digest.update(json.dumps(table.rows(slice(0, 200), [name for name, _ in table.columns])).encode())
print(digest.hexdigest())
"""


def row_of(table: CatalogTable, key: int) -> dict[str, Any]:
    """Return a row of a catalog by column."""
    names = [name for name, _ in table.columns]
    return dict(zip(names, table.rows(np.array([key]), names)[0], strict=True))


def test_the_sky_is_the_same_in_every_process(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows do not depend on the process or on earlier queries."""
    other = subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True).stdout
    exec(FINGERPRINT, {})
    assert capsys.readouterr().out == other


@pytest.mark.parametrize(("name", "number"), sorted(TIC_NUMBERS.items()))
def test_targets_of_tess_are_in_the_catalog(name: str, number: int) -> None:
    """A star with light curves has its TIC id, at the position of its field."""
    table = catalog("tic")
    row = row_of(table, table.matching(Clause(f'"ID" = {number}'))[0])
    assert (row["ra"], row["dec"]) == (round(FIELDS[name].ra, 8), round(FIELDS[name].dec, 8))
    assert 0 < row["Tmag"] < 16
    assert row["plx"] > 1


def test_every_light_curve_has_its_star(box: Sandbox) -> None:
    """Each target of a TESS light curve is a star of the catalog at the position of the observation."""
    sql = (
        "SELECT DISTINCT target_name, s_ra, s_dec FROM observation WHERE obs_collection = 'TESS' "
        "AND dataproduct_type = 'timeseries'"
    )
    observed = box.archive.query(sql)
    table = catalog("tic")
    places = {row[0]: row[1:] for row in table.rows(slice(None), ["ID", "ra", "dec"])}
    assert len(observed) > 300
    for row in observed:
        assert places[int(str(row["target_name"]))] == pytest.approx((row["s_ra"], row["s_dec"]), abs=1e-7)


def test_catalogs_agree_on_a_star() -> None:
    """TIC and Gaia have the same ids, brightness, and color for a star, and positions consistent with its motion."""
    tic, gaia = catalog("tic"), catalog("gaiadr3")
    ours = {str(number): key for key, number in enumerate(gaia.values("source_id").tolist())}
    names = tic.values("GAIA")
    chosen = [key for key in range(0, len(tic), 97) if names[key]]
    assert len(chosen) > 80
    for key in chosen:
        row, other = row_of(tic, key), row_of(gaia, ours[names[key]])
        assert row["GAIAmag"] == pytest.approx(other["phot_g_mean_mag"], abs=1e-4)
        assert row["plx"] == other["parallax"]
        years = other["ref_epoch"] - 2000.0
        assert other["dec"] == pytest.approx(row["dec"] + years * row["pmDEC"] / 3.6e6, abs=1e-7)
        east = (other["ra"] - row["ra"] + 180) % 360 - 180
        assert east * math.cos(math.radians(row["dec"])) == pytest.approx(years * row["pmRA"] / 3.6e6, abs=1e-6)
        assert row["gaiabp"] - row["gaiarp"] == pytest.approx(other["bp_rp"], abs=2e-4)
        assert -1.4 < row["Tmag"] - row["GAIAmag"] < 0.1  # TESS is redder than Gaia


def test_ground_based_surveys_agree_on_a_star() -> None:
    """2MASS contains the stars of the TIC by their names, and Pan-STARRS the northern ones by position."""
    tic, infrared, optical = catalog("tic"), catalog("2mass"), survey_table("dr2", "mean").table
    ours = {name: key for key, name in enumerate(infrared.values("designation"))}
    matched = north = 0
    for key in range(0, len(tic), 97):
        row = row_of(tic, key)
        if row["TWOMASS"] in ours:
            other = row_of(infrared, ours[row["TWOMASS"]])
            assert (row["Jmag"], row["Kmag"]) == (other["j_m"], other["k_m"])
            matched += 1
        if row["dec"] > -30 and row["objType"] == "STAR" and row["Tmag"] > 10:
            found = optical.within(row["ra"], row["dec"], 5.0 / 3600.0)
            red = [cell for (cell,) in optical.rows(found.keys, ["iMeanPSFMag"])]
            assert min(abs(magnitude - row["Tmag"]) for magnitude in red) < 0.8
            north += 1
    assert min(matched, north) > 40


def test_a_well_known_star() -> None:
    """Pi Mensae has the ids, brightness, and size given in the literature."""
    table = catalog("tic")
    row = row_of(table, table.matching(Clause(f'"ID" = {PI_MEN}'))[0])
    assert (row["GAIA"], row["HIP"]) == ("4623036865373793408", 26394)
    assert row["Vmag"] == pytest.approx(5.65, abs=0.1)
    assert row["Kmag"] == pytest.approx(4.24, abs=0.1)
    assert row["rad"] == pytest.approx(1.15, abs=0.1)
    assert row["d"] == pytest.approx(18.27, abs=0.1)


def test_sources_are_the_stars_of_the_images() -> None:
    """The brightest stars in images of a field are sources at the same position."""
    stars = scene.stars(FIELDS["NGC104"])
    brightest = np.argsort(-stars.flux, kind="stable")[:50]
    whole = sky()
    places = set(zip(whole.ra[whole.kind == STAR].tolist(), whole.dec[whole.kind == STAR].tolist(), strict=True))
    drawn = set(zip((stars.ra[brightest] % 360.0).tolist(), stars.dec[brightest].tolist(), strict=True))
    assert len(drawn) == 50
    assert drawn <= places


def test_hubble_matches_are_on_images(box: Sandbox) -> None:
    """Every detection has the date, program, and filter of an image of the archive that covers it."""
    rows = hubble(3)
    columns = [name for name, _ in MATCH_COLUMNS]
    checked = 0
    for match in rows.match_ids[::400]:
        for detection in (dict(zip(columns, row, strict=True)) for row in rows.detections(int(match))):
            covering = box.archive.within(detection["MatchRA"], detection["MatchDec"], 0.0)
            marks = ", ".join("?" * len(covering))
            sql = f"SELECT filters, t_exptime FROM observation WHERE objID IN ({marks}) AND t_min = ?"
            images = box.archive.query(sql, (*covering, detection["StartMJD"]))
            assert any(detection["Filter"] in str(image["filters"]) for image in images)
            assert detection["ExposureTime"] in [image["t_exptime"] for image in images]
            checked += 1
    assert checked > 20


def test_identifiers_are_unique() -> None:
    """Ids are unique in each catalog, and fit into 64 bits."""
    numbers = {"tic": "ID", "gaiadr3": "source_id", "galex": "objID", "plato": "PICidDR1", "diskdetective": "G_objid"}
    columns = [catalog(name).values(column) for name, column in numbers.items()]
    columns += [survey_table("dr2", "mean").table.values("objID"), hubble(2).match_ids]
    for column in columns:
        assert column.dtype == np.int64
        assert len(np.unique(column)) == len(column)
        assert column.min() > 0


@given(POSITIONS)
def test_galactic_and_ecliptic_coordinates(position: tuple[float, float]) -> None:
    """The coordinate rotations agree with astropy."""
    place = SkyCoord(*position, unit="deg")
    arrays = np.array([position[0]]), np.array([position[1]])
    mine = SkyCoord(*galactic(*arrays), unit="deg", frame="galactic")
    assert mine.separation(place.galactic).arcsec[0] < 0.05
    mine = SkyCoord(*ecliptic(*arrays), unit="deg", frame="barycentricmeanecliptic")
    assert mine.separation(place.barycentricmeanecliptic).arcsec[0] < 0.2


def test_names_derived_from_positions() -> None:
    """Designations are truncated, not rounded, as in the surveys."""
    ra, dec = np.array([254.378937, 0.0]), np.array([-4.09411, 0.5])
    assert two_mass_names(ra, dec).tolist() == ["16573094-0405387", "00000000+0030000"]
    assert wise_names(ra, dec).tolist() == ["J165730.94-040538.7", "J000000.00+003000.0"]


@given(st.floats(2700, 10000))
def test_temperature_and_color(teff: float) -> None:
    """Temperature and color of a star are consistent."""
    found = physics(color_of(np.array([teff])), np.array([False]))
    assert found["Teff"][0] == pytest.approx(teff, rel=1e-6)


@given(st.lists(POSITIONS, min_size=1, max_size=30), POSITIONS, st.floats(0, 180))
def test_cones(places: list[tuple[float, float]], center: tuple[float, float], radius: float) -> None:
    """A cone contains exactly the rows within its radius, nearest first."""
    ra, dec = np.array(places).T
    table = CatalogTable({"n": ("int", np.arange(len(ra)))}, (ra, dec))
    apart = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(*center, unit="deg")).deg
    found = table.within(*center, radius)
    assert set(np.flatnonzero(apart < radius - 1e-7)) <= set(found.keys) <= set(np.flatnonzero(apart < radius + 1e-7))
    assert (np.diff(found.distance) >= 0).all()
    np.testing.assert_allclose(found.distance / 3600.0, apart[found.keys], atol=1e-7)


def test_cells() -> None:
    """Null is null in all types, and integers are written without a fraction."""
    table = CatalogTable(
        {
            "float": ("float", np.array([1.5, 2.0, np.nan])),
            "int": ("int", np.ma.masked_array([1, 2, 3], [False, True, False])),
            "text": ("string", texts(["a", None, ""])),
            "flag": ("boolean", np.array([True, False, True])),
        }
    )
    rows = table.rows(slice(None), ["float", "int", "text", "flag"])
    assert rows == [(1.5, 1, "a", True), (2, None, None, False), (None, 3, "", True)]
    assert [type(row[0]) for row in rows] == [float, int, type(None)]
    assert table.matching(Clause('"text" IS NULL OR "int" = ?', (3,))) == [1, 2]
