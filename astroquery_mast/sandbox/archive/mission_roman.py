"""The searches of the Roman Space Telescope: exposures of the camera, spectra, and the coronagraph.

In: nothing. Out: `roman_tables`, a small table for each of the three searches, and `roman_files`, whose files are
ASDF documents without binary blocks. The telescope has not been flown: programmes and numbers are examples.
"""

# ruff: noqa: E501 - one column per line, so that the table can be read as a table

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from itertools import product
from typing import NamedTuple

from .fields import FIELDS
from .geometry import deproject
from .mission import MissionFile, MissionProduct, MissionTable, Row, Value, columns, moment
from .observation import dice

# fmt: off
COLUMNS = columns((
    ("search_pos", "s", "n", "Search Position", "Right ascension and declination that were searched"),
    ("ArchiveFileID", "i", "di", "Archive File ID", "The archive's number of the file set"),
    ("fileSetName", "s", "di", "File Set Name", "Name of the file set: programme, plan, pass, segment, observation, visit and exposure"),
    ("productLevel", "i", "d", "Product Level", "How far the data are processed"),
    ("instrument_name", "s", "d", "Instrument", "Instrument (WFI or CGI)"),
    ("optical_element", "s", "d", "Optical Element", "Filter, grism or prism (e.g. F158, GRISM)"),
    ("exposure_type", "s", "d", "Exposure Type", "Kind of exposure (e.g. WFI_IMAGE)"),
    ("targname", "s", "d", "Target Name", "Name of the target"),
    ("ra", "r", "di", "RA (J2000)", "Right ascension in degrees, 0 to 360"),
    ("dec", "d", "d", "Dec (J2000)", "Declination in degrees, -90 to +90"),
    ("program", "i", "di", "Program", "Number of the programme"),
    ("execution_plan", "i", "d", "Execution Plan", "Number of the execution plan"),
    ("pass", "i", "d", "Pass", "Number of the pass within the plan"),
    ("segment", "i", "d", "Segment", "Number of the segment within the pass"),
    ("observation", "i", "d", "Observation", "Number of the observation within the segment"),
    ("visit", "i", "d", "Visit", "Number of the visit within the observation"),
    ("exposure", "i", "d", "Exposure", "Number of the exposure within the visit"),
    ("exposure_start_time", "t", "d", "Start Time", "When the exposure began"),
    ("exposure_time", "f", "d", "Exposure Time", "Exposure time in seconds"),
    ("survey", "s", "", "Survey", "Name of the survey, or N/A"),
    ("access", "s", "d", "Access", "PUBLIC, or RESTRICTED for exclusive data"),
    ("ang_sep", "f", "d", "Ang Sep (')", "Separation from the searched position in arcmin"),
    ("search_key", "s", "n", "Search Key", "Name of the file set behind the searched position"),
))
# fmt: on


class Search(NamedTuple):
    """What one of the searches holds: programmes by target, elements, detectors and files per detector."""

    instrument: str
    exposure_type: str
    programmes: tuple[tuple[int, str, str], ...]
    elements: tuple[str, ...]
    detectors: tuple[str, ...]
    suffixes: tuple[str, ...]
    level: int


SEARCHES: dict[str, Search] = {
    "roman": Search(
        "WFI",
        "WFI_IMAGE",
        ((3, "M31", "N/A"), (14, "COSMOS", "HLWAS"), (26, "GOODS-S", "HLTDS")),
        ("F106", "F158"),
        ("wfi01", "wfi10"),
        ("uncal", "cal"),
        2,
    ),
    "roman_spectra": Search(
        "WFI", "WFI_SPECTRAL", ((15, "COSMOS", "HLWAS"),), ("GRISM", "PRISM"), ("wfi01",), ("x1d",), 4
    ),
    "roman_cgi": Search(
        "CGI", "CGI_ENGINEERING", ((201, "BETA-PIC", "N/A"),), ("F575", "F825"), ("exc",), ("l1", "l2b"), 2
    ),
}
_PASSES, _EXPOSURES = (1, 2), (1, 2, 3)
_FIRST_ID = 3_100_000
_LAUNCHED = 61_400.0
_SIDE = 8


@cache
def roman_tables() -> dict[str, MissionTable]:
    """Table of each of the searches."""
    return {
        name: MissionTable(
            name,
            "fileSetName",
            ("ra", "dec"),
            COLUMNS,
            list(_rows(name, search)),
            always=("ArchiveFileID", "fileSetName"),
        )
        for name, search in SEARCHES.items()
    }


def _rows(name: str, search: Search) -> Iterator[Row]:
    steps = product(search.programmes, _PASSES, enumerate(search.elements, 1), _EXPOSURES)
    for index, ((number, target, survey), turn, (segment, element), exposure) in enumerate(steps):
        rng = dice("Roman", name, number, turn, segment, exposure)
        field = FIELDS[target]
        ra, dec = deproject(field.ra, field.dec, rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1))
        row: dict[str, Value] = {
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
        yield row


@cache
def roman_files(mission: str) -> dict[str, list[MissionFile]]:
    """Files of every file set of one of the searches."""
    search = SEARCHES[mission]
    return {str(row["fileSetName"]): list(_files(row, search)) for row in roman_tables()[mission].rows}


def _files(row: Row, search: Search) -> Iterator[MissionFile]:
    name, element = str(row["fileSetName"]), str(row["optical_element"])
    for detector, suffix in product(search.detectors, search.suffixes):
        filename = f"{name}_{detector}_{element.lower()}_{suffix}.asdf"
        content = partial(_document, filename, detector, tuple(row.items()))
        described = MissionProduct(
            dataset=name,
            filename=filename,
            uri=filename,
            file=f"mast:ROMAN/product/{filename}",
            access="PUBLIC",
            size=len(content()),
            suffix=f"_{suffix}",
            category="1" if suffix in {"uncal", "l1"} else str(search.level),
            instrument=search.instrument,
            filters=element,
            owner=name,
        )
        yield MissionFile(described, content)


def _document(filename: str, detector: str, values: tuple[tuple[str, Value], ...]) -> bytes:
    """ASDF file: a YAML document, with a small image written out in it."""
    rng = dice(filename)
    image = [[round(rng.gauss(1.0, 0.1), 3) for _ in range(_SIDE)] for _ in range(_SIDE)]
    meta = "".join(f"    {name}: {_scalar(value)}\n" for name, value in values)
    text = (
        "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n--- !core/asdf-1.1.0\n"
        f"roman:\n  meta:\n    filename: {filename}\n    origin: astroquery_mast sandbox\n    detector: {detector.upper()}\n"
        f"{meta}"
        f"  data: !core/ndarray-1.0.0\n    data: {image}\n    datatype: float32\n    shape: [{_SIDE}, {_SIDE}]\n...\n"
    )
    return text.encode()


def _scalar(value: Value) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
