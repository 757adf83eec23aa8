"""The mnemonics (`mnemonics.json`). In: names. Out: dictionary entry, clock, and signal of each mnemonic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ..packaged import Columns, packaged
from .clock import SampleClock

#: The launch of JWST, and the end of the archived data; some mnemonics were also recorded in ground tests.
LAUNCH, LATEST = "2021-12-25T12:20:00", "2026-07-01T00:00:00"
SECOND = 1_000_000

COLUMNS: Columns = packaged("mnemonics")["columns"]
#: The last row of the list, which is not a mnemonic.
SENTINEL: Mapping[str, object] = packaged("mnemonics")["sentinel"]


@dataclass(frozen=True)
class Mnemonic:
    """A mnemonic: its dictionary row, and the parameters of its samples."""

    row: Mapping[str, object]
    clock: SampleClock
    signal: str
    options: Mapping[str, Any]
    seed: int

    @property
    def name(self) -> str:
        """The name in upper case."""
        return str(self.row["tlmMnemonic"])

    @property
    def sql_type(self) -> str:
        """The SQL type of its values."""
        return str(self.row["sqlDataType"])


@cache
def inventory() -> Mapping[str, Mnemonic]:
    """Return all mnemonics by name, sorted by name."""
    every = {each.name: each for family in packaged("mnemonics")["families"] for each in _members(family)}
    return {name: every[name] for name in sorted(every)}


def microseconds(moment: datetime) -> int:
    """Return a time in UTC as microseconds since 1970."""
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * SECOND + since.microseconds


def _members(family: Mapping[str, Any]) -> Iterator[Mnemonic]:
    for place, member in enumerate(family.get("members", [""])):
        name = family["name"].format(member)
        description = family["description"].format(member)
        values = (family["subsystem"], name, family["first"] + place, description, family["type"], family["unit"])
        row = dict(zip((column for column, _ in COLUMNS), values, strict=True))
        signal, options = family["signal"]
        yield Mnemonic(row, _clock(family, name), signal, options, zlib.crc32(name.encode()))


def _clock(family: Mapping[str, Any], name: str) -> SampleClock:
    seed = zlib.crc32(family.get("clock", name).encode())
    step, tick = family["step"], family.get("tick", 1000)
    gap = family.get("gap")
    return SampleClock(
        step=step,
        phase=family.get("phase", seed % step // tick * tick),
        seed=seed,
        begins=microseconds(datetime.fromisoformat(family.get("begins", LAUNCH))),
        ends=microseconds(datetime.fromisoformat(family.get("ends", LATEST))),
        jitter=family.get("jitter", 0.0),
        tick=tick,
        kept=family.get("kept", 1),
        repeats=family.get("repeats", 0),
        gap=gap and (gap[0] * SECOND, gap[1] * SECOND),
    )
