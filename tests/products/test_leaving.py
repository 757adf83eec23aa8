"""Ctrl-C in calls for products: it is raised, connections are closed, and no thread is left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox

HANGS = 60.0
"""Delay of a silent server in seconds, longer than any test may take."""


def interrupt_when_asked(sandbox: Sandbox, endpoint: str) -> threading.Thread:
    """Send SIGINT to the main thread as soon as the sandbox receives a request."""

    def interrupt() -> None:
        for _ in range(2000):
            if sandbox.requests.of(endpoint):
                break
            threading.Event().wait(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    return watcher


CALLS: dict[str, tuple[str, Callable[[ObservationsClass, Table, Path], object]]] = {
    "bundle": (
        "bundle",
        lambda client, products, folder: client.download_products(
            products, download_dir=folder, bundle="zip", verbose=False
        ),
    ),
    "products": (
        "invoke",
        lambda client, _, __: client.get_product_list([str(60000000 + n) for n in range(1500)], verbose=False),
    ),
    "one by one": (
        "download",
        lambda client, products, folder: list(
            client.download_products_iter(products, download_dir=folder, verbose=False)
        ),
    ),
    "cloud": (
        "path_lookup",
        lambda client, _, __: client.get_cloud_uris([f"mast:HST/product/x{n}.fits" for n in range(200)]),
    ),
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("call", CALLS)
def test_ctrl_c_ends_the_call_and_its_threads(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, call: str
) -> None:
    """Silent servers do not delay it: the interpreter, which joins all threads at exit, can end at once."""
    endpoint, ask = CALLS[call]
    mast_sandbox.faults.add(endpoint, Fault.delay(HANGS), times=None)
    watcher = interrupt_when_asked(mast_sandbox, endpoint)
    with pytest.raises(KeyboardInterrupt):
        ask(client, products, tmp_path)
    watcher.join(30)
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("astroquery_mast")]
    for thread in workers:
        thread.join(5)
    assert not any(thread.is_alive() for thread in workers)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_timeout_ends_a_bundle(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The timeout of the call applies to the bundle, and the message says so."""
    mast_sandbox.faults.add("bundle", Fault.delay(HANGS), times=None)
    manifest = client.download_products(
        products, download_dir=tmp_path, bundle="tar.gz", timeout=0.5, verbose=False, on_error="ignore"
    )
    assert set(manifest["Status"]) == {"ERROR"}
    assert manifest["Message"][0].startswith("Timed out after 0.5 s")
    assert not list(tmp_path.iterdir())
