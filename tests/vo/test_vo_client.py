"""The default client of the Virtual Observatory."""

from __future__ import annotations

import subprocess
import sys

from astroquery_mast import VO, VOClass


def test_there_is_a_default_client() -> None:
    """The default client is an instance of the public class."""
    assert type(VO) is VOClass


def test_other_clients_do_not_import_vo() -> None:
    """The import of Observations does not load the modules of the Virtual Observatory."""
    code = "import sys; from astroquery_mast import Observations; print([m for m in sys.modules if '_mast.vo' in m])"
    process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert process.stdout.strip() == "[]"
