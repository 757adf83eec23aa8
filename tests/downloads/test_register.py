"""Files with the same name in one folder, from several calls: none replaces another or takes its name."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import ObservationsClass
from astroquery_mast.downloads.destination import LOCAL_FILES, record_name, recorded_names
from astroquery_mast.downloads.download import download
from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.products.file_names import REGISTER, FileNameParts, assign_paths, case_folded, is_same_file
from astroquery_mast.products.manifest import Status
from astroquery_mast.products.plan import plan
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.parallel import RunOptions


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Return two files with the same name and size, and a third with that name and another size."""
    columns = "dataURI, obs_collection, obs_id, productFilename, size"
    chosen = f"SELECT {columns} FROM product WHERE dataRights = 'PUBLIC' AND dataURI LIKE '%.fits'"
    (size,) = mast_sandbox.archive.query(
        "SELECT size FROM product WHERE dataRights = 'PUBLIC' AND dataURI LIKE '%.fits' AND size < 300000 "
        "GROUP BY size HAVING count(DISTINCT dataURI) > 1 AND count(DISTINCT obs_id) > 1 ORDER BY size LIMIT 1"
    )
    rows = mast_sandbox.archive.query(
        f"{chosen} AND size = ? GROUP BY obs_id ORDER BY dataURI LIMIT 2", (size["size"],)
    )
    rows += mast_sandbox.archive.query(f"{chosen} AND size > ? GROUP BY dataURI ORDER BY size LIMIT 1", (size["size"],))
    table = Table(rows)
    table["productFilename"] = "same.fits"
    return table


def bring(client: ObservationsClass, products: Table, folder: Path, **options: object) -> Table:
    manifest = client.download_products(products, download_dir=folder, verbose=False, **{"flat": True, **options})
    assert isinstance(manifest, Table)
    return manifest


def holds(path: str, sandbox: Sandbox, uri: object) -> bool:
    return Path(path).read_bytes() == sandbox.archive.render(str(uri))


@pytest.mark.parametrize(
    "options", [{}, {"flat": False, "path_template": "mine/{productFilename}"}], ids=["flat", "path_template"]
)
def test_a_second_file_of_a_name_is_not_taken_for_the_first(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, options: dict[str, object]
) -> None:
    """A second file gets a longer name, for the same or another size, and the first file is unchanged."""
    manifests = [bring(client, products[row : row + 1], tmp_path, **options) for row in range(3)]
    paths = [str(manifest["Local Path"][0]) for manifest in manifests]
    assert len(set(paths)) == 3
    assert Path(paths[0]).name == "same.fits"
    for path, manifest, uri in zip(paths, manifests, products["dataURI"], strict=True):
        assert (manifest["Status"][0], manifest["Message"][0]) == ("COMPLETE", None)
        assert holds(path, mast_sandbox, uri)
        assert client.verify_downloads(manifest, verbose=False)["Status"][0] == "OK"
    mast_sandbox.requests.clear()
    assert list(bring(client, products, tmp_path, **options)["Local Path"]) == paths
    assert bring(client, products[1:2], tmp_path, **options)["Local Path"][0] == paths[1]
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize("options", [{"cache": False}, {"overwrite": "if-changed"}, {"overwrite": "never"}], ids=str)
def test_a_file_of_another_call_is_never_replaced(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, options: dict[str, object]
) -> None:
    """No value of ``cache`` or ``overwrite`` replaces the file of another product."""
    first = bring(client, products[:1], tmp_path)
    second = bring(client, products[1:2], tmp_path, **options)
    assert second["Local Path"][0] != first["Local Path"][0]
    assert holds(first["Local Path"][0], mast_sandbox, products["dataURI"][0])
    assert holds(second["Local Path"][0], mast_sandbox, products["dataURI"][1])


def test_a_name_is_available_again_when_its_file_is_deleted(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """The register counts only for existing files, and a retry of the first does not replace the second."""
    first = bring(client, products[:1], tmp_path)
    Path(first["Local Path"][0]).unlink()
    second = bring(client, products[1:2], tmp_path)
    assert second["Local Path"][0] == first["Local Path"][0]
    again = client.retry_downloads(client.verify_downloads(first, verbose=False), verbose=False, on_error="ignore")
    assert again["Status"][0] == "ERROR"
    assert str(products["dataURI"][1]) in again["Message"][0]
    assert client.verify_downloads(second, verbose=False)["Status"][0] == "OK"


def test_an_unregistered_file_is_not_replaced_silently(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """If an unregistered file has another size, the plan and the manifest say so."""
    (tmp_path / "same.fits").write_bytes(b"somebody's notes")
    shown = client.download_products(products[:1], download_dir=tmp_path, flat=True, dry_run=True, verbose=False)
    assert shown is not None
    assert "cannot confirm that it is this file" in shown["Reason"][0]
    manifest = bring(client, products[:1], tmp_path)
    assert manifest["Message"][0] == "Replaced an existing file of 16 bytes."
    assert bring(client, products[:1], tmp_path, cache=False)["Message"][0] is None


def test_usual_folders_have_no_register(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Names are unique in <collection>/<obs_id>/, and no extra file is written."""
    bring(client, products, tmp_path, flat=False)
    assert REGISTER not in {path.name for path in tmp_path.rglob("*")}


def test_a_folder_without_its_register_can_be_used(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Without the register, files are identified by name and size."""
    first = bring(client, products[:1], tmp_path)
    (tmp_path / REGISTER).unlink()
    kept = bring(client, products[:1], tmp_path)
    assert kept["Local Path"][0] == first["Local Path"][0]
    assert kept["Attempts"][0] == 0


def test_a_register_that_cannot_be_written_stops_no_download(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """For example, if a folder has its name, only the registration is lost."""
    (tmp_path / REGISTER).mkdir()
    manifest = bring(client, products[:1], tmp_path)
    assert holds(manifest["Local Path"][0], mast_sandbox, products["dataURI"][0])


def test_two_concurrent_calls_do_not_share_a_name(
    client: ObservationsClass, products: Table, service: str, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Both calls plan the same name, and the second finds the file of the first and reports it."""
    wanted, recipe = products[:2], SessionRecipe.of(client._service)
    plans = [
        plan(wanted[row : row + 1], base_dir=tmp_path, download_url=service, disk=LOCAL_FILES, flat=True)
        for row in range(2)
    ]
    assert plans[0][0].local_path == plans[1][0].local_path
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda each: download(each, recipe, RunOptions(False, on_error="ignore")), plans))
    first, second = sorted((results[0] for results in found), key=lambda result: result.status)
    assert (first.status, second.status) == (Status.COMPLETE, Status.ERROR)
    assert holds(str(first.local_path), mast_sandbox, first.uri)
    assert f"{first.uri}" in str(second.message)
    again = bring(client, wanted, tmp_path)
    assert set(again["Status"]) == {"COMPLETE"}
    assert all(holds(row["Local Path"], mast_sandbox, row["dataURI"]) for row in again)


def test_a_single_file_reports_what_it_replaces(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The user chose the path; a file of the same size that is registered for another product is not kept."""
    first = bring(client, products[:1], tmp_path)
    path, uri = Path(first["Local Path"][0]), str(products["dataURI"][1])
    status, message, _ = client.download_file(uri, local_path=path, verbose=False)
    assert status == "COMPLETE"
    assert "Replaced an existing file of" in str(message)
    assert holds(str(path), mast_sandbox, uri)
    assert client.download_file(uri, local_path=path, verbose=False) == ("COMPLETE", None, None)
    assert bring(client, products[:1], tmp_path)["Local Path"][0] != str(path)


def test_a_file_of_a_mission_is_the_same_file(client: ObservationsClass, tmp_path: Path) -> None:
    """Mission searches identify files by name only, and do not download them again under another name."""
    assert is_same_file("mast:HST/product/j97c01010_drc.fits", "J97C01010/j97c01010_drc.fits")
    assert is_same_file("j97c01010_drc.fits", "J97C01010/j97c01010_drc.fits")
    assert not is_same_file("mast:HST/product/a.fits", "mast:HLA/product/a.fits")
    assert not is_same_file("mast:HST/product/a.fits", "b.fits")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\n", b"null\n[]\n5\n", b'{"name": "b.fits"}\n', b'{"name": "b.fits", "uri": "mast:', b"[" * 9999],
)
def test_a_damaged_register_is_read_as_far_as_possible(tmp_path: Path, content: bytes) -> None:
    """Incomplete and invalid lines are ignored, and lines added later are read."""
    (tmp_path / REGISTER).write_bytes(content)
    assert recorded_names(tmp_path) == {}
    record_name(tmp_path / "A.fits", "mast:first")
    record_name(tmp_path / "a.fits", "mast:second")
    assert recorded_names(tmp_path) == {"a.fits": "mast:second"}


def test_concurrent_writers_lose_no_line(tmp_path: Path) -> None:
    """Each line is appended in one write."""

    def write(worker: int) -> None:
        for number in range(50):
            record_name(tmp_path / f"{worker}-{number}.fits", f"mast:{worker}/{number}")

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert len(recorded_names(tmp_path)) == 200


def test_the_register_is_not_written_through_a_link(tmp_path: Path) -> None:
    """A link in place of the register is not followed, and no product gets its name."""
    (tmp_path / "outside").write_bytes(b"")
    (tmp_path / REGISTER).symlink_to(tmp_path / "outside")
    record_name(tmp_path / "a.fits", "mast:a")
    assert (tmp_path / "outside").read_bytes() == b""
    assert assign_paths([FileNameParts("mast:a", REGISTER, "HST", "o")], flat=True) != [(REGISTER,)]


names = st.sampled_from(["a.fits", "A.fits", "b.fits", "a_o1.fits"])
uris = st.sampled_from([f"mast:{number}" for number in range(6)])


@given(
    wanted=st.dictionaries(uris, st.tuples(names, st.sampled_from(["o1", "o2"])), max_size=6),
    known=st.dictionaries(names.map(case_folded), uris, max_size=4),
)
def test_paths_are_unique_and_not_those_of_other_files(
    wanted: Mapping[str, tuple[str, str]], known: Mapping[str, str]
) -> None:
    """For any products and existing files, no two files have the same path, and none has that of another file."""

    def existing_owner(_within: tuple[str, ...], name: str) -> str | None:
        return known.get(case_folded(name))

    parts = [FileNameParts(uri, name, "HST", owner) for uri, (name, owner) in wanted.items()]
    paths = assign_paths(parts, flat=True, existing_owner=existing_owner)
    assert len({case_folded(path[-1]) for path in paths}) == len(paths)
    for each, (name,) in zip(parts, paths, strict=True):
        assert known.get(case_folded(name), each.uri) == each.uri
