"""The JWST mission search: file sets of the archive's observations, and their files.

In: the archive. Out: `jwst_table` (a row per exposure and per combined product), `jwst_datasets` and `jwst_product`. A
file set is named like its exposure without the detector, or like its combined product.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .mission import MissionProduct, MissionTable, Row, Value, copied, moment, search_columns
from .observation import dice

if TYPE_CHECKING:
    from .archive import Archive


_PREFIXES = {"NIRCAM": "NRC", "NIRSPEC": "NRS", "MIRI": "MIR", "NIRISS": "NIS"}
_MODES = {"MSA": "MSASPEC", "SLIT": "BRIGHTOBJ", "SLITLESS": "LRS-SLITLESS"}
_EXPOSURE = re.compile(r"(jw\d{5})(\d{3})(\d{3})_(\d{5})_(\d{5})_(\w+)$")
_COMBINED = re.compile(r"jw\d{5}-o(\d{3})_")
_LEVELS = {1: "1b", 2: "2b", 3: "3"}
_FIRST_ID = 77_000_000
_FIRST_CYCLE, _CYCLE_DAYS = 59761.0, 365.25


def jwst_table(archive: Archive) -> MissionTable:
    """Exposures and combined products of the archive, in the columns of the JWST search."""
    sql = "SELECT * FROM observation WHERE obs_collection = 'JWST' AND calib_level > 0 ORDER BY obsid"
    rows: list[Row] = [_row(observation) for observation in archive.query(sql)]
    return MissionTable(
        "jwst",
        "fileSetName",
        ("targ_ra", "targ_dec"),
        search_columns("jwst"),
        rows,
        always=("ArchiveFileID", "fileSetName"),
    )


def file_set_of(obs_id: str) -> str:
    """Name of the file set to which an observation belongs."""
    exposure = _EXPOSURE.match(obs_id)
    return obs_id.rpartition("_")[0] if exposure else obs_id


def _row(observation: Mapping[str, Any]) -> dict[str, Value]:
    obs_id = str(observation["obs_id"])
    description = str(observation["target_classification"] or "")
    rng = dice("JWST search", obs_id)
    start = observation["t_min"] or 0.0
    return copied("jwst", observation) | {
        "ArchiveFileID": _FIRST_ID + int(observation["obsid"]) % 1_000_000,
        "fileSetName": file_set_of(obs_id),
        "productLevel": _LEVELS[int(observation["calib_level"])],
        "date_obs": moment(start, digits=7),
        "program": int(observation["proposal_id"]),
        "proposal_cycle": max(1, 1 + int((start - _FIRST_CYCLE) // _CYCLE_DAYS)),
        "targtype": "MOVING" if observation["mtFlag"] else "FIXED",
        "access": _access(observation["dataRights"]),
        "targcat": description.partition(";")[0].capitalize(),
        "targdesc": description,
        "expstart": start,
        "effexptm": round(0.97 * float(observation["t_exptime"] or 0.0), 3),
        "nints": rng.choice([1, 1, 1, 2, 4]),
        "ngroups": rng.randrange(5, 12),
        "bkgdtarg": rng.choice([False, False, True, None]),
        **_numbers(obs_id),
        **_setup(observation),
    }


def _numbers(obs_id: str) -> dict[str, Value]:
    exposure = _EXPOSURE.match(obs_id)
    if exposure:
        observation, visit, number = int(exposure[2]), int(exposure[3]), int(exposure[5])
        return {"observtn": observation, "visit": visit, "exposure": number, "detector": exposure[6].upper()}
    combined = _COMBINED.match(obs_id)
    observed = int(combined[1]) if combined else None
    return {"observtn": observed, "visit": 1, "exposure": None, "detector": "MULTIPLE"}


def _setup(observation: Mapping[str, Any]) -> dict[str, Value]:
    instrument, _, mode = str(observation["instrument_name"]).partition("/")
    names = str(observation["filters"] or "").split(";")
    second = names[-1] if len(names) > 1 else None
    kind = "MRS" if (instrument, mode) == ("MIRI", "IFU") else _MODES.get(mode, mode)
    return {
        "instrume": instrument,
        "exp_type": f"{_PREFIXES[instrument]}_{kind}",
        "filter": names[0] or None,
        "pupil": second if instrument in {"NIRCAM", "NIRISS"} else None,
        "grating": second if instrument == "NIRSPEC" else None,
        "readpatt": "FASTR1" if instrument == "MIRI" else "NRSRAPID" if instrument == "NIRSPEC" else "RAPID",
    }


def _access(rights: object) -> str:
    return "PUBLIC" if rights in (None, "PUBLIC") else "RESTRICTED"


def jwst_datasets(archive: Archive) -> dict[str, list[int]]:
    """Observations whose files belong to a file set, by the name of the file set."""
    sql = "SELECT obsid, obs_id FROM observation WHERE obs_collection = 'JWST' AND calib_level > 0 ORDER BY obsid"
    datasets: dict[str, list[int]] = {}
    for row in archive.query(sql):
        datasets.setdefault(file_set_of(str(row["obs_id"])), []).append(int(str(row["obsid"])))
    return datasets


def jwst_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """File of a file set, from a product row with ``instrument_name``; a program's pool belongs to many of them."""
    filename = str(row["productFilename"])
    stem = filename.rpartition(".")[0]
    auxiliary = "_gs-" in filename or row["productType"] == "INFO"
    category = {1: "1b", 2: "2b"}.get(int(row["calib_level"]), "3")
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=filename,
        file=str(row["dataURI"]),
        access=_access(row["dataRights"]),
        size=row["size"],
        suffix=f"_{stem.removesuffix('_thumb').rpartition('_')[2]}",
        category="AUX" if auxiliary else category,
        instrument=str(row["instrument_name"]).partition("/")[0],
        filters=row["filters"],
        kind={"PREVIEW": "preview", "THUMBNAIL": "thumbnail", "INFO": "info"}.get(str(row["productType"]), "science"),
        owner=filename.partition("_")[0],
    )
