"""Answers that have led to bare exceptions: each is an error of the package, or a row or a warning that says so."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import Catalogs, MastClass, MastMissions, Observations, Tesscut, Zcut, conf
from astroquery_mast.exceptions import (
    CorruptDataWarning,
    InputWarning,
    InvalidResponseError,
    LoginError,
    MastError,
    RemoteServiceError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.utils import get_cloud_paths

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
TWO = SkyCoord([202.4696, 210.802], [47.1952, 54.349], unit="deg")
STAR = "84.291187 -80.469125"
DEEP = "189.49206 62.20615"
LONG = "9" * 5000
DEEP_LIST = b"[" * 100_000
YEAR = "Fri, 31 Dec 99999 23:59:59 GMT"


def edited(place: str, value: Any) -> Fault:
    """Put a value in one place of an answer: ``data.0.s_ra``."""

    def edit(document: Any) -> Any:
        *within, last = (int(part) if part.isdigit() else part for part in place.split("."))
        inner = document
        for part in within:
            inner = inner[part]
        inner[last] = value
        return document

    return Fault.edit(edit)


def bent(change: Callable[[bytes], bytes]) -> Fault:
    """Change the bytes of an answer."""
    return Fault("bent", bends=(lambda reply: replace(reply, body=change(bytes(reply.body))),))


def second(sandbox: Sandbox, endpoint: str, fault: Fault) -> None:
    """Let the first answer of an endpoint through, and change the one after it, however often it is asked for."""
    seen: list[object] = []

    def is_later(record: Any) -> bool:
        seen.append(record)
        return len(seen) > 1

    sandbox.faults.add(endpoint, fault, times=None, where=is_later)


@pytest.fixture(autouse=True)
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong stays wrong, and is not asked for more often than needed."""
    monkeypatch.setattr(conf, "max_attempts", 2)
    monkeypatch.setattr(conf, "timeout", 30)


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Return two small products."""
    listed = Observations.get_product_list(["24000000"], verbose=False)
    return listed[(listed["size"] < 1_000_000) & (listed["dataRights"] == "PUBLIC")][:2]


# -- one answer ----------------------------------------------------------------------------------------------------

GALEX: Callable[[], Any] = lambda: Observations.query_criteria(obs_collection="GALEX")  # noqa: E731
ACS: Callable[[], Any] = lambda: MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS")  # noqa: E731

ANSWERS: dict[str, tuple[str, Fault, Callable[[], Any]]] = {
    "more pages than there can be": ("invoke", edited("paging.pagesFiltered", 1e30), GALEX),
    "a wait until a year that does not exist": ("invoke", Fault.status(503, retry_after=YEAR), GALEX),
    "messages that are a number": ("mission_search", edited("messages", 5), ACS),
    "selected columns that are a number": ("mission_search", edited("search_params", {"select_cols": 5}), ACS),
    "a column without a name": ("mission_search", edited("results.0", {"": 1}), ACS),
    "a sector beyond all numbers": (
        "tesscut",
        bent(lambda body: body.replace(b'"sector":"', b'"sector":1e999,"x":"')),
        lambda: Tesscut.get_sectors(coordinates=STAR),
    ),
    "nested columns": ("columnsconfig", Fault.answer(DEEP_LIST), lambda: Observations.get_metadata("observations")),
    "nested paths": ("path_lookup", Fault.answer(DEEP_LIST), lambda: get_cloud_paths(["mast:HST/product/x.fits"])),
    "a path that is no text": (
        "path_lookup",
        Fault.answer(rb'{"mast:HST/product/x.fits":{"path":"\ud800"}}'),
        lambda: Observations.get_cloud_uri("mast:HST/product/x.fits", check=True),
    ),
    "a listing in no encoding": (
        "cloud",
        Fault.answer(b"<?xml version='1.0' encoding='nonsense'?><ListBucketResult/>", content_type="application/xml"),
        Observations.list_cloud_datasets,
    ),
    "rows that are none": (
        "catalogs",
        Fault.answer(b'[{"a":1},5]'),
        lambda: Catalogs.query_region(M51, catalog="Panstarrs", radius=0.01),
    ),
    "rows of rows": (
        "catalogs",
        Fault.answer(b'[{"a":1},[{"a":1}]]'),
        lambda: Catalogs.query_region(M51, catalog="Panstarrs", radius=0.01),
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_cannot_be_is_an_error_of_the_package_or_no_harm(what: str, mast_sandbox: Sandbox) -> None:
    """Nothing else than errors of the package comes of it; what can be read is returned."""
    endpoint, fault, call = ANSWERS[what]
    Observations.enable_cloud_dataset(verbose=False)
    mast_sandbox.faults.add(endpoint, fault, times=None)
    harmless = {
        *("messages that are a number", "selected columns that are a number", "a column without a name"),
        "nested columns",  # those of the package are good
    }
    try:
        call()
    except RemoteServiceError as err:
        assert isinstance(err, MastError)
    else:
        assert what in harmless
    finally:
        Observations.disable_cloud_dataset()


@pytest.mark.parametrize("encoding", ["idna", "base64", "utf-7", "nonsense", "utf-16"])
def test_a_page_in_an_odd_encoding_is_read_all_the_same(mast_sandbox: Sandbox, encoding: str) -> None:
    """The list of missions does not depend on what the page says of its encoding."""
    missions = MastMissions.get_available_missions()
    odd = Fault.headers({"Content-Type": f"text/html; charset={encoding}"})
    mast_sandbox.faults.add("mission_docs", odd, times=None)
    assert MastMissions.get_available_missions() == missions


# -- the account ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", ["x", [1], 5, {"display_name": [1]}, None])
def test_a_user_with_odd_attributes_is_logged_in(mast_sandbox: Sandbox, attributes: Any) -> None:
    """What the archive says of a user beside the token does not matter for the login."""
    mast_sandbox.faults.add("whoami", edited("attrib", attributes), times=None)
    client = MastClass()
    assert client.login(mast_sandbox.token)
    assert client.authenticated()
    client.logout()


def test_a_nested_user_is_no_user(mast_sandbox: Sandbox) -> None:
    """A record of the user that has no end is unreadable, and nobody is logged in."""
    body = b'{"anon":false,"ezid":"x","attrib":' + b"[" * 9000 + b"]" * 9000 + b"}"
    mast_sandbox.faults.add("whoami", Fault.answer(body), times=None)
    client = MastClass()
    with pytest.raises((InvalidResponseError, LoginError)):
        client.login(mast_sandbox.token)
    assert not client.authenticated()


# -- many targets, many names --------------------------------------------------------------------------------------


def test_a_position_beyond_all_numbers_spoils_one_name_only(mast_sandbox: Sandbox) -> None:
    """An impossible position of one name is said in a warning, and the others are resolved."""

    def edit(document: Any) -> Any:
        for entry in document["resolvedCoordinate"]:
            if entry["searchString"].lower() == "m101":
                entry["ra"] = int("9" * 400)
        return document

    mast_sandbox.faults.add("resolver", Fault.edit(edit), times=None)
    with pytest.warns(InputWarning, match="M101"):
        assert set(Observations.resolve_object(["M51", "M101"])) == {"M51"}


def far(**options: Any) -> Table:
    """Ask for two targets with a question each."""
    with conf.set_temp("max_workers", 1):
        return Observations.query_region(TWO, radius=0.01, merge_nearby=False, verbose=False, **options)


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
def test_an_answer_that_declares_other_types_is_stacked_as_text(mast_sandbox: Sandbox) -> None:
    """One answer whose columns have other types does not cost the others, and a warning names the columns."""

    def edit(document: Any) -> Any:
        for each in document["fields"]:
            each["type"] = {"string": "float", "float": "string", "int": "string"}.get(each["type"], "string")
        return document

    second(mast_sandbox, "invoke", Fault.edit(edit))
    with pytest.warns(CorruptDataWarning, match="'s_ra' is text in some"):
        table = far()
    assert set(table["input_row"]) == {0, 1}
    assert table["s_ra"].dtype.kind == "U"


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
@pytest.mark.parametrize("value", ["x", [1], {"a": 1}, "1e999", True])
def test_odd_values_of_a_position_do_not_spoil_other_targets(mast_sandbox: Sandbox, value: Any) -> None:
    """Neighbors share an answer: a row whose place cannot be read leaves them theirs, or is an error of the package."""

    def edit(document: Any) -> Any:
        document["data"][0].update(s_ra=value, s_region=value)
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    near = SkyCoord([202.4696, 202.48], [47.1952, 47.2], unit="deg")
    try:
        table = Observations.query_region(near, radius=0.01, verbose=False)
    except MastError:
        return
    assert set(table["input_row"]) == {0, 1}


def test_the_only_answer_with_rows_that_breaks_off_is_an_error_of_its_target(mast_sandbox: Sandbox) -> None:
    """A page that cannot be read leaves the rows of the other targets, or the error of the archive."""
    second(mast_sandbox, "invoke", edited("data.1", 5))
    with pytest.warns(InputWarning, match="1 of 2") as warned:
        table = far()
    assert set(table["input_row"]) == {0}
    assert len(warned) == 1


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
def test_words_in_the_place_of_distances_leave_those_that_are_known(mast_sandbox: Sandbox) -> None:
    """The distances that are computed here are numbers, although another answer has none."""

    def edit(document: Any) -> Any:
        for row in document["data"]:
            row["distance"] = "far"
        return document

    second(mast_sandbox, "invoke", Fault.edit(edit))
    near_and_far = SkyCoord([202.4696, 202.48, 210.802], [47.1952, 47.2, 54.349], unit="deg")
    with conf.set_temp("max_workers", 1):
        table = Observations.query_region(near_and_far, radius=0.001, verbose=False)
    of_neighbors = table["distance"][table["input_row"] < 2]
    assert table["distance"].dtype.kind == "f"
    assert len(of_neighbors)
    assert not of_neighbors.mask.all()


@pytest.mark.parametrize("count", [2**63, -1, "9" * 400, float("nan"), None])
def test_a_count_that_is_none_is_an_error_of_its_targets(mast_sandbox: Sandbox, count: Any) -> None:
    """What is no number of rows is said to be none, for one question and for many targets."""

    def edit(document: Any) -> Any:
        document["data"][0] = dict.fromkeys(document["data"][0], count)
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    for ask in (
        lambda: Observations.query_criteria_count(obs_collection="HST"),
        lambda: Observations.query_region_count(TWO),
    ):
        with pytest.raises(InvalidResponseError):
            ask()


@pytest.mark.parametrize("value", [1e999, -1e999, 1e308])
@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
def test_a_place_that_is_not_finite_spoils_no_cross_match(mast_sandbox: Sandbox, value: float) -> None:
    """A row that lies nowhere is at an unknown distance, without a word of numpy."""

    def edit(document: Any) -> Any:
        for name in {"s_ra", "ra", "MatchRA"} & set(document["data"][0]):
            document["data"][0][name] = value
        return document

    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None)
    assert len(Observations.crossmatch(TWO, verbose=False))


# -- files ---------------------------------------------------------------------------------------------------------

ODD_HEADERS = (
    {"Last-Modified": YEAR},
    {"Last-Modified": "Sat, 01 Jan 1 00:00:00 +9999"},
    {"Content-Range": f"bytes 0-{LONG}/{LONG}"},
    {"Date": YEAR},
    {"ETag": LONG},
)


@pytest.mark.parametrize("headers", ODD_HEADERS, ids=lambda headers: next(iter(headers)))
def test_headers_that_cannot_be_spoil_no_file(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, headers: Any
) -> None:
    """A date or a range that cannot be is as good as none."""
    mast_sandbox.faults.add("download", Fault.headers(headers), times=None)
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]
    try:
        with Observations.open_product(products[0]) as stream:
            assert stream.read(6) == b"SIMPLE"
    except MastError:
        assert "Content-Range" in headers


def test_a_length_of_5000_digits_is_an_error_of_the_file(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Whether the file can be had all the same or not, nothing else than its row tells."""
    headers = Fault.headers({"Content-Length": LONG}) + Fault.no_length("close")
    mast_sandbox.faults.add("download", headers, times=None)
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert set(manifest["Status"]) <= {"COMPLETE", "ERROR"}
    assert "worker" not in str(list(manifest["Message"]))


def without(body: bytes, start: int, number: int = 10) -> bytes:
    """Leave out some bytes."""
    return body[:start] + body[start + number :]


@pytest.mark.parametrize("part", range(0, 100, 9))
@pytest.mark.parametrize("inflate", [True, False])
def test_a_zip_file_of_cutouts_that_lacks_bytes_is_a_row_or_an_error(
    mast_sandbox: Sandbox, tmp_path: Path, part: int, inflate: bool
) -> None:
    """Wherever bytes are missing, the manifest or an error of the package says so."""
    fault = bent(lambda body: without(body, len(body) * part // 100))
    mast_sandbox.faults.add("zcut", fault, times=None)
    try:
        manifest = Zcut.download_cutouts(DEEP, size=2, path=tmp_path, inflate=inflate)
    except RemoteServiceError as err:
        assert isinstance(err, MastError)
    else:
        assert "ERROR" in manifest["Status"]
        whole = manifest["Status"] == "COMPLETE"
        assert all(Path(path).stat().st_size for path in manifest["Local Path"][whole])


def version_25(body: bytes) -> bytes:
    """Say of a zip file that a program of a later time is needed to unpack it."""
    changed, at = bytearray(body), 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 6], at = 255, at + 4
    return bytes(changed)


def huge_member(body: bytes) -> bytes:
    """Say of the first file in a tar file that it has more bytes than 64 bits can tell."""
    unpacked = bytearray(gzip.decompress(body))
    unpacked[124:136] = b"\x80" + b"\xff" * 11
    unpacked[148:156] = b" " * 8
    unpacked[148:156] = b"%06o\x00 " % sum(unpacked[:512])
    return gzip.compress(bytes(unpacked))


@pytest.mark.parametrize(("kind", "change"), [("zip", version_25), ("tar.gz", huge_member)])
def test_a_bundle_that_cannot_be_read_is_no_file_and_an_error_of_each_product(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
) -> None:
    """The manifest says why, and nothing remains under the name of the bundle."""
    mast_sandbox.faults.add("bundle", bent(change), times=None)
    manifest = Observations.download_products(
        products, download_dir=tmp_path, bundle=kind, verbose=False, on_error="ignore"
    )
    assert list(manifest["Status"]) == ["ERROR", "ERROR"]
    assert "MAST returned an unreadable" in manifest["Message"][0]
    assert not list(tmp_path.iterdir())


def tar_with(header: tarfile.TarInfo, content: bytes) -> bytes:
    """Make a tar file that begins with a header of this kind."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as packed:
        header.size = len(content)
        packed.addfile(header, io.BytesIO(content))
        packed.addfile(tarfile.TarInfo("y"))
    return output.getvalue()


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        (tarfile.XHDTYPE, bytes(2 << 20), "header of 2097152 bytes"),
        (tarfile.XGLTYPE, bytes(2 << 20), "header of 2097152 bytes"),
        (tarfile.GNUTYPE_LONGNAME, b"x" * (2 << 20), "header of 2097152 bytes"),
        (tarfile.GNUTYPE_SPARSE, bytes(512), "sparse file"),
        (tarfile.XHDTYPE, b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n", "sparse file"),
    ],
)
def test_headers_in_a_bundle_are_not_read_without_end(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, kind: bytes, content: bytes, reason: str
) -> None:
    """What a tar file says of its files stays short, however little it takes to send much."""
    header = tarfile.TarInfo("x")
    header.type = kind
    mast_sandbox.faults.add("bundle", bent(lambda _: tar_with(header, content)), times=None)
    manifest = Observations.download_products(
        products, download_dir=tmp_path, bundle="tar.gz", verbose=False, on_error="ignore"
    )
    assert list(manifest["Status"]) == ["ERROR", "ERROR"]
    assert reason in manifest["Message"][0]


def test_a_part_of_a_file_without_end_is_an_error(products: Table, mast_sandbox: Sandbox) -> None:
    """Of an answer with a part no more is read than was asked for."""
    body = bent(lambda body: body + bytes(200 << 20)) + Fault.no_length("close")
    mast_sandbox.faults.add("download", body, times=None)
    with pytest.raises(RemoteServiceError, match="more than 1000 bytes"):
        Observations.open_product(products[0], block_size=1000)
