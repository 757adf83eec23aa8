"""The resolution of names of objects to positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pytest
import requests
import responses
from astropy.coordinates import SkyCoord
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import InputWarning, InvalidQueryError, RemoteServiceError, ResolverError

from astroquery_mast import Mast, MastClass, MastMissions, Observations
from astroquery_mast.exceptions import BadRequestError, InvalidResponseError, QueryTimeoutError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.service.name_cache import NameCache

RESOLVER = "https://mastresolver.stsci.edu/Santa-war/query"


def entry(name: str, ra: float, resolver: str = "SIMBAD") -> dict[str, object]:
    """Return an entry as the resolver sends it."""
    return {"searchString": name.lower(), "resolver": resolver, "ra": ra, "decl": 10.0, "canonicalName": name}


def test_a_name_has_a_position(mast_sandbox: Sandbox) -> None:
    """One name returns one scalar position."""
    position = Mast.resolve_object("M51")
    assert isinstance(position, SkyCoord)
    assert position.isscalar
    assert position.separation(SkyCoord(202.4696, 47.1952, unit="deg")).arcmin < 1


def test_many_names_are_resolved_in_batches_and_in_order(mast_sandbox: Sandbox) -> None:
    """Several names return a dictionary in the given order, with few requests."""
    names = ["M51", "M101", "M31", "Crab", "47 Tuc"]
    positions = Mast.resolve_object(names)
    assert list(positions) == names
    assert len(mast_sandbox.requests.of("resolver")) == 1


def test_a_list_of_one_is_a_dictionary_like_a_list_of_two(mast_sandbox: Sandbox) -> None:
    """The type of the result depends on the type of the argument, not on the number of names (B35)."""
    assert list(Mast.resolve_object(["M51"])) == ["M51"]
    assert list(Mast.resolve_object(("M51", "M101"))) == ["M51", "M101"]


@pytest.mark.parametrize("name", ["M51", " M51 ", "m51", "M  51", "\tM 51"])
def test_blanks_and_case_do_not_matter(mast_sandbox: Sandbox, name: str) -> None:
    """A name is resolved whatever its spaces and case, alone or among others (B35)."""
    alone = Mast.resolve_object(name)
    among = Mast.resolve_object([name, "M101"])
    assert alone.separation(among[name]).arcsec < 1


def test_an_unknown_name_is_a_resolver_error(mast_sandbox: Sandbox) -> None:
    """A name without a position raises an error with the name in its message."""
    with pytest.raises(ResolverError, match='Could not resolve "nonexistent object 42"'):
        Mast.resolve_object("nonexistent object 42")
    with pytest.raises(ResolverError, match="any of the given"), pytest.warns(InputWarning):
        Mast.resolve_object(["nonexistent 1", "nonexistent 2"])


def test_unknown_names_among_others_are_omitted_with_a_warning(mast_sandbox: Sandbox) -> None:
    """An unknown name does not affect the others."""
    with pytest.warns(InputWarning, match="nonexistent 1"):
        positions = Mast.resolve_object(["M51", "nonexistent 1"])
    assert list(positions) == ["M51"]


@pytest.mark.parametrize("bad", ["", "   ", 42, None])
def test_invalid_names_raise_before_sending(mast_sandbox: Sandbox, bad: object) -> None:
    """A value that is not a name is an InvalidQueryError before anything is sent."""
    with pytest.raises(InvalidQueryError):
        Mast.resolve_object([bad])
    assert len(mast_sandbox.requests) == 0


def test_resolver_can_be_chosen(mast_sandbox: Sandbox) -> None:
    """The chosen resolver is queried and used; an unknown one raises an error."""
    Mast.resolve_object("M51", resolver="ned")
    assert mast_sandbox.requests.of("resolver")[0].query["resolver"] == ["NED"]
    with pytest.raises(ResolverError, match="NED"):
        Mast.resolve_object("M51", resolver="sesame")


def test_resolve_all_returns_every_source(mast_sandbox: Sandbox) -> None:
    """resolve_all returns a dictionary of source → position, nested for several names."""
    sources = Mast.resolve_object("M51", resolve_all=True)
    assert {"NED", "SIMBAD"} <= set(sources)
    nested = Mast.resolve_object(["M51", "M101"], resolve_all=True)
    assert set(nested["M51"]) == set(sources)
    with pytest.warns(InputWarning, match="ignored"):
        assert set(Mast.resolve_object("M51", resolver="NED", resolve_all=True)) == set(sources)


def test_a_position_far_from_the_catalog_warns(mast_sandbox: Sandbox) -> None:
    """For a TIC number, the position of the chosen resolver is compared with the catalog."""
    reply = {"status": "", "resolvedCoordinate": [entry("TIC 1", 10.0, "TIC"), entry("TIC 1", 10.1)]}
    mast_sandbox.faults.add("resolver", Fault.answer(reply))
    with pytest.warns(
        InputWarning,
        match=r"^Resolver SIMBAD returned coordinates that differ from MAST TIC catalog by more than 1 arcsec: by",
    ):
        Mast.resolve_object("TIC 1", resolver="SIMBAD")
    assert mast_sandbox.requests.of("resolver")[0].query["resolver"] == ["SIMBAD", "TIC"]


def test_resolver_goes_over_https_by_the_clients_session() -> None:
    """The resolver is queried over https, by the session with its proxies, and with a timeout (B36)."""
    session = requests.Session()
    session.headers["X-From"] = "here"
    reply = {"status": "", "resolvedCoordinate": [entry("M1", 83.6)]}
    with responses.RequestsMock() as mock:
        mock.get("https://mastresolver.stsci.edu/Santa-war/query", json=reply)
        MastClass(session=session).resolve_object("M1")
        call = mock.calls[0].request
        assert call.headers["X-From"] == "here"
        assert call.req_kwargs["timeout"][0] > 0
        assert call.req_kwargs["timeout"][1] > 0


def test_a_resolver_that_hangs_reaches_the_deadline(mast_sandbox: Sandbox) -> None:
    """``timeout=`` applies to names, too."""
    mast_sandbox.faults.add("resolver", Fault.delay(30), times=None)
    with pytest.raises(QueryTimeoutError):
        Mast.resolve_object("M51", timeout=0.3)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"resolvedCoordinate": [{"searchString": "m51"}]}', b'{"resolvedCoordinate": "x"}']
)
def test_a_malformed_response_is_an_error_of_the_package(mast_sandbox: Sandbox, body: bytes) -> None:
    """Garbage from the resolver is never a KeyError."""
    mast_sandbox.faults.add("resolver", Fault.answer(body), times=None)
    with pytest.raises((RemoteServiceError, ResolverError)):
        Mast.resolve_object("M51")


def test_objectname_is_accepted_with_a_deprecation(mast_sandbox: Sandbox) -> None:
    """The old name of the argument works, with a deprecation warning."""
    with pytest.warns(AstropyDeprecationWarning, match="object_name"):
        assert len(Observations.query_object(objectname="M101", radius="0.05 deg")) > 0
    with pytest.warns(AstropyDeprecationWarning, match="object_name"):
        assert isinstance(Mast.resolve_object(objectname="M101"), SkyCoord)


@pytest.mark.parametrize("name", ["217.326652, -3.44451", "217.326652 -3.44451", " 14:29:18.3965 -3:26:40.236 "])
def test_coordinates_can_be_given_as_a_name(mast_sandbox: Sandbox, name: str) -> None:
    """Coordinates in text can be passed instead of a name, and are not sent to the resolver."""
    for found in (Mast.resolve_object(name), Mast.resolve_object([name])[name]):
        assert found.ra.deg == pytest.approx(217.326652, abs=1e-6)
        assert found.dec.deg == pytest.approx(-3.44451, abs=1e-6)
    assert len(mast_sandbox.requests) == 0


def test_positions_among_names_are_not_sent(mast_sandbox: Sandbox) -> None:
    """Only names that are not positions are sent."""
    found = Mast.resolve_object(["10, 20", "M51"])
    assert list(found) == ["10, 20", "M51"]
    assert found["10, 20"].dec.deg == 20
    assert [record.values("name") for record in mast_sandbox.requests] == [["M51"]]


@pytest.mark.parametrize("name", ["1820-30", "J0613-0200", "47 Nowhere"])
def test_names_with_numbers_are_names(mast_sandbox: Sandbox, name: str) -> None:
    """Names that only look like numbers are sent."""
    with pytest.raises(ResolverError):
        Mast.resolve_object(name)
    assert [record.values("name") for record in mast_sandbox.requests] == [[name]]


def test_a_resolved_name_is_cached() -> None:
    """The result is cached for an hour, for all spellings and clients, but not for failures and other resolvers."""
    entry = {"searchString": "m51", "resolver": "NED", "canonicalName": "MESSIER 051", "ra": 202.47, "decl": 47.195}
    with responses.RequestsMock() as mock:
        found = mock.get("https://mastresolver.stsci.edu/Santa-war/query", json={"resolvedCoordinate": [entry]})
        first = Mast.resolve_object("M51")
        assert Mast.resolve_object(" m51 ").separation(first).arcsec == 0
        assert MastClass().resolve_object("M51").separation(first).arcsec == 0
        assert found.call_count == 1
        Mast.resolve_object("M51", resolver="NED")
        assert found.call_count == 2
        mock.replace("GET", "https://mastresolver.stsci.edu/Santa-war/query", json={"resolvedCoordinate": []})
        for _ in range(2):
            with pytest.raises(ResolverError):
                Mast.resolve_object("no such object")
        assert len(mock.calls) == 4


def test_a_sandbox_is_queried_every_time(mast_sandbox: Sandbox) -> None:
    """A user of the sandbox expects to see all requests and faults."""
    mast_sandbox.requests.clear()
    for _ in range(2):
        Mast.resolve_object("M51")
    assert len(mast_sandbox.requests.of("resolver")) == 2


def test_cached_names_expire_and_are_limited() -> None:
    """A cached result expires, and the oldest is removed if there are too many."""
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return name

    ended, small = NameCache(seconds=0), NameCache(most=2)
    for name in "aa":
        assert ended.get(name, partial(ask, name)) == name
    assert asked == ["a", "a"]
    for name in "abca":
        small.get(name, partial(ask, name))
    assert "".join(asked) == "aaabca"


# -- when something is wrong ---------------------------------------------------------------------------------------


def positions_at(ra: object, dec: object) -> Fault:
    """Let the resolver return this position for all names."""

    def bend(answer: dict[str, Any]) -> dict[str, Any]:
        entries = [{**each, "ra": ra, "decl": dec} for each in answer["resolvedCoordinate"]]
        return {**answer, "resolvedCoordinate": entries}

    return Fault.edit(bend)


@pytest.mark.parametrize("place", [(10, 95), (None, 1), (float("nan"), 1)], ids=str)
def test_an_impossible_position_raises_no_value_error(mast_sandbox: Sandbox, place: tuple[object, object]) -> None:
    """A declination of 95, null or NaN is an invalid response, for one name and for several."""
    mast_sandbox.faults.add("resolver", positions_at(*place), times=None)
    with pytest.raises(InvalidResponseError, match="position"):
        Observations.query_object("M51")
    with pytest.raises(InvalidResponseError, match="position"):
        Mast.resolve_object(["M51", "M101"])


def test_an_impossible_position_is_not_cached() -> None:
    """After an invalid response, the name is requested again."""
    odd = {"resolvedCoordinate": [{**entry("M51", 202.5), "decl": 95}]}
    with responses.RequestsMock() as mock:
        mock.get(RESOLVER, json=odd)
        with pytest.raises(InvalidResponseError):
            Mast.resolve_object("M51")
        mock.replace("GET", RESOLVER, json={"resolvedCoordinate": [entry("M51", 202.5)]})
        assert Mast.resolve_object("M51").ra.deg == pytest.approx(202.5)


@pytest.mark.parametrize("endpoint", ["resolver", "whoami", "path_lookup"])
def test_garbage_is_requested_again(mast_sandbox: Sandbox, endpoint: str) -> None:
    """An HTML page from a proxy leads to a second request, and the call succeeds."""
    Observations.login(mast_sandbox.token)
    mast_sandbox.requests.clear()
    mast_sandbox.faults.add(endpoint, Fault.garbage())
    calls: dict[str, Callable[[], object]] = {
        "resolver": lambda: Mast.resolve_object("M51"),
        "whoami": lambda: Mast.session_info(verbose=False),
        "path_lookup": lambda: Observations.get_cloud_uris(["mast:HST/product/x.fits"], verbose=False),
    }
    calls[endpoint]()
    assert len(mast_sandbox.requests.of(endpoint)) == 2


def test_a_failed_batch_affects_only_its_names(mast_sandbox: Sandbox) -> None:
    """Of 62 names in three requests, those of two are resolved, and one warning lists the others."""
    names = [f"unknown {number}" for number in range(30)] + [f"dark {number}" for number in range(30)] + ["M51", "M101"]
    mast_sandbox.faults.add("resolver", Fault.status(400), where=lambda record: "dark 0" in record.values("name"))
    with pytest.warns(InputWarning, match="60 of 62 object names") as caught:
        assert list(Mast.resolve_object(names)) == ["M51", "M101"]
    assert len(caught) == 1
    assert "... and 50 more." in str(caught[0].message)
    mast_sandbox.faults.add("resolver", Fault.status(400), times=None)
    with pytest.raises(BadRequestError, match="HTTP 400"):
        Mast.resolve_object(["M51", "M101"])


def test_missing_names_among_others_are_omitted(mast_sandbox: Sandbox) -> None:
    """None, blanks and masked cells are counted, as in query_object; bytes are names."""
    with pytest.warns(InputWarning, match="3 of 4 object names have no position: 3 are missing"):
        assert list(Mast.resolve_object([b"M51", None, "", np.ma.masked])) == ["M51"]
    assert Mast.resolve_object(b"M51").isscalar


@pytest.mark.parametrize("bad", [None, 5, {"M51": 1}])
def test_values_that_are_neither_names_nor_lists_raise(bad: object) -> None:
    """An invalid argument is an InvalidQueryError."""
    with pytest.raises(InvalidQueryError, match=r"^All object names must be strings"):
        Mast.resolve_object(bad)


@pytest.mark.parametrize(
    "names",
    [{"M51", "M101"}, (name for name in ["M51", "M101"]), {"M51": 1, "M101": 2}.keys()],
    ids=["set", "gen", "keys"],
)
def test_any_iterable_of_names_is_accepted(mast_sandbox: Sandbox, names: Iterable[str]) -> None:
    """Queries accept sets, generators and views, as resolve_object does."""
    table = Observations.query_object_count(names, radius=0.01)
    assert sorted(table["target"]) == ["M101", "M51"]


# -- resolver= without a name --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where", [{}, {"coordinates": "10 20"}, {"coordinates": ["10 20", "11 21"]}, {"region": "CIRCLE 10 20 1"}], ids=str
)
def test_a_resolver_without_a_name_is_checked_and_warns(mast_sandbox: Sandbox, where: dict[str, object]) -> None:
    """An invalid resolver raises an error in any case, and a valid one warns if it has no effect."""
    with pytest.raises(ResolverError, match="Invalid resolver 'nonsense'"):
        Observations.query_criteria_count(obs_collection="HST", resolver="nonsense", **where)
    with pytest.warns(InputWarning, match=r"^Resolver is only used when resolving object names and will be ignored"):
        Observations.query_criteria_count(obs_collection="HST", resolver="NED", **where)
    with pytest.raises(InvalidQueryError, match="resolver must be"):
        Observations.query_criteria_count(obs_collection="HST", resolver=5, **where)


def test_mission_searches_check_the_resolver(mast_sandbox: Sandbox) -> None:
    """The mission search has the argument, too."""
    with pytest.warns(InputWarning, match=r"^Resolver is only used when resolving object names and will be ignored"):
        MastMissions.query_criteria(coordinates="202.47 47.2", resolver="NED", count_only=True)
    with pytest.raises(ResolverError):
        MastMissions.query_criteria(sci_instrume="ACS", resolver="nonsense", count_only=True)


def test_a_name_in_place_of_coordinates_is_resolved_by_the_resolver(mast_sandbox: Sandbox) -> None:
    """Text that is not a position is a name, for which the resolver is used."""
    Observations.query_criteria_count(coordinates="M51", obs_collection="HST", resolver="NED")
    assert mast_sandbox.requests.of("resolver")[0].query["resolver"] == ["NED"]
