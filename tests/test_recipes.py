"""The recipes of the documentation run for readers, and produce the expected results."""

from __future__ import annotations

import importlib.util
import io
import re
import runpy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox

plt = pytest.importorskip("matplotlib.pyplot")

DOCS = Path(__file__).parents[1] / "docs"
RECIPES = {path.stem: path for path in sorted((DOCS / "recipes").glob("*.py"))}
INDEX = (DOCS / "recipes.rst").read_text(encoding="utf-8")
preparations = runpy.run_path(str(DOCS / "recipes_sandbox.py"))
# Optional packages that recipes need.
NEEDED = {"spectrum": "specutils"}


@dataclass(frozen=True)
class Finished:
    """The results of a recipe: its variables, its output, its figures as arrays, and its folder."""

    variables: dict[str, Any]
    printed: str
    figures: list[np.ndarray]
    folder: Path

    def __getitem__(self, name: str) -> Any:
        return self.variables[name]


@pytest.fixture(autouse=True)
def _no_screen() -> Iterator[None]:
    plt.switch_backend("agg")
    # Close the figures that other tests left open.
    plt.close("all")
    yield
    plt.close("all")


def run(name: str, sandbox: Sandbox, folder: Path, capsys: pytest.CaptureFixture[str]) -> Finished:
    """Run a recipe in an empty folder and an empty namespace."""
    if name in NEEDED and importlib.util.find_spec(NEEDED[name]) is None:
        pytest.skip(f"the recipe needs {NEEDED[name]}")
    preparations["prepare"](name, sandbox)
    capsys.readouterr()
    variables = runpy.run_path(str(RECIPES[name]), run_name="__main__")
    return Finished(variables, capsys.readouterr().out, [pixels(number) for number in plt.get_fignums()], folder)


def pixels(number: int) -> np.ndarray:
    """Return the pixels of a figure."""
    file = io.BytesIO()
    plt.figure(number).savefig(file, format="png", dpi=50)
    file.seek(0)
    return plt.imread(file)


def complete(manifest: Any, folder: Path) -> bool:
    """Return whether every row of a manifest has an existing file."""
    return set(manifest["Status"]) == {"COMPLETE"} and all((folder / path).is_file() for path in manifest["Local Path"])


def _adql(done: Finished) -> None:
    everything = done["everything"]
    assert (
        len(everything)
        == len(set(everything["obsid"]))
        == Observations.query_tap("SELECT COUNT(*) AS number FROM dbo.obspointing")["number"][0]
    )
    assert everything.meta["pages"] > 1
    assert done["sizes"]["bytes"].sum() > 0


def _area(done: Finished) -> None:
    assert set(done["hubble"]["obs_collection"]) == {"HST"}
    assert "ACS/WFC: 40 observations" in done.printed


def _crossmatch_gaia(done: Finished) -> None:
    matches = done["matches"]
    assert len(matches) + len(matches.meta["unmatched"]) == 5000
    assert (matches["separation"] <= 20).all()
    assert done["mine"]["name"][matches["input_row"]].tolist() == matches["name"].tolist()


def _cutouts(done: Finished) -> None:
    assert len(done["cutouts"]) >= 3
    assert done["rgb"].std() > 1
    assert done["pixels"]["FLUX"].shape[1:] == (11, 11)


def _duplications(done: Finished) -> None:
    assert {"duplication", "possible"} == set(done["serious"]["grade"])
    assert set(done["planned"]["calib_level"]) == {-1}


def _exclusive_access(done: Finished) -> None:
    assert set(done["exclusive"]["dataRights"]) == {"EXCLUSIVE_ACCESS"}
    assert re.search(r"JWST 3435: 16 observations, until \d{4}-\d\d-\d\d", done.printed)
    assert done["soon"] <= done["total"]


def _exposure_map(done: Finished) -> None:
    assert done["seconds"].max() > done["hubble"]["t_exptime"].max()
    assert done["seconds"].min() < 0.1 * done["seconds"].max()


def _header_keywords(done: Finished) -> None:
    assert set(done["science"]["targprop"]) == {"HIP-65426"}
    assert set(done["references"]["targprop"]) == {"HIP-68245"}
    assert complete(done["manifest"], done.folder)


def _headers(done: Finished) -> None:
    assert len(done["headers"]) == 2 * len(done["calibrated"])
    assert set(done["headers"]["FILTER"].compressed()) == {"F115W"}
    assert not list(done.folder.rglob("*.fits"))


def _hlsp(done: Finished) -> None:
    assert {"QLP", "ULLYSES"} <= set(done["found"]["provenance_name"])
    assert "doi:10.17909/" in done.printed
    assert complete(done["manifest"], done.folder)


def _light_curve(done: Finished) -> None:
    flux = done["folded"]["flux"].value
    hours = abs(done["folded"]["time"].to_value("hr"))
    assert np.nanmedian(flux[hours < 1]) < 0.995 * np.nanmedian(flux[hours > 3])


def _many_files(done: Finished) -> None:
    assert complete(done["manifest"], done.folder)
    assert "Files downloaded: 24" in done.printed
    assert "already on disk: 24" in done.printed
    assert set(done["checked"]["Status"]) == {"OK"}


def _members(done: Finished) -> None:
    assert done["exposures"]["t_exptime"].sum() == pytest.approx(done["mosaic"]["t_exptime"][0], abs=1)
    assert len(done["manifest"]) == len(done["exposures"])
    assert complete(done["manifest"], done.folder)


def _previews(done: Finished) -> None:
    assert "<img" in done["page"].read_text(encoding="utf-8")


def _program_images(done: Finished) -> None:
    names = done["mosaics"]["productFilename"].tolist()
    assert len(names) == len(set(names)) == len(done["observations"]) == 14
    assert all(name.endswith("_i2d.fits") for name in names)
    assert complete(done["manifest"], done.folder)


def _refresh_files(done: Finished) -> None:
    assert sorted(done["plan"]["Status"]) == ["CHANGED", "OK"]
    assert sorted(done["result"]["Status"]) == ["COMPLETE", "OK"]
    assert done.printed.rstrip().endswith("OK OK")


def _saved_search(done: Finished) -> None:
    assert set(done["changes"]["change"]) == {"NEW", "PUBLIC NOW"}
    assert complete(done["manifest"], done.folder)


def _sources_in_footprints(done: Finished) -> None:
    assert 0 < done["observed"].sum() < len(done["sources"])
    assert set(done["pairs"]["obs_id"]) <= set(done["observations"]["obs_id"])


def _spectrum(done: Finished) -> None:
    assert [spectrum.meta["segment"] for spectrum in done["spectra"]] == ["FUVA", "FUVB"]


def _telemetry(done: Finished) -> None:
    assert set(done["telemetry"]["obs_id"]) <= set(done["exposures"]["obs_id"])
    assert "{'F560W'} 6.4" in done.printed


def _tess_light_curves(done: Finished) -> None:
    assert len(done["curves"]) == 27
    assert complete(done["manifest"], done.folder)


def _urls(done: Finished) -> None:
    assert (done.folder / "urls.txt").read_text().split("\n") == done["urls"]
    assert all(uri.startswith("s3://stpubdata/hst/public/") for uri in done["uris"])
    assert len(done["uris"]) == len(done["urls"]) == 24


CHECKS: dict[str, Callable[[Finished], None]] = {
    name[1:]: check for name, check in list(globals().items()) if name[1:] in RECIPES
}


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_runs_and_its_results_are_right(
    name: str,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The script runs in an empty namespace, prints something, shows its figures, and its results are right."""
    monkeypatch.chdir(tmp_path)
    done = run(name, mast_sandbox, tmp_path, capsys)
    assert done.printed
    assert len(done.figures) == RECIPES[name].read_text(encoding="utf-8").count("plt.show()")
    assert all(figure.std() > 0.02 for figure in done.figures)
    CHECKS[name](done)


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_is_listed(name: str) -> None:
    """The page of recipes has a card with its title, and an entry for the navigation."""
    title = RECIPES[name].read_text(encoding="utf-8").split("\n")[1]
    assert f".. grid-item-card:: {title}\n      :link: gallery/{name}\n" in INDEX
    assert f"<gallery/{name}>\n" in INDEX


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_is_short_and_links_to_a_page(name: str) -> None:
    """It has 5 to 40 lines of code, without the sandbox, and a link to an existing page."""
    lines = RECIPES[name].read_text(encoding="utf-8").split('"""', 2)[2].splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert 5 <= len(code) <= 40
    assert "sandbox" not in "\n".join(lines).lower()
    pages = re.findall(r":doc:`/(\w+)`", lines[-1] + lines[-2])
    assert pages
    assert all((DOCS / f"{page}.rst").is_file() for page in pages)
