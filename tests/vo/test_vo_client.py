"""The ready-made client of the Virtual Observatory."""

from __future__ import annotations

import subprocess
import sys

from astroquery_mast import VO, VOClass


def test_a_client_is_ready_made() -> None:
    """There is one to use, of the class of which others can be made."""
    assert type(VO) is VOClass


def test_the_other_clients_are_loaded_without_it() -> None:
    """Whoever asks for observations does not wait for the modules of the Virtual Observatory."""
    code = "import sys; from astroquery_mast import Observations; print([m for m in sys.modules if '_mast.vo' in m])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[]"
