"""Products of the sandbox, and stores that files go into: one in memory, and a stand-in for S3."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Sandbox

# The smallest part of an upload that S3 takes.
PART = 5 << 20


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


@pytest.fixture
def memory() -> Iterator[str]:
    """Give an address in an empty store in memory."""
    store = pytest.importorskip("fsspec").filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield "memory://box/folder"
    store.store.clear()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Serve a stand-in for S3 on a free loopback port, with one bucket."""
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
        # Of an earlier module there is one already: all servers of a process have the same memory.
        s3fs.S3FileSystem().makedirs("bucket", exist_ok=True)
        yield "s3://bucket"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture
def s3(bucket: str) -> str:
    """Give an address in a bucket that no other test uses."""
    return f"{bucket}/{uuid.uuid4()}"


@pytest.fixture(params=["memory", "s3"])
def address(request: pytest.FixtureRequest) -> str:
    """Give an address in one store after the other."""
    return str(request.getfixturevalue(request.param))
