"""The archive inside the sandbox: observations, files and names, all made up from public facts.

In: nothing. Out: `Archive`, and the columns it has. A server in front of it turns its answers into MAST's protocol.
"""

from __future__ import annotations

from .archive import Archive
from .packaged import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS

__all__ = ["COLUMNS_CONFIG", "OBSERVATION_COLUMNS", "PRODUCT_COLUMNS", "Archive"]
