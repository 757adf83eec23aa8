"""Images by position: SIA 1 with one row per image file, and SIA 2 with one row of ObsCore per observation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from ..archive.observation import from_row
from ..archive.pixelgrid import PixelGrid, grids
from ..archive.products import File, kind_of
from ..archive.search import Clause
from ..cloud import cloud_path
from ..packaged import text
from ..reply import Reply
from ..requestlog import RequestRecord
from .areas import RELATIONS, Area
from .dal_request import DALParameters, address, overlaps_interval, table

if TYPE_CHECKING:
    from ..archive import Archive

Row = Mapping[str, Any]
SIA2 = "/vo-sia/api/v0.1"
#: Maximum number of rows of an SIA 2 response, as in TAP.
MOST_ROWS = 100_000
_DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "capabilities": lambda: text("sia_capabilities.xml"),
    "availability": lambda: text("sia_availability.xml"),
}
_DOWNLOAD = "/api/v0.1/Download/file?uri="
_GRAPHIC = "image/jpeg"
_CONTENT_TYPE = (
    "CASE WHEN {0} LIKE '%.jpg' THEN 'image/jpeg' WHEN {0} LIKE '%.fits' OR {0} LIKE '%.fits.gz' OR {0} LIKE "
    "'%.img.gz' THEN 'image/fits' END"
)
_IMAGES = "dataproduct_type IN ('image', 'cube')"
#: Content types for each value of FORMAT.
_FORMATS = {
    **dict.fromkeys(("ALL", "*/*", "IMAGE/*"), ("image/fits", _GRAPHIC)),
    **dict.fromkeys(("GRAPHIC", "GRAPHIC-ALL", "IMAGE/JPEG"), (_GRAPHIC,)),
    "IMAGE/FITS": ("image/fits",),
}
#: A mission whose images are not found if a format is requested.
_WITHOUT_FORMAT = "GALEX"


def download_address(record: RequestRecord, uri: str) -> str:
    """Return the URL of a file at the server of the request."""
    return address(record, f"{_DOWNLOAD}{quote(uri, safe=':/')}")


# -- SIA 1 -------------------------------------------------------------------------------------------------------------


def first_version(archive: Archive, record: RequestRecord) -> Reply:
    """Answer SIA 1; errors are reported in the VOTable with status 200."""
    params = DALParameters(record)
    if str(params.one("FORMAT")).upper() == "METADATA":
        return table("sia1", ())
    mission = params.one("MISSION")
    _check_mission(archive, params, mission)
    found, wanted = _area(params).observations(archive, _relation(params)), _formats(params, str(mission))
    return table("sia1", filter(lambda row: row["contenttype"] in wanted, _files(archive, record, found, mission)))


def _formats(params: DALParameters, mission: str) -> set[str]:
    """Return the content types of the parameter FORMAT; none for a mission that does not support it."""
    given = params.one("FORMAT") or "ALL"
    quirk = mission.upper() == _WITHOUT_FORMAT and given != "ALL"
    return set().union(*(_FORMATS.get(word, ()) for word in given.upper().split(","))) if not quirk else set()


def _check_mission(archive: Archive, params: DALParameters, mission: str | None) -> None:
    names = [row["name"] for row in archive.query("SELECT DISTINCT obs_collection AS name FROM observation ORDER BY 1")]
    if mission is not None and mission.upper() not in map(str.upper, names):
        raise params.refusal(f"Unknown mission '{mission}'. Known missions: {', '.join(names)}.")


def _area(params: DALParameters) -> Area:
    sides = params.numbers("SIZE", "1.0", (1, 2))
    if not all(0 <= side <= 90 for side in sides):
        raise params.refusal(f"SIZE={params.one('SIZE')} is not between 0 and 90 degrees.")
    return Area.box(*params.place(), sides[0], sides[-1])


def _relation(params: DALParameters) -> str:
    relation = (params.one("INTERSECT") or "OVERLAPS").upper()
    if relation not in {*RELATIONS, "CENTER"}:
        raise params.refusal(f"INTERSECT={relation} must be one of {', '.join(RELATIONS)}, CENTER.")
    return relation


def _files(archive: Archive, record: RequestRecord, keys: set[int], mission: str | None) -> Iterator[Row]:
    """Generate the images of observations, one row per file."""
    sql = (
        "SELECT observation.*, dataURI, productFilename, productType, size, em_min * 1e-9 AS enrMin, "
        "em_max * 1e-9 AS enrMax, (em_min + em_max) * 5e-10 AS enrValue, (t_min + t_max) / 2 AS midpoint, "
        f"{_CONTENT_TYPE.format('productFilename')} AS contenttype "
        "FROM observation CROSS JOIN product ON product.obsID = observation.obsid "
        f"WHERE objID IN (SELECT value FROM json_each(?)) AND observation.{_IMAGES} AND (? IS NULL OR "
        "observation.obs_collection = ? COLLATE NOCASE) AND (contenttype = 'image/jpeg' OR (contenttype IS NOT NULL "
        "AND productType = 'SCIENCE')) ORDER BY observation.obsid, product.rowid"
    )
    for row in archive.query(sql, (json.dumps(sorted(keys)), mission, mission)):
        yield _file(record, row)


def _file(record: RequestRecord, row: Row) -> Row:
    path = cloud_path(row["dataURI"], row)
    copy = {"aws": {"bucket_name": "stpubdata", "region": "us-east-1", "access": "open", "key": str(path)[1:]}}
    return {
        **row,
        "name": row["productFilename"],
        "contentlength": row["size"],
        "enrUnits": "m",
        "accessURL": download_address(record, row["dataURI"]),
        "cloud_access": json.dumps(copy) if path else None,
        **_world(row),
    }


def _world(row: Row) -> dict[str, object]:
    """Return the world coordinates of the first image in a FITS file."""
    owner = from_row(dict(row))
    units = File(row["dataURI"], owner, kind_of(owner, row["dataURI"])).units if row["contenttype"] != _GRAPHIC else ()
    shapes = {unit.version: (unit.shape[-2], unit.shape[-1]) for unit in units if unit.dtype and len(unit.shape) > 1}
    grid: PixelGrid | None = next(iter(grids(owner, list(shapes.values()))), None) if shapes else None
    if grid is None:
        return {"naxes": 2}
    return {
        "naxes": 2,
        "naxis": grid.shape[::-1],
        "scale": (grid.scale, grid.scale),
        "coordFrame": "ICRS",
        "projection": "TAN",
        "crpix": grid.crpix,
        "crval": (grid.ra, grid.dec),
        "cdmatrix": tuple(chain.from_iterable(grid.cd)),
    }


# -- SIA 2 -------------------------------------------------------------------------------------------------------------


def second_version(archive: Archive, record: RequestRecord) -> Reply:
    """Answer requests under the address of SIA 2: queries, and the descriptions of the service."""
    resource = record.path.removeprefix(f"{SIA2}/").strip("/")
    if resource in _DOCUMENTS:
        here = escape(address(record, SIA2))
        return Reply.text(_DOCUMENTS[resource]().format(here), content_type="text/xml; charset=utf-8")
    if resource != "query":
        return Reply.json({"detail": "Not Found"}, 404)
    params = DALParameters(record, 400)
    most = params.limit("MAXREC")
    return table("sia2", _observations(archive, record, params), maxrec=MOST_ROWS if most is None else most)


#: Parameters that must equal a column, as text or number.
_EQUAL = {
    "COLLECTION": "obs_collection",
    "INSTRUMENT": "instrument_name",
    "FACILITY": "obs_collection",
    "DPTYPE": "dataproduct_type",
    "CALIB": "calib_level",
    "TARGET": "target_name",
    "ID": "obs_publisher_did",
    "FORMAT": "access_format",
    # The archive has no values of these, so such searches find nothing.
    **dict.fromkeys(("FOV", "SPATRES", "SPECRP", "TIMERES", "POL"), "NULL"),
}
#: Parameters that are intervals, with the columns to compare.
_BETWEEN = {"BAND": ("wavemin", "wavemax"), "TIME": ("t_min", "t_max"), "EXPTIME": ("t_exptime", "t_exptime")}
_SQL = (
    "SELECT *, em_min * 1e-9 AS wavemin, em_max * 1e-9 AS wavemax, obs_collection AS facility_name, "
    f"t_obs_release AS obs_release_date, {_CONTENT_TYPE.format('dataURL')} AS access_format, "
    "(SELECT size / 1000 FROM product WHERE dataURI = dataURL) AS access_estsize, "
    "'ivo://archive.stsci.edu/' || lower(obs_collection) || '?' || obs_id AS obs_publisher_did FROM observation "
    f"WHERE {_IMAGES} AND dataURL IS NOT NULL AND (? IS NULL OR objID IN (SELECT value FROM json_each(?))) "
    "ORDER BY obsid"
)


def _observations(archive: Archive, record: RequestRecord, params: DALParameters) -> Iterator[Row]:
    keys = _on_areas(archive, params)
    tests = [overlaps_interval(*_BETWEEN[name], params.intervals(name)) for name in _BETWEEN]
    for name, column in _EQUAL.items():
        if values := params.all(name):
            tests.append(Clause.among(f"CAST({column} AS TEXT) COLLATE NOCASE", values))
    condition = Clause.all_of(tests)
    rows = archive.query(f"SELECT * FROM ({_SQL}) WHERE {condition.sql}", (keys, keys, *condition.parameters))
    for row in rows:
        url = download_address(record, row["dataURL"])
        yield {**row, "em_min": row["wavemin"], "em_max": row["wavemax"], "access_url": url}


def _on_areas(archive: Archive, params: DALParameters) -> str | None:
    """Return ``objID`` of the observations in the areas of the parameter POS as JSON, or None without POS."""
    places = params.all("POS")
    found = chain.from_iterable(_in_area(archive, params, place) for place in places)
    return json.dumps(sorted(set(found))) if places else None


def _in_area(archive: Archive, params: DALParameters, place: str) -> set[int]:
    """Return ``objID`` of the observations in one area of the parameter POS."""
    shape, *words = place.split()
    search = _SHAPES.get(shape.upper())
    if search is None:
        raise params.refusal(f"POS={place} must begin with CIRCLE, RANGE, or POLYGON.")
    return search(archive, params, words)


def _circle(archive: Archive, params: DALParameters, words: Sequence[str]) -> set[int]:
    ra, dec, radius = params.read(words, "POS=CIRCLE", (3,))
    if not 0 <= radius <= 180:
        raise params.refusal(f"The radius {radius} is not between 0 and 180 degrees.")
    return set(archive.within(*params.checked(ra, dec), radius))


def _range(archive: Archive, params: DALParameters, words: Sequence[str]) -> set[int]:
    """Return the observations whose center is in a range of coordinates, whose ends may be infinite."""
    if len(words) != 4:
        raise params.refusal("POS=RANGE is invalid.")
    (first, last), (lowest, highest) = (params.interval("POS=RANGE", words[start : start + 2]) for start in (0, 2))
    sql = "SELECT objID FROM observation WHERE s_ra BETWEEN ? AND ? AND s_dec BETWEEN ? AND ?"
    return {row["objID"] for row in archive.query(sql, (first, last, lowest, highest))}


def _polygon(archive: Archive, params: DALParameters, words: Sequence[str]) -> set[int]:
    numbers = params.read(words, "POS=POLYGON", range(6, 2000, 2))
    corners = [params.checked(ra, dec) for ra, dec in zip(numbers[::2], numbers[1::2], strict=True)]
    return Area.polygon(corners).observations(archive)


_SHAPES: Mapping[str, Callable[[Archive, DALParameters, Sequence[str]], set[int]]] = {
    "CIRCLE": _circle,
    "RANGE": _range,
    "POLYGON": _polygon,
}
