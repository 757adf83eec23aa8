"""The Mashup services of the sandbox: parameters of one service in, a `Dataset` out, or `ServiceError`.

`SERVICES` maps the name of a service (lower case) to its function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .answers import Dataset
from .archive import OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from .archive.packaged import Columns
from .archive.search import Clause
from .catalog_services import CATALOG_SERVICES
from .histograms import caom_all
from .parameters import Params, check_cone, columns_asked, count_dataset, finite, identifier, is_true, number, where
from .reply import ServiceError
from .rows import observation_rows

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["SERVICES"]

Service = Callable[["Archive", Params], Dataset]

#: Radius of a cone whose request has none (degrees), from the description of the service.
DEFAULT_RADIUS = 0.2

DISTANCE: Columns = (("distance", "float"),)
SELECTED: Columns = (("_selected_", "boolean"),)
FILTERED: Columns = (*OBSERVATION_COLUMNS, ("objID", "string"))
POSITIONED: Columns = (*FILTERED, ("objID1", "string"), *DISTANCE)


def cone(archive: Archive, params: Params) -> Dataset:
    """Return every observation whose footprint meets the cone, nearest first, with distance and the portal's tick."""
    radius = number(params, "radius", DEFAULT_RADIUS)
    distances = _within(archive, number(params, "ra"), number(params, "dec"), radius)
    condition = Clause("obs_collection <> 'HLA'") if is_true(params.get("exclude_hla")) else Clause.all_of([])
    columns = (*OBSERVATION_COLUMNS, *DISTANCE, *SELECTED)
    return Dataset(columns, observation_rows(archive, columns, _nearest(archive, distances, condition), distances))


def filtered(archive: Archive, params: Params) -> Dataset:
    """Return the observations that pass the filters, or their number."""
    condition = where(params.get("filters"), FILTERED)
    columns = columns_asked(params, FILTERED)
    if columns is None:
        sql = f"SELECT COUNT(*) AS number FROM observation WHERE {condition.sql}"
        return count_dataset(archive.query(sql, condition.parameters)[0]["number"])
    return Dataset(columns, observation_rows(archive, columns, _matching(archive, condition)))


def filtered_position(archive: Archive, params: Params) -> Dataset:
    """Return the observations that pass the filters and meet the cone, nearest first, or their number."""
    condition = where(params.get("filters"), FILTERED)
    columns = columns_asked(params, POSITIONED)
    distances = _within(archive, *_position(params))
    keys = _nearest(archive, distances, condition)
    return (
        count_dataset(len(keys))
        if columns is None
        else Dataset(columns, observation_rows(archive, columns, keys, distances))
    )


def products(archive: Archive, params: Params) -> Dataset:
    """Return the files of each observation asked for and of its members, in the order of the request.

    The same file occurs once for every observation it belongs to, as at MAST.
    """
    ids = list(dict.fromkeys(_ids(params.get("obsid"))))
    listed = ", ".join(
        "asked.value AS parent_obsid" if name == "parent_obsid" else f'product."{name}"' for name, _ in PRODUCT_COLUMNS
    )
    # CROSS JOIN keeps SQLite from searching the whole of the product table for each id.
    sql = (
        f"SELECT {listed}, asked.key AS place, 0 AS member, product.rowid AS row FROM json_each(?) AS asked "
        "CROSS JOIN product ON product.obsID = asked.value UNION ALL "
        f"SELECT {listed}, asked.key, 1, product.rowid FROM json_each(?) AS asked "
        "CROSS JOIN membership ON membership.obsid = asked.value "
        "CROSS JOIN product ON product.obsID = membership.member_obsID "
        "ORDER BY place, member, row"
    )
    rows = [tuple(row.values()) for row in archive.query(sql, (json.dumps(ids),) * 2)]
    return Dataset((*PRODUCT_COLUMNS, *SELECTED), [(*row[:-3], None) for row in rows])


def missions(archive: Archive, params: Params) -> Dataset:
    """Return the collections of the archive, one a row."""
    sql = "SELECT DISTINCT obs_collection FROM observation WHERE obs_collection IS NOT NULL ORDER BY 1"
    return Dataset((("distinctValue", "string"),), [tuple(row.values()) for row in archive.query(sql)])


SERVICES: Mapping[str, Service] = {
    "mast.caom.cone": cone,
    "mast.caom.filtered": filtered,
    "mast.caom.filtered.position": filtered_position,
    "mast.caom.products": products,
    "mast.caom.all": caom_all,
    "mast.missions.list": missions,
    **CATALOG_SERVICES,
}


def _within(archive: Archive, ra: float, dec: float, radius: float) -> dict[int, float]:
    check_cone(dec, radius)
    return archive.within(ra, dec, radius)


def _matching(archive: Archive, condition: Clause) -> list[int]:
    """Return the keys of the observations that meet the condition, in rising order."""
    # One value instead of a row for each key: a large archive has hundreds of thousands.
    sql = f"SELECT json_group_array(objID) AS keys FROM observation WHERE {condition.sql}"
    keys: list[int] = json.loads(str(archive.query(sql, condition.parameters)[0]["keys"]))
    return sorted(keys)


def _nearest(archive: Archive, distances: Mapping[int, float], condition: Clause) -> list[int]:
    """Return the keys of ``distances`` that meet the condition, nearest first."""
    keys = _matching(archive, Clause.all_of([Clause.among("objID", distances), condition]))
    return sorted(keys, key=lambda key: (distances[key], key))


def _position(params: Params) -> tuple[float, float, float]:
    text = str(params.get("position", ""))
    parts = text.split(",")
    if len(parts) != 3:
        raise ServiceError(f"The parameter 'position' must be 'ra, dec, radius', not '{text}'.")
    ra, dec, radius = (finite("position", part) for part in parts)
    return ra, dec, radius


def _ids(obsid: object) -> list[int]:
    # Two spellings are in use: one number, or a text of numbers between commas.
    return [identifier(text.strip()) for text in str("" if obsid is None else obsid).split(",")]
