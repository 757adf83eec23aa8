"""Layouts: paths of files defined by the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.products.file_names import assign_paths, column_as_text, file_name_parts

PRODUCTS = Table(
    {
        "dataURI": ["mast:HST/product/a.fits", "mast:HST/product/b.fits"],
        "productFilename": ["a.fits", "b.fits"],
        "obs_collection": ["HST", "HST"],
        "obs_id": ["o1", "o2"],
        "proposal_id": MaskedColumn(["9836", ""], mask=[False, True]),
        "calib_level": [3, 2],
        "filters": ["F606W;F814W", "../../up"],
    },
    masked=True,
)


def placed(path_template: Any, products: Table = PRODUCTS) -> list[str]:
    return ["/".join(where) for where in assign_paths(file_name_parts(products, path_template), flat=False)]


@pytest.mark.parametrize(
    ("path_template", "expected"),
    [
        (None, ["HST/o1/a.fits", "HST/o2/b.fits"]),
        ("{obs_collection}/{proposal_id}/{productFilename}", ["HST/9836/a.fits", "HST/unknown/b.fits"]),
        ("mine/{calib_level:03d}/", ["mine/003/a.fits", "mine/002/b.fits"]),
        ("{obs_id}_{productFilename}", ["o1_a.fits", "o2_b.fits"]),
        ("", ["a.fits", "b.fits"]),
        ("{{x}}/{obs_id}.fits", ["{x}/o1.fits", "{x}/o2.fits"]),
        ("{filters}/{productFilename}", ["F606W;F814W/a.fits", "_.._.._up/b.fits"]),
        (lambda row: f"{row['obs_id']}/x.fits", ["o1/x.fits", "o2/x.fits"]),
        (lambda row: PureWindowsPath("new", row["productFilename"]), ["new/a.fits", "new/b.fits"]),
        (lambda row: "one/./two//", ["one/two/a.fits", "one/two/b.fits"]),
    ],
)
def test_a_template_defines_the_paths(
    path_template: str | Callable[[Any], str | PurePath] | None, expected: list[str]
) -> None:
    """Templates and functions use any column, and a missing cell has a placeholder."""
    assert placed(path_template) == expected


@pytest.mark.parametrize(
    ("path_template", "words"),
    [
        ("{proposalid}/{productFilename}", "'proposal_id'.*obs_collection"),
        ("{nonsense!r}", "conversions"),
        ("{}/{productFilename}", "no column ''"),
        ("{obs_id", "is not a valid template"),
        ("{obs_id.real}/x", "no column 'obs_id.real'"),
        ("{obs_id:d}/x", "is not valid for column"),
        ("/tmp/{productFilename}", "is not a portable file name"),
        ("../{productFilename}", "is not a portable file name"),
        ("a/../{productFilename}", "is not a portable file name"),
        ("~/{productFilename}", "is not a portable file name"),
        ("C:/{productFilename}", "is not a portable file name"),
        ("nul/{productFilename}", "is not a portable file name"),
        (lambda row: None, "relative path for each row"),
    ],
)
def test_an_invalid_template_raises(path_template: Any, words: str) -> None:
    """A wrong column, a wrong format and a path out of the folder raise a query error with the reason."""
    with pytest.raises(InvalidQueryError, match=words):
        file_name_parts(PRODUCTS, path_template)


@pytest.mark.parametrize("answer", ["../../x.fits", "/etc/x.fits", "..", "/", "C:\\x.fits", "a/../../../x", "\0"])
def test_a_function_cannot_leave_the_folder(answer: str) -> None:
    """Each part of the path from a function is made safe."""
    for where in assign_paths(file_name_parts(PRODUCTS, lambda row: answer), flat=False):
        assert not PurePosixPath(*where).is_absolute()
        assert ".." not in where
        assert all(where)


def test_files_with_the_same_path_are_renamed() -> None:
    """Files with the same path from a template get different names, as does a file in place of a folder."""
    names = placed("all/{obs_collection}.fits")
    assert len(set(names)) == len(PRODUCTS)
    answers = iter(["x", "x/b.fits"])
    first, second = placed(lambda row: next(answers))
    assert second == "x/b.fits"
    assert first not in {"x", "x/b.fits"}


def test_cells_of_all_types_are_converted_to_text() -> None:
    """Bytes, numbers, objects and missing values are converted to readable text."""
    table = Table({"a": np.array([b"x", None, 1.5, float("nan"), "y"], dtype=object)})
    assert column_as_text(table, "a") == ["x", "", "1.5", "", "y"]
    assert column_as_text(table, "absent") == [""] * 5


def test_a_template_is_relative_to_the_download_folder() -> None:
    """The default folders are not added."""
    assert all(not Path(where).is_absolute() and "mastDownload" not in where for where in placed("{obs_id}/"))
