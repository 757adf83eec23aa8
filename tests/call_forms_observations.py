"""Observation queries from the documentation of ``astroquery.mast`` (mast_obsquery.rst), with other targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from astroquery.exceptions import InvalidQueryError
from call_forms_checks import (
    OLD_NAME,
    Form,
    all_of,
    among,
    between,
    different,
    each,
    form,
    holds,
    is_count,
    is_true,
    metadata,
    rising,
    starting,
    table,
)

# The columns of observations, in the order of a query by position and a query by criteria.
KEY = ("obs_collection", "instrument_name", "obs_id", "obsid")
OLD_CALL = {"filters": ["*UV", "Kepler"], "objectname": "M101"}
HST = {
    "obs_collection": "HST",
    "filters": "F606W",
    "instrument_name": "ACS/WFC",
    "proposal_id": ["12062"],
    "dataRights": "PUBLIC",
}


QUERIES: dict[str, Form] = {
    "list_missions": form(
        lambda m: m.Observations.list_missions(),
        holds(lambda found: {"GALEX", "HST", "IUE", "JWST", "Kepler", "TESS"} <= set(found)),
        holds(lambda found: found == sorted(found) and all(type(name) is str for name in found)),
    ),
    "get_metadata, observations": form(
        lambda m: m.Observations.get_metadata("observations"),
        metadata("intentType", "obs_collection", "t_exptime", "obsid"),
        holds(lambda found: "Examples/Valid Values" in found[:5].colnames),
    ),
    "get_metadata, products": form(
        lambda m: m.Observations.get_metadata("products"),
        metadata("obs_id", "obsID", "productFilename"),
        holds(lambda found: len(found[:3]) == 3),
    ),
    "get_metadata, misspelt": form(
        lambda m: m.Observations.get_metadata("observation"), raises=(InvalidQueryError, "Unknown query type")
    ),
    "query_region, text": form(
        lambda m: m.Observations.query_region("202.4696 47.1952"),
        table("obs_collection", "s_ra", "s_region", "obsid", "distance"),
        between("distance", 0, 720),
    ),
    "query_region, text, radius": form(
        lambda m: m.Observations.query_region("202.4696 47.1952", radius="0.1 deg"),
        table("obs_collection", "obsid", "distance"),
        between("distance", 0, 360),
    ),
    "query_object": form(
        lambda m: m.Observations.query_object("M8", radius=".02 deg"),
        table("intentType", "obs_collection", "provenance_name", "srcDen", "obsid", "distance"),
        rising("distance"),
    ),
    "query_object, radius by position": form(
        lambda m: m.Observations.query_object("M8", ".02 deg"), raises=(TypeError, "2 positional arguments but 3")
    ),
    "query_criteria, list and wildcard and range": form(
        lambda m: m.Observations.query_criteria(dataproduct_type=["image"], proposal_pi="Adamo*", s_dec=[43.5, 47.192]),
        table(*KEY),
        all_of("dataproduct_type", "image"),
        starting("proposal_pi", "Adamo"),
        between("s_dec", 43.5, 47.192),
    ),
    "query_criteria, text and wildcard": form(
        lambda m: m.Observations.query_criteria(dataproduct_type="image", proposal_pi="Adamo*"),
        table(*KEY),
        all_of("dataproduct_type", "image"),
        starting("proposal_pi", "Adamo"),
    ),
    "query_criteria, numbers and wildcard and range": form(
        lambda m: m.Observations.query_criteria(
            dataproduct_type="image", proposal_id=[1783, 2107], proposal_pi="Lee*", em_min=[3000, 4000]
        ),
        table(*KEY),
        all_of("proposal_id", "2107"),
        starting("proposal_pi", "Lee"),
        between("em_min", 3000, 4000),
    ),
    "query_criteria, wildcard for an instrument": form(
        lambda m: m.Observations.query_criteria(proposal_pi="Pontoppidan, Klaus M.", instrument_name="NIRISS*"),
        table(*KEY),
        holds(lambda found: set(found["instrument_name"]) == {"NIRISS/SOSS", "NIRISS/WFSS"}),
        all_of("proposal_pi", "Pontoppidan, Klaus M."),
    ),
    "query_criteria, wildcard in a list, objectname": form(
        lambda m: m.Observations.query_criteria(**OLD_CALL),
        table(*KEY, "distance"),
        all_of("obs_collection", "GALEX", "Kepler"),
        all_of("filters", "FUV", "NUV", "KEPLER"),
        warns=OLD_NAME,
    ),
    "query_criteria, objectname and radius": form(
        lambda m: m.Observations.query_criteria(
            objectname="M51", radius="0.1 deg", filters=["*UV", "Kepler"], obs_collection="GALEX"
        ),
        table(*KEY, "distance"),
        all_of("obs_collection", "GALEX"),
        all_of("filters", "FUV", "NUV"),
        between("distance", 0, 360),
        warns=OLD_NAME,
    ),
    "query_criteria, objectname, several missions": form(
        lambda m: m.Observations.query_criteria(objectname="M8", obs_collection=["K2", "IUE"]),
        table(*KEY, "distance", rows=2),
        all_of("obs_collection", "K2", "IUE"),
        warns=OLD_NAME,
    ),
    "query_criteria, five criteria": form(
        lambda m: m.Observations.query_criteria(**HST),
        table(*KEY),
        each("filters", lambda names: "F606W" in names.split(";")),
        all_of("instrument_name", "ACS/WFC"),
        all_of("proposal_id", "12062"),
        all_of("dataRights", "PUBLIC"),
    ),
    "query_criteria, obs_id": form(
        lambda m: m.Observations.query_criteria(obs_collection="IUE", obs_id="lwp13000"),
        table(*KEY, rows=1),
        all_of("obs_id", "lwp13000"),
    ),
    "query_criteria, objectname, radius 0": form(
        lambda m: m.Observations.query_criteria(obs_collection=["GALEX"], objectname="M51", radius=0),
        table(*KEY, "distance"),
        all_of("distance", 0),
        warns=OLD_NAME,
    ),
    "query_region_count": form(lambda m: m.Observations.query_region_count("202.4696 47.1952"), is_count),
    "query_region_count, radius": form(
        lambda m: (
            m.Observations.query_region_count("202.4696 47.1952", radius=0.001),
            m.Observations.query_region("202.4696 47.1952", radius=0.001),
        ),
        holds(lambda found: found[0] == len(found[1]) > 0),
    ),
    "query_object_count": form(
        lambda m: (
            m.Observations.query_object_count("M8", radius=".02 deg"),
            m.Observations.query_object("M8", radius=".02 deg"),
        ),
        holds(lambda found: found[0] == len(found[1]) > 0),
    ),
    "query_criteria_count, number": form(lambda m: m.Observations.query_criteria_count(proposal_id=8880), is_count),
    "query_criteria_count, range": form(
        lambda m: (
            m.Observations.query_criteria_count(
                dataproduct_type="image", filters=["NUV", "FUV"], t_max=[52264.4586, 54452.8914]
            ),
            m.Observations.query_criteria(
                dataproduct_type="image", filters=["NUV", "FUV"], t_max=[52264.4586, 54452.8914]
            ),
        ),
        holds(lambda found: found[0] == len(found[1]) > 0),
        holds(lambda found: (np.asarray(found[1]["t_max"]) <= 54452.8914).all()),
    ),
}


def _observed(m: Any) -> Any:
    return m.Observations.query_criteria(**HST)


PRODUCTS: dict[str, Form] = {
    "get_product_list, rows": form(
        lambda m: m.Observations.get_product_list(_observed(m)[0:2]),
        table("obsID", "obs_collection", "dataproduct_type", "obs_id", "dataURI", "size", "parent_obsid"),
        holds(lambda found: len(set(found["parent_obsid"])) == 2),
    ),
    "get_product_list, batch_size": form(
        lambda m: m.Observations.get_product_list(_observed(m)[0:2], batch_size=500),
        table("obsID", "dataURI", "parent_obsid", "dataRights", "calib_level", "filters"),
    ),
    "get_product_list, by table and by column": form(
        lambda m: (
            m.Observations.get_product_list(_observed(m)[0:2]),
            m.Observations.get_product_list(_observed(m)[0:2]["obsid"]),
        ),
        holds(lambda found: (found[0] == found[1]).all()),
    ),
    "get_product_list, obs_id": form(
        lambda m: m.Observations.get_product_list(_observed(m)[0:2]["obs_id"]),
        raises=(InvalidQueryError, "looks like an obs_id"),
    ),
    "get_product_list, one number as text": form(
        lambda m: m.Observations.get_product_list("24007427"),
        table("obsID", "productFilename"),
        all_of("parent_obsid", "24007427"),
    ),
    "get_unique_product_list": form(
        lambda m: m.Observations.get_unique_product_list(_observed(m)),
        table("obsID", "dataURI"),
        different("dataURI"),
    ),
    "get_unique_product_list, fewer": form(
        lambda m: (
            len(m.Observations.get_unique_product_list(_observed(m)))
            < len(m.Observations.get_product_list(_observed(m)))
        ),
        is_true,
    ),
    "filter_products, list and extension": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list("24007427"), productType=["SCIENCE", "PREVIEW"], extension="fits"
        ),
        table("obsID"),
        all_of("productType", "SCIENCE"),
        each("productFilename", lambda name: name.endswith("fits")),
    ),
    "filter_products, comparison": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list("24007427"),
            extension="fits",
            calib_level="<=2",
            productType=["SCIENCE", "PREVIEW"],
        ),
        table("obsID"),
        among("calib_level", 1, 2),
    ),
    "filter_products, group": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list(_observed(m)), productSubGroupDescription="DRZ"
        ),
        table("obsID"),
        all_of("productSubGroupDescription", "DRZ"),
    ),
    "filter_products, mrp_only": form(
        lambda m: m.Observations.filter_products(m.Observations.get_product_list("24007427"), mrp_only=True),
        table("obsID"),
        all_of("productGroupDescription", "Minimum Recommended Products"),
    ),
    "filter_products, values and negation": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list("24007427"), productType=["SCIENCE", "AUXILIARY", "!PREVIEW"]
        ),
        all_of("productType", "SCIENCE", "AUXILIARY"),
    ),
    "filter_products, negation and comparison": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list("24007427"), size=["!14400", "<20000"]
        ),
        each("size", lambda size: size != 14400 and size < 20000),
    ),
    "filter_products, number": form(
        lambda m: m.Observations.filter_products(m.Observations.get_product_list("24007427"), size=14400),
        all_of("size", 14400),
    ),
    "filter_products, range": form(
        lambda m: m.Observations.filter_products(m.Observations.get_product_list("24007427"), size="10000..100000"),
        between("size", 10000, 100000),
    ),
    "filter_products, numbers and ranges": form(
        lambda m: m.Observations.filter_products(
            m.Observations.get_product_list("24007427"), size=[14400, "15000..18000", ">=800000"]
        ),
        each("size", lambda size: size == 14400 or 15000 <= size <= 18000 or size >= 800000),
    ),
}
