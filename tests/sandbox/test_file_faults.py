"""Faults of files and of parts of files: what a client sees of each."""

from __future__ import annotations

import time

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox


class File:
    """A public file of the sandbox, and questions for it."""

    def __init__(self, box: Sandbox, web: requests.Session) -> None:
        sql = "SELECT dataURI FROM product WHERE dataRights = 'PUBLIC' AND size BETWEEN 2000 AND 20000 LIMIT 1"
        self.uri = str(box.archive.query(sql)[0]["dataURI"])
        self.content = box.archive.render(self.uri)
        self._box, self._web = box, web

    def get(self, part: str | None = None, if_range: str | None = None) -> requests.Response:
        """Ask for the file, or for a part of it."""
        headers = {"Accept-Encoding": "identity"}
        headers |= {"Range": f"bytes={part}"} if part else {}
        headers |= {"If-Range": if_range} if if_range else {}
        url = f"{self._box.url}/api/v0.1/Download/file"
        return self._web.get(url, params={"uri": self.uri}, headers=headers, timeout=30)

    def meets(self, fault: Fault) -> None:
        """Let the next question meet a fault."""
        self._box.faults.add("download", fault)


@pytest.fixture
def file(box: Sandbox, web: requests.Session) -> File:
    """Give a file."""
    return File(box, web)


def test_slow_brings_the_whole_file_with_pauses(file: File) -> None:
    """Nothing is lost, and between the pieces time passes."""
    file.meets(Fault.slow(len(file.content) // 4 + 1, 0.01))
    began = time.monotonic()
    assert file.get().content == file.content
    assert time.monotonic() - began >= 0.03


def test_headers_take_the_place_of_their_namesakes(file: File) -> None:
    """A header is sent once, as the fault has it, whatever the case of its name; the others stay."""
    file.meets(Fault.headers({"etag": '"mine"', "X-Checksum": "1"}))
    answer = file.get()
    assert (answer.headers["ETag"], answer.headers["X-Checksum"]) == ('"mine"', "1")
    assert answer.headers["Content-Length"] == str(len(file.content))
    assert file.get().headers["ETag"] != '"mine"'


def test_changed_file_is_another_one_of_the_same_size(file: File) -> None:
    """Other bytes, another validator and date, and the same length."""
    before = file.get()
    file.meets(Fault.changed())
    after = file.get()
    assert len(after.content) == len(before.content)
    assert all(a != b for a, b in zip(after.content[:100], before.content[:100], strict=True))
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] != before.headers["Last-Modified"]


@pytest.mark.parametrize(("heeds", "status"), [(True, 200), (False, 206)])
def test_changed_file_and_if_range(file: File, heeds: bool, status: int) -> None:
    """Asked for the rest of the old file it gives all of the new one, or, if it is careless, the rest of that."""
    validator = file.get().headers["ETag"]
    file.meets(Fault.changed(heeds_if_range=heeds))
    answer = file.get("1000-", validator)
    assert (answer.status_code, len(answer.content)) == (status, len(file.content) - (0 if heeds else 1000))


def test_wrong_range_sends_the_right_bytes_under_a_wrong_claim(file: File) -> None:
    """Only the header lies."""
    file.meets(Fault.wrong_range(7))
    answer = file.get("10-19")
    assert answer.content == file.content[10:20]
    assert answer.headers["Content-Range"] == f"bytes 17-26/{len(file.content) + 7}"


def test_no_content_range_is_a_part_without_a_place(file: File) -> None:
    """The status says that it is a part, and nothing says which."""
    file.meets(Fault.no_content_range())
    answer = file.get("10-19")
    assert (answer.status_code, answer.content) == (206, file.content[10:20])
    assert "Content-Range" not in answer.headers


def test_not_satisfiable_refuses_ranges_only(file: File) -> None:
    """A range is refused with the true length, and the whole file is given."""
    file.meets(Fault.not_satisfiable())
    refused = file.get("10-19")
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, f"bytes */{len(file.content)}")
    file.meets(Fault.not_satisfiable())
    assert file.get().content == file.content
