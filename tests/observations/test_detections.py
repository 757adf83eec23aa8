"""Sources at many positions, out of the catalogs of the observations there: all of them, each catalog read once."""

from __future__ import annotations

import doctest
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, unique

from astroquery_mast import Observations, ObservationsClass
from astroquery_mast.exceptions import (
    AuthenticationWarning,
    DownloadError,
    InputWarning,
    InvalidQueryError,
    NoResultsWarning,
    RemoteServiceError,
    TimeoutError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

PROGRAM = "1783"
# Where nothing was ever observed.
NOWHERE = SkyCoord(10.0, -45.0, unit="deg")


@pytest.fixture
def catalogs(mast_sandbox: Sandbox) -> dict[str, Table]:
    """The catalogs of a public program, one by one."""
    observations = Observations.query_criteria(obs_collection="JWST", proposal_id=PROGRAM, calib_level=3)
    products = unique(Observations.get_product_list(observations), keys="dataURI")
    uris = [str(uri) for uri in products["dataURI"] if uri.endswith("_cat.ecsv")]
    return {uri: Observations.read_product(uri) for uri in uris}


@pytest.fixture
def stars(catalogs: dict[str, Table]) -> SkyCoord:
    """Some sources of one of them."""
    centers = next(iter(catalogs.values()))["sky_centroid"][:12]
    return SkyCoord(centers.ra, centers.dec)


def detections(positions: Any, **options: Any) -> Table:
    """The sources at positions, in that program unless another place is named."""
    scope = {} if "obs_collection" in options else {"proposal_id": PROGRAM}
    return Observations.crossmatch_detections(positions, verbose=False, **(scope | options))


def downloads(archive: Sandbox) -> Counter[str]:
    """How often each file was asked for."""
    return Counter(str(record.value("uri")) for record in archive.requests.of("download"))


def test_matches_are_those_of_all_catalogs_read_one_by_one(catalogs: dict[str, Table], stars: SkyCoord) -> None:
    """Each source of each catalog within the radius is there, with its row, catalog and separation."""
    found = detections(stars, radius=2 * u.arcsec)
    expected = set()
    for uri, table in catalogs.items():
        near = stars[:, None].separation(table["sky_centroid"][None, :]) <= 2 * u.arcsec
        expected |= {(int(row), uri, int(table["label"][place])) for row, place in zip(*np.nonzero(near), strict=True)}
    assert len(expected) > len(stars)
    assert set(zip(*(found[name].tolist() for name in ("input_row", "dataURI", "label")), strict=True)) == expected
    there = SkyCoord(found["sky_centroid.ra"], found["sky_centroid.dec"])
    assert stars[found["input_row"]].separation(there).arcsec == pytest.approx(found["separation"], abs=1e-6)
    assert found["aper_total_flux"].unit == u.Jy
    assert found["input_row"].tolist() == sorted(found["input_row"].tolist())


def test_the_best_is_the_nearest_in_any_catalog(stars: SkyCoord) -> None:
    """There is one row for each position, and it is the first of all."""
    every, best = detections(stars), detections(stars, best=True)
    assert best["input_row"].tolist() == list(range(len(stars)))
    for row in best:
        same = every["separation"][every["input_row"] == row["input_row"]]
        assert row["separation"] == same.min()


def test_each_catalog_is_read_once_however_many_positions_it_covers(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Twelve stars, and each of them twice, cost no more than one."""
    mast_sandbox.requests.clear()
    found = detections(np.concatenate([stars, stars]))
    assert set(downloads(mast_sandbox).values()) == {1}
    assert set(downloads(mast_sandbox)) == set(found.meta["catalogs"])


def test_what_nothing_covers_is_told_apart_from_what_has_no_source(stars: SkyCoord) -> None:
    """A position without an observation, and one where nothing was detected, are in two lists."""
    empty = stars[0].directional_offset_by(0 * u.deg, 0.7 * u.arcsec)
    positions = SkyCoord([NOWHERE, empty, stars[0]])
    found = detections(positions, radius=0.05 * u.arcsec)
    assert (found.meta["outside"], found.meta["unmatched"], found.meta["nocat"]) == ([0], [1], [])
    assert set(found["input_row"].tolist()) == {2}


def test_nothing_found_is_one_warning_that_says_why(stars: SkyCoord) -> None:
    """It is not the same whether nobody looked there, or nothing was seen."""
    empty = stars[:1].directional_offset_by(0 * u.deg, 0.7 * u.arcsec)
    for positions, reason in ((NOWHERE.reshape(1), "without an observation: 1;"), (empty, "the radius: 1;")):
        with pytest.warns(NoResultsWarning, match=reason) as told:
            found = detections(positions, radius=0.02 * u.arcsec)
        assert (len(told), len(found)) == (1, 0)
        assert {"input_row", "separation", "obs_id", "dataURI"} <= set(found.colnames)


@pytest.mark.parametrize(
    ("scope", "advice"),
    [({"obs_collection": "JWTS"}, "JWST"), ({"obs_collection": "jwst", "filters": "F201W"}, "F200W")],
)
def test_a_misspelled_criterion_is_told_from_an_empty_sky(stars: SkyCoord, scope: dict[str, str], advice: str) -> None:
    """What no observation has is named, with what comes near."""
    with pytest.warns(NoResultsWarning, match=advice):
        detections(stars, **scope)


def test_an_answer_without_the_column_of_observations_is_an_error_of_the_archive(
    mast_sandbox: Sandbox, stars: SkyCoord
) -> None:
    """It is no error of Python."""

    def shorten(answer: dict[str, Any]) -> dict[str, Any]:
        rows = [{name: value for name, value in row.items() if name != "obsid"} for row in answer["data"]]
        return {**answer, "fields": [each for each in answer["fields"] if each["name"] != "obsid"], "data": rows}

    mast_sandbox.faults.add("invoke", Fault.edit(shorten), times=None)
    with pytest.raises(RemoteServiceError):
        detections(stars)


def test_the_example_of_the_method_runs(mast_sandbox: Sandbox) -> None:
    """It prints what it says."""
    (example,) = doctest.DocTestFinder().find(ObservationsClass.crossmatch_detections, "crossmatch_detections")
    said: list[str] = []
    failed, tried = doctest.DocTestRunner().run(example, out=said.append)
    assert tried > 0
    assert not failed, "".join(said)


def test_positions_that_are_none_are_told_and_do_not_shift_the_others(stars: SkyCoord) -> None:
    """A masked position fails by itself, with the number that it has in the input."""
    table = Table({"ra": np.ma.masked_invalid([np.nan, stars.ra.deg[0]]), "dec": [1.0, stars.dec.deg[0]]})
    with pytest.warns(InputWarning, match="row 0"):
        found = detections(table)
    assert set(found["input_row"].tolist()) == {1}
    assert [line.split(":")[0] for line in found.meta["failed"]] == ["row 0"]


def test_exclusive_catalogs_are_skipped_with_one_warning(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """They are not even asked for; the others are read all the same."""
    mast_sandbox.requests.clear()
    with pytest.warns(AuthenticationWarning, match="exclusive") as told:
        found = detections(stars, obs_collection="JWST")
    assert len(told) == 1
    skipped = [line.rpartition(": exclusive")[0] for line in found.meta["skipped"]]
    assert skipped
    assert not set(skipped) & set(downloads(mast_sandbox))


def test_exclusive_catalogs_are_read_after_login(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Whoever has access gets all of them."""
    client = ObservationsClass()
    client.login(mast_sandbox.token)
    found = client.crossmatch_detections(stars, verbose=False)
    assert found.meta["skipped"] == []
    assert any("jw03435" in uri for uri in found.meta["catalogs"])


def test_positions_with_exclusive_catalogs_only_are_listed(mast_sandbox: Sandbox) -> None:
    """They are covered, and nobody can say whether there is a source."""
    observations = Observations.query_criteria(obs_collection="JWST", calib_level=3, dataRights="EXCLUSIVE_ACCESS")
    image = observations[observations["dataproduct_type"] == "image"][0]
    place = SkyCoord(image["s_ra"], image["s_dec"], unit="deg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = detections(place.reshape(1), obs_collection="JWST", proposal_id=str(image["proposal_id"]))
    assert (found.meta["nocat"], found.meta["unmatched"], found.meta["outside"]) == ([0], [], [])


def test_a_damaged_catalog_costs_itself_only(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """One warning says which it is; the sources of the others are there."""
    whole = detections(stars)
    damaged = whole.meta["catalogs"][0]

    def concerned(record: RequestRecord) -> bool:
        return record.value("uri") == damaged

    mast_sandbox.faults.add(
        "download", Fault.answer(b"no catalog", content_type="text/plain"), times=None, where=concerned
    )
    with pytest.warns(InputWarning, match="1 of 14 catalogs") as told:
        found = detections(stars)
    assert len(told) == 1
    assert len(found) == int((whole["dataURI"] != damaged).sum())
    assert found.meta["skipped"][0].startswith(damaged)


def test_it_is_an_error_if_no_catalog_can_be_read(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """An archive that is down is not one without sources."""
    mast_sandbox.faults.add("download", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        detections(stars)


def test_the_call_ends_when_its_time_is_over(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A server that answers late does not hold it."""
    mast_sandbox.faults.add("download", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError):
        detections(stars, timeout=1.5)


def test_a_dry_run_reads_nothing(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """It says which files, how many bytes, and how many of the positions each covers."""
    mast_sandbox.requests.clear()
    plan = detections(stars, dry_run=True)
    assert not downloads(mast_sandbox)
    assert set(plan["dataURI"].tolist()) == set(detections(stars).meta["catalogs"])
    assert plan.meta["total_bytes"] == plan["size"].sum() > 0
    assert plan["positions"].max() == len(stars)
    nothing = detections(NOWHERE.reshape(1), dry_run=True)
    assert (len(nothing), nothing.colnames, nothing.meta["outside"]) == (0, plan.colnames, [0])


def test_a_large_catalog_is_not_read_unless_wanted(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """The limit is the user's."""
    plan = detections(stars, dry_run=True, max_size=1000)
    assert set(plan["action"].tolist()) == {"skip"}
    assert plan.meta["total_bytes"] == 0


def test_files_in_a_folder_are_not_fetched_again(mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path) -> None:
    """The second call finds them, and gives the same."""
    first = detections(stars, download_dir=tmp_path)
    assert {path.name for path in tmp_path.rglob("*_cat.ecsv")} == {
        uri.rpartition("/")[2] for uri in first.meta["catalogs"]
    }
    mast_sandbox.requests.clear()
    again = detections(stars, download_dir=tmp_path)
    assert not downloads(mast_sandbox)
    assert again["dataURI", "label"].as_array().tolist() == first["dataURI", "label"].as_array().tolist()


def test_a_file_that_does_not_come_into_the_folder_is_told(
    mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path
) -> None:
    """It is the same as without a folder: one warning, and the others are there."""
    damaged = detections(stars).meta["catalogs"][0]
    gone = Fault.status(404)
    mast_sandbox.faults.add("download", gone, times=None, where=lambda record: record.value("uri") == damaged)
    with pytest.warns(InputWarning, match="not read"):
        found = detections(stars, download_dir=tmp_path)
    assert found.meta["skipped"][0].startswith(damaged)
    assert len(found)


def test_it_is_an_error_if_no_catalog_comes_into_the_folder(stars: SkyCoord, tmp_path: Path) -> None:
    """A folder that cannot be made does not mean that there are no sources."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DownloadError, match="taken"):
        detections(stars, download_dir=tmp_path / "taken")


def test_it_is_an_error_if_the_archive_gives_no_catalog_to_the_folder(
    mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path
) -> None:
    """The files that failed are in the manifest of the error."""
    mast_sandbox.faults.add("download", Fault.status(404), times=None)
    with pytest.raises(DownloadError, match="None of 14 catalogs") as raised:
        detections(stars, download_dir=tmp_path)
    assert set(raised.value.manifest["Status"].tolist()) == {"ERROR"}


def test_catalogs_of_hubble_are_joined_with_their_own_columns(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Points and segments share some columns; what one does not have is masked there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AuthenticationWarning)
        found = detections(stars, obs_collection=["HST", "JWST"])
    points = np.array(["point-cat" in uri for uri in found["dataURI"]])
    segments = np.array(["segment-cat" in uri for uri in found["dataURI"]])
    assert points.any()
    assert segments.any()
    assert not found["MagAp1"].mask[points | segments].any()
    assert found["Area"].mask[points].all()
    assert not found["Area"].mask[segments].any()
    assert found["label"].mask[points | segments].all()
    assert set(found["obs_collection"].tolist()) == {"HST", "JWST"}


def test_catalogs_of_collections_are_found_by_their_names(mast_sandbox: Sandbox) -> None:
    """Contributed catalogs are called science products by the archive."""
    observations = Observations.query_criteria(obs_collection="HLSP", dataproduct_type="image")
    products = Observations.get_product_list(observations)
    uri = next(str(uri) for uri in products["dataURI"] if uri.endswith("_cat.ecsv"))
    table = Observations.read_product(uri)
    mine = SkyCoord(table["ra"][:3], table["dec"][:3], unit="deg")
    found = detections(mine, obs_collection="HLSP", radius=0.01 * u.arcsec)
    assert found["id"][found["dataURI"] == uri].tolist() == [1, 2, 3]


def test_the_hubble_source_catalog_is_matched_by_the_archive(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Its sources have no observation and no file, and what matches is within the radius."""
    found = detections(stars, obs_collection="HSC", radius=3 * u.arcsec)
    assert len(found)
    assert found["dataURI"].mask.all()
    assert found["obs_id"].mask.all()
    assert found["separation"].max() <= 3.02
    assert "MatchID" in found.colnames
    assert found.meta["outside"] == []


@pytest.mark.parametrize(("ending", "options"), [("ecsv", {"format": "ascii.ecsv"}), ("fits", {"format": "fits"})])
def test_the_table_can_be_written(stars: SkyCoord, tmp_path: Path, ending: str, options: dict[str, Any]) -> None:
    """Matches of several catalogs make one plain table."""
    found = detections(stars)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FITS has no place for lists
        found.write(tmp_path / f"found.{ending}", **options)
        assert len(Table.read(tmp_path / f"found.{ending}", **options)) == len(found)


@pytest.mark.parametrize(
    ("positions", "options"),
    [
        (NOWHERE.reshape(1), {"radius": "far"}),
        (NOWHERE.reshape(1), {"radius": -1}),
        (NOWHERE.reshape(1), {"max_size": 0}),
        (NOWHERE.reshape(1), {"obs_collection": []}),
        (NOWHERE.reshape(1), {"obs_collection": 7}),
        (NOWHERE.reshape(1), {"no_such_column": 1}),
        (NOWHERE.reshape(1), {"max_workers": 0}),
        (Table({"x": [1.0]}), {}),
        ([], {}),
    ],
)
def test_what_makes_no_sense_is_refused(mast_sandbox: Sandbox, positions: Any, options: dict[str, Any]) -> None:
    """No file is asked for then."""
    with pytest.raises(InvalidQueryError):
        detections(positions, **options)
    assert not downloads(mast_sandbox)
