"""Response headers that describe the bytes: lengths, ranges, validators, digests."""

from __future__ import annotations

import base64
import hashlib

import pytest

from astroquery_mast.downloads.checks import (
    WrongContentError,
    announced_checksums,
    announced_length,
    check_checksums,
    content_range,
    is_web_page,
    strong_validator,
)

BODY = b"the bytes of a file"
OLD = "Mon, 01 Jan 2024 00:00:00 GMT"


def base64_of(algorithm: str, body: bytes = BODY) -> str:
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"Content-Length": "12"}, 12),
        ({"Content-Length": "0"}, 0),
        ({"Content-Length": "-1"}, None),
        ({"Content-Length": "١٢"}, None),
        ({"Content-Length": "12, 12"}, None),
        ({"Content-Length": "12", "Content-Encoding": "gzip"}, None),
        ({"Content-Length": "12", "Content-Encoding": "Identity"}, 12),
        ({}, None),
    ],
)
def test_length_is_a_number_of_bytes_of_the_file(headers: dict[str, str], length: int | None) -> None:
    """A value that is not a plain number, or counts compressed bytes, is not used as the length."""
    assert announced_length(headers) == length


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 5-9/10", (5, 9, 10)),
        ("BYTES 0-0/1", (0, 0, 1)),
        ("bytes */10", None),
        ("bytes 5-9/*", None),
        ("items 5-9/10", None),
        ("bytes 5-9/10, 11", None),
        ("", None),
    ],
)
def test_a_range_must_be_complete(text: str, expected: tuple[int, int, int] | None) -> None:
    """A part with unknown position or total length cannot be appended to another one."""
    assert content_range({"Content-Range": text}) == expected


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"abc"'}, '"abc"'),
        ({"ETag": '"abc"', "Last-Modified": OLD}, '"abc"'),
        ({"ETag": 'W/"abc"', "Last-Modified": OLD}, OLD),
        ({"ETag": 'w/"abc"'}, None),
        ({"ETag": '"a"b"'}, None),
        ({"ETag": "abc"}, None),
        ({"Last-Modified": OLD}, OLD),
        ({"Last-Modified": OLD, "Date": OLD}, None),
        ({"Last-Modified": OLD, "Date": "Mon, 01 Jan 2024 00:00:01 GMT"}, OLD),
        ({"Last-Modified": "Mon, 01 Jan 2999 00:00:00 GMT"}, None),
        ({"Last-Modified": "never"}, None),
        ({}, None),
    ],
)
def test_validator_is_strong_or_absent(headers: dict[str, str], validator: str | None) -> None:
    """A weak ETag does not identify bytes, and a modification time within the last second may be ambiguous."""
    assert strong_validator(headers) == validator


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": base64_of("md5")},
        {"Digest": f"md5={base64_of('md5')}"},
        {"Digest": f"SHA-256={base64_of('sha256')},unixsum=5"},
        {"Repr-Digest": f"sha-256=:{base64_of('sha256')}:, sha-512=:{base64_of('sha512')}:"},
        {"Content-Digest": f"sha-512=:{base64_of('sha512')}:"},
        {"x-amz-checksum-sha256": base64_of("sha256")},
    ],
)
def test_digest_of_any_header_is_compared(headers: dict[str, str]) -> None:
    """The correct bytes pass, and other bytes raise."""
    checksums = announced_checksums(headers)
    assert checksums
    check_checksums(checksums, lambda algorithm: hashlib.new(algorithm, BODY).digest())
    with pytest.raises(WrongContentError, match=next(iter(headers))):
        check_checksums(checksums, lambda algorithm: hashlib.new(algorithm, BODY[1:]).digest())


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": "not base64!"},
        {"Content-MD5": base64_of("sha256")},
        {"Digest": "md5"},
        {"Digest": "crc32c=AAAAAA=="},
        {"x-amz-checksum-sha256": f"{base64_of('sha256')}-3"},
        {"Content-MD5": base64_of("md5"), "Content-Encoding": "gzip"},
    ],
)
def test_an_unusable_digest_is_ignored(headers: dict[str, str]) -> None:
    """A digest of digests, of compressed bytes or of an unknown algorithm cannot be compared."""
    assert announced_checksums(headers) == []


def test_digest_of_a_part_is_not_that_of_the_file() -> None:
    """For status 206, digests of the body are ignored, and digests of the complete file are used."""
    headers = {"Content-MD5": base64_of("md5"), "Repr-Digest": f"sha-256=:{base64_of('sha256')}:"}
    assert [checksum.given_by for checksum in announced_checksums(headers, whole=False)] == ["Repr-Digest"]


def test_cataloged_digest_is_md5_in_hexadecimal() -> None:
    """Any other value in the catalog is ignored."""
    digest = hashlib.md5(BODY).hexdigest()
    assert [sum.digest.hex() for sum in announced_checksums({}, cataloged=digest.upper())] == [digest]
    assert announced_checksums({}, cataloged="unknown") == []


@pytest.mark.parametrize(
    ("kind", "name", "page"),
    [
        ("text/html; charset=utf-8", "mast:HST/product/x.fits", True),
        ("text/html", "x.html", False),
        ("text/html", "mast:x", False),
        ("text/plain", "x.fits", False),
        ("application/fits", "x.fits", False),
    ],
)
def test_a_web_page_is_detected_by_its_content_type(kind: str, name: str, page: bool) -> None:
    """A web page is rejected only if the requested file is not a web page."""
    assert is_web_page({"Content-Type": kind}, name) is page
