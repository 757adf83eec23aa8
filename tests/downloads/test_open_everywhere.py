"""open_product and read_product of all clients: every form of a product, its location, and access to it."""

from __future__ import annotations

import gzip
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astroquery_mast import JwstFilesClass, MastMissionsClass, Observations, ObservationsClass, VOClass
from astroquery_mast.downloads.contents import content_of
from astroquery_mast.exceptions import (
    AccessDeniedError,
    BadRequestError,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
)
from astroquery_mast.sandbox import Fault, Sandbox

CLIENTS = (ObservationsClass, MastMissionsClass, JwstFilesClass, VOClass)


@pytest.fixture
def other() -> Iterator[Sandbox]:
    """Serve files at another host, to which no address points."""
    sandbox = Sandbox().serve()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def product(image: Table, mast_sandbox: Sandbox) -> Table:
    """Return a public HST file with a copy in the cloud, as a table with one row."""
    assert len(mast_sandbox.archive.render(str(image["dataURI"][0]))) == image["size"][0]
    return image


def exclusive(sandbox: Sandbox) -> Table:
    """Return an exclusive FITS file as listed by MAST, with its release date."""
    observations = Observations.query_criteria(obs_collection="JWST", dataRights="EXCLUSIVE_ACCESS")
    products = Observations.get_product_list(observations[:1], verbose=False)
    products = Observations.filter_products(products, extension="fits", dataRights="EXCLUSIVE_ACCESS")
    products.sort("size")
    sandbox.requests.clear()
    return products[:1]


def sent_tokens(sandbox: Sandbox) -> set[str | None]:
    """Return the Authorization headers that a sandbox has received."""
    return {record.headers.get("authorization") for record in sandbox.requests}


# -- forms of a product ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize("form", ["row", "table", "uri", "column", "https", "s3", "elsewhere", "path", "text", "file"])
def test_every_client_accepts_every_form(
    cls: Any, form: str, product: Table, mast_sandbox: Sandbox, other: Sandbox, tmp_path: Path
) -> None:
    """The bytes and the contents are the same for every form and location."""
    uri = str(product["dataURI"][0])
    content = mast_sandbox.archive.render(uri)
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    given: Any = {
        "row": lambda: product[0],
        "table": lambda: product,
        "uri": lambda: uri,
        "column": lambda: product["dataURI"][0],
        "https": lambda: f"{mast_sandbox.url}/api/v0.1/Download/file?uri={uri}",
        "s3": lambda: ObservationsClass().get_cloud_uri(uri),
        "elsewhere": lambda: f"{other.url}/api/v0.1/Download/file?uri={uri}",
        "path": lambda: path,
        "text": lambda: str(path),
        "file": lambda: path.open("rb"),
    }[form]()
    client = cls()
    with client.open_product(given) as file:
        assert file.read() == content
    if form == "file":
        given = path.open("rb")
    with client.read_product(given) as hdus, fits.open(path) as expected:
        assert hdus[0].header["ROOTNAME"] == expected[0].header["ROOTNAME"]
        np.testing.assert_array_equal(hdus[1].data, expected[1].data)


@pytest.mark.parametrize("cls", [ObservationsClass, VOClass])
def test_rows_of_vo_services_are_opened(cls: Any, mast_sandbox: Sandbox) -> None:
    """An address of MAST's download service is used as a dataURI, and a name without a known extension is accepted."""
    images = VOClass().query_sia("M51", radius="0.1 deg")
    with cls().read_product(images[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "HST"
    spectra = VOClass().query_ssa("M51")
    packed = spectra[[str(address).endswith("mxlo.gz") for address in spectra["access_url"]]]
    with cls().read_product(packed[0]) as hdus:
        assert hdus[0].header["SIMPLE"] is True
    assert mast_sandbox.requests.of("download")


def test_rows_of_jwst_files_are_opened(mast_sandbox: Sandbox) -> None:
    """Clients with dataURIs accept them, and only parts of the file are transferred."""
    files = JwstFilesClass().query_criteria(program=1386, instrument="MIRI", suffix="i2d", filter="F1140C")
    for client in (JwstFilesClass(), ObservationsClass(), VOClass(), MastMissionsClass()):
        mast_sandbox.requests.clear()
        with client.read_product(files[:1]) as hdus:  # type: ignore[attr-defined]
            assert hdus[0].header["TELESCOP"] == "JWST"
        assert sum(record.sent for record in mast_sandbox.requests) < files["fileSize"][0]


def test_file_names_of_a_mission_are_not_local_files(
    mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For missions, a bare name is a file at MAST, and a path is a local file."""
    monkeypatch.chdir(tmp_path)
    jwst = MastMissionsClass(mission="jwst")
    products = jwst.get_product_list(jwst.query_criteria(limit=None)[:1], verbose=False)
    name = str(jwst.filter_products(products, extension="fits", access="PUBLIC")["filename"][0])
    Path(name).write_bytes(b"mine")
    with jwst.open_product(name) as file:
        assert file.read(6) == b"SIMPLE"
    for own in (Path(name), f"./{name}", str(tmp_path / name)):
        with jwst.open_product(own) as file:
            assert file.read() == b"mine"
    with ObservationsClass().open_product(name) as file:
        assert file.read() == b"mine"
    assert len(mast_sandbox.requests.of("download")) == 0


@pytest.mark.parametrize("mission", [None, "jwst"])
def test_the_files_of_a_manifest_are_opened(
    mission: str | None, product: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file on disk is opened from any folder, also with a saved manifest; a deleted file is read from MAST."""
    client: Any = ObservationsClass() if mission is None else MastMissionsClass(mission=mission)
    if mission is not None:
        products = client.get_product_list(client.query_criteria(limit=None)[:1], verbose=False)
        product = client.filter_products(products, extension="fits", access="PUBLIC")[:1]
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    manifest = client.download_products(product, download_dir="down", verbose=False)
    manifest.write("manifest.ecsv")
    reread = Table.read("manifest.ecsv")
    monkeypatch.chdir(tmp_path / "there")
    mast_sandbox.requests.clear()
    for given in (manifest[0], manifest, reread[0], reread):
        with client.read_product(given) as hdus:
            assert hdus[0].header["SIMPLE"] is True
    assert len(mast_sandbox.requests) == 0
    (tmp_path / str(manifest["Local Path"][0])).unlink()
    for cls in (type(client), VOClass) if mission is None else (MastMissionsClass,):
        with cls().read_product(reread[0]) as hdus:
            assert hdus[0].header["SIMPLE"] is True
    assert mast_sandbox.requests


# -- invalid products ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", CLIENTS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Table({"dataURI": ["mast:a/b.fits"] * 3}), "Expected one product, got 3: loop over the rows.*get_headers"),
        (Table({"dataURI": ["mast:a/b.fits"]})[:0], "Expected one product, got 0"),
        (Table({"obsid": ["1"]}), "This row has no column 'dataURI', so it is not a product"),
        (Table({"dataURI": [" "]}), "Cannot open this product: it has no dataURI"),
        (7, "The product must be a dataURI, a URL, a row of a product table, a"),
        (None, "Expected one product|it is not a product|The product must be"),
        (["mast:a/b.fits", "mast:a/c.fits"], "Expected one product|it is not a product|The product must be"),
        ("s3://elsewhere/x.fits", "is not in the MAST bucket s3://stpubdata|full MAST URI"),
        ("ftp://elsewhere/x.fits", "Use a dataURI"),
        ("file:///tmp/x.fits", "Use a dataURI"),
        ("", "must be provided|must be a file name or URI"),
        (io.StringIO("x"), "Open it with mode 'rb'"),
        (Path("/there/is/no/such/file.fits"), "Cannot open.*No such file"),
    ],
    ids=lambda value: None,
)
def test_anything_but_one_product_raises(cls: Any, given: Any, said: str, mast_sandbox: Sandbox) -> None:
    """The message says what to pass instead, and no request is sent."""
    for method in ("open_product", "read_product"):
        with pytest.raises(InvalidQueryError, match=said):
            getattr(cls(), method)(given)
    assert len(mast_sandbox.requests) == 0


def test_a_very_long_text_is_not_a_path(client: ObservationsClass, mast_sandbox: Sandbox) -> None:
    """The text is requested as a URI, and not found."""
    with pytest.raises(BadRequestError):
        client.open_product("mast:HST/" + "x" * 5000)
    with pytest.raises(InvalidArgumentError, match="is a file name"):
        client.open_product("x" * 5000)
    assert mast_sandbox.requests


def test_an_unknown_format_raises_with_the_known_ones(
    client: ObservationsClass, tmp_path: Path, other: Sandbox
) -> None:
    """A name with another extension raises before reading; without an extension, the first bytes decide."""
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(InvalidArgumentError, match=r"No reader for 'x.pdf'. read_product supports .fits"):
        client.read_product(tmp_path / "x.pdf")
    other.faults.add("download", Fault.answer(b"%PDF-1.4", content_type="application/pdf"), times=None)
    with pytest.raises(InvalidArgumentError, match=r"No reader for .http://.*cgi"):
        client.read_product(f"{other.url}/api/v0.1/Download/file?uri=x.cgi")
    with pytest.raises(InvalidArgumentError, match="No reader for 'The file'"):
        client.read_product(io.BytesIO(b"%PDF-1.4"))


def test_invalid_reader_arguments_raise(client: ObservationsClass, tmp_path: Path) -> None:
    """The error names the arguments, and is an error of this package."""
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InvalidArgumentError, match=r"x\.json cannot be read with nonsense: "):
        client.read_product(tmp_path / "x.json", nonsense=1)


# -- formats ---------------------------------------------------------------------------------------------------------


def test_formats_are_detected_by_name_or_content(client: ObservationsClass, tmp_path: Path) -> None:
    """Tables, JSON, text and images are detected by name, and those with a signature also without one."""
    table = Table({"ra": [1.5, 2.5], "n": [1, 2]})
    for name, kind in {"x.csv": "ascii.csv", "x.ecsv": "ascii.ecsv", "x.vot": "votable"}.items():
        table.write(tmp_path / name, format=kind)
        assert client.read_product(tmp_path / name).colnames == ["ra", "n"]
    for name in ("x.ecsv", "x.vot"):
        assert client.read_product(io.BytesIO((tmp_path / name).read_bytes())).colnames == ["ra", "n"]
    (tmp_path / "x.json").write_text(json.dumps({"a": [1]}))
    assert client.read_product(tmp_path / "x.json") == {"a": [1]}
    (tmp_path / "README.txt").write_bytes("5 \u00b5m\n".encode())
    assert client.read_product(tmp_path / "README.txt") == "5 \u00b5m\n"
    (tmp_path / "README.txt").write_bytes("5 \u00b5m\n".encode("latin-1"))
    assert client.read_product(tmp_path / "README.txt", encoding="latin-1") == "5 \u00b5m\n"


def test_unknown_asdf_tags_are_a_warning_on_request(client: ObservationsClass, tmp_path: Path) -> None:
    """Roman files have tags of a package that is rarely installed; the argument is also accepted for FITS files."""
    asdf = pytest.importorskip("asdf")
    asdf.AsdfFile({"roman": {"name": "x"}}).write_to(tmp_path / "x.asdf")
    content = (tmp_path / "x.asdf").read_bytes()
    (tmp_path / "x.asdf").write_bytes(
        content.replace(b"roman:", b"roman: !<asdf://stsci.edu/datamodels/roman/tags/x-1.0.0>")
    )
    with client.read_product(tmp_path / "x.asdf") as file:
        assert file["roman"]["name"] == "x"
    with (
        pytest.warns(asdf.exceptions.AsdfConversionWarning, match=r"tags/x-1\.0\.0"),
        client.read_product(tmp_path / "x.asdf", ignore_unrecognized=False) as file,
    ):
        assert file["roman"]["name"] == "x"
    fits.PrimaryHDU().writeto(tmp_path / "x.fits")
    with client.read_product(tmp_path / "x.fits", ignore_unrecognized=True) as hdus:
        assert len(hdus) == 1


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.gif"])
def test_images_are_read(client: ObservationsClass, tmp_path: Path, name: str) -> None:
    """Images are read from disk and from an open file, which stays open."""
    from PIL import Image

    Image.new("L", (7, 5), 3).save(tmp_path / name)
    assert client.read_product(tmp_path / name).size == (7, 5)
    with io.BytesIO((tmp_path / name).read_bytes()) as own:
        assert client.read_product(own).size == (7, 5)
        assert own.seek(0) == 0


def test_a_compressed_file_is_decompressed(client: ObservationsClass, tmp_path: Path) -> None:
    """The format of the contents is detected."""
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(b'{"a": 1}'))
    assert client.read_product(tmp_path / "x.json.gz") == {"a": 1}


def test_an_endless_compressed_file_raises(
    client: ObservationsClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``conf.max_file_size`` is also the limit for decompression in memory."""
    from astroquery_mast import conf

    (tmp_path / "x.fits.gz").write_bytes(gzip.compress(bytes(10_000_000)))
    monkeypatch.setattr(conf, "max_file_size", 5_000_000)
    with pytest.raises(InvalidResponseError, match="max_file_size"):
        client.read_product(tmp_path / "x.fits.gz")


# -- exclusive files, and the token ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [ObservationsClass, JwstFilesClass, VOClass])
def test_the_error_for_an_exclusive_file_has_the_release_date(cls: Any, mast_sandbox: Sandbox) -> None:
    """The error for a row with a release date names the day, and with a token the file is read."""
    row = exclusive(mast_sandbox)
    if "t_obs_release" not in row.colnames:
        row["t_obs_release"] = 65000.0
    client = cls()
    for method in (client.open_product, client.read_product):
        with pytest.raises(LoginError, match=r"Exclusive access for program \d+ until 2\d{3}-\d\d-\d\d\. .*log in"):
            method(row[0])
    client.login(mast_sandbox.token)
    with client.read_product(row[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "JWST"


def test_the_token_in_the_environment_is_used(
    client: ObservationsClass, mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is used as in downloads, after a file was refused without it."""
    row = exclusive(mast_sandbox)
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    with client.read_product(row[0]) as hdus:
        assert hdus[0].header["TELESCOP"] == "JWST"


@pytest.mark.parametrize("kind", ["fits", "asdf"])
def test_a_redirect_to_another_host_never_gets_the_token(kind: str, mast_sandbox: Sandbox, other: Sandbox) -> None:
    """An exclusive file is redirected without the token, which is sent to MAST with each request."""
    client: Any = ObservationsClass()
    if kind == "asdf":
        pytest.importorskip("asdf")
        client = MastMissionsClass(mission="roman_cgi")
        products = client.get_product_list(client.query_criteria(limit=None), verbose=False)
        given = products[products["access"] != "PUBLIC"][0]
    else:
        given = exclusive(mast_sandbox)[0]
    with pytest.raises(AccessDeniedError, match="log in"):
        client.read_product(given)
    client.login(mast_sandbox.token)
    with client.open_product(given) as file:
        content = file.read()
    signed = f"{other.url}/api/v0.1/Download/file?uri=x&X-Amz-Signature=5ec4e7"
    other.faults.add("download", Fault.answer(content, content_type="binary/octet-stream"), times=None)
    for endpoint in ("download", "retrieve_product"):
        mast_sandbox.faults.add(endpoint, Fault.redirect(signed), times=None)
    mast_sandbox.requests.clear()
    with client.read_product(given) as read:
        assert len(read) > 0 if kind == "fits" else "roman" in read.tree
    assert len(other.requests) > 0
    assert sent_tokens(other) == {None}
    assert sent_tokens(mast_sandbox) == {f"token {mast_sandbox.token}"}


@pytest.mark.parametrize("cls", CLIENTS)
def test_other_hosts_and_the_bucket_never_get_the_token(
    cls: Any, product: Table, mast_sandbox: Sandbox, other: Sandbox
) -> None:
    """Even after a login, files at other addresses and in the public bucket are read without the token."""
    uri = str(product["dataURI"][0])
    address = ObservationsClass().get_cloud_uri(uri)
    client = cls()
    client.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    with client.open_product(f"{other.url}/api/v0.1/Download/file?uri={uri}") as file:
        assert file.read(6) == b"SIMPLE"
    with client.open_product(address) as file:
        assert file.read(6) == b"SIMPLE"
    assert sent_tokens(other) == sent_tokens(mast_sandbox) == {None}
    with client.open_product(f"{mast_sandbox.url}/api/v0.1/Download/file?uri={uri}") as file:
        assert file.read(6) == b"SIMPLE"
    assert sent_tokens(mast_sandbox) == {None, f"token {mast_sandbox.token}"}


# -- damaged files ---------------------------------------------------------------------------------------------------


def damaged(content: bytes, number: int) -> Iterator[bytes]:
    """Yield the file truncated and with changed bytes, at many fixed positions."""
    rng = np.random.default_rng(7)
    yield from (content[:length] for length in rng.integers(0, len(content), number))
    for _ in range(number):
        changed = bytearray(content)
        for place in rng.integers(0, min(len(content), 6000), 3):
            changed[place] = rng.integers(0, 256)
        yield bytes(changed)


def readable_or_refused(content: bytes, name: str) -> bool:
    """Return whether a file is read; fail for any exception but an error of this package that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read, _ = content_of(io.BytesIO(content), name, {})
            if hasattr(read, "close"):
                read.close()
    except InvalidResponseError as err:
        assert str(err).startswith(f"Cannot read {name}: ")
        return False
    return True


def fits_content() -> bytes:
    """Return a small FITS file with an image and a table."""
    hdus = fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(np.arange(900.0).reshape(30, 30)), fits.BinTableHDU(Table({"a": [1, 2]}))]
    )
    written = io.BytesIO()
    hdus.writeto(written)
    return written.getvalue()


def asdf_content() -> bytes:
    """Return a small ASDF file."""
    asdf = pytest.importorskip("asdf")
    written = io.BytesIO()
    asdf.AsdfFile({"roman": {"data": np.arange(900), "meta": {"name": "x"}}}).write_to(written)
    return written.getvalue()


def text_content(kind: str) -> bytes:
    """Return a table as text."""
    written = io.StringIO() if kind != "votable" else io.BytesIO()
    Table({"ra": [1.5, 2.5], "name": ["a", "b"]}).write(written, format=kind)
    content = written.getvalue()
    return content if isinstance(content, bytes) else content.encode()


def picture_content() -> bytes:
    """Return a non-uniform image."""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(written, "PNG")
    return written.getvalue()


CONTENTS = {
    "x.fits": fits_content,
    "x.fits.gz": lambda: gzip.compress(fits_content()),
    "x.asdf": asdf_content,
    "x.ecsv": lambda: text_content("ascii.ecsv"),
    "x.csv": lambda: text_content("ascii.csv"),
    "x.vot": lambda: text_content("votable"),
    "x.json": lambda: b'{"products": [{"name": "x", "members": [1, 2.5, null]}]}',
    "x.png": picture_content,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_damaged_file_is_read_or_raises_an_error_of_this_package(name: str) -> None:
    """A truncated or corrupt file raises no exception of the reader."""
    content = CONTENTS[name]()
    assert readable_or_refused(content, name)
    outcomes = [readable_or_refused(each, name) for each in damaged(content, 60)]
    assert not all(outcomes)
