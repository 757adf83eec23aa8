"""Requests with an uploaded table of positions, in chunks."""

from __future__ import annotations

import json
import pickle
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError
from astroquery_mast.query.request import ApiRequest, MashupRequest
from astroquery_mast.targets.pairs import UploadChunk, upload_chunks


def requests_for(number: int, **options: Any) -> list[UploadChunk]:
    """Return the requests for some positions."""
    places = np.linspace(0, 80, number)
    return list(upload_chunks("Mast.Tic.Crossmatch", np.arange(number), places, places, radius=0.002, **options))


def test_the_request_has_the_documented_form() -> None:
    """The request has the documented fields, rows and names of the position columns."""
    payload = requests_for(2)[0].request.payload()
    assert payload["service"] == "Mast.Tic.Crossmatch"
    assert payload["params"] == {"raColumn": "input_ra", "decColumn": "input_dec", "radius": 0.002}
    assert payload["data"] == {
        "fields": [
            {"name": "input_row", "type": "int"},
            {"name": "input_ra", "type": "float"},
            {"name": "input_dec", "type": "float"},
        ],
        "data": [
            {"input_row": 0, "input_ra": 0.0, "input_dec": 0.0},
            {"input_row": 1, "input_ra": 80.0, "input_dec": 80.0},
        ],
    }
    assert "data" not in requests_for(2)[0].question.payload()


@given(st.lists(st.floats(-90, 90), min_size=1, max_size=5))
def test_positions_are_sent_with_full_precision(places: list[float]) -> None:
    """Positions can be read back from the request without loss."""
    values = np.array(places)
    upload = UploadChunk("x", 0.1, np.arange(len(values)), values, values)
    sent = json.loads(unquote(upload.request.body().removeprefix("request=")))
    assert [row["input_dec"] for row in sent["data"]["data"]] == places


@pytest.mark.parametrize(
    ("number", "options", "sizes"),
    [
        (2500, {}, [1000, 1000, 500]),
        (2000, {"workers": 4}, [500] * 4),
        (150, {"workers": 4}, [100, 50]),
        (10, {"chunk_size": 4}, [4, 4, 2]),
        (1, {}, [1]),
    ],
)
def test_chunks_keep_all_workers_busy(number: int, options: dict[str, Any], sizes: list[int]) -> None:
    """Chunks have at most the default size, and are smaller if that employs more workers."""
    chunks = requests_for(number, **options)
    assert [len(chunk) for chunk in chunks] == sizes
    assert np.concatenate([chunk.rows for chunk in chunks]).tolist() == list(range(number))


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "10"])
def test_an_invalid_chunk_size_raises(bad: Any) -> None:
    """A chunk has at least one position."""
    with pytest.raises(InvalidArgumentError, match="chunk_size"):
        requests_for(3, chunk_size=bad)


def test_halves_make_up_the_chunk() -> None:
    """A chunk is split in half, down to a single position."""
    first, second = requests_for(5)[0].halves()
    assert [first.rows.tolist(), second.rows.tolist()] == [[0, 1], [2, 3, 4]]
    assert requests_for(1)[0].halves() == []


def test_requests_can_be_pickled() -> None:
    """Requests can be sent to other processes without change."""
    request = MashupRequest("a", {"x": [1, {"y": 2}]}, page=3, pagesize=7, properties={"timeout": 5})
    again = pickle.loads(pickle.dumps(request))
    assert again == request
    assert again.cache_breaker == request.cache_breaker
    api = ApiRequest("a", "http://x", {"y": [1]})
    assert pickle.loads(pickle.dumps(api)) == api
    assert pickle.loads(pickle.dumps(requests_for(3)[0])).request.payload() == requests_for(3)[0].request.payload()
