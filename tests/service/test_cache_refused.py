"""Incomplete responses are not cached, and untrusted cache files are not used."""

from __future__ import annotations

import itertools
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astroquery.exceptions import RemoteServiceError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kept_answers import ACS, GALEX, KINDS, Kind, asked, kept, same

from astroquery_mast import MastClass, MastMissionsClass, ObservationsClass, conf
from astroquery_mast.sandbox import Fault, Sandbox

Maker = Callable[[type[MastClass]], Any]

# -- not kept --------------------------------------------------------------------------------------------------------


def lose_a_row(document: dict[str, Any]) -> dict[str, Any]:
    """Remove a row without changing the rest of the document."""
    rows = next(name for name in ("data", "results") if name in document)
    paging = {"paging": {**document["paging"], "rows": document["paging"]["rows"] - 1}} if rows == "data" else {}
    return {**document, rows: document[rows][:-1], **paging}


def no_total(document: dict[str, Any]) -> dict[str, Any]:
    """Remove the total number of rows."""
    return {**document, "totalResults": None}


EVERYWHERE = [Fault.garbage(), Fault.truncate_json(), Fault.status(500), Fault.reset()]
SOMEWHERE = {
    "observations": [Fault.error("Out of order."), Fault.edit(lose_a_row)],
    "Mashup catalog": [Fault.error("Out of order.")],
    "Catalogs.MAST": [Fault.answer('{"status": "EXECUTING"}')],
    "mission": [
        Fault.answer('{"status": "ERROR", "msg": "no"}'),
        Fault.answer('{"status": "EXECUTING"}'),
        Fault.edit(lose_a_row),
    ],
}
FAILURES = [
    pytest.param(KINDS[name], fault, id=f"{name}: {fault!r}")
    for name, faults in SOMEWHERE.items()
    for fault in EVERYWHERE + faults
]


@pytest.mark.parametrize(("kind", "fault"), [*FAILURES, (KINDS["mission"], Fault.edit(no_total))])
def test_a_failure_is_not_cached(mast_sandbox: Sandbox, kind: Kind, fault: Fault, keeping: MastClass) -> None:
    """A failed or incomplete response is not cached."""
    mast_sandbox.faults.add(kind.endpoint, fault, times=None)
    with pytest.raises(RemoteServiceError):
        kind.ask(keeping)
    assert kept(keeping) == []
    mast_sandbox.faults.clear()
    assert len(kind.ask(keeping)) > 0
    assert len(kept(keeping)) == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [*FAILURES, (KINDS["mission"], Fault.edit(lambda found: no_total(lose_a_row(found))))],
)
def test_a_failure_of_a_later_page_is_not_cached(
    mast_sandbox: Sandbox, kind: Kind, fault: Fault, keeping: MastClass
) -> None:
    """The pages before a failed one are not cached, either."""
    numbers = itertools.count(1)
    mast_sandbox.faults.add(
        kind.endpoint,
        fault,
        times=None,
        where=lambda record: not record.path.endswith("metadata.json") and next(numbers) > 2,
    )
    with conf.set_temp("pagesize", kind.pagesize), pytest.raises(RemoteServiceError):
        kind.ask(keeping)
    assert asked(mast_sandbox) > 2
    assert kept(keeping) == []


def test_possibly_incomplete_responses_are_not_cached(mast_sandbox: Sandbox, in_folder: Maker) -> None:
    """Without a count of rows, it is unknown whether the response is complete."""
    client = in_folder(MastMissionsClass)
    with conf.set_temp("cache", True):
        for _ in range(2):
            assert len(client.query_region("202.4696 47.1953", radius=2, skip_count=True)) > 0
        assert asked(mast_sandbox) == 2
        mast_sandbox.faults.add("mission_search", Fault.edit(no_total))
        client.query_criteria_async(**{**ACS, "limit": 5000})
    assert kept(client) == []


def test_a_stream_that_is_closed_early_is_not_cached(mast_sandbox: Sandbox, observations: Any) -> None:
    """A response that was not read to its end is not known to be complete."""
    tables = observations.query_criteria_iter(**GALEX, pagesize=50)
    next(tables)
    assert len(kept(observations)) == 1
    tables.close()
    assert kept(observations) == []


STAGED = {
    "urlList": "https://hla.stsci.edu/cgi-bin/ecfproxy?file_id=a.fits",
    "filename": "spectra",
    "pathList": "a.fits",
    "descriptionList": [""],
    "productTypeList": ["spectrum"],
    "extension": "curl",
}


@pytest.mark.parametrize(
    ("service", "params", "how"),
    [("Mast.Bundle.Request", STAGED, {}), ("Mast.Missions.List", {}, {"format": "csv"})],
    ids=["staged file", "csv"],
)
def test_responses_without_a_table_are_not_cached(
    mast_sandbox: Sandbox, in_folder: Maker, service: str, params: dict[str, Any], how: dict[str, str]
) -> None:
    """A staged file is an action of MAST; in csv, it is unknown whether MAST has finished."""
    client = in_folder(MastClass)
    for _ in range(2):
        client.service_request_async(service, params, **how, cache=True)
    assert asked(mast_sandbox) == 2
    assert kept(client) == []


def test_nothing_is_cached_if_the_token_owner_is_unknown(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """If the owner of the token is unknown, the cache is neither read nor written."""
    client = ObservationsClass(mast_sandbox.token)
    client.cache_location = tmp_path
    client._service.login.credentials.keep(mast_sandbox.token)
    for _ in range(2):
        client.query_criteria(**GALEX, cache=True)
    assert asked(mast_sandbox) == 2
    assert kept(client) == []


def test_nothing_is_cached_if_the_user_changes(mast_sandbox: Sandbox, observations: Any) -> None:
    """A page may have been requested with the new token."""
    tables = observations.query_criteria_iter(**GALEX, pagesize=100)
    next(tables)
    observations.login(mast_sandbox.token)
    assert len(list(tables)) == 2
    observations.logout()
    assert kept(observations) == []


# -- not believed ----------------------------------------------------------------------------------------------------

Change = Callable[[Path, pytest.MonkeyPatch], None]


def cut(size: int) -> Change:
    """Keep only the first bytes."""
    return lambda path, _: (path.write_bytes(path.read_bytes()[:size]), None)[1]


def damage(place: float) -> Change:
    """Change bytes in the middle."""

    def change(path: Path, _: pytest.MonkeyPatch) -> None:
        content = bytearray(path.read_bytes())
        at = int(len(content) * place)
        content[at : at + 40] = bytes(byte ^ 0x5A for byte in content[at : at + 40])
        path.write_bytes(content)

    return change


def replace(name: str, content: str | None) -> Change:
    """Write a valid file in which a member is different or missing."""

    def change(path: Path, _: pytest.MonkeyPatch) -> None:
        with zipfile.ZipFile(path) as archive:
            members: dict[str, Any] = {each: archive.read(each) for each in archive.namelist()}
        assert name in members
        members[name] = content
        with zipfile.ZipFile(path, "w") as archive:
            for each, text in members.items():
                if text is not None:
                    archive.writestr(each, text)

    return change


def dated(years: float) -> Change:
    """Change the time of a file, as by a wrong clock."""
    later = time.time() + years * 365 * 86400
    return lambda path, _: os.utime(path, (later, later))


def given_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the owner of a file."""
    if not hasattr(os, "geteuid"):
        pytest.skip("files have no owners there")
    user = os.geteuid()
    if user == 0:
        os.chown(path, 65534, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user + 1)


ABOUTS = [
    "[]",
    "null",
    "5",
    '"text"',
    '{"time": "t", "pages": null, "total": null}',
    '{"time": "t", "pages": [1], "total": null}',
    '{"time": "t", "pages": 1e999, "total": null}',
    '{"time": "t", "pages": 1000000000, "total": null}',
    '{"time": "t", "pages": 1.5, "total": null}',
    "[" * 100_000,
]


BROKEN: dict[str, Change] = {
    **{f"cut at {size}": cut(size) for size in (0, 1, 100, -30)},
    **{f"damaged at {place}": damage(place) for place in (0.1, 0.3, 0.5, 0.7, 0.9)},
    **{f"without {name}": replace(name, None) for name in ("0", "1", "2", "answer.json")},
}
STRANGE: dict[str, Change] = {
    **{f"about: {about[:45]}": replace("answer.json", about) for about in ABOUTS},
    "still in the making": replace("0", '{"status": "EXECUTING"}'),
    "of the future": dated(10),
    "of the near future": dated(0.01),
    "of another user": given_away,
}


@pytest.mark.parametrize("how", BROKEN)
def test_damaged_cache_files_are_ignored(
    mast_sandbox: Sandbox, kind: Kind, keeping: MastClass, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Damage anywhere, also on a later page, makes the file unused, and the file is replaced."""
    with conf.set_temp("pagesize", kind.pagesize):
        whole = kind.ask(keeping)
        (path,) = kept(keeping)
        BROKEN[how](path, monkeypatch)
        sent = asked(mast_sandbox)
        assert same(whole, kind.ask(keeping))
        assert asked(mast_sandbox) == sent > 2
        assert same(whole, kind.ask(keeping))
        assert asked(mast_sandbox) == 0


@pytest.mark.parametrize("how", STRANGE)
def test_untrusted_cache_files_are_ignored(
    mast_sandbox: Sandbox, observations: ObservationsClass, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """After foreign files, wrong clocks and unfinished responses, the request is sent again."""
    whole = observations.query_criteria(**GALEX)
    (path,) = kept(observations)
    STRANGE[how](path, monkeypatch)
    mast_sandbox.requests.clear()
    assert same(whole, observations.query_criteria(**GALEX))
    assert asked(mast_sandbox) == 1


@given(place=st.integers(0, 100_000), change=st.binary(min_size=1, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_leads_to_the_right_rows(
    mast_sandbox: Sandbox, observations: ObservationsClass, place: int, change: bytes
) -> None:
    """Changed bytes anywhere in a cached file never lead to other rows, or to an exception."""
    observations.query_criteria(**GALEX)
    (path,) = kept(observations)
    content = bytearray(path.read_bytes())
    start = place % len(content)
    content[start : start + len(change)] = change
    path.write_bytes(bytes(content))
    assert len(observations.query_criteria(**GALEX)) == 248
