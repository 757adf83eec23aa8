"""The advice after a refusal depends on whether a file or a query was refused."""

from __future__ import annotations

import pytest
from astroquery.exceptions import LoginError

from astroquery_mast import Catalogs, Mast, Observations
from astroquery_mast.config import Endpoints
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service import token as auth


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_query_is_not_called_exclusive(mast_sandbox: Sandbox, status: int) -> None:
    """The refusal may be that of a firewall, whose message is quoted, without advice to contact an investigator."""
    mast_sandbox.faults.add("invoke", Fault.status(status, body=b"blocked by policy 7"), times=None)
    with pytest.raises(LoginError, match=r"blocked by policy 7.*firewall") as caught:
        Observations.query_criteria(obs_collection="HST")
    assert "data are exclusive" not in str(caught.value)
    assert ("log in with a token" in str(caught.value)) is (status == 401)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_query_with_a_valid_token_has_no_advice(mast_sandbox: Sandbox, status: int) -> None:
    """With a valid token, there is no advice to renew it."""
    Observations.login(mast_sandbox.token)
    mast_sandbox.faults.add("invoke", Fault.status(status), times=None)
    with pytest.raises(LoginError, match=r"proxy on the way to it\.$"):
        Observations.query_criteria(obs_collection="HST")


def test_an_expired_token_is_to_be_renewed(mast_sandbox: Sandbox) -> None:
    """An expired token may be the reason, for queries as well."""
    auth.SHARED.keep(mast_sandbox.expired_token)
    mast_sandbox.faults.add("invoke", Fault.status(401), times=None)
    with pytest.raises(LoginError, match="tokens expire after 10 days without use, or 60 days after creation"):
        Observations.query_criteria(obs_collection="HST")


def test_a_refusal_by_the_resolver_has_no_advice_about_tokens(mast_sandbox: Sandbox) -> None:
    """Servers that never get a token may be refused by a firewall."""
    mast_sandbox.faults.add("resolver", Fault.status(403), times=None)
    with pytest.raises(LoginError, match="firewall"):
        Mast.resolve_object("M51")
    mast_sandbox.faults.add("invoke", Fault.status(403), times=None)
    with pytest.raises(LoginError, match="firewall"):
        Catalogs.query_region("10 20", catalog="TIC")


@pytest.mark.parametrize(
    "address",
    ["/api/v0.1/Download/file?uri=x", "/api/v0.1/Download/bundle.zip", "/search/hst/api/v0.1/retrieve_product"],
)
def test_refused_files_are_called_exclusive(address: str) -> None:
    """For files, the advice is about access to data, as before."""
    endpoints = Endpoints("https://mast.stsci.edu")
    url = f"{endpoints.server}{address}"
    assert "data are exclusive" in auth.refusal_advice(url, auth.Credentials(), endpoints, None, 401)
    token = auth.Credentials("x")
    assert "principal investigator" in auth.refusal_advice(url, token, endpoints, {"anon": False}, 403)
