"""Catalog queries from the documentation of ``astroquery.mast`` (mast_catalog.rst), with other targets."""

from __future__ import annotations

from typing import Any

from astroquery.exceptions import InvalidQueryError, MaxResultsWarning
from call_forms_checks import (
    OLD_NAME,
    Form,
    all_of,
    among,
    between,
    different,
    each,
    exactly,
    falling,
    fetched,
    form,
    holds,
    opens,
    rising,
    table,
)

PLACE = "202.4696 47.1952"


def _match_id(m: Any) -> Any:
    return m.Catalogs.query_object("M51", radius=0.01, catalog="HSC", magtype=1)[0]["MatchID"]


CATALOGS: dict[str, Form] = {
    "query_region, Galex": form(
        lambda m: m.Catalogs.query_region(PLACE, catalog="Galex"),
        table("distance_arcmin", "objID", "survey", "fuv_flux_aper_7", "fuv_artifact"),
        rising("distance_arcmin"),
        between("distance_arcmin", 0, 12),
    ),
    "query_object, a position as a name": form(
        lambda m: m.Catalogs.query_object(PLACE, catalog="Galex"), table("distance_arcmin", "objID")
    ),
    "query_region, HSC, magtype": form(
        lambda m: m.Catalogs.query_region(PLACE, radius=0.01, catalog="HSC", magtype=2),
        table("MatchID", "Distance", "MatchRA", "MatchDec"),
        holds(lambda found: all(kind in " ".join(found.colnames) for kind in ("_F814W", "_MAD", "_N"))),
        rising("Distance"),
    ),
    "query_region, HSC, as many as there may be": form(
        lambda m: m.Catalogs.query_region(PLACE, catalog="HSC", magtype=2, nr=10),
        table("MatchID", "Distance", rows=10),
        warns=(MaxResultsWarning, "nr=10"),
    ),
    "query_region, the default catalog": form(
        lambda m: m.Catalogs.query_region(PLACE, radius=0.01), table("MatchID", "Distance", "MatchRA", "MatchDec")
    ),
    "query_object, TIC": form(
        lambda m: m.Catalogs.query_object("M51", radius=0.02, catalog="TIC"),
        table("ID", "ra", "dec", "Tmag", "wdflag", "dstArcSec"),
        rising("dstArcSec"),
        between("dstArcSec", 0, 72),
        each("ID", lambda number: type(number) is str and number.isdigit()),
    ),
    "query_region, Gaia, version": form(
        lambda m: m.Catalogs.query_region(PLACE, radius=0.1, catalog="Gaia", version=2),
        table("solution_id", "designation", "source_id", "distance"),
        each("designation", lambda name: name.startswith("Gaia DR2 ")),
    ),
    "query_region, Panstarrs, release and table": form(
        lambda m: m.Catalogs.query_region(PLACE, radius=0.1, catalog="Panstarrs", data_release="dr1", table="mean"),
        table("objName", "objAltName1", "objID", "yFlags", "distance"),
        different("objID"),
        between("distance", 0, 0.1),
    ),
    "query_criteria, Tic": form(
        lambda m: m.Catalogs.query_criteria(catalog="Tic", Bmag=[3, 9], objType="STAR"),
        table("ID", "version", "HIP", "TYC", "objType", "Bmag", "raddflag", "wdflag", "objID"),
        all_of("objType", "STAR"),
        between("Bmag", 3, 9),
    ),
    "query_criteria, Ctl, objectname": form(
        lambda m: m.Catalogs.query_criteria(catalog="Ctl", objectname="M101", radius=1, Tmag=[5, 14]),
        table("ID", "version", "HIP", "TYC", "raddflag", "wdflag"),
        between("Tmag", 5, 14),
        warns=OLD_NAME,
    ),
    "query_criteria, DiskDetective, objectname": form(
        lambda m: (
            m.Catalogs.query_criteria(catalog="DiskDetective", objectname="M51", radius=20, state="complete"),
            m.Catalogs.query_region(PLACE, radius=20, catalog="DiskDetective"),
        ),
        lambda found: table("designation", "ZooniverseID", "ra", "dec", "ZooniverseURL")(found[0]),
        holds(lambda found: set(found[0]["ZooniverseID"]) < set(found[1]["ZooniverseID"])),
        warns=OLD_NAME,
    ),
    "query_criteria, a position only": form(
        lambda m: m.Catalogs.query_criteria(catalog="Tic", objectname="M101", radius=1),
        raises=(InvalidQueryError, "At least one non-positional criterion must be supplied"),
        warns=OLD_NAME,
    ),
    "query_criteria, PANSTARRS, everything": form(
        lambda m: m.Catalogs.query_criteria(
            coordinates=PLACE,
            radius=0.1,
            catalog="PANSTARRS",
            table="mean",
            data_release="dr2",
            nStackDetections=[("gte", 2)],
            columns=["objName", "objID", "nStackDetections", "distance"],
            sort_by=[("desc", "distance")],
            pagesize=15,
        ),
        exactly("objName", "objID", "nStackDetections", "distance"),
        table("objName", "distance", rows=15),
        each("nStackDetections", lambda number: number >= 2),
        falling("distance"),
        warns=(MaxResultsWarning, "pagesize=15"),
    ),
    "query_criteria, PANSTARRS, one column to sort by": form(
        lambda m: m.Catalogs.query_criteria(
            coordinates=PLACE, radius=0.1, catalog="PANSTARRS", table="mean", nDetections=[("gt", 20)], sort_by="objID"
        ),
        table("objID", "nDetections", "distance"),
        rising("objID"),
    ),
    "query_criteria, PANSTARRS, columns and pairs to sort by": form(
        lambda m: m.Catalogs.query_criteria(
            coordinates=PLACE,
            radius=0.1,
            catalog="PANSTARRS",
            table="mean",
            nDetections=[("min", 20), ("max", 60)],
            columns=["nDetections", "objID"],
            sort_by=[("asc", "nDetections"), ("desc", "objID")],
        ),
        exactly("nDetections", "objID"),
        rising("nDetections"),
        between("nDetections", 20, 60),
    ),
    "query_criteria, PANSTARRS, values and comparisons": form(
        lambda m: m.Catalogs.query_criteria(catalog="PANSTARRS", table="mean", nDetections=[1, 2, ("min", 40)]),
        raises=(InvalidQueryError, "to apply all of them"),
    ),
    "query_criteria, PANSTARRS, several values": form(
        lambda m: m.Catalogs.query_criteria(
            coordinates=PLACE, radius=0.1, catalog="PANSTARRS", table="mean", ng=[10, 11, 12]
        ),
        table("objID", "ng"),
        among("ng", 10, 11, 12),
    ),
    "query_object, HSC, magtype": form(
        lambda m: m.Catalogs.query_object("M51", radius=0.01, catalog="HSC", magtype=1),
        table("MatchID", "Distance"),
        between("Distance", 0, 36),
    ),
    "query_object, HSC": form(
        lambda m: m.Catalogs.query_object("M51", radius=0.02, catalog="HSC"), table("MatchID", "Distance")
    ),
    "query_hsc_matchid": form(
        lambda m: (_match_id(m), m.Catalogs.query_hsc_matchid(_match_id(m))),
        holds(lambda found: {str(number) for number in found[1]["MatchID"]} == {str(found[0])}),
        holds(lambda found: {"CatID", "MatchID", "cd_matrix"} <= set(found[1].colnames)),
    ),
    "get_hsc_spectra": form(
        lambda m: m.Catalogs.get_hsc_spectra(),
        table("ObjID", "DatasetName", "MatchID", "PropID", "HSCMatch", rows=range(105, 100_000)),
        different("DatasetName"),
    ),
    "download_hsc_spectra": form(
        lambda m: m.Catalogs.download_hsc_spectra(m.Catalogs.get_hsc_spectra()[100:104]),
        fetched("mastDownload/HSC", files=4),
        opens,
    ),
}
