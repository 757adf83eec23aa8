"""The examples in the docstrings of clients run on the sandbox."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from astroquery_mast import (
    EngineeringClass,
    JwstFilesClass,
    MastMissionsClass,
    ObservationsClass,
    ProgramsClass,
    ResultTable,
    VOClass,
)
from astroquery_mast.deferred import FreshAttribute
from astroquery_mast.downloads.methods import DownloadMethods
from astroquery_mast.observations.criteria_methods import CriteriaMethods
from astroquery_mast.observations.hlsp_methods import HlspMethods
from astroquery_mast.observations.member_methods import MemberMethods
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.vo.position_methods import PositionMethods

CLASSES: list[tuple[type, str]] = [
    (DownloadMethods, "JwstFiles"),
    (EngineeringClass, "Engineering"),
    (JwstFilesClass, "JwstFiles"),
    (HlspMethods, "Observations"),
    (CriteriaMethods, "Observations"),
    (MemberMethods, "Observations"),
    (PositionMethods, "VO"),
    (ProgramsClass, "Programs"),
    (ResultTable, "ResultTable"),
    (VOClass, "VO"),
]
# Methods of classes whose other methods have no examples.
METHODS = [
    (getattr(cls, method), f"{name}.{method}")
    for cls, name in ((ObservationsClass, "Observations"), (MastMissionsClass, "MastMissions"))
    for method in ("open_product", "read_product")
]
# Methods that have their description, with examples, where all clients have them from.
SHARED = set(vars(DownloadMethods))
PLACES = [*CLASSES, *METHODS]
EXAMPLES = [test for place, name in PLACES for test in doctest.DocTestFinder().find(place, name) if test.examples]
# Attributes that are made on demand are none in which doctest looks.
EXAMPLES += [
    test
    for cls, name in CLASSES
    for member, value in vars(cls).items()
    if isinstance(value, FreshAttribute)
    for test in doctest.DocTestFinder().find(value.__wrapped__, f"{name}.{member}")
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(
    mast_sandbox: Sandbox, example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints what it says; files go to a folder of its own."""
    del mast_sandbox
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    failed, tried = runner.run(example, out=said.append)
    assert tried > 0
    assert not failed, "".join(said)


@pytest.mark.parametrize(("cls", "name"), CLASSES, ids=str)
def test_each_method_has_an_example(cls: type, name: str) -> None:
    """No public method goes without."""
    own = {f"{name}.{method}" for method in vars(cls) if not method.startswith("_") and method not in SHARED}
    assert own <= {test.name for test in EXAMPLES}
