"""What the cutout services say in place of cutouts."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.cutouts.protocol import message_for_nothing, message_of, sector_page, surveys
from astroquery_mast.exceptions import (
    InvalidQueryError,
    InvalidResponseError,
    MastError,
    RemoteServiceError,
    ServerError,
)


def body(document: Any) -> bytes:
    """Return the bytes of a JSON answer."""
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
def test_message_for_nothing_are_the_services_own(words: str) -> None:
    """What says that there are no data is returned as it is."""
    assert message_for_nothing(body({"msg": words, "results": []}), "Zcut") == words
    assert message_for_nothing(body({"msg": words}), "Zcut") == words


def test_an_empty_list_says_more_than_words() -> None:
    """Hapcut sends one beside its sentence, whatever that is."""
    assert message_for_nothing(body({"msg": "Invalid skycell", "results": []}), "Hapcut") == "Invalid skycell"


def test_an_empty_list_needs_no_words() -> None:
    """No results are no results."""
    assert "found no data" in message_for_nothing(b'{"results": []}', "Hapcut")


@pytest.mark.parametrize(
    "words", ["Invalid sector: 999", "size is too large", "units must be px or d", "Missing parameter ra"]
)
def test_words_of_a_refusal_are_an_invalid_query(words: str) -> None:
    """The service's words blame the question, and the status is not what counts."""
    with pytest.raises(InvalidQueryError, match=words):
        message_for_nothing(body({"msg": words}), "TESScut")


@pytest.mark.parametrize("words", ["Internal error.", "The request timed out.", "Cutout failed, please try again."])
def test_words_of_a_failure_are_a_remote_error(words: str) -> None:
    """The service's words blame the service."""
    with pytest.raises(ServerError, match=words):
        message_for_nothing(body({"msg": words}), "TESScut")


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
def test_anything_else_cannot_be_read(answer: bytes) -> None:
    """The message shows how the answer begins."""
    with pytest.raises(InvalidResponseError, match="TESScut did not return cutouts"):
        message_for_nothing(answer, "TESScut")


@given(st.one_of(st.binary(max_size=40), st.dictionaries(st.sampled_from(["msg", "results"]), st.text()).map(body)))
def test_every_answer_is_words_or_an_error_of_ours(answer: bytes) -> None:
    """No KeyError and no JSONDecodeError reaches a user."""
    with suppress(MastError):
        assert message_for_nothing(answer, "Zcut")


def test_sectors_are_numbers(recorded: Callable[[str], bytes]) -> None:
    """Text with zeros before it is a number, keys that are not known are left out, and null stays null."""
    page = sector_page(json.loads(recorded("tess_sector.json")), "TESScut")
    assert page.rows == [{"sectorName": "tess-s0001-1-3", "sector": 1, "camera": 1, "ccd": 3}]
    odd = {"sectorName": "x", "sector": "0006", "camera": 2, "ccd": None, "obsTime": "2018"}
    assert sector_page({"results": [odd]}, "TESScut").rows == [
        {"sectorName": "x", "sector": 6, "camera": 2, "ccd": None}
    ]


@pytest.mark.parametrize("read", [sector_page, surveys])
def test_lists_may_be_empty(read: Callable[[Any, str], Any]) -> None:
    """An empty list, or words for "nothing", is an answer without entries."""
    for document in ({"results": [], "surveys": []}, {"msg": "No data found."}):
        found = read(document, "Zcut")
        assert not (found if isinstance(found, list) else found.rows)


@pytest.mark.parametrize("read", [sector_page, surveys])
@pytest.mark.parametrize(
    "document", [None, [], {}, "x", {"results": None, "surveys": {}}, {"results": 5, "surveys": 5}]
)
def test_lists_that_are_none_cannot_be_read(read: Callable[[Any, str], Any], document: Any) -> None:
    """What is no list raises an error that names the service."""
    with pytest.raises(RemoteServiceError, match="Zcut"):
        read(document, "Zcut")


@pytest.mark.parametrize("entry", ["x", {"sector": "one"}, {"sector": [1]}, None])
def test_sectors_that_are_none_cannot_be_read(entry: Any) -> None:
    """A number that is none is not guessed at."""
    with pytest.raises(InvalidResponseError, match="TESScut"):
        sector_page({"results": [entry]}, "TESScut")


def test_surveys_are_names(recorded: Callable[[str], bytes]) -> None:
    """The names come in the service's order."""
    names = ["candels_gn_60mas", "candels_gn_30mas", "goods_north"]
    assert surveys(json.loads(recorded("zcut_survey.json")), "Zcut") == names


def test_a_long_message_is_read_at_once() -> None:
    """A message of many words does not keep the reader busy for minutes."""
    words = "no " * 40_000
    assert message_of({"msg": words, "results": []}, "TESScut") == words.strip()
    assert message_of({"msg": words}, "TESScut") == words.strip()
