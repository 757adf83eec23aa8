"""The sandbox on which recipes run when the documentation is built, and in tests.

The recipes are written for MAST itself: nothing in them mentions the sandbox. Some need files of an earlier download or
search, which are made here before they run.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from astroquery_mast import Observations, SavedSearch
from astroquery_mast.sandbox import Sandbox

FOLDER = Path(__file__).parent / "recipes"
# The documentation runs copies, because recipes download files to the folder in which they are.
COPY = Path(__file__).parent / "_build" / "recipes"
_RUNNING = contextlib.ExitStack()


def names() -> list[str]:
    """Return the names of all recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def _old_mosaics(archive: Sandbox) -> None:
    """Download two mosaics, one of which is then processed again."""
    mosaics = Observations.query_criteria(proposal_id=1783, filters=["F115W", "F150W"], calib_level=3)
    products = Observations.get_product_list(mosaics[:2])
    Observations.download_products(
        products, productSubGroupDescription="I2D", extension="fits", download_dir="m51", flat=True, verbose=False
    )
    archive.reprocess("jw01783-o001_t006_nircam_clear-f115w", cal_ver="1.19.1", crds_ctx="jwst_1400.pmap")


def _last_week(archive: Sandbox) -> None:
    """Run the saved search for the first time, before the archive changes."""
    SavedSearch("m51_webb", Observations.query_criteria, object_name="M51", obs_collection="JWST").changes()
    place = {"s_ra": 202.47, "s_dec": 47.195}
    archive.add("jw01783-o001_t006_nircam_clear-f115w", obs_id="jw01783-o007_t006_nircam_clear-f115w", **place)
    archive.release("jw03435-o001_t006_nircam_clear-f1*")


_PREPARATIONS: dict[str, Callable[[Sandbox], None]] = {
    "refresh_files": _old_mosaics,
    "saved_search": _last_week,
}


def prepare(name: str, archive: Sandbox) -> None:
    """Make what the recipe of that name needs in the current folder and in the sandbox."""
    _PREPARATIONS.get(name, lambda _archive: None)(archive)


@contextlib.contextmanager
def sandbox_for(name: str) -> Iterator[Sandbox]:
    """Run a sandbox that only this recipe uses, after what it needs was made in the current folder."""
    with Sandbox() as archive:
        prepare(name, archive)
        yield archive


def begin(_settings: dict[str, object], path: str | None, when: str) -> None:
    """Start a sandbox before a recipe, and stop it afterwards. sphinx-gallery calls this for each recipe."""
    _RUNNING.close()
    if path is None or when == "after":
        return
    for left in COPY.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif not (FOLDER / left.name).exists():
            left.unlink()
    with contextlib.chdir(COPY):
        _RUNNING.enter_context(sandbox_for(Path(path).stem))
