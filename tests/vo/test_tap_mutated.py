"""Corrupt responses of TAP services: each one gives a result or an error of the package."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from importlib import resources
from typing import Any

import pytest
import responses

from astroquery_mast import VO, conf
from astroquery_mast.exceptions import MastError

URL = "https://tap.example/base"
JOB = f"{URL}/async/5"
UWS = f"""<?xml version="1.0"?>
<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1">
<uws:jobId>5</uws:jobId><uws:phase>COMPLETED</uws:phase><uws:creationTime>2026-01-01T00:00:00Z</uws:creationTime>
<uws:parameters><uws:parameter id="QUERY">SELECT 1</uws:parameter></uws:parameters>
<uws:results><uws:result id="result" xlink:href="{JOB}/results/result"/></uws:results></uws:job>""".encode()
NAMES = (b"TD", b"TR", b"FIELD", b"TABLE", b"INFO", b"x:y", b"html")
VALUES = (b"", b"-1", b"*", b"long", b"double", b"char", b"9" * 30, b"1e400", b"nan", b"\xff", b"\xc3\xa9", b"&bad;")


def recorded(name: str) -> bytes:
    """Return a document of pyvo's own tests."""
    return (resources.files("pyvo.dal.tests") / "data" / name).read_bytes()


def replaced(pattern: bytes, text: bytes, by: bytes, rng: random.Random) -> bytes:
    """Replace one of the matches of a pattern."""
    places = [match.span(1) for match in re.finditer(pattern, text)] or [(0, 0)]
    start, end = rng.choice(places)
    return text[:start] + by + text[end:]


def mutated(text: bytes, rng: random.Random) -> bytes:
    """Return a document with a few changes."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        start = rng.randrange(len(text) + 1)
        end = start + rng.randrange(40)
        text = rng.choice(
            [
                text[:start] + text[end:],
                text[:end] + text[start:],
                text[:start] + bytes([rng.randrange(256)]) + text[start + 1 :],
                replaced(rb'="([^"]*)"', text, rng.choice(VALUES), rng),
                replaced(rb">([^<>]+)<", text, rng.choice(VALUES), rng),
                replaced(rb"</?([\w:]+)", text, rng.choice(NAMES), rng),
                replaced(rb"(<[^>]*>)", text, b"", rng),
            ]
        )
    return text


@pytest.fixture(autouse=True)
def one_try() -> Any:
    """Limit each request to one attempt."""
    with conf.set_temp("max_attempts", 1):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["query/basic.xml", "query/overflowstatus.xml", "tap/obscore-image.xml"])
@pytest.mark.parametrize("seed", range(30))
def test_a_corrupt_table_is_read_or_raises_an_error_of_the_package(name: str, seed: int) -> None:
    """No exception of astropy, pyvo or Python is raised."""
    with responses.RequestsMock() as answers:
        answers.post(f"{URL}/sync", mutated(recorded(name), random.Random(seed)))
        with suppress(MastError):
            VO.query_tap("SELECT 1", service=URL, run_async=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(60))
def test_a_corrupt_job_status_is_read_or_raises_an_error_of_the_package(seed: int) -> None:
    """The same is true for jobs and for the list of jobs."""
    wrong = mutated(UWS, random.Random(seed))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers:
        answers.get(JOB, wrong)
        answers.get(f"{URL}/async", wrong)
        answers.get(re.compile(f"{JOB}/results.*"), recorded("query/basic.xml"))
        with suppress(MastError):
            VO.get_job(JOB).result(timeout=0.01)
        with suppress(MastError):
            VO.list_jobs(service=URL)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(40))
def test_a_corrupt_registry_response_is_read_or_raises_an_error_of_the_package(seed: int) -> None:
    """The same is true for any addresses, identifiers and types of interfaces."""
    document = (resources.files("pyvo.registry.tests") / "data" / "multi-interface.xml").read_bytes()
    with responses.RequestsMock() as answers, conf.set_temp("fallback_registry", ""):
        answers.post(f"{conf.server}/vo-tap/api/v0.1/registry/sync", mutated(document, random.Random(seed)))
        with suppress(MastError):
            VO.find_services(servicetype="ssa", archive="all")
