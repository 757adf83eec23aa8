"""Complete downloads from the public cloud copies, and into stores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning

from astroquery_mast import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox


@pytest.fixture
def observations(mast_sandbox: Sandbox) -> ObservationsClass:
    """Return a client with the cloud enabled."""
    client = ObservationsClass()
    client.enable_cloud_dataset(verbose=False)
    return client


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Return five small products: four with a copy in the cloud, one (FUSE) without."""
    sql = """SELECT * FROM product WHERE obs_collection = ? AND dataRights = 'PUBLIC' AND size BETWEEN 1000 AND 200000
             GROUP BY dataURI ORDER BY size LIMIT ?"""
    rows = [*mast_sandbox.archive.query(sql, ("HST", 4)), *mast_sandbox.archive.query(sql, ("FUSE", 1))]
    assert len(rows) == 5
    return Table(rows=rows)


def digests(sandbox: Sandbox, products: Table) -> list[str]:
    """Return the SHA-256 of the files at MAST."""
    return [hashlib.sha256(sandbox.archive.render(str(uri))).hexdigest() for uri in products["dataURI"]]


def fetched_from(sandbox: Sandbox) -> tuple[int, int]:
    """Return the number of files requested from the cloud and from MAST."""
    return len(sandbox.requests.of("cloud")), len(sandbox.requests.of("download"))


def test_files_come_from_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Files with a copy come from the cloud and the others from MAST, with the same bytes and a single lookup."""
    manifest = observations.download_products(products, download_dir=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["SHA256"]) == digests(mast_sandbox, products)
    assert fetched_from(mast_sandbox) == (4, 1)
    assert len(mast_sandbox.requests.of("path_lookup")) == 1
    again = observations.download_products(products, download_dir=tmp_path)
    assert set(again["Status"]) == {"COMPLETE"}
    assert fetched_from(mast_sandbox) == (4, 1)


def test_the_cloud_is_used_only_when_enabled(mast_sandbox: Sandbox, products: Table, tmp_path: Path) -> None:
    """The cloud is not used by default, after it was disabled, or with force_on_prem."""
    client = ObservationsClass()
    client.download_products(products[:1], download_dir=tmp_path / "a")
    client.enable_cloud_dataset()
    client.download_products(products[:1], download_dir=tmp_path / "b", force_on_prem=True)
    client.disable_cloud_dataset()
    client.download_file(str(products["dataURI"][0]), local_path=tmp_path / "c.fits")
    assert fetched_from(mast_sandbox) == (0, 3)
    assert mast_sandbox.requests.of("path_lookup") == []


@pytest.mark.parametrize("fault", [Fault.status(404), Fault.status(403), Fault.status(500), Fault.reset()], ids=repr)
def test_files_that_fail_in_the_cloud_come_from_mast(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path, fault: Fault
) -> None:
    """A missing, refused or broken copy is replaced by the file at MAST; with cloud_only it is an error."""
    mast_sandbox.faults.add("cloud", fault, times=None)
    manifest = observations.download_products(products[:2], download_dir=tmp_path / "a")
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["SHA256"]) == digests(mast_sandbox, products[:2])
    asked = fetched_from(mast_sandbox)[1]
    alone = observations.download_products(products[:2], download_dir=tmp_path / "b", cloud_only=True)
    assert "COMPLETE" not in set(alone["Status"])
    assert not list((tmp_path / "b").rglob("*.fits"))
    assert fetched_from(mast_sandbox)[1] == asked


def test_cloud_only_skips_files_without_a_copy(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """The manifest and a warning report the skipped files, and no file is requested from MAST."""
    with pytest.warns(NoResultsWarning, match=r"^The product .* was not found in the cloud\. Skipping download\."):
        manifest = observations.download_products(products, download_dir=tmp_path, cloud_only=True)
    assert list(manifest["Status"]) == ["COMPLETE"] * 4 + ["SKIPPED"]
    assert fetched_from(mast_sandbox) == (4, 0)
    with pytest.warns(NoResultsWarning, match="not found in the cloud"):
        status, message, _ = observations.download_file(
            str(products["dataURI"][4]), local_path=tmp_path / "one", cloud_only=True
        )
    assert status == "SKIPPED"
    assert message


def test_cloud_only_reports_that_the_copy_of_an_exclusive_file_is_not_public(
    mast_sandbox: Sandbox, observations: ObservationsClass, exclusive: Table, tmp_path: Path
) -> None:
    """The message gives advice and does not mention a firewall; without cloud_only, the file comes after a login."""
    jwst = Table([row for row in exclusive if row["obs_collection"] in {"HST", "JWST"}][:1])
    (row,) = observations.download_products(jwst, download_dir=tmp_path, cloud_only=True, verbose=False)
    assert row["Status"] == "ERROR"
    said = "Exclusive access. Its cloud copy is not public before the release date. Omit cloud_only and log in."
    assert said in row["Message"]
    assert "firewall" not in row["Message"]
    assert fetched_from(mast_sandbox) == (1, 0)
    observations.login(mast_sandbox.token)
    again = observations.download_products(jwst, download_dir=tmp_path, verbose=False)
    assert again["Status"].tolist() == ["COMPLETE"]


def test_cloud_only_needs_the_cloud(mast_sandbox: Sandbox, products: Table, tmp_path: Path) -> None:
    """If the cloud is not enabled, there is a warning as in astroquery.mast, and the files come from MAST."""
    with pytest.warns(InputWarning, match="cloud"):
        manifest = ObservationsClass().download_products(products[:1], download_dir=tmp_path, cloud_only=True)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_the_plan_shows_the_addresses_in_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table
) -> None:
    """The address is masked for files without a copy."""
    table = observations.download_products(products, dry_run=True)
    assert table is not None
    assert list(table["Cloud URL"].mask) == [False] * 4 + [True]
    assert all(address.startswith(mast_sandbox.cloud_url) for address in table["Cloud URL"][:4])
    assert fetched_from(mast_sandbox) == (0, 0)


def test_the_token_never_goes_to_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """The workers of a download do not send it, either."""
    observations.login(mast_sandbox.token)
    observations.download_products(products, download_dir=tmp_path)
    assert mast_sandbox.requests.of("cloud")
    assert all("authorization" not in record.headers for record in mast_sandbox.requests.of("cloud"))
    assert all("authorization" in record.headers for record in mast_sandbox.requests.of("download"))


# -- downloads into a store ----------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[str]:
    """Yield the address of an empty store in memory."""
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("upath")
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield "memory://downloads"
    store.store.clear()


def test_a_download_into_a_store(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, memory: str
) -> None:
    """Folders, manifest, repeated calls and opening files work as on disk."""
    from upath import UPath

    manifest = observations.download_products(products, download_dir=memory)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["SHA256"]) == digests(mast_sandbox, products)
    row = products[0]
    expected = f"{memory}/mastDownload/{row['obs_collection']}/{row['obs_id']}/{row['productFilename']}"
    assert manifest["Local Path"][0] == expected
    assert UPath(expected).read_bytes() == mast_sandbox.archive.render(str(row["dataURI"]))
    count = fetched_from(mast_sandbox)
    again = observations.download_products(products, download_dir=memory)
    assert set(again["Status"]) == {"COMPLETE"}
    assert fetched_from(mast_sandbox) == count
    assert not any(name.endswith(".part") for name in UPath(memory).fs.find("/downloads"))


def test_interrupted_files_are_not_in_the_store(mast_sandbox: Sandbox, products: Table, memory: str) -> None:
    """A file that always fails is an error in its row, and the others are complete."""
    name = str(products["productFilename"][1])
    mast_sandbox.faults.add(
        "download", Fault.cut(100), times=None, where=lambda record: str(record.value("uri")).endswith(name)
    )
    manifest = ObservationsClass().download_products(products, download_dir=memory, flat=True)
    assert list(manifest["Status"]) == ["COMPLETE", "ERROR", "COMPLETE", "COMPLETE", "COMPLETE"]
    from upath import UPath

    assert len(UPath(memory).fs.find("/downloads")) == 4


def test_an_unknown_store_raises_before_any_request(mast_sandbox: Sandbox, products: Table) -> None:
    """An address with an unknown protocol is not a folder with that name."""
    pytest.importorskip("upath")
    with pytest.raises(InvalidQueryError, match="nosuch"):
        ObservationsClass().download_products(products, download_dir="nosuch://place")
    assert len(mast_sandbox.requests) == 0
    assert not Path("nosuch:").exists()
