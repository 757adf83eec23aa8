"""The plan: the action for each file and its reason, before anything is done."""

from __future__ import annotations

import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.products.manifest import plan_table
from astroquery_mast.products.plan import (
    Action,
    Overwrite,
    PlannedFile,
    as_overwrite,
    plan,
    single_file,
    total_bytes,
)

SERVICE = "https://mast.example/Download/file"


def one(uri: str | None = "mast:HST/product/x.fits", **cells: object) -> dict[str, object]:
    row = {"dataURI": uri, "productFilename": "x.fits", "obs_collection": "HST", "obs_id": "o1", "size": 10}
    return {**row, **cells}


def table(*rows: dict[str, object]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        filler = next((value for value in values if value is not None), "")
        columns[name] = MaskedColumn(
            [filler if value is None else value for value in values], mask=[value is None for value in values]
        )
    return Table(columns, masked=True)


def planned(products: Table, base: Path, **options: object) -> list[PlannedFile]:
    return plan(products, base_dir=base, download_url=SERVICE, disk=LOCAL_FILES, **options)  # type: ignore[arg-type]


def put(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def test_a_missing_file_is_planned_in_the_usual_folder(tmp_path: Path) -> None:
    """The path is <collection>/<obs_id>/<productFilename>, and the address is escaped."""
    (file,) = planned(table(one("mast:HLA/url/cgi-bin/get.cgi?a=1&b=2", dataRights="PUBLIC")), tmp_path)
    assert file.action is Action.FETCH
    assert file.local_path == tmp_path / "HST" / "o1" / "x.fits"
    assert file.url == f"{SERVICE}?uri=mast:HLA/url/cgi-bin/get.cgi%3Fa%3D1%26b%3D2"
    assert file.data_url == f"{SERVICE}?uri=mast:HLA/url/cgi-bin/get.cgi?a=1&b=2"
    assert (file.index, file.size, file.rights) == (0, 10, "PUBLIC")


@pytest.mark.parametrize(
    ("size", "cache", "action"),
    [
        (10, True, Action.KEEP),
        (10, False, Action.FETCH),
        (11, True, Action.CHECK),
        (None, True, Action.CHECK),
        (0, True, Action.CHECK),
        (None, False, Action.FETCH),
    ],
)
def test_an_existing_file_is_kept_only_with_its_cataloged_size(
    tmp_path: Path, size: int | None, cache: bool, action: Action
) -> None:
    """A file of ten bytes is kept without a request only if the catalog has this size; cache=False never keeps it."""
    put(tmp_path / "HST" / "o1" / "x.fits", 10)
    (file,) = planned(table(one(size=size)), tmp_path, cache=cache)
    assert file.action is action
    assert file.reason


def test_a_masked_uri_is_refused_and_does_not_affect_others(tmp_path: Path) -> None:
    """A product without a dataURI has a row with the reason, and the others are planned as usual (B25)."""
    files = planned(table(one(), one(None), one("mast:HST/product/y.fits", productFilename="y.fits")), tmp_path)
    assert [file.action for file in files] == [Action.FETCH, Action.REFUSE, Action.FETCH]
    assert "dataURI" in files[1].reason
    assert files[1].url is None
    assert [file.index for file in files] == [0, 1, 2]


def test_missing_names_have_placeholders(tmp_path: Path) -> None:
    """A missing file name is taken from the URI, and a missing observation still has a folder."""
    (file,) = planned(table(one(productFilename=None, obs_id=None)), tmp_path)
    assert file.local_path == tmp_path / "HST" / "unknown" / "x.fits"
    (bare,) = planned(Table({"dataURI": ["mast:HST/product/z.fits"]}), tmp_path, flat=True)
    assert bare.local_path == tmp_path / "z.fits"


def test_sizes_of_a_table_from_pandas_are_read(tmp_path: Path) -> None:
    """Floats with NaN for missing sizes are valid."""
    products = table(one(), one("mast:HST/product/y.fits", productFilename="y.fits"))
    products["size"] = np.array([10.0, np.nan])
    assert [file.size for file in planned(products, tmp_path)] == [10, None]


@pytest.mark.parametrize("size", [0, -1, None])
def test_a_size_of_zero_is_unknown(tmp_path: Path, size: int | None) -> None:
    """A size of zero in the catalog is never compared with a file."""
    assert planned(table(one(size=size)), tmp_path)[0].size is None


def test_the_same_uri_is_planned_once(tmp_path: Path) -> None:
    """A file that is listed twice is planned once."""
    assert len(planned(table(one(), one()), tmp_path)) == 1


def test_a_table_of_observations_raises(tmp_path: Path) -> None:
    """A table without dataURI raises a query error with advice (B20)."""
    with pytest.raises(InvalidQueryError, match="get_product_list"):
        planned(Table({"obsid": ["1"]}), tmp_path)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """A folder with the name of the file is not changed."""
    (tmp_path / "HST" / "o1" / "x.fits").mkdir(parents=True)
    (file,) = planned(table(one()), tmp_path)
    assert file.action is Action.REFUSE


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need privileges on Windows")
@pytest.mark.parametrize("place", ["HST", "HST/o1"])
def test_a_link_of_the_user_is_followed(tmp_path: Path, place: str) -> None:
    """A folder that the user moved to another disk and replaced by a link is used, and its files are kept."""
    base, elsewhere = tmp_path / "base", tmp_path / "elsewhere"
    link = base / place
    link.parent.mkdir(parents=True)
    elsewhere.mkdir()
    link.symlink_to(elsewhere)
    (file,) = planned(table(one()), base)
    assert (file.action, file.local_path) == (Action.FETCH, base / "HST" / "o1" / "x.fits")
    file.local_path.parent.mkdir(exist_ok=True)
    file.local_path.write_bytes(bytes(one()["size"]))
    assert planned(table(one()), base)[0].action is Action.KEEP


hostile = st.sampled_from(["../../../escaped", "/abs", "..", "C:\\x", "a\0b", "NUL", "", "x" * 300, "ok"]) | st.text(
    max_size=9
)


@given(st.lists(st.tuples(hostile, hostile, hostile), min_size=1, max_size=4), st.booleans())
def test_a_hostile_table_never_leaves_the_folder(rows: list[tuple[str, str, str]], flat: bool) -> None:
    """Product tables may come from other people; every path stays inside the download folder (B42)."""
    products = Table({"dataURI": [f"mast:{number}" for number in range(len(rows))]})
    for position, name in enumerate(("obs_collection", "obs_id", "productFilename")):
        # Objects, because numpy drops trailing NULs of strings
        products[name] = np.array([row[position] for row in rows], dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder).resolve()
        files = planned(products, base, flat=flat)
        assert len({str(file.local_path).casefold() for file in files}) == len(rows)
        for file in files:
            assert file.local_path.resolve().is_relative_to(base)
            assert file.local_path.resolve() != base


def test_only_files_to_download_count_in_the_total(tmp_path: Path) -> None:
    """The announced size is that of the files to be downloaded."""
    put(tmp_path / "HST" / "o1" / "x.fits", 10)
    products = table(one(), one("mast:HST/product/y.fits", productFilename="y.fits", size=7), one(None, size=100))
    assert total_bytes(planned(products, tmp_path)) == 7


# -- existing files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overwrite", "size", "action", "compares"),
    [
        ("never", 10, Action.KEEP, False),
        ("never", 11, Action.KEEP, False),
        ("never", None, Action.KEEP, False),
        ("if-changed", 10, Action.CHECK, True),
        ("if-changed", 11, Action.CHECK, True),
        ("always", 10, Action.FETCH, False),
    ],
)
def test_overwrite_decides_about_existing_files(
    tmp_path: Path, overwrite: str, size: int | None, action: Action, compares: bool
) -> None:
    """'never' sends no request, 'if-changed' always sends one, and 'always' downloads (D10)."""
    put(tmp_path / "HST" / "o1" / "x.fits", 10)
    (file,) = planned(table(one(size=size)), tmp_path, overwrite=overwrite)
    assert (file.action, file.compare_time) == (action, compares)
    (absent,) = planned(table(one(obs_id="o2")), tmp_path, overwrite=overwrite)
    assert absent.action is Action.FETCH
    single = single_file("mast:x", tmp_path / "HST" / "o1" / "x.fits", download_url="u", disk=LOCAL_FILES)
    assert single.action is Action.CHECK


def test_cache_and_overwrite_agree_or_raise() -> None:
    """The argument cache keeps its meaning, overwrite has more values, and a contradiction is an error."""
    assert as_overwrite(True, None) is Overwrite.IF_WRONG
    assert as_overwrite(False, None) is Overwrite.ALWAYS
    assert as_overwrite(True, "always") is as_overwrite(False, "always") is Overwrite.ALWAYS
    for wrong in ("never", "if-changed"):
        with pytest.raises(InvalidQueryError, match="cannot be combined"):
            as_overwrite(False, wrong)
    with pytest.raises(InvalidQueryError, match="'if-changed'"):
        as_overwrite(True, "maybe")


def test_a_part_of_an_earlier_attempt_is_resumed(tmp_path: Path) -> None:
    """A part with a record is resumed, and one without is not."""
    part = put(tmp_path / "HST" / "o1" / "x.fits.mast.part", 4)
    (file,) = planned(table(one()), tmp_path)
    assert file.action is Action.FETCH
    assert file.reason == "not on disk; the partial file of an earlier download cannot be used"
    put(part.with_name("x.fits.mast.part.json"), 2)
    files = planned(table(one()), tmp_path)
    assert (files[0].action, files[0].at_hand) == (Action.RESUME, 4)
    assert total_bytes(files) == 6


def test_a_template_replaces_the_usual_folders(tmp_path: Path) -> None:
    """A path template is used instead of them, and cannot be combined with flat=True."""
    (file,) = planned(table(one(proposal_id="9836")), tmp_path, path_template="{proposal_id}/{productFilename}")
    assert file.local_path == tmp_path / "9836" / "x.fits"
    with pytest.raises(InvalidQueryError, match="cannot be combined"):
        planned(table(one()), tmp_path, path_template="{obs_id}/", flat=True)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need privileges on Windows")
def test_circular_links_refuse_only_their_files(tmp_path: Path) -> None:
    """A folder that cannot be resolved is a refusal with a reason, not an exception."""
    (tmp_path / "HST").mkdir()
    (tmp_path / "HST" / "o1").symlink_to(tmp_path / "HST" / "o1")
    files = planned(table(one(), one("mast:HST/product/y.fits", obs_id="o2")), tmp_path)
    assert files[1].action is Action.FETCH
    # Newer Python versions resolve such a link to its start, which is inside and not a folder.
    assert files[0].action in {Action.REFUSE, Action.FETCH}


# -- catalog metadata ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("md5:" + "AB" * 16, "ab" * 16), ("ab" * 16, "ab" * 16), ("ab" * 20, None), ("", None), (None, None)],
)
def test_the_checksum_of_the_catalog_is_used_if_valid(tmp_path: Path, cell: str | None, expected: str | None) -> None:
    """Only an MD5 digest is used."""
    assert planned(table(one(checksum=cell)), tmp_path)[0].checksum == expected


def test_the_release_date_is_read_if_valid(tmp_path: Path) -> None:
    """An MJD becomes a date, but not a value for "never" or none; the program comes first."""
    dates = [60310.5, None, float("nan"), -1.0, 1e9]
    rows = [one(f"mast:{n}", t_obs_release=date) for n, date in enumerate(dates)]
    assert [file.terms for file in planned(table(*rows), tmp_path)] == [" until 2024-01-01", "", "", "", ""]
    (file,) = planned(table(one("mast:p", t_obs_release=60310.5, proposal_id="10452")), tmp_path)
    assert file.terms == " for program 10452 until 2024-01-01"


def test_a_plan_can_be_pickled(tmp_path: Path) -> None:
    """Workers of a process pool receive planned files by pickle."""
    files = planned(table(one()), tmp_path, cloud_urls={"mast:HST/product/x.fits": "https://bucket.example/x"})
    assert pickle.loads(pickle.dumps(files)) == files
    assert files[0].cloud_url == "https://bucket.example/x"


def test_a_plan_can_be_converted_to_a_table(tmp_path: Path) -> None:
    """Every file has a row with its address and action, and the totals are in meta."""
    put(tmp_path / "HST" / "o1" / "x.fits", 10)
    products = table(
        one(dataRights="PUBLIC"),
        one("mast:HST/product/y&.fits", productFilename="y.fits", size=7),
        one("mast:HST/product/z.fits", productFilename="z.fits", size=None),
        one(None),
    )
    shown = plan_table(planned(products, tmp_path))
    assert shown.colnames == ["Local Path", "URL", "Cloud URL", "Size", "Action", "Reason", "Rights", "Accessible"]
    assert list(shown["Action"]) == ["keep", "fetch", "fetch", "refuse"]
    assert shown["URL"][1] == f"{SERVICE}?uri=mast:HST/product/y%26.fits"
    assert shown["URL"][3] is np.ma.masked
    assert shown["Size"].tolist() == [10, 7, None, 10]
    assert shown.meta == {"files": 2, "total_bytes": 7, "unknown_sizes": 1, "exclusive": 0, "free_bytes": None}
    shown.write(tmp_path / "plan.ecsv")
    again = Table.read(tmp_path / "plan.ecsv")
    assert list(again["Reason"]) == list(shown["Reason"])
    assert len(plan_table([])) == 0
