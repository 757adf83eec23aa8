"""The holdings of the archive: observations, names, and ids."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from astroquery_mast.sandbox.archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS, Archive
from astroquery_mast.sandbox.archive.archive import Database
from astroquery_mast.sandbox.archive.fields import FIELDS
from astroquery_mast.sandbox.archive.geometry import parse_region

M51 = (202.469575, 47.195258)


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    """The default holdings."""
    made = Archive()
    yield made
    made.close()


def values(archive: Archive, sql: str) -> list[object]:
    """Return the first column of a result."""
    return [next(iter(row.values())) for row in archive.query(sql)]


def test_at_least_five_thousand_observations(archive: Archive) -> None:
    """There are enough observations to test paging, and ACS/WFC is the most frequent configuration."""
    assert archive.query("SELECT COUNT(*) AS n FROM observation")[0]["n"] >= 5000
    largest = "SELECT instrument_name FROM observation GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1"
    assert values(archive, largest) == ["ACS/WFC"]


def test_collections_and_instruments(archive: Archive) -> None:
    """All collections and instrument configurations are present."""
    collections = set(values(archive, "SELECT DISTINCT obs_collection FROM observation"))
    assert collections == {"HST", "JWST", "TESS", "GALEX", "HLSP", "HLA", "Kepler", "K2", "IUE", "FUSE", "SWIFT", "PS1"}
    instruments = set(
        values(archive, "SELECT DISTINCT instrument_name FROM observation WHERE obs_collection IN ('HST', 'JWST')")
    )
    hst = {
        "ACS/WFC",
        "ACS/HRC",
        "ACS/SBC",
        "WFC3/UVIS",
        "WFC3/IR",
        "STIS/CCD",
        "STIS/FUV-MAMA",
        "STIS/NUV-MAMA",
        "COS/FUV",
        "COS/NUV",
    }
    jwst = {"NIRCAM/IMAGE", "NIRSPEC/MSA", "NIRSPEC/IFU", "NIRSPEC/SLIT", "MIRI/IMAGE", "MIRI/IFU", "MIRI/SLITLESS"}
    assert instruments >= hst | jwst | {"NIRISS/IMAGE", "NIRISS/SOSS", "NIRISS/WFSS"}


def test_columns_are_those_of_the_tables(archive: Archive) -> None:
    """The tables have the columns of the responses, plus objID, without parent_obsid."""
    observation = list(archive.query("SELECT * FROM observation LIMIT 1")[0])
    assert observation == [name for name, _ in OBSERVATION_COLUMNS] + ["objID"]
    product = list(archive.query("SELECT * FROM product LIMIT 1")[0])
    assert product == [name for name, _ in PRODUCT_COLUMNS if name != "parent_obsid"]


def test_every_column_has_a_configuration() -> None:
    """Every column has a description, including those added by a cone search."""
    cone, products = COLUMNS_CONFIG["Mast.Caom.Cone"], COLUMNS_CONFIG["Mast.Caom.Products"]
    assert {name for name, _ in OBSERVATION_COLUMNS} | {"objID", "distance", "_selected_"} <= set(cone)
    assert {name for name, _ in PRODUCT_COLUMNS} <= set(products)
    assert all(column.get("text") for column in [*cone.values(), *products.values()])
    assert json.loads(json.dumps(COLUMNS_CONFIG)) == COLUMNS_CONFIG


def test_declared_types_hold(archive: Archive) -> None:
    """The values of a column have its declared type."""
    kinds = {"string": {"text"}, "float": {"real"}, "int": {"integer"}, "boolean": {"integer"}}
    for name, kind in OBSERVATION_COLUMNS:
        allowed = {"integer"} if name == "obsid" else kinds[kind] | {"null"}
        assert set(values(archive, f"SELECT DISTINCT typeof({name}) FROM observation")) <= allowed, name


def test_numbers_are_unique(archive: Archive) -> None:
    """An obsid, an objID, and an obs_id identify a single observation."""
    for name in ("obsid", "objID", "obs_id"):
        assert values(archive, f"SELECT COUNT(*) - COUNT(DISTINCT {name}) FROM observation") == [0]


def test_every_footprint_can_be_read(archive: Archive) -> None:
    """Every s_region can be parsed, and all spellings occur."""
    texts = [str(text) for text in values(archive, "SELECT s_region FROM observation WHERE s_region IS NOT NULL")]
    for text in texts:
        assert bool(parse_region(text)) == bool(text.strip())
    for start in (
        "POLYGON GSC1 ",
        "POLYGON J2000 ",
        "POLYGON ICRS ",
        "POLYGON -",
        "polygon icrs ",
        "CIRCLE ICRS ",
        "UNION ICRS ( ",
    ):
        assert any(text.startswith(start) for text in texts), start
    assert any(text.startswith("CIRCLE ") and text.split()[1] != "ICRS" for text in texts)
    assert any(text.count("POLYGON") == 2 for text in texts)
    assert any(float(text.split()[-2]) > 360 for text in texts if text.startswith("POLYGON ICRS"))
    assert "" in texts


def test_nulls_and_sentinels(archive: Archive) -> None:
    """Nulls, -999, and 19-digit ids occur where they occur at MAST."""
    for column in (
        "s_region",
        "s_ra",
        "t_min",
        "filters",
        "proposal_id",
        "jpegURL",
        "dataURL",
        "mtFlag",
        "srcDen",
        "em_min",
    ):
        assert values(archive, f"SELECT COUNT(*) FROM observation WHERE {column} IS NULL") > [0], column
    assert values(archive, "SELECT COUNT(*) FROM observation WHERE sequence_number = -999") > [0]
    assert values(archive, "SELECT COUNT(*) FROM observation WHERE objID > 9007199254740992") > [0]
    assert values(archive, "SELECT DISTINCT LENGTH(obs_id) FROM observation WHERE obs_collection = 'GALEX'") == [19]
    assert values(archive, "SELECT COUNT(*) FROM product WHERE size IS NULL") > [0]
    assert values(archive, "SELECT COUNT(*) FROM observation WHERE proposal_pi LIKE '%\u00f1%'") > [0]


def test_greek_target(archive: Archive) -> None:
    """A Greek letter in a target name is stored unchanged, and written in ASCII in file headers."""
    rows = archive.query("SELECT dataURL FROM observation WHERE target_name = ?", ("\u03b1-CEN",))
    assert rows
    assert b"'alpha-CEN" in archive.render(str(rows[0]["dataURL"]))


def test_planned_observations_have_no_products(archive: Archive) -> None:
    """Planned observations have calib_level -1 and no files."""
    assert values(archive, "SELECT COUNT(*) FROM observation WHERE calib_level = -1") > [10]
    joined = "SELECT COUNT(*) FROM product p JOIN observation o ON o.obsid = p.obsID WHERE o.calib_level = -1"
    assert values(archive, joined) == [0]


def test_exclusive_observations_are_released_later(archive: Archive) -> None:
    """Exclusive observations with data have a release date in the future, and their science files are exclusive."""
    rows = archive.query("SELECT * FROM observation WHERE dataRights = 'EXCLUSIVE_ACCESS' AND calib_level > 0")
    assert len(rows) > 20
    assert all(float(str(row["t_obs_release"])) >= 62000 for row in rows)
    sql = "SELECT DISTINCT dataRights FROM product WHERE productType = 'SCIENCE' AND obsID = ?"
    assert archive.query(sql, (rows[0]["obsid"],)) == [{"dataRights": "EXCLUSIVE_ACCESS"}]


def test_main_files_and_previews_exist(archive: Archive) -> None:
    """Each dataURL and jpegURL is the URI of a product."""
    for column in ("dataURL", "jpegURL"):
        missing = f"SELECT {column} FROM observation WHERE {column} NOT IN (SELECT dataURI FROM product)"
        assert values(archive, missing) == []


def test_members_share_their_files(archive: Archive) -> None:
    """A composite includes the files of its exposures, which are also separate observations."""
    sql = "SELECT obsid FROM observation WHERE obs_id = 'j97c01010'"
    obsid = values(archive, sql)[0]
    members = archive.query("SELECT member_obsID FROM membership WHERE obsid = ?", (obsid,))
    assert len(members) >= 2
    for member in members:
        own = archive.query(
            "SELECT productSubGroupDescription s FROM product WHERE obsID = ?", (member["member_obsID"],)
        )
        assert {"FLT", "FLC", "RAW"} <= {row["s"] for row in own}


def test_same_file_belongs_to_several_observations(archive: Archive) -> None:
    """Guide star files and pools are listed with every related observation, with the same size."""
    sql = "SELECT dataURI, COUNT(*) n, COUNT(DISTINCT size) sizes FROM product GROUP BY dataURI HAVING n > 1"
    rows = archive.query(sql)
    assert len(rows) > 10
    assert all(row["sizes"] <= 1 for row in rows)


def test_m51_is_rich(archive: Archive) -> None:
    """A cone of 0.1 degrees around M51 has dozens of ACS images with DRC files, NIRCam images, and exclusive data."""
    found = archive.within(*M51, 0.1)
    rows = archive.query(f"SELECT * FROM observation WHERE objID IN ({','.join(map(str, found))})")
    acs = [
        row for row in rows if row["instrument_name"] == "ACS/WFC" and row["proposal_id"] in {"10452", "9073", "10501"}
    ]
    assert len(acs) > 36
    drizzled = (
        "SELECT COUNT(*) FROM product WHERE productSubGroupDescription = 'DRC' AND dataURI LIKE '%.fits' AND obsID IN "
    )
    assert values(archive, f"{drizzled} ({','.join(str(row['obsid']) for row in acs)})") > [20]
    nircam = [row for row in rows if row["instrument_name"] == "NIRCAM/IMAGE" and row["calib_level"] == 3]
    assert {"1783", "2107"} <= {row["proposal_id"] for row in nircam}
    assert "EXCLUSIVE_ACCESS" in {row["dataRights"] for row in nircam}
    assert "PUBLIC" in {row["dataRights"] for row in nircam}


def test_within_agrees_with_positions(archive: Archive) -> None:
    """Distances are 0 inside footprints, and a larger cone includes the results of a smaller one."""
    small, large = archive.within(*M51, 0.0), archive.within(*M51, 0.2)
    assert small
    assert set(small.values()) == {0.0}
    assert small.items() <= large.items()
    assert max(large.values()) > 0


def test_tess_rows_match_queries_of_lightkurve(archive: Archive) -> None:
    """The light curve of pi Mensae in sector 1 has its real name, target, sequence number, and file."""
    sql = (
        "SELECT * FROM observation WHERE target_name = '261136679' AND provenance_name = 'SPOC' AND sequence_number = 1"
    )
    (row,) = archive.query(sql)
    assert row["obs_id"] == "tess2018206045859-s0001-0000000261136679-0120-s"
    assert (row["project"], row["dataproduct_type"], row["t_exptime"]) == ("TESS", "timeseries", 120.0)
    assert archive.product(f"mast:TESS/product/{row['obs_id']}_lc.fits") is not None


def test_extra_observations_are_far_from_the_fields(archive: Archive) -> None:
    """The requested number of bulk rows is added, and they do not change cones around the fields."""
    with_bulk = Archive(extra_observations=500)
    try:
        assert values(with_bulk, "SELECT COUNT(*) FROM observation WHERE target_name LIKE 'BULK-%'") == [500]
        for field in FIELDS.values():
            assert with_bulk.within(field.ra, field.dec, 0.5).keys() == archive.within(field.ra, field.dec, 0.5).keys()
    finally:
        with_bulk.close()


def test_query_is_read_only(archive: Archive) -> None:
    """A statement that writes is refused."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        archive.query("DELETE FROM observation")


def test_query_from_many_threads(archive: Archive) -> None:
    """Concurrent queries return the same results as single ones."""
    sql = "SELECT COUNT(*) AS n FROM product WHERE obsID % ? = 0"
    expected = [archive.query(sql, (number,)) for number in range(1, 33)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda number: archive.query(sql, (number,)), range(1, 33))) == expected


def test_closed_database_says_so() -> None:
    """A closed database refuses queries, and closing it again has no effect."""
    made = Database(lambda connection: None)
    assert made.query("SELECT 1 AS n") == [{"n": 1}]
    made.close()
    made.close()
    with pytest.raises(RuntimeError, match="closed"):
        made.query("SELECT 1")


def test_unknown_files(archive: Archive) -> None:
    """An unknown URI has no product row and cannot be rendered."""
    uri = "mast:HST/product/does_not_exist.fits"
    assert archive.product(uri) is None
    with pytest.raises(KeyError, match="does_not_exist"):
        archive.render(uri)


@pytest.mark.parametrize("name", ["M51", "m 51", "Messier 51", "NGC5194", "ngc 5194", "  whirlpool GALAXY "])
def test_names_in_any_spelling(archive: Archive, name: str) -> None:
    """A target is found by all of its names, regardless of case and spaces."""
    entries = archive.resolve(name)
    assert [entry["resolver"] for entry in entries] == ["SIMBAD", "NED"]
    assert (entries[0]["ra"], entries[0]["decl"]) == M51


def test_tic_names_come_from_the_tic_first(archive: Archive) -> None:
    """A TIC name resolves to an entry of the TIC, with its small search radius, and to one of SIMBAD."""
    entries = archive.resolve("TIC 307210830")
    assert [entry["resolver"] for entry in entries] == ["TIC", "SIMBAD"]
    assert entries[0]["searchRadius"] == 0.000333
    assert entries[1]["canonicalName"] == "L   98-59"


@pytest.mark.parametrize("name", ["", "no such star", "TIC 999999999999", "NEPTUNE", "M"])
def test_unknown_names(archive: Archive, name: str) -> None:
    """Unknown names and moving targets do not resolve."""
    assert archive.resolve(name) == []


_DIGEST = """
import hashlib
from astroquery_mast.sandbox.archive import Archive

def digest(archive):
    digest = hashlib.sha256()
    for sql in ("SELECT * FROM observation", "SELECT dataURI, size FROM product", "SELECT * FROM membership"):
        digest.update(repr([tuple(row.values()) for row in archive.query(sql)]).encode())
    for ending in ("drc.fits", "drc.jpg", "trl.txt"):
        digest.update(archive.render("mast:HST/product/j97c01010_" + ending))
    return digest.hexdigest()
"""


def test_another_process_has_the_same_holdings(archive: Archive) -> None:
    """Holdings and files are the same in a process with another hash seed."""
    scope: dict[str, Any] = {}
    exec(_DIGEST, scope)
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _DIGEST + "print(digest(Archive()))"]
    there = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True)
    assert there.stdout.strip() == scope["digest"](archive)
