"""What each kind of file consists of, and hence how long it is.

In: the name of a layout and the frame (rows, columns) of an observation's images. Out: the header and data
units of a FITS file, with a fixed number of header blocks each, or the fixed length of a text or picture.
Sizes are cataloged from here by arithmetic, long before anybody asks for the file; `render` fills the same
plan with content.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from zlib import crc32

from .packaged import packaged

BLOCK = 2880
Frame = tuple[int, int]
Columns = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """One header and data unit."""

    name: str
    version: int = 1
    dtype: str = ""
    shape: tuple[int, ...] = ()
    columns: Columns = ()
    blocks: int = 2

    @property
    def size(self) -> int:
        """Length in bytes, padding included."""
        width = sum(_width(form) for _, form, _ in self.columns) if self.columns else int(self.dtype[2:] or 0)
        content = width * math.prod(self.shape) if self.shape else 0
        return BLOCK * (self.blocks + -(-content // BLOCK))


_WIDTHS = {"L": 1, "I": 2, "J": 4, "E": 4, "D": 8, "K": 8, "A": 1}


def _width(form: str) -> int:
    return int(form[:-1] or 1) * _WIDTHS[form[-1]]


#: Columns of the tables in files, by the layout.
_TABLES: dict[str, Columns] = packaged("instruments")["tables"]
_STAMP = 11
#: Cadences of a light curve (ten minutes apart) and of a target pixel file (two hours apart) of one sector.
LIGHT_CURVE_ROWS, PIXEL_ROWS = 3944, 328
#: Integrations and spectral points of a time series of spectra.
SERIES = (40, 200)

#: Lengths of files that are no FITS files.
FLAT_SIZES: dict[str, int] = {
    "log": 4096,
    "association_json": 6144,
    "pool": 3072,
    "catalog": 40960,
    "picture": 65536,
    "thumbnail": 12288,
}

_PRIMARY = Unit("")
_MOSAIC_SIDE, _FFI_SIDE = 2048, 1448


def _planes(names: str, types: str, shape: tuple[int, ...], version: int = 1) -> tuple[Unit, ...]:
    return tuple(Unit(name, version, dtype, shape) for name, dtype in zip(names.split(), types.split(), strict=True))


@cache
def plan(layout: str, frame: Frame, detectors: int = 1) -> tuple[Unit, ...]:
    """Header and data units of a FITS layout."""
    rows, columns = frame
    chip = (rows // detectors, columns)
    versions = range(1, detectors + 1)
    table = {
        "drizzled": (_PRIMARY, *_planes("SCI WHT CTX", ">f4 >f4 >i4", frame)),
        "exposure": (_PRIMARY, *(unit for v in versions for unit in _planes("SCI ERR DQ", ">f4 >f4 >i2", chip, v))),
        "cleaned": (_PRIMARY, *_planes("SCI ERR DQ", ">f4 >f4 >i2", frame)),
        "raw": (_PRIMARY, *(unit for v in versions for unit in _planes("SCI", ">u2", chip, v))),
        "spectrum": (_PRIMARY, Unit("SCI", shape=(2048,), columns=_TABLES["spectrum"])),
        "events": (_PRIMARY, Unit("EVENTS", shape=(20000,), columns=_TABLES["events"])),
        "members": (_PRIMARY, Unit("ASN", shape=(8,), columns=_TABLES["members"])),
        "telemetry": (Unit("", blocks=3), Unit("UDL", dtype=">i2", shape=(965,))),
        "jitter": (_PRIMARY, Unit("JIT", shape=(400,), columns=_TABLES["jitter"])),
        "jitter_image": (_PRIMARY, Unit("SCI", dtype=">i4", shape=(64, 64))),
        "ramp": (_PRIMARY, Unit("SCI", dtype=">u2", shape=(1, 5, *frame))),
        "rate": (_PRIMARY, *_planes("SCI ERR DQ", ">f4 >f4 >i4", frame)),
        "rates": (_PRIMARY, *_planes("SCI ERR", ">f4 >f4", (3, *frame))),
        "resampled": (_PRIMARY, *_planes("SCI ERR WHT", ">f4 >f4 >f4", frame)),
        "cube": (_PRIMARY, *_planes("SCI ERR DQ", ">f4 >f4 >i4", (40, 48, 44))),
        "extracted": (_PRIMARY, Unit("EXTRACT1D", shape=(1200,), columns=_TABLES["extract1d"])),
        "extracted_series": (
            _PRIMARY,
            Unit("EXTRACT1D", shape=(math.prod(SERIES),), columns=(("INT_NUM", "J", ""), *_TABLES["extract1d"])),
        ),
        "guide": (_PRIMARY, *_planes("SCI ERR", ">f4 >f4", (32, 32))),
        "light_curve": (
            _PRIMARY,
            Unit("LIGHTCURVE", shape=(LIGHT_CURVE_ROWS,), columns=_TABLES["light_curve"], blocks=5),
            Unit("APERTURE", dtype=">i4", shape=(_STAMP, _STAMP)),
        ),
        "quick_light_curve": (
            _PRIMARY,
            Unit("LIGHTCURVE", shape=(LIGHT_CURVE_ROWS // 3,), columns=_TABLES["quick_light_curve"]),
        ),
        "target_pixels": (
            _PRIMARY,
            Unit("PIXELS", shape=(PIXEL_ROWS,), columns=_TABLES["target_pixels"], blocks=5),
            Unit("APERTURE", dtype=">i4", shape=(_STAMP, _STAMP)),
        ),
        "full_frame": (_PRIMARY, Unit("CAM", dtype=">f4", shape=(_FFI_SIDE, _FFI_SIDE))),
        "mosaic": (Unit("", dtype=">f4", shape=frame),),
        "large_mosaic": (Unit("", dtype=">f4", shape=(_MOSAIC_SIDE, _MOSAIC_SIDE)),),
        "survey_image": (Unit("", dtype=">f4", shape=(256, 256)),),
    }
    return table[layout]


def size(layout: str, frame: Frame, detectors: int = 1) -> int:
    """Length in bytes of a file that is not compressed."""
    flat = FLAT_SIZES.get(layout)
    if flat is not None:
        return flat
    return _fits_size(layout, frame, detectors)


@cache
def _fits_size(layout: str, frame: Frame, detectors: int) -> int:
    return sum(unit.size for unit in plan(layout, frame, detectors))


_GZIP_CHUNK = 65535
_GZIP_FRAME, _GZIP_CHUNK_HEAD = 18, 5


def gzip_size(content: int) -> int:
    """Length of a gzip file of stored (not deflated) blocks: the only kind whose length does not depend on
    the compressor.
    """
    return content + _GZIP_FRAME + _GZIP_CHUNK_HEAD * max(1, -(-content // _GZIP_CHUNK))


_FRAMES: dict[str, Frame] = packaged("instruments")["frames"]


def frame_of(instrument: str | None, obs_id: str) -> Frame:
    """Rows and columns of an observation's images: those of the instrument, a little larger for some
    observations than for others.
    """
    rows, columns = _FRAMES.get(instrument or "", (240, 240))
    scale = 1.0 + crc32(obs_id.encode()) % 4 / 16
    return int(rows * scale) // 2 * 2, int(columns * scale) // 2 * 2
