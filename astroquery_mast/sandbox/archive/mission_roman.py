"""The searches of the Roman Space Telescope: exposures of the camera, spectra, and the coronagraph.

In: nothing. Out: `roman_tables`, a small table for each of the three searches, and `roman_files`, whose files are
ASDF documents without binary blocks. The telescope has not been flown: programs and numbers are examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from itertools import product
from typing import NamedTuple

from .fields import FIELDS
from .geometry import deproject
from .mission import MissionFile, MissionProduct, MissionTable, Row, Value, moment, search_columns
from .observation import dice
from .packaged import packaged


class Search(NamedTuple):
    """What one of the searches holds: programs by target, elements, detectors and files per detector."""

    instrument: str
    exposure_type: str
    programs: tuple[tuple[int, str, str], ...]
    elements: tuple[str, ...]
    detectors: tuple[str, ...]
    suffixes: tuple[str, ...]
    level: int


SEARCHES = {name: Search(*line) for name, line in packaged("surveys")["roman"].items()}
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
            search_columns("roman"),
            list(_rows(name, search)),
            always=("ArchiveFileID", "fileSetName"),
        )
        for name, search in SEARCHES.items()
    }


def _rows(name: str, search: Search) -> Iterator[Row]:
    steps = product(search.programs, _PASSES, enumerate(search.elements, 1), _EXPOSURES)
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
        f"roman:\n  meta:\n    filename: {filename}\n    origin: astroquery_mast sandbox\n"
        f"    detector: {detector.upper()}\n"
        f"{meta}"
        f"  data: !core/ndarray-1.0.0\n    data: {image}\n    datatype: float32\n    shape: [{_SIDE}, {_SIDE}]\n...\n"
    )
    return text.encode()


def _scalar(value: Value) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
