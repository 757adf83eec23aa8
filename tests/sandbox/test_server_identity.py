"""Tokens and target names over HTTP."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Sandbox

ANONYMOUS = {
    "anon": True,
    "eppn": "",
    "ezid": "anonymous",
    "scopes": [],
    "session": None,
    "token": None,
    "attrib": {},
}


def resolve(box: Sandbox, web: requests.Session, *names: str, **more: str) -> list[dict[str, object]]:
    """Return the entries of the resolver's JSON response."""
    asked = {"name": names, "outputFormat": "json", **more}
    answer = web.get(f"{box.url}/Santa-war/query", params=asked, timeout=30).json()
    assert answer["status"] == ""
    entries: list[dict[str, object]] = answer["resolvedCoordinate"]
    return entries


def test_tokens_look_like_tokens(box: Sandbox) -> None:
    """The three tokens have 32 letters and digits, and differ."""
    tokens = {box.token, box.outsider_token, box.expired_token}
    assert len(tokens) == 3
    assert all(len(token) == 32 and token.isalnum() for token in tokens)


@pytest.mark.parametrize("scheme", ["token", "Bearer", "cookie"])
def test_whoami_knows_the_owner_of_a_token(box: Sandbox, web: requests.Session, scheme: str) -> None:
    """A valid token identifies its user however it is sent, and is not returned in full."""
    header = {"Cookie": f"mast_token={box.token}"} if scheme == "cookie" else {"Authorization": f"{scheme} {box.token}"}
    user = web.get(f"{box.url}/whoami", headers=header, timeout=30).json()
    assert set(user) == set(ANONYMOUS)
    assert user["anon"] is False
    assert user["scopes"] == ["mast:user:info", "mast:exclusive_access"]
    assert user["attrib"]["internal"] == "0"
    assert box.token not in str(user) and box.token.startswith(user["token"].removesuffix("..."))


def test_whoami_outsider_lacks_the_scope(box: Sandbox, web: requests.Session) -> None:
    """A user without exclusive access has an account, but not the scope."""
    header = {"Authorization": f"token {box.outsider_token}"}
    user = web.get(f"{box.url}/whoami", headers=header, timeout=30).json()
    assert (user["anon"], user["scopes"]) == (False, ["mast:user:info"])


@pytest.mark.parametrize("authorization", [None, "token nonsense", "token", "Basic abc", "expired"])
def test_whoami_without_a_valid_token(box: Sandbox, web: requests.Session, authorization: str | None) -> None:
    """A missing, unknown, or expired token is not an HTTP error, but an anonymous user."""
    header = authorization.replace("expired", f"token {box.expired_token}") if authorization else None
    answer = web.get(f"{box.url}/whoami", headers={"Authorization": header} if header else {}, timeout=30)
    assert (answer.status_code, answer.json()) == (200, ANONYMOUS)


def test_names_are_resolved_in_order(box: Sandbox, web: requests.Session) -> None:
    """Several names are resolved in order, each by the first resolver; unknown ones have no entry."""
    found = resolve(box, web, "M101", "no such thing", "m8")
    assert [entry["searchString"] for entry in found] == ["m101", "m8"]
    for entry in found:
        assert {"resolver", "cached", "resolverTime", "searchRadius", "canonicalName", "ra", "decl"} <= set(entry)


def test_all_resolvers_or_the_chosen_ones(box: Sandbox, web: requests.Session) -> None:
    """With resolveAll every resolver is used, in the archive's order; otherwise only the selected one."""
    known = [str(entry["resolver"]) for entry in box.archive.resolve("M101")]
    assert [entry["resolver"] for entry in resolve(box, web, "M101", resolveAll="True")] == known
    assert len(known) > 1
    assert [entry["resolver"] for entry in resolve(box, web, "M101", resolver=known[1].lower())] == known[1:2]
    assert resolve(box, web, "M101", resolver="nobody") == []


def test_xml_is_the_default(box: Sandbox, web: requests.Session) -> None:
    """By default the resolver returns XML with the same names and positions."""
    answer = web.get(f"{box.url}/Santa-war/query", params={"name": "M101"}, timeout=30)
    (entry,) = ElementTree.fromstring(answer.content)
    (expected,) = resolve(box, web, "M101")
    assert entry.findtext("canonicalName") == expected["canonicalName"]
    assert float(entry.findtext("ra") or "nan") == expected["ra"]


@pytest.mark.parametrize(
    ("params", "form"), [({"input": "M101", "format": "json"}, "json"), ({"input": "M101"}, "xml")]
)
def test_name_lookup_by_mashup(box: Sandbox, web: requests.Session, params: dict[str, str], form: str) -> None:
    """Mast.Name.Lookup returns the body of the resolver; its format is a parameter."""
    request = json.dumps({"service": "Mast.Name.Lookup", "params": params})
    answer = web.post(f"{box.url}/api/v0/invoke", data={"request": request}, timeout=30)
    if form == "json":
        assert answer.json() == {"resolvedCoordinate": resolve(box, web, "M101"), "status": ""}
    else:
        assert ElementTree.fromstring(answer.content).tag == "resolvedItems"
