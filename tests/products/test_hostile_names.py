"""Hostile file names: every file stays in the download folder and has a unique path."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from transfers import given_away

from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.products.plan import PlannedFile, plan

# Names that have led programs out of their folders, or made them hang.
KNOWN = [
    "../../../escaped",
    "..",
    "../",
    ".",
    "./.",
    "",
    " ",
    "/etc/passwd",
    "//host/share/x",
    "~",
    "~root/.ssh/authorized_keys",
    "C:\\Windows\\System32\\x.dll",
    "C:x",
    "c:..\\x",
    "\\\\?\\C:\\x",
    "\\\\host\\share",
    "..\\..\\x.fits",
    "x.fits:stream",
    "x.fits::$DATA",
    "NUL",
    "con.fits",
    "COM1",
    "LPT9.tar.gz",
    "CLOCK$",
    "a\0b.fits",
    "\0",
    "line\nbreak",
    "\r",
    "\x1b[2J",
    "\x7f",
    "trailing.",
    "trailing ",
    ". .",
    "...",
    "x" * 300,
    "x" * 5000 + ".fits",
    "é" * 300,
    "." * 255,
    "\u202egnp.fits",
    "\u2024\u2024/x",
    "\uff0e\uff0e\uff0fx",
    "\ud800",
    "\U0001f52d" * 90,
    "%2e%2e%2fx",
    "-rf",
    "$(id)",
    "`id`",
    "a;b|c&d>e<f*g?h\"i'j",
    "{obs_id}",
    "x.fits.mast.part",
    "x.fits.mast.part.json",
    "x.fits.mast.part.lock",
    "İ",
    "ß",
    "ﬁ.fits",
    "K",
]
letters = st.sampled_from('aA.~ /\\:\0éE\u0301*?"<>|-_$%{}\n\u202e')
hostile = (
    st.sampled_from(KNOWN)
    | st.text(max_size=12)
    | st.text(letters, max_size=9)
    | st.lists(st.sampled_from([*KNOWN[:12], "ok"]), max_size=4).map("/".join)
)
rows = st.lists(st.tuples(hostile, hostile, hostile), min_size=1, max_size=6)
LAYOUTS = [
    None,
    "{obs_collection}/{obs_id}/{productFilename}",
    "{obs_id}/",
    "{productFilename}",
    lambda row: row["obs_id"] + "/" + row["productFilename"],
    lambda row: row["obs_id"],
]


def products(cells: list[tuple[str, str, str]]) -> Table:
    table = Table({"dataURI": [f"mast:{number}" for number in range(len(cells))]})
    for position, name in enumerate(("obs_collection", "obs_id", "productFilename")):
        # Objects, because numpy drops trailing NULs of strings
        table[name] = np.array([row[position] for row in cells], dtype=object)
    return table


def harmless(files: list[PlannedFile], base: Path) -> None:
    """Assert that all paths are inside, unique on every file system, and valid on every system."""
    seen = {unicodedata.normalize("NFC", str(file.local_path).casefold()) for file in files}
    assert len(seen) == len(files)
    for file in files:
        inside = file.local_path.relative_to(base)
        assert file.local_path.resolve().is_relative_to(base)
        assert inside.parts
        for part in inside.parts:
            assert PureWindowsPath(part).parts == (part,)
            assert not PureWindowsPath(part).drive
            assert part not in {".", "..", "~"}
            assert part == part.strip(" ") and not part.endswith(".")
            assert len(part.encode()) < 240
            assert part.isprintable() or not any(ord(letter) < 32 for letter in part)


@settings(max_examples=250, deadline=None)
@given(rows, st.sampled_from(LAYOUTS), st.booleans())
def test_hostile_names_never_escape(cells: list[tuple[str, str, str]], path_template: object, flat: bool) -> None:
    """Tables may come from other people; in every layout, all files stay inside and are unique (B42, D9)."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder).resolve()
        options = {"flat": flat} if path_template is None else {"path_template": path_template}
        files = plan(products(cells), base_dir=base, download_url="u", disk=LOCAL_FILES, **options)  # type: ignore[arg-type]
        assert len(files) == len(cells)
        harmless(files, base)


@pytest.mark.parametrize("name", KNOWN)
def test_known_attacks_write_only_inside(tmp_path: Path, name: str) -> None:
    """Each of these names can be written, as file name and as obs_id, and no file appears elsewhere."""
    base = (tmp_path / "in").resolve()
    files = plan(
        products([(name, name, name), ("HST", "o1", name), ("HST", name, "x.fits")]),
        base_dir=base,
        download_url="u",
        disk=LOCAL_FILES,
    )
    harmless(files, base)
    for file in files:
        file.local_path.parent.mkdir(parents=True, exist_ok=True)
        file.local_path.write_bytes(b"x")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == len(files)
    assert all(path.is_relative_to(base) for path in written)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need privileges on Windows")
@pytest.mark.parametrize("link", ["HST", "HST/o1"])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_out_of_the_folder_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, there: bool
) -> None:
    """A link of another user to another folder, or to a missing one, is not used."""
    base, elsewhere = tmp_path / "in", tmp_path / "out"
    (base / link).parent.mkdir(parents=True)
    (base / link).symlink_to(elsewhere)
    if there:
        elsewhere.mkdir()
        given_away(base / link, monkeypatch)
    (file,) = plan(products([("HST", "o1", "x.fits")]), base_dir=base, download_url="u", disk=LOCAL_FILES)
    assert file.action == "refuse"
