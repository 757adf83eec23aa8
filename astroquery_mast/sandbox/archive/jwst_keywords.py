"""Header keywords of JWST files: one row per FITS file, including archive metadata.

In: an archive. Out: columns and rows of each keyword service. Checksums are not in the rows, because they require
rendering the files (`Archive.checksum`), and most queries do not need them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..mjd import unix_seconds
from ..packaged import Columns, packaged
from .jwst_setup import setup
from .observation import dice

if TYPE_CHECKING:
    from .archive import Archive

Row = dict[str, object]

_FACTS = packaged("jwst_keywords")
#: The last parts of the names of the keyword services.
SERVICES: tuple[str, ...] = _FACTS["services"]
#: Date columns, which are text and are accompanied by a column with the MJD.
DATES = frozenset(name for name, kind, *_ in _FACTS["columns"] if kind == "date")
_EXPOSURE = re.compile(r"jw(\d{5})(\d{3})(\d{3})_(\d{2})(\d{1})(\d{2})_(\d{5})_(\w+)$")
_COMBINED = re.compile(r"jw(\d{5})-o(\d{3})_")
_GUIDING = "_gs-"
_FIRST_ID = 55_000_000
_PUBLIC = (None, "PUBLIC")
_FILES = (
    "SELECT o.*, p.dataURI, p.productFilename, p.prvversion, p.size, p.dataRights AS rights, p.calib_level AS level, "
    "r.context, r.day, p.rowid AS number FROM product p JOIN observation o ON o.obsid = p.obsID "
    "LEFT JOIN revision r ON r.dataURI = p.dataURI "
    "WHERE p.obs_collection = 'JWST' AND p.productFilename LIKE '%.fits' ORDER BY p.rowid"
)


@cache
def keyword_columns(service: str) -> Columns:
    """Return name and declared type of the columns of a service."""
    listed: list[tuple[str, str]] = []
    for name, kind, _unit, _title, instruments in _FACTS["columns"]:
        if instruments == "*" or service in instruments.split():
            listed.append((name, kind))
            listed += [(f"{name}_mjd", "float")] if kind == "date" else []
    return tuple(dict.fromkeys(listed))


def keyword_rows(archive: Archive) -> dict[str, list[Row]]:
    """Return the rows of each service; a file that belongs to several observations has one row."""
    found: dict[str, dict[str, Row]] = {service: {} for service in SERVICES}
    services = {service.upper(): service for service in SERVICES}
    for file in archive.query(_FILES):
        guiding = _GUIDING in file["productFilename"]
        service = "GuideStar" if guiding else services[file["instrument_name"].partition("/")[0]]
        found[service].setdefault(file["dataURI"], _guide_row(file) if guiding else _row(file))
    return {service: list(rows.values()) for service, rows in found.items()}


def _row(file: Mapping[str, Any]) -> Row:
    configuration, target = file["instrument_name"], file["target_name"]
    instrument, _, mode = configuration.partition("/")
    start, end, seconds = (file[name] or 0.0 for name in ("t_min", "t_max", "t_exptime"))
    motion = "MOVING" if file["mtFlag"] else "FIXED"
    suffix = file["productFilename"].removesuffix(".fits").rpartition("_")[2]
    rng = dice("JWST keywords", file["obs_id"])
    return {
        **_archived(file),
        **_numbers(file["obs_id"]),
        **setup(configuration, file["filters"], target),
        "apername": f"{_FACTS['prefixes'][instrument]}_{mode}",
        "category": file["proposal_type"],
        "date_beg": file["t_min"],
        "date_end": file["t_max"],
        "date_obs": file["t_min"],
        "vststart": file["t_min"],
        "visitend": file["t_max"],
        "duration": seconds,
        "effexptm": round(0.97 * seconds, 3),
        "eng_qual": "OK",
        "engqlptg": "CALCULATED",
        "expcount": 1,
        "expstart": file["t_min"],
        "expmid": (start + end) / 2,
        "expend": file["t_max"],
        "expripar": "PRIME",
        "instrume": instrument,
        "nframes": rng.choice([1, 4, 8]),
        "ngroups": rng.randrange(5, 12),
        "nints": rng.choice([1, 1, 1, 2, 4]),
        "numdthpt": 4,
        "pi_name": file["proposal_pi"],
        "targ_ra": file["s_ra"],
        "targ_dec": file["s_dec"],
        "prop_ra": file["s_ra"],
        "prop_dec": file["s_dec"],
        "targname": target,
        "targprop": target,
        "targtype": motion,
        "template": f"{instrument} {_FACTS['templates'][mode]}",
        "title": file["obs_title"],
        "tsovisit": "t" if file["dataproduct_type"] == "timeseries" else "f",
        "visitype": f"PRIME_TARGETED_{motion}",
        "visitsta": "SUCCESSFUL",
        "s_region": file["s_region"],
        "datamodl": _FACTS["models"].get(suffix, "ImageModel"),
        **_part(instrument, file["em_max"] or 0.0),
        **dict.fromkeys(("bkgdtarg", "dataprob", "crowdfld", "intarget", "selfref", "targoopp", "hga_move"), "f"),
    }


def _part(instrument: str, longest: float) -> Row:
    """Return the NIRCam module and channel."""
    if instrument != "NIRCAM":
        return {}
    return {"module": "A", "channel": "LONG" if longest > 2500.0 else "SHORT"}


def _archived(file: Mapping[str, Any]) -> Row:
    """Return the archive metadata of a file, which do not depend on its content."""
    made = file["day"] if file["day"] is not None else (file["t_max"] or 0.0) + 0.6
    name = file["productFilename"]
    suffix = name.removesuffix(".fits").rpartition("_")[2]
    return {
        "ArchiveFileID": _FIRST_ID + file["number"],
        "filename": name,
        "fileSetName": _file_set(file["obs_id"]),
        "productLevel": "3" if file["level"] == 3 else _FACTS["levels"].get(suffix, "2b"),
        "program": int(file["proposal_id"]),
        "telescop": "JWST",
        "origin": "STSCI",
        "timesys": "UTC",
        "date": made,
        "cal_ver": file["prvversion"],
        "cal_vcs": "RELEASE",
        "crds_ctx": file["context"] or "jwst_1364.pmap",
        "crds_ver": "12.1.4",
        "fileSize": file["size"],
        "ingestStartDate": made + 0.01,
        "ingestCompletionDate": made + 0.02,
        "FileTypeID": crc32(suffix.encode()) % 900,
        "publicReleaseDate": file["t_obs_release"],
        "isRestricted": file["rights"] not in _PUBLIC,
        "isItar": False,
        "isStale": False,
        "FileSetId": crc32(_file_set(file["obs_id"]).encode()),
    }


def _guide_row(file: Mapping[str, Any]) -> Row:
    rng = dice("guide star", file["productFilename"][:13])
    mode = "ACQ1" if "acq1" in file["productFilename"] else "ID"
    return {
        **_archived(file),
        **_numbers(file["obs_id"]),
        "date_obs": file["t_min"],
        "gsstrttm": file["t_min"],
        "gsendtim": file["t_max"],
        "detector": rng.choice(["GUIDER1", "GUIDER2"]),
        "exp_type": f"FGS_{mode}",
        "gdstarid": f"S3P{rng.randrange(10**6):06d}",
        "gs_ra": file["s_ra"] and round(file["s_ra"] + rng.uniform(-0.1, 0.1), 7),
        "gs_dec": file["s_dec"] and round(file["s_dec"] + rng.uniform(-0.1, 0.1), 7),
        "gs_mag": round(rng.uniform(11.0, 17.5), 3),
        "gs_order": 1,
        "instrume": "FGS",
        "pcs_mode": mode,
    }


def _file_set(obs_id: str) -> str:
    return obs_id.rpartition("_")[0] if _EXPOSURE.match(obs_id) else obs_id


def _numbers(obs_id: str) -> Row:
    """Return the keywords that follow from the name of an exposure."""
    exposure = _EXPOSURE.match(obs_id)
    if exposure:
        program, observation, visit, group, sequence, activity, number, detector = exposure.groups()
        return {
            "act_id": activity,
            "detector": detector.upper(),
            "exposure": int(number),
            "observtn": int(observation),
            "obs_id": f"V{program}{observation}{visit}P0000000{group}{sequence}{activity}",
            "seq_id": sequence,
            "visit": int(visit),
            "visit_id": f"{program}{observation}{visit}",
            "visitgrp": group,
        }
    combined = _COMBINED.match(obs_id)
    observed = int(combined[2]) if combined else None
    return {"detector": "MULTIPLE", "observtn": observed, "visit": 1}


def written(name: str, value: Any) -> object:
    """Return a value as in a response: dates are text, in milliseconds since 1970."""
    if value is None or name not in DATES:
        return value
    return f"/Date({round(unix_seconds(value) * 1000)})/"


def with_moments(row: Row) -> Row:
    """Return a row with the MJD of its dates added."""
    return {**row, **{f"{name}_mjd": row[name] for name in DATES & row.keys()}}
