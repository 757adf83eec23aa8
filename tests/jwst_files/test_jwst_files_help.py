"""`JwstFilesClass.help` and its criteria: what keywords of headers take as criteria."""

from __future__ import annotations

import pytest
from astropy import units as u
from astropy.time import Time

from astroquery_mast import JwstFiles, JwstFilesClass
from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.sandbox import Sandbox


def test_every_form_that_help_shows_is_accepted(mast_sandbox: Sandbox) -> None:
    """Help shows no form of a criterion that `query_criteria` refuses for the way it is written."""
    client = JwstFilesClass()
    for name in client.help(instrument="NIRSpec"):
        for what, code in client.help(name, instrument="NIRSpec").forms:
            if "VALUE" in code and what not in {"a value", "one of several values", "one text with wildcards"}:
                continue  # there is no such value to leave out, or to match
            call = f"client.query_criteria({code}, instrument='NIRSpec', get_query_payload=True)"
            assert name in str(eval(call, {"client": client, "u": u, "Time": Time}))


def test_dates_are_asked_for_by_their_own_name(mast_sandbox: Sandbox) -> None:
    """A column of dates takes ranges, under its own name."""
    assert JwstFiles.help("date_obs").forms[0] == ("a range", 'date_obs=["2022-07-01", "2022-08-01"]')


def test_tab_asks_for_nothing(mast_sandbox: Sandbox) -> None:
    """What the package knows of the columns completes without a request."""
    assert {"grating", "productLevel", "date_obs"} <= set(dir(JwstFilesClass().criteria))
    assert "Grating" in repr(JwstFilesClass().criteria.grating)
    assert not mast_sandbox.requests


def test_wrong_names_are_refused_with_what_may_be_meant(mast_sandbox: Sandbox) -> None:
    """A keyword that does not exist is not explained."""
    with pytest.raises(InvalidCriterionError, match="Did you mean 'grating'"):
        JwstFiles.help("gratin")
