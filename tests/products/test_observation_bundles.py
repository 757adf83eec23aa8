"""Files of observations in one bundle, and the script that downloads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast.exceptions import DownloadError, InputWarning
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


def files_in(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bundle_is_one_request_and_one_file_with_a_row_for_every_product(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    kind: str,
) -> None:
    """All products are in one file; a product that is left out is an error in its own row."""
    wanted = Table(rows=[dict(zip(exclusive.colnames, row, strict=True)) for row in exclusive[:1]])
    for product in products[:2]:
        wanted.add_row([product[name] for name in wanted.colnames])
    manifest = client.download_products(wanted, download_dir=tmp_path, bundle=kind)
    assert list(manifest["Status"]) == ["ERROR", "COMPLETE", "COMPLETE"]
    assert "did not include" in manifest["Message"][0]
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


def test_a_dry_run_of_a_bundle_shows_its_file(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The sizes are those of the products, and the path is that of the bundle."""
    plan = client.download_products(products, download_dir=tmp_path, bundle="zip", dry_run=True)
    assert len(plan) == len(products)
    assert len(set(plan["Local Path"])) == 1
    assert plan.meta["total_bytes"] == products["size"].sum()
    assert len(mast_sandbox.requests) == 0


def test_layout_arguments_have_no_effect_on_a_bundle(
    client: ObservationsClass, products: Table, tmp_path: Path
) -> None:
    """MAST determines the folders in a bundle, and the arguments cause a warning."""
    with pytest.warns(InputWarning, match="path_template has no effect on a bundle"):
        client.download_products(products[:1], download_dir=tmp_path, bundle="zip", path_template="{obs_id}/")


def test_a_failed_bundle_raises_with_its_manifest_on_request(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """on_error='raise' applies to bundles, too."""
    mast_sandbox.faults.add("bundle", Fault.status(404), times=None)
    with pytest.raises(DownloadError) as caught:
        client.download_products(products, download_dir=tmp_path, bundle="zip", on_error="raise")
    assert list(caught.value.manifest["Status"]) == ["ERROR"] * len(products)
    assert files_in(tmp_path) == []


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_a_script_uses_the_token_of_the_user_who_runs_it(
    client: ObservationsClass, exclusive: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The script has a line for every product and no token, is requested without one, and works with one (D13)."""
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
