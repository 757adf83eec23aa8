"""The archive inside the sandbox: observations, files and names, all made up from public facts."""

from __future__ import annotations

from ..packaged import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from .archive import Archive

__all__ = ["COLUMNS_CONFIG", "OBSERVATION_COLUMNS", "PRODUCT_COLUMNS", "Archive"]
