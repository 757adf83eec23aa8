"""The files of an observation, and the structure of each kind of file.

File sizes for the catalog are calculated from the structure, without rendering the files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from ..packaged import packaged
from .instruments import APERTURES
from .observation import Observation

BLOCK = 2880
Frame = tuple[int, int]
Columns = tuple[tuple[str, str, str], ...]
#: Name, pixel type or table name, shape, and number of header blocks of a unit.
Line = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A header and data unit."""

    name: str
    version: int = 1
    dtype: str = ""
    shape: tuple[int, ...] = ()
    columns: Columns = ()
    blocks: int = 2

    @property
    def size(self) -> int:
        """Length in bytes, including padding."""
        width = sum(_width(form) for _, form, _ in self.columns) or int(self.dtype[2:] or 0)
        return BLOCK * (self.blocks + -(-width * math.prod(self.shape) // BLOCK))


_WIDTHS = {"L": 1, "I": 2, "J": 4, "E": 4, "D": 8, "K": 8, "A": 1, "B": 1}


def _width(form: str) -> int:
    return int(form[:-1] or 1) * _WIDTHS[form[-1]]


#: Table columns by layout.
_TABLES: dict[str, Columns] = packaged("instruments")["tables"]
_LAYOUTS: dict[str, tuple[Line, ...]] = packaged("instruments")["layouts"]
#: Lengths of files that are not FITS files.
FLAT_SIZES: dict[str, int] = packaged("instruments")["flat"]


@cache
def plan(layout: str, frame: Frame, detectors: int = 1) -> tuple[Unit, ...]:
    """Return the header and data units of a FITS layout; units of a single detector are repeated for each detector."""
    chip = (frame[0] // detectors, frame[1])
    lines = _LAYOUTS[layout]
    units = [_unit(line, frame) for line in lines if "chip" not in line[2]]
    for version in range(1, detectors + 1):
        units += [_unit(line, chip, version) for line in lines if "chip" in line[2]]
    return tuple(units)


def _unit(line: Line, frame: Frame, version: int = 1) -> Unit:
    name, content, sides, *blocks = line
    shape = tuple(chain.from_iterable(frame if side in {"frame", "chip"} else (side,) for side in sides))
    dtype = content if content.startswith(">") else ""
    return Unit(name, version, dtype, shape, _TABLES.get(content, ()), *blocks)


@cache
def size(layout: str, frame: Frame, detectors: int = 1) -> int:
    """Return the length in bytes of a file before compression."""
    if layout in FLAT_SIZES:
        return FLAT_SIZES[layout]
    return sum(unit.size for unit in plan(layout, frame, detectors))


_GZIP_CHUNK = 65535
_GZIP_FRAME, _GZIP_CHUNK_HEAD = 18, 5


def gzip_size(content: int) -> int:
    """Return the length of a gzip file of stored blocks, which alone does not depend on the compressor."""
    return content + _GZIP_FRAME + _GZIP_CHUNK_HEAD * max(1, -(-content // _GZIP_CHUNK))


_FRAMES: dict[str, Frame] = packaged("instruments")["frames"]


def frame_of(instrument: str | None, obs_id: str) -> Frame:
    """Return rows and columns of an observation's images: the size for the instrument, increased for some of them."""
    rows, columns = _FRAMES.get(instrument or "", (240, 240))
    scale = 1.0 + crc32(obs_id.encode()) % 4 / 16
    return int(rows * scale) // 2 * 2, int(columns * scale) // 2 * 2


class Kind(NamedTuple):
    """A kind of file: ``ending`` follows the stem of the URI, ``layout`` names the content (see `plan`), ``group`` is
    the suffix in upper case, ``stem`` determines where the file name comes from.
    """

    ending: str
    layout: str
    role: str
    group: str | None
    description: str
    recommended: bool = False
    level: int = 2
    stem: str = "own"


_KINDS = {name: Kind(*line) for name, line in packaged("products")["kinds"].items()}
#: Kinds of files by collection, configuration, and form (or kind of data and level) of observations.
_FAMILIES = {
    family: tuple(_KINDS[name] for name in names) for family, names in packaged("products")["families"].items()
}
_VERSIONS: dict[str, str] = packaged("products")["versions"]
_RECOMMENDED = "Minimum Recommended Products"
_STEP = {"CORON": "coron3", "image": "image3", "spectrum": "spec3", "cube": "spec3", "timeseries": "tso3"}


def kinds_of(observation: Observation) -> tuple[Kind, ...]:
    """Return the kinds of files of an observation without its members; planned observations have none."""
    if observation.calib_level < 0 or observation.obs_id.startswith("bulk"):
        return ()
    if observation.obs_collection == "HST":
        return _hst_kinds(observation)
    if observation.obs_collection == "JWST":
        return _FAMILIES[f"JWST {observation.dataproduct_type} {observation.calib_level}"]
    family = f"{observation.obs_collection} {observation.dataproduct_type}"
    return _FAMILIES.get(f"{family} {observation.provenance_name}") or _FAMILIES[family]


def _hst_kinds(observation: Observation) -> tuple[Kind, ...]:
    if observation.project == "HAP":
        return _FAMILIES["HST HAP"]
    instrument, _ = observation.configuration
    form = "composite" if observation.calib_level == 3 else "exposure"
    if instrument == "STIS" and observation.dataproduct_type == "image":
        form = "image"
    elif instrument == "STIS" and str(observation.filters).startswith("E"):
        form = "echelle"
    return _FAMILIES.get(f"HST {observation.instrument_name} {form}") or _FAMILIES[f"HST {instrument} {form}"]


def _stem(observation: Observation, whose: str) -> str:
    """Return the part of a URI before the ending."""
    collection, obs_id = observation.obs_collection, observation.obs_id
    if whose == "collection":
        name = str(observation.provenance_name).lower()
        return f"mast:HLSP/{name}/hlsp_{name}"
    if whose != "own":
        return f"mast:JWST/product/{_shared_stem(observation, whose)}"
    if collection in {"HST", "JWST"}:
        return f"mast:{collection}/product/{obs_id.lower()}"
    if observation.dataURL is None:
        return (observation.jpegURL or f"mast:{collection}/url/pub/{obs_id}").removesuffix("-ffic.jpg")
    for kind in kinds_of(observation):
        if observation.dataURL.endswith(kind.ending):
            return observation.dataURL.removesuffix(kind.ending)
    raise ValueError(f"{observation.dataURL} is not a file of {obs_id}")


def _shared_stem(observation: Observation, whose: str) -> str:
    """Return the stem of JWST files that belong to a visit, a program, or an association."""
    obs_id = observation.obs_id
    if whose == "visit":
        return obs_id[:13]
    if whose == "program":
        return f"{obs_id[:7]}_20250401t120000"
    step = _STEP.get(observation.configuration[1]) or _STEP[str(observation.dataproduct_type)]
    return f"{obs_id[:12]}_20250401t120000_{step}_{crc32(obs_id.encode()) % 100000:05d}"


def uri_of(observation: Observation, kind: Kind) -> str:
    """Return the URI of one of the observation's files."""
    return _stem(observation, kind.stem) + kind.ending


def file_name(uri: str) -> str:
    """Return the name of a file; URIs of generated files contain it in their query."""
    if "filename=" in uri:
        return uri.partition("filename=")[2].partition("&")[0]
    return uri.rpartition("/")[2]


def dimensions(observation: Observation) -> tuple[Frame, int]:
    """Return the frame of an observation's images, and the number of its detectors."""
    aperture = APERTURES.get(observation.instrument_name or "")
    return frame_of(observation.instrument_name, observation.obs_id), aperture.detectors if aperture else 1


def length_of(kind: Kind, frame: Frame, detectors: int, blocks: int = 0) -> int:
    """Return the length of a file in bytes, including the blocks added by reprocessing; see `dimensions`."""
    length = size(kind.layout, frame, detectors) + BLOCK * blocks
    return gzip_size(length) if kind.ending.endswith(".gz") else length


def product_rows(observation: Observation) -> Iterator[tuple[object, ...]]:
    """Generate the rows of the product table."""
    form, dimensioned = _form(observation), dimensions(observation)
    version = _VERSIONS.get(str(observation.provenance_name))
    project = observation.provenance_name if version else observation.project
    unknown_size = observation.obs_collection == "IUE" or observation.obsid % 41 == 0
    for kind in kinds_of(observation):
        uri, is_log = uri_of(observation, kind), kind.role == "INFO"
        yield (
            observation.obsid,
            observation.obs_collection,
            observation.dataproduct_type,
            observation.obs_id,
            kind.description,
            form,
            uri,
            kind.role,
            _RECOMMENDED if kind.recommended else None,
            kind.group,
            None,
            project,
            version,
            observation.proposal_id,
            file_name(uri),
            None if unknown_size and is_log else length_of(kind, *dimensioned),
            "PUBLIC" if is_log else observation.dataRights,
            kind.level,
            observation.filters,
        )


def _form(observation: Observation) -> str:
    """Return ``S`` for simple, ``C`` for composite, or ``D`` for derived from several observations."""
    if observation.project == "HAP" or observation.obs_collection == "HLSP":
        return "D"
    return "C" if observation.members else "S"


def kind_of(observation: Observation, uri: str) -> Kind:
    """Return the kind of one of the observation's files."""
    for kind in kinds_of(observation):
        if uri_of(observation, kind) == uri:
            return kind
    raise KeyError(uri)


@dataclass(frozen=True)
class Revision:
    """Number of reprocessings, with the latest version and context, its date ``day`` (MJD), and added ``blocks``."""

    number: int = 0
    version: str | None = None
    context: str | None = None
    day: float | None = None
    blocks: int = 0


_TIME_ZERO = {"Kepler": 2454833, "K2": 2454833}


@dataclass(frozen=True)
class File:
    """A file to be rendered: its URI, the observation that owns it, its kind, and its member exposures."""

    uri: str
    owner: Observation
    kind: Kind
    members: tuple[str, ...] = ()
    revision: Revision = Revision()

    @property
    def name(self) -> str:
        """Name of the file."""
        return file_name(self.uri)

    @property
    def time_zero(self) -> int:
        """Zero point of the mission's times (barycentric Julian date)."""
        return _TIME_ZERO.get(self.owner.obs_collection, 2457000)

    @property
    def days(self) -> tuple[float, float]:
        """Start and end time in days since the mission's zero point."""
        begin, finish = (day + 2400000.5 - self.time_zero for day in self.owner.span)
        return begin, finish

    @property
    def units(self) -> tuple[Unit, ...]:
        """Header and data units of the file, if it is a FITS file."""
        first, *others = plan(self.kind.layout, *dimensions(self.owner))
        return replace(first, blocks=first.blocks + self.revision.blocks), *others

    @property
    def size(self) -> int:
        """Length in bytes."""
        return length_of(self.kind, *dimensions(self.owner), self.revision.blocks)
