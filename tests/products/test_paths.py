"""Local file names: always safe, and unique."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import sanitize_filename

from astroquery_mast.products.file_names import FileNameParts, assign_paths, safe_name

HOSTILE = [
    "..",
    ".",
    "",
    "../../../escaped",
    "/etc/passwd",
    "C:\\Windows\\x",
    "C:x",
    "\\\\host\\share",
    "a\0b",
    "CON",
    "nul.fits",
    "COM1.fits",
    "a/b",
    "~",
    ". .",
    "line\nbreak",
    "\ud800",
    "x" * 400 + ".fits.gz",
    "é" * 300,
    "trailing.",
    "x.fits:stream",
]
names = st.text(max_size=30) | st.sampled_from(HOSTILE) | st.text(alphabet="aA./\\ :é", max_size=6)


@given(names)
def test_a_hostile_name_becomes_one_safe_component(name: str) -> None:
    """For any text, the name is a single component, valid on every system, not special, and short enough."""
    safe = safe_name(name)
    for flavour in (PurePosixPath, PureWindowsPath):
        path = flavour(safe)
        assert path.parts == (safe,)
        assert not path.is_absolute()
        assert not path.drive
    assert safe not in {".", "..", "~"}
    assert len(safe.encode()) <= 200
    assert safe_name(safe) == safe


@given(st.from_regex(r"[A-Za-z0-9_.+-]{1,220}", fullmatch=True) | names)
def test_the_fast_path_for_plain_names_is_equivalent(name: str) -> None:
    """A name accepted without sanitizing is one that pathvalidate does not change."""
    if safe_name(name) == name:
        assert sanitize_filename(name, replacement_text="_", platform="universal") == name


@pytest.mark.parametrize(
    "name",
    [
        "jw00736-o039_t001_miri_ch1-long_x1d.fits",
        "hst_9836_03_acs_wfc_f435w",
        "hlsp_tess-spoc_tess_phot_0000000016740101-s0045_tess_v1_lc.fits",
        "rings.v3.skycell.1334.061.stk.r.unconv.fits",
        "lwp13058.elbll.gz",
        "tess2018206045859-s0001-0000000261136679-0120-s",
        "a b+c,d=e@f#g%h&i(j)[k]{l}'m.fits",
    ],
)
def test_ordinary_names_are_unchanged(name: str) -> None:
    """Scripts that build paths of MAST's files themselves find them."""
    assert safe_name(name) == name


def test_a_long_name_keeps_its_extension() -> None:
    """The stem of a name that is too long is truncated, and the name is still that of a FITS file."""
    assert safe_name("x" * 400 + ".fits.gz").endswith("x.fits.gz")


file_name_parts = st.lists(
    st.builds(
        FileNameParts,
        uri=st.text(min_size=1, max_size=8),
        filename=st.sampled_from(["a.fits", "A.fits", "a_o1.fits", "", "\u00e9.fits", "e\u0301.fits"]) | names,
        collection=st.sampled_from(["HST", "hst", ".."]),
        obs_id=st.sampled_from(["o1", "O1", "../x", "o" * 90]) | names,
    ),
    max_size=8,
    unique_by=lambda naming: naming.uri,
)


@given(file_name_parts, st.booleans())
def test_two_uris_never_share_a_path(files: list[FileNameParts], flat: bool) -> None:
    """For any names, paths are unique, even if case and accents are ignored."""
    places = assign_paths(files, flat=flat)
    folded = {unicodedata.normalize("NFC", "/".join(where).casefold()) for where in places}
    assert len(folded) == len(files)
    for where in places:
        assert len(where) == (1 if flat else 3)
        assert not PurePosixPath(*where).is_absolute()
        assert ".." not in where


@given(file_name_parts, st.randoms())
def test_paths_do_not_depend_on_the_order(files: list[FileNameParts], random: object) -> None:
    """The same files in another order have the same paths."""
    places = dict(zip([file.uri for file in files], assign_paths(files, flat=True), strict=True))
    mixed = list(files)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert dict(zip([file.uri for file in mixed], assign_paths(mixed, flat=True), strict=True)) == places


def test_same_names_with_flat_are_distinguished_by_observation() -> None:
    """Files with the same name get the names of their observations, before the extension (B27)."""
    files = [
        FileNameParts("mast:1", "x_drz.fits.gz", "HST", "o1"),
        FileNameParts("mast:2", "x_drz.fits.gz", "HST", "o2"),
    ]
    assert ["/".join(where) for where in assign_paths(files, flat=True)] == ["x_drz_o1.fits.gz", "x_drz_o2.fits.gz"]


def test_normalization_of_accents() -> None:
    """Composed and decomposed accents are the same name on macOS, and get different paths."""
    files = [FileNameParts("mast:1", "\u00e9.fits", "HST", "o1"), FileNameParts("mast:2", "e\u0301.fits", "HST", "o1")]
    assert len({unicodedata.normalize("NFC", "/".join(where)) for where in assign_paths(files, flat=False)}) == 2


def test_same_names_in_an_observation_are_distinguished_by_digest() -> None:
    """Two files with the same name in one observation have digests of their URIs."""
    files = [FileNameParts("mast:1", "x.fits", "HST", "o1"), FileNameParts("mast:2", "X.fits", "HST", "o1")]
    first, second = (where[-1] for where in assign_paths(files, flat=False))
    assert first.startswith("x_o1_")
    assert second.startswith("X_o1_")
    assert first.casefold() != second.casefold()


def test_products_do_not_have_names_of_part_files() -> None:
    """A product whose name is that of the part, record or lock of another file gets another name."""
    ends = ["", ".mast.part", ".mast.part.json", ".MAST.PART.lock", ".part"]
    files = [FileNameParts(f"mast:{end}", f"x.fits{end}", "HST", "o1") for end in ends]
    names = [where[-1] for where in assign_paths(files, flat=False)]
    assert names == ["x.fits", "x.fits.mast.part_", "x.fits.mast.part.json_", "x.fits.MAST.PART.lock_", "x.fits.part"]


def test_names_made_to_clash_at_every_step_are_distinguished() -> None:
    """A hostile table cannot use all the longer names."""
    target = FileNameParts("mast:1", "x.fits", "HST", "o1", within=())
    taken = [FileNameParts(f"mast:t{n}", "y.fits", "HST", "o2", within=(target.name(n),)) for n in range(14)]
    places = assign_paths([target, *taken], flat=False)
    assert places[0][-1] not in {where[0] for where in places[1:]}
    assert len(places[0][-1].encode()) <= 200
