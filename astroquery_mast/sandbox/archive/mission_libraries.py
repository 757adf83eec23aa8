"""The mission searches with their own files: the spectral libraries ULLYSES and CLASSY, and the Roman telescope.

Names and approximate positions of the libraries' targets are public; all measurements are invented. Roman has no data
yet: its programs and numbers are examples, and its files are ASDF documents without binary blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from itertools import product
from typing import NamedTuple

from ..packaged import packaged, text
from .fields import FIELDS
from .geometry import deproject
from .mission import MissionFile, MissionProduct, MissionTable, Row, Value, moment, search_columns
from .observation import Observation, dice
from .products import File, Kind, dimensions, length_of
from .rendering import render_file

_BANDS = {"G130M": ("COS", 113.0, 146.0), "G160M": ("COS", 138.0, 179.0), "E140M": ("STIS", 114.0, 171.0)}
_RELEASE = "dr7"
_SPECTRUM = Kind(".fits", "coadded", "SCIENCE", "CSPEC", "Coadded spectrum", True, 4)


@cache
def own_table(mission: str) -> MissionTable:
    """Return a table: one row per star and grating of ULLYSES, per galaxy of CLASSY, or per exposure of Roman."""
    targets = packaged("targets")
    if mission == "ullyses":
        rows = [_ullyses_row(target, grating) for target, grating in product(targets["ullyses"], _BANDS)]
        return MissionTable(mission, "observation_id", ("targ_ra", "targ_dec"), search_columns(mission), rows)
    if mission == "classy":
        rows = [_classy_row(target) for target in targets["classy"]]
        return MissionTable(mission, "Target", ("ra", "dec"), search_columns(mission), rows)
    rows = list(_roman_rows(mission, _SEARCHES[mission]))
    always = ("ArchiveFileID", "fileSetName")
    return MissionTable(mission, "fileSetName", ("ra", "dec"), search_columns("roman"), rows, always=always)


@cache
def own_files(mission: str) -> dict[str, list[MissionFile]]:
    """Return the files of each dataset of a search."""
    table = own_table(mission)
    files = {"ullyses": _ullyses_files, "classy": _classy_files}.get(mission, partial(_roman_files, mission))
    return {str(row[table.dataset]): list(files(row)) for row in table.rows}


def _ullyses_row(target: tuple[str, str, str, str, float, float], grating: str) -> Row:
    name, galaxy, kind, spectral_type, ra, dec = target
    rng = dice("ULLYSES", name)
    visual, young = rng.uniform(11.0, 19.0), kind == "T Tauri Star"
    color = rng.uniform(1.0, 1.6) if young else -0.32
    instrument = _BANDS[grating][0]
    return {
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


def _classy_row(target: str) -> Row:
    """Return the row of a galaxy; its name contains its position to the minute."""
    rng = dice("CLASSY", target)
    sign = -1.0 if target[5] == "-" else 1.0
    return {
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


def _ullyses_files(row: Row) -> Iterator[MissionFile]:
    target, grating = str(row["target_name_hlsp"]), str(row["grating"]).lower()
    name = f"hlsp_ullyses_hst_{str(row['instrument']).lower()}_{target}_{grating}_{_RELEASE}_cspec"
    uri = f"mast:HLSP/ullyses/{target}/{_RELEASE}/{name}.fits"
    yield _spectrum(str(row["observation_id"]), uri, str(row["grating"]), (row["targ_ra"], row["targ_dec"]), target)


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
        size=length_of(_SPECTRUM, *dimensions(owner)),
        suffix="CSPEC" if "cspec" in filename else "COADDED",
        instrument=instrument,
        filters=grating,
    )
    return MissionFile(described, partial(render_file, File(uri, owner, _SPECTRUM)))


class _Search(NamedTuple):
    """The content of a Roman search: programs by target, elements, detectors, and files per detector."""

    instrument: str
    exposure_type: str
    programs: tuple[tuple[int, str, str], ...]
    elements: tuple[str, ...]
    detectors: tuple[str, ...]
    suffixes: tuple[str, ...]
    level: int


_SEARCHES = {name: _Search(*line) for name, line in packaged("surveys")["roman"].items()}
ROMAN = tuple(_SEARCHES)
_PASSES, _EXPOSURES = (1, 2), (1, 2, 3)
_FIRST_ID = 3_100_000
_LAUNCHED = 61_400.0
_SIDE = 8


def _roman_rows(name: str, search: _Search) -> Iterator[Row]:
    steps = product(search.programs, _PASSES, enumerate(search.elements, 1), _EXPOSURES)
    for index, ((number, target, survey), turn, (segment, element), exposure) in enumerate(steps):
        rng = dice("Roman", name, number, turn, segment, exposure)
        field = FIELDS[target]
        ra, dec = deproject(field.ra, field.dec, rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1))
        yield {
            "ArchiveFileID": _FIRST_ID + index,
            "fileSetName": f"r{number:05d}01{turn:03d}{segment:03d}001001_{exposure:04d}",
            "productLevel": search.level,
            "instrument_name": search.instrument,
            "optical_element": element,
            "exposure_type": search.exposure_type,
            "targname": target,
            "ra": round(ra, 8),
            "dec": round(dec, 8),
            "program": number,
            "execution_plan": 1,
            "pass": turn,
            "segment": segment,
            "observation": 1,
            "visit": 1,
            "exposure": exposure,
            "exposure_start_time": moment(_LAUNCHED + 0.5 * index, digits=7),
            "exposure_time": round(107.52 * exposure, 2),
            "survey": survey,
            "access": "PUBLIC",
        }


def _roman_files(mission: str, row: Row) -> Iterator[MissionFile]:
    search = _SEARCHES[mission]
    name, element = str(row["fileSetName"]), str(row["optical_element"])
    for detector, suffix in product(search.detectors, search.suffixes):
        filename = f"{name}_{detector}_{element.lower()}_{suffix}.asdf"
        content = partial(_document, filename, detector, tuple(row.items()))
        described = MissionProduct(
            dataset=name,
            filename=filename,
            uri=filename,
            file=f"mast:ROMAN/product/{filename}",
            size=len(content()),
            suffix=f"_{suffix}",
            category="1" if suffix in {"uncal", "l1"} else str(search.level),
            instrument=search.instrument,
            filters=element,
            owner=name,
            # Some data of the coronagraph's engineering team are exclusive at first.
            access="RESTRICTED" if (suffix, element) == ("l1", "F825") else "PUBLIC",
        )
        yield MissionFile(described, content)


def _document(filename: str, detector: str, values: tuple[tuple[str, Value], ...]) -> bytes:
    """Return an ASDF file: a YAML document with a small inline image."""
    rng = dice(filename)
    image = [[round(rng.gauss(1.0, 0.1), 3) for _ in range(_SIDE)] for _ in range(_SIDE)]
    meta = "".join(f"    {name}: {_scalar(value)}\n" for name, value in values)
    document = text("roman.asdf").format(
        filename=filename, detector=detector.upper(), meta=meta, image=image, side=_SIDE
    )
    return document.encode()


def _scalar(value: Value) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
