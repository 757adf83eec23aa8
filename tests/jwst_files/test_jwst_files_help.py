"""`JwstFilesClass.help` and `JwstFilesClass.criteria`: the criteria for header keywords."""

from __future__ import annotations

import pytest
from astropy import units as u
from astropy.time import Time

from astroquery_mast import JwstFiles, JwstFilesClass
from astroquery_mast.exceptions import InvalidCriterionError
from astroquery_mast.sandbox import Sandbox


def test_all_forms_in_help_are_accepted(mast_sandbox: Sandbox) -> None:
    """Each form of a criterion in the help is valid in `query_criteria`."""
    client = JwstFilesClass()
    for name in client.help(instrument="NIRSpec"):
        for what, code in client.help(name, instrument="NIRSpec").forms:
            if "VALUE" in code and what not in {"a value", "one of several values", "one text with wildcards"}:
                continue  # there is no such value to exclude or match
            call = f"client.query_criteria({code}, instrument='NIRSpec', get_query_payload=True)"
            assert name in str(eval(call, {"client": client, "u": u, "Time": Time}))


def test_dates_have_their_own_name(mast_sandbox: Sandbox) -> None:
    """A date column takes ranges under its own name."""
    assert JwstFiles.help("date_obs").forms[0] == ("a range", 'date_obs=["2022-07-01", "2022-08-01"]')


def test_completion_sends_no_requests(mast_sandbox: Sandbox) -> None:
    """Completion with Tab uses the columns that the package knows."""
    assert {"grating", "productLevel", "date_obs"} <= set(dir(JwstFilesClass().criteria))
    assert "Grating" in repr(JwstFilesClass().criteria.grating)
    assert not mast_sandbox.requests


def test_unknown_names_raise_with_suggestions(mast_sandbox: Sandbox) -> None:
    """The help for an unknown keyword raises an error."""
    with pytest.raises(InvalidCriterionError, match="Did you mean 'grating'"):
        JwstFiles.help("gratin")
