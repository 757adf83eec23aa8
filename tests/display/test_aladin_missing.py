"""Footprints in Aladin Lite, without ipyaladin."""

from __future__ import annotations

import sys

import pytest
from astropy.table import Table

from astroquery_mast.display import to_aladin
from astroquery_mast.exceptions import InvalidArgumentError


def test_a_missing_ipyaladin_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, "ipyaladin", None)
    with pytest.raises(
        InvalidArgumentError, match=r"needs ipyaladin. Install it with: pip install 'astroquery_mast\[aladin\]'"
    ):
        to_aladin(Table({"s_region": ["CIRCLE 10 20 1"]}))
