"""The manifest: the table that code has read for years, and two columns more."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from astroquery_mast.products.manifest import Status, TransferResult, as_manifest

FINE = TransferResult(0, Status.COMPLETE, Path("d/a.fits"), size=3, sha256="ab" * 32, fetched=True)
BAD = TransferResult(1, Status.ERROR, Path("d/b.fits"), "HTTPError: 404", "https://x?uri=b")


def test_first_four_columns_are_those_that_code_relies_on() -> None:
    """Names and order stay; a message and an address are None where nothing went wrong."""
    manifest = as_manifest([FINE])
    assert manifest.colnames == ["Local Path", "Status", "Message", "URL", "Size", "SHA256"]
    assert manifest["Message"][0] is None
    assert manifest["URL"][0] is None
    path = manifest["Local Path"][0]
    assert isinstance(path, str)
    assert path.split("/") == ["d", "a.fits"]
    assert manifest["Status"][0] == "COMPLETE"
    assert manifest["Size"][0] == 3


def test_rows_come_in_the_order_of_the_products() -> None:
    """Results that arrive in another order are put in that of the products."""
    manifest = as_manifest([BAD, FINE])
    assert list(manifest["Local Path"]) == ["d/a.fits", "d/b.fits"]
    assert manifest["URL"][1] == "https://x?uri=b"
    assert manifest["Size"][1] is np.ma.masked
    assert manifest["SHA256"][1] is np.ma.masked


def test_row_of_four_values_can_be_inserted() -> None:
    """Code that inserts rows of the four old columns works, and does not cut what it writes."""
    manifest = as_manifest([FINE])
    manifest.insert_row(0, vals=["a-much-longer-path/x.fits", "LOCAL", "None", "None"])
    manifest.add_row(["y", "ERROR", "m", "u", 5, "00"])
    assert list(manifest["Local Path"]) == ["a-much-longer-path/x.fits", "d/a.fits", "y"]
    assert list(manifest["Status"]) == ["LOCAL", "COMPLETE", "ERROR"]
    assert manifest["SHA256"][0] is np.ma.masked
    assert manifest["Size"].tolist() == [None, 3, 5]


def test_status_has_room_for_a_better_one() -> None:
    """A status that is corrected later is not cut to the length of ERROR."""
    manifest = as_manifest([BAD])
    manifest["Status"][0] = "COMPLETE"
    assert manifest["Status"][0] == "COMPLETE"


def test_manifest_can_be_written_and_stacked(tmp_path: Path) -> None:
    """An ECSV file holds it, and it stays a table like others."""
    manifest = as_manifest([FINE, BAD])
    manifest.write(tmp_path / "manifest.ecsv")
    assert (tmp_path / "manifest.ecsv").read_text().count("fits") == 2
    assert len(manifest[manifest["Status"] == "ERROR"]) == 1
    assert len(as_manifest([])) == 0
