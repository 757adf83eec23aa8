"""Files in object stores, in memory and on a mock S3 server: complete or absent."""

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
    """Yield the stream for a file in a store, which is finished at the end unless an exception is raised."""
    with StoreStream(place) as stream:
        stream.begin(None)
        yield stream
        stream.finish(None)


# -- where ---------------------------------------------------------------------------------------------------------


def test_paths_are_paths(tmp_path: Path) -> None:
    """Local paths are returned as paths, in every notation."""
    for where in (tmp_path, str(tmp_path), tmp_path.as_uri(), upath.UPath(tmp_path), f"local://{tmp_path}"):
        place = destination(where)
        assert isinstance(place, Path)
        assert place == tmp_path
        assert not is_remote(place)
    assert destination(None) == Path()
    assert destination("C:/data") == Path("C:/data")


def test_addresses_in_stores_are_used_like_paths(memory: str) -> None:
    """Names can be joined, are shown as addresses, and can be pickled."""
    for where in (memory, upath.UPath(memory)):
        place = destination(where)
        assert is_remote(place)
        assert str(place / "HST" / "a b.fits") == "memory://box/folder/HST/a b.fits"
        assert (place / "x").with_name("y").parent == place
        assert pickle.loads(pickle.dumps(place)) == place


@pytest.mark.parametrize("where", ["nosuch://x", "https://x.example/folder", 7, ["a"]], ids=str)
def test_a_destination_that_cannot_be_written_raises_at_once(where: Any) -> None:
    """The error is raised once and before the download."""
    with pytest.raises(InvalidQueryError):
        destination(where)


def test_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` is expanded as in a shell, but not in recorded paths."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert destination("~/x") == destination(Path("~/x")) == tmp_path / "x"
    assert destination("a~/x") == Path("a~/x")
    assert recorded_place("~/x") == Path("~/x")
    with pytest.raises(InvalidQueryError, match="home"):
        destination("~nobody-has-this-name/x")


def test_a_name_with_nul_is_refused() -> None:
    """The error names the argument, unlike Python's own error."""
    with pytest.raises(InvalidQueryError, match="NUL"):
        destination("a\0b")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(InvalidQueryError, match=r"astroquery_mast\[cloud\]"):
        destination("s3://bucket/folder")


# -- whole or absent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_a_file_appears_when_it_is_complete(address: str, size: int) -> None:
    """No file is visible before the end, and then the complete file."""
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
def test_an_interrupted_upload_changes_nothing(
    address: str, before: bytes | None, error: type[BaseException], size: int
) -> None:
    """The old file stays, and no partial file is left."""
    place = destination(address) / "a.fits"
    if before is not None:
        with whole_or_absent(place) as stream:
            stream.write(before)
    with pytest.raises(error), whole_or_absent(place) as stream:
        stream.write(content_of(size))
        raise error
    assert size_in_store(place) == (None if before is None else len(before))
    assert names(destination(address)) == ([] if before is None else ["a.fits"])


def test_abandoned_uploads_are_aborted(s3: str) -> None:
    """No parts of an upload are left, which would be charged for."""
    place: Any = destination(s3) / "a.fits"
    with pytest.raises(ValueError, match="over"), whole_or_absent(place) as stream:
        stream.write(content_of(PART))
        stream.write(b"1")
        assert len(place.fs.list_multipart_uploads("bucket")) == 1
        raise ValueError("over")
    assert not place.fs.list_multipart_uploads("bucket")
