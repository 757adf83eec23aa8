"""`MastMissionsClass.help`: the criteria of a mission and the values that they take."""

from __future__ import annotations

import pytest
from astropy import units as u
from astropy.time import Time

from astroquery_mast import MastMissions, MastMissionsClass
from astroquery_mast.exceptions import InvalidArgumentError, InvalidCriterionError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox


@pytest.mark.parametrize("mission", ["hst", "jwst", "roman", "ullyses", "classy", "iue"])
def test_every_form_that_help_shows_is_accepted(mast_sandbox: Sandbox, mission: str) -> None:
    """`query_criteria` accepts every example that help shows."""
    client = MastMissionsClass(mission=mission)
    for name in client.help():
        for _, code in client.help(name).forms if name.isidentifier() and name != "pass" else ():
            call = f"client.query_criteria({code}, get_query_payload=True)"
            payload = eval(call, {"client": client, "u": u, "Time": Time})
            assert name in str(payload)


def test_columns_are_requested_once(mast_sandbox: Sandbox) -> None:
    """Only the first call of help requests the columns of the mission."""
    client = MastMissionsClass(mission="jwst")
    client.help(), client.help(), client.help("program")
    assert [each.endpoint for each in mast_sandbox.requests] == ["mission_columns"]


def test_completion_sends_no_request(mast_sandbox: Sandbox) -> None:
    """Completion is empty, and says why, until the columns are known."""
    client = MastMissionsClass()
    assert dir(client.criteria) == []
    assert "have not been listed yet" in repr(client.criteria)
    assert "queries MAST for them" in client.criteria._repr_html_()
    assert not mast_sandbox.requests
    client.help()
    assert "sci_instrume" in dir(client.criteria)
    assert len(mast_sandbox.requests) == 1


def test_help_is_for_the_mission_of_the_call(mast_sandbox: Sandbox) -> None:
    """The argument `mission` takes precedence over the attribute."""
    assert "exp_type" in MastMissions.help(mission="JWST")
    assert "exp_type" not in MastMissions.help()
    assert "mission 'jwst'" in repr(MastMissions.help(mission="jwst"))


def test_examples_are_taken_from_the_description(mast_sandbox: Sandbox) -> None:
    """If MAST's description of a column has examples, help shows them."""
    assert MastMissions.help("sci_instrume").forms[1] == ("one of several values", 'sci_instrume=["ACS", "COS"]')
    assert MastMissions.help("sci_start_time").data_type == "date"


def test_unknown_names_raise_with_a_suggestion(mast_sandbox: Sandbox) -> None:
    """An unknown mission or criterion raises an error that suggests a similar name."""
    with pytest.raises(InvalidCriterionError, match="Did you mean 'sci_instrume'"):
        MastMissions.help("sci_instrum")
    with pytest.raises(InvalidArgumentError, match=r"'hubble' is not a valid mission\. Did you mean 'hst'"):
        MastMissions.help(mission="hubble")


def test_a_failure_of_the_archive_is_reported(mast_sandbox: Sandbox) -> None:
    """Without the list of columns, help raises an error."""
    mast_sandbox.faults.add("mission_columns", Fault.status(503), times=None)
    with pytest.raises(ServerError):
        MastMissionsClass().help()
