"""Images, spectra, and cone searches through the installed pyvo; and requests that its classes do not send."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from pyvo.dal import DALQueryError, DALService, SCSService, SIA2Service, SIAService, SSAService

from astroquery_mast.sandbox import Sandbox

M51 = SkyCoord(202.469191, 47.199733, unit="deg")
SIDE = 0.1 * u.deg


@pytest.fixture
def sia(box: Sandbox, web: requests.Session) -> Callable[[str], Any]:
    """Return the SIA 1 service for a mission."""
    address = f"{box.url}/portal_vo/Mashup/VoQuery.asmx/SiaV1"
    return lambda mission: SIAService(f"{address}?MISSION={mission}&", session=web)


@pytest.fixture
def sia2(box: Sandbox, web: requests.Session) -> Any:
    """Return the SIA 2 service, found by its capabilities."""
    return SIA2Service(f"{box.url}/vo-sia/api/v0.1", session=web)


@pytest.fixture
def iue(box: Sandbox, web: requests.Session) -> Any:
    """Return the SSA service for one mission."""
    return SSAService(f"{box.url}/ssap/search2.php?id=IUE&", session=web)


def observations(box: Sandbox, keys: Any, where: str) -> set[str]:
    """Return the ids of the observations among ``keys`` that match a condition."""
    rows = box.archive.query(f"SELECT objID, obs_id FROM observation WHERE {where}")
    return {row["obs_id"] for row in rows if row["objID"] in set(keys)}


def files(box: Sandbox, keys: Any) -> set[str]:
    """Return the HST science images among observations."""
    sql = (
        "SELECT objID, productFilename AS name FROM observation JOIN product ON product.obsID = observation.obsid "
        "WHERE observation.obs_collection = 'HST' AND observation.dataproduct_type = 'image' "
        "AND productType = 'SCIENCE'"
    )
    return {row["name"] for row in box.archive.query(sql) if row["objID"] in set(keys) and ".fits" in row["name"]}


# -- SIA 1 -----------------------------------------------------------------------------------------------------------


def test_an_image_of_the_first_version_can_be_fetched(web: requests.Session, sia: Callable[[str], Any]) -> None:
    """The row of a file has its URL, size, pixels, and position as in the file itself."""
    found = sia("HST").search(M51, size=SIDE)
    record = next(each for each in found if each["productType"] == "SCIENCE" and each.title.endswith("_drz.fits"))
    content = web.get(record.getdataurl(), timeout=30).content
    assert len(content) == record.filesize
    with fits.open(io.BytesIO(content)) as hdus:
        header = next(hdu.header for hdu in hdus if hdu.header.get("NAXIS") == 2)
        assert (header["NAXIS1"], header["NAXIS2"]) == tuple(record.naxis.value)
        assert (header["CRVAL1"], header["CRVAL2"]) == pytest.approx(tuple(record.coord_refvalue))
        assert header["CD1_1"] == pytest.approx(record.cdmatrix[0][0])
    assert record.format == "image/fits"
    assert record.instr.startswith("ACS")
    assert record.bandpass_lolimit.to_value("nm") == pytest.approx(360.0)


def test_each_image_of_the_first_version_overlaps_the_box(box: Sandbox, sia: Callable[[str], Any]) -> None:
    """All images in the inscribed circle of the box are found, and none outside its corners."""
    edge = SkyCoord(M51.ra + 0.118 * u.deg, M51.dec)
    named = set(sia("HST").search(edge, size=0.06, format="image/fits")["name"])
    sure, possible = (box.archive.within(edge.ra.deg, edge.dec.deg, radius) for radius in (0.03, 0.03 * 2**0.5))
    assert files(box, sure) <= named <= files(box, possible)
    assert len(files(box, sure)) < len(named) < len(files(box, possible))


def test_relations_of_image_and_box(sia: Callable[[str], Any]) -> None:
    """Covering or central images overlap the box; a large box encloses images that a small one does not."""
    rows = {
        relation: set(sia("HST").search(M51, size=0.02, intersect=relation)["name"])
        for relation in ("OVERLAPS", "COVERS", "ENCLOSED", "CENTER")
    }
    assert rows["COVERS"] < rows["OVERLAPS"]
    assert rows["CENTER"] < rows["OVERLAPS"]
    assert not rows["ENCLOSED"]
    assert len(sia("HST").search(M51, size=1.0, intersect="ENCLOSED")) > 0


def test_a_size_of_zero_finds_what_covers_the_position(box: Sandbox, sia: Callable[[str], Any]) -> None:
    """Images are found at a point, and the footprint of each contains it."""
    found = sia("HST").search(M51, size=0.0, format="image/fits")
    assert set(found["name"]) == files(box, box.archive.within(M51.ra.deg, M51.dec.deg, 0.0))
    assert len(found) > 0


def test_galex_has_no_results_with_a_format(sia: Callable[[str], Any]) -> None:
    """Other missions can be searched by format."""
    assert len(sia("GALEX").search(M51, size=SIDE)) > 0
    assert len(sia("GALEX").search(M51, size=SIDE, format="image/fits")) == 0
    assert set(sia("HST").search(M51, size=SIDE, format="image/jpeg")["contenttype"]) == {"image/jpeg"}
    assert set(sia("HST").search(M51, size=SIDE, format="graphic")["contenttype"]) == {"image/jpeg"}


def test_the_first_version_describes_its_columns(sia: Callable[[str], Any]) -> None:
    """FORMAT=METADATA returns columns and no rows."""
    columns = {column.name: column for column in sia("HST").columns}
    assert columns["accessURL"].ucd == "VOX:Image_AccessReference"


def test_errors_of_the_first_version_come_in_its_table(sia: Callable[[str], Any]) -> None:
    """An unknown mission and an invalid box are query errors, not HTTP errors."""
    with pytest.raises(DALQueryError, match="Unknown mission 'NOWHERE'"):
        sia("NOWHERE").search(M51, size=SIDE)
    with pytest.raises(DALQueryError, match="SIZE=400"):
        sia("HST").search(M51, size=400)
    with pytest.raises(DALQueryError, match="INTERSECT=NEAR"):
        sia("HST").search(M51, size=SIDE, intersect="near")


# -- SIA 2 -----------------------------------------------------------------------------------------------------------


def test_the_second_version_finds_footprints(box: Sandbox, sia2: Any) -> None:
    """The observations are those whose footprint intersects the circle."""
    found = sia2.search(pos=(M51, 0.05 * u.deg))
    near = box.archive.within(M51.ra.deg, M51.dec.deg, 0.05)
    condition = "dataproduct_type IN ('image', 'cube') AND dataURL IS NOT NULL"
    assert set(found["obs_id"]) == observations(box, near, condition)
    assert len(found) > 100


def test_an_image_of_the_second_version_can_be_fetched(web: requests.Session, sia2: Any) -> None:
    """Wavelengths are in meters, sizes in kB, and the URL returns the file."""
    record = sia2.search(pos=(M51, 0.01 * u.deg), collection="HST")[0]
    assert record.em_min.to_value("nm") == pytest.approx(360.0)
    content = web.get(record.getdataurl(), timeout=30).content
    assert len(content) // 1000 == record["access_estsize"]


def test_constraints_of_the_second_version(sia2: Any) -> None:
    """Values of one parameter are alternatives, and parameters are combined by AND."""
    here = {"pos": (M51, 0.1 * u.deg)}
    every = sia2.search(**here)
    assert set(sia2.search(**here, collection=["HST", "GALEX"])["obs_collection"]) == {"HST", "GALEX"}
    assert set(sia2.search(**here, collection="HST", instrument="ACS/WFC")["instrument_name"]) == {"ACS/WFC"}
    assert set(sia2.search(**here, calib_level=3)["calib_level"]) == {3}
    blue = sia2.search(**here, band=(400 * u.nm, 450 * u.nm))
    assert 0 < len(blue) < len(every)
    assert all(row["em_min"] <= 450e-9 and row["em_max"] >= 400e-9 for row in blue)
    early = sia2.search(**here, time=(Time("2000-01-01"), Time("2006-01-01")))
    assert 0 < len(early) < len(every)
    assert max(early["t_min"]) < Time("2006-01-01").mjd
    assert len(sia2.search(**here, pol="I")) == 0


def test_other_areas_of_the_second_version(sia2: Any) -> None:
    """A polygon around the target and a coordinate range also find it."""
    ra, dec = M51.ra.deg, M51.dec.deg
    corners = (ra - 0.05, dec - 0.05, ra + 0.05, dec - 0.05, ra + 0.05, dec + 0.05, ra - 0.05, dec + 0.05)
    polygon = set(sia2.search(pos=corners)["obs_id"])
    assert set(sia2.search(pos=(M51, 0.03 * u.deg))["obs_id"]) <= polygon
    assert polygon <= set(sia2.search(pos=(M51, 0.08 * u.deg))["obs_id"])
    ranged = sia2.search(pos=(ra - 0.05, ra + 0.05, dec - 0.05, dec + 0.05))
    assert np.all(np.abs(ranged["s_dec"] - dec) <= 0.05)
    assert len(ranged) > 0


def test_the_second_version_stops_at_maxrec(sia2: Any) -> None:
    """The table indicates an overflow."""
    found = sia2.search(pos=(M51, 0.1 * u.deg), maxrec=7)
    assert len(found) == 7
    assert found.status[0] == "OVERFLOW"


@pytest.mark.parametrize("pos", ["CIRCLE 1 2", "CIRCLE 1 2 x", "CIRCLE 1 100 1", "BOX 1 2 3", "POLYGON 1 2 3 4"])
def test_an_invalid_position_of_the_second_version(box: Sandbox, web: requests.Session, pos: str) -> None:
    """The response is an error table with status 400."""
    with pytest.raises(DALQueryError):
        DALService(f"{box.url}/vo-sia/api/v0.1/query", session=web).search(POS=pos)
    assert box.requests[-1].status == 400


def test_the_second_version_says_that_it_is_available(box: Sandbox, web: requests.Session) -> None:
    """The service has capabilities and availability, but no other documents."""
    answer = web.get(f"{box.url}/vo-sia/api/v0.1/availability", timeout=30)
    assert b"<vosi:available>true</vosi:available>" in answer.content
    assert web.get(f"{box.url}/vo-sia/api/v0.1/tables", timeout=30).status_code == 404


# -- SSA -------------------------------------------------------------------------------------------------------------


def place_of(box: Sandbox, mission: str) -> tuple[float, float]:
    """Return the position of a spectrum of a mission."""
    sql = "SELECT s_ra, s_dec FROM observation WHERE obs_collection = ? AND dataproduct_type = 'spectrum' LIMIT 1"
    row = box.archive.query(sql, (mission,))[0]
    return row["s_ra"], row["s_dec"]


def test_a_spectrum_can_be_fetched(box: Sandbox, web: requests.Session, iue: Any) -> None:
    """The row has the URL of a file, and target, instrument, and date."""
    place = place_of(box, "IUE")
    record = iue.search(pos=place, diameter=0.1)[0]
    assert (record.ra, record.dec) == pytest.approx(place)
    assert record.instr == "LWP"
    assert record.dateobs < Time("1997-01-01")
    assert len(web.get(record.getdataurl(), timeout=30).content) == record.filesize


def test_the_size_of_spectra_is_a_diameter(box: Sandbox, iue: Any) -> None:
    """A spectrum 0.06 degrees away is within a diameter of 0.13 degrees, but not of 0.11 degrees."""
    ra, dec = place_of(box, "IUE")
    assert len(iue.search(pos=(ra, dec + 0.06), diameter=0.13)) == 1
    assert len(iue.search(pos=(ra, dec + 0.06), diameter=0.11)) == 0


def test_spectra_are_chosen_by_band_and_time(box: Sandbox, iue: Any) -> None:
    """Ranges must overlap; limits above 100 are in angstroms, as at the archive."""
    place = place_of(box, "IUE")
    found = iue.search(pos=place, diameter=0.1)
    low, high = found["wavemin"][0], found["wavemax"][0]
    assert len(iue.search(pos=place, diameter=0.1, band=(low, high))) == len(found)
    assert len(iue.search(pos=place, diameter=0.1, band=(2 * high, 3 * high))) == 0
    assert len(iue.search(pos=place, diameter=0.1, BAND=f"{low * 1e10}/{high * 1e10}")) == len(found)
    assert len(iue.search(pos=place, diameter=0.1, time=("1970-01-01", "2000-01-01"))) == len(found)
    assert len(iue.search(pos=place, diameter=0.1, time=("2001-01-01", "2002-01-01"))) == 0


def test_without_a_mission_all_spectra_are_searched(box: Sandbox, web: requests.Session) -> None:
    """Without an id the result has several missions, and no rows outside the radius."""
    service = SSAService(f"{box.url}/ssap/search2.php", session=web)
    ra, dec = place_of(box, "FUSE")
    table = service.search(pos=(ra, dec), diameter=20.0).to_table()
    assert {"FUSE", "IUE"} <= set(table["telescop"])
    assert max(table["ang_sep"]) <= 600


def test_errors_of_spectra(box: Sandbox, iue: Any) -> None:
    """An invalid range and an unknown request are errors."""
    with pytest.raises(DALQueryError, match="BAND"):
        iue.search(pos=(1, 2), diameter=0.1, BAND="blue/red")
    with pytest.raises(DALQueryError, match="REQUEST"):
        iue.search(pos=(1, 2), diameter=0.1, REQUEST="stageData")
    assert "url" in iue.search(pos=(1, 2), diameter=0.1, format="metadata").fieldnames


# -- cone searches ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["ConeSearch.aspx?CAT=GAIADR3&", "CatalogSearch.aspx?CATALOG=GAIADR3&"])
def test_a_cone_of_a_catalog(box: Sandbox, web: requests.Session, path: str) -> None:
    """The sources are those in the cone; identifiers keep all digits."""
    service = SCSService(f"{box.url}/webservices/vo/{path}", session=web)
    found = service.search(pos=M51, radius=0.05)
    assert len(found) > 10
    assert max(SkyCoord(found["ra"], found["dec"], unit="deg").separation(M51).deg) <= 0.05
    assert len(str(found[0].id)) >= 18
    assert found.to_table()["parallax"].unit == "mas"


def test_the_guide_star_catalog_is_the_default(box: Sandbox, web: requests.Session) -> None:
    """The default catalog is GSC 2.4.2; a result truncated by MAXOBJ is marked as such."""
    service = SCSService(f"{box.url}/webservices/vo/CatalogSearch.aspx", session=web)
    assert "hstID" in service.search(pos=M51, radius=0.2).fieldnames
    answer = web.get(
        f"{box.url}/webservices/vo/CatalogSearch.aspx?RA=202.47&DEC=47.2&SR=0.2&MAXOBJ=3&FORMAT=CSV", timeout=30
    ).text.splitlines()
    assert answer[0].startswith("#")
    assert answer[1].startswith("objID,hstID,ra,dec")
    assert len(answer) == 5


def test_a_cone_of_a_mission(box: Sandbox, web: requests.Session) -> None:
    """The old search page of a mission returns its observations."""
    record = SCSService(f"{box.url}/iue/search.php", session=web).search(pos=place_of(box, "IUE"), radius=0.05)[0]
    assert record.id.startswith("lwp")
    assert (record.pos.ra.deg, record.pos.dec.deg) == pytest.approx(place_of(box, "IUE"))


def test_errors_of_cones(box: Sandbox, web: requests.Session) -> None:
    """Errors are reported as in the standard of cone searches."""
    with pytest.raises(DALQueryError, match="Unknown catalog NOTHING"):
        SCSService(f"{box.url}/webservices/vo/ConeSearch.aspx?CAT=NOTHING&", session=web).search(pos=M51, radius=0.1)
    with pytest.raises(DALQueryError, match="SR is missing"):
        DALService(f"{box.url}/iue/search.php", session=web).search(RA=1, DEC=2)
