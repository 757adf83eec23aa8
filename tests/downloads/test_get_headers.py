"""get_headers: the headers of many FITS files in one table; only the header blocks are read."""

from __future__ import annotations

import gzip
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astroquery.exceptions import InputWarning
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import JwstFilesClass, MastMissionsClass, Observations, ObservationsClass, VOClass
from astroquery_mast.downloads.header_table import headers_in
from astroquery_mast.exceptions import (
    AuthenticationWarning,
    BadRequestError,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
    QueryTimeoutError,
)
from astroquery_mast.sandbox import Fault, Sandbox, large_file


def fits_products(sandbox: Sandbox, number: int, rights: str = "PUBLIC") -> Table:
    """Return some FITS files of several collections, each with several HDUs."""
    sql = """SELECT dataURI, productFilename, obs_collection, dataRights, proposal_id, size FROM product
             WHERE dataRights = ? AND productFilename LIKE '%.fits' AND size BETWEEN 30000 AND 3000000
             GROUP BY dataURI ORDER BY size, dataURI LIMIT ?"""
    return Table(sandbox.archive.query(sql, (rights, number)))


def written(path: Path, *cards: Any) -> Path:
    """Write a file whose second HDU has some cards."""
    extension = fits.ImageHDU(np.zeros((2, 3)), name="SCI")
    extension.header.extend(cards, end=True)
    fits.HDUList([fits.PrimaryHDU(), extension, fits.ImageHDU(np.ones(5), name="sci", ver=2)]).writeto(path)
    return path


# -- reading ---------------------------------------------------------------------------------------------------------


def test_headers_are_those_of_the_files(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """Every HDU has a row, every keyword a column, and every value is that in the file."""
    products = fits_products(mast_sandbox, 6)
    table = client.get_headers(products, verbose=False)
    assert list(dict.fromkeys(table["product"])) == list(products["dataURI"])
    assert table.meta["failed"] == []
    for uri in products["dataURI"]:
        rows = table[table["product"] == uri]
        with fits.open(io.BytesIO(mast_sandbox.archive.render(str(uri)))) as hdus:
            assert list(rows["hdu"]) == list(range(len(hdus)))
            for row, hdu in zip(rows, hdus, strict=True):
                for name in {*table.colnames} - {"file", "hdu", "message", "product"}:
                    value = hdu.header.get(name)
                    is_none = value is None or isinstance(value, fits.card.Undefined)
                    assert bool(row[name] is np.ma.masked) == is_none, name
                    assert is_none or row[name] == value or str(row[name]) == str(value), name


def test_headers_of_two_gigabytes_need_a_few_kilobytes(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """Data are skipped: all requests are for parts, which have less than 200 kB in total."""
    table = client.get_headers(large_file.URI, verbose=False)
    assert list(table["EXTNAME"].filled("")) == ["", "SCI", "WHT"]
    assert table["BUNIT"].tolist() == [None, "MJy/sr", None]
    asked = mast_sandbox.requests.of("download")
    assert {record.status for record in asked} == {206}
    assert sum(record.sent for record in asked) < 50_000
    assert len(large_file.content()) > 2_000_000_000


@pytest.mark.parametrize("cls", [ObservationsClass, JwstFilesClass, VOClass, MastMissionsClass])
def test_every_client_reads_headers(cls: Any, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Each client accepts its own tables, dataURIs, and files on disk, and keeps their order."""
    uri = str(fits_products(mast_sandbox, 1)["dataURI"][0])
    path = written(tmp_path / "x.fits")
    client = cls()
    table = client.get_headers([path, uri, Table({"dataURI": [uri]}), str(path)], keywords="SIMPLE", verbose=False)
    assert list(dict.fromkeys(table["product"])) == [str(path), uri]
    assert len(table) == len(set(zip(table["product"], table["hdu"], strict=True)))
    assert table["file"][0] == "x.fits"


def test_tables_of_missions_and_services_are_accepted(mast_sandbox: Sandbox) -> None:
    """Product lists of MastMissions, files of JwstFiles, VO images, and manifests are accepted."""
    jwst = MastMissionsClass(mission="jwst")
    products = jwst.get_product_list(jwst.query_criteria(limit=None)[:1], verbose=False)
    chosen = jwst.filter_products(products, extension="fits", access="PUBLIC")[:3]
    assert set(jwst.get_headers(chosen, extensions=0, keywords="TELESCOP", verbose=False)["TELESCOP"]) == {"JWST"}
    files = JwstFilesClass().query_criteria(program=1386, instrument="MIRI", suffix="i2d", filter="F1140C")
    assert len(JwstFilesClass().get_headers(files, extensions=[0, 1], verbose=False)) == 2 * len(files)
    images = VOClass().query_sia("M51", radius="0.1 deg")[:3]
    assert set(VOClass().get_headers(images, extensions=0, keywords="TELESCOP", verbose=False)["TELESCOP"]) == {"HST"}
    assert mast_sandbox.requests


def test_a_manifest_is_read_from_disk(client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Downloaded files are not requested again."""
    manifest = client.download_products(fits_products(mast_sandbox, 3), download_dir=tmp_path, verbose=False)
    mast_sandbox.requests.clear()
    table = client.get_headers(manifest, extensions=0, verbose=False)
    assert list(table["product"]) == list(manifest["Local Path"])
    assert len(mast_sandbox.requests) == 0


def test_several_files_are_read_concurrently(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The number of concurrent requests is ``max_workers``, and the rows are in the order of the products."""
    products = fits_products(mast_sandbox, 8)
    mast_sandbox.faults.add("download", Fault.delay(0.05), times=None)
    table = client.get_headers(products, extensions=0, max_workers=2, verbose=False)
    assert table["product"].tolist() == products["dataURI"].tolist()
    assert mast_sandbox.requests.most_at_once("download") == 2


def test_headers_of_a_compressed_file(client: ObservationsClass, tmp_path: Path) -> None:
    """A compressed file is read completely."""
    path = written(tmp_path / "x.fits")
    packed = tmp_path / "x.fits.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    table = client.get_headers([packed], keywords="NAXIS", verbose=False)
    assert table["NAXIS"].tolist() == [0, 2, 1]


# -- selection -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extensions", "found"),
    [
        (None, [0, 1, 2]),
        (0, [0]),
        (np.int64(1), [1]),
        ("sci", [1, 2]),
        (("SCI", 2), [2]),
        (("SCI", 1), [1]),
        ([0, ("sci", 2)], [0, 2]),
        (("SCI", "PRIMARY"), [1, 2]),
        ((0, 2), [0, 2]),
    ],
)
def test_extensions_are_selected_as_in_astropy(
    client: ObservationsClass, tmp_path: Path, extensions: Any, found: list[int]
) -> None:
    """HDUs are selected by index, by name in either case, by name and version, or by several of these."""
    path = written(tmp_path / "x.fits")
    assert list(client.get_headers(path, extensions=extensions, verbose=False)["hdu"]) == found


def test_nothing_is_read_after_the_last_selected_extension(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """One part is enough for the primary header."""
    client.get_headers(large_file.URI, extensions=0, verbose=False)
    assert len(mast_sandbox.requests.of("download")) == 1


def test_keywords_are_columns_with_types_and_comments(client: ObservationsClass, tmp_path: Path) -> None:
    """Numbers, logical values and strings keep their types; mixed values are strings; absent keywords are masked."""
    path = written(
        tmp_path / "x.fits",
        ("EXPTIME", 12.5, "[s] exposure time"),
        ("NCOMB", 3),
        ("ISPSF", True, "is it a PSF?"),
        ("NOTHING", None),
        ("LARGE", 2**70),
        ("HIERARCH ESO DET ID", "x"),
        ("COMMENT", "first"),
        ("COMMENT", "second"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        other = written(tmp_path / "y.fits", ("EXPTIME", 3), ("NCOMB", "many"))
    table = client.get_headers([path, other], extensions=("SCI", 1), verbose=False)
    assert table["EXPTIME"].tolist() == [12.5, 3.0]
    assert table["EXPTIME"].description == "[s] exposure time"
    assert table["NCOMB"].tolist() == ["3", "many"]
    assert table["ISPSF"].tolist() == [True, None]
    assert table["ISPSF"].dtype.kind == "b"
    assert table["NOTHING"].mask.tolist() == [True, True]
    assert table["LARGE"].tolist() == [2.0**70, None]
    assert table["ESO DET ID"].tolist() == ["x", None]
    assert "COMMENT" not in table.colnames
    chosen = client.get_headers(path, keywords=["naxis?", "comment", "exptime"], extensions=1, verbose=False)
    assert chosen.colnames == [
        "file",
        "hdu",
        "EXTNAME",
        "EXTVER",
        "NAXIS1",
        "NAXIS2",
        "COMMENT",
        "EXPTIME",
        "message",
        "product",
    ]
    assert chosen["COMMENT"][0] == "first\nsecond"


def test_an_invalid_card_is_text(client: ObservationsClass, tmp_path: Path) -> None:
    """The value is the text on the card, and the other keywords are read."""
    path = written(tmp_path / "x.fits", ("FILTER", "F444W"), ("BROKEN", 1))
    content = path.read_bytes().replace(b"BROKEN  =                    1", b"BROKEN  = 2022-07-12T00:00:01 ")
    path.write_bytes(content)
    table = client.get_headers(path, keywords=["BROKEN", "FILTER"], extensions=1, verbose=False)
    assert table["BROKEN"].tolist() == ["2022-07-12T00:00:01"]
    assert table["FILTER"].tolist() == ["F444W"]


def test_a_keyword_that_no_header_has_is_a_warning(client: ObservationsClass, tmp_path: Path) -> None:
    """The warning suggests similar keywords, and the column is masked."""
    path = written(tmp_path / "x.fits", ("FILTER", "F444W"))
    with pytest.warns(InputWarning, match=r"No header has 'FLITER', 'ZZ\*'\. Similar keywords: FILTER"):
        table = client.get_headers(path, keywords=["FLITER", "ZZ*", "NAXIS"], verbose=False)
    assert table["FLITER"].mask.all()
    assert table["NAXIS"].tolist() == [0, 2, 1]


def test_the_table_can_be_written(client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """ECSV preserves the table, and FITS can be written."""
    table = client.get_headers(fits_products(mast_sandbox, 3), verbose=False)
    table.write(tmp_path / "headers.ecsv")
    again = Table.read(tmp_path / "headers.ecsv")
    assert again.colnames == table.colnames
    assert again["hdu"].tolist() == table["hdu"].tolist()
    assert again.meta["failed"] == []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        table.write(tmp_path / "headers.fits")
    assert len(Table.read(tmp_path / "headers.fits")) == len(table)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"keywords": []}, "keywords must be FITS keywords, such as"),
        ({"keywords": [7]}, "keywords must be FITS keywords, such as"),
        ({"keywords": 7}, "keywords must be a list, got 7"),
        ({"extensions": -1}, "-1 is not a valid HDU"),
        ({"extensions": True}, "True is not a valid HDU"),
        ({"extensions": [1.5]}, "1.5 is not a valid HDU"),
        ({"extensions": []}, "Use None for all HDUs"),
        ({"extensions": 1.5}, "must be a list, got"),
        ({"max_workers": 0}, "max_workers must be"),
        ({"timeout": -1}, "timeout"),
    ],
    ids=str,
)
def test_invalid_arguments_raise(
    client: ObservationsClass, mast_sandbox: Sandbox, arguments: dict[str, Any], said: str
) -> None:
    """The error is raised before any request."""
    with pytest.raises(InvalidQueryError, match=said):
        client.get_headers("mast:HST/product/x.fits", **arguments)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize("products", [[], 7, None, Table({"obsid": ["1"]})], ids=str)
def test_invalid_products_raise(client: ObservationsClass, mast_sandbox: Sandbox, products: Any) -> None:
    """The error is raised before any request."""
    with pytest.raises(InvalidQueryError):
        client.get_headers(products)
    assert len(mast_sandbox.requests) == 0


# -- failures --------------------------------------------------------------------------------------------------------


def test_failed_files_have_a_message_and_the_others_are_read(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """There is one warning for all, and files that are not FITS by name are not requested."""
    good = fits_products(mast_sandbox, 2)["dataURI"].tolist()
    asdf, picture, absent = "mast:ROMAN/product/x.asdf", "mast:HST/product/x.jpg", "mast:HST/product/none.fits"
    cut = tmp_path / "cut.fits"
    cut.write_bytes(written(tmp_path / "x.fits").read_bytes()[:5780])
    with pytest.warns(InputWarning, match="The headers of 4 of 6 files could not be read") as caught:
        table = client.get_headers([good[0], asdf, picture, absent, cut, good[1]], verbose=False)
    assert len(caught) == 1
    assert list(dict.fromkeys(table["product"])) == [good[0], asdf, picture, absent, str(cut), good[1]]
    failed = table[~table["message"].mask]
    assert failed["product"].tolist() == [asdf, picture, absent, str(cut)]
    assert failed["hdu"].mask.all()
    assert failed["message"][0] == f"{asdf} has no FITS headers (ASDF). Use read_product to read it."
    assert [line.partition(": ")[0] for line in table.meta["failed"]] == failed["product"].tolist()
    assert not {asdf, picture} & {record.value("uri") for record in mast_sandbox.requests.of("download")}


def test_exclusive_files_are_a_warning_about_access(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The message has the release date, and after a login the files are read."""
    products = fits_products(mast_sandbox, 1)
    closed = fits_products(mast_sandbox, 1, "EXCLUSIVE_ACCESS")
    closed["t_obs_release"] = 62626.0  # modified Julian date
    both = [products[0], closed[0]]
    with pytest.warns(AuthenticationWarning, match="headers of 1 of 2 files"):
        table = client.get_headers(both, keywords="TELESCOP", verbose=False)
    assert "until 2030-05-05" in table["message"][-1]
    with pytest.raises(LoginError, match="until 2030-05-05"):
        client.get_headers(closed, verbose=False)
    client.login(mast_sandbox.token)
    assert client.get_headers(both, keywords="TELESCOP", verbose=False)["message"].mask.all()


def test_if_no_file_can_be_read_the_first_error_is_raised(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The error is the same as for a single file."""
    absent = [f"mast:HST/product/none{number}.fits" for number in range(3)]
    with pytest.raises(BadRequestError, match=r"none0\.fits"):
        client.get_headers(absent, verbose=False)
    with pytest.raises(InvalidArgumentError, match="HDU 'NONE'"):
        client.get_headers(large_file.URI, extensions="NONE", verbose=False)
    assert mast_sandbox.requests


def test_a_call_ends_at_its_timeout(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The headers read so far are returned, and the other files are listed as timed out."""
    good, slow = fits_products(mast_sandbox, 2)["dataURI"].tolist()
    client.get_headers(good, verbose=False)
    mast_sandbox.faults.add("download", Fault.delay(60), times=None)
    with pytest.raises(QueryTimeoutError):
        client.get_headers([slow, good], timeout=0.3, verbose=False)


def test_broken_connections_are_retried(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """A part that is incomplete, or fails, is requested again."""
    mast_sandbox.faults.add("download", Fault.cut(500))
    mast_sandbox.faults.add("download", Fault.reset())
    assert len(client.get_headers(large_file.URI, verbose=False)) == 3


# -- damaged files ---------------------------------------------------------------------------------------------------


def content_of_file() -> bytes:
    """Return a small file with three HDUs."""
    stored = io.BytesIO()
    first, second = fits.PrimaryHDU(np.zeros(700)), fits.BinTableHDU(Table({"a": [1, 2]}))
    fits.HDUList([first, second, fits.ImageHDU(np.ones((30, 40)))]).writeto(stored)
    return stored.getvalue()


CONTENT = content_of_file()


@given(length=st.integers(0, len(CONTENT) - 1))
@settings(max_examples=100, deadline=None)
def test_a_truncated_file_is_an_error(length: int) -> None:
    """Truncation is an error except between two HDUs, or in the padding of the last block."""
    try:
        read = list(headers_in(io.BytesIO(CONTENT[:length]), "x.fits"))
    except InvalidResponseError as err:
        assert str(err).startswith("Cannot read x.fits as FITS")
        return
    with fits.open(io.BytesIO(CONTENT)) as hdus:
        spans = [(hdu.fileinfo()["datLoc"], hdu.fileinfo()["datSpan"], hdu.size) for hdu in hdus]
    assert any(begin + size <= length <= begin + span for begin, span, size in spans)
    assert len(read) == 1 + sum(length > begin + span for begin, span, _ in spans)


@given(places=st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), max_size=8))
@settings(max_examples=200, deadline=None)
def test_changed_bytes_are_headers_or_an_error(places: list[tuple[int, int]]) -> None:
    """Reading a file with changed bytes and making the table raise no other exception."""
    changed = bytearray(CONTENT)
    for place, value in places:
        changed[place] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            table = Observations.get_headers(io.BytesIO(bytes(changed)), verbose=False)
        except InvalidResponseError:
            return
    assert len(table) > 0


def test_open_files_are_read(tmp_path: Path) -> None:
    """Open files are read even without names, and stay open."""
    path = written(tmp_path / "x.fits")
    files = [io.BytesIO(CONTENT), io.BytesIO(path.read_bytes()), path.open("rb")]
    table = Observations.get_headers(files, extensions=1, keywords="XTENSION", verbose=False)
    assert table["XTENSION"].tolist() == ["BINTABLE", "IMAGE", "IMAGE"]
    assert table["file"].tolist() == ["The file", "The file", "x.fits"]
    for file in files:
        file.close()
