"""Truncated FITS files are detected, even if the server claims that they are complete."""

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
from astroquery_mast.downloads.checks import FitsLength, is_truncated
from astroquery_mast.sandbox import Fault, Sandbox


def made() -> tuple[bytes, set[int]]:
    """Return a FITS file with an image, a table and an empty extension, and the starts of its extensions."""
    stream = io.BytesIO()
    table = fits.BinTableHDU.from_columns([fits.Column("A", "D", array=np.arange(700.0))])
    fits.HDUList([fits.PrimaryHDU(np.ones((30, 40))), table, fits.ImageHDU()]).writeto(stream)
    with fits.open(io.BytesIO(stream.getvalue())) as hdus:
        return stream.getvalue(), {hdu.fileinfo()["hdrLoc"] for hdu in hdus}


WHOLE, BORDERS = made()


def test_a_complete_file_is_not_truncated(tmp_path: Path) -> None:
    """Neither a complete FITS file nor a file of another format is truncated."""
    path = tmp_path / "x.fits"
    for content in (WHOLE, b"", b"SIMPLE", b"\x1f\x8b not FITS", b"<html>"):
        path.write_bytes(content)
        assert not is_truncated(path)


@settings(max_examples=60)
@given(size=st.integers(9, len(WHOLE) - 1) | st.sampled_from(sorted(BORDERS - {0})))
def test_a_part_of_a_file_is_truncated(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """A file is truncated wherever it is cut, except between two extensions, which cannot be detected."""
    path = tmp_path_factory.mktemp("part") / "x.fits"
    path.write_bytes(WHOLE[:size])
    assert is_truncated(path) == (size not in BORDERS)


@given(size=st.integers(0, len(WHOLE)) | st.sampled_from(sorted(BORDERS)), pieces=st.lists(st.integers(1, 7000)))
def test_pieces_give_the_same_result_as_the_file(size: int, pieces: list[int]) -> None:
    """The result does not depend on the sizes of the pieces."""
    end, at = FitsLength(), 0
    for piece in (*pieces, size):
        end.add(WHOLE[at : min(at + piece, size)])
        at = min(at + piece, size)
    assert end.is_truncated() == (size >= 9 and size not in BORDERS | {len(WHOLE)})


@given(st.binary(max_size=6000))
def test_arbitrary_bytes_after_the_last_extension(rest: bytes) -> None:
    """Bytes after the last extension are an incomplete header or nothing."""
    end = FitsLength()
    end.add(WHOLE + rest)
    assert end.is_truncated() == bool(rest)


@pytest.mark.parametrize("kind", ["groups", "compressed", "long"])
def test_every_kind_of_data_has_its_length(kind: str) -> None:
    """The data of random groups, compressed images with a heap, and long headers are skipped correctly."""
    stream = io.BytesIO()
    if kind == "groups":
        # Written by hand, because no current software writes such files: 70 groups of two parameters and 4 x 5 values.
        cards = {"SIMPLE": "T", "BITPIX": "-32", "NAXIS": "3", "NAXIS1": "0", "NAXIS2": "4", "NAXIS3": "5"}
        cards |= {"GROUPS": "T", "PCOUNT": "2", "GCOUNT": "70"}
        header = "".join(f"{name:8}= {value:>20}".ljust(80) for name, value in cards.items()) + "END"
        stream.write(header.ljust(2880).encode() + bytes(3 * 2880))
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.ones(3))]).writeto(other := io.BytesIO())
        stream.write(other.getvalue()[2880:])
    elif kind == "compressed":
        image = np.arange(90000, dtype=np.int32).reshape(300, 300) % 977
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image), fits.ImageHDU(np.ones(3))]).writeto(stream)
    else:
        keys = fits.Header([(f"KEY{number}", number) for number in range(500)])
        fits.HDUList([fits.PrimaryHDU(np.ones(3), keys), fits.ImageHDU(np.ones(3), keys)]).writeto(stream)
    content = stream.getvalue()
    for size in len(content), len(content) - 1, len(content) - 2881:
        end = FitsLength()
        end.add(content[:size])
        assert end.is_truncated() == (size < len(content))


@pytest.mark.parametrize("card", ["COMMENT there is no NAXIS1", "BITPIX  = 'x'", "NAXIS1  =                  -10"])
def test_invalid_headers(card: str) -> None:
    """A header without a valid data size makes a file truncated, without an exception."""
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    1"]
    cards = [each for each in cards if each[:8] != card[:8]] + [card, "END"]
    end = FitsLength()
    end.add("".join(each.ljust(80) for each in cards).ljust(2880).encode())
    assert end.is_truncated()


def test_an_endless_header_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that start as FITS without an END card are given up early, as truncated."""
    monkeypatch.setattr("astroquery_mast.downloads.checks._MAX_HEADER_SIZE", 10 * 2880)
    end = FitsLength()
    end.add(WHOLE[:9] + bytes(10 * 2880))
    assert end.over
    assert end.is_truncated()


@pytest.mark.parametrize("times", [1, None])
def test_a_truncated_file_with_matching_content_length(
    mast_sandbox: Sandbox, image: Table, tmp_path: Path, times: int | None
) -> None:
    """The file is requested again, and if it is still truncated, it is an error without a file under the final name."""
    content = mast_sandbox.archive.render(str(image["dataURI"][0]))
    half = Fault.answer(content[: len(content) // 2], content_type="application/fits")
    mast_sandbox.faults.add("download", half, times=times, where=lambda record: record.method == "GET")
    manifest = ObservationsClass().download_products(image, download_dir=tmp_path, flat=True, verbose=False)
    assert isinstance(manifest, Table)
    target = tmp_path / image["productFilename"][0]
    if times == 1:
        assert manifest["Status"][0] == "COMPLETE"
        assert target.read_bytes() == content
    else:
        assert manifest["Status"][0] == "ERROR"
        assert "the FITS file is truncated" in manifest["Message"][0]
        assert list(tmp_path.iterdir()) == []
