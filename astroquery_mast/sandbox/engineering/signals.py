"""Sample values. In: a mnemonic and samples. Out: the cells of the column ``euvalue``, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..mjd import unix_seconds
from ..packaged import packaged
from .clock import Samples, scatter
from .inventory import SECOND, Mnemonic
from .telemetry_file import Cells, as_cells, decimals, quoted

if TYPE_CHECKING:
    from ..archive import Archive

#: Target names and program numbers in event messages.
TARGETS = ("NGC-6552", "TRAPPIST-1", 'HD 1234, "B"', "Méchain 1, field 2")
PROGRAMS = (1039, 1176, 1324, 2107, 2739)


def euvalues(mnemonic: Mnemonic, samples: Samples, archive: Archive) -> Cells:
    """Return one cell per sample."""
    return _SIGNALS[mnemonic.signal](mnemonic, samples, archive)


def _wave(mnemonic: Mnemonic, samples: Samples, _archive: Archive) -> Cells:
    # Only sums and products, which have the same last bit on every processor; the curve approximates a sine.
    options = mnemonic.options
    turns = samples.numbers * (mnemonic.clock.step / SECOND / options["period"]) + mnemonic.seed / 2**32
    place = 2.0 * (turns - np.floor(turns)) - 1.0
    values = options["mean"] + options["swing"] * (4.0 * place * (1.0 - np.abs(place)))
    values += options["noise"] * (2.0 * scatter(samples.numbers, mnemonic.seed + 2) - 1.0)
    if "grain" in options:
        values = np.rint(values / options["grain"]) * options["grain"]
    return decimals(values.astype(np.float32).astype(np.float64) if mnemonic.sql_type == "real" else values)


def _count(mnemonic: Mnemonic, samples: Samples, _archive: Archive) -> Cells:
    options = mnemonic.options
    return as_cells(samples.numbers // options["slower"] * options.get("times", 1) % options["modulo"])


def _choice(mnemonic: Mnemonic, samples: Samples, _archive: Archive) -> Cells:
    """Return one of several values, which changes every ``dwell`` samples."""
    values = mnemonic.options["values"]
    chosen = scatter(samples.numbers // mnemonic.options["dwell"], mnemonic.seed + 2) * len(values)
    return _among([str(value) for value in values], chosen.astype(np.intp))


def _exposures(mnemonic: Mnemonic, samples: Samples, archive: Archive) -> Cells:
    """Return the filter of the exposure that began last."""
    instrument = mnemonic.options["instrument"]
    begins, filters = archive.kept.get(("filters", instrument), _filters, archive, instrument)
    return _among([mnemonic.options["before"], *filters], np.searchsorted(begins, samples.times, side="right"))


def _filters(archive: Archive, instrument: str) -> tuple[NDArray[np.int64], list[str]]:
    sql = (
        "SELECT t_min, filters FROM observation WHERE obs_collection = 'JWST' AND calib_level = 2 AND "
        "filters IS NOT NULL AND t_min IS NOT NULL AND instrument_name = ? ORDER BY t_min, obsid"
    )
    rows = archive.query(sql, (instrument,))
    days = np.array([row["t_min"] for row in rows], dtype=np.float64)
    return (unix_seconds(days) * SECOND).astype(np.int64), [str(row["filters"]) for row in rows]


def _messages(_mnemonic: Mnemonic, samples: Samples, _archive: Archive) -> Cells:
    return as_cells(np.array([quoted(_message(number)) for number in samples.numbers.tolist()], dtype=np.bytes_))


def _message(number: int) -> str:
    """Return a line of the visit log; each visit has one line of each form."""
    forms: Sequence[str] = packaged("mnemonics")["messages"]
    visit, line = divmod(number, len(forms))
    facts: Mapping[str, Any] = {
        "visit": f"V{PROGRAMS[visit % len(PROGRAMS)]:05d}{visit % 200 + 1:03d}001",
        "try": visit % 3 + 1,
        "target": TARGETS[visit % len(TARGETS)],
        "x": f"{(number * 37 % 20480) / 10:.1f}",
        "y": f"{(number * 91 % 20480) / 10:.1f}",
    }
    return forms[line].format(**facts)


def _among(values: Sequence[str], chosen: NDArray[np.intp]) -> Cells:
    return as_cells(np.array([quoted(value) for value in values], dtype=np.bytes_))[chosen]


_SIGNALS: Mapping[str, Callable[[Mnemonic, Samples, Archive], Cells]] = {
    "wave": _wave,
    "count": _count,
    "numbers": _choice,
    "words": _choice,
    "exposures": _exposures,
    "messages": _messages,
}
