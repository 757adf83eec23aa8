"""Bundles: one zip or tar file, with a row in the manifest for each product."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.products.bundle import KINDS, Bundle
from astroquery_mast.products.manifest import Status, TransferResult
from astroquery_mast.products.plan import Action

ADDRESS = "https://mast.example/bundle"


def products(*names: tuple[str, str, str]) -> Table:
    rows = [{"dataURI": uri, "obs_id": obs_id, "productFilename": name} for uri, obs_id, name in names]
    return Table(rows)


def packed(kind: str, *members: str) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as archive:
            for member in members:
                archive.writestr(member, "x")
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as tar:
            for member in members:
                entry = tarfile.TarInfo(member)
                entry.size = 1
                tar.addfile(entry, io.BytesIO(b"x"))
    return stream.getvalue()


def fetched(folder: Path, kind: str, content: bytes) -> TransferResult:
    path = folder / f"b.{kind}"
    path.write_bytes(content)
    return TransferResult(0, Status.COMPLETE, path, size=len(content), sha256="ab" * 32, fetched=True)


TABLE = products(
    ("mast:a", "o1", "a.fits"), ("mast:b", "o2", "same.fits"), ("mast:c", "o3", "same.fits"), ("", "o", "d")
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_product_has_a_row_with_its_result(tmp_path: Path, kind: str) -> None:
    """A product that is not in the bundle is an error, even if another product with its name is."""
    content = packed(kind, "M/HST/o1/a.fits", "M/HST/o2/same.fits", "M/MANIFEST.HTML")
    whole = fetched(tmp_path, kind, content)
    rows = Bundle.of(TABLE, kind).results(whole)
    assert [row.status for row in rows] == [Status.COMPLETE, Status.COMPLETE, Status.ERROR, Status.ERROR]
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.uri for row in rows] == ["mast:a", "mast:b", "mast:c", None]
    assert {row.local_path for row in rows} == {whole.local_path}
    assert (rows[0].size, rows[0].sha256) == (len(content), "ab" * 32)
    assert "did not include mast:c:" in str(rows[2].message)
    assert "no dataURI" in str(rows[3].message)


def test_a_product_in_another_folder_is_found_by_name(tmp_path: Path) -> None:
    """The folders in the bundle may have any names if the file name is unique."""
    rows = Bundle.of(TABLE, "zip").results(fetched(tmp_path, "zip", packed("zip", "elsewhere/a.fits")))
    assert [row.status for row in rows[:2]] == [Status.COMPLETE, Status.ERROR]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"", b"<html>We will be back soon</html>", b"PK\3\4cut", b"\x1f\x8b\x08\0cut"])
def test_an_invalid_bundle_is_removed(tmp_path: Path, kind: str, content: bytes) -> None:
    """A web page instead of a bundle is an error for all products, and no file is left."""
    rows = Bundle.of(TABLE, kind).results(fetched(tmp_path, kind, content))
    assert {row.status for row in rows} == {Status.ERROR}
    assert f"MAST returned an unreadable {kind} file" in str(rows[0].message)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_bundle_is_invalid(tmp_path: Path) -> None:
    """Half a tar.gz file is not accepted as a smaller one."""
    content = packed("tar.gz", *(f"M/HST/o1/{n}.fits" for n in range(200)))
    rows = Bundle.of(TABLE, "tar.gz").results(fetched(tmp_path, "tar.gz", content[: len(content) // 2]))
    assert {row.status for row in rows} == {Status.ERROR}


def test_a_failed_bundle_is_an_error_of_every_product() -> None:
    """All rows have the reason and the address."""
    failed = TransferResult(0, Status.ERROR, Path("b.zip"), "HTTPError: 404", f"{ADDRESS}.zip")
    rows = Bundle.of(TABLE, "zip").results(failed)
    assert [(row.message, row.url) for row in rows[:3]] == [("HTTPError: 404", f"{ADDRESS}.zip")] * 3


def test_names_of_bundles_do_not_collide(tmp_path: Path) -> None:
    """Two bundles requested in the same second have different names."""
    bundle = Bundle.of(TABLE, "tar.gz")
    first = bundle.planned(ADDRESS, tmp_path)
    first.local_path.write_bytes(b"")
    assert bundle.planned(ADDRESS, tmp_path).local_path != first.local_path
    assert first.local_path.name.endswith(".tar.gz")
    assert first.url == f"{ADDRESS}.tar.gz"


def test_an_empty_bundle_and_an_unknown_kind_raise(tmp_path: Path) -> None:
    """Nothing is requested for products without a dataURI."""
    nothing = Bundle.of(products(("", "o", "x")), "zip")
    assert nothing.planned(ADDRESS, tmp_path).action is Action.REFUSE
    assert nothing.form == []
    with pytest.raises(InvalidQueryError, match=r"'zip' or 'tar\.gz'"):
        Bundle.of(TABLE, "rar")


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_a_damaged_bundle_is_never_complete(kind: str, data: st.DataObject) -> None:
    """If any byte of a bundle is changed or missing, its products are errors, or all of them are intact."""
    content = bytearray(packed(kind, "M/HST/o1/a.fits", "M/HST/o2/same.fits"))
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place : place + data.draw(st.integers(1, 30))]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        whole = fetched(Path(folder), kind, bytes(content))
        rows = Bundle.of(TABLE, kind).results(whole)
        if rows[0].status is Status.COMPLETE and kind == "zip":
            with zipfile.ZipFile(whole.local_path) as archive:
                assert archive.testzip() is None
        assert {row.status for row in rows} <= {Status.COMPLETE, Status.ERROR}


def test_bundles_of_the_same_second_have_unique_names(tmp_path: Path) -> None:
    """Two calls in the same second never share a file."""
    bundle = Bundle.of(TABLE, "zip")
    assert len({bundle.planned(ADDRESS, tmp_path).local_path for _ in range(50)}) == 50
