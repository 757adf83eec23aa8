"""The manifest: the columns of astroquery.mast, and more for each file."""

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


def test_the_first_four_columns_are_those_of_astroquery_mast() -> None:
    """Names and order are the same; message and address are None if there was no error."""
    manifest = as_manifest([FINE])
    assert manifest.colnames == COLUMNS
    assert manifest["Message"][0] is None
    assert manifest["URL"][0] is None
    path = manifest["Local Path"][0]
    assert isinstance(path, str)
    assert path.split("/") == ["d", "a.fits"]
    assert manifest["Status"][0] == "COMPLETE"
    assert manifest["Size"][0] == 3


def test_elapsed_time_and_attempts() -> None:
    """The elapsed time in seconds and the number of requests are given, and masked if there was nothing to do."""
    manifest = as_manifest([FINE, BAD])
    assert manifest["Elapsed"].tolist() == [0.5, None]
    assert str(manifest["Elapsed"].unit) == "s"
    assert manifest["Attempts"].tolist() == [2, 0]
    assert manifest["dataURI"].tolist() == ["mast:HST/product/a.fits", None]


def test_rows_are_in_the_order_of_the_products() -> None:
    """Results that arrive in another order are sorted."""
    manifest = as_manifest([BAD, FINE])
    assert list(manifest["Local Path"]) == ["d/a.fits", "d/b.fits"]
    assert manifest["URL"][1] == "https://x?uri=b"
    assert manifest["Size"][1] is np.ma.masked
    assert manifest["SHA256"][1] is np.ma.masked


def test_a_row_of_four_values_can_be_inserted() -> None:
    """Code that inserts rows of the four old columns works, and its values are not truncated."""
    manifest = as_manifest([FINE])
    manifest.insert_row(0, vals=["a-much-longer-path/x.fits", "LOCAL", "None", "None"])
    manifest.add_row(["y", "ERROR", "m", "u", 5, "00"])
    assert list(manifest["Local Path"]) == ["a-much-longer-path/x.fits", "d/a.fits", "y"]
    assert list(manifest["Status"]) == ["LOCAL", "COMPLETE", "ERROR"]
    assert manifest["SHA256"][0] is np.ma.masked
    assert manifest["Size"].tolist() == [None, 3, 5]
    assert manifest["dataURI"].tolist() == [None, "mast:HST/product/a.fits", None]


def test_a_status_can_be_replaced_by_a_longer_one() -> None:
    """A status that is changed later is not truncated to the length of ERROR."""
    manifest = as_manifest([BAD])
    manifest["Status"][0] = "COMPLETE"
    assert manifest["Status"][0] == "COMPLETE"


@pytest.mark.parametrize("results", [[], [FINE], [BAD], [FINE, BAD]], ids=["none", "fine", "bad", "both"])
def test_a_manifest_written_and_read_is_the_same(tmp_path: Path, results: list[TransferResult]) -> None:
    """ECSV keeps every cell: None, masked cells, units, quotes and newlines."""
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
def test_a_manifest_can_be_written_in_every_format(tmp_path: Path, results: list[TransferResult], kind: str) -> None:
    """None is masked in formats that do not support it, and the manifest itself is unchanged."""
    # Table.write does not detect VOTable by its extension.
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


def test_a_given_format_overrides_the_extension(tmp_path: Path) -> None:
    """A file with any extension can have any format."""
    for kind in ("fits", "votable", "ascii.csv", "ascii.ecsv"):
        as_manifest([FINE, BAD]).write(tmp_path / "m.txt", format=kind, overwrite=True)
        assert as_written(Table.read(tmp_path / "m.txt", format=kind)).colnames == COLUMNS


def test_manifests_support_table_operations() -> None:
    """Rows can be selected, and manifests stacked."""
    manifest = as_manifest([FINE, BAD])
    assert len(manifest[manifest["Status"] == "ERROR"]) == 1
    assert list(vstack([manifest, manifest])["Status"]) == ["COMPLETE", "ERROR"] * 2
