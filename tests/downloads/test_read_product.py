"""read_product: each format as a matching object, over the network or from disk."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astroquery_mast import MastMissionsClass, ObservationsClass
from astroquery_mast.downloads.contents import content_of
from astroquery_mast.exceptions import InvalidQueryError, InvalidResponseError, LoginError
from astroquery_mast.sandbox import Sandbox


def product(sandbox: Sandbox, condition: str) -> Table:
    """Return the smallest public product that meets a condition, as a table with one row."""
    return Table(
        sandbox.archive.query(
            "select dataURI, productFilename, obs_collection, obs_id, size from product "
            f"where dataRights = 'PUBLIC' and {condition} order by size limit 1"
        )
    )


def test_a_fits_file_is_read_as_needed(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """A URI and a row give an HDUList; the headers of a large file need a few blocks, and data are read when used."""
    found = product(mast_sandbox, "dataURI like 'mast:HST/product/%.fits' and size > 1000000")
    with client.read_product(found[0]) as hdus:
        assert isinstance(hdus, fits.HDUList)
        assert hdus[0].header["TELESCOP"] == "HST"
        assert sum(record.sent for record in mast_sandbox.requests.of("download")) < found["size"][0] / 4
        with fits.open(io.BytesIO(mast_sandbox.archive.render(str(found["dataURI"][0])))) as whole:
            assert np.array_equal(hdus[1].data, whole[1].data)
    with client.read_product(str(found["dataURI"][0]), lazy_load_hdus=False) as again:
        assert len(again) > 1


def test_a_compressed_fits_file_is_read(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """``.fits.gz`` is read as FITS."""
    with client.read_product(product(mast_sandbox, "dataURI like '%.fits.gz'")) as hdus:
        assert hdus[0].header["SIMPLE"]


def test_a_preview_is_an_image(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """A preview has its size and pixels, and no file stays open."""
    picture = client.read_product(product(mast_sandbox, "productFilename like '%.jpg'")[0])
    assert picture.format == "JPEG"
    assert np.asarray(picture).shape[:2] == picture.size[::-1]


def test_tables_and_json_are_read(client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """An association is a dictionary; tables on disk are read by extension and with arguments."""
    association = client.read_product(product(mast_sandbox, "productFilename like '%_asn.json'"))
    assert association["products"]
    table = Table({"ra": [1.5, 2.5], "n": [1, 2]})
    for name, kind in {"x.csv": "ascii.csv", "x.ecsv": "ascii.ecsv", "x.vot": "votable"}.items():
        table.write(tmp_path / name, format=kind)
        read = client.read_product(tmp_path / name)
        assert read.colnames == ["ra", "n"]
        assert list(read["ra"]) == [1.5, 2.5]
    assert len(client.read_product(tmp_path / "x.csv", data_start=2)) == 1


class Parts(io.RawIOBase):
    """A file that returns a few thousand bytes at a time, and counts the bytes read."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)
        self.given = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        number = self._content.readinto(memoryview(buffer).cast("B")[:5000])
        self.given += number
        return number


def test_an_asdf_file_is_read_as_needed(client: ObservationsClass, tmp_path: Path) -> None:
    """The tree is read at once and arrays when they are used, from disk and over the network."""
    asdf = pytest.importorskip("asdf")
    arrays = {"small": np.arange(1000), "large": np.random.default_rng(1).integers(0, 99, 2_000_000)}
    asdf.AsdfFile({"roman": arrays}).write_to(tmp_path / "x.asdf")
    parts = Parts((tmp_path / "x.asdf").read_bytes())
    with (
        client.read_product(tmp_path / "x.asdf") as on_disk,
        content_of(io.BufferedReader(parts), "mast:ROMAN/x.asdf", {})[0] as remote,
    ):
        assert on_disk["roman"]["small"].sum() == remote["roman"]["small"].sum() == 499500
        assert parts.given < 100_000
        assert np.array_equal(remote["roman"]["large"], arrays["large"])


def test_an_asdf_file_of_roman_is_read(mast_sandbox: Sandbox) -> None:
    """A Roman file is read over the network."""
    pytest.importorskip("asdf")
    roman = MastMissionsClass(mission="roman")
    products = roman.get_product_list(roman.query_criteria(limit=None)[:1], verbose=False)
    with roman.read_product(roman.filter_products(products, extension="asdf")[0]) as file:
        assert "roman" in file.tree


def test_the_file_of_a_manifest_is_read_from_disk(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A manifest row opens the downloaded file, also from another working directory, without a request."""
    found = product(mast_sandbox, "dataURI like 'mast:HST/product/%.fits'")
    manifest = client.download_products(found, download_dir=tmp_path, verbose=False)
    mast_sandbox.requests.clear()
    with client.read_product(manifest[0]) as hdus:
        assert hdus[0].header["SIMPLE"]
    assert len(mast_sandbox.requests) == 0
    Path(manifest["Local Path"][0]).unlink()
    with client.read_product(manifest[0]) as hdus:
        assert hdus[0].header["SIMPLE"]
    assert len(mast_sandbox.requests.of("download")) >= 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "mast:HST/product/x.dat",
            "No reader for 'mast:HST/product/x.dat'. read_product supports .fits, .*open_product",
        ),
        (
            Table({"dataURI": ["mast:HST/product/x.fits"] * 2}),
            "Expected one product|it is not a product|The product must be",
        ),
        (Table({"obsid": ["1"]}), "Expected one product|it is not a product|The product must be"),
        (7, "Expected one product|it is not a product|The product must be"),
    ],
    ids=["kind", "two", "none", "number"],
)
def test_an_invalid_product_raises_at_once(
    client: ObservationsClass, mast_sandbox: Sandbox, given: object, said: str
) -> None:
    """No request is sent."""
    with pytest.raises(InvalidQueryError, match=said):
        client.read_product(given)
    assert len(mast_sandbox.requests) == 0


def test_a_missing_package_is_named_in_the_error(
    client: ObservationsClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without asdf, the message says what to install, and the file is closed."""
    monkeypatch.setitem(sys.modules, "asdf", None)
    (tmp_path / "x.asdf").write_bytes(b"#ASDF 1.0.0\n")
    with pytest.raises(InvalidQueryError, match=r"reading x\.asdf .*pip install astroquery_mast\[read\]"):
        client.read_product(tmp_path / "x.asdf")


@pytest.mark.parametrize("name", ["x.fits", "x.jpg", "x.json", "x.ecsv", "x.vot"])
def test_a_damaged_file_is_an_error_of_the_package(client: ObservationsClass, tmp_path: Path, name: str) -> None:
    """For any exception of a reader, the message names the file, and the file is closed."""
    (tmp_path / name).write_bytes(b"<p>down for maintenance</p>")
    with pytest.raises(InvalidResponseError, match=f"Cannot read {name}: "):
        client.read_product(tmp_path / name)
    with (tmp_path / name).open("rb") as own, pytest.raises(InvalidResponseError, match=f"Cannot read .*{name}: "):
        client.read_product(own)


def test_an_exclusive_file_needs_a_login(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The file is refused without a token and read with one."""
    (row,) = mast_sandbox.archive.query(
        "select dataURI from product where dataRights = 'EXCLUSIVE_ACCESS' and dataURI like '%.fits' limit 1"
    )
    with pytest.raises(LoginError, match="log in"):
        client.read_product(str(row["dataURI"]))
    client.login(mast_sandbox.token)
    with client.read_product(str(row["dataURI"])) as hdus:
        assert hdus[0].header["SIMPLE"]


def test_a_product_of_a_mission_is_read(mast_sandbox: Sandbox) -> None:
    """Products are read by name, by URI and by row, with the mission of the client or of the row."""
    jwst = MastMissionsClass(mission="jwst")
    products = jwst.get_product_list(jwst.query_criteria(limit=None)[:1], verbose=False)
    products = jwst.filter_products(products, extension="fits", access="PUBLIC")
    hst = MastMissionsClass()
    for given in (str(products["filename"][0]), str(products["uri"][0]), products[0]):
        with hst.read_product(given, mission="jwst") as hdus:
            assert hdus[0].header["TELESCOP"] == "JWST"
    with pytest.raises(InvalidQueryError, match="full MAST URI is required"):
        hst.read_product("x.fits", mission="ullyses")
