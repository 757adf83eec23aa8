"""Content that does not match the extension of a file is not saved under its name."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from transfers import names

from astroquery_mast import ObservationsClass
from astroquery_mast.downloads.checks import SIGNATURE_BYTES, FileSignature, error_page, quote_error_page
from astroquery_mast.downloads.destination import destination
from astroquery_mast.exceptions import DownloadError
from astroquery_mast.sandbox import Fault, Sandbox


def fits_bytes() -> bytes:
    stream = io.BytesIO()
    fits.PrimaryHDU(np.ones((3, 4))).writeto(stream)
    return stream.getvalue()


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a", "b")
    return stream.getvalue()


FITS = fits_bytes()
GZIP = gzip.compress(FITS)
NOTICE = b'{"status": "ERROR", "msg": "The file system is not available"}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.fits", FITS),
        ("X.FITS", FITS),
        ("x.fit", FITS),
        ("x.fits.fz", FITS),
        ("x.v1.0_drz.fits", FITS),
        ("x.fits.gz", GZIP),
        ("x.fits.gz", FITS),
        ("x.tar.gz", GZIP),
        ("x.zip", zip_bytes()),
        ("x.asdf", b"#ASDF 1.0.0\n"),
        ("x.jpg", b"\xff\xd8\xff\xe0"),
        ("x.png", b"\x89PNG\r\n\x1a\n"),
        ("x.txt", NOTICE),
        ("x.json", b"{}"),
        ("x", NOTICE),
    ],
)
def test_files_of_each_format_pass(name: str, content: bytes) -> None:
    """The signature of each format is known, and files of unknown formats are not checked."""
    assert FileSignature.of(f"mast:HST/product/{name}", name).fits(content[:SIGNATURE_BYTES])


KINDS = ["x.fits", "x.fit", "x.fits.fz", "x.fits.gz", "x.gz", "x.zip", "x.asdf", "x.jpg", "x.png"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("content", [NOTICE, b"x" * 100, b"<html></html>", b"\0" * 2880])
def test_other_content_does_not_have_the_signature(name: str, content: bytes) -> None:
    """The first bytes decide, regardless of the name."""
    assert not FileSignature.of(name).may_fit(content)


PAGES = {
    "HTML": (b"<!DOCTYPE html><html><body>Service temporarily unavailable</body></html>", "temporarily unavailable"),
    "HTML after blanks": (b"\xef\xbb\xbf\n <HTML><p>Sorry</p>", "Sorry"),
    "XML": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "AccessDenied"),
    "JSON": (NOTICE, "file system is not available"),
    "JSON of one word": (b'{"status":"ERROR"}', "ERROR"),
    "detail": (b'{"detail": "gone"}', "gone"),
}
ANY_NAME = ["x.json", "x.txt", "x.csv", "x.pdf", "x.xml", "x.h5", "x", *KINDS]


@pytest.mark.parametrize("name", ANY_NAME)
@pytest.mark.parametrize("page", PAGES)
def test_an_error_page_is_detected_for_any_name(name: str, page: str) -> None:
    """An HTML page, or an error message in XML or JSON, is not accepted as a file."""
    start, words = PAGES[page]
    assert words in str(error_page(start, name, FileSignature.of(name)))


@pytest.mark.parametrize("name", KINDS)
def test_plain_text_is_not_a_binary_file(name: str) -> None:
    """Plain text is an error if the format has a signature, and may be the file otherwise."""
    words = b"Please try again after 6 pm."
    assert error_page(words, name, FileSignature.of(name)) == ": Please try again after 6 pm."
    assert error_page(words, "x.txt", FileSignature.of("x.txt")) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.html", b"<html></html>"),
        ("x.json", b'{"asn_type": "image3", "products": []}'),
        ("x.json", b"{}"),
        ("x.json", b"[]"),
        ("x.xml", b"<?xml version='1.0'?><VOTABLE></VOTABLE>"),
        ("x.fits", FITS),
        ("x.jpg", b"RIFF\x10\0\0\0WEBP"),
        ("x.fits", b"\0\1" * 2000),
        ("x.txt", b""),
    ],
)
def test_files_are_not_taken_for_error_pages(name: str, content: bytes) -> None:
    """Content that may be the file is accepted, however unusual it is."""
    assert error_page(content[:SIGNATURE_BYTES], name, FileSignature.of(name)) is None


@given(st.binary(max_size=100), st.sampled_from(ANY_NAME))
def test_any_content_is_classified(start: bytes, name: str) -> None:
    """Any bytes are either an error page or not; no exception is raised."""
    page = error_page(start, name, FileSignature.of(name))
    assert page is None or page.startswith(": ")


@given(st.integers(0, 8))
def test_an_incomplete_signature_may_still_match(length: int) -> None:
    """A body that breaks off in its first bytes may still be the file; a complete file with these bytes is unusual."""
    beginning = FileSignature.of("x.fits")
    assert beginning.may_fit(FITS[:length])
    assert not beginning.fits(FITS[:length])


def test_the_uri_determines_the_format() -> None:
    """The extension of the URI counts; that of the path counts only if the URI is a query or has no extension."""
    assert FileSignature.of("mast:HST/product/x_trl.txt", "mine.fits") == FileSignature()
    asked = "mast:HLA/url/cgi-bin/getdata.cgi?filename=x_drz.jpg&config=ops"
    assert FileSignature.of(asked, "x_drz.jpg").kind == "picture"
    assert FileSignature.of("", "all.zip").kind == "zip"


def test_a_file_compressed_only_for_transfer() -> None:
    """With Content-Encoding, a server may send a .gz file decompressed."""
    assert FileSignature.of("x.mxlo.gz", packed=True) == FileSignature()
    assert FileSignature.of("x.fits", packed=True).kind == "FITS"


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (NOTICE, ": The file system is not available"),
        (b'{"detail": "gone"}', ": gone"),
        (b'{"a": 1}', ': {"a": 1}'),
        (b"<html><style>p {}</style><h1>Back&nbsp;soon</h1></html>", ": Back soon"),
        ("Année\n  2".encode(), ": Année 2"),
        (b"", ""),
        (b"\xff\xfe", ""),
        (b"\x00\x01", ""),
        (b"y" * 999, f": {'y' * 200}..."),
        (b"a" * (SIGNATURE_BYTES - 1) + "é".encode()[:1], f": {'a' * 200}..."),
    ],
)
def test_the_error_page_is_quoted(start: bytes, words: str) -> None:
    """JSON, HTML and plain text are quoted in short form, and binary content is not quoted."""
    assert quote_error_page(start) == words


@given(st.binary(max_size=300))
def test_any_bytes_can_be_quoted(start: bytes) -> None:
    """Any bytes are quoted as one line or not at all; no exception is raised."""
    assert quote_error_page(start).isprintable()


ANSWERS = {
    "JSON": (Fault.answer(NOTICE), "instead of the file: The file system is not available"),
    "text": (Fault.answer(b"x" * 100, content_type="text/plain"), "instead of the file: xxx"),
    "page": (Fault.garbage(), "We will be back soon"),
    "page called FITS": (
        Fault.answer(b"<html>Sorry</html>", content_type="application/fits"),
        "instead of the file: Sorry",
    ),
    "nothing": (Fault.answer(b"", content_type="application/fits"), "received 0 of"),
    "nothing, unannounced": (Fault.answer(b"", content_type="application/fits") + Fault.no_length(), "received 0 of"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("where", ["disk", "store"])
def test_an_error_page_is_not_saved(
    mast_sandbox: Sandbox, image: Table, tmp_path: Path, answer: str, where: str, request: pytest.FixtureRequest
) -> None:
    """The file is an error with the text of the server, an existing file stays, and the next call downloads it."""
    folder = tmp_path if where == "disk" else request.getfixturevalue("memory")
    fault, words = ANSWERS[answer]
    client = ObservationsClass()
    mast_sandbox.faults.add("download", fault, times=None)
    with pytest.raises(DownloadError) as raised:
        client.download_products(image, download_dir=folder, on_error="raise", verbose=False)
    assert words in raised.value.manifest["Message"][0]
    assert list(tmp_path.rglob("*.*")) == []
    assert where == "disk" or names(destination(folder)) == []
    mast_sandbox.faults.clear()
    manifest = client.download_products(image, download_dir=folder, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"
    mast_sandbox.faults.add("download", fault, times=None)
    again = client.download_products(image, download_dir=folder, cache=False, on_error="ignore", verbose=False)
    assert again["Status"][0] == "ERROR"
    assert client.verify_downloads(manifest, verbose=False)["Status"][0] == "OK"


def test_a_temporary_error_page_is_retried(mast_sandbox: Sandbox, image: Table, tmp_path: Path) -> None:
    """One wrong response causes a second request, and the file is downloaded."""
    mast_sandbox.faults.add("download", Fault.answer(NOTICE))
    manifest = ObservationsClass().download_products(image, download_dir=tmp_path, verbose=False)
    assert (manifest["Status"][0], manifest["Attempts"][0]) == ("COMPLETE", 2)


def test_a_complete_fits_file_with_another_size_than_in_the_catalog_is_accepted(
    mast_sandbox: Sandbox, image: Table, tmp_path: Path
) -> None:
    """Sizes in the catalog are not reliable, so a valid file is not rejected for its size."""
    mast_sandbox.faults.add("download", Fault.answer(FITS, content_type="text/plain"))
    manifest = ObservationsClass().download_products(image, download_dir=tmp_path, verbose=False)
    assert manifest["Status"][0] == "COMPLETE"
    assert Path(manifest["Local Path"][0]).read_bytes() == FITS


def test_empty_file_of_any_name_is_refused_if_the_catalog_has_bytes(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """An empty file of unknown format is accepted only if its size is not in the catalog."""
    columns = "dataURI, obs_collection, obs_id, productFilename, size"
    sql = f"SELECT {columns} FROM product WHERE dataURI LIKE '%_trl.txt' LIMIT 1"
    product = Table(mast_sandbox.archive.query(sql))
    mast_sandbox.faults.add("download", Fault.answer(b"", content_type="text/plain"), times=None)
    client = ObservationsClass()
    manifest = client.download_products(product, download_dir=tmp_path, on_error="ignore", verbose=False)
    assert manifest["Status"][0] == "ERROR"
    assert f"received 0 of {product['size'][0]}" in manifest["Message"][0]
    product.remove_column("size")
    assert client.download_products(product, download_dir=tmp_path, verbose=False)["Status"][0] == "COMPLETE"


def test_deeply_nested_json_is_quoted() -> None:
    """A hostile document is quoted as text."""
    assert quote_error_page(b"[" * SIGNATURE_BYTES).startswith(": [[[")
    assert quote_error_page(json.dumps({"msg": 5, "message": " ", "error": "down"}).encode()) == ": down"


@pytest.mark.parametrize(
    ("pattern", "content"), [("%_flt.fits", b"\0\1" * 3000), ("%.jpg", b"RIFF\x10\0\0\0WEBP" * 20)]
)
def test_a_complete_file_is_not_rejected_for_its_content(
    mast_sandbox: Sandbox, tmp_path: Path, pattern: str, content: bytes
) -> None:
    """A file of the announced length is COMPLETE at once, with a note about its signature."""
    columns = "dataURI, obs_collection, obs_id, productFilename, size"
    sql = f"SELECT {columns} FROM product WHERE productFilename LIKE ? AND dataRights = 'PUBLIC' LIMIT 1"
    product = Table(mast_sandbox.archive.query(sql, [pattern]))
    mast_sandbox.faults.add("download", Fault.answer(content, content_type="application/octet-stream"), times=None)
    manifest = ObservationsClass().download_products(product, download_dir=tmp_path, verbose=False)
    assert (manifest["Status"][0], manifest["Attempts"][0]) == ("COMPLETE", 1)
    assert "The file does not have the signature of a" in manifest["Message"][0]
    assert Path(manifest["Local Path"][0]).read_bytes() == content


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a.csv"])
@pytest.mark.parametrize("page", ["HTML", "JSON of one word"])
def test_an_error_page_is_not_a_text_product(mast_sandbox: Sandbox, tmp_path: Path, name: str, page: str) -> None:
    """An error page instead of a small text file is an ERROR, whatever its content type."""
    product = Table(
        {
            "dataURI": [f"mast:HLSP/{name}"],
            "size": [4096],
            "obs_id": ["o"],
            "obs_collection": ["X"],
            "productFilename": [name],
        }
    )
    mast_sandbox.faults.add("download", Fault.answer(PAGES[page][0], content_type="text/plain"), times=None)
    manifest = ObservationsClass().download_products(product, download_dir=tmp_path, on_error="ignore", verbose=False)
    assert manifest["Status"][0] == "ERROR"
    assert PAGES[page][1] in manifest["Message"][0]
