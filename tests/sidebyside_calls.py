"""The calls that are made through ``astroquery.mast`` and through this package, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
GOODS_S = "53.1587 -27.7811"
Call = Callable[[Any], Any]


def observed(m: Any) -> Table:
    """Some observations that have products."""
    return m.Observations.query_criteria(obs_collection="HST", target_name="M51", instrument_name="ACS/WFC")[:4]


def listed(m: Any) -> Table:
    """Their products."""
    return m.Observations.get_product_list(observed(m))


def missions(m: Any, mission: str = "hst") -> Any:
    """A client of a mission's search."""
    return m.MastMissionsClass(mission=mission)


def sorted_products(products: Table) -> Table:
    """Sort products: their order changes from run to run in astroquery.mast."""
    products.sort("product_key")
    return products


OBSERVATIONS: dict[str, Call] = {
    "region, SkyCoord": lambda m: m.Observations.query_region(M51, radius=0.05 * u.deg),
    "region, text": lambda m: m.Observations.query_region("202.4696 47.1952", radius="0.02 deg"),
    "region, float radius": lambda m: m.Observations.query_region(M51, radius=0.01),
    "region, radius 0": lambda m: m.Observations.query_region(GOODS_S, radius=0 * u.deg),
    "region, galactic": lambda m: m.Observations.query_region(M51.galactic, radius="1 arcmin"),
    "region, one page": lambda m: m.Observations.query_region(M51, radius=0.05, pagesize=20, page=2),
    "object": lambda m: m.Observations.query_object("M51", radius=".02 deg"),
    "object, objectname": lambda m: m.Observations.query_criteria(
        objectname="M51", radius="0.02 deg", dataproduct_type="image"
    ),
    "criteria, text": lambda m: m.Observations.query_criteria(obs_collection="GALEX"),
    "criteria, list": lambda m: m.Observations.query_criteria(obs_collection=["IUE", "FUSE"]),
    "criteria, number as text": lambda m: m.Observations.query_criteria(proposal_id="10452"),
    "criteria, number": lambda m: m.Observations.query_criteria(proposal_id=10452),
    "criteria, wildcard": lambda m: m.Observations.query_criteria(instrument_name="NIRISS*", calib_level=3),
    "criteria, range": lambda m: m.Observations.query_criteria(t_exptime=[1000, 1500], obs_collection="JWST"),
    "criteria, ranges": lambda m: m.Observations.query_criteria(s_ra=[202, 203], s_dec=[47, 48], obs_collection="HST"),
    "criteria, case": lambda m: m.Observations.query_criteria(dataproduct_type="IMAGE", obs_collection="hla"),
    "criteria, calib_level list": lambda m: m.Observations.query_criteria(calib_level=[4], obs_collection="HLSP"),
    "criteria, sequence_number": lambda m: m.Observations.query_criteria(sequence_number=1, project="TESS"),
    "criteria, numpy": lambda m: m.Observations.query_criteria(
        sequence_number=[int(n) for n in np.array([1, 2])], obs_collection="TESS"
    ),
    "criteria, dataRights": lambda m: m.Observations.query_criteria(
        dataRights="EXCLUSIVE_ACCESS", obs_collection="JWST"
    ),
    "criteria, intentType": lambda m: m.Observations.query_criteria(intentType="calibration", obs_collection="HST"),
    "criteria, filters": lambda m: m.Observations.query_criteria(filters="F435W", obs_collection="HST"),
    "criteria, coordinates": lambda m: m.Observations.query_criteria(
        coordinates=M51, radius="0.1 deg", obs_collection="HST", instrument_name="WFC3*"
    ),
    "criteria, position text": lambda m: m.Observations.query_criteria(
        coordinates="53.1587 -27.7811", radius="0.02 deg", obs_collection="JWST"
    ),
    "criteria, nothing found": lambda m: m.Observations.query_criteria(target_name="NO-SUCH-TARGET"),
    "region count": lambda m: m.Observations.query_region_count(M51, radius=0.05),
    "object count": lambda m: m.Observations.query_object_count("M51", radius=0.05),
    "criteria count": lambda m: m.Observations.query_criteria_count(obs_collection="HST", instrument_name="STIS*"),
    "missions": lambda m: m.Observations.list_missions(),
    "metadata, observations": lambda m: m.Observations.get_metadata("observations")["Column Name", "Data Type"],
    "metadata, products": lambda m: m.Observations.get_metadata("products")["Column Name", "Data Type"],
}

PRODUCTS: dict[str, Call] = {
    "table": listed,
    "one row": lambda m: m.Observations.get_product_list(observed(m)[0]),
    "obsid": lambda m: m.Observations.get_product_list(observed(m)["obsid"][0]),
    "column": lambda m: m.Observations.get_product_list(observed(m)["obsid"]),
    "unique": lambda m: m.Observations.get_unique_product_list(observed(m)),
    "filter, minimum recommended": lambda m: m.Observations.filter_products(listed(m), mrp_only=True),
    "filter, extension": lambda m: m.Observations.filter_products(listed(m), extension=["_flt.fits", "jpg"]),
    "filter, group": lambda m: m.Observations.filter_products(listed(m), productSubGroupDescription=["DRZ", "FLT"]),
    "filter, type": lambda m: m.Observations.filter_products(listed(m), productType="SCIENCE", calib_level=[2, 3]),
    "filter, size": lambda m: m.Observations.filter_products(listed(m), size="<1000000"),
    "filter, not": lambda m: m.Observations.filter_products(listed(m), productType="!SCIENCE"),
}

CATALOGS: dict[str, Call] = {
    "TIC region": lambda m: m.Catalogs.query_region(M51, radius=0.02, catalog="TIC"),
    "TIC object": lambda m: m.Catalogs.query_object("M51", radius=0.02, catalog="Tic"),
    "CTL region": lambda m: m.Catalogs.query_region(M51, radius=0.05, catalog="Ctl"),
    "TIC criteria": lambda m: m.Catalogs.query_criteria(catalog="Tic", Tmag=[5, 8], objType="STAR"),
    "TIC criteria, region": lambda m: m.Catalogs.query_criteria(
        catalog="Tic", coordinates=M51, radius=0.1, Tmag=[10, 15]
    ),
    "HSC 3": lambda m: m.Catalogs.query_region(M51, radius=0.01, catalog="HSC", version=3),
    "HSC 2, MagAuto": lambda m: m.Catalogs.query_region(M51, radius=0.01, catalog="HSC", version=2, magtype=2),
    "Gaia": lambda m: m.Catalogs.query_region(M51, radius=0.03, catalog="Gaia"),
    "Gaia 2": lambda m: m.Catalogs.query_region(M51, radius=0.03, catalog="Gaia", version=2),
    "GALEX": lambda m: m.Catalogs.query_object("M51", radius=0.05, catalog="Galex"),
    "PLATO": lambda m: m.Catalogs.query_region(M51, radius=0.1, catalog="plato"),
    "DiskDetective": lambda m: m.Catalogs.query_region(M51, radius=5, catalog="DiskDetective"),
    "Pan-STARRS": lambda m: m.Catalogs.query_region(M51, radius=0.02, catalog="Panstarrs"),
    "Pan-STARRS, columns": lambda m: m.Catalogs.query_region(
        M51,
        radius=0.02,
        catalog="Panstarrs",
        table="mean",
        data_release="dr2",
        columns=["objName", "objID", "distance"],
    ),
    "Pan-STARRS, criteria": lambda m: m.Catalogs.query_criteria(
        coordinates=M51,
        radius=0.05,
        catalog="PANSTARRS",
        table="mean",
        data_release="dr2",
        nStackDetections=[("gte", 2)],
        columns=["objName", "objID", "nStackDetections", "distance"],
        sort_by=[("distance", "desc")],
        pagesize=15,
    ),
    "HSC match": lambda m: m.Catalogs.query_hsc_matchid(
        m.Catalogs.query_region(M51, radius=0.01, catalog="HSC", version=3)[0]
    ),
    "HSC spectra": lambda m: m.Catalogs.get_hsc_spectra(),
}

MISSIONS: dict[str, Call] = {
    "region": lambda m: missions(m).query_region(M51, radius=3),
    "object": lambda m: missions(m).query_object("M51", radius=2 * u.arcmin),
    "criteria": lambda m: missions(m).query_criteria(sci_instrume="ACS, WFC3", limit=50, sort_by=["sci_data_set_name"]),
    "criteria, selected": lambda m: missions(m).query_criteria(
        coordinates=M51, radius=5, sci_instrume="ACS", select_cols=["sci_targname", "sci_pep_id"]
    ),
    "criteria, range": lambda m: missions(m).query_criteria(
        sci_actual_duration="1000..2000", limit=100, sort_by=["sci_data_set_name"]
    ),
    "criteria, not": lambda m: missions(m).query_criteria(sci_instrume="!ACS", limit=50, sort_by=["sci_data_set_name"]),
    "columns": lambda m: missions(m).get_column_list(),
    "dataset keyword": lambda m: missions(m).get_dataset_kwd(),
    "products": lambda m: sorted_products(
        missions(m).get_product_list(sorted(missions(m).query_object("M51", radius=2)["sci_data_set_name"])[:3])
    ),
    "JWST region": lambda m: missions(m, "jwst").query_region(GOODS_S, radius=1, limit=40, sort_by=["fileSetName"]),
    "JWST criteria": lambda m: missions(m, "jwst").query_criteria(instrume="NIRISS", limit=40, sort_by=["fileSetName"]),
    "JWST columns": lambda m: missions(m, "jwst").get_column_list(),
}

OTHERS: dict[str, Call] = {
    "sectors": lambda m: m.Tesscut.get_sectors(coordinates=SkyCoord(270.0, 66.5, unit="deg")),
    "sectors, object": lambda m: m.Tesscut.get_sectors(object_name="TIC 261136679"),
    "surveys": lambda m: list(m.Zcut.get_surveys(coordinates="189.206 62.216")),
    "service_request": lambda m: m.Mast.service_request(
        "Mast.Caom.Cone", {"ra": 202.4696, "dec": 47.1952, "radius": 0.01}
    ),
    "mast_query": lambda m: m.Mast.mast_query(
        "Mast.Caom.Filtered", obs_collection="JWST", calib_level=[3], columns="obs_id, t_exptime, s_ra"
    ),
    "resolve_object": lambda m: m.Mast.resolve_object("M51"),
    "resolve_object, two": lambda m: m.Mast.resolve_object(["M51", "M31"]),
}

CALLS: dict[str, Call] = {
    f"{group}: {name}": call
    for group, calls in {
        "Observations": OBSERVATIONS,
        "products": PRODUCTS,
        "Catalogs": CATALOGS,
        "MastMissions": MISSIONS,
        "others": OTHERS,
    }.items()
    for name, call in calls.items()
}
