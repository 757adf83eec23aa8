"""Messages of the cutout services instead of cutouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.cutouts.protocol import message_of, no_data_message, sector_page, surveys
from astroquery_mast.exceptions import (
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    RemoteServiceError,
    ServerError,
)


def body(document: Any) -> bytes:
    """Return the bytes of a JSON response."""
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "words",
    [
        "No data found for the given coordinates.",
        "The requested cutout is not in any TESS sector.",
        "No sector data available for RA: 1.0, Dec: 2.0.",
        "Requested area is outside of the footprint.",
        "Object not found.",
        "Coordinates must be in one of the surveys: no surveys found.",
        "Nothing here",
        "No FFIs found for input target. Cutout not performed.",
        "Missing HAP files for input target. Cutout not performed.",
    ],
)
def test_messages_about_missing_data_are_returned(words: str) -> None:
    """The message of the service about missing data is returned unchanged."""
    assert no_data_message(body({"msg": words, "results": []}), "Zcut") == words
    assert no_data_message(body({"msg": words}), "Zcut") == words


def test_an_empty_list_takes_precedence_over_the_message() -> None:
    """With an empty list of results, any message means that there are no data."""
    assert no_data_message(body({"msg": "Invalid skycell", "results": []}), "Hapcut") == "Invalid skycell"


def test_an_empty_list_without_a_message() -> None:
    """An empty list of results means that there are no data, without a message, too."""
    assert "found no data" in no_data_message(b'{"results": []}', "Hapcut")


@pytest.mark.parametrize(
    "words", ["Invalid sector: 999", "size is too large", "units must be px or d", "Missing parameter ra"]
)
def test_messages_about_the_request_raise_invalid_query(words: str) -> None:
    """A message that blames the request raises InvalidQueryError, despite status 200."""
    with pytest.raises(InvalidQueryError, match=words):
        no_data_message(body({"msg": words}), "TESScut")


@pytest.mark.parametrize("words", ["Internal error.", "The request timed out.", "Cutout failed, please try again."])
def test_messages_about_a_failure_raise_a_remote_error(words: str) -> None:
    """A message that blames the service raises RemoteServiceError."""
    with pytest.raises(ServerError, match=words):
        no_data_message(body({"msg": words}), "TESScut")


@pytest.mark.parametrize(
    "answer",
    [
        b"<html><body>Down</body></html>",
        b"",
        b"PK\x03\x04cut",
        b"[]",
        b"{}",
        b'{"msg": ""}',
        b'{"msg": 5}',
        b"\xff",
        b"7",
    ],
)
def test_other_responses_raise(answer: bytes) -> None:
    """The error quotes the beginning of the response."""
    with pytest.raises(InvalidResponseError, match="TESScut did not return cutouts"):
        no_data_message(answer, "TESScut")


@given(st.one_of(st.binary(max_size=40), st.dictionaries(st.sampled_from(["msg", "results"]), st.text()).map(body)))
def test_any_response_is_a_message_or_an_error_of_the_package(answer: bytes) -> None:
    """No response raises KeyError or JSONDecodeError."""
    with suppress(MastError):
        assert no_data_message(answer, "Zcut")


def test_sectors_are_numbers(recorded: Callable[[str], bytes]) -> None:
    """Strings with leading zeros become integers, unknown keys are ignored, and null stays null."""
    page = sector_page(json.loads(recorded("tess_sector.json")), "TESScut")
    assert page.rows == [{"sectorName": "tess-s0001-1-3", "sector": 1, "camera": 1, "ccd": 3}]
    odd = {"sectorName": "x", "sector": "0006", "camera": 2, "ccd": None, "obsTime": "2018"}
    assert sector_page({"results": [odd]}, "TESScut").rows == [
        {"sectorName": "x", "sector": 6, "camera": 2, "ccd": None}
    ]


@pytest.mark.parametrize("read", [sector_page, surveys])
def test_lists_may_be_empty(read: Callable[[Any, str], Any]) -> None:
    """An empty list, or a message about missing data, gives no entries."""
    for document in ({"results": [], "surveys": []}, {"msg": "No data found."}):
        found = read(document, "Zcut")
        assert not (found if isinstance(found, list) else found.rows)


@pytest.mark.parametrize("read", [sector_page, surveys])
@pytest.mark.parametrize(
    "document", [None, [], {}, "x", {"results": None, "surveys": {}}, {"results": 5, "surveys": 5}]
)
def test_invalid_lists_raise(read: Callable[[Any, str], Any], document: Any) -> None:
    """The error names the service."""
    with pytest.raises(RemoteServiceError, match="Zcut"):
        read(document, "Zcut")


@pytest.mark.parametrize("entry", ["x", {"sector": "one"}, {"sector": [1]}, None])
def test_invalid_sectors_in_responses_raise(entry: Any) -> None:
    """An invalid number raises an error."""
    with pytest.raises(InvalidResponseError, match="TESScut"):
        sector_page({"results": [entry]}, "TESScut")


def test_surveys_are_names(recorded: Callable[[str], bytes]) -> None:
    """The names are in the order of the service."""
    names = ["candels_gn_60mas", "candels_gn_30mas", "goods_north"]
    assert surveys(json.loads(recorded("zcut_survey.json")), "Zcut") == names


def test_a_long_message_is_parsed_quickly() -> None:
    """The patterns do not backtrack for minutes on a long message."""
    words = "no " * 40_000
    assert message_of({"msg": words, "results": []}, "TESScut") == words.strip()
    assert message_of({"msg": words}, "TESScut") == words.strip()
