"""The API of MAST's viewers (``/viz/api/v0.1/``): metadata of a JWST file, and descriptions of header keywords."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .archive.jwst_setup import exposure_type
from .engineering.database import mnemonic_list
from .identity import has_access
from .keyword_services import keyword_tables
from .packaged import OBSERVATION_COLUMNS, PRODUCT_COLUMNS, packaged
from .reply import Refusal, Reply
from .requestlog import RequestRecord
from .rows import observation_rows

if TYPE_CHECKING:
    from .archive import Archive

Record = dict[str, object]

PREFIX: str = packaged("endpoints")["viz"]["prefix"]
_PRODUCT = "mast:JWST/product/"
_SCHEMAS = {"string": "string", "int": "integer", "float": "number", "boolean": "boolean", "date": "string"}
_SQL_TYPES = {"string": "nvarchar", "int": "int", "float": "float", "boolean": "bit", "date": "datetime2"}
#: Observations related to a file: its own, those that it is a member of, and its members.
_FAMILY = (
    "SELECT ? AS obsid UNION SELECT obsid FROM membership WHERE member_obsID = ? "
    "UNION SELECT member_obsID FROM membership WHERE obsid = ?"
)


def viz_answer(archive: Archive, record: RequestRecord) -> Reply:
    """Answer a request; the end of its path selects the service."""
    wanted = record.path.removeprefix(PREFIX).rstrip("/")
    if wanted == "info/mnemonics":
        return mnemonic_list(record)
    answer = _ANSWERS.get(wanted)
    if answer is None:
        raise Refusal(f"{record.path} was not found.", 404)
    return Reply.json(answer(archive, record))


def _requested_product(archive: Archive, record: RequestRecord) -> dict[str, Any]:
    """Return the product of the requested ``uri``, which may also be the name of a JWST file."""
    given = record.value("uri")
    if not given:
        raise Refusal("The parameter 'uri' is missing.", 400)
    product = archive.product(given if ":" in given else f"{_PRODUCT}{given}")
    if product is None:
        raise Refusal(f"{given} was not found.", 404)
    if not has_access(record, product):
        raise Refusal(f"{given} is available to its proposers only.", 401)
    return product


def _parameters(archive: Archive, record: RequestRecord) -> Record:
    """Return the observation to which a file belongs."""
    product = _requested_product(archive, record)
    (row,) = archive.query("SELECT objID, obs_id FROM observation WHERE obsid = ?", (product["obsID"],))
    (cells,) = observation_rows(archive, OBSERVATION_COLUMNS, [row["objID"]])
    known = {name: cell for (name, _), cell in zip(OBSERVATION_COLUMNS, cells, strict=True)}
    return {**known, "obsType": "simple", "pol_states": None, "metaDataRights": "PUBLIC"}


def _keywords(archive: Archive, record: RequestRecord) -> Record:
    """Return the keywords of a file, as in the keyword services."""
    name = str(_requested_product(archive, record)["productFilename"])
    found = (table.record(name) for table in keyword_tables(archive).values())
    keywords = next((each for each in found if each is not None), None)
    if keywords is None:
        raise Refusal(f"{name} has no keywords.", 404)
    return keywords


def _products(archive: Archive, record: RequestRecord) -> dict[str, list[Record]]:
    """Return the files of a level that are related to a file by observation or association."""
    own = _requested_product(archive, record)
    level = record.value("level") or str(own["calib_level"])
    columns = ", ".join(f'p."{name}"' for name, _ in PRODUCT_COLUMNS if name != "parent_obsid")
    sql = (
        f"SELECT {columns}, o.instrument_name FROM product p JOIN observation o ON o.obsid = p.obsID "
        f"WHERE p.obsID IN ({_FAMILY}) AND p.calib_level = ? ORDER BY p.rowid"
    )
    found: dict[str, list[Record]] = {}
    templates = packaged("jwst_keywords")["templates"]
    for row in archive.query(sql, (*[own["obsID"]] * 3, level)):
        configuration = row.pop("instrument_name")
        instrument, _, mode = configuration.partition("/")
        told = {"exp_type": exposure_type(configuration), "template": f"{instrument} {templates[mode]}"}
        found.setdefault(row["obs_id"], []).append({**row, "parent_obsid": own["obsID"], **told})
    return found


def _dictionary(archive: Archive, record: RequestRecord) -> dict[str, dict[str, Record]]:
    """Return descriptions of one or all keywords, grouped by the schema that defines them."""
    wanted = (record.value("name") or "").strip().upper()
    found: dict[str, dict[str, Record]] = {}
    for name, kind, unit, title, instruments in packaged("jwst_keywords")["columns"]:
        if wanted in ("", name.upper()):
            schema = "core.schema.json" if instruments == "*" else f"{instruments.split()[0].lower()}.schema.json"
            found.setdefault(schema, {})[name.upper()] = _entry(name, kind, unit, title, instruments)
    return found


def _entry(name: str, kind: str, unit: str, title: str, instruments: str) -> Record:
    return {
        "fits_keyword": name.upper(),
        "title": title,
        "description": title,
        "type": _SCHEMAS[kind],
        "units": unit or None,
        "example": None,
        "default_value": None,
        "source": "Science Data Processing",
        "sw_source": None,
        "calculation": None,
        "destination": ["ScienceCommon." + name],
        "sql_dtype": _SQL_TYPES[kind],
        "si": "Multiple" if instruments == "*" or " " in instruments else instruments.upper(),
        "mode": "All",
        "level": "1b",
        "fits_hdu": "PRIMARY",
        "section": "Basic",
        "misc": None,
    }


_ANSWERS: Mapping[str, Callable[[Archive, RequestRecord], object]] = {
    "parameters": _parameters,
    "keywords/search": _keywords,
    "products": _products,
    "info/keywords": _dictionary,
}
