"""High-level science products: neighboring stars, headers, pages, scripts, and README files."""

from __future__ import annotations

import io
import re
from urllib.parse import unquote

import pytest
import requests
from astropy.coordinates import SkyCoord
from astropy.io import fits

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.archive import Archive
from astroquery_mast.sandbox.archive.hlsp import ABOUT


@pytest.fixture(scope="module")
def archive() -> Archive:
    """The default holdings."""
    return Archive()


def products(archive: Archive, like: str) -> list[str]:
    """Return the URIs of files."""
    sql = "SELECT DISTINCT dataURI FROM product WHERE dataURI LIKE ? ORDER BY dataURI"
    return [str(row["dataURI"]) for row in archive.query(sql, (like,))]


def header(archive: Archive, uri: str) -> fits.Header:
    """Return the primary header of a file."""
    return fits.getheader(io.BytesIO(archive.render(uri)))


def test_a_star_has_close_neighbors(archive: Archive) -> None:
    """One of them is closer than the size of a TESS pixel, and than most search radii."""
    sql = "SELECT DISTINCT target_name, s_ra, s_dec FROM observation WHERE provenance_name = 'TGLC' AND s_ra < 5"
    rows = archive.query(sql)
    places = {row["target_name"]: SkyCoord(row["s_ra"], row["s_dec"], unit="deg") for row in rows}
    center = places.pop("160148385")
    distances = sorted(center.separation(place).arcsec for place in places.values())
    assert len(distances) == 5
    assert 2 < distances[0] < 3
    assert 10 < distances[1] < 21


@pytest.mark.parametrize("collection", sorted(set(ABOUT) - {"BOSZ", "HSLA"}))
def test_headers_name_the_collection(archive: Archive, collection: str) -> None:
    """Headers have the keywords required from contributors, and a DOI if the collection has one."""
    uri = products(archive, f"mast:HLSP/{collection.lower()}/%.fits")[0]
    found, told = header(archive, uri), ABOUT[collection]
    assert found["HLSPID"] == collection
    assert (found["HLSPNAME"], found["HLSPLEAD"], found["HLSPVER"]) == (told["title"], told["lead"], told["version"])
    assert found.get("DOI") == told.get("doi")
    assert found["REFERENC"]
    assert (found["LICENSE"], found["LICENURL"]) == ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/")


def test_one_collection_misspells_a_keyword(archive: Archive) -> None:
    """The keyword is misspelled as in the Hubble Spectroscopic Legacy Archive, which also has no DOI."""
    found = header(archive, products(archive, "mast:HLSP/hsla/%.fits")[0])
    assert found["HSLPNAME"] == "Hubble Spectroscopic Legacy Archive"
    assert "HLSPNAME" not in found
    assert "DOI" not in found


def test_files_of_missions_name_no_collection(archive: Archive) -> None:
    """Only contributed files have collection keywords."""
    found = header(archive, products(archive, "mast:HST/product/j97c01010_drc.fits")[0])
    assert not {"HLSPID", "DOI", "LICENSE"} & set(found)


def test_a_readme_is_listed_with_every_observation(archive: Archive) -> None:
    """The README of a collection is a single file, listed after the data."""
    sql = "SELECT dataURI, productType FROM product WHERE obs_id LIKE 'hlsp_tglc%' ORDER BY rowid LIMIT 4"
    rows = archive.query(sql)
    assert [row["productType"] for row in rows] == ["SCIENCE", "INFO"] * 2
    assert rows[1]["dataURI"] == rows[3]["dataURI"] == "mast:HLSP/tglc/hlsp_tglc_readme.txt"
    assert b"TESS-Gaia Light Curve" in archive.render("mast:HLSP/tglc/hlsp_tglc_readme.txt")


@pytest.mark.parametrize("collection", sorted(ABOUT))
def test_a_page_describes_a_collection(box: Sandbox, web: requests.Session, collection: str) -> None:
    """The page has the title, an optional DOI, and links to the README and scripts."""
    answer = web.get(f"{box.url}/hlsp/{collection.lower()}", timeout=30)
    assert answer.headers["Content-Type"].startswith("text/html")
    told = ABOUT[collection]
    assert told["title"] in answer.text
    assert ("DOI:" in answer.text) == ("doi" in told)
    links = re.findall(r'href="(/hlsps/[^"]+)"', answer.text)
    assert len(links) == 1 + len(told.get("scripts", ()))
    assert all(web.get(box.url + link, timeout=30).status_code == 200 for link in links)


def test_a_script_fetches_every_file(box: Sandbox, web: requests.Session, archive: Archive) -> None:
    """The URLs in its lines work."""
    script = web.get(f"{box.url}/hlsps/tglc/download_scripts/hlsp_tglc_tess_ffi_s0002_tess_v1_llc.sh", timeout=30).text
    addresses = re.findall(r"http://\S+", script)
    assert sorted(unquote(each.partition("uri=")[2]) for each in addresses) == products(
        archive, "mast:HLSP/tglc/%.fits"
    )
    assert web.get(addresses[0], timeout=30).content.startswith(b"SIMPLE")


@pytest.mark.parametrize(
    "path", ["hlsp/nothing", "hlsp/", "hlsps/tglc/no.sh", "hlsps/nothing/hlsp_nothing_readme.txt", "hlsps/x"]
)
def test_other_paths_are_not_found(box: Sandbox, web: requests.Session, path: str) -> None:
    """An unknown collection or file is a 404."""
    assert web.get(f"{box.url}/{path}", timeout=30).status_code == 404
