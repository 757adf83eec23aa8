"""Untrusted zip files: their contents are complete and inside the folder, or raise an error."""

from __future__ import annotations

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import conf
from astroquery_mast.cutouts import zip_files as archive_files
from astroquery_mast.cutouts.zip_files import is_zip_start, unpacked_paths, write_atomically, zipped_files
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.service.retrying import Deadline, StoppedError

CONTENT = bytes(range(256)) * 40


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def unpacked(body: bytes) -> dict[str, bytes]:
    """Return the files that the package reads from a zip file."""
    with zipped_files(io.BytesIO(body), "TESScut") as archive:
        return {member.filename: archive.read(member) for member in archive.members}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_read_as_they_were_packed(method: int) -> None:
    """Stored and deflated files are read unchanged, and folders are skipped."""
    body = packed(("a.fits", CONTENT), ("sub/", b""), ("sub/b.fits", b""), method=method)
    assert is_zip_start(body)
    assert unpacked(body) == {"a.fits": CONTENT, "sub/b.fits": b""}


def test_an_empty_zip_file_is_a_zip_file() -> None:
    """A zip file without files begins with the end record."""
    body = packed()
    assert is_zip_start(body)
    assert unpacked(body) == {}
    assert not is_zip_start(b"")
    assert not is_zip_start(b'{"msg": "PK"}')


@given(st.integers(0, 10**6))
def test_a_truncated_zip_file_raises(place: int) -> None:
    """A zip file that is truncated anywhere never gives a cutout."""
    body = packed(("a.fits", CONTENT), ("b.fits", CONTENT))
    with pytest.raises(InvalidResponseError, match="TESScut returned a zip file that cannot be read"):
        unpacked(body[: place % len(body)])


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_detected_or_has_no_effect(place: int, change: int) -> None:
    """A zip file with one wrong byte gives unchanged contents, under any name, or an error of the package."""
    body = bytearray(packed(("a.fits", CONTENT), ("b.fits", CONTENT)))
    body[place % len(body)] ^= change
    try:
        found = unpacked(bytes(body))
    except InvalidResponseError:
        return
    assert set(found.values()) <= {CONTENT}


@given(st.binary(max_size=200))
def test_garbage_raises_an_error_of_the_package(rest: bytes) -> None:
    """Bytes that only begin like a zip file do not raise errors of zipfile, zlib or struct."""
    with pytest.raises(InvalidResponseError):
        unpacked(b"PK\x03\x04" + rest)


def test_a_wrong_checksum_raises_at_the_end() -> None:
    """Changed bytes of a stored file are detected by the checksum."""
    body = packed(("a.fits", CONTENT), method=zipfile.ZIP_STORED).replace(CONTENT[:50], CONTENT[1:51], 1)
    with pytest.raises(InvalidResponseError, match=r"'a\.fits' that cannot be read: Bad CRC"):
        unpacked(body)


def test_a_link_raises() -> None:
    """Zip files can contain Unix links, but cutout services never write them."""
    link = zipfile.ZipInfo("a.fits")
    link.external_attr = (0o120777) << 16
    with pytest.raises(InvalidResponseError, match="is a link"):
        unpacked(packed((link, b"/etc/passwd")))


def test_an_encrypted_file_raises() -> None:
    """A file that requires a password raises an error."""
    body = packed(("a.fits", CONTENT))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = body.index(signature) + offset
        body = body[:at] + struct.pack("<H", 1) + body[at + 2 :]
    with pytest.raises(InvalidResponseError, match="is encrypted"):
        unpacked(body)


def test_an_unknown_compression_method_raises() -> None:
    """Only stored and deflated files are accepted."""
    with pytest.raises(InvalidResponseError, match="has an unsupported compression method"):
        unpacked(packed(("a.fits", CONTENT), method=zipfile.ZIP_BZIP2))


@pytest.mark.parametrize("limit", ["the package's", "the user's"])
def test_decompression_bombs_raise(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """A small file with a huge declared size raises an error before any byte is decompressed."""
    if limit == "the user's":
        monkeypatch.setattr(conf, "max_file_size", (1 << 20) - 1)
    else:
        monkeypatch.setattr(archive_files, "_FREE", 1 << 10)
    body = packed(("a.fits", bytes(1 << 20)))
    with pytest.raises(InvalidResponseError, match="would decompress to 1048576"):
        unpacked(body)


def test_empty_sky_is_not_a_decompression_bomb() -> None:
    """Zeros compress by a factor of a thousand, and are still read."""
    assert unpacked(packed(("a.fits", bytes(1 << 22)))) == {"a.fits": bytes(1 << 22)}


def test_a_file_is_never_larger_than_its_declared_size() -> None:
    """Reading stops at the declared size, and the checksum raises an error."""
    body = packed(("a.fits", bytes(1 << 20)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.index(signature) + offset
        body = body[:at] + struct.pack("<I", 100) + body[at + 4 :]
    with zipped_files(io.BytesIO(body), "TESScut") as archive, pytest.raises(InvalidResponseError):
        taken = 0
        for piece in archive.pieces(archive.members[0]):
            taken += len(piece)
            assert taken <= 100


def test_too_many_files_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of files is limited, because empty files can fill a disk, too."""
    monkeypatch.setattr(archive_files, "_MOST_FILES", 3)
    with pytest.raises(InvalidResponseError, match="contains 4 files"):
        unpacked(packed(*((f"{number}.fits", b"") for number in range(4))))


# -- names ---------------------------------------------------------------------------------------------------------

_PARTS = st.sampled_from(
    ["..", ".", "", "/", "\\", "C:", "~", "a.fits", "A.FITS", "a", "nul", "a.fits.part", "x" * 300, "é", "e\u0301"]
)
_NAMES = st.one_of(st.lists(_PARTS, max_size=4).map("/".join), st.text(max_size=12))


@given(st.lists(_NAMES, max_size=6))
def test_all_names_give_unique_paths_inside_the_folder(names: list[str]) -> None:
    """Any names give unique paths inside the folder, also on disks that ignore case."""
    places = unpacked_paths(names)
    assert len(places) == len(names)
    assert len({tuple(part.casefold() for part in place) for place in places}) == len(names)
    for place in places:
        assert place
        assert not set(place) & {"", ".", "..", "~"}
        assert not any(character in part for part in place for character in "/\\:\0")
        assert not PurePosixPath(*place).is_absolute()


def test_ordinary_names_are_unchanged() -> None:
    """The names from the services are kept, including folders."""
    tess = "tess-s0009-4-1_107.186960_-70.509190_15x15_astrocut.fits"
    zcut = "candels_gn_30mas_189.492060_62.206150_100.0pix-x-100.0pix_astrocut.fits"
    assert unpacked_paths([tess, zcut, "sub/a.fits"]) == [(tess,), (zcut,), ("sub", "a.fits")]


def test_files_of_the_same_name_are_all_kept() -> None:
    """A second file of the same name does not replace the first."""
    assert unpacked_paths(["a.fits", "A.fits", "a.fits"]) == [("a_1.fits",), ("A_2.fits",), ("a_3.fits",)]


# -- writing -------------------------------------------------------------------------------------------------------


def test_a_file_is_written_completely(tmp_path: Path) -> None:
    """The file replaces an existing one, its folder is created, and no other files remain."""
    target = tmp_path / "sub" / "a.fits"
    for content in (b"old", CONTENT):
        size, digest = write_atomically([content[:1], content[1:]], target, tmp_path, Deadline())
        assert (size, len(digest)) == (len(content), 64)
        assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == ["a.fits"]


def test_an_incomplete_file_does_not_replace_the_old_one(tmp_path: Path) -> None:
    """The existing file is kept, and no other files remain."""
    target = tmp_path / "a.fits"
    target.write_bytes(b"old")

    def pieces() -> object:
        yield b"new"
        raise InvalidResponseError("cut")

    with pytest.raises(InvalidResponseError):
        write_atomically(pieces(), target, tmp_path, Deadline())  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_a_folder_of_the_same_name_is_an_error(tmp_path: Path) -> None:
    """The rename fails, and no other files remain."""
    target = tmp_path / "a.fits"
    target.mkdir()
    with pytest.raises(OSError, match=r"a\.fits"):
        write_atomically([b"new"], target, tmp_path, Deadline())
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_writing_stops_at_the_deadline(tmp_path: Path) -> None:
    """The deadline is checked before each piece."""
    deadline = Deadline(100.0)
    target = tmp_path / "a.fits"

    def pieces() -> object:
        yield b"new"
        deadline.stop()
        yield b"more"

    with pytest.raises(StoppedError):
        write_atomically(pieces(), target, tmp_path, deadline)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_link_of_the_same_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """The target of the link is not changed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    target = tmp_path / "a.fits"
    target.symlink_to(elsewhere)
    write_atomically([b"new"], target, tmp_path, Deadline())
    assert elsewhere.read_bytes() == b"precious"
    assert not target.is_symlink()


@given(st.integers(0, 400), st.integers(1, 40))
def test_missing_bytes_raise_an_error_of_the_package(start: int, count: int) -> None:
    """A zip file with missing bytes raises `InvalidResponseError`, or gives complete files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in ("a.fits", "b.fits"):
            made.writestr(name, name * 20)
    content = bytearray(stream.getvalue())
    del content[start : start + count]
    with suppress(InvalidResponseError), zipped_files(io.BytesIO(bytes(content)), "TESScut") as archive:
        for member in archive.members:
            assert archive.read(member) in {b"a.fits" * 20, b"b.fits" * 20}
