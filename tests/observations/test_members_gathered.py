"""`gather_association` downloads an association with all of its inputs, or raises an error."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astroquery_mast import Observations, ObservationsClass
from astroquery_mast.exceptions import DownloadError, InvalidQueryError, LoginError
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Fault, Sandbox

DRIZZLED = "j97c01010"
TABLE = f"mast:HST/product/{DRIZZLED}_asn.fits"
MOSAIC = "jw01783-o001_t006_nircam_clear-f115w"
EXPOSURES = [f"j97c01a{letter}q" for letter in "abcd"]
RAW = {f"{name}_{suffix}.fits" for name in EXPOSURES for suffix in ("raw", "spt")} | {f"{DRIZZLED}_spt.fits"}


@pytest.fixture
def box(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox of all tests, reset after each test."""
    yield mast_sandbox
    mast_sandbox.reset()


def gather(association: Any, folder: Path | None, **options: Any) -> Manifest:
    """Gather an association into a folder, quietly."""
    manifest = Observations.gather_association(association, download_dir=folder, verbose=False, **options)
    assert isinstance(manifest, Manifest)
    return manifest


def names_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder, except hidden files."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.exists() else set()


def json_of(box: Sandbox, condition: str = f"obs_id = '{MOSAIC}'") -> str:
    """Return the dataURI of a JWST association."""
    sql = f"SELECT dataURI FROM product WHERE productFilename LIKE '%_asn.json' AND {condition} ORDER BY obsID"
    return str(box.archive.query(sql)[0]["dataURI"])


def cube(box: Sandbox) -> str:
    """Return the dataURI of an association with background exposures."""
    ifu = "SELECT obsid FROM observation WHERE instrument_name = 'MIRI/IFU'"
    return json_of(box, f"obsID IN ({ifu})")


def inputs(path: Path) -> list[str]:
    """Return the file names of the members in an association on disk."""
    return [member["expname"] for product in json.loads(path.read_bytes())["products"] for member in product["members"]]


def test_an_hst_association_is_saved_with_its_raw_data(box: Sandbox, tmp_path: Path) -> None:
    """An HST association is saved unchanged with the raw data that calibration requires."""
    manifest = gather(TABLE, tmp_path)
    table = f"{DRIZZLED}_asn.fits"
    assert names_in(tmp_path) == {table} | RAW
    assert (tmp_path / table).read_bytes() == box.archive.render(TABLE)
    assert Path(manifest["Local Path"][0]) == tmp_path / table
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert len(manifest) == 1 + len(RAW)
    assert set(Observations.verify_downloads(manifest, verbose=False)["Status"]) == {"OK"}


def test_a_jwst_association_is_saved_with_its_members(box: Sandbox, tmp_path: Path) -> None:
    """Each member of a JWST association is saved under the name that the association uses."""
    uri = json_of(box)
    manifest = gather(uri, tmp_path / "new" / "folder")
    path = tmp_path / "new" / "folder" / uri.rpartition("/")[2]
    assert path.read_bytes() == box.archive.render(uri)
    assert names_in(path.parent) == {path.name, *inputs(path)}
    assert [Path(each).name for each in manifest["Local Path"]] == [path.name, *sorted(inputs(path))]
    assert manifest["dataURI"][0] == uri
    assert manifest.meta["base_dir"] == [str(path.parent)]


def test_a_cos_association_is_saved_with_its_time_tag_data(box: Sandbox, tmp_path: Path) -> None:
    """A COS association is saved with its time-tag data, without the spectra made from them."""
    cos = "SELECT obsid FROM observation WHERE instrument_name = 'COS/FUV' AND dataRights = 'PUBLIC'"
    sql = f"SELECT * FROM product WHERE productFilename LIKE '%_asn.fits' AND obsID IN ({cos}) ORDER BY obsID"
    gather(box.archive.query(sql)[0]["dataURI"], tmp_path)
    endings = sorted({name.rpartition("_")[2] for name in names_in(tmp_path)})
    assert endings == ["asn.fits", "rawtag.fits", "spt.fits"]


@pytest.mark.parametrize(
    "form",
    [
        lambda products: f"{DRIZZLED}_asn.fits",
        lambda products: f"{DRIZZLED.upper()}_asn.fits",
        lambda products: products[0],
        lambda products: products,
        lambda products: Observations.query_criteria(obs_id=DRIZZLED),
        lambda products: Observations.query_criteria(obs_id=DRIZZLED)[0],
    ],
)
def test_associations_can_be_given_in_any_form(box: Sandbox, tmp_path: Path, form: Callable[[Table], Any]) -> None:
    """A file name, a row of a product list and an observation are equivalent."""
    listed = Observations.get_product_list(Observations.query_criteria(obs_id=DRIZZLED))
    products = Observations.filter_products(listed, extension="asn.fits")
    gather(form(products), tmp_path, suffix="FLT")
    assert names_in(tmp_path) == {f"{DRIZZLED}_asn.fits", *(f"{name}_flt.fits" for name in EXPOSURES)}


def test_inputs_on_disk_are_not_downloaded_again(box: Sandbox, tmp_path: Path) -> None:
    """A second call does not download the inputs again."""
    gather(TABLE, tmp_path)
    box.requests.clear()
    manifest = gather(TABLE, tmp_path)
    assert [record.value("uri") for record in box.requests.of("download")] == [TABLE]
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_an_existing_association_is_kept_on_request(box: Sandbox, tmp_path: Path) -> None:
    """With ``overwrite="never"``, an existing association file is kept."""
    path = tmp_path / f"{DRIZZLED}_asn.fits"
    path.write_bytes(b"my own")
    manifest = gather(TABLE, tmp_path, overwrite="never")
    assert path.read_bytes() == b"my own"
    assert manifest["Message"][0] == "On disk, not overwritten."
    gather(TABLE, tmp_path)
    assert path.read_bytes() == box.archive.render(TABLE)


def test_exptypes_selects_members(box: Sandbox, tmp_path: Path) -> None:
    """With ``exptypes``, the saved association lists only the downloaded files, and the manifest counts the rest."""
    uri = cube(box)
    manifest = gather(uri, tmp_path, exptypes="science")
    path = tmp_path / uri.rpartition("/")[2]
    assert names_in(tmp_path) == {path.name, *inputs(path)}
    assert all(name.endswith("_cal.fits") for name in inputs(path))
    assert manifest["Message"][0] == "2 of 4 members are skipped."
    written = json.loads(path.read_bytes())
    archived = json.loads(box.archive.render(uri))
    assert {**written, "products": None} == {**archived, "products": None}
    gather(uri, tmp_path, exptypes=("science", "background"))
    assert path.read_bytes() == box.archive.render(uri)
    with pytest.raises(InvalidQueryError, match=r"'psf'.*'background', 'science'"):
        gather(uri, tmp_path, exptypes=["psf"])


def test_suffix_selects_other_hst_files(box: Sandbox, tmp_path: Path) -> None:
    """``suffix`` takes usual spellings, and a suffix that no exposure has raises an error."""
    gather(TABLE, tmp_path, suffix=["flc", "_trl.fits"])
    assert names_in(tmp_path) == {f"{DRIZZLED}_asn.fits", *(f"{name}_flc.fits" for name in EXPOSURES)}
    with pytest.raises(DownloadError, match="'j97c01aaq'"):
        gather(TABLE, tmp_path / "other", suffix="C0M")
    with pytest.raises(InvalidQueryError, match=r"only applies to HST associations."):
        gather(json_of(box), tmp_path / "other", suffix="uncal")
    assert names_in(tmp_path / "other") == set()


def test_a_missing_input_is_reported_before_the_download(box: Sandbox, tmp_path: Path) -> None:
    """A missing input raises an error with its name and a manifest, before the folder is created."""
    uri = json_of(box)
    lacking = f"{MOSAIC[:7]}001001_02101_00003_nrca1_cal.fits"
    box.remove(lacking)
    with pytest.raises(DownloadError, match=f"1 of its inputs not found in MAST: '{lacking}'") as caught:
        gather(uri, tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert caught.value.manifest["Status"].tolist() == ["ERROR"]
    assert [Path(each).name for each in caught.value.manifest["Local Path"]] == [lacking]
    box.remove("j97c01abq_raw.fits")
    with pytest.raises(DownloadError, match="'j97c01abq'"):
        gather(TABLE, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_association_is_not_written_if_an_input_fails(box: Sandbox, tmp_path: Path) -> None:
    """If an input fails, the association is not written; a retry and a second call complete the folder."""
    failing = f"{EXPOSURES[1]}_raw.fits"
    box.faults.add(
        "download", Fault.status(404), times=None, where=lambda record: str(record.value("uri")).endswith(failing)
    )
    with pytest.raises(DownloadError, match=f"was not written, because 1 of 9 inputs .*: '{failing}'") as caught:
        gather(TABLE, tmp_path)
    assert names_in(tmp_path) == RAW - {failing}
    box.faults.clear()
    again = Observations.retry_downloads(caught.value.manifest, verbose=False)
    assert set(again["Status"]) == {"COMPLETE"}
    gather(TABLE, tmp_path)
    assert names_in(tmp_path) == {f"{DRIZZLED}_asn.fits"} | RAW


def test_the_association_is_not_written_if_inputs_are_exclusive(box: Sandbox, tmp_path: Path) -> None:
    """If inputs are exclusive, the association is not written and the manifest gives the reason."""
    exclusive = "SELECT obsid FROM observation WHERE dataRights = 'EXCLUSIVE_ACCESS'"
    uri = json_of(box, f"obsID IN ({exclusive})")
    with pytest.raises(DownloadError, match="was not written, because") as caught:
        gather(uri, tmp_path)
    assert names_in(tmp_path) == set()
    assert all("exclusive" in message for message in caught.value.manifest["Message"])
    hst = f"SELECT dataURI FROM product WHERE productFilename LIKE '%_asn.fits' AND obsID IN ({exclusive})"
    with pytest.raises(LoginError):
        gather(str(box.archive.query(hst)[0]["dataURI"]), tmp_path)


def test_exclusive_associations_are_saved_after_login(box: Sandbox, tmp_path: Path) -> None:
    """After login, an exclusive association is saved with its inputs."""
    client = ObservationsClass()
    client.login(box.token)
    rights = "SELECT obsid FROM observation WHERE dataRights = 'EXCLUSIVE_ACCESS'"
    sql = f"SELECT * FROM product WHERE productFilename LIKE '%_asn.fits' AND obsID IN ({rights}) ORDER BY obsID"
    row = box.archive.query(sql)[0]
    members = client.get_members(row["obs_id"])
    assert set(members["exptype"]) == {"science"}
    manifest = client.gather_association(row["dataURI"], download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    raw = {f"{name}_raw.fits" for name in members["obs_id"]}
    assert raw | {row["productFilename"]} <= names_in(tmp_path)


def test_inputs_of_an_association_on_disk_are_saved_next_to_it(box: Sandbox, tmp_path: Path) -> None:
    """The inputs of an association on disk are saved next to it, or the association is copied to another folder."""
    path = tmp_path / "mine_asn.json"
    mine = json.loads(box.archive.render(json_of(box)))
    mine["products"][0]["members"] = mine["products"][0]["members"][:2]
    path.write_text(json.dumps(mine), "utf-8")
    before = path.stat().st_mtime_ns
    manifest = gather(path, None)
    assert path.stat().st_mtime_ns == before
    assert names_in(tmp_path) == {path.name, *inputs(path)}
    assert manifest["dataURI"].mask.tolist() == [True, False, False]
    gather(str(path), tmp_path / "copy")
    assert names_in(tmp_path / "copy") == {path.name, *inputs(path)}
    assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()


def test_an_association_on_disk_is_not_changed(box: Sandbox, tmp_path: Path) -> None:
    """Omitting members of an association on disk requires another folder."""
    uri = cube(box)
    path = tmp_path / "x_asn.json"
    path.write_bytes(box.archive.render(uri))
    box.requests.clear()
    with pytest.raises(InvalidQueryError, match="Specify download_dir= to save the shorter association elsewhere"):
        gather(path, None, exptypes="science")
    assert not len(box.requests)
    gather(path, tmp_path / "science", exptypes="science")
    assert path.read_bytes() == box.archive.render(uri)
    assert len(inputs(tmp_path / "science" / path.name)) == 2


def test_inputs_of_level_2_associations_are_found_by_exposure(box: Sandbox, tmp_path: Path) -> None:
    """Inputs that are in no product list of the association are found by the names of their exposures."""
    path = tmp_path / "jw01783-o001_20250401t120000_image2_00001_asn.json"
    name = f"{MOSAIC[:7]}001001_02101_00001_nrca1"
    members = [{"expname": f"{name}_rate.fits", "exptype": "science"}]
    path.write_text(json.dumps({"asn_type": "image2", "products": [{"name": name, "members": members}]}), "utf-8")
    gather(path, None)
    assert names_in(tmp_path) == {path.name, f"{name}_rate.fits"}


def test_a_raw_file_of_the_association_replaces_those_of_its_exposures(box: Sandbox, tmp_path: Path) -> None:
    """A raw file with the name of the association replaces those of its exposures."""

    def all_its_own(answer: dict[str, Any]) -> dict[str, Any]:
        kept = [row for row in answer["data"] if row["obs_id"] == DRIZZLED]
        raw = next(row for row in answer["data"] if row["productFilename"] == "j97c01aaq_raw.fits")
        rows = [*kept, {**raw, "obs_id": DRIZZLED, "obsID": kept[0]["obsID"]}]
        count = dict.fromkeys(("rows", "rowsFiltered", "rowsTotal"), len(rows))
        return {**answer, "data": rows, "paging": {**answer["paging"], **count}}

    box.faults.add("invoke", Fault.edit(all_its_own), where=lambda record: "Products" in str(record.mashup))
    gather(TABLE, tmp_path)
    assert names_in(tmp_path) == {f"{DRIZZLED}_asn.fits", f"{DRIZZLED}_spt.fits", "j97c01aaq_raw.fits"}


def test_members_that_are_not_present_are_skipped(box: Sandbox, tmp_path: Path) -> None:
    """Members marked as not present in the association are not downloaded."""
    path = tmp_path / f"{DRIZZLED}_asn.fits"
    with fits.open(io.BytesIO(box.archive.render(TABLE))) as file:
        file["ASN"].data["MEMPRSNT"][1:3] = False
        file.writeto(path)
    gather(path, None, suffix="RAW")
    assert names_in(tmp_path) == {path.name, "j97c01aaq_raw.fits", "j97c01adq_raw.fits"}
    with fits.open(path, mode="update") as file:
        file["ASN"].data["MEMPRSNT"][:] = False
    with pytest.raises(InvalidQueryError, match="has no inputs: none of its members exists"):
        gather(path, tmp_path / "none", suffix="RAW")


def test_a_dry_run_shows_the_plan(box: Sandbox, tmp_path: Path) -> None:
    """A dry run returns the plan without writing anything."""
    plan = Observations.gather_association(TABLE, download_dir=tmp_path / "x", dry_run=True, verbose=False)
    assert {Path(each).name for each in plan["Local Path"]} == RAW
    assert set(plan["Action"]) == {"fetch"}
    assert plan.meta["total_bytes"] == np.sum(plan["Size"])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("mast:HST/product/j97c01010_drz.fits", "is not an association file"),
        ("j97c01010", "is not an association file"),
        ("no/such/folder/x_asn.json", "not found"),
        ("~no_such_user/x_asn.json", "no such home directory"),
        ("s3://bucket/x_asn.json", "not found"),
        (Path("x_asn.json"), "not found"),
        (7, "The association must be a file, a dataURI or a row, got"),
        ([], "The association must be a file, a dataURI or a row, got"),
        (
            Table({"dataURI": ["mast:a_asn.fits", "mast:b_asn.fits"]}),
            "The association must be a file, a dataURI or a row, got 2 rows",
        ),
        (Table({"dataURI": ["mast:HST/product/x_drz.fits"]}), "No association file in these products"),
    ],
)
def test_other_input_than_associations_is_refused(box: Sandbox, given: Any, words: str) -> None:
    """Input that is not an association raises an error before any request is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        gather(given, None)
    assert not len(box.requests)


def test_invalid_arguments_are_refused_before_any_request(box: Sandbox, tmp_path: Path) -> None:
    """Unreadable files, remote storage and invalid arguments raise an error before any request is sent."""
    (tmp_path / "x_asn.json").write_text("{}", "utf-8")
    wrong: list[tuple[Any, dict[str, Any]]] = [
        (tmp_path / "x_asn.json", {}),
        (TABLE, {"download_dir": "s3://bucket/prefix"}),
        (TABLE, {"cache": False, "overwrite": "never"}),
        (TABLE, {"exptypes": 7}),
        (TABLE, {"suffix": [None]}),
        (TABLE, {"timeout": -1}),
    ]
    for association, options in wrong:
        with pytest.raises(InvalidQueryError):
            Observations.gather_association(association, **{"download_dir": tmp_path, **options})
    assert not len(box.requests)


def test_an_unknown_association_is_refused(box: Sandbox, tmp_path: Path) -> None:
    """An association that does not exist raises an error with the message from MAST."""
    with pytest.raises(InvalidQueryError, match="404"):
        gather("j97c0199q_asn.fits", tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the folder can be written to whatever its mode is")
def test_a_read_only_folder_is_an_error(box: Sandbox, tmp_path: Path) -> None:
    """A read-only folder raises DownloadError."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DownloadError):
            gather(TABLE, tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_an_association_that_cannot_be_written_is_an_error(box: Sandbox, tmp_path: Path) -> None:
    """An association that cannot be written raises an error with its path."""
    (tmp_path / f"{DRIZZLED}_asn.fits").mkdir()
    with pytest.raises(DownloadError, match=rf"Cannot write .*{DRIZZLED}_asn\.fits: "):
        gather(TABLE, tmp_path)
