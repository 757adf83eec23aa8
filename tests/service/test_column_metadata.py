"""MAST's column metadata are used only if they are plausible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import CatalogsClass, MastMissionsClass, ObservationsClass
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.sandbox import Fault, Sandbox

OVERLOADED: dict[str, Any] = {"status": "ERROR", "msg": "overloaded"}
FOREIGN: dict[str, Any] = {"error": {"code": 7}}


@pytest.mark.parametrize("odd", [OVERLOADED, FOREIGN], ids=["error", "foreign"])
def test_an_invalid_list_of_columns_does_not_break_later_queries(mast_sandbox: Sandbox, odd: dict[str, Any]) -> None:
    """A typo while MAST was busy does not make a client forget its columns."""
    client = ObservationsClass()
    mast_sandbox.faults.add("columnsconfig", Fault.answer(odd), times=None)
    with pytest.raises(InvalidQueryError, match="Did you mean 'instrument_name'"):
        client.query_criteria(instrument="ACS/WFC")
    mast_sandbox.faults.clear()
    assert len(client.query_criteria(instrument_name="ACS/WFC")) > 0


@pytest.mark.parametrize("odd", [OVERLOADED, FOREIGN], ids=["error", "foreign"])
def test_metadata_of_the_package_replace_invalid_ones(mast_sandbox: Sandbox, odd: dict[str, Any]) -> None:
    """get_metadata returns all columns, as if MAST could not be reached."""
    usual = ObservationsClass().get_metadata("observations")
    mast_sandbox.faults.add("columnsconfig", Fault.answer(odd), times=None)
    metadata = ObservationsClass().get_metadata("observations")
    assert list(metadata["Column Name"]) == list(usual["Column Name"])


def test_a_shorter_list_of_columns_does_not_remove_any(mast_sandbox: Sandbox) -> None:
    """Columns of the package can be queried even if MAST's list lacks them."""

    def half(config: dict[str, Any]) -> dict[str, Any]:
        return dict(list(config.items())[: len(config) // 2])

    client = ObservationsClass()
    mast_sandbox.faults.add("columnsconfig", Fault.edit(half))
    with pytest.raises(InvalidQueryError, match="does not exist"):
        client.query_criteria(nosuchcolumn=1)
    assert len(mast_sandbox.requests.of("columnsconfig")) == 1
    assert client.query_criteria_count(obs_collection="HST", t_obs_release=[0, 99999], mtFlag=False) >= 0


def test_the_fallback_is_reported(mast_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A message says that the metadata come from the package instead of MAST."""
    mast_sandbox.faults.add("columnsconfig", Fault.answer(OVERLOADED), times=None)
    ObservationsClass().get_metadata("observations")
    assert "columns known to this version" in caplog.text
    assert "overloaded" in caplog.text


@pytest.mark.parametrize(
    ("endpoint", "ask"),
    [
        ("columnsconfig", lambda: ObservationsClass()._service.columns.refresh("Mast.Caom.Cone")),
        ("mission_columns", lambda: MastMissionsClass(mission="jwst").get_column_list()),
        ("catalogs", lambda: CatalogsClass()._service.columns.refresh("panstarrs/dr2/mean")),
    ],
)
@pytest.mark.parametrize("body", [b"<html>busy</html>", b'[{"a":', b'"text"', b"17"])
def test_the_error_for_an_invalid_list_of_columns_has_the_attempts(
    mast_sandbox: Sandbox, endpoint: str, ask: Callable[[], object], body: bytes
) -> None:
    """As for other unreadable responses, the error has the service, the number of attempts, and the time."""
    mast_sandbox.faults.add(endpoint, Fault.answer(body), times=None)
    with pytest.raises(InvalidResponseError, match=r"Tried once in [\d.]+ s") as caught:
        ask()
    assert caught.value.service
    assert caught.value.elapsed is not None


def test_a_name_without_columns_is_not_retried(mast_sandbox: Sandbox) -> None:
    """An empty configuration is a valid response, and the error does not recommend to try again later."""
    with pytest.raises(InvalidResponseError, match=r"MAST has no column list named Mast.No.Such"):
        ObservationsClass()._service.columns.refresh("Mast.No.Such")
