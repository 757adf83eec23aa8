"""Fixtures for downloads: a sandbox with its files, small products, and object stores in memory and like S3."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from astropy.table import Table
from transfers import PART, plan_of, service_of, small_files

from astroquery_mast.downloads.sessions import SessionRecipe
from astroquery_mast.downloads.transfer import OpenUrl
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.products.plan import PlannedFile
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def client(mast_sandbox: Sandbox) -> ObservationsClass:
    return ObservationsClass()


@pytest.fixture
def service(mast_sandbox: Sandbox) -> str:
    """Return the address of the download service."""
    return service_of(mast_sandbox)


@pytest.fixture
def uri(mast_sandbox: Sandbox) -> str:
    """Return the dataURI of a medium-sized FITS file."""
    rows = mast_sandbox.archive.query(
        "select dataURI from product where dataRights = 'PUBLIC' and dataURI like '%_flt.fits' "
        "and size between 500000 and 3000000 order by size limit 1"
    )
    return str(rows[0]["dataURI"])


@pytest.fixture
def large(mast_sandbox: Sandbox) -> str:
    """Return the dataURI of a file of at least eight megabytes."""
    rows = mast_sandbox.archive.query(
        "select dataURI from product where dataRights = 'PUBLIC' and size between 8000000 and 9000000 "
        "order by size desc, dataURI limit 1"
    )
    return str(rows[0]["dataURI"])


@pytest.fixture
def content(mast_sandbox: Sandbox, uri: str) -> bytes:
    return mast_sandbox.archive.render(uri)


@pytest.fixture
def open_url() -> Iterator[OpenUrl]:
    """Yield a function that opens addresses without retries."""
    with requests.Session() as session:
        yield lambda url, headers: session.get(url, headers=dict(headers), stream=True, timeout=10)


@pytest.fixture
def small_products(mast_sandbox: Sandbox) -> Table:
    """Return twelve small products."""
    return small_files(mast_sandbox, 12)


@pytest.fixture
def planned(mast_sandbox: Sandbox, small_products: Table, tmp_path: Path) -> list[PlannedFile]:
    """Return the plan for the small products."""
    return plan_of(mast_sandbox, small_products, tmp_path)


@pytest.fixture
def transport(client: ObservationsClass) -> SessionRecipe:
    """Return the recipe for sessions."""
    return SessionRecipe.of(client._service)


@pytest.fixture
def image(mast_sandbox: Sandbox) -> Table:
    """Return one FITS file as a product table."""
    return Table(
        mast_sandbox.archive.query(
            "select dataURI, obs_collection, obs_id, productFilename, size from product where dataRights = 'PUBLIC' "
            "and productFilename like '%_flt.fits' and size between 20000 and 9000000 order by size limit 1"
        )
    )


@pytest.fixture
def memory() -> Iterator[str]:
    """Yield the address of an empty store in memory."""
    store = pytest.importorskip("fsspec").filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield "memory://box/folder"
    store.store.clear()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Serve a mock S3 server on a free loopback port, with one bucket."""
    fsspec, s3fs = pytest.importorskip("fsspec"), pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.setitem(fsspec.config.conf, "s3", {"default_block_size": PART})
        # An earlier module may have created the bucket: all servers of a process share their memory.
        s3fs.S3FileSystem().makedirs("bucket", exist_ok=True)
        yield "s3://bucket"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def s3(bucket: str) -> str:
    """Return an address in a bucket that no other test uses."""
    return f"{bucket}/{uuid.uuid4()}"


@pytest.fixture(params=["memory", "s3"])
def address(request: pytest.FixtureRequest) -> str:
    """Return an address in each of the stores."""
    return str(request.getfixturevalue(request.param))
