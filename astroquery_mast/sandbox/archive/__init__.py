"""The holdings of the sandbox: observations, files, and target names, synthesized from public facts."""

from __future__ import annotations

from ..packaged import COLUMNS_CONFIG, OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from .archive import Archive

__all__ = ["COLUMNS_CONFIG", "OBSERVATION_COLUMNS", "PRODUCT_COLUMNS", "Archive"]
