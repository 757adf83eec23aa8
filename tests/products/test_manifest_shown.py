"""The display of manifests and plans: counts first, and failed files before the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.table import Table, vstack
from astropy.utils.console import conf as console

from astroquery_mast import Observations, ResultTable
from astroquery_mast.products.manifest import Manifest, Status, TransferResult, as_manifest
from astroquery_mast.sandbox import Fault, Sandbox


def manifest(complete: int, failed: int = 0) -> Manifest:
    """Return the results of a download, with failed files last."""
    folder = Path("mastDownload/HST/j97c01010")
    done = [
        TransferResult(n, Status.COMPLETE, folder / f"j97c01010_{n:03}.fits", size=1_000_000) for n in range(complete)
    ]
    message = "HTTP 503: the server is not available, which is said in many words that do not fit on a line at all"
    lost = [
        TransferResult(n, Status.ERROR, folder / f"lost_{n:03}.fits", message=message)
        for n in range(complete, complete + failed)
    ]
    return as_manifest(done + lost)


def lines_of(table: Table, width: int = 80) -> list[str]:
    """Return the lines shown on a terminal."""
    with console.set_temp("max_width", width), console.set_temp("max_lines", 24):
        return str(table).splitlines()


def test_a_manifest_shows_counts_by_status_first() -> None:
    """Status, file, size and message follow; without errors there is no message column."""
    lines = lines_of(manifest(4, 1))
    assert lines[0] == "5 files: 4 COMPLETE, 1 ERROR (4.0 MB)"
    assert lines[1].split() == ["Status", "Local", "Path", "Size", "Message"]
    assert "j97c01010_000.fits" in lines[3]
    assert "1.0 MB" in lines[3]
    assert "HTTP 503: the" in lines[7]
    assert max(map(len, lines)) <= 80
    assert "Message" not in lines_of(manifest(4))[1]


@pytest.mark.parametrize("width", [80, 160])
def test_failed_files_are_shown_first_if_the_table_is_truncated(width: int) -> None:
    """Otherwise rows are in the order of the products."""
    long = lines_of(manifest(100, 2), width)
    assert [line.split()[0] for line in long[3:6]] == ["ERROR", "ERROR", "COMPLETE"]
    assert long[0] == "102 files: 100 COMPLETE, 2 ERROR (100.0 MB)"
    assert [line.split()[0] for line in lines_of(manifest(2, 1), width)[3:6]] == ["COMPLETE", "COMPLETE", "ERROR"]


def test_parts_of_a_manifest_count_their_own_rows() -> None:
    """Slices, stacked manifests, and a manifest read from a file have their own counts."""
    assert lines_of(manifest(4, 1)[:2])[0] == "2 files: 2 COMPLETE (2.0 MB)"
    both = vstack([manifest(2), manifest(0, 1)], metadata_conflicts="silent")
    assert isinstance(both, ResultTable)
    assert lines_of(both)[0] == "3 files: 2 COMPLETE, 1 ERROR (2.0 MB)"
    assert lines_of(manifest(0))[0] == "0 files"
    one = manifest(1)
    one.remove_column("Size")
    assert lines_of(one)[0] == "1 file: 1 COMPLETE"


def test_a_notebook_shows_the_counts_too() -> None:
    """The counts are above the table."""
    text = manifest(2, 1)._repr_html_()
    assert "3 files: 2 COMPLETE, 1 ERROR (2.0 MB)" in text
    assert text.index("3 files") < text.index("<table")
    assert 'title="HTTP 503: the server' in text


def test_a_plan_shows_counts_by_action_and_the_download_size(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Files that exist on disk do not count for the size."""
    products = Observations.get_product_list(Observations.query_object("M51")[:1])[:3]
    plan = Observations.download_products(products, download_dir=tmp_path, dry_run=True)
    assert isinstance(plan, ResultTable)
    size = plan.meta["total_bytes"] / 1e6
    assert lines_of(plan)[0] == f"3 files: 3 fetch ({size:.1f} MB to download)"
    assert lines_of(plan)[1].split()[:3] == ["Action", "Local", "Path"]
    mast_sandbox.faults.add("download", Fault.status(404), times=1)
    done = Observations.download_products(products, download_dir=tmp_path, verbose=False, max_workers=1)
    assert lines_of(done)[0].startswith("3 files: 2 COMPLETE, 1 ERROR (")
    again = Observations.download_products(products, download_dir=tmp_path, dry_run=True)
    assert lines_of(again)[0].startswith("3 files: 2 keep, 1 fetch (")
