"""`crossmatch_detections`: sources at many positions, from the source catalogs of the observations there."""

from __future__ import annotations

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
# A position without observations.
NOWHERE = SkyCoord(10.0, -45.0, unit="deg")


@pytest.fixture
def catalogs(mast_sandbox: Sandbox) -> dict[str, Table]:
    """Return the catalogs of a public program, read one by one."""
    observations = Observations.query_criteria(obs_collection="JWST", proposal_id=PROGRAM, calib_level=3)
    products = unique(Observations.get_product_list(observations), keys="dataURI")
    uris = [str(uri) for uri in products["dataURI"] if uri.endswith("_cat.ecsv")]
    return {uri: Observations.read_product(uri) for uri in uris}


@pytest.fixture
def stars(catalogs: dict[str, Table]) -> SkyCoord:
    """Return the positions of some sources in one of the catalogs."""
    centers = next(iter(catalogs.values()))["sky_centroid"][:12]
    return SkyCoord(centers.ra, centers.dec)


def detections(positions: Any, **options: Any) -> Table:
    """Return the sources at positions, from that program unless ``obs_collection`` is given."""
    scope = {} if "obs_collection" in options else {"proposal_id": PROGRAM}
    return Observations.crossmatch_detections(positions, verbose=False, **(scope | options))


def downloads(archive: Sandbox) -> Counter[str]:
    """Return how often each file was requested."""
    return Counter(str(record.value("uri")) for record in archive.requests.of("download"))


def test_matches_are_those_of_all_catalogs_read_one_by_one(catalogs: dict[str, Table], stars: SkyCoord) -> None:
    """Each source within the radius in any catalog is returned, with its input row, catalog and separation."""
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
    """``best=True`` returns one row per position: the nearest source in any catalog."""
    every, best = detections(stars), detections(stars, best=True)
    assert best["input_row"].tolist() == list(range(len(stars)))
    for row in best:
        same = every["separation"][every["input_row"] == row["input_row"]]
        assert row["separation"] == same.min()


def test_each_catalog_is_read_once_however_many_positions_it_covers(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Each catalog is downloaded once, even if it covers many positions."""
    mast_sandbox.requests.clear()
    found = detections(np.concatenate([stars, stars]))
    assert set(downloads(mast_sandbox).values()) == {1}
    assert set(downloads(mast_sandbox)) == set(found.meta["catalogs"])


def test_uncovered_positions_are_distinguished_from_empty_ones(stars: SkyCoord) -> None:
    """Positions without an observation and positions without a source are listed separately in ``meta``."""
    empty = stars[0].directional_offset_by(0 * u.deg, 0.7 * u.arcsec)
    positions = SkyCoord([NOWHERE, empty, stars[0]])
    found = detections(positions, radius=0.05 * u.arcsec)
    assert (found.meta["outside"], found.meta["unmatched"], found.meta["nocat"]) == ([0], [1], [])
    assert set(found["input_row"].tolist()) == {2}


def test_an_empty_result_issues_one_warning_with_the_reason(stars: SkyCoord) -> None:
    """A result without sources issues one warning, which says whether the positions were observed."""
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
def test_a_misspelled_criterion_is_named_in_the_warning(stars: SkyCoord, scope: dict[str, str], advice: str) -> None:
    """The warning suggests a valid value if no observation has the given one."""
    with pytest.warns(NoResultsWarning, match=advice):
        detections(stars, **scope)


def test_a_response_without_obsid_raises_remote_service_error(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A response without ``obsid`` raises RemoteServiceError."""

    def shorten(answer: dict[str, Any]) -> dict[str, Any]:
        rows = [{name: value for name, value in row.items() if name != "obsid"} for row in answer["data"]]
        return {**answer, "fields": [each for each in answer["fields"] if each["name"] != "obsid"], "data": rows}

    mast_sandbox.faults.add("invoke", Fault.edit(shorten), times=None)
    with pytest.raises(RemoteServiceError):
        detections(stars)


def test_a_masked_position_fails_without_shifting_the_others(stars: SkyCoord) -> None:
    """A masked position is listed as failed, and the other positions keep their row numbers."""
    table = Table({"ra": np.ma.masked_invalid([np.nan, stars.ra.deg[0]]), "dec": [1.0, stars.dec.deg[0]]})
    with pytest.warns(InputWarning, match="row 0"):
        found = detections(table)
    assert set(found["input_row"].tolist()) == {1}
    assert [line.split(":")[0] for line in found.meta["failed"]] == ["row 0"]


def test_exclusive_catalogs_are_skipped_with_one_warning(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Exclusive catalogs are not requested, and one warning reports them."""
    mast_sandbox.requests.clear()
    with pytest.warns(AuthenticationWarning, match="exclusive") as told:
        found = detections(stars, obs_collection="JWST")
    assert len(told) == 1
    skipped = [line.rpartition(": exclusive")[0] for line in found.meta["skipped"]]
    assert skipped
    assert not set(skipped) & set(downloads(mast_sandbox))


def test_exclusive_catalogs_are_read_after_login(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A user with access gets the sources of exclusive catalogs."""
    client = ObservationsClass()
    client.login(mast_sandbox.token)
    found = client.crossmatch_detections(stars, verbose=False)
    assert found.meta["skipped"] == []
    assert any("jw03435" in uri for uri in found.meta["catalogs"])


def test_positions_with_exclusive_catalogs_only_are_listed(mast_sandbox: Sandbox) -> None:
    """Positions covered only by exclusive catalogs are listed in ``nocat``."""
    observations = Observations.query_criteria(obs_collection="JWST", calib_level=3, dataRights="EXCLUSIVE_ACCESS")
    image = observations[observations["dataproduct_type"] == "image"][0]
    place = SkyCoord(image["s_ra"], image["s_dec"], unit="deg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = detections(place.reshape(1), obs_collection="JWST", proposal_id=str(image["proposal_id"]))
    assert (found.meta["nocat"], found.meta["unmatched"], found.meta["outside"]) == ([0], [], [])


def test_a_damaged_catalog_does_not_affect_the_others(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A damaged catalog is skipped with one warning; the sources of the other catalogs are returned."""
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
    """If no catalog can be read, an error is raised instead of returning an empty table."""
    mast_sandbox.faults.add("download", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError):
        detections(stars)


def test_the_call_ends_at_its_timeout(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A slow server does not hold the call beyond its timeout."""
    mast_sandbox.faults.add("download", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError):
        detections(stars, timeout=1.5)


def test_a_dry_run_reads_nothing(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """A dry run lists the catalogs, their sizes, and the number of positions each covers, without reading them."""
    mast_sandbox.requests.clear()
    plan = detections(stars, dry_run=True)
    assert not downloads(mast_sandbox)
    assert set(plan["dataURI"].tolist()) == set(detections(stars).meta["catalogs"])
    assert plan.meta["total_bytes"] == plan["size"].sum() > 0
    assert plan["positions"].max() == len(stars)
    nothing = detections(NOWHERE.reshape(1), dry_run=True)
    assert (len(nothing), nothing.colnames, nothing.meta["outside"]) == (0, plan.colnames, [0])


def test_catalogs_larger_than_max_size_are_skipped(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Catalogs larger than ``max_size`` are skipped."""
    plan = detections(stars, dry_run=True, max_size=1000)
    assert set(plan["action"].tolist()) == {"skip"}
    assert plan.meta["total_bytes"] == 0


def test_files_in_a_folder_are_not_fetched_again(mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path) -> None:
    """A second call with ``download_dir`` reuses the files and returns the same rows."""
    first = detections(stars, download_dir=tmp_path)
    assert {path.name for path in tmp_path.rglob("*_cat.ecsv")} == {
        uri.rpartition("/")[2] for uri in first.meta["catalogs"]
    }
    mast_sandbox.requests.clear()
    again = detections(stars, download_dir=tmp_path)
    assert not downloads(mast_sandbox)
    assert again["dataURI", "label"].as_array().tolist() == first["dataURI", "label"].as_array().tolist()


def test_a_failed_download_skips_its_catalog_with_a_warning(
    mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path
) -> None:
    """With ``download_dir``, a failed download skips its catalog with a warning."""
    damaged = detections(stars).meta["catalogs"][0]
    gone = Fault.status(404)
    mast_sandbox.faults.add("download", gone, times=None, where=lambda record: record.value("uri") == damaged)
    with pytest.warns(InputWarning, match="not read"):
        found = detections(stars, download_dir=tmp_path)
    assert found.meta["skipped"][0].startswith(damaged)
    assert len(found)


def test_a_folder_that_cannot_be_created_raises_an_error(stars: SkyCoord, tmp_path: Path) -> None:
    """A folder that cannot be created raises an error instead of returning an empty table."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DownloadError, match="taken"):
        detections(stars, download_dir=tmp_path / "taken")


def test_an_error_with_the_manifest_is_raised_if_all_downloads_fail(
    mast_sandbox: Sandbox, stars: SkyCoord, tmp_path: Path
) -> None:
    """If all downloads fail, the error has a manifest of the failed files."""
    mast_sandbox.faults.add("download", Fault.status(404), times=None)
    with pytest.raises(DownloadError, match="None of 14 catalogs") as raised:
        detections(stars, download_dir=tmp_path)
    assert set(raised.value.manifest["Status"].tolist()) == {"ERROR"}


def test_columns_of_different_hubble_catalogs_are_combined(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """Point and segment catalogs share some columns; columns of only one are masked for the other."""
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


def test_contributed_catalogs_are_found_by_name(mast_sandbox: Sandbox) -> None:
    """Contributed catalogs are found by file name, because MAST lists them as science products."""
    observations = Observations.query_criteria(obs_collection="HLSP", dataproduct_type="image")
    products = Observations.get_product_list(observations)
    uri = next(str(uri) for uri in products["dataURI"] if uri.endswith("_cat.ecsv"))
    table = Observations.read_product(uri)
    mine = SkyCoord(table["ra"][:3], table["dec"][:3], unit="deg")
    found = detections(mine, obs_collection="HLSP", radius=0.01 * u.arcsec)
    assert found["id"][found["dataURI"] == uri].tolist() == [1, 2, 3]


def test_the_hubble_source_catalog_is_matched_by_mast(mast_sandbox: Sandbox, stars: SkyCoord) -> None:
    """MAST matches the Hubble Source Catalog: its rows have no observation or file, and are within the radius."""
    found = detections(stars, obs_collection="HSC", radius=3 * u.arcsec)
    assert len(found)
    assert found["dataURI"].mask.all()
    assert found["obs_id"].mask.all()
    assert found["separation"].max() <= 3.02
    assert "MatchID" in found.colnames
    assert found.meta["outside"] == []


@pytest.mark.parametrize(("ending", "options"), [("ecsv", {"format": "ascii.ecsv"}), ("fits", {"format": "fits"})])
def test_the_table_can_be_written(stars: SkyCoord, tmp_path: Path, ending: str, options: dict[str, Any]) -> None:
    """A table of matches from several catalogs can be written and read back."""
    found = detections(stars)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FITS headers cannot store lists
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
def test_invalid_arguments_are_refused(mast_sandbox: Sandbox, positions: Any, options: dict[str, Any]) -> None:
    """Invalid arguments raise an error before any file is requested."""
    with pytest.raises(InvalidQueryError):
        detections(positions, **options)
    assert not downloads(mast_sandbox)
