"""Downloads out of the public cloud copy, and into stores, from one end to the other."""

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
    """Return a client that uses the cloud."""
    client = ObservationsClass()
    client.enable_cloud_dataset(verbose=False)
    return client


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Five small products: four with a copy in the cloud, one (FUSE) without."""
    sql = """SELECT * FROM product WHERE obs_collection = ? AND dataRights = 'PUBLIC' AND size BETWEEN 1000 AND 200000
             GROUP BY dataURI ORDER BY size LIMIT ?"""
    rows = [*mast_sandbox.archive.query(sql, ("HST", 4)), *mast_sandbox.archive.query(sql, ("FUSE", 1))]
    assert len(rows) == 5
    return Table(rows=rows)


def digests(sandbox: Sandbox, products: Table) -> list[str]:
    """SHA-256 of the files, as the archive has them."""
    return [hashlib.sha256(sandbox.archive.render(str(uri))).hexdigest() for uri in products["dataURI"]]


def fetched_from(sandbox: Sandbox) -> tuple[int, int]:
    """How many files were asked of the cloud, and of the archive itself."""
    return len(sandbox.requests.of("cloud")), len(sandbox.requests.of("download"))


def test_files_come_from_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Those with a copy there, the others from MAST; the bytes are the same, and the lookup is one question."""
    manifest = observations.download_products(products, download_dir=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["SHA256"]) == digests(mast_sandbox, products)
    assert fetched_from(mast_sandbox) == (4, 1)
    assert len(mast_sandbox.requests.of("path_lookup")) == 1
    again = observations.download_products(products, download_dir=tmp_path)
    assert set(again["Status"]) == {"COMPLETE"}
    assert fetched_from(mast_sandbox) == (4, 1)


def test_the_cloud_is_asked_only_when_it_was_enabled(mast_sandbox: Sandbox, products: Table, tmp_path: Path) -> None:
    """Neither by default, nor after it was disabled, nor with force_on_prem."""
    client = ObservationsClass()
    client.download_products(products[:1], download_dir=tmp_path / "a")
    client.enable_cloud_dataset()
    client.download_products(products[:1], download_dir=tmp_path / "b", force_on_prem=True)
    client.disable_cloud_dataset()
    client.download_file(str(products["dataURI"][0]), local_path=tmp_path / "c.fits")
    assert fetched_from(mast_sandbox) == (0, 3)
    assert mast_sandbox.requests.of("path_lookup") == []


@pytest.mark.parametrize("fault", [Fault.status(404), Fault.status(403), Fault.status(500), Fault.reset()], ids=repr)
def test_what_fails_in_the_cloud_comes_from_mast(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path, fault: Fault
) -> None:
    """Missing, refused, broken: the file is whole all the same, and cloud_only makes it an error."""
    mast_sandbox.faults.add("cloud", fault, times=None)
    manifest = observations.download_products(products[:2], download_dir=tmp_path / "a")
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert list(manifest["SHA256"]) == digests(mast_sandbox, products[:2])
    asked = fetched_from(mast_sandbox)[1]
    alone = observations.download_products(products[:2], download_dir=tmp_path / "b", cloud_only=True)
    assert "COMPLETE" not in set(alone["Status"])
    assert not list((tmp_path / "b").rglob("*.fits"))
    assert fetched_from(mast_sandbox)[1] == asked


def test_cloud_only_skips_what_has_no_copy(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """It says so in the manifest and in a warning, and asks MAST for no file."""
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


def test_cloud_only_says_that_the_copy_of_an_exclusive_file_is_not_open(
    mast_sandbox: Sandbox, observations: ObservationsClass, exclusive: Table, tmp_path: Path
) -> None:
    """It does not blame a firewall, and says what to do; without cloud_only the file comes after a login."""
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
    """Where it was not enabled, as in the peer, there is a warning and the files come from MAST."""
    with pytest.warns(InputWarning, match="cloud"):
        manifest = ObservationsClass().download_products(products[:1], download_dir=tmp_path, cloud_only=True)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_the_plan_shows_the_addresses_in_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table
) -> None:
    """Masked where there is none."""
    table = observations.download_products(products, dry_run=True)
    assert table is not None
    assert list(table["Cloud URL"].mask) == [False] * 4 + [True]
    assert all(address.startswith(mast_sandbox.cloud_url) for address in table["Cloud URL"][:4])
    assert fetched_from(mast_sandbox) == (0, 0)


def test_a_token_never_goes_to_the_cloud(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Also not from the workers of a download."""
    observations.login(mast_sandbox.token)
    observations.download_products(products, download_dir=tmp_path)
    assert mast_sandbox.requests.of("cloud")
    assert all("authorization" not in record.headers for record in mast_sandbox.requests.of("cloud"))
    assert all("authorization" in record.headers for record in mast_sandbox.requests.of("download"))


# -- into a store --------------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[str]:
    """Give an address in an empty store in memory."""
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("upath")
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield "memory://downloads"
    store.store.clear()


def test_a_download_into_a_store(
    mast_sandbox: Sandbox, observations: ObservationsClass, products: Table, memory: str
) -> None:
    """As onto a disk: folders, manifest, nothing fetched twice, and files that open from there."""
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


def test_files_that_break_off_are_not_in_the_store(mast_sandbox: Sandbox, products: Table, memory: str) -> None:
    """One that never comes is an error in its row, and the others are there."""
    name = str(products["productFilename"][1])
    mast_sandbox.faults.add(
        "download", Fault.cut(100), times=None, where=lambda record: str(record.value("uri")).endswith(name)
    )
    manifest = ObservationsClass().download_products(products, download_dir=memory, flat=True)
    assert list(manifest["Status"]) == ["COMPLETE", "ERROR", "COMPLETE", "COMPLETE", "COMPLETE"]
    from upath import UPath

    assert len(UPath(memory).fs.find("/downloads")) == 4


def test_a_store_that_is_none_is_refused_before_anything_is_asked(mast_sandbox: Sandbox, products: Table) -> None:
    """An address that nobody knows is not a folder of that name."""
    pytest.importorskip("upath")
    with pytest.raises(InvalidQueryError, match="nosuch"):
        ObservationsClass().download_products(products, download_dir="nosuch://place")
    assert len(mast_sandbox.requests) == 0
    assert not Path("nosuch:").exists()
