"""Identifiers of observations, and the complete lists of their products."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import requests
import urllib3
from astropy.table import Column, MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidQueryError, QueryTimeoutError, RemoteServiceError, ServerError
from astroquery_mast.products.listing import as_obsids, as_table, ask_in_batches


@pytest.fixture
def observations() -> Table:
    return Table(
        {
            "obsid": MaskedColumn(["11", "22", "33"]),
            "obs_id": MaskedColumn(["a", "b", "c"]),
            "target_name": MaskedColumn(["M31", "TESS FFI", "TICA FFI"], mask=[True, False, False]),
        },
        masked=True,
    )


@pytest.mark.parametrize(
    "given_",
    [
        "11,22",
        " 11 , 22 ,",
        ["11", "22"],
        ("11", 22),
        [11, np.int64(22)],
        [np.float64(11.0), "22.0"],
        Column([11.0, 22.0], name="obsid"),
        np.array([11, 22]),
        np.array(["11", "22"]),
        MaskedColumn(["11", "22"]),
        Table({"obsid": ["11", "22"]}),
        Table({"obsid": [11.0, 22.0]}),
        Table({"obsid": np.array([11, "22"], dtype=object)}),
        list(Table({"obsid": ["11", "22"]})),
        Table(rows=list(Table({"obsid": ["11", "22"]}))),
        [Table({"obsid": ["11"]})[0], "22"],
        [b"11", np.bytes_(b"22")],
        ["11", "", " ", "22", "11", 11, "22.0"],
        (text for text in ["11,22"]),
        {"11": 1, "22": 2},
    ],
)
def test_every_form_of_observations_is_accepted(given_: object) -> None:
    """For all forms of observations, the obsids are unique strings, in order."""
    assert as_obsids(given_) == ["11", "22"]


@pytest.mark.parametrize("single", ["11", 11, np.int32(11), 11.0, np.str_("11"), Table({"obsid": ["11"]})[0]])
def test_a_single_observation_is_accepted(single: object) -> None:
    """One identifier or one row is treated as a list of one."""
    assert as_obsids(single) == ["11"]


@given(st.lists(st.integers(0, 10**19), min_size=1))
def test_no_identifier_is_lost_or_changed(numbers: list[int]) -> None:
    """Integers of any length are returned unchanged, in order, each once."""
    assert as_obsids(numbers) == [str(number) for number in dict.fromkeys(numbers)]


@pytest.mark.parametrize("empty", ["", " ", [], ",", [""], Table({"obsid": np.array([], dtype=str)})])
def test_an_empty_list_raises(empty: object) -> None:
    """An empty list raises the error that user code may match."""
    with pytest.raises(InvalidQueryError, match="Observation list is empty, no associated products"):
        as_obsids(empty)


def test_an_obs_id_instead_of_an_obsid_is_explained() -> None:
    """A name instead of a number raises before anything is sent (T1)."""
    with pytest.raises(InvalidQueryError, match=r"'jw01_nrs1'.*looks like an obs_id.*'obsid'"):
        as_obsids(["11", "jw01_nrs1"])


@pytest.mark.parametrize("wrong", [True, "-11", "1.5", 1.5, 1e30, {"a"}, object()])
def test_an_invalid_identifier_raises(wrong: object) -> None:
    """Booleans, fractions and negative numbers raise and are not sent."""
    with pytest.raises(InvalidQueryError, match=r"is not an obsid|^Unsupported data type for `obsids`"):
        as_obsids(wrong)


@pytest.mark.parametrize(
    "given_",
    [MaskedColumn(["11", "22"], mask=[False, True]), ["11", None], [11.0, float("nan")], ["11", np.ma.masked]],
)
def test_a_masked_obsid_is_not_sent(given_: object) -> None:
    """A missing identifier raises with its row (B11)."""
    with pytest.raises(InvalidQueryError, match=r"row\(s\) 1"):
        as_obsids(given_)


def test_a_table_without_obsid_is_explained() -> None:
    """The error for another table lists its columns."""
    with pytest.raises(InvalidQueryError, match="obsID"):
        as_obsids(Table({"obsID": ["1"]}))


def test_full_frame_images_are_skipped(observations: Table, caplog: pytest.LogCaptureFixture) -> None:
    """Rows with thousands of files are skipped, with a log message; a masked target name is kept."""
    with caplog.at_level("WARNING", logger="astroquery"):
        assert as_obsids(observations) == ["11"]
    assert "'b', 'c'" in caplog.text
    with pytest.raises(InvalidQueryError, match="empty"):
        as_obsids(observations[1])


def test_target_names_of_another_type_are_accepted() -> None:
    """A table with only missing target names, or bytes, is listed like any other."""
    for names in (MaskedColumn([0.0], mask=[True]), [b"TESS"], np.array([None], dtype=object)):
        assert as_obsids(Table({"obsid": ["11"], "obs_id": ["a"], "target_name": names})) == ["11"]


def test_a_table_with_only_obsids_is_sufficient(observations: Table) -> None:
    """Without the columns that identify full-frame images, no row is skipped, and nothing fails (B10)."""
    assert as_obsids(observations["obsid",]) == ["11", "22", "33"]


def test_rows_are_converted_to_their_table(observations: Table) -> None:
    """Rows of one table keep types and masks; rows of two are stacked; anything else is not a table."""
    again = as_table([observations[2], observations[0]])
    assert list(again["obsid"]) == ["33", "11"]
    assert again["target_name"].mask.tolist() == [False, True]
    mixed = as_table([observations[0], observations.copy()[1]])
    assert list(mixed["obsid"]) == ["11", "22"]
    assert as_table(["11"]) is None
    assert as_table([]) is None


class Archive:
    """A mock archive that refuses more than `limit` identifiers, and records the requests."""

    def __init__(self, limit: int = 10**9, error: Exception | None = None) -> None:
        self.limit, self.error = limit, error or ServerError("too much", status=504)
        self.asked: list[list[str]] = []
        self._lock = threading.Lock()

    def __call__(self, obsids: Sequence[str]) -> list[str]:
        with self._lock:
            self.asked.append(list(obsids))
        if len(obsids) > self.limit:
            raise self.error
        return everything(obsids)


def everything(obsids: Sequence[str]) -> list[str]:
    return [f"{obsid}-{n}" for obsid in obsids if int(obsid) % 3 for n in range(2)]


def listed(obsids: Sequence[str], archive: Archive, **keywords: Any) -> list[str]:
    return [uri for answer in ask_in_batches(obsids, archive, **keywords) for uri in answer]


@given(
    st.lists(st.integers(1, 99).map(str), min_size=1, max_size=30, unique=True), st.integers(1, 12), st.integers(1, 7)
)
def test_batches_that_are_too_large_are_halved_until_complete(obsids: list[str], batch_size: int, limit: int) -> None:
    """For any batch size and limit of MAST, all products are listed, in the order of the observations."""
    assert listed(obsids, Archive(limit), batch_size=batch_size, max_workers=3) == everything(obsids)


@pytest.mark.parametrize("error", [ServerError("x", status=502), QueryTimeoutError("x")])
def test_a_failure_for_a_single_observation_is_an_exception(error: Exception) -> None:
    """A list is complete or an error is raised."""
    archive = Archive(0, error)
    with pytest.raises(type(error)):
        listed([str(n) for n in range(8)], archive)
    assert [len(asked) for asked in archive.asked] == [8, 4, 2, 1]


def test_a_read_timeout_is_halved_but_a_missing_connection_is_not() -> None:
    """A request that took too long is split; a server that is down or overloaded does not get more requests."""
    late = ServerError("no answer within 120 s")
    late.__cause__ = requests.exceptions.ReadTimeout()
    slow = Archive(4, late)
    assert listed([str(n) for n in range(1, 9)], slow) == everything([str(n) for n in range(1, 9)])
    for hopeless in (ServerError("could not be reached"), ServerError("slow down", status=429)):
        absent = Archive(0, hopeless)
        with pytest.raises(RemoteServiceError):
            listed(["1", "2"], absent)
        assert len(absent.asked) == 1


def test_a_broken_connection_is_halved_but_a_refused_one_is_not() -> None:
    """MAST closes the connection if a response is too large; a refused connection does not need smaller requests."""
    numbers = [str(n) for n in range(1, 9)]
    for cause in (
        requests.exceptions.ChunkedEncodingError("broken off"),
        requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", OSError())),
    ):
        broken = ServerError("the connection broke")
        broken.__cause__ = cause
        assert listed(numbers, Archive(4, broken)) == everything(numbers)
    refused = ServerError("could not be reached")
    refused.__cause__ = requests.exceptions.ConnectionError(urllib3.exceptions.NewConnectionError(None, "refused"))
    absent = Archive(4, refused)
    with pytest.raises(ServerError):
        listed(numbers, absent)
    assert len(absent.asked) == 1


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "5", None, True])
def test_batch_size_must_be_an_integer(batch_size: object) -> None:
    """An invalid batch size raises before anything is sent."""
    archive = Archive()
    with pytest.raises(InvalidQueryError, match="batch_size"):
        listed(["1"], archive, batch_size=batch_size)
    assert archive.asked == []
