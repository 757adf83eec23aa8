"""Files opened by `fsspec`, and single files downloaded into a store."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from astropy.io import fits
from astroquery.exceptions import InvalidQueryError, LoginError, RemoteServiceError

from astroquery_mast import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")
upath = pytest.importorskip("upath")

BIG = "mast:HLSP/m51/m51/hlsp_m51_hst_acs_m51_f435w_v1.0_drz.fits"


@pytest.fixture
def observations(mast_sandbox: Sandbox) -> ObservationsClass:
    """Return a client of the sandbox."""
    return ObservationsClass()


def uri_of(sandbox: Sandbox, condition: str) -> str:
    """Return the dataURI of a small file that meets a condition."""
    sql = f"SELECT dataURI FROM product WHERE size BETWEEN 1000 AND 2000000 AND {condition} ORDER BY size LIMIT 1"
    return str(sandbox.archive.query(sql)[0]["dataURI"])


@pytest.mark.parametrize("in_cloud", [False, True])
def test_fsspec_reads_only_what_is_needed(
    mast_sandbox: Sandbox, observations: ObservationsClass, in_cloud: bool
) -> None:
    """Ten rows of a 17 MB image are correct and need less than a megabyte, from MAST and from the cloud."""
    uri = BIG
    if in_cloud:
        observations.enable_cloud_dataset(verbose=False)
        uri = uri_of(mast_sandbox, "productFilename LIKE '%_flt.fits' OR productFilename LIKE '%_drz.fits'")
        uri = next((u for u in (BIG, uri) if observations.get_cloud_uri(u) is not None), uri)
    whole = mast_sandbox.archive.render(uri)
    mast_sandbox.requests.clear()
    with (
        observations.open_product(uri, use_fsspec=True, block_size=65536) as ours,
        fits.open(io.BytesIO(whole)) as theirs,
    ):
        assert isinstance(ours, fits.HDUList)
        number = next(index for index, hdu in enumerate(theirs) if hdu.header.get("NAXIS") == 2)
        np.testing.assert_array_equal(ours[number].section[10:20], theirs[number].data[10:20])
    asked = mast_sandbox.requests.of("cloud" if in_cloud else "download")
    assert 0 < sum(record.sent for record in asked) < min(1_000_000, len(whole) + 70_000)
    assert not any("authorization" in record.headers for record in mast_sandbox.requests)


def test_fsspec_gets_no_token(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """An exclusive file raises an error that explains how to read it, even after a login."""
    uri = uri_of(mast_sandbox, "dataRights = 'EXCLUSIVE_ACCESS' AND productFilename LIKE '%.fits'")
    observations.login(mast_sandbox.token)
    with pytest.raises(LoginError, match="without use_fsspec"):
        observations.open_product(uri, use_fsspec=True)
    assert not any("authorization" in record.headers for record in mast_sandbox.requests.of("download"))


def test_errors_of_fsspec_are_converted(
    mast_sandbox: Sandbox, observations: ObservationsClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing file, a file of another format, a failing server and a missing package raise errors of this package."""
    with pytest.raises(InvalidQueryError, match=r"there_is_none\.fits not found at"):
        observations.open_product("mast:HST/product/there_is_none.fits", use_fsspec=True)
    with pytest.raises(InvalidQueryError, match="not a FITS file"):
        observations.open_product(uri_of(mast_sandbox, "productFilename LIKE '%.jpg'"), use_fsspec=True)
    mast_sandbox.faults.add("download", Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError, match="500"):
        observations.open_product(BIG, use_fsspec=True)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InvalidQueryError, match=r"astroquery_mast\[cloud\]"):
        observations.open_product(BIG, use_fsspec=True)


def test_a_single_file_is_downloaded_into_a_store(mast_sandbox: Sandbox, observations: ObservationsClass) -> None:
    """The path may be a file or a folder; an existing file is compared, and not written again."""
    uri = uri_of(mast_sandbox, "dataRights = 'PUBLIC' AND productFilename LIKE '%.fits'")
    content, name = mast_sandbox.archive.render(uri), uri.rpartition("/")[2]
    store = fsspec.filesystem("memory")
    store.store.clear()
    for local_path, stored in (
        ("memory://box/x.fits", "/box/x.fits"),
        ("memory://box/folder/", f"/box/folder/{name}"),
        (upath.UPath("memory://box/other"), f"/box/other/{name}"),
    ):
        assert observations.download_file(uri, local_path=local_path, verbose=False) == ("COMPLETE", None, None)
        assert store.cat_file(stored) == content
    mast_sandbox.requests.clear()
    written = store.modified("/box/x.fits")
    assert observations.download_file(uri, local_path="memory://box/x.fits", verbose=False)[0] == "COMPLETE"
    assert store.modified("/box/x.fits") == written
    assert len(mast_sandbox.requests.of("download")) == 1
    assert sorted(store.find("/")) == ["/box/folder/" + name, "/box/other/" + name, "/box/x.fits"]
    store.store.clear()
