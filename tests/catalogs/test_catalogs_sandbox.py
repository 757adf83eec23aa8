"""Catalog queries on the sandbox, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, ResolverError

from astroquery_mast import Catalogs, CatalogsClass, Observations, conf
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
M101 = SkyCoord(210.8023, 54.3490, unit="deg")

# Catalog and its parameters; the position columns.
CONES = [
    ({"catalog": "TIC", "radius": 0.2}, ("ra", "dec")),
    ({"catalog": "ctl", "radius": 0.2}, ("ra", "dec")),
    ({"catalog": "Gaia", "radius": 0.1}, ("ra", "dec")),
    ({"catalog": "Gaia", "version": 1, "radius": 0.1}, ("ra", "dec")),
    ({"catalog": "HSC", "radius": 0.02}, ("MatchRA", "MatchDec")),
    ({"catalog": "HSC", "version": 2, "magtype": 2, "radius": 0.02}, ("MatchRA", "MatchDec")),
    ({"catalog": "Galex", "radius": 0.05}, ("ra", "dec")),
    ({"catalog": "panstarrs", "radius": 0.05}, ("raMean", "decMean")),
    ({"catalog": "panstarrs", "table": "stack", "radius": 0.05}, ("raMean", "decMean")),
]
SEPARATIONS = {
    "tic": "dstArcSec",
    "ctl": "dstArcSec",
    "gaia": "distance",
    "hsc": "Distance",
    "galex": "distance_arcmin",
    "panstarrs": "distance",
}


@pytest.mark.parametrize(("arguments", "position"), CONES, ids=str)
def test_every_catalog_can_be_searched_around_a_position(
    mast_sandbox: Sandbox, arguments: dict[str, Any], position: tuple[str, str]
) -> None:
    """The separation is that of the positions, in the unit of the column."""
    table = Catalogs.query_region(M51, **arguments)
    assert len(table) > 0
    assert all(isinstance(column, MaskedColumn) for column in table.itercols())
    places = SkyCoord(table[position[0]], table[position[1]], unit="deg")
    separations = table[SEPARATIONS[arguments["catalog"].lower()]]
    np.testing.assert_allclose(separations.quantity.to_value(u.arcsec), places.separation(M51).arcsec, atol=0.5)
    assert separations.quantity.max() <= arguments["radius"] * u.deg


PLACED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    *(({**arguments, "radius": 0.5}, names) for arguments, names in CONES),
    ({"catalog": "panstarrs", "table": "stack"}, ("raStack", "decStack")),
    ({"catalog": "panstarrs", "table": "forced_mean"}, ("raMean", "decMean")),
    ({"catalog": "panstarrs", "table": "detection", "radius": 0.02}, ("ra", "dec")),
    ({"catalog": "panstarrs", "data_release": "dr1"}, ("raMean", "decMean")),
    ({"catalog": "Gaia", "version": 2}, ("ra", "dec")),
    ({"catalog": "Tgas"}, ("ra", "dec")),
    ({"catalog": "PLATO"}, ("RAdeg", "DECdeg")),
    ({"catalog": "DiskDetective"}, ("ra", "dec")),
]


@pytest.mark.parametrize(("arguments", "names"), PLACED, ids=str)
def test_positions_of_every_catalog_have_units(
    mast_sandbox: Sandbox, arguments: dict[str, Any], names: tuple[str, str]
) -> None:
    """`SkyCoord` accepts the columns as they are; magnitudes, parallaxes and proper motions have units."""
    center, radius = (M101, 2) if arguments["catalog"] == "Tgas" else (M51, 0.3)
    table = Catalogs.query_region(center, **{"radius": radius, **arguments})
    places = SkyCoord(table[names[0]], table[names[1]])
    assert len(places) > 0
    assert bool((places.separation(center) < 2 * u.deg).all())
    units = {"mag": u.mag, "parallax": u.mas, "plx": u.mas, "pm": u.mas / u.yr, "pmra": u.mas / u.yr, "l": u.deg}
    for column in table.itercols():
        name = column.name.lower()
        expected = units.get(name) or (u.mag if name.endswith("mag") else None)
        assert expected is None or column.dtype.kind != "f" or column.unit == expected, column.name


def test_units_stay_after_get_metadata(mast_sandbox: Sandbox) -> None:
    """MAST's list of columns, which has no units, does not remove units from results."""
    client = CatalogsClass()
    stack = {"catalog": "panstarrs", "table": "stack", "radius": 0.1}
    before = client.query_region(M51, **stack)
    client.get_metadata("panstarrs", table="stack")
    after = client.query_region(M51, **stack, columns=["raStack", "decStack", "gPSFMag"])
    for name in after.colnames[:3]:
        assert before[name].unit == after[name].unit
        assert after[name].unit is not None


def test_hubble_magnitudes_have_a_unit_in_every_filter(mast_sandbox: Sandbox) -> None:
    """Magnitudes in any camera and filter have a unit; numbers of detections have none."""
    for version in (2, 3):
        table = Catalogs.query_region(M51, catalog="HSC", radius=0.02, version=version)
        filters = [name for name in table.colnames if "_F" in name]
        assert filters
        assert {table[name].unit for name in filters if not name.endswith("_N")} == {u.mag}
        assert {table[name].unit for name in filters if name.endswith("_N")} == {None}
    detections = Catalogs.query_hsc_matchid(table[0])
    assert SkyCoord(detections["SourceRA"], detections["SourceDec"]).separation(M51).max() < 0.03 * u.deg
    assert detections["ExposureTime"].unit == u.s


@pytest.mark.parametrize(
    "catalog", ["TIC", "CTL", "Gaia", "GaiaDR1", "GaiaDR2", "Tgas", "HSC", "Galex", "SDSS", "2MASS"]
)
def test_positions_of_matches_have_units(mast_sandbox: Sandbox, catalog: str) -> None:
    """The position columns of cross-matches are in degrees for every catalog."""
    center, source, around = (M101, "Tgas", 2) if catalog == "Tgas" else (M51, "TIC", 0.1)
    given = Catalogs.query_region(center, catalog=source, radius=around)["ra", "dec"]
    table = Catalogs.crossmatch(given, catalog, radius=0.05 * u.deg, verbose=False)
    names = {name.lower(): name for name in table.colnames}
    places = SkyCoord(table[names["matchra"]], table[names["matchdec"]])
    assert len(places) > 0
    positions = SkyCoord(given["ra"], given["dec"])[table["input_row"]]
    np.testing.assert_allclose(
        places.separation(positions).arcsec, table["separation"].quantity.to_value(u.arcsec), atol=1e-3
    )


@pytest.mark.parametrize(
    ("catalog", "name", "unit"),
    [
        ("Gaia", "parallax", "mas"),
        ("GaiaDR2", "radius_val", "solRad"),
        ("HSC", "MatchRA", "deg"),
        ("Galex", "nuv_flux", "uJy"),
        ("PLATO", "Plx", "mas"),
        ("Tgas", "pmra", "mas / yr"),
    ],
)
def test_metadata_of_a_catalog_without_a_list_at_mast(
    mast_sandbox: Sandbox, catalog: str, name: str, unit: str
) -> None:
    """Columns and units are listed even if MAST has no list for the catalog."""
    columns = Catalogs.get_metadata(catalog)
    assert columns["Units"][columns["Column Name"] == name].tolist() == [unit]
    answer = Catalogs.query_region(M101 if catalog == "Tgas" else M51, catalog=catalog, radius=2)
    known = {column for column in answer.colnames if "_F" not in column and not column.lower().startswith("dist")}
    assert known <= {*columns["Column Name"], "dstArcSec"}


@pytest.mark.parametrize("catalog", ["TIC", "HSC", "panstarrs"])
def test_query_object_and_query_region_return_the_same(mast_sandbox: Sandbox, catalog: str) -> None:
    """A query by name returns the rows around the position of the object."""
    by_name = Catalogs.query_object("M51", catalog=catalog, radius="1 arcmin")
    by_place = Catalogs.query_region("M51", catalog=catalog, radius=1 * u.arcmin)
    assert by_name.colnames == by_place.colnames
    assert by_name[by_name.colnames[0]].tolist() == by_place[by_place.colnames[0]].tolist()


@pytest.mark.parametrize(
    ("catalog", "criteria"),
    [
        ("TIC", {"Tmag": "<12"}),
        ("TIC", {"Tmag": (None, 12), "objType": "STAR"}),
        ("tic", {"Teff": [3000 * u.K, 5000 * u.K], "logg": ">=4", "coordinates": M51, "radius": 1}),
        ("Tic", {"TWOMASS": "13*", "coordinates": M51, "radius": 1}),
        ("ctl", {"Tmag": [0, 14]}),
        ("CTL", {"Tmag": ("lt", 14), "coordinates": M51, "radius": 2}),
        ("DiskDetective", {"state": ["inactive", "disabled", "active"], "oval": [0, 50]}),
        ("diskdetective", {"STATE": "complete", "object_name": "M51", "radius": 20}),
    ],
    ids=str,
)
def test_a_count_is_the_number_of_rows(mast_sandbox: Sandbox, catalog: str, criteria: dict[str, Any]) -> None:
    """The count is the number of rows of the same query."""
    table = Catalogs.query_criteria(catalog, **criteria)
    assert Catalogs.query_criteria_count(catalog, **criteria) == len(table) > 0


@pytest.mark.parametrize("catalog", ["TIC", "ctl", "DiskDetective"])
def test_counts_around_positions_and_objects(mast_sandbox: Sandbox, catalog: str) -> None:
    """The count is the number of rows of the region, also for many positions, and no rows are requested."""
    radius = 5 * u.deg if catalog == "DiskDetective" else 0.3
    rows = len(Catalogs.query_region(M51, catalog=catalog, radius=radius))
    mast_sandbox.requests.clear()
    assert Catalogs.query_region_count(M51, catalog=catalog, radius=radius) == rows > 0
    assert Catalogs.query_object_count("M51", catalog=catalog, radius=radius) == rows
    both = Catalogs.query_region_count(SkyCoord([M51, M101]), catalog=catalog, radius=radius)
    assert both["count"][0] == rows
    sent = [request.mashup for request in mast_sandbox.requests.of("invoke") if "Catalogs" in str(request.mashup)]
    assert len(sent) == 4
    assert all("COUNT" in str(request).upper() for request in sent)


def test_a_catalog_that_cannot_be_counted_raises(mast_sandbox: Sandbox) -> None:
    """Nothing is sent for a catalog that MAST cannot count."""
    for ask in (Catalogs.query_region_count, Catalogs.query_object_count):
        with pytest.raises(InvalidQueryError, match="Count not available for Galex"):
            ask("M51", catalog="Galex")
    assert len(mast_sandbox.requests) == 0


def test_criteria_are_met(mast_sandbox: Sandbox) -> None:
    """The result has exactly the rows that meet all criteria."""
    everything = Catalogs.query_region(M51, catalog="TIC", radius=0.5)
    kept = Catalogs.query_criteria("TIC", coordinates=M51, radius=0.5, Tmag=[10, 14], objType="STAR")
    wanted = (everything["Tmag"] >= 10) & (everything["Tmag"] <= 14) & (everything["objType"] == "STAR")
    assert set(kept["ID"]) == set(everything["ID"][np.ma.filled(wanted, False)])
    end = float(kept["Tmag"].min())
    without = Catalogs.query_criteria("TIC", coordinates=M51, radius=0.5, Tmag=[("gt", end), ("lte", 14)])
    assert without["Tmag"].min() > end
    assert not set(kept["ID"][kept["Tmag"] == end]) & set(without["ID"])


@pytest.mark.parametrize("form", [list, np.array, tuple, set, lambda ids: Table({"ID": ids})["ID"]], ids=str)
def test_stars_are_selected_by_identifier(mast_sandbox: Sandbox, form: Any) -> None:
    """Identifiers may be numbers or text, in any kind of list of any length."""
    stars = Catalogs.query_region(M51, catalog="TIC", radius=0.5)
    for ids in (stars["ID"].tolist(), [int(number) for number in stars["ID"]]):
        found = Catalogs.query_criteria(catalog="Tic", ID=form(ids))
        assert sorted(found["ID"]) == sorted(stars["ID"])
    one = Catalogs.query_criteria(catalog="Tic", ID=int(stars["ID"][0]), columns=["ID", "Tmag"])
    assert (one["ID"].tolist(), one.colnames) == ([stars["ID"][0]], ["ID", "Tmag"])


@pytest.mark.parametrize(
    ("criteria", "instead"),
    [
        ({"ID": "TIC 261136679"}, ": write ID=261136679."),
        ({"id": "TIC261136679"}, ": write id=261136679."),
        ({"ID": ["1", "TIC 2 "]}, ": write ID=2."),
        ({"GAIA": b"Gaia DR2 4623036865373793408"}, ": write GAIA=4623036865373793408."),
        ({"ID": "pi Men"}, "got 'pi Men'."),
        ({"ID": "261136679.5"}, "got '261136679.5'."),
    ],
    ids=str,
)
def test_a_name_instead_of_an_identifier_raises_with_a_suggestion(
    mast_sandbox: Sandbox, criteria: dict[str, Any], instead: str
) -> None:
    """The error suggests the number, and nothing is sent; numbers in any form and patterns are valid."""
    for method in (Catalogs.query_criteria, Catalogs.query_criteria_count):
        with pytest.raises(InvalidQueryError) as caught:
            method("TIC", **criteria)
        assert "is an integer column, got" in str(caught.value)
        assert str(caught.value).endswith(instead)
    assert len(mast_sandbox.requests.of("invoke")) == 0
    for good in (" 261136679", 261136679, np.int64(261136679), "26113667*"):
        assert len(Catalogs.query_criteria("TIC", ID=good)) > 0


def test_a_number_instead_of_a_name_raises_with_a_suggestion(mast_sandbox: Sandbox) -> None:
    """For text and numbers, the error suggests the name that the resolver knows."""
    for client in (Catalogs, Observations):
        for number in (261136679, "261136679"):
            for method in (client.query_object, client.resolve_object):
                with pytest.raises(
                    (InvalidQueryError, ResolverError), match=r"For a star of the TIC: 'TIC 261136679'\.$"
                ):
                    method(number)
        with pytest.raises(InvalidQueryError, match=r"must be strings, got 261136679\. For a star of the TIC"):
            client.query_object([261136679, 5])
    with pytest.raises(ResolverError, match=r"to a sky position\.$"):
        Catalogs.resolve_object("no such thing")


def test_pages_make_up_the_complete_result(mast_sandbox: Sandbox) -> None:
    """Many small pages give the same table as one, and a single page is a part of it."""
    whole = Catalogs.query_region(M51, catalog="TIC", radius=0.1)
    paged = Catalogs.query_region(M51, catalog="TIC", radius=0.1, pagesize=7)
    assert paged["ID"].tolist() == whole["ID"].tolist()
    page = Catalogs.query_region(M51, catalog="TIC", radius=0.1, pagesize=7, page=2)
    assert page["ID"].tolist() == whole["ID"][7:14].tolist()


def test_row_limits_warn(mast_sandbox: Sandbox) -> None:
    """A warning is issued only if MAST cuts off rows (B37)."""
    with pytest.warns(MaxResultsWarning, match="nr=5"):
        assert len(Catalogs.query_region(M51, magtype=2, nr=5)) == 5
    with pytest.warns(MaxResultsWarning, match="maxrecords=4"):
        assert len(Catalogs.query_region(M51, catalog="Galex", maxrecords=4)) == 4
    assert len(Catalogs.query_region(M51, catalog="TIC", pagesize=5)) > 5


def test_local_and_remote_sorting_agree(mast_sandbox: Sandbox) -> None:
    """Rows are in the requested order, whether or not the service can sort."""
    near = {"coordinates": M51, "radius": 0.1}
    stars = Catalogs.query_criteria("TIC", Tmag=">0", sort_by="desc.Tmag", columns="ID", **near)
    assert stars.colnames == ["ID"]
    objects = Catalogs.query_criteria(
        "panstarrs", nDetections=">0", sort_by=("desc", "distance"), columns=["objID", "distance"], **near
    )
    assert objects.colnames == ["objID", "distance"]
    assert (np.diff(objects["distance"]) <= 0).all()
    magnitudes = Catalogs.query_region(M51, catalog="TIC", radius=0.1, sort_by="Tmag")["Tmag"]
    assert (np.diff(magnitudes) >= 0).all()


# -- Pan-STARRS ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criteria", "met"),
    [
        ({"nDetections": [("gte", 60)]}, lambda t: t["nDetections"] >= 60),
        ({"nDetections": "40..70"}, lambda t: (t["nDetections"] >= 40) & (t["nDetections"] <= 70)),
        ({"gMeanPSFMag": [15, 20]}, lambda t: (t["gMeanPSFMag"] >= 15) & (t["gMeanPSFMag"] <= 20)),
        ({"gMeanPSFMag": (None, 17 * u.mag)}, lambda t: t["gMeanPSFMag"] <= 17),
        ({"objName": "PSO J202.4*"}, lambda t: np.char.startswith(t["objName"].data.data, "PSO J202.4")),
        ({"ng": "!10"}, lambda t: t["ng"] != 10),
    ],
    ids=str,
)
def test_criteria_of_pan_starrs_are_met(mast_sandbox: Sandbox, criteria: dict[str, Any], met: Any) -> None:
    """Exactly those rows are returned that meet the criterion."""
    whole = Catalogs.query_region(M51, catalog="panstarrs", radius=0.1)
    kept = Catalogs.query_region(M51, catalog="Panstarrs", radius=0.1, **criteria)
    assert sorted(kept["objID"]) == sorted(whole["objID"][np.asarray(met(whole))])
    assert 0 < len(kept) < len(whole)


def test_pan_starrs_comes_whole(mast_sandbox: Sandbox) -> None:
    """Pages are fetched until the last one, and identifiers keep all their digits."""
    whole = Catalogs.query_region(M51, catalog="panstarrs", radius=0.1)
    with conf.set_temp("pagesize", 25):
        paged = Catalogs.query_region(M51, catalog="panstarrs", radius=0.1)
    assert paged["objID"].tolist() == whole["objID"].tolist()
    assert (whole["objID"].dtype, whole["gMeanPSFMag"].unit) == (np.int64, u.mag)
    one = Catalogs.query_criteria("panstarrs", objID=int(whole["objID"][0]))
    assert one["objID"].tolist() == [whole["objID"][0]]
    with pytest.warns(MaxResultsWarning, match="pagesize=15"):
        assert len(Catalogs.query_region(M51, catalog="panstarrs", radius=0.1, pagesize=15)) == 15


def test_tables_of_pan_starrs_have_their_own_columns(mast_sandbox: Sandbox) -> None:
    """Columns of a table that the package does not know are those that the archive lists."""
    columns = Catalogs.get_metadata("panstarrs", table="detection")["Column Name"].tolist()
    assert "objID" in columns
    table = Catalogs.query_region(M51, catalog="panstarrs", table="detection", radius=0.01)
    assert set(table.colnames) <= {*columns, "distance"}
    with pytest.raises(InvalidQueryError, match="does not exist"):
        Catalogs.query_region(M51, catalog="panstarrs", table="detection", nDetections=">2")


def test_the_error_includes_the_message_of_the_server(mast_sandbox: Sandbox) -> None:
    """A query that Catalogs.MAST rejects raises an error with its message (B40)."""
    with pytest.raises(InvalidQueryError, match=r"radius must be between 0 and 0\.5"):
        Catalogs.query_region(M51, catalog="panstarrs", radius=5)


@pytest.mark.parametrize(
    ("name", "hint"), [("Nonsense", "Available: HSC, Galex, Gaia, "), ("gaiaa", r"Did you mean 'Gaia'")]
)
def test_an_unknown_catalog_raises_with_a_suggestion(mast_sandbox: Sandbox, name: str, hint: str) -> None:
    """The error includes MAST's message and a list of catalogs."""
    with pytest.raises(InvalidQueryError, match=rf"Unknown service 'Mast\.Catalogs\.{name}\.Cone'\. {hint}"):
        Catalogs.query_region(M51, catalog=name)
    with pytest.raises(InvalidQueryError, match=rf"no column list named Mast\.Catalogs\.{name}\.Cone\. {hint}"):
        Catalogs.get_metadata(name)


# -- the Hubble Source Catalog -------------------------------------------------------------------------------------


def test_detections_of_an_object(mast_sandbox: Sandbox) -> None:
    """A row of the catalog is enough to retrieve its detections."""
    row = Catalogs.query_region(M51, radius=0.02)[0]
    detections = Catalogs.query_hsc_matchid(row)
    assert set(map(str, detections["MatchID"])) == {str(row["MatchID"])}
    assert len(detections) >= row["NumImages"]


def test_spectra_are_listed_and_downloaded(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Spectra of both types are downloaded, and a second call sends no request."""
    spectra = Catalogs.get_hsc_spectra()
    chosen = [spectra[spectra["SpectrumType"] < 2][0], spectra[spectra["SpectrumType"] >= 2][0]]
    manifest = Catalogs.download_hsc_spectra(chosen, download_dir=tmp_path, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    for path, row in zip(manifest["Local Path"], chosen, strict=True):
        assert path == str(tmp_path / "mastDownload" / "HSC" / f"{row['DatasetName']}.fits")
        with fits.open(path) as opened:
            opened.verify("exception")
    mast_sandbox.requests.clear()
    Catalogs.download_hsc_spectra(chosen, download_dir=tmp_path, verbose=False)
    assert len(mast_sandbox.requests) == 0


def test_a_script_of_spectra(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The script from MAST contains every spectrum."""
    spectra = Catalogs.get_hsc_spectra()[:3]
    manifest = Catalogs.download_hsc_spectra(spectra, download_dir=tmp_path, curl_flag=True, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"] * 3
    script = Path(manifest["Local Path"][0]).read_text()
    assert script.startswith("#!")
    assert all(f"{name}.fits" in script for name in spectra["DatasetName"])


# -- failures and threads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.executing(), Fault.status(503), Fault.garbage()], ids=str)
def test_transient_failures_are_retried(mast_sandbox: Sandbox, fault: Fault) -> None:
    """A query succeeds after an unfinished, failed or malformed response."""
    expected = Catalogs.query_region(M51, catalog="TIC", radius=0.05)["ID"].tolist()
    mast_sandbox.faults.add("invoke", fault)
    assert Catalogs.query_region(M51, catalog="TIC", radius=0.05)["ID"].tolist() == expected


def test_concurrent_queries_return_the_same(mast_sandbox: Sandbox) -> None:
    """Different queries through one client in many threads return the same as one after the other (B37, B39)."""
    client = CatalogsClass()
    queries = [
        {"catalog": "TIC", "radius": 0.1, "pagesize": 20},
        {"catalog": "HSC", "radius": 0.01},
        {"catalog": "Gaia", "radius": 0.05},
        {"catalog": "panstarrs", "radius": 0.02, "columns": ["objID"]},
    ] * 4

    def ask(query: dict[str, Any]) -> list[Any]:
        table = client.query_region(M51, **query)
        return [*table.colnames, *map(str, table[0])]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, queries)) == [ask(query) for query in queries]
