"""Contact sheets with previews from the sandbox over HTTP."""

from __future__ import annotations

import base64
import doctest
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import Observations
from astroquery_mast.display import plot_previews, write_previews
from astroquery_mast.sandbox import Fault, Sandbox

plt = pytest.importorskip("matplotlib.pyplot")
PIL = pytest.importorskip("PIL.Image")
# Python 3.11 may fail to compile a module that is first imported while other threads of the server compile theirs.
pytest.importorskip("astroquery_mast.sandbox.archive.preview")

HUBBLE = "mast:HST/product/j97c01010_drc.jpg"
WEBB = "mast:JWST/product/jw03435001001_02101_00001_nrca1_cal.jpg"
FITS = "mast:HST/product/j97c01010_asn.fits"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close all figures after each test."""
    yield
    plt.close("all")


def sheet(*addresses: str | None) -> Table:
    """Return observations with these previews."""
    masked = [address is None for address in addresses]
    table = Table({"obs_id": [f"obs <{number}> $x$" for number in range(len(addresses))]}, masked=True)
    table["jpegURL"] = MaskedColumn([address or "" for address in addresses], mask=masked)
    return table


def words(ax: Any) -> list[str]:
    """Return the texts in the tiles, without the labels."""
    return [text.get_text() for text in ax.texts if text.get_va() == "center"]


def test_previews_are_drawn_side_by_side(mast_sandbox: Sandbox) -> None:
    """Each preview has a tile with its label; tiles of missing previews are gray and show the reason."""
    ax = plot_previews(sheet(HUBBLE, None, WEBB, FITS, HUBBLE))
    ax.figure.canvas.draw()
    assert ax.get_title() == "2 previews (1 no preview, 1 exclusive, 1 failed)"
    assert words(ax) == ["no preview", "exclusive", "failed"]
    first, *gray, last = [np.asarray(image.get_array()) for image in ax.images]
    assert first.shape[2] == 3
    assert first.std() > 5
    assert (first == last).all()
    assert all(each.shape == (1, 1, 3) for each in gray)
    middles = [np.mean(image.get_extent()[:2]) for image in ax.images]
    assert middles == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5])
    asked = [each for each in mast_sandbox.requests if "j97c01010_drc.jpg" in str(each)]
    assert len(asked) == 1


def test_failed_downloads_give_gray_tiles(mast_sandbox: Sandbox) -> None:
    """Other previews are drawn."""
    mast_sandbox.faults.add("download", Fault.status(404))
    ax = plot_previews(sheet(HUBBLE, HUBBLE.replace("010_drc", "020_drc")))
    assert ax.get_title() == "1 preview (1 failed)"


@pytest.mark.usefixtures("mast_sandbox")
def test_a_preview_keeps_its_aspect_ratio() -> None:
    """A preview that is not square is not stretched."""
    (image,) = plot_previews(sheet("mast:JWST/product/jw01783004001_02101_00002_mirimage_cal.jpg")).images
    rows, columns = image.get_array().shape[:2]
    left, right, low, high = image.get_extent()
    assert rows != columns
    assert abs((right - left) / (low - high)) == pytest.approx(columns / rows)


@pytest.mark.usefixtures("mast_sandbox")
def test_image_products_are_drawn() -> None:
    """Image products are labeled with their file names, and other products are ignored."""
    found = Observations.query_criteria(obs_id="j97c01010")
    products = Observations.get_product_list(found)
    some = products[[str(uri).endswith(("j97c01010_drc.jpg", ".fits")) for uri in products["dataURI"]]]
    ax = plot_previews(some)
    assert ax.get_title() == "1 preview"
    assert [text.get_text() for text in ax.texts] == ["j97c01010_drc.jpg"]


@pytest.mark.usefixtures("mast_sandbox")
def test_the_html_file_is_self_contained(tmp_path: Path) -> None:
    """The file contains all images, has no external references, and labels are text."""
    path = write_previews(sheet(HUBBLE, None, WEBB), tmp_path / "sheet.html")
    page = path.read_text(encoding="utf-8")
    (source,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    with PIL.open(io.BytesIO(base64.b64decode(source))) as picture:
        assert picture.size == (300, 300)
    assert page.count("<figure>") == 3
    assert "obs &lt;0&gt;" in page
    assert "<title>1 preview (1 no preview, 1 exclusive)</title>" in page
    assert not re.findall(r'(?:href|src)="(?!data:)', page)
    assert [each for each in ("no preview", "exclusive") if f"<div>{each}</div>" in page] == ["no preview", "exclusive"]


def test_a_file_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    """Otherwise the error is raised before any request, and the file is kept."""
    path = tmp_path / "sheet.html"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidQueryError, match="overwrite=True"):
        write_previews(sheet(None), path)
    assert path.read_text(encoding="utf-8") == "mine"
    assert "no preview" in write_previews(sheet(None), path, overwrite=True).read_text(encoding="utf-8")
    with pytest.raises(InvalidQueryError, match="does not exist"):
        write_previews(sheet(None), tmp_path / "none" / "sheet.html")


@pytest.mark.parametrize(
    ("table", "options", "reason"),
    [
        (sheet(), {}, "The table has no rows"),
        (sheet(*[None] * 1001), {}, "at most 1,000 previews, not 1,001"),
        (Table({"ra": [1]}), {}, "needs the column 'jpegURL'"),
        (Table({"dataURI": [FITS]}), {}, "None of the products is a JPEG"),
        (sheet(None), {"label": "filters"}, "no column 'filters'"),
        (sheet(None), {"ax": 1}, "must be matplotlib axes"),
    ],
)
def test_invalid_contact_sheets_raise(table: Table, options: Any, reason: str) -> None:
    """The error has the reason, and is raised before drawing."""
    with pytest.raises(InvalidQueryError, match=reason):
        plot_previews(table, **options)


@pytest.mark.usefixtures("mast_sandbox")
def test_the_examples_of_contact_sheets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples in the docstrings print the documented output."""
    monkeypatch.chdir(tmp_path)
    for function in (plot_previews, write_previews):
        for example in doctest.DocTestFinder().find(function, function.__name__):
            outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=lambda _text: None)
            assert outcome.attempted > 0
            assert not outcome.failed
