"""Arguments of download_products: plans, layouts, workers, the cloud; and verification and retries afterwards."""

from __future__ import annotations

import inspect
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast.config import conf
from astroquery_mast.exceptions import DownloadError, InvalidQueryError, NoResultsWarning, TimeoutError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Fault, Sandbox


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


# -- the plan ------------------------------------------------------------------------------------------------------


def test_a_dry_run_returns_the_plan_and_does_nothing(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The plan has a row for each file and the total size; nothing is requested or written."""
    plan = client.download_products(products, download_dir=tmp_path / "new", dry_run=True)
    assert plan.colnames == ["Local Path", "URL", "Cloud URL", "Size", "Action", "Reason", "Rights", "Accessible"]
    assert set(plan["Action"]) == {"fetch"}
    assert plan.meta["total_bytes"] == products["size"].sum()
    assert plan.meta["unknown_sizes"] == 0
    assert len(mast_sandbox.requests) == 0
    assert list(tmp_path.iterdir()) == []
    manifest = client.download_products(products, download_dir=tmp_path / "new")
    assert list(manifest["Local Path"]) == list(plan["Local Path"])
    again = client.download_products(products, download_dir=tmp_path / "new", dry_run=True)
    assert set(again["Action"]) == {"keep"}
    assert again.meta["total_bytes"] == 0


def test_the_plan_for_observations_requests_only_their_products(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """The product list is the only request for a plan."""
    mast_sandbox.requests.clear()
    plan = client.download_products(observations[:2], extension="fits", dry_run=True)
    assert len(plan)
    assert {record.endpoint for record in mast_sandbox.requests} <= {"invoke", "columnsconfig"}


def test_a_path_template_defines_the_layout(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Templates and functions define the paths, without the folder mastDownload (D8)."""
    template = "{obs_collection}/{proposal_id}/{productFilename}"
    manifest = client.download_products(products[:2], download_dir=tmp_path, path_template=template)
    for row, product in zip(manifest, products[:2], strict=True):
        expected = tmp_path / product["obs_collection"] / str(product["proposal_id"]) / product["productFilename"]
        assert Path(row["Local Path"]) == expected
        assert expected.is_file()
    by_call = client.download_products(
        products[:1], download_dir=tmp_path, path_template=lambda row: f"x/{row['obsID']}.dat"
    )
    assert Path(by_call["Local Path"][0]) == tmp_path / "x" / f"{products['obsID'][0]}.dat"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path_template": "{proposalid}/{productFilename}"}, "proposal_id"),
        ({"path_template": "{obs_id}/", "flat": True}, "cannot be combined"),
        ({"overwrite": "never", "cache": False}, "cannot be combined"),
        ({"overwrite": "sometimes"}, "if-changed"),
        ({"bundle": "rar"}, "tar.gz"),
        ({"bundle": "zip", "curl_flag": True}, "cannot be combined"),
        ({"cloud_only": True, "force_on_prem": True}, "contradict"),
        ({"timeout": -1}, "timeout must be"),
        ({"max_workers": 0}, "max_workers"),
        ({"on_error": "panic"}, "on_error"),
    ],
)
def test_invalid_arguments_raise_before_the_download(
    client: ObservationsClass,
    products: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    options: dict[str, object],
    words: str,
) -> None:
    """A contradiction or an unknown value is a query error, and no request is sent."""
    with pytest.raises(InvalidQueryError, match=words):
        client.download_products(products, download_dir=tmp_path, **options)  # type: ignore[arg-type]
    assert len(mast_sandbox.requests) == 0
    assert list(tmp_path.iterdir()) == []


# -- existing files ------------------------------------------------------------------------------------------------


def test_never_keeps_files_without_a_request(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """overwrite='never' keeps files with any content, and missing files are downloaded."""
    path = tmp_path / str(products["productFilename"][0])
    path.write_bytes(b"mine")
    manifest = client.download_products(products[:2], download_dir=tmp_path, flat=True, overwrite="never")
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert path.read_bytes() == b"mine"
    assert asked(mast_sandbox) == 1


def test_changed_files_are_downloaded_again(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """overwrite='if-changed' downloads files that have changed at MAST, and keeps the others (D10)."""
    client.download_products(products[:3], download_dir=tmp_path, flat=True)
    names = [str(name) for name in products["productFilename"][:3]]
    older = tmp_path / names[1]
    whole = older.read_bytes()
    older.write_bytes(bytes(len(whole)))
    os.utime(older, (0, 0))
    (tmp_path / names[2]).write_bytes(b"short")
    mast_sandbox.requests.clear()
    manifest = client.download_products(products[:3], download_dir=tmp_path, flat=True, overwrite="if-changed")
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert older.read_bytes() == whole
    for name, uri in zip(names, products["dataURI"][:3], strict=True):
        assert (tmp_path / name).read_bytes() == mast_sandbox.archive.render(uri)
    assert manifest["SHA256"].mask.tolist() == [True, False, False]


def test_existing_files_are_used_while_mast_is_unavailable(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Complete files are COMPLETE, and a file that cannot be confirmed is used, with a message (D3)."""
    client.download_products(products[:2], download_dir=tmp_path, flat=True)
    unknown = products[:2].copy()
    unknown["size"] = -1
    with conf.set_temp("server", "http://127.0.0.1:9"):
        manifest = client.download_products(products[:2], download_dir=tmp_path, flat=True)
        unconfirmed = client.download_products(unknown, download_dir=tmp_path, flat=True)
    assert list(manifest["Status"]) == list(unconfirmed["Status"]) == ["COMPLETE"] * 2
    assert list(manifest["Message"]) == [None, None]
    assert all("The file exists but could not be compared with MAST" in message for message in unconfirmed["Message"])


# -- options of the download ---------------------------------------------------------------------------------------


def test_files_are_downloaded_concurrently_within_the_limit(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """max_workers limits the number of concurrent downloads, and the manifest is in the order of the products."""
    mast_sandbox.faults.add("download", Fault.delay(0.05), times=None)
    manifest = client.download_products(products, download_dir=tmp_path, flat=True, max_workers=2)
    assert [Path(path).name for path in manifest["Local Path"]] == list(products["productFilename"])
    assert mast_sandbox.requests.most_at_once("download") == 2


def test_a_given_executor_does_the_work(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Any executor is accepted, and it is not shut down."""
    with ThreadPoolExecutor(1, thread_name_prefix="theirs") as executor:
        manifest = client.download_products(products[:3], download_dir=tmp_path, executor=executor)
        assert executor.submit(int).result() == 0
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_a_timeout_is_an_error_of_incomplete_files(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """At its timeout the call returns, and every product has a row."""
    mast_sandbox.faults.add("download", Fault.delay(30), times=None)
    manifest = client.download_products(products, download_dir=tmp_path, timeout=0.3)
    assert list(manifest["Status"]) == ["ERROR"] * len(products)
    assert all("deadline" in message.lower() or "0.3 s" in message for message in manifest["Message"])


def test_failures_raise_on_request(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """on_error='raise' raises at the end, with a manifest in which the other files are complete."""
    mast_sandbox.faults.add("download", Fault.status(404))
    with pytest.raises(DownloadError) as caught:
        client.download_products(products, download_dir=tmp_path, on_error="raise", max_workers=1)
    assert list(caught.value.manifest["Status"]) == ["ERROR"] + ["COMPLETE"] * (len(products) - 1)


def test_a_store_in_memory_is_a_download_folder(client: ObservationsClass, products: Table) -> None:
    """An fsspec address works like a folder, also in repeated calls."""
    pytest.importorskip("upath")
    fsspec = pytest.importorskip("fsspec")
    manifest = client.download_products(products[:2], download_dir="memory://observation-downloads")
    assert set(manifest["Status"]) == {"COMPLETE"}
    store = fsspec.filesystem("memory")
    found = [path for path in store.find("/observation-downloads") if not path.endswith(".part")]
    assert len(found) == 2
    plan = client.download_products(products[:2], download_dir="memory://observation-downloads", dry_run=True)
    assert set(plan["Action"]) == {"keep"}
    assert set(client.verify_downloads(manifest)["Status"]) == {"OK"}
    assert set(client.retry_downloads(manifest)["Status"]) == {"COMPLETE"}


# -- the cloud -----------------------------------------------------------------------------------------------------


def test_cloud_only_skips_files_without_a_copy_and_requests_nothing(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """With cloud_only, a file without a copy is skipped, and no file is requested from MAST."""
    table = products[:2].copy()
    table["dataURI"] = table["dataURI"].astype("U200")
    table["dataURI"][1] = "mast:HLSP/nowhere/x.fits"
    client.enable_cloud_dataset(verbose=False)
    with pytest.warns(NoResultsWarning, match="not found in the cloud"):
        plan = client.download_products(table, download_dir=tmp_path, cloud_only=True, dry_run=True)
    with pytest.warns(NoResultsWarning, match="not found in the cloud"):
        manifest = client.download_products(table, download_dir=tmp_path, cloud_only=True)
    assert list(plan["Action"]) == ["fetch", "skip"]
    assert plan["Cloud URL"][0].endswith(str(table["productFilename"][0]))
    assert list(manifest["Status"]) == ["COMPLETE", "SKIPPED"]
    assert asked(mast_sandbox) == 0
    on_prem = client.download_products(table[:1], download_dir=tmp_path / "b", force_on_prem=True)
    assert list(on_prem["Status"]) == ["COMPLETE"]
    assert asked(mast_sandbox) == 1


def test_a_single_file_with_cloud_only(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """download_file has the same arguments."""
    client.enable_cloud_dataset(verbose=False)
    assert client.download_file(str(products["dataURI"][0]), local_path=tmp_path, cloud_only=True)[0] == "COMPLETE"
    with pytest.warns(NoResultsWarning, match=r"^The product mast:HLSP/nowhere/x\.fits was not found in the cloud"):
        status, message, _ = client.download_file("mast:HLSP/nowhere/x.fits", local_path=tmp_path, cloud_only=True)
    assert (status, message) == ("SKIPPED", "Product not found in cloud")
    assert asked(mast_sandbox) == 0


# -- verification and retries --------------------------------------------------------------------------------------


def test_a_saved_manifest_is_verified_and_retried(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A manifest written to a file and read again reports problems, and only failed files are downloaded again."""
    mast_sandbox.faults.add("download", Fault.status(404))
    client.download_products(products, download_dir=tmp_path, max_workers=1).write(tmp_path / "m.ecsv")
    manifest = Table.read(tmp_path / "m.ecsv")
    assert list(manifest["Status"]).count("ERROR") == 1
    Path(manifest["Local Path"][1]).write_bytes(b"other")
    seen = client.verify_downloads(manifest, verbose=False)
    assert list(seen["Status"][:3]) == ["MISSING", "CHANGED", "OK"]
    mast_sandbox.requests.clear()
    mended = client.retry_downloads(seen, verbose=False)
    assert isinstance(mended, Manifest)
    assert asked(mast_sandbox) == 2
    assert set(client.verify_downloads(mended, verbose=False)["Status"]) == {"OK"}


# -- listing -------------------------------------------------------------------------------------------------------


def test_listing_products_has_a_timeout(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> None:
    """timeout= limits the complete call, for any number of requests."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match=r"^Timeout limit of 0\.2 s exceeded"):
        client.get_product_list(observations, batch_size=1, timeout=0.2)
    with pytest.raises(InvalidQueryError, match="timeout"):
        client.get_product_list(observations, timeout=0)


def test_a_manifest_can_be_given_by_its_path(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """A path or a string is accepted, for all formats that are detected."""
    manifest = client.download_products(products, download_dir=tmp_path, verbose=False)
    manifest.write(tmp_path / "m.ecsv")
    Path(manifest["Local Path"][0]).unlink()
    checked = client.verify_downloads(tmp_path / "m.ecsv", verbose=False)
    assert list(checked["Status"]) == ["MISSING"] + ["OK"] * 5
    checked.write(tmp_path / "checked.csv")
    assert set(client.retry_downloads(str(tmp_path / "checked.csv"), verbose=False)["Status"]) == {"COMPLETE", "OK"}
    (tmp_path / "m.xyz").write_text("x")
    for name in ("none.ecsv", "m.xyz"):
        with pytest.raises(InvalidQueryError, match=f"Cannot read a manifest from.*{name}"):
            client.retry_downloads(tmp_path / name)


def test_new_arguments_are_keyword_only() -> None:
    """All arguments that astroquery.mast does not have are keywords."""
    for name in (
        "download_products",
        "download_file",
        "download_products_iter",
        "get_product_urls",
        "verify_downloads",
        "retry_downloads",
        "get_product_list",
    ):
        parameters = list(inspect.signature(getattr(ObservationsClass, name)).parameters.values())[2:]
        assert all(p.kind in {p.KEYWORD_ONLY, p.VAR_KEYWORD} for p in parameters), name
