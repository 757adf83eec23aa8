"""A FITS file that breaks off is found out, even if the server claims that this is all."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import ObservationsClass
from astroquery_mast.products.fitsend import breaks_off
from astroquery_mast.sandbox import Fault, Sandbox


def made() -> tuple[bytes, set[int]]:
    """Make a FITS file of an image, a table and an empty extension; tell where its extensions begin."""
    stream = io.BytesIO()
    table = fits.BinTableHDU.from_columns([fits.Column("A", "D", array=np.arange(700.0))])
    fits.HDUList([fits.PrimaryHDU(np.ones((30, 40))), table, fits.ImageHDU()]).writeto(stream)
    with fits.open(io.BytesIO(stream.getvalue())) as hdus:
        return stream.getvalue(), {hdu.fileinfo()["hdrLoc"] for hdu in hdus}


WHOLE, BORDERS = made()


def test_a_whole_file_does_not_break_off(tmp_path: Path) -> None:
    """Neither a whole file nor something else than FITS is taken for a part."""
    path = tmp_path / "x.fits"
    for content in (WHOLE, b"", b"SIMPLE", b"\x1f\x8b not FITS", b"<html>"):
        path.write_bytes(content)
        assert not breaks_off(path)


@settings(max_examples=60)
@given(size=st.integers(9, len(WHOLE) - 1) | st.sampled_from(sorted(BORDERS - {0})))
def test_a_part_of_a_file_breaks_off(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """Wherever it is cut, except between two extensions, where nobody can know."""
    path = tmp_path_factory.mktemp("part") / "x.fits"
    path.write_bytes(WHOLE[:size])
    assert breaks_off(path) == (size not in BORDERS)


def short(sandbox: Sandbox, times: int | None) -> tuple[str, bytes]:
    """Let the server announce and send half of a file; give its dataURI and all of its bytes."""
    sql = """SELECT dataURI FROM product WHERE dataRights = 'PUBLIC' AND productFilename LIKE '%_flt.fits'
             AND size BETWEEN 20000 AND 9000000 ORDER BY size LIMIT 1"""
    uri = str(sandbox.archive.query(sql)[0]["dataURI"])
    content = sandbox.archive.render(uri)
    fault = Fault.answer(content[: len(content) // 2], content_type="application/fits")
    sandbox.faults.add("download", fault, times=times, where=lambda record: record.method == "GET")
    return uri, content


@pytest.mark.parametrize("times", [1, None])
def test_too_few_bytes_announced_and_sent(mast_sandbox: Sandbox, tmp_path: Path, times: int | None) -> None:
    """It is asked for again, and if that does not help there is an error and no file under the final name."""
    client = ObservationsClass()
    uri, content = short(mast_sandbox, times)
    observation = mast_sandbox.archive.query("SELECT obsID FROM product WHERE dataURI = ?", (uri,))[0]["obsID"]
    products = client.get_product_list(str(observation), verbose=False)
    wanted = products[products["dataURI"] == uri]
    manifest = client.download_products(wanted, download_dir=tmp_path, flat=True, verbose=False)
    assert isinstance(manifest, Table)
    target = tmp_path / uri.rpartition("/")[2]
    if times == 1:
        assert manifest["Status"][0] == "COMPLETE"
        assert target.read_bytes() == content
    else:
        assert manifest["Status"][0] == "ERROR"
        assert "breaks off" in manifest["Message"][0]
        assert list(tmp_path.iterdir()) == []
