"""Catalogs, missions, cutouts, tokens and names in published code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, NoResultsWarning
from call_forms_checks import (
    OLD_NAME,
    Form,
    all_of,
    all_same,
    at,
    between,
    cutouts,
    each,
    equals,
    exactly,
    fetched,
    form,
    holds,
    is_count,
    rising,
    table,
)
from call_forms_cutouts import PRODUCT

from astroquery_mast.sandbox.identity import TOKEN

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
STAR = 261136679
PLACE = SkyCoord(107.18696, -70.50919, unit="deg")
# The positions of columns in the TESS Input Catalog, in code that does not use their names.
PLACES = {
    13: "ra",
    14: "dec",
    60: "Tmag",
    64: "Teff",
    65: "e_Teff",
    66: "logg",
    70: "rad",
    71: "e_rad",
    72: "mass",
    73: "e_mass",
}
_FILTERED = {"columns": "*", "filters": [{"paramName": "ID", "values": [str(STAR)]}]}
READ = (
    "ra dec ID Tmag Teff rad mass logg GAIA GAIAmag plx e_Teff rho e_rho lum Vmag Jmag Hmag Kmag gaiabp gaiarp ebv KIC "
    "objType contratio d disposition duplicate_id"
)


def _star(m: Any) -> Any:
    return m.Catalogs.query_object(f"TIC {STAR}", radius="20s", catalog="TIC")


def _read_star(found: Any) -> None:
    """Check the values of a star that code reads."""
    row = found[0]
    assert {place: found.colnames[place] for place in PLACES} == PLACES
    assert [float(found.as_array()[0][place]) for place in (13, 14, 64, 70, 72)] == [
        float(row[name]) for name in ("ra", "dec", "Teff", "rad", "mass")
    ]
    assert set(READ.split()) <= set(found.colnames)
    assert int(row["ID"]) == STAR
    assert np.where(found["ID"] == str(STAR))[0].tolist() == [0]
    assert found["ID"].data.data[0] == str(STAR)
    assert float(found["Tmag"].data.data[0]) > 0
    assert np.isnan(row["Teff"]) in (False, np.False_)
    assert isinstance(row["duplicate_id"], np.ma.core.MaskedConstant)
    assert list(found[0][["ra", "dec"]].values()) == [row["ra"], row["dec"]]
    assert np.argmin(found["dstArcSec"]) == 0


def _stars_by_number(m: Any) -> Any:
    numbers = m.Catalogs.query_object("M51", radius=0.1, catalog="TIC")["ID"].tolist()
    many = [numbers, [int(number) for number in numbers], np.array(numbers), np.array(numbers, dtype=np.int64)]
    return [m.Catalogs.query_criteria(catalog="Tic", ID=each) for each in many]


def _by_gaia(m: Any) -> Any:
    known = m.Catalogs.query_object("M51", radius=0.1, catalog="TIC")
    wanted = [number for number in known["GAIA"].tolist() if number][:5]
    return wanted, m.Catalogs.query_criteria(catalog="TIC", GAIA=wanted)


CATALOGS: dict[str, Form] = {
    "query_object, a star": form(_star, table("ID", "dstArcSec"), _read_star),
    "query_object, names of a star": form(
        lambda m: [
            m.Catalogs.query_object(name, catalog=catalog, radius=radius)
            for name, catalog, radius in (
                (f"TIC {STAR}", "TIC", 0.02),
                (f"TIC{STAR}", "Tic", "0.02 deg"),
                ("pi Men", "tic", 72 * u.arcsec),
                ("84.291187 -80.469125", "TIC", "72s"),
            )
        ],
        all_same,
    ),
    "query_object, a version": form(
        lambda m: m.Catalogs.query_object("M51", catalog="Gaia", version=2, radius=0.05),
        each("designation", lambda name: name.startswith("Gaia DR2")),
    ),
    "query_criteria, one number": form(
        lambda m: [
            m.Catalogs.query_criteria(catalog="Tic", ID=STAR),
            m.Catalogs.query_criteria(catalog="TIC", ID=str(STAR)),
            m.Catalogs.query_criteria("tic", ID=[STAR]),
        ],
        all_same,
    ),
    "query_criteria, many numbers": form(_stars_by_number, all_same),
    "query_criteria, ranges": form(
        lambda m: m.Catalogs.query_criteria(catalog="Tic", Tmag=[5, 9], plx=[10, 1000], objType="STAR"),
        between("Tmag", 5, 9),
        between("plx", 10, 1000),
        all_of("objType", "STAR"),
    ),
    "query_criteria, GAIA": form(_by_gaia, holds(lambda found: set(found[0]) == set(found[1]["GAIA"]))),
    "query_criteria, ctl, a position and columns": form(
        lambda m: m.Catalogs.query_criteria(
            catalog="ctl", coordinates=M51, radius=2, Tmag=[0, 14], columns=["ID", "ra", "dec", "Tmag"]
        ),
        exactly("ID", "ra", "dec", "Tmag"),
        between("Tmag", 0, 14),
    ),
    "query_region, radius by position": form(
        lambda m: m.Catalogs.query_region(M51, 0.02, "TIC"), raises=(TypeError, "positional argument")
    ),
    "query_region, Panstarrs, everything": form(
        lambda m: m.Catalogs.query_region(
            M51,
            radius=0.1,
            catalog="Panstarrs",
            data_release="dr2",
            table="mean",
            columns=["objName", "raMean", "decMean", "gMeanPSFMag", "distance"],
            sort_by=[("asc", "distance")],
            pagesize=20,
        ),
        exactly("objName", "raMean", "decMean", "gMeanPSFMag", "distance"),
        rising("distance"),
        holds(lambda found: len(found) == 20),
        warns=(MaxResultsWarning, "pagesize=20"),
    ),
    "query_region, columns of magnitudes": form(
        lambda m: m.Catalogs.query_region(M51, radius=0.05, catalog="Panstarrs"),
        holds(
            lambda found: (
                {f"{band}Mean{kind}Mag{err}" for band in "grizy" for kind in ("PSF", "Kron") for err in ("", "Err")}
                <= set(found.colnames)
            )
        ),
    ),
    "query_region, HSC, version and magtype": form(
        lambda m: m.Catalogs.query_region(M51, radius=0.01, catalog="HSC", version=3, magtype=2),
        table("MatchID", "MatchRA", "MatchDec"),
    ),
    "async, responses": form(
        lambda m: m.Catalogs.query_region_async(M51, radius=0.02, catalog="TIC")[0].json()["data"],
        holds(lambda rows: rows and all("dstArcSec" in row for row in rows)),
    ),
    "service_request, any": form(
        lambda m: m.Mast.service_request_async("Mast.Catalogs.Filtered.Tic.Rows", _FILTERED)[0].json()["data"],
        holds(lambda rows: [int(row["ID"]) for row in rows] == [STAR]),
    ),
    "service_request, as a table": form(
        lambda m: m.Mast.service_request("Mast.Catalogs.Filtered.Tic.Rows", _FILTERED), all_of("ID", str(STAR))
    ),
    "service_request, a token among the properties": form(
        lambda m: m.Mast.service_request("Mast.Missions.List", {}, mast_token=TOKEN),
        table("distinctValue"),
        holds(lambda found: TOKEN not in str(found.meta)),
    ),
    "mast_query, numbers and a page": form(
        lambda m: m.Mast.mast_query(
            "Mast.Catalogs.Filtered.Tic.Rows", columns="ID,ra,dec", ID=[str(STAR)], pagesize=10
        ),
        exactly("ID", "ra", "dec"),
        all_of("ID", str(STAR)),
    ),
}


# -- missions ----------------------------------------------------------------------------------------------------------


def _on_the_ready_made(m: Any) -> Any:
    """Set the mission of the default instance, and restore it."""
    before = m.MastMissions.mission
    m.MastMissions.mission = "jwst"
    try:
        return m.MastMissions.query_criteria(program=1783, limit=None)
    finally:
        m.MastMissions.mission = before


MISSIONS: dict[str, Form] = {
    "query_criteria, a text with commas, a wildcard": form(
        lambda m: m.MastMissions(mission="jwst").query_criteria(
            program="1783",
            instrume="MIRI, NIRCAM",
            exp_type="MIR_*",
            select_cols=["fileSetName", "instrume", "exp_type", "program"],
            limit=5000,
            sort_by="fileSetName",
            sort_desc=True,
        ),
        each("exp_type", lambda kind: kind.startswith("MIR_")),
        all_of("instrume", "MIRI"),
        holds(lambda found: found["fileSetName"].tolist() == sorted(found["fileSetName"], reverse=True)),
    ),
    "query_region, minutes of arc": form(
        lambda m: m.MastMissions(mission="jwst").query_region(M51, radius=1.5, limit=None), between("ang_sep", 0, 1.5)
    ),
    "the ready-made object": form(_on_the_ready_made, table("fileSetName")),
    "a result as a condition": form(
        lambda m: "some" if m.MastMissions.query_object("M51", radius=2) else "none", equals("some")
    ),
    "nothing found": form(
        lambda m: m.MastMissions.query_criteria(sci_targname="NO-SUCH-TARGET"),
        holds(lambda found: len(found) == 0 and not found),
        warns=(NoResultsWarning, "Query returned no results."),
    ),
    "get_column_list, names": form(
        lambda m: m.MastMissions(mission="jwst").get_column_list()["name"],
        holds(lambda names: {"program", "instrume", "fileSetName"} <= set(names)),
    ),
    "filter_products and download_products": form(
        lambda m: m.MastMissions(mission="hst").download_products(
            m.MastMissions(mission="hst").filter_products(
                m.MastMissions(mission="hst").get_unique_product_list("J97C01010"), file_suffix=["ASN"], category="AUX"
            ),
            flat=True,
        ),
        fetched(".", files=1),
    ),
}


# -- cutouts -----------------------------------------------------------------------------------------------------------

CUTOUTS: dict[str, Form] = {
    "get_sectors, every argument": form(
        lambda m: m.Tesscut.get_sectors(coordinates=PLACE, radius=0, product="SPOC", moving_target=False, mt_type=None),
        table("sectorName", "sector"),
        warns=PRODUCT,
    ),
    "get_sectors, positional": form(lambda m: m.Tesscut.get_sectors(PLACE), raises=(TypeError, "positional")),
    "get_cutouts, sizes": form(
        lambda m: [
            m.Tesscut.get_cutouts(coordinates=PLACE, sector=9, size=size)[0][1].data["FLUX"].shape[1:]
            for size in (3, (3, 5), [3, 5], [1, 2] * u.arcmin, 3 * u.pix)
        ],
        equals([(3, 3), (3, 5), (3, 5), (3, 6), (3, 3)]),
    ),
    "get_cutouts, sectors": form(
        lambda m: m.Tesscut.get_cutouts(coordinates=PLACE, sector=np.array([8, 9]), size=3), cutouts(2, (3, 3))
    ),
    "download_cutouts, path and inflate": form(
        lambda m: m.Tesscut.download_cutouts(coordinates=PLACE, sector=9, size=3, path="here", inflate=False),
        fetched("here", files=1),
        holds(lambda found: found["Local Path"][0].endswith(".zip") and found[0][0] == found["Local Path"][0]),
    ),
    "download_cutouts, objectname": form(
        lambda m: m.Tesscut.download_cutouts(objectname=f"TIC {STAR}", sector=1, size=(3, 5), path=Path("here")),
        fetched("here", files=1),
        warns=OLD_NAME,
    ),
}


# -- tokens, names, settings -------------------------------------------------------------------------------------------


def _session(m: Any) -> Any:
    session = m.Observations.login(TOKEN, store_token=False)
    told = m.Mast.authenticated(), m.Observations.session_info()["ezid"]
    m.Observations.logout()
    return session, *told, m.Mast.authenticated()


def _settings(m: Any) -> Any:
    client = m.ObservationsClass()
    client.TIMEOUT = 30
    client.PAGESIZE = 1000
    client._session.verify = True
    client._session.proxies = {}
    with m.conf.set_temp("timeout", 60), m.conf.set_temp("pagesize", 10):
        return client.query_criteria_count(obs_collection="FUSE")


OTHERS: dict[str, Form] = {
    "login, logout": form(
        _session, holds(lambda told: told[0] and told[1] is True and told[2] != "anonymous" and told[3] is False)
    ),
    "resolve_object, of a class": form(lambda m: m.MastClass().resolve_object("M51"), at(202.469575, 47.195258)),
    "resolve_object, of an instance": form(
        lambda m: m.Mast().resolve_object("M51", resolve_all=False), at(202.469575, 47.195258)
    ),
    "resolve_object, what is done with it": form(
        lambda m: (m.Mast.resolve_object("M51").ra.value, m.Mast.resolve_object("M51").separation(M51).arcsec),
        holds(lambda found: abs(found[0] - 202.4696) < 1e-3 and found[1] < 2),
    ),
    "resolve_object, of every client": form(
        lambda m: {
            str(getattr(m, name).resolve_object("M51"))
            for name in ("Catalogs", "Hapcut", "Mast", "MastMissions", "Observations", "Tesscut", "Zcut")
        },
        holds(lambda found: len(found) == 1),
    ),
    "settings": form(_settings, is_count),
    "utils, a position": form(
        lambda m: m.utils.parse_input_location(coordinates="202.4696 47.1952"), at(202.4696, 47.1952)
    ),
    "utils, both a name and a position": form(
        lambda m: m.utils.parse_input_location(coordinates="1 2", object_name="M51"),
        raises=(InvalidQueryError, "Only one of"),
    ),
}
