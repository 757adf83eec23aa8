"""Tables for the tests of their display."""

from __future__ import annotations

import numpy as np
from astropy.table import Column, MaskedColumn

from astroquery_mast import ResultTable


def observations(rows: int = 3) -> ResultTable:
    """Return observations with some of MAST's columns, more than fit on a terminal."""
    return ResultTable(
        {
            "intentType": ["science"] * rows,
            "obs_collection": ["HST"] * rows,
            "instrument_name": ["ACS/WFC"] * rows,
            "filters": ["F435W"] * rows,
            "target_name": ["M51"] * rows,
            "obs_id": [f"j97c0{number:04}" for number in range(rows)],
            "t_min": Column(np.arange(rows) + 53388.5, unit="d"),
            "t_exptime": MaskedColumn(
                np.arange(rows) + 0.1 + 0.2, mask=[number == 1 for number in range(rows)], unit="s"
            ),
            "s_region": ["POLYGON ICRS " + "202.123456 47.123456 " * 20] * rows,
            "jpegURL": ["mast:HST/product/j97c01010_drc.jpg"] * rows,
            "obsid": [str(24000000 + number) for number in range(rows)],
        },
        meta={"service": ["Mast.Caom.Filtered"]},
    )
