"""How mission searches handle MAST's responses: recorded responses, failures, and the list of columns."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import responses
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astroquery.exceptions import (
    InputWarning,
    InvalidQueryError,
    MaxResultsWarning,
    RemoteServiceError,
)

from astroquery_mast import MastMissions, MastMissionsClass
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
SEARCH = "https://mast.stsci.edu/search/hst/api/v0.1/search"
COLUMNS = "https://mast.stsci.edu/search/util/api/v0.1/column_list"


@pytest.fixture
def client(mast_sandbox: Sandbox) -> MastMissionsClass:
    return MastMissionsClass()


@pytest.fixture
def archive(recorded: Callable[[str], bytes]) -> Iterator[responses.RequestsMock]:
    """Mock MAST's real addresses, with the recorded list of columns."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(COLUMNS, body=recorded("mission_columns.json"))
        yield mock


# -- responses and failures ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("recorded_lately")
def test_the_recorded_responses(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Recorded responses of MAST become a table and a count."""
    archive.post(SEARCH, body=recorded("mission_results.json"))
    with pytest.warns(MaxResultsWarning):
        table = MastMissions.query_region("40.66963 -0.01328", radius=3, sci_aec="S", limit=10)
    assert (len(table), table.colnames[0], table.colnames[-1]) == (10, "search_pos", "ang_sep")
    assert table.meta["search_params"]["radius_units"] == "arcminutes"
    archive.replace(responses.POST, SEARCH, body=recorded("mission_count_only.json"))
    count = MastMissions.query_criteria(count_only=True)
    assert (type(count), count) == (int, 1066009)
    assert json.loads(archive.calls[-1].request.body)["count_only"] is True


@pytest.mark.parametrize("fault", [Fault.garbage(), Fault.truncate_json(), Fault.status(503), Fault.reset()], ids=repr)
def test_transient_failures_are_retried(client: MastMissionsClass, mast_sandbox: Sandbox, fault: Fault) -> None:
    """A transient failure or an unreadable response is retried."""
    expected = client.query_region(M51)
    mast_sandbox.faults.add("mission_search", fault, times=2)
    assert len(client.query_region(M51)) == len(expected)


def test_server_errors_are_distinguished_from_invalid_queries(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """500 raises RemoteServiceError, and 4xx InvalidQueryError; both include MAST's message (B40)."""
    mast_sandbox.faults.add("mission_search", Fault.status(500, body=b"database is down"), times=None)
    with pytest.raises(RemoteServiceError, match=r"HTTP 500.*database is down"):
        client.query_region(M51)
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("mission_search", Fault.answer('{"detail": "no such thing"}', status=400))
    with pytest.raises(InvalidQueryError, match="no such thing"):
        client.query_region(M51)
    detail = {"detail": [{"type": "list_type", "loc": ["body", "target"], "msg": "Input should be a valid list"}]}
    mast_sandbox.faults.add("mission_search", Fault.answer(detail, status=422))
    with pytest.raises(InvalidQueryError, match=r"422.*Input should be a valid list"):
        client.query_region(M51)


# -- the list of columns -------------------------------------------------------------------------------------------


def test_the_list_of_columns_is_read_once(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """The list of columns of a mission is requested once for all calls."""
    first = client.get_column_list()
    client.query_region(M51, sci_instrume="ACS")
    client.mission = "JWST"
    assert first["name"].tolist() != client.get_column_list()["name"].tolist()
    client.query_criteria(program=1039)
    assert [record.value("mission") for record in mast_sandbox.requests.of("mission_columns")] == ["hst", "jwst"]
    assert first.colnames == ["name", "data_type", "description"]


@pytest.mark.parametrize("fault", [Fault.garbage(), Fault.status(500), Fault.answer("[]"), Fault.reset()], ids=repr)
def test_without_the_list_of_columns_queries_work(
    client: MastMissionsClass, mast_sandbox: Sandbox, fault: Fault
) -> None:
    """If the list of columns fails, queries work, with a warning about unchecked criteria (B41)."""
    mast_sandbox.faults.add("mission_columns", fault, times=None)
    assert len(client.query_region(M51)) > 0
    with pytest.warns(InputWarning, match="The criteria sci_instrume are not validated"):
        assert len(client.query_region(M51, sci_instrume="ACS", select_cols="sci_ra")) > 0
    # The list is not requested again at once.
    assert len(mast_sandbox.requests.of("mission_columns")) == 1
    with pytest.raises(RemoteServiceError):
        client.get_column_list()
    with pytest.raises(RemoteServiceError):
        client.query_region(M51, select_cols="all")
    mast_sandbox.faults.clear()
    assert len(client.get_column_list()) > 50
    assert client.query_region(M51, sci_instrume="ACS")["sci_ra"].unit == "deg"


def test_unknown_missions_are_verified_with_the_server(client: MastMissionsClass) -> None:
    """A mission unknown to this package can be set, and raises an error if MAST does not have it."""
    client.mission = "Nancy_2"
    assert client.mission == "nancy_2"
    with pytest.raises(InvalidQueryError, match="nancy_2"):
        client.get_column_list()
    with pytest.raises(InvalidQueryError, match="'nancy_2' is not a valid mission"):
        client.query_region(M51)
    assert client.get_dataset_kwd() is None


def test_a_result_is_written_to_fits_without_a_warning(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The query that MAST repeats is written to files, and is a dictionary under astroquery's key."""
    table = MastMissions.query_region("202.47 47.2", radius=2)
    table.write(tmp_path / "found.fits")
    again = Table.read(tmp_path / "found.fits")
    assert json.loads(again.meta["SEARCH"]) == table.meta["search_params"]
    for other in (table[:2], table.copy(), pickle.loads(pickle.dumps(table))):
        assert other.meta["search_params"]["radius"] == 120
    assert table.meta.get("nothing") is None
    table.write(tmp_path / "found.ecsv")
    assert Table.read(tmp_path / "found.ecsv").meta["search"] == table.meta["search"]


@pytest.mark.parametrize("more", [{}, {"radius": 2}])
def test_a_misspelled_position_argument_is_suggested(mast_sandbox: Sandbox, more: dict[str, object]) -> None:
    """The argument `object_name` raises an error that suggests `object_names`, with and without a radius."""
    with pytest.raises(InvalidQueryError, match=r"Did you mean .*object_names"):
        MastMissions.query_criteria(object_name="M51", **more)
