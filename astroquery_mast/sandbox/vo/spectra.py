"""Spectra by position: SSA as provided by archive.stsci.edu, and the files in its responses."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..archive.search import Clause
from ..downloads import Downloads
from ..reading import real
from ..reply import Reply
from ..requestlog import RequestRecord
from .areas import nearest
from .dal_request import DALParameters, Interval, address, overlaps_interval, table

if TYPE_CHECKING:
    from ..archive import Archive

FILES = "/pub/vospectra/"
_ANGSTROM = 1e-10
#: BAND limits above this are in angstroms, despite the standard.
_METERS = 100.0
_DAY_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_EVERY = frozenset({"ALL", "COMPLIANT", "NATIVE", "FITS", "APPLICATION/FITS", "IMAGE/FITS"})
_SQL = (
    "SELECT observation.obs_collection AS telescop, instrument_name AS instrume, observation.obs_id AS obs_id, t_min, "
    "t_max, target_name AS object, s_ra, s_dec, em_min * 1e-9 AS wavemin, em_max * 1e-9 AS wavemax, "
    "(em_min + em_max) * 5e-10 AS midwave, t_exptime AS exptime, productFilename, size AS filesize "
    "FROM observation CROSS JOIN product ON product.obsID = observation.obsid WHERE s_ra IS NOT NULL "
    "AND t_min IS NOT NULL AND observation.dataproduct_type = 'spectrum' AND productType = 'SCIENCE' "
    "AND (dataURI = dataURL OR dataURL IS NULL) "
    "ORDER BY observation.obsid, product.rowid"
)
Row = Mapping[str, Any]


def spectra(archive: Archive, record: RequestRecord) -> Reply:
    """Answer SSA; ``id`` names a mission, ``SIZE`` is a diameter, and errors have status 200."""
    params = DALParameters(record)
    request = params.one("REQUEST") or "queryData"
    if request.lower() != "querydata":
        raise params.refusal(f"REQUEST={request} is not supported; use queryData.")
    forms = (params.one("FORMAT") or "ALL").upper().split(",")
    rows = () if _EVERY.isdisjoint(forms) else _found(archive, params)
    return table("ssa", (_facts(record, row) for row in rows), maxrec=params.limit("TOP", "MAXREC"))


def _found(archive: Archive, params: DALParameters) -> Sequence[Row]:
    """Return the requested spectra, nearest first."""
    bands, times = _ranges(params, "BAND", _meters), _ranges(params, "TIME", _days)
    tests = [overlaps_interval("wavemin", "wavemax", bands), overlaps_interval("t_min", "t_max", times)]
    tests += [Clause("telescop = ? COLLATE NOCASE", (mission,)) for mission in params.all("ID")[:1]]
    rows = _rows(archive, Clause.all_of(tests))
    if params.one("POS") is None:
        return rows
    return nearest(rows, *params.place(), params.numbers("SIZE", "0.05")[0] / 2)


def _rows(archive: Archive, condition: Clause) -> list[dict[str, Any]]:
    return archive.query(f"SELECT * FROM ({_SQL}) WHERE {condition.sql}", condition.parameters)


def counted_spectra(archive: Archive, ra: float, dec: float, radius: float) -> Counter[str]:
    """Return the number of spectra of each mission in a cone."""
    near = nearest(_rows(archive, Clause("1")), ra, dec, radius)
    return Counter(str(row["telescop"]) for row in near)


def _ranges(params: DALParameters, name: str, read: Callable[[str], float | None]) -> list[Interval]:
    """Return the comma-separated ranges of a parameter."""
    return [_range(params, name, text, read) for text in (params.one(name) or "").split(",") if text.strip()]


def _range(params: DALParameters, name: str, text: str, read: Callable[[str], float | None]) -> Interval:
    """Return a range: ``a/b``, ``a/``, ``/b`` or a single value."""
    first, slash, last = (part.strip() for part in text.partition("/"))
    low = read(first) if first else -math.inf
    high = low if not slash else read(last) if last else math.inf
    if low is None or high is None:
        raise params.refusal(f"{name}={text} is not a range.")
    return low, high


def _meters(word: str) -> float | None:
    value = real(word)
    return value if value is None or value <= _METERS else value * _ANGSTROM


def _days(word: str) -> float | None:
    """Return the MJD of a date; of a year, month, or day, that of its start."""
    if re.fullmatch(r"\d{4}(-\d\d)?", word):
        word = f"{word}-01-01"[:10]
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    return (moment.replace(tzinfo=UTC) - _DAY_ZERO) / timedelta(days=1)


def _facts(record: RequestRecord, row: Row) -> Row:
    begun = _DAY_ZERO + timedelta(days=row["t_min"])
    return {
        **row,
        "url": address(record, f"{FILES}{row['telescop'].lower()}/{row['productFilename']}"),
        "format": "application/fits",
        "title": f"{row['telescop']} {row['instrume']} {row['obs_id']}",
        # pyvo does not accept a T between date and time.
        "dateobs": f"{begun:%Y-%m-%d %H:%M:%S}",
        "pos": (row["s_ra"], row["s_dec"]),
    }


def spectrum_file(archive: Archive, downloads: Downloads, record: RequestRecord) -> Reply:
    """Send a file listed in a response, by its path."""
    name = record.path.rpartition("/")[2]
    sql = "SELECT dataURI FROM product WHERE productFilename = ? ORDER BY rowid LIMIT 1"
    known = archive.query(sql, (name,))
    if not known:
        return Reply.text(f"{record.path} was not found.", 404)
    return downloads.send(record, str(known[0]["dataURI"]))
