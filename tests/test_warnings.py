"""Warnings are attributed to the user's line, so that Python shows them for each query."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from astroquery_mast import Catalogs, MastMissions, Observations, Tesscut, Zcut
from astroquery_mast.exceptions import InputWarning, MaxResultsWarning, NoResultsWarning
from astroquery_mast.sandbox import Sandbox

NOWHERE = "10 -89"
ROOT = Path(str(resources.files("astroquery_mast")))


def no_observations() -> object:
    """Send a query without results."""
    return Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)


def one_number() -> object:
    """Query a continuous column with one value."""
    return Observations.query_criteria_count(t_min=50000.0)


def unknown_name() -> object:
    """Resolve an unknown name along with a known one."""
    return Observations.resolve_object(["M51", "no such object"])


def too_many() -> object:
    """Query a mission with a limit below the number of rows."""
    return MastMissions.query_region("202.47 47.2", limit=1)


def no_sector() -> object:
    """Request cutouts at a position without data, by a method that accepts deprecated arguments."""
    return Tesscut.get_sectors(coordinates="0 0")


def no_survey() -> object:
    """Request surveys at a position without data."""
    return Zcut.get_surveys(coordinates=NOWHERE)


def no_such_version() -> object:
    """Query a version of a catalog that does not exist."""
    return Catalogs.query_region(NOWHERE, catalog="Gaia", version=77, get_query_payload=True)


CALLS = [
    (no_observations, NoResultsWarning),
    (one_number, InputWarning),
    (unknown_name, InputWarning),
    (too_many, MaxResultsWarning),
    (no_sector, NoResultsWarning),
    (no_survey, NoResultsWarning),
    (no_such_version, InputWarning),
]


@pytest.mark.parametrize(("call", "category"), CALLS, ids=[call.__name__ for call, _ in CALLS])
def test_a_warning_names_the_users_file(
    mast_sandbox: Sandbox, call: Callable[[], object], category: type[Warning]
) -> None:
    """The line is in the user's code, even if decorators and generators are in between."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        call()
    own = [each for each in caught if issubclass(each.category, category)]
    assert len(own) == 1
    assert own[0].filename == __file__


def test_equal_queries_in_two_lines_warn_twice(mast_sandbox: Sandbox) -> None:
    """A query without results warns, even if an earlier one already did."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)
        Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)
    assert [each.category for each in caught] == [NoResultsWarning] * 2
    assert caught[0].lineno + 1 == caught[1].lineno
    assert {each.filename for each in caught} == {__file__}


def test_all_warnings_are_issued_in_one_place() -> None:
    """Only `astroquery_mast.warn` issues warnings: other modules would attribute them to a line of this package."""
    for path in sorted(ROOT.rglob("*.py")):
        if path == ROOT / "warn.py" or "sandbox" in path.relative_to(ROOT).parts:
            continue
        attributes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
        called = {ast.unparse(attribute) for attribute in attributes}
        assert not {"warnings.warn", "warnings.warn_explicit"} & called, path
