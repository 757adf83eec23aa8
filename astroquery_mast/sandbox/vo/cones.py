"""Cone searches (SCS): the catalogs of gsss.stsci.edu, and the old searches of single missions."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..archive.catalogs import catalog
from ..packaged import packaged
from ..reply import Refusal, Reply
from ..requestlog import RequestRecord
from .areas import nearest
from .dal_request import DALParameters, fields
from .votable import VOTABLE_TYPE, Field, votable

if TYPE_CHECKING:
    from ..archive import Archive

#: Names of catalogs, with the table in the archive and its identifier column.
CATALOGS: Mapping[str, Sequence[str]] = packaged("dal")["catalogs"]
_DEFAULT = "GSC242"
_DATATYPES = {"float": "double", "int": "long", "boolean": "boolean", "string": "char"}
#: Unit, UCD, and description of columns by name.
_KNOWN: Mapping[str, Sequence[str]] = packaged("dal")["columns"]
_MAIN = "ID_MAIN"


class ConeError(Refusal):
    """A refused cone search, reported as in its standard: an INFO element named Error."""

    def reply(self) -> Reply:
        """Return the refusal in the format of the service."""
        return Reply(200, (("Content-Type", VOTABLE_TYPE),), votable((), infos={"Error": str(self)}))


def cone_search(archive: Archive, record: RequestRecord) -> Reply:
    """Answer the cone search of the path."""
    params = DALParameters(record)
    ra, dec = params.numbers("RA")[0], params.numbers("DEC")[0]
    radius = params.numbers("SR")[0]
    if not (-360 <= ra <= 360 and -90 <= dec <= 90 and 0 <= radius <= 180):
        raise ConeError(f"Invalid cone: {radius} degrees at {ra}, {dec}.")
    folder, _, page = record.path.strip("/").rpartition("/")
    if page == "search.php":
        return _mission(archive, folder, (ra, dec, radius))
    return _catalog(params, (ra, dec, radius))


def counted(name: str, cone: Sequence[float]) -> int:
    """Return the number of sources of a catalog in a cone."""
    return len(catalog(CATALOGS[name][0]).within(*cone).keys)


def _catalog(params: DALParameters, cone: tuple[float, float, float]) -> Reply:
    name = (params.one("CATALOG", "CAT") or _DEFAULT).upper()
    if name not in CATALOGS:
        raise ConeError(f"Unknown catalog {name}. Known catalogs: {', '.join(CATALOGS)}.")
    stored, identifier = CATALOGS[name]
    rows, limit = catalog(stored), params.limit("MAXOBJ")
    columns = [_field(column, kind, column == identifier) for column, kind in rows.columns]
    listed = rows.rows(rows.within(*cone).keys, [column.name for column in columns])
    if (params.one("FORMAT") or "VOTABLE").upper() == "CSV":
        return _csv([column.name for column in columns], listed[:limit])
    return _answer(name, columns, listed, limit)


def _answer(name: str, columns: Sequence[Field], rows: Sequence[Sequence[object]], limit: int | None = None) -> Reply:
    return Reply(200, (("Content-Type", VOTABLE_TYPE),), votable(columns, rows, name=name, maxrec=limit))


def _field(name: str, kind: str, is_main: bool) -> Field:
    unit, ucd, description = _KNOWN.get(name, ("", "", ""))
    return Field(name, _DATATYPES[kind], unit=unit, ucd=_MAIN if is_main else ucd, description=description)


def _csv(names: Sequence[str], rows: Sequence[Sequence[object]]) -> Reply:
    """Return rows as text; the first line is a comment, as in real responses."""
    written = io.StringIO(newline="")
    written.write("#Objects found\n")
    csv.writer(written, lineterminator="\n").writerows([names, *rows])
    return Reply.text(written.getvalue(), content_type="text/csv; charset=utf-8")


def _mission(archive: Archive, mission: str, cone: tuple[float, float, float]) -> Reply:
    """Return the observations of a mission whose position is in the cone, nearest first."""
    sql = "SELECT * FROM observation WHERE obs_collection = ? COLLATE NOCASE AND s_ra IS NOT NULL ORDER BY obsid"
    columns = fields("mission cone")
    near = nearest(archive.query(sql, (mission,)), *cone)
    return _answer(mission, columns, [[row[column.name] for column in columns] for row in near])
