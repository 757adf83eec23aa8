"""The mission searches of the archive's own observations: HST, JWST, and IUE.

Members of an HST association have no rows, but their files are listed; a JWST file set has the name of its exposure
without the detector, or the name of its combined product.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..packaged import packaged
from .jwst_setup import setup
from .mission import MissionProduct, MissionTable, Row, Value, copied, moment, search_columns
from .observation import dice

if TYPE_CHECKING:
    from .archive import Archive

#: Dataset names: instrument, program, visit, number, and a letter or digit for the kind.
_IPPPSSOOT = re.compile(r"[a-z][a-z0-9]{8}$", re.IGNORECASE)
_PIXELS, _RESOLVING_POWERS = (packaged("instruments")["pixels"][name] for name in ("HST search", "resolving power"))
_SERVICING = ((52334.0, "SM-3A"), (54963.0, "SM-3B"))
_OF_HST = "obs_collection = 'HST' AND project = 'HST' AND calib_level > 0"
_OF_ALL = "obs_collection IN ('HST', 'JWST', 'IUE') AND project <> 'HAP' AND calib_level > 0"
_OF_JWST = "obs_collection = 'JWST' AND calib_level > 0"


def hst_table(archive: Archive) -> MissionTable:
    """Return associations and single exposures of the archive, in the columns of the HST search."""
    sql = (
        "SELECT *, obsid IN (SELECT obsid FROM membership) AS joined FROM observation "
        f"WHERE {_OF_HST} AND obsid NOT IN (SELECT member_obsID FROM membership) ORDER BY obsid"
    )
    found = [row for row in archive.query(sql) if _IPPPSSOOT.match(row["obs_id"])]
    visits = archive.query("SELECT obs_id FROM observation WHERE project = 'HAP'")
    advanced = {row["obs_id"].rpartition("_")[2] for row in visits}
    rows: list[Row] = [
        _hst_row(observation, advanced) | frame for observation, frame in zip(found, _frames(found), strict=True)
    ]
    return MissionTable("hst", "sci_data_set_name", ("sci_ra", "sci_dec"), search_columns("hst"), rows)


def _hst_row(observation: Mapping[str, Any], advanced: set[str]) -> dict[str, Value]:
    name = observation["obs_id"].upper()
    rng = dice("HST search", name)
    return copied("hst", observation) | {
        "sci_hapnum": int(name[:6].lower() in advanced),
        "sci_hslanum": int(observation["instrument_name"].startswith("COS") and rng.random() < 0.5),
        "sci_asn_id": name if observation["joined"] else "NONE",
        "sci_refnum": rng.choice([0, 0, 0, 1, 1, 2, 3, 5, 8, 21]),
        "sci_fgslock": "FINE" if rng.random() < 0.95 else "GYROS",
        "sci_sun_alt": round(rng.uniform(-66.0, 114.0), 3),
        "sci_preview_name": name if observation["jpegURL"] else None,
        "sci_hlsp": rng.choice([None, None, 1, 2]),
        **_times(observation, rng.uniform(0.5, 3.0)),
        **_band(observation),
    }


def _times(observation: Mapping[str, Any], delay: float) -> dict[str, Value]:
    stop = observation["t_max"]
    servicing = next((name for until, name in _SERVICING if (observation["t_min"] or 0.0) < until), "SM-4")
    return {
        "sci_archive_date": moment(None if stop is None else stop + delay, digits=0),
        "sci_generation_date": moment(None if stop is None else stop + delay - 0.2, digits=0),
        "sci_fov_config": servicing,
    }


def _band(observation: Mapping[str, Any]) -> dict[str, Value]:
    """Return wavelengths in Angstrom; floats without a fraction are integers, whatever the type of the column."""
    band: dict[str, Value] = {"sci_pixel_res": _PIXELS.get(observation["instrument_name"], 0.0246)}
    if observation["em_min"] is None:
        return band
    start, end = 10.0 * observation["em_min"], 10.0 * observation["em_max"]
    band |= {"sci_bandwidth": _short(end - start), "sci_central_wavelength": _short((start + end) / 2)}
    if observation["dataproduct_type"] == "spectrum":
        band |= {
            "sci_spectrum_start": _short(start),
            "sci_spectrum_end": _short(end),
            "sci_spectral_res": _RESOLVING_POWERS.get(observation["filters"]),
            "sci_dispersion": round((end - start) / 2048, 4),
        }
    return band


def _short(value: float) -> int | float:
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded


def _frames(observations: list[dict[str, Any]]) -> Iterator[dict[str, Value]]:
    """Generate ecliptic and galactic coordinates, and the telescope axis, some arcminutes from every aperture."""
    from astropy import units  # noqa: PLC0415 - slow to import, and only used by this search
    from astropy.coordinates import SkyCoord  # noqa: PLC0415

    placed = [row for row in observations if row["s_ra"] is not None]
    sky = SkyCoord([row["s_ra"] for row in placed], [row["s_dec"] for row in placed], unit=units.deg)
    angles = np.array([dice("V3", row["obs_id"][:6]).uniform(0.0, 360.0) for row in placed])
    axis = sky.directional_offset_by(angles * units.deg, 6.5 * units.arcmin)
    columns = {
        "sci_ecliptic_longitude": sky.barycentricmeanecliptic.lon.deg,
        "sci_ecliptic_latitude": sky.barycentricmeanecliptic.lat.deg,
        "sci_galactic_longitude": sky.galactic.l.deg,
        "sci_galactic_latitude": sky.galactic.b.deg,
        "sci_ra_v1": axis.ra.deg,
        "sci_dec_v1": axis.dec.deg,
        "sci_v3_pos_angle": angles,
        "sci_pa_aper": (angles + 45.0) % 360.0,
    }
    following = iter(np.round(np.column_stack(list(columns.values())), 6).tolist())
    for row in observations:
        yield {} if row["s_ra"] is None else dict(zip(columns, next(following), strict=True))


def hst_datasets(archive: Archive) -> dict[str, list[int]]:
    """Return the observations whose files belong to each dataset: itself and the members of an association."""
    datasets = _by_dataset(archive, _OF_HST, str.upper)
    names = {obsids[0]: name for name, obsids in datasets.items()}
    for pair in archive.query("SELECT obsid, member_obsID FROM membership ORDER BY member_obsID"):
        if pair["obsid"] in names:
            datasets[names[pair["obsid"]]].append(pair["member_obsID"])
    return {name: obsids for name, obsids in datasets.items() if _IPPPSSOOT.match(name)}


def _by_dataset(archive: Archive, condition: str, name: Callable[[str], str]) -> dict[str, list[int]]:
    datasets: dict[str, list[int]] = {}
    for row in archive.query(f"SELECT obsid, obs_id FROM observation WHERE {condition} ORDER BY obsid"):
        datasets.setdefault(name(row["obs_id"]), []).append(row["obsid"])
    return datasets


_CATEGORIES = {
    **dict.fromkeys(("ASN", "SPT", "JIT", "JIF", "TRL"), "AUX"),
    **dict.fromkeys(("RAW", "TAG", "RAWTAG"), "UNCALIBRATED"),
}


def hst_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """Return a file of a dataset, from a product row with ``instrument_name``."""
    filename = row["productFilename"]
    suffix = str(row["productSubGroupDescription"] or filename.rpartition("_")[2].partition(".")[0]).upper()
    category, is_picture = _CATEGORIES.get(suffix, "CALIBRATED"), filename.endswith(".jpg")
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=f"{dataset}/{filename}",
        file=row["dataURI"],
        access=_access(row["dataRights"]),
        size=row["size"],
        suffix=suffix,
        category="OTHER" if is_picture else category,
        instrument=row["instrument_name"].partition("/")[0].ljust(6),
        filters=row["filters"],
        kind="preview" if is_picture else "science",
        owner=row["obs_id"].upper(),
        pipeline="OCX" if category == "AUX" else "CAL",
    )


def _access(rights: object) -> str:
    return "PUBLIC" if rights in (None, "PUBLIC") else "RESTRICTED"


def iue_table(archive: Archive) -> MissionTable:
    """Return the spectra of the archive's IUE observations."""
    found = archive.query("SELECT * FROM observation WHERE obs_collection = 'IUE' ORDER BY obsid")
    rows: list[Row] = [copied("iue", observation) for observation in found]
    return MissionTable("iue", "iue_data_id", ("iue_ra", "iue_dec"), search_columns("iue"), rows)


def iue_datasets(archive: Archive) -> dict[str, list[int]]:
    """Return the observation whose files belong to each image: only itself."""
    return _by_dataset(archive, "obs_collection = 'IUE'", str.upper)


def iue_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """Return a file of an image, from a product row."""
    return MissionProduct(
        dataset=dataset,
        filename=row["productFilename"],
        uri=row["dataURI"],
        file=row["dataURI"],
        size=row["size"],
        suffix="MXLO",
        instrument="IUE",
        filters=row["filters"],
    )


def all_table(archive: Archive) -> MissionTable:
    """Return the observations of all missions; the real columns are unknown, these are common to all missions."""
    found = archive.query(f"SELECT * FROM observation WHERE {_OF_ALL} ORDER BY obsid")
    rows: list[Row] = [copied("all_missions", observation) for observation in found]
    return MissionTable("all_missions", "dataset", ("ra", "dec"), search_columns("all_missions"), rows)


def all_datasets(archive: Archive) -> dict[str, list[int]]:
    """Return the observation whose files belong to each dataset: only itself."""
    return _by_dataset(archive, _OF_ALL, str)


def all_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """Return a file of an observation of any mission, from a product row."""
    name, uri = row["productFilename"], row["dataURI"]
    suffix = name.partition(".")[0].rpartition("_")[2].upper()
    return MissionProduct(dataset, name, uri, uri, row["size"], suffix, row["instrument_name"], row["filters"])


_EXPOSURE = re.compile(r"(jw\d{5})(\d{3})(\d{3})_(\d{5})_(\d{5})_(\w+)$")
_COMBINED = re.compile(r"jw\d{5}-o(\d{3})_")
_FIRST_ID = 77_000_000
_FIRST_CYCLE, _CYCLE_DAYS = 59761.0, 365.25


def jwst_table(archive: Archive) -> MissionTable:
    """Return exposures and combined products of the archive, in the columns of the JWST search."""
    found = archive.query(f"SELECT * FROM observation WHERE {_OF_JWST} ORDER BY obsid")
    again = _reprocessed(archive)
    rows: list[Row] = [_jwst_row(observation) | again.get(observation["obsid"], {}) for observation in found]
    always, place = ("ArchiveFileID", "fileSetName"), ("targ_ra", "targ_dec")
    return MissionTable("jwst", "fileSetName", place, search_columns("jwst"), rows, always=always)


def _reprocessed(archive: Archive) -> dict[int, dict[str, Value]]:
    """Return the calibration version and context of reprocessed observations."""
    sql = (
        "SELECT p.obsID, r.version AS cal_ver, r.context AS crds_ctx FROM revision r JOIN product p USING (dataURI) "
        "ORDER BY r.day"
    )
    found: dict[int, dict[str, Value]] = {}
    for row in archive.query(sql):
        known = {name: row[name] for name in ("cal_ver", "crds_ctx") if row[name] is not None}
        found[row["obsID"]] = found.get(row["obsID"], {}) | known
    return found


def file_set_of(obs_id: str) -> str:
    """Return the name of the file set to which an observation belongs."""
    return obs_id.rpartition("_")[0] if _EXPOSURE.match(obs_id) else obs_id


def _jwst_row(observation: Mapping[str, Any]) -> dict[str, Value]:
    rng = dice("JWST search", observation["obs_id"])
    start = observation["t_min"] or 0.0
    return copied("jwst", observation) | {
        "ArchiveFileID": _FIRST_ID + observation["obsid"] % 1_000_000,
        "fileSetName": file_set_of(observation["obs_id"]),
        "date_obs": moment(start, digits=7),
        "proposal_cycle": max(1, 1 + int((start - _FIRST_CYCLE) // _CYCLE_DAYS)),
        "targcat": str(observation["target_classification"] or "").partition(";")[0].capitalize(),
        "expstart": start,
        "effexptm": round(0.97 * (observation["t_exptime"] or 0.0), 3),
        "nints": rng.choice([1, 1, 1, 2, 4]),
        "ngroups": rng.randrange(5, 12),
        "bkgdtarg": rng.choice([False, False, True, None]),
        **_numbers(observation["obs_id"]),
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
    found = setup(observation["instrument_name"], observation["filters"], observation["target_name"])
    return {name: found[name] for name in ("exp_type", "filter", "pupil", "grating") if name in found}


def jwst_datasets(archive: Archive) -> dict[str, list[int]]:
    """Return the observations whose files belong to each file set."""
    return _by_dataset(archive, _OF_JWST, file_set_of)


_LEVELS = {1: "1b", 2: "2b"}


def jwst_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """Return a file of a file set, from a product row with ``instrument_name``; many of them share a program's pool."""
    filename = row["productFilename"]
    stem = filename.rpartition(".")[0]
    auxiliary = "_gs-" in filename or row["productType"] == "INFO"
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=filename,
        file=row["dataURI"],
        access=_access(row["dataRights"]),
        size=row["size"],
        suffix=f"_{stem.removesuffix('_thumb').rpartition('_')[2]}",
        category="AUX" if auxiliary else _LEVELS.get(row["calib_level"], "3"),
        instrument=row["instrument_name"].partition("/")[0],
        filters=row["filters"],
        kind={"PREVIEW": "preview", "THUMBNAIL": "thumbnail", "INFO": "info"}.get(row["productType"], "science"),
        owner=filename.partition("_")[0],
    )
