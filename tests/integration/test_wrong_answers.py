"""Answers that have led to bare exceptions: each is an error of the package, or a row or a warning that says so."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astroquery_mast import Catalogs, Hapcut, MastClass, MastMissions, Observations, Tesscut, Zcut, conf
from astroquery_mast.exceptions import (
    InputWarning,
    InvalidResponseError,
    LoginError,
    MastError,
    NoResultsWarning,
    RemoteServiceError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.reply import Reply
from astroquery_mast.utils import get_cloud_paths

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
TWO = SkyCoord([202.4696, 210.802], [47.1952, 54.349], unit="deg")
STAR = "84.291187 -80.469125"
DEEP = "189.49206 62.20615"
LONG = "9" * 5000
DEEP_LIST = b"[" * 100_000
YEAR = "Fri, 31 Dec 99999 23:59:59 GMT"


def edited(place: str, value: Any) -> Fault:
    """Put a value in one place of an answer: ``data.0.s_ra``."""

    def edit(document: Any) -> Any:
        *within, last = (int(part) if part.isdigit() else part for part in place.split("."))
        inner = document
        for part in within:
            inner = inner[part]
        inner[last] = value
        return document

    return Fault.edit(edit)


def bent(change: Callable[[bytes], bytes]) -> Fault:
    """Change the bytes of an answer."""
    return Fault("bent", bends=(lambda reply: replace(reply, body=change(bytes(reply.body))),))


def second(sandbox: Sandbox, endpoint: str, fault: Fault) -> None:
    """Let the first answer of an endpoint through, and change the one after it, however often it is asked for."""
    seen: list[object] = []

    def is_later(record: Any) -> bool:
        seen.append(record)
        return len(seen) > 1

    sandbox.faults.add(endpoint, fault, times=None, where=is_later)


@pytest.fixture(autouse=True)
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong stays wrong, and is not asked for more often than needed."""
    monkeypatch.setattr(conf, "max_attempts", 2)
    monkeypatch.setattr(conf, "timeout", 30)


@pytest.fixture
def products(mast_sandbox: Sandbox) -> Table:
    """Return two small products."""
    listed = Observations.get_product_list(["24000000"], verbose=False)
    return listed[(listed["size"] < 1_000_000) & (listed["dataRights"] == "PUBLIC")][:2]


# -- one answer ----------------------------------------------------------------------------------------------------

GALEX: Callable[[], Any] = lambda: Observations.query_criteria(obs_collection="GALEX")  # noqa: E731
ACS: Callable[[], Any] = lambda: MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS")  # noqa: E731

ANSWERS: dict[str, tuple[str, Fault, Callable[[], Any]]] = {
    "more pages than there can be": ("invoke", edited("paging.pagesFiltered", 1e30), GALEX),
    "a wait until a year that does not exist": ("invoke", Fault.status(503, retry_after=YEAR), GALEX),
    "messages that are a number": ("mission_search", edited("messages", 5), ACS),
    "selected columns that are a number": ("mission_search", edited("search_params", {"select_cols": 5}), ACS),
    "a column without a name": ("mission_search", edited("results.0", {"": 1}), ACS),
    "a sector beyond all numbers": (
        "tesscut",
        bent(lambda body: body.replace(b'"sector":"', b'"sector":1e999,"x":"')),
        lambda: Tesscut.get_sectors(coordinates=STAR),
    ),
    "nested columns": ("columnsconfig", Fault.answer(DEEP_LIST), lambda: Observations.get_metadata("observations")),
    "nested paths": ("path_lookup", Fault.answer(DEEP_LIST), lambda: get_cloud_paths(["mast:HST/product/x.fits"])),
    "a path that is no text": (
        "path_lookup",
        Fault.answer(rb'{"mast:HST/product/x.fits":{"path":"\ud800"}}'),
        lambda: Observations.get_cloud_uri("mast:HST/product/x.fits", check=True),
    ),
    "a listing in no encoding": (
        "cloud",
        Fault.answer(b"<?xml version='1.0' encoding='nonsense'?><ListBucketResult/>", content_type="application/xml"),
        Observations.list_cloud_datasets,
    ),
    "rows that are none": (
        "catalogs",
        Fault.answer(b'[{"a":1},5]'),
        lambda: Catalogs.query_region(M51, catalog="Panstarrs", radius=0.01),
    ),
    "rows of rows": (
        "catalogs",
        Fault.answer(b'[{"a":1},[{"a":1}]]'),
        lambda: Catalogs.query_region(M51, catalog="Panstarrs", radius=0.01),
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_cannot_be_is_an_error_of_the_package_or_no_harm(what: str, mast_sandbox: Sandbox) -> None:
    """Nothing else than errors of the package comes of it; what can be read is returned."""
    endpoint, fault, call = ANSWERS[what]
    Observations.enable_cloud_dataset(verbose=False)
    mast_sandbox.faults.add(endpoint, fault, times=None)
    harmless = {
        *("messages that are a number", "selected columns that are a number", "a column without a name"),
        "nested columns",  # those of the package are good
    }
    try:
        call()
    except RemoteServiceError as err:
        assert isinstance(err, MastError)
    else:
        assert what in harmless
    finally:
        Observations.disable_cloud_dataset()
