"""The manifest: the table that code has read for years, and what more is known of each file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table, vstack

from astroquery_mast.downloads.verify_and_retry import as_written
from astroquery_mast.products.manifest import Manifest, Status, TransferResult, as_manifest

FINE = TransferResult(
    0,
    Status.COMPLETE,
    Path("d/a.fits"),
    size=3,
    sha256="ab" * 32,
    fetched=True,
    elapsed=0.5,
    attempts=2,
    uri="mast:HST/product/a.fits",
)
BAD = TransferResult(1, Status.ERROR, Path("d/b.fits"), 'HTTPError: 404, "gone"\nfor good', "https://x?uri=b")
COLUMNS = ["Local Path", "Status", "Message", "URL", "Size", "SHA256", "Elapsed", "Attempts", "dataURI"]
COLUMNS += ["Catalog Size", "Checksum", "Rights"]


def test_first_four_columns_are_those_that_code_relies_on() -> None:
    """Names and order stay; a message and an address are None where nothing went wrong."""
    manifest = as_manifest([FINE])
    assert manifest.colnames == COLUMNS
    assert manifest["Message"][0] is None
    assert manifest["URL"][0] is None
    path = manifest["Local Path"][0]
    assert isinstance(path, str)
    assert path.split("/") == ["d", "a.fits"]
    assert manifest["Status"][0] == "COMPLETE"
    assert manifest["Size"][0] == 3


def test_effort_is_told() -> None:
    """How long it took, in seconds, and how often the body was asked for; masked where there was nothing to do."""
    manifest = as_manifest([FINE, BAD])
    assert manifest["Elapsed"].tolist() == [0.5, None]
    assert str(manifest["Elapsed"].unit) == "s"
    assert manifest["Attempts"].tolist() == [2, 0]
    assert manifest["dataURI"].tolist() == ["mast:HST/product/a.fits", None]


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
    assert manifest["dataURI"].tolist() == [None, "mast:HST/product/a.fits", None]


def test_status_has_room_for_a_better_one() -> None:
    """A status that is corrected later is not cut to the length of ERROR."""
    manifest = as_manifest([BAD])
    manifest["Status"][0] = "COMPLETE"
    assert manifest["Status"][0] == "COMPLETE"


@pytest.mark.parametrize("results", [[], [FINE], [BAD], [FINE, BAD]], ids=["none", "fine", "bad", "both"])
def test_manifest_that_was_written_and_read_is_the_same(tmp_path: Path, results: list[TransferResult]) -> None:
    """ECSV keeps every cell: None, masked ones, units, quotes and line ends."""
    manifest = as_manifest(results)
    manifest.write(tmp_path / "manifest.ecsv")
    for kind in (Manifest, Table):
        read = kind.read(tmp_path / "manifest.ecsv")
        assert read.colnames == COLUMNS
        assert [list(row) for row in read.as_array().tolist()] == [list(row) for row in manifest.as_array().tolist()]
        assert [column.unit for column in read.columns.values()] == [
            column.unit for column in manifest.columns.values()
        ]


@pytest.mark.parametrize("kind", ["fits", "votable", "csv", "ecsv"])
@pytest.mark.parametrize("results", [[FINE], [BAD], [FINE, BAD]], ids=["fine", "bad", "both"])
def test_manifest_can_be_written_in_every_format(tmp_path: Path, results: list[TransferResult], kind: str) -> None:
    """Cells that hold None are masked where a format knows no None, and the manifest itself stays as it is."""
    # The ending of a VOTable says nothing to a table that is to be written.
    how = {"format": kind} if kind == "votable" else {}
    manifest, path = as_manifest(results), tmp_path / f"m.{kind}"
    manifest.write(path, **how)
    assert manifest.colnames == COLUMNS
    assert manifest["Message"].tolist() == [row.message for row in results]
    read = as_written(Table.read(path, **how))
    assert read.colnames == COLUMNS
    assert [str(cell) for cell in read["Local Path"]] == [str(row.local_path) for row in results]
    messages = [None if cell in {None, ""} else cell for cell in np.ma.asarray(read["Message"]).tolist()]
    assert messages == [row.message for row in results]
    again = as_written(Table.read(path, **how)[0])
    assert again["Status"][0] == str(results[0].status)


def test_format_that_is_named_says_more_than_the_ending(tmp_path: Path) -> None:
    """A file of any name may be of any format."""
    for kind in ("fits", "votable", "ascii.csv", "ascii.ecsv"):
        as_manifest([FINE, BAD]).write(tmp_path / "m.txt", format=kind, overwrite=True)
        assert as_written(Table.read(tmp_path / "m.txt", format=kind)).colnames == COLUMNS


def test_manifests_are_tables_like_others() -> None:
    """Rows can be chosen, and manifests stacked."""
    manifest = as_manifest([FINE, BAD])
    assert len(manifest[manifest["Status"] == "ERROR"]) == 1
    assert list(vstack([manifest, manifest])["Status"]) == ["COMPLETE", "ERROR"] * 2
