"""Names of objects as users give them, and the responses of the resolver."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidQueryError, InvalidResponseError, MastError, ServerError
from astroquery_mast.service.resolver import by_name, checked_name, place_of, read_entries, valid_names, with_place

M51 = {"searchString": "m51", "resolver": "NED", "ra": 202.47, "decl": 47.2}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(list(M51)), each, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("names", "given_names", "missing"),
    [
        ([b"M51", "M101"], ["M51", "M101"], 0),
        (["M51", None, "", "  ", math.nan, np.ma.masked], ["M51"], 5),
        (MaskedColumn(["M51", "M101"], mask=[False, True]), ["M51"], 1),
        (np.array([b"M51", b"M101"]), ["M51", "M101"], 0),
        ({"M51"}, ["M51"], 0),
        ((name for name in ["M51"]), ["M51"], 0),
        ([], [], 0),
    ],
    ids=str,
)
def test_missing_names_are_counted(names: Any, given_names: list[str], missing: int) -> None:
    """Missing names in a list, as from a catalog, are counted and raise no error."""
    assert valid_names(names) == (given_names, missing)


@pytest.mark.parametrize("names", [None, 5, {"M51": 1}, [42], [None], ["", None], [["M51"]]], ids=str)
def test_values_that_are_not_lists_of_names_raise(names: Any) -> None:
    """Other objects, or a list without any name, are an InvalidQueryError."""
    with pytest.raises(InvalidQueryError):
        valid_names(names)


def test_names_are_plain_text() -> None:
    """Bytes from FITS files and numpy text are names."""
    assert checked_name(b"M 51") == "M 51"
    assert type(checked_name(np.str_("M51"))) is str


@pytest.mark.parametrize("place", [(1, 95), (1, -90.1), ("x", 1), (None, 1), (math.nan, 1), (1, math.inf)], ids=str)
def test_an_impossible_position_is_an_invalid_response(place: tuple[Any, Any]) -> None:
    """A position that is not on the sky never becomes a SkyCoord."""
    with pytest.raises(InvalidResponseError, match="position"):
        place_of({"ra": place[0], "decl": place[1]})


def test_an_entry_without_a_position_does_not_affect_others() -> None:
    """An entry without a position does not affect the entries of other sources."""
    assert with_place([{**M51, "ra": None}, M51]) == [M51]
    assert with_place([]) == []
    found = by_name(["M51", "M101"], [M51, {"searchString": "m101", "ra": None}])
    assert found["M51"] == [M51]
    assert isinstance(found["M101"], InvalidResponseError)


def test_an_error_of_the_resolver_is_not_an_unknown_name() -> None:
    """An error of the resolver is not the same as a name without a position."""
    with pytest.raises(ServerError, match="database is down"):
        read_entries(b'{"status": "ERROR", "msg": "database is down"}')
    assert read_entries(b'{"status": ""}') == []


@given(document=JSON)
def test_arbitrary_responses_give_only_errors_of_the_package(document: object) -> None:
    """Whatever the response, each name has entries with a position, or an error."""
    try:
        entries = read_entries(json.dumps(document).encode())
        found = by_name(["M51", "M101"], entries)
    except MastError:
        return
    for own in found.values():
        assert isinstance(own, MastError) or all(abs(place_of(entry)[1]) <= 90 for entry in own)
