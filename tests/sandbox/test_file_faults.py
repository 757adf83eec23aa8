"""Faults of complete and partial downloads, and their effect on a client."""

from __future__ import annotations

import time

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox


class File:
    """A public file of the sandbox, and requests for it."""

    def __init__(self, box: Sandbox, web: requests.Session) -> None:
        sql = "SELECT dataURI FROM product WHERE dataRights = 'PUBLIC' AND size BETWEEN 2000 AND 20000 LIMIT 1"
        self.uri = str(box.archive.query(sql)[0]["dataURI"])
        self.content = box.archive.render(self.uri)
        self._box, self._web = box, web

    def get(self, part: str | None = None, if_range: str | None = None) -> requests.Response:
        """Request the file, or a part of it."""
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={part}"} if part else {}
        headers |= {"If-Range": if_range} if if_range else {}
        url = f"{self._box.url}/api/v0.1/Download/file"
        return self._web.get(url, params={"uri": self.uri}, headers=headers, timeout=30)

    def meets(self, fault: Fault) -> None:
        """Add a fault for the next request."""
        self._box.faults.add("download", fault)


@pytest.fixture
def file(box: Sandbox, web: requests.Session) -> File:
    """A public file."""
    return File(box, web)


def test_slow_sends_the_complete_file_with_pauses(file: File) -> None:
    """The file is complete, and there are pauses between its pieces."""
    file.meets(Fault.slow(len(file.content) // 4 + 1, 0.01))
    began = time.monotonic()
    assert file.get().content == file.content
    assert time.monotonic() - began >= 0.03


def test_headers_replace_those_of_the_same_name(file: File) -> None:
    """A header of the fault replaces the one with the same name in any case; others are unchanged."""
    file.meets(Fault.headers({"etag": '"mine"', "X-Checksum": "1"}))
    answer = file.get()
    assert (answer.headers["ETag"], answer.headers["X-Checksum"]) == ('"mine"', "1")
    assert answer.headers["Content-Length"] == str(len(file.content))
    assert file.get().headers["ETag"] != '"mine"'


def test_changed_file_has_the_same_size(file: File) -> None:
    """Bytes, ETag, and date differ, and the length is the same."""
    before = file.get()
    file.meets(Fault.changed())
    after = file.get()
    assert len(after.content) == len(before.content)
    assert all(a != b for a, b in zip(after.content[:100], before.content[:100], strict=True))
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]


@pytest.mark.parametrize(("heeds", "status"), [(True, 200), (False, 206)])
def test_changed_file_and_if_range(file: File, heeds: bool, status: int) -> None:
    """A request for the rest of the old file returns the complete new one, or with the faulty variant its rest."""
    validator = file.get().headers["ETag"]
    file.meets(Fault.changed(heeds_if_range=heeds))
    answer = file.get("1000-", validator)
    assert (answer.status_code, len(answer.content)) == (status, len(file.content) - (0 if heeds else 1000))


def test_wrong_range_sends_the_right_bytes_under_a_wrong_claim(file: File) -> None:
    """Only the header is wrong."""
    file.meets(Fault.wrong_range(7))
    answer = file.get("10-19")
    assert answer.content == file.content[10:20]
    assert answer.headers["Content-Range"] == f"bytes 17-26/{len(file.content) + 7}"


def test_no_content_range_is_a_part_without_a_place(file: File) -> None:
    """The status indicates a partial response, and no header gives its range."""
    file.meets(Fault.no_content_range())
    answer = file.get("10-19")
    assert (answer.status_code, answer.content) == (206, file.content[10:20])
    assert "Content-Range" not in answer.headers


def test_not_satisfiable_refuses_ranges_only(file: File) -> None:
    """A range is refused with the true length, and a request for the complete file succeeds."""
    file.meets(Fault.not_satisfiable())
    refused = file.get("10-19")
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, f"bytes */{len(file.content)}")
    file.meets(Fault.not_satisfiable())
    assert file.get().content == file.content
