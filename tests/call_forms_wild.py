"""Queries in published code, the most frequent first, and the use of their tables."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, ResolverError
from call_forms_checks import (
    OLD_NAME,
    Form,
    all_of,
    all_same,
    among,
    between,
    each,
    form,
    holds,
    is_count,
    rising,
    starting,
    table,
)

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
STAR = {"target_name": "261136679", "obs_collection": "TESS"}


def _by(*criteria: dict[str, Any]) -> Any:
    """Make the same query in several forms."""
    return lambda m: [m.Observations.query_criteria(**each) for each in criteria]


def _around(*forms: dict[str, Any]) -> Any:
    """Query one position in several forms."""
    return _by(*({"obs_collection": "HST", "instrument_name": "WFC3*", **each} for each in forms))


def _regions(m: Any) -> Any:
    return [
        m.Observations.query_region(M51, radius=radius)
        for radius in (0.05, 0.05 * u.deg, "0.05 deg", "3 arcmin", "180s", "3m", 3 * u.arcmin)
    ]


def _obs_ids(m: Any) -> Any:
    found = m.Observations.query_criteria(obs_id="j97c01*")
    return [found, m.Observations.query_criteria(obs_id=found["obs_id"])]


def _sorted_ids(results: Any) -> None:
    found = {tuple(sorted(result["obsid"])) for result in results}
    assert len(found) == 1
    assert len(found.pop()) > 0


OBSERVATIONS: dict[str, Form] = {
    "obs_collection, text and list": form(_by({"obs_collection": "FUSE"}, {"obs_collection": ["FUSE"]}), all_same),
    "target_name, number and text and list": form(
        _by(STAR, {**STAR, "target_name": 261136679}, {**STAR, "target_name": ["261136679"]}), all_same
    ),
    "dataproduct_type, any case": form(
        _by(
            *(
                {"proposal_id": "10452", "dataproduct_type": kind}
                for kind in ("image", "IMAGE", "Image", ["image"], ["IMAGE", "cube"])
            )
        ),
        all_same,
    ),
    "instrument_name, wildcard": form(
        lambda m: m.Observations.query_criteria(instrument_name="NIRCAM*", proposal_id=1783),
        table("instrument_name"),
        starting("instrument_name", "NIRCAM"),
    ),
    "instrument_name, list": form(
        lambda m: m.Observations.query_criteria(
            instrument_name=["NIRCAM", "NIRCAM/IMAGE", "MIRI/IMAGE"], proposal_id="1783"
        ),
        all_of("instrument_name", "NIRCAM/IMAGE", "MIRI/IMAGE"),
    ),
    "proposal_id, text and number and list and numpy": form(
        _by(*({"proposal_id": each} for each in ("10452", 10452, ["10452"], [10452], np.int64(10452)))), all_same
    ),
    "project, provenance_name": form(
        lambda m: m.Observations.query_criteria(project="TESS", provenance_name="SPOC", sequence_number=1),
        table("provenance_name", "project"),
        all_of("provenance_name", "SPOC"),
        all_of("sequence_number", 1),
    ),
    "filters, text and list and wildcard": form(
        lambda m: [
            m.Observations.query_criteria(obs_collection="GALEX", filters=each)
            for each in (["NUV", "FUV"], "*UV", ["*UV"])
        ],
        all_same,
    ),
    "objectname and radius": form(
        lambda m: m.Observations.query_criteria(objectname="M51", radius="0.02 deg", obs_collection=["HST"]),
        table("obsid", "distance"),
        warns=OLD_NAME,
    ),
    "coordinates and radius, every form": form(
        _around(
            {"coordinates": M51, "radius": 0.02 * u.deg},
            {"coordinates": M51, "radius": 0.02},
            {"coordinates": "202.4696 47.1952", "radius": "0.02 deg"},
            {"coordinates": "202.4696, 47.1952", "radius": "1.2 arcmin"},
            {"coordinates": "202.4696d 47.1952d", "radius": "72s"},
            {"coordinates": M51.galactic, "radius": 72 * u.arcsec},
        ),
        _sorted_ids,
    ),
    "radius 0, every form": form(
        _around(*({"coordinates": M51, "radius": each} for each in (0, "0s", 0 * u.deg, "0 deg", 0.0))), all_same
    ),
    "radius, every form": form(_regions, all_same),
    "ranges, lists and tuples": form(
        _by(
            {"obs_collection": "HST", "s_ra": [202, 203], "s_dec": [47, 48], "t_exptime": [100, 1000]},
            {"obs_collection": "HST", "s_ra": (202, 203), "s_dec": (47, 48), "t_exptime": (100, 1000)},
        ),
        all_same,
        lambda results: between("t_exptime", 100, 1000)(results[0]),
    ),
    "ranges of times": form(
        lambda m: m.Observations.query_criteria(obs_collection="HST", t_min=[53000, 53500], t_max=[53000, 53500]),
        between("t_min", 53000, 53500),
        between("t_max", 53000, 53500),
    ),
    "one value where a range is due": form(
        lambda m: m.Observations.query_criteria(**STAR, t_exptime=120),
        all_of("t_exptime", 120),
        warns=(InputWarning, "t_exptime is continuous"),
    ),
    "obs_id, wildcard and a column of a table": form(_obs_ids, _sorted_ids),
    "sequence_number, number and list and numpy": form(
        _by(*({**STAR, "sequence_number": each} for each in (1, [1], np.int32(1), np.array([1]), "1"))), all_same
    ),
    "calib_level, number and list and texts": form(
        lambda m: [
            m.Observations.query_criteria(proposal_id="10452", calib_level=level) for level in (3, [3], "3", ["3"])
        ],
        all_same,
        lambda results: all_of("calib_level", 3)(results[0]),
    ),
    "calib_level, texts in a list": form(
        lambda m: m.Observations.query_criteria(proposal_id="10452", calib_level=["2", "3"]),
        all_of("calib_level", 2, 3),
    ),
    "dataRights, any case": form(
        _by(
            {"obs_collection": "HST", "dataRights": "exclusive_access"},
            {"obs_collection": "HST", "dataRights": "EXCLUSIVE_ACCESS"},
        ),
        all_same,
    ),
    "intentType": form(
        lambda m: m.Observations.query_criteria(intentType="science", proposal_id="10452"),
        all_of("intentType", "science"),
    ),
    "query_object with criteria": form(
        lambda m: m.Observations.query_object("M51", radius="0s", obs_collection="HST"),
        raises=(TypeError, "unexpected"),
    ),
    "query_object with a time limit": form(
        lambda m: m.Observations.query_object("M51", radius="0s", timeout=120), table("obsid", "distance")
    ),
    "query_criteria by position": form(
        lambda m: m.Observations.query_criteria({"obs_collection": "HST"}), raises=(TypeError, "positional")
    ),
    "counts are numbers": form(
        lambda m: (
            m.Observations.query_criteria_count(obs_collection="FUSE")
            + m.Observations.query_object_count("M51", radius="0.02 deg")
        ),
        is_count,
    ),
    "count of nothing": form(
        lambda m: m.Observations.query_criteria_count(target_name="no such target") != 0, holds(lambda some: not some)
    ),
    "list_missions, letters": form(
        lambda m: [name.upper() for name in m.Observations.list_missions()], holds(lambda found: "KEPLER" in found)
    ),
    "get_metadata, as lines": form(
        lambda m: m.Observations.get_metadata("observations").pformat(max_lines=-1, max_width=-1),
        holds(lambda lines: any("t_exptime" in line for line in lines)),
    ),
    "nothing found": form(
        lambda m: m.Observations.query_criteria(target_name="no such target"),
        holds(lambda found: isinstance(found, Table) and len(found) == 0 and "obsid" in found.colnames),
        warns=(NoResultsWarning, "Query returned no results."),
    ),
    "an unknown criterion": form(
        lambda m: m.Observations.query_criteria(obs_colection="HST"),
        raises=(InvalidQueryError, "(?s)obs_colection.*does not exist.*[Dd]id you mean.*obs_collection"),
    ),
    "an unknown object": form(
        lambda m: m.Observations.query_object("No such galaxy"), raises=(ResolverError, "(?i)could not resolve")
    ),
    "a list of rows, small pages": form(
        lambda m: [
            m.Observations.query_criteria(proposal_id="10452"),
            m.Observations.query_criteria(proposal_id="10452", pagesize=50),
        ],
        all_same,
    ),
    "async, responses": form(
        lambda m: m.Observations.query_criteria_async(**STAR)[0].json()["data"],
        holds(lambda rows: {row["target_name"] for row in rows} == {"261136679"}),
    ),
    "payload": form(
        lambda m: m.Observations.query_criteria(**STAR, get_query_payload=True)["params"]["filters"],
        holds(
            lambda filters: (
                {each["paramName"]: each["values"] for each in filters}
                == {"target_name": ["261136679"], "obs_collection": ["TESS"]}
            )
        ),
    ),
}


# -- what is done with a table -----------------------------------------------------------------------------------------


def _stars(m: Any) -> Table:
    return m.Observations.query_criteria(**STAR)


def _handled(m: Any) -> dict[str, Any]:
    """Operations of published code on observations."""
    found = _stars(m)
    seen: dict[str, Any] = {
        "joined": ",".join(found["obsid"]),
        "numbers": found["obsid"].data.data.astype(int).tolist(),
        "some": found["obsid"][np.asarray(found["calib_level"]) == 3].tolist(),
        "levels": (found["calib_level"] == 3).any(),
        "sectors": [f"{number:02d}" for number in found["sequence_number"] if number is not np.ma.masked],
        "short": (found["t_exptime"] == 120).any(),
        "masks": [bool(found["sequence_number"].mask[at]) for at in range(len(found))],
        "filled": found["filters"].filled("").tolist(),
        "plain": found["obsid"].data.data.dtype.kind,
        "rows": [(row["s_ra"], row["s_dec"]) for row in found],
        "values": list(found[0][["s_ra", "s_dec"]].values()),
        "array": np.array(found).dtype.names,
        "one": np.array(found[0]).dtype.names,
    }
    found["exptime"] = found["t_exptime"]
    found["distance"] = 0.0
    found.remove_column("s_region")
    del found["jpegURL"]
    found.rename_column("dataURL", "dataURI")
    found.sort("t_min")
    found.write("found.ecsv")
    return {**seen, "changed": found, "read": Table.read("found.ecsv")}


def _in_order(seen: Any) -> None:
    found = seen["changed"]
    assert sorted(seen["joined"].split(",")) == sorted(found["obsid"])
    assert seen["numbers"]
    assert set(seen["some"]) <= set(found["obsid"])
    assert seen["levels"]
    assert seen["short"]
    assert all(len(sector) == 2 for sector in seen["sectors"])
    assert len(seen["masks"]) == len(found) == len(seen["rows"])
    assert all(isinstance(text, str) for text in seen["filled"])
    assert seen["plain"] == "U"
    assert [float(value) for value in seen["values"]] == [float(value) for value in seen["rows"][0]]
    assert seen["array"] == seen["one"]
    assert "s_region" not in found.colnames
    assert "dataURI" in found.colnames
    assert isinstance(found["exptime"], MaskedColumn)
    assert seen["read"]["obsid"].astype(str).tolist() == found["obsid"].tolist()


def _stacked(m: Any) -> Any:
    from astropy.table import join, unique, vstack

    found = _stars(m)
    products = m.Observations.get_product_list(found)
    # Column metadata that MAST returns in the meantime do not cause conflicts between tables.
    m.Observations.get_metadata("observations")
    both = vstack([found, _stars(m)])
    return found, unique(both, keys="obsid"), join(found["obs_id", "t_exptime"], products, keys="obs_id")


def _frames(m: Any) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    found = _stars(m)
    frame = found.to_pandas()
    listed = m.Observations.get_product_list(Table.from_pandas(frame))
    return found, frame, pd.DataFrame(np.array(found)), listed


# The columns of observations that code reads.
READ = (
    "obs_collection obs_id obsid target_name instrument_name filters t_exptime dataproduct_type sequence_number "
    "provenance_name calib_level s_ra s_dec t_min t_max proposal_id dataURL project s_region dataRights"
)

TABLES: dict[str, Form] = {
    "what is done with observations": form(_handled, _in_order),
    "stacked, unique, joined": form(
        _stacked,
        holds(lambda tables: sorted(tables[0]["obsid"]) == sorted(tables[1]["obsid"])),
        holds(lambda tables: len(tables[2]) > 0 and "productFilename" in tables[2].colnames),
    ),
    "columns that are read": form(_stars, holds(lambda found: set(READ.split()) <= set(found.colnames))),
    "a position query has the distance": form(
        lambda m: m.Observations.query_region(M51, radius=0.05),
        rising("distance"),
        holds(lambda found: (found["distance"] > 0).any() and found["distance"].unit == u.arcsec),
        among("intentType", "science", "calibration"),
        each("obsid", lambda number: type(number) is str and number.isdigit()),
    ),
}
FRAMES: dict[str, Form] = {
    "observations as a data frame": form(
        _frames,
        holds(lambda made: list(made[1]["obsid"]) == list(made[0]["obsid"]) == list(made[2]["obsid"])),
        holds(lambda made: made[1]["sequence_number"].dtype.kind in "if"),
        holds(lambda made: set(made[3]["parent_obsid"]) == set(made[0]["obsid"])),
    ),
}
