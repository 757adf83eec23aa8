"""Endless files: the size is limited by the catalog or by a setting, and the bytes are removed."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import pytest
from astropy.table import Table

from astroquery_mast import Observations, Zcut, conf
from astroquery_mast.exceptions import DownloadError, InvalidResponseError
from astroquery_mast.sandbox import Fault, Sandbox


@pytest.fixture
def products(small_products: Table) -> Table:
    """Return two small products."""
    return small_products[:2]


def test_a_file_without_end_does_not_fill_the_disk(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond ten times the size in the catalog plus a gigabyte, the transfer stops and the bytes are removed."""
    monkeypatch.setattr("astroquery_mast.downloads.checks._EXTRA_BYTES", 1000)
    products["size"][0] = 10
    mast_sandbox.faults.add("download", Fault.no_length(), times=None)
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert list(manifest["Status"]) == ["ERROR", "COMPLETE"]
    assert "ResponseTooLargeError" in manifest["Message"][0]
    assert [path.name for path in tmp_path.rglob("*.*")] == [Path(manifest["Local Path"][1]).name]
    assert len(mast_sandbox.requests.of("download")) == 2


SIZELESS = {
    "a zip file": lambda products, folder: Observations.download_products(
        products, download_dir=folder, bundle="zip", verbose=False, on_error="ignore"
    )["Message"][0],
    "a tar file": lambda products, folder: Observations.download_products(
        products, download_dir=folder, bundle="tar.gz", verbose=False, on_error="ignore"
    )["Message"][0],
    "a script": lambda products, folder: Observations.download_products(
        products, download_dir=folder, curl_flag=True, verbose=False, on_error="ignore"
    )["Message"][0],
    "a single file": lambda products, folder: Observations.download_file(
        products["dataURI"][0], local_path=folder, verbose=False
    )[1],
    "a product without a size": lambda products, folder: Observations.download_products(
        Table(products["dataURI", "obs_id"][:1]), download_dir=folder, verbose=False, on_error="ignore"
    )["Message"][0],
}


@pytest.mark.parametrize("fetch", SIZELESS.values(), ids=SIZELESS)
@pytest.mark.parametrize("framing", ["announced", "chunked", "close"])
def test_a_file_of_unknown_size_without_end_does_not_fill_the_disk(
    products: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fetch: Callable[[Table, Path], str],
    framing: Literal["announced", "chunked", "close"],
) -> None:
    """Beyond ``conf.max_file_size``, the error names the setting, there is no retry, and no file is left."""
    monkeypatch.setattr(conf, "max_file_size", 300)
    if framing != "announced":
        for endpoint in ("download", "bundle"):
            mast_sandbox.faults.add(endpoint, Fault.no_length(framing), times=None)
    asked = len(mast_sandbox.requests)
    message = fetch(products, tmp_path)
    assert re.search("bytes, but conf.max_file_size is 300", message)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(mast_sandbox.requests) == asked + 1


def test_a_file_of_unknown_size_may_have_the_size_of_the_setting(
    products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of exactly the maximum size is downloaded, also by processes with another setting of their own."""
    uri, size = products["dataURI"][0], int(products["size"][0])
    one = Table(products["dataURI", "obs_id"][:1])
    monkeypatch.setattr(conf, "max_file_size", size)
    assert Observations.download_file(uri, local_path=tmp_path / "x.fits", verbose=False)[0] == "COMPLETE"
    monkeypatch.setattr(conf, "max_file_size", size - 1)
    assert Observations.download_file(uri, local_path=tmp_path / "y.fits", verbose=False)[0] == "ERROR"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        manifest = Observations.download_products(
            one, download_dir=tmp_path, executor=pool, verbose=False, on_error="ignore"
        )
    assert f"conf.max_file_size is {size - 1}" in manifest["Message"][0]


def test_cutouts_without_end_do_not_fill_the_disk(
    mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response larger than ``conf.max_file_size`` is an error that names the setting, and no file is left."""
    (path,) = Zcut.download_cutouts("189.49206 62.20615", size=2, path=tmp_path / "a", inflate=False, verbose=False)[
        "Local Path"
    ]
    size = Path(path).stat().st_size
    monkeypatch.setattr(conf, "max_file_size", size - 1)
    with pytest.raises(DownloadError, match=f"conf.max_file_size is {size - 1}"):
        Zcut.download_cutouts("189.49206 62.20615", size=2, path=tmp_path / "b", verbose=False)
    assert not [path for path in (tmp_path / "b").rglob("*") if path.is_file()]


def test_a_copy_without_end_does_not_fill_the_disk(
    products: Table, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without range requests, which is downloaded completely for reading, has the same limit."""
    monkeypatch.setattr(conf, "max_file_size", 300)
    for framing in (Fault.no_range(), Fault.no_range() + Fault.no_length("close")):
        mast_sandbox.faults.add("download", framing, times=2)
        with pytest.raises(InvalidResponseError, match=r"conf\.max_file_size is 300"):
            Observations.open_product(products[0])
