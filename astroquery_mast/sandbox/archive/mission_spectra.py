"""The searches of spectral libraries: ULLYSES, CLASSY and IUE.

In: nothing, or for IUE the archive. Out: tables, and files that are downloaded by their ``mast:`` URI. Names and rough
places of the targets are public; everything measured is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from .mission import MissionFile, MissionProduct, MissionTable, Row, Value, copied, search_columns
from .observation import Observation, dice
from .packaged import packaged
from .products import File, Kind, dimensions, length_of
from .rendering import render_file

if TYPE_CHECKING:
    from .archive import Archive

_BANDS = {"G130M": ("COS", 113.0, 146.0), "G160M": ("COS", 138.0, 179.0), "E140M": ("STIS", 114.0, 171.0)}
_RELEASE = "dr7"
_SPECTRUM = Kind(".fits", "spectrum", "SCIENCE", "CSPEC", "Coadded spectrum", True, 4)


@cache
def ullyses_table() -> MissionTable:
    """Spectra of massive and of young stars: a row per star and grating."""
    rows = [_ullyses_row(target, grating) for target in packaged("targets")["ullyses"] for grating in _BANDS]
    return MissionTable("ullyses", "observation_id", ("targ_ra", "targ_dec"), search_columns("ullyses"), rows)


def _ullyses_row(target: tuple[str, str, str, str, float, float], grating: str) -> Row:
    name, galaxy, kind, spectral_type, ra, dec = target
    rng = dice("ULLYSES", name)
    visual, young = rng.uniform(11.0, 19.0), kind == "T Tauri Star"
    color = rng.uniform(1.0, 1.6) if young else -0.32
    instrument = _BANDS[grating][0]
    row: dict[str, Value] = {
        "target_name_ullyses": name,
        "target_name_hlsp": name.lower(),
        "simbad_link": name.replace("-", " "),
        "target_classification": kind,
        "targ_ra": ra,
        "targ_dec": dec,
        "host_galaxy_name": galaxy,
        "spectral_type": spectral_type,
        "bmv0_mag": round(color, 2),
        "u_mag": round(visual + 2.0 * color, 2),
        "b_mag": round(visual + color, 2),
        "v_mag": round(visual, 2),
        "gaia_g_mean_mag": round(visual - 0.2, 3),
        "star_mass": round(rng.uniform(0.4, 1.1), 2) if young else None,
        "instrument": instrument,
        "grating": grating,
        "filter": None,
        "observation_id": f"ullyses_hst_{instrument.lower()}_{name.lower()}_{grating.lower()}",
    }
    return row


@cache
def classy_table() -> MissionTable:
    """Spectra of star-forming galaxies: a row per galaxy."""
    rows = [_classy_row(target) for target in packaged("targets")["classy"]]
    return MissionTable("classy", "Target", ("ra", "dec"), search_columns("classy"), rows)


def _classy_row(target: str) -> Row:
    """Row of a galaxy; its name holds its place to the minute."""
    rng = dice("CLASSY", target)
    sign = -1.0 if target[5] == "-" else 1.0
    row: dict[str, Value] = {
        "Target": target,
        "ra": round(15.0 * (int(target[1:3]) + (int(target[3:5]) + rng.random()) / 60.0), 6),
        "dec": round(sign * (int(target[6:8]) + (int(target[8:10]) + rng.random()) / 60.0), 6),
        "z": round(rng.uniform(0.002, 0.18), 5),
        "logM": round(rng.uniform(6.2, 10.1), 2),
        "logSFR": round(rng.uniform(-2.0, 1.6), 2),
        "OH12": round(rng.uniform(6.98, 8.77), 2),
        "EBV": round(rng.uniform(0.0, 0.67), 3),
        "gratings": "G130M,G160M,G185M",
    }
    return row


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


@cache
def library_files(mission: str) -> dict[str, list[MissionFile]]:
    """Files of every dataset of ``ullyses`` or ``classy``."""
    if mission == "ullyses":
        return {str(row["observation_id"]): [_ullyses_file(row)] for row in ullyses_table().rows}
    return {str(row["Target"]): list(_classy_files(row)) for row in classy_table().rows}


def _ullyses_file(row: Row) -> MissionFile:
    target, grating = str(row["target_name_hlsp"]), str(row["grating"]).lower()
    name = f"hlsp_ullyses_hst_{str(row['instrument']).lower()}_{target}_{grating}_{_RELEASE}_cspec"
    uri = f"mast:HLSP/ullyses/{target}/{_RELEASE}/{name}.fits"
    return _spectrum(str(row["observation_id"]), uri, str(row["grating"]), (row["targ_ra"], row["targ_dec"]), target)


def _classy_files(row: Row) -> Iterator[MissionFile]:
    target = str(row["Target"])
    for grating in ("G130M", "G160M"):
        name = f"hlsp_classy_hst_cos_{target.lower()}_{grating.lower()}_v1_coadded"
        uri = f"mast:HLSP/classy/{target.lower()}/{name}.fits"
        yield _spectrum(target, uri, grating, (row["ra"], row["dec"]), target)


def _spectrum(dataset: str, uri: str, grating: str, at: tuple[Value, Value], target: str) -> MissionFile:
    instrument, shortest, longest = _BANDS[grating]
    filename = uri.rpartition("/")[2]
    start = round(57000.0 + dice(uri).uniform(0.0, 3000.0), 6)
    owner = Observation(
        obs_collection="HLSP",
        instrument_name=f"{instrument}/FUV",
        obs_id=filename.removesuffix(".fits"),
        target_name=target,
        dataproduct_type="spectrum",
        calib_level=4,
        s_ra=float(at[0] or 0.0),
        s_dec=float(at[1] or 0.0),
        filters=grating,
        em_min=shortest,
        em_max=longest,
        t_min=start,
        t_max=start + 0.1,
        t_exptime=4000.0,
        proposal_id="0",
    )
    described = MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=uri,
        file=uri,
        access="PUBLIC",
        size=length_of(_SPECTRUM, *dimensions(owner)),
        suffix="CSPEC" if "cspec" in filename else "COADDED",
        category="CALIBRATED",
        instrument=instrument,
        filters=grating,
    )
    return MissionFile(described, partial(render_file, File(uri, owner, _SPECTRUM)))
