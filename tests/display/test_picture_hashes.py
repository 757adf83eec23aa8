"""Hashes of the pixels of plots, coarse enough for other versions of matplotlib.

``python tests/display/test_picture_hashes.py`` writes new hashes, and the plots to the current folder.  Look at the
plots before you commit the hashes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from astroquery_mast.display import (
    bars,
    plot_depth,
    plot_footprints,
    plot_previews,
    plot_timeline,
    plot_wavelengths,
)
from astroquery_mast.sandbox import Sandbox

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("PIL")
# Python 3.11 may fail to compile a module that is first imported while other threads of the server compile theirs.
pytest.importorskip("astroquery_mast.sandbox.archive.preview")
plt = pytest.importorskip("matplotlib.pyplot")

KEPT = Path(__file__).with_name("picture_hashes.txt")
# Number of cells; the hash has the mean color of each, with two hexadecimal digits.
ROWS, COLUMNS, LEVELS = 12, 16, 256
# Largest difference between cells of the same plot, because versions of matplotlib draw fonts and lines differently.
SAME = 20
NOW = 61_000.0


def observations() -> Table:
    """Return four observations with all columns of the plots, one of them planned."""
    table = Table({"obs_id": ["one", "two", "three", "four"]})
    table["instrument_name"] = ["ACS/WFC", "ACS/WFC", "NIRCAM/IMAGE", "MIRI/IMAGE"]
    table["calib_level"] = [3, 2, 2, -1]
    table["s_region"] = [
        "POLYGON 202.40 47.15 202.48 47.15 202.48 47.21 202.40 47.21",
        "POLYGON 202.46 47.18 202.54 47.18 202.54 47.24 202.46 47.24",
        "CIRCLE 202.52 47.16 0.03",
        "CIRCLE 202.42 47.24 0.02",
    ]
    table["t_min"], table["t_max"] = [59000.0, 59300.0, 60500.0, 61300.0], [59100.0, 59450.0, 60650.0, 61400.0]
    table["t_obs_release"] = [59400.0, 59700.0, 61200.0, 61800.0]
    table["t_exptime"] = [1000.0, 3000.0, 9000.0, 2000.0]
    table["em_min"], table["em_max"] = [400.0, 700.0, 1800.0, 5000.0], [550.0, 950.0, 2300.0, 7000.0]
    names = (
        "HST/product/j97c01010_drc.jpg",
        "HST/product/j97c01020_drc.jpg",
        "JWST/product/jw01783004001_02101_00002_mirimage_cal.jpg",
        "",
    )
    table["jpegURL"] = [name and f"mast:{name}" for name in names]
    return table


PLOTS: dict[str, Callable[[Table], Any]] = {
    "plot_footprints": lambda table: plot_footprints(table, coordinates="202.47 47.20", radius="5 arcmin"),
    "plot_depth": plot_depth,
    "plot_timeline": plot_timeline,
    "plot_wavelengths": plot_wavelengths,
    "plot_previews": plot_previews,
}


def hash_of(ax: Any) -> str:
    """Return the mean colors of the cells of a plot in hexadecimal digits."""
    ax.figure.set_size_inches(8, 6)
    ax.figure.set_dpi(100)
    ax.figure.canvas.draw()
    pixels = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(float)
    cells = [part for row in np.array_split(pixels, ROWS) for part in np.array_split(row, COLUMNS, axis=1)]
    levels = np.array([cell.mean(axis=(0, 1)) for cell in cells]) * LEVELS / 256
    return levels.astype(np.uint8).tobytes().hex()


def difference(one: str, other: str) -> int:
    """Return the largest difference of two hashes in any cell and color."""
    first, second = (np.frombuffer(bytes.fromhex(each), dtype=np.uint8).astype(int) for each in (one, other))
    return int(np.abs(first - second).max())


def kept() -> dict[str, str]:
    """Return the stored hashes."""
    return dict(line.split() for line in KEPT.read_text("ascii").splitlines())


def drawn(name: str, change: Callable[[Table], Table] = lambda table: table) -> Any:
    """Draw a plot in a fixed style."""
    matplotlib.rcdefaults()
    plt.rcParams.update({"font.family": "DejaVu Sans", "figure.dpi": 100})
    return PLOTS[name](change(observations()))


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch, mast_sandbox: Sandbox) -> Iterator[None]:
    """Fix the date, use previews from the sandbox, and restore figures and settings afterward."""
    monkeypatch.setattr(bars, "time", SimpleNamespace(time=lambda: (NOW - 40587.0) * 86400.0))
    with matplotlib.rc_context():
        yield
    plt.close("all")
    assert mast_sandbox.url


@pytest.mark.parametrize("name", PLOTS)
def test_plots_have_the_stored_hashes(name: str) -> None:
    """All cells of a plot agree with the stored hash."""
    assert difference(hash_of(drawn(name)), kept()[name]) <= SAME


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("row", range(3))
def test_a_missing_observation_changes_the_hash(name: str, row: int) -> None:
    """The plot without an observation has a different hash."""

    def lacking(table: Table) -> Table:
        # The limits of the plot do not change.
        for column in ("s_region", "jpegURL"):
            table[column][row] = ""
        for column in ("t_min", "t_max", "em_min", "em_max"):
            table[column][row] = np.nan
        return table

    assert difference(hash_of(drawn(name, lacking)), kept()[name]) > SAME


def recolored(ax: Any) -> Any:
    """Change only the colors of a plot."""
    for image in ax.images:
        image.set(cmap="magma") if image.get_array().ndim == 2 else image.set(data=255 - image.get_array())
    for collection in ax.collections:
        collection.set(facecolor=np.roll(collection.get_facecolor(), 1, axis=1)[:, [1, 2, 0, 3]] * [1, 1, 1, 0.5])
    return ax


@pytest.mark.parametrize("name", PLOTS)
def test_other_colors_change_the_hash(name: str) -> None:
    """The plot in other colors has a different hash."""
    assert difference(hash_of(recolored(drawn(name))), kept()[name]) > SAME


@pytest.mark.parametrize("name", PLOTS)
def test_a_dark_background_changes_the_hash(name: str) -> None:
    """The plot on a dark background has a different hash."""
    with plt.style.context("dark_background"):
        ax = PLOTS[name](observations())
        assert difference(hash_of(ax), kept()[name]) > SAME


def main() -> None:
    """Write the hashes and the plots."""
    matplotlib.use("Agg")
    bars.time = SimpleNamespace(time=lambda: (NOW - 40587.0) * 86400.0)  # type: ignore[assignment]
    lines = []
    with Sandbox():
        for name in PLOTS:
            ax = drawn(name)
            lines.append(f"{name} {hash_of(ax)}\n")
            ax.figure.savefig(f"{name}.png")
    KEPT.write_text("".join(lines), "ascii")


if __name__ == "__main__":
    sys.exit(main())
