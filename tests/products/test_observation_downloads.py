"""What download_products can be told: plans, layouts, bundles, workers, the token; and what comes after it."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast.config import conf
from astroquery_mast.exceptions import (
    AuthenticationWarning,
    DownloadError,
    InputWarning,
    InvalidQueryError,
    LoginError,
    TimeoutError,
)
from astroquery_mast.observations import ObservationsClass
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord


@pytest.fixture
def client(mast_sandbox: Sandbox) -> ObservationsClass:
    return ObservationsClass()


@pytest.fixture
def observations(client: ObservationsClass) -> Table:
    return client.query_criteria(obs_collection="HST", calib_level=3, dataRights="PUBLIC")[:6]


@pytest.fixture
def products(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> Table:
    table = client.get_unique_product_list(observations)
    small = table[np.argsort(table["size"])][:6]
    mast_sandbox.requests.clear()
    return small


@pytest.fixture
def exclusive(mast_sandbox: Sandbox) -> Table:
    columns = "dataURI, obs_collection, obs_id, productFilename, dataRights, size"
    rows = mast_sandbox.archive.query(
        f"select {columns} from product where dataRights = 'EXCLUSIVE_ACCESS' order by size limit 2"
    )
    return Table(rows)


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


def files_in(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


# -- the plan ------------------------------------------------------------------------------------------------------


def test_dry_run_says_what_would_be_done_and_does_nothing(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The plan has a row for each file and the bytes to come; nothing is asked, and nothing written."""
    plan = client.download_products(products, download_dir=tmp_path / "new", dry_run=True)
    assert plan.colnames == ["Local Path", "URL", "Cloud URL", "Size", "Action", "Reason", "Rights"]
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
    plan = client.get_download_urls(observations[:2], extension="fits")
    assert len(plan)
    assert {record.endpoint for record in mast_sandbox.requests} <= {"invoke", "columnsconfig"}


def test_addresses_can_be_used_as_they_are(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Any program can fetch from the addresses, dataURIs with special characters included."""
    import requests

    urls = client.get_download_urls(products, download_dir=tmp_path, flat=True)
    for uri, url in zip(products["dataURI"], urls["URL"], strict=True):
        assert requests.get(url, timeout=10).content == mast_sandbox.archive.render(uri)
    assert all(Path(path).parent == tmp_path for path in urls["Local Path"])


def test_layout_lays_files_out_in_the_download_folder(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """Templates and functions say where files go, without mastDownload before it (D8)."""
    template = "{obs_collection}/{proposal_id}/{productFilename}"
    manifest = client.download_products(products[:2], download_dir=tmp_path, layout=template)
    for row, product in zip(manifest, products[:2], strict=True):
        expected = tmp_path / product["obs_collection"] / str(product["proposal_id"]) / product["productFilename"]
        assert Path(row["Local Path"]) == expected
        assert expected.is_file()
    by_call = client.download_products(products[:1], download_dir=tmp_path, layout=lambda row: f"x/{row['obsID']}.dat")
    assert Path(by_call["Local Path"][0]) == tmp_path / "x" / f"{products['obsID'][0]}.dat"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "{proposalid}/{productFilename}"}, "proposal_id"),
        ({"layout": "{obs_id}/", "flat": True}, "contradict"),
        ({"overwrite": "never", "cache": False}, "contradict"),
        ({"overwrite": "sometimes"}, "if-changed"),
        ({"bundle": "rar"}, "tar.gz"),
        ({"bundle": "zip", "curl_flag": True}, "contradict"),
        ({"cloud_only": True, "force_on_prem": True}, "contradict"),
        ({"deadline": -1}, "deadline=-1"),
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
    assert all("could not be compared with the archive" in message for message in unconfirmed["Message"])


# -- bundles and scripts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_bundle_is_one_request_and_one_file_with_a_row_for_every_product(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    kind: str,
) -> None:
    """All products are in one archive file; what was left out is an error of its own row."""
    wanted = Table(rows=[dict(zip(exclusive.colnames, row, strict=True)) for row in exclusive[:1]])
    for product in products[:2]:
        wanted.add_row([product[name] for name in wanted.colnames])
    manifest = client.download_products(wanted, download_dir=tmp_path, bundle=kind)
    assert list(manifest["Status"]) == ["ERROR", "COMPLETE", "COMPLETE"]
    assert "left" in manifest["Message"][0]
    assert list(manifest["dataURI"]) == list(wanted["dataURI"])
    (path,) = {Path(path) for path in manifest["Local Path"]}
    assert path.name.endswith(f".{kind}")
    assert len(mast_sandbox.requests) == asked(mast_sandbox, "bundle") == 1
    assert files_in(tmp_path) == [path.relative_to(tmp_path)]
    if kind == "zip":
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    else:
        with tarfile.open(path) as tar:
            names = tar.getnames()
    assert sum(name.endswith(tuple(products["productFilename"][:2])) for name in names) == 2


def test_dry_run_of_a_bundle_shows_the_one_file(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Sizes are those of the products, the place is that of the bundle."""
    plan = client.download_products(products, download_dir=tmp_path, bundle="zip", dry_run=True)
    assert len(plan) == len(products)
    assert len(set(plan["Local Path"])) == 1
    assert plan.meta["total_bytes"] == products["size"].sum()
    assert len(mast_sandbox.requests) == 0


def test_bundle_with_a_layout_is_told_to_make_no_difference(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """The archive lays its bundles out itself."""
    with pytest.warns(InputWarning, match="layout has no effect on a bundle"):
        client.download_products(products[:1], download_dir=tmp_path, bundle="zip", layout="{obs_id}/")


def test_failing_bundle_raises_with_its_manifest_where_that_is_wanted(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """on_error='raise' holds for bundles, too."""
    mast_sandbox.faults.add("bundle", Fault.status(404), times=None)
    with pytest.raises(DownloadError) as caught:
        client.download_products(products, download_dir=tmp_path, bundle="zip", on_error="raise")
    assert list(caught.value.manifest["Status"]) == ["ERROR"] * len(products)
    assert files_in(tmp_path) == []


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_script_takes_the_token_of_whoever_runs_it(
    client: ObservationsClass, exclusive: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The script has a row for every product and no token in it, is asked for without one, and works with one (D13)."""
    client.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    manifest = client.download_products(exclusive, download_dir=tmp_path, curl_flag=True)
    assert list(manifest["Status"]) == ["COMPLETE"] * len(exclusive)
    assert len(set(manifest["Local Path"])) == 1
    script = Path(manifest["Local Path"][0])
    assert mast_sandbox.token not in script.read_text()
    (record,) = mast_sandbox.requests.of("bundle")
    assert "authorization" not in record.headers
    (tmp_path / "run").mkdir()
    environment = {"PATH": os.environ["PATH"], "MAST_API_TOKEN": mast_sandbox.token}
    subprocess.run(["bash", str(script)], cwd=tmp_path / "run", env=environment, check=True, capture_output=True)
    found = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert found == {row["productFilename"]: mast_sandbox.archive.render(row["dataURI"]) for row in exclusive}


# -- who may have them ---------------------------------------------------------------------------------------------


def test_token_of_the_environment_is_used_when_an_exclusive_file_is_met(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Public files need no login; the first exclusive one brings one about, once for all."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    client.download_products(products[:1], download_dir=tmp_path)
    assert not client.authenticated()
    client.download_products(exclusive, download_dir=tmp_path, dry_run=True)
    assert not client.authenticated()
    manifest = client.download_products(exclusive, download_dir=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert client.authenticated()
    assert asked(mast_sandbox, "whoami") == 1


def test_bad_token_of_the_environment_is_a_warning(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The public files come all the same, and the warning does not repeat the token."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.expired_token)
    table = Table(rows=[{name: row[name] for name in exclusive.colnames} for row in [exclusive[0], products[0]]])
    with pytest.warns(AuthenticationWarning, match="of no use") as caught:
        manifest = client.download_products(table, download_dir=tmp_path)
    assert list(manifest["Status"]) == ["ERROR", "COMPLETE"]
    assert len(caught) == 1
    assert mast_sandbox.expired_token not in str(caught[0].message)


def test_single_exclusive_file_brings_the_login_about(
    client: ObservationsClass,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dataURI does not tell whether the file is exclusive: the refusal does."""
    uri = str(exclusive["dataURI"][0])
    assert client.download_file(uri, local_path=tmp_path)[0] == "ERROR"
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert client.download_file(uri, local_path=tmp_path) == ("COMPLETE", None, None)


def test_refused_file_comes_with_the_token_at_the_second_call(
    client: ObservationsClass,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token that was set after the refusal is found by retry."""
    refused = client.download_products(exclusive, download_dir=tmp_path)
    assert set(refused["Status"]) == {"ERROR"}
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert set(client.retry(refused)["Status"]) == {"COMPLETE"}


def test_refusal_says_whose_the_file_is_and_until_when(client: ObservationsClass, tmp_path: Path) -> None:
    """Where the observations were given, the message has the rights and the day of release."""
    observations = client.query_criteria(obs_collection="HST", dataRights="EXCLUSIVE_ACCESS")[:1]
    manifest = client.download_products(observations, download_dir=tmp_path, extension="jpg")
    message = manifest["Message"][0]
    assert message.startswith("HTTPError: 401 Client Error: Unauthorized for url: ")
    assert "log in" in message
    assert "dataRights: EXCLUSIVE_ACCESS; release date 20" in message


def test_message_has_the_address_once(
    client: ObservationsClass, mast_sandbox: Sandbox, products: Table, exclusive: Table, tmp_path: Path
) -> None:
    """However a file fails, its message does not repeat the address."""
    products["dataURI"] = products["dataURI"].astype("U200")
    products["dataURI"][0] = "mast:HST/product/absent.fits"
    reset = str(products["dataURI"][1])

    def breaks(record: RequestRecord) -> bool:
        return reset in record.values("uri")

    mast_sandbox.faults.add("download", Fault.reset(), times=None, where=breaks)
    messages = list(client.download_products(products[:2], download_dir=tmp_path)["Message"])
    messages += list(client.download_products(exclusive[:1], download_dir=tmp_path)["Message"])
    with conf.set_temp("server", "http://127.0.0.1:9"):
        messages += list(client.download_products(products[2:3], download_dir=tmp_path)["Message"])
    for message in messages:
        assert message.count("Download/file") <= 1
        assert message.count("HTTP 404") <= 1


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
    manifest = client.download_products(products, download_dir=tmp_path, deadline=0.3)
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
    assert set(client.verify(manifest)["Status"]) == {"OK"}
    assert set(client.retry(manifest)["Status"]) == {"COMPLETE"}


# -- the cloud -----------------------------------------------------------------------------------------------------


def test_cloud_alone_skips_what_it_does_not_have(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """With cloud_only a file without a copy is skipped, and MAST itself is not asked for any."""
    table = products[:2].copy()
    table["dataURI"] = table["dataURI"].astype("U200")
    table["dataURI"][1] = "mast:HLSP/nowhere/x.fits"
    client.enable_cloud_dataset(verbose=False)
    plan = client.download_products(table, download_dir=tmp_path, cloud_only=True, dry_run=True)
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
    status, message, _ = client.download_file("mast:HLSP/nowhere/x.fits", local_path=tmp_path, cloud_only=True)
    assert (status, message) == ("SKIPPED", "not in the cloud")
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
    seen = client.verify(manifest, verbose=False)
    assert list(seen["Status"][:3]) == ["MISSING", "CHANGED", "OK"]
    mast_sandbox.requests.clear()
    mended = client.retry(seen, verbose=False)
    assert isinstance(mended, Manifest)
    assert asked(mast_sandbox) == 2
    assert set(client.verify(mended, verbose=False)["Status"]) == {"OK"}


# -- listing -------------------------------------------------------------------------------------------------------


def test_listing_ends_with_its_time(client: ObservationsClass, observations: Table, mast_sandbox: Sandbox) -> None:
    """timeout= bounds the whole call, however many questions it asks."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    with pytest.raises(TimeoutError, match=r"given 0\.2 s"):
        client.get_product_list(observations, batch_size=1, timeout=0.2)
    with pytest.raises(InvalidQueryError, match="timeout"):
        client.get_product_list(observations, timeout=0)


def test_login_that_failed_before_is_not_repeated_for_public_files(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Public files ask for nobody's name."""
    with pytest.raises(LoginError):
        client.login(mast_sandbox.expired_token)
    mast_sandbox.requests.clear()
    client.download_products(products[:2], download_dir=tmp_path)
    assert asked(mast_sandbox, "whoami") == 0


def test_new_arguments_come_after_those_of_the_peer() -> None:
    """All arguments after the first are keywords, so that new ones are in nobody's way."""
    for name in ("download_products", "download_file", "get_download_urls", "verify", "retry", "get_product_list"):
        parameters = list(inspect.signature(getattr(ObservationsClass, name)).parameters.values())[2:]
        assert all(p.kind in {p.KEYWORD_ONLY, p.VAR_KEYWORD} for p in parameters), name
