"""Samples as astropy time series, with units and descriptions.

In: samples, and the descriptions of their mnemonics.  Out: a `~astropy.timeseries.TimeSeries`, with a column for each
mnemonic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked

from ..tables.rows import Array
from ..tables.table import now_iso
from .mnemonics import Mnemonic
from .samples import Samples

_DATABASE = "JWST Engineering Database"
_MICROSECONDS_PER_DAY = 86_400_000_000
_JD_OF_1970 = 2_440_587.5
_BLOCK = 1 << 18


@dataclass(frozen=True)
class TelemetryArguments:
    """The arguments of a query, which the result records."""

    arguments: Mapping[str, Any]

    def meta(self, rows: int) -> dict[str, list[Any]]:
        """Return the metadata of a result, in the same form as in other tables of this package."""
        return {"service": [_DATABASE], "request": [json.dumps(self.arguments)], "time": [now_iso()], "rows": [rows]}


def as_time(moments: Array) -> Time:
    """Return times in microseconds as an astropy time without loss of precision."""
    one = Time([_JD_OF_1970], format="jd", scale="utc", precision=6)
    one.format = "isot"
    time = np.broadcast_to(one, (len(moments),), subok=True).copy()
    # In blocks, because the creation of a time takes about twelve arrays of its length.
    for begin in range(0, len(moments), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        days, rest = np.divmod(moments[block].astype(np.int64), _MICROSECONDS_PER_DAY)
        time[block] = Time(days + _JD_OF_1970, rest / _MICROSECONDS_PER_DAY, format="jd", scale="utc")
    return time


def as_series(
    moments: Array,
    columns: Sequence[tuple[Mnemonic, Samples]],
    arguments: TelemetryArguments,
    labels: Mapping[str, Array] | None = None,
) -> TimeSeries:
    """Return samples with the same times as a time series, after columns with labels."""
    made: dict[str, Any] = {name: Column(values) for name, values in (labels or {}).items()}
    made |= {mnemonic.name: _column(mnemonic, samples) for mnemonic, samples in columns}
    # Columns are added one by one, because otherwise the times, gigabytes in a long series, would be copied.
    series = TimeSeries()
    series.meta.update(arguments.meta(len(moments)))
    for name, column in {"time": as_time(moments), **made}.items():
        series.add_column(column, name=name, copy=False)
    return series


def _column(mnemonic: Mnemonic, samples: Samples) -> Any:
    """Return the column of a mnemonic, with its unit and description."""
    values, mask = samples.values, samples.mask
    unit = mnemonic.astropy_unit if values.dtype.kind in "iuf" else None
    column: Any
    if unit is not None:
        column = u.Quantity(values, unit, dtype=values.dtype, copy=False)
        column = column if mask is None else Masked(column, mask=mask)
    else:
        column = Column(values, copy=False) if mask is None else MaskedColumn(values, mask=mask, copy=False)
    column.info.description = mnemonic.description or None
    column.info.meta = {
        "unit": mnemonic.unit,
        "subsystem": mnemonic.subsystem,
        "sqlDataType": ", ".join(samples.types) or mnemonic.type_name,
    }
    return column
