"""Observations, and reproducible random numbers derived from names."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ..packaged import OBSERVATION_COLUMNS


@dataclass(slots=True)
class Observation:
    """A row of the observation table; the files of a composite include those of its ``members`` and of its
    ``references``, which are exposures of another target.
    """

    obs_collection: str
    instrument_name: str | None
    obs_id: str
    target_name: str | None
    dataproduct_type: str | None
    calib_level: int
    s_ra: float | None = None
    s_dec: float | None = None
    s_region: str | None = None
    intentType: str = "science"  # noqa: N815 - the spelling of the archive
    provenance_name: str | None = None
    project: str | None = None
    filters: str | None = None
    wavelength_region: str | None = None
    target_classification: str | None = None
    proposal_pi: str | None = None
    t_min: float | None = None
    t_max: float | None = None
    t_exptime: float | None = None
    em_min: float | None = None
    em_max: float | None = None
    obs_title: str | None = None
    t_obs_release: float | None = None
    proposal_id: str | None = None
    proposal_type: str | None = None
    sequence_number: int | None = None
    jpegURL: str | None = None  # noqa: N815
    dataURL: str | None = None  # noqa: N815
    dataRights: str | None = "PUBLIC"  # noqa: N815
    mtFlag: bool | None = None  # noqa: N815
    srcDen: float | None = None  # noqa: N815
    obsid: int = 0
    objID: int = 0  # noqa: N815
    members: list[Observation] = field(default_factory=list)
    references: list[Observation] = field(default_factory=list)

    @property
    def place(self) -> tuple[float, float]:
        """Position in degrees, (0, 0) if unknown."""
        return self.s_ra or 0.0, self.s_dec or 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Start and end time (MJD), 0 if unknown."""
        return self.t_min or 0.0, self.t_max or 0.0

    @property
    def seconds(self) -> float:
        """Exposure time in seconds, 0 if unknown."""
        return self.t_exptime or 0.0

    @property
    def configuration(self) -> tuple[str, str]:
        """Instrument, and its detector or mode."""
        instrument, _, mode = str(self.instrument_name).partition("/")
        return instrument, mode

    def band(self, shortest: float = 500.0, longest: float = 700.0) -> tuple[float, float]:
        """Return the wavelength limits in nm, or the given ones where they are unknown."""
        return self.em_min or shortest, self.em_max or longest


OBSERVATION_NAMES: tuple[str, ...] = (*(name for name, _ in OBSERVATION_COLUMNS), "objID")
#: Function that converts an observation to a tuple in the order of `OBSERVATION_NAMES`.
as_row = attrgetter(*OBSERVATION_NAMES)


def from_row(row: dict[str, Any]) -> Observation:
    """Return the observation of a database row (without members)."""
    values = {name: row[name] for name in OBSERVATION_NAMES}
    values["mtFlag"] = None if row["mtFlag"] is None else bool(row["mtFlag"])
    return Observation(**values)


def seed_of(*names: object) -> int:
    """Return a 64-bit integer that depends only on the names, not on the process."""
    text = "\x1f".join(map(str, names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def dice(*names: object) -> random.Random:
    """Return a random number generator that depends only on the names."""
    return random.Random(seed_of(*names))


def hash_digit(text: str, count: int) -> int:
    """Return a number below ``count`` that depends only on the text."""
    return sum(text.encode()) % count


#: Digits in base 36.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def base36(number: int, width: int) -> str:
    """Return a number in base 36, with ``width`` digits."""
    return "".join(DIGITS[number // 36**place % 36] for place in reversed(range(width)))
