"""`MastMissionsClass.help` and its criteria: what criteria of a mission take."""

from __future__ import annotations

import pytest
from astropy import units as u
from astropy.time import Time

from astroquery_mast import MastMissions, MastMissionsClass
from astroquery_mast.exceptions import InvalidArgumentError, InvalidCriterionError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox


@pytest.mark.parametrize("mission", ["hst", "jwst", "roman", "ullyses", "classy", "iue"])
def test_every_form_that_help_shows_is_accepted(mast_sandbox: Sandbox, mission: str) -> None:
    """Help shows no form of a criterion that `query_criteria` refuses."""
    client = MastMissionsClass(mission=mission)
    for name in client.help():
        for _, code in client.help(name).forms if name.isidentifier() and name != "pass" else ():
            call = f"client.query_criteria({code}, get_query_payload=True)"
            payload = eval(call, {"client": client, "u": u, "Time": Time})
            assert name in str(payload)


def test_columns_are_asked_for_once(mast_sandbox: Sandbox) -> None:
    """The first call for help asks for the columns of the mission, and those after it do not."""
    client = MastMissionsClass(mission="jwst")
    client.help(), client.help(), client.help("program")
    assert [each.endpoint for each in mast_sandbox.requests] == ["mission_columns"]


def test_tab_asks_for_nothing(mast_sandbox: Sandbox) -> None:
    """Completion has nothing before the columns are known, says so, and has them afterwards."""
    client = MastMissionsClass()
    assert dir(client.criteria) == []
    assert "have not been listed yet" in repr(client.criteria)
    assert "queries MAST for them" in client.criteria._repr_html_()
    assert not mast_sandbox.requests
    client.help()
    assert "sci_instrume" in dir(client.criteria)
    assert len(mast_sandbox.requests) == 1


def test_help_is_for_the_mission_of_the_call(mast_sandbox: Sandbox) -> None:
    """A mission may be named, whatever the attribute says."""
    assert "exp_type" in MastMissions.help(mission="JWST")
    assert "exp_type" not in MastMissions.help()
    assert "mission 'jwst'" in repr(MastMissions.help(mission="jwst"))


def test_examples_are_taken_from_the_description(mast_sandbox: Sandbox) -> None:
    """Where the archive's description has examples, the forms have them."""
    assert MastMissions.help("sci_instrume").forms[1] == ("one of several values", 'sci_instrume=["ACS", "COS"]')
    assert MastMissions.help("sci_start_time").data_type == "date"


def test_wrong_names_are_refused_with_what_may_be_meant(mast_sandbox: Sandbox) -> None:
    """Neither a mission nor a criterion that does not exist is explained."""
    with pytest.raises(InvalidCriterionError, match="Did you mean 'sci_instrume'"):
        MastMissions.help("sci_instrum")
    with pytest.raises(InvalidArgumentError, match=r"'hubble' is not a valid mission\. Did you mean 'hst'"):
        MastMissions.help(mission="hubble")


def test_a_failure_of_the_archive_is_reported(mast_sandbox: Sandbox) -> None:
    """Without the list of columns there is no help."""
    mast_sandbox.faults.add("mission_columns", Fault.status(503), times=None)
    with pytest.raises(ServerError):
        MastMissionsClass().help()
