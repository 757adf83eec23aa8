"""What a call does not need it does not touch: seen from the modules that are loaded, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from astropy.coordinates import SkyCoord
from astroquery_mast import Observations
from astroquery_mast.sandbox import Sandbox

def loaded(*names):
    return [name for name in names if f"astroquery_mast.{name}" in sys.modules]

MANY = ("targets.targets", "targets.ask", "targets.crossmatch", "observations.many", "observations.neighbors")
here, near = SkyCoord(202.47, 47.2, unit="deg"), SkyCoord(202.48, 47.2, unit="deg")
with Sandbox():
    assert len(Observations.query_region(here, radius=0.1))
    assert Observations.query_criteria_count(obs_collection="GALEX")
    assert not loaded(*MANY), loaded(*MANY)
    assert len(Observations.query_region([here, near], radius=0.1, merge_nearby=False))
    assert loaded("observations.many", "observations.neighbors") == ["observations.many"]
    assert len(Observations.query_region([here, near], radius=0.1))
    assert loaded("observations.neighbors")
"""


def test_one_target_loads_nothing_for_many() -> None:
    """What many targets need is loaded for many targets, and what neighbors need where they may share a request."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
