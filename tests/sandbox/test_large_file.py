"""A FITS file of two gigabytes that takes no memory."""

from __future__ import annotations

import io

import pytest
import requests
from astropy.io import fits

from astroquery_mast.sandbox import Sandbox, large_file


@pytest.fixture
def address(mast_sandbox: Sandbox) -> str:
    """The URL of the file."""
    return f"{mast_sandbox.url}/api/v0.1/Download/file?uri={large_file.URI}"


def test_length_and_ranges(address: str) -> None:
    """HEAD returns the length, and any range returns its bytes."""
    size = int(requests.head(address, timeout=10).headers["Content-Length"])
    assert size == len(large_file.content()) > 2_000_000_000
    for start, expected in ((0, b"SIMPLE  ="), (2880, b"XTENSION="), (1_500_000_000, bytes(9)), (size - 9, bytes(9))):
        part = requests.get(address, headers={"Range": f"bytes={start}-{start + 8}"}, timeout=10)
        assert (part.status_code, part.content) == (206, expected)


def test_it_is_a_fits_file() -> None:
    """The headers lead from one unit to the next, up to the end of the file."""
    content, place, names = large_file.content(), 0, []
    while place < len(content):
        header = fits.Header.fromfile(io.BytesIO(content[place : place + 28800]))
        names.append(header.get("EXTNAME"))
        pixels = header["NAXIS1"] * header["NAXIS2"] if header["NAXIS"] else 0
        place += len(header.tostring()) + -(-4 * pixels // 2880) * 2880
    assert (names, place) == ([None, "SCI", "WHT"], len(content))
