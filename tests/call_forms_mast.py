"""Calls about tokens, names and any service in the documentation of ``astroquery.mast`` (mast, mast_mastquery)."""

from __future__ import annotations

from typing import Any

from astropy.coordinates import SkyCoord
from astroquery.exceptions import InputWarning, LoginError, RemoteServiceError
from call_forms_checks import Form, at, between, equals, exactly, form, holds, table

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.identity import TOKEN

CONE = {"ra": 202.4696, "dec": 47.1952, "radius": 0.2}
STARS = {
    "dec": {"min": -90, "max": -30},
    "Teff": {"min": 3250, "max": 4500},
    "logg": {"min": 4.5, "max": 5.0},
    "Tmag": {"min": 8, "max": 12},
}
LISTED = {name: [value] for name, value in STARS.items()}


def _resolved(*names: str) -> Any:
    def check(found: Any) -> None:
        assert type(found) is dict
        assert tuple(found) == names
        assert all(isinstance(position, SkyCoord) and position.isscalar for position in found.values())

    return check


def _of_all_resolvers(found: Any) -> None:
    assert tuple(found) == ("M101", "M51")
    assert {len(positions) for positions in found.values()} == {2}
    for positions in found.values():
        assert {"NED", "SIMBAD"} == set(positions)
        assert positions["NED"].separation(positions["SIMBAD"]).arcsec < 60


def _session_of(m: Any) -> Any:
    session = m.Observations.login(token=TOKEN)
    info = m.Observations.session_info()
    m.Observations.logout()
    return session, info, m.Observations.authenticated()


ACCOUNT: dict[str, Form] = {
    "login, session_info, logout": form(
        _session_of,
        holds(lambda found: found[0] is True and found[2] is False),
        holds(lambda found: {"eppn", "ezid", "anon", "scopes"} <= set(found[1]) and not found[1]["anon"]),
        holds(lambda found: TOKEN not in str(found[1])),
    ),
    "login, wrong token": form(
        lambda m: m.Observations.login(token="12348r9w0sa2392ff94as841"), raises=(LoginError, "does not accept")
    ),
    "mast_token of a new client": form(
        lambda m: m.Observations(mast_token=TOKEN).session_info(verbose=False), holds(lambda found: not found["anon"])
    ),
    "a token by position": form(lambda m: m.ObservationsClass(TOKEN).authenticated(), equals(True)),
    "login, store_token": form(lambda m: m.Mast.login(TOKEN, store_token=True), equals(True)),
    "login, reenter_token, nobody to ask": form(
        lambda m: m.Observations.login(reenter_token=True), raises=(LoginError, "token")
    ),
}

NAMES: dict[str, Form] = {
    "resolve_object, resolver": form(
        lambda m: m.Mast().resolve_object("M101", resolver="NED"), at(210.80261, 54.34889)
    ),
    "resolve_object, several": form(
        lambda m: m.Mast().resolve_object(["M101", "M51"], resolver="SIMBAD"), _resolved("M101", "M51")
    ),
    "resolve_object, resolve_all": form(
        lambda m: m.Mast().resolve_object("M101", resolve_all=True), _resolved("SIMBAD", "NED")
    ),
    "resolve_object, several, resolve_all": form(
        lambda m: m.Mast().resolve_object(["M101", "M51"], resolve_all=True), _of_all_resolvers
    ),
    "resolve_object, TIC, resolve_all": form(
        lambda m: m.Mast().resolve_object("TIC 261136679", resolve_all=True),
        holds(lambda found: next(iter(found)) == "TIC"),
        holds(lambda found: abs(found["TIC"].ra.deg - 84.291187) < 1e-4),
    ),
}

# The response for a service that the sandbox does not have is the example of the protocol: one row is a file.
NIRSPEC = {
    "status": "COMPLETE",
    "msg": "",
    "fields": [
        {"name": "filename", "type": "string"},
        {"name": "targoopp", "type": "string"},
        {"name": "productLevel", "type": "string"},
        {"name": "duration", "type": "float"},
    ],
    "data": [{"filename": "jw05324004001_nrs2_rate.fits", "targoopp": "t", "productLevel": "2a", "duration": 816.978}],
    "paging": {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": 1, "rowsFiltered": 1, "rowsTotal": 1},
}


def nirspec(archive: Sandbox) -> None:
    """Prepare a sandbox for the forms of a service that it does not have."""
    archive.faults.add(
        "invoke", Fault.answer(NIRSPEC), times=None, where=lambda record: "Nirspec" in str(record.mashup)
    )


def _asked(m: Any, **arguments: Any) -> Any:
    """Return the request and the response."""
    sent = m.Mast.mast_query("Mast.Jwst.Filtered.Nirspec", **arguments, get_query_payload=True)
    return sent["params"], m.Mast.mast_query("Mast.Jwst.Filtered.Nirspec", **arguments)


SERVICES: dict[str, Form] = {
    "mast_query, filters of three kinds": form(
        lambda m: _asked(
            m,
            targoopp="T",
            productLevel=["2a", "2b"],
            duration={"min": 810, "max": 820},
            columns=["filename", "targoopp", "productLevel", "duration"],
        ),
        holds(lambda found: found[0]["columns"] == "filename,targoopp,productLevel,duration"),
        holds(
            lambda found: (
                found[0]["filters"]
                == [
                    {"paramName": "targoopp", "values": ["T"]},
                    {"paramName": "productLevel", "values": ["2a", "2b"]},
                    {"paramName": "duration", "values": [{"min": 810, "max": 820}]},
                ]
            )
        ),
        holds(lambda found: found[1]["duration"].tolist() == [816.978]),
    ),
    "mast_query, columns as text": form(
        lambda m: _asked(m, columns="title, instrume, targname", targoopp=["T"]),
        holds(lambda found: found[0]["columns"].replace(" ", "") == "title,instrume,targname"),
        holds(lambda found: found[0]["filters"] == [{"paramName": "targoopp", "values": ["T"]}]),
        holds(lambda found: len(found[1]) == 1),
    ),
    "mast_query, ranges": form(
        lambda m: m.Mast.mast_query("Mast.Catalogs.Filtered.Tic.Rows", columns="id", **STARS),
        table("ID"),
        exactly("ID"),
    ),
    "mast_query, ranges in lists": form(
        lambda m: m.Mast.mast_query("Mast.Catalogs.Filtered.Tic.Rows", columns="ID,dec,Teff,logg,Tmag", **LISTED),
        table("ID"),
        between("dec", -90, -30),
        between("Teff", 3250, 4500),
        between("logg", 4.5, 5.0),
        between("Tmag", 8, 12),
    ),
    "mast_query, a count of rows": form(
        lambda m: m.Mast.mast_query("Mast.Catalogs.Filtered.Tic.Rows", columns="COUNT_BIG(*)", **LISTED),
        raises=(RemoteServiceError, "Incorrect syntax near"),
    ),
    "mast_query, a count": form(
        lambda m: (
            m.Mast.mast_query("Mast.Catalogs.Filtered.Tic", columns="COUNT_BIG(*)", **LISTED),
            m.Mast.mast_query("Mast.Catalogs.Filtered.Tic.Rows", columns="ID", **LISTED),
        ),
        holds(lambda found: int(found[0][0][0]) == len(found[1]) > 0),
    ),
    "mast_query, cone": form(
        lambda m: m.Mast.mast_query("Mast.Caom.Cone", ra=202.4696, dec=47.1952, radius=0.2),
        table("intentType", "obs_collection", "provenance_name", "obsid", "distance"),
    ),
    "mast_query, cone without a position": form(
        lambda m: m.Mast.mast_query(
            "Mast.Caom.Cone", columns="ra", Teff=[{"min": 4250, "max": 4500}], logg=[{"min": 4.5, "max": 5.0}]
        ),
        raises=(RemoteServiceError, "ra"),
        warns=(InputWarning, "columns"),
    ),
    "mast_query, columns of a cone": form(
        lambda m: m.Mast.mast_query("Mast.Catalogs.GaiaDR1.Cone", columns="ra", ra=202.4696, dec=47.1952, radius=0.02),
        table("source_id", "ra", "dec"),
        warns=(InputWarning, "columns"),
    ),
    "service_request": form(
        lambda m: (m.Mast.service_request("Mast.Caom.Cone", CONE), m.Observations.query_region("202.4696 47.1952")),
        holds(lambda found: found[0]["obsid"].tolist() == found[1]["obsid"].tolist()),
        holds(lambda found: found[0].colnames == found[1].colnames),
    ),
    "service_request, wrong parameters": form(
        lambda m: m.Mast.service_request("Mast.Caom.Cone", {"columns": "*", "filters": {}}),
        raises=(RemoteServiceError, "(?i)ra"),
    ),
    "service_request_async, names": form(
        lambda m: m.Mast.service_request_async("Mast.Name.Lookup", {"input": "M8", "format": "json"})[0].json(),
        holds(lambda found: found["status"] == ""),
        holds(lambda found: abs(found["resolvedCoordinate"][0]["ra"] - 270.904) < 0.1),
        holds(
            lambda found: {"canonicalName", "decl", "resolver", "searchString"} <= set(found["resolvedCoordinate"][0])
        ),
    ),
}
