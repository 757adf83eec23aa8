"""Spectra without specutils."""

from __future__ import annotations

import sys

import pytest

from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.readers import read_spectrum


def test_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without specutils, the error is raised before any request."""
    monkeypatch.setitem(sys.modules, "specutils", None)
    with pytest.raises(InvalidQueryError, match=r"pip install 'astroquery_mast\[spectra\]'"):
        read_spectrum("mast:HST/product/o4dd05060_x1d.fits")
