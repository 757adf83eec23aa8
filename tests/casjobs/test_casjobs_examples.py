"""The examples in the docstrings of `CasJobs` run on the sandbox."""

from __future__ import annotations

import doctest

import pytest

from astroquery_mast import CasJobsClass

EXAMPLES = [test for test in doctest.DocTestFinder().find(CasJobsClass, "CasJobs") if test.examples]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda test: test.name)
def test_the_example_of_a_method_runs(casjobs: CasJobsClass, example: doctest.DocTest) -> None:
    """It prints what it says; somebody is logged in."""
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE).run(
        example, out=said.append
    )
    assert tried > 0
    assert not failed, "".join(said)


def test_each_method_has_an_example() -> None:
    """No public method goes without."""
    own = {f"CasJobs.{name}" for name in vars(CasJobsClass) if not name.startswith("_")}
    assert {test.name for test in EXAMPLES} == own
