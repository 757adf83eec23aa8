"""Files that go into a store: whole or absent, in memory and on a stand-in for S3."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError
from transfers import PART, SIZES, content_of, names

from astroquery_mast.downloads.destination import destination, is_remote, recorded_place
from astroquery_mast.downloads.store import StoreStream, size_in_store

fsspec = pytest.importorskip("fsspec")
upath = pytest.importorskip("upath")


@contextmanager
def whole_or_absent(place: Path) -> Iterator[StoreStream]:
    """Give what takes a file of a store, which is finished at the end unless something breaks off."""
    with StoreStream(place) as stream:
        stream.begin(None)
        yield stream
        stream.finish(None)


# -- where ---------------------------------------------------------------------------------------------------------


def test_paths_are_paths(tmp_path: Path) -> None:
    """What is on this disk is treated as such, however it is written."""
    for where in (tmp_path, str(tmp_path), tmp_path.as_uri(), upath.UPath(tmp_path), f"local://{tmp_path}"):
        place = destination(where)
        assert isinstance(place, Path)
        assert place == tmp_path
        assert not is_remote(place)
    assert destination(None) == Path()
    assert destination("C:/data") == Path("C:/data")


def test_addresses_are_places_that_are_used_like_paths(memory: str) -> None:
    """Names are joined and shown as addresses, and survive a journey to another process."""
    for where in (memory, upath.UPath(memory)):
        place = destination(where)
        assert is_remote(place)
        assert str(place / "HST" / "a b.fits") == "memory://box/folder/HST/a b.fits"
        assert (place / "x").with_name("y").parent == place
        assert pickle.loads(pickle.dumps(place)) == place


@pytest.mark.parametrize("where", ["nosuch://x", "https://x.example/folder", 7, ["a"]], ids=str)
def test_where_nothing_can_be_written_is_said_at_once(where: Any) -> None:
    """Not for each file, and not after the download."""
    with pytest.raises(InvalidQueryError):
        destination(where)


def test_a_home_folder_is_no_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell, "~" is one's own folder; where paths were written down, it is a name like others."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert destination("~/x") == destination(Path("~/x")) == tmp_path / "x"
    assert destination("a~/x") == Path("a~/x")
    assert recorded_place("~/x") == Path("~/x")
    with pytest.raises(InvalidQueryError, match="home"):
        destination("~nobody-has-this-name/x")


def test_a_name_with_nul_is_refused() -> None:
    """No system has such files, and Python's own error would say nothing of the argument."""
    with pytest.raises(InvalidQueryError, match="NUL"):
        destination("a\0b")


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(InvalidQueryError, match=r"astroquery_mast\[cloud\]"):
        destination("s3://bucket/folder")


# -- whole or absent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_a_file_is_there_when_it_is_whole(address: str, size: int) -> None:
    """Nothing is seen before the end; then all of it is."""
    content, place = content_of(size), destination(address) / "a.fits"
    with whole_or_absent(place) as stream:
        for start in range(0, size, 1 << 20):
            stream.write(content[start : start + (1 << 20)])
        assert size_in_store(place) is None
    assert size_in_store(place) == size
    assert names(destination(address)) == ["a.fits"]


@pytest.mark.parametrize("before", [None, b"as it was"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("size", [0, 1, SIZES[-1]])
def test_what_breaks_off_leaves_things_as_they_were(
    address: str, before: bytes | None, error: type[BaseException], size: int
) -> None:
    """Neither the file nor a rest of it."""
    place = destination(address) / "a.fits"
    if before is not None:
        with whole_or_absent(place) as stream:
            stream.write(before)
    with pytest.raises(error), whole_or_absent(place) as stream:
        stream.write(content_of(size))
        raise error
    assert size_in_store(place) == (None if before is None else len(before))
    assert names(destination(address)) == ([] if before is None else ["a.fits"])


def test_uploads_that_were_given_up_are_ended(s3: str) -> None:
    """No parts of an upload stay behind to be paid for."""
    place: Any = destination(s3) / "a.fits"
    with pytest.raises(ValueError, match="over"), whole_or_absent(place) as stream:
        stream.write(content_of(PART))
        stream.write(b"1")
        assert len(place.fs.list_multipart_uploads("bucket")) == 1
        raise ValueError("over")
    assert not place.fs.list_multipart_uploads("bucket")
