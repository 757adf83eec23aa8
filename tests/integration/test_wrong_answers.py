"""Responses that used to raise bare exceptions now raise errors of the package, or give a warning or an error row."""

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
    """Return a fault that sets one value in a response, given by a path such as ``data.0.s_ra``."""

    def edit(document: Any) -> Any:
        *within, last = (int(part) if part.isdigit() else part for part in place.split("."))
        inner = document
        for part in within:
            inner = inner[part]
        inner[last] = value
        return document

    return Fault.edit(edit)


def bent(change: Callable[[bytes], bytes]) -> Fault:
    """Return a fault that changes the bytes of a response."""
    return Fault("bent", bends=(lambda reply: replace(reply, body=change(bytes(reply.body))),))


def second(sandbox: Sandbox, endpoint: str, fault: Fault) -> None:
    """Change all responses of an endpoint except the first."""
    seen: list[object] = []

    def is_later(record: Any) -> bool:
        seen.append(record)
        return len(seen) > 1

    sandbox.faults.add(endpoint, fault, times=None, where=is_later)


@pytest.fixture(autouse=True)
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit the number of retries, because the faults are permanent."""
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
def test_an_invalid_response_raises_an_error_of_the_package(what: str, mast_sandbox: Sandbox) -> None:
    """An invalid response raises an error of the package, or is read where this is harmless."""
    endpoint, fault, call = ANSWERS[what]
    Observations.enable_cloud_dataset(verbose=False)
    mast_sandbox.faults.add(endpoint, fault, times=None)
    harmless = {
        *("messages that are a number", "selected columns that are a number", "a column without a name"),
        "nested columns",  # the columns known to the package are used
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
def test_a_page_with_a_wrong_encoding_is_read(mast_sandbox: Sandbox, encoding: str) -> None:
    """The list of missions is read from a page with a wrong encoding."""
    missions = MastMissions.get_available_missions()
    odd = Fault.headers({"Content-Type": f"text/html; charset={encoding}"})
    mast_sandbox.faults.add("mission_docs", odd, times=None)
    assert MastMissions.get_available_missions() == missions


# -- the account ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", ["x", [1], 5, {"display_name": [1]}, None])
def test_a_user_with_odd_attributes_is_logged_in(mast_sandbox: Sandbox, attributes: Any) -> None:
    """Unexpected attributes of a user do not affect the login."""
    mast_sandbox.faults.add("whoami", edited("attrib", attributes), times=None)
    client = MastClass()
    assert client.login(mast_sandbox.token)
    assert client.authenticated()
    client.logout()


def test_an_unreadable_user_is_not_logged_in(mast_sandbox: Sandbox) -> None:
    """An unreadable response to the login raises an error, and the user is not logged in."""
    body = b'{"anon":false,"ezid":"x","attrib":' + b"[" * 9000 + b"]" * 9000 + b"}"
    mast_sandbox.faults.add("whoami", Fault.answer(body), times=None)
    client = MastClass()
    with pytest.raises((InvalidResponseError, LoginError)):
        client.login(mast_sandbox.token)
    assert not client.authenticated()


# -- many targets, many names --------------------------------------------------------------------------------------


def test_an_impossible_position_affects_one_name_only(mast_sandbox: Sandbox) -> None:
    """An impossible position of one name issues a warning, and the other names are resolved."""

    def edit(document: Any) -> Any:
        for entry in document["resolvedCoordinate"]:
            if entry["searchString"].lower() == "m101":
                entry["ra"] = int("9" * 400)
        return document

    mast_sandbox.faults.add("resolver", Fault.edit(edit), times=None)
    with pytest.warns(InputWarning, match="M101"):
        assert set(Observations.resolve_object(["M51", "M101"])) == {"M51"}


def far(**options: Any) -> Table:
    """Query two distant targets with separate requests."""
    with conf.set_temp("max_workers", 1):
        return Observations.query_region(TWO, radius=0.01, merge_nearby=False, verbose=False, **options)


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
def test_columns_with_different_types_become_text(mast_sandbox: Sandbox) -> None:
    """Columns with different types in some responses become text, with a warning."""

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
def test_an_unreadable_position_does_not_affect_other_targets(mast_sandbox: Sandbox, value: Any) -> None:
    """An unreadable position in a shared response does not affect the targets, or raises an error of the package."""

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


def test_an_unreadable_page_affects_one_target_only(mast_sandbox: Sandbox) -> None:
    """An unreadable page of one target is a failure of that target only."""
    second(mast_sandbox, "invoke", edited("data.1", 5))
    with pytest.warns(InputWarning, match="1 of 2") as warned:
        table = far()
    assert set(table["input_row"]) == {0}
    assert len(warned) == 1


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.CorruptDataWarning")
def test_text_as_distance_does_not_affect_computed_distances(mast_sandbox: Sandbox) -> None:
    """Distances computed here remain numbers if another response has text as distances."""

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
def test_an_invalid_count_is_an_error(mast_sandbox: Sandbox, count: Any) -> None:
    """A count that is not a number of rows raises InvalidResponseError, for one query and for many targets."""

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
def test_an_infinite_position_does_not_affect_a_crossmatch(mast_sandbox: Sandbox, value: float) -> None:
    """A match at an infinite position has an unknown separation, without warnings from NumPy."""

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
def test_impossible_headers_are_ignored(products: Table, mast_sandbox: Sandbox, tmp_path: Path, headers: Any) -> None:
    """Impossible dates and ranges in headers are ignored."""
    mast_sandbox.faults.add("download", Fault.headers(headers), times=None)
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]
    try:
        with Observations.open_product(products[0]) as stream:
            assert stream.read(6) == b"SIMPLE"
    except MastError:
        assert "Content-Range" in headers


def test_an_impossible_length_affects_its_file_only(products: Table, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """An impossible Content-Length affects the row of its file at most."""
    headers = Fault.headers({"Content-Length": LONG}) + Fault.no_length("close")
    mast_sandbox.faults.add("download", headers, times=None)
    manifest = Observations.download_products(products, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert set(manifest["Status"]) <= {"COMPLETE", "ERROR"}
    assert "worker" not in str(list(manifest["Message"]))


def without(body: bytes, start: int, number: int = 10) -> bytes:
    """Return bytes with some of them removed."""
    return body[:start] + body[start + number :]


@pytest.mark.parametrize("part", range(0, 100, 9))
@pytest.mark.parametrize("inflate", [True, False])
def test_missing_bytes_in_a_zip_file_of_cutouts_are_reported(
    mast_sandbox: Sandbox, tmp_path: Path, part: int, inflate: bool
) -> None:
    """A ZIP file of cutouts with missing bytes gives an error row or an error of the package."""
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
    """Return a ZIP file that claims to require a later version to extract."""
    changed, at = bytearray(body), 0
    while (at := changed.find(b"PK\x01\x02", at)) >= 0:
        changed[at + 6], at = 255, at + 4
    return bytes(changed)


def huge_member(body: bytes) -> bytes:
    """Return a tar file whose first member claims more bytes than 64 bits can hold."""
    unpacked = bytearray(gzip.decompress(body))
    unpacked[124:136] = b"\x80" + b"\xff" * 11
    unpacked[148:156] = b" " * 8
    unpacked[148:156] = b"%06o\x00 " % sum(unpacked[:512])
    return gzip.compress(bytes(unpacked))


@pytest.mark.parametrize(("kind", "change"), [("zip", version_25), ("tar.gz", huge_member)])
def test_an_unreadable_bundle_is_an_error_of_each_product(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, kind: str, change: Callable[[bytes], bytes]
) -> None:
    """An unreadable bundle is an error of each product, and is not left on disk."""
    mast_sandbox.faults.add("bundle", bent(change), times=None)
    manifest = Observations.download_products(
        products, download_dir=tmp_path, bundle=kind, verbose=False, on_error="ignore"
    )
    assert list(manifest["Status"]) == ["ERROR", "ERROR"]
    assert "MAST returned an unreadable" in manifest["Message"][0]
    assert not list(tmp_path.iterdir())


def tar_with(header: tarfile.TarInfo, content: bytes) -> bytes:
    """Return a tar file that begins with a given header."""
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
def test_oversized_headers_in_a_bundle_are_rejected(
    products: Table, mast_sandbox: Sandbox, tmp_path: Path, kind: bytes, content: bytes, reason: str
) -> None:
    """Oversized headers and sparse files in a tar file are rejected."""
    header = tarfile.TarInfo("x")
    header.type = kind
    mast_sandbox.faults.add("bundle", bent(lambda _: tar_with(header, content)), times=None)
    manifest = Observations.download_products(
        products, download_dir=tmp_path, bundle="tar.gz", verbose=False, on_error="ignore"
    )
    assert list(manifest["Status"]) == ["ERROR", "ERROR"]
    assert reason in manifest["Message"][0]


def test_more_bytes_than_requested_are_an_error(products: Table, mast_sandbox: Sandbox) -> None:
    """A response to a range request with more bytes than requested raises an error."""
    body = bent(lambda body: body + bytes(200 << 20)) + Fault.no_length("close")
    mast_sandbox.faults.add("download", body, times=None)
    with pytest.raises(RemoteServiceError, match="more than 1000 bytes"):
        Observations.open_product(products[0], block_size=1000)
