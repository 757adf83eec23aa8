"""Calls as other people write them, and the expected properties of their results, for `test_call_forms`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyDeprecationWarning

Call = Callable[[Any], Any]
Check = Callable[[Any], None]
Expected = tuple[type[Exception], str]

MANIFEST = ("Local Path", "Status", "Message", "URL")
# The deprecation warning for arguments with a newer name.
OLD_NAME: Expected = (AstropyDeprecationWarning, "was deprecated")


@dataclass(frozen=True)
class Form:
    """A call, which gets the module that replaces ``astroquery.mast``, and the expected result."""

    call: Call
    checks: tuple[Check, ...]
    warns: tuple[Expected, ...]
    raises: Expected | None

    @contextmanager
    def expectations(self) -> Iterator[None]:
        """Expect the exception and all the warnings, and no others."""
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            if self.raises is None:
                yield
            else:
                with pytest.raises(self.raises[0], match=self.raises[1]):
                    yield
        for category, text in self.warns:
            assert any(issubclass(each.category, category) and text in str(each.message) for each in told), text
        strange = [each for each in told if not any(issubclass(each.category, known) for known, _ in self.warns)]
        assert [str(each.message) for each in strange] == []


def form(
    call: Call, *checks: Check, warns: Expected | tuple[Expected, ...] = (), raises: Expected | None = None
) -> Form:
    """Return a form, with checks of its result, or the exception that it raises."""
    assert bool(checks) != bool(raises)
    alone = bool(warns) and isinstance(warns[0], type)
    expected = (warns,) if alone else warns
    return Form(call, checks, cast("tuple[Expected, ...]", expected), raises)


# -- tables ----------------------------------------------------------------------------------------------------------


def table(*columns: str, rows: int | range = range(1, 1_000_000)) -> Check:
    """Check for a table of masked columns with a number of rows, and the given columns in this order among others."""

    def check(result: Any) -> None:
        assert isinstance(result, Table)
        assert all(isinstance(column, MaskedColumn) for column in result.itercols())
        assert [name for name in result.colnames if name in columns] == list(columns)
        assert len(result) in (range(rows, rows + 1) if isinstance(rows, int) else rows)

    return check


def metadata(first: str, *others: str) -> Check:
    """Check for a table of column metadata that includes the given columns."""

    def check(result: Any) -> None:
        assert isinstance(result, Table)
        assert result.colnames[:5] == ["Column Name", "Column Label", "Data Type", "Units", "Description"]
        assert {first, *others} <= set(result["Column Name"])

    return check


def exactly(*columns: str) -> Check:
    """Check for exactly these columns, in this order."""

    def check(result: Any) -> None:
        assert result.colnames == list(columns)

    return check


def among(column: str, *values: Any) -> Check:
    """Check that a column contains only these values."""

    def check(result: Any) -> None:
        assert len(result)
        assert set(result[column].tolist()) <= set(values)

    return check


def all_of(column: str, *values: Any) -> Check:
    """Check that a column contains all of these values, and no others."""

    def check(result: Any) -> None:
        assert set(result[column].tolist()) == set(values)

    return check


def each(column: str, holds: Callable[[Any], bool]) -> Check:
    """Check that a test is true for every value of a column; missing values are None."""

    def check(result: Any) -> None:
        assert len(result)
        wrong = [value for value in result[column].tolist() if not holds(value)]
        assert wrong == []

    return check


def between(column: str, low: float, high: float) -> Check:
    """Check that all values of a column are in a range."""
    return each(column, lambda value: value is not None and low <= value <= high)


def starting(column: str, *starts: str) -> Check:
    """Check that all values of a column begin with a text, ignoring case."""
    wanted = tuple(start.lower() for start in starts)
    return each(column, lambda value: str(value).lower().startswith(wanted))


def rising(column: str) -> Check:
    """Check that the rows are sorted by a column."""

    def check(result: Any) -> None:
        values = result[column].tolist()
        assert len(values) > 1
        assert values == sorted(values)

    return check


def falling(column: str) -> Check:
    """Check that the rows are sorted by a column in descending order."""

    def check(result: Any) -> None:
        values = result[column].tolist()
        assert len(values) > 1
        assert values == sorted(values, reverse=True)

    return check


def different(column: str) -> Check:
    """Check that all values of a column are different."""

    def check(result: Any) -> None:
        assert len(set(result[column].tolist())) == len(result)

    return check


def same(first: Table, second: Table) -> None:
    """Check that two tables have the same columns, values and masks."""
    assert first.colnames == second.colnames
    assert [list(row) for row in first.as_array().tolist()] == [list(row) for row in second.as_array().tolist()]


def all_same(results: Any) -> None:
    """Check that several tables are the same, and not empty."""
    assert len(results[0])
    for other in results[1:]:
        same(results[0], other)


# -- other results ---------------------------------------------------------------------------------------------------


def is_count(result: Any) -> None:
    """Check for a number of rows that supports arithmetic."""
    assert type(result) is int
    assert result > 0


def equals(value: Any) -> Check:
    """Check for this exact value."""

    def check(result: Any) -> None:
        assert result == value
        assert type(result) is type(value)

    return check


def holds(test: Callable[[Any], Any]) -> Check:
    """Check that a condition is true."""

    def check(result: Any) -> None:
        assert test(result)

    return check


def is_true(result: Any) -> None:
    """Check for the result of a comparison in the call."""
    assert result is True or result is np.True_


def at(ra: float, dec: float) -> Check:
    """Check for one position, within two arcseconds."""

    def check(result: Any) -> None:
        assert isinstance(result, SkyCoord)
        assert result.isscalar
        assert result.separation(SkyCoord(ra, dec, unit="deg")).arcsec < 2

    return check


# -- files -----------------------------------------------------------------------------------------------------------


def fetched(folder: str, files: int | range = range(1, 1000)) -> Check:
    """Check for a manifest of complete files in a folder, with the usual first columns."""

    def check(manifest: Any) -> None:
        assert isinstance(manifest, Table)
        assert tuple(manifest.colnames[:4]) == MANIFEST
        assert set(manifest["Status"]) == {"COMPLETE"}
        assert len(manifest) in (range(files, files + 1) if isinstance(files, int) else files)
        assert all(message is None for message in (*manifest["Message"].tolist(), *manifest["URL"].tolist()))
        for path, size in zip(manifest["Local Path"], manifest["Size"], strict=True):
            assert isinstance(path, str)
            assert Path(folder).resolve() in Path(path).resolve().parents
            assert Path(path).stat().st_size == size > 0

    return check


def opens(manifest: Any) -> None:
    """Check that the FITS files of a manifest can be opened."""
    paths = [path for path in manifest["Local Path"] if path.endswith(".fits")]
    assert paths
    for path in paths:
        with fits.open(path) as opened:
            opened.verify("exception")


def cutouts(count: int | range, shape: tuple[int, int]) -> Check:
    """Check for a number of cutouts in memory, each of this shape, and with some finite pixels."""

    def check(result: Any) -> None:
        assert isinstance(result, list)
        assert len(result) in (range(count, count + 1) if isinstance(count, int) else count)
        for opened in result:
            assert isinstance(opened, fits.HDUList)
            first = opened[1]
            pixels = first.data["FLUX"] if isinstance(first, fits.BinTableHDU) else first.data
            assert pixels.shape[-2:] == shape
            assert np.isfinite(pixels).any()

    return check
