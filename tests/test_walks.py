"""The number of files of the package that a call uses, which a reader has to open to follow it.

``python tests/test_walks.py`` prints the files of each call, in order.  The calls are sent to a sandbox twice, and only
the second call counts, so that data that are read once per process are not included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import Catalogs, MastClass, MastMissions, Observations
from astroquery_mast.sandbox import Sandbox

ROOT = str(resources.files("astroquery_mast"))
M51 = SkyCoord(202.4696, 47.1952, unit="deg")
TWO = SkyCoord([202.4696, 10.0], [47.1952, 20.0], unit="deg")


@dataclass(frozen=True)
class Call:
    """A call, and the maximum number of files that it may use."""

    make: Callable[[Path], Any]
    most: int


def _download(folder: Path) -> Any:
    """Download two files."""
    return Observations.download_products(_products(), download_dir=folder, cache=False, verbose=False)


def _products() -> Table:
    """Return two products, listed once."""
    if not _LISTED:
        _LISTED.append(Observations.get_product_list(OBSID, verbose=False)[:2])
    return _LISTED[0]


_LISTED: list[Table] = []
OBSID = "24000000"

CALLS = {
    "Observations.query_region": Call(lambda _: Observations.query_region(M51, radius="0.1 deg"), 14),
    "Observations.query_criteria": Call(
        lambda _: Observations.query_criteria(object_name="M51", obs_collection="HST", t_exptime=(100, None)), 18
    ),
    "Observations.query_region_count": Call(lambda _: Observations.query_region_count(M51, radius="0.1 deg"), 12),
    "Observations.download_products": Call(_download, 26),
    "Observations.crossmatch": Call(lambda _: Observations.crossmatch(TWO, verbose=False), 20),
    "Catalogs.query_region": Call(lambda _: Catalogs.query_region(M51, radius="0.02 deg", catalog="TIC"), 18),
    "MastMissions.query_criteria": Call(
        lambda _: MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS", select_cols="sci_start_time"), 18
    ),
}


@contextmanager
def watched(files: dict[str, None]) -> Iterator[None]:
    """Record the files of the client whose functions are called, on all threads that start in the meantime."""

    def note(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(ROOT) and "sandbox" not in name and frame.f_code.co_name != "<module>":
            files[name[len(ROOT) + 1 :]] = None

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def walk(call: Call, folder: Path) -> list[str]:
    """Return the files that a call uses, in order."""
    call.make(folder)
    files: dict[str, None] = {}
    with watched(files):
        call.make(folder)
    return list(files)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_uses_few_files(name: str, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A reader of the code who follows a call opens at most this number of files."""
    files = walk(CALLS[name], tmp_path)
    assert len(files) <= CALLS[name].most, " > ".join(files)


SCRIPT = """
import sys
from astropy.coordinates import SkyCoord
from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox

def loaded(*names):
    return [name for name in names if f"astroquery_mast.{name}" in sys.modules]

MANY = ("targets.targets", "targets.batch", "targets.crossmatch", "observations.many", "observations.neighbors")
here, near = SkyCoord(202.47, 47.2, unit="deg"), SkyCoord(202.48, 47.2, unit="deg")
with Sandbox():
    assert len(Observations.query_region(here, radius=0.1))
    assert Observations.query_criteria_count(obs_collection="GALEX")
    assert not loaded(*MANY), loaded(*MANY)
    assert len(Observations.query_region([here, near], radius=0.1, merge_nearby=False))
    assert loaded("observations.many", "observations.neighbors") == ["observations.many"]
    assert len(Observations.query_region([here, near], radius=0.1))
    assert loaded("observations.neighbors")
"""


def test_one_target_does_not_import_the_code_for_many() -> None:
    """The code for many targets is imported only for these, and that for neighbors only if they may be merged."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def main() -> None:
    """Print the files of every call."""
    with Sandbox(), tempfile.TemporaryDirectory() as folder:
        for name, call in CALLS.items():
            files = walk(call, Path(folder))
            sys.stdout.write(f"{name}: {len(files)} files (at most {call.most})\n    {' > '.join(files)}\n")


if __name__ == "__main__":
    main()


def test_a_client_is_imported_without_most_modules() -> None:
    """A default client needs few modules; the others are imported on first use."""
    code = "import sys; from astroquery_mast import Observations; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "astroquery_mast.observations.client" in loaded
    assert not {"tenacity", "msgspec", "astropy.wcs"}.intersection(loaded)
    assert len([name for name in loaded if name.startswith("astroquery_mast.")]) < 25


def test_threads_that_use_a_client_first_share_its_session() -> None:
    """Objects that are created on first use are created once, also if threads use them at the same time."""
    client, together = MastClass(), threading.Barrier(8)

    def session(_: int) -> object:
        together.wait()
        return client._session

    with ThreadPoolExecutor(8) as threads:
        assert len(set(map(id, threads.map(session, range(8))))) == 1
