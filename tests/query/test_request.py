"""The request as a value: its parameters, its payload, its body, and its pages."""

from __future__ import annotations

import json
import pickle
from urllib.parse import unquote

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.query.request import COUNT_COLUMNS, ApiRequest, MashupRequest, as_plain

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PARAMS = st.dictionaries(st.text(), JSON, max_size=4)


def decoded(request: MashupRequest) -> dict[str, object]:
    """Return what a server reads from the form body of a request."""
    name, _, text = request.body().partition("=")
    assert name == "request"
    document = json.loads(unquote(text))
    assert isinstance(document, dict)
    return document


@given(params=PARAMS, service=st.text(), page=st.integers(1, 10**6), pagesize=st.integers(1, 10**6))
def test_body_decodes_to_the_payload(params: dict[str, object], service: str, page: int, pagesize: int) -> None:
    """The percent-encoded body contains only the payload and the cache breaker."""
    request = MashupRequest(service, params, page=page, pagesize=pagesize)
    document = decoded(request)
    assert document.pop("cacheBreaker") == request.cache_breaker
    assert document == request.payload()
    assert document["params"] == params
    assert (document["page"], document["pagesize"]) == (page, pagesize)


@given(params=PARAMS)
def test_body_has_no_character_that_a_form_would_misread(params: dict[str, object]) -> None:
    """Whatever the parameters, the body is ASCII, without the separators of forms."""
    text = MashupRequest("Mast.Caom.Cone", params).body().removeprefix("request=")
    assert text.isascii()
    assert not set(text) & set('&=+ "#')


@given(params=PARAMS, page=st.integers(2, 100))
def test_next_page_is_the_same_query(params: dict[str, object], page: int) -> None:
    """The request for another page differs only in the number; a parameter named page is not changed."""
    request = MashupRequest("Mast.Caom.Filtered", {**params, "page": 1, "text": '"page": 1'}, properties={"timeout": 5})
    following = decoded(request.at_page(page))
    assert following.pop("page") == page
    first = decoded(request)
    assert first.pop("page") == 1
    assert following == first


def test_the_request_for_another_page_is_not_checked_again() -> None:
    """Lists of thousands of values are checked once, when the request is created, and the request is not changed."""
    values = list(range(5))
    request = MashupRequest("Mast.Caom.Filtered", {"values": values})
    assert request.at_page(2).params is request.params
    values.append(5)
    request.payload()["params"]["values"].append(5)  # type: ignore[index]
    assert request.params["values"] == list(range(5))


def test_requests_can_be_pickled() -> None:
    """Requests can be pickled for worker processes, with all of their properties."""
    for request in (
        MashupRequest("Mast.Caom.Cone", {"ra": 1}, page=3, properties={"timeout": 5}, cache=True).first_page(),
        ApiRequest("service", "https://mast.example/search", {"conditions": [{"a": "b"}]}, cache=False),
    ):
        copied = pickle.loads(pickle.dumps(request))
        assert copied == request
        assert (copied.cache, copied.every_page) == (request.cache, request.every_page)
        assert copied.body() == request.body()


def test_requests_have_different_cache_breakers() -> None:
    """Each request has its own cache breaker, and requests with equal contents are equal."""
    one, two = (MashupRequest("Mast.Caom.Cone", {"ra": 1}) for _ in range(2))
    assert one.cache_breaker != two.cache_breaker
    assert one == two


def test_later_changes_of_the_callers_dictionary_have_no_effect() -> None:
    """A request keeps the values that it was given, including nested lists, and returns copies."""
    values = ["HST"]
    request = MashupRequest("Mast.Caom.Filtered", {"filters": [{"values": values}]})
    values.append("JWST")
    payload = request.payload()
    payload["params"]["filters"].append("more")  # type: ignore[index]
    assert request.payload()["params"] == {"filters": [{"values": ["HST"]}]}


@pytest.mark.parametrize(
    ("given_value", "sent"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.25), 0.25),
        (np.bool_(True), True),
        (np.str_("HST"), "HST"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(7), 7),
        (np.array([b"a", b"b"]), ["a", "b"]),
        (np.array([0.5, 0.25], dtype=np.longdouble), [0.5, 0.25]),
        (MaskedColumn([1, 2]), [1, 2]),
        (b"HST", "HST"),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, "a", None), [1, "a", None]),
        (iter("ab"), ["a", "b"]),
        ({1: {2}}, {"1": [2]}),
    ],
)
def test_values_become_plain_json(given_value: object, sent: object) -> None:
    """Containers and scalars of numpy and Python are converted to JSON types without loss."""
    plain = as_plain(given_value, "x")
    assert plain == sent
    assert json.loads(json.dumps(plain, allow_nan=False)) == sent


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.float32("nan"),
        np.array([1.0, np.inf]),
        np.ma.masked,
        np.ma.array([1, 2], mask=[False, True]),
        3 * u.deg,
        [1, 2] * u.s,
        Time(59000, format="mjd"),
        Time([59000, 59001], format="mjd"),
        SkyCoord(1, 2, unit="deg"),
        np.datetime64("2020-01-01T00:00:00", "ns"),
        np.timedelta64(1, "s"),
        1 + 2j,
        np.complex128(1),
        np.clongdouble(1),
        b"\xff",
        object(),
    ],
    ids=repr,
)
def test_values_that_json_does_not_support_raise(value: object) -> None:
    """Nothing is sent as null, NaN or without its unit: the error names the parameter."""
    with pytest.raises(InvalidArgumentError, match=r"filters\.x"):
        as_plain({"filters": {"x": [value]}}["filters"], "filters")


@pytest.mark.parametrize("number", [0, -1, True, 1.5, "2", None])
@pytest.mark.parametrize("name", ["page", "pagesize"])
def test_page_numbers_count_from_one(name: str, number: object) -> None:
    """A page or page size that is not a positive integer raises an error."""
    with pytest.raises(InvalidArgumentError, match=f"^{name} must be an integer >= 1"):
        MashupRequest("Mast.Caom.Cone", {}, **{name: number})  # type: ignore[arg-type]


@pytest.mark.parametrize("params", [None, ["ra", 1], "ra=1"])
def test_parameters_that_are_not_a_dictionary_raise(params: object) -> None:
    """Parameters that are not a dictionary raise an error of the package, not an AssertionError."""
    with pytest.raises(InvalidArgumentError, match="dictionary"):
        MashupRequest("Mast.Caom.Cone", params)  # type: ignore[arg-type]


def test_numpy_page_numbers_are_plain_numbers() -> None:
    """Page numbers from numpy are valid in JSON."""
    request = MashupRequest("Mast.Caom.Cone", {"columns": COUNT_COLUMNS}, page=np.int64(2), pagesize=np.int32(5))
    assert (decoded(request)["page"], decoded(request)["pagesize"]) == (2, 5)
