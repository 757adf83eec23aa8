"""The mission searches of the archive's own observations: HST, JWST and IUE.

In: the archive. Out: for each a table, the observations whose files belong to a dataset, and the description of a file.
HST has a row per association and per single exposure (IPPPSSOOT in capitals); members of an association are no rows of
their own, but their files can be listed. JWST has a row per exposure and per combined product; a file set is named like
its exposure without the detector, or like its combined product. IUE has a row per image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .mission import MissionProduct, MissionTable, Row, Value, copied, moment, search_columns
from .observation import dice
from .packaged import packaged

if TYPE_CHECKING:
    from .archive import Archive

#: Names of datasets: instrument, program, visit, number, and a letter or figure for the kind.
_IPPPSSOOT = re.compile(r"[a-z][a-z0-9]{8}$", re.IGNORECASE)
_PIXELS, _RESOLVING_POWERS = (packaged("instruments")["pixels"][name] for name in ("HST search", "resolving power"))
_SERVICING = ((52334.0, "SM-3A"), (54963.0, "SM-3B"))


def hst_table(archive: Archive) -> MissionTable:
    """Associations and single exposures of the archive, in the columns of the HST search."""
    members = "SELECT member_obsID FROM membership"
    sql = (
        "SELECT * FROM observation WHERE obs_collection = 'HST' AND project = 'HST' AND calib_level > 0 "
        f"AND obsid NOT IN ({members}) ORDER BY obsid"
    )
    found = [row for row in archive.query(sql) if _IPPPSSOOT.match(str(row["obs_id"]))]
    advanced = {
        str(row["obs_id"]).rpartition("_")[2]
        for row in archive.query("SELECT obs_id FROM observation WHERE project = 'HAP'")
    }
    composites = {row["obsid"] for row in archive.query("SELECT DISTINCT obsid FROM membership")}
    frames = _frames(found)
    rows: list[Row] = [
        _hst_row(observation, advanced) | _association(observation, composites) | frame
        for observation, frame in zip(found, frames, strict=True)
    ]
    return MissionTable("hst", "sci_data_set_name", ("sci_ra", "sci_dec"), search_columns("hst"), rows)


def _hst_row(observation: Mapping[str, Any], advanced: set[str]) -> dict[str, Value]:
    name = str(observation["obs_id"]).upper()
    rng = dice("HST search", name)
    instrument, _, detector = str(observation["instrument_name"]).partition("/")
    description = str(observation["target_classification"] or "")
    return copied("hst", observation) | {
        "sci_hapnum": int(name[:6].lower() in advanced),
        "sci_haspnum": int(observation["dataproduct_type"] == "spectrum"),
        "sci_hslanum": int(instrument == "COS" and rng.random() < 0.5),
        "sci_instrume": instrument,
        "sci_aper_1234": detector,
        "sci_pep_id": int(observation["proposal_id"]),
        "sci_pi_last_name": None if observation["proposal_pi"] is None else observation["proposal_pi"].upper(),
        "sci_program_id": name[1:4],
        "sci_obset_id": name[4:6],
        "sci_obsnum": name[6:8],
        "sci_target_descrip": description,
        "sci_broad_category": description.partition(";")[0],
        "sci_refnum": rng.choice([0, 0, 0, 1, 1, 2, 3, 5, 8, 21]),
        "sci_operating_mode": {"WFC3": "MULTIACCUM" if detector == "IR" else "ACCUM", "COS": "TIME-TAG"}.get(
            instrument, "ACCUM"
        ),
        "sci_fgslock": "FINE" if rng.random() < 0.95 else "GYROS",
        "sci_mtflag": "T" if observation["mtFlag"] else "F",
        "sci_sun_alt": round(rng.uniform(-66.0, 114.0), 3),
        "sci_aec": "S" if observation["intentType"] == "science" else "C",
        "sci_preview_name": name if observation["jpegURL"] else None,
        "scp_scan_type": "C" if observation["filters"] == "G141" else None,
        "sci_hlsp": rng.choice([None, None, 1, 2]),
        "sci_status": "PUBLIC" if observation["dataRights"] == "PUBLIC" else "PROPRIETARY",
        **_times(observation, rng.uniform(0.5, 3.0)),
        **_band(observation),
    }


def _association(observation: Mapping[str, Any], composites: set[object]) -> dict[str, Value]:
    joined = observation["obsid"] in composites
    return {
        "sci_archive_class": "ASN" if joined else "CAL",
        "sci_asn_id": str(observation["obs_id"]).upper() if joined else "NONE",
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
    """Wavelengths in Angstrom; a float without a fraction is sent as an integer, whatever the type of its column."""
    names = (
        "sci_spectrum_start",
        "sci_spectrum_end",
        "sci_bandwidth",
        "sci_central_wavelength",
        "sci_spectral_res",
        "sci_dispersion",
    )
    band: dict[str, Value] = dict.fromkeys(names)
    band["sci_pixel_res"] = _PIXELS.get(str(observation["instrument_name"]), 0.0246)
    if observation["em_min"] is None:
        return band
    start, end = 10.0 * observation["em_min"], 10.0 * observation["em_max"]
    band |= {"sci_bandwidth": _short(end - start), "sci_central_wavelength": _short((start + end) / 2)}
    if observation["dataproduct_type"] == "spectrum":
        band |= {
            "sci_spectrum_start": _short(start),
            "sci_spectrum_end": _short(end),
            "sci_spectral_res": _RESOLVING_POWERS.get(str(observation["filters"])),
            "sci_dispersion": round((end - start) / 2048, 4),
        }
    return band


def _short(value: float) -> int | float:
    rounded = round(value, 3)
    return int(rounded) if rounded.is_integer() else rounded


def _frames(observations: list[dict[str, Any]]) -> Iterator[dict[str, Value]]:
    """Ecliptic and galactic coordinates, and the telescope's axis, which lies some arcminutes from every aperture."""
    from astropy import units  # noqa: PLC0415 - slow to import, and wanted by this search only
    from astropy.coordinates import SkyCoord  # noqa: PLC0415

    names = (
        "sci_ecliptic_longitude",
        "sci_ecliptic_latitude",
        "sci_galactic_longitude",
        "sci_galactic_latitude",
        "sci_ra_v1",
        "sci_dec_v1",
        "sci_v3_pos_angle",
        "sci_pa_aper",
    )
    placed = [row for row in observations if row["s_ra"] is not None]
    sky = SkyCoord([row["s_ra"] for row in placed], [row["s_dec"] for row in placed], unit=units.deg)
    ecliptic, galactic = sky.barycentricmeanecliptic, sky.galactic
    angles = np.array([dice("V3", str(row["obs_id"])[:6]).uniform(0.0, 360.0) for row in placed])
    axis = sky.directional_offset_by(angles * units.deg, 6.5 * units.arcmin)
    values = np.column_stack(
        [
            ecliptic.lon.deg,
            ecliptic.lat.deg,
            galactic.l.deg,
            galactic.b.deg,
            axis.ra.deg,
            axis.dec.deg,
            angles,
            (angles + 45.0) % 360.0,
        ]
    )
    following = iter(np.round(values, 6).tolist())
    for row in observations:
        yield dict(zip(names, [None] * len(names) if row["s_ra"] is None else next(following), strict=True))


_AUXILIARY = {"ASN", "SPT", "JIT", "JIF", "TRL"}
_RAW = {"RAW", "TAG", "RAWTAG"}


def hst_datasets(archive: Archive) -> dict[str, list[int]]:
    """Observations whose files belong to a dataset: itself and, if it is an association, its members."""
    sql = "SELECT obsid, obs_id FROM observation WHERE obs_collection = 'HST' AND project = 'HST' AND calib_level > 0"
    found = archive.query(sql)
    datasets = {str(row["obs_id"]).upper(): [int(str(row["obsid"]))] for row in found}
    names = {row["obsid"]: str(row["obs_id"]).upper() for row in found}
    for pair in archive.query("SELECT obsid, member_obsID FROM membership ORDER BY member_obsID"):
        if pair["obsid"] in names:
            datasets[names[pair["obsid"]]].append(int(str(pair["member_obsID"])))
    return {name: obsids for name, obsids in datasets.items() if _IPPPSSOOT.match(name)}


def hst_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """File of a dataset, from a product row with ``instrument_name``."""
    filename = str(row["productFilename"])
    suffix = str(row["productSubGroupDescription"] or filename.rpartition("_")[2].partition(".")[0]).upper()
    category = "UNCALIBRATED" if suffix in _RAW else "AUX" if suffix in _AUXILIARY else "CALIBRATED"
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=f"{dataset}/{filename}",
        file=str(row["dataURI"]),
        access="PUBLIC" if row["dataRights"] in (None, "PUBLIC") else "RESTRICTED",
        size=row["size"],
        suffix=suffix,
        category="OTHER" if filename.endswith(".jpg") else category,
        instrument=str(row["instrument_name"]).partition("/")[0].ljust(6),
        filters=row["filters"],
        kind="preview" if filename.endswith(".jpg") else "science",
        owner=str(row["obs_id"]).upper(),
        pipeline="OCX" if category == "AUX" else "CAL",
    )


def iue_table(archive: Archive) -> MissionTable:
    """Spectra of the archive's IUE observations."""
    found = archive.query("SELECT * FROM observation WHERE obs_collection = 'IUE' ORDER BY obsid")
    rows = [_iue_row(observation) for observation in found]
    return MissionTable("iue", "iue_data_id", ("iue_ra", "iue_dec"), search_columns("iue"), rows)


def _iue_row(observation: Mapping[str, Any]) -> Row:
    name = str(observation["obs_id"]).upper()
    return copied("iue", observation) | {"iue_camera": name[:3], "iue_image_number": int(name[3:])}


def iue_datasets(archive: Archive) -> dict[str, list[int]]:
    """Observations whose files belong to an image: only itself."""
    found = archive.query("SELECT obsid, obs_id FROM observation WHERE obs_collection = 'IUE'")
    return {str(row["obs_id"]).upper(): [int(str(row["obsid"]))] for row in found}


def iue_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """File of an image, from a product row."""
    filename = str(row["productFilename"])
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=str(row["dataURI"]),
        file=str(row["dataURI"]),
        access="PUBLIC",
        size=row["size"],
        suffix="MXLO",
        category="CALIBRATED",
        instrument="IUE",
        filters=row["filters"],
    )


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
    rows: list[Row] = [_jwst_row(observation) for observation in archive.query(sql)]
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


def _jwst_row(observation: Mapping[str, Any]) -> dict[str, Value]:
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
