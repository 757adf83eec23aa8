"""What download_products can be told: plans, layouts, bundles, workers, the token; and what comes after it."""

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


def test_dry_run_says_what_would_be_done_and_does_nothing(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The plan has a row for each file and the bytes to come; nothing is asked, and nothing written."""
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


def test_plan_of_observations_asks_for_their_products_only(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox
) -> None:
    """The product list is the one question that a plan of observations needs."""
    mast_sandbox.requests.clear()
    plan = client.download_products(observations[:2], extension="fits", dry_run=True)
    assert len(plan)
    assert {record.endpoint for record in mast_sandbox.requests} <= {"invoke", "columnsconfig"}


def test_layout_lays_files_out_in_the_download_folder(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Templates and functions say where files go, without mastDownload before it (D8)."""
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
def test_arguments_that_make_no_sense_are_refused_before_anything_is_fetched(
    client: ObservationsClass,
    products: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    options: dict[str, object],
    words: str,
) -> None:
    """A contradiction or an unknown word is a query error, and no request."""
    with pytest.raises(InvalidQueryError, match=words):
        client.download_products(products, download_dir=tmp_path, **options)  # type: ignore[arg-type]
    assert len(mast_sandbox.requests) == 0
    assert list(tmp_path.iterdir()) == []


# -- files that are there ------------------------------------------------------------------------------------------


def test_never_overwrites_and_never_asks(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A file of any content is kept with overwrite='never', and what is missing comes."""
    path = tmp_path / str(products["productFilename"][0])
    path.write_bytes(b"mine")
    manifest = client.download_products(products[:2], download_dir=tmp_path, flat=True, overwrite="never")
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert path.read_bytes() == b"mine"
    assert asked(mast_sandbox) == 1


def test_changed_files_come_again(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """overwrite='if-changed' fetches what the archive has renewed since, and keeps the rest (D10)."""
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


def test_files_on_disk_are_used_while_the_archive_is_down(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Without an archive whole files are whole, and a file that cannot be confirmed is used and said to be (D3)."""
    client.download_products(products[:2], download_dir=tmp_path, flat=True)
    unknown = products[:2].copy()
    unknown["size"] = -1
    with conf.set_temp("server", "http://127.0.0.1:9"):
        manifest = client.download_products(products[:2], download_dir=tmp_path, flat=True)
        unconfirmed = client.download_products(unknown, download_dir=tmp_path, flat=True)
    assert list(manifest["Status"]) == list(unconfirmed["Status"]) == ["COMPLETE"] * 2
    assert list(manifest["Message"]) == [None, None]
    assert all("The file exists but could not be compared with MAST" in message for message in unconfirmed["Message"])


# -- how -----------------------------------------------------------------------------------------------------------


def test_files_are_fetched_side_by_side_within_the_limit(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """max_workers bounds how many files are under way, and the manifest keeps the order of the products."""
    mast_sandbox.faults.add("download", Fault.delay(0.05), times=None)
    manifest = client.download_products(products, download_dir=tmp_path, flat=True, max_workers=2)
    assert [Path(path).name for path in manifest["Local Path"]] == list(products["productFilename"])
    assert mast_sandbox.requests.most_at_once("download") == 2


def test_executor_of_the_caller_does_the_work(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Any executor may be given; it is used, and not shut down."""
    with ThreadPoolExecutor(1, thread_name_prefix="theirs") as executor:
        manifest = client.download_products(products[:3], download_dir=tmp_path, executor=executor)
        assert executor.submit(int).result() == 0
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_deadline_is_an_error_of_the_files_that_did_not_come(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """When the time is over the call returns, and every product has its row."""
    mast_sandbox.faults.add("download", Fault.delay(30), times=None)
    manifest = client.download_products(products, download_dir=tmp_path, timeout=0.3)
    assert list(manifest["Status"]) == ["ERROR"] * len(products)
    assert all("deadline" in message.lower() or "0.3 s" in message for message in manifest["Message"])


def test_failures_raise_where_that_is_wanted(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """on_error='raise' raises at the end, with a manifest in which the others are whole."""
    mast_sandbox.faults.add("download", Fault.status(404))
    with pytest.raises(DownloadError) as caught:
        client.download_products(products, download_dir=tmp_path, on_error="raise", max_workers=1)
    assert list(caught.value.manifest["Status"]) == ["ERROR"] + ["COMPLETE"] * (len(products) - 1)


def test_memory_of_a_store_is_a_download_folder(client: ObservationsClass, products: Table) -> None:
    """An fsspec address takes files as a folder does, and knows them the next time."""
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


def test_cloud_alone_skips_what_it_does_not_have(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """With cloud_only a file without a copy is skipped, and MAST itself is not asked for any."""
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


def test_file_that_only_the_cloud_has_is_fetched_alone(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """download_file follows the same arguments."""
    client.enable_cloud_dataset(verbose=False)
    assert client.download_file(str(products["dataURI"][0]), local_path=tmp_path, cloud_only=True)[0] == "COMPLETE"
    with pytest.warns(NoResultsWarning, match=r"^The product mast:HLSP/nowhere/x\.fits was not found in the cloud"):
        status, message, _ = client.download_file("mast:HLSP/nowhere/x.fits", local_path=tmp_path, cloud_only=True)
    assert (status, message) == ("SKIPPED", "Product not found in cloud")
    assert asked(mast_sandbox) == 0


# -- afterwards ----------------------------------------------------------------------------------------------------


def test_manifest_is_verified_and_retried_days_later(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Written and read again, a manifest still tells what is wrong, and what failed is fetched, nothing else."""
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


def test_listing_ends_with_its_time(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> None:
    """timeout= bounds the whole call, however many questions it asks."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match=r"^Timeout limit of 0\.2 s exceeded"):
        client.get_product_list(observations, batch_size=1, timeout=0.2)
    with pytest.raises(InvalidQueryError, match="timeout"):
        client.get_product_list(observations, timeout=0)


def test_manifest_is_taken_by_the_name_of_its_file(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """A path or its text will do, in any format that tells itself."""
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


def test_new_arguments_come_after_those_of_the_peer() -> None:
    """All arguments after the first are keywords, so that new ones are in nobody's way."""
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
