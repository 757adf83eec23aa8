"""Warnings name the line of the user, so that Python shows them for each query."""

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
    """Find nothing."""
    return Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)


def one_number() -> object:
    """Ask a continuous column for one value."""
    return Observations.query_criteria_count(t_min=50000.0)


def unknown_name() -> object:
    """Name an object that nobody knows beside one that is known."""
    return Observations.resolve_object(["M51", "no such object"])


def too_many() -> object:
    """Ask a mission for fewer rows than there are."""
    return MastMissions.query_region("202.47 47.2", limit=1)


def no_sector() -> object:
    """Ask for cutouts where there are none, by a method that takes old arguments."""
    return Tesscut.get_sectors(coordinates="0 0")


def no_survey() -> object:
    """Ask for surveys where there are none."""
    return Zcut.get_surveys(coordinates=NOWHERE)


def no_such_version() -> object:
    """Ask for a version of a catalog that does not exist."""
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
    """Whatever lies between, decorators and generators among it, the line is one of the user's own code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        call()
    own = [each for each in caught if issubclass(each.category, category)]
    assert len(own) == 1
    assert own[0].filename == __file__


def test_equal_queries_of_two_lines_warn_twice(mast_sandbox: Sandbox) -> None:
    """A query that finds nothing says so, even if an earlier one has found nothing, too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)
        Observations.query_criteria(obs_collection="NOWHERE", calib_level=3)
    assert [each.category for each in caught] == [NoResultsWarning] * 2
    assert caught[0].lineno + 1 == caught[1].lineno
    assert {each.filename for each in caught} == {__file__}


def test_all_warnings_are_given_in_one_place() -> None:
    """No module but `astroquery_mast.warn` warns by itself, because it would name a line of this package."""
    for path in sorted(ROOT.rglob("*.py")):
        if path == ROOT / "warn.py" or "sandbox" in path.relative_to(ROOT).parts:
            continue
        attributes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
        called = {ast.unparse(attribute) for attribute in attributes}
        assert not {"warnings.warn", "warnings.warn_explicit"} & called, path
