"""A call loads what it needs and no more, and public classes consist of few classes."""

from __future__ import annotations

import subprocess
import sys

import astroquery_mast

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


def test_public_classes_have_few_bases() -> None:
    """A public class is made of at most four classes of this package; the parts that do the work are its members."""
    public = [getattr(astroquery_mast, name) for name in astroquery_mast.__all__]
    for each in public:
        if isinstance(each, type):
            ours = [base.__name__ for base in each.__mro__ if base.__module__.startswith("astroquery_mast")]
            assert len(ours) <= 4, ours
