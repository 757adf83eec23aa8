"""Further calls for the comparison of ``astroquery.mast`` with this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import astropy.units as u
from astropy.coordinates import SkyCoord

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
GOODS_S = "53.1587 -27.7811"
STARS: dict[str, Any] = {"coordinates": M51, "catalog": "Panstarrs", "table": "mean", "data_release": "dr2"}


def missions(m: Any, mission: str = "hst") -> Any:
    """Return a client of a mission search."""
    return m.MastMissionsClass(mission=mission)


CALLS: dict[str, Callable[[Any], Any]] = {
    "region, radius 0": lambda m: m.Observations.query_region(GOODS_S, radius=0 * u.deg),
    "region, galactic": lambda m: m.Observations.query_region(M51.galactic, radius="1 arcmin"),
    "region, one page": lambda m: m.Observations.query_region(M51, radius=0.05, pagesize=20, page=2),
    "criteria, case": lambda m: m.Observations.query_criteria(dataproduct_type="IMAGE", obs_collection="hla"),
    "criteria, several missions": lambda m: m.Observations.query_criteria(obs_collection=["IUE", "FUSE"]),
    "criteria, calib_level 4": lambda m: m.Observations.query_criteria(calib_level=[4], obs_collection="HLSP"),
    "criteria, intentType": lambda m: m.Observations.query_criteria(intentType="calibration", obs_collection="HST"),
    "criteria, coordinates": lambda m: m.Observations.query_criteria(
        coordinates=M51, radius="0.1 deg", obs_collection="HST", instrument_name="WFC3*"
    ),
    "criteria, position text": lambda m: m.Observations.query_criteria(
        coordinates=GOODS_S, radius="0.02 deg", obs_collection="JWST"
    ),
    "criteria count": lambda m: m.Observations.query_criteria_count(obs_collection="HST", instrument_name="STIS*"),
    "products, several groups": lambda m: m.Observations.filter_products(
        m.Observations.get_product_list("24007427"), productSubGroupDescription=["DRZ", "FLT"]
    ),
    "TIC region": lambda m: m.Catalogs.query_region(M51, radius=0.02, catalog="TIC"),
    "CTL region": lambda m: m.Catalogs.query_region(M51, radius=0.05, catalog="Ctl"),
    "TIC criteria, region": lambda m: m.Catalogs.query_criteria(
        catalog="Tic", coordinates=M51, radius=0.1, Tmag=[10, 15]
    ),
    "HSC 2, MagAuto": lambda m: m.Catalogs.query_region(M51, radius=0.01, catalog="HSC", version=2, magtype=2),
    "Gaia": lambda m: m.Catalogs.query_region(M51, radius=0.03, catalog="Gaia"),
    "GALEX object": lambda m: m.Catalogs.query_object("M51", radius=0.05, catalog="Galex"),
    "PLATO": lambda m: m.Catalogs.query_region(M51, radius=0.1, catalog="plato"),
    "DiskDetective": lambda m: m.Catalogs.query_region(M51, radius=5, catalog="DiskDetective"),
    "Pan-STARRS, columns": lambda m: m.Catalogs.query_region(
        **STARS, radius=0.02, columns=["objName", "objID", "distance"]
    ),
    "Pan-STARRS, criteria": lambda m: m.Catalogs.query_criteria(
        **STARS,
        radius=0.05,
        nStackDetections=[("gte", 2)],
        columns=["objName", "objID", "nStackDetections", "distance"],
        sort_by=[("distance", "desc")],
        pagesize=15,
    ),
    "mission, region": lambda m: missions(m).query_region(M51, radius=3),
    "mission, object": lambda m: missions(m).query_object("M51", radius=2 * u.arcmin),
    "mission, criteria": lambda m: missions(m).query_criteria(
        sci_instrume="ACS, WFC3", limit=50, sort_by=["sci_data_set_name"]
    ),
    "mission, products": lambda m: missions(m).get_product_list(
        sorted(missions(m).query_object("M51", radius=2)["sci_data_set_name"])[:3]
    ),
    "JWST region": lambda m: missions(m, "jwst").query_region(GOODS_S, radius=1, limit=40, sort_by=["fileSetName"]),
    "JWST criteria": lambda m: missions(m, "jwst").query_criteria(instrume="NIRISS", limit=40, sort_by=["fileSetName"]),
    "JWST columns": lambda m: missions(m, "jwst").get_column_list(),
    "surveys, text": lambda m: m.Zcut.get_surveys(coordinates="189.206 62.216"),
    "mast_query": lambda m: m.Mast.mast_query(
        "Mast.Caom.Filtered", obs_collection="JWST", calib_level=[3], columns="obs_id, t_exptime, s_ra"
    ),
    "resolve_object, two": lambda m: m.Mast.resolve_object(["M51", "M31"]),
}
