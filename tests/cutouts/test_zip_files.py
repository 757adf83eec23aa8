"""Zip files that nobody should trust: what is in them is whole and inside the folder, or an error."""

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
from astroquery_mast.cutouts.zip_files import begins_as_zip, places_of, write_whole, zipped_files
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
    """Return what the package reads from a zip file."""
    with zipped_files(io.BytesIO(body), "TESScut") as archive:
        return {member.filename: archive.read(member) for member in archive.members}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_are_read_as_they_were_packed(method: int) -> None:
    """Stored and deflated files come out as they went in, and folders are no files."""
    body = packed(("a.fits", CONTENT), ("sub/", b""), ("sub/b.fits", b""), method=method)
    assert begins_as_zip(body)
    assert unpacked(body) == {"a.fits": CONTENT, "sub/b.fits": b""}


def test_an_empty_zip_file_is_a_zip_file() -> None:
    """Without files it begins with its end."""
    body = packed()
    assert begins_as_zip(body)
    assert unpacked(body) == {}
    assert not begins_as_zip(b"")
    assert not begins_as_zip(b'{"msg": "PK"}')


@given(st.integers(0, 10**6))
def test_a_cut_zip_file_is_never_read(place: int) -> None:
    """Wherever it is cut, nothing of it is taken for a cutout."""
    body = packed(("a.fits", CONTENT), ("b.fits", CONTENT))
    with pytest.raises(InvalidResponseError, match="TESScut returned a zip file that cannot be read"):
        unpacked(body[: place % len(body)])


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_changes_nothing(place: int, change: int) -> None:
    """A zip file with one wrong byte gives the files as they were, under whatever name, or an error of ours."""
    body = bytearray(packed(("a.fits", CONTENT), ("b.fits", CONTENT)))
    body[place % len(body)] ^= change
    try:
        found = unpacked(bytes(body))
    except InvalidResponseError:
        return
    assert set(found.values()) <= {CONTENT}


@given(st.binary(max_size=200))
def test_garbage_is_an_error_of_ours(rest: bytes) -> None:
    """What only begins as a zip file raises no error of zipfile, zlib or struct."""
    with pytest.raises(InvalidResponseError):
        unpacked(b"PK\x03\x04" + rest)


def test_a_wrong_checksum_is_told_at_the_end() -> None:
    """The bytes of a stored file that were changed on the way are not those that were packed."""
    body = packed(("a.fits", CONTENT), method=zipfile.ZIP_STORED).replace(CONTENT[:50], CONTENT[1:51], 1)
    with pytest.raises(InvalidResponseError, match=r"'a\.fits' that cannot be read: Bad CRC"):
        unpacked(body)


def test_a_link_is_refused() -> None:
    """A zip file made on a Unix system can hold a link; no cutout service packs one."""
    link = zipfile.ZipInfo("a.fits")
    link.external_attr = (0o120777) << 16
    with pytest.raises(InvalidResponseError, match="is a link"):
        unpacked(packed((link, b"/etc/passwd")))


def test_a_locked_file_is_refused() -> None:
    """A file that wants a password is no cutout."""
    body = packed(("a.fits", CONTENT))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = body.index(signature) + offset
        body = body[:at] + struct.pack("<H", 1) + body[at + 2 :]
    with pytest.raises(InvalidResponseError, match="is encrypted"):
        unpacked(body)


def test_an_unknown_method_is_refused() -> None:
    """Cutouts are stored or deflated."""
    with pytest.raises(InvalidResponseError, match="has an unsupported compression method"):
        unpacked(packed(("a.fits", CONTENT), method=zipfile.ZIP_BZIP2))


@pytest.mark.parametrize("limit", ["the package's", "the user's"])
def test_a_bomb_does_not_go_off(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """A small file that announces an immense one is refused before a byte of it is unpacked."""
    if limit == "the user's":
        monkeypatch.setattr(conf, "max_file_size", (1 << 20) - 1)
    else:
        monkeypatch.setattr(archive_files, "_FREE", 1 << 10)
    body = packed(("a.fits", bytes(1 << 20)))
    with pytest.raises(InvalidResponseError, match="would decompress to 1048576"):
        unpacked(body)


def test_empty_sky_is_no_bomb() -> None:
    """Zeros shrink a thousandfold, and are a cutout all the same."""
    assert unpacked(packed(("a.fits", bytes(1 << 22)))) == {"a.fits": bytes(1 << 22)}


def test_a_file_never_gives_more_than_it_announces() -> None:
    """A size that is a lie cannot fill the disk: reading ends there, and the checksum tells."""
    body = packed(("a.fits", bytes(1 << 20)))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = body.index(signature) + offset
        body = body[:at] + struct.pack("<I", 100) + body[at + 4 :]
    with zipped_files(io.BytesIO(body), "TESScut") as archive, pytest.raises(InvalidResponseError):
        taken = 0
        for piece in archive.pieces(archive.members[0]):
            taken += len(piece)
            assert taken <= 100


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk can be filled with empty files, too."""
    monkeypatch.setattr(archive_files, "_MOST_FILES", 3)
    with pytest.raises(InvalidResponseError, match="contains 4 files"):
        unpacked(packed(*((f"{number}.fits", b"") for number in range(4))))


# -- names ---------------------------------------------------------------------------------------------------------

_PARTS = st.sampled_from(
    ["..", ".", "", "/", "\\", "C:", "~", "a.fits", "A.FITS", "a", "nul", "a.fits.part", "x" * 300, "é", "e\u0301"]
)
_NAMES = st.one_of(st.lists(_PARTS, max_size=4).map("/".join), st.text(max_size=12))


@given(st.lists(_NAMES, max_size=6))
def test_no_name_leads_out_of_the_folder_or_to_another_file(names: list[str]) -> None:
    """Whatever the names are, every file has a place of its own inside, on disks that ignore case too."""
    places = places_of(names)
    assert len(places) == len(names)
    assert len({tuple(part.casefold() for part in place) for place in places}) == len(names)
    for place in places:
        assert place
        assert not set(place) & {"", ".", "..", "~"}
        assert not any(character in part for part in place for character in "/\\:\0")
        assert not PurePosixPath(*place).is_absolute()


def test_honest_names_stay_as_they_are() -> None:
    """Files lie where they always did, in their folders if they have some."""
    tess = "tess-s0009-4-1_107.186960_-70.509190_15x15_astrocut.fits"
    zcut = "candels_gn_30mas_189.492060_62.206150_100.0pix-x-100.0pix_astrocut.fits"
    assert places_of([tess, zcut, "sub/a.fits"]) == [(tess,), (zcut,), ("sub", "a.fits")]


def test_files_of_one_name_all_keep_their_content() -> None:
    """The second does not replace the first."""
    assert places_of(["a.fits", "A.fits", "a.fits"]) == [("a_1.fits",), ("A_2.fits",), ("a_3.fits",)]


# -- writing -------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """It replaces one of the same name, its folder is made, and nothing is left beside it."""
    target = tmp_path / "sub" / "a.fits"
    for content in (b"old", CONTENT):
        size, digest = write_whole([content[:1], content[1:]], target, tmp_path, Deadline())
        assert (size, len(digest)) == (len(content), 64)
        assert target.read_bytes() == content
    assert [path.name for path in target.parent.iterdir()] == ["a.fits"]


def test_a_file_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    """What was there is there, and nothing is left beside it."""
    target = tmp_path / "a.fits"
    target.write_bytes(b"old")

    def pieces() -> object:
        yield b"new"
        raise InvalidResponseError("cut")

    with pytest.raises(InvalidResponseError):
        write_whole(pieces(), target, tmp_path, Deadline())  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    """The rename fails, and leaves nothing behind."""
    target = tmp_path / "a.fits"
    target.mkdir()
    with pytest.raises(OSError, match=r"a\.fits"):
        write_whole([b"new"], target, tmp_path, Deadline())
    assert [path.name for path in tmp_path.iterdir()] == ["a.fits"]


def test_the_deadline_ends_the_writing(tmp_path: Path) -> None:
    """Between two pieces it is looked whether there is time left."""
    deadline = Deadline(100.0)
    target = tmp_path / "a.fits"

    def pieces() -> object:
        yield b"new"
        deadline.stop()
        yield b"more"

    with pytest.raises(StoppedError):
        write_whole(pieces(), target, tmp_path, deadline)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """The file that the link leads to is not touched."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    target = tmp_path / "a.fits"
    target.symlink_to(elsewhere)
    write_whole([b"new"], target, tmp_path, Deadline())
    assert elsewhere.read_bytes() == b"precious"
    assert not target.is_symlink()


@given(st.integers(0, 400), st.integers(1, 40))
def test_bytes_that_are_missing_anywhere_are_an_error_of_the_package(start: int, count: int) -> None:
    """A zip file from which bytes are missing raises `InvalidResponseError`, or gives files that are whole."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in ("a.fits", "b.fits"):
            made.writestr(name, name * 20)
    content = bytearray(stream.getvalue())
    del content[start : start + count]
    with suppress(InvalidResponseError), zipped_files(io.BytesIO(bytes(content)), "TESScut") as archive:
        for member in archive.members:
            assert archive.read(member) in {b"a.fits" * 20, b"b.fits" * 20}
